//! Tables for `parse`: every key right and wrong, every rule between keys, what is shown and what
//! never is.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that panics is a test that fails"
)]

use std::path::PathBuf;
use std::time::Duration;

use proptest::prelude::*;

use super::config;
use crate::config::*;
use crate::diagnose_config::words;
use crate::problem::{ConfigFault, Problem};
use crate::settings::KEYS;
use crate::shipped;

fn ambient() -> Ambient {
    Ambient {
        pid: 4711,
        random: std::array::from_fn(|i| u8::try_from(i).unwrap()),
        now: "2026-11-22T12:08:31Z".to_owned(),
        home: Some(PathBuf::from("/home/me")),
    }
}

fn over(flag: &str, key: &str, value: &str) -> Override {
    Override {
        place: Place::Flag(flag.to_owned()),
        key: key.to_owned(),
        value: value.to_owned(),
    }
}

fn file(text: &str) -> Result<Config, Vec<Problem>> {
    file_and(text, &[])
}

fn file_and(text: &str, overrides: &[Override]) -> Result<Config, Vec<Problem>> {
    let path = "config/x.conf";
    config(Source::File { path, text }, overrides, &ambient())
}

fn url(url: &str) -> Result<Config, Vec<Problem>> {
    config(Source::Url(url), &[], &ambient())
}

/// With a host, so that only what is tried can be wrong.
fn good(lines: &str) -> Config {
    file(&format!("host = h.example\n{lines}")).expect(lines)
}

fn tls(config: &Config) -> &TlsSettings {
    match &config.transport {
        Transport::Tls(tls) => tls,
        Transport::Plain => panic!("no TLS"),
    }
}

fn said(result: Result<Config, Vec<Problem>>) -> (String, String) {
    let words = words(&ConfigFault::Problems(result.expect_err("a problem")));
    let all: Vec<_> = [words.error.clone()]
        .into_iter()
        .chain(words.notes.iter().map(|note| format!(" note: {note}")))
        .chain(words.help.iter().map(|help| format!(" help: {help}")))
        .collect();
    (words.code.to_owned(), all.join("\n"))
}

#[test]
fn a_host_is_enough() {
    let config = file("host = h.example").unwrap();
    assert_eq!(config.target, "config/x.conf");
    assert_eq!((config.host.as_str(), config.port), ("h.example", 8883));
    assert!(tls(&config).sni && tls(&config).system_roots);
    assert_eq!(config.credentials, None);
    assert_eq!(config.client_id, "mqtt-test-00010203");
    assert!(config.clean_session && !config.retain);
    assert_eq!(config.keep_alive, Duration::from_secs(60));
    assert_eq!(config.timeout, Duration::from_secs(15));
    assert_eq!(config.topic, "mqtt-test/mqtt-test-00010203");
    assert_eq!(config.qos, Qos::AtLeastOnce);
    assert_eq!(config.max_packet_size, 1_048_576);
    assert_eq!(config.will, None);
    let Message::Marked { text, mark } = config.message else {
        panic!("a message of the user's");
    };
    assert_eq!(mark, "0405060708090a0b0c0d0e0f10111213");
    assert_eq!(text, format!("mqtt-test: 2026-11-22T12:08:31Z {mark}"));
    assert_eq!(text.len(), 64);
}

