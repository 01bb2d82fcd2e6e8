//! The codes that the program promises, with the exit code of each. Scripts match on them, so they
//! are written down here a second time, apart from the source: changing one breaks a test.

/// (code, exit code), in the order of the catalogue.
pub(crate) const CODES: &[(&str, i32)] = &[
    ("usage-invalid", 2),
    ("config-unreadable", 2),
    ("config-invalid", 2),
    ("host-invalid", 2),
    ("password-unavailable", 2),
    ("ca-file-invalid", 2),
    ("client-cert-invalid", 2),
    ("client-key-invalid", 2),
    ("client-key-encrypted", 2),
    ("client-key-mismatch", 2),
    ("no-trust-roots", 2),
    ("qos-unsupported", 2),
    ("alpn-required", 2),
    ("dns-not-found", 3),
    ("dns-unavailable", 3),
    ("tcp-refused", 4),
    ("tcp-timeout", 4),
    ("tcp-unreachable", 4),
    ("tls-not-tls", 5),
    ("tls-closed", 5),
    ("tls-timeout", 5),
    ("tls-unknown-issuer", 5),
    ("tls-missing-intermediate", 5),
    ("tls-self-signed", 5),
    ("tls-pin-mismatch", 5),
    ("tls-ca-as-leaf", 5),
    ("tls-expired", 5),
    ("tls-not-yet-valid", 5),
    ("tls-clock-wrong", 5),
    ("tls-name-mismatch", 5),
    ("tls-no-san", 5),
    ("tls-v1-certificate", 5),
    ("tls-bad-certificate", 5),
    ("tls-version", 5),
    ("tls-no-common-cipher", 5),
    ("tls-unrecognised-name", 5),
    ("tls-no-sni", 5),
    ("tls-alpn", 5),
    ("tls-client-cert-required", 5),
    ("tls-client-cert-rejected", 5),
    ("tls-alert", 5),
    ("mqtt-is-tls", 6),
    ("mqtt-not-mqtt", 6),
    ("mqtt-closed", 6),
    ("mqtt-timeout", 6),
    ("mqtt-bad-credentials", 6),
    ("mqtt-not-authorized", 6),
    ("mqtt-client-id-rejected", 6),
    ("mqtt-server-unavailable", 6),
    ("mqtt-version", 6),
    ("mqtt-refused", 6),
    ("mqtt-taken-over", 6),
    ("subscribe-denied", 7),
    ("subscribe-closed", 7),
    ("subscribe-timeout", 7),
    ("publish-denied", 8),
    ("publish-closed", 8),
    ("publish-timeout", 8),
    ("publish-too-large", 8),
    ("receive-timeout", 9),
    ("receive-too-large", 9),
    ("receive-altered", 9),
    ("receive-closed", 9),
    ("connection-lost", 10),
    ("interrupted", 130),
];

pub(crate) const WARNINGS: &[&str] = &[
    "cert-expires-soon",
    "sni-not-sent",
    "password-in-clear",
    "config-world-readable",
    "address-failed",
    "clock-suspect",
    "qos-downgraded",
    "roots-skipped",
];

/// The seven stages of the ladder.
pub(crate) const STAGES: &[&str] = &[
    "dns",
    "tcp",
    "tls",
    "connect",
    "subscribe",
    "publish",
    "receive",
];

#[track_caller]
pub(crate) fn exit_code(code: &str) -> i32 {
    let known = CODES.iter().find(|(name, _)| *name == code);
    known
        .unwrap_or_else(|| panic!("`{code}` is not in the catalogue"))
        .1
}

/// The stage whose exit code this is, as `failure.stage` names it.
pub(crate) fn stage(exit_code: i32) -> Option<&'static str> {
    match exit_code {
        2 => Some("config"),
        3..=9 => Some(STAGES[usize::try_from(exit_code - 3).unwrap()]),
        _ => None,
    }
}
