//! Tables for `certificate` and `issuer`: what rustls said of which chain at what time, and the code.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that panics is a test that fails"
)]

use std::sync::Arc;

use CertificateError as Fault;
use rustls::OtherError;

use super::*;
use crate::failure::{TlsCause, TlsError, TlsFacts};
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

fn diagnosed(error: &Fault, facts: TlsFacts, now: i64) -> Diagnosis {
    let error = error.clone();
    let error = TlsError {
        cause: TlsCause::Rustls(Error::InvalidCertificate(error)),
        facts,
        late: Some(false),
    };
    crate::diagnosis::codes::tls::diagnose(&error, &crate::testing::good(""), now)
}

fn code(error: &Fault, facts: TlsFacts, now: i64) -> &'static Code {
    diagnosed(error, facts, now).code
}

#[track_caller]
fn check(error: &Fault, chain: Vec<Certificate>, now: i64, expected: &Code) {
    assert_eq!(code(error, facts(chain), now), expected);
}

#[test]
fn a_clock_that_cannot_be_right_is_named_and_not_the_certificate() {
    let chain = || vec![leaf(), intermediate()];
    let wrong = &CLOCK_WRONG;
    // A board without a battery wakes up in 1970.
    check(&Fault::NotValidYet, chain(), 0, wrong);
    check(&Fault::NotValidYet, vec![leaf()], 0, wrong);
    check(&Fault::NotValidYet, chain(), -1, wrong);
    check(&Fault::NotValidYet, chain(), built() - 1, wrong);
    // Before the build, even a certificate that has ended proves nothing.
    let ended = ends(leaf(), built() - YEAR);
    check(&Fault::Expired, vec![ended], built() - 1, wrong);
    // Years ahead: most of the system's own have ended.
    let now = built() + 20 * YEAR;
    let with_system = |count, of| TlsFacts {
        system_ended: Ended { count, of },
        ..facts(vec![leaf(), ends(intermediate(), now + YEAR)])
    };
    assert_eq!(code(&Fault::Expired, with_system(73, 144), now), wrong);
    assert_eq!(code(&Fault::Expired, with_system(10, 10), now), wrong);
    let expired = &EXPIRED;
    assert_eq!(code(&Fault::Expired, with_system(72, 144), now), expired);
    // A store that is somebody's own.
    assert_eq!(code(&Fault::Expired, with_system(9, 9), now), expired);
    assert_eq!(code(&Fault::Expired, with_system(0, 0), now), expired);
}

#[test]
fn a_clock_that_can_be_right_leaves_it_to_the_certificate() {
    let now = built() + 10 * YEAR;
    let expired = &EXPIRED;
    let recent = ends(leaf(), now - 52 * DAY);
    let renewed = || ends(intermediate(), now + YEAR);
    check(&Fault::Expired, vec![recent.clone()], now, expired);
    check(&Fault::Expired, vec![recent, renewed()], now, expired);
    // However long ago: nobody may have renewed it.
    let old = || ends(leaf(), now - 5 * YEAR);
    check(&Fault::Expired, vec![old(), renewed()], now, expired);
    check(&Fault::Expired, vec![old()], now, expired);
    // Only the CA of the chain has ended.
    let chain = vec![ends(leaf(), now + DAY), ends(intermediate(), now - DAY)];
    check(&Fault::Expired, chain, now, expired);
    // What cannot be read says nothing about the clock.
    check(&Fault::Expired, vec![], now, expired);
    let mut unreadable = facts(vec![leaf()]);
    unreadable.chain[0].certificate = None;
    assert_eq!(code(&Fault::Expired, unreadable.clone(), now), expired);

    let early = &NOT_YET_VALID;
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
    check(&after, vec![leaf()], now, &EXPIRED);
    check(&before, vec![leaf()], now, &NOT_YET_VALID);
    check(&after, vec![leaf()], 0, &CLOCK_WRONG);
    check(&before, vec![leaf()], 0, &CLOCK_WRONG);
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
    check(&unknown, vec![], now, &issuer::UNKNOWN_ISSUER);
    check(&unknown, vec![leaf()], now, &issuer::UNKNOWN_ISSUER);
    let pair = vec![leaf(), intermediate()];
    check(&unknown, pair, now, &issuer::UNKNOWN_ISSUER);

    // An issuer in between is known to exist only by what the leaf or the store says of it.
    check(
        &unknown,
        vec![aia.clone()],
        now,
        &issuer::MISSING_INTERMEDIATE,
    );
    let pair = vec![aia, intermediate()];
    check(&unknown, pair, now, &issuer::UNKNOWN_ISSUER);
    let mut public = facts(vec![leaf()]);
    public.issuer_organisation_trusted = true;
    assert_eq!(
        code(&unknown, public.clone(), now),
        &issuer::MISSING_INTERMEDIATE
    );
    public.chain.push(crate::testing::presented(intermediate()));
    assert_eq!(code(&unknown, public.clone(), now), &issuer::UNKNOWN_ISSUER);

    check(
        &unknown,
        vec![self_signed.clone()],
        now,
        &issuer::SELF_SIGNED,
    );
    let odd = Certificate {
        has_aia: true,
        ..self_signed
    };
    check(&unknown, vec![odd], now, &issuer::SELF_SIGNED);

    // A CA as the server's own is that, trusted (rustls: other) or not.
    check(&unknown, vec![ca.clone()], now, &issuer::CA_AS_LEAF);
    check(
        &unknown,
        vec![self_signed_ca.clone()],
        now,
        &issuer::CA_AS_LEAF,
    );
    check(&other(), vec![self_signed_ca], now, &issuer::CA_AS_LEAF);
    check(&other(), vec![ca], now, &issuer::CA_AS_LEAF);
    check(&other(), vec![leaf()], now, &BAD_CERTIFICATE);
    // The intermediate is a CA, as it should be.
    let pair = vec![leaf(), intermediate()];
    check(&other(), pair, now, &BAD_CERTIFICATE);
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
        check(&error, vec![v1.clone()], now, &V1_CERTIFICATE);
        check(&error, vec![old_ca.clone()], now, &V1_CERTIFICATE);
    }
    check(&Fault::NotValidForName, vec![no_san], now, &NO_SAN);
    check(&Fault::NotValidForName, vec![leaf()], now, &NAME_MISMATCH);
    check(&Fault::NotValidForName, vec![], now, &NAME_MISMATCH);
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
        check(&error, vec![leaf()], now, &BAD_CERTIFICATE);
        check(&error, vec![], now, &BAD_CERTIFICATE);
    }
}

/// The error, then the notes.
fn said(error: Fault, chain: Vec<Certificate>, now: i64) -> (String, String) {
    let words = diagnosed(&error, facts(chain), now);
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
    let system_ended = Ended {
        count: 134,
        of: 144,
    };
    let facts = TlsFacts {
        system_ended,
        ..facts(vec![leaf()])
    };
    let words = diagnosed(&Fault::Expired, facts, built() + 20 * YEAR);
    let expected = "by this clock 134 of this system's 144 CA certificates have ended";
    assert!(words.notes.join("\n").contains(expected));
}
