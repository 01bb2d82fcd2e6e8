//! The stage tls: every code that a peer can provoke other than by its certificate (those are in
//! `t_certificate`), with the evidence that its words must hold.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

use rustls::StreamOwned;
use serde_json::json;

use crate::certs::{Authority, Leaf};
use crate::certs_openssl as forms;
use crate::haproxy::{alpn_terminator, sni_router, terminator_by_name};
use crate::hostile::{Hostile, hostile, hostile_tls};
use crate::lab::Lab;
use crate::mosquitto::{mosquitto, with_certificate};
use crate::namespace::Namespace;
use crate::openssl::s_server;
use crate::provoke::{BRIEF, Provoked, plain_config, provoke, tls_config, trusting_lab};
use crate::rogue::Rogue;

const SOON: Duration = Duration::from_secs(4);

/// Provokes `code` with a peer that answers the ClientHello in its own way.
#[track_caller]
fn check_rogue(code: &str, variant: &str, rogue: Rogue, more: &str) -> Provoked {
    let (lab, _) = trusting_lab();
    let server = rogue.start(&lab);
    let found = provoke(&lab, tls_config(server.port, more))
        .variant(variant)
        .limit(SOON)
        .fails(code);
    let name = Some("localhost".to_owned());
    let hello = server.server_names().first().cloned();
    assert_eq!(
        hello.unwrap_or_else(|| name.clone()),
        name,
        "the SNI that was seen"
    );
    found
}

#[test]
fn tls_not_tls() {
    check_rogue("tls-not-tls", "http", Rogue::SpeaksHttp, "").says(&["HTTP"]);
    check_rogue("tls-not-tls", "ssh", Rogue::SpeaksSsh, "").says(&["SSH-2.0"]);
    check_rogue("tls-not-tls", "garbage", Rogue::SpeaksGarbage, "");
    check_rogue("tls-not-tls", "endless", Rogue::EndlessBytes, "");
}

/// mosquitto without TLS says nothing to a ClientHello; the program finds out by one more look.
#[test]
fn tls_not_tls_when_the_broker_speaks_plain_mqtt() {
    let (lab, _) = trusting_lab();
    let broker = mosquitto(&lab).start();
    provoke(&lab, tls_config(broker.port, ""))
        .variant("plain-mqtt")
        .fails("tls-not-tls");
}

/// TLS is missing on the very port that is usual for it: no other one is advised.
#[test]
fn tls_not_tls_on_the_usual_port() {
    let (lab, _) = trusting_lab();
    let found = provoke(&lab, tls_config(8883, "host = 192.0.2.1\n"))
        .variant("port-8883")
        .within(Namespace::RemoteBroker)
        .fails("tls-not-tls");
    found.says(&["certfile", "listener 8883"]);
}

#[test]
fn tls_closed() {
    check_rogue("tls-closed", "closed", Rogue::ClosesAtFirstBytes, "").says(&["localhost"]);
    check_rogue("tls-closed", "reset", Rogue::ResetsAtFirstBytes, "").says(&["localhost"]);
}

#[test]
fn tls_closed_by_a_proxy_that_does_not_know_the_name() {
    let (lab, root) = trusting_lab();
    let broker = with_certificate(&lab, root.server(&["localhost"]));
    let router = sni_router(&lab, "other.example", broker.port);
    let found = provoke(&lab, tls_config(router.port, ""))
        .variant("proxy")
        .fails("tls-closed");
    assert_eq!(found.stage("tls")["sni"], "localhost");
}

#[test]
fn tls_timeout() {
    check_rogue("tls-timeout", "silent", Rogue::Silent, BRIEF).says(&["1 s"]);
}

#[test]
fn tls_version() {
    let (lab, root) = trusting_lab();
    let server = root.server(&["localhost"]).issue().write(&lab, "server");
    let old = s_server(&lab, &server, &["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"]);
    provoke(&lab, tls_config(old.port, ""))
        .fails("tls-version")
        .says(&["1.2"]);
}

