//! The codes that the program promises, each with its stage and exit code. Scripts match on them, so
//! they are kept in `tests/golden/codes.txt`, made from `explain --json` by `UPDATE_GOLDEN=1`: a
//! changed promise shows as a changed file.

use std::sync::LazyLock;

use serde_json::Value;

use crate::golden;
use crate::lab::Lab;
use crate::run::Run;

/// A row of `codes.txt`.
pub(crate) struct Promise {
    pub(crate) code: String,
    pub(crate) stage: String,
    /// `None`: a warning, or that of the stage under way.
    pub(crate) exit_code: Option<i32>,
}

/// In the order of the catalogue.
pub(crate) static PROMISES: LazyLock<Vec<Promise>> = LazyLock::new(|| {
    let path = golden::folder().join("codes.txt");
    let text = std::fs::read_to_string(path).unwrap();
    let row = |line: &str| {
        let mut words = line.split_whitespace().map(str::to_owned);
        Promise {
            code: words.next().unwrap(),
            stage: words.next().unwrap(),
            exit_code: words.next().map(|exit| exit.parse().unwrap()),
        }
    };
    text.lines().map(row).collect()
});

/// The seven stages of a check.
pub(crate) const STAGES: &[&str] = &[
    "dns",
    "tcp",
    "tls",
    "connect",
    "subscribe",
    "publish",
    "receive",
];

#[track_caller]
fn promise(code: &str) -> &'static Promise {
    let known = PROMISES.iter().find(|promise| promise.code == code);
    known.unwrap_or_else(|| panic!("`{code}` is not in tests/golden/codes.txt"))
}

/// Of a failure in this stage.
#[track_caller]
pub(crate) fn exit_code(code: &str, stage: &str) -> i32 {
    let of_stage = || PROMISES.iter().find(|it| it.stage == stage)?.exit_code;
    let exit_code = promise(code).exit_code.or_else(of_stage);
    exit_code.unwrap_or_else(|| panic!("`{code}` in the stage {stage} has no exit code"))
}

/// Of a failure, as `failure.stage` names it; `None`: the stage under way, whatever it is.
#[track_caller]
pub(crate) fn stage(code: &str) -> Option<&'static str> {
    Some(promise(code).stage.as_str()).filter(|stage| *stage != "any")
}

pub(crate) fn is_warning(code: &str) -> bool {
    let mut warnings = PROMISES.iter().filter(|it| it.stage == "warning");
    warnings.any(|warning| warning.code == code)
}

#[test]
fn the_codes_are_those_of_explain() {
    let lab = Lab::new();
    let list = Run::args(&lab, &["explain", "--json"]).go();
    list.expect_code(0);
    let object: Value = serde_json::from_str(&list.stdout).unwrap();
    let mut found = String::new();
    for code in object["codes"].as_array().unwrap() {
        let text = |key: &str| code[key].as_str().unwrap().to_owned();
        let mut row = format!("{} {}", text("code"), text("stage"));
        if let Some(exit) = code["exit_code"].as_i64() {
            row.push_str(&format!(" {exit}"));
        }
        found.push_str(&row);
        found.push('\n');
    }
    golden::compare("codes.txt", &found);
}
