//! What a blurred failure really is. Where two causes look alike, one cheap probe separates them: the
//! raw answer to the same CONNECT, a CONNECT in the clear, a connection that only waits, other ports of a
//! silent address, a handshake in small segments. Each is one connection and is never repeated.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rustls::AlertDescription;

use crate::check::probe;
use crate::config::{Key, Protocol, Slip};
use crate::failure::{
    AddressError, Command, DnsError, FIRST_BYTES, Failure, LimitError, LinkError, MqttCause,
    MqttError, Named, Operation, Probe, ProbeEnd, Reason, TcpError, TcpErrorKind, TlsCause,
    TlsError, TlsFacts,
};
use crate::mqtt::{self, Limits, Session, SessionError, Target, Unfinished, connect_packet};
use crate::net::{Deadline, connect, machine};
use crate::tls::Tls;

/// How long a probe waits at each step: what it looks for comes at once.
const PROBE_LIMIT: Duration = Duration::from_secs(2);

/// How long a check gives the connection that only waits to be closed by a rival.
const TAKEOVER_WAIT: Duration = Duration::from_secs(3);

/// A rival that reconnects by itself pauses before it comes back. What is closed sooner has another
/// reason.
pub(crate) const RIVALS_PAUSE: Duration = Duration::from_millis(200);

/// What closes two connections at once may be seen so much later on the second.
const SAME_TIME: Duration = Duration::from_millis(100);

/// What the way to a session has shown so far.
#[derive(Debug)]
pub(crate) struct Observed<'a> {
    pub(crate) target: Target<'a>,
    /// Who goes on with the session.
    command: Command,
    /// What the session speaks; before it stands, what is asked for.
    pub(crate) protocol: Protocol,
    /// Of the handshake; of the session's own only what the callbacks saw.
    pub(crate) facts: Option<TlsFacts>,
    pub(crate) peer: Option<SocketAddr>,
    /// The addresses that failed before `peer` answered.
    pub(crate) failed: Vec<AddressError>,
}

impl<'a> Observed<'a> {
    pub(crate) fn new(target: Target<'a>, command: Command) -> Self {
        Self {
            target,
            command,
            protocol: target.config.protocol,
            facts: None,
            peer: None,
            failed: Vec::new(),
        }
    }

    /// What can be seen of a session that was opened without the stages before it. Only where the name
    /// has several addresses does it take one more connection to know whether the first ones fail.
    pub(crate) fn of_session(target: Target<'a>, command: Command) -> Self {
        let Target {
            config, tls, stop, ..
        } = target;
        let mut observed = Self::new(target, command);
        observed.facts = tls.map(Tls::facts);
        let limit = config.timeout.min(PROBE_LIMIT);
        match connect::resolve(&config.host, config.port, limit, stop).as_deref() {
            Ok([only]) => observed.peer = Some(*only),
            Ok(addresses) => {
                if let Ok(connected) = connect::connect(addresses, limit, stop) {
                    observed.peer = Some(connected.peer);
                    observed.failed = connected.failed;
                }
            }
            // The session stands; there is less to warn of.
            Err(_) => {}
        }
        observed
    }

    /// Keeps what the callbacks saw of the session's own handshake, where there was no other.
    pub(crate) fn see_handshake(&mut self) {
        if self.facts.is_none() {
            self.facts = self.target.tls.map(Tls::facts);
        }
    }

    /// A handshake that failed, with what can still be found out of it.
    pub(crate) fn shaken(&self, failure: Failure) -> Failure {
        let mut failure = self.without_tls(failure);
        if let Failure::Tls(error) = &mut failure
            && !error.facts.answers_plain_mqtt
        {
            error.facts.named = self.named(error);
        }
        failure
    }

