//! What a check sends, packet by packet, as a broker that behaves has seen it; and what it makes of
//! the messages that come back.

use crate::codec::{PUBREL, Packet, Publish};
use crate::lab::Lab;
use crate::mosquitto::mosquitto;
use crate::provoke::{Provoked, plain_config, provoke, tls_config, trusting_lab};
use crate::rogue::Rogue;
use crate::rogue_server::{Event, RogueServer, What};
use crate::run::Run;

/// A check of the obedient rogue with these settings: what it passes on, and what was sent.
#[track_caller]
fn observe(more: &str) -> (Provoked, RogueServer) {
    let lab = Lab::new();
    let broker = Rogue::Obedient.start(&lab);
    let found = provoke(&lab, plain_config(broker.port, more)).passes();
    (found, broker)
}

#[test]
fn the_connect_packet_says_what_was_configured() {
    let (_, broker) = observe(
        "client_id = sensor-7\nusername = ann\npassword = s3cret-word\nkeep_alive = 30s\n\
         clean_session = off\nwill_topic = gone\nwill_message = so long\nwill_qos = 1\n\
         will_retain = on\n",
    );
    for connect in broker.connects() {
        assert_eq!(
            (connect.level, connect.keep_alive, connect.clean_session),
            (4, 30, false)
        );
        assert_eq!(connect.client_id, "sensor-7");
        assert_eq!(connect.username.as_deref(), Some("ann"));
        assert_eq!(connect.password.as_deref(), Some(&b"s3cret-word"[..]));
        let will = Publish {
            topic: "gone".into(),
            payload: b"so long".into(),
            qos: 1,
            retain: true,
            ..Publish::default()
        };
        assert_eq!(connect.will, Some(will));
    }
}

#[test]
fn nothing_is_sent_that_was_not_configured() {
    let (_, broker) = observe("");
    let connects = broker.connects();
    assert_eq!(connects.len(), 2, "one for each of two checks");
    for connect in connects {
        assert_eq!(
            (connect.level, connect.keep_alive, connect.clean_session),
            (4, 60, true)
        );
        let digits = connect.client_id.strip_prefix("mqtt-test-").unwrap();
        assert!(
            digits.len() == 8 && digits.chars().all(|c| c.is_ascii_hexdigit()),
            "{digits}"
        );
        assert_eq!(
            (connect.will, connect.username, connect.password),
            (None, None, None)
        );
    }
}

/// Waits for the end of the connection on which `found` was seen.
#[track_caller]
fn end_of(broker: &RogueServer, found: impl Fn(&Event) -> bool) -> What {
    broker.wait_for(|diary| {
        let connection = diary.iter().find(|event| found(event))?.connection;
        let end = |event: &&Event| event.connection == connection && event.is_end();
        Some(diary.iter().find(end)?.what.clone())
    })
}

#[test]
fn the_goodbye_is_complete() {
    let lab = Lab::new();
    let broker = Rogue::Obedient.start(&lab);
    Run::check(&lab, &plain_config(broker.port, ""))
        .go()
        .expect_code(0);
    let end = end_of(&broker, |event| {
        event.is(|packet| *packet == Packet::Disconnect)
    });
    assert_eq!(end, What::Closed, "and no reset");
    let words: Vec<&str> = broker
        .packets()
        .iter()
        .map(|packet| match packet {
            Packet::Connect(_) => "CONNECT",
            Packet::Subscribe { .. } => "SUBSCRIBE",
            Packet::Publish(_) => "PUBLISH",
            Packet::Unsubscribe { .. } => "UNSUBSCRIBE",
            Packet::Disconnect => "DISCONNECT",
            _ => "?",
        })
        .collect();
    assert_eq!(
        words,
        [
            "CONNECT",
            "SUBSCRIBE",
            "PUBLISH",
            "UNSUBSCRIBE",
            "DISCONNECT"
        ]
    );
}

/// The first connection looks at the handshake alone, and closes with close_notify (RFC 8446
/// §6.1).
#[test]
fn the_look_at_the_handshake_ends_in_order() {
    let (lab, root) = trusting_lab();
    let broker =
        Rogue::Obedient.start_tls(&lab, root.server(&["localhost"]).issue().server_config());
    Run::check(&lab, &tls_config(broker.port, ""))
        .go()
        .expect_code(0);
    assert_eq!(end_of(&broker, |event| event.connection == 0), What::Closed);
    let on_the_first = |event: &Event| event.connection == 0 && event.is(|_| true);
    assert!(
        !broker.events().iter().any(on_the_first),
        "{:#?}",
        broker.events()
    );
}

#[test]
fn every_qos_makes_the_round_trip() {
    for qos in [0, 1, 2] {
        let (found, broker) = observe(&format!("qos = {qos}\ntopic = rooms/{{client_id}}/t\n"));
        found.warns_of_nothing();
        for packet in broker.packets() {
            match packet {
                Packet::Publish(message) => {
                    assert_eq!(message.qos, qos);
                    assert!(
                        message.topic.starts_with("rooms/mqtt-test-"),
                        "{}",
                        message.topic
                    );
                }
                Packet::Subscribe { filters, .. } => assert_eq!(filters[0].1, qos),
                _ => {}
            }
        }
        let released = broker
            .events()
            .iter()
            .any(|event| event.is(|packet| matches!(packet, Packet::Ack { kind: PUBREL, .. })));
        assert_eq!(released, qos == 2);

        let lab = Lab::new();
        let broker = mosquitto(&lab).start();
        provoke(&lab, plain_config(broker.port, &format!("qos = {qos}\n"))).passes();
    }
}

/// A retained message on the topic, from an earlier run or from others, is not taken for ours.
#[test]
fn retained_messages_do_not_deceive() {
    let lab = Lab::new();
    let broker = mosquitto(&lab).start();
    let config = plain_config(broker.port, "topic = kept\nretain = on\nmessage = hello\n");
    provoke(&lab, config.clone()).passes();
    provoke(&lab, config).passes();
    let acl = mosquitto(&lab).acl("topic read kept\n").start();
    provoke(&lab, plain_config(acl.port, "topic = kept\ntimeout = 1s\n"))
        .variant("retained")
        .fails("receive-timeout");
}

#[test]
fn a_message_of_the_users_own_is_sent_as_it_is() {
    let (found, broker) = observe("message = 21.5 °C # not a comment\n");
    let sent = "21.5 °C # not a comment".as_bytes();
    let publishes = |packet: &Packet| matches!(packet, Packet::Publish(p) if p.payload == sent);
    assert!(
        broker.packets().iter().any(publishes),
        "{:?}",
        broker.packets()
    );
    found.says(&[&format!("{} bytes", sent.len())]);
}
