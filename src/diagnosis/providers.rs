//! What is known of the brokers that users bring, as data: host names, and for some codes what that
//! provider demands. To add one, add a row. From the vendors' documentation, with years where a
//! number may have moved.

use crate::config::Config;
use crate::diagnosis::Code;
use crate::diagnosis::codes::{
    certificate, client_certificate, connack, connect, issuer, net, publish, receive, subscribe,
    tls,
};

struct Provider {
    /// Host names: a leading dot stands for anything before it, a `*` for anything in its place.
    hosts: &'static [&'static str],
    /// What to say with these codes: a thought a line, and whose it is.
    advice: &'static [(&'static [&'static Code], &'static str)],
}

static PROVIDERS: &[Provider] = &[
    Provider {
        hosts: &[".hivemq.cloud"],
        advice: &[
            (
                &[&net::DNS_NOT_FOUND],
                "HiveMQ Cloud: copy the host from the cluster's overview page; a free cluster that was stopped or deleted loses its name",
            ),
            (
                &[&net::TCP_TIMEOUT, &net::TCP_REFUSED, &connect::NOT_MQTT],
                "HiveMQ Cloud takes MQTT over TLS on port 8883; port 8884 is for WebSocket",
            ),
            (
                &[&tls::NO_SNI, &tls::CLOSED, &tls::UNRECOGNISED_NAME],
                "HiveMQ Cloud serves all clusters on shared addresses and demands SNI: `host` must be the cluster's full name",
            ),
            (
                &[&issuer::UNKNOWN_ISSUER, &issuer::MISSING_INTERMEDIATE],
                "HiveMQ Cloud's certificates come from Let's Encrypt (ISRG Root X1), which every system store has: no `ca_file` is needed",
            ),
            (
                &[
                    &connack::NOT_AUTHORIZED,
                    &connack::BAD_CREDENTIALS,
                    &connect::CLOSED,
                ],
                "HiveMQ Cloud always demands a user name and password, made under Access Management",
            ),
            (
                &[&connack::NOT_AUTHORIZED, &connect::CLOSED],
                "if `sni = off` is set, remove it: without SNI HiveMQ Cloud answers \"not authorized\", or closes",
            ),
            (
                &[&connack::SERVER_UNAVAILABLE, &connack::REFUSED],
                "HiveMQ Cloud Serverless allows 100 connections, and 10 GB a month",
            ),
            (
                &[
                    &subscribe::DENIED,
                    &subscribe::CLOSED,
                    &publish::CLOSED,
                    &receive::TIMEOUT,
                ],
                "HiveMQ Cloud: the credential's permission must allow both publish and subscribe on this topic",
            ),
            (
                &[&publish::CLOSED],
                "HiveMQ Cloud Serverless takes messages of at most 5 MB (2021)",
            ),
        ],
    },
    Provider {
        hosts: &[".emqxsl.com", ".emqx.cloud", ".emqxsl.cn"],
        advice: &[
            (
                &[&net::DNS_NOT_FOUND],
                "EMQX Cloud Serverless stops a cluster that was idle for 30 days, and it loses its name: start it again in the console",
            ),
            (
                &[&net::TCP_TIMEOUT, &net::TCP_REFUSED, &connect::NOT_MQTT],
                "EMQX Cloud Serverless takes MQTT over TLS on port 8883; port 8084 is for WebSocket",
            ),
            (
                &[&tls::NO_SNI, &tls::CLOSED, &tls::UNRECOGNISED_NAME],
                "EMQX Cloud Serverless refuses the handshake without SNI: `host` must be the deployment's full name",
            ),
            (
                &[&issuer::UNKNOWN_ISSUER, &issuer::MISSING_INTERMEDIATE],
                "EMQX Cloud offers its CA certificate for download on the deployment's overview page: set `ca_file` to it",
            ),
            (
                &[
                    &connack::NOT_AUTHORIZED,
                    &connack::BAD_CREDENTIALS,
                    &connect::CLOSED,
                ],
                "EMQX Cloud always demands a user name and password, made under Access Control > Authentication",
            ),
            (
                &[&connack::CLIENT_ID_REJECTED],
                "EMQX Cloud Serverless has limited the client id to 23 characters (a newer page says 1024)",
            ),
            (
                &[
                    &subscribe::DENIED,
                    &subscribe::CLOSED,
                    &publish::CLOSED,
                    &receive::TIMEOUT,
                ],
                "EMQX Cloud: see that Access Control > Authorization allows this user both on this topic",
            ),
            (
                &[&subscribe::DENIED, &subscribe::CLOSED],
                "EMQX Cloud Serverless allows 10 subscriptions a client",
            ),
            (
                &[&publish::CLOSED, &receive::TIMEOUT],
                "EMQX Cloud Serverless takes messages of at most 1 MB, and 10 of them a second from a client",
            ),
        ],
    },
    Provider {
        // `…-ats.iot.eu-west-1.amazonaws.com`, and not a machine that is rented there.
        hosts: &[".iot*.amazonaws.com", ".iot*.amazonaws.com.cn"],
        advice: &[
            (
                &[&net::DNS_NOT_FOUND],
                "AWS IoT Core: `aws iot describe-endpoint --endpoint-type iot:Data-ATS` prints the right host",
            ),
            (
                &[&net::TCP_TIMEOUT, &net::TCP_REFUSED],
                "AWS IoT Core takes MQTT on port 8883, and also on 443: `port = 443` with `alpn = x-amzn-mqtt-ca`",
            ),
            (
                &[&issuer::UNKNOWN_ISSUER, &issuer::MISSING_INTERMEDIATE],
                "AWS IoT Core: use the endpoint with `-ats` in its name; the older one has a CA that modern systems lack",
            ),
            (
                &[&tls::NO_SNI, &tls::CLOSED, &tls::UNRECOGNISED_NAME],
                "AWS IoT Core demands SNI (2022): `host` must be the endpoint's full name",
            ),
            (
                &[
                    &client_certificate::REQUIRED,
                    &client_certificate::REJECTED,
                    &connack::NOT_AUTHORIZED,
                ],
                "AWS IoT Core knows devices by client certificate: `cert_file` and `key_file` are the files of the thing that you created",
            ),
            (
                &[&tls::ALPN],
                "AWS IoT Core on port 443 needs `alpn = x-amzn-mqtt-ca`, and on 8883 none",
            ),
            (
                &[
                    &connect::CLOSED,
                    &connack::NOT_AUTHORIZED,
                    &connack::REFUSED,
                ],
                "AWS IoT Core lets any client certificate pass TLS and closes at CONNECT if it is not active or has no policy",
            ),
            (
                &[
                    &connect::CLOSED,
                    &connack::NOT_AUTHORIZED,
                    &connack::REFUSED,
                    &connack::CLIENT_ID_REJECTED,
                ],
                "AWS IoT Core: the policy needs `iot:Connect` on `client/…` for this very client id, of at most 128 bytes",
            ),
            (
                &[&connect::CLOSED],
                "AWS IoT Core takes a `keep_alive` from 30s to 1200s",
            ),
            (
                &[&connect::CLOSED, &connect::TAKEN_OVER],
                "AWS IoT Core allows one CONNECT a second for each client id",
            ),
            (
                &[&subscribe::DENIED, &subscribe::CLOSED],
                "AWS IoT Core: the policy needs `iot:Subscribe` on `topicfilter/…`, where `a/#` does not cover `a`",
            ),
            (
                &[&publish::CLOSED, &publish::TIMEOUT],
                "AWS IoT Core: the policy needs `iot:Publish` on `topic/…`",
            ),
            (
                &[&subscribe::DENIED, &subscribe::CLOSED, &publish::CLOSED],
                "AWS IoT Core takes topics of at most 256 bytes and 7 slashes, and 8 filters in a SUBSCRIBE",
            ),
            (
                &[&publish::CLOSED, &publish::TIMEOUT],
                "AWS IoT Core takes messages of at most 128 KB, and acknowledges no QoS 2",
            ),
            (
                &[&receive::TIMEOUT, &receive::CLOSED],
                "AWS IoT Core: the policy needs `iot:Receive` on `topic/…` besides `iot:Subscribe`",
            ),
        ],
    },
    Provider {
        hosts: &["test.mosquitto.org"],
        advice: &[
            (
                &[
                    &issuer::UNKNOWN_ISSUER,
                    &issuer::SELF_SIGNED,
                    &certificate::V1_CERTIFICATE,
                    &issuer::CA_AS_LEAF,
                ],
                "test.mosquitto.org has a Let's Encrypt certificate, which every system trusts, on port 8886",
            ),
            (
                &[
                    &issuer::UNKNOWN_ISSUER,
                    &issuer::SELF_SIGNED,
                    &certificate::V1_CERTIFICATE,
                ],
                "test.mosquitto.org: ports 8883 and 8884 have the server's own CA and a version 1 certificate, which rustls refuses (2024)",
            ),
            (
                &[&certificate::EXPIRED, &certificate::CLOCK_WRONG],
                "test.mosquitto.org: the certificate on port 8887 is expired on purpose; take port 8886",
            ),
            (
                &[&client_certificate::REQUIRED, &client_certificate::REJECTED],
                "test.mosquitto.org: port 8884 demands a client certificate, made at test.mosquitto.org/ssl; port 8886 is open",
            ),
            (
                &[&tls::NOT_TLS],
                "test.mosquitto.org: port 1883 is without TLS; take port 8886",
            ),
            (
                &[&connack::NOT_AUTHORIZED, &connack::BAD_CREDENTIALS],
                "test.mosquitto.org: port 8885 demands a user name and password; port 8886 is open",
            ),
            (
                &[
                    &net::TCP_REFUSED,
                    &net::TCP_TIMEOUT,
                    &connect::CLOSED,
                    &connect::TIMEOUT,
                    &connack::SERVER_UNAVAILABLE,
                    &receive::CLOSED,
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
                &net::TCP_REFUSED,
                &net::TCP_TIMEOUT,
                &tls::NOT_TLS,
                &connect::IS_TLS,
                &connack::NOT_AUTHORIZED,
                &connack::BAD_CREDENTIALS,
            ],
            "this public broker is open: port 8883 with TLS, 1883 without, no user name",
        )],
    },
];

