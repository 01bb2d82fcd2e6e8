//! Holds `--json` to its promise: standard output is exactly one object of the documented shape.

use serde_json::Value;

use crate::catalogue::{self, STAGES};
use crate::run::Outcome;

/// The one object on standard output, its shape and its inner agreement checked.
#[track_caller]
pub(crate) fn report(outcome: &Outcome) -> Value {
    let object: Value = serde_json::from_str(&outcome.stdout)
        .unwrap_or_else(|e| panic!("standard output is not one JSON object ({e}):\n{outcome}"));
    assert!(outcome.stdout.ends_with('\n'), "no end of line:\n{outcome}");
    assert_eq!(object["exit_code"], outcome.code, "in:\n{outcome}");
    check_schema(&object);
    object
}

/// Whether it is the form of the check, in which `pub` and `sub` too tell what is wrong before any
/// contact.
pub(crate) fn is_one_object(outcome: &Outcome) -> bool {
    outcome.stdout.starts_with("{\"tool\"")
}

/// The lines of `pub --json` and `sub --json`: each an object with a `type`, the last one, and it
/// alone, a `report` that agrees with the exit code.
#[track_caller]
pub(crate) fn lines(outcome: &Outcome) -> Vec<Value> {
    let line = |line: &str| -> Value {
        serde_json::from_str(line).unwrap_or_else(|e| panic!("`{line}` is not JSON ({e})"))
    };
    let lines: Vec<Value> = outcome.stdout.lines().map(line).collect();
    let (report, others) = lines.split_last().expect("not a line");
    for other in others {
        assert!(
            ["message", "event"].contains(&text(&other["type"])),
            "{other}"
        );
    }
    assert_eq!(report["type"], "report", "in:\n{outcome}");
    assert_eq!(report["exit_code"], outcome.code, "in:\n{outcome}");
    assert_eq!(report["ok"], outcome.code == 0, "in:\n{outcome}");
    assert!(report["elapsed_ms"].is_number(), "in:\n{outcome}");
    check_failure(report);
    lines
}

#[track_caller]
pub(crate) fn check_schema(report: &Value) {
    let right = |holds: bool, what: &str| assert!(holds, "{what} in:\n{report:#}");
    let top = ["elapsed_ms", "exit_code", "failure", "host", "ok", "port"];
    let rest = ["stages", "target", "tool", "version", "warnings"];
    let keys: Vec<&str> = report
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    right(
        keys == [&top[..], &rest].concat(),
        "the keys are not the documented ones",
    );
    right(report["tool"] == "mqtt-test", "tool");
    right(report["version"] == env!("CARGO_PKG_VERSION"), "version");
    right(is_text_or_null(&report["target"]), "target");
    right(is_text_or_null(&report["host"]), "host");
    right(report["port"].is_u64() || report["port"].is_null(), "port");
    right(report["elapsed_ms"].is_number(), "elapsed_ms");
    right(
        report["ok"] == (report["exit_code"] == 0),
        "ok and exit_code disagree",
    );

    for warning in report["warnings"].as_array().expect("warnings is no list") {
        right(
            catalogue::is_warning(text(&warning["code"])),
            "an unknown warning",
        );
        right(!text(&warning["text"]).is_empty(), "a warning without text");
    }
    check_failure(report);
    check_stages(report);
}

#[track_caller]
fn check_failure(report: &Value) {
    let failure = &report["failure"];
    if report["ok"] == true {
        assert!(failure.is_null(), "ok, and yet a failure:\n{report:#}");
        return;
    }
    let exit_code = report["exit_code"].as_i64().unwrap();
    let code = text(&failure["code"]);
    let expected = catalogue::exit_code(code, text(&failure["stage"]));
    assert_eq!(exit_code, i64::from(expected), "in:\n{report:#}");
    if let Some(stage) = catalogue::stage(code) {
        assert_eq!(failure["stage"], stage, "in:\n{report:#}");
    }
    assert!(
        !text(&failure["error"]).is_empty(),
        "no words in:\n{report:#}"
    );
    for list in ["notes", "help"] {
        let lines = failure[list]
            .as_array()
            .unwrap_or_else(|| panic!("no {list}"));
        assert!(lines.iter().all(Value::is_string), "{list} in:\n{report:#}");
    }
}

