//! Tables for the codes from CONNECT on: every answer to a CONNECT, every end of the stages after it, and
//! what holds for the words of any of them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that panics is a test that fails"
)]

use std::io;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::config::{Protocol, Slip};
use crate::diagnosis::Code;
use crate::diagnosis::codes::connack;
use crate::failure::{Command, Failure, Probe, ProbeEnd, Reason, Stage, Subscription, TooFew};
use crate::testing::errors::{mqtt_error, rustls_errors};
use crate::testing::{SECRET, assert_sound, good};

const LIMIT: Duration = Duration::from_secs(15);
const PLAIN: &str = "tls = off\n";

fn fault(stage: Stage, cause: impl Into<MqttCause>) -> MqttError {
    mqtt_error(Command::Check, stage, Qos::AtLeastOnce, cause)
}

fn told(lines: &str, fault: MqttError) -> Diagnosis {
    let config = good(&format!("{lines}\nusername = me\npassword = {SECRET}"));
    let failure = Failure::Mqtt(Box::new(fault));
    let diagnosis = crate::diagnosis::diagnose(&failure, &config, 0);
    assert_sound(&diagnosis);
    diagnosis
}

#[track_caller]
fn check(lines: &str, fault: MqttError, expected: &Code) -> Diagnosis {
    let shown = format!("{lines:?} {fault:?}");
    let diagnosis = told(lines, fault);
    assert_eq!(diagnosis.code, expected, "{shown}");
    diagnosis
}

fn closed() -> LinkError {
    LinkError::Closed { reset: false }
}

fn timed_out() -> LinkError {
    LinkError::TimedOut { limit: LIMIT }
}

fn undecodable() -> LinkError {
    LinkError::Undecodable {
        words: "Malformed packet".to_owned(),
    }
}

/// At CONNECT, and what the second look read.
fn looked(link: LinkError, bytes: &[u8], ended: ProbeEnd) -> MqttError {
    MqttError {
        probe: Some(Probe {
            bytes: bytes.to_vec(),
            ended,
            websocket: None,
        }),
        ..fault(Stage::Connect, link)
    }
}

const CLOSED: ProbeEnd = ProbeEnd::Closed;

#[test]
fn every_connack_has_its_code() {
    for code in 0..=255 {
        let expected = match code {
            1 | 0x84 => &connack::VERSION,
            2 | 0x85 => &connack::CLIENT_ID_REJECTED,
            3 | 0x88 | 0x89 => &connack::SERVER_UNAVAILABLE,
            4 | 0x86 => &connack::BAD_CREDENTIALS,
            5 | 7 | 0x87 => &connack::NOT_AUTHORIZED,
            _ => &connack::REFUSED,
        };
        let told = check(
            "",
            fault(Stage::Connect, LinkError::Refused(code.into())),
            expected,
        );
        // The number itself is evidence, as the version that has it writes it.
        let number = if code < 0x80 {
            format!("CONNACK {code}")
        } else {
            format!("CONNACK {code:#04x}")
        };
        assert!(
            told.notes.iter().any(|note| note.contains(&number)),
            "{told:?}"
        );
        // And where it is of another version, so are both versions.
        let notes = told.notes.join("\n");
        let of_5 = code >= 0x80;
        assert_eq!(
            of_5,
            notes.contains("a code of MQTT 5, to MQTT 3.1.1"),
            "{notes}"
        );
    }
}

#[test]
fn a_blank_at_the_end_of_the_password_is_pointed_out() {
    for (code, points) in [(4, true), (5, true), (0x86, true), (0x87, true), (3, false)] {
        for blank in [false, true] {
            let mut fault = fault(Stage::Connect, LinkError::Refused(code.into()));
            fault.password_slip = blank.then_some(Slip::Blank);
            let notes = told("", fault).notes.join("\n");
            let pointed = notes.contains("the password's last character is a space");
            assert_eq!(pointed, blank && points, "{code}");
        }
    }
}