/// Whether this host is one of a provider that is known here.
pub(crate) fn is_known(config: &Config) -> bool {
    of(&config.host).next().is_some()
}

/// Where `host` takes MQTT, for one who was given its WebSocket: with TLS or without, the port, and why.
pub(crate) fn mqtt_port(host: &str, tls: bool) -> (bool, u16, String) {
    let known = of(host).next();
    // A cloud that gives each user a name takes it over TLS.
    let tls = tls || known.is_some_and(|it| it.hosts.iter().any(|host| host.starts_with('.')));
    let port = match tls {
        // There every system trusts the certificate.
        true if host.eq_ignore_ascii_case("test.mosquitto.org") => 8886,
        true => 8883,
        false => 1883,
    };
    let how = if tls { "over TLS" } else { "without TLS" };
    let usually = match known {
        Some(_) => "on this port there",
        None => "usually on this port",
    };
    (tls, port, format!("MQTT {how} is {usually}"))
}

fn of(host: &str) -> impl Iterator<Item = &'static Provider> {
    let host = host.to_ascii_lowercase();
    PROVIDERS
        .iter()
        .filter(move |provider| provider.hosts.iter().any(|known| is(&host, known)))
}

/// What the provider of this host demands, where it bears on `code`.
pub(crate) fn help(config: &Config, code: &Code) -> impl Iterator<Item = String> {
    of(&config.host)
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
    fn check(host: &str, code: &Code, parts: &[&str]) {
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
        check(hivemq, &net::DNS_NOT_FOUND, &["overview page"]);
        check(hivemq, &tls::NO_SNI, &["demands SNI"]);
        check(hivemq, &connack::NOT_AUTHORIZED, &["password", "SNI"]);
        check(hivemq, &publish::CLOSED, &["5 MB (2021)"]);
        check(hivemq, &certificate::EXPIRED, &[]);
        let emqx = "X1.ala.eu-central-1.EMQXSL.com";
        check(emqx, &net::DNS_NOT_FOUND, &["30 days"]);
        check(emqx, &subscribe::CLOSED, &["10 subscriptions"]);
        check(emqx, &connack::CLIENT_ID_REJECTED, &["23"]);
        let aws = "a1-ats.iot.eu-west-1.amazonaws.com";
        check(aws, &net::TCP_TIMEOUT, &["443", "x-amzn-mqtt-ca"]);
        check(aws, &connect::CLOSED, &["policy", "30s to 1200s", "128"]);
        check(aws, &subscribe::CLOSED, &["topicfilter/", "7 slashes"]);
        check(aws, &publish::CLOSED, &["128 KB", "iot:Publish"]);
        check(aws, &receive::TIMEOUT, &["iot:Receive"]);
        let mosquitto = "test.mosquitto.org";
        check(mosquitto, &certificate::V1_CERTIFICATE, &["8886", "(2024)"]);
        check(mosquitto, &certificate::EXPIRED, &["on purpose"]);
        check(
            "broker.emqx.io",
            &connack::NOT_AUTHORIZED,
            &["no user name"],
        );
        check("broker.example", &connack::NOT_AUTHORIZED, &[]);
    }

    #[test]
    fn the_port_for_mqtt_beside_websocket() {
        let check = |host, tls, expected: (bool, u16)| {
            let (tls, port, _) = mqtt_port(host, tls);
            assert_eq!((tls, port), expected, "{host}");
        };
        check("abc.s1.eu.hivemq.cloud", true, (true, 8883));
        check("abc.s1.eu.hivemq.cloud", false, (true, 8883));
        check("a1-ats.iot.eu-west-1.amazonaws.com", true, (true, 8883));
        check("broker.emqx.io", false, (false, 1883));
        check("test.mosquitto.org", true, (true, 8886));
        check("test.mosquitto.org", false, (false, 1883));
        check("broker.example", true, (true, 8883));
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