#[track_caller]
fn check_stages(report: &Value) {
    let stages = report["stages"].as_array().expect("stages is no list");
    if report["exit_code"] == 2 {
        assert!(stages.is_empty(), "nothing was contacted, yet:\n{report:#}");
        return;
    }
    let names: Vec<&str> = stages.iter().map(|stage| text(&stage["stage"])).collect();
    assert_eq!(names, STAGES, "in:\n{report:#}");
    let mut ended = false;
    for stage in stages {
        let (name, status) = (text(&stage["stage"]), text(&stage["status"]));
        let fits = match status {
            "ok" => !ended && stage["ms"].is_number(),
            "failed" => !std::mem::replace(&mut ended, true) && stage["ms"].is_number(),
            // A message that is too large is met in any of them, and is a matter of `receive`.
            "skipped" => ended || report["failure"]["code"] == "receive-too-large",
            // By `tls = off`, and by `check`.
            "off" if name == "tls" => !ended,
            "off" => ["subscribe", "publish", "receive"].contains(&name),
            _ => false,
        };
        assert!(fits, "{name} cannot be {status} here:\n{report:#}");
        if matches!(status, "ok" | "failed") {
            check_facts(name, status, stage);
        }
    }
    assert_eq!(ended, report["ok"] == false, "in:\n{report:#}");
    // Found out late, a failure belongs to its own stage, and is met in a later one; never before.
    let place = |name: &Value| STAGES.iter().position(|stage| name == stage);
    let failed = stages.iter().find(|stage| stage["status"] == "failed");
    let met = failed.and_then(|stage| place(&stage["stage"]));
    assert!(met >= place(&report["failure"]["stage"]), "in:\n{report:#}");
}

/// What a stage tells beside its time.
#[track_caller]
fn check_facts(name: &str, status: &str, stage: &Value) {
    let right = |holds: bool, key: &str| assert!(holds, "`{key}` in {stage:#}");
    let ok = status == "ok";
    match name {
        "dns" if ok => {
            let addresses = stage["addresses"].as_array().expect("no addresses");
            right(
                !addresses.is_empty() && addresses.iter().all(Value::is_string),
                "addresses",
            );
        }
        "tcp" => {
            right(!ok || stage["peer"].is_string(), "peer");
            let failed = stage["failed"].as_array().expect("no failed addresses");
            right(ok || !failed.is_empty(), "failed");
            for attempt in failed {
                right(attempt["address"].is_string(), "failed.address");
                right(attempt["error"].is_string(), "failed.error");
            }
        }
        "tls" => {
            for key in ["sni", "version", "cipher_suite", "key_exchange", "alpn"] {
                right(stage.get(key).is_some_and(is_text_or_null), key);
            }
            right(!ok || stage["version"].is_string(), "version");
            right(
                stage["client_cert_requested"].is_boolean(),
                "client_cert_requested",
            );
            for certificate in stage["chain"].as_array().expect("no chain") {
                check_certificate(certificate);
            }
        }
        _ => {}
    }
}

#[track_caller]
fn check_certificate(certificate: &Value) {
    if certificate["subject"].is_null() {
        // Bytes that are no certificate have a fingerprint all the same.
        for key in ["issuer", "not_before", "not_after"] {
            assert!(certificate[key].is_null(), "`{key}` in {certificate:#}");
        }
        assert!(certificate["sha256"].is_string(), "in {certificate:#}");
        return;
    }
    for key in ["subject", "issuer", "not_before", "not_after", "sha256"] {
        assert!(certificate[key].is_string(), "`{key}` in {certificate:#}");
    }
    for date in ["not_before", "not_after"] {
        let date = text(&certificate[date]);
        let shape: String = date
            .chars()
            .map(|c| if c.is_ascii_digit() { '0' } else { c })
            .collect();
        assert_eq!(shape, "0000-00-00T00:00:00Z", "in {certificate:#}");
    }
    let names = certificate["names"].as_array().expect("no names");
    assert!(names.iter().all(Value::is_string), "in {certificate:#}");
}

fn is_text_or_null(value: &Value) -> bool {
    value.is_string() || value.is_null()
}

#[track_caller]
fn text(value: &Value) -> &str {
    value
        .as_str()
        .unwrap_or_else(|| panic!("{value} is no text"))
}
