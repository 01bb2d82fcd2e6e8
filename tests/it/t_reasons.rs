//! The reason codes of MQTT 5 §2.4: each in every packet that may carry it, from a scripted broker, and
//! those that mosquitto sends.

use std::sync::Arc;
use std::time::Duration;

use crate::golden;
use crate::lab::Lab;
use crate::rogue::{Rogue, Saying, To};
use crate::run::{Outcome, Run};

const CONNACK: u8 = 2;
const PUBACK: u8 = 4;
const PUBREC: u8 = 5;
const PUBCOMP: u8 = 7;
const SUBACK: u8 = 9;
const UNSUBACK: u8 = 11;
const DISCONNECT: u8 = 14;
const AUTH: u8 = 15;

/// MQTT 5 §2.4, table 2-6: a code, its name, and the packets of a broker that may carry it.
#[rustfmt::skip]
static CODES: &[(u8, &str, &[u8])] = &[
    (0x00, "success", &[CONNACK, PUBACK, PUBREC, PUBCOMP, UNSUBACK, AUTH]),
    (0x00, "granted QoS 0", &[SUBACK]),
    (0x00, "normal disconnection", &[DISCONNECT]),
    (0x01, "granted QoS 1", &[SUBACK]),
    (0x02, "granted QoS 2", &[SUBACK]),
    (0x04, "disconnect with will message", &[DISCONNECT]),
    (0x10, "no matching subscribers", &[PUBACK, PUBREC]),
    (0x11, "no subscription existed", &[UNSUBACK]),
    (0x18, "continue authentication", &[AUTH]),
    (0x19, "re-authenticate", &[AUTH]),
    (0x80, "unspecified error", &[CONNACK, PUBACK, PUBREC, SUBACK, UNSUBACK, DISCONNECT]),
    (0x81, "malformed packet", &[CONNACK, DISCONNECT]),
    (0x82, "protocol error", &[CONNACK, DISCONNECT]),
    (0x83, "implementation specific error", &[CONNACK, PUBACK, PUBREC, SUBACK, UNSUBACK, DISCONNECT]),
    (0x84, "unsupported protocol version", &[CONNACK]),
    (0x85, "client identifier not valid", &[CONNACK]),
    (0x86, "bad user name or password", &[CONNACK]),
    (0x87, "not authorized", &[CONNACK, PUBACK, PUBREC, SUBACK, UNSUBACK, DISCONNECT]),
    (0x88, "server unavailable", &[CONNACK]),
    (0x89, "server busy", &[CONNACK, DISCONNECT]),
    (0x8a, "banned", &[CONNACK]),
    (0x8b, "server shutting down", &[DISCONNECT]),
    (0x8c, "bad authentication method", &[CONNACK, DISCONNECT]),
    (0x8d, "keep alive timeout", &[DISCONNECT]),
    (0x8e, "session taken over", &[DISCONNECT]),
    (0x8f, "topic filter invalid", &[SUBACK, UNSUBACK, DISCONNECT]),
    (0x90, "topic name invalid", &[CONNACK, PUBACK, PUBREC, DISCONNECT]),
    (0x91, "packet identifier in use", &[PUBACK, PUBREC, SUBACK, UNSUBACK]),
    (0x92, "packet identifier not found", &[PUBCOMP]),
    (0x93, "receive maximum exceeded", &[DISCONNECT]),
    (0x94, "topic alias invalid", &[DISCONNECT]),
    (0x95, "packet too large", &[CONNACK, DISCONNECT]),
    (0x96, "message rate too high", &[DISCONNECT]),
    (0x97, "quota exceeded", &[CONNACK, PUBACK, PUBREC, SUBACK, DISCONNECT]),
    (0x98, "administrative action", &[DISCONNECT]),
    (0x99, "payload format invalid", &[CONNACK, PUBACK, PUBREC, DISCONNECT]),
    (0x9a, "retain not supported", &[CONNACK, DISCONNECT]),
    (0x9b, "QoS not supported", &[CONNACK, DISCONNECT]),
    (0x9c, "use another server", &[CONNACK, DISCONNECT]),
    (0x9d, "server moved", &[CONNACK, DISCONNECT]),
    (0x9e, "shared subscriptions not supported", &[SUBACK, DISCONNECT]),
    (0x9f, "connection rate exceeded", &[CONNACK, DISCONNECT]),
    (0xa0, "maximum connect time", &[DISCONNECT]),
    (0xa1, "subscription identifiers not supported", &[SUBACK, DISCONNECT]),
    (0xa2, "wildcard subscriptions not supported", &[SUBACK, DISCONNECT]),
];

