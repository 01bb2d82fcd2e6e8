//! The whole ladder, climbed: every way of getting in that is promised, against mosquitto, HAProxy
//! in front of it, and a rogue that behaves, which tells what it was sent.

use serde_json::json;

use crate::certs::{Authority, Leaf};
use crate::certs_openssl as forms;
use crate::codec::{PUBREL, Packet, Publish};
use crate::haproxy::{alpn_terminator, sni_router};
use crate::json;
use crate::lab::{Lab, SYSTEM_ROOTS};
use crate::mosquitto::mosquitto;
use crate::provoke::{Provoked, plain_config, provoke, tls_config, trusting_lab};
use crate::rogue::Rogue;
use crate::rogue_server::{Event, RogueServer, What};
use crate::run::Run;

#[test]
fn over_tls_1_3_with_user_and_password() {
    let (lab, root) = trusting_lab();
    let chain = root.intermediate("Test Intermediate");
    let server = chain.server(&["localhost"]).issue().write(&lab, "server");
    let broker = mosquitto(&lab)
        .tls(&server)
        .user("ann", "s3cret-word")
        .start();
    let found = provoke(
        &lab,
        tls_config(broker.port, "username = ann\npassword = s3cret-word\n"),
    )
    .variant("ladder.tls-1.3")
    .passes();
    found
        .warns_of_nothing()
        .says(&["TLS 1.3", "SNI localhost", "Test Intermediate"]);
    let tls = found.stage("tls");
    assert_eq!(tls["sni"], "localhost");
    assert_eq!(tls["chain"].as_array().map(Vec::len), Some(2));
    for word in ["SUBSCRIBE", "PUBLISH", "UNSUBSCRIBE", "DISCONNECT"] {
        broker.wait_for_log(&format!("Received {word} from mqtt-test-"));
    }
}

#[test]
fn over_tls_1_2() {
    let (lab, root) = trusting_lab();
    let server = root.server(&["localhost"]).issue().write(&lab, "server");
    let broker = mosquitto(&lab).tls(&server).tls_1_2_alone().start();
    let found = provoke(&lab, tls_config(broker.port, ""))
        .variant("ladder.tls-1.2")
        .passes();
    found.says(&["TLS 1.2"]);
}

#[test]
fn without_tls() {
    let lab = Lab::new();
    let broker = mosquitto(&lab).start();
    let found = provoke(&lab, plain_config(broker.port, ""))
        .variant("ladder.plain")
        .passes();
    assert_eq!(found.stage("tls")["status"], "off");
    found.warns_of_nothing();
}

/// Over loopback nobody listens in; a password in the clear is no warning there.
#[test]
fn without_tls_but_with_a_password() {
    let lab = Lab::new();
    let broker = mosquitto(&lab).user("ann", "s3cret-word").start();
    let login = "username = ann\npassword = s3cret-word\n";
    provoke(&lab, plain_config(broker.port, login))
        .passes()
        .warns_of_nothing();
}

#[test]
fn with_passwords_from_elsewhere() {
    let lab = Lab::new();
    let broker = mosquitto(&lab).user("ann", "s3cret-word").start();
    lab.write_private("password.txt", "s3cret-word\r\nsecond line\n");
    for (key, value) in [
        ("password_env", "BROKER_PASSWORD"),
        ("password_file", "password.txt"),
    ] {
        let more = format!("username = ann\n{key} = {value}\n");
        Run::check(&lab, &plain_config(broker.port, &more))
            .env("BROKER_PASSWORD", "s3cret-word")
            .secret("s3cret-word")
            .go()
            .expect_code(0);
    }
}

