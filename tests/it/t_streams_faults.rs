//! `pub` and `sub` over a network that fails: a proxy cuts, stalls and half-closes the link at
//! random bytes, the broker is restarted in the middle of a stream. Nothing is lost at QoS 1 and 2,
//! and nothing comes twice at QoS 2 while the session lives.

use std::io::Write;
use std::time::Duration;

use crate::lab::{Lab, wait_until};
use crate::mosquitto::{Mosquitto, mosquitto};
use crate::provoke::plain_config;
use crate::proxy::{Proxy, Rng};
use crate::run::{Outcome, Run, Running};
use crate::witness::{LAST, Witness, assert_at_least_once, assert_exactly, hex, lines, text};

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
    let published = publishing.finish();
    eprintln!("{published}");
    assert_all_acknowledged(&published, &sent);
    (sent, end_at_last_line(running))
}

/// Ends `sub --hex` when it has shown the last line.
#[track_caller]
fn end_at_last_line(running: Running) -> Vec<String> {
    let last = format!("{}\n", hex(LAST));
    let has_come = || running.stdout.ends_with(&last).then_some(());
    // Twice the usual deadline: each link that stalls is noticed after two keep-alives only.
    let came = wait_until(has_come).or_else(|| wait_until(has_come));
    if came.is_none() {
        eprintln!("the last line did not come:\n{}", running.stderr.text());
    }
    running.signal("TERM");
    let outcome = running.finish();
    outcome.expect_code(0);
    outcome.stdout.lines().map(str::to_owned).collect()
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

/// The broker says "session present" to the next CONNECT, and knows of no subscription.
#[test]
fn sub_subscribes_again_when_a_subscribe_was_lost() {
    const SUBSCRIBE: u8 = 0x82;
    let lab = Lab::new();
    let broker = broker(&lab);
    let proxy = Proxy::start(&lab, broker.port).cut_at(SUBSCRIBE);
    let kept = config(proxy.port, 1, KEPT_SESSION);
    let running = Run::stream(&lab, "sub", &kept, &["-t", "t", "-t", "u", "--hex"]).start();
    broker.wait_for_log(" 1 u\n");
    let direct = config(broker.port, 1, NEW_SESSION);
    let last = String::from_utf8(LAST.to_vec()).unwrap();
    for topic in ["u", "t"] {
        Run::stream(&lab, "pub", &direct, &["-t", topic, "-m", &last])
            .go()
            .expect_code(0);
    }
    let last = format!("{0}\n{0}\n", hex(LAST));
    wait_until(|| running.stdout.ends_with(&last).then_some(())).expect("a message is missing");
    assert_eq!(proxy.accepted(), 2);
}

/// Runs of `sub` on one kept session, each ended by its count or by a signal in the middle of the
/// flood: what one has not shown, the next one does.
#[track_caller]
fn take_turns(qos: u8) {
    let mut rng = Rng::seeded();
    let lab = Lab::new();
    let broker = broker(&lab);
    let kept = config(broker.port, qos, KEPT_SESSION);
    let first = Run::stream(&lab, "sub", &kept, &["--hex"]).start();
    broker.wait_for_log(&format!(" {qos} t\n"));
    first.signal("TERM");
    let mut seen: Vec<String> = Vec::new();
    first.finish().expect_code(0);
    let sent = stream(&mut rng);
    let direct = config(broker.port, qos, NEW_SESSION);
    let mut publishing = Run::stream(&lab, "pub", &direct, &["-l"]).start();
    publishing.feed(text(&sent));
    assert_all_acknowledged(&publishing.finish(), &sent);
    for turn in 0..16 {
        let outcome = if turn % 2 == 0 {
            let left = sent.len() - seen.len();
            let count = rng.between(1, 100).min(left).to_string();
            let outcome = Run::stream(&lab, "sub", &kept, &["--hex", "-C", &count]).go();
            let shown = outcome.stdout.lines().count();
            assert_eq!(shown.to_string(), count, "{outcome}");
            outcome
        } else {
            let running = Run::stream(&lab, "sub", &kept, &["--hex"]).start();
            let some = rng.between(1, 2000);
            let last = format!("{}\n", hex(LAST));
            wait_until(|| {
                let enough = running.stdout.len() > some || running.stdout.ends_with(&last);
                enough.then_some(())
            })
            .expect("nothing comes");
            running.signal("TERM");
            running.finish()
        };
        outcome.expect_code(0);
        seen.extend(outcome.stdout.lines().map(str::to_owned));
        if seen.last() == Some(&hex(LAST)) {
            break;
        }
    }
    if seen.last() != Some(&hex(LAST)) {
        let running = Run::stream(&lab, "sub", &kept, &["--hex"]).start();
        seen.extend(end_at_last_line(running));
    }
    assert_exactly(&sent, &seen);
}

#[test]
fn sub_leaves_to_the_next_run_what_it_has_not_shown_at_qos_1() {
    take_turns(1);
}

#[test]
fn sub_leaves_to_the_next_run_what_it_has_not_shown_at_qos_2() {
    take_turns(2);
}

/// How often the broker is restarted in the middle of a stream.
const RESTARTS: usize = 4;

/// Restarts the broker while lines go through it, each time after so many more bytes, as long as
/// there are more: `sent` arrives in hexadecimal, a line each.
fn restart_in_the_middle(
    rng: &mut Rng,
    broker: &mut Mosquitto,
    sent: &[Vec<u8>],
    bytes: impl Fn() -> usize,
) {
    let all: usize = sent.iter().map(|line| 2 * line.len() + 1).sum();
    for _ in 0..RESTARTS {
        let more = (bytes() + rng.between(1, 20_000)).min(all / 4 * 3);
        wait_until(|| (bytes() >= more).then_some(())).expect("the stream stands still");
        broker.restart();
    }
}

/// Lines at such a pace that the stream is still under way when the last restart comes.
fn feed_slowly(running: &mut Running, sent: &[Vec<u8>]) {
    let mut stdin = running.take_stdin();
    let parts: Vec<Vec<u8>> = sent.chunks(30).map(text).collect();
    std::thread::spawn(move || {
        for part in parts {
            // The pace is what is wanted; nothing is waited for.
            std::thread::sleep(Duration::from_millis(10));
            if stdin.write_all(&part).is_err() {
                return;
            }
        }
    });
}

#[track_caller]
fn publish_over_restarts(qos: u8, session: &str) {
    let mut rng = Rng::seeded();
    let lab = Lab::new();
    let mut broker = broker(&lab);
    let witness = Witness::start(&lab, &broker, 2, &["-c", "-i", "witness"]);
    let sent = stream(&mut rng);
    let direct = config(broker.port, qos, session);
    let mut running = Run::stream(&lab, "pub", &direct, &["-l"]).start();
    feed_slowly(&mut running, &sent);
    restart_in_the_middle(&mut rng, &mut broker, &sent, || witness.size());
    let outcome = running.finish();
    assert_all_acknowledged(&outcome, &sent);
    assert_lost_and_back(&outcome);
    assert_at_least_once(&sent, &witness.wait_for(LAST));
}

#[test]
fn pub_at_qos_1_outlives_restarts_of_the_broker() {
    publish_over_restarts(1, NEW_SESSION);
}

#[test]
fn pub_at_qos_2_outlives_restarts_of_the_broker() {
    publish_over_restarts(2, KEPT_SESSION);
}

#[track_caller]
fn subscribe_over_restarts(qos: u8) -> (Vec<Vec<u8>>, Vec<String>) {
    let mut rng = Rng::seeded();
    let lab = Lab::new();
    let mut broker = broker(&lab);
    let kept = config(broker.port, qos, KEPT_SESSION);
    let running = Run::stream(&lab, "sub", &kept, &["--hex"]).start();
    broker.wait_for_log(&format!(" {qos} t\n"));
    let sent = stream(&mut rng);
    let direct = config(
        broker.port,
        qos,
        "client_id = sender\nclean_session = off\n",
    );
    let mut publishing = Run::stream(&lab, "pub", &direct, &["-l"]).start();
    feed_slowly(&mut publishing, &sent);
    restart_in_the_middle(&mut rng, &mut broker, &sent, || running.stdout.len());
    assert_all_acknowledged(&publishing.finish(), &sent);
    (sent, end_at_last_line(running))
}

#[test]
fn sub_at_qos_1_outlives_restarts_of_the_broker() {
    let (sent, seen) = subscribe_over_restarts(1);
    assert_at_least_once(&sent, &seen);
}

#[test]
fn sub_at_qos_2_outlives_restarts_of_the_broker() {
    let (sent, seen) = subscribe_over_restarts(2);
    assert_at_least_once(&sent, &seen);
}
