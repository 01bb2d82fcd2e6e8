//! The stage tls: the settings become a `ClientConfig` that the probe here and rumqttc share, and a
//! blocking handshake shows all that can be seen of the broker's TLS. It advises nothing.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::ring;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, ProtocolVersion, RootCertStore};

use crate::config::{Config, ConfigError, FileError, TlsSettings};
use crate::failure::{FIRST_BYTES, Failure, Presented, Roots, Stage, TlsCause, TlsError, TlsFacts};
use crate::net::{Deadline, SIGNAL_POLL, Stop, WaitError};
use crate::tls::files;
use crate::tls::verifier::{Resolver, Trust, Verifier};
use crate::x509::certificate;

/// The client side of TLS, ready for any number of connections to one host.
#[derive(Clone, Debug)]
pub(crate) struct Tls {
    pub(crate) config: Arc<ClientConfig>,
    verifier: Arc<Verifier>,
    resolver: Arc<Resolver>,
    store: Arc<RootCertStore>,
    /// What every connection has in common; the rest is filled in by each.
    known: TlsFacts,
    host: ServerName<'static>,
    pin: Option<[u8; 32]>,
}

impl Tls {
    /// Reads the files that the settings name.
    ///
    /// # Errors
    /// A [`ConfigError`] that names the file at fault.
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
            None => issuers(settings, &store, &provider, &roots)?,
        };
        let verifier = Arc::new(Verifier::new(trust, Arc::clone(&provider)));
        let resolver = Arc::new(Resolver::new(key));
        let versions =
            ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let mut client = versions
            .map_err(|error| unusable(settings, &error.to_string()))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::clone(&verifier) as _)
            .with_client_cert_resolver(Arc::clone(&resolver) as _);
        client.enable_sni = settings.sni;
        client.alpn_protocols = settings
            .alpn
            .iter()
            .map(|name| name.as_bytes().to_vec())
            .collect();
        // Each handshake is a full one, so that the second one is judged like the first. OpenSSL
        // servers that ask for client certificates refuse a resumption that they are not set up for.
        client.resumption = Resumption::disabled();
        let host = server_name(&config.host, settings)?;
        let sni = matches!(host, ServerName::DnsName(_)) && settings.sni;
        let known = TlsFacts {
            sni: sni.then(|| config.host.clone()),
            server_name: settings
                .server_name
                .clone()
                .unwrap_or_else(|| config.host.clone()),
            offered_alpn: settings.alpn.clone(),
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
            known,
            host,
            pin,
        })
    }

    /// How many certificates of the system's store could not be used.
    pub(crate) fn skipped_roots(&self) -> usize {
        self.known.roots.skipped
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
            client_cert_requested: request.seen,
            client_cert_issuers: issuer_names.map(|name| name.to_string()).collect(),
            client_cert_sent: request.seen && self.resolver.leaf().is_some(),
            chain,
            ..self.known.clone()
        }
    }

    /// A broken connection with its facts; `seen` is what an earlier handshake showed, for the
    /// parts that this one did not come to.
    pub(crate) fn fault(&self, cause: TlsCause, seen: Option<&TlsFacts>, late: bool) -> Failure {
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
        Failure::Tls(Box::new(TlsError {
            cause: self.named(cause),
            facts,
            late,
        }))
    }

    /// The verifier can only say "application failure" to a wrong pin; here it gets its name.
    fn named(&self, cause: TlsCause) -> TlsCause {
        use rustls::CertificateError::ApplicationVerificationFailure;
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
        self.store.roots.iter().any(|anchor| {
            certificate::read_name(&sequence(&anchor.subject))
                .is_ok_and(|name| name.organisation() == Some(organisation))
        })
    }

    /// Shakes hands on `stream`, which stays usable, within `limit`.
    ///
    /// # Errors
    /// [`Failure::Tls`] with all that was seen, or [`Failure::Interrupted`].
    pub(crate) fn handshake(
        &self,
        stream: TcpStream,
        limit: Duration,
        stop: &Stop,
    ) -> Result<Channel, Failure> {
        let start = Instant::now();
        // An earlier connection's records are not this one's.
        let _ = self.facts();
        let connection = ClientConnection::new(Arc::clone(&self.config), self.host.clone());
        let mut wire = Wire {
            stream,
            first_bytes: Vec::new(),
        };
        let result = connection
            .map_err(|error| HandshakeError::Cause(TlsCause::Rustls(error)))
            .and_then(|mut connection| {
                let mut turn = Turn {
                    wire: &mut wire,
                    deadline: Deadline::after(limit, stop),
                };
                while connection.is_handshaking() {
                    turn.take(&mut connection)?;
                }
                turn.flush(&mut connection)?;
                Ok(connection)
            });
        match result {
            Ok(connection) => {
                let mut facts = self.facts();
                facts.first_bytes = wire.first_bytes.clone();
                facts.version = connection.protocol_version().and_then(version_name);
                facts.cipher_suite = connection
                    .negotiated_cipher_suite()
                    .map(|suite| format!("{:?}", suite.suite()));
                facts.key_exchange = connection
                    .negotiated_key_exchange_group()
                    .map(|group| format!("{:?}", group.name()));
                facts.alpn = connection
                    .alpn_protocol()
                    .map(|name| String::from_utf8_lossy(name).into_owned());
                Ok(Channel {
                    connection,
                    wire,
                    facts,
                    elapsed: start.elapsed(),
                })
            }
            Err(HandshakeError::Interrupted) => Err(Failure::Interrupted(Stage::Tls)),
            Err(HandshakeError::Cause(cause)) => {
                let mut failure = self.fault(cause, None, false);
                if let Failure::Tls(fault) = &mut failure {
                    fault.facts.first_bytes = wire.first_bytes;
                }
                Err(failure)
            }
        }
    }
}

