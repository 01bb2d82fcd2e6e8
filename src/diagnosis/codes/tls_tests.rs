//! Tables for `tls`: which code each end of a handshake is, and what holds for the words
//! of whatever rustls or the wire can come up with.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that panics is a test that fails"
)]

use std::io;
use std::time::Duration;

use proptest::prelude::*;
use rustls::AlertDescription as Alert;

use super::*;
use crate::failure::{Failure, Named, Stage, TlsFacts};
use crate::testing::errors::rustls_errors;
use crate::testing::facts::any_facts;
use crate::testing::{DAY, SECRET, assert_sound, facts, good, leaf};
use crate::util::clock;

const LIMIT: Duration = Duration::from_secs(15);

fn fault(cause: TlsCause, facts: TlsFacts) -> TlsError {
    TlsError {
        cause,
        facts,
        late: Some(false),
    }
}

fn closed() -> TlsCause {
    TlsCause::Closed { reset: false }
}

fn timed_out() -> TlsCause {
    TlsCause::TimedOut { limit: LIMIT }
}

fn rustls(error: Error) -> TlsCause {
    TlsCause::Rustls(error)
}

fn alert(alert: Alert) -> TlsCause {
    rustls(Error::AlertReceived(alert))
}

fn now() -> i64 {
    clock::build_date() + DAY
}

fn with_sni() -> TlsFacts {
    facts(vec![])
}

fn without_sni() -> TlsFacts {
    TlsFacts {
        sni: None,
        ..facts(vec![])
    }
}

/// The same, and one more handshake sent a name.
fn named(same: bool) -> TlsFacts {
    let name = "h.example".to_owned();
    TlsFacts {
        named: Some(Named { name, same }),
        ..without_sni()
    }
}

/// The broker asked for a client certificate.
fn asked() -> TlsFacts {
    TlsFacts {
        client_cert_requested: true,
        ..facts(vec![leaf()])
    }
}

/// And got one.
fn answered() -> TlsFacts {
    TlsFacts {
        client_cert_sent: true,
        client_certificate: Some(leaf()),
        client_cert_issuers: vec!["CN=Devices".to_owned()],
        ..asked()
    }
}

fn began_with(first_bytes: &[u8]) -> TlsFacts {
    TlsFacts {
        first_bytes: first_bytes.to_vec(),
        ..with_sni()
    }
}

/// The code, on a TLS port unless `lines` say otherwise.
#[track_caller]
fn check_on(lines: &str, cause: TlsCause, facts: TlsFacts, expected: &Code) {
    let config = good(lines);
    let fault = fault(cause, facts);
    let shown = format!("{fault:?}");
    let diagnosis = crate::diagnosis::diagnose(&Failure::Tls(Box::new(fault)), &config, now());
    assert_eq!(diagnosis.code, expected, "{shown}");
    assert_sound(&diagnosis);
}

#[track_caller]
fn check(cause: TlsCause, facts: TlsFacts, expected: &Code) {
    check_on("", cause, facts, expected);
}

#[test]
fn what_is_no_tls() {
    let not = &NOT_TLS;
    let garbled = || rustls(Error::InvalidMessage(InvalidMessage::InvalidContentType));
    for first in [
        &b"HTTP/1.1 400 Bad Request\r\n"[..],
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"\x20\x02\0\0",
        b"\x16\x02",
        b"\x18\x03",
        b"\0",
    ] {
        check(garbled(), began_with(first), not);
        check(closed(), began_with(first), not);
        check(timed_out(), began_with(first), not);
    }
    // The form of TLS, and then not.
    check(garbled(), began_with(b"\x16\x03\x03\xff\xff"), not);
    let plain = || TlsFacts {
        answers_plain_mqtt: true,
        ..with_sni()
    };
    check(closed(), plain(), not);
    check(timed_out(), plain(), not);
    for port in ["port = 1883", "port = 1884"] {
        check_on(port, closed(), with_sni(), not);
        check_on(port, TlsCause::Closed { reset: true }, with_sni(), not);
        check_on(port, closed(), without_sni(), not);
        // A beginning of TLS was there.
        check_on(port, closed(), began_with(b"\x16\x03\x03"), &CLOSED);
    }
}

