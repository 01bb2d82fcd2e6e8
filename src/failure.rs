//! What a stage found when it failed: facts, no sentences. The words are `diagnose`'s.
//!
//! Nothing is thrown away on the way here: every address keeps its own error, a library's error
//! stays the typed value that it was.

use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use std::{fmt, io};

use rustix::io::Errno;

use crate::config::{Config, Key, Origin, Qos};
use crate::x509::Certificate;

/// The stages of a check, in their order; `Config` is what comes before any contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    Config,
    Dns,
    Tcp,
    Tls,
    Connect,
    Subscribe,
    Publish,
    Receive,
    /// Not part of a check: an established connection of `pub` or `sub`.
    Connection,
    /// Not part of a check: writing what was found or received.
    Output,
}

impl Stage {
    /// The seven stages of a check.
    pub(crate) const CHECK: [Self; 7] = [
        Self::Dns,
        Self::Tcp,
        Self::Tls,
        Self::Connect,
        Self::Subscribe,
        Self::Publish,
        Self::Receive,
    ];

    /// The name on the screen and in JSON.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Config => "config",
            Self::Dns => "dns",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
            Self::Connect => "connect",
            Self::Subscribe => "subscribe",
            Self::Publish => "publish",
            Self::Receive => "receive",
            Self::Connection => "connection",
            Self::Output => "output",
        }
    }

    /// The exit code of a failure in this stage.
    pub(crate) fn exit_code(self) -> u8 {
        match self {
            Self::Config => 2,
            Self::Dns => 3,
            Self::Tcp => 4,
            Self::Tls => 5,
            Self::Connect => 6,
            Self::Subscribe => 7,
            Self::Publish => 8,
            Self::Receive => 9,
            Self::Connection => 10,
            Self::Output => 11,
        }
    }
}

/// Why the work could not be done.
#[derive(Debug)]
pub(crate) enum Failure {
    Dns(DnsError),
    Tcp(TcpError),
    Tls(Box<TlsError>),
    Mqtt(Box<MqttError>),
    /// Standard input of `pub` could not be read.
    Input(io::Error),
    /// An established connection was lost, and reconnecting was given up.
    Lost(Box<LostError>),
    /// SIGINT, SIGTERM or SIGHUP came before the work was done.
    Interrupted(Stage),
    /// This machine had no more to give, in this stage.
    Limit(Stage, LimitError),
}

/// What this machine would not give, whoever is on the other side. It travels inside an `io::Error`
/// through those who know no more than that something failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LimitError {
    pub(crate) resource: Resource,
    /// What the system said.
    pub(crate) words: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Resource {
    /// EMFILE.
    Descriptors,
    /// ENFILE: of the whole system.
    AllDescriptors,
    /// ENOMEM, ENOBUFS.
    Memory,
    /// EAGAIN, which the system says both where it has no more threads and no more memory for one.
    Thread,
}

impl LimitError {
    /// If `error` is one. EAGAIN alone says nothing: it is also that of a time-out.
    pub(crate) fn of(error: &io::Error) -> Option<Self> {
        if let Some(inner) = error.get_ref() {
            return inner.downcast_ref::<Self>().cloned();
        }
        let resource = match Errno::from_io_error(error)? {
            Errno::MFILE => Resource::Descriptors,
            Errno::NFILE => Resource::AllDescriptors,
            Errno::NOMEM | Errno::NOBUFS => Resource::Memory,
            _ => return None,
        };
        let words = error.to_string();
        Some(Self { resource, words })
    }

    /// Of a thread that could not be started.
    pub(crate) fn of_thread(error: &io::Error) -> io::Error {
        io::Error::other(Self::of(error).unwrap_or_else(|| Self {
            resource: Resource::Thread,
            words: error.to_string(),
        }))
    }
}

impl fmt::Display for LimitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}

impl Error for LimitError {}

