//! How a run ends: by a count, a time, a signal, or because its output cannot be written.

use std::fs;
use std::time::Duration;

use crate::golden;
use crate::lab::Lab;
use crate::mosquitto::{Mosquitto, mosquitto};
use crate::provoke::plain_config;
use crate::proxy::Proxy;
use crate::rogue::Rogue;
use crate::run::{Outcome, Run};
use crate::witness::Witness;

/// Longer than any `--for` here with all that comes after it, and shorter than `timeout`.
const SOON: Duration = Duration::from_secs(5);

#[track_caller]
fn publish(lab: &Lab, broker: &Mosquitto, topic: &str, args: &[&str]) {
    let config = plain_config(broker.port, "");
    let args = [&["-t", topic], args].concat();
    Run::stream(lab, "pub", &config, &args).go().expect_code(0);
}

/// `sub` with the filter `t/+`.
#[track_caller]
fn sub(lab: &Lab, port: u16, args: &[&str]) -> Outcome {
    let args = [&["-t", "t/+"], args].concat();
    Run::stream(lab, "sub", &plain_config(port, ""), &args).go()
}

#[test]
fn fewer_messages_than_asked_for_is_a_failure() {
    let lab = Lab::new();
    let broker = mosquitto(&lab).start();
    publish(&lab, &broker, "t/a", &["-r", "-m", "one"]);
    publish(&lab, &broker, "t/b", &["-r", "-m", "two"]);
    let outcome = sub(&lab, broker.port, &["-C", "5", "--for", "1s"]);
    outcome.expect_code(9).expect_within(SOON);
    golden::check("receive-timeout.sub", &lab, &outcome);

    let args = ["-C", "1", "--for", "1s", "--retained", "skip"];
    let outcome = sub(&lab, broker.port, &args);
    outcome.expect_code(9);
    golden::check("receive-timeout.sub.left-out", &lab, &outcome);

    // Nothing at all: a `/` too many where it was published, or no right to read.
    publish(&lab, &broker, "/t/c", &["-r", "-m", "three"]);
    let config = plain_config(broker.port, "");
    let args = ["-t", "t/c", "-C", "1", "--for", "1s"];
    let outcome = Run::stream(&lab, "sub", &config, &args).go();
    outcome.expect_code(9);
    golden::check("receive-timeout.sub.nothing", &lab, &outcome);
    let closed = mosquitto(&lab).acl("topic write #\n").start();
    publish(&lab, &closed, "t/c", &["-r", "-m", "three"]);
    let config = plain_config(closed.port, "");
    let args = ["-t", "#", "-C", "1", "--for", "1s"];
    let outcome = Run::stream(&lab, "sub", &config, &args).go();
    outcome.expect_code(9);
    golden::check("receive-timeout.sub.acl", &lab, &outcome);

    sub(&lab, broker.port, &["--for", "1s"]).expect_code(0);
    sub(&lab, broker.port, &["-C", "2", "--for", "5s"]).expect_code(0);
}

#[test]
fn a_signal_before_the_count_is_an_interruption() {
    let lab = Lab::new();
    let broker = mosquitto(&lab).start();
    for (args, code) in [(&["-t", "a", "-C", "2"][..], 130), (&["-t", "a"], 0)] {
        let config = plain_config(broker.port, &format!("client_id = me-{code}\n"));
        let running = Run::stream(&lab, "sub", &config, args).start();
        broker.wait_for_log(&format!("me-{code} 1 a\n"));
        publish(&lab, &broker, "a", &["-m", "x"]);
        assert!(running.stdout.wait_for("x\n"));
        running.signal("INT");
        let outcome = running.finish();
        outcome.expect_code(code);
        if code == 130 {
            golden::check("interrupted.sub", &lab, &outcome);
        }
        broker.wait_for_log(&format!("Received DISCONNECT from me-{code}"));
    }
}

#[test]
fn a_signal_before_a_connection_is_an_interruption() {
    let lab = Lab::new();
    let server = Rogue::NeverConnack.start(&lab);
    let config = plain_config(server.port, "");
    let running = Run::stream(&lab, "sub", &config, &["-t", "a"]).start();
    server.wait_for(|events| (!events.is_empty()).then_some(()));
    running.signal("TERM");
    let outcome = running.finish();
    outcome.expect_code(130);
    assert!(outcome.stderr.contains("error[interrupted]"), "{outcome}");
}