/// The rows of one packet: codes and their names.
fn rows(packet: u8) -> impl Iterator<Item = (u8, &'static str)> {
    let rows = CODES
        .iter()
        .filter(move |(_, _, in_)| in_.contains(&packet));
    rows.map(|(code, name, _)| (*code, *name))
}

/// A reason string with what drives a terminal, and its length before it.
const WORDS: &[u8] = b"\x0a\x1f\0\x07\x1b[2Jwhy";

fn config(port: u16, more: &str) -> String {
    let topic = if more.contains("topic = $") {
        ""
    } else {
        "topic = a/b\n"
    };
    format!("host = 127.0.0.1\nport = {port}\ntls = off\nprotocol = 5\ntimeout = 2s\n{topic}{more}")
}

fn says(lab: &Lab, to: To, kind: u8, rest: &[u8], more: &str) -> Outcome {
    let rest = rest.to_vec();
    let server = Rogue::Says(to, Saying { kind, rest }).start(lab);
    Run::check(lab, &config(server.port, more))
        .arg("--verbose")
        .go()
}

/// The code of the diagnosis and what else must be there.
#[track_caller]
fn expect(run: &Outcome, exit_code: i32, code: &str, texts: &[&str]) {
    run.expect_code(exit_code);
    let all = run.all();
    if !code.is_empty() {
        assert!(all.contains(&format!("error[{code}]: ")), "{code}: {run}");
    }
    for text in texts {
        assert!(all.contains(text), "`{text}` is not in {run}");
    }
    assert!(!all.contains('\x1b'), "{run}");
    assert!(!all.contains("3.1.1 cannot"), "{run}");
}

#[test]
fn in_connack() {
    let lab = Lab::new();
    for (code, name) in rows(CONNACK).filter(|(code, _)| *code > 0) {
        let run = says(
            &lab,
            To::Connect,
            CONNACK,
            &[&[0, code], WORDS].concat(),
            "",
        );
        let expected = match code {
            0x84 => "mqtt-version",
            0x85 => "mqtt-client-id-rejected",
            0x86 => "mqtt-bad-credentials",
            0x87 => "mqtt-not-authorized",
            0x88 | 0x89 => "mqtt-server-unavailable",
            _ => "mqtt-refused",
        };
        let shown = format!("CONNACK {code:#04x} ({name}): `\\u{{1b}}[2Jwhy`");
        expect(&run, 6, expected, &[&shown]);
    }
}

#[test]
fn in_suback() {
    let lab = Lab::new();
    for (code, name) in rows(SUBACK) {
        if code <= 2 {
            let rest = [WORDS, &[code]].concat();
            let run = says(&lab, To::Subscribe, SUBACK, &rest, "check = subscribe\n");
            expect(&run, 0, "", &[&format!(", {code:#04x} ({name})")]);
            continue;
        }
        let run = says(&lab, To::Subscribe, SUBACK, &[WORDS, &[code]].concat(), "");
        let shown = format!("SUBACK {code:#04x} ({name}): `\\u{{1b}}[2Jwhy` for the filter `a/b`");
        let title = format!("the broker refuses the subscription: {name}");
        expect(&run, 7, "subscribe-denied", &[&shown, &title]);
    }
}

#[test]
fn in_puback_and_pubrec() {
    let lab = Lab::new();
    for (packet, answer, qos) in [(PUBACK, "PUBACK", 1), (PUBREC, "PUBREC", 2)] {
        for (code, name) in rows(packet) {
            let more = format!("qos = {qos}\ncheck = publish\n");
            let run = says(&lab, To::Publish, packet, &[&[code], WORDS].concat(), &more);
            let shown = format!("{answer} {code:#04x} ({name}): `\\u{{1b}}[2Jwhy`");
            let title = format!("the broker refuses the message: {name}");
            match code {
                0 => expect(&run, 0, "", &[]),
                0x10 => expect(&run, 0, "", &[&format!("{answer} 1, 0x10 ({name})")]),
                _ => expect(&run, 8, "publish-denied", &[&shown, &title]),
            }
        }
    }
}

