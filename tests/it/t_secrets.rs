//! No secret in any output. Every run in this crate looks for the `password` of its configuration;
//! here are the other roads by which one comes in, and the outputs that show the most.

use crate::lab::Lab;
use crate::mosquitto::mosquitto;
use crate::provoke::{plain_config, tls_config, trusting_lab};
use crate::rogue::Rogue;
use crate::run::Run;

const SECRET: &str = "hunter2-s3cret";

/// Runs it plainly, verbosely, quietly and as JSON; the runner fails where the secret shows.
#[track_caller]
fn check<'a>(run: impl Fn() -> Run<'a>, code: i32) {
    for flags in [&[][..], &["--verbose"], &["--quiet"], &["--json"]] {
        let run = flags.iter().fold(run(), |run, flag| run.arg(flag));
        run.secret(SECRET).go().expect_code(code);
    }
}

/// In every stage that can fail, with the password that was sent.
#[test]
fn failures_of_every_stage_keep_the_password() {
    for (rogue, code) in [
        (Rogue::SpeaksHttp, 6),
        (Rogue::ClosesAtFirstBytes, 6),
        (Rogue::RefusesConnect(4), 6),
        (Rogue::RefusesConnect(5), 6),
        (Rogue::DeniesSubscribe, 7),
        (Rogue::ClosesAtPublish, 8),
        (Rogue::AltersPayload, 9),
        (Rogue::Obedient, 0),
    ] {
        let (lab, root) = trusting_lab();
        let server = rogue.start_tls(&lab, root.server(&["localhost"]).issue().server_config());
        let more = format!("username = ann\npassword = {SECRET}\ntimeout = 2s\n");
        let config = tls_config(server.port, &more);
        check(|| Run::check(&lab, &config), code);
        let sent = |password: &[u8]| password == SECRET.as_bytes();
        let connects = server.connects();
        let passwords = connects
            .iter()
            .filter_map(|connect| connect.password.as_deref());
        assert!(
            passwords.clone().all(sent),
            "and it was the one that was sent"
        );
    }
}

/// However the password comes in, and whatever becomes of it.
#[test]
fn every_source_keeps_the_password() {
    let lab = Lab::new();
    let broker = mosquitto(&lab).user("ann", "another-word").start();
    lab.write("password.txt", SECRET);
    let login = |line: &str| plain_config(broker.port, &format!("username = ann\n{line}\n"));
    let url = format!("mqtt://ann:{SECRET}@localhost:{}/t", broker.port);
    check(
        || Run::check(&lab, &login(&format!("password = {SECRET}"))),
        6,
    );
    check(
        || Run::check(&lab, &login("password_env = WORD")).env("WORD", SECRET),
        6,
    );
    check(
        || Run::check(&lab, &login("password_file = password.txt")),
        6,
    );
    let set = format!("password={SECRET}");
    check(|| Run::check(&lab, &login("")).arg("--set").arg(&set), 6);
    // A password in a URL is refused or used, and shown in neither case.
    for flag in ["--verbose", "--json", "--quiet"] {
        let outcome = Run::args(&lab, &[&url, flag]).go();
        let shown = outcome.all();
        assert!(!shown.contains(SECRET), "the password shows:\n{outcome}");
        assert!(outcome.code == 2 || outcome.code == 6, "{outcome}");
    }
}

/// Lines that were meant to be a password, and are not: only what stands before them is shown.
#[test]
fn slips_keep_the_password() {
    let lab = Lab::new();
    for slip in [
        format!("pasword = {SECRET}"),
        format!("Password: {SECRET}"),
        format!("password {SECRET}"),
        format!("pass = {SECRET}"),
        format!("passwort = {SECRET}"),
        format!("secret = {SECRET}"),
        format!("password = {SECRET}\npassword = {SECRET}"),
        format!("password = {SECRET}\npassword_env = WORD"),
        format!("password = {SECRET}"),
        format!("host = mqtt://ann:{SECRET}@broker.example"),
    ] {
        let config = format!("host = localhost\n{slip}\n");
        check(|| Run::check(&lab, &config), 2);
    }
    for args in [
        &["broker.conf", "-P", SECRET][..],
        &["broker.conf", "--password", SECRET],
        &["broker.conf", "--password=hunter2-s3cret"],
        &["broker.conf", "--set", "pasword=hunter2-s3cret"],
        &["broker.conf", "--set", "username=ann", "--pw", SECRET],
        &["mqtts://ann:hunter2-s3cret@bro ker.example/t"],
        &["mqtt:/ann:hunter2-s3cret@broker.example/t"],
    ] {
        check(|| Run::args(&lab, args), 2);
    }
}

/// A key file that holds a password, named where something else belongs, is not shown either.
#[test]
fn files_are_not_quoted() {
    let lab = Lab::new();
    lab.write("notes.txt", format!("password: {SECRET}\n"));
    for key in ["ca_file", "cert_file = notes.txt\nkey_file"] {
        check(
            || Run::check(&lab, &format!("host = localhost\n{key} = notes.txt\n")),
            2,
        );
    }
    check(|| Run::args(&lab, &["notes.txt"]), 2);
}
