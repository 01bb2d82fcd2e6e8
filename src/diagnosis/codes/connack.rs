//! The codes of a CONNACK that refuses.

use crate::config::{Config, Key, Protocol, Slip, Transport};
use crate::diagnosis::code::Kind;
use crate::diagnosis::codes::connect::standard;
use crate::diagnosis::codes::net::is_this_machine;
use crate::diagnosis::{Code, Diagnosis, origin, providers, reason, value};
use crate::failure::{MqttError, Reason, Stage};
use crate::util::text;

/// The codes of this layer, in the order of `mqtt-test explain`.
pub(crate) static CODES: &[&Code] = &[
    &BAD_CREDENTIALS,
    &NOT_AUTHORIZED,
    &CLIENT_ID_REJECTED,
    &SERVER_UNAVAILABLE,
    &VERSION,
    &REFUSED,
];

/// Where a broker says what it does not say to the client.
pub(crate) const LOG: &str = "look into the broker's log, where the reason stands: `journalctl -u mosquitto -e`, or `docker logs CONTAINER`";

/// A CONNACK with `code`, of MQTT 3.1.1 §3.2.2.3 or, as some brokers answer everyone, of MQTT 5.
pub(crate) fn refused(reason: &Reason, fault: &MqttError, config: &Config) -> Diagnosis {
    match reason.code {
        1 | 0x84 => version(reason, fault.protocol),
        2 | 0x85 => client_id_rejected(reason, fault.protocol, config),
        3 | 0x88 | 0x89 => server_unavailable(reason, fault.protocol),
        4 | 0x86 => bad_credentials(reason, fault, config),
        7 if reason.in_5 => refused_otherwise(reason, fault.protocol, config),
        5 | 7 | 0x87 => not_authorized(reason, fault, config),
        _ => refused_otherwise(reason, fault.protocol, config),
    }
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

const SET_USER: &str = "set `username` and a password (`password_file` or `password_env`)";

fn bad_credentials(reason: &Reason, fault: &MqttError, config: &Config) -> Diagnosis {
    let none = config.credentials.is_none();
    let diagnosis = Diagnosis::new(
        &BAD_CREDENTIALS,
        match none {
            true => "the broker demands a user name and password, and none is set",
            false => "the broker does not accept this user name and password",
        },
    )
    .note(connack(reason, fault.protocol, "bad user name or password"));
    credentials(diagnosis, fault, config)
        .helps(rabbitmq_guest(config))
        .help_if(none, SET_USER)
        .help_if(!none, "check `username` and the password")
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

fn not_authorized(reason: &Reason, fault: &MqttError, config: &Config) -> Diagnosis {
    let none = config.credentials.is_none();
    let known = providers::is_known(config);
    let certificate = matches!(&config.transport, Transport::Tls(tls) if tls.client.is_some());
    let diagnosis = Diagnosis::new(&NOT_AUTHORIZED, "the broker does not let this user connect")
        .note(connack(reason, fault.protocol, "not authorized"));
    credentials(diagnosis, fault, config)
        .notes(fault.certificate_unasked.then(|| format!("the broker did not ask for the client certificate ({}), so it was not sent", origin(config, Key::CertFile))))
        .helps(rabbitmq_guest(config))
        .help_if(fault.certificate_unasked, "if the broker is to know this client by its certificate, it must ask for it: mosquitto has `require_certificate true` and `use_identity_as_username true` for that listener")
        .help_if(none && !fault.certificate_unasked && !certificate, SET_USER)
        .help_if(none && !known && !fault.certificate_unasked && certificate, "if the broker is to take the client certificate in place of a user name, mosquitto has `use_identity_as_username true` for that listener")
        .help_if(config.credentials.is_some() && !known, "check `username` and the password: mosquitto and others also give this answer for a wrong password")
        .help_if(config.credentials.is_some() && known, "check `username` and the password: many brokers also give this answer for a wrong password")
        .help_if(matches!(&config.transport, Transport::Tls(tls) if !tls.sni && !known), format!("{} leaves out the server name, and some clouds then cannot know the cluster: remove it", origin(config, Key::Sni)))
        .help_if(none && fault.certificate_unasked, "if it knows clients by user name, set `username` and a password (`password_file` or `password_env`)")
        .help_if(none && !known, "if it is your own mosquitto and is to let everybody in, set `allow_anonymous true`: where a `listener` is set, the default is `false`")
        .help_if(none && !known, "if it takes certain client ids alone (mosquitto: `clientid_prefixes`), set `client_id` to such a one")
        .help_if(config.credentials.is_some(), format!("if they are right, allow this user and client id to connect, in the broker's access rules (ACL){}", if known { "" } else { "; mosquitto also has `clientid_prefixes`" }))
        .help_if(config.will.is_some(), "if the access rules (ACL) do not let this user publish to the topic of the last will, allow it, or leave `will_topic` out for one check: some brokers refuse such a CONNECT")
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

fn client_id_rejected(reason: &Reason, protocol: Protocol, config: &Config) -> Diagnosis {
    Diagnosis::new(&CLIENT_ID_REJECTED, "the broker rejects the client id")
        .note(connack(reason, protocol, "identifier rejected"))
        .note(format!("client id: `{}`, {} ({})", config.client_id, text::count(config.client_id.len() as u64, "byte"), origin(config, Key::ClientId)))
        .help(format!("set `client_id` to one that the broker allows; at most 23 letters and digits are accepted everywhere ({} §3.1.3.1)", standard(protocol)))
        .help("if the broker ties the client id to the user or the certificate, use that very id")
        .help_if(config.is_set(Key::ClientId), "if a device uses this client id elsewhere, stop it meanwhile: some brokers refuse the second one")
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

fn server_unavailable(reason: &Reason, protocol: Protocol) -> Diagnosis {
    Diagnosis::new(
        &SERVER_UNAVAILABLE,
        "the broker is up and says that MQTT is not available now",
    )
    .note(connack(reason, protocol, "server unavailable"))
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

fn version(reason: &Reason, protocol: Protocol) -> Diagnosis {
    let diagnosis = Diagnosis::new(&VERSION, "the broker does not accept this version of MQTT");
    match reason.code {
        _ if protocol == Protocol::Auto => diagnosis
            .note("MQTT 5 was not accepted")
            .note(format!("CONNACK {} to MQTT 3.1.1", reason.code))
            .help("update the broker, or allow one of the two there"),
        0x84 if reason.in_5 => diagnosis
            .note(format!("{}, to MQTT 5", reason::packet("CONNACK", reason)))
            .help("set `protocol = 3.1.1`"),
        _ if protocol == Protocol::V5 => diagnosis
            .note(connack(reason, protocol, "unacceptable protocol version"))
            .help("set `protocol = 3.1.1`"),
        1 => diagnosis
            .note("CONNACK 1 (unacceptable protocol version) to MQTT 3.1.1")
            .help("set `protocol = 5`, if the broker speaks nothing else; or update the broker"),
        _ => diagnosis
            .note(connack(reason, protocol, "unsupported protocol version"))
            .help("set `protocol = 5`, or allow MQTT 3.1.1 on the broker"),
    }
}

/// MQTT 5 was answered with the CONNACK of 3.1.1, and accepted.
pub(crate) fn answered_in_3_1_1() -> Diagnosis {
    Diagnosis::new(&VERSION, "the broker answers MQTT 5 in MQTT 3.1.1")
        .note("CONNACK 0 (accepted), in the form of MQTT 3.1.1, to MQTT 5")
        .help("set `protocol = 3.1.1`")
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

fn refused_otherwise(reason: &Reason, protocol: Protocol, config: &Config) -> Diagnosis {
    match reason.code {
        code @ 0x80.. => {
            let said = reason::because("the broker refuses the connection", "CONNACK", code);
            let name = Reason::name("CONNACK", code).unwrap_or("a code that MQTT 5 does not have");
            let diagnosis = Diagnosis::new(&REFUSED, said).note(connack(reason, protocol, name));
            reason::reference(diagnosis, reason)
                .note(user(config))
                .helps(help(code, config))
                .help_if(code != 0x80, LOG)
                // A quota and a rate are of the time, and not of this client.
                .retry(matches!(code, 0x97 | 0x9f))
        }
        _ if protocol == Protocol::V5 => Diagnosis::new(
            &REFUSED,
            "the broker refuses the connection with a code that MQTT 5 does not have for it",
        )
        .note(connack(reason, protocol, "no refusal"))
        .note(user(config))
        .help("look into the broker's log or its documentation for this code"),
        code => Diagnosis::new(
            &REFUSED,
            "the broker refuses the connection with a code that MQTT 3.1.1 does not have",
        )
        .note(format!("CONNACK {code}"))
        .note(user(config))
        .help("look into the broker's log or its documentation for this code"),
    }
}

/// What to do about a code of MQTT 5 that none of the other diagnoses has. In a CONNECT it is the last will
/// that has a topic, a payload, a QoS and a retain flag.
fn help(code: u8, config: &Config) -> Option<String> {
    let will = |help: &str, key, why: &str| {
        let set = config.will.is_some();
        set.then(|| format!("{help} ({}){why}", origin(config, key)))
    };
    match code {
        0x90 => will("set another topic for the last will", Key::WillTopic, ""),
        0x95 => Some("CONNECT is larger than the broker takes: shorten the last will, the user name or the password".to_owned()),
        0x99 => will("give the last will a message of the form that the broker wants", Key::WillMessage, ""),
        0x9a => will("set `will_retain = off`", Key::WillRetain, ": the broker keeps no retained messages"),
        0x9b => will("set a lower `will_qos`", Key::WillQos, ""),
        code => Some(reason::help(code, config).to_owned()),
    }
}

/// In place of a CONNACK, an AUTH.
pub(crate) fn wants_auth(reason: &Reason, config: &Config) -> Diagnosis {
    Diagnosis::new(
        &REFUSED,
        "the broker wants an authentication that this program does not have",
    )
    .note(format!(
        "{} in place of a CONNACK",
        reason::packet("AUTH", reason)
    ))
    .note(user(config))
    .help("let the broker take a user name and password, or a client certificate")
}

/// The answer, as a note has it.
fn connack(reason: &Reason, protocol: Protocol, name: &str) -> String {
    let said = match reason.code {
        code @ 1..=5 if reason.in_5 => {
            format!("CONNACK {code} ({name}), a code of MQTT 3.1.1, to MQTT 5")
        }
        _ if reason.in_5 => return reason::packet("CONNACK", reason),
        code @ 0x80.. if protocol == Protocol::V5 => {
            format!("CONNACK {code:#04x} ({name}), in the form of MQTT 3.1.1, to MQTT 5")
        }
        code if protocol == Protocol::V5 => {
            format!("CONNACK {code} ({name}), in the form of MQTT 3.1.1, to MQTT 5")
        }
        7 => "CONNACK 7, which AWS IoT Core uses for: not authorized".to_owned(),
        code @ 0x80.. => format!("CONNACK {code:#04x} ({name}), a code of MQTT 5, to MQTT 3.1.1"),
        code => format!("CONNACK {code} ({name})"),
    };
    reason::with_words(said, reason)
}

/// As whom we came, with what password as far as it may be told, and what else a broker may refuse with
/// the same code: the client id, the topic of the last will.
fn credentials(diagnosis: Diagnosis, fault: &MqttError, config: &Config) -> Diagnosis {
    let password = match &config.credentials {
        Some(credentials) if credentials.password.is_some() => {
            format!("password: set ({})", password_key(config))
        }
        _ => "password: none is set".to_owned(),
    };
    let will = match &config.will {
        Some(will) => format!(
            "last will: to `{}` ({})",
            will.topic,
            origin(config, Key::WillTopic)
        ),
        None => "last will: none is set".to_owned(),
    };
    let diagnosis = diagnosis
        .note(user(config))
        .note(password)
        .note(client_id(config))
        .note(will);
    slips(diagnosis, fault, config)
}

/// RabbitMQ's `guest` may log in from the broker's own machine alone, unless it says otherwise.
fn rabbitmq_guest(config: &Config) -> Option<String> {
    const OTHER: &str = "if the broker is RabbitMQ, `guest` may log in from its own machine alone (`loopback_users`): make another user there";
    let username = &config.credentials.as_ref()?.username;
    // Behind a virtual host, as `vhost:user`.
    let user = username.rsplit(':').next()?;
    (user == "guest" && !is_this_machine(&config.host)).then(|| OTHER.to_owned())
}

/// What user name, password and client id look as if they had brought along.
fn slips(mut diagnosis: Diagnosis, fault: &MqttError, config: &Config) -> Diagnosis {
    let username = config.credentials.as_ref().map(|it| it.username.as_str());
    for (what, slip, key) in [
        (
            "user name",
            username.and_then(Slip::of),
            origin(config, Key::Username),
        ),
        ("password", fault.password_slip, password_key(config)),
        (
            "client id",
            Slip::of(&config.client_id),
            origin(config, Key::ClientId),
        ),
    ] {
        if let Some(slip) = slip {
            diagnosis = diagnosis.note(value::slip(what, slip)).help(format!(
                "if that is not part of the {what}, take it out ({key})"
            ));
        }
    }
    diagnosis
}

/// The client id, and whether it was made up.
pub(crate) fn client_id(config: &Config) -> String {
    let from = if config.is_set(Key::ClientId) {
        origin(config, Key::ClientId)
    } else {
        "made up for this run".to_owned()
    };
    format!("client id: `{}` ({from})", config.client_id)
}

/// As whom we came.
pub(crate) fn user(config: &Config) -> String {
    match &config.credentials {
        Some(credentials) => format!(
            "user name: `{}` ({})",
            credentials.shown(),
            origin(config, Key::Username)
        ),
        None => "user name: none is set".to_owned(),
    }
}

fn password_key(config: &Config) -> String {
    let keys = [Key::Password, Key::PasswordFile, Key::PasswordEnv];
    keys.into_iter()
        .find(|key| config.is_set(*key))
        .map_or_else(|| "in the URL".to_owned(), |key| origin(config, key))
}
