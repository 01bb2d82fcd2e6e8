//! Tables for `args`: what command lines mean, and what is said of those that mean nothing.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that panics is a test that fails"
)]

use proptest::prelude::*;

use super::*;
use crate::cli::flags::FLAGS;
use crate::config::ConfigError;
use crate::diagnosis::diagnose_config;

/// Splits at spaces; `_` stands for an empty argument.
fn argv(line: &str) -> Vec<OsString> {
    line.split_whitespace()
        .map(|arg| if arg == "_" { "" } else { arg }.into())
        .collect()
}

/// `flag key=value`, one for each override.
#[track_caller]
fn check(line: &str, target: &str, expected: &[&str]) {
    let invocation = parse(argv(line)).expect(line);
    let Command::Check {
        target: found,
        overrides,
    } = invocation.command
    else {
        panic!("{line}: no check");
    };
    let overrides: Vec<_> = overrides
        .iter()
        .map(|over| match &over.origin {
            Origin::Flag(flag) => format!("{flag} {}={}", over.key, over.value),
            origin => panic!("{origin:?}"),
        })
        .collect();
    assert_eq!(
        (found.as_str(), overrides),
        (target, owned(expected)),
        "{line}"
    );
}

fn owned(list: &[&str]) -> Vec<String> {
    list.iter().map(|text| (*text).to_owned()).collect()
}

#[test]
fn flags_become_overrides() {
    check("x.conf", "x.conf", &[]);
    check("./new", "./new", &[]);
    check("x.conf -t a/b", "x.conf", &["-t topic=a/b"]);
    check("-t a/b x.conf", "x.conf", &["-t topic=a/b"]);
    check("--topic=a=b x.conf", "x.conf", &["--topic topic=a=b"]);
    check("x.conf --topic a/b", "x.conf", &["--topic topic=a/b"]);
    check(
        "x -q 2 -r -i me",
        "x",
        &["-q qos=2", "-r retain=on", "-i client_id=me"],
    );
    check(
        "x --qos 0 --retain --client-id me",
        "x",
        &[
            "--qos qos=0",
            "--retain retain=on",
            "--client-id client_id=me",
        ],
    );
    check(
        "x -u me --timeout 2s",
        "x",
        &["-u username=me", "--timeout timeout=2s"],
    );
    check(
        "x --set a=b=c --set=d=e",
        "x",
        &["--set a=b=c", "--set d=e"],
    );
    check("x -m -5", "x", &["-m message=-5"]);
    check("x -m _", "x", &["-m message="]);
    check("x --message=", "x", &["--message message="]);
    check("x --message=-q", "x", &["--message message=-q"]);
    check("x -m \"on\"", "x", &["-m message=\"on\""]);
    check("x --message=\"on\"", "x", &["--message message=\"on\""]);
    check("x --message='", "x", &["--message message='"]);
    // As getopt(3) has it.
    check("x -q1 -ta/b", "x", &["-q qos=1", "-t topic=a/b"]);
    check(
        "x -rq1 -mr",
        "x",
        &["-r retain=on", "-q qos=1", "-m message=r"],
    );
    check("x -t=a", "x", &["-t topic==a"]);
    check("x -m-q", "x", &["-m message=-q"]);
    check("-t a -- -t", "-t", &["-t topic=a"]);
    check("x -m --", "x", &["-m message=--"]);
    check("x --", "x", &[]);
    // The same key twice is for `parse` to judge, which names both.
    check("x -t a -t b", "x", &["-t topic=a", "-t topic=b"]);
}

