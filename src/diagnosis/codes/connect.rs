//! The codes of a CONNECT that gets no CONNACK, or a connection that does not stand after it. A CONNACK
//! that refuses is `connack`'s.

use std::time::Duration;

use crate::config::{Config, Key, Protocol, Transport};
use crate::diagnosis::code::Kind;
use crate::diagnosis::codes::connack::{self, LOG, client_id, user};
use crate::diagnosis::session::when;
use crate::diagnosis::{Code, Diagnosis, origin, providers, reason};
use crate::failure::{Command, LinkError, MqttError, Probe, ProbeEnd, Reason, Stage, TlsCause};
use crate::util::text;

/// The codes of this layer, in the order of `mqtt-test explain`.
pub(crate) static CODES: &[&Code] = &[
    &IS_TLS,
    &IS_WEBSOCKET,
    &NOT_MQTT,
    &CLOSED,
    &TIMEOUT,
    &TAKEN_OVER,
];

const PROXY: &str = "if a proxy or a load balancer stands before the broker, the PROXY protocol must be on at both ends or at neither";

/// Where to look further. A cloud's log and its proxies are its provider's.
pub(crate) fn log_and_proxy(config: &Config) -> impl Iterator<Item = String> {
    let own = !providers::is_known(config);
    let both = own.then(|| [LOG.to_owned(), PROXY.to_owned()]);
    both.into_iter().flatten()
}

/// What the second connection is said to have been answered with.
const ACCEPTED: &str = "a second connection was answered with a CONNACK that accepts";

/// Whether an answer is a whole CONNACK with the code 0, in the form of MQTT 3.1.1 §3.2 or of MQTT 5 §3.2.
fn accepts(answer: &[u8]) -> bool {
    matches!(answer, [0x20, length @ 2..=0x7f, 0 | 1, 0, ..] if answer.len() >= 2 + usize::from(*length))
}

/// No CONNACK came that lets us in.
pub(crate) fn diagnose(fault: &MqttError, link: &LinkError, config: &Config) -> Diagnosis {
    match link {
        LinkError::Refused(reason) => return connack::refused(reason, fault, config),
        LinkError::Auth(reason) => return connack::wants_auth(reason, config),
        LinkError::ConnackOf3_1_1 => return connack::answered_in_3_1_1(),
        _ => {}
    }
    let first = fault
        .probe
        .as_ref()
        .map_or(&[][..], |look| look.bytes.as_slice());
    if let Some(status) = fault.probe.as_ref().and_then(|probe| probe.websocket) {
        return is_websocket(status, config);
    }
    let plain = config.transport == Transport::Plain;
    // A TLS alert in the clear (RFC 8446 §5.1: type 21, major version 3).
    if plain && matches!(first, [0x15, 3, ..]) {
        return is_tls(first, config);
    }
    let is_closed = matches!(link, LinkError::Closed { .. } | LinkError::Io(_));
    if plain && is_closed && first.is_empty() && matches!(config.port, 8883 | 8884 | 8886 | 443) {
        return closes_without_a_word(config);
    }
    if !first.is_empty() && !matches!(first, [0x20] | [0x20, 2, ..]) && !accepts(first) {
        return not_mqtt(fault, link, config, first);
    }
    match link {
        LinkError::TimedOut { .. } => timeout(fault, config),
        LinkError::Undecodable { .. } | LinkError::TooLarge { .. } => {
            not_mqtt(fault, link, config, first)
        }
        _ => closed(fault, link, config),
    }
}

pub(crate) static IS_TLS: Code = Code {
    name: "mqtt-is-tls",
    kind: Kind::Failure {
        stage: Stage::Connect,
        retry: true,
    },
    line: "the port speaks TLS, and `tls = off` is set",
    more: "The broker expects an encrypted connection on this port, and was spoken to in the clear. Nothing that was sent is readable to it, but others on the way can have read it.",
    causes: &["`tls = off`, or `mqtt://` in the URL, together with a TLS port such as 8883"],
    remedies: &[
        "set `tls = on`, or write `mqtts://` in the URL",
        "if a password was sent, change it",
    ],
};

