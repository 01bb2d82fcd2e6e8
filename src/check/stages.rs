//! The stages: dns, tcp, tls, connect, subscribe, publish, receive. The first failure ends it, and
//! what was opened is closed in order. It reports steps and prints nothing.

use std::time::{Duration, Instant};

use crate::check::echo::Echo;
use crate::check::followup::Observed;
use crate::check::step::{Attempt, Finding, Status, Step};
use crate::config::{Config, Transport};
use crate::failure::{Failure, LinkError, MqttCause, Stage, Warning};
use crate::mqtt::{
    Event, Limits, Opened, Session, SessionError, Target, Trace, Unfinished, publish_size,
};
use crate::net::{SIGNAL_POLL, connect};
use crate::util::clock;
use crate::x509::Certificate;

/// How the check ended.
#[derive(Debug)]
pub(crate) struct Verdict {
    pub(crate) steps: Vec<Step>,
    pub(crate) failure: Option<Failure>,
    pub(crate) warnings: Vec<Warning>,
    pub(crate) trace: Vec<Trace>,
    pub(crate) elapsed: Duration,
}

/// Runs the stages in order; `on_step` sees each as soon as it is done.
pub(crate) fn run(target: Target<'_>, on_step: &mut dyn FnMut(&Step)) -> Verdict {
    let start = Instant::now();
    let mut check = Check::new(target, on_step);
    let failure = check.run().err();
    check.finish(failure.as_ref());
    let Check {
        steps,
        warnings,
        trace,
        ..
    } = check;
    Verdict {
        steps,
        failure,
        warnings,
        trace,
        elapsed: start.elapsed(),
    }
}

/// The stages up to an open session, for those who have something to do there.
///
/// # Errors
/// What a check would find.
pub(crate) fn open_session(
    target: Target<'_>,
    limits: Limits,
    unfinished: &Unfinished,
) -> Result<(Session, Opened), Failure> {
    Check::new(target, &mut |_| {}).open_session(limits, unfinished)
}

struct Check<'a> {
    target: Target<'a>,
    on_step: &'a mut dyn FnMut(&Step),
    steps: Vec<Step>,
    warnings: Vec<Warning>,
    trace: Vec<Trace>,
    /// The stage under way, and since when.
    stage: Stage,
    began: Instant,
    /// How long the stage under way took to fail, where a goodbye came after it.
    failed_after: Option<Duration>,
    seen: Observed<'a>,
}

impl<'a> Check<'a> {
    fn new(target: Target<'a>, on_step: &'a mut dyn FnMut(&Step)) -> Self {
        Self {
            target,
            on_step,
            steps: Vec::new(),
            warnings: Vec::new(),
            trace: Vec::new(),
            stage: Stage::Dns,
            began: Instant::now(),
            failed_after: None,
            seen: Observed::new(target),
        }
    }

    /// dns, tcp, tls and connect.
    fn open_session(
        &mut self,
        limits: Limits,
        unfinished: &Unfinished,
    ) -> Result<(Session, Opened), Failure> {
        let Target {
            config, tls, stop, ..
        } = self.target;
        let timeout = config.timeout;
        let start = Instant::now();

        self.begin(Stage::Dns);
        let addresses = connect::resolve(&config.host, config.port, timeout, stop)?;
        self.done(Finding::Dns {
            addresses: addresses.clone(),
        });

        self.begin(Stage::Tcp);
        let connected = connect::connect(&addresses, timeout, stop)?;
        self.seen.peer = Some(connected.peer);
        self.seen.failed = connected.failed;
        let failed = self.seen.failed.iter().map(Attempt::from).collect();
        self.done(Finding::Tcp {
            peer: Some(connected.peer),
            failed,
        });

        self.begin(Stage::Tls);
        if let Some(tls) = tls {
            let channel = tls.handshake(connected.stream, timeout, stop);
            let mut channel = channel.map_err(|failure| self.seen.without_tls(failure))?;
            let settled = channel.settle(stop);
            let facts = channel.facts.clone();
            channel.close(&[], stop);
            if let Err(cause) = settled {
                return Err(tls.fault(cause, Some(&facts), true));
            }
            self.done(Finding::Tls(Box::new(facts.clone())));
            self.seen.facts = Some(facts);
        } else {
            drop(connected.stream);
            self.record(Status::Off, None);
        }

        self.begin(Stage::Connect);
        // rumqttc goes the whole way again: what that took once is granted on top.
        self.open(limits, unfinished, timeout + start.elapsed())
    }