/// They come when all is done, and change nothing.
#[test]
fn in_pubcomp_and_unsuback() {
    let lab = Lab::new();
    for (code, name) in rows(PUBCOMP) {
        let more = "qos = 2\ncheck = publish\n";
        let run = says(&lab, To::Pubrel, PUBCOMP, &[&[code], WORDS].concat(), more);
        let shown = match code {
            0 => "PUBCOMP 1".to_owned(),
            _ => format!("PUBCOMP 1, {code:#04x} ({name})"),
        };
        expect(&run, 0, "", &[&shown]);
    }
    for (code, name) in rows(UNSUBACK) {
        let rest = [WORDS, &[code]].concat();
        let run = says(
            &lab,
            To::Unsubscribe,
            UNSUBACK,
            &rest,
            "check = subscribe\n",
        );
        let shown = format!(", {code:#04x} ({name})");
        assert!(run.all().contains("UNSUBACK "), "{run}");
        expect(&run, 0, "", &[&shown]);
    }
}

#[test]
fn in_disconnect() {
    let lab = Lab::new();
    for (code, name) in rows(DISCONNECT) {
        let rest = [&[code], WORDS].concat();
        let publish = match code {
            0x95 => "publish-too-large",
            0x87 | 0x90 | 0x97 | 0x99..=0x9b => "publish-denied",
            _ => "publish-closed",
        };
        for (to, exit_code, expected, more) in [
            (To::Connect, 6, "mqtt-refused", ""),
            (To::Subscribe, 7, "subscribe-closed", ""),
            (To::Publish, 8, publish, ""),
            (To::Delivery, 9, "receive-closed", ""),
        ] {
            let run = says(&lab, to, DISCONNECT, &rest, more);
            let shown = format!("DISCONNECT {code:#04x} ({name}): `\\u{{1b}}[2Jwhy`");
            match code {
                0x8e => expect(&run, 6, "mqtt-taken-over", &[&shown]),
                _ => expect(&run, exit_code, expected, &[&shown, &format!(": {name}\n")]),
            }
        }
    }
}

/// Nobody asked for it: CONNECT names no method.
#[test]
fn in_auth() {
    let lab = Lab::new();
    for (code, name) in rows(AUTH) {
        let rest = [&[code], WORDS].concat();
        let shown = format!("AUTH {code:#04x} ({name}): `\\u{{1b}}[2Jwhy`");
        let run = says(&lab, To::Connect, AUTH, &rest, "");
        expect(&run, 6, "mqtt-refused", &[&shown]);
        let run = says(&lab, To::Subscribe, AUTH, &rest, "");
        expect(&run, 6, "mqtt-not-mqtt", &[&shown]);
    }
}

/// What ends for good keeps its code; of the rest it is told that the connection was lost.
#[test]
fn a_stream_retries_by_what_the_code_says() {
    let lab = Lab::new();
    for (code, name) in rows(DISCONNECT) {
        let saying = Saying {
            kind: DISCONNECT,
            rest: vec![code],
        };
        let (ends, denied) = match code {
            0x8e => (true, "mqtt-taken-over"),
            0x95 => (true, "publish-too-large"),
            0x87 | 0x90 | 0x99..=0x9b => (true, "publish-denied"),
            0x8c | 0x8f | 0x98 | 0x9c..=0x9e | 0xa1 | 0xa2 => (true, "publish-closed"),
            _ => (false, "connection-lost"),
        };
        let server = Rogue::Says(To::Publish, saying.clone()).start(&lab);
        let args = ["-m", "x", "--no-reconnect"];
        let run = Run::stream(&lab, "pub", &config(server.port, ""), &args).go();
        let shown = format!("DISCONNECT {code:#04x} ({name})");
        let exit_code = match code {
            0x8e => 6,
            _ if ends => 8,
            _ => 10,
        };
        expect(&run, exit_code, denied, &[&shown]);

        let server = Rogue::Says(To::Subscribe, saying).start(&lab);
        let run = Run::stream(&lab, "sub", &config(server.port, ""), &["--no-reconnect"]).go();
        let (exit_code, expected) = match code {
            0x8e => (6, "mqtt-taken-over"),
            _ if ends => (7, "subscribe-closed"),
            _ => (10, "connection-lost"),
        };
        expect(&run, exit_code, expected, &[&shown]);
    }
}