/// Every key with a good value, and what becomes of it.
#[test]
fn every_key_is_read() {
    let path = |path: &str| Some(PathBuf::from(path));
    assert_eq!(good("port = 1").port, 1);
    assert_eq!(good("port = 65535").port, 65_535);
    assert_eq!(good("tls = off").port, 1883);
    assert_eq!(good("tls = No").transport, Transport::Plain);
    assert_eq!(good("tls = off\nport = 8883").port, 8883);
    assert!(tls(&good("tls = true")).sni);
    assert!(!tls(&good("sni = false")).sni);
    let name = tls(&good("server_name = b.example.")).server_name.clone();
    assert_eq!(name.as_deref(), Some("b.example"));
    assert_eq!(
        tls(&good("ca_file = ca.pem")).ca_file,
        path("config/ca.pem")
    );
    assert_eq!(tls(&good("ca_file = /ca.pem")).ca_file, path("/ca.pem"));
    assert_eq!(tls(&good("ca_file=~/ca")).ca_file, path("/home/me/ca"));
    assert_eq!(
        tls(&good("ca_file = ../a b")).ca_file,
        path("config/../a b")
    );
    assert!(!tls(&good("ca_file = x\nsystem_roots = off")).system_roots);
    let pin = "00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0e:0f:".repeat(2);
    let expected = std::array::from_fn(|i| u8::try_from(i % 16).unwrap());
    for pin in [pin.trim_end_matches(':'), &pin.replace(':', "")] {
        let found = tls(&good(&format!("pin_sha256 = {pin}"))).pin_sha256;
        assert_eq!(found, Some(expected));
    }
    let client = tls(&good("cert_file = c\nkey_file = k")).client.clone();
    let (cert_file, key_file) = ("config/c".into(), "config/k".into());
    assert_eq!(
        client,
        Some(ClientCertFiles {
            cert_file,
            key_file
        })
    );
    assert_eq!(
        tls(&good("alpn = mqtt , x-amzn-mqtt-ca")).alpn,
        ["mqtt", "x-amzn-mqtt-ca"]
    );

    let credentials = |lines: &str| good(lines).credentials.unwrap();
    assert_eq!(credentials("username = me ü").username, "me ü");
    assert_eq!(credentials("username = me").password, None);
    let literal = |lines: &str| match credentials(lines).password {
        Some(PasswordSource::Literal(secret)) => secret.expose().to_owned(),
        other => panic!("{other:?}"),
    };
    assert_eq!(literal("username = me\npassword =  p=#\"w '\t"), "p=#\"w '");
    assert_eq!(literal("username = me\npassword = p\u{a0}"), "p\u{a0}");
    let source = credentials("username = me\npassword_file = p.txt").password;
    assert_eq!(source, Some(PasswordSource::File("config/p.txt".into())));
    let source = credentials("username = me\npassword_env = _P1").password;
    assert_eq!(source, Some(PasswordSource::Env("_P1".into())));

    assert_eq!(good("client_id = me").topic, "mqtt-test/me");
    assert_eq!(good("client_id =").client_id, "");
    assert_eq!(good("client_id =").topic, "mqtt-test/mqtt-test-00010203");
    assert_eq!(good("protocol = 3.1.1").host, "h.example");
    assert!(!good("clean_session = off").clean_session);
    for (value, seconds) in [
        ("0", 0),
        ("5s", 5),
        ("2m", 120),
        ("65535s", 65_535),
        ("0s", 0),
    ] {
        let found = good(&format!("keep_alive = {value}")).keep_alive;
        assert_eq!(found, Duration::from_secs(seconds), "{value}");
    }
    assert_eq!(
        good("keep_alive = 5000ms").keep_alive,
        Duration::from_secs(5)
    );
    for (value, millis) in [
        ("500ms", 500),
        ("15s", 15_000),
        ("2 m", 120_000),
        ("60m", 3_600_000),
    ] {
        let found = good(&format!("timeout = {value}")).timeout;
        assert_eq!(found, Duration::from_millis(millis), "{value}");
    }
    assert_eq!(good("topic = /a b/é").topic, "/a b/é");
    assert_eq!(good("topic = {host}/{pid}/{client_id}/{x}").topic, {
        "h.example/4711/mqtt-test-00010203/{x}"
    });
    assert_eq!(
        good("client_id = {pid}\ntopic = {client_id}").topic,
        "{pid}"
    );
    assert_eq!(good("qos = 0").qos, Qos::AtMostOnce);
    assert_eq!(good("qos = 2").qos, Qos::ExactlyOnce);
    assert!(good("retain = yes").retain);
    assert_eq!(
        good("message = a = b # c").message,
        Message::Own(b"a = b # c".into())
    );
    assert_eq!(good("message =").message, Message::Own(vec![]));
    for (value, bytes) in [
        ("64", 64),
        ("64KiB", 65_536),
        ("256MiB", 268_435_456),
        ("99B", 99),
    ] {
        let found = good(&format!("max_packet_size = {value}")).max_packet_size;
        assert_eq!(found, bytes, "{value}");
    }
    let will =
        good("will_topic = w/{pid}\nwill_message = bye\nwill_qos = 2\nwill_retain = on").will;
    let (topic, message) = ("w/4711".to_owned(), b"bye".to_vec());
    let (qos, retain) = (Qos::ExactlyOnce, true);
    assert_eq!(
        will,
        Some(Will {
            topic,
            message,
            qos,
            retain
        })
    );
    let will = good("will_topic = w").will.unwrap();
    assert_eq!(
        (will.message, will.qos, will.retain),
        (vec![], Qos::AtMostOnce, false)
    );
}

