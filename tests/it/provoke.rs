//! A failure brought about on purpose, and all that is promised of it: the exit code, the code in
//! the words and in `--json`, the whole output as a golden file, the time it took. And its
//! counterpart, a check that passes.

use std::time::Duration;

use serde_json::Value;

use crate::certs::Authority;
use crate::lab::Lab;
use crate::namespace::Namespace;
use crate::run::{Outcome, Run};
use crate::{catalogue, golden, json};

/// The `timeout` of every configuration here that is not about time. A verdict must come long
/// before it, and machines that are busy with other tests must not run into it.
pub(crate) const UNHURRIED: Duration = Duration::from_secs(10);

/// The `timeout` of those that are about time.
pub(crate) const BRIEF: &str = "timeout = 1s\n";

/// Codes that are provoked in several ways and in none without a variant: in this one `pub` and `sub`
/// meet them too.
const WITH_STREAMS: &[(&str, &str)] = &[
    ("ca-file-invalid", "missing"),
    ("client-cert-invalid", "missing"),
    ("client-key-encrypted", "pkcs8"),
    ("client-key-invalid", "missing"),
    ("client-key-mismatch", "pair"),
    ("config-invalid", "port"),
    ("host-invalid", "scheme"),
    ("mqtt-bad-credentials", "code-4"),
    ("mqtt-client-id-rejected", "code-2"),
    ("mqtt-closed", "plain"),
    ("mqtt-is-tls", "alert"),
    ("mqtt-is-websocket", "tls"),
    ("mqtt-not-authorized", "code-5"),
    ("mqtt-not-mqtt", "http"),
    ("mqtt-refused", "code-99"),
    ("mqtt-server-unavailable", "code-3"),
    ("mqtt-timeout", "plain"),
    ("mqtt-version", "code-1"),
    ("password-unavailable", "missing"),
    ("tls-alert", "internal-error"),
    ("tls-client-cert-rejected", "stranger"),
    ("tls-clock-wrong", "1970.leaf-alone"),
    ("tls-closed", "closed"),
    ("tls-not-tls", "plain-mqtt"),
    ("tls-timeout", "silent"),
    ("tls-weak-key", "leaf"),
];

/// A folder with `ca.pem`, the certificate of a fresh root that the configurations trust.
pub(crate) fn trusting_lab() -> (Lab, Authority) {
    let lab = Lab::new();
    let root = Authority::root("Test Root");
    lab.write("ca.pem", root.pem());
    (lab, root)
}

/// Lines for a TLS broker on localhost that trust `ca.pem`, and what else is given. A later
/// `timeout` or `host` takes the place of the usual one.
pub(crate) fn tls_config(port: u16, more: &str) -> String {
    let usual = [
        "host = localhost",
        "timeout = 10s",
        "ca_file = ca.pem",
        "system_roots = off",
    ];
    compose(&usual, port, more)
}

/// Lines for a broker on localhost without TLS.
pub(crate) fn plain_config(port: u16, more: &str) -> String {
    compose(
        &["host = localhost", "timeout = 10s", "tls = off"],
        port,
        more,
    )
}

fn compose(usual: &[&str], port: u16, more: &str) -> String {
    let key = |line: &str| line.split('=').next().unwrap().trim().to_owned();
    let given: Vec<String> = more.lines().map(key).collect();
    let kept = usual.iter().filter(|line| !given.contains(&key(line)));
    let kept: String = kept.map(|line| format!("{line}\n")).collect();
    format!("port = {port}\n{kept}{more}")
}

/// A check in the making.
pub(crate) struct Provocation<'a> {
    lab: &'a Lab,
    config: String,
    variant: Option<&'a str>,
    namespace: Option<Namespace>,
    clock: Option<&'a str>,
    ulimit: Option<(&'static str, u64)>,
    limit: Duration,
}

pub(crate) fn provoke(lab: &Lab, config: String) -> Provocation<'_> {
    Provocation {
        lab,
        config,
        variant: None,
        namespace: None,
        clock: None,
        ulimit: None,
        limit: UNHURRIED,
    }
}

impl<'a> Provocation<'a> {
    /// For a code that is provoked in more than one way: the golden file is `CODE.VARIANT.txt`.
    pub(crate) fn variant(mut self, name: &'a str) -> Self {
        self.variant = Some(name);
        self
    }

    pub(crate) fn within(mut self, namespace: Namespace) -> Self {
        self.namespace = Some(namespace);
        self
    }