/// What is shorter than the standard has it, and codes that it does not have.
#[test]
fn in_every_form() {
    let lab = Lab::new();
    // Two bytes, without a length of properties: the form of MQTT 3.1.1.
    for (code, exit, expected, shown) in [
        (
            0,
            6,
            "mqtt-version",
            "CONNACK 0 (accepted), in the form of MQTT 3.1.1, to MQTT 5",
        ),
        (
            1,
            6,
            "mqtt-version",
            "CONNACK 1 (unacceptable protocol version), in the form of MQTT 3.1.1, to MQTT 5",
        ),
        (
            5,
            6,
            "mqtt-not-authorized",
            "CONNACK 5 (not authorized), in the form of MQTT 3.1.1, to MQTT 5",
        ),
        (
            0x87,
            6,
            "mqtt-not-authorized",
            "CONNACK 0x87 (not authorized), in the form of MQTT 3.1.1, to MQTT 5",
        ),
        (
            0x8a,
            6,
            "mqtt-refused",
            "CONNACK 0x8a (banned), in the form of MQTT 3.1.1, to MQTT 5",
        ),
    ] {
        expect(
            &says(&lab, To::Connect, CONNACK, &[0, code], ""),
            exit,
            expected,
            &[shown],
        );
    }
    const UNKNOWN: &str = "(a code that MQTT 5 does not have)";
    for code in [0x07, 0xf0] {
        let shown = format!("CONNACK {code:#04x} {UNKNOWN}");
        let run = says(&lab, To::Connect, CONNACK, &[0, code, 0], "");
        expect(&run, 6, "mqtt-refused", &[&shown]);
        let shown = format!("SUBACK {code:#04x} {UNKNOWN}");
        let run = says(&lab, To::Subscribe, SUBACK, &[0, code], "");
        expect(&run, 7, "subscribe-denied", &[&shown]);
        let shown = format!("DISCONNECT {code:#04x} {UNKNOWN}");
        let run = says(&lab, To::Subscribe, DISCONNECT, &[code], "");
        expect(&run, 7, "subscribe-closed", &[&shown]);
    }
    let run = says(&lab, To::Publish, PUBACK, &[0xf0], "check = publish\n");
    expect(
        &run,
        8,
        "publish-denied",
        &[&format!("PUBACK 0xf0 {UNKNOWN}")],
    );
    // A code of the other version.
    let run = says(&lab, To::Connect, CONNACK, &[0, 4, 0], "");
    let shown = "CONNACK 4 (bad user name or password), a code of MQTT 3.1.1, to MQTT 5";
    expect(&run, 6, "mqtt-bad-credentials", &[shown]);
    // Neither version.
    let saying = Saying {
        kind: CONNACK,
        rest: vec![0, 1],
    };
    let server = Rogue::Says(To::Connect, saying).start(&lab);
    let auto = config(server.port, "").replace("protocol = 5", "protocol = auto");
    let run = Run::check(&lab, &auto).go();
    expect(
        &run,
        6,
        "mqtt-version",
        &["MQTT 5 was not accepted", "CONNACK 1 to MQTT 3.1.1"],
    );
    // The id alone; with a code; with an empty list of properties.
    for rest in [&[][..], &[0], &[0, 0]] {
        expect(
            &says(&lab, To::Publish, PUBACK, rest, "check = publish\n"),
            0,
            "",
            &[],
        );
    }
    for rest in [&[][..], &[0], &[0, 0]] {
        let run = says(&lab, To::Subscribe, DISCONNECT, rest, "");
        expect(
            &run,
            7,
            "subscribe-closed",
            &["DISCONNECT 0x00 (normal disconnection)"],
        );
    }
    // No code at all.
    let run = says(&lab, To::Subscribe, SUBACK, &[0], "");
    expect(
        &run,
        7,
        "subscribe-denied",
        &["SUBACK 0x80 (unspecified error)"],
    );
}

