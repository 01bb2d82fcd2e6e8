//! What rustls asks us during a handshake, and what we record while we answer: the presented chain
//! (kept also when its verification fails, when rustls itself keeps nothing) and the
//! CertificateRequest. The verdict is always rustls's own webpki, or the pin; nothing is ever accepted
//! without one of them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ResolvesClientCert, WebPkiServerVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::sign::CertifiedKey;
use rustls::{CertificateError, DigitallySignedStruct, Error, SignatureScheme};

use crate::x509::certificate;

/// What makes a server certificate the right one.
#[derive(Debug)]
pub(crate) enum Trust {
    /// A chain to a trust anchor, valid now, for the name (RFC 5280 §6, RFC 6125).
    Issuers {
        webpki: Arc<WebPkiServerVerifier>,
        name: Option<ServerName<'static>>,
    },
    /// This very certificate, by its SHA-256.
    Pin([u8; 32]),
}

/// Delegates the verdict and records the evidence.
#[derive(Debug)]
pub(crate) struct Verifier {
    trust: Trust,
    provider: Arc<CryptoProvider>,
    chain: Mutex<Vec<Vec<u8>>>,
}

impl Verifier {
    pub(crate) fn new(trust: Trust, provider: Arc<CryptoProvider>) -> Self {
        Self {
            trust,
            provider,
            chain: Mutex::default(),
        }
    }

    /// The chain of the last handshake, the leaf first, in DER; empties the record.
    pub(crate) fn take_chain(&self) -> Vec<Vec<u8>> {
        std::mem::take(&mut lock(&self.chain))
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let presented = std::iter::once(end_entity).chain(intermediates);
        *lock(&self.chain) = presented.map(|der| der.to_vec()).collect();
        match &self.trust {
            Trust::Issuers { webpki, name } => {
                let name = name.as_ref().unwrap_or(server_name);
                webpki.verify_server_cert(end_entity, intermediates, name, ocsp_response, now)
            }
            Trust::Pin(pin) if *pin == certificate::sha256(end_entity) => {
                Ok(ServerCertVerified::assertion())
            }
            Trust::Pin(_) => Err(Error::InvalidCertificate(
                CertificateError::ApplicationVerificationFailure,
            )),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

/// What the broker asked for (RFC 8446 §4.3.2, RFC 5246 §7.4.4).
#[derive(Debug, Default)]
pub(crate) struct CertificateRequest {
    pub(crate) seen: bool,
    /// The names of the acceptable issuers, in DER.
    pub(crate) issuers: Vec<Vec<u8>>,
}

/// Answers a CertificateRequest with the configured certificate, if there is one, and records it.
#[derive(Debug)]
pub(crate) struct Resolver {
    key: Option<Arc<CertifiedKey>>,
    request: Mutex<CertificateRequest>,
}

impl Resolver {
    pub(crate) fn new(key: Option<Arc<CertifiedKey>>) -> Self {
        Self {
            key,
            request: Mutex::default(),
        }
    }

    /// The leaf that is sent when asked for, in DER.
    pub(crate) fn leaf(&self) -> Option<&CertificateDer<'static>> {
        self.key.as_ref().and_then(|key| key.cert.first())
    }

    /// What the last handshake was asked for; empties the record.
    pub(crate) fn take_request(&self) -> CertificateRequest {
        std::mem::take(&mut lock(&self.request))
    }
}

impl ResolvesClientCert for Resolver {
    fn resolve(
        &self,
        root_hint_subjects: &[&[u8]],
        _sigschemes: &[SignatureScheme],
    ) -> Option<Arc<CertifiedKey>> {
        let issuers = root_hint_subjects
            .iter()
            .map(|name| name.to_vec())
            .collect();
        *lock(&self.request) = CertificateRequest {
            seen: true,
            issuers,
        };
        // Sent whatever issuers are named: a broker's list may be wrong or empty, and its own
        // refusal is better evidence than our silence.
        self.key.clone()
    }

    fn has_certs(&self) -> bool {
        self.key.is_some()
    }
}

/// A lock that another thread's panic cannot spoil: the records are replaced whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