fn is_tls(first: &[u8], config: &Config) -> Diagnosis {
    let (port, host) = (config.port, &config.host);
    Diagnosis::new(
        &IS_TLS,
        format!("port {port} of `{host}` speaks TLS, and `tls = off` is set"),
    )
    .note(format!(
        "its answer to CONNECT is a TLS alert: `{}`",
        text::escape_bytes(first, 16)
    ))
    .help(format!("set `tls = on` ({})", origin(config, Key::Tls)))
}

fn closes_without_a_word(config: &Config) -> Diagnosis {
    let (port, host) = (config.port, &config.host);
    Diagnosis::new(
        &IS_TLS,
        format!("`{host}` closes the connection without a word, and `tls = off` is set"),
    )
    .note(format!("{port} is a port for MQTT over TLS"))
    .help(format!("set `tls = on` ({})", origin(config, Key::Tls)))
}

pub(crate) static IS_WEBSOCKET: Code = Code {
    name: "mqtt-is-websocket",
    kind: Kind::Failure {
        stage: Stage::Connect,
        retry: true,
    },
    line: "the port speaks WebSocket, not MQTT itself",
    more: "Browsers reach a broker through WebSocket, which begins as HTTP; brokers have a port of its own for it, often 8000, 8080, 8083, 8084, 8884 or 9001. Devices, and this program, speak MQTT over TCP or TLS, which is another port of the same broker.",
    causes: &[
        "the port was copied from an example for browsers (`ws://`, `wss://`)",
        "the broker has `protocol websockets` for this listener (mosquitto)",
    ],
    remedies: &[
        "take the broker's port for MQTT: usually 8883 with TLS, 1883 without",
        "on your own mosquitto, add a `listener 8883` without `protocol websockets`",
    ],
};

fn is_websocket(status: u16, config: &Config) -> Diagnosis {
    let port = config.port;
    let (usual, tls) = match config.transport {
        Transport::Tls(_) => (8883, "with"),
        Transport::Plain => (1883, "without"),
    };
    let title = format!(
        "port {port} of `{}` speaks WebSocket, not MQTT itself",
        config.host
    );
    let answer = match status {
        101 => "101 (switching protocols)",
        _ => "426 (upgrade required)",
    };
    Diagnosis::new(&IS_WEBSOCKET, title)
        .note("CONNECT was not answered with MQTT")
        .note(format!(
            "one more connection asked for an upgrade to WebSocket, and was answered HTTP {answer}"
        ))
        .help(format!(
            "set {} to the broker's port for MQTT {tls} TLS, which is usually {usual}",
            origin(config, Key::Port)
        ))
        .help("on your own mosquitto, that is a `listener` without `protocol websockets`")
}

pub(crate) static NOT_MQTT: Code = Code {
    name: "mqtt-not-mqtt",
    kind: Kind::Failure {
        stage: Stage::Connect,
        retry: true,
    },
    line: "what answers on this port does not speak MQTT",
    more: "The connection stands, and the answer to the first MQTT message (CONNECT), or a later message, is something else.",
    causes: &[
        "the port belongs to another service: a web server, SSH, MQTT over WebSocket",
        "a proxy on the way changes the data, or adds a line of its own (the PROXY protocol)",
    ],
    remedies: &[
        "look at the first bytes in the message: `HTTP` is a web server, `SSH` is SSH",
        "check `port`: 8883 is usual with TLS, 1883 without; ports for WebSocket (8080, 8084, 9001) are not for this",
        "let the proxy pass TCP through unchanged",
    ],
};

