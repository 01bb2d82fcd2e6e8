//! The brokers that users bring, as data: host names, and for some codes what that provider demands.
//! To add one, add a row. From the vendors' documentation, with years where a number may have moved.

use crate::config::{CheckScope, Config, Message, Qos, Transport};
use crate::diagnosis::Code;
use crate::diagnosis::codes::publish::is_json;
use crate::diagnosis::codes::{
    certificate, client_certificate, connack, connect, issuer, net, publish, receive, subscribe,
    tls,
};

/// Whether a configuration has something otherwise.
type Applies = fn(&Config) -> bool;

pub(super) struct Provider {
    /// Host names: a leading dot stands for anything before it, a `*` for anything in its place.
    pub(super) hosts: &'static [&'static str],
    /// What to say with these codes: a thought a line, and whose it is.
    pub(super) advice: &'static [(&'static [&'static Code], &'static str)],
    /// The same where the configuration is not as that provider wants it. These lines come first.
    pub(super) only_if: &'static [(Applies, &'static [&'static Code], &'static str)],
}

/// Codes that come of one thing: who logs in.
const LOGIN: &[&Code] = &[
    &connack::NOT_AUTHORIZED,
    &connack::BAD_CREDENTIALS,
    &connect::CLOSED,
];
/// The topic, and what is done on it.
const TOPIC: &[&Code] = &[
    &subscribe::DENIED,
    &subscribe::CLOSED,
    &publish::CLOSED,
    &receive::TIMEOUT,
];
/// That a check subscribes to what it publishes.
const ECHO: &[&Code] = &[&subscribe::DENIED, &subscribe::CLOSED, &receive::TIMEOUT];
const PORT: &[&Code] = &[&net::TCP_TIMEOUT, &net::TCP_REFUSED, &connect::NOT_MQTT];
const ROOT: &[&Code] = &[&issuer::UNKNOWN_ISSUER, &issuer::MISSING_INTERMEDIATE];
/// The server name (SNI).
const NAME: &[&Code] = &[&tls::NO_SNI, &tls::CLOSED, &tls::UNRECOGNISED_NAME];

