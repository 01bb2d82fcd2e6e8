//! The codes of SUBSCRIBE, PUBLISH and what comes back.

use std::time::Duration;

use crate::config::{Config, Message, Qos};
use crate::diagnosis::code::Kind;
use crate::diagnosis::codes::connack::user;
use crate::diagnosis::codes::connect;
use crate::diagnosis::{Code, Diagnosis, origin};
use crate::failure::{LinkError, MqttCause, MqttError, Stage};
use crate::util::text;

/// The codes of this layer, in the order of `mqtt-test explain`.
pub(crate) static CODES: &[&Code] = &[
    &SUBSCRIBE_DENIED,
    &SUBSCRIBE_CLOSED,
    &SUBSCRIBE_TIMEOUT,
    &PUBLISH_CLOSED,
    &PUBLISH_TIMEOUT,
    &PUBLISH_TOO_LARGE,
    &RECEIVE_TIMEOUT,
    &RECEIVE_TOO_LARGE,
    &RECEIVE_ALTERED,
    &RECEIVE_CLOSED,
];

/// A failure of the stages connect, subscribe, publish and receive.
pub(crate) fn diagnose(fault: &MqttError, config: &Config) -> Diagnosis {
    match &fault.cause {
        MqttCause::Connection(link) if fault.stage == Stage::Connect => {
            connect::diagnose(fault, link, config)
        }
        MqttCause::Connection(link) => lost(fault, link, config),
        MqttCause::TimedOut { limit } => match fault.stage {
            Stage::Subscribe => subscribe_timeout(config, *limit),
            Stage::Publish => publish_timeout(config, *limit),
            _ => connect::timeout(fault, config),
        },
        MqttCause::SubscribeDenied { filter, code } => subscribe_denied(filter, *code, config),
        MqttCause::TakenOver { after } => {
            connect::taken_over(fault, config, text::duration(*after))
        }
        MqttCause::PublishTooLarge { size, limit } => publish_too_large(*size, *limit, config),
        MqttCause::Altered { sent, received } => receive_altered(sent, received),
        MqttCause::NotDelivered { limit, foreign } => {
            receive_timeout(config, text::duration(*limit), *foreign)
        }
    }
}

/// A connection lost after CONNACK.
fn lost(fault: &MqttError, link: &LinkError, config: &Config) -> Diagnosis {
    let after = text::duration(fault.after);
    let how = match link {
        LinkError::TooLarge { size } => return receive_too_large(*size, config),
        LinkError::Undecodable { words: said } => return connect::undecodable(fault, said),
        LinkError::Closed { reset: true } => format!("the connection was reset after {after}"),
        LinkError::NoPingResponse => format!(
            "PINGREQ was not answered within the keep-alive time of {}",
            text::duration(config.keep_alive)
        ),
        LinkError::Io(error) | LinkError::Tcp(error) => {
            format!("after {after} the system said: {error}")
        }
        LinkError::TimedOut { .. } => format!("after {after} the broker still took no data"),
        _ => format!("the connection was closed after {after}"),
    };
    match fault.stage {
        Stage::Subscribe => subscribe_closed(how, config),
        Stage::Publish => publish_closed(how, config),
        _ => receive_closed(how),
    }
}

pub(crate) static SUBSCRIBE_DENIED: Code = Code {
    name: "subscribe-denied",
    kind: Kind::Failure {
        stage: Stage::Subscribe,
        retry: false,
    },
    line: "the user may not read this topic",
    more: "Topics are the addresses of messages, and whoever wants to receive subscribes to one. The broker refused the subscription.",
    causes: &[
        "the broker's access rules (ACL) do not give this user the topic",
        "the topic is not of the form that the broker wants, such as one that begins with the user's name",
    ],
    remedies: &[
        "allow this user to read the topic, in the broker's access rules",
        "or set `topic` to one that the user may both read and write: `-t NAME`",
    ],
};

fn subscribe_denied(filter: &str, code: u8, config: &Config) -> Diagnosis {
    Diagnosis::new(&SUBSCRIBE_DENIED, "the broker refuses the subscription")
        .note(format!(
            "SUBACK {code:#04x} for the filter `{filter}` ({})",
            origin(config, "topic")
        ))
        .note(user(config))
        .help("allow this user to subscribe to the topic, in the broker's access rules")
        .help(format!(
            "or set {} to one that the user may read and write",
            origin(config, "topic")
        ))
}

