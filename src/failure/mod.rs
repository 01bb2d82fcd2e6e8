//! What a stage found when it failed: facts, no sentences. The words are `diagnose`'s.
//!
//! Nothing is thrown away on the way here: every address keeps its own error, a library's error
//! stays the typed value that it was.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::time::Duration;

use crate::config::{Config, Key, Origin, Protocol, Qos, Slip};

mod limit;
mod reason;
mod tls;

pub(crate) use limit::{LimitError, Resource};
pub(crate) use reason::{Reason, Unsupported};
pub(crate) use tls::{Ended, FIRST_BYTES, Named, Presented, Roots, TlsCause, TlsError, TlsFacts};

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
    Unavailable {
        words: String,
        /// `None`: the system does not tell.
        servers: Option<Vec<String>>,
        network: Option<Box<Network>>,
    },
    /// It did not answer within the limit.
    TimedOut {
        limit: Duration,
        servers: Option<Vec<String>>,
        network: Option<Box<Network>>,
    },
}

/// This machine's own network, as the system shows it. Looked at once, at the first failure.
#[derive(Debug, Default)]
pub(crate) struct Network {
    /// The interfaces beside loopback that have a route, and so are up.
    pub(crate) up: Vec<String>,
    /// The interface of the default route for IPv4.
    pub(crate) ipv4: Option<String>,
    pub(crate) ipv6: Option<String>,
}

impl Network {
    pub(crate) fn has_default(&self) -> bool {
        self.ipv4.is_some() || self.ipv6.is_some()
    }
}

/// No usable TCP connection.
#[derive(Debug, Default)]
pub(crate) struct TcpError {
    /// Every address that was tried, with its own error.
    pub(crate) tried: Vec<AddressError>,
    /// The stage tcp found an address that answers, but the session, which in 3.1.1 tries them in
    /// their order and without a limit for each, was still waiting for one of `tried`.
    pub(crate) answered: Option<SocketAddr>,
    /// Where nothing answered: other ports of the first such address.
    pub(crate) other_ports: Option<Box<OtherPorts>>,
    /// Where there is no way.
    pub(crate) network: Option<Box<Network>>,
    /// Where this machine itself refused: the file by which it looks like a container.
    pub(crate) container: Option<&'static str>,
}

