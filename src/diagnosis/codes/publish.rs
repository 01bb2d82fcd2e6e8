//! The codes of PUBLISH, its acknowledgement, and the input of `pub`.

use std::io;

use crate::config::{Config, Key, Message, Protocol, Qos};
use crate::diagnosis::code::Kind;
use crate::diagnosis::codes::connack::user;
use crate::diagnosis::codes::{receive, subscribe};
use crate::diagnosis::session::{given, same_client_id};
use crate::diagnosis::{Code, Diagnosis, origin, providers, reason};
use crate::failure::{Command, MqttError, Operation, Reason, Stage, UnderWay};
use crate::util::text;

/// The codes of this layer, in the order of `mqtt-test explain`.
pub(crate) static CODES: &[&Code] = &[&DENIED, &CLOSED, &TIMEOUT, &TOO_LARGE, &INPUT_FAILED];

pub(crate) static DENIED: Code = Code {
    name: "publish-denied",
    kind: Kind::Failure {
        stage: Stage::Publish,
        retry: false,
    },
    line: "the broker refuses the message",
    more: "Login worked, and the broker refused the message with a reason code: in its answer, in the DISCONNECT with which it closed the connection, or with the login already, where it said that it takes no retained messages. Only MQTT 5 has such codes: in 3.1.1 a broker can only close the connection, or say nothing.",
    causes: &[
        "the broker's ACL does not let the user write to the topic",
        "the topic is not of the form that the broker wants",
        "a quota is used up",
        "the message is to be retained, and the broker retains none",
    ],
    remedies: &[
        "allow this user to write to the topic, in the broker's ACL (access rules)",
        "or take another topic: `-t NAME`",
        "publish without `-r`, if the broker retains no messages",
        "read the broker's log, where the reason stands",
    ],
};

pub(crate) fn denied(error: &MqttError, reason: &Reason, config: &Config) -> Diagnosis {
    let answer = match &error.operation {
        Operation::Publish {
            qos: Qos::ExactlyOnce,
            ..
        } => "PUBREC",
        _ => "PUBACK",
    };
    let said = reason::because("the broker refuses the message", answer, reason.code);
    let mut sent = published(error);
    if let Operation::Publish {
        topic, under_way, ..
    } = &error.operation
        && error.command == Command::Pub
    {
        let bytes = text::count(under_way.largest as u64, "byte");
        let key = given(error.command, topic);
        sent = Some(format!(
            "the first that was refused: {bytes} to `{}` ({key})",
            topic.name
        ));
    }
    let code = match reason.code {
        0x95 => &TOO_LARGE,
        _ => &DENIED,
    };
    let diagnosis = Diagnosis::new(code, said)
        .note(reason::packet(answer, reason))
        .note(user(config))
        .notes(sent);
    match reason.code {
        0x87 => may_not_write(diagnosis, error.command, config),
        code => diagnosis.help(reason::help(code, config)).help_if(
            matches!(code, 0x80 | 0x83),
            "if this user may not write to the topic, allow it in the broker's ACL (access rules)",
        ),
    }
}

/// The broker has said so before anything was sent.
pub(crate) fn not_to_be_retained(config: &Config) -> Diagnosis {
    let retain = origin(config, Key::Retain);
    Diagnosis::new(
        &DENIED,
        "the broker takes no retained messages, and `retain` is on",
    )
    .note("its CONNACK says so (retain available: 0); nothing was published after it")
    .help(format!("set `retain = off` ({retain})"))
    .help("or let the broker retain messages (mosquitto: `retain_available`)")
}

/// The right to write is known to be missing. A check that reads as well has not come that far.
pub(crate) fn may_not_write(diagnosis: Diagnosis, command: Command, config: &Config) -> Diagnosis {
    let (both, right) = match subscribe::is_echo(command, config) {
        true => (
            ", and to read it, which the check needs as well",
            "readwrite",
        ),
        false => ("", "write"),
    };
    diagnosis
        .help(format!(
            "allow this user to write to the topic{both}, in the broker's ACL (access rules){}",
            receive::acl_file(config, right, &config.topic)
        ))
        .help_if(
            !config.is_set(Key::Topic) && command == Command::Check,
            "or set `topic` to one that this user may both read and write",
        )
}

pub(crate) static CLOSED: Code = Code {
    name: "publish-closed",
    kind: Kind::Failure {
        stage: Stage::Publish,
        retry: true,
    },
    line: "the broker closed the connection at PUBLISH",
    more: "Login worked, and the broker hung up when a message was sent. Some brokers do so instead of refusing the message. With `pub` it may also have been between two messages: then it says so.",
    causes: &[
        "the broker's ACL does not let the user write to the topic",
        "the message is larger than the broker's limit",
        "the broker takes nothing but JSON, as ThingsBoard does",
        "the broker has no QoS 2, or keeps no retained messages",
        "AWS IoT Core: the policy lacks `iot:Publish` on `topic/…`",
    ],
    remedies: &[
        "allow this user to write to the topic, in the broker's ACL (access rules)",
        "try the smallest message: `-q 0 -m hello`, without `-r`",
        "read the broker's log, where the reason stands",
    ],
};