pub(super) static PROVIDERS: &[Provider] = &[
    Provider {
        hosts: &[".hivemq.cloud"],
        advice: &[
            (
                &[&net::DNS_NOT_FOUND],
                "HiveMQ Cloud: copy the host from the cluster's overview page; a free cluster that was stopped or deleted loses its name",
            ),
            (
                PORT,
                "HiveMQ Cloud takes MQTT over TLS on port 8883; port 8884 is for WebSocket",
            ),
            (
                NAME,
                "HiveMQ Cloud serves all clusters on shared addresses and demands SNI: `host` must be the cluster's full name",
            ),
            (
                ROOT,
                "HiveMQ Cloud's certificates come from Let's Encrypt (ISRG Root X1), which every system store has: no `ca_file` is needed",
            ),
            (
                LOGIN,
                "HiveMQ Cloud always demands a user name and password, made under Access Management",
            ),
            (
                &[&connack::SERVER_UNAVAILABLE, &connack::REFUSED],
                "HiveMQ Cloud Serverless allows 100 connections, and 10 GB a month",
            ),
            (
                TOPIC,
                "HiveMQ Cloud: the credential's permission must allow both publish and subscribe on this topic",
            ),
            (
                &[&publish::CLOSED],
                "HiveMQ Cloud Serverless takes messages of at most 5 MB (2021)",
            ),
        ],
        only_if: &[(
            sends_no_sni,
            &[&connack::NOT_AUTHORIZED, &connect::CLOSED],
            "no server name (SNI) was sent: without it HiveMQ Cloud answers \"not authorized\", or closes; remove `sni = off`",
        )],
    },
    Provider {
        hosts: &[".emqxsl.com", ".emqx.cloud", ".emqxsl.cn"],
        advice: &[
            (
                &[&net::DNS_NOT_FOUND],
                "EMQX Cloud Serverless stops a cluster that was idle for 30 days, and it loses its name: start it again in the console",
            ),
            (
                PORT,
                "EMQX Cloud Serverless takes MQTT over TLS on port 8883; port 8084 is for WebSocket",
            ),
            (
                NAME,
                "EMQX Cloud Serverless refuses the handshake without SNI: `host` must be the deployment's full name",
            ),
            (
                ROOT,
                "EMQX Cloud offers its CA certificate for download on the deployment's overview page: set `ca_file` to it",
            ),
            (
                LOGIN,
                "EMQX Cloud always demands a user name and password, made under Access Control > Authentication",
            ),
            (
                &[&connack::CLIENT_ID_REJECTED],
                "EMQX Cloud Serverless has limited the client id to 23 characters (a newer page says 1024)",
            ),
            (
                TOPIC,
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
        only_if: &[],
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
                ROOT,
                "AWS IoT Core: use the endpoint with `-ats` in its name; the older one has a CA that modern systems lack",
            ),
            (
                NAME,
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
        only_if: &[],
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
        only_if: &[],
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
        only_if: &[],
    },
    Provider {
        // Its documentation, 2023: "Communicate with an IoT hub using the MQTT protocol".
        hosts: &[".azure-devices.net"],
        advice: &[
            (
                &[&net::DNS_NOT_FOUND],
                "Azure IoT Hub: compare `host` with the Hostname on the hub's overview page, and see whether the hub still exists",
            ),
            (
                PORT,
                "Azure IoT Hub takes MQTT over TLS on port 8883; port 443 is for WebSocket",
            ),
            (
                ROOT,
                "Azure IoT Hub's certificates come from DigiCert Global Root G2 (2023), which current system stores have",
            ),
            (
                LOGIN,
                "Azure IoT Hub: if the password is a SAS token, see that its end (`se=`, in Unix seconds) has not passed",
            ),
            (
                &[
                    &connect::TAKEN_OVER,
                    &subscribe::CLOSED,
                    &publish::CLOSED,
                    &receive::CLOSED,
                ],
                "Azure IoT Hub allows a device one connection: if it connects meanwhile, the older one is dropped",
            ),
            (
                &[&publish::CLOSED],
                "Azure IoT Hub takes messages of at most 256 KB (2023), and keeps no retained ones",
            ),
        ],
        only_if: &[
            (
                |config| azure_device(config).is_none(),
                LOGIN,
                "Azure IoT Hub: set `username = HUB.azure-devices.net/DEVICE/?api-version=2021-04-12`, with your hub and device",
            ),
            (
                |config| azure_device(config) != Some(config.client_id.as_str()),
                &[
                    &connack::NOT_AUTHORIZED,
                    &connack::BAD_CREDENTIALS,
                    &connack::CLIENT_ID_REJECTED,
                    &connect::CLOSED,
                ],
                "Azure IoT Hub: set `client_id` to the device id, the same that stands in `username`",
            ),
            (
                has_no_secret,
                LOGIN,
                "Azure IoT Hub: the password is a SAS token (`az iot hub generate-sas-token`); or set `cert_file` and `key_file`",
            ),
            (
                |config| !config.topic.starts_with("devices/"),
                &[&publish::CLOSED],
                "Azure IoT Hub takes its own topics alone: set `topic = devices/DEVICE/messages/events/`",
            ),
            (
                awaits_its_own,
                ECHO,
                "Azure IoT Hub sends no device its own messages: set `check = publish`, and `topic = devices/DEVICE/messages/events/`",
            ),
            (
                |config| !config.topic.starts_with("devices/"),
                &[&subscribe::DENIED, &subscribe::CLOSED],
                "Azure IoT Hub: a device gets messages on `devices/DEVICE/messages/devicebound/#`",
            ),
        ],
    },
    Provider {
        // Its documentation of the MQTT API, and MqttTransportHandler.java; undated, read in 2026.
        hosts: &[
            "thingsboard.cloud",
            ".thingsboard.cloud",
            "demo.thingsboard.io",
        ],
        advice: &[
            (
                &[&net::DNS_NOT_FOUND],
                "ThingsBoard Cloud takes MQTT at `mqtt.thingsboard.cloud`, and in Europe at `mqtt.eu.thingsboard.cloud`",
            ),
            (
                &[&connack::NOT_AUTHORIZED, &connack::BAD_CREDENTIALS],
                "ThingsBoard: `username` is the device's access token, without a password, unless the device has other credentials",
            ),
        ],
        only_if: &[
            (
                is_no_json,
                &[&publish::CLOSED],
                "ThingsBoard closes the connection at a payload that is not JSON: give it some, such as `{\"test\": 1}`",
            ),
            (
                awaits_its_own,
                ECHO,
                "ThingsBoard sends no device its own messages: set `check = publish`, `topic = v1/devices/me/telemetry`, `message = {\"test\": 1}`",
            ),
            (
                asks_for_qos_2,
                &[&publish::CLOSED, &publish::TIMEOUT],
                "ThingsBoard supports QoS 0 and 1: set `qos = 1`",
            ),
        ],
    },
    Provider {
        // RabbitMQ or LavinMQ. Their documentation of MQTT, and CloudAMQP's examples; undated, read in 2026.
        hosts: &[".cloudamqp.com"],
        advice: &[
            (
                &[&net::DNS_NOT_FOUND],
                "CloudAMQP: compare `host` with the instance's overview page, and see whether the instance still exists",
            ),
            (
                LOGIN,
                "CloudAMQP: the instance's overview page shows user name and password under MQTT Details",
            ),
        ],
        only_if: &[(
            |config| !user(config).contains(':'),
            LOGIN,
            "CloudAMQP: set `username = VHOST:USER`, with the virtual host before the colon",
        )],
    },
    Provider {
        // Its documentation, "MQTT Server"; undated, read in 2026.
        hosts: &[".cloud.thethings.network", ".cloud.thethings.industries"],
        advice: &[
            (
                &[&net::DNS_NOT_FOUND],
                "The Things Stack: compare `host` with the address in its console, in the application's Integrations > MQTT",
            ),
            (
                LOGIN,
                "The Things Stack: the password is an API key of the application, made under Integrations > MQTT",
            ),
        ],
        only_if: &[
            (
                |config| !user(config).contains('@'),
                LOGIN,
                "The Things Stack: set `username = APPLICATION@TENANT`; the tenant of The Things Network is `ttn`",
            ),
            (
                |config| !config.topic.starts_with("v3/") && config.topic != "#",
                TOPIC,
                "The Things Stack: devices' messages are on `v3/APPLICATION@TENANT/devices/DEVICE/up`, published by the server",
            ),
            (
                awaits_its_own,
                TOPIC,
                "The Things Stack: to see whether a device's messages can be read, set `check = subscribe`",
            ),
            (
                |config| config.qos != Qos::AtMostOnce,
                &[&publish::CLOSED, &publish::TIMEOUT],
                "The Things Stack supports QoS 0 alone: set `qos = 0`",
            ),
        ],
    },
    Provider {
        // Its documentation, "Adafruit IO MQTT API"; undated, read in 2026.
        hosts: &["io.adafruit.com"],
        advice: &[
            (
                PORT,
                "Adafruit IO takes MQTT over TLS on port 8883, without TLS on 1883; port 443 is for WebSocket",
            ),
            (
                LOGIN,
                "Adafruit IO: `username` is the account's name, and the password the Adafruit IO key (the key symbol on its pages)",
            ),
            (
                &[
                    &connack::SERVER_UNAVAILABLE,
                    &connack::REFUSED,
                    &connect::CLOSED,
                    &publish::CLOSED,
                ],
                "Adafruit IO bans for a time: over 20 connections a minute, or often over 30 values a minute (60 with Plus, 2026)",
            ),
            (
                TOPIC,
                "Adafruit IO shows on io.adafruit.com/monitor what it has refused, and why",
            ),
        ],
        only_if: &[
            (
                |config| !config.topic.contains('/') || !config.topic.starts_with(user(config)),
                &[
                    &subscribe::DENIED,
                    &subscribe::CLOSED,
                    &publish::CLOSED,
                    &publish::TIMEOUT,
                    &receive::TIMEOUT,
                ],
                "Adafruit IO: the topics of a user are `USER/feeds/NAME` and the like, with the own user name: set `topic` to one",
            ),
            (
                asks_for_qos_2,
                &[&publish::CLOSED, &publish::TIMEOUT],
                "Adafruit IO has no QoS 2: set `qos = 1`",
            ),
        ],
    },
];

/// Brokers at home, which have names that are usual and no cloud's.
pub(super) static AT_HOME: &[Provider] = &[Provider {
    // The documentation of the app (add-on) "Mosquitto broker"; undated, read in 2026.
    hosts: &["homeassistant.local", "homeassistant", "core-mosquitto"],
    advice: &[],
    only_if: &[
        (
            |config| user(config).is_empty(),
            &[&connack::NOT_AUTHORIZED, &connack::BAD_CREDENTIALS],
            "if it is Home Assistant's Mosquitto: make a user under Settings > People > Users; `allow_anonymous` has no effect there",
        ),
        (
            |config| !user(config).is_empty(),
            &[&connack::NOT_AUTHORIZED, &connack::BAD_CREDENTIALS],
            "if it is Home Assistant's Mosquitto: its users are those of Home Assistant, under Settings > People > Users",
        ),
        (
            |config| ["homeassistant", "addons"].contains(&user(config)),
            &[&connack::NOT_AUTHORIZED, &connack::BAD_CREDENTIALS],
            "Home Assistant keeps the user names `homeassistant` and `addons` for itself: make another user",
        ),
        (
            has_tls,
            &[&net::TCP_REFUSED, &net::TCP_TIMEOUT, &tls::NOT_TLS],
            "Home Assistant's Mosquitto has TLS, on port 8883, only once `certfile` and `keyfile` are set; port 1883 is without",
        ),
        (
            |config| config.host.eq_ignore_ascii_case("core-mosquitto"),
            &[&net::DNS_NOT_FOUND, &net::DNS_UNAVAILABLE],
            "`core-mosquitto` is a name inside Home Assistant alone: elsewhere take Home Assistant's own name or address",
        ),
    ],
}];

// What a configuration may have otherwise than a provider wants it.

fn user(config: &Config) -> &str {
    let credentials = config.credentials.as_ref();
    credentials.map_or("", |it| it.username.as_str())
}

fn sends_no_sni(config: &Config) -> bool {
    matches!(&config.transport, Transport::Tls(tls) if !tls.sni)
}

fn has_tls(config: &Config) -> bool {
    matches!(config.transport, Transport::Tls(_))
}

/// The device, or device and module, that a user name of Azure IoT Hub names.
fn azure_device(config: &Config) -> Option<&str> {
    let (_, rest) = user(config).split_once('/')?;
    Some(rest.split_once("/?api-version=")?.0)
}

fn has_no_secret(config: &Config) -> bool {
    let password = config
        .credentials
        .as_ref()
        .is_some_and(|it| it.password.is_some());
    let certificate = matches!(&config.transport, Transport::Tls(tls) if tls.client.is_some());
    !password && !certificate
}

fn awaits_its_own(config: &Config) -> bool {
    config.check == CheckScope::Echo
}

fn is_no_json(config: &Config) -> bool {
    !matches!(&config.message, Message::Own(own) if is_json(own))
}

fn asks_for_qos_2(config: &Config) -> bool {
    config.qos == Qos::ExactlyOnce
}
