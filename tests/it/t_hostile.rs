//! Hostile peers from CONNECT on: a clear diagnosis in bounded time and memory, and not one raw byte
//! of theirs on the terminal. And links that are only slow, which must pass.

use std::io::{self, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::codec::{self, PUBACK, Packet, Publish};
use crate::hostile::{
    broker_until, endless, first_bytes, hostile, hostile_tls, silence, slow_link,
};
use crate::lab::Lab;
use crate::mosquitto::{mosquitto, with_certificate};
use crate::provoke::{BRIEF, Provoked, plain_config, provoke, tls_config, trusting_lab};
use crate::rogue::Rogue;
use crate::run::Run;

/// Address space for the whole program, in MiB. A run that goes well needs half of it.
pub(crate) const MEMORY: u64 = 32;

/// For a `timeout` of one second in the stage, in one more look, and for the goodbye.
pub(crate) const SOON: Duration = Duration::from_secs(5);

#[track_caller]
fn check_mqtt(
    code: &str,
    variant: &str,
    more: &str,
    script: fn(TcpStream) -> io::Result<()>,
) -> Provoked {
    let lab = Lab::new();
    let peer = hostile(&lab, script);
    provoke(&lab, plain_config(peer.port, &format!("{BRIEF}{more}")))
        .variant(variant)
        .limit(SOON)
        .memory(MEMORY)
        .fails(code)
}

#[test]
fn endless_bytes_and_giant_lengths() {
    for rogue in [Rogue::EndlessBytes, Rogue::GiantRemainingLength] {
        let lab = Lab::new();
        let server = rogue.start(&lab);
        Run::check(&lab, &plain_config(server.port, BRIEF))
            .memory(MEMORY)
            .go()
            .expect_code(6)
            .expect_within(SOON);
    }
    let (lab, _) = trusting_lab();
    let server = Rogue::EndlessBytes.start(&lab);
    Run::check(&lab, &tls_config(server.port, BRIEF))
        .memory(MEMORY)
        .go()
        .expect_code(5)
        .expect_within(SOON);
}

#[test]
fn half_a_connack_and_silence() {
    check_mqtt("mqtt-timeout", "half-connack", "", |mut stream| {
        first_bytes(&mut stream)?;
        stream.write_all(&[0x20, 2, 0])?;
        silence(&mut stream)
    });
}

#[test]
fn half_a_suback_and_silence() {
    check_mqtt("subscribe-timeout", "half-suback", "", |mut stream| {
        broker_until(&mut stream, |packet| {
            matches!(packet, Packet::Subscribe { .. })
        })?;
        stream.write_all(&[0x90, 3, 0])?;
        silence(&mut stream)
    });
}

/// A PUBLISH that is announced in full length and never comes, and one that is too long to come.
#[test]
fn a_packet_that_is_never_whole() {
    check_mqtt("receive-timeout", "half-publish", "", |mut stream| {
        let published = broker_until(&mut stream, |packet| matches!(packet, Packet::Publish(_)))?;
        let Packet::Publish(message) = published else {
            return Ok(());
        };
        stream.write_all(&codec::ack(PUBACK, message.id))?;
        // 1,000,000 bytes (MQTT 3.1.1 §2.2.3), below the limit of 1 MiB.
        stream.write_all(&[0x30, 0xc0, 0x84, 0x3d, 0, 1, b't'])?;
        silence(&mut stream)
    });
    check_mqtt("receive-too-large", "giant", "", |mut stream| {
        broker_until(&mut stream, |packet| {
            matches!(packet, Packet::Subscribe { .. })
        })?;
        stream.write_all(&[0x30, 0xff, 0xff, 0xff, 0x7f])?;
        endless(&mut stream, &[0; 4096])
    });
}

#[test]
fn garbage_in_the_middle() {
    check_mqtt("mqtt-not-mqtt", "later", "", |mut stream| {
        broker_until(&mut stream, |packet| {
            matches!(packet, Packet::Subscribe { .. })
        })?;
        // Long enough for a packet of the reserved type 15, as which it begins.
        stream.write_all(b"\xf3\x1b[2J\x9b31m garbage \x07 garbage garbage\r\n")?;
        silence(&mut stream)
    });
}

/// Acknowledgements of what was never sent.
#[test]
fn acknowledgements_out_of_nowhere() {
    check_mqtt("mqtt-not-mqtt", "unsolicited", "", |mut stream| {
        broker_until(&mut stream, |packet| {
            matches!(packet, Packet::Subscribe { .. })
        })?;
        endless(&mut stream, &codec::ack(PUBACK, 65_535).repeat(500))
    });
}

fn foreign() -> Vec<u8> {
    let message = Publish {
        topic: "t".to_owned(),
        payload: vec![b'x'; 200],
        ..Publish::default()
    };
    codec::publish_packet(&message, false).repeat(100)
}

/// Messages of others without end, while SUBACK is awaited: there is always one more at hand, and the
/// time is over all the same.
#[test]
fn a_flood_in_place_of_suback() {
    check_mqtt("subscribe-timeout", "flood", "", |mut stream| {
        broker_until(&mut stream, |packet| {
            matches!(packet, Packet::Subscribe { .. })
        })?;
        endless(&mut stream, &foreign())
    });
}

#[test]
fn a_flood_in_place_of_puback() {
    check_mqtt("publish-timeout", "flood", "", |mut stream| {
        broker_until(&mut stream, |packet| matches!(packet, Packet::Publish(_)))?;
        endless(&mut stream, &foreign())
    });
}

#[test]
fn a_flood_in_place_of_our_message() {
    let (lab, root) = trusting_lab();
    let server = root.server(&["localhost"]).issue().server_config();
    let peer = hostile_tls(&lab, server, |mut stream| {
        let published = broker_until(&mut stream, |packet| matches!(packet, Packet::Publish(_)))?;
        let Packet::Publish(message) = published else {
            return Ok(());
        };
        stream.write_all(&codec::ack(PUBACK, message.id))?;
        endless(&mut stream, &foreign())
    });
    let outcome = Run::check(&lab, &tls_config(peer.port, BRIEF))
        .memory(MEMORY)
        .go();
    outcome.expect_code(9).expect_within(SOON);
    assert!(
        outcome.all().contains("messages of others came in"),
        "{outcome}"
    );
}

/// In the flood our own message still is found.
#[test]
fn our_own_message_in_a_flood() {
    let lab = Lab::new();
    let server = Rogue::FloodsForeign(20_000).start(&lab);
    Run::check(&lab, &plain_config(server.port, ""))
        .memory(MEMORY)
        .go()
        .expect_code(0);
}

/// 300 ms a packet each way, and one byte a segment: slow, and honest.
#[test]
fn slow_links_pass() {
    let (lab, root) = trusting_lab();
    let tls = with_certificate(&lab, root.server(&["localhost"]));
    let plain = mosquitto(&lab).start();
    let delay = Duration::from_millis(300);
    let (slow_tls, slow_plain) = (
        slow_link(&lab, tls.port, delay),
        slow_link(&lab, plain.port, delay),
    );
    let over_tls = Run::check(&lab, &tls_config(slow_tls.port, "")).start();
    let other = Lab::new();
    let in_the_clear = Run::check(&other, &plain_config(slow_plain.port, "")).start();
    over_tls.finish().expect_code(0);
    in_the_clear.finish().expect_code(0);
}
