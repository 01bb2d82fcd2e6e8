//! The codes of a TLS handshake. What concerns the presented certificates is in `issuer` and
//! `certificate`, what concerns our own in `client_certificate`.

use std::time::Duration;

use rustls::{AlertDescription, Error, InvalidMessage, PeerIncompatible};

use crate::config::{Config, Key};
use crate::diagnosis::alert::{how_it_ended, received};
use crate::diagnosis::chain::Evidence;
use crate::diagnosis::code::Kind;
use crate::diagnosis::codes::{certificate, client_certificate, connect, issuer};
use crate::diagnosis::{Code, Diagnosis, origin, sni};
use crate::failure::{Stage, TlsCause, TlsError, TlsFacts};
use crate::util::text;

/// The codes of this layer, in the order of `mqtt-test explain`.
pub(crate) static CODES: &[&Code] = &[
    &NOT_TLS,
    &CLOSED,
    &TIMEOUT,
    &VERSION,
    &NO_COMMON_CIPHER,
    &UNRECOGNISED_NAME,
    &NO_SNI,
    &ALPN,
    &ALERT,
];

/// A broken handshake, or a refusal after it. Where two look alike on the wire, what else was seen
/// decides.
pub(crate) fn diagnose(error: &TlsError, config: &Config, now: i64) -> Diagnosis {
    let shown = Evidence::new(error, config, now);
    let diagnosis = match &error.cause {
        TlsCause::PinMismatch { expected } => {
            sni::first(issuer::pin_mismatch(&shown, expected), &error.facts, config)
        }
        TlsCause::AlpnNotChosen => alpn(error, config),
        _ if error.facts.answers_plain_mqtt || looks_plain(&error.facts.first_bytes) => {
            not_tls(error, config)
        }
        TlsCause::TimedOut { limit } => timeout(error, config, *limit),
        TlsCause::Closed { .. } | TlsCause::Io(_) => ended(error, config, now),
        TlsCause::Rustls(said) => match said {
            Error::InvalidCertificate(said) => match certificate::diagnose(&shown, said) {
                clock if clock.code == &certificate::CLOCK_WRONG => clock,
                diagnosis => sni::first(diagnosis, &error.facts, config),
            },
            Error::NoCertificatesPresented | Error::UnsupportedNameType => {
                certificate::bad(&shown, said)
            }
            // The one handshake message that may be large is the chain; rustls takes 64 KiB.
            Error::InvalidMessage(
                InvalidMessage::HandshakePayloadTooLarge
                | InvalidMessage::CertificatePayloadTooLarge,
            ) if is_server_hello(&error.facts.first_bytes) => certificate::bad(&shown, said),
            // Only a clock before 1970 cannot be had.
            Error::FailedToGetCurrentTime => certificate::clock_wrong(&shown),
            Error::AlertReceived(alert) => of_alert(*alert, error, config, now),
            Error::NoApplicationProtocol => alpn(error, config),
            Error::PeerIncompatible(
                PeerIncompatible::ServerDoesNotSupportTls12Or13
                | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig
                | PeerIncompatible::Tls12NotOffered
                | PeerIncompatible::Tls12NotOfferedOrEnabled
                | PeerIncompatible::SupportedVersionsExtensionRequired,
            ) => version(error),
            Error::PeerIncompatible(_) => no_common_cipher(error, config),
            // The records have the form of TLS and break its rules: it is none.
            _ => not_tls(error, config),
        },
    };
    match error.facts.only_offered {
        Some(only) if [&VERSION, &NO_COMMON_CIPHER, &CLOSED, &ALERT].contains(&diagnosis.code) => {
            let key = origin(config, Key::TlsVersion);
            diagnosis
                .note(format!("offered: {only} alone ({key})"))
                .help("if the broker needs the other version, leave `tls_version` out: then TLS 1.2 and 1.3 are offered")
        }
        _ => diagnosis,
    }
}

/// No TLS record begins like this (RFC 8446 §5.1: types 20 to 23, major version 3).
fn looks_plain(first_bytes: &[u8]) -> bool {
    match first_bytes {
        [] => false,
        [kind] => !(20..=23).contains(kind),
        [kind, major, ..] => !(20..=23).contains(kind) || *major != 3,
    }
}

/// A record with a ServerHello of less than 64 KiB (RFC 8446 §4, §5.1).
fn is_server_hello(first_bytes: &[u8]) -> bool {
    matches!(first_bytes, [22, 3, _, _, _, 2, 0, ..])
}

