//! What mosquitto allows in MQTT 5, which the check and `pub` keep to, and how it ends connections there.

use crate::codec::Packet;
use crate::golden;
use crate::lab::Lab;
use crate::mosquitto::mosquitto;
use crate::rogue::{Rogue, Saying, To, To5};
use crate::rogue_server::RogueServer;
use crate::run::Run;

fn config(port: u16, more: &str) -> String {
    let protocol = if more.contains("protocol") {
        ""
    } else {
        "protocol = 5\n"
    };
    format!("host = 127.0.0.1\nport = {port}\ntls = off\n{protocol}topic = a/b\n{more}")
}

/// A good broker whose CONNACK has these properties.
fn allows(properties: &[u8]) -> Rogue {
    let length = u8::try_from(properties.len()).unwrap();
    let rest = [&[0, 0, length], properties].concat();
    Rogue::Says(To::Connect, Saying { kind: 2, rest })
}

/// Publishes `count` lines and tells the report.
#[track_caller]
fn publish_lines(lab: &Lab, port: u16, args: &[&str], count: usize) -> String {
    let args = [&["-l", "--json"][..], args].concat();
    let mut run = Run::stream(lab, "pub", &config(port, ""), &args).start();
    for n in 0..count {
        run.write(format!("{n}\n").as_bytes());
    }
    let run = run.finish();
    run.expect_code(0);
    run.all()
}

