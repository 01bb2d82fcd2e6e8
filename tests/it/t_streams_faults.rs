//! `pub` and `sub` over a network that fails: a proxy cuts, stalls and half-closes the link at
//! random bytes, the broker is restarted in the middle of a stream. Nothing is lost at QoS 1 and 2,
//! and nothing comes twice at QoS 2 while the session lives.

use crate::lab::{Lab, wait_until};
use crate::mosquitto::{Mosquitto, mosquitto};
use crate::provoke::plain_config;
use crate::proxy::{Proxy, Rng};
use crate::run::{Outcome, Run};
use crate::witness::{LAST, Witness, assert_at_least_once, assert_exactly, lines, text};

/// How many lines go through a network that fails.
const LINES: usize = 3000;

/// How many connections of one run meet a fault.
const FAULTS: usize = 25;

const NEW_SESSION: &str = "clean_session = on\n";
const KEPT_SESSION: &str = "clean_session = off\nclient_id = kept\n";

fn broker(lab: &Lab) -> Mosquitto {
    mosquitto(lab).persistent().terse().start()
}

fn config(port: u16, qos: u8, session: &str) -> String {
    let more = format!("topic = t\ntimeout = 3s\nqos = {qos}\n{session}");
    plain_config(port, &more)
}

fn stream(rng: &mut Rng) -> Vec<Vec<u8>> {
    let mut sent = lines(rng, LINES);
    sent.push(LAST.to_vec());
    sent
}

#[track_caller]
fn assert_all_acknowledged(outcome: &Outcome, sent: &[Vec<u8>]) {
    outcome.expect_code(0);
    let count = sent.len();
    let total = format!("{count} messages published, {count} acknowledged");
    assert!(
        outcome.stderr.contains(&total),
        "no `{total}` in:\n{outcome}"
    );
}

#[track_caller]
fn assert_lost_and_back(outcome: &Outcome) {
    for words in ["connection lost: error[", "connection is back after"] {
        assert!(
            outcome.stderr.contains(words),
            "no `{words}` in:\n{outcome}"
        );
    }
}

/// `pub -l` through a proxy of random faults, before a witness whose link holds.
#[track_caller]
fn publish_through_faults(qos: u8, session: &str) -> (Vec<Vec<u8>>, Vec<String>) {
    let mut rng = Rng::seeded();
    let lab = Lab::new();
    let broker = broker(&lab);
    let proxy = Proxy::start(&lab, broker.port).chaos(rng.clone(), FAULTS);
    let witness = Witness::start(&lab, &broker, 2, &["-c", "-i", "witness"]);
    let sent = stream(&mut rng);
    let config = config(proxy.port, qos, session);
    let mut running = Run::stream(&lab, "pub", &config, &["-l"]).start();
    running.feed(text(&sent));
    let outcome = running.finish();
    eprintln!(
        "{:?} {} {}",
        outcome.elapsed,
        proxy.accepted(),
        outcome.stderr
    );
    assert_all_acknowledged(&outcome, &sent);
    assert_lost_and_back(&outcome);
    (sent, witness.wait_for(LAST))
}

#[test]
fn pub_at_qos_1_loses_nothing() {
    let (sent, seen) = publish_through_faults(1, NEW_SESSION);
    assert_at_least_once(&sent, &seen);
}

#[test]
fn pub_at_qos_1_loses_nothing_in_a_kept_session() {
    let (sent, seen) = publish_through_faults(1, KEPT_SESSION);
    assert_at_least_once(&sent, &seen);
}

#[test]
fn pub_at_qos_2_loses_nothing_without_a_session() {
    let (sent, seen) = publish_through_faults(2, NEW_SESSION);
    assert_at_least_once(&sent, &seen);
}

#[test]
fn pub_at_qos_2_publishes_exactly_once_while_the_session_lives() {
    let (sent, seen) = publish_through_faults(2, KEPT_SESSION);
    assert_exactly(&sent, &seen);
}

/// `sub` in a kept session through a proxy of random faults.
#[track_caller]
fn subscribe_through_faults(qos: u8) -> (Vec<Vec<u8>>, Vec<String>) {
    let mut rng = Rng::seeded();
    let lab = Lab::new();
    let broker = broker(&lab);
    let proxy = Proxy::start(&lab, broker.port).chaos(rng.clone(), FAULTS);
    let running = Run::stream(
        &lab,
        "sub",
        &config(proxy.port, qos, KEPT_SESSION),
        &["--hex"],
    )
    .start();
    broker.wait_for_log(&format!(" {qos} t\n"));
    let sent = stream(&mut rng);
    let direct = config(broker.port, qos, NEW_SESSION);
    let mut publishing = Run::stream(&lab, "pub", &direct, &["-l"]).start();
    publishing.feed(text(&sent));
    assert_all_acknowledged(&publishing.finish(), &sent);
    let last = crate::witness::hex(LAST);
    let came = wait_until(|| running.stdout.ends_with(&format!("{last}\n")).then_some(()));
    if came.is_none() {
        eprintln!("the last line did not come:\n{}", running.stderr.text());
    }
    running.signal("TERM");
    let outcome = running.finish();
    eprintln!(
        "{:?} {} {}",
        outcome.elapsed,
        proxy.accepted(),
        outcome.stderr
    );
    outcome.expect_code(0);
    let seen = outcome.stdout.lines().map(str::to_owned).collect();
    (sent, seen)
}

#[test]
fn sub_at_qos_1_misses_nothing() {
    let (sent, seen) = subscribe_through_faults(1);
    assert_at_least_once(&sent, &seen);
}

#[test]
fn sub_at_qos_2_misses_nothing_and_repeats_nothing() {
    let (sent, seen) = subscribe_through_faults(2);
    assert_exactly(&sent, &seen);
}