/// One bad line under a good host, and the sentence that it gets.
#[track_caller]
fn bad(line: &str, error: &str) {
    let text = format!("host = h.example\n# a comment\n{line}");
    let problems = file(&text).expect_err(line);
    assert_eq!(problems.len(), 1, "{problems:?}");
    let expected = Place::Line {
        path: "config/x.conf".to_owned(),
        line: text.split('\n').count(),
    };
    assert_eq!(problems[0].place, expected);
    let words = words(&ConfigFault::Problems(problems));
    assert_eq!(words.code, "config-invalid");
    assert_eq!(words.error, error);
    assert_eq!(words.help.iter().filter(|help| help.is_empty()).count(), 0);
}

const SWITCH: &str = "must be `on` or `off`";

#[test]
fn every_key_refuses_what_it_cannot_take() {
    let must = |key: &str, be: &str| format!("`{key}` must be {be}");
    for port in ["0", "65536", "+1", "mqtt", "-1", "18446744073709551617"] {
        bad(
            &format!("port = {port}"),
            &must("port", "a number from 1 to 65535"),
        );
    }
    for key in ["tls", "sni", "clean_session", "retain"] {
        bad(&format!("{key} = 1"), &format!("`{key}` {SWITCH}"));
    }
    bad(
        "ca_file = c\nsystem_roots = ON!",
        &format!("`system_roots` {SWITCH}"),
    );
    bad(
        "will_topic = w\nwill_retain = maybe",
        &format!("`will_retain` {SWITCH}"),
    );
    bad(
        "server_name = a b",
        "`server_name` must be a name or an address alone: a blank is in it",
    );
    bad(
        "ca_file = -----BEGIN CERTIFICATE-----",
        &must("ca_file", "the path of a file, not the PEM text itself"),
    );
    bad(
        "cert_file = c\nkey_file = a\0b",
        "`key_file` holds a NUL character",
    );
    bad("key_file = k\ncert_file =", "`cert_file` has no value");
    bad(
        "pin_sha256 = ab:cd",
        "`pin_sha256` must have 64 hex digits, and has 4",
    );
    bad(
        "pin_sha256 = xy",
        &must("pin_sha256", "64 hex digits, with or without colons"),
    );
    bad(
        "pin_sha256 = é",
        &must("pin_sha256", "64 hex digits, with or without colons"),
    );
    bad(
        "alpn = a,,b",
        &must(
            "alpn",
            "one or more names of 1 to 255 bytes, separated by commas",
        ),
    );
    bad(
        &format!("alpn = {}", "a".repeat(256)),
        &must(
            "alpn",
            "one or more names of 1 to 255 bytes, separated by commas",
        ),
    );
    bad("username = a\0", "`username` holds a NUL character");
    bad("username =", "`username` has no value");
    bad("username = me\npassword =", "`password` has no value");
    bad(
        "username = me\npassword = a\0b",
        "`password` holds a NUL character",
    );
    bad(
        "username = me\npassword_file =",
        "`password_file` has no value",
    );
    let name = "the name of an environment variable: letters, digits and `_`";
    for variable in ["$P", "1P", "P W", "é"] {
        bad(
            &format!("username = me\npassword_env = {variable}"),
            &must("password_env", name),
        );
    }
    let long = "x".repeat(65_536);
    for key in ["username", "client_id"] {
        let error = format!("`{key}` has 65536 bytes, and MQTT carries at most 65535");
        // A topic of the user's own, or the client id would be too long for it as well.
        bad(&format!("topic = t\n{key} = {long}"), &error);
    }
    bad(
        &format!("username = me\npassword = {long}"),
        "`password` has 65536 bytes, and MQTT carries at most 65535",
    );
    bad(
        &format!("will_topic = w\nwill_message = {long}"),
        "`will_message` has 65536 bytes, and MQTT carries at most 65535",
    );
    bad(
        &format!("topic = {long}"),
        "`topic` has 65536 bytes, and MQTT carries at most 65535",
    );
    bad(
        "protocol = 5",
        "this version of mqtt-test speaks MQTT 3.1.1 only",
    );
    bad("protocol = 4", "`protocol` must be `3.1.1`");
    let times = "0, or whole seconds from 5s to 65535s, such as `60s` or `2m`";
    for value in [
        "4s",
        "65536s",
        "5500ms",
        "1h",
        "-5s",
        "1093m",
        "99999999999999999999s",
        "abc",
    ] {
        bad(&format!("keep_alive = {value}"), &must("keep_alive", times));
    }
    bad(
        "keep_alive = 60",
        "`keep_alive` needs a unit: `ms`, `s` or `m`",
    );
    let times = "more than 0 and at most 60m, such as `500ms`, `15s` or `2m`";
    for value in ["0s", "61m", "1.5s", "18446744073709551615m", "s"] {
        bad(&format!("timeout = {value}"), &must("timeout", times));
    }
    bad("timeout = 0", "`timeout` needs a unit: `ms`, `s` or `m`");
    for (topic, c) in [("a/#", '#'), ("+/a", '+'), ("a+#", '+')] {
        bad(
            &format!("topic = {topic}"),
            &format!("nothing can be published to a `topic` with the wildcard `{c}`"),
        );
    }
    bad("topic = a\0", "`topic` holds a NUL character");
    bad("topic =", "`topic` has no value");
    for value in ["3", "-1", "01", "one"] {
        bad(&format!("qos = {value}"), "`qos` must be 0, 1 or 2");
    }
    bad(
        "will_topic = w\nwill_qos = 3",
        "`will_qos` must be 0, 1 or 2",
    );
    bad(
        "will_topic = #",
        "nothing can be published to a `will_topic` with the wildcard `#`",
    );
    let sizes = "from 64 bytes to 256MiB, such as `4096`, `64KiB` or `1MiB`";
    for value in [
        "63",
        "257MiB",
        "1MB",
        "1 GiB",
        "KiB",
        "18446744073709551615KiB",
    ] {
        bad(
            &format!("max_packet_size = {value}"),
            &must("max_packet_size", sizes),
        );
    }
}

