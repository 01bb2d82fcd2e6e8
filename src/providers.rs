//! What is known of the brokers that users bring, as data: host names, and for some codes what that
//! provider demands. To add one, add a row. From the vendors' documentation, with years where a
//! number may have moved.

use crate::code::Code;
use crate::config::Config;

struct Provider {
    /// Host names: a leading dot stands for anything before it.
    hosts: &'static [&'static str],
    advice: &'static [(&'static [Code], &'static str)],
}

const PROVIDERS: &[Provider] = &[
    Provider {
        hosts: &[".hivemq.cloud"],
        advice: &[
            (
                &[Code::DnsNotFound],
                "HiveMQ Cloud: copy the host from the cluster's overview page; a deleted or stopped cluster loses its name",
            ),
            (
                &[Code::TcpTimeout, Code::TcpRefused],
                "HiveMQ Cloud takes MQTT over TLS on port 8883 and WebSocket on 8884",
            ),
            (
                &[Code::TlsNoSni, Code::TlsClosed, Code::TlsUnrecognisedName],
                "HiveMQ Cloud serves all clusters on shared addresses and demands SNI: `host` must be the cluster's full name",
            ),
            (
                &[
                    Code::MqttNotAuthorized,
                    Code::MqttBadCredentials,
                    Code::MqttClosed,
                ],
                "HiveMQ Cloud always demands a user name and password, made under Access Management; without SNI it answers \"not authorized\" too",
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
                &[Code::PublishTooLarge],
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
                &[Code::TcpTimeout, Code::TcpRefused],
                "EMQX Cloud Serverless takes MQTT over TLS on port 8883 and WebSocket on 8084; it has no port without TLS",
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
                "EMQX Cloud: look at Access Control > Authorization; Serverless allows 10 subscriptions a client and messages of 1 MB",
            ),
        ],
    },
    Provider {
        hosts: &[".amazonaws.com", ".amazonaws.com.cn"],
        advice: &[
            (
                &[Code::DnsNotFound],
                "AWS IoT Core: `aws iot describe-endpoint --endpoint-type iot:Data-ATS` prints the right host",
            ),
            (
                &[Code::TcpTimeout, Code::TcpRefused],
                "AWS IoT Core takes MQTT on port 8883, and on 443 with `alpn = x-amzn-mqtt-ca`",
            ),
            (
                &[Code::TlsUnknownIssuer, Code::TlsMissingIntermediate],
                "AWS IoT Core: use the endpoint with `-ats` in its name; the older one has a CA that modern systems lack",
            ),
            (
                &[Code::TlsNoSni, Code::TlsClosed],
                "AWS IoT Core demands SNI: `host` must be the endpoint's full name",
            ),
            (
                &[Code::TlsClientCertRequired, Code::TlsClientCertRejected],
                "AWS IoT Core knows devices by client certificate: `cert_file` and `key_file` are the files of the thing that you created",
            ),
            (
                &[Code::TlsAlpn],
                "AWS IoT Core on port 443 needs `alpn = x-amzn-mqtt-ca`",
            ),
            (
                &[Code::MqttClosed, Code::MqttNotAuthorized, Code::MqttRefused],
                "AWS IoT Core closes the connection at CONNECT if the certificate is not active, has no policy, or its policy does not allow `iot:Connect` for this client id",
            ),
            (
                &[Code::MqttClientIdRejected],
                "AWS IoT Core takes client ids of at most 128 bytes",
            ),
            (
                &[Code::SubscribeDenied, Code::SubscribeClosed],
                "AWS IoT Core: the policy needs `iot:Subscribe` on `topicfilter/…`; a topic has at most 7 slashes and 256 bytes",
            ),
            (
                &[Code::PublishClosed, Code::PublishTimeout],
                "AWS IoT Core: the policy needs `iot:Publish` on `topic/…`; QoS 2 is never acknowledged, messages have at most 128 KB",
            ),
            (
                &[Code::ReceiveTimeout, Code::ReceiveClosed],
                "AWS IoT Core: the policy needs `iot:Receive` on `topic/…` besides `iot:Subscribe`",
            ),
            (
                &[Code::MqttTakenOver],
                "AWS IoT Core allows one CONNECT a second for each client id",
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
                "test.mosquitto.org: port 8886 has a Let's Encrypt certificate that every system trusts; 8883 and 8884 have the server's own CA and a version 1 certificate, which rustls refuses (2024)",
            ),
            (
                &[Code::TlsExpired],
                "test.mosquitto.org: the certificate on port 8887 is expired on purpose; take port 8886",
            ),
            (
                &[Code::TlsClientCertRequired, Code::TlsClientCertRejected],
                "test.mosquitto.org: port 8884 demands a client certificate, made at test.mosquitto.org/ssl; port 8886 is open",
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
                Code::MqttNotAuthorized,
                Code::MqttBadCredentials,
            ],
            "this public broker is open: port 8883 with TLS, 1883 without, no user name",
        )],
    },
];

/// What the provider of this host demands, where it bears on `code`.
pub fn help(config: &Config, code: Code) -> impl Iterator<Item = String> {
    let host = config.host.to_ascii_lowercase();
    PROVIDERS
        .iter()
        .filter(move |provider| provider.hosts.iter().any(|known| is(&host, known)))
        .flat_map(|provider| provider.advice)
        .filter(move |(codes, _)| codes.contains(&code))
        .map(|(_, text)| (*text).to_owned())
}

fn is(host: &str, known: &str) -> bool {
    if known.starts_with('.') {
        host.ends_with(known)
    } else {
        host == known
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_known_by_its_own_name_or_its_domain() {
        assert!(is("abc.s1.eu.hivemq.cloud", ".hivemq.cloud"));
        assert!(!is("hivemq.cloud.example", ".hivemq.cloud"));
        assert!(is("test.mosquitto.org", "test.mosquitto.org"));
        assert!(!is("not-test.mosquitto.org", "test.mosquitto.org"));
    }
}