pub(crate) fn closed(error: &MqttError, closed: &str, how: String, config: &Config) -> Diagnosis {
    let Operation::Publish {
        qos,
        retain,
        under_way,
        granted,
        ..
    } = &error.operation
    else {
        return receive::closed(error, how, config);
    };
    if under_way.messages == 0 {
        let closed = format!("{closed} while no message was under way");
        let diagnosis = Diagnosis::new(&CLOSED, closed)
            .note(how)
            .help("look into the broker's log, where the reason stands")
            .help("if the broker was restarted just now, try again");
        return same_client_id(diagnosis, error.command, config);
    }
    // Without acknowledgements nobody knows how long the last one had been there.
    let at = match qos {
        Qos::AtMostOnce => "after",
        Qos::AtLeastOnce | Qos::ExactlyOnce => "at",
    };
    let format = json(error.command, config);
    // There it says beforehand what it does not take, and was kept to.
    let in_5 = error.protocol == Protocol::V5;
    let mosquitto = match qos {
        _ if providers::is_known(config) => "",
        Qos::AtLeastOnce | Qos::ExactlyOnce if in_5 => {
            " (mosquitto does not: in MQTT 5 it answers with 0x87)"
        }
        _ => " (mosquitto does not: it drops the message in silence)",
    };
    let max_qos = if providers::is_known(config) {
        ""
    } else {
        " (mosquitto: `max_qos`)"
    };
    // A message of the user's own is suspected before the access rules.
    let own = error.command != Command::Check || matches!(config.message, Message::Own(_));
    let (before, behind) = if own { (format, None) } else { (None, format) };
    let diagnosis = Diagnosis::new(&CLOSED, format!("{closed} {at} PUBLISH"))
        .note(how)
        .note(user(config))
        .notes(published(error))
        .notes(granted.map(|granted| format!("QoS granted at SUBSCRIBE: {granted} at most")))
        .helps(granted.filter(|_| !in_5).map(|granted| format!("if the broker takes nothing above QoS {granted} (mosquitto: `max_qos`), set `qos = {granted}` ({})", origin(config, Key::Qos))))
        .help_if(under_way.largest > LARGE && !in_5, "if the message is larger than the broker's limit (mosquitto: `max_packet_size`), send a smaller one")
        .helps(before)
        .help_if(*retain && !in_5, format!("if the broker keeps no retained messages (mosquitto: `retain_available`), set `retain = off` ({})", origin(config, Key::Retain)))
        .help_if(*qos == Qos::ExactlyOnce && granted.is_none() && !in_5, format!("if the broker has no QoS 2 (mosquitto: `max_qos`), set `qos = 1` ({})", origin(config, Key::Qos)))
        .help(format!("if the broker's ACL (access rules) does not let this user write to the topic, allow it there: some brokers close the connection over it{mosquitto}"))
        .helps(behind)
        .help_if(*qos == Qos::AtLeastOnce && granted.is_none() && !in_5, format!("if the broker takes nothing but QoS 0{max_qos}, set `qos = 0` ({})", origin(config, Key::Qos)))
        .help_if(subscribe::is_echo(error.command, config), "if this user is only to subscribe, set `check = subscribe`: such a check publishes nothing");
    same_client_id(diagnosis, error.command, config)
}

/// Bytes from which on a message of the user's own may be more than some broker takes.
pub(crate) const LARGE: usize = 1_000;

/// Whether a payload looks like the JSON that a broker may want.
pub(crate) fn is_json(payload: &[u8]) -> bool {
    let mut bytes = payload.iter().filter(|byte| !byte.is_ascii_whitespace());
    matches!(bytes.next(), Some(b'{' | b'['))
}

/// Advice for a broker that takes nothing but JSON, unless it is known to take anything.
fn json(command: Command, config: &Config) -> Option<String> {
    let right = match (command, &config.message) {
        _ if providers::is_known(config) => return None,
        (Command::Check, Message::Own(own)) if is_json(own) => return None,
        (Command::Check, Message::Own(_)) => ": this message is no JSON object",
        (Command::Check, Message::Marked { .. }) => {
            ", set `message` to some: the check's own is none"
        }
        (Command::Pub | Command::Sub | Command::Request, _) => ", publish that",
    };
    Some(format!(
        "if the broker takes nothing but JSON, as ThingsBoard does{right}"
    ))
}

/// What was being published.
pub(crate) fn published(error: &MqttError) -> Option<String> {
    let Operation::Publish {
        topic,
        qos,
        retain,
        under_way,
        ..
    } = &error.operation
    else {
        return None;
    };
    let UnderWay { messages, largest } = *under_way;
    let (count, bytes) = (
        text::count(messages, "message"),
        text::count(largest as u64, "byte"),
    );
    let what = match (error.command, qos, messages) {
        (Command::Pub, Qos::AtMostOnce, 1) => {
            format!("{count} published on this connection, of {bytes}")
        }
        (Command::Pub, Qos::AtMostOnce, _) => {
            format!("{count} published on this connection, the largest of {bytes}")
        }
        (_, _, 1) => bytes,
        _ => format!("{count} not acknowledged, the largest of {bytes}"),
    };
    let retained = if *retain { ", retained" } else { "" };
    Some(format!(
        "topic: `{}` ({}), QoS {}, {what}{retained}",
        topic.name,
        given(error.command, topic),
        *qos as u8
    ))
}

