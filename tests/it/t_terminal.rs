//! The edges of a run: how a configuration comes in, and how the results go out.

use serde_json::json;

use crate::json;
use crate::lab::Lab;
use crate::mosquitto::mosquitto;
use crate::provoke::plain_config;
use crate::run::Run;

/// Whatever is on standard input is not for a check.
#[test]
fn standard_input_is_left_alone() {
    let lab = Lab::new();
    let broker = mosquitto(&lab).start();
    let mut running = Run::check(&lab, &plain_config(broker.port, "")).start();
    running.write(b"host = other.example\n");
    running.finish().expect_code(0);
}

/// A BOM, CRLF, blanks and comments, as editors on other systems leave them.
#[test]
fn a_config_file_from_elsewhere_is_read() {
    let lab = Lab::new();
    let broker = mosquitto(&lab).start();
    let port = broker.port;
    let config = format!("\u{feff}# mine\r\n\r\n  host=localhost \r\nport =\t{port}\r\ntls=off");
    Run::check(&lab, &config).go().expect_code(0);
}

#[test]
fn a_url_and_flags_do_without_a_file() {
    let lab = Lab::new();
    let broker = mosquitto(&lab).user("ann", "s3cret-word").start();
    let url = format!("mqtt://ann@localhost:{}/rooms/7", broker.port);
    let outcome = Run::args(
        &lab,
        &[&url, "--set", "password_env=WORD", "-q", "2", "--json"],
    )
    .env("WORD", "s3cret-word")
    .secret("s3cret-word")
    .go();
    outcome.expect_code(0);
    let report = json::report(&outcome);
    assert_eq!(report["host"], "localhost");
    assert_eq!(report["port"], json!(broker.port));
}

#[test]
fn quiet_says_nothing_and_verbose_more() {
    let lab = Lab::new();
    let broker = mosquitto(&lab).start();
    let config = plain_config(broker.port, "");
    let quiet = Run::check(&lab, &config).arg("--quiet").go();
    quiet.expect_code(0);
    assert_eq!(quiet.all(), "");
    let normal = Run::check(&lab, &config).go();
    let verbose = Run::check(&lab, &config).arg("--verbose").go();
    verbose.expect_code(0);
    assert!(
        verbose.stdout.lines().count() > normal.stdout.lines().count(),
        "{verbose}"
    );
}

/// A closed pipe ends the program quietly and never changes the verdict.
#[test]
fn a_closed_pipe_does_not_change_the_verdict() {
    let lab = Lab::new();
    let broker = mosquitto(&lab).start();
    let config = plain_config(broker.port, "");
    for lines in [0, 1] {
        let outcome = Run::check(&lab, &config).close_stdout_after(lines).go();
        outcome.expect_code(0);
        assert_eq!(outcome.stderr, "");
    }
    let closed = plain_config(lab.port(), "");
    Run::check(&lab, &closed)
        .close_stdout_after(0)
        .go()
        .expect_code(4);
}

#[test]
fn colour_is_for_those_who_ask() {
    let lab = Lab::new();
    let config = plain_config(lab.port(), "");
    let colourful = |run: Run<'_>| run.go().all().contains('\x1b');
    assert!(
        !colourful(Run::check(&lab, &config)),
        "a pipe is no terminal"
    );
    assert!(colourful(
        Run::check(&lab, &config).arg("--color").arg("always")
    ));
    assert!(!colourful(
        Run::check(&lab, &config).arg("--color").arg("never")
    ));
    assert!(!colourful(Run::check(&lab, &config).env("NO_COLOR", "1")));
}
