//! The settings become a `ClientConfig` that our own handshake and rumqttc share; and what its
//! callbacks saw of a connection becomes facts. It opens no connection and advises nothing.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::{ServerName, UnixTime};
use rustls::time_provider::TimeProvider;
use rustls::version::{TLS12, TLS13};
use rustls::{
    CertificateError, ClientConfig, ClientConnection, RootCertStore, SupportedProtocolVersion,
};

use crate::config::{Config, ConfigError, Key, TlsSettings, TlsVersion};
use crate::failure::{Failure, Presented, TlsCause, TlsError, TlsFacts};
use crate::tls::files;
use crate::tls::verifier::{Resolver, Trust, Verifier};
use crate::util::clock;
use crate::x509::Certificate;
use crate::x509::certificate::{self, Name};

/// The client side of TLS, ready for any number of connections to one host.
#[derive(Clone, Debug)]
pub(crate) struct Tls {
    pub(crate) config: Arc<ClientConfig>,
    verifier: Arc<Verifier>,
    resolver: Arc<Resolver>,
    store: Arc<RootCertStore>,
    /// What all connections have in common; each adds the rest.
    common: TlsFacts,
    host: ServerName<'static>,
    pin: Option<[u8; 32]>,
}

/// The date for rustls, which would ask the standard library; see [`clock::now`].
#[derive(Debug)]
struct Clock;

impl TimeProvider for Clock {
    fn current_time(&self) -> Option<UnixTime> {
        // It counts from 1970 on. No certificate is older.
        let seconds = u64::try_from(clock::now()).unwrap_or_default();
        Some(UnixTime::since_unix_epoch(Duration::from_secs(seconds)))
    }
}