    /// No server name was sent, and what ended the handshake may have another cause. One more, with a
    /// name, tells.
    fn named(&self, error: &TlsError) -> Option<Named> {
        let blurred = matches!(
            &error.cause,
            TlsCause::Closed { .. }
                | TlsCause::Rustls(rustls::Error::AlertReceived(
                    AlertDescription::HandshakeFailure
                        | AlertDescription::InternalError
                        | AlertDescription::MissingExtension
                ))
        );
        if error.facts.sni.is_some() || error.facts.client_cert_requested || !blurred {
            return None;
        }
        let Target {
            config, tls, stop, ..
        } = self.target;
        let (tls, name) = tls?.with_sni()?;
        let limit = config.timeout.min(PROBE_LIMIT);
        let stream = connect::connect(&[self.peer?], limit, stop).ok()?.stream;
        let same = match tls.handshake(stream, limit, stop) {
            Ok(channel) => {
                channel.close(&[], stop);
                false
            }
            Err(Failure::Tls(second)) if !second.facts.chain.is_empty() => false,
            Err(Failure::Tls(second)) if same_end(&error.cause, &second.cause) => true,
            Err(_) => return None,
        };
        Some(Named { name, same })
    }

    /// A handshake that ended without a byte from the peer: does it speak MQTT without TLS? One
    /// anonymous CONNECT in the clear tells, and gives nothing away.
    fn without_tls(&self, mut failure: Failure) -> Failure {
        if let (Failure::Tls(error), Some(peer)) = (&mut failure, self.peer)
            && matches!(
                error.cause,
                TlsCause::Closed { .. } | TlsCause::TimedOut { .. }
            )
            && error.facts.first_bytes.is_empty()
        {
            let Target { config, stop, .. } = self.target;
            let limit = config.timeout.min(PROBE_LIMIT);
            let probe = probe::at(peer, None, probe::ANONYMOUS_CONNECT, limit, stop);
            error.facts.answers_plain_mqtt =
                probe.is_some_and(|probe| matches!(probe.bytes.as_slice(), [0x20, 2, _, _, ..]));
        }
        failure
    }

    /// Where no address was found or reached, or TLS or CONNECT not answered: what can be told beside. Asked of
    /// the first failure alone, and not at each retry.
    pub(crate) fn look_once_more(&self, mut failure: Failure) -> Failure {
        let Target { config, stop, .. } = self.target;
        match &mut failure {
            Failure::Dns(
                DnsError::Unavailable { network, .. } | DnsError::TimedOut { network, .. },
            ) => *network = machine::network(),
            Failure::Tcp(error) if error.kind() == TcpErrorKind::Refused => {
                let of_loopback = |tried: &AddressError| tried.address.ip().is_loopback();
                if error.tried.iter().all(of_loopback) {
                    error.container = machine::container();
                }
            }
            Failure::Tcp(error) if error.kind() == TcpErrorKind::Unreachable => {
                error.network = machine::network();
            }
            Failure::Tcp(error)
                if error.kind() == TcpErrorKind::TimedOut && error.answered.is_none() =>
            {
                let silent = error.tried.iter().find(|tried| is_timeout(tried));
                // Of this machine it is known that it is up.
                let silent = silent.filter(|silent| !silent.address.ip().is_loopback());
                let limit = config.timeout.min(PROBE_LIMIT);
                error.other_ports =
                    silent.and_then(|silent| connect::other_ports(silent.address, limit, stop));
            }
            Failure::Tls(error) if matches!(error.cause, TlsCause::TimedOut { .. }) => {
                error.facts.small_segments = self.small_segments(&error.facts);
            }
            Failure::Mqtt(error) => {
                if let Some(probe) = &mut error.probe {
                    probe.websocket = self.websocket(&probe.bytes);
                }
            }
            _ => {}
        }
        failure
    }

    /// A handshake that was not answered in time: is it when the broker's segments are small? Then
    /// those of full size get lost on the way.
    fn small_segments(&self, facts: &TlsFacts) -> Option<bool> {
        let Target { config, stop, .. } = self.target;
        // On this machine nothing is too large.
        let peer = self.peer.filter(|peer| !peer.ip().is_loopback())?;
        let tls = self.target.tls.filter(|_| !facts.answers_plain_mqtt)?;
        let limit = config.timeout.min(PROBE_LIMIT);
        let stream = connect::with_small_segments(peer, limit, stop).ok()?;
        match tls.handshake(stream, limit, stop) {
            Ok(channel) => {
                channel.close(&[], stop);
                Some(true)
            }
            // A verdict on the broker's certificate is an answer, too.
            Err(Failure::Tls(error)) => Some(matches!(
                error.cause,
                TlsCause::Rustls(_) | TlsCause::PinMismatch { .. }
            )),
            Err(_) => None,
        }
    }

