//! Whole outputs, kept as files in `tests/golden/`, one a case. What differs from run to run is
//! replaced by placeholders first; where it stands in a column, by one of the same width.
//!
//! `UPDATE_GOLDEN=1 cargo test` writes them anew. Read the difference before committing it.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use regex::{Captures, Regex};

use crate::lab::Lab;
use crate::run::Outcome;

const UPDATE: &str = "UPDATE_GOLDEN";

pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

/// Compares the whole outcome with `tests/golden/NAME.txt`.
#[track_caller]
pub(crate) fn check(name: &str, lab: &Lab, outcome: &Outcome) {
    let found = normalise(&outcome.to_string(), lab);
    compare(&format!("{name}.txt"), &found);
}

/// Compares `found` with a file of `tests/golden/`.
#[track_caller]
pub(crate) fn compare(file: &str, found: &str) {
    let path = folder().join(file);
    if std::env::var_os(UPDATE).is_some_and(|value| value == "1") {
        std::fs::create_dir_all(folder()).unwrap();
        std::fs::write(&path, found).unwrap();
        return;
    }
    let shown = format!("tests/golden/{file}");
    let Ok(expected) = std::fs::read_to_string(&path) else {
        panic!("{shown} is missing; {UPDATE}=1 would write:\n{found}");
    };
    let difference = difference(&expected, found);
    assert!(
        expected == found,
        "the output is not that of {shown} (-: expected, +: found; {UPDATE}=1 rewrites it):\n{difference}"
    );
}

/// Takes out what differs from run to run and from machine to machine.
pub(crate) fn normalise(text: &str, lab: &Lab) -> String {
    let mut text = text.replace(&lab.dir().display().to_string(), "FOLDER");
    for (n, port) in lab.ports().iter().enumerate() {
        let name = if n == 0 {
            "PORT".to_owned()
        } else {
            format!("PORT{}", n + 1)
        };
        let port = Regex::new(&format!(r"\b{port}\b")).unwrap();
        text = port.replace_all(&text, name).into_owned();
    }
    // The time of a stage stands in a column: the same width again, ending at the same place.
    text = STAGE_TIME
        .replace_all(&text, |found: &Captures<'_>| {
            let width = found[2].len();
            format!("{}{:>width$} ms", &found[1], '#')
        })
        .into_owned();
    // The tests themselves may run in one.
    let of_container = |line: &&str| {
        !line.starts_with(" help: if this runs in a container, as `")
            && !line.starts_with(" help: if the broker runs in a container, see that its port")
    };
    text = text.split_inclusive('\n').filter(of_container).collect();
    for (pattern, placeholder) in PLACEHOLDERS.iter() {
        text = pattern.replace_all(&text, *placeholder).into_owned();
    }
    text
}

static STAGE_TIME: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?m)^((?:ok|FAIL) +[a-z]+)( +[0-9.]+) ms").unwrap());

static PLACEHOLDERS: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    [
        (r"\b\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d( UTC|Z)", "DATE"),
        (r"\b\d{4}-\d\d-\d\d(T[0-9:]*)?", "DATE"),
        (r"\b\d+(\.\d+)? ms\b", "# ms"),
        (r"\b\d+\.\d+ s\b", "#.## s"),
        (r"\b\d+ ((more )?days?)\b", "# $1"),
        (r"(?i)\b[0-9a-f]{2}(:[0-9a-f]{2}){31}\b", "SHA256"),
        (r"(?i)\b[0-9a-f]{64}\b", "SHA256"),
        (r"\bmqtt-test-[0-9a-f]{8}\b", "mqtt-test-########"),
        (r"\b[0-9a-f]{16,32}\b", "MARK"),
        (
            concat!(r"\bmqtt-test ", env!("CARGO_PKG_VERSION")),
            "mqtt-test VERSION",
        ),
    ]
    .map(|(pattern, placeholder)| (Regex::new(pattern).unwrap(), placeholder))
    .into()
});

/// Every line of both, in order, marked with `-` (expected), `+` (found) or a blank (both).
pub(crate) fn difference(expected: &str, found: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (expected.lines().collect(), found.lines().collect());
    // The length of the longest common subsequence of what is left of both.
    let mut common = vec![vec![0_usize; new.len() + 1]; old.len() + 1];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            common[i][j] = if old[i] == new[j] {
                common[i + 1][j + 1] + 1
            } else {
                common[i + 1][j].max(common[i][j + 1])
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    let mut lines = Vec::new();
    while i < old.len() || j < new.len() {
        if i < old.len() && j < new.len() && old[i] == new[j] {
            lines.push(format!("  {}", old[i]));
            (i, j) = (i + 1, j + 1);
        } else if j == new.len() || i < old.len() && common[i + 1][j] >= common[i][j + 1] {
            lines.push(format!("- {}", old[i]));
            i += 1;
        } else {
            lines.push(format!("+ {}", new[j]));
            j += 1;
        }
    }
    lines.join("\n")
}

#[test]
fn golden_files_hide_what_changes() {
    let lab = Lab::new();
    lab.note_port(41_234);
    lab.note_port(41_235);
    #[track_caller]
    fn check(lab: &Lab, text: &str, expected: &str) {
        assert_eq!(normalise(text, lab), expected);
    }
    let folder = lab.dir().display();
    check(&lab, &format!("{folder}/ca.pem"), "FOLDER/ca.pem");
    check(
        &lab,
        "127.0.0.1:41234, port 41235, 412345",
        "127.0.0.1:PORT, port PORT2, 412345",
    );
    check(
        &lab,
        "ok    dns          8 ms  a",
        "ok    dns          # ms  a",
    );
    check(&lab, "FAIL  tls       1041 ms", "FAIL  tls          # ms");
    check(
        &lab,
        "answered after 312 ms (0.19 s)",
        "answered after # ms (#.## s)",
    );
    check(&lab, "no answer within 2 s", "no answer within 2 s");
    check(
        &lab,
        "valid until 2026-10-01 12:00:00 UTC, 52 days ago",
        "valid until DATE, # days ago",
    );
    check(&lab, "valid 61 more days", "valid # more days");
    check(&lab, "\"2026-01-01T00:00:00Z\"", "\"DATE\"");
    check(&lab, "`mqtt-test: 2026-01-01T00…`", "`mqtt-test: DATE…`");
    check(&lab, &"ab:".repeat(32)[..95], "SHA256");
    check(&lab, &"0f".repeat(32), "SHA256");
    check(&lab, "as mqtt-test-9f3a12cd", "as mqtt-test-########");
}

#[test]
fn differences_are_shown_line_by_line() {
    assert_eq!(difference("a\nb\nc", "a\nx\nc"), "  a\n- b\n+ x\n  c");
    assert_eq!(difference("", "a"), "+ a");
}
