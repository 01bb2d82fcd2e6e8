//! The codes of CONNECT and its answer, CONNACK.

use crate::config::{Config, Transport};
use crate::diagnosis::code::Kind;
use crate::diagnosis::{Code, Diagnosis, origin};
use crate::failure::{LinkError, MqttError, Probe, ProbeEnd, Stage, TlsCause};
use crate::util::text;

/// The codes of this layer, in the order of `mqtt-test explain`.
pub(crate) static CODES: &[&Code] = &[
    &IS_TLS,
    &NOT_MQTT,
    &CLOSED,
    &TIMEOUT,
    &BAD_CREDENTIALS,
    &NOT_AUTHORIZED,
    &CLIENT_ID_REJECTED,
    &SERVER_UNAVAILABLE,
    &VERSION,
    &REFUSED,
    &TAKEN_OVER,
];

/// No CONNACK came that lets us in.
pub(crate) fn diagnose(fault: &MqttError, link: &LinkError, config: &Config) -> Diagnosis {
    if let LinkError::Refused { code } = link {
        return refused(*code, fault, config);
    }
    let first = fault
        .probe
        .as_ref()
        .map_or(&[][..], |look| look.bytes.as_slice());
    let plain = config.transport == Transport::Plain;
    // A TLS alert in the clear (RFC 8446 §5.1: type 21, major version 3).
    if plain && matches!(first, [0x15, 3, ..]) {
        return is_tls(first, config);
    }
    let is_closed = matches!(link, LinkError::Closed { .. } | LinkError::Io(_));
    if plain && is_closed && first.is_empty() && matches!(config.port, 8883 | 8884 | 8886 | 443) {
        return closes_without_a_word(config);
    }
    if !first.is_empty() && !matches!(first, [0x20] | [0x20, 2, ..]) {
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

/// A CONNACK with `code`, of MQTT 3.1.1 §3.2.2.3 or, as some brokers answer everyone, of MQTT 5.
fn refused(code: u8, fault: &MqttError, config: &Config) -> Diagnosis {
    match code {
        1 | 0x84 => version(code),
        2 | 0x85 => client_id_rejected(code, config),
        3 | 0x88 | 0x89 => server_unavailable(code),
        4 | 0x86 => bad_credentials(code, fault, config),
        5 | 7 | 0x87 => not_authorized(code, fault, config),
        _ => refused_otherwise(code, config),
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
    .help(format!("set `tls = on` ({})", origin(config, "tls")))
}

fn closes_without_a_word(config: &Config) -> Diagnosis {
    let (port, host) = (config.port, &config.host);
    Diagnosis::new(
        &IS_TLS,
        format!("`{host}` closes the connection without a word, and `tls = off` is set"),
    )
    .note(format!("{port} is a port for MQTT over TLS"))
    .help(format!("set `tls = on` ({})", origin(config, "tls")))
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
            words.note(format!("the MQTT library says: {said}"))
        }
        LinkError::TooLarge { size } => words.note(format!(
            "as MQTT it would announce a packet of {size} bytes"
        )),
        LinkError::TimedOut { .. } => words.note(format!(
            "no CONNACK within {} ({})",
            text::duration(config.timeout),
            origin(config, "timeout")
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
    if first.starts_with(b"HTTP/") || first.starts_with(b"<") {
        words.note("that is HTTP").help("take the broker's MQTT port: a web server's port, or one for MQTT over WebSocket, does not take MQTT itself")
    } else if first.starts_with(b"SSH-") {
        words
            .note("that is SSH")
            .help("take the broker's MQTT port, usually 8883 with TLS and 1883 without")
    } else {
        words.help(format!("check {}: the broker's MQTT port is usually 8883 with TLS and 1883 without", origin(config, "port")))
            .help("if a proxy stands between, see that it passes TCP through unchanged (mind the PROXY protocol)")
    }
}

/// After CONNACK, bytes that are not MQTT 3.1.1.
pub(crate) fn undecodable(fault: &MqttError, said: &str) -> Diagnosis {
    let after = text::duration(fault.after);
    Diagnosis::new(
        &NOT_MQTT,
        "the broker sent something that is not MQTT 3.1.1",
    )
    .note(format!(
        "in the stage {}, {after} after it began; the MQTT library says: {said}",
        fault.stage.name()
    ))
    .help("update the broker; if a proxy stands between, see that it passes TCP through unchanged")
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

fn closed(fault: &MqttError, link: &LinkError, config: &Config) -> Diagnosis {
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
        Some(Probe {
            ended: ProbeEnd::Unreachable(error),
            ..
        }) => words.note(format!("a second connection failed: {error}")),
        _ => words,
    };
    let words = words
        .note(user(config))
        .note(format!("client id: `{}`", config.client_id));
    match &config.transport {
        Transport::Plain => words
            .help("if this port is a TLS port, set `tls = on`: many servers close without a word")
            .help("if the broker demands a user name, set `username` and a password"),
        Transport::Tls(tls) => words
            .help_if(tls.client.is_some(), "if the broker knows clients by certificate, see that this one is active and may connect with this client id")
            .help_if(tls.client.is_none() || config.credentials.is_some(), "check user name and password: some brokers close the connection instead of naming them wrong")
            .help("look into the broker's log, where the reason stands")
            .help_if(!tls.alpn.is_empty(), format!("if {} names a protocol that the broker does not use for MQTT, remove it", origin(config, "alpn")))
            .help_if(!tls.sni, format!("{} leaves out the server name; remove it", origin(config, "sni"))),
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

pub(crate) fn timeout(fault: &MqttError, config: &Config) -> Diagnosis {
    let words = Diagnosis::new(&TIMEOUT, "the broker does not answer CONNECT").note(format!(
        "no CONNACK within {} ({})",
        text::duration(config.timeout),
        origin(config, "timeout")
    ));
    let words = match &fault.probe {
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
        .help_if(config.transport == Transport::Plain, "if this port is a TLS port, set `tls = on`: such a server waits for a TLS message")
        .help(format!("check {}: a port that is not MQTT's may accept the connection and wait", origin(config, "port")))
        .help("if the broker is overloaded or its user database is slow, raise `timeout`, and look into its log")
}

pub(crate) static BAD_CREDENTIALS: Code = Code {
    name: "mqtt-bad-credentials",
    kind: Kind::Failure {
        stage: Stage::Connect,
        retry: false,
    },
    line: "user name or password is wrong",
    more: "The broker answered that it does not accept the two (CONNACK 4).",
    causes: &[
        "a slip in the user name or the password",
        "a space or a line end at the end of the password",
        "the login of the cloud's web console was taken: devices have credentials of their own",
        "the account was made on another broker or cluster",
    ],
    remedies: &[
        "type both once more; make new credentials in the broker's console (access management)",
        "keep the password free of shells and quotes: `password_file = password.txt`",
        "on your own mosquitto: `mosquitto_passwd FILE USER`, then `systemctl reload mosquitto`",
    ],
};

fn bad_credentials(code: u8, fault: &MqttError, config: &Config) -> Diagnosis {
    let diagnosis = Diagnosis::new(
        &BAD_CREDENTIALS,
        "the broker does not accept this user name and password",
    )
    .note(connack(code, "bad user name or password"));
    credentials(diagnosis, fault, config)
        .help("check `username` and the password")
        .help("if the broker is a cloud's, make them in its console, under access management: they are not those of the console's own login")
}

pub(crate) static NOT_AUTHORIZED: Code = Code {
    name: "mqtt-not-authorized",
    kind: Kind::Failure {
        stage: Stage::Connect,
        retry: false,
    },
    line: "the broker does not let this user connect",
    more: "The broker answered: not authorized (CONNACK 5). Some brokers, mosquitto among them, also give this answer for a wrong password.",
    causes: &[
        "no user name is set, and the broker lets nobody in without one",
        "user name or password is wrong",
        "the user may not connect with this client id, or from this address",
        "`sni = off` with a cloud that finds the account by the server name",
    ],
    remedies: &[
        "set `username`, and a password by `password_file` or `password_env`",
        "if they are set, check both",
        "allow the user and client id in the broker's access rules",
        "on your own mosquitto without users: `allow_anonymous true`, or better a `password_file`",
    ],
};

fn not_authorized(code: u8, fault: &MqttError, config: &Config) -> Diagnosis {
    let diagnosis = Diagnosis::new(&NOT_AUTHORIZED, "the broker does not let this user connect")
        .note(connack(code, "not authorized"));
    credentials(diagnosis, fault, config)
        .help_if(config.credentials.is_none(), "set `username` and a password (`password_file` or `password_env`)")
        .help_if(config.credentials.is_some(), "check `username` and the password: mosquitto and others also give this answer for a wrong password")
        .help_if(matches!(&config.transport, Transport::Tls(tls) if !tls.sni), format!("{} leaves out the server name, and some clouds then cannot know the cluster: remove it", origin(config, "sni")))
        .help_if(config.credentials.is_none(), "if the broker knows clients by something else, allow this one to connect, in the broker's access rules")
        .help_if(config.credentials.is_some(), "if they are right, allow this user and client id to connect, in the broker's access rules")
}

pub(crate) static CLIENT_ID_REJECTED: Code = Code {
    name: "mqtt-client-id-rejected",
    kind: Kind::Failure {
        stage: Stage::Connect,
        retry: false,
    },
    line: "the broker rejects the client id",
    more: "Each client gives the broker a name of its own, the client id, and this one is not accepted (CONNACK 2).",
    causes: &[
        "it is longer than the broker allows, or has characters that it does not",
        "the broker ties the client id to the user or the certificate",
        "it is empty, and the broker gives none",
    ],
    remedies: &[
        "set `client_id` to at most 23 letters and digits, which are accepted everywhere",
        "if the broker ties it to the user or the certificate, use that very id",
    ],
};

fn client_id_rejected(code: u8, config: &Config) -> Diagnosis {
    Diagnosis::new(&CLIENT_ID_REJECTED, "the broker rejects the client id")
        .note(connack(code, "identifier rejected"))
        .note(format!("client id: `{}`, {} ({})", config.client_id, text::count(config.client_id.len() as u64, "byte"), origin(config, "client_id")))
        .help("set `client_id` to one that the broker allows; at most 23 letters and digits are accepted everywhere (MQTT 3.1.1 §3.1.3.1)")
        .help("if the broker ties the client id to the user or the certificate, use that very id")
}

pub(crate) static SERVER_UNAVAILABLE: Code = Code {
    name: "mqtt-server-unavailable",
    kind: Kind::Failure {
        stage: Stage::Connect,
        retry: true,
    },
    line: "the broker is up, but MQTT is not available now",
    more: "The broker answered so itself (CONNACK 3): it starts, stops, is overloaded, or cannot reach what it needs.",
    causes: &[
        "the broker is just starting, or is being updated",
        "too many clients, or a quota that is used up",
    ],
    remedies: &[
        "try again in a minute",
        "if it stays so, read the broker's log, or its provider's status page",
    ],
};

fn server_unavailable(code: u8) -> Diagnosis {
    Diagnosis::new(
        &SERVER_UNAVAILABLE,
        "the broker is up and says that MQTT is not available now",
    )
    .note(connack(code, "server unavailable"))
    .help("try again in a minute")
    .help("if it stays so, look into the broker's log or its provider's status page")
}

pub(crate) static VERSION: Code = Code {
    name: "mqtt-version",
    kind: Kind::Failure {
        stage: Stage::Connect,
        retry: false,
    },
    line: "the broker does not accept this version of MQTT",
    more: "MQTT has several versions, and the broker does not take the one that was offered.",
    causes: &[
        "the broker is limited to another version by its configuration",
        "the broker is very old, or speaks MQTT-SN or a dialect",
    ],
    remedies: &["allow MQTT 3.1.1 on the broker", "update the broker"],
};

fn version(code: u8) -> Diagnosis {
    let diagnosis = Diagnosis::new(&VERSION, "the broker does not accept this version of MQTT");
    match code {
        1 => diagnosis
            .note("CONNACK 1 (unacceptable protocol version) to MQTT 3.1.1")
            .help("update the broker, or use one that speaks MQTT 3.1.1: this program speaks no other version"),
        _ => diagnosis
            .note("CONNACK 0x84 (unsupported protocol version), a code of MQTT 5, to MQTT 3.1.1")
            .help("allow MQTT 3.1.1 on the broker: this program speaks no other version"),
    }
}

pub(crate) static REFUSED: Code = Code {
    name: "mqtt-refused",
    kind: Kind::Failure {
        stage: Stage::Connect,
        retry: false,
    },
    line: "the broker refuses the connection for another reason",
    more: "The broker answered CONNECT with a code that is none of the common ones; the message shows it with its name.",
    causes: &[
        "the client is banned, comes too often, or a quota is used up",
        "the broker, or a plug-in of it, has a code of its own",
    ],
    remedies: &[
        "read the broker's log, where the reason stands",
        "look the code up in the broker's documentation",
        "wait some minutes, then try again once",
    ],
};

fn refused_otherwise(code: u8, config: &Config) -> Diagnosis {
    match code {
        0x80..=0x9f => Diagnosis::new(
            &REFUSED,
            format!("the broker refuses the connection: {}", reason_v5(code)),
        )
        .note(format!(
            "CONNACK {code:#04x}, a code of MQTT 5, to MQTT 3.1.1"
        ))
        .note(user(config))
        .help("look into the broker's log, where the reason stands"),
        code => Diagnosis::new(
            &REFUSED,
            "the broker refuses the connection with a code that MQTT 3.1.1 does not have",
        )
        .note(format!("CONNACK {code}"))
        .note(user(config))
        .help("look into the broker's log or its documentation for this code"),
    }
}

/// The reason codes of a CONNACK, MQTT 5 §3.2.2.2.
fn reason_v5(code: u8) -> &'static str {
    match code {
        0x80 => "unspecified error",
        0x81 => "malformed packet",
        0x82 => "protocol error",
        0x83 => "implementation-specific error",
        0x8a => "banned",
        0x8c => "bad authentication method",
        0x90 => "topic name invalid",
        0x95 => "packet too large",
        0x97 => "quota exceeded",
        0x99 => "payload format invalid",
        0x9a => "retain not supported",
        0x9b => "QoS not supported",
        0x9c => "use another server",
        0x9d => "server moved",
        0x9f => "connection rate exceeded",
        _ => "no reason that is known",
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

pub(crate) fn taken_over(fault: &MqttError, config: &Config, after: String) -> Diagnosis {
    Diagnosis::new(&TAKEN_OVER, "another client uses this client id")
        .note(format!("the broker accepted the connection and closed it in the stage {}", fault.stage.name()))
        .note(format!("a second connection, which sent nothing but CONNECT, was closed {after} after its CONNACK"))
        .note(format!("client id: `{}` ({})", config.client_id, origin(config, "client_id")))
        .help("a broker closes the older connection of two with one client id (MQTT 3.1.1 §3.1.4): give each device its own, or stop the other one")
        .help(format!("to see whether it is that, remove {} for one check: then a fresh id is made up", origin(config, "client_id")))
        .help("if it happens with a fresh id too, the broker closes every connection: look into its log, where the reason stands")
}

fn connack(code: u8, name: &str) -> String {
    match code {
        7 => "CONNACK 7, which AWS IoT Core uses for: not authorized".to_owned(),
        0x80.. => format!("CONNACK {code:#04x} ({name}), a code of MQTT 5, to MQTT 3.1.1"),
        _ => format!("CONNACK {code} ({name})"),
    }
}

/// As whom we came, and with what password as far as it may be told.
fn credentials(diagnosis: Diagnosis, fault: &MqttError, config: &Config) -> Diagnosis {
    let password = match &config.credentials {
        Some(credentials) if credentials.password.is_some() => {
            format!("password: set ({})", password_key(config))
        }
        _ => "password: none is set".to_owned(),
    };
    let diagnosis = diagnosis.note(user(config)).note(password);
    if !fault.password_ends_in_blank {
        return diagnosis;
    }
    diagnosis
        .note("the password's last character is a space or a line end")
        .help(format!(
            "if that is not part of the password, take it out ({})",
            password_key(config)
        ))
}

/// As whom we came.
pub(crate) fn user(config: &Config) -> String {
    match &config.credentials {
        Some(credentials) => format!(
            "user name: `{}` ({})",
            credentials.username,
            origin(config, "username")
        ),
        None => "user name: none is set".to_owned(),
    }
}

fn password_key(config: &Config) -> String {
    let keys = ["password", "password_file", "password_env"];
    keys.iter()
        .find(|key| config.is_set(key))
        .map_or_else(|| "in the URL".to_owned(), |key| origin(config, key))
}
