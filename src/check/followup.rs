//! What a blurred failure really is. Where two causes look alike, one cheap look separates them: the
//! raw answer to the same CONNECT, a CONNECT in the clear, a connection that only waits. Each look
//! is one connection, never a loop.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::check::probe;
use crate::failure::{
    AddressError, Command, Failure, LimitError, LinkError, MqttCause, MqttError, Operation, Probe,
    ProbeEnd, TcpError, TlsCause, TlsFacts,
};
use crate::mqtt::{Limits, Session, SessionError, Target, Unfinished, session};
use crate::net::connect;
use crate::tls::Tls;

/// How long a look waits at each step: what it looks for comes at once.
const LOOK: Duration = Duration::from_secs(2);

/// How long the connection that only waits is given to be closed by a rival.
const TAKEOVER_WAIT: Duration = Duration::from_secs(3);

/// What the stages before a failure showed.
#[derive(Debug)]
pub(crate) struct Observed<'a> {
    pub(crate) target: Target<'a>,
    /// Who goes on with the session.
    command: Command,
    /// Of the handshake; of rumqttc's own only what the callbacks saw.
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
        let mut seen = Self::new(target, command);
        seen.facts = tls.map(Tls::facts);
        let limit = config.timeout.min(LOOK);
        match connect::resolve(&config.host, config.port, limit, stop).as_deref() {
            Ok([only]) => seen.peer = Some(*only),
            Ok(addresses) => {
                if let Ok(connected) = connect::connect(addresses, limit, stop) {
                    seen.peer = Some(connected.peer);
                    seen.failed = connected.failed;
                }
            }
            // The session stands; there is less to warn of.
            Err(_) => {}
        }
        seen
    }

    /// A handshake that ended without a byte from the peer: does it speak MQTT without TLS? One
    /// anonymous CONNECT in the clear tells, and gives nothing away.
    pub(crate) fn without_tls(&self, mut failure: Failure) -> Failure {
        if let (Failure::Tls(fault), Some(peer)) = (&mut failure, self.peer)
            && matches!(
                fault.cause,
                TlsCause::Closed { .. } | TlsCause::TimedOut { .. }
            )
            && fault.facts.first_bytes.is_empty()
        {
            let Target { config, stop, .. } = self.target;
            let limit = config.timeout.min(LOOK);
            let probe = probe::at(peer, None, probe::ANONYMOUS_CONNECT, limit, stop);
            fault.facts.answers_plain_mqtt =
                probe.is_some_and(|probe| matches!(probe.bytes.as_slice(), [0x20, 2, _, _, ..]));
        }
        failure
    }

    /// Why no CONNACK came that lets us in; `after` the stage began.
    pub(crate) fn refused(&self, fault: LinkError, after: Duration) -> Failure {
        let connect = Operation::Connect;
        let fault = match fault {
            LinkError::Io(error) if LimitError::of(&error).is_some() => {
                return self.mqtt(LinkError::Io(error).into(), connect, after);
            }
            LinkError::Tls(cause) => return self.tls(cause, connect, after),
            LinkError::Tcp(error) => return self.tcp(error),
            LinkError::TimedOut { .. } if self.failed.iter().any(is_timeout) => {
                return self.first_address();
            }
            fault => fault,
        };
        let Some(probe) = self.probe_connack(&fault) else {
            return self.mqtt(fault.into(), connect, after);
        };
        // A refusal that the close overtook on its way through rumqttc.
        if let Some(code) = probe::refusal(&probe.bytes) {
            return self.mqtt(LinkError::Refused { code }.into(), connect, after);
        }
        match (probe.ended, probe.bytes.as_slice()) {
            (ProbeEnd::Tls(cause), _) => self.tls(cause, connect, after),
            (_, []) if matches!(fault, LinkError::Closed { .. }) && self.lacks_alpn() => {
                self.tls(TlsCause::AlpnNotChosen, connect, after)
            }
            (ended, bytes) => {
                let bytes = bytes.to_vec();
                let mut failure = self.mqtt(fault.into(), connect, after);
                if let Failure::Mqtt(fault) = &mut failure {
                    fault.probe = Some(Probe { bytes, ended });
                }
                failure
            }
        }
    }

    /// Where rumqttc cannot tell what the peer said, the raw answer.
    fn probe_connack(&self, fault: &LinkError) -> Option<Probe> {
        let Target {
            config,
            password,
            tls,
            stop,
        } = self.target;
        let blurred = matches!(
            fault,
            LinkError::TimedOut { .. }
                | LinkError::Closed { .. }
                | LinkError::Undecodable { .. }
                | LinkError::TooLarge { .. }
                | LinkError::Io(_)
        );
        let peer = self.peer.filter(|_| blurred)?;
        let packet = session::connect_packet(config, password);
        probe::at(peer, tls, &packet, config.timeout.min(LOOK), stop)
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
            answered: None,
        })
    }

    /// rumqttc was still waiting for an address that did not answer us either.
    fn first_address(&self) -> Failure {
        let copy = |tried: &AddressError| AddressError {
            address: tried.address,
            error: tried.error.kind().into(),
        };
        Failure::Tcp(TcpError {
            tried: self.failed.iter().map(copy).collect(),
            answered: self.peer,
        })
    }

    /// A failure of TLS that showed after the handshake.
    pub(crate) fn tls(&self, cause: TlsCause, operation: Operation, after: Duration) -> Failure {
        if let TlsCause::Io(error) = &cause
            && let Some(limit) = LimitError::of(error)
        {
            return Failure::Limit(operation.stage(), limit);
        }
        match self.target.tls {
            Some(tls) => tls.failure(cause, self.facts.as_ref(), true),
            None => self.mqtt(LinkError::Tls(cause).into(), operation, after),
        }
    }

    /// A failure of MQTT, see [`MqttError::after`], or of this machine.
    pub(crate) fn mqtt(&self, cause: MqttCause, operation: Operation, after: Duration) -> Failure {
        if let MqttCause::Connection(LinkError::Io(error)) = &cause
            && let Some(limit) = LimitError::of(error)
        {
            return Failure::Limit(operation.stage(), limit);
        }
        let password = self.target.password;
        let password_ends_in_blank =
            password.is_some_and(|secret| secret.expose().ends_with(char::is_whitespace));
        Failure::Mqtt(Box::new(MqttError {
            command: self.command,
            operation,
            cause,
            after,
            probe: None,
            password_ends_in_blank,
        }))
    }

    /// A close soon after CONNACK may mean that another client uses our id. One more connection,
    /// which only waits, tells: closed there too, nothing that we send can be the reason.
    pub(crate) fn taken_over(&self, failure: Failure) -> Failure {
        let Target { config, stop, .. } = self.target;
        let operation = match &failure {
            Failure::Mqtt(fault)
                if matches!(
                    fault.cause,
                    MqttCause::Connection(LinkError::Closed { .. } | LinkError::Io(_))
                ) && config.is_set("client_id") =>
            {
                fault.operation.clone()
            }
            _ => return failure,
        };
        let (limits, unfinished) = (Limits::ONE, Unfinished::default());
        let opened = Session::open(self.target, limits, &unfinished, config.timeout);
        let Ok((mut session, _)) = opened else {
            return failure;
        };
        let opened = Instant::now();
        let deadline = opened + config.timeout.min(TAKEOVER_WAIT);
        loop {
            match session.next(deadline, stop) {
                Ok(Some(_)) if Instant::now() < deadline => {}
                Ok(_) => {
                    session.close(None, config.timeout);
                    return failure;
                }
                Err(SessionError::Fault(LinkError::Closed { .. })) => {
                    let after = opened.elapsed();
                    return self.mqtt(MqttCause::TakenOver { after }, operation, after);
                }
                Err(_) => return failure,
            }
        }
    }
}

fn is_timeout(tried: &AddressError) -> bool {
    tried.error.kind() == io::ErrorKind::TimedOut
}