#[test]
fn commands_and_output() {
    let parsed = |line: &str| parse(argv(line)).unwrap();
    let new = |provider| Command::New { provider };
    assert_eq!(parsed("new aws").command, new("aws"));
    assert_eq!(parsed("--json new local").command, new("local"));
    let explain = |code: Option<&str>| Command::Explain {
        code: code.map(str::to_owned),
    };
    assert_eq!(parsed("explain").command, explain(None));
    let expired = explain(Some("tls-expired"));
    assert_eq!(parsed("explain tls-expired").command, expired);
    assert!(parsed("explain clock-suspect --json").output.json);
    for line in [
        "--help",
        "-h",
        "help",
        "new -h",
        "explain --help",
        "--help help",
        "help new",
    ] {
        let help = Command::Help(help::text(CommandName::Check));
        assert_eq!(parsed(line).command, help, "{line}");
    }
    for (name, lines) in [
        (
            CommandName::Pub,
            ["pub --help", "-h pub", "help pub", "help pub -h"],
        ),
        (
            CommandName::Sub,
            ["sub --help", "sub -h", "help sub", "--help help sub"],
        ),
    ] {
        for line in lines {
            let help = Command::Help(help::text(name));
            assert_eq!(parsed(line).command, help, "{line}");
        }
    }
    assert_eq!(parsed("-V").command, Command::Version);
    assert_eq!(parsed("--version").command, Command::Version);
    assert_eq!(parsed("x").output, Output::default());
    let output = parsed("x --json --quiet --color never").output;
    assert!(output.json && output.quiet && !output.verbose);
    assert_eq!(output.color, ColorChoice::Never);
    assert_eq!(
        parsed("x --verbose --color=always").output.color,
        ColorChoice::Always
    );
    assert!(wants_json(&argv("--foo --json")) && !wants_json(&argv("--foo json")));
}

/// The error and its help.
#[track_caller]
fn fault(line: &str, error: &str, help: &[&str]) {
    let fault = parse(argv(line)).expect_err(line);
    let words = diagnose_config(&ConfigError::Usage(fault), None);
    assert_eq!(words.code.name, "usage-invalid");
    assert_eq!(
        (words.error.as_str(), words.help),
        (error, owned(help)),
        "{line}"
    );
}

#[test]
fn mistyped_flags_name_the_nearest() {
    fault(
        "x --jsno",
        "there is no flag `--jsno`",
        &["did you mean `--json`?"],
    );
    fault(
        "--tpoic t x",
        "there is no flag `--tpoic`",
        &["did you mean `--topic`?"],
    );
    fault(
        "x --tpoic=secret",
        "there is no flag `--tpoic`",
        &["did you mean `--topic`?"],
    );
    fault(
        "x --client_id me",
        "there is no flag `--client_id`",
        &["write `--set client_id=…`"],
    );
    fault(
        "x --port 1",
        "there is no flag `--port`",
        &["write the port behind the host, `mqtts://HOST:8883/TOPIC`, or `--set port=8883`"],
    );
    fault(
        "x --cafile c",
        "there is no flag `--cafile`",
        &["write `--set ca_file=ca.pem`"],
    );
    fault(
        "x -json",
        "there is no flag `-json`",
        &["did you mean `--json`?"],
    );
    fault(
        "x -topic a",
        "there is no flag `-topic`",
        &["did you mean `--topic`?"],
    );
    let list = "`--help` lists the flags";
    fault("x -rzhunter2", "there is no flag `-z`", &[list]);
    // No flag of another command.
    fault("sub x --verbos", "there is no flag `--verbos`", &[list]);
    fault("new --port 1", "there is no flag `--port`", &[list]);
    fault("x --frobnicate", "there is no flag `--frobnicate`", &[list]);
}

#[test]
fn no_flag_takes_a_password_or_switches_verification_off() {
    let instead = "name a variable that holds the password, `--set password_env=MQTT_PASSWORD`, or \
                   a file, `--set password_file=password.txt`";
    for (line, given) in [
        ("x -P hunter2", "-P"),
        ("x -Phunter2", "-P"),
        ("-P hunter2 x", "-P"),
        ("x --password=hunter2", "--password"),
        ("x --pasword hunter2", "--pasword"),
        ("x --pw hunter2", "--pw"),
    ] {
        fault(
            line,
            &format!("there is no flag `{given}` for a password"),
            &[instead],
        );
    }
    let fault = parse(argv("x --insecure")).unwrap_err();
    let given = "--insecure".to_owned();
    assert_eq!(fault, UsageError::VerificationOff { given });
}