fn not_mqtt(fault: &MqttError, link: &LinkError, config: &Config, first: &[u8]) -> Diagnosis {
    let mut words = Diagnosis::new(
        &NOT_MQTT,
        format!("what answers on port {} does not speak MQTT", config.port),
    );
    if !first.is_empty() {
        words = words.note(format!(
            "its first bytes: `{}`",
            text::escape_bytes(first, 48)
        ));
    }
    words = match link {
        // Of text that is no MQTT the library's view is a riddle.
        LinkError::Undecodable { words: said } if first.is_empty() => {
            words.note(match fault.protocol {
                Protocol::V5 => said.clone(),
                _ => format!("the MQTT library says: {said}"),
            })
        }
        LinkError::TooLarge { size } => words.note(format!(
            "as MQTT it would announce a packet of {size} bytes"
        )),
        LinkError::TimedOut { .. } => words.note(format!(
            "no CONNACK within {} ({})",
            text::duration(config.timeout),
            origin(config, Key::Timeout)
        )),
        _ => words,
    };
    if let Some(Probe {
        ended: ProbeEnd::Closed,
        ..
    }) = &fault.probe
    {
        words = words.note("then it closed the connection");
    }
    // Only a client sends CONNECT (MQTT 3.1.1 §3.1).
    if first.starts_with(&[0x10]) && first.windows(4).any(|it| it == b"MQTT") {
        words = words.note("that is a CONNECT: it sends back what it is sent");
    }
    if first.starts_with(b"HTTP/") || first.starts_with(b"<") {
        words.note("that is HTTP").help("take the broker's MQTT port: a web server's port, or one for MQTT over WebSocket, does not take MQTT itself")
    } else if first.starts_with(b"SSH-") {
        words
            .note("that is SSH")
            .help("take the broker's MQTT port, usually 8883 with TLS and 1883 without")
    } else {
        words.help(format!("check {}: the broker's MQTT port is usually 8883 with TLS and 1883 without", origin(config, Key::Port)))
            .help("if a proxy stands between, see that it passes TCP through unchanged (mind the PROXY protocol)")
    }
}

/// After CONNACK, bytes that are not MQTT of the version that is spoken.
pub(crate) fn undecodable(fault: &MqttError, said: &str) -> Diagnosis {
    let at = at(fault);
    let (title, note) = match fault.protocol {
        Protocol::V5 => (
            "the broker sent something that is not MQTT 5",
            format!("{at}; {said}"),
        ),
        _ => (
            "the broker sent something that is not MQTT 3.1.1",
            format!("{at}; the MQTT library says: {said}"),
        ),
    };
    Diagnosis::new(&NOT_MQTT, title).note(note).help(
        "update the broker; if a proxy stands between, see that it passes TCP through unchanged",
    )
}

/// After CONNACK, an AUTH: only a client that named a method in its CONNECT may be sent one (MQTT 5 §4.12).
pub(crate) fn unasked_auth(fault: &MqttError, reason: &Reason) -> Diagnosis {
    Diagnosis::new(
        &NOT_MQTT,
        "the broker sent an AUTH, which MQTT 5 does not allow it here",
    )
    .note(format!("{}; {}", at(fault), reason::packet("AUTH", reason)))
    .note("CONNECT named no authentication method")
    .help("update the broker, or ask those who make it")
}

/// When something came.
fn at(fault: &MqttError) -> String {
    let after = text::duration(fault.after);
    match fault.command {
        Command::Check => {
            let stage = fault.operation.stage().name();
            format!("in the stage {stage}, {after} after it began")
        }
        Command::Pub | Command::Sub | Command::Request => format!("it came {}", when(fault)),
    }
}

pub(crate) static CLOSED: Code = Code {
    name: "mqtt-closed",
    kind: Kind::Failure {
        stage: Stage::Connect,
        retry: true,
    },
    line: "the broker closed the connection at CONNECT",
    more: "CONNECT is the first MQTT message, with client id, user name and password. The broker hung up without the answer (CONNACK) that would say why.",
    causes: &[
        "user name or password is wrong or missing: some brokers hang up instead of saying so",
        "AWS IoT Core: the certificate is not active, has no policy, or its policy does not allow this client id",
        "the port is a TLS port, and `tls = off` is set",
        "the broker limits how many clients there are, or how often one comes",
    ],
    remedies: &[
        "check user name, password and client id",
        "read the broker's log, where the reason stands: `journalctl -u mosquitto -e`",
        "with `tls = off`, try `tls = on`",
        "AWS IoT Core: activate the certificate and attach a policy with `iot:Connect`",
    ],
};