    /// Why no CONNACK came that lets us in; `after` the stage began.
    pub(crate) fn refused(&self, link: LinkError, after: Duration) -> Failure {
        let connect = Operation::Connect;
        let link = match link {
            LinkError::Io(error) if LimitError::of(&error).is_some() => {
                return self.mqtt(LinkError::Io(error).into(), connect, after);
            }
            LinkError::Tls(cause) => return self.tls(cause, connect, after),
            LinkError::Certificate(error) => return Failure::Tls(error),
            LinkError::Tcp(error) => return self.tcp(error),
            LinkError::TimedOut { .. } if self.failed.iter().any(is_timeout) => {
                return self.first_address();
            }
            link => link,
        };
        let Some(probe) = self.probe_connack(&link) else {
            return self.mqtt(link.into(), connect, after);
        };
        // What the close overtook on its way to the session.
        if let Some(link) = self.said(&probe.bytes) {
            return self.mqtt(link.into(), connect, after);
        }
        match (probe.ended, probe.bytes.as_slice()) {
            (ProbeEnd::Tls(cause), _) => self.tls(cause, connect, after),
            (_, []) if matches!(link, LinkError::Closed { .. }) && self.lacks_alpn() => {
                self.tls(TlsCause::AlpnNotChosen, connect, after)
            }
            (ended, bytes) => {
                let mut bytes = bytes[..bytes.len().min(FIRST_BYTES)].to_vec();
                // It has been sent the password.
                if let Some(password) = self.target.password {
                    password.mask(&mut bytes);
                }
                let mut failure = self.mqtt(link.into(), connect, after);
                if let Failure::Mqtt(error) = &mut failure {
                    error.probe = Some(Probe {
                        bytes,
                        ended,
                        websocket: None,
                    });
                }
                failure
            }
        }
    }

    /// Why there is to be no session, in the words of the answer to CONNECT.
    fn said(&self, answer: &[u8]) -> Option<LinkError> {
        let in_5 = self.protocol == Protocol::V5;
        // One of 3.1.1 has two bytes, and no properties.
        let of_3_1_1 = matches!(answer, [0x20, 2, ..]);
        match mqtt::refusal(answer) {
            Some(LinkError::Refused(reason)) if !of_3_1_1 => {
                Some(LinkError::Refused(Reason { in_5, ..reason }))
            }
            Some(link @ (LinkError::Disconnected(_) | LinkError::Auth(_))) if in_5 => Some(link),
            // It may have ended in the middle.
            _ => probe::refusal(answer).map(|code| {
                LinkError::Refused(Reason {
                    in_5: in_5 && !of_3_1_1,
                    ..code.into()
                })
            }),
        }
    }

    /// Whether what met CONNECT with silence, a close or HTTP speaks MQTT over WebSocket.
    fn websocket(&self, answer: &[u8]) -> Option<u16> {
        let peer = self
            .peer
            .filter(|_| answer.is_empty() || answer.starts_with(b"HTTP/"))?;
        let Target {
            config, tls, stop, ..
        } = self.target;
        let (request, limit) = (
            probe::upgrade(&config.host),
            config.timeout.min(PROBE_LIMIT),
        );
        let probe = probe::at(peer, tls, request.as_bytes(), limit, stop)?;
        probe::websocket_status(&probe.bytes)
    }

    /// Where the session cannot tell what the peer said, the raw answer.
    fn probe_connack(&self, link: &LinkError) -> Option<Probe> {
        let Target {
            config,
            password,
            tls,
            stop,
            protocol,
        } = self.target;
        let blurred = matches!(
            link,
            LinkError::TimedOut { .. }
                | LinkError::Closed { .. }
                | LinkError::Undecodable { .. }
                | LinkError::TooLarge { .. }
                | LinkError::Io(_)
        );
        let peer = self.peer.filter(|_| blurred)?;
        let packet = connect_packet(config, password, protocol);
        probe::at(peer, tls, &packet, config.timeout.min(PROBE_LIMIT), stop)
    }

