//! The stages connect to receive, without TLS where it makes no difference: every code of MQTT
//! 3.1.1, provoked by mosquitto where it does it, and by a rogue where it does not.

use std::sync::Arc;
use std::time::Duration;

use crate::codec::Packet;
use crate::golden;
use crate::lab::Lab;
use crate::mosquitto::mosquitto;
use crate::provoke::{BRIEF, Provoked, plain_config, provoke, tls_config, trusting_lab};
use crate::proxy::Proxy;
use crate::rogue::Rogue;
use crate::run::Run;

/// For a `timeout` of one second in each stage, and one more look.
const SOON: Duration = Duration::from_secs(5);

/// Provokes `code` with a rogue that speaks MQTT without TLS.
#[track_caller]
fn check(code: &str, variant: &str, rogue: Rogue, more: &str) -> Provoked {
    let lab = Lab::new();
    let server = rogue.start(&lab);
    provoke(&lab, plain_config(server.port, more))
        .variant(variant)
        .limit(SOON)
        .fails(code)
}

/// The same over TLS.
#[track_caller]
fn check_tls(code: &str, variant: &str, rogue: Rogue, more: &str) -> Provoked {
    let (lab, root) = trusting_lab();
    let server = rogue.start_tls(&lab, root.server(&["localhost"]).issue().server_config());
    provoke(&lab, tls_config(server.port, more))
        .variant(variant)
        .limit(SOON)
        .fails(code)
}

#[test]
fn mqtt_not_mqtt() {
    // Where the peer waits for an answer to these, they are half a packet to rumqttc: only the
    // time-out tells.
    check("mqtt-not-mqtt", "ssh", Rogue::SpeaksSsh, BRIEF).says(&["SSH-2.0"]);
    check("mqtt-not-mqtt", "http", Rogue::SpeaksHttp, "").says(&["HTTP"]);
    check("mqtt-not-mqtt", "garbage", Rogue::SpeaksGarbage, BRIEF);
    check("mqtt-not-mqtt", "endless", Rogue::EndlessBytes, "");
    check_tls("mqtt-not-mqtt", "http-over-tls", Rogue::SpeaksHttp, "").says(&["HTTP"]);
}

/// What sends CONNECT back sends the password back.
#[test]
fn mqtt_not_mqtt_when_it_is_an_echo() {
    let secret = format!("username = me\npassword = tr0ub4dor\nclient_id = id\n{BRIEF}");
    let echo = check("mqtt-not-mqtt", "echo", Rogue::Echoes, &secret);
    echo.says(&["it sends back what it is sent"]);
    // CONNECT up to the password, and up to its third letter.
    let password = 2 + 10 + 4 + 4 + 2;
    for (variant, from) in [("echo-password", password), ("echo-tail", password + 2)] {
        let rogue = Rogue::EchoesFrom(from);
        let echo = check("mqtt-not-mqtt", variant, rogue, &secret);
        for part in ["tr0", "b4d", "dor"] {
            echo.hides(part);
        }
    }
}

#[test]
fn mqtt_not_mqtt_when_a_length_is_absurd() {
    check("mqtt-not-mqtt", "giant", Rogue::GiantRemainingLength, BRIEF);
}

/// Some brokers refuse a last will to a topic that the user may not publish to.
#[test]
fn mqtt_not_authorized_with_a_will() {
    let more =
        "username = ann\npassword = s3cret-word\nwill_topic = house/state\nwill_message = x\n";
    check(
        "mqtt-not-authorized",
        "will",
        Rogue::RefusesConnect(5),
        more,
    )
    .says(&["last will: to `house/state`", "ACL"]);
}

#[test]
fn mqtt_is_websocket() {
    check_tls("mqtt-is-websocket", "tls", Rogue::WantsWebSocket, "").says(&["426", "8883"]);
}

#[test]
fn mqtt_closed() {
    check("mqtt-closed", "plain", Rogue::ClosesAtFirstBytes, "").says(&["tls = on"]);
    check("mqtt-closed", "reset", Rogue::ResetsAtFirstBytes, "");
    check_tls("mqtt-closed", "tls", Rogue::ClosesAtFirstBytes, "");
}

#[test]
fn mqtt_timeout() {
    check("mqtt-timeout", "plain", Rogue::NeverConnack, BRIEF).says(&["1 s"]);
    check_tls("mqtt-timeout", "tls", Rogue::NeverConnack, BRIEF);
    for (variant, in_form_of_5) in [("accepted", false), ("accepted-in-form-of-5", true)] {
        let connects = Arc::default();
        let rogue = Rogue::EverySecondConnack {
            in_form_of_5,
            connects,
        };
        check("mqtt-timeout", variant, rogue, BRIEF).says(&["a CONNACK that accepts", "raise"]);
    }
}