#[test]
fn a_tls_port_spoken_to_in_the_clear() {
    let alert = b"\x15\x03\x01\0\x02\x02\x0a";
    for link in [closed(), undecodable(), timed_out()] {
        check(PLAIN, looked(link, alert, CLOSED), &connect::IS_TLS);
    }
    for port in [8883, 8884, 443] {
        let lines = format!("{PLAIN}port = {port}");
        check(&lines, looked(closed(), b"", CLOSED), &connect::IS_TLS);
        check(&lines, fault(Stage::Connect, closed()), &connect::IS_TLS);
        let reset = LinkError::Closed { reset: true };
        check(&lines, fault(Stage::Connect, reset), &connect::IS_TLS);
        // Silence proves nothing.
        check(
            &lines,
            fault(Stage::Connect, timed_out()),
            &connect::TIMEOUT,
        );
        // Over TLS the port is right.
        let lines = format!("port = {port}");
        check(&lines, fault(Stage::Connect, closed()), &connect::CLOSED);
    }
    check(PLAIN, looked(closed(), b"", CLOSED), &connect::CLOSED);
    check(
        "port = 1883",
        looked(closed(), b"", CLOSED),
        &connect::CLOSED,
    );
}

#[test]
fn what_is_not_mqtt() {
    for first in [
        &b"HTTP/1.1 400 Bad Request\r\n"[..],
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"\0\0\0\0",
        b"<html>",
    ] {
        for link in [closed(), undecodable(), timed_out()] {
            let told = check("", looked(link, first, CLOSED), &connect::NOT_MQTT);
            let shown = format!("its first bytes: `{}`", text::escape_bytes(first, 48));
            assert!(told.notes.contains(&shown), "{told:?}");
        }
    }
    check("", fault(Stage::Connect, undecodable()), &connect::NOT_MQTT);
    let huge = || LinkError::TooLarge { size: 268_435_455 };
    check("", fault(Stage::Connect, huge()), &connect::NOT_MQTT);
    for stage in [Stage::Subscribe, Stage::Publish, Stage::Receive] {
        check("", fault(stage, undecodable()), &connect::NOT_MQTT);
        check("", fault(stage, huge()), &receive::TOO_LARGE);
    }
}

#[test]
fn connect_without_an_answer() {
    let silence = || ProbeEnd::Silence;
    check("", looked(closed(), b"", CLOSED), &connect::CLOSED);
    check("", looked(timed_out(), b"", silence()), &connect::TIMEOUT);
    // The look met another end than rumqttc; what rumqttc met counts.
    check("", looked(timed_out(), b"", CLOSED), &connect::TIMEOUT);
    check("", looked(closed(), b"", silence()), &connect::CLOSED);
    for accepts in [&b"\x20\x02\0\0"[..], b"\x20\x02\x01\0", b"\x20\x03\0\0\0"] {
        let fault = |link| looked(link, accepts, ProbeEnd::Enough);
        for (link, code) in [
            (timed_out(), &connect::TIMEOUT),
            (closed(), &connect::CLOSED),
        ] {
            let told = check("", fault(link), code);
            let answered = "a second connection was answered with a CONNACK that accepts";
            assert!(told.notes.iter().any(|note| note == answered), "{told:?}");
        }
    }
    let less = looked(timed_out(), b"\x20\x02\0", CLOSED);
    let told = check("", less, &connect::TIMEOUT);
    assert!(told.notes[1].contains("less than a CONNACK"), "{told:?}");
    let unreachable = ProbeEnd::Unreachable(io::ErrorKind::ConnectionRefused.into());
    check("", looked(closed(), b"", unreachable), &connect::CLOSED);
    let io = LinkError::Io(io::Error::other("weather"));
    check("", fault(Stage::Connect, io), &connect::CLOSED);
    check(
        "",
        fault(Stage::Connect, MqttCause::TimedOut { limit: LIMIT }),
        &connect::TIMEOUT,
    );
    check("", fault(Stage::Connect, no_time()), &connect::TIMEOUT);
}

