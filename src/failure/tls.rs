//! What a handshake showed, and how it ended.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use crate::x509::Certificate;

/// A broken TLS connection: the cause, with all that was seen on the way in [`TlsFacts`].
#[derive(Debug)]
pub(crate) struct TlsError {
    pub(crate) cause: TlsCause,
    pub(crate) facts: TlsFacts,
    /// The refusal came after the handshake had ended on our side, as the refusal of a client
    /// certificate does in TLS 1.3 (RFC 8446 §4.4.2.4). `None`: that was not seen.
    pub(crate) late: Option<bool>,
}

#[derive(Debug)]
pub(crate) enum TlsCause {
    /// The peer closed, with or without a reset, and gave no alert.
    Closed {
        reset: bool,
    },
    TimedOut {
        limit: Duration,
    },
    /// The certificate is not the one of `pin_sha256`.
    PinMismatch {
        expected: [u8; 32],
    },
    /// The handshake chose none of the offered protocols, and the broker then closed at CONNECT.
    AlpnNotChosen,
    Rustls(rustls::Error),
    Io(io::Error),
}

/// What a handshake showed, as far as it came.
#[derive(Clone, Debug, Default)]
pub(crate) struct TlsFacts {
    /// The server name that was sent (RFC 6066 §3); `None`: none was.
    pub(crate) sni: Option<String>,
    /// What one more handshake came to that sent a name, where this one sent none.
    pub(crate) named: Option<Named>,
    /// The name that the certificate was asked to carry.
    pub(crate) server_name: String,
    pub(crate) offered_alpn: Vec<String>,
    /// `TLS 1.3` or `TLS 1.2`, where no other version was offered.
    pub(crate) only_offered: Option<&'static str>,
    /// `TLS 1.3`, `TLS 1.2`.
    pub(crate) version: Option<&'static str>,
    /// The name of the IANA registry, as rustls writes it.
    pub(crate) cipher_suite: Option<String>,
    pub(crate) key_exchange: Option<String>,
    pub(crate) alpn: Option<String>,
    pub(crate) client_cert_requested: bool,
    /// The issuers that the CertificateRequest named.
    pub(crate) client_cert_issuers: Vec<String>,
    pub(crate) client_cert_sent: bool,
    /// Our own client certificate, if one is set.
    pub(crate) client_certificate: Option<Certificate>,
    /// The presented chain, the leaf first, also when its verification failed.
    pub(crate) chain: Vec<Presented>,
    pub(crate) roots: Roots,
    /// The organisation that issued the last certificate presented is also that of a trust anchor.
    /// Looked at only when the issuer was not found.
    pub(crate) issuer_organisation_trusted: bool,
    /// The trusted CA certificate to which the presented chain goes back, where it is of `ca_file` and
    /// has ended. rustls does not look at its dates.
    pub(crate) ended_anchor: Option<Certificate>,
    /// Looked at only when the broker's certificate has ended.
    pub(crate) system_ended: Ended,
    /// The first bytes that the peer sent, at most [`FIRST_BYTES`].
    pub(crate) first_bytes: Vec<u8>,
    /// A CONNECT without TLS, which carries no credentials, was answered with a CONNACK.
    pub(crate) answers_plain_mqtt: bool,
    /// One more handshake got an answer, which had the broker send small segments only; `None`: none
    /// was tried.
    pub(crate) small_segments: Option<bool>,
    /// What was trusted is the pin: issuer, name and dates were not looked at.
    pub(crate) pinned: bool,
}

/// A handshake with a server name, after one without.
#[derive(Clone, Debug)]
pub(crate) struct Named {
    pub(crate) name: String,
    /// It ended like the one without. Otherwise a certificate was presented.
    pub(crate) same: bool,
}

/// So many of the CA certificates in this system's store have ended, by this machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Ended {
    pub(crate) count: usize,
    pub(crate) of: usize,
}

/// How many of a peer's first bytes are kept as evidence.
pub(crate) const FIRST_BYTES: usize = 64;

/// One certificate as it was presented.
#[derive(Clone, Debug)]
pub(crate) struct Presented {
    /// `None`: the bytes are no certificate that could be read.
    pub(crate) certificate: Option<Certificate>,
    pub(crate) sha256: [u8; 32],
}

/// What was trusted, and where it came from.
#[derive(Clone, Debug, Default)]
pub(crate) struct Roots {
    pub(crate) count: usize,
    pub(crate) sources: Vec<String>,
    /// The certificates of `ca_file`, as far as they can be read.
    pub(crate) ca_file: Arc<[Certificate]>,
    /// Certificates of the system's store that could not be used.
    pub(crate) skipped: usize,
}
