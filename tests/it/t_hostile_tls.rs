//! Hostile peers in the TLS handshake: floods, halves, absurd lengths, and certificates that say what
//! drives a terminal. A clear diagnosis in bounded time and memory, and nothing raw on the screen.

use std::io::{self, Write};
use std::net::TcpStream;
use std::time::Duration;

use rcgen::{CertificateParams, DistinguishedName, DnType, IsCa, KeyPair, SanType};
use rustls::StreamOwned;

use crate::certs::Authority;
use crate::hostile::{endless, first_bytes, hostile, hostile_tls, presenting, silence};
use crate::lab::Lab;
use crate::provoke::{BRIEF, Provoked, provoke, tls_config, trusting_lab};
use crate::rogue::Rogue;
use crate::t_hostile::{MEMORY, SOON};

#[track_caller]
fn check_tls(code: &str, variant: &str, script: fn(TcpStream) -> io::Result<()>) {
    let (lab, _) = trusting_lab();
    let peer = hostile(&lab, script);
    provoke(&lab, tls_config(peer.port, BRIEF))
        .variant(variant)
        .limit(SOON)
        .memory(MEMORY)
        .fails(code);
}

/// Warnings (level 1) that never end; user_canceled is the one that TLS 1.3 lets pass.
#[test]
fn a_flood_of_alerts() {
    check_tls("tls-not-tls", "alert-flood", |mut stream| {
        first_bytes(&mut stream)?;
        endless(&mut stream, &[21, 3, 3, 0, 2, 1, 90].repeat(500))
    });
}

/// A ServerHello that says it has 16 MiB, and goes on and on in records of full size.
#[test]
fn a_handshake_message_without_end() {
    check_tls("tls-not-tls", "endless-handshake", |mut stream| {
        first_bytes(&mut stream)?;
        let mut record = vec![22, 3, 3, 0x40, 0, 2, 0xff, 0xff, 0xff];
        record.resize(5 + 0x4000, 0);
        stream.write_all(&record)?;
        let mut record = vec![22, 3, 3, 0x40, 0];
        record.resize(5 + 0x4000, 0);
        endless(&mut stream, &record)
    });
}

/// Records without content, which say nothing and never stop.
#[test]
fn empty_records_without_end() {
    check_tls("tls-not-tls", "empty-records", |mut stream| {
        first_bytes(&mut stream)?;
        endless(&mut stream, &[22, 3, 3, 0, 0].repeat(800))
    });
}

/// A byte now and then keeps no deadline away.
#[test]
fn a_handshake_that_drips() {
    check_tls("tls-timeout", "dripping", |mut stream| {
        first_bytes(&mut stream)?;
        for byte in [22, 3, 3, 0x40, 0].into_iter().chain(std::iter::repeat(0)) {
            stream.write_all(&[byte])?;
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    });
}

#[test]
fn half_a_record_and_silence() {
    check_tls("tls-timeout", "half-record", |mut stream| {
        first_bytes(&mut stream)?;
        stream.write_all(&[22, 3, 3, 0, 100, 2])?;
        silence(&mut stream)
    });
}

/// Key updates (RFC 8446 §4.6.3) without end, which carry nothing and ask for an answer.
#[test]
fn a_flood_of_key_updates() {
    let (lab, root) = trusting_lab();
    let server = root.server(&["localhost"]).issue().server_config();
    let peer = hostile_tls(&lab, server, |stream| {
        let StreamOwned { mut conn, mut sock } = stream;
        while conn.is_handshaking() {
            conn.complete_io(&mut sock)?;
        }
        loop {
            conn.refresh_traffic_keys().map_err(io::Error::other)?;
            while conn.wants_write() {
                conn.write_tls(&mut sock)?;
            }
        }
    });
    provoke(&lab, tls_config(peer.port, BRIEF))
        .variant("key-updates")
        .limit(SOON)
        .memory(MEMORY)
        .fails("tls-not-tls");
}

/// A self-signed certificate with these names and an organisation that is out to deceive; its key.
fn odd_certificate(common_name: &str, names: &[&str]) -> (Vec<u8>, KeyPair) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::CommonName, common_name.to_owned());
    params.distinguished_name.push(
        DnType::OrganizationName,
        "\u{202e}\x1b]0;owned\x07".to_owned(),
    );
    let name = |name: &&str| SanType::DnsName((*name).try_into().unwrap());
    params.subject_alt_names = names.iter().map(name).collect();
    params.is_ca = IsCa::ExplicitNoCa;
    let der = params.self_signed(&key).unwrap().der().to_vec();
    (der, key)
}

