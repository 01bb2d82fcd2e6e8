//! Lines that are no settings, what is shown of them, and what never is.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that panics is a test that fails"
)]

use proptest::prelude::*;

use crate::config::error::ConfigError;
use crate::config::types::{Message, Origin};
use crate::diagnosis::diagnose_config;
use crate::testing::*;

/// A line that is no setting: what is said of it, and all that is shown of it.
#[track_caller]
fn odd(line: &str, error: &str, shown: &str, help: Option<&str>) {
    let problems = file(&format!("host = h.example\n{line}\n")).expect_err(line);
    let [problem] = problems.as_slice() else {
        panic!("{problems:?}");
    };
    assert_eq!(problem.shown, shown);
    let words = diagnose_config(&ConfigError::Problems(problems), None);
    assert_eq!(words.error, error);
    if let Some(help) = help {
        assert_eq!(words.help, [help]);
    }
}

#[test]
fn unknown_keys_get_the_nearest_known_one() {
    for (key, nearest) in [
        ("hots", "host"),
        ("Host", "host"),
        ("broker", "host"),
        ("hostname", "host"),
        ("user", "username"),
        ("cafile", "ca_file"),
        ("ca-file", "ca_file"),
        ("cert", "cert_file"),
        ("KEY", "key_file"),
        ("client-id", "client_id"),
        ("clientid", "client_id"),
        ("keepalive", "keep_alive"),
        ("max_paket_size", "max_packet_size"),
    ] {
        let meant = format!("did you mean `{nearest}`?");
        odd(
            &format!("{key} = x"),
            &format!("there is no key `{key}`"),
            &format!("{key} = x"),
            Some(&meant),
        );
    }
    odd("colour = x", "there is no key `colour`", "colour = x", None);
    odd(
        "tls_insecure = true",
        "there is no key `tls_insecure`: the broker is always verified",
        "tls_insecure = true",
        None,
    );
}

#[test]
fn secrets_are_not_shown() {
    let meant = Some("did you mean `password`?");
    for key in [
        "pasword", "passwd", "PASSWORD", "pwd", "Pass", "pw", "passwrod", "psasword",
    ] {
        odd(
            &format!("{key} = hunter2"),
            &format!("there is no key `{key}`"),
            key,
            meant,
        );
        odd(
            &format!("{key}=hunter2"),
            &format!("there is no key `{key}`"),
            key,
            meant,
        );
    }
    for key in ["my_secret", "api_token", "mqtt_pwd"] {
        odd(
            &format!("{key} = hunter2"),
            &format!("there is no key `{key}`"),
            key,
            None,
        );
    }
    let no = "this is not `key = value`";
    odd("password hunter2", no, "password", None);
    odd("password: hunter2", no, "password", None);
    odd("password:hunter2", no, "password", None);
    odd("password hunter2=x", no, "password", None);
    odd("password: hunter2 = x", no, "password", None);
    odd("host h.example", no, "host", None);
    odd("just", no, "just", None);
    odd(
        "= hunter2",
        "there is no key before the `=`",
        " = hunter2",
        None,
    );
    let base64 = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj";
    odd(base64, no, "…", None);
    odd(&format!("{base64}=="), "there is no key `…`", "… = …", None);
    odd(
        "link = mqtts://me:hunter2@h",
        "there is no key `link`",
        "link = mqtts://me@h",
        None,
    );
    odd(
        "link = mqtt://h?password=hunter2",
        "there is no key `link`",
        "link = mqtt://h?…",
        None,
    );
}

#[test]
fn a_key_stands_once() {
    told(
        "qos = 1\nqos = 1",
        "config-invalid",
        "`qos` is set twice, first by line 2\
         \n note: config/x.conf:3: `qos = 1`\
         \n note: config/x.conf:2: `qos = 1`\
         \n help: leave one `qos`",
    );
    let twice = [over("-t", "topic", "a"), over("--set", "topic", "b")];
    let text = "`topic` is set twice, first by `-t`\
                \n note: command line: `--set topic=b`\
                \n note: command line: `-t a`\
                \n help: leave one `topic`";
    assert_eq!(said(file_and("host = h", &twice)).1, text);
}

