//! What is known of the brokers that users bring, as data: host names, and for some codes what that
//! provider demands. To add one, add a row. From the vendors' documentation, with years where a
//! number may have moved.

use crate::config::Config;
use crate::diagnosis::code::Code;

struct Provider {
    /// Host names: a leading dot stands for anything before it, a `*` for anything in its place.
    hosts: &'static [&'static str],
    /// What to say with these codes: a thought a line, and whose it is.
    advice: &'static [(&'static [Code], &'static str)],
}

const PROVIDERS: &[Provider] = &[
    Provider {
        hosts: &[".hivemq.cloud"],
        advice: &[
            (
                &[Code::DnsNotFound],
                "HiveMQ Cloud: copy the host from the cluster's overview page; a free cluster that was stopped or deleted loses its name",
            ),
            (
                &[Code::TcpTimeout, Code::TcpRefused, Code::MqttNotMqtt],
                "HiveMQ Cloud takes MQTT over TLS on port 8883; port 8884 is for WebSocket",
            ),
            (
                &[Code::TlsNoSni, Code::TlsClosed, Code::TlsUnrecognisedName],
                "HiveMQ Cloud serves all clusters on shared addresses and demands SNI: `host` must be the cluster's full name",
            ),
            (
                &[Code::TlsUnknownIssuer, Code::TlsMissingIntermediate],
                "HiveMQ Cloud's certificates come from Let's Encrypt (ISRG Root X1), which every system store has: no `ca_file` is needed",
            ),
            (
                &[
                    Code::MqttNotAuthorized,
                    Code::MqttBadCredentials,
                    Code::MqttClosed,
                ],
                "HiveMQ Cloud always demands a user name and password, made under Access Management",
            ),
            (
                &[Code::MqttNotAuthorized, Code::MqttClosed],
                "if `sni = off` is set, remove it: without SNI HiveMQ Cloud answers \"not authorized\", or closes",
            ),
            (
                &[Code::MqttServerUnavailable, Code::MqttRefused],
                "HiveMQ Cloud Serverless allows 100 connections, and 10 GB a month",
            ),
            (
                &[
                    Code::SubscribeDenied,
                    Code::SubscribeClosed,
                    Code::PublishClosed,
                    Code::ReceiveTimeout,
                ],
                "HiveMQ Cloud: the credential's permission must allow both publish and subscribe on this topic",
            ),
            (
                &[Code::PublishClosed],
                "HiveMQ Cloud Serverless takes messages of at most 5 MB (2021)",
            ),
        ],
    },
    Provider {
        hosts: &[".emqxsl.com", ".emqx.cloud", ".emqxsl.cn"],
        advice: &[
            (
                &[Code::DnsNotFound],
                "EMQX Cloud Serverless stops a cluster that was idle for 30 days, and it loses its name: start it again in the console",
            ),
            (
                &[Code::TcpTimeout, Code::TcpRefused, Code::MqttNotMqtt],
                "EMQX Cloud Serverless takes MQTT over TLS on port 8883; port 8084 is for WebSocket",
            ),
            (
                &[Code::TlsNoSni, Code::TlsClosed, Code::TlsUnrecognisedName],
                "EMQX Cloud Serverless refuses the handshake without SNI: `host` must be the deployment's full name",
            ),
            (
                &[Code::TlsUnknownIssuer, Code::TlsMissingIntermediate],
                "EMQX Cloud offers its CA certificate for download on the deployment's overview page: set `ca_file` to it",
            ),
            (
                &[
                    Code::MqttNotAuthorized,
                    Code::MqttBadCredentials,
                    Code::MqttClosed,
                ],
                "EMQX Cloud always demands a user name and password, made under Access Control > Authentication",
            ),
            (
                &[Code::MqttClientIdRejected],
                "EMQX Cloud Serverless has limited the client id to 23 characters (a newer page says 1024)",
            ),
            (
                &[
                    Code::SubscribeDenied,
                    Code::SubscribeClosed,
                    Code::PublishClosed,
                    Code::ReceiveTimeout,
                ],
                "EMQX Cloud: see that Access Control > Authorization allows this user both on this topic",
            ),
            (
                &[Code::SubscribeDenied, Code::SubscribeClosed],
                "EMQX Cloud Serverless allows 10 subscriptions a client",
            ),
            (
                &[Code::PublishClosed, Code::ReceiveTimeout],
                "EMQX Cloud Serverless takes messages of at most 1 MB, and 10 of them a second from a client",
            ),
        ],
    },
    Provider {
        // `…-ats.iot.eu-west-1.amazonaws.com`, and not a machine that is rented there.
        hosts: &[".iot*.amazonaws.com", ".iot*.amazonaws.com.cn"],
        advice: &[
            (
                &[Code::DnsNotFound],
                "AWS IoT Core: `aws iot describe-endpoint --endpoint-type iot:Data-ATS` prints the right host",
            ),
            (
                &[Code::TcpTimeout, Code::TcpRefused],
                "AWS IoT Core takes MQTT on port 8883, and also on 443: `port = 443` with `alpn = x-amzn-mqtt-ca`",
            ),
            (
                &[Code::TlsUnknownIssuer, Code::TlsMissingIntermediate],
                "AWS IoT Core: use the endpoint with `-ats` in its name; the older one has a CA that modern systems lack",
            ),
            (
                &[Code::TlsNoSni, Code::TlsClosed, Code::TlsUnrecognisedName],
                "AWS IoT Core demands SNI (2022): `host` must be the endpoint's full name",
            ),
            (
                &[
                    Code::TlsClientCertRequired,
                    Code::TlsClientCertRejected,
                    Code::MqttNotAuthorized,
                ],
                "AWS IoT Core knows devices by client certificate: `cert_file` and `key_file` are the files of the thing that you created",
            ),
            (
                &[Code::TlsAlpn],
                "AWS IoT Core on port 443 needs `alpn = x-amzn-mqtt-ca`, and on 8883 none",
            ),
            (
                &[Code::MqttClosed, Code::MqttNotAuthorized, Code::MqttRefused],
                "AWS IoT Core lets any client certificate pass TLS and closes at CONNECT if it is not active or has no policy",
            ),
            (
                &[
                    Code::MqttClosed,
                    Code::MqttNotAuthorized,
                    Code::MqttRefused,
                    Code::MqttClientIdRejected,
                ],
                "AWS IoT Core: the policy needs `iot:Connect` on `client/…` for this very client id, of at most 128 bytes",
            ),
            (
                &[Code::MqttClosed],
                "AWS IoT Core takes a `keep_alive` from 30s to 1200s",
            ),
            (
                &[Code::MqttClosed, Code::MqttTakenOver],
                "AWS IoT Core allows one CONNECT a second for each client id",
            ),
            (
                &[Code::SubscribeDenied, Code::SubscribeClosed],
                "AWS IoT Core: the policy needs `iot:Subscribe` on `topicfilter/…`, where `a/#` does not cover `a`",
            ),
            (
                &[Code::PublishClosed, Code::PublishTimeout],
                "AWS IoT Core: the policy needs `iot:Publish` on `topic/…`",
            ),
            (
                &[
                    Code::SubscribeDenied,
                    Code::SubscribeClosed,
                    Code::PublishClosed,
                ],
                "AWS IoT Core takes topics of at most 256 bytes and 7 slashes, and 8 filters in a SUBSCRIBE",
            ),
            (
                &[Code::PublishClosed, Code::PublishTimeout],
                "AWS IoT Core takes messages of at most 128 KB, and acknowledges no QoS 2",
            ),
            (
                &[Code::ReceiveTimeout, Code::ReceiveClosed],
                "AWS IoT Core: the policy needs `iot:Receive` on `topic/…` besides `iot:Subscribe`",
            ),
        ],
    },
    Provider {
        hosts: &["test.mosquitto.org"],
        advice: &[
            (
                &[
                    Code::TlsUnknownIssuer,
                    Code::TlsSelfSigned,
                    Code::TlsV1Certificate,
                    Code::TlsCaAsLeaf,
                ],
                "test.mosquitto.org has a Let's Encrypt certificate, which every system trusts, on port 8886",
            ),
            (
                &[
                    Code::TlsUnknownIssuer,
                    Code::TlsSelfSigned,
                    Code::TlsV1Certificate,
                ],
                "test.mosquitto.org: ports 8883 and 8884 have the server's own CA and a version 1 certificate, which rustls refuses (2024)",
            ),
            (
                &[Code::TlsExpired, Code::TlsClockWrong],
                "test.mosquitto.org: the certificate on port 8887 is expired on purpose; take port 8886",
            ),
            (
                &[Code::TlsClientCertRequired, Code::TlsClientCertRejected],
                "test.mosquitto.org: port 8884 demands a client certificate, made at test.mosquitto.org/ssl; port 8886 is open",
            ),
            (
                &[Code::TlsNotTls],
                "test.mosquitto.org: port 1883 is without TLS; take port 8886",
            ),
            (
                &[Code::MqttNotAuthorized, Code::MqttBadCredentials],
                "test.mosquitto.org: port 8885 demands a user name and password; port 8886 is open",
            ),
            (
                &[
                    Code::TcpRefused,
                    Code::TcpTimeout,
                    Code::MqttClosed,
                    Code::MqttTimeout,
                    Code::MqttServerUnavailable,
                    Code::ReceiveClosed,
                ],
                "test.mosquitto.org runs experimental code and restarts now and then: try again in a minute",
            ),
        ],
    },
    Provider {
        hosts: &[
            "broker.hivemq.com",
            "broker.emqx.io",
            "mqtt.eclipseprojects.io",
        ],
        advice: &[(
            &[
                Code::TcpRefused,
                Code::TcpTimeout,
                Code::TlsNotTls,
                Code::MqttIsTls,
                Code::MqttNotAuthorized,
                Code::MqttBadCredentials,
            ],
            "this public broker is open: port 8883 with TLS, 1883 without, no user name",
        )],
    },
];