#[test]
fn what_is_missing_or_too_much() {
    let providers = "the providers are hivemq, emqx, aws, azure, thingsboard, mosquitto, local";
    let config = "no CONFIG was given: a config file, or a URL such as `mqtts://host:8883`";
    let new = "`mqtt-test new hivemq > hivemq.conf` writes one to fill in; other providers: emqx, \
               aws, azure, thingsboard, mosquitto, local";
    fault("", config, &[new]);
    fault("-t a --json", config, &[new]);
    fault("new", "`new` needs the name of a provider", &[providers]);
    fault(
        "new heaven",
        "there is no config file for `heaven`",
        &[providers],
    );
    fault(
        "new hivmq",
        "there is no config file for `hivmq`",
        &["did you mean `hivemq`?", providers],
    );
    let without = "leave `-t` out";
    fault("new aws -t a", "`-t` has no meaning for `new`", &[without]);
    let quotes = "if it belongs to a value with spaces, put that value in quotes";
    fault(
        "x.conf y.conf",
        "one argument too many: `y.conf`",
        &[quotes],
    );
    fault(
        "explain -t a",
        "`-t` has no meaning for `explain`",
        &[without],
    );
    fault(
        "explain tls-alpn y",
        "one argument too many: `y`",
        &[quotes],
    );
    fault(
        "expalin tls-alpn",
        "there is no command `expalin`",
        &[
            "did you mean `explain`?",
            "if `expalin` is a config file, write `./expalin`",
        ],
    );
    for (given, meant) in [
        ("aws-iot", "aws"),
        ("HiveMQ", "hivemq"),
        ("hivemq-cloud", "hivemq"),
        ("AWS", "aws"),
        ("azure-iot-hub", "azure"),
    ] {
        fault(
            &format!("new {given}"),
            &format!("there is no config file for `{given}`"),
            &[&format!("did you mean `{meant}`?"), providers],
        );
    }
    for (given, meant) in [("subscribe", "sub"), ("publish", "pub")] {
        for line in [given.to_owned(), format!("{given} x.conf -t a")] {
            fault(
                &line,
                &format!("there is no command `{given}`"),
                &[
                    &format!("did you mean `{meant}`?"),
                    &format!("if `{given}` is a config file, write `./{given}`"),
                ],
            );
        }
    }
    fault(
        "check x.conf",
        "there is no command `check`",
        &["leave it out: `mqtt-test CONFIG` is the check"],
    );
    fault("new aws y", "one argument too many: `y`", &[quotes]);
    fault(
        "x.conf mqtts://me:hunter2@h",
        "one argument too many: `mqtts://me@h`",
        &[quotes],
    );
    fault(
        "x.conf --set password=hunter2 hunter3",
        "one argument too many: `…`",
        &[quotes],
    );
    fault(
        "nwe aws",
        "there is no command `nwe`",
        &[
            "did you mean `new`?",
            "if `nwe` is a config file, write `./nwe`",
        ],
    );
    let form = "write `-t TOPIC`";
    fault("x -t", "`-t` needs a value", &[form]);
    fault("x -rt", "`-t` needs a value", &[form]);
    let joined = "if that is the value, write `-m-q`";
    fault(
        "x -m -q 1",
        "`-m` needs a value",
        &["write `-m TEXT`", joined],
    );
    fault(
        "x --message --topic=a",
        "`--message` needs a value",
        &[
            "write `--message TEXT`",
            "if that is the value, write `--message=--topic`",
        ],
    );
    fault(
        "x --json=yes",
        "`--json` takes no value",
        &["write `--json` alone"],
    );
    let set = "write `--set key=value`, such as `--set qos=0`";
    fault("x --set qos", "`--set` needs `key=value`", &[set]);
    fault(
        "x --color blue",
        "`--color` must be `auto`, `always` or `never`",
        &["leave it out for `auto`"],
    );
    fault(
        "x --color auto --color never",
        "`--color` is given twice",
        &["leave one `--color`"],
    );
    let one = "leave one of them";
    fault(
        "x --quiet --verbose",
        "`--quiet` and `--verbose` contradict each other",
        &[one],
    );
}