#[test]
fn mqtt_bad_credentials() {
    let login = "username = ann\npassword = open-sesame\n";
    let found = check(
        "mqtt-bad-credentials",
        "code-4",
        Rogue::RefusesConnect(4),
        login,
    );
    found.says(&["ann"]);
}

/// A blank that an editor left behind is part of the password.
#[test]
fn mqtt_bad_credentials_with_a_blank_at_the_end() {
    let lab = Lab::new();
    lab.write_private("password.txt", "open-sesame \n");
    let server = Rogue::RefusesConnect(4).start(&lab);
    let login = "username = ann\npassword_file = password.txt\n";
    let found = provoke(&lab, plain_config(server.port, login))
        .variant("blank")
        .fails("mqtt-bad-credentials");
    found.says(&["last character is a space"]);
    assert!(
        !found.human.all().contains("open-sesame"),
        "{}",
        found.human
    );
}

#[test]
fn mqtt_not_authorized() {
    let login = "username = ann\npassword = open-sesame\n";
    let found = check(
        "mqtt-not-authorized",
        "code-5",
        Rogue::RefusesConnect(5),
        login,
    );
    found.says(&["ann"]);
    check("mqtt-not-authorized", "aws-7", Rogue::RefusesConnect(7), "");
}

#[test]
fn mqtt_client_id_rejected() {
    let found = check(
        "mqtt-client-id-rejected",
        "code-2",
        Rogue::RefusesConnect(2),
        "client_id = an-id-that-is-much-too-long-for-some\n",
    );
    found.says(&["an-id-that-is-much-too-long-for-some", "36"]);
}

#[test]
fn mqtt_server_unavailable() {
    check(
        "mqtt-server-unavailable",
        "code-3",
        Rogue::RefusesConnect(3),
        "",
    );
}

#[test]
fn mqtt_version() {
    check("mqtt-version", "code-1", Rogue::RefusesConnect(1), "");
    check(
        "mqtt-version",
        "form-of-5",
        Rogue::RefusesInFormOf5(0x84),
        "",
    );
    check("mqtt-version", "code-of-5", Rogue::RefusesConnect(0x84), "");
}

#[test]
fn mqtt_refused() {
    check("mqtt-refused", "code-99", Rogue::RefusesConnect(99), "").says(&["99"]);
    // A broker of MQTT 5 that answers everyone in its own form.
    let banned = Rogue::RefusesInFormOf5(0x8a);
    check("mqtt-refused", "banned", banned, "").says(&["banned", "0x8a"]);
}

#[test]
fn mqtt_taken_over() {
    let rogue = Rogue::TakenOver(Duration::from_millis(50));
    let found = check("mqtt-taken-over", "closed", rogue, "client_id = sensor-7\n");
    found.says(&["sensor-7"]);
}

#[test]
fn subscribe_denied() {
    let more = "topic = secret/plans\n";
    let found = check("subscribe-denied", "code-80", Rogue::DeniesSubscribe, more);
    found.says(&["secret/plans"]);
}

/// What was copied along with a topic is a part of it, and is named.
#[test]
fn subscribe_denied_for_a_topic_in_quotes() {
    let more = "topic = \"secret/plans\"\n";
    check("subscribe-denied", "quotes", Rogue::DeniesSubscribe, more)
        .says(&["the topic stands in quotes", "take it out (`topic` in"]);
}

#[test]
fn never_delivered_to_a_topic_with_a_name() {
    let more = format!("{BRIEF}topic = TOPIC=secret/plans\n");
    check("receive-timeout", "assignment", Rogue::NeverDelivers, &more)
        .says(&["the topic has the form `NAME=value`"]);
}

#[test]
fn subscribe_closed() {
    let more = "topic = secret/plans\n";
    check("subscribe-closed", "closed", Rogue::ClosesAtSubscribe, more);
    // With an id of the user's own, one more connection tells it from a take-over.
    let more = "topic = secret/plans\nclient_id = sensor-7\n";
    check("subscribe-closed", "own-id", Rogue::ClosesAtSubscribe, more);
}

#[test]
fn subscribe_timeout() {
    check("subscribe-timeout", "silent", Rogue::NeverSuback, BRIEF).says(&["1 s"]);
}

#[test]
fn publish_closed() {
    check("publish-closed", "qos-1", Rogue::ClosesAtPublish, "");
    check_tls(
        "publish-closed",
        "tls",
        Rogue::ClosesAtPublish,
        "retain = on\n",
    );
}

#[test]
fn publish_timeout() {
    check("publish-timeout", "qos-1", Rogue::NeverPuback, BRIEF);
    let qos_2 = format!("qos = 2\n{BRIEF}");
    check("publish-timeout", "qos-2", Rogue::NeverPubcomp, &qos_2);
}

#[test]
fn publish_too_large() {
    let message = "x".repeat(2000);
    let more = format!("message = {message}\nmax_packet_size = 1KiB\n");
    let found = check("publish-too-large", "ours", Rogue::Obedient, &more);
    found.says(&["1024", "max_packet_size"]);
}