/// What a device meets that speaks one version alone.
#[test]
fn tls_version_of_the_users_choice() {
    let (lab, root) = trusting_lab();
    let server = root.server(&["localhost"]).issue().write(&lab, "server");
    let both = mosquitto(&lab).tls(&server).start();
    for version in ["1.2", "1.3"] {
        let more = format!("tls_version = {version}\n");
        let found = provoke(&lab, tls_config(both.port, &more)).passes();
        assert_eq!(found.stage("tls")["version"], format!("TLS {version}"));
    }
    let old = mosquitto(&lab).tls(&server).tls_1_2_alone().start();
    provoke(&lab, tls_config(old.port, "tls_version = 1.3\n"))
        .variant("only-1-3")
        .fails("tls-version")
        .says(&["offered: TLS 1.3 alone", "leave `tls_version` out"]);
    let new = mosquitto(&lab).tls(&server).line("tls_version tlsv1.3");
    let new = new.start();
    provoke(&lab, tls_config(new.port, "tls_version = 1.2\n"))
        .variant("only-1-2")
        .fails("tls-version")
        .says(&["offered: TLS 1.2 alone"]);
}

#[test]
fn tls_no_common_cipher() {
    let (lab, root) = trusting_lab();
    let rsa = forms::rsa_key(&lab);
    let server = root
        .server(&["localhost"])
        .with_key(&rsa)
        .issue()
        .write(&lab, "server");
    // Key exchange by RSA, which no client on rustls offers.
    let old = s_server(&lab, &server, &["-tls1_2", "-cipher", "AES128-SHA"]);
    provoke(&lab, tls_config(old.port, "")).fails("tls-no-common-cipher");
}

/// The server has a cipher in common with us, but no key that we can verify.
#[test]
fn tls_no_common_cipher_for_the_key() {
    let (lab, _) = trusting_lab();
    let server = forms::p521_certificate(&lab, "localhost");
    let odd = s_server(&lab, &server, &[]);
    let found = provoke(&lab, tls_config(odd.port, ""))
        .variant("p-521")
        .fails("tls-no-common-cipher");
    found.says(&["P-521", "X25519", "AES-256-GCM", "Ed25519"]);
}

/// A cipher of the one kind of key, and a key of the other: both sides know the cipher.
#[test]
fn tls_no_common_cipher_for_a_cipher_of_another_key() {
    let (lab, root) = trusting_lab();
    let server = root.server(&["localhost"]).issue().write(&lab, "server");
    let cipher = ["-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256"];
    let odd = s_server(&lab, &server, &cipher);
    provoke(&lab, tls_config(odd.port, ""))
        .variant("key")
        .fails("tls-no-common-cipher")
        .says(&["`ECDHE-RSA-…` needs an RSA key"]);
}

#[test]
fn tls_unrecognised_name() {
    let (lab, root) = trusting_lab();
    let server = root.server(&["localhost"]).issue().write(&lab, "server");
    let strict = s_server(
        &lab,
        &server,
        &[
            "-servername",
            "other.example",
            "-servername_fatal",
            "-cert2",
            &server.cert,
            "-key2",
            &server.key,
        ],
    );
    let found = provoke(&lab, tls_config(strict.port, "")).fails("tls-unrecognised-name");
    found.says(&["localhost"]);
}

#[test]
fn tls_no_sni() {
    let (lab, root) = trusting_lab();
    let broker = with_certificate(&lab, root.server(&["localhost", "127.0.0.1"]));
    let router = sni_router(&lab, "localhost", broker.port);
    let found = provoke(&lab, tls_config(router.port, "sni = off\n")).fails("tls-no-sni");
    found.says(&["sni"]);
    let found = provoke(&lab, tls_config(router.port, "host = 127.0.0.1\n"))
        .variant("address")
        .fails("tls-no-sni");
    assert_eq!(found.stage("tls")["sni"], json!(null));
}

/// Without SNI, these alerts may say the same as a close (unrecognized_name, handshake_failure,
/// internal_error). What a name changes is seen by one more handshake.
#[test]
fn tls_no_sni_by_alert() {
    let (lab, root) = trusting_lab();
    let broker = with_certificate(&lab, root.server(&["localhost"]));
    for (variant, alert) in [("alert-112", 112), ("alert-40", 40), ("alert-80", 80)] {
        let router = alert_without_name(&lab, alert, broker.port);
        provoke(&lab, tls_config(router.port, "sni = off\n"))
            .variant(variant)
            .limit(SOON)
            .fails("tls-no-sni");
    }
}