    /// Where the clock says that it is this moment, in UTC.
    pub(crate) fn at(mut self, moment: &'a str) -> Self {
        self.clock = Some(moment);
        self
    }

    /// With so many MiB of address space.
    pub(crate) fn memory(self, mib: u64) -> Self {
        self.ulimit("-v", mib * 1024)
    }

    /// See [`Run::ulimit`].
    pub(crate) fn ulimit(mut self, flag: &'static str, value: u64) -> Self {
        self.ulimit = Some((flag, value));
        self
    }

    /// How long the verdict may take at most, all in all.
    pub(crate) fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Fails with this code: in words as in the golden file, and in JSON.
    #[track_caller]
    pub(crate) fn fails(self, code: &str) -> Provoked {
        let stage = catalogue::stage(code).unwrap_or("any");
        self.fails_in(stage, code)
    }

    /// The same, for a code that has the exit code of the stage under way.
    #[track_caller]
    pub(crate) fn fails_in(self, stage: &str, code: &str) -> Provoked {
        let exit_code = catalogue::exit_code(code, stage);
        let human = self.run().go();
        human.expect_code(exit_code).expect_within(self.limit);
        let head = format!("error[{code}]: ");
        assert!(human.all().contains(&head), "no `{head}` in:\n{human}");
        nothing_raw(&human);
        let name = match self.variant {
            Some(variant) => format!("{code}.{variant}"),
            None => code.to_owned(),
        };
        golden::check(&name, self.lab, &human);

        let json = self.run().arg("--json").go();
        json.expect_within(self.limit);
        nothing_raw(&json);
        let report = json::report(&json);
        self.check_failure(code, &report["failure"], &human);

        let verbose = self.run().arg("--verbose").go();
        verbose.expect_code(exit_code);
        assert!(verbose.all().contains(&head), "no `{head}` in:\n{verbose}");
        verbose.expect_within(self.limit);
        nothing_raw(&verbose);
        let with_streams = match self.variant {
            Some(variant) => WITH_STREAMS.contains(&(code, variant)),
            None => true,
        };
        if with_streams {
            self.streams_fail(code);
        }
        Provoked { human, report }
    }

    /// `pub` and `sub` end with the same code, before they come to do their work.
    #[track_caller]
    fn streams_fail(&self, code: &str) {
        for (command, args) in [
            ("pub", &["-t", "a/b", "-m", "hello"][..]),
            ("sub", &["-t", "a/b"]),
        ] {
            let outcome = self.stream(command, args).go();
            outcome.expect_code(catalogue::exit_code(
                code,
                catalogue::stage(code).unwrap_or_default(),
            ));
            outcome.expect_within(self.limit);
            let head = format!("error[{code}]: ");
            assert!(outcome.all().contains(&head), "no `{head}` in:\n{outcome}");
            nothing_raw(&outcome);
            golden::check(&format!("{code}.{command}"), self.lab, &outcome);
        }
    }

    /// The `failure` of the JSON report says what the words say, line by line.
    #[track_caller]
    fn check_failure(&self, code: &str, failure: &Value, human: &Outcome) {
        assert_eq!(failure["code"], code, "in:\n{failure:#}");
        let texts = |list: &str| failure[list].as_array().unwrap().iter().map(text);
        let head = [format!("error[{code}]: {}", text(&failure["error"]))].into_iter();
        let notes = texts("notes").map(|note| format!(" note: {note}"));
        let help = texts("help").map(|help| format!(" help: {help}"));
        let said: String = head
            .chain(notes)
            .chain(help)
            .map(|line| escaped(&line) + "\n")
            .collect();
        let said = golden::normalise(&said, self.lab);
        let shown = golden::normalise(&human.all(), self.lab);
        assert!(shown.contains(&said), "in JSON:\n{said}in words:\n{shown}");
    }

    /// Every stage passes.
    #[track_caller]
    pub(crate) fn passes(self) -> Provoked {
        let human = self.run().go();
        human.expect_code(0).expect_within(self.limit);
        if let Some(name) = self.variant {
            golden::check(name, self.lab, &human);
        }
        let json = self.run().arg("--json").go();
        json.expect_code(0);
        let report = json::report(&json);
        Provoked { human, report }
    }