/// The whole of what is told, where it matters most.
#[test]
fn told_in_full() {
    let lab = Lab::new();
    // The times of `--verbose` have no fixed width.
    let says = |to, kind, rest: &[u8], more: &str| {
        let rest = rest.to_vec();
        let server = Rogue::Says(to, Saying { kind, rest }).start(&lab);
        Run::check(&lab, &config(server.port, more)).go()
    };
    let reference = b"\x0c\x1c\0\x09b.example";
    let moved = says(
        To::Connect,
        CONNACK,
        &[&[0, 0x9d], &reference[..]].concat(),
        "",
    );
    golden::check("mqtt-refused.moved", &lab, &moved);
    let will = "will_topic = a/will\nwill_message = gone\nwill_retain = on\n";
    let will = says(To::Connect, CONNACK, &[0, 0x9a, 0], will);
    golden::check("mqtt-refused.will-retain", &lab, &will);
    let auth = says(To::Connect, AUTH, &[0x18, 0], "");
    golden::check("mqtt-refused.auth", &lab, &auth);
    let auth = says(To::Subscribe, AUTH, &[0x19, 0], "");
    golden::check("mqtt-not-mqtt.auth", &lab, &auth);
    let old = says(To::Connect, CONNACK, &[0, 0], "");
    golden::check("mqtt-version.connack-of-3.1.1", &lab, &old);
    let shared = says(
        To::Subscribe,
        SUBACK,
        &[0, 0x9e],
        "topic = $share/g/a/b\ncheck = subscribe\n",
    );
    golden::check("subscribe-denied.shared", &lab, &shared);
    let acl = says(To::Subscribe, SUBACK, &[0, 0x87], "");
    golden::check("subscribe-denied.mqtt-5", &lab, &acl);
    let acl = says(To::Subscribe, DISCONNECT, &[0x87], "");
    golden::check("subscribe-closed.disconnect", &lab, &acl);
    let acl = says(To::Publish, DISCONNECT, &[&[0x87], WORDS].concat(), "");
    golden::check("publish-denied.disconnect", &lab, &acl);
    let large = says(To::Publish, DISCONNECT, &[0x95], "");
    golden::check("publish-too-large.disconnect", &lab, &large);
    let large = says(To::Publish, PUBACK, &[0x95], "");
    golden::check("publish-too-large.puback", &lab, &large);
    let stops = says(To::Publish, DISCONNECT, &[0x8b], "");
    golden::check("publish-closed.shutting-down", &lab, &stops);
    let kicked = says(To::Delivery, DISCONNECT, &[0x98], "");
    golden::check("receive-closed.kicked", &lab, &kicked);
}

/// Where nothing is done but waiting.
#[test]
fn a_subscriber_is_told_why() {
    let lab = Lab::new();
    for (code, exit_code, name) in [
        (0x8e, 6, "mqtt-taken-over.sub.disconnect"),
        (0x8b, 10, "connection-lost.sub.shutting-down"),
        (0x87, 9, "receive-closed.sub.rights"),
    ] {
        let saying = Saying {
            kind: DISCONNECT,
            rest: vec![code],
        };
        let server = Rogue::Says(To::Granted, saying).start(&lab);
        let args = ["-i", "me", "--no-reconnect"];
        let run = Run::stream(&lab, "sub", &config(server.port, ""), &args).go();
        run.expect_code(exit_code);
        golden::check(name, &lab, &run);
    }
}

/// And so is `pub`.
#[test]
fn a_publisher_is_told_why() {
    let lab = Lab::new();
    for (code, exit_code, name) in [
        (0x8e, 6, "mqtt-taken-over.pub.disconnect"),
        (0x9b, 8, "publish-denied.pub.qos"),
    ] {
        let saying = Saying {
            kind: DISCONNECT,
            rest: vec![code],
        };
        let server = Rogue::Says(To::Publish, saying).start(&lab);
        let args = ["-i", "me", "-m", "x"];
        let run = Run::stream(&lab, "pub", &config(server.port, ""), &args).go();
        run.expect_code(exit_code);
        golden::check(name, &lab, &run);
    }
}

