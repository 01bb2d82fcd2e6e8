//! The rules of the house, read off the sources: who may import whom, what each file opens with, how
//! long it may grow, and that every diagnosis has its golden file.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use regex::Regex;

use crate::catalogue::{CODES, WARNINGS};
use crate::golden;

/// Which room uses which, and no other. `lib` and `main` are outside: they name all.
///
/// To add a room, or a door between two, write it here; a circle fails.
const ROOMS: &[(&str, &str)] = &[
    // The command line.
    (
        "args",
        "catalogue config flags help nearest problem settings shipped stream stream_args url",
    ),
    ("flags", "nearest problem settings"),
    ("help", ""),
    ("nearest", ""),
    // The configuration: text in, facts out, nothing contacted.
    ("config", ""),
    ("host", "problem"),
    ("load", "clock config parse problem url"),
    ("parse", "config host problem reader settings url values"),
    ("problem", "config"),
    ("reader", "config problem settings values"),
    ("settings", "config nearest problem url"),
    ("shipped", ""),
    ("url", "problem"),
    ("values", "config problem"),
    // Facts, and the stages dns and tcp.
    ("failure", "certificate problem"),
    ("net", "failure signals wait"),
    ("signals", ""),
    ("step", "failure"),
    ("wait", "signals"),
    // Certificates and the stage tls.
    (
        "certificate",
        "der distinguished_name extensions oid unreadable",
    ),
    ("clock", ""),
    ("der", "clock"),
    ("distinguished_name", "der oid"),
    ("extensions", "der distinguished_name oid unreadable"),
    ("oid", "der"),
    (
        "tls",
        "certificate config failure problem signals trust verifier wait",
    ),
    ("trust", "certificate config failure problem"),
    ("verifier", "certificate"),
    // MQTT, and the ladder.
    (
        "check",
        "certificate clock config echo failure inquiry net session session_trace step wait",
    ),
    ("echo", "config failure session"),
    ("look", "failure net signals tls wait"),
    (
        "session",
        "config failure receipts session_event session_fault session_options session_trace signals tls wait",
    ),
    // Words: facts in, advice out.
    ("alert", ""),
    ("code", "failure"),
    (
        "diagnose",
        "code config diagnose_config diagnose_mqtt diagnose_net diagnose_tls failure providers text words",
    ),
    (
        "diagnose_certificate",
        "certificate clock code config diagnose_chain failure words",
    ),
    ("diagnose_chain", "certificate clock failure text"),
    (
        "diagnose_config",
        "code config diagnose_setting diagnose_usage nearest problem text words",
    ),
    ("diagnose_connack", "code config failure text words"),
    (
        "diagnose_mqtt",
        "code config diagnose_connack failure text words",
    ),
    ("diagnose_net", "code config failure providers text words"),
    (
        "diagnose_setting",
        "code config diagnose_value problem words",
    ),
    (
        "diagnose_tls",
        "alert clock code config diagnose_certificate failure text words",
    ),
    ("diagnose_usage", "code problem shipped words"),
    ("diagnose_value", "problem settings"),
    ("providers", "code config"),
    ("warning", "clock failure text"),
    ("words", "code config"),
    // Every code explained.
    (
        "catalogue",
        "catalogue_config catalogue_entry catalogue_mqtt catalogue_net catalogue_tls catalogue_warning code diagnose warning",
    ),
    ("catalogue_config", "catalogue_entry"),
    ("catalogue_entry", ""),
    ("catalogue_mqtt", "catalogue_entry"),
    ("catalogue_net", "catalogue_entry"),
    ("catalogue_tls", "catalogue_entry"),
    ("catalogue_warning", "catalogue_entry"),
    ("explain", "catalogue json"),
    // The terminal.
    ("json", "text"),
    (
        "report",
        "certificate clock config diagnose failure session_trace step text warning",
    ),
    (
        "report_json",
        "certificate clock diagnose failure json step warning",
    ),
    ("text", ""),
    (
        "run",
        "args catalogue check clock config diagnose explain failure input json load problem publish report report_json report_stream session shipped signals stream subscribe text tls",
    ),
    ("session_trace", "config"),
    ("unreadable", "der"),
    ("inquiry", "failure look session"),
    ("session_fault", "failure tls"),
    ("input", "config problem stream"),
    ("stream_args", "flags problem stream values"),
    (
        "report_stream",
        "diagnose failure json link message_format publish report report_json session stream subscribe text warning",
    ),
    ("message_format", "clock json session stream text"),
    (
        "publish",
        "config failure input link outbox session signals stream",
    ),
    ("outbox", "session"),
    ("stream", ""),
    (
        "link",
        "check clock code diagnose failure inquiry session stream wait",
    ),
    ("subscribe", "config failure link session signals stream"),
    ("session_options", "config receipts tls"),
    ("session_event", "failure"),
    ("receipts", ""),
];

