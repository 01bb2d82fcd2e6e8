//! The stages: dns, tcp, tls, connect, subscribe, publish, receive. The first failure ends it, and
//! what was opened is closed in order. It reports steps and prints nothing.

use std::time::{Duration, Instant};

use crate::check::echo::Echo;
use crate::check::followup::Observed;
use crate::check::step::{Attempt, Finding, Status, Step};
use crate::check::warnings;
use crate::config::{CheckScope, Config, Qos, SubscribeOptions};
use crate::failure::{
    Command, Failure, LinkError, MqttCause, Operation, Stage, Topic, UnderWay, Warning,
};
use crate::mqtt::{
    Allowance, Event, Limits, Opened, Session, SessionError, Target, Trace, Unfinished, lowered,
    publish_size,
};
use crate::net::{Deadline, SIGNAL_POLL, connect};

/// How long a broker that closes the connection over a message of QoS 0 may take to do so.
const CLOSE_WAIT: Duration = Duration::from_secs(1);

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
    /// The QoS of the subscription; `None`: there is none.
    granted: Option<u8>,
    /// What the broker allows, where it says so.
    allowance: Option<Box<Allowance>>,
    /// That of the configuration, or less where the broker takes no more.
    qos: Qos,
    /// The broker has acknowledged the message, and said that nobody is subscribed.
    unmatched: bool,
    /// How long the stage under way took to fail; what is done afterwards takes its own time.
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
            granted: None,
            allowance: None,
            qos: target.config.qos,
            unmatched: false,
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
        // The session resolves, connects and shakes hands once more: what that took is granted on top.
        self.open(limits, unfinished, timeout + start.elapsed())
    }

    fn run(&mut self) -> Result<(), Failure> {
        let Config { topic, timeout, .. } = self.target.config;
        let opened = self.open_session(Limits::ONE, &Unfinished::of_earlier_runs());
        let (mut session, _) = opened.map_err(|failure| {
            self.failed_after = Some(self.began.elapsed());
            let failure = self.observed.look_once_more(failure);
            self.observed.second_opinion(failure)
        })?;
        self.keep_to_maximum_qos();
        let outcome = self.exchange(&mut session);
        self.failed_after = outcome.is_err().then(|| self.began.elapsed());
        // A session whose connection has failed cannot be closed in order.
        let lost = matches!(
            &outcome,
            Err(Failure::Mqtt(error)) if matches!(error.cause, MqttCause::Connection(_))
        );
        self.trace = if lost {
            session.into_trace()
        } else {
            session.close(self.granted.map(|_| topic.as_str()), *timeout)
        };
        outcome.map_err(|failure| {
            let failure = match lost {
                true => self.observed.taken_over(failure),
                false => failure,
            };
            self.observed.second_opinion(failure)
        })
    }

    fn open(
        &mut self,
        limits: Limits,
        unfinished: &Unfinished,
        limit: Duration,
    ) -> Result<(Session, Opened), Failure> {
        match Session::open(self.target, limits, unfinished, limit) {
            Ok((session, opened)) => {
                self.observed.protocol = opened.protocol;
                self.allowance.clone_from(&opened.allowance);
                self.passed(Finding::Connect {
                    client_id: self.target.config.client_id.clone(),
                    opened: opened.clone(),
                });
                Ok((session, opened))
            }
            Err(SessionError::Interrupted) => Err(Failure::Interrupted(Stage::Connect)),
            Err(SessionError::Fault(link)) => {
                Err(self.observed.refused(link, self.began.elapsed()))
            }
        }
    }

    /// The stages subscribe, publish and receive, as far as `check` asks for them.
    fn exchange(&mut self, session: &mut Session) -> Result<(), Failure> {
        let Config { message, check, .. } = self.target.config;
        let mut echo = Echo::new(message);
        for stage in [Stage::Subscribe, Stage::Publish, Stage::Receive] {
            match stage {
                _ if leaves_out(*check, stage) => {
                    self.begin(stage);
                    self.record(Status::Off, Some(Finding::LeftOut(*check)));
                }
                Stage::Subscribe => self.subscribe(session)?,
                Stage::Publish => self.publish(session, &mut echo)?,
                _ => self.receive(session, &mut echo)?,
            }
        }
        Ok(())
    }

    /// Lowers the QoS to what the broker takes in a PUBLISH (MQTT 5 §3.2.2.3.4).
    fn keep_to_maximum_qos(&mut self) {
        if self.target.config.check.publishes() {
            let maximum = self.allowance.as_ref().and_then(|it| it.maximum_qos);
            self.warnings.extend(lowered(&mut self.qos, maximum));
        }
    }

    fn subscribe(&mut self, session: &mut Session) -> Result<(), Failure> {
        let Config { topic, .. } = self.target.config;
        let qos = self.qos;
        let filter = Topic::configured(self.target.config);
        self.begin_operation(Operation::Subscribe { filter, qos });
        if let Some(allowance) = &self.allowance {
            allowance
                .check_subscribe(topic, false)
                .map_err(|it| self.mqtt(MqttCause::SubscribeNotAllowed(it)))?;
        }
        session
            .subscribe(topic, qos, SubscribeOptions::default())
            .map_err(|error| self.session_error(error))?;
        let granted = loop {
            match self.next(session)? {
                Some(Event::Granted(Ok(granted))) => break granted,
                Some(Event::Granted(Err(reason))) => {
                    return Err(self.mqtt(MqttCause::SubscribeDenied(reason)));
                }
                Some(_) => {}
                None => return Err(self.timed_out()),
            }
        };
        self.granted = Some(granted);
        let filter = topic.clone();
        self.passed(Finding::Subscribe { filter, granted });
        let asked = qos as u8;
        if granted < asked {
            self.warnings
                .push(Warning::QosDowngraded { asked, granted });
        }
        Ok(())
    }

    fn publish(&mut self, session: &mut Session, echo: &mut Echo<'_>) -> Result<(), Failure> {
        let Config {
            topic: name,
            retain,
            max_packet_size: limit,
            check,
            ..
        } = self.target.config;
        let (qos, retain, limit) = (self.qos, *retain, *limit);
        let payload = echo.payload().to_vec();
        let bytes = payload.len();
        let mut under_way = UnderWay::default();
        under_way.add(bytes);
        self.begin_operation(Operation::Publish {
            topic: Topic::configured(self.target.config),
            qos,
            retain,
            under_way,
            granted: self.granted.filter(|granted| *granted < qos as u8),
        });
        let size = publish_size(self.target.config, qos, self.observed.protocol, bytes);
        if size > limit {
            let size = Some(size);
            return Err(self.mqtt(MqttCause::PublishTooLarge { size, limit }));
        }
        if let Some(allowance) = &self.allowance {
            allowance
                .check_publish(size, retain)
                .map_err(|cause| self.mqtt(cause))?;
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
                Some(Event::Sent { id: 0 }) => break,
                Some(Event::Acknowledged { unmatched, .. }) => {
                    self.unmatched |= unmatched;
                    break;
                }
                Some(Event::Received { unmatched, .. }) => self.unmatched |= unmatched,
                Some(Event::Refused { reason, .. }) => {
                    return Err(self.mqtt(MqttCause::PublishDenied(*reason)));
                }
                // The broker may deliver before it acknowledges.
                Some(Event::Message(message)) => echo.hear(&message),
                Some(_) => {}
                None => return Err(self.timed_out()),
            }
        }
        if qos == Qos::AtMostOnce && *check == CheckScope::Publish {
            self.stands(session)?;
        }
        self.passed(Finding::Publish {
            topic: name.clone(),
            bytes,
            qos: qos as u8,
            retain,
        });
        Ok(())
    }

    /// Waits a while for the broker to close the connection over a message that it does not
    /// acknowledge, and whose coming back nobody waits for.
    fn stands(&self, session: &mut Session) -> Result<(), Failure> {
        let limit = CLOSE_WAIT.min(self.target.config.timeout);
        let since = Instant::now();
        let deadline = Deadline::since(since, limit, self.target.stop);
        let mut left = true;
        while left && since.elapsed() < limit {
            let event = session.next(deadline);
            left = event.map_err(|error| self.session_error(error))?.is_some();
        }
        Ok(())
    }

    fn receive(&mut self, session: &mut Session, echo: &mut Echo<'_>) -> Result<(), Failure> {
        let config = self.target.config;
        self.begin_operation(Operation::Receive {
            filters: vec![Topic::configured(config)],
            published: Some(self.qos),
        });
        while !echo.is_decided() {
            match self.next(session)? {
                Some(Event::Message(message)) => echo.hear(&message),
                Some(_) => {}
                None => break,
            }
        }
        echo.verdict(config.timeout, self.unmatched)
            .map_err(|cause| self.mqtt(cause))?;
        let bytes = echo.payload().len();
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
            SessionError::Fault(LinkError::SubackCode(reason)) => {
                self.mqtt(MqttCause::SubscribeDenied(reason))
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
            // What came in is a matter of `receive`, whatever was waited for.
            if is_too_large(failure) {
                self.stage = Stage::Receive;
                self.pass_over(|stage| stage < Stage::Receive);
            }
            self.record(Status::Failed, finding_of(failure));
        }
        self.pass_over(|_| true);
        self.warnings.extend(warnings::about(&mut self.observed));
    }

    /// Adds the stages that were not done, as far as `which` says.
    fn pass_over(&mut self, which: impl Fn(Stage) -> bool) {
        let check = self.target.config.check;
        let left = Stage::CHECK.into_iter().skip(self.steps.len());
        for stage in left.take_while(|stage| which(*stage)) {
            let status = if leaves_out(check, stage) {
                Status::Off
            } else {
                Status::Skipped
            };
            let step = Step {
                stage,
                status,
                elapsed: Duration::ZERO,
                finding: None,
            };
            self.steps.push(step);
        }
    }
}

/// Whether a message came in that is larger than `max_packet_size`.
fn is_too_large(failure: &Failure) -> bool {
    matches!(failure, Failure::Mqtt(error) if matches!(
        (&error.cause, &error.operation),
        (
            MqttCause::Connection(LinkError::TooLarge { .. }),
            Operation::Subscribe { .. } | Operation::Publish { .. } | Operation::Receive { .. }
        )
    ))
}

/// Whether a check of this scope does without this stage.
fn leaves_out(check: CheckScope, stage: Stage) -> bool {
    match stage {
        Stage::Subscribe => !check.subscribes(),
        Stage::Publish => !check.publishes(),
        Stage::Receive => check != CheckScope::Echo,
        _ => false,
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
