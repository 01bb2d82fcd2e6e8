//! What `pub` and `sub` promise where mosquitto forgives: packet ids of QoS 2 over runs, nothing behind
//! DISCONNECT, no storm of connections, messages that are too large.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::codec::{PUBCOMP, PUBREL, Packet};
use crate::lab::Lab;
use crate::mosquitto::mosquitto;
use crate::rogue::Rogue;
use crate::run::Run;

fn config(port: u16, more: &str) -> String {
    format!("host = 127.0.0.1\nport = {port}\ntls = off\ntopic = a/b\n{more}")
}

/// A run that was killed has left twelve ids half-way. A broker that keeps to MQTT 3.1.1 §4.3.3 takes a
/// PUBLISH under such an id for a repetition until it sees the PUBREL, and drops it.
#[test]
fn qos_2_after_a_killed_run_loses_nothing() {
    let lab = Lab::new();
    let broker = Rogue::KeepsSession.start(&lab);
    let kept = "clean_session = off\nclient_id = me\nqos = 2\n";
    let mut run = Run::stream(&lab, "pub", &config(broker.port, kept), &["-l"]).start();
    for n in 0..40 {
        run.write(format!("{n}\n").as_bytes());
    }
    run.close_stdin();
    run.finish().expect_code(0);

    let mut half_way: BTreeSet<u16> = (1..=12).collect();
    let mut arrived = 0;
    for packet in broker.packets() {
        match packet {
            Packet::Publish(message) => arrived += u32::from(half_way.insert(message.id)),
            Packet::Ack { kind: PUBREL, id } => drop(half_way.remove(&id)),
            _ => {}
        }
    }
    assert_eq!(arrived, 40);
}

/// The connection that was to release them was lost: nothing is known of the ids of the earlier run yet.
#[test]
fn qos_2_after_a_killed_run_and_a_lost_connection_loses_nothing() {
    let lab = Lab::new();
    let broker = Rogue::KeepsSessionLosesRelease(Arc::default()).start(&lab);
    let kept = "clean_session = off\nclient_id = me\nqos = 2\n";
    let args = ["-m", "x"];
    Run::stream(&lab, "pub", &config(broker.port, kept), &args)
        .go()
        .expect_code(0);
    assert_eq!(broker.connects().len(), 2);
    let packets = broker.packets();
    let second = packets
        .iter()
        .rposition(|packet| matches!(packet, Packet::Connect(_)));
    let published = packets.iter().enumerate().find_map(|(at, packet)| {
        let Packet::Publish(message) = packet else {
            return None;
        };
        Some((at, message.id))
    });
    let (published, id) = published.unwrap();
    let before = packets[second.unwrap()..published]
        .iter()
        .any(|packet| matches!(packet, Packet::Ack { kind: PUBREL, id: it } if *it == id));
    assert!(before, "{packets:?}");
}

/// The same of the check, whose message has such an id too.
#[test]
fn a_check_with_qos_2_and_a_kept_session_releases_what_may_be_half_way() {
    let lab = Lab::new();
    let broker = Rogue::KeepsSession.start(&lab);
    let kept = "clean_session = off\nclient_id = me\nqos = 2\n";
    Run::check(&lab, &config(broker.port, kept))
        .go()
        .expect_code(0);
    let packets = broker.packets();
    let at = |such: &dyn Fn(&Packet) -> bool| packets.iter().position(such).unwrap();
    let published = at(&|packet| matches!(packet, Packet::Publish(_)));
    let Packet::Publish(message) = &packets[published] else {
        unreachable!()
    };
    let id = message.id;
    let released =
        at(&|packet| matches!(packet, Packet::Ack { kind: PUBREL, id: it } if *it == id));
    assert!(released < published, "{packets:?}");
}

/// MQTT 3.1.1 §3.14.4: after DISCONNECT a client sends nothing more.
#[test]
fn nothing_follows_a_disconnect() {
    for rogue in [Rogue::ReleasesAfterDisconnect, Rogue::Obedient] {
        let lab = Lab::new();
        let broker = rogue.start(&lab);
        let kept = "clean_session = off\nclient_id = me\nqos = 2\ntimeout = 2s\n";
        let args = ["-C", "1", "--for", "2s", "-t", "kept"];
        Run::stream(&lab, "sub", &config(broker.port, kept), &args).go();
        broker.wait_for(|events| events.iter().any(|event| event.is_end()).then_some(()));
        let packets = broker.packets();
        let last = packets.last();
        assert!(matches!(last, Some(Packet::Disconnect)), "{packets:?}");
        let answered = packets
            .iter()
            .any(|packet| matches!(packet, Packet::Ack { kind: PUBCOMP, .. }));
        assert!(!answered, "{packets:?}");
    }
}

/// mosquitto as it is installed keeps the acknowledgements of a full window back until the kernel has
/// heard that the first one came. It hears so at once if the free place is filled; left to itself it
/// waits for 40 ms, each time.
#[test]
fn a_place_in_a_full_window_is_filled_at_once() {
    let lab = Lab::new();
    let broker = Rogue::HoldsBackAcks(1000).start(&lab);
    let config = config(broker.port, "qos = 1\ntimeout = 2s\n");
    let mut run = Run::stream(&lab, "pub", &config, &["-l"]).start();
    for n in 0..1100 {
        run.write(format!("{n}\n").as_bytes());
    }
    run.close_stdin();
    run.finish().expect_code(0);
    assert_eq!(broker.connects().len(), 1);
}

