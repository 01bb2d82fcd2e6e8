//! Whom we trust and who we are: `ca_file`, the system's roots, the client certificate and its key.
//! It reads files and never opens a connection.

use std::env;
use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::{self, PemObject, SectionKind};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use crate::config::{ClientCertFiles, ConfigError, FileError, TlsSettings, load};
use crate::failure::Roots;
use crate::x509::certificate;

/// The largest certificate or key file that is read, in bytes.
const FILE_LIMIT: u64 = 4 * 1024 * 1024;

/// Where distributions keep all their trust anchors in one file. The folder of hashed links beside
/// it holds the same certificates in some 290 files, which an SD card takes seconds to read.
const BUNDLES: [&str; 6] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
    "/usr/local/share/certs/ca-root-nss.crt",
];

/// The trust anchors that the settings ask for, and where they came from.
///
/// # Errors
/// [`ConfigError::CaFile`], [`ConfigError::NoTrustRoots`].
pub(crate) fn roots(settings: &TlsSettings) -> Result<(RootCertStore, Roots), ConfigError> {
    let mut store = RootCertStore::empty();
    let mut facts = Roots::default();
    if let Some(path) = &settings.ca_file {
        let ca_error = |why| ConfigError::CaFile {
            path: path.clone(),
            why,
        };
        for der in certificates(path).map_err(ca_error)? {
            store.add(der).map_err(|error| ca_error(damaged(error)))?;
        }
        facts.sources.push(path.display().to_string());
    }
    // A pin replaces all trust in issuers, and reading the store is slow on a small board.
    if settings.system_roots && settings.pin_sha256.is_none() {
        let (found, source, looked) = system();
        let offered = found.len();
        let (added, _) = store.add_parsable_certificates(found);
        facts.skipped = offered - added;
        if added > 0 {
            facts.sources.push(source);
        }
        if store.is_empty() {
            return Err(ConfigError::NoTrustRoots { looked });
        }
    }
    facts.count = store.len();
    Ok((store, facts))
}

/// The system's certificates, the place they came from, and the places looked at.
fn system() -> (Vec<CertificateDer<'static>>, String, Vec<String>) {
    let file = env::var_os("SSL_CERT_FILE").map(PathBuf::from);
    let folder = env::var_os("SSL_CERT_DIR").map(PathBuf::from);
    if file.is_some() || folder.is_some() {
        // The folder that holds the bundle holds the same certificates again.
        let same = file.as_deref().and_then(Path::parent) == folder.as_deref();
        let mut certs = Vec::new();
        let mut looked = Vec::new();
        if let Some(file) = &file {
            certs = rustls_native_certs::load_certs_from_paths(Some(file), None).certs;
            looked.push(format!("{} (SSL_CERT_FILE)", file.display()));
        }
        if let Some(folder) = &folder
            && (certs.is_empty() || !same)
        {
            for part in env::split_paths(folder).filter(|part| !part.as_os_str().is_empty()) {
                certs.extend(rustls_native_certs::load_certs_from_paths(None, Some(&part)).certs);
            }
            looked.push(format!("{} (SSL_CERT_DIR)", folder.display()));
        }
        return (certs, looked.join(" and "), looked);
    }
    if let Some(bundle) = BUNDLES.iter().find(|path| Path::new(path).is_file()) {
        let certs = rustls_native_certs::load_certs_from_paths(Some(Path::new(bundle)), None).certs;
        if !certs.is_empty() {
            return (certs, (*bundle).to_owned(), Vec::new());
        }
    }
    let looked = BUNDLES
        .iter()
        .map(|path| (*path).to_owned())
        .chain(["/etc/ssl/certs".to_owned()]);
    (
        rustls_native_certs::load_native_certs().certs,
        "the system's store".to_owned(),
        looked.collect(),
    )
}

/// The client certificate chain with its key, proved to be a pair.
///
/// # Errors
/// The `ConfigError`s of client certificates and keys.
pub(crate) fn client(
    files: &ClientCertFiles,
    provider: &CryptoProvider,
) -> Result<Arc<CertifiedKey>, ConfigError> {
    let cert_error = |why| ConfigError::ClientCert {
        path: files.cert_file.clone(),
        why,
    };
    let key_error = |why| ConfigError::ClientKey {
        path: files.key_file.clone(),
        why,
    };
    let chain = certificates(&files.cert_file).map_err(cert_error)?;
    if let Some(leaf) = chain.first()
        && let Err(error) = certificate::read(leaf)
    {
        return Err(cert_error(damaged(error)));
    }
    let bytes = read(&files.key_file).map_err(key_error)?;
    if is_encrypted(&bytes) {
        return Err(ConfigError::ClientKeyEncrypted {
            path: files.key_file.clone(),
        });
    }
    let key = private_key(&bytes).map_err(key_error)?;
    let signer = provider
        .key_provider
        .load_private_key(key)
        .map_err(|error| key_error(damaged(error)))?;
    let pair = CertifiedKey::new(chain, signer);
    match pair.keys_match() {
        // `Unknown`: the library cannot tell, and the broker will.
        Ok(()) | Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::Unknown)) => {
            Ok(Arc::new(pair))
        }
        Err(rustls::Error::InconsistentKeys(_)) => Err(ConfigError::ClientKeyMismatch {
            cert: files.cert_file.clone(),
            key: files.key_file.clone(),
        }),
        Err(error) => Err(cert_error(damaged(error))),
    }
}

