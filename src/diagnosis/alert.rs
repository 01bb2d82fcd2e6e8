//! How a TLS connection ended, as evidence; the alerts in words: name, number, meaning (RFC 8446 §6).

use rustls::{AlertDescription, Error};

use crate::failure::{TlsCause, TlsError};

/// The peer's last word, or that it had none.
pub(crate) fn how_it_ended(error: &TlsError) -> Vec<String> {
    let when = match error.late {
        Some(true) => " after the handshake",
        Some(false) => " during the handshake",
        None => "",
    };
    let mut notes = vec![match &error.cause {
        TlsCause::Rustls(Error::AlertReceived(alert)) => {
            format!("received{when}: alert {}", in_full(*alert))
        }
        TlsCause::Rustls(said) => format!("the TLS library says: {said}"),
        TlsCause::Closed { reset: true } => format!(
            "the connection was reset{when}, without an alert; {}",
            received(error)
        ),
        TlsCause::Closed { reset: false } => format!(
            "the connection was closed{when}, without an alert; {}",
            received(error)
        ),
        TlsCause::Io(said) => format!("the system says: {said}"),
        TlsCause::AlpnNotChosen => {
            "the handshake succeeded and chose no protocol; the connection was then closed at CONNECT".to_owned()
        }
        TlsCause::TimedOut { .. } | TlsCause::PinMismatch { .. } => received(error),
    }];
    if let Some(sni) = &error.facts.sni {
        notes.push(format!("server name sent (SNI): `{sni}`"));
    }
    notes
}

pub(crate) fn received(error: &TlsError) -> String {
    match error.facts.first_bytes.as_slice() {
        _ if error.late == Some(true) => "the handshake itself had succeeded".to_owned(),
        [] => "not a byte was received".to_owned(),
        _ => "the broker had begun to answer".to_owned(),
    }
}

/// Name, number and meaning.
fn in_full(alert: AlertDescription) -> String {
    let number = u8::from(alert);
    match alert {
        AlertDescription::Unknown(_) => format!("{number}, a number that no TLS standard names"),
        _ => format!("{} ({number}): {}", name(alert), meaning(alert)),
    }
}

/// The name of RFC 8446 §6, as other tools and logs write it.
fn name(alert: AlertDescription) -> String {
    let camel = format!("{alert:?}")
        .replace("CA", "Ca")
        .replace("PSK", "Psk")
        .replace("Recognised", "recognized");
    let mut snake = String::new();
    for (i, c) in camel.char_indices() {
        if c.is_ascii_uppercase() && i > 0 {
            snake.push('_');
        }
        snake.push(c.to_ascii_lowercase());
    }
    snake.replace("unrecognised", "unrecognized")
}

fn meaning(alert: AlertDescription) -> &'static str {
    use AlertDescription as Alert;
    match alert {
        Alert::CloseNotify => "the peer closes",
        Alert::UnexpectedMessage => "a message came out of turn",
        Alert::BadRecordMac | Alert::DecryptionFailed => {
            "a record could not be decrypted; something on the way may have changed it"
        }
        Alert::RecordOverflow => "a record was too long",
        Alert::HandshakeFailure => "no acceptable set of security parameters",
        Alert::NoCertificate | Alert::CertificateRequired => "a client certificate is required",
        Alert::BadCertificate => "the certificate is damaged or its signature is wrong",
        Alert::UnsupportedCertificate => "the certificate is of a kind that is not supported",
        Alert::CertificateRevoked => "the certificate was revoked",
        Alert::CertificateExpired => "the certificate has expired or is not yet valid",
        Alert::CertificateUnknown => "the certificate is not acceptable, for a reason not named",
        Alert::IllegalParameter => "a field of the handshake was wrong",
        Alert::UnknownCA => "the issuer of the certificate is not known or not trusted",
        Alert::AccessDenied => "the certificate is valid, but access is not allowed",
        Alert::DecodeError => "a message could not be decoded",
        Alert::DecryptError => "a signature of the handshake could not be verified",
        Alert::ProtocolVersion => "the offered TLS versions are not supported",
        Alert::InsufficientSecurity => "the peer demands stronger ciphers",
        Alert::InternalError => "an error inside the peer",
        Alert::UserCanceled => "the peer cancelled the handshake",
        Alert::MissingExtension => "a required extension was missing",
        Alert::UnsupportedExtension => "an extension was not expected",
        Alert::UnrecognisedName => "no server of that name is here",
        Alert::NoApplicationProtocol => "no common application protocol (ALPN)",
        _ => "see the IANA registry of TLS alerts",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(number: u8, expected: &str) {
        assert_eq!(in_full(AlertDescription::from(number)), expected);
    }

    /// The names are those of the IANA registry, which other tools and logs write.
    #[test]
    fn an_alert_has_its_name_its_number_and_its_meaning() {
        check(
            40,
            "handshake_failure (40): no acceptable set of security parameters",
        );
        check(
            48,
            "unknown_ca (48): the issuer of the certificate is not known or not trusted",
        );
        check(
            112,
            "unrecognized_name (112): no server of that name is here",
        );
        check(
            115,
            "unknown_psk_identity (115): see the IANA registry of TLS alerts",
        );
        check(
            20,
            "bad_record_mac (20): a record could not be decrypted; something on the way may have changed it",
        );
        check(
            116,
            "certificate_required (116): a client certificate is required",
        );
        check(200, "200, a number that no TLS standard names");
    }
}