/// `--for` is over: what the last try came to is what there is to tell.
#[test]
fn a_time_without_a_connection_ends_with_the_last_try() {
    let lab = Lab::new();
    let server = Rogue::NeverConnack.start(&lab);
    for args in [&["--for", "1s"][..], &["--for", "1s", "-C", "1"]] {
        let outcome = sub(&lab, server.port, args);
        outcome.expect_code(6).expect_within(SOON);
        if args.len() == 2 {
            golden::check("mqtt-timeout.sub.for", &lab, &outcome);
        }
    }
    let closed = lab.port();
    sub(&lab, closed, &["--for", "1s"]).expect_code(4);
}

/// It holds while a lost connection is not back, and while SUBACK is awaited.
#[test]
fn a_time_holds_while_there_is_no_connection() {
    for (count, code) in [(&["-C", "1"][..], 9), (&[], 0)] {
        let lab = Lab::new();
        let broker = mosquitto(&lab).start();
        let proxy = Proxy::start(&lab, broker.port);
        let config = plain_config(proxy.port, "client_id = me\n");
        let args = [&["-t", "a", "--for", "2s"], count].concat();
        let running = Run::stream(&lab, "sub", &config, &args).start();
        broker.wait_for_log("me 1 a\n");
        proxy.refuse(true);
        proxy.cut();
        let outcome = running.finish();
        outcome.expect_code(code).expect_within(SOON);
        assert!(outcome.elapsed >= Duration::from_secs(2), "{outcome}");
        let says = "no connection when the time was over";
        assert_eq!(outcome.stderr.contains(says), code == 9, "{outcome}");

        let server = Rogue::NeverSuback.start(&lab);
        let args = [&["--for", "1s"], count].concat();
        let outcome = sub(&lab, server.port, &args);
        outcome.expect_code(code).expect_within(SOON);
        let says = "not every SUBSCRIBE was answered";
        assert_eq!(outcome.stderr.contains(says), code == 9, "{outcome}");
    }
}

/// A device on which every write fails as on a full disk.
const FULL: &str = "/dev/full";

/// Whatever a command had to say, it was not said: that is an error of its own, on standard error.
#[test]
fn results_that_cannot_be_written_are_a_failure() {
    let lab = Lab::new();
    let broker = mosquitto(&lab).start();
    let config = plain_config(broker.port, "");
    let outcome = Run::check(&lab, &config).stdout(FULL).go();
    golden::check("output-failed", &lab, outcome.expect_code(11));

    let config = plain_config(lab.port(), "");
    for args in [&[][..], &["--json"]] {
        let run = Run::check(&lab, &config).stdout(FULL);
        let outcome = args.iter().fold(run, |run, arg| run.arg(arg)).go();
        outcome.expect_code(11);
        let verdict = "error[tcp-refused]";
        assert!(outcome.stderr.contains(verdict), "{outcome}");
    }
    for args in [
        &["--help"][..],
        &["--version"],
        &["new", "local"],
        &["explain"],
        &["explain", "tls-expired", "--json"],
        &["no-such-command", "--json"],
        &["pub", "--json"],
    ] {
        let outcome = Run::args(&lab, args).stdout(FULL).go();
        outcome.expect_code(11);
        let says = "error[output-failed]: standard output could not be written";
        assert!(outcome.stderr.contains(says), "{outcome}");
        assert_eq!(outcome.stderr.matches("\nerror").count(), 0, "{outcome}");
    }
}

/// More than a session can acknowledge in one go.
#[test]
fn a_backlog_comes_once_over_one_connection() {
    for qos in [1, 2] {
        let lab = Lab::new();
        let line = "max_queued_messages 0";
        let broker = mosquitto(&lab).terse().line(line).start();
        let more = format!("clean_session = off\nclient_id = me\nqos = {qos}\n");
        let sub = |args: &[&str]| {
            let args = [&["-t", "t"], args].concat();
            Run::stream(&lab, "sub", &plain_config(broker.port, &more), &args)
        };
        sub(&["--for", "500ms"]).go().expect_code(0);
        let lines: String = (0..20_000).map(|n| format!("{n}\n")).collect();
        let config = plain_config(broker.port, "qos = 2\n");
        let mut publisher = Run::stream(&lab, "pub", &config, &["-t", "t", "-l"]).start();
        publisher.feed(lines.clone().into());
        publisher.finish().expect_code(0);
        let outcome = sub(&["-C", "20000", "--for", "20s"]).go();
        outcome.expect_code(0);
        assert!(outcome.stdout == lines, "QoS {qos}: {}", outcome.stderr);
        assert_eq!(outcome.stderr.lines().count(), 1, "{}", outcome.stderr);
    }
}

