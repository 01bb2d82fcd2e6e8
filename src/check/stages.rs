//! The stages: dns, tcp, tls, connect, subscribe, publish, receive. The first failure ends it, and
//! what was opened is closed in order. It reports steps and prints nothing.

use std::time::{Duration, Instant};

use crate::check::echo::Echo;
use crate::check::followup::Observed;
use crate::check::step::{Attempt, Finding, Status, Step};
use crate::check::warnings;
use crate::config::Config;
use crate::failure::{
    Command, Failure, LinkError, MqttCause, Operation, Stage, Topic, UnderWay, Warning,
};
use crate::mqtt::{
    Event, Limits, Opened, Session, SessionError, Target, Trace, Unfinished, publish_size,
};
use crate::net::{Deadline, SIGNAL_POLL, connect};

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
    let mut check = Check::new(target, Command::Check, on_step);
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

/// The stages up to an open session, for those who have something to do there, and what was seen on
/// the way.
///
/// # Errors
/// What a check would find.
pub(crate) fn open_session<'a>(
    target: Target<'a>,
    command: Command,
    limits: Limits,
    unfinished: &Unfinished,
) -> (Result<(Session, Opened), Failure>, Observed<'a>) {
    let mut ignore = |_: &Step| {};
    let mut check = Check::new(target, command, &mut ignore);
    let opened = check.open_session(limits, unfinished);
    (opened, check.observed)
}

struct Check<'a, 'b> {
    target: Target<'a>,
    on_step: &'b mut dyn FnMut(&Step),
    steps: Vec<Step>,
    warnings: Vec<Warning>,
    trace: Vec<Trace>,
    /// The stage under way, and since when.
    stage: Stage,
    began: Instant,
    /// What is done in it, from connect on.
    operation: Operation,
    /// How long the stage under way took to fail; closing the session afterwards takes its own time.
    failed_after: Option<Duration>,
    observed: Observed<'a>,
}

impl<'a, 'b> Check<'a, 'b> {
    fn new(target: Target<'a>, command: Command, on_step: &'b mut dyn FnMut(&Step)) -> Self {
        Self {
            target,
            on_step,
            steps: Vec::new(),
            warnings: Vec::new(),
            trace: Vec::new(),
            stage: Stage::Dns,
            began: Instant::now(),
            operation: Operation::Connect,
            failed_after: None,
            observed: Observed::new(target, command),
        }
    }

    /// The stages dns, tcp, tls and connect.
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
        self.passed(Finding::Dns {
            addresses: addresses.clone(),
        });

        self.begin(Stage::Tcp);
        let connected = connect::connect(&addresses, timeout, stop)?;
        self.observed.peer = Some(connected.peer);
        self.observed.failed = connected.failed;
        let failed = self.observed.failed.iter().map(Attempt::from).collect();
        self.passed(Finding::Tcp {
            peer: Some(connected.peer),
            failed,
        });

        self.begin(Stage::Tls);
        if let Some(tls) = tls {
            let channel = tls.handshake(connected.stream, timeout, stop);
            let mut channel = channel.map_err(|failure| self.observed.shaken(failure))?;
            let confirmed = channel.confirm(stop);
            let facts = channel.facts.clone();
            channel.close(&[], stop);
            if let Err(cause) = confirmed {
                return Err(tls.failure(cause, Some(&facts), Some(true)));
            }
            self.passed(Finding::Tls(Box::new(facts.clone())));
            self.observed.facts = Some(facts);
        } else {
            drop(connected.stream);
            self.record(Status::Off, None);
        }