#[test]
fn receive_timeout() {
    check("receive-timeout", "silent", Rogue::NeverDelivers, BRIEF).says(&["1 s"]);
    // A message of the user's own is suspected before the access rules: here it is small JSON.
    let json = format!("message = {{\"on\":true}}\n{BRIEF}");
    let found = check("receive-timeout", "json", Rogue::NeverDelivers, &json);
    found.says(&["check without `message`"]);
    for ruled_out in ["no JSON object", "message_size_limit"] {
        assert!(!found.human.all().contains(ruled_out), "{}", found.human);
    }
}

#[test]
fn receive_too_large() {
    let more = "max_packet_size = 1KiB\n";
    let found = check(
        "receive-too-large",
        "ours",
        Rogue::DeliversTooLarge(5000),
        more,
    );
    found.says(&["1024", "max_packet_size"]);
}

#[test]
fn receive_altered() {
    check("receive-altered", "first-byte", Rogue::AltersPayload, BRIEF);
}

#[test]
fn receive_closed() {
    // PUBACK and FIN come together: the acknowledgement must not be lost in the close.
    check("receive-closed", "closed", Rogue::ClosesAtDelivery, "");
}

/// Rogues that a patient client gets along with.
#[test]
fn odd_brokers_are_usable() {
    for rogue in [
        Rogue::Obedient,
        Rogue::OneByteAtATime,
        Rogue::Slow(Duration::from_millis(300)),
        Rogue::FloodsForeign(500),
    ] {
        let (lab, root) = trusting_lab();
        let server = rogue.start_tls(&lab, root.server(&["localhost"]).issue().server_config());
        provoke(&lab, tls_config(server.port, ""))
            .passes()
            .warns_of_nothing();
    }
}

#[test]
fn a_lower_qos_than_asked_for_is_a_warning() {
    let lab = Lab::new();
    let server = Rogue::GrantsQos0.start(&lab);
    let found = provoke(&lab, plain_config(server.port, ""))
        .variant("warning.qos-downgraded")
        .passes();
    found.warns("qos-downgraded");
}

/// No byte of a foreign topic or payload drives the terminal; `fails` looks for escapes.
#[test]
fn foreign_text_is_escaped() {
    check(
        "receive-timeout",
        "terminal-escapes",
        Rogue::TerminalEscapes,
        BRIEF,
    );
}

/// What was opened is closed in order, also when a later stage fails.
#[test]
fn a_failure_still_says_goodbye() {
    let lab = Lab::new();
    let server = Rogue::DeniesSubscribe.start(&lab);
    Run::check(&lab, &plain_config(server.port, ""))
        .go()
        .expect_code(7);
    let goodbye = |packets: &[Packet]| packets.last() == Some(&Packet::Disconnect);
    assert!(goodbye(&server.packets()), "{:?}", server.packets());
}

#[test]
fn a_signal_interrupts_every_wait() {
    for (signal, rogue) in [
        ("INT", Rogue::NeverConnack),
        ("TERM", Rogue::NeverSuback),
        ("INT", Rogue::NeverPuback),
        ("TERM", Rogue::NeverDelivers),
    ] {
        let lab = Lab::new();
        let server = rogue.clone().start(&lab);
        let awaited = |packet: &Packet| match &rogue {
            Rogue::NeverConnack => matches!(packet, Packet::Connect(_)),
            Rogue::NeverSuback => matches!(packet, Packet::Subscribe { .. }),
            _ => matches!(packet, Packet::Publish(_)),
        };
        let running = Run::check(&lab, &plain_config(server.port, "")).start();
        server.wait_for(|diary| diary.iter().find(|event| event.is(awaited)).map(drop));
        running.signal(signal);
        let outcome = running.finish();
        outcome
            .expect_code(130)
            .expect_within(Duration::from_secs(5));
        assert!(outcome.all().contains("error[interrupted]"), "{outcome}");
        if matches!(rogue, Rogue::NeverConnack) {
            golden::check("interrupted", &lab, &outcome);
        }
    }
}

/// The broker lets the second look in, which carries the last will as the first CONNECT did.
#[test]
fn the_second_look_brings_out_no_last_will() {
    const CONNECT: u8 = 0x10;
    let lab = Lab::new();
    let broker = mosquitto(&lab).start();
    let proxy = Proxy::start(&lab, broker.port).cut_at(CONNECT);
    let will = "will_topic = gone\nwill_message = gone\nclient_id = looked\n";
    let outcome = Run::check(&lab, &plain_config(proxy.port, will)).go();
    outcome.expect_code(6);
    assert!(outcome.stdout.contains("error[mqtt-closed]"), "{outcome}");
    broker.wait_for_log("Received DISCONNECT from looked");
}
