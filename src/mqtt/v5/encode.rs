//! Packets that go out (MQTT 5 §3).

use crate::config::{Config, Key, MessageProperties, Qos, Secret, SubscribeOptions};
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
    let set = &config.connect_properties;
    let kept = (!config.clean_session).then_some(KEPT_SESSION);
    let properties = Properties {
        session_expiry: set.session_expiry.or(kept),
        receive_maximum: set.receive_maximum,
        // Only where it was asked for: the broker drops in silence what is larger (§3.1.2.11.4), and
        // otherwise it is told and counted here.
        maximum_packet_size: config
            .is_set(Key::MaxPacketSize)
            .then(|| u32::try_from(size).unwrap_or(u32::MAX)),
        topic_alias_maximum: Some(set.topic_alias_maximum).filter(|most| *most > 0),
        user: set.user.clone(),
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

/// The properties of each PUBLISH, with their length before them.
pub(crate) fn message_properties(config: &Config) -> Vec<u8> {
    let set = &config.message_properties;
    let properties = Properties {
        payload_is_text: set.payload_is_text,
        message_expiry: set.message_expiry,
        content_type: set.content_type.clone(),
        response_topic: set.response_topic.clone(),
        correlation_data: set.correlation_data.clone(),
        user: set.user.clone(),
        ..Properties::default()
    };
    let mut bytes = Vec::new();
    properties.write(&mut bytes);
    bytes
}

/// The bytes of a PUBLISH (MQTT 5 §3.3) without those of its fixed header.
pub(crate) fn publish_size(config: &Config, qos: Qos, payload: usize) -> usize {
    // Asked for each message.
    let properties = if config.message_properties == MessageProperties::default() {
        1
    } else {
        message_properties(config).len()
    };
    size(&config.topic, qos, properties, payload)
}

/// The same, with properties of so many bytes.
pub(crate) fn size(topic: &str, qos: Qos, properties: usize, payload: usize) -> usize {
    let packet_id = if qos == Qos::AtMostOnce { 0 } else { 2 };
    2 + topic.len() + packet_id + properties + payload
}

/// PUBLISH (MQTT 5 §3.3); `properties` with their length before them.
pub(crate) fn put_publish(
    out: &mut Vec<u8>,
    publish: &Publish<'_>,
    properties: &[u8],
    id: u16,
    dup: bool,
) {
    let payload = publish.payload.len();
    let size = size(publish.topic, publish.qos, properties.len(), payload);
    let flags = u8::from(dup) << 3 | (publish.qos as u8) << 1 | u8::from(publish.retain);
    out.push(0x30 | flags);
    put_variable(out, u32::try_from(size).unwrap_or(u32::MAX));
    put_binary(out, publish.topic.as_bytes());
    if publish.qos != Qos::AtMostOnce {
        out.extend(id.to_be_bytes());
    }
    out.extend(properties);
    out.extend(&publish.payload);
}

/// SUBSCRIBE to one filter (MQTT 5 §3.8).
pub(crate) fn put_subscribe(
    out: &mut Vec<u8>,
    id: u16,
    filter: &str,
    qos: Qos,
    options: SubscribeOptions,
) {
    let mut body = id.to_be_bytes().to_vec();
    let properties = Properties {
        subscription_ids: options.id.into_iter().collect(),
        ..Properties::default()
    };
    properties.write(&mut body);
    put_binary(&mut body, filter.as_bytes());
    let flags = u8::from(options.no_local) << 2
        | u8::from(options.retain_as_published) << 3
        | options.retain_handling << 4;
    body.push(flags | qos as u8);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[test]
    fn connect_has_the_properties_that_are_set() {
        let connect = |lines: &str| {
            let config = testing::good(&format!("client_id = me\nprotocol = 5\n{lines}"));
            connect_packet(&config, None)
        };
        // Name, version, flags, keep-alive.
        let plain = b"\x10\x0f\0\x04MQTT\x05\x02\0\x3c\0\0\x02me";
        assert_eq!(connect(""), plain);
        let kept = b"\x10\x14\0\x04MQTT\x05\0\0\x3c\x05\x11\xff\xff\xff\xff\0\x02me";
        assert_eq!(connect("clean_session = off"), kept);
        // With its header, which `max_packet_size` does not count.
        let limited = b"\x10\x14\0\x04MQTT\x05\x02\0\x3c\x05\x27\0\0\x04\x05\0\x02me";
        assert_eq!(connect("max_packet_size = 1KiB"), limited);
        let lines = "session_expiry = 1h\nreceive_maximum = 10\ntopic_alias_maximum = 5\n\
                     user_property.a = b\n";
        let all = b"\x10\x21\0\x04MQTT\x05\x02\0\x3c\x12\x26\0\x01a\0\x01b\x11\0\0\x0e\x10\x21\0\x0a\x22\0\x05\0\x02me";
        assert_eq!(connect(lines), all);
    }

    #[test]
    fn subscribe_has_the_options_that_are_asked_for() {
        let subscribe = |options| {
            let mut out = Vec::new();
            put_subscribe(&mut out, 7, "t", Qos::AtLeastOnce, options);
            out
        };
        let plain = SubscribeOptions::default();
        assert_eq!(subscribe(plain), b"\x82\x07\0\x07\0\0\x01t\x01");
        let all = SubscribeOptions {
            no_local: true,
            retain_as_published: true,
            retain_handling: 2,
            id: Some(300),
        };
        let bytes = b"\x82\x0a\0\x07\x03\x0b\xac\x02\0\x01t\x2d";
        assert_eq!(subscribe(all), bytes);
    }
}