#[track_caller]
fn check_chain(
    code: &str,
    variant: &str,
    chain: Vec<Vec<u8>>,
    key: &KeyPair,
    more: &str,
) -> Provoked {
    let (lab, _) = trusting_lab();
    let peer = hostile_tls(&lab, presenting(chain, key), |mut stream| {
        silence(&mut stream)
    });
    provoke(&lab, tls_config(peer.port, &format!("{BRIEF}{more}")))
        .variant(variant)
        .limit(SOON)
        .memory(MEMORY)
        .fails(code)
}

/// What a certificate says of itself drives no terminal.
#[test]
fn escapes_in_certificate_names() {
    let evil = "\x1b[2J\x1b[31mred\r\nok";
    let (der, key) = odd_certificate(evil, &["\x1b[1mbold.example", "evil\u{7f}.example"]);
    let found = check_chain("tls-self-signed", "escapes", vec![der.clone()], &key, "");
    let subject = found.stage("tls")["chain"][0]["subject"].as_str().unwrap();
    assert!(
        subject.contains("\x1b[2J"),
        "JSON has it as it is: {subject:?}"
    );
    let lab = Lab::new();
    // `ca_file` may be DER.
    lab.write("evil.der", &der);
    let peer = hostile_tls(&lab, presenting(vec![der], &key), |mut stream| {
        silence(&mut stream)
    });
    provoke(&lab, tls_config(peer.port, "ca_file = evil.der\n"))
        .variant("escapes")
        .limit(SOON)
        .fails("tls-name-mismatch");
}

#[test]
fn chains_of_absurd_length() {
    let (leaf, key) = odd_certificate("leaf", &["localhost"]);
    // As many as fit into the 64 KiB that rustls takes, each a CA of the same name.
    let authority = Authority::root("Loop");
    let loops = std::iter::repeat_n(authority.der().to_vec(), 100);
    let chain: Vec<Vec<u8>> = std::iter::once(leaf.clone()).chain(loops).collect();
    check_chain("tls-self-signed", "long-chain", chain, &key, "").says(&["95 certificates"]);
    // More than fit.
    let chain = vec![leaf; 300];
    check_chain("tls-bad-certificate", "too-long-chain", chain, &key, "");
}

#[test]
fn a_certificate_of_a_megabyte() {
    let (mut der, key) = odd_certificate("leaf", &["localhost"]);
    der.resize(1024 * 1024, 0);
    check_chain("tls-bad-certificate", "megabyte", vec![der], &key, "");
}

#[test]
fn bytes_that_are_no_certificate() {
    let (_, key) = odd_certificate("leaf", &["localhost"]);
    let junk = b"\x30\x82\x7f\xff\x1b[2J".to_vec();
    check_chain(
        "tls-bad-certificate",
        "no-certificate",
        vec![junk],
        &key,
        "",
    );
    check_chain("tls-bad-certificate", "empty", vec![], &key, "");
}

/// The names of the issuers that the broker accepts come from the broker, too.
#[test]
fn escapes_in_the_names_of_accepted_issuers() {
    let (lab, root) = trusting_lab();
    let clients = Authority::root("\x1b[2JClient\u{9b}31m Root\n");
    let server = root.server(&["localhost"]).issue();
    let rogue = Rogue::Obedient.start_tls(&lab, server.server_config_demanding(&clients));
    provoke(&lab, tls_config(rogue.port, ""))
        .variant("escapes")
        .fails("tls-client-cert-required");
}
