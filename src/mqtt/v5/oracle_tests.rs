//! rumqttc's codec of MQTT 5 as the oracle of ours: it reads what we write, and we read what it writes.
//! What it refuses and brokers send has tests of its own; and no bytes make ours panic.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that panics is a test that fails"
)]

use proptest::prelude::*;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5 as oracle;

use crate::config::Secret;
use crate::mqtt::v5::connect_packet;
use crate::mqtt::v5::decode::{Frame, FrameError, Incoming, frame, packet};
use crate::testing::good;

const MOST: usize = 1024 * 1024;

/// The oracle's view of what we wrote.
fn read(bytes: &[u8]) -> oracle::Packet {
    let mut stream = bytes.iter().copied().collect();
    oracle::Packet::read(&mut stream, None).unwrap()
}

/// Our view of what the oracle wrote.
fn write(packet: &oracle::Packet) -> Incoming {
    let mut stream = Default::default();
    packet.write(&mut stream, None).unwrap();
    whole(&stream).unwrap_or_else(|words| panic!("{words}: {packet:?}"))
}

fn whole(bytes: &[u8]) -> Result<Incoming, String> {
    let frame = frame(bytes, MOST).unwrap().unwrap();
    assert_eq!(frame.length, bytes.len());
    packet(frame)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_oracle_reads_our_connect(
        user in "[a-z]{1,20}",
        word in "[a-z]{1,20}",
        id in "[a-z0-9]{1,23}",
        keep_alive in 5..=65_535_u16,
        clean in any::<bool>(),
        will in "[a-z/]{1,30}",
    ) {
        let switch = if clean { "on" } else { "off" };
        let lines = format!(
            "username = {user}\npassword = {word}\nclient_id = {id}\nprotocol = 5\n\
             clean_session = {switch}\nkeep_alive = {keep_alive}s\n\
             will_topic = w/{will}\nwill_message = gone\nwill_qos = 1\nwill_retain = on\n"
        );
        let config = good(&lines);
        let written = connect_packet(&config, Some(&Secret::new(word.clone())));
        let oracle::Packet::Connect(connect, last_will, login) = read(&written) else {
            panic!("no CONNECT");
        };
        prop_assert_eq!(connect.client_id, id);
        prop_assert_eq!(connect.keep_alive, keep_alive);
        prop_assert_eq!(connect.clean_start, clean);
        let expiry = connect.properties.and_then(|it| it.session_expiry_interval);
        prop_assert_eq!(expiry, (!clean).then_some(u32::MAX));
        let last_will = last_will.unwrap();
        let topic = format!("w/{will}");
        prop_assert_eq!(&last_will.topic[..], topic.as_bytes());
        prop_assert_eq!(&last_will.message[..], b"gone");
        prop_assert_eq!((last_will.qos, last_will.retain), (QoS::AtLeastOnce, true));
        let login = login.unwrap();
        prop_assert_eq!((login.username, login.password), (user, word));
    }

    #[test]
    fn we_read_the_oracle_s_publish(
        topic in "[a-z/]{1,40}",
        payload in prop::collection::vec(any::<u8>(), 0..300),
        qos in 0..3_u8,
        id in 1..=u16::MAX,
        flags in any::<(bool, bool)>(),
        user in prop::collection::vec(("[a-z]{0,9}", "[a-z]{0,9}"), 0..4),
        numbers in any::<(u32, u16)>(),
    ) {
        let properties = oracle::PublishProperties {
            payload_format_indicator: Some(1),
            message_expiry_interval: Some(numbers.0),
            topic_alias: Some(numbers.1),
            response_topic: Some("r".to_owned()),
            correlation_data: Some(payload.clone().into()),
            user_properties: user.clone(),
            subscription_identifiers: vec![7, 300],
            content_type: Some("text/plain".to_owned()),
        };
        let qos = [QoS::AtMostOnce, QoS::AtLeastOnce, QoS::ExactlyOnce][usize::from(qos)];
        let mut publish = oracle::Publish::new(&topic, qos, payload.clone(), Some(properties));
        publish.pkid = id;
        (publish.dup, publish.retain) = flags;
        let Incoming::Publish(message) = write(&oracle::Packet::Publish(publish)) else {
            panic!("no PUBLISH");
        };
        prop_assert_eq!(message.topic, topic);
        prop_assert_eq!(&message.payload, &payload);
        prop_assert_eq!((message.dup, message.retain), flags);
        prop_assert_eq!(message.id, if qos == QoS::AtMostOnce { 0 } else { id });
        let found = message.properties;
        prop_assert_eq!(found.message_expiry, Some(numbers.0));
        prop_assert_eq!(found.topic_alias, Some(numbers.1));
        prop_assert_eq!(found.correlation_data, Some(payload));
        prop_assert_eq!(found.user, user);
        prop_assert_eq!(found.subscription_ids, [7, 300]);
        prop_assert_eq!(found.content_type.as_deref(), Some("text/plain"));
        prop_assert_eq!(found.response_topic.as_deref(), Some("r"));
        prop_assert_eq!(found.payload_is_text, Some(true));
    }

    /// No bytes make it panic, and a packet is never longer than what came in.
    #[test]
    fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(Some(found)) = frame(&bytes, MOST) {
            prop_assert!(found.length <= bytes.len());
            let _ = packet(found);
        }
    }

    /// The same of a packet in its right frame, of any type.
    #[test]
    fn any_packet_is_survived(
        first in any::<u8>(),
        body in prop::collection::vec(any::<u8>(), 0..100),
    ) {
        let _ = packet(Frame { first, body: &body, length: body.len() + 2 });
    }
}