/// Every form in which certificates and keys come.
#[test]
fn with_client_certificates() {
    let (lab, root) = trusting_lab();
    let server = root.server(&["localhost"]).issue().write(&lab, "server");
    let broker = mosquitto(&lab)
        .tls(&server)
        .client_certificates("ca.pem")
        .start();
    let rsa = forms::rsa_key(&lab);
    let ec = root
        .intermediate("Device CA")
        .client("ann")
        .issue()
        .write(&lab, "ec");
    let rsa = root.client("ann").with_key(&rsa).issue().write(&lab, "rsa");
    let mut pairs = Vec::new();
    for files in [&ec, &rsa] {
        let keys = [
            files.key.clone(),
            forms::key_der(&lab, &files.key),
            forms::traditional_key(&lab, &files.key),
            forms::traditional_key_der(&lab, &files.key),
        ];
        pairs.extend(keys.map(|key| (files.cert.clone(), key)));
    }
    pairs.push((forms::cert_der(&lab, &rsa.cert), rsa.key));
    for (cert, key) in pairs {
        let more = format!("cert_file = {cert}\nkey_file = {key}\n");
        let found = provoke(&lab, tls_config(broker.port, &more)).passes();
        assert_eq!(found.stage("tls")["client_cert_requested"], true, "{more}");
    }
}

#[test]
fn with_alpn_through_haproxy() {
    let (lab, root) = trusting_lab();
    let server = root.server(&["localhost"]).issue().write(&lab, "server");
    let plain = mosquitto(&lab).start();
    let gate = alpn_terminator(&lab, &server, "mqtt", plain.port);
    let found = provoke(&lab, tls_config(gate.port, "alpn = other, mqtt\n"))
        .variant("ladder.alpn")
        .passes();
    assert_eq!(found.stage("tls")["alpn"], "mqtt");
}

#[test]
fn through_a_proxy_that_routes_by_server_name() {
    let (lab, root) = trusting_lab();
    let server = root.server(&["localhost"]).issue().write(&lab, "server");
    let broker = mosquitto(&lab).tls(&server).start();
    let router = sni_router(&lab, "localhost", broker.port);
    provoke(&lab, tls_config(router.port, ""))
        .passes()
        .warns_of_nothing();
}

#[test]
fn trusting_a_pin_alone() {
    let (lab, _) = trusting_lab();
    let leaf = Leaf::self_signed(&["other.example"]).expired();
    let broker = mosquitto(&lab)
        .tls(&leaf.issue().write(&lab, "server"))
        .start();
    let pin = forms::fingerprint(&lab, "server.pem");
    for pin in [pin.clone(), pin.replace(':', "").to_lowercase()] {
        let found = provoke(
            &lab,
            tls_config(broker.port, &format!("pin_sha256 = {pin}\n")),
        )
        .variant("ladder.pin")
        .passes();
        found.says(&["pinned"]).warns("cert-expires-soon");
    }
}

#[test]
fn trusting_the_system_roots() {
    let (lab, root) = trusting_lab();
    let server = root.server(&["localhost"]).issue().write(&lab, "server");
    let broker = mosquitto(&lab).tls(&server).start();
    let config = format!("host = localhost\nport = {}\n", broker.port);
    Run::check(&lab, &config).go().expect_code(5);
    Run::check(&lab, &config)
        .env("SSL_CERT_FILE", lab.path("ca.pem").to_str().unwrap())
        .go()
        .expect_code(0);
    // `ca_file` is added to them, PEM or DER.
    forms::cert_der(&lab, "ca.pem");
    for ca_file in ["ca.pem", "ca.pem.der"] {
        Run::check(&lab, &format!("{config}ca_file = {ca_file}\n"))
            .go()
            .expect_code(0);
    }
}

/// One root that cannot be parsed does not spoil the others.
#[test]
fn skipping_a_system_root_is_a_warning() {
    let (lab, root) = trusting_lab();
    let server = root.server(&["localhost"]).issue().write(&lab, "server");
    let broker = mosquitto(&lab).tls(&server).start();
    let damaged = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
    lab.write(SYSTEM_ROOTS, root.pem() + damaged);
    let config = format!("host = localhost\nport = {}\ntimeout = 10s\n", broker.port);
    provoke(&lab, config)
        .variant("warning.roots-skipped")
        .passes()
        .warns("roots-skipped");
}