/// Lines under a good host with one problem, and all that is said of it.
#[track_caller]
fn told(lines: &str, code: &str, text: &str) {
    assert_eq!(
        said(file(&format!("host = h.example\n{lines}"))),
        (code.to_owned(), text.to_owned()),
    );
}

#[test]
fn keys_that_contradict_each_other_name_both_lines() {
    let invalid = "config-invalid";
    told(
        "tls = off\nca_file = ca.pem",
        invalid,
        "`ca_file` is for TLS, which line 2 switches off\
         \n note: config/x.conf:3: `ca_file = ca.pem`\
         \n note: config/x.conf:2: `tls = off`\
         \n help: use TLS (`tls = on`, or `mqtts://` in a URL), or leave the keys of TLS out",
    );
    told(
        "cert_file = c",
        invalid,
        "`cert_file` works only together with `key_file`\
         \n note: config/x.conf:2: `cert_file = c`\
         \n help: set `key_file` too, or leave `cert_file` out",
    );
    told(
        "username = me\npassword_env = P\npassword_file = p",
        invalid,
        "`password_env` beside `password_file` of line 4: two passwords\
         \n note: config/x.conf:3: `password_env`\
         \n note: config/x.conf:4: `password_file`\
         \n help: leave one of `password`, `password_file` and `password_env`",
    );
    told(
        "password = hunter2",
        invalid,
        "`password` without `username`: MQTT 3.1.1 sends no password without a user name\
         \n note: config/x.conf:2: `password`\
         \n help: set `username`",
    );
    told(
        "client_id =\nclean_session = off",
        invalid,
        "`clean_session = off` keeps a session under a client id, and line 2 leaves it empty\
         \n note: config/x.conf:3: `clean_session = off`\
         \n note: config/x.conf:2: `client_id = `\
         \n help: give `client_id` a value, or set `clean_session = on`",
    );
    told(
        "will_retain = on",
        invalid,
        "`will_retain` works only together with `will_topic`\
         \n note: config/x.conf:2: `will_retain = on`\
         \n help: set `will_topic` too, or leave `will_retain` out",
    );
    told(
        "system_roots = off",
        invalid,
        "`system_roots = off` without `ca_file`: no certificate would be trusted\
         \n note: config/x.conf:2: `system_roots = off`\
         \n help: set `ca_file` to the broker's CA certificate, or leave `system_roots` out",
    );
    told(
        "client_id = a+b",
        invalid,
        "nothing can be published to a `topic` with the wildcard `+`, which `client_id` brings in\
         \n note: config/x.conf:2: `client_id = a+b`\
         \n help: name one topic, without `+` and `#`",
    );
}