/// Whether this host is one of a provider that is known here.
pub(crate) fn is_known(config: &Config) -> bool {
    of(config).next().is_some()
}

fn of(config: &Config) -> impl Iterator<Item = &'static Provider> {
    let host = config.host.to_ascii_lowercase();
    PROVIDERS
        .iter()
        .filter(move |provider| provider.hosts.iter().any(|known| is(&host, known)))
}

/// What the provider of this host demands, where it bears on `code`.
pub(crate) fn help(config: &Config, code: Code) -> impl Iterator<Item = String> {
    of(config)
        .flat_map(|provider| provider.advice)
        .filter(move |(codes, _)| codes.contains(&code))
        .map(|(_, text)| (*text).to_owned())
}

fn is(host: &str, known: &str) -> bool {
    match known.split_once('*') {
        Some((middle, end)) => host
            .strip_suffix(end)
            .is_some_and(|start| start.contains(middle)),
        None if known.starts_with('.') => host.ends_with(known),
        None => host == known,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::testing::good;

    #[test]
    fn a_host_is_known_by_its_own_name_or_its_domain() {
        assert!(is("abc.s1.eu.hivemq.cloud", ".hivemq.cloud"));
        assert!(!is("hivemq.cloud.example", ".hivemq.cloud"));
        assert!(is("test.mosquitto.org", "test.mosquitto.org"));
        assert!(!is("not-test.mosquitto.org", "test.mosquitto.org"));
        let aws = ".iot*.amazonaws.com";
        assert!(is("a1-ats.iot.eu-west-1.amazonaws.com", aws));
        assert!(is("data.iot-fips.us-east-1.amazonaws.com", aws));
        assert!(!is("ec2-1-2-3-4.eu-west-1.compute.amazonaws.com", aws));
        assert!(!is("a1.iot.eu-west-1.amazonaws.com.example", aws));
    }

    /// The advice for `host` and `code` holds all of these, and where there are none, there is none.
    #[track_caller]
    fn check(host: &str, code: Code, parts: &[&str]) {
        let config = Config {
            host: host.to_owned(),
            ..good("")
        };
        let lines: Vec<String> = help(&config, code).collect();
        assert_eq!(lines.is_empty(), parts.is_empty(), "{lines:#?}");
        let all = lines.join("\n");
        for part in parts {
            assert!(all.contains(part), "no `{part}` in {all}");
        }
    }

    #[test]
    fn every_provider_says_what_it_demands() {
        let hivemq = "abc.s1.eu.hivemq.cloud";
        check(hivemq, Code::DnsNotFound, &["overview page"]);
        check(hivemq, Code::TlsNoSni, &["demands SNI"]);
        check(hivemq, Code::MqttNotAuthorized, &["password", "SNI"]);
        check(hivemq, Code::PublishClosed, &["5 MB (2021)"]);
        check(hivemq, Code::TlsExpired, &[]);
        let emqx = "X1.ala.eu-central-1.EMQXSL.com";
        check(emqx, Code::DnsNotFound, &["30 days"]);
        check(emqx, Code::SubscribeClosed, &["10 subscriptions"]);
        check(emqx, Code::MqttClientIdRejected, &["23"]);
        let aws = "a1-ats.iot.eu-west-1.amazonaws.com";
        check(aws, Code::TcpTimeout, &["443", "x-amzn-mqtt-ca"]);
        check(aws, Code::MqttClosed, &["policy", "30s to 1200s", "128"]);
        check(aws, Code::SubscribeClosed, &["topicfilter/", "7 slashes"]);
        check(aws, Code::PublishClosed, &["128 KB", "iot:Publish"]);
        check(aws, Code::ReceiveTimeout, &["iot:Receive"]);
        let mosquitto = "test.mosquitto.org";
        check(mosquitto, Code::TlsV1Certificate, &["8886", "(2024)"]);
        check(mosquitto, Code::TlsExpired, &["on purpose"]);
        check("broker.emqx.io", Code::MqttNotAuthorized, &["no user name"]);
        check("broker.example", Code::MqttNotAuthorized, &[]);
    }

    #[test]
    fn no_line_says_the_same_twice_or_too_much() {
        let advice = PROVIDERS.iter().flat_map(|provider| provider.advice);
        let mut seen = BTreeSet::new();
        for (codes, text) in advice {
            assert!(!codes.is_empty() && seen.insert(text), "{text}");
            assert!(text.len() <= 140, "{} bytes: {text}", text.len());
        }
    }
}
