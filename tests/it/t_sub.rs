//! `sub` against a link that holds: what it shows, in which form, and how it ends.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;

use crate::codec::Packet;
use crate::lab::{Lab, wait_until};
use crate::mosquitto::{Mosquitto, mosquitto, with_certificate};
use crate::provoke::{UNHURRIED, plain_config, tls_config, trusting_lab};
use crate::proxy::Proxy;
use crate::rogue::Rogue;
use crate::run::{Outcome, Run, Running};
use crate::witness::Witness;
use crate::{golden, json};

/// A broker that keeps `kept` on `t/kept`.
fn broker(lab: &Lab) -> Mosquitto {
    let broker = mosquitto(lab).start();
    publish(lab, &broker, "t/kept", &["-r", "-m", "kept"]);
    broker
}

#[track_caller]
fn publish(lab: &Lab, broker: &Mosquitto, topic: &str, args: &[&str]) {
    let config = plain_config(broker.port, "");
    let args = [&["-t", topic], args].concat();
    Run::stream(lab, "pub", &config, &args).go().expect_code(0);
}

/// Starts it with QoS 2, and waits until its last filter is known to the broker.
#[track_caller]
fn start(lab: &Lab, broker: &Mosquitto, filter: &str, args: &[&str]) -> Running {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let id = format!("me-{}", NEXT.fetch_add(1, Ordering::Relaxed));
    let config = plain_config(broker.port, &format!("qos = 2\nclient_id = {id}\n"));
    let args = [args, &["-t", filter]].concat();
    let running = Run::stream(lab, "sub", &config, &args).start();
    broker.wait_for_log(&format!("{id} 2 {filter}\n"));
    running
}

#[test]
fn each_format_shows_a_message_in_its_way() {
    let lab = Lab::new();
    let broker = broker(&lab);
    lab.write("payload", b"\xff\0\n");
    let shown = |args: &[&str]| {
        let args = [&["-C", "2", "--retained", "skip"], args].concat();
        let running = start(&lab, &broker, "t/+", &args);
        publish(&lab, &broker, "t/a", &["-m", "one \"1\""]);
        publish(&lab, &broker, "t/b", &["-q", "0", "-f", "payload"]);
        let (code, bytes) = running.finish_bytes();
        assert_eq!(code, 0);
        bytes
    };
    assert_eq!(shown(&[]), b"one \"1\"\n\xff\0\n\n");
    assert_eq!(shown(&["-v"]), b"t/a one \"1\"\nt/b \xff\0\n\n");
    assert_eq!(shown(&["--raw"]), b"one \"1\"\xff\0\n");
    assert_eq!(shown(&["--hex"]), b"6f6e6520223122\nff000a\n");
    let lines = String::from_utf8(shown(&["--json"])).unwrap();
    let lines: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let [a, b, report] = lines.as_slice() else {
        panic!("{lines:#?}")
    };
    for message in [a, b] {
        assert_eq!(message["type"], "message");
        assert_eq!(message["retain"], false);
        let time = message["time"].as_str().unwrap();
        assert!(time.ends_with('Z') && time.len() == 24, "{time}");
        assert_eq!(&time[19..20], ".", "{time}");
    }
    assert_eq!((&a["topic"], &a["qos"]), (&"t/a".into(), &1.into()));
    assert_eq!(a["payload"], "one \"1\"");
    assert_eq!((&a["length"], &b["length"]), (&7.into(), &3.into()));
    assert_eq!((&b["topic"], &b["qos"]), (&"t/b".into(), &0.into()));
    assert_eq!(b["payload_base64"], "/wAK");
    assert_eq!(report["type"], "report");
    assert_eq!(
        (&report["received"], &report["bytes"]),
        (&2.into(), &10.into())
    );
}

#[test]
fn several_filters_count_and_time_end_it() {
    let lab = Lab::new();
    let broker = broker(&lab);
    let running = start(&lab, &broker, "u/+", &["-t", "t/a", "-C", "2"]);
    for topic in ["t/a", "t/b", "u/c"] {
        publish(&lab, &broker, topic, &["-m", topic]);
    }
    let outcome = running.finish();
    outcome.expect_code(0);
    assert_eq!(outcome.stdout, "t/a\nu/c\n");
    assert!(
        outcome.stderr.starts_with("2 messages received in "),
        "{outcome}"
    );
    let outcome = start(&lab, &broker, "nothing", &["--for", "300ms"]).finish();
    outcome.expect_code(0).expect_within(UNHURRIED);
    assert_eq!(outcome.stdout, "");
    assert!(outcome.elapsed.as_millis() >= 300, "{outcome}");
}

