//! No secret in any output. Every run in this crate looks for the `password` of its configuration;
//! here are the other roads by which one comes in, and the outputs that show the most.

use crate::lab::Lab;
use crate::mosquitto::mosquitto;
use crate::provoke::{plain_config, tls_config, trusting_lab};
use crate::rogue::Rogue;
use crate::run::Run;
use crate::{certs_openssl, golden};

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

/// `password_env = hunter2`: the password itself, where the name of its variable belongs.
#[test]
fn a_password_in_place_of_a_variable_is_not_shown() {
    let lab = Lab::new();
    // In lower case it may be the name of a variable all the same.
    for name in ["s3cret", "hunter2_pass", "Hunter2", "s3cret-word", "7777"] {
        let config = format!("host = localhost\nusername = ann\npassword_env = {name}\n");
        let set = format!("password_env={name}");
        for flag in ["--verbose", "--json", "--quiet"] {
            let run = Run::check(&lab, &config).arg(flag).secret(name).go();
            run.expect_code(2);
            let run = Run::args(&lab, &["mqtt://ann@localhost", "--set", &set, flag]);
            run.secret(name).go().expect_code(2);
        }
    }
    let config = "host = localhost\nusername = ann\npassword_env = hunter2\n";
    let run = Run::check(&lab, config);
    let outcome = run.env("hunter2", "x").go();
    assert_ne!(outcome.code, 2, "a name in lower case works: {outcome}");
}

/// A key, a certificate or a program in place of a config file: it is said what it is, and none of it
/// is shown.
#[test]
fn a_file_that_is_no_config_is_named_and_not_quoted() {
    let (lab, root) = trusting_lab();
    let files = root.client("ann").issue().write(&lab, "ann");
    let read = |file: &str| std::fs::read(lab.path(file)).unwrap();
    let pem = String::from_utf8(read(&files.key)).unwrap();
    let body: Vec<_> = pem.lines().filter(|line| !line.contains("-----")).collect();
    let body = body.join("\n");
    let (cert, key) = (certs_openssl::cert_der(&lab, &files.cert), &files.key);
    let der_key = certs_openssl::key_der(&lab, key);
    lab.write("naked.key", format!("{body}\n"));
    lab.write(
        "bag.pem",
        format!("Bag Attributes\n    friendlyName: x\n{pem}"),
    );
    lab.write(
        "putty.ppk",
        format!("PuTTY-User-Key-File-3: ssh-rsa\n{body}\n"),
    );
    lab.write("elf", b"\x7fELF\x02\x01\x01\0\0\0");
    lab.write("x.gz", b"\x1f\x8b\x08\0\0\0");
    lab.write("x.zip", b"PK\x03\x04\x14\0");
    lab.write("zeros", b"host = \0\0\0\n");
    lab.write("page.html", "<!DOCTYPE html>\n<title>x</title>\n");
    lab.write(
        "id.pub",
        format!("ssh-ed25519 {}\n", body.replace('\n', "")),
    );
    lab.write(
        "mixed.conf",
        format!("host = localhost\nca_file = {pem}\nqos = 1\n"),
    );
    for (file, what) in [
        (key.as_str(), "a private key"),
        (files.cert.as_str(), "a certificate"),
        ("bag.pem", "a private key"),
        (
            "naked.key",
            "a key or certificate without its `-----BEGIN` line",
        ),
        ("putty.ppk", "a private key"),
        (cert.as_str(), "a key or certificate in binary form (DER)"),
        (
            der_key.as_str(),
            "a key or certificate in binary form (DER)",
        ),
        ("elf", "a program"),
        ("x.gz", "compressed data"),
        ("x.zip", "compressed data"),
        ("zeros", "binary data"),
        ("page.html", "a web page"),
        ("id.pub", "an SSH public key"),
        ("mixed.conf", ""),
    ] {
        for flags in [&[][..], &["--verbose"], &["--json"]] {
            let run = flags
                .iter()
                .fold(Run::args(&lab, &[file]), |run, flag| run.arg(flag));
            let run = body
                .lines()
                .fold(run, |run, line| run.secret(&line[..line.len().min(8)]));
            let outcome = run.go();
            outcome.expect_code(2);
            assert!(outcome.all().contains(what), "no `{what}` in: {outcome}");
        }
    }
    let outcome = Run::args(&lab, &["mixed.conf"]).go();
    assert_eq!(
        outcome.stderr.matches("mixed.conf:").count(),
        1,
        "{outcome}"
    );
    golden::check("config-unreadable.key", &lab, &Run::args(&lab, &[key]).go());
    // The text itself on the command line.
    for args in [
        &[pem.as_str()][..],
        &["x", &pem],
        &["pub", "x", &pem],
        &["explain", &pem],
    ] {
        let run = Run::args(&lab, args);
        run.secret(&body[..8]).go().expect_code(2);
    }
}

/// ThingsBoard's access token stands in the place of the user name, and no password beside it.
#[test]
fn an_access_token_is_shown_in_part() {
    for rogue in [Rogue::RefusesConnect(5), Rogue::ClosesAtPublish] {
        let lab = Lab::new();
        let broker = rogue.start(&lab);
        let config = plain_config(
            broker.port,
            "username = A1b2C3d4E5f6G7h8I9j0\ntimeout = 1s\n",
        );
        for flags in [&[][..], &["--verbose"], &["--json"]] {
            let run = flags
                .iter()
                .fold(Run::check(&lab, &config), |run, flag| run.arg(flag));
            let run = run.secret("A1b2C3d4E5f6G7h8I9j0").go();
            assert!(run.all().contains("A1b2…"), "{run}");
        }
    }
}
