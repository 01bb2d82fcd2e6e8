//! A throw-away PKI: authorities and certificates of every kind that a check must tell apart, made
//! in the run with rcgen. The forms that only the `openssl` command makes are in `certs_openssl`.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CustomExtension, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose, SanType,
};
use rustls::RootCertStore;
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;

use crate::lab::Lab;

/// A certificate authority, and those above it that a server must send along.
pub(crate) struct Authority {
    certificate: Certificate,
    issuer: Issuer<'static, KeyPair>,
    /// The name of the root, and the organisation of all below it.
    organisation: String,
    /// From this authority up to, without, the root. Empty for a root.
    intermediates: Vec<Certificate>,
}

impl Authority {
    pub(crate) fn root(name: &str) -> Self {
        Self::root_valid(name, -100, 1000)
    }

    /// A root that is valid between these days, counted from now.
    pub(crate) fn root_valid(name: &str, from: i64, to: i64) -> Self {
        let mut params = authority_params(name, name);
        set_validity(&mut params, from, to);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        Self {
            certificate,
            issuer: Issuer::new(params, key),
            organisation: name.to_owned(),
            intermediates: Vec::new(),
        }
    }

    pub(crate) fn intermediate(&self, name: &str) -> Self {
        self.intermediate_valid(name, -100, 1000)
    }

    /// An intermediate that is valid between these days, counted from now.
    pub(crate) fn intermediate_valid(&self, name: &str, from: i64, to: i64) -> Self {
        self.intermediate_with(name, |params| set_validity(params, from, to))
    }

    /// An intermediate with a fault.
    pub(crate) fn intermediate_with(
        &self,
        name: &str,
        fault: impl FnOnce(&mut CertificateParams),
    ) -> Self {
        let mut params = authority_params(name, &self.organisation);
        fault(&mut params);
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let mut intermediates = vec![certificate.clone()];
        intermediates.extend_from_slice(&self.intermediates);
        Self {
            certificate,
            issuer: Issuer::new(params, key),
            organisation: self.organisation.clone(),
            intermediates,
        }
    }

    pub(crate) fn pem(&self) -> String {
        self.certificate.pem()
    }

    pub(crate) fn der(&self) -> CertificateDer<'static> {
        self.certificate.der().clone()
    }

    pub(crate) fn key_pem(&self) -> String {
        self.issuer.key().serialize_pem()
    }

    /// A server certificate of this authority, for `names`.
    pub(crate) fn server(&self, names: &[&str]) -> Leaf<'_> {
        Leaf::new(Some(self), names, ExtendedKeyUsagePurpose::ServerAuth)
    }

    /// A client certificate of this authority, whose common name is `name`.
    pub(crate) fn client(&self, name: &str) -> Leaf<'_> {
        Leaf::new(Some(self), &[], ExtendedKeyUsagePurpose::ClientAuth).common_name(name)
    }
}

/// A certificate in the making. Without further words it is right in every way.
pub(crate) struct Leaf<'a> {
    authority: Option<&'a Authority>,
    params: CertificateParams,
    key: Option<KeyPair>,
}

impl<'a> Leaf<'a> {
    fn new(
        authority: Option<&'a Authority>,
        names: &[&str],
        usage: ExtendedKeyUsagePurpose,
    ) -> Self {
        let mut params = CertificateParams::default();
        params.subject_alt_names = names.iter().map(|name| alternative_name(name)).collect();
        params.distinguished_name = DistinguishedName::new();
        if let Some(name) = names.first() {
            params
                .distinguished_name
                .push(DnType::CommonName, (*name).to_owned());
        }
        set_validity(&mut params, -1, 90);
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![usage];
        params.use_authority_key_identifier_extension = authority.is_some();
        Self {
            authority,
            params,
            key: None,
        }
    }

    /// Signed by itself, `CA:FALSE`: what `openssl req -x509` users put on their first broker.
    pub(crate) fn self_signed(names: &[&str]) -> Self {
        Self::new(None, names, ExtendedKeyUsagePurpose::ServerAuth)
    }

    pub(crate) fn common_name(mut self, name: &str) -> Self {
        self.params
            .distinguished_name
            .push(DnType::CommonName, name.to_owned());
        self
    }

    /// Valid between these days, counted from now.
    pub(crate) fn valid(mut self, from: i64, to: i64) -> Self {
        set_validity(&mut self.params, from, to);
        self
    }

    pub(crate) fn expired(self) -> Self {
        self.valid(-90, -7)
    }

    pub(crate) fn not_yet_valid(self) -> Self {
        self.valid(7, 90)
    }

    /// No subjectAltName: the names stand in the common name alone, as before 2000.
    pub(crate) fn without_san(mut self) -> Self {
        self.params.subject_alt_names.clear();
        self
    }

    /// `CA:TRUE`, used as a server certificate all the same.
    pub(crate) fn ca_true(mut self) -> Self {
        self.params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        self.params.key_usages.push(KeyUsagePurpose::KeyCertSign);
        self
    }

    /// For clients alone by its extended key usage (RFC 5280 §4.2.1.12).
    pub(crate) fn for_clients(mut self) -> Self {
        self.params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self
    }

