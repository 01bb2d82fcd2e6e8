//! The `openssl` command: maker of the kinds of certificate that rcgen does not make, and second
//! oracle for the words that we give to names, keys, signatures, dates and fingerprints.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::util::clock;
use crate::x509::{Certificate, certificate};

/// Standard output of `openssl` in `folder`; anything but success ends the test.
pub(crate) fn run(folder: &Path, arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let mut openssl = Command::new("openssl")
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the openssl command");
    // It may end before it has read all of it.
    let _ = openssl.stdin.take().unwrap().write_all(input);
    let output = openssl.wait_with_output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "openssl {arguments:?}: {errors}");
    output.stdout
}

#[track_caller]
pub(crate) fn agree(ours: &Certificate, der: &[u8]) {
    let arguments = "x509 -inform DER -noout -text -subject -issuer -serial -dates -fingerprint \
                     -sha256 -dateopt iso_8601 -nameopt sname,dn_rev,sep_comma_plus_space,utf8";
    let arguments: Vec<_> = arguments.split_whitespace().collect();
    let output = run(&std::env::temp_dir(), &arguments, der);
    let output = String::from_utf8_lossy(&output);
    let after = |label: &str| {
        let mut lines = output.lines().rev();
        lines.find_map(|line| line.trim_start().strip_prefix(label))
    };

    // OpenSSL shows relative names of several parts with a plus, and we one by one.
    let name = |label| after(label).map(|name| name.replace(" + ", ", "));
    assert_eq!(Some(ours.subject.to_string()), name("subject="));
    assert_eq!(Some(ours.issuer.to_string()), name("issuer="));
    for (unix, label) in [
        (ours.not_before, "notBefore="),
        (ours.not_after, "notAfter="),
    ] {
        // OpenSSL pads a year of less than four digits with spaces.
        let date = after(label).expect(label).trim_start();
        let ours = clock::utc(unix).replace(" UTC", "Z");
        assert_eq!(ours.trim_start_matches('0'), date);
    }
    let fingerprint = certificate::fingerprint(&certificate::sha256(der));
    assert_eq!(Some(fingerprint.as_str()), after("sha256 Fingerprint="));
    let serial = after("serial=").expect("a serial number");
    if !serial.starts_with('-') {
        assert_eq!(ours.serial, serial);
    }

    let version = after("Version: ").expect("a version");
    assert_eq!(
        Some(ours.version.to_string().as_str()),
        version.split(' ').next()
    );
    assert_eq!(
        Some(ours.signature.clone()),
        after("Signature Algorithm: ").map(signature)
    );
    let bits = after("Public-Key: (").and_then(|bits| bits.strip_suffix(" bit)"));
    let curve = after("NIST CURVE: ").or_else(|| after("ASN1 OID: "));
    let key = match (after("Public Key Algorithm: ").expect("a key"), bits, curve) {
        ("rsaEncryption", Some(bits), _) => format!("RSA {bits}"),
        ("rsassaPss", Some(bits), _) => format!("RSA-PSS {bits}"),
        ("id-ecPublicKey", _, Some(curve)) => format!("EC {curve}"),
        ("id-ecPublicKey", _, None) => "EC".to_owned(),
        ("dsaEncryption", ..) => "DSA".to_owned(),
        (other, ..) => other.replace("ED", "Ed"),
    };
    assert_eq!(ours.key, key);
    assert_eq!(ours.is_ca, after("CA:TRUE").is_some());
    assert_eq!(
        ours.has_san,
        after("X509v3 Subject Alternative Name:").is_some()
    );
    assert_eq!(
        ours.has_aia,
        after("Authority Information Access:").is_some()
    );
}

fn signature(openssl: &str) -> String {
    if let Some(hash) = openssl.strip_suffix("WithRSAEncryption") {
        format!("{} with RSA", hash.to_uppercase())
    } else if let Some(hash) = openssl.strip_prefix("ecdsa-with-") {
        format!("{hash} with ECDSA")
    } else if let Some(hash) = openssl.strip_prefix("dsa_with_") {
        format!("{hash} with DSA")
    } else {
        openssl.replace("rsassaPss", "RSA-PSS").replace("ED", "Ed")
    }
}