/// See [`Failure::Lost`].
#[derive(Debug)]
pub(crate) struct LostError {
    /// Since the connection was lost.
    pub(crate) gap: Duration,
    /// How many reconnections were tried.
    pub(crate) tries: u32,
    /// Why no longer.
    pub(crate) end: GaveUp,
    /// What the last try ended with, or what lost the connection.
    pub(crate) last: Failure,
    /// Messages that were taken from the input and are not through.
    pub(crate) unfinished: u64,
    /// What they are not: with QoS 0 sent, otherwise acknowledged.
    pub(crate) qos: Qos,
}

/// Why reconnecting was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GaveUp {
    /// `--no-reconnect`.
    Never,
    /// `--give-up`, or its default.
    After(Duration),
}

#[derive(Debug)]
pub(crate) enum DnsError {
    /// The resolver said that the name, or an address for it, does not exist.
    NotFound { words: String },
    /// The resolver could not be asked.
    Unavailable { words: String, servers: Vec<String> },
    /// It did not answer within the limit.
    TimedOut {
        limit: Duration,
        servers: Vec<String>,
    },
}

/// No usable TCP connection.
#[derive(Debug)]
pub(crate) struct TcpError {
    /// Every address that was tried, with its own error.
    pub(crate) tried: Vec<AddressError>,
    /// The stage tcp found an address that answers, but rumqttc, which tries the addresses in
    /// their order and without a limit for each, was still waiting for one of `tried`.
    pub(crate) answered: Option<SocketAddr>,
}

#[derive(Debug)]
pub(crate) struct AddressError {
    pub(crate) address: SocketAddr,
    pub(crate) error: io::Error,
}

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

/// What ended a connection that rumqttc held.
#[derive(Debug)]
pub(crate) enum LinkError {
    TimedOut {
        limit: Duration,
    },
    Closed {
        reset: bool,
    },
    /// CONNACK with a return code other than 0 (MQTT 3.1.1 §3.2.2.3).
    Refused {
        code: u8,
    },
    /// SUBACK with a code that MQTT 3.1.1 does not have.
    SubackCode {
        code: u8,
    },
    /// The peer's bytes are not MQTT, or not in their place; in the codec's words.
    Undecodable {
        words: String,
    },
    /// A packet beyond `max_packet_size` came in.
    TooLarge {
        size: usize,
    },
    Tls(TlsCause),
    /// TCP could not be connected again.
    Tcp(io::Error),
    Io(io::Error),
    /// No PINGRESP within the keep-alive interval.
    NoPingResponse,
}

/// A failure from CONNECT on.
#[derive(Debug)]
pub(crate) struct MqttError {
    pub(crate) command: Command,
    /// What it was doing: of this the words are made, and of nothing that it might have done.
    pub(crate) operation: Operation,
    pub(crate) cause: MqttCause,
    /// How long after the operation began. Publishing and receiving go on as long as the connection
    /// stands in `pub` and `sub`: there it counts from CONNACK.
    pub(crate) after: Duration,
    /// What one more connection of our own read, where rumqttc blurs the answer.
    pub(crate) probe: Option<Probe>,
    pub(crate) password_ends_in_blank: bool,
}

/// Whose work it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Check,
    Pub,
    Sub,
}

/// What a session was opened or used for, and with what.
#[derive(Clone, Debug)]
pub(crate) enum Operation {
    Connect,
    Subscribe {
        filter: Topic,
        qos: Qos,
    },
    Publish {
        topic: Topic,
        qos: Qos,
        retain: bool,
        under_way: UnderWay,
    },
    /// Waiting for messages.
    Receive {
        /// All granted, but for [`Subscription::Unanswered`].
        filters: Vec<Topic>,
        /// The check's own message, which is awaited.
        published: Option<Qos>,
    },
}

impl Operation {
    pub(crate) fn stage(&self) -> Stage {
        match self {
            Self::Connect => Stage::Connect,
            Self::Subscribe { .. } => Stage::Subscribe,
            Self::Publish { .. } => Stage::Publish,
            Self::Receive { .. } => Stage::Receive,
        }
    }
}