/// The connection ended without an alert.
fn ended(error: &TlsError, config: &Config, now: i64) -> Diagnosis {
    let facts = &error.facts;
    if facts.client_cert_requested {
        return client_certificate::refused(error, config, now);
    }
    match config.port {
        1883 | 1884 if facts.first_bytes.is_empty() => not_tls(error, config),
        _ if facts.sni.is_none() && !is_same(facts) => no_sni(error, config),
        _ => closed(error, config),
    }
}

/// With a server name it ends in the same way: that none was sent is not the cause.
fn is_same(facts: &TlsFacts) -> bool {
    facts.named.as_ref().is_some_and(|named| named.same)
}

fn of_alert(alert: AlertDescription, error: &TlsError, config: &Config, now: i64) -> Diagnosis {
    use AlertDescription as Alert;
    let requested = error.facts.client_cert_requested;
    match alert {
        Alert::ProtocolVersion => version(error),
        Alert::NoApplicationProtocol => alpn(error, config),
        Alert::CertificateRequired => client_certificate::refused(error, config, now),
        Alert::UnrecognisedName if error.facts.sni.is_none() => no_sni(error, config),
        Alert::UnrecognisedName => unrecognised_name(error, config),
        // What follows on a CertificateRequest is the broker's word on our answer to it.
        Alert::HandshakeFailure
        | Alert::NoCertificate
        | Alert::BadCertificate
        | Alert::UnsupportedCertificate
        | Alert::CertificateRevoked
        | Alert::CertificateExpired
        | Alert::CertificateUnknown
        | Alert::UnknownCA
        | Alert::AccessDenied
        | Alert::DecryptError
        | Alert::InternalError
            if requested =>
        {
            client_certificate::refused(error, config, now)
        }
        Alert::InternalError | Alert::MissingExtension
            if error.facts.sni.is_none() && !is_same(&error.facts) =>
        {
            no_sni(error, config)
        }
        // A cipher or a key that does not fit ends in the same alert.
        Alert::HandshakeFailure if error.facts.named.as_ref().is_some_and(|it| !it.same) => {
            no_sni(error, config)
        }
        Alert::HandshakeFailure | Alert::InsufficientSecurity => no_common_cipher(error, config),
        _ => other_alert(error, config),
    }
}

pub(crate) static NOT_TLS: Code = Code {
    name: "tls-not-tls",
    kind: Kind::Failure {
        stage: Stage::Tls,
        retry: true,
    },
    line: "what answers on this port does not speak TLS",
    more: "TLS encrypts the connection and proves who the broker is. The port answered with something else, or closed where a port without TLS does.",
    causes: &[
        "the port is the one without TLS: 1883 instead of 8883",
        "the port belongs to another service, such as a web server or SSH",
        "a proxy or a login page of the network answers in the broker's place",
    ],
    remedies: &[
        "use the broker's TLS port: `port = 8883` is the usual one",
        "look at the first bytes in the message: `HTTP` is a web server, `SSH` is SSH",
        "if the broker has no TLS port and is on this machine or network, set `tls = off`",
        "try another network, such as a phone's hotspot",
    ],
};

fn not_tls(error: &TlsError, config: &Config) -> Diagnosis {
    let first = &error.facts.first_bytes;
    let port = config.port;
    let take_tls_port = match port {
        8883 => {
            "ask the broker's operator which port is for MQTT over TLS: here 8883 is not".to_owned()
        }
        _ => format!("use the broker's TLS port instead of {port}: 8883 is the usual one"),
    };
    // Whole records, or a whole handshake, were TLS; then came what TLS does not allow.
    let broken = match &error.cause {
        TlsCause::Rustls(said) if !looks_plain(first) => Some(said),
        _ => None,
    };
    let what = if broken.is_some() && !error.facts.answers_plain_mqtt {
        "breaks the rules of TLS"
    } else {
        "does not speak TLS"
    };
    let words = Diagnosis::new(&NOT_TLS, format!("what answers on port {port} {what}"));
    if error.facts.answers_plain_mqtt {
        return words
            .note("it is a broker without TLS: a CONNECT in the clear, without credentials, was answered with a CONNACK")
            .help_if(port == 8883, "if the broker is yours, give this listener a certificate (mosquitto: `certfile` and `keyfile` below `listener 8883`)")
            .help(take_tls_port)
            .help("if the broker has no TLS port and is on this machine or network, set `tls = off`");
    }
    if let Some(said) = broken {
        let seen = if first.is_empty() {
            received(error)
        } else {
            format!("its first bytes: `{}`", text::escape_bytes(first, 48))
        };
        return words
            .note(seen)
            .note(format!("the TLS library says: {said}"))
            .help("if a proxy or a firewall stands between, try another network: it changes what passes through")
            .help("look into the broker's log, and update the broker");
    }
    if first.is_empty() {
        return words
            .note(format!("the connection was closed at the first TLS message; {port} is a port for MQTT without TLS"))
            .help(take_tls_port)
            .help("if the broker has no TLS port and is on this machine or network, set `tls = off`");
    }
    let words = words.note(format!(
        "its first bytes: `{}`",
        text::escape_bytes(first, 48)
    ));
    if first.starts_with(b"HTTP/") {
        words.note("that is HTTP").help(format!(
            "this is a web server's port, or one for MQTT over WebSocket: take the broker's port for MQTT over TLS{}",
            usual(port)
        ))
    } else if first.starts_with(b"SSH-") {
        words.note("that is SSH").help(format!(
            "this is the port of an SSH server: take the broker's port for MQTT over TLS{}",
            usual(port)
        ))
    } else {
        words
            .help(take_tls_port)
            .help("if a proxy or a firewall stands between, try another network")
    }
}