#[test]
fn all_tls_keys_need_tls() {
    let lines = "tls = off\nhost = h\nsni = on\nserver_name = s\nca_file = c\nsystem_roots = on\n\
                 pin_sha256 = 00\ncert_file = c\nkey_file = k\nalpn = a\n";
    let problems = file(lines).unwrap_err();
    let lines: Vec<_> = problems.iter().map(|problem| line_of(problem)).collect();
    assert_eq!(lines, [3, 4, 5, 6, 7, 8, 9, 10]);
}

fn line_of(problem: &Problem) -> usize {
    match problem.place {
        Place::Line { line, .. } => line,
        _ => 0,
    }
}

#[test]
fn amazon_has_rules_of_its_own() {
    let aws = |lines: &str| {
        let result = file(&format!(
            "host = x-ats.iot.eu-central-1.amazonaws.com\n{lines}"
        ));
        let text = result.map(|_| ()).map_err(|problems| said_of(problems));
        text.map_err(|(code, text)| (code, text.lines().nth(1).unwrap_or_default().to_owned()))
    };
    let at =
        |code: &str, note: &str| Err((code.to_owned(), format!(" note: config/x.conf:{note}")));
    assert_eq!(aws("qos = 1"), Ok(()));
    assert_eq!(aws("qos = 2"), at("qos-unsupported", "2: `qos = 2`"));
    let will = "will_topic = w\nwill_qos = 2";
    assert_eq!(aws(will), at("qos-unsupported", "3: `will_qos = 2`"));
    assert_eq!(aws("port = 443"), at("alpn-required", "2: `port = 443`"));
    assert_eq!(aws("port = 443\nalpn = x-amzn-mqtt-ca"), Ok(()));
    assert_eq!(aws("port = 443\ntls = off"), Ok(()));
    let both = "port = 443\nqos = 2";
    assert_eq!(aws(both).unwrap_err().0, "config-invalid");
    let both = "qos = 2\nwill_topic = w\nwill_qos = 2";
    assert_eq!(aws(both).unwrap_err().0, "qos-unsupported");
}