#[test]
fn we_read_the_oracle_s_connack() {
    let properties = oracle::ConnAckProperties {
        session_expiry_interval: Some(1),
        receive_max: Some(2),
        max_qos: Some(1),
        retain_available: Some(0),
        max_packet_size: Some(5),
        assigned_client_identifier: Some("me".to_owned()),
        topic_alias_max: Some(7),
        reason_string: Some("why".to_owned()),
        user_properties: vec![("a".to_owned(), "b".to_owned())],
        wildcard_subscription_available: Some(1),
        subscription_identifiers_available: Some(0),
        shared_subscription_available: Some(1),
        server_keep_alive: Some(8),
        response_information: Some("r".to_owned()),
        server_reference: Some("elsewhere".to_owned()),
        authentication_method: Some("m".to_owned()),
        authentication_data: Some(b"d".to_vec().into()),
    };
    let connack = oracle::ConnAck {
        session_present: true,
        code: oracle::ConnectReturnCode::UseAnotherServer,
        properties: Some(properties),
    };
    let Incoming::ConnAck {
        session_present: true,
        code: 0x9c,
        properties: Some(found),
    } = write(&oracle::Packet::ConnAck(connack))
    else {
        panic!("no such CONNACK");
    };
    assert_eq!(found.session_expiry, Some(1));
    assert_eq!(found.receive_maximum, Some(2));
    assert_eq!(found.maximum_qos, Some(1));
    assert_eq!(found.retain_available, Some(false));
    assert_eq!(found.maximum_packet_size, Some(5));
    assert_eq!(found.assigned_client_id.as_deref(), Some("me"));
    assert_eq!(found.topic_alias_maximum, Some(7));
    assert_eq!(found.reason_string.as_deref(), Some("why"));
    assert_eq!(found.user, [("a".to_owned(), "b".to_owned())]);
    assert_eq!(found.wildcards_available, Some(true));
    assert_eq!(found.subscription_ids_available, Some(false));
    assert_eq!(found.shared_available, Some(true));
    assert_eq!(found.server_keep_alive, Some(8));
    assert_eq!(found.response_information.as_deref(), Some("r"));
    assert_eq!(found.server_reference.as_deref(), Some("elsewhere"));
}

/// Forms that the standard allows, and those that brokers were seen to send.
#[test]
fn short_forms_are_read() {
    let ack = |bytes: &[u8]| match whole(bytes) {
        Ok(Incoming::Ack { id, code, .. }) => Some((id, code)),
        Ok(_) | Err(_) => None,
    };
    assert_eq!(ack(b"\x40\x02\0\x05"), Some((5, 0)));
    assert_eq!(ack(b"\x40\x03\0\x05\x87"), Some((5, 0x87)));
    assert_eq!(ack(b"\x40\x04\0\x05\x87\0"), Some((5, 0x87)));
    // A code of no standard is a code.
    assert_eq!(ack(b"\x40\x03\0\x05\xee"), Some((5, 0xee)));
    // No packet id, half a one, zero.
    assert_eq!(ack(b"\x40\x00"), None);
    assert_eq!(ack(b"\x40\x01\0"), None);
    assert_eq!(ack(b"\x40\x02\0\0"), None);
    let end = |bytes: &[u8]| match whole(bytes) {
        Ok(Incoming::Disconnect { code, .. }) => Some(code),
        Ok(_) | Err(_) => None,
    };
    assert_eq!(end(b"\xe0\0"), Some(0));
    assert_eq!(end(b"\xe0\x01\x8b"), Some(0x8b));
    assert_eq!(end(b"\xe0\x02\x8b\0"), Some(0x8b));
    // Properties that promise more than there is.
    assert_eq!(end(b"\xe0\x02\x8b\x05"), None);
}

#[test]
fn a_frame_is_whole_or_waited_for() {
    assert!(frame(b"", MOST).unwrap().is_none());
    assert!(frame(b"\x30", MOST).unwrap().is_none());
    assert!(frame(b"\x30\x80", MOST).unwrap().is_none());
    assert!(frame(b"\x30\x03ab", MOST).unwrap().is_none());
    assert_eq!(frame(b"\x30\x03abcd", MOST).unwrap().unwrap().body, b"abc");
    let endless = frame(b"\x30\xff\xff\xff\xff", MOST).unwrap_err();
    assert_eq!(endless, FrameError::Length);
    // Refused before its bytes have come.
    let giant = frame(b"\x30\xff\xff\xff\x7f", MOST).unwrap_err();
    assert_eq!(giant, FrameError::TooLarge { size: 268_435_455 });
}

/// QoS 3 does not exist, and a topic is text.
#[test]
fn what_is_no_message_is_refused() {
    for bytes in [
        &b"\x36\x06\0\x01a\0\x01\0"[..],
        b"\x30\x04\0\x01\xff\0",
        b"\x30\x03\0\x01a",
        b"\x32\x06\0\x01a\0\0\0",
    ] {
        whole(bytes).unwrap_err();
    }
    whole(b"\x30\x04\0\x01a\0").unwrap();
}
