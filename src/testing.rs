//! What the tables of `parse`, `reader`, `settings` and `shipped` share. Tests only.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that panics is a test that fails"
)]

use std::path::PathBuf;

use crate::config::{Ambient, Config, Override, Place, Source, TlsSettings, Transport};
use crate::diagnose_config::words;
use crate::parse::config;
use crate::problem::{ConfigFault, Problem};

pub(crate) fn ambient() -> Ambient {
    Ambient {
        pid: 4711,
        random: std::array::from_fn(|i| u8::try_from(i).unwrap()),
        now: "2026-11-22T12:08:31Z".to_owned(),
        home: Some(PathBuf::from("/home/me")),
    }
}

pub(crate) fn over(flag: &str, key: &str, value: &str) -> Override {
    Override {
        place: Place::Flag(flag.to_owned()),
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
    config(Source::Url(url), &[], &ambient())
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
    let words = words(&ConfigFault::Problems(result.expect_err("a problem")));
    let all: Vec<_> = [words.error.clone()]
        .into_iter()
        .chain(words.notes.iter().map(|note| format!(" note: {note}")))
        .chain(words.help.iter().map(|help| format!(" help: {help}")))
        .collect();
    (words.code.name().to_owned(), all.join("\n"))
}

pub(crate) fn line_of(problem: &Problem) -> usize {
    match problem.place {
        Place::Line { line, .. } => line,
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
