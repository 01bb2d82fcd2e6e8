//! Whom we trust and who we are: `ca_file`, the system's roots, the client certificate and its key.
//! It reads files and never opens a connection.

use std::env;
use std::fmt::{self, Display};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::{self, PemObject, SectionKind};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SigningKey};
use rustls_native_certs::{CertificateResult, ErrorKind};

use crate::config::{
    ClientCertFiles, ConfigError, EmptyPlace, FileError, Mismatch, TlsSettings, load,
};
use crate::failure::{Ended, Roots};
use crate::os;
use crate::x509::certificate;

/// The largest certificate or key file that is read, in bytes.
const FILE_LIMIT: u64 = 4 * 1024 * 1024;

/// Where systems keep all their trust anchors in one file. The folder of hashed links beside it holds
/// the same certificates in some 290 files, which an SD card takes seconds to read.
const BUNDLES: [&str; 9] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/tls/cacert.pem",
    "/etc/ssl/cert.pem",
    "/opt/etc/ssl/certs/ca-certificates.crt",
    "/usr/local/etc/ssl/cert.pem",
    "/usr/local/share/certs/ca-root-nss.crt",
];

/// Where they keep each in a file of its own.
const FOLDERS: [&str; 3] = [
    "/etc/ssl/certs",
    "/etc/pki/tls/certs",
    "/usr/local/share/certs",
];

/// The trust anchors that the settings ask for, and where they came from.
///
/// # Errors
/// [`ConfigError::CaFile`], [`ConfigError::NoTrustRoots`].
pub(crate) fn roots(settings: &TlsSettings) -> Result<(RootCertStore, Roots), ConfigError> {
    let mut anchors = Anchors {
        store: RootCertStore::empty(),
        facts: Roots::default(),
        empty: Vec::new(),
    };
    if let Some(path) = &settings.ca_file {
        let ca_error = |why| ConfigError::CaFile {
            path: path.clone(),
            why,
        };
        let found = certificates(path).map_err(ca_error)?;
        let read = found.iter().filter_map(|der| certificate::read(der).ok());
        anchors.facts.ca_file = read.collect();
        for der in found {
            let added = anchors.store.add(der);
            added.map_err(|error| ca_error(damaged(error)))?;
        }
        anchors.facts.sources.push(path.display().to_string());
    }
    // A pin replaces all trust in issuers, and reading the store is slow on a small board.
    if settings.system_roots && settings.pin_sha256.is_none() {
        anchors.add_system();
        if anchors.store.is_empty() {
            let empty = anchors.empty;
            return Err(ConfigError::NoTrustRoots { empty });
        }
    }
    let Anchors {
        store, mut facts, ..
    } = anchors;
    facts.count = store.len();
    Ok((store, facts))
}

/// How many of the system's CA certificates have ended at `now`. They last for decades: a clock by
/// which most have ended is wrong.
pub(crate) fn system_ended(now: i64) -> Ended {
    let mut ended = Ended::default();
    system(&mut |place, _| {
        let certs = place.load().certs;
        let read = certs.iter().filter_map(|der| certificate::read(der).ok());
        for found in read {
            ended.of += 1;
            ended.count += usize::from(found.not_after < now);
        }
        !certs.is_empty()
    });
    ended
}

/// A place of the system's own trust anchors.
#[derive(Clone, Copy)]
enum Place<'a> {
    File(&'a Path),
    Folder(&'a Path),
    /// What the system keeps elsewhere than in files.
    Store(&'static str),
}

impl Place<'_> {
    fn load(self) -> CertificateResult {
        match self {
            Self::File(path) => rustls_native_certs::load_certs_from_paths(Some(path), None),
            Self::Folder(path) => rustls_native_certs::load_certs_from_paths(None, Some(path)),
            Self::Store(_) => rustls_native_certs::load_native_certs(),
        }
    }
}

impl Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) | Self::Folder(path) => path.display().fmt(f),
            Self::Store(name) => f.write_str(name),
        }
    }
}