/// Passes TLS for `localhost` on to `broker`, and answers everything else with this alert.
fn alert_without_name(lab: &Lab, alert: u8, broker: u16) -> Hostile {
    hostile(lab, move |mut client| {
        let mut hello = [0; 16 * 1024];
        let count = client.read(&mut hello)?;
        if !hello[..count].windows(9).any(|it| it == b"localhost") {
            return client.write_all(&[21, 3, 3, 0, 2, 2, alert]);
        }
        let mut server = TcpStream::connect((Ipv4Addr::LOCALHOST, broker))?;
        server.write_all(&hello[..count])?;
        let (mut from, mut to) = (client.try_clone()?, server.try_clone()?);
        std::thread::spawn(move || io::copy(&mut from, &mut to));
        io::copy(&mut server, &mut client).map(drop)
    })
}

/// With a name it ends in the same way: the name is not the cause.
#[test]
fn what_ends_alike_with_a_name_is_not_laid_to_sni() {
    for (code, variant, alert) in [
        ("tls-no-common-cipher", "sni-off", 40),
        ("tls-alert", "sni-off", 80),
    ] {
        let (lab, _) = trusting_lab();
        let server = Rogue::TlsAlert(alert).start(&lab);
        provoke(&lab, tls_config(server.port, "sni = off\n"))
            .variant(variant)
            .limit(SOON)
            .fails(code)
            .says(&["the same happened once more, with the server name `localhost`"]);
        assert_eq!(
            server.server_names()[..2],
            [None, Some("localhost".to_owned())]
        );
    }
    let (lab, root) = trusting_lab();
    let broker = with_certificate(&lab, root.server(&["localhost"]));
    let router = sni_router(&lab, "other.example", broker.port);
    provoke(&lab, tls_config(router.port, "sni = off\n"))
        .variant("sni-off")
        .fails("tls-closed");
}

/// By its address a server has no name to be tried.
#[test]
fn tls_no_common_cipher_at_an_address() {
    let (lab, _) = trusting_lab();
    let server = forms::p521_certificate(&lab, "localhost");
    let odd = s_server(&lab, &server, &[]);
    provoke(&lab, tls_config(odd.port, "host = 127.0.0.1\n"))
        .variant("address")
        .fails("tls-no-common-cipher")
        .says(&["P-521", "`/etc/hosts`", "`127.0.0.1 broker.example.com`"]);
}

/// A reverse proxy shows its own certificate to a client that sends no name.
#[test]
fn a_default_certificate_is_shown_without_sni() {
    let (lab, root) = trusting_lab();
    let own = root.server(&["localhost", "broker.example"]).issue();
    let own = own.write(&lab, "own");
    let default = Leaf::self_signed(&["proxy.example"]).issue();
    let default = default.write(&lab, "default");
    let broker = mosquitto(&lab).start();
    let proxy = terminator_by_name(&lab, &default, &own, broker.port);
    provoke(&lab, tls_config(proxy.port, "")).passes();
    provoke(&lab, tls_config(proxy.port, "sni = off\n"))
        .variant("sni-off")
        .fails("tls-self-signed")
        .says(&["default certificate", "remove `sni = off`"]);
    let more = "host = 127.0.0.1\nserver_name = broker.example\n";
    provoke(&lab, tls_config(proxy.port, more))
        .variant("address")
        .fails("tls-self-signed")
        .says(&["`127.0.0.1 broker.example`"]);
}

#[test]
fn tls_alpn() {
    let (lab, root) = trusting_lab();
    let server = root.server(&["localhost"]).issue().write(&lab, "server");
    let strict = s_server(&lab, &server, &["-alpn", "mqtt"]);
    let found = provoke(&lab, tls_config(strict.port, "alpn = x-amzn-mqtt-ca\n")).fails("tls-alpn");
    found.says(&["x-amzn-mqtt-ca"]);
}

