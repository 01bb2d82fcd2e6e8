//! The second opinion: what a check in MQTT 3.1.1 hears when it asks once more in MQTT 5.

use std::time::Duration;

use crate::codec::Packet;
use crate::golden;
use crate::lab::Lab;
use crate::mosquitto::mosquitto;
use crate::rogue::{Rogue, To5};
use crate::run::{Outcome, Run};

fn config(port: u16, more: &str) -> String {
    format!("host = 127.0.0.1\nport = {port}\ntls = off\ntopic = a/b\ntimeout = 1s\n{more}")
}

fn note(outcome: &Outcome) -> Option<String> {
    let said = outcome.all();
    let found = said
        .lines()
        .find(|line| line.contains("asked again in MQTT 5"));
    found.map(|line| line.trim_start_matches(" note: ").to_owned())
}

/// An ACL that swallows a message in 3.1.1 is known, and not suspected.
#[test]
fn an_acl_is_known() {
    let lab = Lab::new();
    let refused = "asked again in MQTT 5: PUBACK 0x87 (not authorized)";
    let taken = "asked again in MQTT 5: the message was accepted, and did not come back either";
    // A message of QoS 2 is not sent a second time.
    let asked = "asked again in MQTT 5: the subscription is granted, QoS 2; the message was not sent a second time";
    for (rule, name, expected) in [
        ("topic read a/#\n", "read", refused),
        ("topic write a/#\n", "write", taken),
        ("topic readwrite b/#\n", "neither", refused),
    ] {
        let broker = mosquitto(&lab).acl(rule).start();
        for qos in 0..=2 {
            let run = Run::check(&lab, &config(broker.port, &format!("qos = {qos}\n"))).go();
            run.expect_code(9);
            assert!(run.all().contains("error[receive-timeout]"), "{run}");
            let expected = if qos == 2 { asked } else { expected };
            assert_eq!(
                note(&run).as_deref(),
                Some(expected),
                "{name}, QoS {qos}: {run}"
            );
            match (name, qos) {
                ("read", 1) => golden::check("receive-timeout.second-read", &lab, &run),
                ("write", 1) => golden::check("receive-timeout.second-write", &lab, &run),
                _ => {}
            }
        }
    }
}

/// A topic in its quotes is another topic: that stands before the rights to it.
#[test]
fn a_topic_in_quotes_is_known_before_an_acl() {
    let lab = Lab::new();
    let broker = mosquitto(&lab).acl("topic readwrite a/#\n").start();
    let quoted = config(broker.port, "").replace("a/b", "\"a/b\"");
    let run = Run::check(&lab, &quoted).go();
    run.expect_code(9);
    golden::check("receive-timeout.second-quotes", &lab, &run);
}

#[test]
fn a_refused_login_and_a_forbidden_client_id_are_asked_again() {
    let lab = Lab::new();
    let broker = mosquitto(&lab)
        .line("clientid_prefixes dev-")
        .user("me", "not-the-wrong")
        .start();
    let login = |id: &str, password: &str| {
        let more = format!("client_id = {id}\nusername = me\npassword = {password}\n");
        let run = Run::check(&lab, &config(broker.port, &more))
            .secret(password)
            .go();
        run.expect_code(6);
        note(&run)
    };
    let refused = Some("asked again in MQTT 5: CONNACK 0x87 (not authorized)".to_owned());
    assert_eq!(login("dev-1", "verywrong"), refused);
    assert_eq!(login("mine", "not-the-wrong"), refused);
}

/// Nothing is published twice that may have arrived: with QoS 2, retained, or of the user's own.
#[test]
fn what_may_have_arrived_is_not_sent_again() {
    for more in ["qos = 2\n", "retain = on\n", "message = mine\n", ""] {
        let lab = Lab::new();
        let broker = Rogue::NeverDelivers.start(&lab);
        let run = Run::check(&lab, &config(broker.port, more)).go();
        run.expect_code(9);
        let levels: Vec<u8> = broker.connects().iter().map(|it| it.level).collect();
        assert_eq!(levels, [4, 5], "{run}");
        let published = broker
            .packets()
            .iter()
            .filter(|packet| matches!(packet, Packet::Publish(_)))
            .count();
        assert_eq!(
            published,
            if more.is_empty() { 2 } else { 1 },
            "{more}: {run}"
        );
    }
}

/// A broker without MQTT 5 changes nothing, and costs two seconds at most.
#[test]
fn a_broker_without_mqtt_5_changes_nothing() {
    for how in [To5::Refusal, To5::Close, To5::Silence] {
        let lab = Lab::new();
        let broker = Rogue::SpeaksNo5(how, &Rogue::NeverDelivers).start(&lab);
        let run = Run::check(
            &lab,
            &config(broker.port, "timeout = 5s\n").replace("timeout = 1s\n", ""),
        )
        .go();
        run.expect_code(9).expect_within(Duration::from_secs(9));
        assert_eq!(note(&run), None, "{run}");
        assert!(
            run.all().contains("MQTT 3.1.1 cannot refuse a PUBLISH"),
            "{run}"
        );
        assert_eq!(broker.connects().len(), 2);
    }
}

/// `auto` takes what the broker speaks.
#[test]
fn auto_takes_what_the_broker_speaks() {
    let lab = Lab::new();
    let both = mosquitto(&lab).start();
    let run = Run::check(&lab, &config(both.port, "protocol = auto\n")).go();
    run.expect_code(0);
    assert!(run.all().contains("ok    connect"), "{run}");
    assert!(run.all().contains("MQTT 5, client id"), "{run}");
    for how in [To5::Refusal, To5::Close, To5::Silence] {
        let old = Rogue::SpeaksNo5(how, &Rogue::NeverDelivers).start(&lab);
        let more = "protocol = auto\ncheck = publish\n";
        let run = Run::check(&lab, &config(old.port, more)).go();
        run.expect_code(0);
        assert!(run.all().contains("MQTT 3.1.1, client id"), "{run}");
    }
}

/// What was found once is not asked again at each reconnect: a broker that does not answer MQTT 5 costs
/// half of the time-out.
#[test]
fn auto_asks_once() {
    let lab = Lab::new();
    let old = Rogue::SpeaksNo5(To5::Silence, &Rogue::ClosesAtPublish).start(&lab);
    let args = ["-m", "x", "--give-up", "4s"];
    let config = config(old.port, "protocol = auto\n");
    let run = Run::stream(&lab, "pub", &config, &args).go();
    let levels: Vec<u8> = old.connects().iter().map(|it| it.level).collect();
    assert!(levels.len() > 2, "{levels:?} {run}");
    assert_eq!(
        levels.iter().filter(|level| **level == 5).count(),
        1,
        "{levels:?} {run}"
    );
}

/// With QoS 0 it is asked with QoS 1, which has an answer; where the broker takes none, its answer would
/// be to that, and to nothing that the user did.
#[test]
fn what_the_broker_does_not_allow_is_not_asked() {
    let lab = Lab::new();
    let broker = mosquitto(&lab)
        .line("max_qos 0")
        .acl("topic read a/#\n")
        .start();
    let run = Run::check(&lab, &config(broker.port, "qos = 0\n")).go();
    run.expect_code(9);
    let asked = "asked again in MQTT 5: the subscription is granted, QoS 0; the message was not sent a second time";
    assert_eq!(note(&run).as_deref(), Some(asked), "{run}");
}