#[test]
fn at_an_address_with_a_server_name() {
    let (lab, root) = trusting_lab();
    let server = root.server(&["broker.example"]).issue();
    let broker = Rogue::Obedient.start_tls(&lab, server.server_config());
    let more = "host = 127.0.0.1\nserver_name = broker.example\n";
    let found = provoke(&lab, tls_config(broker.port, more)).passes();
    found.warns("sni-not-sent");
    assert!(
        broker.server_names().iter().all(Option::is_none),
        "RFC 6066 §3: no address in SNI"
    );
}

#[test]
fn leaving_sni_out() {
    let (lab, root) = trusting_lab();
    let broker =
        Rogue::Obedient.start_tls(&lab, root.server(&["localhost"]).issue().server_config());
    provoke(&lab, tls_config(broker.port, "sni = off\n")).passes();
    assert!(broker.server_names().iter().all(Option::is_none));
}

/// A check of the obedient rogue with these settings: what it passes on, and what was sent.
#[track_caller]
fn observe(more: &str) -> (Provoked, RogueServer) {
    let lab = Lab::new();
    let broker = Rogue::Obedient.start(&lab);
    let found = provoke(&lab, plain_config(broker.port, more)).passes();
    (found, broker)
}

#[test]
fn the_connect_packet_says_what_was_configured() {
    let (_, broker) = observe(
        "client_id = sensor-7\nusername = ann\npassword = s3cret-word\nkeep_alive = 30s\n\
         clean_session = off\nwill_topic = gone\nwill_message = so long\nwill_qos = 1\n\
         will_retain = on\n",
    );
    for connect in broker.connects() {
        assert_eq!(
            (connect.level, connect.keep_alive, connect.clean_session),
            (4, 30, false)
        );
        assert_eq!(connect.client_id, "sensor-7");
        assert_eq!(connect.username.as_deref(), Some("ann"));
        assert_eq!(connect.password.as_deref(), Some(&b"s3cret-word"[..]));
        let will = Publish {
            topic: "gone".into(),
            payload: b"so long".into(),
            qos: 1,
            retain: true,
            ..Publish::default()
        };
        assert_eq!(connect.will, Some(will));
    }
}

#[test]
fn nothing_is_sent_that_was_not_configured() {
    let (_, broker) = observe("");
    let connects = broker.connects();
    assert_eq!(connects.len(), 2, "one for each of two checks");
    for connect in connects {
        assert_eq!(
            (connect.level, connect.keep_alive, connect.clean_session),
            (4, 60, true)
        );
        let digits = connect.client_id.strip_prefix("mqtt-test-").unwrap();
        assert!(
            digits.len() == 8 && digits.chars().all(|c| c.is_ascii_hexdigit()),
            "{digits}"
        );
        assert_eq!(
            (connect.will, connect.username, connect.password),
            (None, None, None)
        );
    }
}

/// Waits for the end of the connection on which `found` was seen.
#[track_caller]
fn end_of(broker: &RogueServer, found: impl Fn(&Event) -> bool) -> What {
    broker.wait_for(|diary| {
        let connection = diary.iter().find(|event| found(event))?.connection;
        let end = |event: &&Event| event.connection == connection && event.is_end();
        Some(diary.iter().find(end)?.what.clone())
    })
}

#[test]
fn the_goodbye_is_complete() {
    let lab = Lab::new();
    let broker = Rogue::Obedient.start(&lab);
    Run::check(&lab, &plain_config(broker.port, ""))
        .go()
        .expect_code(0);
    let end = end_of(&broker, |event| {
        event.is(|packet| *packet == Packet::Disconnect)
    });
    assert_eq!(end, What::Closed, "and no reset");
    let words: Vec<&str> = broker
        .packets()
        .iter()
        .map(|packet| match packet {
            Packet::Connect(_) => "CONNECT",
            Packet::Subscribe { .. } => "SUBSCRIBE",
            Packet::Publish(_) => "PUBLISH",
            Packet::Unsubscribe { .. } => "UNSUBSCRIBE",
            Packet::Disconnect => "DISCONNECT",
            _ => "?",
        })
        .collect();
    assert_eq!(
        words,
        [
            "CONNECT",
            "SUBSCRIBE",
            "PUBLISH",
            "UNSUBSCRIBE",
            "DISCONNECT"
        ]
    );
}