const LONGEST_FILE: usize = 600;

/// The crates that have one caller, and who it is.
const ONE_CALLER: &[(&str, &str)] = &[("pico_args", "args"), ("rumqttc", "session")];

struct Source {
    /// Its place below `src/`.
    path: PathBuf,
    text: String,
}

impl Source {
    /// The room it belongs to: `certificate` for `certificate.rs` and `certificate/extensions.rs`.
    fn room(&self) -> String {
        let first = self.path.components().next().unwrap();
        let name = Path::new(first.as_os_str()).file_stem().unwrap();
        name.to_str().unwrap().to_owned()
    }

    /// What is compiled into the program: no comments, and nothing from the unit tests on, which
    /// stand at the end of a file.
    fn code(&self) -> String {
        let program = self.text.split("\n#[cfg(test)]\n").next().unwrap();
        let is_code = |line: &&str| !line.trim_start().starts_with("//");
        program
            .lines()
            .filter(is_code)
            .collect::<Vec<_>>()
            .join("\n")
    }

    /// Every `x` of a `crate::x`, also of `crate::{x, y::z}`.
    fn imports(&self) -> BTreeSet<String> {
        let path = Regex::new(r"\bcrate::(\w+|\{[^;]*?\};)").unwrap();
        let item = Regex::new(r"^\s*(\w+)").unwrap();
        let mut rooms = BTreeSet::new();
        for found in path.captures_iter(&self.code()) {
            let mut depth = 0;
            // Split at the outermost commas alone: `{tls::{self, Tls}, wait}` is two.
            let inner = found[1].trim_start_matches('{').trim_end_matches("};");
            let parts = inner.split(|c| {
                depth += i32::from(c == '{') - i32::from(c == '}');
                c == ',' && depth == 0
            });
            rooms.extend(parts.filter_map(|part| Some(item.captures(part)?[1].to_owned())));
        }
        rooms.remove(&self.room());
        rooms
    }
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                let path = path.strip_prefix(&root).unwrap().to_owned();
                found.push(Source { path, text });
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(!found.is_empty());
    found
}

/// The rooms whose imports are ruled: not the two that name all, and not those of the unit tests.
fn rooms() -> Vec<Source> {
    let outside = |source: &Source| {
        let room = source.room();
        ["lib", "main"].contains(&room.as_str())
            || room.starts_with("testing")
            || room.ends_with("_tests")
    };
    sources()
        .into_iter()
        .filter(|source| !outside(source))
        .collect()
}