#[test]
fn what_ends_without_a_word() {
    for reset in [false, true] {
        let closed = || TlsCause::Closed { reset };
        check(closed(), with_sni(), &CLOSED);
        check(closed(), began_with(b"\x16\x03\x03"), &CLOSED);
        check(closed(), without_sni(), &NO_SNI);
        check(closed(), asked(), &client_certificate::REQUIRED);
        check(closed(), answered(), &client_certificate::REJECTED);
    }
    let io = || TlsCause::Io(io::Error::other("weather"));
    check(io(), with_sni(), &CLOSED);
    check(io(), without_sni(), &NO_SNI);
    check(timed_out(), with_sni(), &TIMEOUT);
    check(timed_out(), without_sni(), &TIMEOUT);
    check_on("port = 1883", timed_out(), with_sni(), &TIMEOUT);
    check_on("sni = off", closed(), without_sni(), &NO_SNI);
}

#[test]
fn alerts_mean_what_was_seen_before_them() {
    for (received, sni, no_sni, requested, sent) in [
        (
            Alert::HandshakeFailure,
            &NO_COMMON_CIPHER,
            &NO_COMMON_CIPHER,
            &client_certificate::REQUIRED,
            &client_certificate::REJECTED,
        ),
        (
            Alert::InternalError,
            &ALERT,
            &NO_SNI,
            &client_certificate::REQUIRED,
            &client_certificate::REJECTED,
        ),
        (
            Alert::UnrecognisedName,
            &UNRECOGNISED_NAME,
            &NO_SNI,
            &UNRECOGNISED_NAME,
            &UNRECOGNISED_NAME,
        ),
        (
            Alert::CertificateRequired,
            &client_certificate::REQUIRED,
            &client_certificate::REQUIRED,
            &client_certificate::REQUIRED,
            &client_certificate::REJECTED,
        ),
    ] {
        check(alert(received), with_sni(), sni);
        check(alert(received), without_sni(), no_sni);
        check(alert(received), asked(), requested);
        check(alert(received), answered(), sent);
    }
    for received in [
        Alert::BadCertificate,
        Alert::UnsupportedCertificate,
        Alert::CertificateRevoked,
        Alert::CertificateExpired,
        Alert::CertificateUnknown,
        Alert::UnknownCA,
        Alert::AccessDenied,
        Alert::DecryptError,
    ] {
        check(alert(received), asked(), &client_certificate::REQUIRED);
        check(alert(received), answered(), &client_certificate::REJECTED);
        check(alert(received), with_sni(), &ALERT);
        check(alert(received), without_sni(), &ALERT);
    }
    for facts in [with_sni, without_sni, asked, answered] {
        check(alert(Alert::ProtocolVersion), facts(), &VERSION);
        check(alert(Alert::NoApplicationProtocol), facts(), &ALPN);
        check(alert(Alert::UserCanceled), facts(), &ALERT);
        check(alert(Alert::Unknown(200)), facts(), &ALERT);
        let insufficient = alert(Alert::InsufficientSecurity);
        check(insufficient, facts(), &NO_COMMON_CIPHER);
    }
}

/// Where a cipher or a key can be the cause, SNI is blamed only once a name has made a difference.
#[test]
fn a_handshake_with_a_name_separates_the_causes() {
    let facts = named;
    for (cause, same, other) in [
        (closed as fn() -> TlsCause, &CLOSED, &NO_SNI),
        (
            || alert(Alert::HandshakeFailure),
            &NO_COMMON_CIPHER,
            &NO_SNI,
        ),
        (|| alert(Alert::InternalError), &ALERT, &NO_SNI),
        (|| alert(Alert::MissingExtension), &ALERT, &NO_SNI),
    ] {
        check(cause(), facts(true), same);
        check(cause(), facts(false), other);
    }
    check(alert(Alert::MissingExtension), without_sni(), &NO_SNI);
}

