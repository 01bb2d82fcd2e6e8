//! `mqtt-test explain`: the whole list, one code, and what is no code.

use serde_json::Value;

use crate::lab::Lab;
use crate::run::Run;
use crate::{golden, json};

#[test]
fn explain_names_every_code_with_its_exit_code() {
    let lab = Lab::new();
    let list = Run::args(&lab, &["explain"]).go();
    list.expect_code(0);
    golden::check("explain", &lab, &list);
    let one = Run::args(&lab, &["explain", "tls-missing-intermediate"]).go();
    one.expect_code(0);
    golden::check("explain.tls-missing-intermediate", &lab, &one);

    let list = Run::args(&lab, &["explain", "--json"]).go();
    list.expect_code(0);
    let object: Value = serde_json::from_str(&list.stdout).unwrap();
    let codes = object["codes"].as_array().unwrap();
    for explained in codes {
        let code = explained["code"].as_str().unwrap();
        let alone = Run::args(&lab, &["explain", code, "--json"]).go();
        alone.expect_code(0);
        let alone: Value = serde_json::from_str(&alone.stdout).unwrap();
        assert_eq!(alone, *explained);
    }
}

#[test]
fn explain_of_no_code_names_the_nearest() {
    let lab = Lab::new();
    let wrong = Run::args(&lab, &["explain", "tls-expird"]).go();
    wrong.expect_code(2);
    assert_eq!(wrong.stdout, "");
    golden::check("usage-invalid.explain", &lab, &wrong);
    let wrong = Run::args(&lab, &["explain", "tls-expird", "--json"]).go();
    assert_eq!(json::report(&wrong)["failure"]["code"], "usage-invalid");
}
