//! The whole check: every way of getting in that is promised, against mosquitto, HAProxy
//! in front of it, and a rogue that behaves, which tells what it was sent.

use crate::certs::{Authority, Leaf};
use crate::certs_openssl as forms;
use crate::golden;
use crate::haproxy::{alpn_terminator, sni_router};
use crate::lab::{Lab, SYSTEM_ROOTS};
use crate::mosquitto::mosquitto;
use crate::provoke::{plain_config, provoke, tls_config, trusting_lab};
use crate::rogue::Rogue;
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
    .variant("check.tls-1.3")
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
        .variant("check.tls-1.2")
        .passes();
    found.says(&["TLS 1.2"]);
}

#[test]
fn without_tls() {
    let lab = Lab::new();
    let broker = mosquitto(&lab).start();
    let found = provoke(&lab, plain_config(broker.port, ""))
        .variant("check.plain")
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
        .variant("check.alpn")
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
        .variant("check.pin")
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
    provoke(&lab, config.clone())
        .variant("warning.roots-skipped")
        .passes()
        .warns("roots-skipped");
    provoke(&lab, config).streams_warn("roots-skipped");
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

/// A user who may do one of the two proves that one. Azure IoT Hub and ThingsBoard send no client its
/// own messages.
#[test]
fn as_far_as_check_says() {
    let lab = Lab::new();
    let broker = mosquitto(&lab)
        .acl("topic write out/#\ntopic read in/#\n")
        .start();
    for (scope, variant, topic, left_out) in [
        (
            "publish",
            "check.publish",
            "out/7",
            &["subscribe", "receive"][..],
        ),
        (
            "subscribe",
            "check.subscribe",
            "in/+",
            &["publish", "receive"],
        ),
        (
            "connect",
            "check.connect",
            "in/#",
            &["subscribe", "publish", "receive"],
        ),
    ] {
        let more = format!("check = {scope}\ntopic = {topic}\nclient_id = {scope}\n");
        let found = provoke(&lab, plain_config(broker.port, &more))
            .variant(variant)
            .passes();
        found.warns_of_nothing();
        for stage in ["connect", "subscribe", "publish", "receive"] {
            let status = if left_out.contains(&stage) {
                "off"
            } else {
                "ok"
            };
            assert_eq!(found.stage(stage)["status"], status, "{stage}");
        }
        let received = |packet: &str| {
            let line = format!("Received {packet} from {scope}");
            broker.log().contains(&line)
        };
        broker.wait_for_log(&format!("Received DISCONNECT from {scope}"));
        assert_eq!(received("SUBSCRIBE"), scope == "subscribe");
        assert_eq!(received("UNSUBSCRIBE"), scope == "subscribe");
        assert_eq!(received("PUBLISH"), scope == "publish");
    }
    let more = "check = publish\ntopic = out/7\nqos = 0\nretain = on\n";
    provoke(&lab, plain_config(broker.port, more))
        .variant("check.publish.qos-0")
        .passes();
}

/// What is left out is `off` also behind a failure.
#[test]
fn a_failure_of_less_than_the_whole_check() {
    let lab = Lab::new();
    for (variant, more, code, statuses) in [
        (
            "alone",
            "check = publish\n",
            "publish-closed",
            ["off", "failed", "off"],
        ),
        (
            "alone-qos-0",
            "check = publish\nqos = 0\n",
            "publish-closed",
            ["off", "failed", "off"],
        ),
        (
            "alone",
            "check = subscribe\ntopic = in/#\n",
            "subscribe-denied",
            ["failed", "off", "off"],
        ),
    ] {
        let rogue = match code {
            "publish-closed" => Rogue::ClosesAtPublish,
            _ => Rogue::DeniesSubscribe,
        };
        let broker = rogue.start(&lab);
        let found = provoke(&lab, plain_config(broker.port, more))
            .variant(variant)
            .fails(code);
        for (stage, status) in ["subscribe", "publish", "receive"].iter().zip(statuses) {
            assert_eq!(found.stage(stage)["status"], status, "{stage}");
        }
    }
    let closed = lab.port();
    let found = provoke(&lab, plain_config(closed, "check = publish\n"))
        .variant("alone")
        .fails("tcp-refused");
    assert_eq!(found.stage("connect")["status"], "skipped");
    assert_eq!(found.stage("publish")["status"], "skipped");
    assert_eq!(found.stage("receive")["status"], "off");
}

/// `check` is the check's alone: the same file serves `sub`, with its filter, and what `pub` publishes
/// to is a topic.
#[test]
fn pub_and_sub_take_no_notice_of_check() {
    let lab = Lab::new();
    let broker = mosquitto(&lab).start();
    let config = plain_config(broker.port, "check = connect\ntopic = a/b\n");
    let publish = ["-m", "hello", "-r"];
    Run::stream(&lab, "pub", &config, &publish)
        .go()
        .expect_code(0);
    let config = plain_config(broker.port, "check = subscribe\ntopic = a/#\n");
    let outcome = Run::stream(&lab, "sub", &config, &["-C", "1"]).go();
    outcome.expect_code(0);
    assert!(outcome.stdout.contains("hello"), "{outcome}");
    let outcome = Run::stream(&lab, "pub", &config, &publish).go();
    outcome.expect_code(2);
    golden::check("config-invalid.check.pub", &lab, &outcome);
}