#[test]
fn what_rustls_itself_finds_wrong() {
    use PeerIncompatible as Incompatible;
    let answer = || began_with(b"\x16\x03\x03\0\x7a");
    for incompatible in [
        Incompatible::ServerDoesNotSupportTls12Or13,
        Incompatible::ServerTlsVersionIsDisabledByOurConfig,
    ] {
        let error = rustls(Error::PeerIncompatible(incompatible));
        check(error, answer(), &VERSION);
    }
    for incompatible in [
        Incompatible::NoCipherSuitesInCommon,
        Incompatible::NoKxGroupsInCommon,
        Incompatible::NoSignatureSchemesInCommon,
    ] {
        let error = rustls(Error::PeerIncompatible(incompatible));
        check(error, answer(), &NO_COMMON_CIPHER);
    }
    check(rustls(Error::NoApplicationProtocol), answer(), &ALPN);
    check(
        rustls(Error::NoCertificatesPresented),
        answer(),
        &certificate::BAD_CERTIFICATE,
    );
    let pin = || TlsCause::PinMismatch { expected: [1; 32] };
    check(pin(), facts(vec![leaf()]), &issuer::PIN_MISMATCH);
    check(pin(), asked(), &issuer::PIN_MISMATCH);
    check(TlsCause::AlpnNotChosen, answer(), &ALPN);
    check(TlsCause::AlpnNotChosen, asked(), &ALPN);
}

/// The same of the words: they must not say more than what was seen.
#[test]
fn a_break_after_the_handshake_is_no_plaintext_port() {
    let config = good("");
    let mut fault = fault(rustls(Error::DecryptError), with_sni());
    fault.late = Some(true);
    let words = diagnose(&fault, &config, now());
    let notes = words.notes.join("\n");
    assert!(!notes.contains("is a port for MQTT without TLS"), "{notes}");
    assert!(notes.contains("the TLS library says: "), "{notes}");
}

#[test]
fn a_client_certificate_that_is_out_of_date_is_named() {
    let mut facts = answered();
    let mut own = leaf();
    own.not_after = now() - 3 * DAY;
    facts.client_certificate = Some(own);
    let fault = fault(alert(Alert::CertificateExpired), facts);
    let words = diagnose(&fault, &good(""), now());
    let notes = words.notes.join("\n");
    assert!(notes.contains("received during the handshake: alert certificate_expired (45)"));
    assert!(notes.contains("it expired 3 days ago"));
    assert!(notes.contains("accepts certificates issued by `CN=Devices`"));
}

fn causes(text: &str) -> Vec<TlsCause> {
    let mut causes: Vec<_> = rustls_errors(text).into_iter().map(rustls).collect();
    causes.extend([
        closed(),
        TlsCause::Closed { reset: true },
        timed_out(),
        TlsCause::PinMismatch { expected: [7; 32] },
        TlsCause::AlpnNotChosen,
        TlsCause::Io(io::Error::other(text.to_owned())),
        TlsCause::Io(io::ErrorKind::PermissionDenied.into()),
    ]);
    causes
}

/// Every setting that the words of TLS look at.
const CONFIGS: [&str; 6] = [
    "",
    "port = 1883",
    "port = 1884\nsni = off",
    "server_name = x.example\nalpn = mqtt\nca_file = ca.crt",
    "ca_file = ca.crt\nsystem_roots = off\nsni = off",
    "port = 443\npin_sha256 = abababababababababababababababababababababababababababababababab",
];

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        cases: 48,
        ..ProptestConfig::default()
    })]

    /// Each case goes through everything that rustls can say.
    #[test]
    fn whatever_rustls_says_has_a_code_of_its_stage_and_sound_words(
        facts in any_facts(),
        late in any::<Option<bool>>(),
        lines in prop::sample::select(&CONFIGS[..]),
        text in "[^`\\p{C}]{1,40}",
        now in prop_oneof![any::<i64>(), Just(0), Just(clock::build_date() + DAY)],
    ) {
        let config = good(&format!("{lines}\nusername = me\npassword = {SECRET}"));
        for cause in causes(&text) {
            let fault = TlsError {
                late,
                ..fault(cause, facts.clone())
            };
            let failure = Failure::Tls(Box::new(fault));
            let diagnosis = crate::diagnosis::diagnose(&failure, &config, now);
            prop_assert_eq!(diagnosis.stage, Stage::Tls);
            if config.port == 8883 {
                let usual = diagnosis.help.iter().find(|help| help.contains("usual"));
                prop_assert_eq!(usual, None, "that is the port which was used");
            }
            prop_assert_eq!(diagnosis.exit_code(), 5);
            prop_assert!(diagnosis.code.name.starts_with("tls-"));
            assert_sound(&diagnosis);
        }
    }
}
