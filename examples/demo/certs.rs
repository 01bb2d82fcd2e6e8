//! A throw-away CA, the server certificate it issues, and random text for a password: made anew by
//! each run. The CA's key is dropped here and never written anywhere.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::Trouble;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// As Let's Encrypt has it: long enough not to be warned about.
const LIFE: Duration = Duration::from_secs(90 * 24 * 60 * 60);

pub(crate) struct Certs {
    /// What a client has to trust.
    pub(crate) ca_pem: String,
    pub(crate) server: Arc<ServerConfig>,
}

/// A CA, and a server that presents a certificate of it for `host`.
pub(crate) fn make(host: &str) -> Result<Certs, Trouble> {
    let say = |e: rcgen::Error| format!("cannot make the certificates: {e}");

    let mut ca = params(&[], "mqtt-test demo CA")?;
    ca.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    ca.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let ca_key = KeyPair::generate().map_err(say)?;
    let ca_pem = ca.self_signed(&ca_key).map_err(say)?.pem();
    let issuer = Issuer::new(ca, ca_key);

    let mut leaf = params(&[host.to_owned()], host)?;
    leaf.use_authority_key_identifier_extension = true;
    leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let leaf_key = KeyPair::generate().map_err(say)?;
    let leaf = leaf.signed_by(&leaf_key, &issuer).map_err(say)?;

    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(leaf_key.serialize_der()));
    let server = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| {
            builder
                .with_no_client_auth()
                .with_single_cert(vec![leaf.der().clone()], key)
        })
        .map_err(|e| format!("cannot set the TLS server up: {e}"))?;
    Ok(Certs {
        ca_pem,
        server: Arc::new(server),
    })
}

/// Names and dates. The dates are counted from this machine's own clock, which the check uses too:
/// a board whose clock is wrong can run the demo all the same.
fn params(names: &[String], common_name: &str) -> Result<CertificateParams, Trouble> {
    let mut params = CertificateParams::new(names)
        .map_err(|e| format!("cannot make a certificate for {names:?}: {e}"))?;
    params
        .distinguished_name
        .push(DnType::CommonName, common_name);
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_err(|_| "this machine's clock stands before 1970".to_owned())?;
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    params.not_before = epoch + now.saturating_sub(DAY);
    params.not_after = epoch + now + LIFE;
    Ok(params)
}

/// 128 random bits as 32 hexadecimal digits.
pub(crate) fn random_hex() -> Result<String, Trouble> {
    let mut bytes = [0; 16];
    default_provider()
        .secure_random
        .fill(&mut bytes)
        .map_err(|_| "this machine gives no random bytes".to_owned())?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