    /// `pub` and `sub` with this configuration succeed and warn of `code` as the check does, once.
    #[track_caller]
    pub(crate) fn streams_warn(self, code: &str) {
        let label = format!("warning[{code}]: ");
        let line = |outcome: &Outcome| {
            let all = golden::normalise(&outcome.all(), self.lab);
            let lines = all.lines().filter(|line| line.starts_with(&label));
            lines.map(str::to_owned).collect::<Vec<_>>()
        };
        let expected = line(&self.run().go());
        assert_eq!(expected.len(), 1, "{expected:#?}");
        for (command, args) in [
            ("pub", &["-t", "t", "-m", "hello"][..]),
            ("sub", &["-t", "t", "--for", "1s"]),
        ] {
            let outcome = self.stream(command, args).go();
            outcome.expect_code(0).expect_within(self.limit);
            assert_eq!(line(&outcome), expected, "{outcome}");
            let outcome = self.stream(command, &[args, &["--json"]].concat()).go();
            outcome.expect_code(0);
            let lines = json::lines(&outcome).into_iter();
            let warnings = lines.filter(|line| line["event"] == "warning");
            let codes: Vec<Value> = warnings.map(|mut line| line["code"].take()).collect();
            assert_eq!(codes, [code], "{outcome}");
            let quiet = self.stream(command, &[args, &["--quiet"]].concat()).go();
            assert_eq!((quiet.code, quiet.all()), (0, String::new()));
        }
    }

    fn run(&self) -> Run<'a> {
        self.surround(Run::check(self.lab, &self.config))
    }

    /// `pub` or `sub`.
    fn stream(&self, command: &str, args: &[&str]) -> Run<'a> {
        self.surround(Run::stream(self.lab, command, &self.config, args))
    }

    fn surround(&self, mut run: Run<'a>) -> Run<'a> {
        if let Some(moment) = self.clock {
            run = run.at(moment);
        }
        if let Some((flag, value)) = self.ulimit {
            run = run.ulimit(flag, value);
        }
        match self.namespace {
            Some(namespace) => run.within(namespace),
            None => run,
        }
    }
}

/// Nothing that a terminal acts on, and nothing that deceives its reader.
#[track_caller]
fn nothing_raw(outcome: &Outcome) {
    let raw = |c: char| c != '\n' && acts(c);
    let found: String = outcome.all().chars().filter(|c| raw(*c)).collect();
    assert!(found.is_empty(), "{found:?} in:\n{outcome}");
}

/// Whether a terminal would act on `c`, or its reader be deceived by it: control characters and those
/// that reorder or hide text (Unicode TR 36 §2.10). Written apart from the program.
fn acts(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{061c}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

fn escaped(line: &str) -> String {
    let shown = |c: char| match acts(c) {
        true => c.escape_default().to_string(),
        false => c.to_string(),
    };
    line.chars().map(shown).collect()
}

#[track_caller]
fn text(value: &Value) -> &str {
    value
        .as_str()
        .unwrap_or_else(|| panic!("{value} is no text"))
}

/// What came of it.
pub(crate) struct Provoked {
    pub(crate) human: Outcome,
    pub(crate) report: Value,
}

impl Provoked {
    /// The words hold all of these.
    #[track_caller]
    pub(crate) fn says(&self, fragments: &[&str]) -> &Self {
        for fragment in fragments {
            let found = self.human.all().contains(fragment);
            assert!(found, "no `{fragment}` in:\n{}", self.human);
        }
        self
    }

    /// No output holds it.
    #[track_caller]
    pub(crate) fn hides(&self, secret: &str) -> &Self {
        for output in [self.human.all(), self.report.to_string()] {
            assert!(!output.contains(secret), "`{secret}` in:\n{output}");
        }
        self
    }

    #[track_caller]
    pub(crate) fn warns(&self, code: &str) -> &Self {
        let warnings = self.report["warnings"].as_array().unwrap();
        let found = warnings.iter().any(|warning| warning["code"] == code);
        assert!(found, "no warning `{code}` in:\n{:#}", self.report);
        assert!(
            self.human.all().contains(&format!("warning[{code}]")),
            "{}",
            self.human
        );
        self
    }

    #[track_caller]
    pub(crate) fn warns_of_nothing(&self) -> &Self {
        let warnings = &self.report["warnings"];
        assert_eq!(warnings.as_array().map(Vec::len), Some(0), "{warnings:#}");
        self
    }

    /// What the JSON report says of a stage.
    #[track_caller]
    pub(crate) fn stage(&self, name: &str) -> &Value {
        let stages = self.report["stages"].as_array().unwrap();
        let found = stages.iter().find(|stage| stage["stage"] == name);
        found.unwrap_or_else(|| panic!("no stage {name} in:\n{:#}", self.report))
    }
}
