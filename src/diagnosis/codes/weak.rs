//! Keys and signatures that are refused: because they are no longer safe, or because this client knows
//! no such kind.

use crate::config::Key;
use crate::diagnosis::chain::Evidence;
use crate::diagnosis::code::Kind;
use crate::diagnosis::codes::certificate::BAD_CERTIFICATE;
use crate::diagnosis::{Code, Diagnosis, origin};
use crate::failure::Stage;
use crate::x509::Certificate;

/// A signature was not good, or none that could be verified: whether a key or a kind of signature is
/// the reason.
pub(crate) fn fault(shown: &Evidence<'_>) -> Option<Diagnosis> {
    let mut presented = shown.chain.certificates();
    presented
        .find_map(|(at, it)| weak(shown, Some(at), it))
        .or_else(|| shown.signers().find_map(|it| weak(shown, None, it)))
        .or_else(|| unknown_kind(shown))
}

pub(crate) static WEAK_KEY: Code = Code {
    name: "tls-weak-key",
    kind: Kind::Failure {
        stage: Stage::Tls,
        retry: false,
    },
    line: "a certificate's key or signature is no longer safe",
    more: "RSA keys below 2,048 bits and signatures made with SHA-1 or MD5 are no longer considered safe (NIST SP 800-131A), and are refused here. Clients built on OpenSSL may still accept them.",
    causes: &[
        "the certificate was made years ago, or by an old guide with `rsa:1024` or `-sha1`",
        "a CA of your own has such a key: what it signs is no safer than its own key",
        "the broker runs on a device whose built-in certificate is that old",
    ],
    remedies: &[
        "make a new key of RSA 2048 bits or more, or P-256, and have a certificate issued for it",
        "if the CA is the weak one, make a new CA, sign the broker's certificate with it, and give the CA's new certificate to every client",
        "sign with SHA-256: `openssl x509 -req` does so by itself unless `-sha1` is given",
    ],
};

/// `at`: its place in the chain; `None`: it is in `ca_file`. A certificate that signed itself is looked
/// at for its key alone: nobody verifies that signature.
fn weak(shown: &Evidence<'_>, at: Option<usize>, it: &Certificate) -> Option<Diagnosis> {
    let whose = match at {
        Some(0) => "the broker's certificate",
        Some(_) => "a CA certificate in the broker's chain",
        None => "the CA certificate in `ca_file`",
    };
    let Certificate { key, signature, .. } = it;
    let old = ["SHA1 ", "MD5 ", "MD2 "];
    let diagnosis = if rsa_bits(key).is_some_and(|bits| bits < 2048) {
        let diagnosis = Diagnosis::new(
            &WEAK_KEY,
            format!("{whose} has a key that is too short to be safe"),
        )
        .note(format!(
            "its key is {key}; RSA keys of less than 2048 bits are refused"
        ));
        match at {
            Some(0) => diagnosis.help(format!("make a new key on the broker and have a certificate issued for it: `openssl req -new -newkey rsa:2048 -nodes -keyout server.key -subj /CN={} -out server.csr`", shown.wanted().0)),
            _ => diagnosis
                .help("if the CA is your own, make a new one with a key of 2048 bits or more, and sign the broker's certificate with it")
                .help("then set `ca_file` to the new CA's certificate, here and on every other client"),
        }.notes(match at {
            Some(at) => shown.chain.lines(at, key),
            None => [shown.holds(it)].into_iter().chain(shown.chain.lines(0, "")).collect(),
        })
    } else if at.is_some() && !it.self_issued && old.iter().any(|hash| signature.starts_with(hash))
    {
        Diagnosis::new(
            &WEAK_KEY,
            format!("{whose} is signed in a way that is no longer safe"),
        )
        .note(format!(
            "its signature is {signature}; signatures with SHA-1 and MD5 are refused"
        ))
        .notes(shown.chain.lines(at.unwrap_or_default(), signature))
        .help("have it issued anew, signed with SHA-256")
        .help("if you sign it yourself: `openssl x509 -req` uses SHA-256 unless `-sha1` is given")
    } else {
        return None;
    };
    Some(diagnosis.note("OpenSSL-based clients may still accept it"))
}

fn rsa_bits(key: &str) -> Option<u32> {
    key.strip_prefix("RSA ")?.parse().ok()
}

/// The first certificate whose signature, or whose signer's key, is of a kind that rustls with ring
/// does not verify.
fn unknown_kind(shown: &Evidence<'_>) -> Option<Diagnosis> {
    const SIGNATURES: [&str; 7] = [
        "SHA256 with RSA",
        "SHA384 with RSA",
        "SHA512 with RSA",
        "RSA-PSS",
        "SHA256 with ECDSA",
        "SHA384 with ECDSA",
        "Ed25519",
    ];
    let is_known = |key: &str| match rsa_bits(key) {
        Some(bits) => bits <= 8192,
        None => ["EC P-256", "EC P-384", "Ed25519"].contains(&key),
    };
    let signer_of = |it: &Certificate| {
        let presented = shown.chain.certificates().map(|(_, ca)| ca);
        let mut known = presented.chain(shown.signers());
        known.find(|ca| ca.subject == it.issuer)
    };
    let (at, it, signer) = shown.chain.certificates().find_map(|(at, it)| {
        let signer = signer_of(it);
        let unknown = !SIGNATURES.contains(&it.signature.as_str())
            || signer.is_some_and(|ca| !is_known(&ca.key));
        unknown.then_some((at, it, signer))
    })?;
    let whose = match at {
        0 => "the broker's certificate",
        _ => "a CA certificate in the broker's chain",
    };
    let issuer = it.issuer.short();
    let key = signer.map_or_else(String::new, |ca| format!(", whose key is {}", ca.key));
    Some(Diagnosis::new(&BAD_CERTIFICATE, format!("{whose} is signed in a way that this client cannot verify"))
        .note(format!("its signature is {}, by `{issuer}`{key}", it.signature))
        .notes(shown.chain.lines(at, &it.signature))
        .note("can be verified: RSA of 2048 to 8192 bits with SHA-256, SHA-384 or SHA-512; ECDSA on P-256 or P-384 with SHA-256 or SHA-384; Ed25519")
        .help(format!("if `{issuer}` is your own CA, make a new one with a key of RSA (2048 bits), P-256, P-384 or Ed25519, sign the broker's certificate with it, and set {} to its certificate", origin(shown.config, Key::CaFile)))
        .help(format!("if not, ask `{issuer}` for a certificate with such a signature")))
}