pub(crate) static SUBSCRIBE_CLOSED: Code = Code {
    name: "subscribe-closed",
    kind: Kind::Failure {
        stage: Stage::Subscribe,
        retry: true,
    },
    line: "the broker closed the connection at SUBSCRIBE",
    more: "Login worked, and the broker hung up when a subscription to the topic was asked for. Some brokers do so instead of refusing.",
    causes: &[
        "the user may not read the topic",
        "AWS IoT Core: the policy lacks `iot:Subscribe` on `topicfilter/…`",
        "the broker restarted, or the network failed just then",
    ],
    remedies: &[
        "allow this user to read the topic, in the broker's access rules",
        "or take another topic: `-t NAME`",
        "run the check again: if it fails at another stage, it is the network or the broker itself",
    ],
};

fn subscribe_closed(how: String, config: &Config) -> Diagnosis {
    let topic = origin(config, "topic");
    Diagnosis::new(&SUBSCRIBE_CLOSED, "the broker closed the connection at SUBSCRIBE")
            .note(how)
            .note(format!("filter: `{}` ({topic}), QoS {}", config.topic, config.qos as u8))
            .note(user(config))
            .help("if this user may not subscribe to the topic, allow it in the broker's access rules: some brokers close the connection instead of saying so")
            .help(format!("or set {topic} to one that the user may read and write"))
}

pub(crate) static SUBSCRIBE_TIMEOUT: Code = Code {
    name: "subscribe-timeout",
    kind: Kind::Failure {
        stage: Stage::Subscribe,
        retry: true,
    },
    line: "the broker does not answer SUBSCRIBE",
    more: "Login worked, and the answer to the subscription (SUBACK) did not come in time.",
    causes: &[
        "the broker is overloaded, or waits for the database of its access rules",
        "the link is slow, or lost its data",
    ],
    remedies: &[
        "read the broker's log, and look at its load",
        "give it more time: `--timeout 60s`",
    ],
};

fn subscribe_timeout(config: &Config, limit: Duration) -> Diagnosis {
    Diagnosis::new(&SUBSCRIBE_TIMEOUT, "the broker does not answer SUBSCRIBE")
        .note(format!(
            "no SUBACK within {} ({}); filter: `{}`",
            text::duration(limit),
            origin(config, "timeout"),
            config.topic
        ))
        .help("look into the broker's log, where the reason stands")
        .help("if the broker is overloaded or the link is slow, raise `timeout`")
}

pub(crate) static PUBLISH_CLOSED: Code = Code {
    name: "publish-closed",
    kind: Kind::Failure {
        stage: Stage::Publish,
        retry: true,
    },
    line: "the broker closed the connection at PUBLISH",
    more: "Login worked, and the broker hung up when a message was sent. Some brokers do so instead of refusing the message.",
    causes: &[
        "the user may not write to the topic",
        "the message is larger than the broker's limit",
        "the broker has no QoS 2, or keeps no retained messages",
        "AWS IoT Core: the policy lacks `iot:Publish` on `topic/…`",
    ],
    remedies: &[
        "allow this user to publish to the topic, in the broker's access rules",
        "try the smallest message: `-q 0 -m hello`, without `-r`",
        "read the broker's log, where the reason stands",
    ],
};

fn publish_closed(how: String, config: &Config) -> Diagnosis {
    let topic = origin(config, "topic");
    Diagnosis::new(&PUBLISH_CLOSED, "the broker closed the connection at PUBLISH")
            .note(how)
            .note(user(config))
            .note(format!("topic: `{}` ({topic}), QoS {}, {}{}", config.topic, config.qos as u8, text::count(payload_length(config) as u64, "byte"), if config.retain { ", retained" } else { "" }))
            .help_if(payload_length(config) > LARGE, "if the message is larger than the broker's limit, send a smaller one")
            .help_if(config.retain, format!("if the broker keeps no retained messages, set `retain = off` ({})", origin(config, "retain")))
            .help_if(config.qos == Qos::ExactlyOnce, format!("if the broker has no QoS 2, set `qos = 1` ({})", origin(config, "qos")))
            .help("if this user may not publish to the topic, allow it in the broker's access rules: some brokers close the connection instead of saying so")
            .help_if(config.qos == Qos::AtLeastOnce, format!("if the broker takes nothing but QoS 0, set `qos = 0` ({})", origin(config, "qos")))
}

