//! The harness holds its own promises: its servers serve other clients (`mosquitto_pub`,
//! `mosquitto_sub`, `openssl s_client`), its rogues misbehave as named, its comparisons compare. A
//! failure here means: mend the harness before believing the tests.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use crate::blackhole::blackhole;
use crate::certs::{Authority, Leaf};
use crate::certs_openssl as forms;
use crate::codec::{Connect, Packet, Publish};
use crate::haproxy::{alpn_terminator, sni_router};
use crate::lab::Lab;
use crate::mosquitto::mosquitto;
use crate::namespace::Namespace;
use crate::openssl::s_server;
use crate::rogue::Rogue;
use crate::rogue_server::What;

/// `mosquitto_sub` and `mosquitto_pub` in one: publishes to a retained topic, and reads it back.
fn round_trip(lab: &Lab, port: u16, args: &[&str]) -> Output {
    let port = port.to_string();
    let client = |program: &str, more: &[&str]| {
        Command::new(program)
            .args(["-h", "localhost", "-p", &port, "-t", "t", "-i", "probe"])
            .args(args)
            .args(more)
            .current_dir(lab.dir())
            .output()
            .unwrap()
    };
    let published = client("mosquitto_pub", &["-q", "1", "-r", "-m", "hello"]);
    if !published.status.success() {
        return published;
    }
    client("mosquitto_sub", &["-C", "1", "-W", "20"])
}

#[track_caller]
fn assert_hello(output: &Output) {
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(
        text,
        "hello\n",
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[track_caller]
fn s_client(lab: &Lab, port: u16, args: &[&str]) -> String {
    let output = Command::new("openssl")
        .args(["s_client", "-connect", &format!("127.0.0.1:{port}")])
        .args(args)
        .current_dir(lab.dir())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    String::from_utf8_lossy(&text).into_owned()
}

#[test]
fn mosquitto_serves_over_tls_with_users_and_restarts() {
    let lab = Lab::new();
    let root = Authority::root("Test Root");
    lab.write("ca.pem", root.pem());
    let chain = root.intermediate("Test Intermediate");
    let server = chain.server(&["localhost"]).issue().write(&lab, "server");
    let mut broker = mosquitto(&lab)
        .tls(&server)
        .user("ann", "s3cret-word")
        .start();
    let tls = ["--cafile", "ca.pem", "-u", "ann", "-P", "s3cret-word"];
    assert_hello(&round_trip(&lab, broker.port, &tls));
    broker.wait_for_log("Received DISCONNECT from probe");
    broker.restart();
    assert_hello(&round_trip(&lab, broker.port, &tls));
    let refused = round_trip(&lab, broker.port, &["--cafile", "ca.pem"]);
    assert_eq!(refused.status.code(), Some(5), "{refused:?}");
    broker.stop();
    assert!(TcpStream::connect((Ipv4Addr::LOCALHOST, broker.port)).is_err());
}

#[test]
fn mosquitto_demands_client_certificates_in_every_form() {
    let lab = Lab::new();
    let root = Authority::root("Test Root");
    lab.write("ca.pem", root.pem());
    let server = root.server(&["localhost"]).issue().write(&lab, "server");
    let broker = mosquitto(&lab)
        .tls(&server)
        .client_certificates("ca.pem")
        .start();
    let rsa = forms::rsa_key(&lab);
    let good = root.client("ann").with_key(&rsa).issue().write(&lab, "ann");
    let traditional = forms::traditional_key(&lab, &good.key);
    assert!(forms::openssl(&lab, &["rsa", "-in", &traditional, "-check"]).contains("RSA key ok"));
    for key in [&good.key, &traditional] {
        let args = ["--cafile", "ca.pem", "--cert", &good.cert, "--key", key];
        assert_hello(&round_trip(&lab, broker.port, &args));
    }
    let other = Authority::root("Other Root")
        .client("eve")
        .issue()
        .write(&lab, "eve");
    let args = [
        "--cafile",
        "ca.pem",
        "--cert",
        &other.cert,
        "--key",
        &other.key,
    ];
    assert!(!round_trip(&lab, broker.port, &args).status.success());
    assert!(
        !round_trip(&lab, broker.port, &["--cafile", "ca.pem"])
            .status
            .success()
    );
}

/// What a file of each form begins with.
#[test]
fn keys_and_certificates_take_every_form() {
    let lab = Lab::new();
    let root = Authority::root("Test Root");
    let files = root.server(&["localhost"]).issue().write(&lab, "server");
    let head = |name: String| {
        let bytes = std::fs::read(lab.path(&name)).unwrap();
        String::from_utf8_lossy(&bytes[..bytes.len().min(60)]).into_owned()
    };
    let key = &files.key;
    assert!(head(key.clone()).starts_with("-----BEGIN PRIVATE KEY"));
    assert!(head(forms::traditional_key(&lab, key)).starts_with("-----BEGIN EC PRIVATE KEY"));
    assert!(head(forms::encrypted_key(&lab, key)).starts_with("-----BEGIN ENCRYPTED PRIVATE"));
    assert!(head(forms::encrypted_traditional_key(&lab, key)).contains("Proc-Type: 4,ENCRYPTED"));
    for der in [
        forms::key_der(&lab, key),
        forms::traditional_key_der(&lab, key),
        forms::cert_der(&lab, &files.cert),
    ] {
        assert!(
            head(der).starts_with('0'),
            "a DER sequence begins with 0x30"
        );
    }
    assert_eq!(forms::fingerprint(&lab, &files.cert).len(), 95);
    let v1 = forms::version_1_certificate(&lab, &root, "localhost");
    assert!(head(v1.cert).starts_with("-----BEGIN CERTIFICATE"));
}

/// What `openssl` says of certificates with a fault each.
#[test]
fn certificates_have_the_fault_they_are_named_for() {
    let lab = Lab::new();
    let root = Authority::root("Test Root");
    lab.write("ca.pem", root.pem());
    let verify = |leaf: Leaf<'_>| {
        let files = leaf.issue().write(&lab, "leaf");
        let output = Command::new("openssl")
            .args([
                "verify",
                "-CAfile",
                "ca.pem",
                "-verify_hostname",
                "localhost",
                &files.cert,
            ])
            .current_dir(lab.dir())
            .output()
            .unwrap();
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
    };
    let text = |leaf: Leaf<'_>| {
        leaf.issue().write(&lab, "leaf");
        forms::openssl(&lab, &["x509", "-in", "leaf.pem", "-noout", "-text"])
    };
    let local = || root.server(&["localhost"]);
    assert!(verify(local()).contains("leaf.pem: OK"));
    assert!(verify(local().expired()).contains("certificate has expired"));
    assert!(verify(local().not_yet_valid()).contains("certificate is not yet valid"));
    assert!(verify(root.server(&["other.example"])).contains("hostname mismatch"));
    assert!(verify(Leaf::self_signed(&["localhost"])).contains("self-signed certificate"));
    assert!(text(local().ca_true()).contains("CA:TRUE"));
    assert!(text(local().with_aia()).contains("CA Issuers - URI:http://ca.example/"));
    assert!(!text(local().without_san()).contains("Alternative Name"));
    assert!(
        text(root.server(&["127.0.0.1", "::1"])).contains("IP Address:127.0.0.1, IP Address:0")
    );
}

