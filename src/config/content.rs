//! What a file holds that was given for a config file, and is something else: a key must not be quoted
//! line by line. It looks at bytes alone.

/// Enough of a file to tell.
const ENOUGH: usize = 64 * 1024;

/// The kind of thing, for a sentence; `None`: it may be a config file.
pub(crate) fn kind(bytes: &[u8]) -> Option<&'static str> {
    const COMPRESSED: &str = "compressed data";
    const BEGINNINGS: [(&[u8], &str); 6] = [
        (b"\x7fELF", "a program"),
        (b"#!", "a script"),
        (b"\x1f\x8b", COMPRESSED),
        (b"PK\x03\x04", COMPRESSED),
        (b"\xfd7zXZ", COMPRESSED),
        (b"\x28\xb5\x2f\xfd", COMPRESSED),
    ];
    let bytes = &bytes[..bytes.len().min(ENOUGH)];
    if let Some((_, kind)) = BEGINNINGS.iter().find(|(it, _)| bytes.starts_with(it)) {
        return Some(kind);
    }
    // A SEQUENCE whose length takes more than a byte (X.690 §8.1.3.5); 0x81 and above begin no UTF-8.
    if matches!(bytes, [0x30, 0x81..=0x84, ..]) {
        return Some("a key or certificate in binary form (DER)");
    }
    // A byte order mark of UTF-16: text in another encoding.
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        return None;
    }
    if bytes.contains(&0) {
        return Some("binary data");
    }
    let text = String::from_utf8_lossy(bytes);
    let mut lines = text.lines().map(str::trim);
    if let Some(label) = lines
        .clone()
        .find_map(|line| line.strip_prefix("-----BEGIN "))
    {
        return Some(match label {
            label if label.contains("PRIVATE KEY") => "a private key",
            label if label.starts_with("CERTIFICATE-") => "a certificate",
            _ => "a PEM file, as keys and certificates are",
        });
    }
    let first = lines.find(|line| !line.is_empty()).unwrap_or_default();
    let start = first.to_ascii_lowercase();
    // RFC 4648 §4. An encoded SEQUENCE begins with these two letters.
    let base64 = |b: u8| b.is_ascii_alphanumeric() || b"+/=".contains(&b);
    if start.starts_with("putty-user-key-file") {
        Some("a private key")
    } else if ["ssh-", "ecdsa-sha2-"]
        .iter()
        .any(|it| start.starts_with(it))
    {
        Some("an SSH public key")
    } else if start.starts_with("<!doctype") || start.starts_with("<html") {
        Some("a web page")
    } else if first.starts_with("MI") && first.len() >= 40 && first.bytes().all(base64) {
        Some("a key or certificate without its `-----BEGIN` line")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_config_file_is_nothing_else() {
        for text in [
            "",
            "host = h\n",
            "\u{feff}# MII\nhost = MIIB\n",
            "host = h\nca_file = -----BEGIN CERTIFICATE-----\n",
            "0 = 1",
            "-----END CERTIFICATE-----",
            "MIIB",
            "\u{0430} = x",
        ] {
            assert_eq!(kind(text.as_bytes()), None, "{text}");
        }
        assert_eq!(kind(b"\xff\xfeh\0"), None);
        assert_eq!(kind(b"caf\xe9"), None);
    }

    #[test]
    fn other_things_are_named() {
        for (bytes, expected) in [
            (&b"-----BEGIN OPENSSH PRIVATE KEY-----"[..], "a private key"),
            (b" -----BEGIN CERTIFICATE-----", "a certificate"),
            (
                b"-----BEGIN CERTIFICATE REQUEST-----",
                "a PEM file, as keys and certificates are",
            ),
            (
                b"-----BEGIN EC PARAMETERS-----",
                "a PEM file, as keys and certificates are",
            ),
            (b"x\n-----BEGIN RSA PRIVATE KEY-----\r\n", "a private key"),
            (
                b"0\x82\x01\x00",
                "a key or certificate in binary form (DER)",
            ),
            (b"#!/bin/sh\n", "a script"),
            (b"a\0", "binary data"),
        ] {
            assert_eq!(kind(bytes), Some(expected));
        }
    }
}