#[test]
fn retained_messages_are_shown_alone_or_not_at_all() {
    let lab = Lab::new();
    let broker = broker(&lab);
    for (retained, shown) in [("only", "kept\nkept\n"), ("skip", "new\nnew\n")] {
        let args = ["-t", "t/kept", "-C", "2", "--retained", retained];
        let running = start(&lab, &broker, "t/+", &args);
        publish(&lab, &broker, "t/kept", &["-m", "new"]);
        publish(&lab, &broker, "t/other", &["-m", "new"]);
        let outcome = running.finish();
        outcome.expect_code(0);
        assert_eq!(outcome.stdout, shown, "{retained}");
    }
}

/// A message is seen as soon as it is there, though standard output is a pipe.
#[test]
fn a_pipe_sees_each_message_at_once() {
    let lab = Lab::new();
    let broker = broker(&lab);
    let running = start(&lab, &broker, "t/a", &[]);
    for text in ["one", "two"] {
        publish(&lab, &broker, "t/a", &["-m", text]);
        assert!(running.stdout.wait_for(&format!("{text}\n")));
    }
    running.signal("INT");
    running.finish().expect_code(0);
}

#[test]
fn a_closed_pipe_ends_it_quietly() {
    let lab = Lab::new();
    let broker = broker(&lab);
    for kept in [0, 1] {
        let config = plain_config(broker.port, &format!("client_id = me-{kept}\n"));
        let args = ["-t", "t/a", "--quiet"];
        let running = Run::stream(&lab, "sub", &config, &args)
            .close_stdout_after(kept)
            .start();
        broker.wait_for_log(&format!("me-{kept} 1 t/a\n"));
        for _ in 0..=kept {
            publish(&lab, &broker, "t/a", &["-m", "x"]);
        }
        // One at a time, because the one that is shown is read before the pipe is closed.
        let running = ended_by_more(running, || publish(&lab, &broker, "t/a", &["-m", "x"]));
        running.expect_code(0);
        assert_eq!(running.stderr, "");
        broker.wait_for_log(&format!("Received DISCONNECT from me-{kept}"));
    }
}

/// Gives it more until it has ended.
fn ended_by_more(mut running: Running, more: impl Fn()) -> Outcome {
    let ended = wait_until(|| {
        more();
        running.has_ended().then_some(())
    });
    ended.expect("it does not end though nobody reads");
    running.finish()
}

/// Exit code 0, DISCONNECT, and no last will.
#[test]
fn a_signal_ends_it_in_order() {
    for signal in ["INT", "TERM"] {
        let lab = Lab::new();
        let broker = broker(&lab);
        let will = Witness::on(&lab, &broker, "will", 2, &[]);
        let more = "topic = t/a\nclient_id = me\nwill_topic = will\nwill_message = gone\n";
        let config = plain_config(broker.port, more);
        let running = Run::stream(&lab, "sub", &config, &[]).start();
        broker.wait_for_log("me 1 t/a\n");
        running.signal(signal);
        let outcome = running.finish();
        outcome.expect_code(0).expect_within(UNHURRIED);
        assert!(
            outcome.stderr.starts_with("0 messages received in "),
            "{outcome}"
        );
        broker.wait_for_log("Received DISCONNECT from me");
        publish(&lab, &broker, "will", &["-m", "none"]);
        assert_eq!(will.wait_for(b"none").len(), 1);
    }
}

/// And a link that is cut brings the will out: the two tests before and after this rest on it.
#[test]
fn a_lost_connection_is_told_and_had_again() {
    let lab = Lab::new();
    let broker = broker(&lab);
    let proxy = Proxy::start(&lab, broker.port);
    let will = Witness::on(&lab, &broker, "will", 2, &[]);
    let more = "topic = t/a\nclient_id = me\nwill_topic = will\nwill_message = gone\n";
    let config = plain_config(proxy.port, more);
    let running = Run::stream(&lab, "sub", &config, &["--json"]).start();
    // CONNACK and SUBACK.
    proxy.wait_for_delivery(4 + 5);
    proxy.cut();
    will.wait_for(b"gone");
    assert!(running.stdout.wait_for("\"event\":\"back\""));
    // The subscription is there again when messages come.
    wait_until(|| {
        publish(&lab, &broker, "t/a", &["-m", "x"]);
        running.stdout.text().contains("\"message\"").then_some(())
    })
    .expect("it is not subscribed again");
    running.signal("TERM");
    let outcome = running.finish();
    outcome.expect_code(0);
    assert_eq!(outcome.stderr, "");
    let lines = json::lines(&outcome);
    assert_eq!(lines[0]["event"], "lost");
    let code = lines[0]["code"].as_str().unwrap();
    // Whether it had read the SUBACK when the link was cut is its own affair.
    assert!(["receive-closed", "subscribe-closed"].contains(&code));
    assert_eq!(lines[1]["event"], "back");
    assert_eq!(lines.last().unwrap()["reconnects"], 1);
}