    /// With an authority information access extension (RFC 5280 §4.2.2.1): public authorities
    /// write there where their intermediate can be had.
    pub(crate) fn with_aia(mut self) -> Self {
        const AUTHORITY_INFO_ACCESS: &[u64] = &[1, 3, 6, 1, 5, 5, 7, 1, 1];
        const CA_ISSUERS: &[u8] = &[0x06, 0x08, 0x2b, 6, 1, 5, 5, 7, 0x30, 2];
        const URI: &[u8] = b"http://ca.example/intermediate.der";
        let uri = tlv(0x86, URI);
        let description = tlv(0x30, &[CA_ISSUERS, &uri].concat());
        let content = tlv(0x30, &description);
        self.params
            .custom_extensions
            .push(CustomExtension::from_oid_content(
                AUTHORITY_INFO_ACCESS,
                content,
            ));
        self
    }

    /// With this key (PKCS#8, PEM) in place of a fresh ECDSA P-256 one.
    pub(crate) fn with_key(mut self, pem: &str) -> Self {
        self.key = Some(KeyPair::from_pem(pem).unwrap());
        self
    }

    pub(crate) fn issue(self) -> Issued {
        let key = self.key.unwrap_or_else(|| KeyPair::generate().unwrap());
        let (leaf, intermediates) = match self.authority {
            Some(authority) => (
                self.params.signed_by(&key, &authority.issuer).unwrap(),
                authority.intermediates.clone(),
            ),
            None => (self.params.self_signed(&key).unwrap(), Vec::new()),
        };
        Issued {
            leaf,
            intermediates,
            key_pem: key.serialize_pem(),
            key_der: key.serialize_der(),
        }
    }
}

/// A certificate with its chain and its key (PKCS#8).
pub(crate) struct Issued {
    leaf: Certificate,
    intermediates: Vec<Certificate>,
    pub(crate) key_pem: String,
    pub(crate) key_der: Vec<u8>,
}

/// The names of written files, relative to the lab's folder as a config file wants them.
#[derive(Clone)]
pub(crate) struct Files {
    pub(crate) cert: String,
    pub(crate) key: String,
}

impl Issued {
    /// Forgets the intermediates: a broker that sends its leaf alone.
    pub(crate) fn alone(mut self) -> Self {
        self.intermediates.clear();
        self
    }

    /// Writes `STEM.pem` (leaf, then intermediates) and `STEM.key`.
    pub(crate) fn write(&self, lab: &Lab, stem: &str) -> Files {
        let files = Files {
            cert: format!("{stem}.pem"),
            key: format!("{stem}.key"),
        };
        let chain = std::iter::once(&self.leaf).chain(&self.intermediates);
        lab.write(&files.cert, chain.map(Certificate::pem).collect::<String>());
        lab.write_private(&files.key, &self.key_pem);
        files
    }

    /// A rustls server with this certificate, for the rogues.
    pub(crate) fn server_config(&self) -> Arc<rustls::ServerConfig> {
        self.rustls(server_config_builder().with_no_client_auth())
    }

    /// The same, demanding a client certificate of `authority`. In TLS 1.3 its refusal comes after
    /// the handshake (RFC 8446 §4.4.2.4).
    pub(crate) fn server_config_demanding(
        &self,
        authority: &Authority,
    ) -> Arc<rustls::ServerConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(authority.der()).unwrap();
        let provider = Arc::new(ring::default_provider());
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
            .build()
            .unwrap();
        self.rustls(server_config_builder().with_client_cert_verifier(verifier))
    }

    fn rustls(
        &self,
        builder: rustls::ConfigBuilder<rustls::ServerConfig, rustls::server::WantsServerCert>,
    ) -> Arc<rustls::ServerConfig> {
        let chain = std::iter::once(&self.leaf)
            .chain(&self.intermediates)
            .map(|certificate| certificate.der().clone())
            .collect();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.key_der.clone()));
        Arc::new(builder.with_single_cert(chain, key).unwrap())
    }
}

fn server_config_builder() -> rustls::ConfigBuilder<rustls::ServerConfig, rustls::WantsVerifier> {
    rustls::ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
}

fn authority_params(name: &str, organisation: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::CommonName, name.to_owned());
    params
        .distinguished_name
        .push(DnType::OrganizationName, organisation.to_owned());
    set_validity(&mut params, -100, 1000);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn alternative_name(name: &str) -> SanType {
    match name.parse::<IpAddr>() {
        Ok(address) => SanType::IpAddress(address),
        Err(_) => SanType::DnsName(name.try_into().unwrap()),
    }
}

/// Sets the dates to these days, counted from now.
fn set_validity(params: &mut CertificateParams, from: i64, to: i64) {
    let since_epoch = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap();
    let now = rcgen::date_time_ymd(1970, 1, 1) + Duration::from_secs(since_epoch.as_secs());
    let date = |days: i64| {
        let distance = Duration::from_secs(days.unsigned_abs() * 86_400);
        if days < 0 {
            now - distance
        } else {
            now + distance
        }
    };
    params.not_before = date(from);
    params.not_after = date(to);
}

/// One DER element with a length below 128 bytes.
fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u8::try_from(content.len()).unwrap();
    assert!(length < 0x80);
    [&[tag, length], content].concat()
}