#[test]
fn haproxy_routes_by_server_name_and_demands_alpn() {
    let lab = Lab::new();
    let root = Authority::root("Test Root");
    lab.write("ca.pem", root.pem());
    let server = root
        .server(&["localhost", "127.0.0.1"])
        .issue()
        .write(&lab, "server");
    let tls = mosquitto(&lab).tls(&server).start();
    let router = sni_router(&lab, "localhost", tls.port);
    assert_hello(&round_trip(&lab, router.port, &["--cafile", "ca.pem"]));
    for args in [&["-noservername"][..], &["-servername", "other.example"]] {
        let refused = s_client(&lab, router.port, args);
        assert!(
            refused.contains("no peer certificate available"),
            "{refused}"
        );
    }

    let plain = mosquitto(&lab).start();
    let gate = alpn_terminator(&lab, &server, "mqtt", plain.port);
    let with = ["--cafile", "ca.pem", "--tls-alpn", "mqtt"];
    assert_hello(&round_trip(&lab, gate.port, &with));
    let without = round_trip(&lab, gate.port, &["--cafile", "ca.pem"]);
    assert!(!without.status.success(), "{without:?}");
}

#[test]
fn s_server_speaks_old_tls_when_told_to() {
    let lab = Lab::new();
    let server = Leaf::self_signed(&["localhost"])
        .issue()
        .write(&lab, "server");
    let old = s_server(&lab, &server, &["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"]);
    let found = s_client(&lab, old.port, &["-cipher", "ALL:@SECLEVEL=0"]);
    assert!(found.contains("Protocol  : TLSv1.1"), "{found}");
    let refused = s_client(&lab, old.port, &["-tls1_3"]);
    assert!(refused.contains("alert protocol version"), "{refused}");
    old.wait_for_log("ERROR");
    assert!(old.log().contains("unsupported protocol"), "{}", old.log());
}