#[test]
fn the_qos_is_lowered_to_the_maximum() {
    let lab = Lab::new();
    for (maximum, asked) in [(1, 2), (0, 1), (0, 2), (1, 1)] {
        let broker = mosquitto(&lab).line(format!("max_qos {maximum}")).start();
        let run = Run::check(&lab, &config(broker.port, &format!("qos = {asked}\n"))).go();
        run.expect_code(0);
        match (maximum, asked) {
            (1, 1) => assert!(!run.all().contains("warning"), "{run}"),
            (1, 2) => golden::check("qos-downgraded.maximum", &lab, &run),
            _ => assert!(run.all().contains("QoS 0 is used"), "{run}"),
        }
        let qos = format!("-q{asked}");
        let report = publish_lines(&lab, broker.port, &[&qos], 100);
        let done = if maximum == 0 { "sent" } else { "acknowledged" };
        let done = format!(r#""published":100,"{done}":100,"refused":0,"unacknowledged":0"#);
        assert!(report.contains(&done), "{report}");
        let warnings = report.matches("qos-downgraded").count();
        assert_eq!(warnings, usize::from(asked > maximum), "{report}");
    }
    // A check that publishes nothing has nothing to lower; the subscription is granted less.
    let broker = mosquitto(&lab).line("max_qos 0").start();
    let more = "qos = 2\ncheck = subscribe\n";
    let run = Run::check(&lab, &config(broker.port, more)).go();
    run.expect_code(0);
    assert!(
        run.all().contains("QoS 2 was asked for and QoS 0 granted"),
        "{run}"
    );
}

#[test]
fn a_retained_message_is_not_sent_where_none_is_retained() {
    let lab = Lab::new();
    let broker = mosquitto(&lab).line("retain_available false").start();
    let run = Run::check(&lab, &config(broker.port, "retain = on\n")).go();
    run.expect_code(8);
    golden::check("publish-denied.retain", &lab, &run);
    let run = Run::stream(&lab, "pub", &config(broker.port, ""), &["-r", "-m", "x"]).go();
    run.expect_code(8);
    golden::check("publish-denied.retain.pub", &lab, &run);
    assert!(
        !broker.log().contains("Received PUBLISH"),
        "{}",
        broker.log()
    );
    let run = Run::check(&lab, &config(broker.port, "")).go();
    run.expect_code(0);
}

#[test]
fn what_is_larger_than_the_broker_takes_is_not_sent() {
    let lab = Lab::new();
    let broker = mosquitto(&lab).line("max_packet_size 300").start();
    let message = |length| format!("message = {}\n", "x".repeat(length));
    // Two bytes of length and the topic's three, two of the id, one of properties; three of the header.
    let fits = 300 - 3 - (2 + 3 + 2 + 1);
    let run = Run::check(&lab, &config(broker.port, &message(fits))).go();
    run.expect_code(0);
    let run = Run::check(&lab, &config(broker.port, &message(fits + 1))).go();
    run.expect_code(8);
    golden::check("publish-too-large.broker", &lab, &run);
    // What came before is published.
    let args = ["-l"];
    let mut run = Run::stream(&lab, "pub", &config(broker.port, ""), &args).start();
    run.write(format!("a\nb\n{}\nc\n", "x".repeat(1_000)).as_bytes());
    let run = run.finish();
    run.expect_code(8);
    golden::check("publish-too-large.broker.pub", &lab, &run);
    assert!(!broker.log().contains("oversize"), "{}", broker.log());
}

/// A limit that mosquitto does not announce: it refuses each message over it.
#[test]
fn what_is_larger_than_its_limit_is_refused() {
    let lab = Lab::new();
    let broker = mosquitto(&lab).line("message_size_limit 100").start();
    for (qos, answer) in [(1, "PUBACK"), (2, "PUBREC")] {
        let more = format!("qos = {qos}\nmessage = {}\n", "x".repeat(101));
        let run = Run::check(&lab, &config(broker.port, &more)).go();
        run.expect_code(8);
        let all = run.all();
        assert!(all.contains("error[publish-too-large]"), "{run}");
        assert!(
            all.contains(&format!("{answer} 0x95 (packet too large)")),
            "{run}"
        );
    }
    let mut run = Run::stream(&lab, "pub", &config(broker.port, ""), &["-l"]).start();
    run.write(format!("a\n{}\nb\n", "x".repeat(101)).as_bytes());
    let run = run.finish();
    run.expect_code(8);
    golden::check("publish-too-large.refused.pub", &lab, &run);
}

/// mosquitto names it by `max_inflight_messages`, and ends the connection of who has more under way.
#[test]
fn the_window_keeps_to_the_receive_maximum() {
    let lab = Lab::new();
    for maximum in [1, 5] {
        let broker = mosquitto(&lab)
            .line(format!("max_inflight_messages {maximum}"))
            .terse()
            .start();
        for qos in ["-q1", "-q2"] {
            let report = publish_lines(&lab, broker.port, &[qos], 1_000);
            assert!(
                report.contains(r#""published":1000,"acknowledged":1000"#),
                "{report}"
            );
            assert!(report.contains(r#""reconnects":0"#), "{report}");
        }
    }
}

#[test]
fn a_client_id_of_another_prefix() {
    let lab = Lab::new();
    let broker = mosquitto(&lab).line("clientid_prefixes dev-").start();
    let run = Run::check(&lab, &config(broker.port, "client_id = dev-1\n")).go();
    run.expect_code(0);
    let run = Run::check(&lab, &config(broker.port, "client_id = other\n")).go();
    run.expect_code(6);
    golden::check("mqtt-not-authorized.client-id.mqtt-5", &lab, &run);
}

/// mosquitto 2.0.11 says nothing when it stops, in either version.
#[test]
fn a_broker_that_stops_and_comes_back() {
    let lab = Lab::new();
    let mut broker = mosquitto(&lab).start();
    let args = ["-C", "1"];
    let run = Run::stream(&lab, "sub", &config(broker.port, ""), &args).start();
    broker.wait_for_log("Sending SUBACK to");
    broker.stop();
    broker.restart();
    broker.wait_for_log("Sending SUBACK to");
    let sent = Run::stream(&lab, "pub", &config(broker.port, ""), &["-m", "hello"]).go();
    sent.expect_code(0);
    let run = run.finish();
    run.expect_code(0);
    assert!(run.all().contains("connection is back"), "{run}");
}

/// What is missing is known where the broker says that it takes the message.
#[test]
fn what_does_not_come_back() {
    let lab = Lab::new();
    let broker = mosquitto(&lab).acl("topic write a/#\n").start();
    for (qos, name) in [
        (1, "receive-timeout.mqtt-5"),
        (0, "receive-timeout.mqtt-5.qos-0"),
    ] {
        let more = format!("timeout = 1s\nqos = {qos}\n");
        let run = Run::check(&lab, &config(broker.port, &more)).go();
        run.expect_code(9);
        golden::check(name, &lab, &run);
        // The configuration does not say which version it came to be.
        let more = more.replace("timeout", "protocol = auto\ntimeout");
        let auto = Run::check(&lab, &config(broker.port, &more)).go();
        auto.expect_code(9);
        assert!(auto.all().contains("MQTT 5, client id"), "{auto}");
        assert!(!auto.all().contains("3.1.1"), "{auto}");
    }
    let saying = Saying {
        kind: 4,
        rest: vec![0x10],
    };
    let server = Rogue::Says(To::Publish, saying).start(&lab);
    let run = Run::check(&lab, &config(server.port, "timeout = 1s\n")).go();
    run.expect_code(9);
    golden::check("receive-timeout.no-subscribers", &lab, &run);
}

/// Wildcards, shared subscriptions, subscription identifiers: whoever has been told that the broker takes
/// none of them does not ask for one (MQTT 5 §3.2.2.3.11 to §3.2.2.3.13).
#[test]
fn a_subscription_that_the_broker_does_not_take_is_not_asked_for() {
    let lab = Lab::new();
    for (properties, filter, flags, name) in [
        (&[0x28, 0], "b/#", &[][..], "subscribe-denied.wildcards"),
        (&[0x28, 0], "b/+/c", &[], ""),
        (&[0x28, 0], "$share/g/b/#", &[], ""),
        (&[0x2a, 0], "$share/g/b", &[], "subscribe-denied.no-shared"),
        (
            &[0x29, 0],
            "b",
            &["--subscription-id", "7"],
            "subscribe-denied.identifiers",
        ),
    ] {
        let server = allows(properties).start(&lab);
        // Not even the one that it would take.
        let args = [&["-t", "a/b", "-t", filter], flags].concat();
        let run = Run::stream(&lab, "sub", &config(server.port, ""), &args).go();
        run.expect_code(7);
        assert!(run.stderr.contains("error[subscribe-denied]"), "{run}");
        if !name.is_empty() {
            golden::check(name, &lab, &run);
        }
        let packets = server.packets();
        let [Packet::Connect(_), Packet::Disconnect] = packets.as_slice() else {
            panic!("{packets:?}")
        };
        // The check subscribes to `topic`, and `request` to where its answers come.
        if flags.is_empty() {
            let more = format!("topic = {filter}\ncheck = subscribe\n");
            let check = config(server.port, &more).replacen("topic = a/b\n", "", 1);
            let run = Run::check(&lab, &check).go();
            run.expect_code(7);
            if !name.is_empty() {
                golden::check(&format!("{name}.check"), &lab, &run);
            }
            assert_eq!(server.connects().len(), 2, "{run}");
            assert_eq!(server.packets().len(), 4, "{run}");
        }
    }
    let server = allows(&[0x2a, 0]).start(&lab);
    let args = ["-m", "x", "--response-topic", "$share/g/b"];
    let run = Run::stream(&lab, "request", &config(server.port, ""), &args).go();
    run.expect_code(7);
    assert_eq!(server.packets().len(), 2, "{run}");
}

/// What the broker takes is asked for, whatever else it does not take.
#[test]
fn a_subscription_that_the_broker_takes_is_asked_for() {
    let lab = Lab::new();
    for (properties, filter, flags) in [
        (&[0x28, 1, 0x29, 0, 0x2a, 0][..], "b/#", &[][..]),
        (&[0x28, 0, 0x29, 0, 0x2a, 1], "$share/g/b", &[]),
        (
            &[0x28, 0, 0x29, 1, 0x2a, 0],
            "b",
            &["--subscription-id", "7"],
        ),
        (&[0x28, 0, 0x29, 0, 0x2a, 0], "$shared/b", &[]),
    ] {
        let server = allows(properties).start(&lab);
        let args = [&["-t", filter, "--for", "300ms"], flags].concat();
        let run = Run::stream(&lab, "sub", &config(server.port, ""), &args).go();
        run.expect_code(0);
    }
}

/// The second opinion keeps to it as well, and knows then why 3.1.1 was denied.
#[test]
fn the_second_opinion_does_not_ask_for_it() {
    let lab = Lab::new();
    let server = Rogue::DeniesSubscribeAllows(&[0x28, 0]).start(&lab);
    let more = "protocol = 3.1.1\ncheck = subscribe\n";
    let config = config(server.port, more).replace("a/b", "a/#");
    let run = Run::check(&lab, &config).go();
    run.expect_code(7);
    golden::check("subscribe-denied.second-wildcards", &lab, &run);
    let asked = server.packets();
    let asked = asked
        .iter()
        .filter(|packet| matches!(packet, Packet::Subscribe { .. }));
    assert_eq!(asked.count(), 1, "{run}");
}

/// `request` keeps to it as the check and `pub` do.
#[test]
fn a_question_keeps_to_what_the_broker_allows() {
    let lab = Lab::new();
    let ask = |port: u16, args: &[&str]| {
        let args = [&["--timeout", "500ms"], args].concat();
        Run::stream(&lab, "request", &config(port, ""), &args).go()
    };
    // Nobody answers; what was sent is what counts.
    for (maximum, asked) in [(1, "2"), (0, "1"), (0, "2")] {
        let server = allows(&[0x24, maximum]).start(&lab);
        let run = ask(server.port, &["-m", "x", "-q", asked]);
        run.expect_code(9);
        if asked == "1" {
            golden::check("qos-downgraded.maximum.request", &lab, &run);
        }
        assert_eq!(run.all().matches("warning[").count(), 1, "{run}");
        assert!(run.all().contains("warning[qos-downgraded]"), "{run}");
        let sent: Vec<_> = server
            .packets()
            .into_iter()
            .filter_map(|packet| match packet {
                Packet::Publish(message) => Some(message.qos),
                _ => None,
            })
            .collect();
        assert_eq!(sent, [maximum], "{run}");
    }
    let nothing_sent = |server: &RogueServer| {
        let packets = server.packets();
        assert!(
            !packets.iter().any(|it| matches!(it, Packet::Publish(_))),
            "{packets:?}"
        );
    };
    let server = allows(&[0x25, 0]).start(&lab);
    let run = ask(server.port, &["-m", "x", "--set", "retain=on"]);
    run.expect_code(8);
    golden::check("publish-denied.retain.request", &lab, &run);
    nothing_sent(&server);
    // A topic of three bytes, with its length; the packet id; properties; the header.
    let topic = "mqtt-test/me/response".len();
    let properties = 1 + (3 + topic) + (3 + 16);
    let fits = 300 - 3 - (2 + 3 + 2 + properties);
    for (length, code) in [(fits, 9), (fits + 1, 8)] {
        let server = allows(&[0x27, 0, 0, 1, 0x2c]).start(&lab);
        let run = ask(server.port, &["-i", "me", "-m", &"x".repeat(length)]);
        run.expect_code(code);
        if code == 8 {
            golden::check("publish-too-large.broker.request", &lab, &run);
            nothing_sent(&server);
        }
    }
}

/// Where MQTT 5 is not spoken after all, nothing of it counts in the size.
#[test]
fn a_question_in_3_1_1_has_no_properties() {
    let lab = Lab::new();
    let old = Rogue::SpeaksNo5(To5::Refusal, &Rogue::NeverDelivers).start(&lab);
    let more = "protocol = auto\nmax_packet_size = 100\ntimeout = 500ms\n";
    // 2 + 3 for the topic, 2 for the packet id.
    for (length, code) in [(93, 9), (94, 8)] {
        let args = ["-m", &"x".repeat(length), "--response-topic", "b"];
        let run = Run::stream(&lab, "request", &config(old.port, more), &args).go();
        run.expect_code(code);
    }
}
