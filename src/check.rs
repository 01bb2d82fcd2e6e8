//! The ladder: dns, tcp, tls, connect, subscribe, publish, receive. The first failure ends it, and
//! what was opened is closed in order. It reports steps and prints nothing.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::certificate::Certificate;
use crate::clock;
use crate::config::{Config, Secret, Transport};
use crate::echo::Echo;
use crate::failure::{
    AddressError, Failure, LinkFault, Look, LookEnd, MqttCause, MqttFault, Stage, TcpFault,
    TlsCause, TlsFacts, Warning,
};
use crate::look;
use crate::net;
use crate::session::{self, Ending, Event, Session, Trace};
use crate::signals::Stop;
use crate::step::{Attempt, Finding, Status, Step};
use crate::tls::Tls;

/// All that a check works on.
#[derive(Debug)]
pub struct Check<'a> {
    pub config: &'a Config,
    pub password: Option<&'a Secret>,
    /// `None`: `tls = off`.
    pub tls: Option<&'a Tls>,
    pub stop: &'a Stop,
}

/// How the check ended.
#[derive(Debug)]
pub struct Verdict {
    pub steps: Vec<Step>,
    pub failure: Option<Failure>,
    pub warnings: Vec<Warning>,
    pub trace: Vec<Trace>,
    pub elapsed: Duration,
}

impl Check<'_> {
    /// Climbs the ladder; `on_step` sees each rung as soon as it is done.
    pub fn run(&self, on_step: &mut dyn FnMut(&Step)) -> Verdict {
        let mut climb = Climb {
            check: self,
            on_step,
            steps: Vec::new(),
            warnings: Vec::new(),
            trace: Vec::new(),
            stage: Stage::Dns,
            began: Instant::now(),
            seen: None,
            peer: None,
            failed: Vec::new(),
        };
        let start = Instant::now();
        let failure = climb.climb().err();
        climb.finish(failure.as_ref());
        let Climb {
            steps,
            warnings,
            trace,
            ..
        } = climb;
        Verdict {
            steps,
            failure,
            warnings,
            trace,
            elapsed: start.elapsed(),
        }
    }
}

struct Climb<'a> {
    check: &'a Check<'a>,
    on_step: &'a mut dyn FnMut(&Step),
    steps: Vec<Step>,
    warnings: Vec<Warning>,
    trace: Vec<Trace>,
    /// The stage under way, and since when.
    stage: Stage,
    began: Instant,
    /// What our own handshake showed.
    seen: Option<TlsFacts>,
    peer: Option<SocketAddr>,
    /// The addresses that failed before `peer` answered.
    failed: Vec<AddressError>,
}