fn said_of(problems: Vec<Problem>) -> (String, String) {
    said(Err(problems))
}

#[test]
fn a_host_with_other_parts_tells_where_they_belong() {
    let told = |host: &str, text: &str| {
        let (code, said) = said(file(&format!("host = {host}")));
        assert_eq!(
            (code.as_str(), said.as_str()),
            ("host-invalid", text),
            "{host}"
        );
    };
    told(
        "mqtts://h.example:8883",
        "`host` must be a name or an address alone, and holds the scheme `mqtts://` and a port \
         (`:8883`)\
         \n note: config/x.conf:1: `host = mqtts://h.example:8883`\
         \n help: write `host = h.example`, `tls = on`, `port = 8883`",
    );
    told(
        "me:hunter2@h.example",
        "`host` must be a name or an address alone, and holds a user name or password\
         \n note: config/x.conf:1: `host = me@h.example`\
         \n help: write `host = h.example`, `username = …`",
    );
    told(
        "wss://h.example/mqtt",
        "`host` must be a name or an address alone, and holds the scheme `wss://` and a path \
         (`/mqtt`)\
         \n note: config/x.conf:1: `host = wss://h.example/mqtt`\
         \n help: write `host = h.example`, `tls = on`; WebSocket is not spoken here, use the \
         broker's MQTT port",
    );
    told(
        "\"h.example\"",
        "`host` holds `\"`, which no name of a host has\
         \n note: config/x.conf:1: `host = \"h.example\"`\
         \n help: leave the quotes out: they are part of the value of `host`",
    );
    told(
        "h.example # mine",
        "`host` must be a name or an address alone: a blank is in it\
         \n note: config/x.conf:1: `host = h.example # mine`\
         \n help: give the comment a line of its own: behind `host` it is part of the value",
    );
}

#[test]
fn missing_empty_and_placeholder() {
    let text = "`host` is not set in `config/x.conf`\
                \n help: add a line `host = …` with the broker's name or address";
    assert_eq!(
        said(file("port = 1")),
        ("config-invalid".into(), text.into())
    );
    assert_eq!(said(file("")).1, text);
    assert!(
        said(file("host ="))
            .1
            .starts_with("`host` has no value\n note: config/x.conf:1: ")
    );
    let text = "`host` still holds the placeholder\
                \n note: config/x.conf:1: `host = YOUR-CLUSTER.s1.eu.hivemq.cloud`\
                \n help: put your own values in place of `YOUR-…`; the comments above them say \
                where to find them";
    let found = said(file("host = YOUR-CLUSTER.s1.eu.hivemq.cloud"));
    assert_eq!(found, ("config-invalid".into(), text.into()));
    let found = said(file("host = h\nusername = me\npassword = YOUR-PASSWORD")).1;
    assert!(found.starts_with(
        "`password` still holds the placeholder\n note: config/x.conf:3: `password`\n"
    ));
    assert_eq!(
        good("message = YOUR-MESSAGE").message,
        Message::Own(b"YOUR-MESSAGE".into())
    );
}