impl Tls {
    /// Reads the files that the settings name.
    ///
    /// # Errors
    /// A [`ConfigError`] that names the file, or the setting.
    pub(crate) fn new(config: &Config, settings: &TlsSettings) -> Result<Self, ConfigError> {
        let provider = Arc::new(ring::default_provider());
        let (store, roots) = files::roots(settings)?;
        let store = Arc::new(store);
        let key = settings
            .client
            .as_ref()
            .map(|files| files::client(files, &provider))
            .transpose()?;
        let trust = match settings.pin_sha256 {
            Some(pin) => Trust::Pin(pin),
            None => issuers(settings, &store, &provider)?,
        };
        let verifier = Arc::new(Verifier::new(trust, Arc::clone(&provider)));
        let resolver = Arc::new(Resolver::new(key));
        let versions = ClientConfig::builder_with_details(provider, Arc::new(Clock))
            .with_protocol_versions(offered(settings.version));
        let mut client = versions
            .map_err(|error| refused(None, &error))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::clone(&verifier) as _)
            .with_client_cert_resolver(Arc::clone(&resolver) as _);
        client.enable_sni = settings.sni;
        client.alpn_protocols = settings
            .alpn
            .iter()
            .map(|name| name.as_bytes().to_vec())
            .collect();
        // Each handshake is a full one, so that the second is judged like the first. OpenSSL servers
        // that ask for client certificates refuse a resumption that they are not set up for.
        client.resumption = Resumption::disabled();
        let host = server_name(Key::Host, &config.host)?;
        let sni = matches!(host, ServerName::DnsName(_)) && settings.sni;
        let common = TlsFacts {
            sni: sni.then(|| config.host.clone()),
            server_name: settings
                .server_name
                .clone()
                .unwrap_or_else(|| config.host.clone()),
            offered_alpn: settings.alpn.clone(),
            only_offered: settings.version.map(|version| match version {
                TlsVersion::V1_2 => "TLS 1.2",
                TlsVersion::V1_3 => "TLS 1.3",
            }),
            client_certificate: resolver.leaf().and_then(|der| certificate::read(der).ok()),
            roots,
            pinned: settings.pin_sha256.is_some(),
            ..TlsFacts::default()
        };
        let pin = settings.pin_sha256;
        Ok(Self {
            config: Arc::new(client),
            verifier,
            resolver,
            store,
            common,
            host,
            pin,
        })
    }

    /// The same with a server name, and that name, for a host that was to have none. `None`: no name
    /// is known.
    pub(crate) fn with_sni(&self) -> Option<(Self, String)> {
        let host = match &self.host {
            ServerName::DnsName(_) => self.host.clone(),
            _ => ServerName::try_from(self.common.server_name.clone()).ok()?,
        };
        let ServerName::DnsName(name) = &host else {
            return None;
        };
        let name = name.as_ref().to_owned();
        let mut config = ClientConfig::clone(&self.config);
        config.enable_sni = true;
        let named = Self {
            config: Arc::new(config),
            host,
            ..self.clone()
        };
        Some((named, name))
    }

    /// The beginning of a connection to the host.
    pub(super) fn connection(&self) -> Result<ClientConnection, rustls::Error> {
        let mut connection = ClientConnection::new(Arc::clone(&self.config), self.host.clone())?;
        // A CONNECT with a will and a password may be larger than rustls's own limit of 64 KiB.
        connection.set_buffer_limit(None);
        Ok(connection)
    }

    /// How many certificates of the system's store could not be used.
    pub(crate) fn skipped_roots(&self) -> usize {
        self.common.roots.skipped
    }

    /// What the last handshake showed, be it ours or rumqttc's, as far as the callbacks saw it.
    pub(crate) fn facts(&self) -> TlsFacts {
        let request = self.resolver.take_request();
        let issuer_names = request
            .issuers
            .iter()
            .filter_map(|der| certificate::read_name(der).ok());
        let chain: Vec<_> = self
            .verifier
            .take_chain()
            .iter()
            .map(|der| Presented {
                certificate: certificate::read(der).ok(),
                sha256: certificate::sha256(der),
            })
            .collect();
        TlsFacts {
            ended_anchor: self.ended_anchor(&chain),
            client_cert_requested: request.seen,
            client_cert_issuers: issuer_names.map(|name| name.to_string()).collect(),
            client_cert_sent: request.seen && self.resolver.leaf().is_some(),
            chain,
            ..self.common.clone()
        }
    }

    /// [`Tls::error`], as the failure of a stage.
    pub(crate) fn failure(
        &self,
        cause: TlsCause,
        seen: Option<&TlsFacts>,
        late: Option<bool>,
    ) -> Failure {
        Failure::Tls(Box::new(self.error(cause, seen, late)))
    }

    /// A broken connection with its facts; `seen` is what an earlier handshake showed, for the
    /// parts that this one did not reach.
    pub(super) fn error(
        &self,
        cause: TlsCause,
        seen: Option<&TlsFacts>,
        late: Option<bool>,
    ) -> TlsError {
        let mut facts = self.facts();
        if let Some(seen) = seen
            && facts.chain.is_empty()
        {
            facts = seen.clone();
        }
        if let Some(seen) = seen {
            facts.version = facts.version.or(seen.version);
            facts.client_cert_requested |= seen.client_cert_requested;
        }
        facts.issuer_organisation_trusted = self.knows_issuer_of(&facts);
        if let TlsCause::Rustls(rustls::Error::InvalidCertificate(
            CertificateError::Expired | CertificateError::ExpiredContext { .. },
        )) = &cause
        {
            facts.system_ended = files::system_ended(clock::now());
        }
        TlsError {
            cause: self.with_pin(cause),
            facts,
            late,
        }
    }

    /// The verifier can only say "application failure" to a wrong pin; here it becomes a cause of its
    /// own.
    fn with_pin(&self, cause: TlsCause) -> TlsCause {
        use CertificateError::ApplicationVerificationFailure;
        match (cause, self.pin) {
            (
                TlsCause::Rustls(rustls::Error::InvalidCertificate(ApplicationVerificationFailure)),
                Some(expected),
            ) => TlsCause::PinMismatch { expected },
            (cause, _) => cause,
        }
    }

    /// Whether the organisation that issued the last certificate presented is one of a trust anchor.
    fn knows_issuer_of(&self, facts: &TlsFacts) -> bool {
        let last = facts
            .chain
            .last()
            .and_then(|presented| presented.certificate.as_ref());
        let Some(organisation) = last.and_then(|certificate| certificate.issuer.organisation())
        else {
            return false;
        };
        self.trusted_names()
            .any(|name| name.organisation() == Some(organisation))
    }

    /// From the leaf upwards, the first issuer that is trusted, if it is one of `ca_file` that has
    /// ended; where several have its name, if all have.
    fn ended_anchor(&self, chain: &[Presented]) -> Option<Certificate> {
        let now = clock::now();
        let ca_file = &self.common.roots.ca_file;
        if self.pin.is_some() || ca_file.iter().all(|it| it.not_after >= now) {
            return None;
        }
        let mut at = chain.first()?.certificate.as_ref()?;
        for _ in chain {
            let issuer = &at.issuer;
            let trusted = self.trusted_names().filter(|name| name == issuer).count();
            if trusted > 0 {
                let named = ca_file.iter().filter(|it| it.subject == *issuer);
                let mut ended = named.filter(|it| it.not_after < now);
                let first = ended.next()?;
                return (ended.count() + 1 == trusted).then(|| first.clone());
            }
            let mut presented = chain.iter().filter_map(|it| it.certificate.as_ref());
            at = presented.find(|it| it.subject == *issuer)?;
        }
        None
    }

    fn trusted_names(&self) -> impl Iterator<Item = Name> {
        let anchors = self.store.roots.iter();
        anchors.filter_map(|anchor| certificate::read_name(&sequence(&anchor.subject)).ok())
    }
}