#[test]
fn help_and_version_stand_alone() {
    let host = "write the host as CONFIG: `mqtts://HOST:8883/TOPIC` with TLS, or \
                `mqtt://HOST:1883/TOPIC` without";
    for line in [
        "pub -h localhost -t a -m b",
        "x.conf -h",
        "-h localhost",
        "-hlocalhost",
        "sub -h x -q 1",
        "-h --json",
        "help pub x -h",
    ] {
        fault(line, "`-h` is `--help` here, and stands alone", &[host]);
    }
    let version = "leave it out: MQTT 3.1.1 is spoken, which is mqttv311";
    for line in ["-V mqttv5", "x -V", "sub x -V 5", "-Vmqttv5", "pub -V"] {
        fault(
            line,
            "`-V` is `--version` here, and stands alone",
            &[version],
        );
    }
    for (line, flag) in [
        ("x.conf --help", "--help"),
        ("pub x --help", "--help"),
        ("--help -q 1", "--help"),
        ("--help --help", "--help"),
        ("--version x", "--version"),
        ("--version --json", "--version"),
    ] {
        let error = format!("`{flag}` stands alone, or behind the name of a command");
        fault(line, &error, &[&format!("write `mqtt-test {flag}`")]);
    }
}

#[cfg(unix)]
#[test]
fn arguments_that_are_not_text_are_refused() {
    use std::os::unix::ffi::OsStringExt;
    let odd = || OsString::from_vec(b"\xff=hunter2".to_vec());
    for argv in [
        vec![odd()],
        vec!["x".into(), odd()],
        vec!["x".into(), "-t".into(), odd()],
        vec!["x".into(), OsString::from_vec(b"--topic=\xff".to_vec())],
        vec!["x".into(), OsString::from_vec(b"--\xff".to_vec())],
    ] {
        let fault = parse(argv).unwrap_err();
        let UsageError::NotUtf8 { shown } = fault else {
            panic!("{fault:?}");
        };
        assert!(!shown.contains("hunter2"));
    }
}

#[test]
fn the_help_texts_fit_a_terminal_and_name_the_flags_of_their_command() {
    for command in [CommandName::Check, CommandName::Pub, CommandName::Sub] {
        let text = help::text(command);
        assert!(text.lines().count() <= 45, "{command:?}");
        for line in text.lines() {
            assert!(line.chars().count() <= 80, "{line}");
            assert_eq!(line, line.trim_end());
        }
        let words: Vec<_> = text
            .split(|c: char| !c.is_ascii_alphabetic() && c != '-')
            .collect();
        for flag in FLAGS {
            let own = flag.commands.contains(&command);
            // These two stand in the text for all, and one flag has a second spelling.
            let elsewhere =
                command != CommandName::Check && matches!(flag.does, Does::Help | Does::Version);
            for name in flag.names().filter(|name| *name != "--colour") {
                let named = words.contains(&name);
                assert!(named == own || elsewhere, "{command:?}: {name}");
            }
        }
    }
    let text = help::text(CommandName::New);
    assert!(text.contains("mqtt-test explain [CODE]"));
    assert!(PROVIDERS.iter().all(|provider| text.contains(provider)));
    for flag in FLAGS {
        let sets = matches!(flag.does, Does::Key(_) | Does::Set);
        assert!(!sets || flag.takes_value(), "{}", flag.long);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_command_line_panics(line in prop::collection::vec("-{0,2}[a-z=-]{0,8}|--set|-t|-m", 0..6)) {
        let _ = parse(line.into_iter().map(OsString::from).collect());
    }
}
