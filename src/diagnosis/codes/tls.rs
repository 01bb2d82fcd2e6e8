//! The words for tls: which code a broken handshake is, and what to do. What concerns the presented
//! certificates is in `certificate`.

use rustls::{AlertDescription, Error, InvalidMessage, PeerIncompatible};

use crate::config::{Config, Transport};
use crate::diagnosis::codes::{alert, certificate};
use crate::diagnosis::{Code, Words, origin};
use crate::failure::{TlsCause, TlsError};
use crate::util::{clock, text};

/// A broken handshake, or a refusal after it.
pub(crate) fn words(fault: &TlsError, config: &Config, now: i64) -> Words {
    match code(fault, config, now) {
        code @ Code::TlsNotTls => not_tls(code, fault, config),
        code @ Code::TlsClosed => Words::new(code, "the broker closed the connection during the TLS handshake")
            .notes(how_it_ended(fault))
            .help(format!("check {}: a proxy that routes by server name closes the connection for a name that it does not know", origin(config, "host")))
            .help("if the broker's log names a reason, such as no certificate or no common version, mend it there")
            .help(format!("if port {} is a port without TLS, use the broker's TLS port, which is usually 8883", config.port)),
        code @ Code::TlsTimeout => {
            let limit = match fault.cause {
                TlsCause::TimedOut { limit } => text::duration(limit),
                _ => text::duration(config.timeout),
            };
            Words::new(code, "the TLS handshake did not end in time")
                .note(format!("TCP is connected; {} within {limit} ({})", received(fault), origin(config, "timeout")))
                .notes(fault.facts.sni.iter().map(|sni| format!("server name sent (SNI): `{sni}`")))
                .help_if(fault.facts.first_bytes.is_empty(), format!("if port {} is a port without TLS, use the broker's TLS port, which is usually 8883", config.port))
                .help("if the link is slow, raise `timeout`")
                .help("if a firewall inspects TLS, it may let the connection through and hold its data: try another network")
        }
        code @ Code::TlsVersion => Words::new(code, "the broker speaks no TLS version that is still safe")
            .notes(how_it_ended(fault))
            .note("offered: TLS 1.3 and TLS 1.2; TLS 1.1 and older are withdrawn (RFC 8996)")
            .help("update the broker, or enable TLS 1.2 there (mosquitto: `tls_version tlsv1.2`)"),
        code @ Code::TlsNoCommonCipher => no_common_cipher(code, fault),
        code @ Code::TlsUnrecognisedName => Words::new(code, "the broker does not know the server name that was sent")
            .note(format!("server name sent: `{}`; answer: alert unrecognized_name", fault.facts.sni.as_deref().unwrap_or("none")))
            .help(format!("check {}: it must be the very name that the broker's provider gave you", origin(config, "host"))),
        code @ Code::TlsNoSni => no_sni(code, fault, config),
        code @ Code::TlsAlpn => alpn(code, fault, config),
        code @ Code::TlsClientCertRequired => Words::new(code, "the broker demands a client certificate, and none is set")
            .notes(how_it_ended(fault))
            .note(accepted_issuers(fault))
            .help("set `cert_file` and `key_file` to the certificate and key that the broker's operator gave you")
            .help("if you have none, ask for the port where a user name and password are enough"),
        code @ Code::TlsClientCertRejected => rejected(code, fault, config, now),
        code @ Code::TlsAlert => Words::new(code, "the broker ended the TLS handshake with an alert")
            .notes(how_it_ended(fault))
            .help("look into the broker's log, where the reason for the alert stands"),
        code => certificate::words(code, fault, config, now),
    }
}