/// HAProxy picks no protocol and goes on; what is behind it then closes.
#[test]
fn tls_alpn_that_was_not_chosen() {
    let (lab, root) = trusting_lab();
    let server = root.server(&["localhost"]).issue().write(&lab, "server");
    let plain = mosquitto(&lab).start();
    let gate = alpn_terminator(&lab, &server, "mqtt", plain.port);
    provoke(&lab, tls_config(gate.port, "alpn = x-amzn-mqtt-ca\n"))
        .variant("not-chosen")
        .fails("tls-alpn");
}

/// In TLS 1.3 the refusal comes after the handshake. mosquitto does not name the issuers that it
/// accepts (RFC 8446 §4.2.4), rustls does.
#[test]
fn tls_client_cert_required() {
    let (lab, root) = trusting_lab();
    let clients = Authority::root("Client Root");
    lab.write("clients.pem", clients.pem());
    let server = root.server(&["localhost"]).issue();
    let broker = mosquitto(&lab)
        .tls(&server.write(&lab, "server"))
        .client_certificates("clients.pem")
        .start();
    let found = provoke(&lab, tls_config(broker.port, "")).fails("tls-client-cert-required");
    assert_eq!(found.stage("tls")["client_cert_requested"], true);

    let rogue = Rogue::Obedient.start_tls(&lab, server.server_config_demanding(&clients));
    provoke(&lab, tls_config(rogue.port, ""))
        .variant("rustls")
        .fails("tls-client-cert-required")
        .says(&["Client Root"]);
}

#[test]
fn tls_client_cert_required_in_tls_1_2() {
    let (lab, root) = trusting_lab();
    lab.write("clients.pem", Authority::root("Client Root").pem());
    let server = root.server(&["localhost"]).issue().write(&lab, "server");
    let args = [
        "-tls1_2",
        "-Verify",
        "1",
        "-CAfile",
        "clients.pem",
        "-verify_return_error",
    ];
    let strict = s_server(&lab, &server, &args);
    provoke(&lab, tls_config(strict.port, ""))
        .variant("tls-1.2")
        .fails("tls-client-cert-required");
}

/// A client certificate that the broker does not accept: of another authority, or too old.
#[test]
fn tls_client_cert_rejected() {
    let (lab, root) = trusting_lab();
    let clients = Authority::root("Client Root");
    lab.write("clients.pem", clients.pem());
    let server = root.server(&["localhost"]).issue().write(&lab, "server");
    let broker = mosquitto(&lab)
        .tls(&server)
        .client_certificates("clients.pem")
        .start();
    let strangers = Authority::root("Stranger Root");
    for (variant, leaf, issuer) in [
        ("stranger", strangers.client("eve"), "Stranger Root"),
        ("expired", clients.client("ann").expired(), "Client Root"),
    ] {
        let files = leaf.issue().write(&lab, variant);
        let more = format!("cert_file = {}\nkey_file = {}\n", files.cert, files.key);
        let found = provoke(&lab, tls_config(broker.port, &more))
            .variant(variant)
            .fails("tls-client-cert-rejected");
        found.says(&["`cert_file` in `broker.conf`, line 6", issuer]);
    }
}

/// In TLS 1.2 the refusal comes within the handshake.
#[test]
fn tls_client_cert_rejected_in_tls_1_2() {
    let (lab, root) = trusting_lab();
    lab.write("clients.pem", Authority::root("Client Root").pem());
    let server = root.server(&["localhost"]).issue().write(&lab, "server");
    let broker = mosquitto(&lab)
        .tls(&server)
        .client_certificates("clients.pem")
        .tls_1_2_alone()
        .start();
    let eve = Authority::root("Stranger Root").client("eve").issue();
    let files = eve.write(&lab, "eve");
    let more = format!("cert_file = {}\nkey_file = {}\n", files.cert, files.key);
    let found = provoke(&lab, tls_config(broker.port, &more))
        .variant("tls-1.2")
        .fails("tls-client-cert-rejected");
    found.says(&["received during the handshake", "Stranger Root"]);
}

