//! Tables for `diagnose_certificate`: what rustls said of which chain at what time, and the code.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that panics is a test that fails"
)]

use std::sync::Arc;

use CertificateError as Fault;
use rustls::OtherError;

use super::*;
use crate::testing::{DAY, facts, intermediate, leaf};

const YEAR: i64 = 365 * DAY;

fn built() -> i64 {
    clock::build_date()
}

fn other() -> Fault {
    Fault::Other(OtherError(Arc::new(std::io::Error::other(
        "CaUsedAsEndEntity",
    ))))
}

fn ends(certificate: Certificate, not_after: i64) -> Certificate {
    Certificate {
        not_after,
        ..certificate
    }
}

fn begins(certificate: Certificate, not_before: i64) -> Certificate {
    Certificate {
        not_before,
        ..certificate
    }
}

#[track_caller]
fn check(error: &Fault, chain: Vec<Certificate>, now: i64, expected: Code) {
    assert_eq!(code(error, &facts(chain), now), expected);
}

#[test]
fn a_clock_that_cannot_be_right_is_named_and_not_the_certificate() {
    let chain = || vec![leaf(), intermediate()];
    let wrong = Code::TlsClockWrong;
    // A board without a battery wakes up in 1970.
    check(&Fault::NotValidYet, chain(), 0, wrong);
    check(&Fault::NotValidYet, vec![leaf()], 0, wrong);
    check(&Fault::NotValidYet, chain(), -1, wrong);
    check(&Fault::NotValidYet, chain(), built() - 1, wrong);
    // Before the build, even a certificate that has ended proves nothing.
    let ended = ends(leaf(), built() - YEAR);
    check(&Fault::Expired, vec![ended], built() - 1, wrong);
    // Years ahead: everything that the broker shows ended long ago.
    let in_2045 = clock::unix_from_civil(2045, 1, 1, 0, 0, 0).unwrap();
    let in_2027 = clock::unix_from_civil(2027, 6, 1, 0, 0, 0).unwrap();
    let chain = || vec![ends(leaf(), in_2027), ends(intermediate(), in_2027 + YEAR)];
    check(&Fault::Expired, chain(), in_2045, wrong);
    check(&Fault::Expired, vec![ends(leaf(), in_2027)], in_2045, wrong);
    let edge = in_2027 + 3 * YEAR;
    let lone = || vec![ends(leaf(), in_2027)];
    check(&Fault::Expired, lone(), edge, Code::TlsExpired);
    check(&Fault::Expired, lone(), edge + 1, wrong);
}

#[test]
fn a_clock_that_can_be_right_leaves_it_to_the_certificate() {
    let now = built() + 10 * YEAR;
    let expired = Code::TlsExpired;
    let recent = ends(leaf(), now - 52 * DAY);
    let renewed = || ends(intermediate(), now + YEAR);
    check(&Fault::Expired, vec![recent.clone()], now, expired);
    check(&Fault::Expired, vec![recent, renewed()], now, expired);
    // Four years is long, but the intermediate shows that the clock is not ahead of everything.
    let old = || ends(leaf(), now - 4 * YEAR);
    check(&Fault::Expired, vec![old(), renewed()], now, expired);
    let within = ends(intermediate(), now - YEAR);
    check(&Fault::Expired, vec![old(), within], now, expired);
    // Only the CA of the chain has ended.
    let chain = vec![ends(leaf(), now + DAY), ends(intermediate(), now - DAY)];
    check(&Fault::Expired, chain, now, expired);
    // What cannot be read says nothing about the clock.
    check(&Fault::Expired, vec![], now, expired);
    let mut unreadable = facts(vec![leaf()]);
    unreadable.chain[0].certificate = None;
    assert_eq!(code(&Fault::Expired, &unreadable, now), expired);

    let early = Code::TlsNotYetValid;
    let next_week = begins(leaf(), built() + 8 * DAY);
    check(
        &Fault::NotValidYet,
        vec![next_week.clone()],
        built() + DAY,
        early,
    );
    check(&Fault::NotValidYet, vec![next_week], built(), early);
    check(&Fault::NotValidYet, vec![], built(), early);
}

#[test]
fn dates_come_with_and_without_their_context() {
    let now = built() + DAY;
    let time = rustls::pki_types::UnixTime::since_unix_epoch(std::time::Duration::ZERO);
    let after = Fault::ExpiredContext {
        time,
        not_after: time,
    };
    let before = Fault::NotValidYetContext {
        time,
        not_before: time,
    };
    check(&after, vec![leaf()], now, Code::TlsExpired);
    check(&before, vec![leaf()], now, Code::TlsNotYetValid);
    check(&after, vec![leaf()], 0, Code::TlsClockWrong);
    check(&before, vec![leaf()], 0, Code::TlsClockWrong);
}