/// The versions to offer; both, where none is named.
fn offered(only: Option<TlsVersion>) -> &'static [&'static SupportedProtocolVersion] {
    static ONLY_1_2: [&SupportedProtocolVersion; 1] = [&TLS12];
    static ONLY_1_3: [&SupportedProtocolVersion; 1] = [&TLS13];
    match only {
        None => rustls::DEFAULT_VERSIONS,
        Some(TlsVersion::V1_2) => &ONLY_1_2,
        Some(TlsVersion::V1_3) => &ONLY_1_3,
    }
}

fn issuers(
    settings: &TlsSettings,
    store: &Arc<RootCertStore>,
    provider: &Arc<CryptoProvider>,
) -> Result<Trust, ConfigError> {
    let name = settings
        .server_name
        .as_deref()
        .map(|name| server_name(Key::ServerName, name))
        .transpose()?;
    let builder =
        WebPkiServerVerifier::builder_with_provider(Arc::clone(store), Arc::clone(provider));
    let webpki = builder.build().map_err(|error| refused(None, &error))?;
    Ok(Trust::Issuers { webpki, name })
}

/// What `key` holds, which `config` has checked, as the type that rustls wants.
fn server_name(key: Key, name: &str) -> Result<ServerName<'static>, ConfigError> {
    ServerName::try_from(name.to_owned()).map_err(|error| refused(Some(key), &error))
}

fn refused(key: Option<Key>, error: &dyn Error) -> ConfigError {
    let words = error.to_string();
    ConfigError::TlsSetup { key, words }
}

/// webpki keeps a trust anchor's name without the SEQUENCE around it (X.690 §8.1.3).
fn sequence(content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let length: Vec<u8> = length.into_iter().skip_while(|byte| *byte == 0).collect();
    let mut der = vec![0x30];
    if content.len() >= 0x80 {
        der.push(0x80 | u8::try_from(length.len()).unwrap_or_default());
    }
    der.extend(length);
    der.extend_from_slice(content);
    der
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    /// What `config` would never let through.
    const NO_NAME: &str = "no name";

    #[track_caller]
    fn check(config: &Config, settings: &TlsSettings, key: Key) {
        let found = Tls::new(config, settings).err();
        assert!(
            matches!(&found, Some(ConfigError::TlsSetup { key: Some(it), .. }) if *it == key),
            "{found:?}"
        );
    }

    #[test]
    fn a_name_that_rustls_refuses_is_told_by_its_key() {
        let config = testing::good("system_roots = off\nca_file = ca.pem\n");
        let named = TlsSettings {
            ca_file: None,
            server_name: Some(NO_NAME.to_owned()),
            ..testing::tls(&config).clone()
        };
        check(&config, &named, Key::ServerName);

        let pinned = TlsSettings {
            pin_sha256: Some([0; 32]),
            server_name: None,
            ..named
        };
        let host = NO_NAME.to_owned();
        check(&Config { host, ..config }, &pinned, Key::Host);
    }
}