#[test]
fn an_obedient_rogue_serves_mosquitto_clients_and_keeps_a_diary() {
    let lab = Lab::new();
    let root = Authority::root("Test Root");
    lab.write("ca.pem", root.pem());
    let config = root.server(&["localhost"]).issue().server_config();
    for rogue in [
        Rogue::Obedient,
        Rogue::OneByteAtATime,
        Rogue::Slow(Duration::from_millis(30)),
    ] {
        let broker = rogue.start_tls(&lab, config.clone());
        let port = broker.port.to_string();
        let output = Command::new("mosquitto_rr")
            .args(["-h", "localhost", "-p", &port, "--cafile", "ca.pem"])
            .args(["-i", "probe", "-u", "ann", "-P", "word", "-q", "2"])
            .args(["--will-topic", "gone", "--will-payload", "so long"])
            .args(["-t", "t", "-e", "t", "-m", "hello", "-W", "20"])
            .current_dir(lab.dir())
            .output()
            .unwrap();
        assert_hello(&output);
        assert_eq!(broker.server_names(), [Some("localhost".to_owned())]);
        // mosquitto_rr speaks MQTT 5, which exercises the properties.
        let connect = Connect {
            level: 5,
            clean_session: true,
            keep_alive: 60,
            client_id: "probe".into(),
            will: Some(Publish {
                topic: "gone".into(),
                payload: b"so long".into(),
                ..Publish::default()
            }),
            username: Some("ann".into()),
            password: Some(b"word".into()),
        };
        assert_eq!(broker.connects(), [connect]);
        // mosquitto_rr leaves without a word; mosquitto_pub says goodbye.
        let output = Command::new("mosquitto_pub")
            .args(["-h", "localhost", "-p", &port, "--cafile", "ca.pem"])
            .args(["-t", "t", "-q", "2", "-m", "hello"])
            .current_dir(lab.dir())
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        broker.wait_for_event(&What::Packet(Packet::Disconnect));
        broker.wait_for_event(&What::Closed);
    }
}

/// What a client without any protocol of its own meets: the bytes, and how it ends.
#[track_caller]
fn check_raw(rogue: Rogue, sent: &[u8], expected: Result<&[u8], ErrorKind>) {
    let lab = Lab::new();
    let server = rogue.start(&lab);
    let mut socket = TcpStream::connect((Ipv4Addr::LOCALHOST, server.port)).unwrap();
    // A reset may have come already.
    let _ = socket.write_all(sent);
    let mut found = Vec::new();
    let end = socket.read_to_end(&mut found).map_err(|e| e.kind());
    assert_eq!(end.map(|_| found.as_slice()), expected);
}

#[test]
fn rogues_misbehave_as_named() {
    let connect = [
        0x10, 13, 0, 4, b'M', b'Q', b'T', b'T', 4, 2, 0, 60, 0, 1, b'a',
    ];
    check_raw(Rogue::ClosesAtOnce, b"", Ok(b""));
    check_raw(Rogue::ResetsAtOnce, b"", Err(ErrorKind::ConnectionReset));
    check_raw(Rogue::ClosesAtFirstBytes, &connect, Ok(b""));
    check_raw(
        Rogue::ResetsAtFirstBytes,
        &connect,
        Err(ErrorKind::ConnectionReset),
    );
    check_raw(
        Rogue::TlsAlert(112),
        &connect,
        Ok(&[21, 3, 3, 0, 2, 2, 112]),
    );
    check_raw(Rogue::RefusesConnect(5), &connect, Ok(&[0x20, 2, 0, 5]));
    check_raw(
        Rogue::RefusesInFormOf5(0x84),
        &connect,
        Ok(&[0x20, 3, 0, 0x84, 0]),
    );
    check_raw(
        Rogue::TakenOver(Duration::ZERO),
        &connect,
        Ok(&[0x20, 2, 0, 0]),
    );
}

#[test]
fn a_black_hole_does_not_answer_and_a_closed_port_refuses() {
    let lab = Lab::new();
    let hole = blackhole(&lab);
    let connect = |port| {
        let address = (Ipv4Addr::LOCALHOST, port).into();
        TcpStream::connect_timeout(&address, Duration::from_millis(300)).map_err(|e| e.kind())
    };
    assert_eq!(connect(hole.port).err(), Some(ErrorKind::TimedOut));
    assert_eq!(
        connect(lab.port()).err(),
        Some(ErrorKind::ConnectionRefused)
    );
}

/// `getent` is the system's own resolver, as the program uses it.
#[test]
fn namespaces_change_names_and_networks() {
    let lab = Lab::new();
    let getent = |namespace: Namespace, name: &str| {
        let output = namespace
            .command(&lab, "getent")
            .args(["ahostsv4", name])
            .current_dir(lab.dir())
            .output()
            .unwrap();
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(
            error, "",
            "namespaces need unshare, ip, and users who may make them"
        );
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let hosts = Namespace::Hosts("127.0.0.9 broker.test\n");
    assert!(getent(hosts, "broker.test").starts_with("127.0.0.9 "));
    assert_eq!(getent(Namespace::NoNetwork, "broker.test"), "");
    assert_eq!(getent(Namespace::NoSuchName, "broker.test"), "");
    assert!(lab.path("name-server-is-ready").exists());
}