    fn run(&mut self) -> Result<(), Failure> {
        let Config { topic, timeout, .. } = self.target.config;
        let (mut session, _) = self.open_session(Limits::ONE, &Unfinished::default())?;
        let outcome = self.exchange(&mut session);
        self.failed_after = outcome.is_err().then(|| self.began.elapsed());
        // After an error of its connection a session cannot even say goodbye.
        let lost = matches!(&outcome, Err(Failure::Mqtt(fault)) if matches!(fault.cause, MqttCause::Reconnector(_)));
        let subscribed = self.stage > Stage::Subscribe;
        self.trace = if lost {
            session.into_trace()
        } else {
            session.close(subscribed.then_some(topic), *timeout)
        };
        match outcome {
            Err(failure) if lost => Err(self.seen.taken_over(failure)),
            outcome => outcome,
        }
    }

    fn open(
        &mut self,
        limits: Limits,
        unfinished: &Unfinished,
        limit: Duration,
    ) -> Result<(Session, Opened), Failure> {
        match Session::open(self.target, limits, unfinished, limit) {
            Ok((session, opened)) => {
                let client_id = self.target.config.client_id.clone();
                let session_present = opened.session_present;
                self.done(Finding::Connect {
                    client_id,
                    session_present,
                });
                Ok((session, opened))
            }
            Err(SessionError::Interrupted) => Err(Failure::Interrupted(Stage::Connect)),
            Err(SessionError::Fault(fault)) => Err(self.seen.refused(fault, self.began.elapsed())),
        }
    }

    /// subscribe, publish and receive.
    fn exchange(&mut self, session: &mut Session) -> Result<(), Failure> {
        let config = self.target.config;
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
        let size = publish_size(&config.topic, config.qos, payload.len());
        if size > config.max_packet_size {
            let limit = config.max_packet_size;
            return Err(self.mqtt(MqttCause::PublishTooLarge { size, limit }));
        }
        session
            .publish(&config.topic, config.qos, config.retain, payload.clone())
            .map_err(|ending| self.ended(ending))?;
        loop {
            match self.next(session)? {
                Some(Event::Acknowledged { .. } | Event::Sent { id: 0 }) => break,
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
        let deadline = self.began + self.target.config.timeout;
        // Where messages of others come without end, there is always one more at hand.
        if Instant::now() > deadline + SIGNAL_POLL {
            return Ok(None);
        }
        session
            .next(deadline, self.target.stop)
            .map_err(|ending| self.ended(ending))
    }

    fn ended(&self, ending: SessionError) -> Failure {
        match ending {
            SessionError::Interrupted => Failure::Interrupted(self.stage),
            SessionError::Fault(LinkError::SubackCode { code }) => self.denied(code),
            SessionError::Fault(LinkError::Tls(cause)) => {
                self.seen.tls(cause, self.stage, self.began.elapsed())
            }
            SessionError::Fault(fault) => self.mqtt(fault.into()),
        }
    }

    fn denied(&self, code: u8) -> Failure {
        let filter = self.target.config.topic.clone();
        self.mqtt(MqttCause::SubscribeDenied { filter, code })
    }

    fn timed_out(&self) -> Failure {
        self.mqtt(MqttCause::TimedOut {
            limit: self.target.config.timeout,
        })
    }

    fn mqtt(&self, cause: MqttCause) -> Failure {
        self.seen.mqtt(cause, self.stage, self.began.elapsed())
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
            elapsed: self.failed_after.unwrap_or_else(|| self.began.elapsed()),
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
        for stage in Stage::CHECK.into_iter().skip(self.steps.len()) {
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
        let Target {
            config,
            password,
            tls,
            ..
        } = self.target;
        let now = clock::now();
        if let Some(seen) = &self.seen.facts {
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
                });
            }
        }
        // Without TLS, or with a pin, no date was looked at. In TLS the failure itself names it.
        let built = clock::build_date();
        if now < built && self.stage > Stage::Tls {
            self.warnings.push(Warning::ClockSuspect { now, built });
        }
        if let Some(tls) = tls
            && tls.skipped_roots() > 0
        {
            self.warnings.push(Warning::RootsSkipped {
                count: tls.skipped_roots(),
            });
        }
        let Some(peer) = self.seen.peer else { return };
        if config.transport == Transport::Plain && password.is_some() && !peer.ip().is_loopback() {
            self.warnings.push(Warning::PasswordInClear);
        }
        if !self.seen.failed.is_empty() {
            let failed = std::mem::take(&mut self.seen.failed);
            self.warnings.push(Warning::AddressFailed { failed, peer });
        }
    }
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
        Failure::Config(_)
        | Failure::Dns(_)
        | Failure::Mqtt(_)
        | Failure::Lost(_)
        | Failure::Interrupted(_) => None,
    }
}