/// A line that is no setting: what is said of it, and all that is shown of it.
#[track_caller]
fn odd(line: &str, error: &str, shown: &str, help: Option<&str>) {
    let problems = file(&format!("host = h.example\n{line}\n")).expect_err(line);
    let [problem] = problems.as_slice() else {
        panic!("{problems:?}");
    };
    assert_eq!(problem.shown, shown);
    let words = words(&ConfigFault::Problems(problems));
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
    odd(base64, no, "MIIEvQIB…", None);
    odd(
        &format!("{base64}=="),
        "there is no key `MIIEvQIB…`",
        "MIIEvQIB… = …",
        None,
    );
    odd(
        "link = mqtts://me:hunter2@h",
        "there is no key `link`",
        "link = mqtts://me@h",
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
fn flags_stand_above_the_file() {
    let overrides = [
        over("-t", "topic", "from/flag"),
        over("-r", "retain", "on"),
        over("--set", "ca_file", "x.pem"),
    ];
    let config = file_and("host = h\ntopic = t\nca_file = ca.pem", &overrides).unwrap();
    assert_eq!(config.topic, "from/flag");
    assert!(config.retain);
    assert_eq!(
        tls(&config).ca_file,
        Some("x.pem".into()),
        "relative to where the user is"
    );
    assert_eq!(*config.place("topic"), Place::Flag("-t".to_owned()));
    assert_eq!(*config.place("qos"), Place::Default);
    assert!(config.is_set("retain") && !config.is_set("qos"));

    let text = "username = me\nhost = h\npassword_file = p";
    let config = file_and(text, &[over("--set", "password_env", "P")]).unwrap();
    let source = Some(PasswordSource::Env("P".to_owned()));
    assert_eq!(config.credentials.unwrap().password, source);

    let text = "2 settings are wrong\
                \n note: command line: `-q 7`: `qos` must be 0, 1 or 2\
                \n note: command line: `--set pasword`: there is no key `pasword`; did you mean \
                `password`?";
    let overrides = [over("-q", "qos", "7"), over("--set", "pasword", "hunter2")];
    assert_eq!(said(file_and("host = h", &overrides)).1, text);
}

#[test]
fn all_problems_come_at_once_in_order() {
    let text = "\u{feff}qos = 3\r\n\r\nhots = h\r\n# x = y\r\n  timeout=5 \r\nport = x\r\n";
    let expected = "6 settings are wrong\
        \n note: config/x.conf:1: `qos = 3`: `qos` must be 0, 1 or 2\
        \n note: config/x.conf:3: `hots = h`: there is no key `hots`; did you mean `host`?\
        \n note: config/x.conf:5: `timeout = 5`: `timeout` needs a unit: `ms`, `s` or `m`\
        \n note: config/x.conf:6: `port = x`: `port` must be a number from 1 to 65535\
        \n note: command line: `-i a\0`: `client_id` holds a NUL character\
        \n note: `host` is not set in `config/x.conf`\
        \n help: if seconds are meant, write `timeout = 5s`\
        \n help: MQTT over TLS is mostly on 8883, without TLS on 1883\
        \n help: add a line `host = …` with the broker's name or address";
    let found = said(file_and(text, &[over("-i", "client_id", "a\0")]));
    assert_eq!(found, ("config-invalid".to_owned(), expected.to_owned()));
}

#[test]
fn a_url_is_a_configuration() {
    let config = url("mqtts://me:p%40w@h.example:8884/a/b").unwrap();
    assert_eq!(config.target, "mqtts://me@h.example:8884/a/b");
    assert_eq!((config.host.as_str(), config.port), ("h.example", 8884));
    assert_eq!(config.topic, "a/b");
    let secret = PasswordSource::Literal(Secret::new("p@w".to_owned()));
    assert_eq!(config.credentials.unwrap().password, Some(secret));
    let config = url("mqtt://[::1]").unwrap();
    assert_eq!((config.host.as_str(), config.port), ("::1", 1883));
    assert_eq!(config.transport, Transport::Plain);
    assert_eq!(*config.place("tls"), Place::Url);
}

#[test]
fn what_is_wrong_with_a_url() {
    #[track_caller]
    fn check(text: &str, code: &str, error: &str) {
        let (found, said) = said(url(text));
        assert_eq!(found, code);
        assert_eq!(said.lines().next(), Some(error));
        assert!(!said.contains("hunter2"), "{said}");
    }
    let (host, config) = ("host-invalid", "config-invalid");
    check(
        "wss://h:8884/mqtt",
        host,
        "`wss://` is MQTT over WebSocket, which is not spoken here",
    );
    check(
        "https://me:hunter2@h",
        host,
        "`https://` is a web address, not a broker's",
    );
    check("amqp://h", host, "`amqp://` is no scheme of MQTT");
    check("mqtts://", host, "there is no host in the URL");
    check("me:hunter2@h", host, "this is neither a file nor a URL");
    check(
        "mqtts://a,b",
        host,
        "`host` must be a name or an address alone: a comma is in it",
    );
    check(
        "mqtts://1:2:3",
        host,
        "`host` looks like an IPv6 address and is none",
    );
    check(
        "mqtts://[::1]x",
        host,
        "`host` looks like an IPv6 address and is none",
    );
    check(
        "mqtts://me:hunter2",
        config,
        "`port` must be a number from 1 to 65535",
    );
    check(
        "mqtts://h:0",
        config,
        "`port` must be a number from 1 to 65535",
    );
    check(
        "mqtts://me:hunter2@h?x=1",
        config,
        "a `?` in the URL: no options are read there",
    );
    check("mqtts://h/a/#", config, "a `#` in the URL");
    check(
        "mqtts://h/%23",
        config,
        "nothing can be published to a `topic` with the wildcard `#`",
    );
    check(
        "mqtts://me:hunter2/%@h",
        config,
        "an `@` behind the first `/`, `?` or `#` of the URL",
    );
    check(
        "mqtts://me:hunter2%@h",
        config,
        "the password in the URL is not percent-encoded UTF-8",
    );
    check(
        "mqtts://me:hunter2%00@h",
        config,
        "`password` holds a NUL character",
    );
    check(
        "mqtts://:hunter2@h",
        config,
        "`password` without `username`: MQTT 3.1.1 sends no password without a user name",
    );
}

#[test]
fn shipped_files_want_only_their_placeholders() {
    for provider in shipped::PROVIDERS {
        let text = shipped::text(provider).unwrap();
        match file(text) {
            Ok(_) => assert!(!text.contains("YOUR-")),
            Err(problems) => {
                let (_, said) = said_of(problems);
                let first = said.lines().next().unwrap();
                assert!(first.contains("values are still placeholders"), "{said}");
            }
        }
        let filled = file(&text.replace("YOUR-", "my-")).expect(provider);
        assert!(filled.is_set("host"));
        assert!(
            text.lines().all(|line| line.chars().count() <= 80),
            "{provider}"
        );
        // What is commented out must be right as well, key by key.
        for line in text.lines().filter_map(|line| line.strip_prefix("# ")) {
            let Some((key, value)) = line.split_once(" = ") else {
                continue;
            };
            if key.contains(' ') {
                continue;
            }
            assert!(KEYS.contains(&key), "{provider}: {line}");
            assert!(!value.is_empty());
        }
    }
    assert_eq!(shipped::text("nobody"), None);
}

const SECRET: &str = "hunter2";

fn hidden(what: &impl std::fmt::Debug) -> bool {
    !format!("{what:?}").contains(SECRET)
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
                if let Place::Line { line, .. } = problem.place {
                    prop_assert!((1..=lines).contains(&line));
                }
            }
            words(&ConfigFault::Problems(problems));
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
        prop_assert!(hidden(&words(&ConfigFault::Problems(problems))));
        let overrides = [over("--set", key, &format!("{SECRET}{tail}")), over("-q", "qos", "7")];
        let problems = file_and("host = h", &overrides).unwrap_err();
        prop_assert!(hidden(&overrides) && hidden(&problems));
        prop_assert!(hidden(&words(&ConfigFault::Problems(problems))));
    }

    #[test]
    fn a_url_never_shows_its_password(
        user in "[a-z]{0,5}",
        tail in "[ -~]{0,10}",
        rest in "[a-z]{1,5}(:[0-9]{1,6})?(/[ -~]{0,8})?",
    ) {
        let text = format!("mqtts://{user}:{SECRET}{tail}@{rest}");
        match url(&text) {
            Ok(config) => prop_assert!(hidden(&config)),
            Err(problems) => {
                prop_assert!(hidden(&problems));
                prop_assert!(hidden(&words(&ConfigFault::Problems(problems))));
            }
        }
    }
}
