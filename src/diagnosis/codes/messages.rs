//! The words for everything from CONNECT on.

use std::time::Duration;

use crate::config::{Config, Message, Qos, Transport};
use crate::diagnosis::codes::connect::{refused, user};
use crate::diagnosis::{Code, Words, origin};
use crate::failure::{LinkError, MqttCause, MqttError, Probe, ProbeEnd, Stage, TlsCause};
use crate::util::text;

/// A failure of the stages connect, subscribe, publish and receive.
pub(crate) fn words(fault: &MqttError, config: &Config) -> Words {
    match &fault.cause {
        MqttCause::Reconnector(link) if fault.stage == Stage::Connect => connect(fault, link, config),
        MqttCause::Reconnector(link) => later(fault, link, config),
        MqttCause::TimedOut { limit } => match fault.stage {
            Stage::Subscribe => subscribe_timeout(config, *limit),
            Stage::Publish => publish_timeout(config, *limit),
            _ => timeout(fault, config),
        },
        MqttCause::SubscribeDenied { filter, code } => Words::new(Code::SubscribeDenied, "the broker refuses the subscription")
            .note(format!("SUBACK {code:#04x} for the filter `{filter}` ({})", origin(config, "topic")))
            .note(user(config))
            .help("allow this user to subscribe to the topic, in the broker's access rules")
            .help(format!("or set {} to one that the user may read and write", origin(config, "topic"))),
        MqttCause::TakenOver { after } => taken_over(fault, config, text::duration(*after)),
        MqttCause::PublishTooLarge { size, limit } => Words::new(Code::PublishTooLarge, "the message is larger than `max_packet_size`")
            .note(format!("the packet has {size} bytes; the limit is {limit} bytes, and it is this program's own ({})", origin(config, "max_packet_size")))
            .help(format!("raise `max_packet_size` to {size} or more, or send a smaller `message`")),
        MqttCause::Altered { sent, received } => altered(sent, received),
        MqttCause::NotDelivered { limit, foreign } => not_delivered(config, text::duration(*limit), *foreign),
    }
}

fn connect(fault: &MqttError, link: &LinkError, config: &Config) -> Words {
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
        return is_tls(config).note(format!(
            "its answer to CONNECT is a TLS alert: `{}`",
            text::escape_bytes(first, 16)
        ));
    }
    let closed = matches!(link, LinkError::Closed { .. } | LinkError::Io(_));
    if plain && closed && first.is_empty() && matches!(config.port, 8883 | 8884 | 8886 | 443) {
        return Words::new(
            Code::MqttIsTls,
            format!(
                "`{}` closes the connection without a word, and `tls = off` is set",
                config.host
            ),
        )
        .note(format!("{} is a port for MQTT over TLS", config.port))
        .help(format!("set `tls = on` ({})", origin(config, "tls")));
    }
    if !first.is_empty() && !matches!(first, [0x20] | [0x20, 2, ..]) {
        return not_mqtt(fault, link, config, first);
    }
    match link {
        LinkError::TimedOut { .. } => timeout(fault, config),
        LinkError::Undecodable { .. } | LinkError::TooLarge { .. } => {
            not_mqtt(fault, link, config, first)
        }
        _ => closed_at_connect(fault, link, config),
    }
}

fn is_tls(config: &Config) -> Words {
    Words::new(
        Code::MqttIsTls,
        format!(
            "port {} of `{}` speaks TLS, and `tls = off` is set",
            config.port, config.host
        ),
    )
    .help(format!("set `tls = on` ({})", origin(config, "tls")))
}

