//! The rules between keys, and the forms that a configuration comes in.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that panics is a test that fails"
)]

use std::time::Duration;

use crate::config::types::*;
use crate::testing::*;

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
                 pin_sha256 = 00\ncert_file = c\nkey_file = k\nalpn = a\ntls_version = 1.2\n";
    let problems = file(lines).unwrap_err();
    let lines: Vec<_> = problems.iter().map(line_of).collect();
    assert_eq!(lines, [3, 4, 5, 6, 7, 8, 9, 10, 11]);
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

#[test]
fn amazon_has_rules_of_its_own() {
    let aws = |lines: &str| {
        let result = file(&format!(
            "host = x-ats.iot.eu-central-1.amazonaws.com\n{lines}"
        ));
        let text = result.map(|_| ()).map_err(|problems| said(Err(problems)));
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

#[test]
fn azure_has_no_qos_2() {
    let azure = |lines: &str| {
        file(&format!("host = Hub.Azure-Devices.net\n{lines}"))
            .map(|_| ())
            .map_err(|problems| said(Err(problems)))
    };
    assert_eq!(azure("qos = 1"), Ok(()));
    // The port is WebSocket's, and ALPN does not help there.
    assert_eq!(azure("port = 443"), Ok(()));
    let (code, text) = azure("qos = 2").unwrap_err();
    assert_eq!(code, "qos-unsupported");
    assert!(text.contains("Azure IoT Hub (`Hub.Azure-Devices.net`) supports QoS 0 and 1 only"));
    let will = azure("will_topic = w\nwill_qos = 2").unwrap_err();
    assert_eq!(will.0, "qos-unsupported");
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
        let help = said.lines().last().unwrap().replace('…', "me");
        assert_accepted(&format!("host = {host}"), &help);
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
         \n help: write `host = h.example`, `tls = on`, `port = 8883`; WebSocket is not spoken \
         here, MQTT over TLS is usually on this port",
    );
    told(
        "WS://me:hunter2@[::1]:9001",
        "`host` must be a name or an address alone, and holds the scheme `WS://` and a user name \
         or password and a port (`:9001`)\
         \n note: config/x.conf:1: `host = WS://me@[::1]:9001`\
         \n help: write `host = ::1`, `tls = off`, `port = 1883`, `username = …`; WebSocket is not \
         spoken here, MQTT without TLS is usually on this port",
    );
    told(
        "\"h.example\"",
        "`host` holds `\"`, which no name of a host has\
         \n note: config/x.conf:1: `host = \"h.example\"`\
         \n help: leave the quotes out: they are part of the value of `host`",
    );
    told(
        "h.example # mine",
        "`host` must be a name or an address alone: a space is in it\
         \n note: config/x.conf:1: `host = h.example # mine`\
         \n help: give the comment a line of its own: behind `host` it is part of the value",
    );
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
    assert_eq!(*config.origin(Key::Topic), Origin::Flag("-t".to_owned()));
    assert_eq!(*config.origin(Key::Qos), Origin::Default);
    assert!(config.is_set(Key::Retain) && !config.is_set(Key::Qos));

    let text = "username = me\nhost = h\npassword_file = p";
    let config = file_and(text, &[over("--set", "password_env", "P")]).unwrap();
    let source = Some(PasswordSource::Env(VariableName::new("P".to_owned())));
    assert_eq!(config.credentials.unwrap().password, source);

    let text = "2 settings are wrong\
                \n note: command line: `-q 7`: `qos` must be 0, 1 or 2\
                \n note: command line: `--set pasword`: there is no key `pasword`; did you mean \
                `password`?\
                \n help: write `qos = 1` for at least once";
    let overrides = [over("-q", "qos", "7"), over("--set", "pasword", "hunter2")];
    assert_eq!(said(file_and("host = h", &overrides)).1, text);
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
    assert_eq!(*config.origin(Key::Tls), Origin::Url);
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
    for (text, right) in [
        ("wss://me:hunter2@h:8884/mqtt", "write `mqtts://h:8883`"),
        ("ws://[::1]:9001", "write `mqtt://[::1]:1883`"),
    ] {
        let (_, said) = said(url(text));
        assert!(said.contains(right), "{said}");
    }
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
    check("mqtt:/h", host, "a slash is missing behind `mqtt:/`");
    check(
        "MQTTS:/me:hunter2@h",
        host,
        "a slash is missing behind `MQTTS:/`",
    );
    check("me:hunter2@h", host, "this is neither a file nor a URL");
    check(
        "mqtts://a,b",
        host,
        "`host` must be a name or an address alone: a comma is in it",
    );
    check(
        "mqtts://1:2:3",
        host,
        "`host` looks like an IPv6 address but is not one",
    );
    check(
        "mqtts://[::1]x",
        host,
        "`host` looks like an IPv6 address but is not one",
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