/// What else is known of a broker's TLS port, unless it is this one.
fn usual(port: u16) -> &'static str {
    if port == 8883 { "" } else { ", usually 8883" }
}

pub(crate) static CLOSED: Code = Code {
    name: "tls-closed",
    kind: Kind::Failure {
        stage: Stage::Tls,
        retry: true,
    },
    line: "the broker hung up during the TLS handshake",
    more: "TLS begins with a handshake, in which both sides agree on the encryption. The other side ended it without saying why.",
    causes: &[
        "the name in `host` is not one that the server, or the proxy before it, knows",
        "the port is one without TLS",
        "a firewall that inspects traffic cut the connection",
        "the broker could not load its own certificate",
    ],
    remedies: &[
        "check `host`: it must be the very name that the broker's provider gave you",
        "check `port`: 8883 is usual with TLS",
        "read the broker's log, where the reason often stands: `journalctl -u mosquitto -e`",
    ],
};

fn closed(error: &TlsError, config: &Config) -> Diagnosis {
    Diagnosis::new(&CLOSED, "the broker closed the connection during the TLS handshake")
        .notes(how_it_ended(error))
        .notes(sni::notes(&error.facts, config))
        .help(format!("check {}: a proxy that routes by server name closes the connection for a name that it does not know", origin(config, Key::Host)))
        .help(format!("if port {} is a port without TLS, use the broker's TLS port{}", config.port, usual(config.port)))
        .helps(connect::log_and_proxy(config))
}

pub(crate) static TIMEOUT: Code = Code {
    name: "tls-timeout",
    kind: Kind::Failure {
        stage: Stage::Tls,
        retry: true,
    },
    line: "the TLS handshake did not end in time",
    more: "The connection stands, but the messages that begin TLS were not answered.",
    causes: &[
        "the port is one without TLS, and its server waits for something else",
        "a firewall inspects TLS and holds the data",
        "the link is very slow, or large packets get lost on it (a VPN's MTU)",
        "this machine is slow, or has much else to do",
    ],
    remedies: &[
        "check `port`: 8883 is usual with TLS",
        "try another network, such as a phone's hotspot",
        "give it more time: `--timeout 60s`",
    ],
};

fn timeout(error: &TlsError, config: &Config, limit: Duration) -> Diagnosis {
    let limit = text::duration(limit);
    let diagnosis = Diagnosis::new(&TIMEOUT, "the TLS handshake did not end in time")
        .note(format!(
            "TCP is connected; {} within {limit} ({})",
            received(error),
            origin(config, Key::Timeout)
        ))
        .notes(
            error
                .facts
                .sni
                .iter()
                .map(|sni| format!("server name sent (SNI): `{sni}`")),
        );
    let slow = "if the link or this machine is slow, raise `timeout`";
    let small = "one more handshake, in which the broker could send small packets only,";
    if error.facts.small_segments == Some(true) {
        return diagnosis
            .note(format!("{small} was answered"))
            .help("if this comes each time, packets of full size get lost on the way, as with the MTU of a VPN, a tunnel or PPPoE: lower it on this machine, `ip link set dev INTERFACE mtu 1280`, or clamp the MSS on the router")
            .help(slow);
    }
    let small = error
        .facts
        .small_segments
        .map(|_| format!("{small} was not answered either"));
    diagnosis
        .notes(small)
        .help_if(error.facts.first_bytes.is_empty(), format!("if port {} is a port without TLS, use the broker's TLS port{}", config.port, usual(config.port)))
        .help(slow)
        .help("if a firewall inspects TLS, it may let the connection through and hold its data: try another network")
}