/// The messages are published all the same; what could not be told is that.
#[test]
fn pub_says_that_it_could_not_report() {
    let lab = Lab::new();
    let broker = mosquitto(&lab).start();
    let config = plain_config(broker.port, "");
    let args = ["-t", "t", "-m", "x", "--json"];
    let outcome = Run::stream(&lab, "pub", &config, &args).stdout(FULL).go();
    golden::check("output-failed.pub", &lab, outcome.expect_code(11));
    // Without --json nothing goes to standard output.
    let args = ["-t", "t", "-m", "x"];
    let run = Run::stream(&lab, "pub", &config, &args).stdout(FULL);
    run.go().expect_code(0);
}

/// What is not written is not acknowledged: a broker that keeps the session sends it again.
#[test]
fn sub_loses_nothing_to_a_full_disk() {
    for qos in [1, 2] {
        let lab = Lab::new();
        let broker = mosquitto(&lab).start();
        let more = format!("clean_session = off\nclient_id = me\nqos = {qos}\n");
        let config = plain_config(broker.port, &more);
        let sub = |args: &[&str]| {
            let args = [&["-t", "t"], args].concat();
            Run::stream(&lab, "sub", &config, &args)
        };
        sub(&["--for", "500ms"]).go().expect_code(0);
        for text in ["one", "two", "three"] {
            publish(&lab, &broker, "t", &["-q", "2", "-m", text]);
        }
        for args in [&["-C", "3"][..], &[], &["--json", "-C", "3"]] {
            let outcome = sub(args).stdout(FULL).go();
            outcome.expect_code(11).expect_within(SOON);
            if args.is_empty() && qos == 1 {
                golden::check("output-failed.sub", &lab, &outcome);
            }
            let says = "0 messages written before that";
            assert!(outcome.stderr.contains(says), "{outcome}");
        }
        let outcome = sub(&["-C", "3", "--for", "5s"]).go();
        outcome.expect_code(0);
        assert_eq!(outcome.stdout, "one\ntwo\nthree\n", "QoS {qos}");
        // And what was written is done with.
        let outcome = sub(&["--for", "500ms"]).go();
        assert_eq!(outcome.expect_code(0).stdout, "");
    }
}

/// The terminal was closed: the same as SIGTERM. No last will, and the totals.
#[test]
fn a_hangup_ends_it_in_order() {
    for (command, code) in [("sub", 0), ("pub", 130)] {
        let lab = Lab::new();
        let broker = mosquitto(&lab).start();
        let will = Witness::on(&lab, &broker, "will", 2, &[]);
        let more = "topic = t\nclient_id = me\nwill_topic = will\nwill_message = gone\n";
        let config = plain_config(broker.port, more);
        let args: &[&str] = if command == "pub" { &["-l"] } else { &[] };
        let mut running = Run::stream(&lab, command, &config, args).start();
        let stdin = running.take_stdin();
        broker.wait_for_log("Sending CONNACK to me");
        if command == "sub" {
            broker.wait_for_log("me 1 t\n");
        }
        running.signal("HUP");
        let outcome = running.finish();
        drop(stdin);
        outcome.expect_code(code).expect_within(SOON);
        assert!(outcome.stderr.contains(" in "), "no totals: {outcome}");
        broker.wait_for_log("Received DISCONNECT from me");
        publish(&lab, &broker, "will", &["-m", "none"]);
        assert_eq!(will.wait_for(b"none").len(), 1);
    }
}

#[test]
fn a_hangup_that_is_ignored_stays_ignored() {
    let lab = Lab::new();
    let broker = mosquitto(&lab).start();
    let config = plain_config(broker.port, "topic = t\nclient_id = me\n");
    let running = Run::stream(&lab, "sub", &config, &["-C", "1"])
        .without_hangup()
        .start();
    broker.wait_for_log("me 1 t\n");
    running.signal("HUP");
    // A flag that was set would be looked at late enough for a message to come first.
    let status = fs::read_to_string(format!("/proc/{}/status", running.pid())).unwrap();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    // Whoever runs the tests may have had others ignored.
    let ignored = u64::from_str_radix(ignored.unwrap().trim(), 16).unwrap();
    assert_eq!(ignored & 1, 1, "{status}");
    publish(&lab, &broker, "t", &["-m", "still here"]);
    let outcome = running.finish();
    outcome.expect_code(0);
    assert_eq!(outcome.stdout, "still here\n");
}