impl TcpError {
    /// The one for all: where the addresses differ, a refusal before a time-out, and a time-out before
    /// an unreachable network. The nearer to the broker, the more it tells.
    pub(crate) fn kind(&self) -> TcpErrorKind {
        let any = |kind| self.tried.iter().any(|tried| tried.error.kind() == kind);
        if any(ErrorKind::ConnectionRefused) || any(ErrorKind::ConnectionReset) {
            TcpErrorKind::Refused
        } else if any(ErrorKind::TimedOut) || any(ErrorKind::WouldBlock) {
            TcpErrorKind::TimedOut
        } else {
            TcpErrorKind::Unreachable
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TcpErrorKind {
    Refused,
    TimedOut,
    Unreachable,
}

#[derive(Debug)]
pub(crate) struct AddressError {
    pub(crate) address: SocketAddr,
    pub(crate) error: io::Error,
}

/// What other ports of an address said that does not answer on the port of the broker. Each was asked
/// once.
#[derive(Debug)]
pub(crate) struct OtherPorts {
    pub(crate) address: SocketAddr,
    pub(crate) limit: Duration,
    pub(crate) answers: Vec<(u16, PortAnswer)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PortAnswer {
    Open,
    Refused,
    Silence,
}

/// What ended the connection of a session, or kept it from coming about.
#[derive(Debug)]
pub(crate) enum LinkError {
    TimedOut {
        limit: Duration,
    },
    Closed {
        reset: bool,
    },
    /// CONNACK with a code other than 0 (MQTT 3.1.1 §3.2.2.3, MQTT 5 §3.2.2.2).
    Refused(Reason),
    /// SUBACK with a code that MQTT 3.1.1 does not have.
    SubackCode(Reason),
    /// The broker's DISCONNECT (MQTT 5 §3.14).
    Disconnected(Reason),
    /// The broker's AUTH (MQTT 5 §3.15), which nobody asked for.
    Auth(Reason),
    /// MQTT 5 was answered with a CONNACK in the form of MQTT 3.1.1 §3.2 that accepts.
    ConnackOf3_1_1,
    /// The peer's bytes are not MQTT, or not in their place; in the codec's words.
    Undecodable {
        words: String,
    },
    /// A packet beyond `max_packet_size` came in.
    TooLarge {
        size: usize,
    },
    Tls(TlsCause),
    /// The broker's certificate was judged in a handshake of our own: with all that it showed.
    Certificate(Box<TlsError>),
    /// TCP could not be connected again.
    Tcp(io::Error),
    Io(io::Error),
    /// No PINGRESP within the keep-alive interval; in seconds where it is the broker's and not ours (MQTT 5
    /// §3.2.2.3.14).
    NoPingResponse(Option<u16>),
}

/// A failure from CONNECT on.
#[derive(Debug)]
pub(crate) struct MqttError {
    pub(crate) command: Command,
    /// What is spoken; until a session stands, what is asked for.
    pub(crate) protocol: Protocol,
    /// What it was doing: of this the words are made, and of nothing that it might have done.
    pub(crate) operation: Operation,
    pub(crate) cause: MqttCause,
    /// How long after the operation began. Publishing and receiving go on as long as the connection
    /// stands in `pub` and `sub`: there it counts from CONNACK.
    pub(crate) after: Duration,
    /// What one more connection of our own read, where the session blurs the answer.
    pub(crate) probe: Option<Probe>,
    /// What the password looks as if it had brought along.
    pub(crate) password_slip: Option<Slip>,
    /// A client certificate is set, and the broker did not ask for one in the handshake.
    pub(crate) certificate_unasked: bool,
    /// What MQTT 5 says to the same question.
    pub(crate) second: Option<SecondOpinion>,
}

/// The answer of MQTT 5 to what failed in 3.1.1.
#[derive(Clone, Debug)]
pub(crate) enum SecondOpinion {
    /// The packet that refused, CONNACK, SUBACK, PUBACK or DISCONNECT, and why.
    Refused {
        packet: &'static str,
        reason: Reason,
    },
    /// CONNECT was accepted, and nothing else was asked.
    Connected,
    /// The same, because the broker takes no such subscriptions.
    NotAllowed(Unsupported),
    /// So was the subscription; `None`: there is none. Nothing was published.
    Subscribed { granted: Option<u8> },
    /// PUBACK accepted our message; whether it came back, where it was awaited.
    Published { delivered: Option<bool> },
}

/// Whose work it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Check,
    Pub,
    Sub,
    Request,
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
        /// What SUBACK granted on this connection, where it was less than `qos`.
        granted: Option<u8>,
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
    /// `topic`, or what stands in its place.
    pub(crate) key: Key,
    pub(crate) origin: Origin,
}

impl Topic {
    /// The `topic` of the configuration.
    pub(crate) fn configured(config: &Config) -> Self {
        Self {
            name: config.topic.clone(),
            key: Key::Topic,
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
    SubscribeDenied(Reason),
    /// It was not sent.
    SubscribeNotAllowed(Unsupported),
    /// PUBACK or PUBREC with a failure code (MQTT 5 §3.4.2.1).
    PublishDenied(Reason),
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
    /// The packet to be sent, with its header, is larger than what the broker allows (MQTT 5 §3.2.2.3.6).
    PublishNotAllowed {
        size: usize,
        limit: usize,
    },
    /// A retained message was to be sent, and the broker has said that it takes none (MQTT 5 §3.2.2.3.5).
    RetainNotAllowed,
    TooFew(TooFew),
    NoAnswer(NoAnswer),
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
        /// The payload, where it was the user's own and not one of our making.
        own: Option<Vec<u8>>,
        /// The broker acknowledged it with: no matching subscribers (MQTT 5 §3.4.2.1).
        unmatched: bool,
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

/// `request` was to receive more answers than came in its time.
#[derive(Debug)]
pub(crate) struct NoAnswer {
    pub(crate) received: u64,
    pub(crate) wanted: u64,
    pub(crate) limit: Duration,
    /// Where the question went.
    pub(crate) topic: Topic,
    pub(crate) qos: Qos,
    /// The question.
    pub(crate) acknowledged: bool,
    /// The broker says that nobody is subscribed to it.
    pub(crate) unheard: bool,
    /// Messages that came where the answers were awaited, and were none.
    pub(crate) foreign: u64,
    /// Those of them that came after the question, without any correlation data.
    pub(crate) bare: u64,
    /// That was spoken.
    pub(crate) protocol: Protocol,
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
    /// The status with which one more connection answered an upgrade to WebSocket, if it did.
    pub(crate) websocket: Option<u16>,
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
    /// By the broker's maximum for a PUBLISH (MQTT 5 §3.2.2.3.4).
    QosLowered {
        asked: u8,
        maximum: u8,
    },
    RootsSkipped {
        count: usize,
    },
}
