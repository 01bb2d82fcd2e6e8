//! Every key right and wrong.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that panics is a test that fails"
)]

use std::path::PathBuf;
use std::time::Duration;

use crate::config::Slip;
use crate::config::error::ConfigError;
use crate::config::types::*;
use crate::diagnosis::diagnose_config;
use crate::testing::*;

/// Every key with a good value, and what becomes of it.
#[test]
fn what_a_copied_value_brings_along() {
    for (value, slip) in [
        ("plain", None),
        ("", None),
        ("\"", None),
        ("a=b", None),
        ("DZxMT7s2FQ==", None),
        ("ABC=", None),
        ("hub/device/?api-version=2021-04-12", None),
        ("SharedAccessSignature sr=hub&sig=x&se=1", None),
        ("a#b", None),
        ("\u{feff}x", Some(Slip::ByteOrderMark)),
        ("\"x\"", Some(Slip::Quotes)),
        ("'x'", Some(Slip::Quotes)),
        ("MQTT_PASSWORD=x", Some(Slip::Assignment)),
        ("x # the new one", Some(Slip::Comment)),
        ("x ", Some(Slip::Blank)),
        ("x\n", Some(Slip::Blank)),
        (" x", Some(Slip::LeadingBlank)),
    ] {
        assert_eq!(Slip::of(value), slip, "{value:?}");
    }
}

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
    assert_eq!(
        source,
        Some(PasswordSource::Env(VariableName::new("_P1".into())))
    );

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
        ("1h", 3_600_000),
        ("0.5s", 500),
        ("1.5 m", 90_000),
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
    let expected = Origin::Line {
        path: "config/x.conf".to_owned(),
        line: text.split('\n').count(),
    };
    assert_eq!(problems[0].origin, expected);
    let words = diagnose_config(&ConfigError::Problems(problems), None);
    assert_eq!(words.code.name, "config-invalid");
    assert_eq!(words.error, error);
    assert!(!words.help.is_empty(), "{line}");
    for help in &words.help {
        assert_accepted(&text, help);
    }
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
        "`server_name` must be a name or an address alone: a space is in it",
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
    bad("protocol = 4", "`protocol` must be `3.1.1`, `5` or `auto`");
    let times = "0, or whole seconds from 5s to 65535s, such as `60s` or `2m`";
    for value in [
        "4s",
        "65536s",
        "5500ms",
        "0.5m1",
        "19h",
        "1d",
        "3",
        "-5s",
        "1093m",
        "99999999999999999999s",
        "abc",
    ] {
        bad(&format!("keep_alive = {value}"), &must("keep_alive", times));
    }
    bad(
        "keep_alive = 60",
        "`keep_alive` needs a unit: `ms`, `s`, `m`, `h` or `d`",
    );
    let times = "more than 0 and at most 1h, such as `500ms`, `15s` or `2m`";
    for value in [
        "0s",
        "0",
        "61m",
        "1.1h",
        ".5s",
        "1.s",
        "1..5s",
        "1.5.s",
        "18446744073709551615m",
        "1.00000000000000000000000000s",
        "s",
    ] {
        bad(&format!("timeout = {value}"), &must("timeout", times));
    }
    for value in ["15", "0.5"] {
        bad(
            &format!("timeout = {value}"),
            "`timeout` needs a unit: `ms`, `s`, `m`, `h` or `d`",
        );
    }
    for (topic, c) in [("a/#", '#'), ("+/a", '+'), ("a+#", '+')] {
        bad(
            &format!("topic = {topic}"),
            &format!("nothing can be published to a `topic` with the wildcard `{c}`"),
        );
    }
    for check in ["subscribe", "connect"] {
        for filter in ["#", "a/#", "+/a", "a"] {
            let text = format!("check = {check}\ntopic = {filter}");
            assert_eq!(good(&text).topic, filter);
        }
        let text = format!("check = {check}\ntopic = a+");
        bad(&text, "`topic` is no topic filter");
    }
    let unused = good("check = connect\nclient_id = a+b");
    assert_eq!(unused.topic, "mqtt-test/a+b");
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