#[test]
fn it_gives_up_when_it_is_told_to() {
    let lab = Lab::new();
    let broker = broker(&lab);
    for args in [["--no-reconnect", "--color=never"], ["--give-up", "1s"]] {
        let proxy = Proxy::start(&lab, broker.port);
        let config = plain_config(proxy.port, "topic = t/a\nclient_id = me\n");
        let running = Run::stream(&lab, "sub", &config, &args).start();
        proxy.wait_for_delivery(4 + 5);
        proxy.refuse(true);
        proxy.cut();
        let outcome = running.finish();
        outcome.expect_code(10).expect_within(UNHURRIED);
        assert!(
            outcome.stderr.contains("error[connection-lost]"),
            "{outcome}"
        );
        let told = outcome.stderr.contains("connection lost: ");
        assert_eq!(told, args[0] == "--give-up", "{outcome}");
    }
}

#[test]
fn a_denied_filter_ends_it() {
    let lab = Lab::new();
    let server = Rogue::DeniesSubscribe.start(&lab);
    let config = plain_config(server.port, "");
    let outcome = Run::stream(&lab, "sub", &config, &["-t", "secret/#"]).go();
    outcome.expect_code(7);
    golden::check("subscribe-denied.sub", &lab, &outcome);
    server.wait_for(|diary| {
        let disconnect = |packet: &Packet| *packet == Packet::Disconnect;
        diary.iter().any(|event| event.is(disconnect)).then_some(())
    });
    let outcome = Run::stream(&lab, "sub", &config, &["-t", "secret/#", "--json"]).go();
    let report = json::lines(&outcome).pop().unwrap();
    assert_eq!(report["failure"]["code"], "subscribe-denied");
}

#[test]
fn what_is_too_large_ends_a_connection_after_what_came_before() {
    let lab = Lab::new();
    let broker = broker(&lab);
    let config = plain_config(broker.port, "client_id = me\nmax_packet_size = 1KiB\n");
    let running = Run::stream(&lab, "sub", &config, &["-t", "t/a", "--no-reconnect"]).start();
    broker.wait_for_log("me 1 t/a\n");
    lab.write("large", vec![b'x'; 1025]);
    publish(&lab, &broker, "t/a", &["-m", "before"]);
    publish(&lab, &broker, "t/a", &["-f", "large"]);
    let outcome = running.finish();
    outcome.expect_code(9);
    assert_eq!(outcome.stdout, "before\n");
    assert!(
        outcome.stderr.contains("1 message received, 1 too large"),
        "{outcome}"
    );
    assert!(
        outcome.stderr.contains("error[receive-too-large]"),
        "{outcome}"
    );
}

/// A warning of the first connection is none of the second.
#[test]
fn a_warning_is_told_once() {
    let (lab, root) = trusting_lab();
    let broker = with_certificate(&lab, root.server(&["localhost"]));
    let proxy = Proxy::start(&lab, broker.port);
    let config = tls_config(proxy.port, "sni = off\n");
    let running = Run::stream(&lab, "sub", &config, &["-t", "t"]).start();
    broker.wait_for_log("Sending SUBACK");
    proxy.cut();
    assert!(running.stderr.wait_for("connection is back"));
    running.signal("TERM");
    let outcome = running.finish();
    outcome.expect_code(0);
    let warnings = outcome.stderr.matches("warning[").count();
    assert_eq!(warnings, 1, "{outcome}");
    assert!(
        outcome.stderr.contains("warning[sni-not-sent]"),
        "{outcome}"
    );
}

/// What is known of a first connection that fails is told, too.
#[test]
fn a_warning_comes_with_a_failure() {
    let args = |command| match command {
        "pub" => vec!["-t", "t", "-m", "hello"],
        _ => vec!["-t", "t"],
    };
    let (lab, root) = trusting_lab();
    let broker = with_certificate(&lab, root.server(&["other.example"]));
    for command in ["pub", "sub"] {
        let config = tls_config(broker.port, "");
        let outcome = Run::stream(&lab, command, &config, &args(command))
            .at("1970-01-01 00:00:05")
            .go();
        outcome.expect_code(5);
        assert!(!outcome.stderr.contains("warning["), "{outcome}");
    }
    let server = Rogue::RefusesConnect(5).start(&lab);
    for command in ["pub", "sub"] {
        let outcome = Run::stream(
            &lab,
            command,
            &plain_config(server.port, ""),
            &args(command),
        )
        .at("1970-01-01 00:00:05")
        .go();
        outcome.expect_code(6);
        let warnings = outcome.stderr.matches("warning[clock-suspect]").count();
        assert_eq!(warnings, 1, "{outcome}");
    }
}

#[test]
fn a_lower_qos_is_warned_of() {
    let lab = Lab::new();
    let server = Rogue::GrantsQos0.start(&lab);
    let config = plain_config(server.port, "qos = 1\n");
    let args = ["--for", "200ms", "-t", "a", "-t", "b"];
    let outcome = Run::stream(&lab, "sub", &config, &args).go();
    outcome.expect_code(0);
    let warnings = outcome.stderr.matches("warning[qos-downgraded]");
    assert_eq!(warnings.count(), 1, "{outcome}");
}
