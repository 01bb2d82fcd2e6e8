//! The codes of our own certificate: the broker demands one, or refuses the one that it got.

use rustls::{AlertDescription, Error};

use crate::config::{Config, Key};
use crate::diagnosis::alert::how_it_ended;
use crate::diagnosis::code::Kind;
use crate::diagnosis::{Code, Diagnosis, origin};
use crate::failure::{Stage, TlsCause, TlsError};
use crate::util::clock;

/// The codes of this layer, in the order of `mqtt-test explain`.
pub(crate) static CODES: &[&Code] = &[&REQUIRED, &REJECTED];

/// The broker asked for a client certificate, and did not like what it got.
pub(crate) fn refused(error: &TlsError, config: &Config, now: i64) -> Diagnosis {
    if error.facts.client_cert_sent {
        rejected(error, config, now)
    } else {
        required(error)
    }
}

pub(crate) static REQUIRED: Code = Code {
    name: "tls-client-cert-required",
    kind: Kind::Failure {
        stage: Stage::Tls,
        retry: false,
    },
    line: "the broker demands a client certificate; none is set",
    more: "On this port the broker wants a certificate from its clients too, as an identity card, and refuses those that have none.",
    causes: &[
        "`cert_file` and `key_file` are not set",
        "the port is the one for clients with certificates, and another one takes user name and password",
    ],
    remedies: &[
        "set `cert_file` and `key_file` to the certificate and key that the broker's operator or console gave you",
        "if you have none, ask the operator for one, or for the port where a user name and password are enough",
        "on a broker of your own, a listener without `require_certificate true` demands none (mosquitto); give it a `password_file` then",
    ],
};

fn required(error: &TlsError) -> Diagnosis {
    Diagnosis::new(&REQUIRED, "the broker demands a client certificate, and none is set")
        .notes(how_it_ended(error))
        .note(accepted_issuers(error))
        .help("set `cert_file` and `key_file` to the certificate and key that the broker's operator gave you")
        .help("if you have none, ask for the port where a user name and password are enough")
        .help("if the broker is yours and shall not demand one, take `require_certificate true` out of this listener's configuration (mosquitto), and restart it")
}

pub(crate) static REJECTED: Code = Code {
    name: "tls-client-cert-rejected",
    kind: Kind::Failure {
        stage: Stage::Tls,
        retry: false,
    },
    line: "the broker refuses our client certificate",
    more: "The certificate in `cert_file` was sent, and the broker did not accept it.",
    causes: &[
        "its issuer is not one that the broker trusts",
        "it has expired, or was revoked or never activated in the broker's console",
        "an intermediate CA issued it, and that CA's certificate is not sent along",
        "the broker's own clock is wrong",
    ],
    remedies: &[
        "look at it: `openssl x509 -in client.crt -noout -subject -issuer -dates`",
        "check in the broker's console that this certificate is known and active",
        "if an intermediate CA issued it: `cat client.crt intermediate.crt > chain.crt`, then `cert_file = chain.crt`",
        "on your own broker, let it trust the issuer (mosquitto: `cafile`), and read its log",
    ],
};

fn rejected(error: &TlsError, config: &Config, now: i64) -> Diagnosis {
    let alert = match error.cause {
        TlsCause::Rustls(Error::AlertReceived(alert)) => Some(alert),
        _ => None,
    };
    let own = error.facts.client_certificate.as_ref();
    let ended = own.is_some_and(|own| own.not_after < now);
    let expired = alert == Some(AlertDescription::CertificateExpired);
    let title = match expired && ended {
        true => "the broker refuses our client certificate, which has expired",
        false => "the broker refuses our client certificate",
    };
    let mut words = Diagnosis::new(&REJECTED, title).notes(how_it_ended(error));
    if let Some(own) = own {
        words = words.note(format!(
            "sent: {}: `{}`, issued by `{}`, valid from {} until {}",
            origin(config, Key::CertFile),
            own.subject.short(),
            own.issuer.short(),
            clock::utc(own.not_before),
            clock::utc(own.not_after),
        ));
        if ended {
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
    let words = words.note(accepted_issuers(error));
    let intermediate =
        "if an intermediate CA issued it, append that CA's certificate to `cert_file`";
    match alert {
        Some(AlertDescription::CertificateExpired) if ended => words,
        Some(AlertDescription::CertificateExpired) => {
            words.help("if the dates above are right, set the broker's own clock, or this machine's")
        }
        Some(AlertDescription::UnknownCA) => words
            .help("let the broker trust its issuer (mosquitto: `cafile`), or have one issued by a CA that it trusts")
            .help(intermediate),
        _ => words
            .help("check that this certificate is the one the broker knows, and that it is active there")
            .help("if its issuer is not one that the broker trusts, have one issued by a CA that it does")
            .help(intermediate),
    }
}

fn accepted_issuers(error: &TlsError) -> String {
    const MOST: usize = 5;
    match error.facts.client_cert_issuers.as_slice() {
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