pub(crate) static VERSION: Code = Code {
    name: "tls-version",
    kind: Kind::Failure {
        stage: Stage::Tls,
        retry: false,
    },
    line: "broker and client share no version of TLS",
    more: "This client speaks TLS 1.2 and 1.3, or only the one that `tls_version` names. Versions 1.0 and 1.1 are broken and were withdrawn (RFC 8996).",
    causes: &[
        "the broker, or the system that it runs on, is very old",
        "its configuration allows an old version only (mosquitto: `tls_version tlsv1`)",
        "`tls_version` is set here, and the broker speaks the other one of TLS 1.2 and 1.3 alone",
    ],
    remedies: &[
        "update the broker and its OpenSSL",
        "allow TLS 1.2 and newer there (mosquitto: `tls_version tlsv1.2`)",
    ],
};

fn version(error: &TlsError) -> Diagnosis {
    if error.facts.only_offered.is_some() {
        let said = "the broker does not take the one version of TLS that was offered";
        let allow = match error.facts.only_offered {
            Some("TLS 1.2") => "allow TLS 1.2 on the broker (mosquitto: `tls_version tlsv1.2`)",
            _ => "update the broker, which has no TLS 1.3, or does not allow it",
        };
        return Diagnosis::new(&VERSION, said)
            .notes(how_it_ended(error))
            .help(format!(
                "if a device is to connect that speaks no other, {allow}"
            ));
    }
    Diagnosis::new(
        &VERSION,
        "the broker speaks no TLS version that is still safe",
    )
    .notes(how_it_ended(error))
    .note("offered: TLS 1.3 and TLS 1.2; TLS 1.1 and older are withdrawn (RFC 8996)")
    .help("update the broker, or enable TLS 1.2 there (mosquitto: `tls_version tlsv1.2`)")
}

pub(crate) static NO_COMMON_CIPHER: Code = Code {
    name: "tls-no-common-cipher",
    kind: Kind::Failure {
        stage: Stage::Tls,
        retry: false,
    },
    line: "broker and client share no kind of encryption",
    more: "Both sides list the algorithms that they know, and no combination suits both.",
    causes: &[
        "the broker's certificate has a key of a kind that is not supported here (P-521, DSA)",
        "the broker's configuration allows old or rare ciphers only",
        "the ciphers that it allows do not fit its key: `ECDHE-RSA-…` with an EC key, or `ECDHE-ECDSA-…` with an RSA key",
        "the broker has no certificate at all, only pre-shared keys (PSK)",
    ],
    remedies: &[
        "give the broker a certificate with an RSA (2048 bits or more), P-256, P-384 or Ed25519 key",
        "allow ECDHE with AES-GCM or ChaCha20-Poly1305 in the broker's configuration (mosquitto: remove `ciphers`)",
    ],
};

fn no_common_cipher(error: &TlsError, config: &Config) -> Diagnosis {
    let unknown = error.facts.sni.is_none() && error.facts.named.is_none();
    let by_name = sni::help(
        "if a reverse proxy (Traefik, HAProxy, nginx) stands before the broker, it may refuse those who send no name",
        config,
    );
    Diagnosis::new(&NO_COMMON_CIPHER, "the broker and this client have no TLS algorithm in common")
        .notes(how_it_ended(error))
        .notes(sni::notes(&error.facts, config))
        .note("cipher suites offered: AES-256-GCM, AES-128-GCM and ChaCha20-Poly1305, in TLS 1.2 with ECDHE only")
        .note("groups offered: X25519, P-256, P-384; signatures: ECDSA on P-256 and P-384, Ed25519, RSA of 2048 bits and more")
        .help("if the broker's certificate has a P-521 or DSA key, which cannot be used, give it one with an RSA, P-256, P-384 or Ed25519 key")
        .help("if the broker's configuration limits its ciphers (mosquitto: `ciphers`), allow those of ECDHE with AES-GCM that fit its key: `ECDHE-RSA-…` needs an RSA key, `ECDHE-ECDSA-…` an EC or Ed25519 key")
        .helps(by_name.into_iter().filter(|_| unknown))
}

pub(crate) static UNRECOGNISED_NAME: Code = Code {
    name: "tls-unrecognised-name",
    kind: Kind::Failure {
        stage: Stage::Tls,
        retry: false,
    },
    line: "the server does not know the name in `host`",
    more: "With its first TLS message a client names the server that it wants (SNI), since many can share one address. The other side says that no such server is there.",
    causes: &[
        "`host` is misspelt, or an alias of the name that the provider gave",
        "the broker in the cloud was deleted",
    ],
    remedies: &[
        "copy the host name once more from the broker's console",
        "look there whether the broker is running",
    ],
};

