//! What `pub` and `sub` say when an open session fails: each sentence must be true of what this very
//! run did. What fails before CONNACK is the check's as well; those outputs are compared where the
//! check's are, by `provoke`.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use crate::codec::Packet;
use crate::golden;
use crate::hostile::{broker_until, hostile, silence};
use crate::lab::Lab;
use crate::mosquitto::mosquitto;
use crate::provoke::{BRIEF, plain_config, tls_config, trusting_lab};
use crate::proxy::Proxy;
use crate::rogue::Rogue;
use crate::run::{Outcome, Run, Running};

/// Compares an end of `pub` or `sub` with its golden file, and the words with these.
#[track_caller]
fn check(name: &str, lab: &Lab, outcome: &Outcome, code: i32, says: &[&str]) {
    outcome.expect_code(code);
    golden::check(name, lab, outcome);
    for words in says {
        assert!(
            outcome.stderr.contains(words),
            "no `{words}` in:\n{outcome}"
        );
    }
}

/// One connection and no other: what lost it is the last cause.
fn start(lab: &Lab, command: &str, config: &str, args: &[&str]) -> Running {
    let args = [args, &["--no-reconnect"]].concat();
    Run::stream(lab, command, config, &args).start()
}

/// The broker closes at the one message of `args`.
#[track_caller]
fn closed_at_publish(variant: &str, more: &str, args: &[&str], says: &[&str]) {
    let lab = Lab::new();
    let server = Rogue::ClosesAtPublish.start(&lab);
    let config = plain_config(server.port, &format!("topic = a/b\n{more}"));
    let outcome = start(&lab, "pub", &config, args).finish();
    let name = format!("connection-lost.pub.{variant}");
    check(&name, &lab, &outcome, 10, says);
}

#[test]
fn pub_closed_at_publish() {
    closed_at_publish("closed", "", &["-m", "hello"], &["QoS 1, 5 bytes\n"]);
    let (more, args) = ("qos = 2\nclient_id = own\n", ["-r", "-m", "hello"]);
    closed_at_publish("closed.qos-2", more, &args, &["QoS 2, 5 bytes, retained\n"]);
}

/// The connection that looks for evidence must not hide what the first one showed.
#[test]
fn the_first_verdict_stands() {
    let (lab, _) = trusting_lab();
    let server = Rogue::TlsAlertOnce(80, Arc::default()).start(&lab);
    let config = tls_config(server.port, "timeout = 1s\n");
    let run = start(&lab, "pub", &config, &["-t", "t", "-m", "x"]).finish();
    let says = ["received: alert internal_error (80)"];
    check("tls-alert.pub.once", &lab, &run, 5, &says);
}

/// The payload that counts is the one that was published, not the `message` of the configuration.
#[test]
fn pub_closed_for_the_size_of_a_line() {
    let lab = Lab::new();
    let broker = mosquitto(&lab).line("max_packet_size 1500").start();
    let config = plain_config(broker.port, "topic = a/b\n");
    let mut running = start(&lab, "pub", &config, &["-l"]);
    running.write(b"short\n");
    broker.wait_for_log("Received PUBLISH from");
    running.write(format!("{}\n", "x".repeat(2000)).as_bytes());
    let outcome = running.finish();
    let says = [
        "2000 bytes",
        "if the message is larger than the broker's limit",
    ];
    check("connection-lost.pub.size", &lab, &outcome, 10, &says);
}

/// With QoS 0 nobody says which message was the last to arrive.
#[test]
fn pub_closed_at_qos_0() {
    let lab = Lab::new();
    let server = Rogue::ClosesAtPublish.start(&lab);
    let config = plain_config(server.port, "topic = a/b\nqos = 0\n");
    let mut running = start(&lab, "pub", &config, &["-l"]);
    running.write(b"one\n");
    server.wait_for(|diary| diary.iter().find(|event| event.is_end()).map(drop));
    let stdin = running.take_stdin();
    let outcome = running.finish();
    drop(stdin);
    let says = ["QoS 0, 1 message published on this connection, of 3 bytes"];
    check("connection-lost.pub.qos-0", &lab, &outcome, 10, &says);
}

