//! README.md held to the program: its tables of keys, flags, exit codes, warnings and providers, its
//! example of JSON, its map of `src/`, and the packages that `.ci/run` installs. It judges no words,
//! and leaves the table of codes to the test of the catalogue.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that panics is a test that fails"
)]

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::path::Path;

use mqtt_test::failure::Stage;
use mqtt_test::{Streams, diagnose, help, run, settings, shipped};
use regex::Regex;
use serde_json::Value;

/// A file of the package.
fn file(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What stands under a heading, up to the next of its kind.
#[track_caller]
fn section(heading: &str) -> String {
    let readme = file("README.md");
    let (_, from) = readme
        .split_once(&format!("\n## {heading}\n"))
        .unwrap_or_else(|| panic!("README.md has no section `{heading}`"));
    from.split("\n## ").next().unwrap().to_owned()
}

/// The cells of a section's table, row by row, without its head.
#[track_caller]
fn table(heading: &str) -> Vec<Vec<String>> {
    let cells = |line: &str| {
        let inner = line.trim_matches('|');
        inner.split('|').map(|c| c.trim().to_owned()).collect()
    };
    let section = section(heading);
    let rows = section.lines().filter(|line| line.starts_with('|'));
    let rows: Vec<_> = rows.skip(2).map(cells).collect();
    assert!(!rows.is_empty(), "`{heading}` has no table");
    rows
}

/// What stands between backticks.
fn quoted(text: &str) -> Vec<String> {
    let parts = text.split('`').skip(1).step_by(2);
    parts.map(str::to_owned).collect()
}

/// The first column of a section's table.
#[track_caller]
fn names(heading: &str) -> Vec<String> {
    table(heading)
        .iter()
        .flat_map(|row| quoted(&row[0]))
        .collect()
}

/// Everything that the first group of `pattern` finds.
fn all(pattern: &str, text: &str) -> Vec<String> {
    let pattern = Regex::new(pattern).unwrap();
    let found = pattern.captures_iter(text);
    found.map(|found| found[1].to_owned()).collect()
}

#[test]
fn every_key_is_in_its_table() {
    assert_eq!(names("The keys"), settings::KEYS);
}

#[test]
fn every_flag_of_the_help_is_in_its_table() {
    let flags = |text: &str| -> BTreeSet<String> {
        let found = all(r"(?m)(?:^|[\s`])(--?[a-zA-Z][a-z-]*)", text);
        found.into_iter().collect()
    };
    let texts = [help::HELP, help::PUB, help::SUB].join("\n");
    assert_eq!(flags(&names("The flags").join(" ")), flags(&texts));
}

#[test]
fn every_exit_code_has_its_stage() {
    let mut expected = vec![("0".to_owned(), String::new())];
    for stage in [Stage::Config]
        .iter()
        .chain(&Stage::LADDER)
        .chain(&[Stage::Connection])
    {
        expected.push((stage.exit_code().to_string(), format!("`{}`", stage.name())));
    }
    expected.push((diagnose::INTERRUPTED.to_string(), String::new()));
    let rows = table("Exit codes");
    let shown: Vec<_> = rows
        .iter()
        .map(|row| (row[0].clone(), row[1].clone()))
        .collect();
    assert_eq!(shown, expected);
}

#[test]
fn every_warning_is_in_its_table() {
    let source = file("src/warning.rs");
    let codes = all(r#""([a-z]+(?:-[a-z]+)+)""#, &source);
    assert!(codes.len() > 5, "src/warning.rs is written otherwise now");
    assert_eq!(names("Warnings"), codes);
}

#[test]
fn every_provider_is_named_with_its_file() {
    assert_eq!(names("Set up your broker"), shipped::PROVIDERS);
    for row in table("Set up your broker") {
        let provider = &quoted(&row[0])[0];
        let path = &all(r"\]\((.+)\)", &row[1])[0];
        assert_eq!(Some(file(path).as_str()), shipped::text(provider), "{path}");
    }
}

#[test]
fn the_map_is_that_of_the_sources() {
    let found = sources("src");
    let map = names("Where things are");
    assert_eq!(map.iter().cloned().collect::<BTreeSet<_>>(), found);

    let modules = all(r"(?m)^(?:pub )?mod (\w+);", &file("src/lib.rs"));
    let rooms = modules.into_iter().filter(|name| name != "run");
    let edge = ["main", "lib", "run"].map(str::to_owned).into_iter();
    let rooms = edge.chain(rooms).map(|name| format!("{name}.rs"));
    let rooms: Vec<_> = rooms.filter(|file| found.contains(file)).collect();
    let at_the_top: Vec<_> = map.into_iter().filter(|file| !file.contains('/')).collect();
    assert_eq!(at_the_top, rooms, "not in the order of src/lib.rs");
}

/// The files of the program below `folder`, without what belongs to its unit tests.
fn sources(folder: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if entry.file_type().unwrap().is_dir() {
            let inner = sources(&format!("{folder}/{name}"));
            found.extend(inner.iter().map(|file| format!("{name}/{file}")));
        } else if !name.ends_with("_tests.rs") && !name.starts_with("testing") {
            found.insert(name);
        }
    }
    found
}

#[test]
fn the_crate_documentation_names_every_public_module() {
    let lib = file("src/lib.rs");
    let named = all(r"\[`(\w+)`\]", &lib);
    for module in all(r"(?m)^pub mod (\w+);", &lib) {
        assert!(named.contains(&module), "src/lib.rs: `{module}`");
    }
}

#[test]
fn the_example_of_json_has_the_programs_form() {
    let section = section("JSON");
    let (_, from) = section.split_once("```json\n").expect("an example");
    let shown: Value = serde_json::from_str(from.split("```").next().unwrap()).unwrap();
    let real = report(&["no-such-file.conf", "--json"]);
    let keys = |value: &Value| -> BTreeSet<String> {
        let object = value.as_object().expect("an object");
        object.keys().cloned().collect()
    };
    assert_eq!(keys(&shown), keys(&real));
    assert_eq!(keys(&shown["failure"]), keys(&real["failure"]));

    let stages = shown["stages"].as_array().unwrap();
    let shown: Vec<_> = stages
        .iter()
        .map(|s| s["stage"].as_str().unwrap())
        .collect();
    assert_eq!(shown, Stage::LADDER.map(Stage::name));
}

/// What a run that contacts nothing prints as JSON.
fn report(args: &[&str]) -> Value {
    let args: Vec<_> = args.iter().map(OsString::from).collect();
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut streams = Streams {
        out: &mut out,
        err: &mut err,
        out_color: false,
        err_color: false,
        out_terminal: false,
        err_terminal: false,
    };
    run(&args, &mut streams);
    serde_json::from_slice(&out).unwrap()
}

#[test]
fn the_packages_are_those_that_ci_installs() {
    let readme = file("README.md");
    let line = readme
        .lines()
        .find(|line| line.starts_with("Debian packages"));
    let sentence = line.unwrap().split(';').next().unwrap();
    let ci = file(".ci/run");
    let installed = all(r"(?m)^PACKAGES=\((.+)\)$", &ci);
    let installed: Vec<_> = installed[0].split(' ').collect();
    assert_eq!(quoted(sentence), installed);
}
