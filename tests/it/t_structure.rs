//! The rules of the source tree, read off the sources: what each folder may import, which crate has
//! one caller, what each file opens with, how long it may grow, and that every diagnosis has its golden
//! file.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use regex::Regex;

use crate::catalogue::PROMISES;
use crate::golden;

/// What each folder of `src/` may import of the others, from the bottom of the stack to its top: a
/// folder, or one module of it. `run`, `lib` and `fuzzing` may import all.
const RULES: &[(&str, &str)] = &[
    ("os", ""),
    ("util", "os"),
    ("config", "util os"),
    ("x509", "util"),
    ("failure", "config x509 os"),
    ("net", "failure os"),
    ("diagnosis", "failure config x509 util os"),
    ("tls", "failure config net x509 util os"),
    ("mqtt", "failure config net tls os"),
    ("check", "failure config net tls mqtt x509 util"),
    ("stream", "failure config net mqtt check diagnosis util os"),
    ("cli", "config stream::options util"),
    (
        "report",
        "failure config x509 mqtt check::step stream::event stream::options diagnosis util",
    ),
];

/// The crates that one folder alone names.
const ONE_CALLER: &[(&str, &str)] = &[("rumqttc", "mqtt/v4")];

const LONGEST_FILE: usize = 600;

struct Source {
    /// Its place below `src/`.
    path: PathBuf,
    text: String,
}

impl Source {
    /// Its folder, or for a file at the top its own name.
    fn folder(&self) -> String {
        let first = self.path.components().next().unwrap();
        let name = Path::new(first.as_os_str()).file_stem().unwrap();
        name.to_str().unwrap().to_owned()
    }

