//! The forms of certificates and keys that rcgen does not make: RSA, PKCS#1 and SEC1, DER files,
//! keys under a passphrase, X.509 version 1. Made by the `openssl` command, as users make them.

use std::process::Command;

use crate::certs::{Authority, Files};
use crate::lab::Lab;

/// Runs `openssl` in the lab's folder and gives its standard output.
#[track_caller]
pub(crate) fn openssl(lab: &Lab, args: &[&str]) -> String {
    let output = Command::new("openssl")
        .args(args)
        .current_dir(lab.dir())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "openssl {args:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A fresh RSA key of 2,048 bits as PKCS#8 PEM, for `Leaf::with_key`.
pub(crate) fn rsa_key(lab: &Lab) -> String {
    openssl(
        lab,
        &[
            "genpkey",
            "-algorithm",
            "RSA",
            "-pkeyopt",
            "rsa_keygen_bits:2048",
        ],
    )
}

/// A fresh P-521 key and a self-signed certificate with it, which no client on ring can verify.
/// Files `p521.pem` and `p521.key`.
pub(crate) fn p521_certificate(lab: &Lab, name: &str) -> Files {
    let subject = format!("/CN={name}");
    let key = [
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-521",
        "-nodes",
    ];
    let rest = ["-keyout", "p521.key", "-out", "p521.pem", "-subj", &subject];
    openssl(lab, &[&["req", "-x509"], &key[..], &rest].concat());
    Files {
        cert: "p521.pem".into(),
        key: "p521.key".into(),
    }
}

/// Rewrites a key to its traditional form (PKCS#1 `RSA PRIVATE KEY`, SEC1 `EC PRIVATE KEY`) as
/// PEM. The name of the new file.
pub(crate) fn traditional_key(lab: &Lab, key: &str) -> String {
    convert(lab, key, "traditional", &["pkey", "-traditional"])
}

/// Rewrites a traditional key as DER.
pub(crate) fn traditional_key_der(lab: &Lab, key: &str) -> String {
    convert(
        lab,
        key,
        "traditional.der",
        &["pkey", "-traditional", "-outform", "DER"],
    )
}

/// Rewrites a PKCS#8 key as DER.
pub(crate) fn key_der(lab: &Lab, key: &str) -> String {
    let form = ["pkcs8", "-topk8", "-nocrypt", "-outform", "DER"];
    convert(lab, key, "der", &form)
}

/// Rewrites the first certificate of a file as DER.
pub(crate) fn cert_der(lab: &Lab, cert: &str) -> String {
    convert(lab, cert, "der", &["x509", "-outform", "DER"])
}

/// Puts a key under a passphrase as PKCS#8 (`ENCRYPTED PRIVATE KEY`).
pub(crate) fn encrypted_key(lab: &Lab, key: &str) -> String {
    let form = ["pkcs8", "-topk8", "-passout", "pass:not-for-tests"];
    convert(lab, key, "encrypted", &form)
}

/// Puts a key under a passphrase the old way (`Proc-Type: 4,ENCRYPTED`).
pub(crate) fn encrypted_traditional_key(lab: &Lab, key: &str) -> String {
    let form = [
        "pkey",
        "-traditional",
        "-aes128",
        "-passout",
        "pass:not-for-tests",
    ];
    convert(lab, key, "proctype", &form)
}

fn convert(lab: &Lab, input: &str, suffix: &str, how: &[&str]) -> String {
    let output = format!("{input}.{suffix}");
    openssl(lab, &[how, &["-in", input, "-out", &output]].concat());
    output
}

/// A server certificate of X.509 version 1: no extensions, so no subjectAltName either. Files
/// `v1.pem` and `v1.key`.
pub(crate) fn version_1_certificate(lab: &Lab, authority: &Authority, name: &str) -> Files {
    lab.write("v1-ca.pem", authority.pem());
    lab.write("v1-ca.key", authority.key_pem());
    let subject = format!("/CN={name}");
    let key = [
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
    ];
    let request = ["-keyout", "v1.key", "-out", "v1.csr", "-subj", &subject];
    openssl(lab, &[&["req"], &key[..], &request].concat());
    let sign = [
        "x509",
        "-req",
        "-in",
        "v1.csr",
        "-CA",
        "v1-ca.pem",
        "-CAkey",
        "v1-ca.key",
    ];
    openssl(
        lab,
        &[
            &sign[..],
            &["-CAcreateserial", "-days", "90", "-out", "v1.pem"],
        ]
        .concat(),
    );
    let text = openssl(lab, &["x509", "-in", "v1.pem", "-noout", "-text"]);
    assert!(text.contains("Version: 1 (0x0)"), "not version 1:\n{text}");
    Files {
        cert: "v1.pem".into(),
        key: "v1.key".into(),
    }
}

/// A server certificate for `name` with a key that `openssl req -newkey` makes, signed by a root with
/// such a key and with `digest` (`-sha256`). Files `ca.pem`, `made.pem` (the server's and the root's)
/// and `made.key`.
pub(crate) fn made(lab: &Lab, name: &str, key: &str, root_key: &str, digest: &str) -> Files {
    let root = [
        "req",
        "-x509",
        "-nodes",
        "-days",
        "90",
        "-subj",
        "/CN=Made Root",
    ];
    let root_files = ["-newkey", root_key, "-keyout", "root.key", "-out", "ca.pem"];
    openssl(lab, &[&root[..], &root_files].concat());
    let subject = format!("/CN={name}");
    let request = ["req", "-nodes", "-subj", &subject, "-newkey", key];
    openssl(
        lab,
        &[&request[..], &["-keyout", "made.key", "-out", "made.csr"]].concat(),
    );
    lab.write(
        "made.cnf",
        format!("basicConstraints=CA:FALSE\nsubjectAltName=DNS:{name}\n"),
    );
    let sign = [
        "x509", "-req", "-in", "made.csr", "-CA", "ca.pem", "-CAkey", "root.key",
    ];
    let how = [
        "-CAcreateserial",
        "-days",
        "90",
        "-extfile",
        "made.cnf",
        digest,
    ];
    openssl(lab, &[&sign[..], &how, &["-out", "leaf.pem"]].concat());
    let read = |file: &str| std::fs::read_to_string(lab.path(file)).unwrap();
    lab.write("made.pem", read("leaf.pem") + &read("ca.pem"));
    Files {
        cert: "made.pem".into(),
        key: "made.key".into(),
    }
}

/// The SHA-256 of a certificate file as `openssl` writes it: hex with colons.
pub(crate) fn fingerprint(lab: &Lab, cert: &str) -> String {
    let line = openssl(
        lab,
        &["x509", "-in", cert, "-noout", "-fingerprint", "-sha256"],
    );
    line.trim().rsplit_once('=').unwrap().1.to_owned()
}