    /// ALPN was asked for, and the broker chose nothing.
    fn lacks_alpn(&self) -> bool {
        self.facts
            .as_ref()
            .is_some_and(|facts| !facts.offered_alpn.is_empty() && facts.alpn.is_none())
    }

    fn tcp(&self, error: io::Error) -> Failure {
        let tried = self.peer.map(|address| AddressError { address, error });
        Failure::Tcp(TcpError {
            tried: tried.into_iter().collect(),
            ..TcpError::default()
        })
    }

    /// The session was still waiting for an address that did not answer us either.
    fn first_address(&self) -> Failure {
        let copy = |tried: &AddressError| AddressError {
            address: tried.address,
            error: tried.error.kind().into(),
        };
        Failure::Tcp(TcpError {
            tried: self.failed.iter().map(copy).collect(),
            answered: self.peer,
            ..TcpError::default()
        })
    }

    /// A failure of TLS that showed after the handshake.
    pub(crate) fn tls(&self, cause: TlsCause, operation: Operation, after: Duration) -> Failure {
        self.tls_when(Some(true), cause, operation, after)
    }

    /// A failure of TLS; `late` as [`TlsError::late`](crate::failure::TlsError).
    pub(crate) fn tls_when(
        &self,
        late: Option<bool>,
        cause: TlsCause,
        operation: Operation,
        after: Duration,
    ) -> Failure {
        if let TlsCause::Io(error) = &cause
            && let Some(limit) = LimitError::of(error)
        {
            return Failure::Limit(operation.stage(), limit);
        }
        match self.target.tls {
            Some(tls) => tls.failure(cause, self.facts.as_ref(), late),
            None => self.mqtt(LinkError::Tls(cause).into(), operation, after),
        }
    }

    /// A failure of MQTT, see [`MqttError::after`], or of this machine.
    pub(crate) fn mqtt(&self, cause: MqttCause, operation: Operation, after: Duration) -> Failure {
        if let MqttCause::Connection(LinkError::Certificate(error)) = cause {
            return Failure::Tls(error);
        }
        if let MqttCause::Connection(LinkError::Io(error)) = &cause
            && let Some(limit) = LimitError::of(error)
        {
            return Failure::Limit(operation.stage(), limit);
        }
        let password = self.target.password;
        let password_slip = password.and_then(|secret| Slip::of(secret.expose()));
        let certificate_unasked = self.facts.as_ref().is_some_and(|facts| {
            let whole = !facts.chain.is_empty();
            whole && facts.client_certificate.is_some() && !facts.client_cert_requested
        });
        Failure::Mqtt(Box::new(MqttError {
            command: self.command,
            protocol: self.protocol,
            operation,
            cause,
            after,
            probe: None,
            password_slip,
            certificate_unasked,
            second: None,
        }))
    }

    /// A close soon after CONNACK may mean that another client uses our id. One more connection,
    /// which only waits, tells: closed there too, nothing that we send can be the reason.
    pub(crate) fn taken_over(&self, failure: Failure) -> Failure {
        match &failure {
            Failure::Mqtt(fault)
                if is_close(&failure) && self.target.config.is_set(Key::ClientId) =>
            {
                match wait_only(self.target, TAKEOVER_WAIT) {
                    Waited::Closed { after } => {
                        let (operation, cause) = (
                            fault.operation.clone(),
                            MqttCause::TakenOver {
                                after,
                                fresh_id_stood: false,
                            },
                        );
                        self.mqtt(cause, operation, after)
                    }
                    Waited::Stood | Waited::Unknown => failure,
                }
            }
            _ => failure,
        }
    }
}