/// A server that takes its time to judge: the refusal is met in the stage connect, and is still one
/// of tls.
#[test]
fn a_refusal_met_in_the_stage_connect() {
    let (lab, root) = trusting_lab();
    let clients = Authority::root("Client Root");
    let server = root.server(&["localhost"]).issue();
    let peer = hostile_tls(&lab, server.server_config_demanding(&clients), |stream| {
        let StreamOwned { mut conn, mut sock } = stream;
        conn.read_tls(&mut sock)?;
        conn.process_new_packets().map_err(io::Error::other)?;
        while conn.wants_write() {
            conn.write_tls(&mut sock)?;
        }
        std::thread::sleep(Duration::from_millis(900));
        let judged = conn.complete_io(&mut sock);
        while conn.wants_write() {
            conn.write_tls(&mut sock)?;
        }
        judged.map(drop)
    });
    let found = provoke(&lab, tls_config(peer.port, ""))
        .variant("late")
        .fails("tls-client-cert-required");
    assert_eq!(found.stage("tls")["status"], "ok");
    assert_eq!(found.stage("connect")["status"], "failed");
    found.says(&["received after the handshake", "Client Root"]);

    let eve = Authority::root("Stranger Root").client("eve").issue();
    let files = eve.write(&lab, "eve");
    let more = format!("cert_file = {}\nkey_file = {}\n", files.cert, files.key);
    let found = provoke(&lab, tls_config(peer.port, &more))
        .variant("late")
        .fails("tls-client-cert-rejected");
    assert_eq!(found.stage("connect")["status"], "failed");
    found.says(&["received after the handshake", "Stranger Root"]);
}

#[test]
fn tls_alert() {
    check_rogue("tls-alert", "internal-error", Rogue::TlsAlert(80), "").says(&["internal_error"]);
    check_rogue("tls-alert", "unknown-number", Rogue::TlsAlert(200), "").says(&["200"]);
}

#[test]
fn leaving_sni_out_is_a_warning() {
    let (lab, root) = trusting_lab();
    let broker = with_certificate(&lab, root.server(&["localhost"]));
    let found = provoke(&lab, tls_config(broker.port, "sni = off\n"))
        .variant("warning.sni-not-sent")
        .passes();
    found.warns("sni-not-sent");
    provoke(&lab, tls_config(broker.port, "sni = off\n")).streams_warn("sni-not-sent");
}

/// `tls = off` towards a TLS port belongs to the stage connect.
#[test]
fn mqtt_is_tls() {
    let (lab, root) = trusting_lab();
    let server = root.server(&["localhost"]).issue();
    let rustls = Rogue::Obedient.start_tls(&lab, server.server_config());
    let found = provoke(&lab, plain_config(rustls.port, ""))
        .variant("alert")
        .fails("mqtt-is-tls");
    found.says(&["tls = on"]);
}

/// A TLS port whose server says nothing to what is no TLS.
#[test]
fn mqtt_is_tls_by_its_port() {
    let (lab, _) = trusting_lab();
    let found = provoke(&lab, plain_config(8883, "host = 192.0.2.1\n"))
        .variant("port-8883")
        .within(Namespace::RemoteProxy)
        .fails("mqtt-is-tls");
    found.says(&["tls = on"]);
}

/// The server's certificate comes in packets of full size, and none of these arrives.
#[test]
fn tls_timeout_where_large_packets_get_lost() {
    let (lab, _) = trusting_lab();
    let config = tls_config(8883, &format!("host = 192.0.2.1\n{BRIEF}"));
    let found = provoke(&lab, config)
        .variant("mtu")
        .within(Namespace::SmallPackets)
        .fails("tls-timeout");
    found.says(&["small packets only, was answered", "MTU"]);
}

/// Nothing is answered there, however small.
#[test]
fn tls_timeout_of_a_silent_server_elsewhere() {
    let (lab, _) = trusting_lab();
    let config = tls_config(8884, &format!("host = 192.0.2.1\n{BRIEF}"));
    let found = provoke(&lab, config)
        .variant("elsewhere")
        .within(Namespace::FilteredPorts)
        .fails("tls-timeout");
    found.says(&["was not answered either"]);
}