/// The first connection looks at the handshake alone, and closes with close_notify (RFC 8446
/// §6.1).
#[test]
fn the_look_at_the_handshake_ends_in_order() {
    let (lab, root) = trusting_lab();
    let broker =
        Rogue::Obedient.start_tls(&lab, root.server(&["localhost"]).issue().server_config());
    Run::check(&lab, &tls_config(broker.port, ""))
        .go()
        .expect_code(0);
    assert_eq!(end_of(&broker, |event| event.connection == 0), What::Closed);
    let on_the_first = |event: &Event| event.connection == 0 && event.is(|_| true);
    assert!(
        !broker.events().iter().any(on_the_first),
        "{:#?}",
        broker.events()
    );
}

/// Whatever is on standard input is not for a check.
#[test]
fn standard_input_is_left_alone() {
    let lab = Lab::new();
    let broker = mosquitto(&lab).start();
    let mut running = Run::check(&lab, &plain_config(broker.port, "")).start();
    running.write(b"host = other.example\n");
    running.finish().expect_code(0);
}

#[test]
fn every_qos_makes_the_round_trip() {
    for qos in [0, 1, 2] {
        let (found, broker) = observe(&format!("qos = {qos}\ntopic = rooms/{{client_id}}/t\n"));
        found.warns_of_nothing();
        for packet in broker.packets() {
            match packet {
                Packet::Publish(message) => {
                    assert_eq!(message.qos, qos);
                    assert!(
                        message.topic.starts_with("rooms/mqtt-test-"),
                        "{}",
                        message.topic
                    );
                }
                Packet::Subscribe { filters, .. } => assert_eq!(filters[0].1, qos),
                _ => {}
            }
        }
        let released = broker
            .events()
            .iter()
            .any(|event| event.is(|packet| matches!(packet, Packet::Ack { kind: PUBREL, .. })));
        assert_eq!(released, qos == 2);

        let lab = Lab::new();
        let broker = mosquitto(&lab).start();
        provoke(&lab, plain_config(broker.port, &format!("qos = {qos}\n"))).passes();
    }
}

/// A retained message on the topic, from an earlier run or from others, is not taken for ours.
#[test]
fn retained_messages_do_not_deceive() {
    let lab = Lab::new();
    let broker = mosquitto(&lab).start();
    let config = plain_config(broker.port, "topic = kept\nretain = on\nmessage = hello\n");
    provoke(&lab, config.clone()).passes();
    provoke(&lab, config).passes();
    let acl = mosquitto(&lab).acl("topic read kept\n").start();
    provoke(&lab, plain_config(acl.port, "topic = kept\ntimeout = 1s\n"))
        .variant("retained")
        .fails("receive-timeout");
}

#[test]
fn a_message_of_the_users_own_is_sent_as_it_is() {
    let (found, broker) = observe("message = 21.5 °C # not a comment\n");
    let sent = "21.5 °C # not a comment".as_bytes();
    let publishes = |packet: &Packet| matches!(packet, Packet::Publish(p) if p.payload == sent);
    assert!(
        broker.packets().iter().any(publishes),
        "{:?}",
        broker.packets()
    );
    found.says(&[&format!("{} bytes", sent.len())]);
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

/// Two authorities in one `ca_file`, and a check that begins while the broker is being restarted.
#[test]
fn a_bundle_and_a_restart() {
    let (lab, root) = trusting_lab();
    lab.write("ca.pem", Authority::root("Other Root").pem() + &root.pem());
    let server = root.server(&["localhost"]).issue().write(&lab, "server");
    let mut broker = mosquitto(&lab).tls(&server).start();
    let config = tls_config(broker.port, "");
    provoke(&lab, config.clone()).passes();
    broker.stop();
    Run::check(&lab, &config).go().expect_code(4);
    broker.restart();
    provoke(&lab, config).passes();
}
