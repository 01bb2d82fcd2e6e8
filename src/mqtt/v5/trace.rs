//! Packets in a line each, for `--verbose`: of a PUBLISH its size and never its payload, of a CONNECT
//! never the password.

use crate::config::Config;
use crate::failure::Reason;
use crate::mqtt::event;
use crate::mqtt::v5::decode::{Incoming, PUBACK, PUBREC, PUBREL};

pub(crate) fn connect_line(config: &Config) -> String {
    let first = [(true, "MQTT 5"), (config.clean_session, "clean start")];
    event::connect_line(config, &first)
}

pub(crate) fn connack_line(session_present: bool) -> String {
    format!("CONNACK 0, session present {}", u8::from(session_present))
}

pub(crate) fn publish_line(id: u16) -> String {
    match id {
        0 => "PUBLISH".to_owned(),
        id => format!("PUBLISH {id}"),
    }
}

pub(crate) fn ack_line(kind: u8, id: u16) -> String {
    format!("{} {id}", name(kind))
}

fn name(kind: u8) -> &'static str {
    match kind {
        PUBACK => "PUBACK",
        PUBREC => "PUBREC",
        PUBREL => "PUBREL",
        _ => "PUBCOMP",
    }
}

/// A packet that came in.
pub(crate) fn line(packet: &Incoming) -> String {
    match packet {
        Incoming::ConnAck { code, .. } => Reason::shown("CONNACK", *code),
        Incoming::Publish(message) => format!(
            "PUBLISH {} {} bytes, QoS {}{}",
            message.topic,
            message.payload.len(),
            message.qos,
            if message.retain { ", retained" } else { "" }
        ),
        Incoming::Ack {
            kind, id, code: 0, ..
        } => ack_line(*kind, *id),
        Incoming::Ack { kind, id, code, .. } => coded(name(*kind), *id, &[*code]),
        Incoming::SubAck { id, codes, .. } => coded("SUBACK", *id, codes),
        Incoming::UnsubAck { id, codes } => coded("UNSUBACK", *id, codes),
        Incoming::PingResp => "PINGRESP".to_owned(),
        Incoming::Disconnect { code, .. } => Reason::shown("DISCONNECT", *code),
        Incoming::Auth { code, .. } => Reason::shown("AUTH", *code),
    }
}

/// A packet with an id and its codes.
fn coded(packet: &str, id: u16, codes: &[u8]) -> String {
    let coded = codes.iter().map(|code| Reason::coded(packet, *code));
    format!("{packet} {id}, {}", coded.collect::<Vec<_>>().join(", "))
}