pub(crate) static TIMEOUT: Code = Code {
    name: "publish-timeout",
    kind: Kind::Failure {
        stage: Stage::Publish,
        retry: true,
    },
    line: "the broker does not acknowledge the message",
    more: "With QoS 1 and 2 the broker confirms each message (PUBACK, or PUBREC and PUBCOMP), and the confirmation did not come in time. Or the connection took no more data, which needs no QoS.",
    causes: &[
        "the broker has no QoS 2, as AWS IoT Core",
        "the broker is overloaded",
        "the link is slow, or lost its data",
    ],
    remedies: &[
        "with `qos = 2`, try `-q 1`",
        "read the broker's log, and look at its load",
        "give it more time: `--timeout 60s`",
    ],
};

pub(crate) fn timeout(error: &MqttError, said: &str, how: String, config: &Config) -> Diagnosis {
    let qos = match &error.operation {
        Operation::Publish { qos, .. } => *qos,
        _ => config.qos,
    };
    let diagnosis = Diagnosis::new(&TIMEOUT, said);
    let diagnosis = match error.command {
        Command::Check => diagnosis.note(format!("{how}; QoS {}", qos as u8)),
        _ => diagnosis.note(how).notes(published(error)),
    };
    diagnosis
        .help_if(
            qos == Qos::ExactlyOnce && error.protocol != Protocol::V5,
            format!(
                "if the broker has no QoS 2, set `qos = 1` ({}); AWS IoT Core never acknowledges it",
                origin(config, Key::Qos)
            ),
        )
        .help("look into the broker's log, where the reason stands")
        .help("if the broker is overloaded or the link is slow, raise `timeout`")
}

pub(crate) static TOO_LARGE: Code = Code {
    name: "publish-too-large",
    kind: Kind::Failure {
        stage: Stage::Publish,
        retry: false,
    },
    line: "the message is larger than the limit",
    more: "The limit is `max_packet_size`, this program's own, which protects small machines, or the broker's, which it tells in MQTT 5; the message says which. It was not sent, unless the broker refused it.",
    causes: &[
        "`message` is longer than `max_packet_size` (1 MiB unless set)",
        "the broker takes less, and says so in MQTT 5",
    ],
    remedies: &[
        "send a smaller message",
        "or raise the limit that the message names: `--set max_packet_size=4MiB`, or the broker's (mosquitto: `max_packet_size`, `message_size_limit`)",
    ],
};

pub(crate) fn too_large(
    error: &MqttError,
    size: Option<usize>,
    limit: usize,
    config: &Config,
) -> Diagnosis {
    let key = origin(config, Key::MaxPacketSize);
    let message = match error.command {
        Command::Check => "`message`",
        Command::Pub | Command::Sub | Command::Request => "message",
    };
    let (has, enough) = match size {
        Some(size) => (format!("{size} bytes"), format!("to {size} or more")),
        None => (format!("more than {limit} bytes"), "further".to_owned()),
    };
    Diagnosis::new(&TOO_LARGE, "the message is larger than `max_packet_size`")
        .note(format!(
            "the packet has {has}; the limit is {limit} bytes, and it is this program's own ({key})"
        ))
        .help(format!(
            "raise `max_packet_size` {enough}, or send a smaller {message}"
        ))
}

/// The broker has said so before it was sent.
pub(crate) fn larger_than_allowed(error: &MqttError, size: usize, limit: usize) -> Diagnosis {
    Diagnosis::new(&TOO_LARGE, "the message is larger than the broker takes")
        .note(format!("the packet has {size} bytes; the limit is {limit} bytes, and it is the broker's: its CONNACK names it (maximum packet size)"))
        .notes(published(error))
        .help("send a smaller message, or raise the broker's limit (mosquitto: `max_packet_size`)")
}

pub(crate) static INPUT_FAILED: Code = Code {
    name: "publish-input-failed",
    kind: Kind::Failure {
        stage: Stage::Publish,
        retry: false,
    },
    line: "standard input could not be read",
    more: "`pub -l` publishes each line of standard input, and the system gave an error in place of the next one. What was read before it was published. It says nothing about the broker.",
    causes: &[
        "standard input is a folder, or a device that failed",
        "the terminal or the network share that it came from is gone",
    ],
    remedies: &[
        "see what standard input is: `mqtt-test pub CONFIG -l < FILE` wants a file that can be read",
        "publish the rest of the input again: the counters at the end say how many messages went before",
    ],
};

pub(crate) fn input_failed(error: &io::Error) -> Diagnosis {
    Diagnosis::new(&INPUT_FAILED, "standard input could not be read")
        .note(format!("the system says: {error}"))
        .help("give `-l` a file, a pipe or a terminal that can be read")
}
