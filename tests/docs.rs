//! The documents held to the program: the tables of keys, flags, exit codes, codes, warnings and
//! providers, the example of JSON, the command lines and config files shown, the packages that
//! `.ci/run` installs, and that every link and path leads somewhere. It judges no sentence, and
//! contacts nothing.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that panics is a test that fails"
)]

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use mqtt_test::{Streams, run};
use regex::Regex;
use serde_json::Value;

const README: &str = "README.md";
const REFERENCE: &str = "docs/reference.md";
const DOCUMENTS: [&str; 5] = [
    README,
    REFERENCE,
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "benches/README.md",
];

const MAN_PAGE: &str = "packaging/mqtt-test.1";

/// A key that does not exist: with it no command line can contact anything.
const NO_KEY: &str = "zzzzzzzzzzzz=1";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A file of the repository.
#[track_caller]
fn file(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// What stands under a heading, up to the next of its kind.
#[track_caller]
fn section(document: &str, heading: &str) -> String {
    let text = file(document);
    let (_, from) = text
        .split_once(&format!("\n## {heading}\n"))
        .unwrap_or_else(|| panic!("{document} has no section `{heading}`"));
    from.split("\n## ").next().unwrap().to_owned()
}

/// The cells of a section's first table, row by row, without its head.
#[track_caller]
fn table(document: &str, heading: &str) -> Vec<Vec<String>> {
    let cells = |line: &str| {
        let inner = line.trim_matches('|');
        inner.split('|').map(|c| c.trim().to_owned()).collect()
    };
    let section = section(document, heading);
    let rows = section
        .lines()
        .skip_while(|line| !line.starts_with('|'))
        .take_while(|line| line.starts_with('|'));
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
fn names(document: &str, heading: &str) -> Vec<String> {
    table(document, heading)
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

/// The flags that a text names.
fn flags(text: &str) -> BTreeSet<String> {
    let found = all(r"(?m)(?:^|[\s`])(--?[a-zA-Z][a-z-]*)", text);
    found.into_iter().collect()
}

/// What a run that contacts nothing ends with and prints.
struct Printed {
    exit_code: u8,
    out: String,
    err: String,
}

fn printed<S: AsRef<str>>(args: &[S]) -> Printed {
    let args: Vec<_> = args
        .iter()
        .map(|arg| OsString::from(arg.as_ref()))
        .collect();
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut streams = Streams {
        out: &mut out,
        err: &mut err,
        out_color: false,
        err_color: false,
        out_terminal: false,
        err_terminal: false,
    };
    let exit_code = run(&args, &mut streams);
    Printed {
        exit_code,
        out: String::from_utf8(out).unwrap(),
        err: String::from_utf8(err).unwrap(),
    }
}

/// The same as JSON.
fn report(args: &[&str]) -> Value {
    serde_json::from_str(&printed(args).out).unwrap()
}

/// Every failure and warning that the program knows.
fn codes() -> Vec<Value> {
    report(&["explain", "--json"])["codes"]
        .as_array()
        .unwrap()
        .clone()
}

/// Every key, in the order of the program.
fn keys() -> Vec<String> {
    let said = printed(&["mqtt://h", "--set", NO_KEY]).err;
    let keys = &all(r"the keys are (.+)", &said)[0];
    keys.split(", ").map(str::to_owned).collect()
}

#[test]
fn every_key_is_in_its_table() {
    assert_eq!(names(REFERENCE, "The keys"), keys());
}

#[test]
fn every_flag_of_the_help_is_in_its_table() {
    let help = |command: &[&str]| printed(command).out;
    let texts = help(&["--help"])
        + &help(&["pub", "--help"])
        + &help(&["sub", "--help"])
        + &help(&["request", "--help"]);
    let table = names(REFERENCE, "The flags").join(" ");
    assert_eq!(flags(&table), flags(&texts));
}

#[test]
fn every_exit_code_has_its_stage() {
    let mut expected = vec![("0".to_owned(), String::new())];
    for code in codes() {
        let stage = match code["stage"].as_str().unwrap() {
            "warning" => continue,
            // It has that of the stage under way.
            "any" if code["exit_code"].is_null() => continue,
            "any" => String::new(),
            stage => format!("`{stage}`"),
        };
        let row = (code["exit_code"].to_string(), stage);
        if !expected.contains(&row) {
            expected.push(row);
        }
    }
    let rows = table(REFERENCE, "Exit codes").into_iter();
    let shown: Vec<_> = rows.map(|row| (row[0].clone(), row[1].clone())).collect();
    assert_eq!(shown, expected);

    let stages = table(README, "Read a result");
    assert_eq!(stages.len(), 7);
    for row in stages {
        let exit_code = row.last().unwrap().clone();
        assert!(expected.contains(&(exit_code, row[0].clone())), "{row:?}");
    }
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
    assert_eq!(names(REFERENCE, "Warnings"), warnings);
}

#[test]
fn every_provider_is_named_with_its_file() {
    let said = printed(&["new", "nobody"]).err;
    let providers = &all(r"the providers are (.+)", &said)[0];
    let providers: Vec<_> = providers.split(", ").collect();
    assert_eq!(names(README, "Set up your broker"), providers);
    for row in table(README, "Set up your broker") {
        let provider = &quoted(&row[0])[0];
        let path = &all(r"\]\((.+)\)", &row[1])[0];
        assert_eq!(file(path), printed(&["new", provider]).out, "{path}");
    }
}

#[test]
fn the_example_of_json_has_the_programs_form() {
    let section = section(REFERENCE, "JSON");
    let (_, from) = section.split_once("```json\n").expect("an example");
    let shown: Value = serde_json::from_str(from.split("```").next().unwrap()).unwrap();
    let real = report(&["no-such-file.conf", "--json"]);
    let keys = |value: &Value| -> BTreeSet<String> {
        let object = value.as_object().expect("an object");
        object.keys().cloned().collect()
    };
    assert_eq!(keys(&shown), keys(&real));
    assert_eq!(keys(&shown["failure"]), keys(&real["failure"]));

    let stages = shown["stages"].as_array().unwrap().iter();
    let shown: Vec<_> = stages.map(|s| s["stage"].as_str().unwrap()).collect();
    let listed = names(README, "Read a result");
    assert_eq!(shown, listed);
}

/// The table of all failures, in Markdown, made of the lists that `explain` prints.
fn table_of_codes() -> String {
    let list = printed(&["explain"]).out;
    let mut table = "| code | stage | exit | meaning |\n| --- | --- | --- | --- |\n".to_owned();
    for code in codes() {
        if code["stage"] != "warning" {
            let (name, stage) = (code["code"].as_str().unwrap(), code["stage"].as_str());
            let line = &all(&format!("(?m)^  {name} +(.+)$"), &list)[0];
            let (stage, exit) = (stage.unwrap(), code["exit_code"].as_u64());
            let exit = exit.map_or("the stage's".to_owned(), |exit| exit.to_string());
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
    let reference = file(REFERENCE);
    let (before, rest) = reference.split_once(BEGIN).expect("the first marker");
    let (found, after) = rest.split_once(END).expect("the second marker");
    assert!(!after.contains(END) && !after.contains(BEGIN), "twice");
    // Blank lines set the table apart from the markers, which are HTML, in every Markdown.
    let expected = format!("\n{}\n", table_of_codes());
    if std::env::var_os("UPDATE_GOLDEN").is_some_and(|value| value == "1") {
        let text = format!("{before}{BEGIN}{expected}{END}{after}");
        fs::write(root().join(REFERENCE), text).unwrap();
        return;
    }
    assert_eq!(found, expected, "UPDATE_GOLDEN=1 rewrites the table");
}

#[test]
fn every_code_named_exists() {
    let known: BTreeSet<_> = codes()
        .iter()
        .map(|code| code["code"].as_str().unwrap().to_owned())
        .collect();
    for document in DOCUMENTS {
        for code in all(r"(?:error|warning)\[([a-z0-9-]+)\]", &file(document)) {
            assert!(known.contains(&code), "{document}: {code}");
        }
    }
}

#[test]
fn the_packages_are_those_that_ci_installs() {
    let readme = file(README);
    let line = readme
        .lines()
        .find(|line| line.starts_with("Debian packages"));
    let sentence = line.unwrap().split(';').next().unwrap();
    let ci = file(".ci/run");
    let installed = all(r"(?m)^PACKAGES=\((.+)\)$", &ci);
    let installed: Vec<_> = installed[0].split(' ').collect();
    assert_eq!(quoted(sentence), installed);
}

#[test]
fn rust_and_the_bound_are_those_of_the_build() {
    let rust = &all(r#"rust-version = "(.+)""#, &file("Cargo.toml"))[0];
    assert!(file(README).contains(&format!("Rust {rust} or newer")));
    let bound = &all(r"MAX_BYTES=(\d+)", &file(".ci/run"))[0];
    let board = section(REFERENCE, "What a board needs").replace(',', "");
    assert!(board.contains(bound), "{bound}");
}

/// A newcomer reads it in one go.
#[test]
fn the_readme_stays_short() {
    let lines = file(README).lines().count();
    assert!(lines <= 300, "{lines} lines");
}

/// A heading as the anchor of a link names it.
fn anchor(heading: &str) -> String {
    let kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
    let kept: String = heading.to_lowercase().chars().filter(kept).collect();
    kept.replace(' ', "-")
}

#[test]
fn every_link_leads_somewhere() {
    let shipped = &all(r"(?m)^include = \[(.+)\]$", &file("Cargo.toml"))[0];
    let shipped = all(r#""([^"]+)""#, shipped);
    let is_shipped = |path: &str| {
        let covers = |entry: &String| match entry.strip_suffix('*') {
            Some(start) => path.starts_with(start),
            None => path == entry || entry.ends_with('/') && path.starts_with(entry.as_str()),
        };
        shipped.iter().any(covers)
    };
    let mut links = 0;
    for document in DOCUMENTS {
        assert!(is_shipped(document), "{document} is not in `include`");
        let folder = Path::new(document).parent().unwrap();
        for link in all(r"\]\(([^)]+)\)", &file(document)) {
            if link.starts_with("https://") {
                continue;
            }
            links += 1;
            let (path, fragment) = link.split_once('#').unwrap_or((&link, ""));
            let target = match path {
                "" => document.to_owned(),
                path => relative(&folder.join(path)),
            };
            assert!(root().join(&target).is_file(), "{document}: {link}");
            assert!(is_shipped(&target), "{target} is not in `include`");
            let anchors = all(r"(?m)^#+ (.+)$", &file(&target));
            let found = anchors.iter().any(|heading| anchor(heading) == fragment);
            assert!(fragment.is_empty() || found, "{document}: {link}");
        }
    }
    assert!(links > 20);
}

/// `docs/../README.md` without the detour.
fn relative(path: &Path) -> String {
    let mut plain = PathBuf::new();
    for part in path {
        if part == ".." {
            plain.pop();
        } else {
            plain.push(part);
        }
    }
    plain.to_str().unwrap().to_owned()
}

#[test]
fn every_path_named_exists() {
    const FOLDERS: &str = "src|tests|docs|benches|config|examples|fuzz|packaging|\\.ci";
    let pattern = format!(r"(?m)(?:^|[\s`(])((?:{FOLDERS})/[\w./-]*\w/?|Cargo\.\w+|build\.rs)");
    let mut paths = 0;
    for document in DOCUMENTS {
        for path in all(&pattern, &file(document)) {
            paths += 1;
            assert!(root().join(&path).exists(), "{document}: {path}");
        }
    }
    assert!(paths > 20);
}

/// The lines of the code blocks with one of these names after the fence, and all the rest.
fn code(document: &str, kinds: &[&str]) -> (Vec<String>, String) {
    let (mut blocks, mut prose) = (Vec::new(), String::new());
    let mut kind = None;
    for line in file(document).lines() {
        match (line.strip_prefix("```"), &kind) {
            (Some(_), Some(_)) => kind = None,
            (Some(name), None) => kind = Some(name.to_owned()),
            (None, Some(name)) if kinds.contains(&name.as_str()) => blocks.push(line.to_owned()),
            (None, Some(_)) => {}
            (None, None) => prose.push_str(&format!("{line}\n")),
        }
    }
    (blocks, prose)
}

/// The command lines of `mqtt-test` that a document shows, without the name of the program.
fn command_lines(document: &str) -> Vec<Vec<String>> {
    let name = Regex::new(r"(?:^|[\s/'(])mqtt-test ").unwrap();
    let (mut lines, prose) = code(document, &["sh", "ini"]);
    lines.extend(examples_of_troff(&prose));
    let (transcripts, _) = code(document, &["text"]);
    lines.extend(
        transcripts
            .into_iter()
            .filter(|line| line.starts_with("$ ")),
    );
    lines.extend(
        quoted(&prose)
            .into_iter()
            .filter(|it| it.starts_with("mqtt-test ")),
    );
    let found = lines.iter().flat_map(|line| {
        let found = name.find_iter(line);
        found.map(|found| words(&line[found.end()..]))
    });
    found.collect()
}

/// The lines of a man page between `.EX` and `.EE`.
fn examples_of_troff(page: &str) -> Vec<String> {
    let examples = page.split("\n.EX\n").skip(1);
    let examples = examples.map(|rest| rest.split("\n.EE\n").next().unwrap());
    let plain = |line: &str| line.replace(r"\-", "-").replace(r"\(aq", "'");
    examples.flat_map(str::lines).map(plain).collect()
}

/// The words of one command, as a shell takes them apart, up to its end.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None, None);
    for c in line.chars() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_with(String::new);
            }
            (None, '|' | ';' | '&' | '>' | '<' | ')') => break,
            (None, '#') if word.is_none() => break,
            (None, ' ') => words.extend(word.take()),
            (_, c) => word.get_or_insert_with(String::new).push(c),
        }
    }
    words.extend(word);
    words
}

#[test]
fn words_are_taken_apart_as_a_shell_does() {
    #[track_caller]
    fn check(line: &str, expected: &[&str]) {
        assert_eq!(words(line), expected);
    }
    check(
        "sub c -t 'a/# b' -v  # all",
        &["sub", "c", "-t", "a/# b", "-v"],
    );
    check("mqtt://h --quiet; do", &["mqtt://h", "--quiet"]);
    check("c --json | jq -r '.x'", &["c", "--json"]);
    check("pub c -m \"\"", &["pub", "c", "-m", ""]);
}

/// Each is understood in full: all that the program finds wrong is the key that is added to it.
#[test]
fn every_command_line_is_understood() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("my.conf");
    fs::write(&config, code(README, &["conf"]).0.join("\n")).unwrap();
    let config = config.to_str().unwrap();
    let error = |printed: &Printed, json: bool| {
        if json {
            let value: Value = serde_json::from_str(&printed.out).unwrap();
            let failure = &value["failure"];
            let (code, error) = (failure["code"].as_str(), failure["error"].as_str());
            format!("error[{}]: {}", code.unwrap(), error.unwrap())
        } else {
            printed.err.lines().next().unwrap_or_default().to_owned()
        }
    };
    let expected = error(&printed(&[config, "--set", NO_KEY]), false);
    assert!(expected.contains("zzzzzzzzzzzz"), "{expected}");
    assert!(command_lines(MAN_PAGE).len() > 5);
    let mut commands = 0;
    for document in DOCUMENTS.into_iter().chain([MAN_PAGE]) {
        for line in command_lines(document) {
            let filled = line.iter().map(|word| match word.as_str() {
                "PROVIDER" => "hivemq",
                "CODE" => "tls-expired",
                word if word == "CONFIG" || word.ends_with(".conf") => config,
                word => word,
            });
            let mut args: Vec<_> = filled.collect();
            let shown = format!("{document}: mqtt-test {}", line.join(" "));
            let text = ["new", "explain"].contains(&args[0])
                || args.iter().any(|arg| ["--help", "--version"].contains(arg));
            match args.as_slice() {
                // The name of a command, not a command line.
                ["pub" | "sub" | "request" | "new"] => continue,
                _ if text => assert_eq!(printed(&args).exit_code, 0, "{shown}"),
                _ => {
                    args.extend(["--set", NO_KEY]);
                    let printed = printed(&args);
                    assert_eq!(
                        error(&printed, args.contains(&"--json")),
                        expected,
                        "{shown}"
                    );
                }
            }
            commands += 1;
        }
    }
    assert!(commands > 30, "{commands}");
}

/// `key = value` between backticks is a line of a config file.
#[test]
fn every_setting_named_is_a_key() {
    let keys = keys();
    let mut settings = 0;
    for document in DOCUMENTS {
        let (lines, prose) = code(document, &["conf"]);
        for setting in quoted(&prose).into_iter().chain(lines) {
            let Some((key, _)) = setting.split_once(" = ") else {
                continue;
            };
            settings += 1;
            assert!(key == "key" || keys.iter().any(|it| it == key), "{setting}");
        }
    }
    assert!(settings > 20);
}

/// What takes the place of a flag of mosquitto's clients exists.
#[test]
fn every_counterpart_of_a_flag_exists() {
    let known = flags(&names(REFERENCE, "The flags").join(" "));
    let mut counterparts = 0;
    for row in table(README, "Coming from mosquitto_pub and mosquitto_sub") {
        for flag in quoted(&row[1]).iter().flat_map(|it| flags(it)) {
            counterparts += 1;
            assert!(known.contains(&flag), "{flag}");
        }
        // `the same`: the flags of the first column themselves.
        if row[1].starts_with("the same") {
            for flag in quoted(&row[0]).iter().flat_map(|it| flags(it)) {
                counterparts += 1;
                assert!(known.contains(&flag), "{flag}");
            }
        }
    }
    assert!(counterparts > 20);
}