#[test]
fn the_stages_after_connect() {
    for (stage, closed_there) in [
        (Stage::Subscribe, &subscribe::CLOSED),
        (Stage::Publish, &publish::CLOSED),
        (Stage::Receive, &receive::CLOSED),
    ] {
        for link in [
            closed(),
            LinkError::Closed { reset: true },
            LinkError::Io(io::ErrorKind::TimedOut.into()),
            LinkError::NoPingResponse(None),
        ] {
            check("", fault(stage, link), closed_there);
        }
        let taken = MqttCause::TakenOver {
            after: LIMIT,
            fresh_id_stood: false,
        };
        check("client_id = me", fault(stage, taken), &connect::TAKEN_OVER);
    }
    let late = || MqttCause::TimedOut { limit: LIMIT };
    check("", fault(Stage::Subscribe, late()), &subscribe::TIMEOUT);
    check("", fault(Stage::Publish, late()), &publish::TIMEOUT);
    check("qos = 2", fault(Stage::Publish, late()), &publish::TIMEOUT);
    for code in (0x80..=0xff).chain([3, 0x7f]) {
        let denied = MqttCause::SubscribeDenied(code.into());
        let told = check("", fault(Stage::Subscribe, denied), &subscribe::DENIED);
        assert!(told.notes[0].starts_with(&format!("SUBACK {code:#04x} for the filter `a/b`")));
    }
    let (size, limit) = (Some(2_000_000), 1_048_576);
    let large = MqttCause::PublishTooLarge { size, limit };
    let told = check("", fault(Stage::Publish, large), &publish::TOO_LARGE);
    assert!(told.notes[0].contains("2000000 bytes; the limit is 1048576 bytes"));
    for foreign in [0, 1, 7] {
        let limit = LIMIT;
        let lost = MqttCause::NotDelivered {
            limit,
            foreign,
            own: (foreign == 0).then(|| vec![b'x'; 2_000]),
            unmatched: false,
        };
        check("", fault(Stage::Receive, lost), &receive::TIMEOUT);
    }
    for subscription in [
        Subscription::Granted,
        Subscription::Unanswered,
        Subscription::Lost,
    ] {
        let few = fault(Stage::Receive, too_few(subscription));
        let told = check("", few, &receive::TIMEOUT);
        assert_eq!(told.notes[0], "2 of 5 messages in 15 s (`-C`, `--for`)");
    }
}

fn no_time() -> MqttCause {
    MqttCause::NoTimeLeft {
        limit: LIMIT,
        flag: "--for",
    }
}

fn too_few(subscription: Subscription) -> MqttCause {
    MqttCause::TooFew(TooFew {
        received: 2,
        wanted: 5,
        limit: LIMIT,
        left_out: 1,
        resumed: subscription == Subscription::Granted,
        subscription,
    })
}

#[test]
fn a_changed_payload_is_compared() {
    let altered = |sent: &[u8], received: &[u8]| MqttCause::Altered {
        sent: sent.to_vec(),
        received: received.to_vec(),
    };
    for (sent, received, expected) in [
        (&b"abc"[..], &b"abd"[..], "byte 2: sent `c`, received `d`"),
        (b"abc", b"ab", "byte 2: sent `c`, received ``"),
        (b"", b"\x1b", "byte 0: sent ``, received `\\x1b`"),
    ] {
        let cause = altered(sent, received);
        let told = check("", fault(Stage::Receive, cause), &receive::ALTERED);
        assert_eq!(told.notes[1], format!("first difference at {expected}"));
    }
}

fn io_error(text: &str) -> io::Error {
    io::Error::other(text.to_owned())
}

/// One of every kind.
fn links(text: &str, code: u8, size: usize) -> Vec<LinkError> {
    let mut links = vec![
        timed_out(),
        closed(),
        LinkError::Closed { reset: true },
        LinkError::Refused(code.into()),
        LinkError::SubackCode(code.into()),
        LinkError::Refused(in_5(code, text)),
        LinkError::Disconnected(in_5(code, text)),
        LinkError::Auth(in_5(code, text)),
        LinkError::ConnackOf3_1_1,
        LinkError::Undecodable {
            words: text.to_owned(),
        },
        LinkError::TooLarge { size },
        LinkError::Tls(TlsCause::Closed { reset: true }),
        LinkError::Tcp(io_error(text)),
        LinkError::Io(io_error(text)),
        LinkError::NoPingResponse(None),
    ];
    let errors = rustls_errors(text).into_iter().step_by(17);
    links.extend(errors.map(|error| LinkError::Tls(TlsCause::Rustls(error))));
    links
}