#[test]
fn imports_keep_to_the_table() {
    let table: BTreeMap<&str, BTreeSet<String>> = ROOMS
        .iter()
        .map(|(room, uses)| (*room, uses.split_whitespace().map(str::to_owned).collect()))
        .collect();
    assert_eq!(table.len(), ROOMS.len(), "a room is written twice");
    let mut real: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for source in rooms() {
        real.entry(source.room())
            .or_default()
            .extend(source.imports());
    }
    let mut wrong = Vec::new();
    for (room, uses) in &real {
        let Some(allowed) = table.get(room.as_str()) else {
            wrong.push(format!("{room} is not in the table; it uses {uses:?}"));
            continue;
        };
        wrong.extend(
            uses.difference(allowed)
                .map(|it| format!("{room} may not use {it}")),
        );
        wrong.extend(
            allowed
                .difference(uses)
                .map(|it| format!("{room} does not use {it}")),
        );
    }
    let gone = table.keys().filter(|room| !real.contains_key(**room));
    wrong.extend(gone.map(|room| format!("{room} is in the table, and not in src")));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn imports_make_no_circle() {
    let mut uses: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for source in rooms() {
        uses.entry(source.room())
            .or_default()
            .extend(source.imports());
    }
    // Takes away, again and again, the rooms that use none of those left, and those that none of
    // them uses. What stays is on a circle, or between two.
    loop {
        let used: BTreeSet<String> = uses.values().flatten().cloned().collect();
        let left: BTreeSet<String> = uses.keys().cloned().collect();
        uses.retain(|room, its| used.contains(room) && !its.is_disjoint(&left));
        if uses.len() == left.len() {
            break;
        }
    }
    let left: BTreeSet<String> = uses.keys().cloned().collect();
    for its in uses.values_mut() {
        its.retain(|room| left.contains(room));
    }
    assert!(uses.is_empty(), "rooms on a circle: {uses:#?}");
}

/// `//!`: what it is, and what it never does.
#[test]
fn every_file_says_what_it_is() {
    for source in sources() {
        assert!(source.text.starts_with("//! "), "{}", source.path.display());
    }
}

#[test]
fn no_file_grows_too_long() {
    for source in sources() {
        let lines = source.text.lines().count();
        assert!(
            lines <= LONGEST_FILE,
            "{} has {lines} lines",
            source.path.display()
        );
    }
}

/// `session_fault` is a part of `session`.
fn is_of(room: &str, caller: &str) -> bool {
    room == caller || room.starts_with(&format!("{caller}_"))
}

#[test]
fn some_crates_have_one_caller() {
    for (name, caller) in ONE_CALLER {
        let named = Regex::new(&format!(r"\b{name}\b")).unwrap();
        for source in sources()
            .iter()
            .filter(|source| !is_of(&source.room(), caller))
        {
            let found = named.is_match(&source.code());
            assert!(
                !found,
                "{} names {name}; only {caller} may",
                source.path.display()
            );
        }
    }
}

/// The codes that `src` gives, by the strings in it.
fn given(names: &[&'static str]) -> Vec<&'static str> {
    let code: String = sources().iter().map(Source::code).collect();
    names
        .iter()
        .copied()
        .filter(|name| code.contains(&format!("\"{name}\"")))
        .collect()
}

#[test]
fn every_code_has_a_golden_file() {
    let codes: Vec<&str> = CODES.iter().map(|(code, _)| *code).collect();
    let warnings = given(WARNINGS).into_iter();
    let files: Vec<String> = fs::read_dir(golden::folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let wanted = given(&codes).into_iter().map(str::to_owned);
    for name in wanted.chain(warnings.map(|code| format!("warning.{code}"))) {
        let found = files
            .iter()
            .any(|file| file.starts_with(&format!("{name}.")));
        assert!(found, "`{name}` has no file in tests/golden");
    }
}

/// A golden file that no test compares with the program says nothing: each belongs to a code, and
/// the tests name that code and, word by word, the variant.
#[test]
fn every_golden_file_is_compared() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it");
    let tests: String = fs::read_dir(tests)
        .unwrap()
        .map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap())
        .collect();
    for entry in fs::read_dir(golden::folder()).unwrap() {
        let file = entry.unwrap().file_name().into_string().unwrap();
        let name = file.strip_suffix(".txt").unwrap();
        let whole = tests.contains(&format!("\"{name}\""));
        let (code, variant) = name.split_once('.').unwrap_or((name, ""));
        let quoted =
            |part: &str| Regex::new(&format!(r#"[".]{}["./ ]"#, regex::escape(part))).unwrap();
        // A variant may be put together of parts: `{year}.{variant}`.
        let parts = variant.split('.').filter(|part| !part.is_empty());
        let named = quoted(code).is_match(&tests)
            && parts.clone().all(|part| quoted(part).is_match(&tests));
        assert!(whole || named, "no test compares tests/golden/{file}");
    }
}

/// A code that only `src` knows is no promise yet.
#[test]
fn every_code_is_in_the_catalogue() {
    let kebab = Regex::new(r#""((?:usage|config|host|password|ca|client|no|qos|alpn|dns|tcp|tls|mqtt|subscribe|publish|receive|connection)-[a-z0-9-]+)""#).unwrap();
    let Some(source) = sources()
        .into_iter()
        .find(|source| source.path == Path::new("code.rs"))
    else {
        panic!("src/code.rs, where every code stands, is gone");
    };
    for found in kebab.captures_iter(&source.code()) {
        let known = CODES.iter().any(|(code, _)| *code == &found[1]);
        assert!(known, "`{}` is not in the catalogue", &found[1]);
    }
}