fn not_mqtt(fault: &MqttError, link: &LinkError, config: &Config, first: &[u8]) -> Words {
    let mut words = Words::new(
        Code::MqttNotMqtt,
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

fn closed_at_connect(fault: &MqttError, link: &LinkError, config: &Config) -> Words {
    let how = match link {
        LinkError::Closed { reset: true } => "the connection was reset".to_owned(),
        LinkError::Io(error) => format!("the system says: {error}"),
        LinkError::Tls(TlsCause::Rustls(error)) => format!("the TLS library says: {error}"),
        _ => "the connection was closed".to_owned(),
    };
    let words = Words::new(
        Code::MqttClosed,
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

fn timeout(fault: &MqttError, config: &Config) -> Words {
    let words = Words::new(Code::MqttTimeout, "the broker does not answer CONNECT").note(format!(
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

fn taken_over(fault: &MqttError, config: &Config, after: String) -> Words {
    Words::new(Code::MqttTakenOver, "another client uses this client id")
        .note(format!("the broker accepted the connection and closed it in the stage {}", fault.stage.name()))
        .note(format!("a second connection, which sent nothing but CONNECT, was closed {after} after its CONNACK"))
        .note(format!("client id: `{}` ({})", config.client_id, origin(config, "client_id")))
        .help("a broker closes the older connection of two with one client id (MQTT 3.1.1 §3.1.4): give each device its own, or stop the other one")
        .help(format!("to see whether it is that, remove {} for one check: then a fresh id is made up", origin(config, "client_id")))
        .help("if it happens with a fresh id too, the broker closes every connection: look into its log, where the reason stands")
}

/// A connection lost after CONNACK.
fn later(fault: &MqttError, link: &LinkError, config: &Config) -> Words {
    let after = text::duration(fault.after);
    let how = match link {
        LinkError::TooLarge { size } => return too_large(*size, config),
        LinkError::Undecodable { words: said } => {
            return Words::new(Code::MqttNotMqtt, "the broker sent something that is not MQTT 3.1.1")
                .note(format!("in the stage {}, {after} after it began; the MQTT library says: {said}", fault.stage.name()))
                .help("update the broker; if a proxy stands between, see that it passes TCP through unchanged");
        }
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
    let topic = origin(config, "topic");
    match fault.stage {
        Stage::Subscribe => Words::new(Code::SubscribeClosed, "the broker closed the connection at SUBSCRIBE")
            .note(how)
            .note(format!("filter: `{}` ({topic}), QoS {}", config.topic, config.qos as u8))
            .note(user(config))
            .help("if this user may not subscribe to the topic, allow it in the broker's access rules: some brokers close the connection instead of saying so")
            .help(format!("or set {topic} to one that the user may read and write")),
        Stage::Publish => Words::new(Code::PublishClosed, "the broker closed the connection at PUBLISH")
            .note(how)
            .note(user(config))
            .note(format!("topic: `{}` ({topic}), QoS {}, {}{}", config.topic, config.qos as u8, text::count(payload_length(config) as u64, "byte"), if config.retain { ", retained" } else { "" }))
            .help_if(payload_length(config) > LARGE, "if the message is larger than the broker's limit, send a smaller one")
            .help_if(config.retain, format!("if the broker keeps no retained messages, set `retain = off` ({})", origin(config, "retain")))
            .help_if(config.qos == Qos::ExactlyOnce, format!("if the broker has no QoS 2, set `qos = 1` ({})", origin(config, "qos")))
            .help("if this user may not publish to the topic, allow it in the broker's access rules: some brokers close the connection instead of saying so")
            .help_if(config.qos == Qos::AtLeastOnce, format!("if the broker takes nothing but QoS 0, set `qos = 0` ({})", origin(config, "qos"))),
        _ => Words::new(Code::ReceiveClosed, "the connection was lost while the message was awaited")
            .note(how)
            .note("the broker had granted the subscription and taken the message")
            .help("look into the broker's log, where the reason stands")
            .help("if this user may not read the topic, allow it in the broker's access rules")
            .help("if the broker was restarted just now, try again"),
    }
}

fn subscribe_timeout(config: &Config, limit: Duration) -> Words {
    Words::new(
        Code::SubscribeTimeout,
        "the broker does not answer SUBSCRIBE",
    )
    .note(format!(
        "no SUBACK within {} ({}); filter: `{}`",
        text::duration(limit),
        origin(config, "timeout"),
        config.topic
    ))
    .help("look into the broker's log, where the reason stands")
    .help("if the broker is overloaded or the link is slow, raise `timeout`")
}

fn publish_timeout(config: &Config, limit: Duration) -> Words {
    let awaited = if config.qos == Qos::ExactlyOnce {
        "PUBREC and PUBCOMP"
    } else {
        "PUBACK"
    };
    Words::new(
        Code::PublishTimeout,
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

fn too_large(size: usize, config: &Config) -> Words {
    Words::new(
        Code::ReceiveTooLarge,
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

fn altered(sent: &[u8], received: &[u8]) -> Words {
    let at = sent
        .iter()
        .zip(received)
        .position(|(a, b)| a != b)
        .unwrap_or(sent.len().min(received.len()));
    let around = |bytes: &[u8]| text::escape_bytes(bytes.get(at..).unwrap_or_default(), 24);
    Words::new(
        Code::ReceiveAltered,
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

fn not_delivered(config: &Config, limit: String, foreign: u64) -> Words {
    let taken = if config.qos == Qos::AtMostOnce {
        "the message was sent (QoS 0 is not acknowledged)"
    } else {
        "the message was acknowledged"
    };
    let mut words = Words::new(Code::ReceiveTimeout, "our own message never came back")
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

/// Bytes from which on a message of the user's own may be more than some broker takes.
const LARGE: usize = 1_000;

fn payload_length(config: &Config) -> usize {
    match &config.message {
        Message::Marked { text, .. } => text.len(),
        Message::Own(bytes) => bytes.len(),
    }
}

#[cfg(test)]
#[path = "messages_tests.rs"]
mod tests;