#[test]
fn pub_closed_while_it_waits_for_input() {
    let lab = Lab::new();
    let server = Rogue::TakenOver(Duration::from_millis(50)).start(&lab);
    let config = plain_config(server.port, "topic = a/b\nclient_id = own\n");
    let mut running = start(&lab, "pub", &config, &["-l"]);
    let stdin = running.take_stdin();
    let outcome = running.finish();
    drop(stdin);
    assert!(!outcome.stderr.contains("at PUBLISH"), "{outcome}");
    let says = ["while no message was under way", "`own`"];
    check("connection-lost.pub.idle", &lab, &outcome, 10, &says);
}

#[test]
fn pub_without_an_acknowledgement() {
    let lab = Lab::new();
    let server = Rogue::NeverPubcomp.start(&lab);
    let config = plain_config(server.port, &format!("topic = a/b\nqos = 2\n{BRIEF}"));
    let outcome = start(&lab, "pub", &config, &["-m", "hello"]).finish();
    let says = ["no PUBREC and PUBCOMP within 1 s"];
    check("connection-lost.pub.qos-2", &lab, &outcome, 10, &says);
}

/// A link that takes nothing more; no acknowledgement was to come.
#[test]
fn pub_on_a_stalled_link() {
    let lab = Lab::new();
    let broker = mosquitto(&lab).start();
    let proxy = Proxy::start(&lab, broker.port);
    let more = format!("topic = a/b\nqos = 0\n{BRIEF}");
    let config = plain_config(proxy.port, &more);
    let args = ["-m", "x", "--repeat", "100000000"];
    let running = start(&lab, "pub", &config, &args);
    broker.wait_for_log("Received PUBLISH from");
    proxy.stall(true);
    let outcome = running.finish();
    outcome.expect_code(10);
    assert!(!outcome.stderr.contains("PUBACK"), "{outcome}");
    let says = [
        "error[publish-timeout]: the broker takes no more data",
        "nothing more could be sent for 1 s",
        "QoS 0, ",
    ];
    for words in says {
        assert!(
            outcome.stderr.contains(words),
            "no `{words}` in:\n{outcome}"
        );
    }
}

#[test]
fn pub_with_a_message_that_is_too_large() {
    let lab = Lab::new();
    let broker = mosquitto(&lab).start();
    let config = plain_config(broker.port, "topic = a/b\nmax_packet_size = 1KiB\n");
    lab.write("large", vec![b'x'; 1024]);
    let run = |args: &[&str], input: &[u8]| {
        let mut running = start(&lab, "pub", &config, args);
        running.write(input);
        running.finish()
    };
    let outcome = run(&["-f", "large"], b"");
    let says = ["the packet has 1031 bytes"];
    check("publish-too-large.pub.file", &lab, &outcome, 8, &says);
    let outcome = run(&["-l"], &[b'x'; 100_000]);
    // How much was read when it was enough is no property of the message.
    let says = ["the packet has more than 1024 bytes"];
    check("publish-too-large.pub", &lab, &outcome, 8, &says);
}

/// The input is at fault, and not the broker.
#[test]
fn pub_with_an_input_that_cannot_be_read() {
    let lab = Lab::new();
    let server = Rogue::Obedient.start(&lab);
    fs::create_dir(lab.path("folder")).unwrap();
    let config = plain_config(server.port, "topic = a/b\n");
    let outcome = Run::stream(&lab, "pub", &config, &["-l"])
        .stdin("folder")
        .go();
    assert!(!outcome.stderr.contains("broker"), "{outcome}");
    let says = ["standard input", "Is a directory"];
    check("publish-input-failed.pub", &lab, &outcome, 8, &says);
    // The session was closed in order.
    assert_eq!(server.packets().last(), Some(&Packet::Disconnect));
}

#[test]
fn pub_interrupted() {
    let lab = Lab::new();
    let server = Rogue::Obedient.start(&lab);
    let config = plain_config(server.port, "topic = a/b\n");
    let mut running = start(&lab, "pub", &config, &["-l"]);
    running.write(b"one\n");
    let published = |packet: &Packet| matches!(packet, Packet::Publish(_));
    server.wait_for(|diary| diary.iter().find(|event| event.is(published)).map(drop));
    running.signal("TERM");
    let stdin = running.take_stdin();
    let outcome = running.finish();
    drop(stdin);
    check("interrupted.pub", &lab, &outcome, 130, &[]);
}

