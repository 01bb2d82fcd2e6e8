//! A machine that has no descriptor, thread or memory left: the program says so, and blames neither
//! the broker nor the network. It never ends by a panic.

use serde_json::Value;

use crate::json;
use crate::lab::Lab;
use crate::mosquitto::{mosquitto, with_certificate};
use crate::provoke::{plain_config, provoke, tls_config, trusting_lab};
use crate::run::{Outcome, Run};

const CODE: &str = "system-limit";
const NO_ALTERNATIVE: &str = "failed to allocate an alternative stack";

/// A run of each command.
fn runs<'a>(lab: &'a Lab, config: &str) -> [Run<'a>; 3] {
    [
        Run::check(lab, config),
        Run::stream(lab, "pub", config, &["-t", "a/b", "-m", "hello"]),
        Run::stream(lab, "sub", config, &["-t", "a/b", "--for", "300ms"]),
    ]
}

/// How it went: `None`, the system's loader did not get as far as the program; or the code.
#[track_caller]
fn judge(outcome: &Outcome) -> Option<Value> {
    if outcome.code == 127 {
        let said = [
            "error while loading shared libraries",
            "cannot allocate TLS data structures for initial thread",
        ];
        let loader = said.iter().any(|said| outcome.stderr.contains(said));
        assert!(loader, "{outcome}");
        return None;
    }
    let report = match json::is_one_object(outcome) {
        true => json::report(outcome),
        false => json::lines(outcome).pop().unwrap(),
    };
    let code = report["failure"]["code"].clone();
    assert!(code.is_null() || code == CODE, "{outcome}");
    Some(code)
}

#[test]
fn descriptors() {
    let (lab, root) = trusting_lab();
    let plain = mosquitto(&lab).start();
    let tls = with_certificate(&lab, root.server(&["localhost"]));
    for config in [plain_config(plain.port, ""), tls_config(tls.port, "")] {
        for count in 3..=10 {
            for run in runs(&lab, &config) {
                let outcome = run.arg("--json").ulimit("-n", count).go();
                match judge(&outcome) {
                    None => assert_eq!(count, 3, "{outcome}"),
                    Some(code) => assert_eq!(code.is_null(), count >= 7, "{outcome}"),
                }
            }
        }
    }
    provoke(&lab, plain_config(plain.port, ""))
        .variant("descriptors")
        .ulimit("-n", 5)
        .fails_in("connect", CODE)
        .says(&["`ulimit -n`", "Too many open files"]);
}

/// From where the loader fails to where all is well.
#[test]
fn memory() {
    let (lab, root) = trusting_lab();
    let broker = with_certificate(&lab, root.server(&["localhost"]));
    let config = tls_config(broker.port, "");
    for command in 0..3 {
        let mut well = 0;
        let mut failed = 0;
        let mut kib = 2048;
        while well < 3 {
            let [check, publish, subscribe] = runs(&lab, &config);
            let run = [check, publish, subscribe]
                .into_iter()
                .nth(command)
                .unwrap();
            let outcome = run.arg("--json").ulimit("-v", kib).go();
            kib += 64;
            // With even less the kernel itself ends it by SIGSEGV while it loads it.
            if well + failed == 0 && outcome.code == -11 {
                continue;
            }
            // The standard library's own, before `main`: within a dozen KiB it has a heap and no place
            // for the stack of its signal handler.
            if outcome.stderr.starts_with("\nthread 'main'")
                && outcome.stderr.contains(NO_ALTERNATIVE)
            {
                continue;
            }
            match judge(&outcome) {
                None => {}
                Some(Value::Null) => well += 1,
                Some(_) => (well, failed) = (0, failed + 1),
            }
        }
        assert!(failed > 3, "{failed} limits were met up to {kib} KiB");
    }
}