/// A topic or a filter, and where it was given.
#[derive(Clone, Debug)]
pub(crate) struct Topic {
    pub(crate) name: String,
    pub(crate) origin: Origin,
}

impl Topic {
    /// The `topic` of the configuration.
    pub(crate) fn configured(config: &Config) -> Self {
        Self {
            name: config.topic.clone(),
            origin: config.origin(Key::Topic).clone(),
        }
    }
}

/// Messages that may be the reason: those without an acknowledgement; with QoS 0, which has none, all
/// of the connection.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct UnderWay {
    pub(crate) messages: u64,
    /// Bytes of the largest payload.
    pub(crate) largest: usize,
}

impl UnderWay {
    pub(crate) fn add(&mut self, payload: usize) {
        self.messages += 1;
        self.largest = self.largest.max(payload);
    }
}

impl From<LinkError> for MqttCause {
    fn from(fault: LinkError) -> Self {
        Self::Connection(fault)
    }
}

#[derive(Debug)]
pub(crate) enum MqttCause {
    Connection(LinkError),
    /// The awaited packet did not come in time.
    TimedOut {
        limit: Duration,
    },
    /// There was less time for CONNACK than `timeout`: `flag` ends the run.
    NoTimeLeft {
        limit: Duration,
        flag: &'static str,
    },
    /// SUBACK with a failure code (MQTT 3.1.1 §3.9.3).
    SubscribeDenied {
        code: u8,
    },
    /// One more connection that only waited was closed as well.
    TakenOver {
        after: Duration,
        /// So were three more, each while one under a client id that nobody else has stood.
        fresh_id_stood: bool,
    },
    /// The packet to be sent is larger than `max_packet_size`.
    PublishTooLarge {
        /// `None`: it was not read to its end.
        size: Option<usize>,
        limit: usize,
    },
    TooFew(TooFew),
    /// Our mark came back in another payload.
    Altered {
        sent: Vec<u8>,
        received: Vec<u8>,
    },
    /// Acknowledged, granted, and never delivered.
    NotDelivered {
        limit: Duration,
        /// Other messages that came in.
        foreign: u64,
        /// It was of our own making, with a mark in it, and not the user's.
        marked: bool,
    },
}

/// `sub` was to receive more messages than came in its time.
#[derive(Debug)]
pub(crate) struct TooFew {
    pub(crate) received: u64,
    pub(crate) wanted: u64,
    pub(crate) limit: Duration,
    /// Messages that `--retained` left out.
    pub(crate) left_out: u64,
    /// The broker had the session already when it was last opened.
    pub(crate) resumed: bool,
    pub(crate) subscription: Subscription,
}

/// How it stood with the filters of `sub` when its time was over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Subscription {
    Granted,
    /// A SUBACK was still awaited.
    Unanswered,
    /// The connection was lost.
    Lost,
}

/// The raw answer to a CONNECT.
#[derive(Debug)]
pub(crate) struct Probe {
    pub(crate) bytes: Vec<u8>,
    pub(crate) ended: ProbeEnd,
}

#[derive(Debug)]
pub(crate) enum ProbeEnd {
    Closed,
    Silence,
    Enough,
    Tls(TlsCause),
    Unreachable(io::Error),
}

/// What deserves a word though the check went on.
#[derive(Debug)]
pub(crate) enum Warning {
    CertExpiresSoon {
        subject: String,
        not_after: i64,
        now: i64,
    },
    /// Of `ca_file`.
    CaExpired {
        subject: String,
        not_after: i64,
        now: i64,
    },
    SniNotSent {
        host: String,
    },
    PasswordInClear,
    ConfigWorldReadable {
        path: String,
    },
    AddressFailed {
        failed: Vec<AddressError>,
        peer: SocketAddr,
    },
    ClockSuspect {
        now: i64,
        built: i64,
    },
    QosDowngraded {
        asked: u8,
        granted: u8,
    },
    RootsSkipped {
        count: usize,
    },
}