#[test]
fn flags_are_taken_verbatim_and_lines_are_trimmed() {
    let overrides = [
        over("-m", "message", "  two  "),
        over("-t", "topic", "\ta "),
        over("--set", "client_id", " x "),
        over("--set", " username ", " me "),
    ];
    let config = file_and("host = h\nwill_topic = \t w \t", &overrides).unwrap();
    assert_eq!(config.message, Message::Own(b"  two  ".into()));
    assert_eq!(config.topic, "\ta ");
    assert_eq!(config.client_id, " x ");
    assert_eq!(config.will.unwrap().topic, "w");
    assert_eq!(config.credentials.unwrap().username, "me");
    let tab = file_and("host = h", &[over("-m", "message", "\t")]).unwrap();
    assert_eq!(tab.message, Message::Own(b"\t".into()));
}

#[test]
fn all_problems_come_at_once_in_order() {
    let text = "\u{feff}qos = 3\r\n\r\nhots = h\r\n# x = y\r\n  timeout=5 \r\nport = x\r\n";
    let expected = "6 settings are wrong\
        \n note: config/x.conf:1: `qos = 3`: `qos` must be 0, 1 or 2\
        \n note: config/x.conf:3: `hots = h`: there is no key `hots`; did you mean `host`?\
        \n note: config/x.conf:5: `timeout = 5`: `timeout` needs a unit: `ms`, `s`, `m`, `h` or `d`\
        \n note: config/x.conf:6: `port = x`: `port` must be a number from 1 to 65535\
        \n note: command line: `-i a\0`: `client_id` holds a NUL character\
        \n note: `host` is not set in `config/x.conf`\
        \n help: write `qos = 1` for at least once\
        \n help: if seconds are meant, write `timeout = 5s`\
        \n help: MQTT over TLS is usually on 8883, without TLS on 1883\
        \n help: take it out: no string of MQTT and no path can hold it\
        \n help: add a line `host = …` with the broker's name or address";
    let found = said(file_and(text, &[over("-i", "client_id", "a\0")]));
    assert_eq!(found, ("config-invalid".to_owned(), expected.to_owned()));
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 512,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_text_is_read_without_panic(text in "(\\PC|[\u{0}-\u{20}=#:])*", target in "\\PC*") {
        let lines = text.split('\n').count();
        if let Err(problems) = file(&text) {
            prop_assert!(!problems.is_empty());
            for problem in &problems {
                if let Origin::Line { line, .. } = problem.origin {
                    prop_assert!((1..=lines).contains(&line));
                }
            }
            diagnose_config(&ConfigError::Problems(problems), None);
        }
        let _ = url(&target);
        let _ = url(&format!("mqtts://{target}"));
    }

    #[test]
    fn lines_are_numbered_truly(before in 0_usize..50, crlf: bool) {
        let end = if crlf { "\r\n" } else { "\n" };
        let text = ["# a comment", end].concat().repeat(before) + "host = h" + end + "qos = 9";
        let problems = file(&text).unwrap_err();
        prop_assert_eq!(line_of(&problems[0]), before + 2);
    }

    /// Around a secret anything may be wrong; it is never repeated.
    #[test]
    fn a_password_never_leaves(
        key in prop::sample::select(vec!["password", "pasword", "PASSWORD", "Pass-Word", "pwd"]),
        equals in prop::sample::select(vec!["=", " = ", "\t=", " ", ": ", "==", " =", ":"]),
        tail in "[ -~]{0,20}",
        lines in "([a-z_]{1,12} = [a-z0-9]{0,5}\n){0,5}",
    ) {
        let text = format!("{lines}{key}{equals}{SECRET}{tail}\nqos = 7\n");
        let problems = file(&text).unwrap_err();
        prop_assert!(hidden(&problems));
        prop_assert!(hidden(&diagnose_config(&ConfigError::Problems(problems), None)));
        let overrides = [over("--set", key, &format!("{SECRET}{tail}")), over("-q", "qos", "7")];
        let problems = file_and("host = h", &overrides).unwrap_err();
        prop_assert!(hidden(&overrides) && hidden(&problems));
        prop_assert!(hidden(&diagnose_config(&ConfigError::Problems(problems), None)));
    }

    #[test]
    fn a_url_never_shows_its_password(
        user in "[a-z]{0,5}",
        tail in "[ -~]{0,10}",
        rest in "[a-z]{1,5}(:[0-9]{1,6})?(/[ -~]{0,8})?",
    ) {
        let whole = format!("mqtts://{user}:{SECRET}{tail}@{rest}");
        // And without the host.
        for text in [whole, format!("mqtts://{user}:{SECRET}{tail}")] {
            match url(&text) {
                Ok(config) => prop_assert!(hidden(&config)),
                Err(problems) => {
                    prop_assert!(hidden(&problems));
                    prop_assert!(hidden(&diagnose_config(&ConfigError::Problems(problems), None)));
                }
            }
        }
    }
}
