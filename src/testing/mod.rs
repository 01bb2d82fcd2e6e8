//! What the tables of several modules share: configurations, certificates, and what holds for every
//! diagnosis. Tests only.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that panics is a test that fails"
)]

pub(crate) mod errors;
pub(crate) mod facts;
pub(crate) mod tls_peer;

use std::path::PathBuf;

use crate::config::parse::config;
use crate::config::types::{Ambient, Source};
use crate::config::{
    Config, ConfigError, Origin, Override, Problem, Purpose, TlsSettings, Transport,
};
use crate::diagnosis::{Diagnosis, diagnose_config, explain};
use crate::failure::{Presented, Roots, TlsFacts};
use crate::util::clock;
use crate::x509::Certificate;
use crate::x509::certificate::Name;

pub(crate) fn ambient() -> Ambient {
    Ambient {
        pid: 4711,
        random: std::array::from_fn(|i| u8::try_from(i).unwrap()),
        now: "2026-11-22T12:08:31Z".to_owned(),
        home: Some(PathBuf::from("/home/me")),
        purpose: Purpose::Check,
    }
}

pub(crate) fn over(flag: &str, key: &str, value: &str) -> Override {
    Override {
        origin: Origin::Flag(flag.to_owned()),
        key: key.to_owned(),
        value: value.to_owned(),
    }
}

pub(crate) fn file(text: &str) -> Result<Config, Vec<Problem>> {
    file_and(text, &[])
}

pub(crate) fn file_and(text: &str, overrides: &[Override]) -> Result<Config, Vec<Problem>> {
    let path = "config/x.conf";
    config(Source::File { path, text }, overrides, &ambient())
}

pub(crate) fn url(url: &str) -> Result<Config, Vec<Problem>> {
    url_and(url, &[])
}

pub(crate) fn url_and(url: &str, overrides: &[Override]) -> Result<Config, Vec<Problem>> {
    config(Source::Url(url), overrides, &ambient())
}

/// With a host, so that only what is tried can be wrong.
pub(crate) fn good(lines: &str) -> Config {
    file(&format!("host = h.example\n{lines}")).expect(lines)
}

pub(crate) fn tls(config: &Config) -> &TlsSettings {
    match &config.transport {
        Transport::Tls(tls) => tls,
        Transport::Plain => panic!("no TLS"),
    }
}

/// The code, and all that is said, line by line.
pub(crate) fn said(result: Result<Config, Vec<Problem>>) -> (String, String) {
    let words = diagnose_config(&ConfigError::Problems(result.expect_err("a problem")), None);
    let all: Vec<_> = [words.error.clone()]
        .into_iter()
        .chain(words.notes.iter().map(|note| format!(" note: {note}")))
        .chain(words.help.iter().map(|help| format!(" help: {help}")))
        .collect();
    (words.code.name.to_owned(), all.join("\n"))
}

/// What the help tells to write is accepted, in place of what was written.
#[track_caller]
pub(crate) fn assert_accepted(text: &str, help: &str) {
    let pieces = help.split('`').skip(1).step_by(2);
    let told = pieces.filter(|piece| piece.contains(" = "));
    let mut lines: Vec<_> = text.lines().collect();
    let key = |line: &str| line.split(" =").next().unwrap_or_default().to_owned();
    for piece in told {
        lines.retain(|line| key(line) != key(piece));
        lines.push(piece);
    }
    if !text.lines().eq(lines.iter().copied()) {
        file(&lines.join("\n")).expect(help);
    }
}

pub(crate) fn line_of(problem: &Problem) -> usize {
    match problem.origin {
        Origin::Line { line, .. } => line,
        _ => 0,
    }
}

pub(crate) const SECRET: &str = "hunter2";

pub(crate) fn hidden(what: &impl std::fmt::Debug) -> bool {
    !format!("{what:?}").contains(SECRET)
}