/// Opens one more connection, sends nothing but CONNECT, and waits up to `limit` to see whether it is
/// closed.
pub(crate) fn wait_only(target: Target<'_>, limit: Duration) -> Waited {
    match open_only(target) {
        Some(session) => wait(session, target, Instant::now(), limit).0,
        None => Waited::Unknown,
    }
}

/// The same twice, with the client id that was set and with that of `fresh`, open at the same time.
pub(crate) fn compare_ids(
    target: Target<'_>,
    fresh: Target<'_>,
    fresh_first: bool,
    limit: Duration,
) -> Compared {
    let early = fresh_first.then(|| open_only(fresh));
    let own = open_only(target);
    let began = Instant::now();
    let fresh_session = early.unwrap_or_else(|| open_only(fresh));
    let own = own.map(|session| wait(session, target, began, limit));
    let fresh = fresh_session.map(|session| wait(session, fresh, Instant::now(), SAME_TIME).0);
    match (own, fresh) {
        (Some((Waited::Closed { after }, 0)), Some(Waited::Stood)) if after >= RIVALS_PAUSE => {
            Compared::OwnClosed
        }
        (_, Some(Waited::Stood)) => Compared::Inconclusive,
        _ => Compared::FreshClosed,
    }
}

fn open_only(target: Target<'_>) -> Option<Session> {
    let unfinished = Unfinished::default();
    let opened = Session::open(target, Limits::ONE, &unfinished, target.config.timeout);
    let (mut session, _) = opened.ok()?;
    // What comes in is for the connection that comes after this one.
    session.acknowledge_manually();
    Some(session)
}

/// What became of it, and how many packets came before.
fn wait(
    mut session: Session,
    Target { config, stop, .. }: Target<'_>,
    began: Instant,
    limit: Duration,
) -> (Waited, usize) {
    let deadline = Deadline::since(began, config.timeout.min(limit), stop);
    let mut received = 0;
    let waited = loop {
        match session.next(deadline) {
            Ok(Some(_)) if !deadline.is_over() => received += 1,
            Ok(_) => {
                session.close(None, config.timeout);
                break Waited::Stood;
            }
            Err(SessionError::Fault(LinkError::Closed { .. })) => {
                let after = began.elapsed();
                break Waited::Closed { after };
            }
            Err(_) => break Waited::Unknown,
        }
    };
    (waited, received)
}

/// What two connections show that only waited, side by side.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Compared {
    /// The one with the client id that was set was closed, and not at once, though nothing had come on
    /// it; the other one stood.
    OwnClosed,
    /// The one with a fresh client id did not stand: what closes it does not look at the client id.
    FreshClosed,
    Inconclusive,
}

/// What became of a connection that only waited.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Waited {
    /// It was closed as well, so long after its CONNACK.
    Closed {
        after: Duration,
    },
    Stood,
    /// It could not be opened, or broke otherwise.
    Unknown,
}

/// Whether the broker closed a session that stood.
pub(crate) fn is_close(failure: &Failure) -> bool {
    matches!(failure, Failure::Mqtt(error) if matches!(
        error.cause,
        MqttCause::Connection(LinkError::Closed { .. } | LinkError::Io(_))
    ))
}

/// Whether a reason that the broker gave for closing may lie in what was sent last.
pub(crate) fn blames_us(failure: &Failure) -> bool {
    matches!(failure, Failure::Mqtt(error) if matches!(
        &error.cause,
        // Unspecified, malformed, a protocol error, specific to the implementation (MQTT 5 §2.4).
        MqttCause::Connection(LinkError::Disconnected(reason)) if (0x80..=0x83).contains(&reason.code)
    ))
}

fn same_end(first: &TlsCause, second: &TlsCause) -> bool {
    use rustls::Error::AlertReceived;
    match (first, second) {
        (TlsCause::Closed { .. }, TlsCause::Closed { .. }) => true,
        (TlsCause::Rustls(AlertReceived(first)), TlsCause::Rustls(AlertReceived(second))) => {
            first == second
        }
        _ => false,
    }
}

fn is_timeout(tried: &AddressError) -> bool {
    tried.error.kind() == io::ErrorKind::TimedOut
}