fn damaged(error: impl Display) -> FileError {
    FileError::Damaged {
        words: error.to_string(),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, FileError> {
    load::file(path, FILE_LIMIT)
}

/// Every certificate of a PEM file, or the one of a DER file.
fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, FileError> {
    let bytes = read(path)?;
    let found: Vec<_> = CertificateDer::pem_slice_iter(&bytes)
        .collect::<Result<_, _>>()
        .map_err(damaged)?;
    if !found.is_empty() {
        return Ok(found);
    }
    if certificate::read(&bytes).is_ok() {
        return Ok(vec![CertificateDer::from(bytes)]);
    }
    Err(FileError::Holds {
        found: content(&bytes),
    })
}

fn private_key(bytes: &[u8]) -> Result<PrivateKeyDer<'static>, FileError> {
    match PrivateKeyDer::from_pem_slice(bytes) {
        Ok(key) => return Ok(key),
        Err(pem::Error::NoItemsFound) => {}
        Err(error) => return Err(damaged(error)),
    }
    if certificate::read(bytes).is_err()
        && let Ok(key) = PrivateKeyDer::try_from(bytes.to_vec())
    {
        return Ok(key);
    }
    Err(FileError::Holds {
        found: content(bytes),
    })
}

/// PKCS#8 `EncryptedPrivateKeyInfo` (RFC 5958 §3), in PEM or DER, or the older PEM header
/// (RFC 1421 §4.6.1.1).
fn is_encrypted(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    if text.contains("-----BEGIN ENCRYPTED PRIVATE KEY-----")
        || text.contains("Proc-Type: 4,ENCRYPTED")
    {
        return true;
    }
    // SEQUENCE { SEQUENCE { OID …: an algorithm first, where a plain key has a version number. A
    // certificate begins with two SEQUENCEs as well, and a third thing that is no OID.
    let after_header = |bytes: &[u8]| -> Option<usize> {
        match (bytes.first()?, bytes.get(1)?) {
            (0x30, length) if *length < 0x80 => Some(2),
            (0x30, length) => Some(2 + usize::from(length & 0x7f)),
            _ => None,
        }
    };
    let inner = after_header(bytes).and_then(|at| bytes.get(at..));
    inner
        .and_then(|inner| after_header(inner).and_then(|at| inner.get(at)))
        .is_some_and(|tag| *tag == 0x06)
}

/// What a file holds that should have held something else.
fn content(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(64 * 1024)]);
    let start = text.trim_start().to_ascii_lowercase();
    let of_pem = <(SectionKind, Vec<u8>)>::pem_slice_iter(bytes)
        .find_map(Result::ok)
        .map(|(kind, _)| kind);
    match of_pem {
        Some(SectionKind::Certificate) => return "a certificate".to_owned(),
        Some(SectionKind::PrivateKey | SectionKind::RsaPrivateKey | SectionKind::EcPrivateKey) => {
            return "a private key".to_owned();
        }
        Some(SectionKind::PublicKey) => return "a public key".to_owned(),
        Some(SectionKind::Crl) => return "a certificate revocation list".to_owned(),
        Some(SectionKind::Csr) => return "a certificate signing request".to_owned(),
        _ => {}
    }
    if certificate::read(bytes).is_ok() {
        "a certificate (DER)".to_owned()
    } else if PrivateKeyDer::try_from(bytes).is_ok() {
        "a private key (DER)".to_owned()
    } else if start.starts_with("<!doctype html") || start.starts_with("<html") {
        "an HTML page".to_owned()
    } else if start.contains("-----begin ") {
        let label = text
            .split("-----BEGIN ")
            .nth(1)
            .and_then(|rest| rest.split("-----").next());
        format!("a PEM section `{}`", label.unwrap_or("without a label"))
    } else if start.starts_with("ssh-") {
        "an SSH public key".to_owned()
    } else if text
        .chars()
        .all(|c| !c.is_control() || c.is_ascii_whitespace())
    {
        "text that is not PEM".to_owned()
    } else {
        "bytes that are neither PEM nor DER".to_owned()
    }
}