/// A broker that closes the older of two connections without a word.
#[test]
fn a_rival_that_the_broker_does_not_tell_of() {
    let lab = Lab::new();
    let server = Rogue::TakenOver(Duration::from_millis(300)).start(&lab);
    let run = Run::check(&lab, &config(server.port, "client_id = me\n")).go();
    expect(&run, 6, "mqtt-taken-over", &["(MQTT 5 §3.1.4)"]);
}

/// A message that ends one connection after the other ends the run, and what passes does not.
#[test]
fn a_message_that_ends_every_connection() {
    let lab = Lab::new();
    let saying = Saying {
        kind: DISCONNECT,
        rest: vec![0x83],
    };
    let server = Rogue::Says(To::Publish, saying).start(&lab);
    let run = Run::stream(&lab, "pub", &config(server.port, ""), &["-m", "x"]).go();
    expect(
        &run,
        8,
        "publish-closed",
        &["DISCONNECT 0x83 (implementation specific error)"],
    );
    let saying = Saying {
        kind: DISCONNECT,
        rest: vec![0x97],
    };
    let server = Rogue::Says(To::Publish, saying).start(&lab);
    let args = ["-m", "x", "--give-up", "2s"];
    let run = Run::stream(&lab, "pub", &config(server.port, ""), &args).go();
    expect(
        &run,
        10,
        "connection-lost",
        &["error[publish-denied]", "quota exceeded"],
    );
    assert!(run.all().contains("connection is back"), "{run}");
}

/// Where the session was closed without a word, the probe may still hear the reason: it reaches the user
/// as one that the session has heard.
#[test]
fn what_the_probe_alone_has_read() {
    let lab = Lab::new();
    let says = |kind: u8, rest: &[u8], more: &str| {
        let rest = rest.to_vec();
        let server = Rogue::SaysLater(Arc::default(), Saying { kind, rest }).start(&lab);
        let config = config(server.port, "").replace("protocol = 5", more);
        Run::check(&lab, &config).go()
    };
    let words = |packet: &str| format!("{packet}: `\\u{{1b}}[2Jwhy`");
    let run = says(CONNACK, &[&[0, 0x87], WORDS].concat(), "protocol = 5");
    let shown = words("CONNACK 0x87 (not authorized)");
    expect(&run, 6, "mqtt-not-authorized", &[&shown]);
    let run = says(DISCONNECT, &[&[0x8b], WORDS].concat(), "protocol = 5");
    let shown = words("DISCONNECT 0x8b (server shutting down)");
    expect(&run, 6, "mqtt-refused", &[&shown]);
    let run = says(AUTH, &[&[0x18], WORDS].concat(), "protocol = 5");
    let shown = words("AUTH 0x18 (continue authentication)");
    expect(&run, 6, "mqtt-refused", &[&shown]);
    let reference = b"\x0c\x1c\0\x09b.example";
    let moved = [&[0, 0x9d], &reference[..]].concat();
    let run = says(CONNACK, &moved, "protocol = 5");
    let shown = "the broker names another server: `b.example`";
    expect(
        &run,
        6,
        "mqtt-refused",
        &["CONNACK 0x9d (server moved)", shown],
    );
    // Longer than what is kept of an answer that is none, and with the bytes of line ends.
    let long = format!("{}\n{}.", "no ".repeat(40), "so ".repeat(40));
    let length = u16::try_from(long.len()).unwrap();
    let mut rest = vec![0, 0x8a, 0x80 | u8::try_from((length + 3) & 0x7f).unwrap()];
    rest.push(u8::try_from((length + 3) >> 7).unwrap());
    rest.push(0x1f);
    rest.extend(length.to_be_bytes());
    rest.extend(long.as_bytes());
    let run = says(CONNACK, &rest, "protocol = 5");
    let shown = long.replace('\n', "\\n");
    expect(&run, 6, "mqtt-refused", &["CONNACK 0x8a (banned)", &shown]);
    // The same to MQTT 3.1.1, in the form of the other version.
    let run = says(CONNACK, &[&[0, 0x87], WORDS].concat(), "protocol = 3.1.1");
    let shown = "CONNACK 0x87 (not authorized), a code of MQTT 5, to MQTT 3.1.1: `\\u{1b}[2Jwhy`";
    expect(&run, 6, "mqtt-not-authorized", &[shown]);
}