/// Which failure it is. Where two look alike on the wire, what else was seen decides.
fn code(fault: &TlsError, config: &Config, now: i64) -> Code {
    match &fault.cause {
        TlsCause::PinMismatch { .. } => Code::TlsPinMismatch,
        TlsCause::AlpnNotChosen => Code::TlsAlpn,
        _ if fault.facts.answers_plain_mqtt || looks_plain(&fault.facts.first_bytes) => {
            Code::TlsNotTls
        }
        TlsCause::TimedOut { .. } => Code::TlsTimeout,
        TlsCause::Closed { .. } | TlsCause::Io(_) => closed(fault, config),
        TlsCause::Rustls(error) => match error {
            Error::InvalidCertificate(error) => certificate::code(error, &fault.facts, now),
            Error::NoCertificatesPresented | Error::UnsupportedNameType => Code::TlsBadCertificate,
            // The one handshake message that may be large is the chain; rustls takes 64 KiB.
            Error::InvalidMessage(
                InvalidMessage::HandshakePayloadTooLarge
                | InvalidMessage::CertificatePayloadTooLarge,
            ) if is_server_hello(&fault.facts.first_bytes) => Code::TlsBadCertificate,
            // Only a clock before 1970 cannot be had.
            Error::FailedToGetCurrentTime => Code::TlsClockWrong,
            Error::AlertReceived(alert) => of_alert(*alert, fault),
            Error::NoApplicationProtocol => Code::TlsAlpn,
            Error::PeerIncompatible(
                PeerIncompatible::ServerDoesNotSupportTls12Or13
                | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig
                | PeerIncompatible::Tls12NotOffered
                | PeerIncompatible::Tls12NotOfferedOrEnabled
                | PeerIncompatible::SupportedVersionsExtensionRequired,
            ) => Code::TlsVersion,
            Error::PeerIncompatible(_) => Code::TlsNoCommonCipher,
            // The records have the form of TLS and break its rules: it is none.
            _ => Code::TlsNotTls,
        },
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

fn closed(fault: &TlsError, config: &Config) -> Code {
    let facts = &fault.facts;
    if facts.client_cert_requested {
        return client_certificate(fault);
    }
    match config.port {
        1883 | 1884 if facts.first_bytes.is_empty() => Code::TlsNotTls,
        _ if facts.sni.is_none() => Code::TlsNoSni,
        _ => Code::TlsClosed,
    }
}

fn client_certificate(fault: &TlsError) -> Code {
    if fault.facts.client_cert_sent {
        Code::TlsClientCertRejected
    } else {
        Code::TlsClientCertRequired
    }
}

fn of_alert(alert: AlertDescription, fault: &TlsError) -> Code {
    use AlertDescription as Alert;
    let requested = fault.facts.client_cert_requested;
    match alert {
        Alert::ProtocolVersion => Code::TlsVersion,
        Alert::NoApplicationProtocol => Code::TlsAlpn,
        Alert::CertificateRequired => client_certificate(fault),
        Alert::UnrecognisedName if fault.facts.sni.is_none() => Code::TlsNoSni,
        Alert::UnrecognisedName => Code::TlsUnrecognisedName,
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
            client_certificate(fault)
        }
        Alert::HandshakeFailure | Alert::InternalError | Alert::MissingExtension
            if fault.facts.sni.is_none() =>
        {
            Code::TlsNoSni
        }
        Alert::HandshakeFailure | Alert::InsufficientSecurity => Code::TlsNoCommonCipher,
        _ => Code::TlsAlert,
    }
}

fn not_tls(code: Code, fault: &TlsError, config: &Config) -> Words {
    let first = &fault.facts.first_bytes;
    let port = config.port;
    let take_tls_port =
        format!("use the broker's TLS port instead of {port}: 8883 is the usual one");
    // Whole records, or a whole handshake, were TLS; then came what TLS does not allow.
    let broken = match &fault.cause {
        TlsCause::Rustls(error) if !looks_plain(first) => Some(error),
        _ => None,
    };
    let what = if broken.is_some() && !fault.facts.answers_plain_mqtt {
        "breaks the rules of TLS"
    } else {
        "does not speak TLS"
    };
    let words = Words::new(code, format!("what answers on port {port} {what}"));
    if fault.facts.answers_plain_mqtt {
        return words
            .note("it is a broker without TLS: a CONNECT in the clear, without credentials, was answered with a CONNACK")
            .help(take_tls_port)
            .help("if the broker has no TLS port and is on this machine or network, set `tls = off`");
    }
    if let Some(error) = broken {
        let seen = if first.is_empty() {
            received(fault)
        } else {
            format!("its first bytes: `{}`", text::escape_bytes(first, 48))
        };
        return words
            .note(seen)
            .note(format!("the TLS library says: {error}"))
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
        words.note("that is HTTP").help(
            "this is a web server's port: take the broker's port for MQTT over TLS, usually 8883",
        )
    } else if first.starts_with(b"SSH-") {
        words.note("that is SSH").help("this is the port of an SSH server: take the broker's port for MQTT over TLS, usually 8883")
    } else {
        words
            .help(take_tls_port)
            .help("if a proxy or a firewall stands between, try another network")
    }
}

fn no_common_cipher(code: Code, fault: &TlsError) -> Words {
    Words::new(code, "the broker and this client have no TLS algorithm in common")
        .notes(how_it_ended(fault))
        .note("cipher suites offered: AES-256-GCM, AES-128-GCM and ChaCha20-Poly1305, in TLS 1.2 with ECDHE only")
        .note("groups offered: X25519, P-256, P-384; signatures: ECDSA on P-256 and P-384, Ed25519, RSA of 2048 bits and more")
        .help("give the broker a certificate with an RSA, P-256, P-384 or Ed25519 key: one with a P-521 or DSA key cannot be used")
        .help("if the broker's configuration limits its ciphers, allow ECDHE with AES-GCM there")
}

fn no_sni(code: Code, fault: &TlsError, config: &Config) -> Words {
    let off = matches!(&config.transport, Transport::Tls(settings) if !settings.sni);
    let why = if off {
        format!("{} leaves it out", origin(config, "sni"))
    } else {
        format!("`{}` is an IP address, which has none", config.host)
    };
    let words = Words::new(
        code,
        "the broker refuses a TLS handshake without a server name (SNI)",
    )
    .notes(how_it_ended(fault))
    .note(format!("no server name was sent: {why}"));
    if off {
        words.help("remove `sni = off`: this broker serves many names on one address and needs to know which")
    } else {
        words.help("set `host` to the broker's name instead of its address: a broker that serves many names on one address needs to know which")
    }
}

fn alpn(code: Code, fault: &TlsError, config: &Config) -> Words {
    let offered = match fault.facts.offered_alpn.as_slice() {
        [] => "no protocol was offered by ALPN".to_owned(),
        offered => format!("offered by ALPN: {}", offered.join(", ")),
    };
    Words::new(
        code,
        "the broker accepts none of the protocols offered by ALPN",
    )
    .notes(how_it_ended(fault))
    .note(offered)
    .help(format!(
        "set {} to what the broker's documentation asks for on this port, or remove it",
        origin(config, "alpn")
    ))
}

fn rejected(code: Code, fault: &TlsError, config: &Config, now: i64) -> Words {
    let mut words =
        Words::new(code, "the broker refuses our client certificate").notes(how_it_ended(fault));
    if let Some(own) = &fault.facts.client_certificate {
        words = words.note(format!(
            "sent: {}: `{}`, issued by `{}`, valid from {} until {}",
            origin(config, "cert_file"),
            own.subject.short(),
            own.issuer.short(),
            clock::utc(own.not_before),
            clock::utc(own.not_after),
        ));
        if own.not_after < now {
            let ago = clock::distance(own.not_after, now);
            words = words
                .note(format!("it expired {ago} ago"))
                .help("have a new client certificate issued, and set `cert_file` to it");
        } else if own.not_before > now {
            words = words.note(format!(
                "it begins to be valid in {}",
                clock::distance(now, own.not_before)
            ));
        }
    }
    words
        .note(accepted_issuers(fault))
        .help(
            "check that this certificate is the one the broker knows, and that it is active there",
        )
        .help(
            "if its issuer is not one that the broker trusts, have one issued by a CA that it does",
        )
        .help("if an intermediate CA issued it, append that CA's certificate to `cert_file`")
}

fn accepted_issuers(fault: &TlsError) -> String {
    const MOST: usize = 5;
    match fault.facts.client_cert_issuers.as_slice() {
        [] => "the broker's request names no issuers".to_owned(),
        issuers => {
            let more = issuers.len().saturating_sub(MOST);
            let shown: Vec<_> = issuers
                .iter()
                .take(MOST)
                .map(|name| format!("`{name}`"))
                .collect();
            let more = if more > 0 {
                format!(" and {more} more")
            } else {
                String::new()
            };
            format!(
                "the broker accepts certificates issued by {}{more}",
                shown.join(", ")
            )
        }
    }
}

/// The peer's last word, or that it had none.
fn how_it_ended(fault: &TlsError) -> Vec<String> {
    let when = if fault.late {
        "after the handshake"
    } else {
        "during the handshake"
    };
    let mut notes = vec![match &fault.cause {
        TlsCause::Rustls(Error::AlertReceived(alert)) => {
            format!("received {when}: alert {}", alert::in_full(*alert))
        }
        TlsCause::Rustls(error) => format!("the TLS library says: {error}"),
        TlsCause::Closed { reset: true } => format!(
            "the connection was reset {when}, without an alert; {}",
            received(fault)
        ),
        TlsCause::Closed { reset: false } => format!(
            "the connection was closed {when}, without an alert; {}",
            received(fault)
        ),
        TlsCause::Io(error) => format!("the system says: {error}"),
        TlsCause::AlpnNotChosen => {
            "the handshake succeeded and chose no protocol; the connection was then closed at CONNECT".to_owned()
        }
        TlsCause::TimedOut { .. } | TlsCause::PinMismatch { .. } => received(fault),
    }];
    if let Some(sni) = &fault.facts.sni {
        notes.push(format!("server name sent (SNI): `{sni}`"));
    }
    notes
}

fn received(fault: &TlsError) -> String {
    match fault.facts.first_bytes.as_slice() {
        _ if fault.late => "the handshake itself had succeeded".to_owned(),
        [] => "not a byte was received".to_owned(),
        _ => "the broker had begun to answer".to_owned(),
    }
}

#[cfg(test)]
#[path = "tls_tests.rs"]
mod tests;