const DEMANDS_USER: &str = "if the broker demands a user name, set `username` and a password";
const CHECK_USER: &str =
    "check user name and password: some brokers close the connection instead of naming them wrong";

fn closed(fault: &MqttError, link: &LinkError, config: &Config) -> Diagnosis {
    // It has rows of its own for what its users must set.
    let cloud = providers::is_known(config);
    let how = match link {
        LinkError::Closed { reset: true } => "the connection was reset".to_owned(),
        LinkError::Io(error) => format!("the system says: {error}"),
        LinkError::Tls(TlsCause::Rustls(error)) => format!("the TLS library says: {error}"),
        _ => "the connection was closed".to_owned(),
    };
    let words = Diagnosis::new(
        &CLOSED,
        "the broker closed the connection at CONNECT, without a CONNACK",
    )
    .note(format!(
        "{how} {} after it was begun",
        text::duration(fault.after)
    ));
    let words = match &fault.probe {
        Some(Probe {
            ended: ProbeEnd::Closed,
            ..
        }) => words.note("a second connection with the same CONNECT was closed as well"),
        Some(Probe { bytes, .. }) if accepts(bytes) => words.note(ACCEPTED),
        Some(Probe {
            ended: ProbeEnd::Unreachable(error),
            ..
        }) => words.note(format!("a second connection failed: {error}")),
        _ => words,
    };
    let words = words.note(user(config)).note(client_id(config));
    let elsewhere = "if a device uses this client id elsewhere, leave `client_id` out for one check: then a fresh one is made up";
    match &config.transport {
        Transport::Plain => words
            .help("if this port is a TLS port, set `tls = on`: many servers close without a word")
            .help_if(config.credentials.is_none() && !cloud, DEMANDS_USER)
            .help_if(config.credentials.is_some(), CHECK_USER)
            .help_if(config.is_set(Key::ClientId), elsewhere)
            .helps(log_and_proxy(config)),
        Transport::Tls(tls) => words
            .help_if(tls.client.is_some(), "if the broker knows clients by certificate, see that this one is active and may connect with this client id")
            .help_if(tls.client.is_none() && config.credentials.is_none() && !cloud, DEMANDS_USER)
            .help_if(config.credentials.is_some(), CHECK_USER)
            .help_if(config.is_set(Key::ClientId), elsewhere)
            .helps(log_and_proxy(config))
            .help_if(!tls.alpn.is_empty(), format!("if {} names a protocol that the broker does not use for MQTT, remove it", origin(config, Key::Alpn)))
            .help_if(!tls.sni, format!("{} leaves out the server name; remove it", origin(config, Key::Sni))),
    }
}

pub(crate) static TIMEOUT: Code = Code {
    name: "mqtt-timeout",
    kind: Kind::Failure {
        stage: Stage::Connect,
        retry: true,
    },
    line: "the broker does not answer CONNECT",
    more: "CONNECT is the first MQTT message, and its answer (CONNACK) did not come in time.",
    causes: &[
        "the port is not MQTT's, and its server waits for something else",
        "the port is a TLS port, and `tls = off` is set",
        "the broker is overloaded, or the database of its users is slow",
    ],
    remedies: &[
        "check `port` and `tls`: 8883 is usual with TLS, 1883 without",
        "read the broker's log, and look at its load",
        "give it more time: `--timeout 60s`",
    ],
};

/// The run was nearly over, by `flag`: the wait was shorter than `timeout`.
pub(crate) fn no_time_left(limit: Duration, flag: &str) -> Diagnosis {
    let why = if flag == "--for" {
        "the broker is slow or far away"
    } else {
        "outages may be longer"
    };
    Diagnosis::new(&TIMEOUT, "the connection did not come about in time")
        .note(format!(
            "the name look-up, TCP, TLS if it is on, and CONNACK took longer than {}, all that was left of `{flag}`",
            text::duration(limit)
        ))
        .help(format!("if {why}, raise `{flag}`"))
        .help("run `mqtt-test CONFIG`: it says which of them does not come to its end")
}