fn issuers(
    settings: &TlsSettings,
    store: &Arc<RootCertStore>,
    provider: &Arc<rustls::crypto::CryptoProvider>,
    roots: &Roots,
) -> Result<Trust, ConfigError> {
    let name = match &settings.server_name {
        Some(name) => Some(
            ServerName::try_from(name.clone())
                .map_err(|error| unusable(settings, &error.to_string()))?,
        ),
        None => None,
    };
    let builder =
        WebPkiServerVerifier::builder_with_provider(Arc::clone(store), Arc::clone(provider));
    match builder.build() {
        Ok(webpki) => Ok(Trust::Issuers { webpki, name }),
        Err(_) => Err(ConfigError::NoTrustRoots {
            looked: roots.sources.clone(),
        }),
    }
}

fn server_name(host: &str, settings: &TlsSettings) -> Result<ServerName<'static>, ConfigError> {
    ServerName::try_from(host.to_owned()).map_err(|error| unusable(settings, &error.to_string()))
}

/// What `config` has checked already; rustls's own words, should it see more than we do.
fn unusable(settings: &TlsSettings, words: &str) -> ConfigError {
    let path = settings.ca_file.clone().unwrap_or_default();
    ConfigError::CaFile {
        path,
        why: FileError::Damaged {
            words: words.to_owned(),
        },
    }
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

fn version_name(version: ProtocolVersion) -> Option<&'static str> {
    match version {
        ProtocolVersion::TLSv1_3 => Some("TLS 1.3"),
        ProtocolVersion::TLSv1_2 => Some("TLS 1.2"),
        _ => None,
    }
}

/// An established TLS connection of our own.
#[derive(Debug)]
pub(crate) struct Channel {
    connection: ClientConnection,
    wire: Wire,
    pub(crate) facts: TlsFacts,
    pub(crate) elapsed: Duration,
}

/// How long a late refusal is waited for at most. It needs one round trip.
const LATE_REFUSAL: Duration = Duration::from_millis(500);

impl Channel {
    /// Whether the broker lets the handshake stand: in TLS 1.3 it judges a client certificate after
    /// we are done. Anything that it sends, such as a session ticket, is a yes; so is silence.
    ///
    /// # Errors
    /// What it said instead.
    pub(crate) fn settle(&mut self, stop: &Stop) -> Result<(), TlsCause> {
        if !self.facts.client_cert_requested || self.facts.version != Some("TLS 1.3") {
            return Ok(());
        }
        let limit = (self.elapsed * 2).clamp(LATE_REFUSAL / 2, LATE_REFUSAL);
        match self.turn(limit, stop, |turn, connection| turn.take(connection)) {
            Ok(())
            | Err(HandshakeError::Interrupted | HandshakeError::Cause(TlsCause::TimedOut { .. })) => {
                Ok(())
            }
            Err(HandshakeError::Cause(cause)) => Err(cause),
        }
    }

    /// Says goodbye, in the words of what was spoken and in those of TLS (close_notify, RFC 8446
    /// §6.1), and closes.
    pub(crate) fn close(mut self, goodbye: &[u8], stop: &Stop) {
        let _ = self.connection.writer().write_all(goodbye);
        self.connection.send_close_notify();
        // The peer may be gone; there is nobody left to tell.
        let _ = self.turn(SIGNAL_POLL, stop, |turn, connection| turn.flush(connection));
    }