impl Climb<'_> {
    fn climb(&mut self) -> Result<(), Failure> {
        let Check {
            config, tls, stop, ..
        } = *self.check;
        let timeout = config.timeout;
        let start = Instant::now();

        self.begin(Stage::Dns);
        let addresses = net::resolve(&config.host, config.port, timeout, stop)?;
        self.done(Finding::Dns {
            addresses: addresses.clone(),
        });

        self.begin(Stage::Tcp);
        let connected = net::connect(&addresses, timeout, stop)?;
        self.peer = Some(connected.peer);
        self.failed = connected.failed;
        let failed = self.failed.iter().map(Attempt::from).collect();
        self.done(Finding::Tcp {
            peer: Some(connected.peer),
            failed,
        });

        self.begin(Stage::Tls);
        if let Some(tls) = tls {
            let channel = tls.handshake(connected.stream, timeout, stop);
            let mut channel = channel.map_err(|failure| self.look_without_tls(failure))?;
            let settled = channel.settle(stop);
            let facts = channel.facts.clone();
            channel.close(stop);
            if let Err(cause) = settled {
                return Err(tls.fault(cause, Some(&facts), true, self.began.elapsed()));
            }
            self.done(Finding::Tls(Box::new(facts.clone())));
            self.seen = Some(facts);
        } else {
            drop(connected.stream);
            self.record(Status::Off, None);
        }

        self.begin(Stage::Connect);
        // rumqttc goes the whole way again: what that took once is granted on top.
        let mut session = self.open(timeout + start.elapsed())?;
        let outcome = self.converse(&mut session);
        // After an error of its connection a session cannot even say goodbye.
        let lost = matches!(&outcome, Err(Failure::Mqtt(fault)) if matches!(fault.cause, MqttCause::Link(_)));
        let subscribed = self.stage > Stage::Subscribe;
        self.trace = if lost {
            session.into_trace()
        } else {
            session.close(subscribed.then_some(config.topic.as_str()), timeout)
        };
        match outcome {
            Err(failure) if lost => Err(self.taken_over(failure)),
            outcome => outcome,
        }
    }

    /// A handshake that ended without a byte from the peer: does it speak MQTT without TLS? One
    /// anonymous CONNECT in the clear tells, and gives nothing away.
    fn look_without_tls(&self, mut failure: Failure) -> Failure {
        if let (Failure::Tls(fault), Some(peer)) = (&mut failure, self.peer)
            && matches!(
                fault.cause,
                TlsCause::Closed { .. } | TlsCause::TimedOut { .. }
            )
            && fault.facts.first_bytes.is_empty()
        {
            let look = look::at(peer, None, look::ANONYMOUS_CONNECT, LOOK, self.check.stop);
            fault.facts.answers_plain_mqtt =
                look.is_some_and(|look| matches!(look.bytes.as_slice(), [0x20, 2, _, _, ..]));
        }
        failure
    }

    fn open(&mut self, limit: Duration) -> Result<Session, Failure> {
        let Check {
            config,
            password,
            tls,
            stop,
        } = *self.check;
        match Session::open(config, password, tls, limit, stop) {
            Ok((session, opened)) => {
                let client_id = config.client_id.clone();
                self.done(Finding::Connect {
                    client_id,
                    session_present: opened.session_present,
                });
                Ok(session)
            }
            Err(Ending::Interrupted) => Err(Failure::Interrupted(Stage::Connect)),
            Err(Ending::Fault(fault)) => Err(self.refused(fault)),
        }
    }

    /// Why no CONNACK came that lets us in.
    fn refused(&mut self, fault: LinkFault) -> Failure {
        let Check {
            config,
            password,
            tls,
            stop,
        } = *self.check;
        let after = self.began.elapsed();
        let fault = match fault {
            LinkFault::Tls(cause) => return self.tls_failure(cause, after),
            LinkFault::Tcp(error) => {
                let tried = self.peer.map(|address| AddressError { address, error });
                return Failure::Tcp(TcpFault {
                    tried: tried.into_iter().collect(),
                    answered: None,
                });
            }
            LinkFault::TimedOut { .. } if self.failed.iter().any(is_timeout) => {
                let tried = std::mem::take(&mut self.failed);
                return Failure::Tcp(TcpFault {
                    tried,
                    answered: self.peer,
                });
            }
            fault => fault,
        };
        let blurred = matches!(
            fault,
            LinkFault::TimedOut { .. }
                | LinkFault::Closed { .. }
                | LinkFault::Undecodable { .. }
                | LinkFault::TooLarge { .. }
                | LinkFault::Io(_)
        );
        let look = match self.peer {
            Some(peer) if blurred => {
                let packet = session::connect_packet(config, password);
                look::at(peer, tls, &packet, config.timeout.min(LOOK), stop)
            }
            _ => None,
        };
        match look {
            Some(Look {
                ended: LookEnd::Tls(cause),
                ..
            }) => self.tls_failure(cause, after),
            look => {
                // A refusal that the close overtook on its way through rumqttc.
                let refusal = look.as_ref().and_then(|look| look::refusal(&look.bytes));
                let fault = refusal.map_or(fault, |code| LinkFault::Refused { code });
                let mut failure = self.mqtt(fault.into());
                if let Failure::Mqtt(fault) = &mut failure {
                    fault.look = look;
                }
                failure
            }
        }
    }

    fn tls_failure(&self, cause: TlsCause, after: Duration) -> Failure {
        match self.check.tls {
            Some(tls) => tls.fault(cause, self.seen.as_ref(), true, after),
            None => self.mqtt(LinkFault::Tls(cause).into()),
        }
    }

    /// subscribe, publish and receive.
    fn converse(&mut self, session: &mut Session) -> Result<(), Failure> {
        let config = self.check.config;
        let mut echo = Echo::new(&config.message);

        self.begin(Stage::Subscribe);
        session
            .subscribe(&config.topic, config.qos)
            .map_err(|ending| self.ended(ending))?;
        let granted = loop {
            match self.next(session)? {
                Some(Event::Granted(Ok(granted))) => break granted,
                Some(Event::Granted(Err(code))) => return Err(self.denied(code)),
                Some(_) => {}
                None => return Err(self.timed_out()),
            }
        };
        self.done(Finding::Subscribe {
            filter: config.topic.clone(),
            granted,
        });
        let asked = config.qos as u8;
        if granted < asked {
            self.warnings
                .push(Warning::QosDowngraded { asked, granted });
        }

        self.begin(Stage::Publish);
        let payload = echo.payload().to_vec();
        let size = session::publish_size(&config.topic, config.qos, payload.len());
        if size > config.max_packet_size {
            let limit = config.max_packet_size;
            return Err(self.mqtt(MqttCause::PublishTooLarge { size, limit }));
        }
        session
            .publish(&config.topic, config.qos, config.retain, &payload)
            .map_err(|ending| self.ended(ending))?;
        loop {
            match self.next(session)? {
                Some(Event::Acknowledged | Event::Sent) => break,
                // The broker may deliver before it acknowledges.
                Some(Event::Message(message)) => echo.hear(&message),
                Some(_) => {}
                None => return Err(self.timed_out()),
            }
        }
        let (topic, bytes) = (config.topic.clone(), payload.len());
        self.done(Finding::Publish {
            topic,
            bytes,
            qos: asked,
            retain: config.retain,
        });

        self.begin(Stage::Receive);
        while !echo.is_decided() {
            match self.next(session)? {
                Some(Event::Message(message)) => echo.hear(&message),
                Some(_) => {}
                None => break,
            }
        }
        echo.verdict(config.timeout)
            .map_err(|cause| self.mqtt(cause))?;
        self.done(Finding::Receive { bytes });
        Ok(())
    }

    /// The next event of the stage under way; `None`: its time is over.
    fn next(&self, session: &mut Session) -> Result<Option<Event>, Failure> {
        let deadline = self.began + self.check.config.timeout;
        session
            .next(deadline, self.check.stop)
            .map_err(|ending| self.ended(ending))
    }

    fn ended(&self, ending: Ending) -> Failure {
        match ending {
            Ending::Interrupted => Failure::Interrupted(self.stage),
            Ending::Fault(LinkFault::SubackCode { code }) => self.denied(code),
            Ending::Fault(LinkFault::Tls(cause)) => self.tls_failure(cause, self.began.elapsed()),
            Ending::Fault(fault) => self.mqtt(fault.into()),
        }
    }

    fn denied(&self, code: u8) -> Failure {
        let filter = self.check.config.topic.clone();
        self.mqtt(MqttCause::SubscribeDenied { filter, code })
    }

    fn timed_out(&self) -> Failure {
        self.mqtt(MqttCause::TimedOut {
            limit: self.check.config.timeout,
        })
    }

    fn mqtt(&self, cause: MqttCause) -> Failure {
        let password_ends_in_blank = self
            .check
            .password
            .is_some_and(|secret| secret.expose().ends_with(char::is_whitespace));
        Failure::Mqtt(Box::new(MqttFault {
            stage: self.stage,
            cause,
            after: self.began.elapsed(),
            look: None,
            password_ends_in_blank,
        }))
    }

    /// A close soon after CONNACK may mean that another client uses our id. One more connection,
    /// which only waits, tells: closed there too, nothing that we send can be the reason.
    fn taken_over(&mut self, failure: Failure) -> Failure {
        let Check {
            config,
            password,
            tls,
            stop,
        } = *self.check;
        let closed = matches!(
            &failure,
            Failure::Mqtt(fault) if matches!(fault.cause, MqttCause::Link(LinkFault::Closed { .. }))
        );
        if !closed || !config.is_set("client_id") {
            return failure;
        }
        let Ok((mut session, _)) = Session::open(config, password, tls, config.timeout, stop)
        else {
            return failure;
        };
        let opened = Instant::now();
        let deadline = opened + config.timeout.min(WAIT_FOR_RIVAL);
        loop {
            match session.next(deadline, stop) {
                Ok(Some(_)) => {}
                Ok(None) => {
                    session.close(None, config.timeout);
                    return failure;
                }
                Err(Ending::Fault(LinkFault::Closed { .. })) => {
                    return self.mqtt(MqttCause::TakenOver {
                        after: opened.elapsed(),
                    });
                }
                Err(_) => return failure,
            }
        }
    }

    fn begin(&mut self, stage: Stage) {
        self.stage = stage;
        self.began = Instant::now();
    }

    fn done(&mut self, finding: Finding) {
        self.record(Status::Ok, Some(finding));
    }

    fn record(&mut self, status: Status, finding: Option<Finding>) {
        let step = Step {
            stage: self.stage,
            status,
            elapsed: self.began.elapsed(),
            finding,
        };
        (self.on_step)(&step);
        self.steps.push(step);
    }

    /// Adds the failed step, the skipped ones and the warnings.
    fn finish(&mut self, failure: Option<&Failure>) {
        if let Some(failure) = failure {
            self.record(Status::Failed, finding_of(failure));
        }
        for stage in Stage::LADDER.into_iter().skip(self.steps.len()) {
            let step = Step {
                stage,
                status: Status::Skipped,
                elapsed: Duration::ZERO,
                finding: None,
            };
            self.steps.push(step);
        }
        self.warn();
    }

    /// What deserves a word though the check went on.
    fn warn(&mut self) {
        let Check {
            config,
            password,
            tls,
            ..
        } = *self.check;
        let now = clock::now();
        if let Some(seen) = &self.seen {
            if seen.sni.is_none() {
                self.warnings.push(Warning::SniNotSent {
                    host: config.host.clone(),
                });
            }
            let leaf = seen
                .chain
                .first()
                .and_then(|leaf| leaf.certificate.as_ref());
            if let Some(leaf) = leaf.filter(|leaf| ends_soon(leaf, now)) {
                self.warnings.push(Warning::CertExpiresSoon {
                    subject: leaf.subject.short(),
                    not_after: leaf.not_after,
                    now,
                    pinned: seen.pinned,
                });
            }
            if now < clock::build_date() {
                self.warnings.push(Warning::ClockSuspect {
                    now,
                    built: clock::build_date(),
                });
            }
        }
        if let Some(tls) = tls
            && tls.skipped_roots() > 0
        {
            self.warnings.push(Warning::RootsSkipped {
                count: tls.skipped_roots(),
            });
        }
        let Some(peer) = self.peer else { return };
        if config.transport == Transport::Plain && password.is_some() && !peer.ip().is_loopback() {
            self.warnings.push(Warning::PasswordInClear);
        }
        if !self.failed.is_empty() {
            let failed = std::mem::take(&mut self.failed);
            self.warnings.push(Warning::AddressFailed { failed, peer });
        }
    }
}

/// How long the second look waits at each step: what it looks for comes at once.
const LOOK: Duration = Duration::from_secs(2);

/// How long the connection that only waits is given to be closed by a rival.
const WAIT_FOR_RIVAL: Duration = Duration::from_secs(3);

fn is_timeout(tried: &AddressError) -> bool {
    tried.error.kind() == std::io::ErrorKind::TimedOut
}

/// Less than 21 days and less than a third of its life left: a certificate for 7 days is not
/// reported on its first day, one for 90 days while there is time.
fn ends_soon(leaf: &Certificate, now: i64) -> bool {
    const SOON: i64 = 21 * 24 * 60 * 60;
    let left = leaf.not_after - now;
    left < SOON && left < (leaf.not_after - leaf.not_before) / 3
}

fn finding_of(failure: &Failure) -> Option<Finding> {
    match failure {
        Failure::Tcp(fault) => {
            let failed = fault.tried.iter().map(Attempt::from).collect();
            Some(Finding::Tcp { peer: None, failed })
        }
        Failure::Tls(fault) => Some(Finding::Tls(Box::new(fault.facts.clone()))),
        Failure::Config(_) | Failure::Dns(_) | Failure::Mqtt(_) | Failure::Interrupted(_) => None,
    }
}
