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

use mqtt_test::{Streams, run};
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
    let said = printed(&["mqtt://h", "--set", "zzzzzzzzzzzz=1"]).1;
    let keys = &all(r"the keys are (.+)", &said)[0];
    let keys: Vec<_> = keys.split(", ").collect();
    assert_eq!(names("The keys"), keys);
}

#[test]
fn every_flag_of_the_help_is_in_its_table() {
    let flags = |text: &str| -> BTreeSet<String> {
        let found = all(r"(?m)(?:^|[\s`])(--?[a-zA-Z][a-z-]*)", text);
        found.into_iter().collect()
    };
    let help = |command: &[&str]| printed(command).0;
    let texts = help(&["--help"]) + &help(&["pub", "--help"]) + &help(&["sub", "--help"]);
    assert_eq!(flags(&names("The flags").join(" ")), flags(&texts));
}

#[test]
fn every_exit_code_has_its_stage() {
    let mut expected = vec![("0".to_owned(), String::new())];
    for code in codes() {
        let stage = match code["stage"].as_str().unwrap() {
            "warning" => continue,
            "any" => String::new(),
            stage => format!("`{stage}`"),
        };
        let row = (code["exit_code"].to_string(), stage);
        if !expected.contains(&row) {
            expected.push(row);
        }
    }
    let rows = table("Exit codes");
    let shown: Vec<_> = rows
        .iter()
        .map(|row| (row[0].clone(), row[1].clone()))
        .collect();
    assert_eq!(shown, expected);
}

#[test]
fn every_warning_is_in_its_table() {
    let warnings = codes()
        .into_iter()
        .filter(|code| code["stage"] == "warning");
    let warnings: Vec<_> = warnings
        .map(|code| code["code"].as_str().unwrap().to_owned())
        .collect();
    assert!(warnings.len() > 5);
    assert_eq!(names("Warnings"), warnings);
}

#[test]
fn every_provider_is_named_with_its_file() {
    let said = printed(&["new", "nobody"]).1;
    let providers = &all(r"the providers are (.+)", &said)[0];
    let providers: Vec<_> = providers.split(", ").collect();
    assert_eq!(names("Set up your broker"), providers);
    for row in table("Set up your broker") {
        let provider = &quoted(&row[0])[0];
        let path = &all(r"\]\((.+)\)", &row[1])[0];
        assert_eq!(file(path), printed(&["new", provider]).0, "{path}");
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
    let check = [
        "dns",
        "tcp",
        "tls",
        "connect",
        "subscribe",
        "publish",
        "receive",
    ];
    assert_eq!(shown, check);
}

/// What a run that contacts nothing prints on standard output and standard error.
fn printed(args: &[&str]) -> (String, String) {
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
    (
        String::from_utf8(out).unwrap(),
        String::from_utf8(err).unwrap(),
    )
}

/// The same as JSON.
fn report(args: &[&str]) -> Value {
    serde_json::from_str(&printed(args).0).unwrap()
}

/// Every failure and warning that the program knows.
fn codes() -> Vec<Value> {
    report(&["explain", "--json"])["codes"]
        .as_array()
        .unwrap()
        .clone()
}

/// The table of all failures, in Markdown, made of the lists that `explain` prints.
fn table_of_codes() -> String {
    let list = printed(&["explain"]).0;
    let mut table = "| code | stage | exit | meaning |\n| --- | --- | --- | --- |\n".to_owned();
    for code in codes() {
        if code["stage"] != "warning" {
            let (name, stage) = (code["code"].as_str().unwrap(), code["stage"].as_str());
            let line = &all(&format!("(?m)^  {name} +(.+)$"), &list)[0];
            let (stage, exit) = (stage.unwrap(), &code["exit_code"]);
            table.push_str(&format!("| `{name}` | {stage} | {exit} | {line} |\n"));
        }
    }
    table
}

/// `UPDATE_GOLDEN=1` writes the table anew, between its two markers.
#[test]
fn the_table_of_codes_is_that_of_explain() {
    const BEGIN: &str = "<!-- codes -->\n";
    const END: &str = "<!-- /codes -->";
    let readme = file("README.md");
    let (before, rest) = readme.split_once(BEGIN).expect("the first marker");
    let (found, after) = rest.split_once(END).expect("the second marker");
    assert!(!after.contains(END) && !after.contains(BEGIN), "twice");
    // Blank lines set the table apart from the markers, which are HTML, in every Markdown.
    let expected = format!("\n{}\n", table_of_codes());
    if std::env::var_os("UPDATE_GOLDEN").is_some_and(|value| value == "1") {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
        fs::write(path, format!("{before}{BEGIN}{expected}{END}{after}")).unwrap();
        return;
    }
    assert_eq!(found, expected, "UPDATE_GOLDEN=1 rewrites the table");
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