    /// Sends `bytes`, then reads up to `most` bytes into `answer` until the peer closes, the limit
    /// is over, or `enough` says so. The cause tells which; `None`: `enough`.
    pub(crate) fn ask(
        &mut self,
        bytes: &[u8],
        most: usize,
        limit: Duration,
        stop: &Stop,
        answer: &mut Vec<u8>,
        enough: impl Fn(&[u8]) -> bool,
    ) -> Option<TlsCause> {
        if let Err(error) = self.connection.writer().write_all(bytes) {
            return Some(TlsCause::Io(error));
        }
        let outcome = self.turn(limit, stop, |turn, connection| {
            loop {
                let mut chunk = [0; 256];
                match connection.reader().read(&mut chunk) {
                    Ok(0) => return Err(HandshakeError::Cause(TlsCause::Closed { reset: false })),
                    Ok(n) => answer.extend_from_slice(&chunk[..n]),
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        turn.take(connection)?
                    }
                    Err(error) => return Err(HandshakeError::Cause(cause_of(error))),
                }
                if answer.len() >= most || enough(answer) {
                    return Ok(());
                }
            }
        });
        match outcome {
            Ok(()) => None,
            Err(HandshakeError::Interrupted) => Some(TlsCause::TimedOut { limit }),
            Err(HandshakeError::Cause(cause)) => Some(cause),
        }
    }

    fn turn<T>(
        &mut self,
        limit: Duration,
        stop: &Stop,
        act: impl FnOnce(&mut Turn<'_>, &mut ClientConnection) -> Result<T, HandshakeError>,
    ) -> Result<T, HandshakeError> {
        let mut turn = Turn {
            wire: &mut self.wire,
            deadline: Deadline::after(limit, stop),
        };
        act(&mut turn, &mut self.connection)
    }
}

enum HandshakeError {
    Cause(TlsCause),
    Interrupted,
}

impl From<WaitError> for HandshakeError {
    fn from(error: WaitError) -> Self {
        match error {
            WaitError::Interrupted => Self::Interrupted,
            WaitError::TimedOut { limit } => Self::Cause(TlsCause::TimedOut { limit }),
            WaitError::Io(error) => io_trouble(error),
        }
    }
}

/// The socket, with a memory for the first bytes that came in.
#[derive(Debug)]
struct Wire {
    stream: TcpStream,
    first_bytes: Vec<u8>,
}

impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.stream.read(buffer)?;
        let room = FIRST_BYTES.saturating_sub(self.first_bytes.len());
        self.first_bytes.extend_from_slice(&buffer[..n.min(room)]);
        Ok(n)
    }
}

/// One use of the connection under one deadline.
struct Turn<'a> {
    wire: &'a mut Wire,
    deadline: Deadline<'a>,
}

impl Turn<'_> {
    /// Writes what is to be written, then reads once and lets rustls digest it.
    fn take(&mut self, connection: &mut ClientConnection) -> Result<(), HandshakeError> {
        if let Err(trouble) = self.flush(connection) {
            // The peer closed in the middle of our sentence. Why, it may have said before.
            return match self.read(connection) {
                Err(said @ HandshakeError::Cause(TlsCause::Rustls(_))) => Err(said),
                _ => Err(trouble),
            };
        }
        self.read(connection)
    }

    fn flush(&mut self, connection: &mut ClientConnection) -> Result<(), HandshakeError> {
        while connection.wants_write() {
            let left = self.deadline.left()?;
            self.wire
                .stream
                .set_write_timeout(Some(left))
                .map_err(io_trouble)?;
            match connection.write_tls(&mut self.wire.stream) {
                Ok(_) => {}
                Err(error) if is_retry(&error) => {}
                Err(error) => return Err(io_trouble(error)),
            }
        }
        Ok(())
    }

    fn read(&mut self, connection: &mut ClientConnection) -> Result<(), HandshakeError> {
        loop {
            let left = self.deadline.left()?;
            self.wire
                .stream
                .set_read_timeout(Some(left))
                .map_err(io_trouble)?;
            match connection.read_tls(self.wire) {
                Ok(0) => return Err(HandshakeError::Cause(TlsCause::Closed { reset: false })),
                Ok(_) => break,
                Err(error) if is_retry(&error) => {}
                Err(error) => return Err(io_trouble(error)),
            }
        }
        connection.process_new_packets().map(drop).map_err(|error| {
            // Our own alert tells the broker's log what we did not like.
            let _ = connection.write_tls(&mut self.wire.stream);
            HandshakeError::Cause(TlsCause::Rustls(error))
        })
    }
}

fn is_retry(error: &io::Error) -> bool {
    use io::ErrorKind::{Interrupted, TimedOut, WouldBlock};
    matches!(error.kind(), Interrupted | TimedOut | WouldBlock)
}

fn io_trouble(error: io::Error) -> HandshakeError {
    HandshakeError::Cause(cause_of(error))
}

/// An I/O error of a TLS connection, rustls's own error taken out of its wrapping.
pub(crate) fn cause_of(error: io::Error) -> TlsCause {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    if let Some(inner) = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>())
    {
        return TlsCause::Rustls(inner.clone());
    }
    match error.kind() {
        UnexpectedEof => TlsCause::Closed { reset: false },
        BrokenPipe | ConnectionAborted | ConnectionReset => TlsCause::Closed { reset: true },
        _ => TlsCause::Io(error),
    }
}