/// Lines under a good host with one problem, and all that is said of it.
#[track_caller]
pub(crate) fn told(lines: &str, code: &str, text: &str) {
    assert_eq!(
        said(file(&format!("host = h.example\n{lines}"))),
        (code.to_owned(), text.to_owned()),
    );
}

/// No advice may weaken the check of who the broker is.
#[track_caller]
pub(crate) fn assert_sound_advice(text: &str) {
    let low = text.to_lowercase();
    for bad in [
        "insecure",
        "disable verif",
        "without verif",
        "skip verif",
        "verification off",
        "verify = off",
        "verify=off",
        "verify_peer",
        "no-check",
    ] {
        assert!(!low.contains(bad), "`{bad}` in: {text}");
    }
}

/// What holds for every diagnosis, whatever was found.
#[track_caller]
pub(crate) fn assert_sound(diagnosis: &Diagnosis) {
    let Diagnosis {
        code,
        error,
        notes,
        help,
        ..
    } = diagnosis;
    assert_eq!(explain::find(code.name), Ok(*code));
    assert!(!error.trim().is_empty(), "{diagnosis:?}");
    assert!(!help.is_empty(), "nothing to do: {diagnosis:?}");
    for text in notes.iter().chain(help).chain([error]) {
        assert!(!text.trim().is_empty(), "an empty line: {diagnosis:?}");
        assert!(!text.contains(SECRET), "a secret: {diagnosis:?}");
        assert!(!text.contains("Some("), "Rust, not English: {text}");
    }
    // What was observed is no guess.
    for text in notes.iter().chain([error]) {
        let mut words = text.split(|c: char| !c.is_alphabetic());
        let guess = words.find(|word| {
            ["maybe", "probably", "perhaps", "might"].contains(&word.to_lowercase().as_str())
        });
        assert_eq!(guess, None, "{text}");
    }
    for text in help {
        assert_sound_advice(text);
    }
}

/// A leaf for `h.example`, issued by `Test CA`, right in every way on the day of the build and for
/// 100 days more.
pub(crate) fn leaf() -> Certificate {
    let name = |kind: &str, value: &str| (kind.to_owned(), value.to_owned());
    Certificate {
        version: 3,
        serial: "01".to_owned(),
        subject: Name {
            attributes: vec![name("CN", "h.example")],
        },
        issuer: Name {
            attributes: vec![name("O", "Test"), name("CN", "Test CA")],
        },
        self_issued: false,
        not_before: clock::build_date() - 100 * DAY,
        not_after: clock::build_date() + 100 * DAY,
        key: "EC P-256".to_owned(),
        signature: "ECDSA with SHA256".to_owned(),
        has_san: true,
        names: vec!["h.example".to_owned()],
        is_ca: false,
        path_length: None,
        limits_names: false,
        critical: None,
        has_aia: false,
        ca_issuers: vec![],
        extended_key_usage: None,
    }
}

/// The intermediate CA that issued [`leaf`].
pub(crate) fn intermediate() -> Certificate {
    Certificate {
        subject: leaf().issuer,
        names: vec![],
        has_san: false,
        is_ca: true,
        not_after: clock::build_date() + 1000 * DAY,
        ..leaf()
    }
}

pub(crate) const DAY: i64 = 24 * 60 * 60;

/// As it was presented; the fingerprint is none of its own.
pub(crate) fn presented(certificate: Certificate) -> Presented {
    Presented {
        certificate: Some(certificate),
        sha256: [0xab; 32],
    }
}

/// The facts of a handshake with `h.example`.
pub(crate) fn facts(chain: Vec<Certificate>) -> TlsFacts {
    TlsFacts {
        sni: Some("h.example".to_owned()),
        server_name: "h.example".to_owned(),
        chain: chain.into_iter().map(presented).collect(),
        roots: Roots {
            count: 2,
            sources: vec!["`ca.crt`".to_owned()],
            ..Roots::default()
        },
        ..TlsFacts::default()
    }
}