fn timeout(fault: &MqttError, config: &Config) -> Diagnosis {
    let words = Diagnosis::new(&TIMEOUT, "the broker does not answer CONNECT").note(format!(
        "no CONNACK within {} ({})",
        text::duration(config.timeout),
        origin(config, Key::Timeout)
    ));
    let words = match &fault.probe {
        Some(Probe { bytes, .. }) if accepts(bytes) => {
            return words
                .note(ACCEPTED)
                .help(format!(
                    "raise `timeout` ({})",
                    origin(config, Key::Timeout)
                ))
                .help("if it comes back, look into the broker's log, and at its load");
        }
        Some(Probe { bytes, .. }) if !bytes.is_empty() => words.note(format!(
            "a second connection was answered with less than a CONNACK: `{}`",
            text::escape_bytes(bytes, 48)
        )),
        Some(Probe {
            ended: ProbeEnd::Silence,
            ..
        }) => words.note("a second connection with the same CONNECT met silence as well"),
        _ => words,
    };
    words
        .help_if(
            config.transport == Transport::Plain,
            "if this port is a TLS port, set `tls = on`: such a server waits for a TLS message",
        )
        .help(format!(
            "check {}: a port that is not MQTT's may accept the connection and wait",
            origin(config, Key::Port)
        ))
        .help("if the broker is overloaded or its user database is slow, raise `timeout`")
        .helps(log_and_proxy(config))
}

/// The standard that is spoken. Many of its sections have one number in both.
pub(crate) fn standard(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::V5 => "MQTT 5",
        Protocol::V3_1_1 | Protocol::Auto => "MQTT 3.1.1",
    }
}

pub(crate) static TAKEN_OVER: Code = Code {
    name: "mqtt-taken-over",
    kind: Kind::Failure {
        stage: Stage::Connect,
        retry: false,
    },
    line: "another client uses the same client id",
    more: "A client id is for one connection at a time. When a second one comes with the same id, the broker closes the first; two such devices throw each other out, again and again.",
    causes: &[
        "a config file with `client_id` was copied to a second device",
        "the device's own program is running while the check uses its id",
    ],
    remedies: &[
        "give each device its own `client_id`",
        "for the check, remove `client_id`: a fresh one is made up each time",
        "or stop the other program meanwhile",
    ],
};

/// In MQTT 5 the broker says so itself.
pub(crate) fn told_of_takeover(fault: &MqttError, reason: &Reason, config: &Config) -> Diagnosis {
    Diagnosis::new(&TAKEN_OVER, "another client uses this client id")
        .note(format!(
            "{} in the stage {}",
            reason::packet("DISCONNECT", reason),
            fault.operation.stage().name()
        ))
        .note(client_id(config))
        .help(reason::help(reason.code, config))
}

pub(crate) fn taken_over(
    fault: &MqttError,
    config: &Config,
    after: String,
    fresh_id_stood: bool,
) -> Diagnosis {
    let said = match fresh_id_stood {
        true => "another client uses this client id",
        false => "the broker closes each connection with this client id soon after it accepts it",
    };
    Diagnosis::new(&TAKEN_OVER, said)
        .note(format!("the broker accepted the connection and closed it in the stage {}", fault.operation.stage().name()))
        .note(format!("one more connection, which sent nothing but CONNECT, was closed {after} after its CONNACK"))
        .notes(fresh_id_stood.then(|| "so were three more, each while one with a fresh client id stood".to_owned()))
        .note(format!("client id: `{}` ({})", config.client_id, origin(config, Key::ClientId)))
        .help(format!("{}a broker closes the older connection of two with one client id ({} §3.1.4): give each device its own, or stop the other one", if fresh_id_stood { "" } else { "if another client uses it too: " }, standard(fault.protocol)))
        .help_if(!fresh_id_stood, format!("to see whether it is that, remove {} for one check: then a fresh id is made up", origin(config, Key::ClientId)))
        .help_if(!fresh_id_stood, "if it happens with a fresh id too, the broker closes every connection: look into its log, where the reason stands")
}
