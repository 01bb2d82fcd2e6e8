//! Random and crafted bytes for what rumqttc makes of a peer's packets: its codec and its state may
//! refuse them, and must never panic, since a panic ends a release build at once.

use proptest::prelude::*;
use rumqttc::{MqttState, Subscribe, SubscribeFilter};

use super::*;

/// As large as a packet may be by default.
const MOST: usize = 1024 * 1024;

/// A session in the middle of its work: publishes of every QoS under way, a subscription too.
fn busy() -> MqttState {
    let mut state = MqttState::new(Limits::ONE.max_inflight, false);
    for qos in [QoS::AtMostOnce, QoS::AtLeastOnce, QoS::ExactlyOnce].repeat(3) {
        let publish = Publish::new("t", qos, b"x".to_vec());
        let _ = state.handle_outgoing_packet(LibraryRequest::Publish(publish));
    }
    let filter = SubscribeFilter::new("t".to_owned(), QoS::AtLeastOnce);
    let subscribe = LibraryRequest::Subscribe(Subscribe::new_many([filter]));
    let _ = state.handle_outgoing_packet(subscribe);
    state
}

/// Reads all packets that are in `bytes` and hands them to the state, as the event loop does:
/// its answers are written, its events handed out, and after an error it is cleaned for the next
/// connection. How many packets there were.
fn feed(state: &mut MqttState, bytes: &[u8], most: usize) -> usize {
    let mut stream = bytes.iter().copied().collect();
    let mut count = 0;
    while let Ok(packet) = Packet::read(&mut stream, most) {
        count += 1;
        match state.handle_incoming_packet(packet) {
            Ok(Some(answer)) => {
                let mut written = Default::default();
                let _ = answer.write(&mut written, most);
            }
            Ok(None) => {}
            Err(_) => {
                state.clean();
            }
        }
        while let Some(event) = state.events.pop_front() {
            let _ = line(&event);
        }
    }
    state.clean();
    count
}

/// A packet in its right frame (MQTT 3.1.1 §2.2), of any type, with small numbers where the packet
/// id stands, so that they often name something under way.
fn framed() -> impl Strategy<Value = Vec<u8>> {
    let body = (
        0..14_u16,
        proptest::collection::vec(any::<u8>(), 0..12),
        0..15_usize,
    );
    (any::<u8>(), body).prop_map(|(first, (id, rest, length))| {
        let mut body = id.to_be_bytes().to_vec();
        body.extend(rest);
        body.truncate(length);
        let mut packet = vec![first, u8::try_from(body.len()).unwrap_or_default()];
        packet.extend(body);
        packet
    })
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 2_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        feed(&mut busy(), &bytes, MOST);
        feed(&mut busy(), &bytes, 64);
    }

    #[test]
    fn any_packets_are_survived(packets in proptest::collection::vec(framed(), 0..40)) {
        let mut state = busy();
        let bytes = packets.concat();
        feed(&mut state, &bytes, MOST);
        // And once more, over what that left behind.
        feed(&mut state, &bytes, MOST);
    }

    /// Whatever comes in pieces is one whole or an error in the end, never more than what was sent.
    #[test]
    fn half_packets_are_waited_for(packet in framed(), cut in 0..16_usize) {
        let whole = feed(&mut busy(), &packet, MOST);
        let half = feed(&mut busy(), packet.get(..cut).unwrap_or(&packet), MOST);
        prop_assert!(half <= whole && whole <= 1);
    }
}

/// Every type and every flag with every short length, each byte of the body the same.
#[test]
fn every_short_packet_is_survived() {
    for first in 0..=u8::MAX {
        for length in 0..=9_u8 {
            for fill in [0, 1, 2, 3, 9, 10, 11, 0x7f, 0x80, 0xff] {
                let mut packet = vec![first, length];
                packet.extend(std::iter::repeat_n(fill, length.into()));
                feed(&mut busy(), &packet, MOST);
            }
        }
    }
}

/// A length is believed only as far as `max_packet_size`: nothing is set aside for more.
#[test]
fn a_giant_length_is_refused_before_its_bytes() {
    let giant = [0x30, 0xff, 0xff, 0xff, 0x7f];
    let mut stream = giant.iter().copied().collect();
    let refused = Packet::read(&mut stream, MOST);
    let expected = rumqttc::mqttbytes::Error::PayloadSizeLimitExceeded(268_435_455);
    assert_eq!(
        format!("{refused:?}"),
        format!("{:?}", Err::<Packet, _>(expected))
    );
}