/// A message that ends each connection ends the run, after a few connections and not thousands.
#[test]
fn a_message_that_ends_every_connection_ends_the_run() {
    let lab = Lab::new();
    let broker = Rogue::ClosesAtPublish.start(&lab);
    let run = Run::stream(&lab, "pub", &config(broker.port, ""), &["-m", "x"]).go();
    run.expect_code(8);
    assert!(run.all().contains("error[publish-closed]"), "{run}");
    assert!(broker.connects().len() <= 6, "{}", broker.connects().len());
    assert!(run.all().lines().count() < 30, "{run}");
}

#[test]
fn giving_up_counts_from_the_last_work_done() {
    let lab = Lab::new();
    let broker = Rogue::ClosesAtPublish.start(&lab);
    let args = ["-m", "x", "--give-up", "400ms"];
    let run = Run::stream(&lab, "pub", &config(broker.port, ""), &args).go();
    run.expect_code(10).expect_within(Duration::from_secs(5));
}

/// Two clients with one id throw each other out, until each of them knows why.
#[test]
fn two_clients_with_one_id_are_told_so() {
    let lab = Lab::new();
    let broker = mosquitto(&lab).start();
    let config = config(broker.port, "client_id = same\n");
    let one = Run::stream(&lab, "sub", &config, &["-t", "x"]).start();
    let two = Run::stream(&lab, "sub", &config, &["-t", "x", "--for", "20s"]).go();
    one.signal("INT");
    let both = [one.finish(), two];
    let told = both
        .iter()
        .filter(|run| run.all().contains("error[mqtt-taken-over]"));
    assert!(told.count() >= 1, "{}\n{}", both[0], both[1]);
    for run in &both {
        assert!(run.all().lines().count() < 60, "{run}");
    }
}

/// A rival that always comes back after a while: closed are the connections with that id, and no others.
#[test]
fn a_rival_is_told_by_the_id_it_uses() {
    let lab = Lab::new();
    let broker = Rogue::TakesOver("same", Duration::from_millis(400)).start(&lab);
    let config = config(broker.port, "client_id = same\n");
    let run = Run::stream(&lab, "sub", &config, &["-t", "x"]).go();
    run.expect_code(6);
    for said in [
        "error[mqtt-taken-over]",
        "so were three more, each while one with a fresh client id stood",
    ] {
        assert!(run.all().contains(said), "{said}: {run}");
    }
}

/// A network that closes nearly every connection closes those that look for the cause, too. That one of
/// them stands, with whatever client id, proves nothing.
#[test]
fn a_network_that_closes_connections_is_no_rival() {
    let lab = Lab::new();
    let broker = Rogue::SparesEveryFifth {
        after: Duration::from_millis(300),
        connects: Default::default(),
    }
    .start(&lab);
    let config = config(broker.port, "client_id = same\n");
    let args = ["-t", "x", "--for", "15s"];
    let run = Run::stream(&lab, "sub", &config, &args).go();
    run.expect_code(0);
    // They were compared.
    assert!(broker.connects().len() > 5, "{run}");
}

/// A message that is too large is told and counted, and the stream goes on.
#[test]
fn sub_goes_on_after_a_message_that_is_too_large() {
    let lab = Lab::new();
    let broker = mosquitto(&lab).start();
    let small = "max_packet_size = 1024\n";
    let args = ["-t", "x", "-C", "1", "--json"];
    let sub = Run::stream(&lab, "sub", &config(broker.port, small), &args).start();
    broker.wait_for_log("Sending SUBACK");
    let publish = |payload: &str| {
        let args = ["-t", "x", "-m", payload];
        Run::stream(&lab, "pub", &config(broker.port, ""), &args)
            .go()
            .expect_code(0);
    };
    publish(&"x".repeat(2000));
    // Subscribed again.
    crate::lab::wait_until(|| (broker.log().matches("Sending SUBACK").count() > 1).then_some(()));
    publish("small");
    let run = sub.finish();
    run.expect_code(0);
    let report: Value = serde_json::from_str(run.stdout.lines().last().unwrap()).unwrap();
    assert_eq!(
        (&report["received"], &report["too_large"]),
        (&1.into(), &1.into()),
        "{run}"
    );
}

/// One that the broker keeps comes with every connection: that ends it.
#[test]
fn sub_ends_with_a_kept_message_that_is_too_large() {
    let lab = Lab::new();
    let broker = mosquitto(&lab).start();
    let large = "x".repeat(2000);
    let args = ["-t", "x", "-r", "-m", &large];
    Run::stream(&lab, "pub", &config(broker.port, ""), &args)
        .go()
        .expect_code(0);
    let small = config(broker.port, "max_packet_size = 1024\n");
    let run = Run::stream(&lab, "sub", &small, &["-t", "x"]).go();
    run.expect_code(9);
    assert!(run.all().contains("error[receive-too-large]"), "{run}");
}