fn unrecognised_name(error: &TlsError, config: &Config) -> Diagnosis {
    Diagnosis::new(
        &UNRECOGNISED_NAME,
        "the broker does not know the server name that was sent",
    )
    .note(format!(
        "server name sent: `{}`; answer: alert unrecognized_name",
        error.facts.sni.as_deref().unwrap_or("none")
    ))
    .help(format!(
        "check {}: it must be the very name that the broker's provider gave you",
        origin(config, Key::Host)
    ))
}

pub(crate) static NO_SNI: Code = Code {
    name: "tls-no-sni",
    kind: Kind::Failure {
        stage: Stage::Tls,
        retry: true,
    },
    line: "the broker wants to be called by name (SNI)",
    more: "Many brokers can share one address, and the client tells with its first TLS message which one it wants (SNI). None was told, and the broker refused.",
    causes: &[
        "`host` is an IP address, and SNI carries names only",
        "`sni = off` is set",
    ],
    remedies: &[
        "set `host` to the broker's full name, as its provider shows it",
        "if that name has no address here, add it to `/etc/hosts`: `192.0.2.1 broker.example.com`",
        "remove `sni = off`",
    ],
};

fn no_sni(error: &TlsError, config: &Config) -> Diagnosis {
    let facts = &error.facts;
    // A name was tried and taken, or the alert speaks of it; otherwise a close proves nothing.
    let unproven = facts.named.is_none()
        && matches!(error.cause, TlsCause::Closed { .. } | TlsCause::Io(_))
        && facts.first_bytes.is_empty();
    Diagnosis::new(
        &NO_SNI,
        match unproven {
            true => {
                "the broker closed the connection during a TLS handshake without a server name (SNI)"
            }
            false => "the broker refuses a TLS handshake without a server name (SNI)",
        },
    )
    .notes(how_it_ended(error))
    .notes(sni::notes(&error.facts, config))
    .helps(sni::help(
        "if this broker serves many names on one address, it needs to know which",
        config,
    ))
    .help_if(unproven, format!("if port {} is a port without TLS, use the broker's TLS port{}", config.port, usual(config.port)))
}

pub(crate) static ALPN: Code = Code {
    name: "tls-alpn",
    kind: Kind::Failure {
        stage: Stage::Tls,
        retry: false,
    },
    line: "the broker does not accept the protocol in `alpn`",
    more: "ALPN is a protocol name that the client sends with its first TLS message, so that one port can serve several protocols. The broker wants another one.",
    causes: &[
        "`alpn` is misspelt, or set for a broker that uses another name or none",
        "`alpn` is missing on a port that needs it, such as 443 of AWS IoT Core",
    ],
    remedies: &[
        "set `alpn` to what the broker's documentation asks for on this port",
        "AWS IoT Core on port 443: `alpn = x-amzn-mqtt-ca`",
        "on port 8883 most brokers need none: remove `alpn`",
    ],
};

fn alpn(error: &TlsError, config: &Config) -> Diagnosis {
    let offered = match error.facts.offered_alpn.as_slice() {
        [] => "no protocol was offered by ALPN".to_owned(),
        offered => format!("offered by ALPN: {}", offered.join(", ")),
    };
    Diagnosis::new(
        &ALPN,
        "the broker accepts none of the protocols offered by ALPN",
    )
    .notes(how_it_ended(error))
    .note(offered)
    .help(format!(
        "set {} to what the broker's documentation asks for on this port, or remove it",
        origin(config, Key::Alpn)
    ))
}

pub(crate) static ALERT: Code = Code {
    name: "tls-alert",
    kind: Kind::Failure {
        stage: Stage::Tls,
        retry: true,
    },
    line: "the broker ended the TLS handshake with an alert",
    more: "TLS has a list of alerts by which one side tells the other why it stops. The message shows the one that came, with its meaning.",
    causes: &[
        "an error inside the broker, or in the proxy before it",
        "a device on the way that changes what passes through it",
    ],
    remedies: &[
        "read the broker's log at that time: `journalctl -u mosquitto -e`",
        "try another network, such as a phone's hotspot",
    ],
};

fn other_alert(error: &TlsError, config: &Config) -> Diagnosis {
    Diagnosis::new(&ALERT, "the broker ended the TLS handshake with an alert")
        .notes(how_it_ended(error))
        .notes(sni::notes(&error.facts, config))
        .help("look into the broker's log, where the reason for the alert stands")
}

#[cfg(test)]
#[path = "tls_tests.rs"]
mod tests;