fn causes(text: &str, code: u8, size: usize, bytes: &[u8]) -> Vec<MqttCause> {
    let mut causes: Vec<_> = links(text, code, size)
        .into_iter()
        .map(Into::into)
        .collect();
    causes.extend([
        MqttCause::TimedOut { limit: LIMIT },
        no_time(),
        too_few(Subscription::Lost),
        MqttCause::SubscribeDenied(code.into()),
        MqttCause::SubscribeDenied(in_5(code, text)),
        MqttCause::PublishDenied(in_5(code, text)),
        MqttCause::PublishNotAllowed { size, limit: 1 },
        MqttCause::RetainNotAllowed,
        MqttCause::TakenOver {
            after: LIMIT,
            fresh_id_stood: false,
        },
        MqttCause::PublishTooLarge {
            size: Some(size),
            limit: 1,
        },
        MqttCause::PublishTooLarge {
            size: None,
            limit: 1,
        },
        MqttCause::Altered {
            sent: text.as_bytes().to_vec(),
            received: bytes.to_vec(),
        },
        MqttCause::NotDelivered {
            limit: LIMIT,
            foreign: u64::from(code),
            own: size.is_multiple_of(2).then(|| text.as_bytes().to_vec()),
            unmatched: size.is_multiple_of(3),
        },
    ]);
    causes
}

fn look(bytes: &[u8], kind: u8, text: &str) -> Option<Probe> {
    let ended = match kind {
        0 => return None,
        1 => CLOSED,
        2 => ProbeEnd::Silence,
        3 => ProbeEnd::Enough,
        4 => ProbeEnd::Tls(TlsCause::Io(io_error(text))),
        _ => ProbeEnd::Unreachable(io_error(text)),
    };
    Some(Probe {
        bytes: bytes.to_vec(),
        ended,
        websocket: kind.is_multiple_of(2).then_some(101),
    })
}

fn in_5(code: u8, text: &str) -> Reason {
    Reason {
        code,
        in_5: true,
        words: Some(text.to_owned()),
        reference: (code >= 0x9c).then(|| text.to_owned()),
    }
}

/// Every setting that the words look at.
const CONFIGS: [&str; 6] = [
    "",
    "tls = off",
    "tls = off\nport = 8883",
    "sni = off\nalpn = mqtt\ncert_file = c.crt\nkey_file = c.key",
    "qos = 2\nretain = on\nmessage = hello\nclient_id = me",
    "qos = 0\ntopic = a/b\nmax_packet_size = 1KiB",
];

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        cases: 48,
        ..ProptestConfig::default()
    })]

    #[test]
    fn whatever_ends_a_session_has_a_code_and_sound_words(
        lines in prop::sample::select(&CONFIGS[..]),
        text in "[^`\\p{C}]{1,40}",
        code in any::<u8>(),
        size in any::<usize>(),
        bytes in prop::collection::vec(any::<u8>(), 0..64),
        kind in 0..6_u8,
        blank in any::<bool>(),
        command in prop::sample::select(&[Command::Check, Command::Pub, Command::Sub][..]),
        qos in prop::sample::select(&[Qos::AtMostOnce, Qos::AtLeastOnce, Qos::ExactlyOnce][..]),
        protocol in prop::sample::select(&[Protocol::V3_1_1, Protocol::V5, Protocol::Auto][..]),
    ) {
        for stage in [Stage::Connect, Stage::Subscribe, Stage::Publish, Stage::Receive] {
            for cause in causes(&text, code, size, &bytes) {
                let fault = MqttError {
                    probe: look(&bytes, kind, &text),
                    password_slip: blank.then_some(Slip::Quotes),
                    certificate_unasked: blank,
                    protocol,
                    second: None,
                    ..mqtt_error(command, stage, qos, cause)
                };
                let told = told(lines, fault);
                prop_assert!((6..=9).contains(&told.exit_code()), "{:?}", told);
            }
        }
    }
}