        self.begin(Stage::Connect);
        // rumqttc resolves, connects and shakes hands once more: what that took is granted on top.
        self.open(limits, unfinished, timeout + start.elapsed())
    }

    fn run(&mut self) -> Result<(), Failure> {
        let Config { topic, timeout, .. } = self.target.config;
        let (mut session, _) = self.open_session(Limits::ONE, &Unfinished::of_earlier_runs())?;
        let outcome = self.exchange(&mut session);
        self.failed_after = outcome.is_err().then(|| self.began.elapsed());
        // A session whose connection has failed cannot be closed in order.
        let lost = matches!(
            &outcome,
            Err(Failure::Mqtt(error)) if matches!(error.cause, MqttCause::Connection(_))
        );
        let subscribed = self.stage > Stage::Subscribe;
        self.trace = if lost {
            session.into_trace()
        } else {
            session.close(subscribed.then_some(topic), *timeout)
        };
        match outcome {
            Err(failure) if lost => Err(self.observed.taken_over(failure)),
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
                self.passed(Finding::Connect {
                    client_id,
                    session_present,
                });
                Ok((session, opened))
            }
            Err(SessionError::Interrupted) => Err(Failure::Interrupted(Stage::Connect)),
            Err(SessionError::Fault(link)) => {
                Err(self.observed.refused(link, self.began.elapsed()))
            }
        }
    }

    /// The stages subscribe, publish and receive.
    fn exchange(&mut self, session: &mut Session) -> Result<(), Failure> {
        let Config {
            topic: name,
            qos,
            retain,
            max_packet_size: limit,
            ..
        } = self.target.config;
        let (qos, retain, limit) = (*qos, *retain, *limit);
        let topic = Topic::configured(self.target.config);
        let mut echo = Echo::new(&self.target.config.message);

        let filter = topic.clone();
        self.begin_operation(Operation::Subscribe { filter, qos });
        session
            .subscribe(name, qos)
            .map_err(|error| self.session_error(error))?;
        let granted = loop {
            match self.next(session)? {
                Some(Event::Granted(Ok(granted))) => break granted,
                Some(Event::Granted(Err(code))) => {
                    return Err(self.mqtt(MqttCause::SubscribeDenied { code }));
                }
                Some(_) => {}
                None => return Err(self.timed_out()),
            }
        };
        let filter = name.clone();
        self.passed(Finding::Subscribe { filter, granted });
        let asked = qos as u8;
        if granted < asked {
            self.warnings
                .push(Warning::QosDowngraded { asked, granted });
        }

        let payload = echo.payload().to_vec();
        let bytes = payload.len();
        let mut under_way = UnderWay::default();
        under_way.add(bytes);
        self.begin_operation(Operation::Publish {
            topic: topic.clone(),
            qos,
            retain,
            under_way,
        });
        let size = publish_size(name, qos, bytes);
        if size > limit {
            let size = Some(size);
            return Err(self.mqtt(MqttCause::PublishTooLarge { size, limit }));
        }
        // Packet ids of an earlier run are released first.
        while !session.has_room() {
            match self.next(session)? {
                Some(Event::Message(message)) => echo.hear(&message),
                Some(_) => {}
                None => return Err(self.timed_out()),
            }
        }
        session
            .publish(name, qos, retain, payload)
            .map_err(|error| self.session_error(error))?;
        loop {
            match self.next(session)? {
                Some(Event::Acknowledged { .. } | Event::Sent { id: 0 }) => break,
                // The broker may deliver before it acknowledges.
                Some(Event::Message(message)) => echo.hear(&message),
                Some(_) => {}
                None => return Err(self.timed_out()),
            }
        }
        self.passed(Finding::Publish {
            topic: name.clone(),
            bytes,
            qos: asked,
            retain,
        });

        self.begin_operation(Operation::Receive {
            filters: vec![topic],
            published: Some(qos),
        });
        while !echo.is_decided() {
            match self.next(session)? {
                Some(Event::Message(message)) => echo.hear(&message),
                Some(_) => {}
                None => break,
            }
        }
        echo.verdict(self.target.config.timeout)
            .map_err(|cause| self.mqtt(cause))?;
        self.passed(Finding::Receive { bytes });
        Ok(())
    }

    /// The next event of the stage under way; `None`: its time is over.
    fn next(&self, session: &mut Session) -> Result<Option<Event>, Failure> {
        let limit = self.target.config.timeout;
        // Where messages of others come without end, there is always one more at hand.
        if self.began.elapsed() > limit + SIGNAL_POLL {
            return Ok(None);
        }
        session
            .next(Deadline::since(self.began, limit, self.target.stop))
            .map_err(|error| self.session_error(error))
    }

    fn session_error(&self, error: SessionError) -> Failure {
        match error {
            SessionError::Interrupted => Failure::Interrupted(self.stage),
            SessionError::Fault(LinkError::SubackCode { code }) => {
                self.mqtt(MqttCause::SubscribeDenied { code })
            }
            SessionError::Fault(LinkError::Tls(cause)) => {
                let operation = self.operation.clone();
                self.observed.tls(cause, operation, self.began.elapsed())
            }
            SessionError::Fault(link) => self.mqtt(link.into()),
        }
    }

    fn timed_out(&self) -> Failure {
        self.mqtt(MqttCause::TimedOut {
            limit: self.target.config.timeout,
        })
    }

    fn mqtt(&self, cause: MqttCause) -> Failure {
        let operation = self.operation.clone();
        self.observed.mqtt(cause, operation, self.began.elapsed())
    }

    fn begin(&mut self, stage: Stage) {
        self.stage = stage;
        self.began = Instant::now();
    }

    fn begin_operation(&mut self, operation: Operation) {
        self.begin(operation.stage());
        self.operation = operation;
    }

    fn passed(&mut self, finding: Finding) {
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
        self.warnings.extend(warnings::about(&mut self.observed));
    }
}

fn finding_of(failure: &Failure) -> Option<Finding> {
    match failure {
        Failure::Tcp(error) => {
            let failed = error.tried.iter().map(Attempt::from).collect();
            Some(Finding::Tcp { peer: None, failed })
        }
        Failure::Tls(error) => Some(Finding::Tls(Box::new(error.facts.clone()))),
        Failure::Dns(_)
        | Failure::Mqtt(_)
        | Failure::Input(_)
        | Failure::Lost(_)
        | Failure::Interrupted(_)
        | Failure::Limit(..) => None,
    }
}
