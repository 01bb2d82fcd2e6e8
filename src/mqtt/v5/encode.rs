//! Packets that go out (MQTT 5 §3).

use crate::config::{Config, Qos, Secret};
use crate::mqtt::event::Publish;
use crate::mqtt::v5::properties::{Properties, put_binary, put_variable};

/// A packet with its length before its body.
fn put_packet(out: &mut Vec<u8>, first: u8, body: &[u8]) {
    out.push(first);
    put_variable(out, u32::try_from(body.len()).unwrap_or(u32::MAX));
    out.extend(body);
}

/// CONNECT (MQTT 5 §3.1).
pub(crate) fn connect_packet(config: &Config, password: Option<&Secret>) -> Vec<u8> {
    let mut body = Vec::new();
    put_binary(&mut body, b"MQTT");
    body.push(5);
    let mut flags = 0;
    if config.clean_session {
        flags |= 0x02;
    }
    if let Some(will) = &config.will {
        flags |= 0x04 | (will.qos as u8) << 3 | u8::from(will.retain) << 5;
    }
    if config.credentials.is_some() {
        flags |= 0xc0;
    }
    body.push(flags);
    let keep_alive = u16::try_from(config.keep_alive.as_secs()).unwrap_or(u16::MAX);
    body.extend(keep_alive.to_be_bytes());
    // The size of a packet counts its header here (§3.1.2.11.4), which `max_packet_size` does not.
    let size = config.max_packet_size.saturating_add(FIXED_HEADER);
    let properties = Properties {
        session_expiry: (!config.clean_session).then_some(KEPT_SESSION),
        maximum_packet_size: Some(u32::try_from(size).unwrap_or(u32::MAX)),
        ..Properties::default()
    };
    properties.write(&mut body);
    put_binary(&mut body, config.client_id.as_bytes());
    if let Some(will) = &config.will {
        Properties::default().write(&mut body);
        put_binary(&mut body, will.topic.as_bytes());
        put_binary(&mut body, &will.message);
    }
    if let Some(credentials) = &config.credentials {
        put_binary(&mut body, credentials.username.as_bytes());
        put_binary(&mut body, password.map_or("", Secret::expose).as_bytes());
    }
    let mut packet = Vec::new();
    put_packet(&mut packet, 0x10, &body);
    packet
}

/// The longest fixed header (MQTT 5 §2.1).
pub(crate) const FIXED_HEADER: usize = 5;

/// Seconds for which the broker keeps the session of `clean_session = off` after the connection has
/// ended, where nothing else is set: as in 3.1.1, without end (§3.1.2.11.2).
const KEPT_SESSION: u32 = u32::MAX;

/// The bytes of a PUBLISH (MQTT 5 §3.3) without those of its fixed header.
pub(crate) fn publish_size(topic: &str, qos: Qos, payload: usize) -> usize {
    let packet_id = if qos == Qos::AtMostOnce { 0 } else { 2 };
    2 + topic.len() + packet_id + 1 + payload
}

/// PUBLISH (MQTT 5 §3.3).
pub(crate) fn put_publish(out: &mut Vec<u8>, publish: &Publish<'_>, id: u16, dup: bool) {
    let size = publish_size(publish.topic, publish.qos, publish.payload.len());
    let flags = u8::from(dup) << 3 | (publish.qos as u8) << 1 | u8::from(publish.retain);
    out.push(0x30 | flags);
    put_variable(out, u32::try_from(size).unwrap_or(u32::MAX));
    put_binary(out, publish.topic.as_bytes());
    if publish.qos != Qos::AtMostOnce {
        out.extend(id.to_be_bytes());
    }
    // No properties.
    out.push(0);
    out.extend(&publish.payload);
}

/// SUBSCRIBE to one filter (MQTT 5 §3.8).
pub(crate) fn put_subscribe(out: &mut Vec<u8>, id: u16, filter: &str, qos: Qos) {
    let mut body = id.to_be_bytes().to_vec();
    Properties::default().write(&mut body);
    put_binary(&mut body, filter.as_bytes());
    body.push(qos as u8);
    put_packet(out, 0x82, &body);
}

/// UNSUBSCRIBE from one filter (MQTT 5 §3.10).
pub(crate) fn put_unsubscribe(out: &mut Vec<u8>, id: u16, filter: &str) {
    let mut body = id.to_be_bytes().to_vec();
    Properties::default().write(&mut body);
    put_binary(&mut body, filter.as_bytes());
    put_packet(out, 0xa2, &body);
}

/// PUBACK, PUBREC, PUBREL or PUBCOMP that says success (MQTT 5 §3.4 to §3.7).
pub(crate) fn put_ack(out: &mut Vec<u8>, kind: u8, id: u16) {
    let flags = if kind == super::decode::PUBREL { 2 } else { 0 };
    out.extend([kind << 4 | flags, 2]);
    out.extend(id.to_be_bytes());
}

/// PINGREQ (MQTT 5 §3.12).
pub(crate) const PINGREQ: &[u8] = &[0xc0, 0];

/// DISCONNECT, normal (MQTT 5 §3.14).
pub(crate) const DISCONNECT: &[u8] = &[0xe0, 0];