/// The filter that was asked for, and not the topic of the configuration.
#[test]
fn sub_closed_at_subscribe() {
    let lab = Lab::new();
    let server = Rogue::ClosesAtSubscribe.start(&lab);
    let config = plain_config(server.port, "");
    let outcome = start(&lab, "sub", &config, &["-t", "sensors/#"]).finish();
    assert!(!outcome.stderr.contains("mqtt-test-"), "{outcome}");
    assert!(!outcome.stderr.contains("`topic`"), "{outcome}");
    let says = ["filter: `sensors/#` (given by `-t`), QoS 1"];
    check(
        "connection-lost.sub.subscribe-closed",
        &lab,
        &outcome,
        10,
        &says,
    );
}

#[test]
fn sub_without_a_suback() {
    let lab = Lab::new();
    let server = Rogue::NeverSuback.start(&lab);
    let config = plain_config(server.port, BRIEF);
    let outcome = start(&lab, "sub", &config, &["-t", "sensors/#"]).finish();
    assert!(!outcome.stderr.contains("mqtt-test-"), "{outcome}");
    let says = ["filter: `sensors/#`"];
    check(
        "connection-lost.sub.subscribe-timeout",
        &lab,
        &outcome,
        10,
        &says,
    );
}

/// A filter of the configuration is named by its line.
#[test]
fn sub_denied_the_topic_of_its_file() {
    let lab = Lab::new();
    let server = Rogue::DeniesSubscribe.start(&lab);
    let config = plain_config(server.port, "topic = secret/plans\n");
    let outcome = start(&lab, "sub", &config, &[]).finish();
    let says = ["`topic` in `sub.conf`, line 5", "that the user may read"];
    check("subscribe-denied.sub.file", &lab, &outcome, 7, &says);
}

/// Nothing was published, and the time counts from when the connection stood.
#[test]
fn sub_with_a_broker_that_goes_away() {
    let lab = Lab::new();
    let mut broker = mosquitto(&lab).start();
    let config = plain_config(broker.port, "client_id = me\n");
    let args = ["-t", "sensors/#", "-t", "alarms"];
    let running = start(&lab, "sub", &config, &args);
    broker.wait_for_log("me 1 alarms\n");
    // A time that no turn of the loop takes.
    std::thread::sleep(Duration::from_millis(1100));
    broker.stop();
    let outcome = running.finish();
    assert!(!outcome.stderr.contains("the message"), "{outcome}");
    let says = [
        "`sensors/#` (given by `-t`), `alarms` (given by `-t`)",
        "error[receive-closed]",
    ];
    check(
        "connection-lost.sub.receive-closed",
        &lab,
        &outcome,
        10,
        &says,
    );
    let seconds = outcome.stderr.contains("1.1 s after CONNACK")
        || outcome.stderr.contains("1.2 s after CONNACK")
        || outcome.stderr.contains("1.3 s after CONNACK");
    assert!(seconds, "{outcome}");
}

#[test]
fn sub_with_a_message_that_is_too_large() {
    let lab = Lab::new();
    let broker = mosquitto(&lab).start();
    lab.write("large", vec![b'x'; 1025]);
    let args = ["-t", "kept", "-r", "-f", "large"];
    let config = plain_config(broker.port, "");
    Run::stream(&lab, "pub", &config, &args).go().expect_code(0);
    let config = plain_config(broker.port, "max_packet_size = 1KiB\n");
    let outcome = start(&lab, "sub", &config, &["-t", "kept"]).finish();
    check("receive-too-large.sub", &lab, &outcome, 9, &["`kept`"]);
}

/// Bytes that are not MQTT, from a peer that spoke it before.
#[test]
fn garbage_after_connack() {
    for (command, args) in [
        ("pub", &["-t", "a/b", "-m", "hello"][..]),
        ("sub", &["-t", "a/b"]),
    ] {
        let lab = Lab::new();
        let peer = hostile(&lab, |mut stream| {
            broker_until(&mut stream, |packet| {
                matches!(packet, Packet::Subscribe { .. } | Packet::Publish(_))
            })?;
            std::io::Write::write_all(&mut stream, &[0xf3, 27].repeat(15))?;
            silence(&mut stream)
        });
        let outcome = start(&lab, command, &plain_config(peer.port, ""), args).finish();
        let name = format!("connection-lost.{command}.not-mqtt");
        check(&name, &lab, &outcome, 10, &["error[mqtt-not-mqtt]"]);
    }
}