    /// Compiled into the tests alone.
    fn is_test(&self) -> bool {
        let name = self.path.file_stem().unwrap().to_str().unwrap();
        let tests = ["testing", "oracle"];
        name.ends_with("_tests")
            || self
                .path
                .iter()
                .any(|part| tests.iter().any(|it| part == *it))
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

    /// The first two parts of every path behind `crate::`, also of `crate::{a::b, c}`.
    fn imports(&self) -> BTreeSet<(String, String)> {
        let path = Regex::new(r"\bcrate::(\w+(?:::(?:\w+|\{[^;]*?\};))?|\{[^;]*?\};)").unwrap();
        let mut found = BTreeSet::new();
        for import in path.captures_iter(&self.code()) {
            for whole in parts(&import[1]) {
                let (first, rest) = whole.split_once("::").unwrap_or((&whole, ""));
                let seconds = parts(rest);
                for second in &seconds {
                    let second = second.split("::").next().unwrap();
                    found.insert((first.trim().to_owned(), second.trim().to_owned()));
                }
                if seconds.is_empty() {
                    found.insert((first.trim().to_owned(), String::new()));
                }
            }
        }
        found
    }
}

/// `{a::{b, c}, d};` in its outermost parts; anything else is one part.
fn parts(tree: &str) -> Vec<String> {
    let Some(inner) = tree.strip_prefix('{') else {
        return [tree]
            .iter()
            .filter(|it| !it.is_empty())
            .map(|it| (*it).to_owned())
            .collect();
    };
    let inner = inner.trim_end_matches(';').trim_end_matches('}');
    let mut depth = 0;
    let parts = inner.split(|c| {
        depth += i32::from(c == '{') - i32::from(c == '}');
        c == ',' && depth == 0
    });
    let parts = parts.map(|part| part.trim().to_owned());
    parts.filter(|part| !part.is_empty()).collect()
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

fn program() -> impl Iterator<Item = Source> {
    sources().into_iter().filter(|source| !source.is_test())
}

#[test]
fn imports_keep_to_the_stack() {
    let rules: BTreeMap<&str, Vec<&str>> = RULES
        .iter()
        .map(|(folder, may)| (*folder, may.split_whitespace().collect()))
        .collect();
    let mut wrong = Vec::new();
    for source in program() {
        let folder = source.folder();
        if ["fuzzing", "lib", "main", "run"].contains(&folder.as_str()) {
            continue;
        }
        let Some(may) = rules.get(folder.as_str()) else {
            wrong.push(format!("src/{folder} has no rule"));
            continue;
        };
        for (first, second) in source.imports() {
            let module = format!("{first}::{second}");
            if first != folder && !may.contains(&first.as_str()) && !may.contains(&module.as_str())
            {
                wrong.push(format!("{} imports {module}", source.path.display()));
            }
        }
    }
    // A rule may only look down, so there is no circle.
    for (at, (folder, may)) in RULES.iter().enumerate() {
        for import in may.split_whitespace() {
            let below = import.split("::").next().unwrap();
            if !RULES[..at].iter().any(|(name, _)| *name == below) {
                wrong.push(format!("the rule of {folder} looks up, to {import}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn an_import_is_read_in_all_its_forms() {
    let imports = |text: &str| -> Vec<String> {
        let source = Source {
            path: PathBuf::from("check/x.rs"),
            text: text.to_owned(),
        };
        let pairs = source.imports().into_iter();
        pairs
            .map(|(first, second)| format!("{first}::{second}"))
            .collect()
    };
    assert_eq!(imports("use crate::a::b::C;"), ["a::b"]);
    assert_eq!(imports("use crate::a::{b, c::{D, E}};"), ["a::b", "a::c"]);
    assert_eq!(
        imports("use crate::{a, b::C,\n d::{e, f}};"),
        ["a::", "b::C", "d::e", "d::f"]
    );
    assert_eq!(imports("fn f() { crate::a::b::c(); }"), ["a::b"]);
    assert_eq!(imports("// crate::a::b"), [""; 0]);
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

/// `os::now` says why; of time spans `Instant` is the clock. On Windows it has 64 bits.
#[test]
fn nobody_asks_the_standard_library_for_the_date() {
    for source in program().filter(|source| !source.path.ends_with("os/windows.rs")) {
        let found = source.code().contains("SystemTime");
        assert!(!found, "{}", source.path.display());
    }
}

#[test]
fn some_crates_have_one_caller() {
    for (name, caller) in ONE_CALLER {
        let named = Regex::new(&format!(r"\b{name}\b")).unwrap();
        for source in program().filter(|source| !source.path.starts_with(caller)) {
            let found = named.is_match(&source.code());
            let path = source.path.display();
            assert!(!found, "{path} names {name}; only {caller} may");
        }
    }
}

/// What one operating system does otherwise than another is asked in `os` alone.
#[test]
fn systems_differ_in_one_module() {
    let asked = [
        r"cfg!?\([^)]*\b(unix|windows|target_os|target_vendor)\b",
        r"\b(std::os|rustix|signal_hook|tokio)::",
    ];
    let asked = Regex::new(&asked.join("|")).unwrap();
    let others = program().filter(|source| source.folder() != "fuzzing");
    let (os, others): (Vec<_>, Vec<_>) = others.partition(|source| source.folder() == "os");
    assert!(os.iter().all(|source| asked.is_match(&source.code())));
    for source in others {
        let code = source.code();
        let found = asked.find(&code).map(|found| found.as_str());
        assert_eq!(found, None, "{}", source.path.display());
    }
}

/// A code is a `static` in `diagnosis`, and `explain` lists all of them.
#[test]
fn every_code_is_listed() {
    let literal = Regex::new(r#"static \w+: Code = Code \{\s+name: "([a-z0-9-]+)""#).unwrap();
    let mut written = BTreeSet::new();
    for source in program() {
        for found in literal.captures_iter(&source.text) {
            let name = found[1].to_owned();
            assert!(written.insert(name.clone()), "`{name}` is written twice");
        }
    }
    let listed: BTreeSet<String> = PROMISES.iter().map(|it| it.code.clone()).collect();
    assert_eq!(written, listed);
}

#[test]
fn every_code_has_a_golden_file() {
    let files: Vec<String> = fs::read_dir(golden::folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    for promise in PROMISES.iter() {
        let name = match promise.stage.as_str() {
            "warning" => format!("warning.{}", promise.code),
            _ => promise.code.clone(),
        };
        let found = files
            .iter()
            .any(|file| file.starts_with(&format!("{name}.")));
        assert!(found, "`{name}` has no file in tests/golden");
    }
}

/// `pub` and `sub` do other things than the check: that their words are true shows in outputs of their
/// own, for each code that they can end with, alone or as the last cause of `connection-lost`.
#[test]
fn every_code_has_a_golden_file_for_each_command() {
    const NOT_OF_PUB: &[&str] = &[
        "subscribe-denied",
        "subscribe-closed",
        "subscribe-timeout",
        "receive-timeout",
        "receive-too-large",
        "receive-altered",
        "receive-closed",
    ];
    const NOT_OF_SUB: &[&str] = &[
        "publish-denied",
        "publish-closed",
        "publish-timeout",
        "publish-too-large",
        "publish-input-failed",
        "receive-altered",
    ];
    for (command, not_its_own) in [("pub", NOT_OF_PUB), ("sub", NOT_OF_SUB)] {
        let outputs: Vec<String> = fs::read_dir(golden::folder())
            .unwrap()
            .map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap())
            .filter(|output| output.starts_with(&format!("$ mqtt-test {command} ")))
            .collect();
        let failures = PROMISES.iter().filter(|it| it.exit_code.is_some());
        for code in failures.map(|promise| &promise.code) {
            let found = outputs
                .iter()
                .any(|output| output.contains(&format!("error[{code}]: ")));
            let expected = !not_its_own.contains(&code.as_str());
            assert_eq!(found, expected, "`{command}` and `{code}`");
        }
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
        let whole = [name, &file]
            .iter()
            .any(|it| tests.contains(&format!("\"{it}\"")));
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