#[test]
fn an_issuer_that_is_not_found_has_five_forms() {
    let now = built() + DAY;
    let unknown = Fault::UnknownIssuer;
    let aia = Certificate {
        has_aia: true,
        ..leaf()
    };
    let self_signed = Certificate {
        self_issued: true,
        ..leaf()
    };
    let ca = Certificate {
        is_ca: true,
        ..leaf()
    };
    let self_signed_ca = Certificate {
        self_issued: true,
        ..ca.clone()
    };
    check(&unknown, vec![], now, Code::TlsUnknownIssuer);
    check(&unknown, vec![leaf()], now, Code::TlsUnknownIssuer);
    let pair = vec![leaf(), intermediate()];
    check(&unknown, pair, now, Code::TlsUnknownIssuer);

    // An issuer in between is known to exist only by what the leaf or the store says of it.
    check(
        &unknown,
        vec![aia.clone()],
        now,
        Code::TlsMissingIntermediate,
    );
    let pair = vec![aia, intermediate()];
    check(&unknown, pair, now, Code::TlsUnknownIssuer);
    let mut public = facts(vec![leaf()]);
    public.issuer_organisation_trusted = true;
    assert_eq!(code(&unknown, &public, now), Code::TlsMissingIntermediate);
    public.chain.push(crate::testing::presented(intermediate()));
    assert_eq!(code(&unknown, &public, now), Code::TlsUnknownIssuer);

    check(
        &unknown,
        vec![self_signed.clone()],
        now,
        Code::TlsSelfSigned,
    );
    let odd = Certificate {
        has_aia: true,
        ..self_signed
    };
    check(&unknown, vec![odd], now, Code::TlsSelfSigned);

    // A CA as the server's own is that, trusted (rustls: other) or not.
    check(&unknown, vec![ca.clone()], now, Code::TlsCaAsLeaf);
    check(
        &unknown,
        vec![self_signed_ca.clone()],
        now,
        Code::TlsCaAsLeaf,
    );
    check(&other(), vec![self_signed_ca], now, Code::TlsCaAsLeaf);
    check(&other(), vec![ca], now, Code::TlsCaAsLeaf);
    check(&other(), vec![leaf()], now, Code::TlsBadCertificate);
    // The intermediate is a CA, as it should be.
    let pair = vec![leaf(), intermediate()];
    check(&other(), pair, now, Code::TlsBadCertificate);
}

#[test]
fn version_1_and_a_missing_san_have_their_own_names() {
    let now = built() + DAY;
    let v1 = Certificate {
        version: 1,
        has_san: false,
        names: vec![],
        ..leaf()
    };
    let no_san = Certificate {
        version: 3,
        ..v1.clone()
    };
    let old_ca = Certificate {
        is_ca: true,
        self_issued: true,
        ..v1.clone()
    };
    for error in [
        other(),
        Fault::UnknownIssuer,
        Fault::BadEncoding,
        Fault::NotValidForName,
    ] {
        check(&error, vec![v1.clone()], now, Code::TlsV1Certificate);
        check(&error, vec![old_ca.clone()], now, Code::TlsV1Certificate);
    }
    check(&Fault::NotValidForName, vec![no_san], now, Code::TlsNoSan);
    check(
        &Fault::NotValidForName,
        vec![leaf()],
        now,
        Code::TlsNameMismatch,
    );
    check(&Fault::NotValidForName, vec![], now, Code::TlsNameMismatch);
}

#[test]
fn anything_else_is_a_bad_certificate() {
    let now = built() + DAY;
    for error in [
        Fault::BadEncoding,
        Fault::BadSignature,
        Fault::Revoked,
        Fault::InvalidPurpose,
        Fault::UnhandledCriticalExtension,
        Fault::ApplicationVerificationFailure,
    ] {
        check(&error, vec![leaf()], now, Code::TlsBadCertificate);
        check(&error, vec![], now, Code::TlsBadCertificate);
    }
}

/// The error, then the notes.
fn said(error: Fault, chain: Vec<Certificate>, now: i64) -> (String, String) {
    let fault = TlsError {
        cause: TlsCause::Rustls(rustls::Error::InvalidCertificate(error.clone())),
        facts: facts(chain),
        late: false,
    };
    let config = crate::testing::good("");
    let words = words(code(&error, &fault.facts, now), &fault, &config, now);
    (words.error, words.notes.join("\n"))
}

#[test]
fn the_certificate_at_fault_is_named() {
    let now = built() + 10 * YEAR;
    let expired = ends(leaf(), now - 52 * DAY);
    let fresh = ends(intermediate(), now + YEAR);
    let (error, notes) = said(Fault::Expired, vec![expired, fresh], now);
    assert_eq!(error, "the broker's certificate has expired");
    assert!(notes.contains(", 52 days ago; issued by `Test CA` for `h.example`"));
    assert!(notes.contains("this machine's clock says "));

    let chain = vec![ends(leaf(), now + DAY), ends(intermediate(), now - DAY)];
    let (error, notes) = said(Fault::Expired, chain, now);
    assert_eq!(error, "a CA certificate in the broker's chain has expired");
    assert!(notes.contains(", 1 day ago; issued by `Test CA` for `Test CA`"));

    let early = begins(ends(leaf(), now + YEAR), now + 7 * DAY);
    let (error, notes) = said(Fault::NotValidYet, vec![early], now);
    assert_eq!(error, "the broker's certificate is not yet valid");
    assert!(notes.contains(", in 7 days; "));
}

#[test]
fn a_wrong_clock_comes_with_its_evidence() {
    let (error, notes) = said(Fault::NotValidYet, vec![leaf()], 0);
    assert_eq!(
        error,
        "this machine's clock does not fit the broker's certificate"
    );
    assert!(notes.contains("this machine's clock says 1970-01-01 00:00:00 UTC"));
    assert!(notes.contains("this program was built on "));
    let (_, notes) = said(Fault::Expired, vec![leaf()], built() + 20 * YEAR);
    assert!(notes.contains("every certificate that the broker presented ended years before"));
}