/// Shows `take` the places of the system's own trust anchors: those that the two variables name, or
/// else its store, or else one after the other until it finds some.
fn system(take: &mut dyn FnMut(Place<'_>, &str) -> bool) {
    let file = env::var_os("SSL_CERT_FILE").map(PathBuf::from);
    let folder = env::var_os("SSL_CERT_DIR").map(PathBuf::from);
    if file.is_none() && folder.is_none() {
        if let Some(store) = os::ROOT_STORE {
            take(Place::Store(store), "");
            return;
        }
        let bundles = BUNDLES.iter().map(|path| Place::File(Path::new(path)));
        let folders = FOLDERS.iter().map(|path| Place::Folder(Path::new(path)));
        let _ = bundles.chain(folders).any(|place| take(place, ""));
        return;
    }
    let found = file
        .as_deref()
        .is_some_and(|file| take(Place::File(file), " (SSL_CERT_FILE)"));
    // The folder that holds the bundle holds the same certificates again.
    if found && file.as_deref().and_then(Path::parent) == folder.as_deref() {
        return;
    }
    for part in folder.iter().flat_map(env::split_paths) {
        if !part.as_os_str().is_empty() {
            take(Place::Folder(&part), " (SSL_CERT_DIR)");
        }
    }
}

struct Anchors {
    store: RootCertStore,
    facts: Roots,
    /// The system's places that hold none.
    empty: Vec<EmptyPlace>,
}

impl Anchors {
    /// The system's own.
    fn add_system(&mut self) {
        system(&mut |place, named_by| self.add(place, named_by));
    }

    /// Whether this place has any.
    fn add(&mut self, place: Place<'_>, named_by: &str) -> bool {
        let read = place.load();
        let (added, skipped) = self.store.add_parsable_certificates(read.certs);
        self.facts.skipped += skipped;
        let place = format!("{place}{named_by}");
        if added > 0 {
            self.facts.sources.push(place);
            return true;
        }
        let error = read.errors.into_iter().find_map(|error| match error.kind {
            ErrorKind::Io { inner, .. } => Some(inner),
            _ => None,
        });
        self.empty.push(EmptyPlace { place, error });
        false
    }
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
    let chain = certificates(&files.cert_file).map_err(|why| {
        if is_key(&why) && certificates(&files.key_file).is_ok() {
            return ConfigError::ClientFilesExchanged {
                cert: files.cert_file.clone(),
                key: files.key_file.clone(),
            };
        }
        cert_error(why)
    })?;
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
    let pair = CertifiedKey::new(chain, Arc::clone(&signer));
    match pair.keys_match() {
        // `Unknown`: the library cannot tell, and the broker will.
        Ok(()) | Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::Unknown)) => {
            Ok(Arc::new(pair))
        }
        Err(rustls::Error::InconsistentKeys(_)) => Err(ConfigError::ClientKeyMismatch {
            cert: files.cert_file.clone(),
            key: files.key_file.clone(),
            why: mismatch(&pair.cert, &signer),
        }),
        Err(error) => Err(cert_error(damaged(error))),
    }
}

/// Why the key is not that of the first certificate.
fn mismatch(chain: &[CertificateDer<'static>], signer: &Arc<dyn SigningKey>) -> Mismatch {
    let is_pair = |der: &CertificateDer<'static>| {
        let pair = CertifiedKey::new(vec![der.clone()], Arc::clone(signer));
        pair.keys_match().is_ok()
    };
    if let Some(at) = chain.iter().position(is_pair) {
        return Mismatch::First { belongs_to: at + 1 };
    }
    let mut first = None;
    for der in chain {
        match certificate::read(der) {
            Ok(read) if read.is_ca => first = first.or(Some(read.subject)),
            _ => return Mismatch::Any,
        }
    }
    first.map_or(Mismatch::Any, |first| Mismatch::NothingButCas {
        first: first.to_string(),
    })
}

/// Whether a key is there, readable or not, where a certificate should be.
fn is_key(why: &FileError) -> bool {
    matches!(why, FileError::Holds { found } if ["private key", "PRIVATE KEY"].iter().any(|it| found.contains(it)))
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