/// Bytes from which on a message of the user's own may be more than some broker takes.
const LARGE: usize = 1_000;

fn payload_length(config: &Config) -> usize {
    match &config.message {
        Message::Marked { text, .. } => text.len(),
        Message::Own(bytes) => bytes.len(),
    }
}

pub(crate) static PUBLISH_TIMEOUT: Code = Code {
    name: "publish-timeout",
    kind: Kind::Failure {
        stage: Stage::Publish,
        retry: true,
    },
    line: "the broker does not acknowledge the message",
    more: "With QoS 1 and 2 the broker confirms each message (PUBACK, or PUBREC and PUBCOMP), and the confirmation did not come in time.",
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

fn publish_timeout(config: &Config, limit: Duration) -> Diagnosis {
    let awaited = if config.qos == Qos::ExactlyOnce {
        "PUBREC and PUBCOMP"
    } else {
        "PUBACK"
    };
    Diagnosis::new(
        &PUBLISH_TIMEOUT,
        "the broker does not acknowledge the message",
    )
    .note(format!(
        "no {awaited} within {} ({}); QoS {}",
        text::duration(limit),
        origin(config, "timeout"),
        config.qos as u8
    ))
    .help_if(
        config.qos == Qos::ExactlyOnce,
        format!(
            "if the broker has no QoS 2, set `qos = 1` ({}); AWS IoT Core never acknowledges it",
            origin(config, "qos")
        ),
    )
    .help("look into the broker's log, where the reason stands")
    .help("if the broker is overloaded or the link is slow, raise `timeout`")
}

pub(crate) static PUBLISH_TOO_LARGE: Code = Code {
    name: "publish-too-large",
    kind: Kind::Failure {
        stage: Stage::Publish,
        retry: false,
    },
    line: "the message is larger than the limit",
    more: "The limit is `max_packet_size`, this program's own, which protects small machines; it was not sent.",
    causes: &["`message` is longer than `max_packet_size` (1 MiB unless set)"],
    remedies: &[
        "send a smaller message",
        "or raise the limit: `--set max_packet_size=4MiB`; the broker has limits of its own, too",
    ],
};

fn publish_too_large(size: usize, limit: usize, config: &Config) -> Diagnosis {
    Diagnosis::new(&PUBLISH_TOO_LARGE, "the message is larger than `max_packet_size`")
        .note(format!("the packet has {size} bytes; the limit is {limit} bytes, and it is this program's own ({})", origin(config, "max_packet_size")))
        .help(format!("raise `max_packet_size` to {size} or more, or send a smaller `message`"))
}

pub(crate) static RECEIVE_TIMEOUT: Code = Code {
    name: "receive-timeout",
    kind: Kind::Failure {
        stage: Stage::Receive,
        retry: true,
    },
    line: "our own message never came back",
    more: "The check subscribes to a topic, publishes to it, and waits for its own message. Everything was confirmed, and the message did not arrive. MQTT 3.1.1 has no way to refuse a message, so brokers such as mosquitto confirm what they then drop.",
    causes: &[
        "the user may not write to the topic, or may not read it",
        "the broker renames topics for each user or tenant",
        "a rule on the broker keeps or changes the message",
        "with QoS 0, the message was lost on the way",
    ],
    remedies: &[
        "allow this user both to publish to the topic and to read it, in the broker's access rules",
        "try a topic that the user certainly has: `-t NAME`",
        "try with a confirmation: `-q 1`",
        "read the broker's log, which names denied messages (mosquitto: `log_type all`)",
    ],
};

fn receive_timeout(config: &Config, limit: String, foreign: u64) -> Diagnosis {
    let taken = if config.qos == Qos::AtMostOnce {
        "the message was sent (QoS 0 is not acknowledged)"
    } else {
        "the message was acknowledged"
    };
    let mut words = Diagnosis::new(&RECEIVE_TIMEOUT, "our own message never came back")
        .note(format!(
            "the subscription was granted, {taken}, and nothing of ours came within {limit}"
        ))
        .note(format!(
            "topic: `{}` ({})",
            config.topic,
            origin(config, "topic")
        ));
    if foreign > 0 {
        words = words.note(format!(
            "{} of others came in on the topic",
            text::count(foreign, "message")
        ));
    }
    words
        .note(user(config))
        .help("allow this user both to publish to the topic and to read it, in the broker's access rules")
        .help("if only one of the two is allowed, nothing says so: MQTT 3.1.1 cannot refuse a PUBLISH, and brokers such as mosquitto acknowledge what they then drop")
        .help("if the broker renames topics for each user or tenant, set `topic` as it is seen from inside")
        .help_if(matches!(config.message, Message::Own(_)), "if a rule on the broker changes the payload, check without `message`")
        .help_if(config.qos == Qos::AtMostOnce, "if the link loses packets, check with `qos = 1`")
}

pub(crate) static RECEIVE_TOO_LARGE: Code = Code {
    name: "receive-too-large",
    kind: Kind::Failure {
        stage: Stage::Receive,
        retry: false,
    },
    line: "a message came in that is larger than the limit",
    more: "The limit is `max_packet_size`, this program's own, which protects small machines. The message is someone else's, or a retained one.",
    causes: &[
        "others publish large messages on the topic",
        "a large message is retained there, and every new subscriber gets it",
    ],
    remedies: &[
        "take a topic on which nobody else publishes, or none at all: then the check makes one up",
        "or raise the limit: `--set max_packet_size=16MiB`",
    ],
};

fn receive_too_large(size: usize, config: &Config) -> Diagnosis {
    Diagnosis::new(&RECEIVE_TOO_LARGE,
        "a message larger than `max_packet_size` came in",
    )
    .note(format!(
        "its packet has {size} bytes; the limit is {} bytes, and it is this program's own ({})",
        config.max_packet_size,
        origin(config, "max_packet_size")
    ))
    .help("raise `max_packet_size`, or choose a `topic` on which nobody else publishes")
    .help("if it is a retained message that nobody needs, clear it: publish an empty one to that topic, retained")
}

pub(crate) static RECEIVE_ALTERED: Code = Code {
    name: "receive-altered",
    kind: Kind::Failure {
        stage: Stage::Receive,
        retry: false,
    },
    line: "our message came back changed",
    more: "The check's own message arrived, known by its mark, and its content is not what was sent.",
    causes: &[
        "a rule, bridge or plug-in on the broker rewrites messages of this topic",
        "a program that listens on the topic sends messages back on it",
    ],
    remedies: &[
        "look for rules, bridges and plug-ins on the broker that touch the topic",
        "try another topic: `-t NAME`",
    ],
};

fn receive_altered(sent: &[u8], received: &[u8]) -> Diagnosis {
    let at = sent
        .iter()
        .zip(received)
        .position(|(a, b)| a != b)
        .unwrap_or(sent.len().min(received.len()));
    let around = |bytes: &[u8]| text::escape_bytes(bytes.get(at..).unwrap_or_default(), 24);
    Diagnosis::new(
        &RECEIVE_ALTERED,
        "our message came back with another payload",
    )
    .note(format!(
        "sent {}, received {}",
        text::count(sent.len() as u64, "byte"),
        text::count(received.len() as u64, "byte")
    ))
    .note(format!(
        "first difference at byte {at}: sent `{}`, received `{}`",
        around(sent),
        around(received)
    ))
    .help("look for a rule, bridge or plug-in on the broker that rewrites messages of this topic")
}

pub(crate) static RECEIVE_CLOSED: Code = Code {
    name: "receive-closed",
    kind: Kind::Failure {
        stage: Stage::Receive,
        retry: true,
    },
    line: "the connection was lost while waiting",
    more: "Login, subscription and message were confirmed, and the connection ended before the message came back.",
    causes: &[
        "the broker closes the connection of a user who breaks an access rule",
        "the broker restarted, or the network failed just then",
        "another client connected with the same client id",
    ],
    remedies: &[
        "run the check again: if it fails elsewhere, it is the network or the broker itself",
        "read the broker's log at that time",
        "give each device its own `client_id`",
    ],
};

fn receive_closed(how: String) -> Diagnosis {
    Diagnosis::new(
        &RECEIVE_CLOSED,
        "the connection was lost while the message was awaited",
    )
    .note(how)
    .note("the broker had granted the subscription and taken the message")
    .help("look into the broker's log, where the reason stands")
    .help("if this user may not read the topic, allow it in the broker's access rules")
    .help("if the broker was restarted just now, try again")
}

#[cfg(test)]
#[path = "messages_tests.rs"]
mod tests;
