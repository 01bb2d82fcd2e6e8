//! `pub`: takes payloads from its input, hands them to the session as fast as the window allows, and
//! keeps each until the broker has acknowledged it, over as many connections as that takes.

use std::time::{Duration, Instant};

use crate::config::{Config, Qos};
use crate::failure::{Command, Failure, MqttCause, Operation, Reason, Stage, Topic, UnderWay};
use crate::mqtt::{self, Limits, Session, SessionError, Target, Unfinished, lowered, publish_size};
use crate::net::{Deadline, Stop};
use crate::stream::event::{Counters, Event, Listener};
use crate::stream::input::{Input, Next};
use crate::stream::options::PubOptions;
use crate::stream::outbox::Outbox;
use crate::stream::reconnect::Reconnector;

/// What was found fastest against mosquitto; and mosquitto resets a client of 3.1.1 that has more
/// than its `max_inflight_messages` (20) of QoS 2 open. It counts those that are not yet released: a
/// PUBLISH right behind a PUBREL, which leaves at its PUBREC, need not wait for the PUBCOMP.
fn limits(qos: Qos) -> Limits {
    match qos {
        Qos::AtMostOnce => Limits {
            max_inflight: 1,
            untaken: 1,
            requests: 200,
        },
        Qos::AtLeastOnce => Limits {
            max_inflight: 1000,
            untaken: 1000,
            requests: 200,
        },
        Qos::ExactlyOnce => Limits {
            max_inflight: 40,
            untaken: 20,
            requests: 20,
        },
    }
}

/// How long acknowledgements gather while the window is full. The broker must not run out of messages
/// meanwhile, and a small window is soon empty.
fn gather_time(limits: Limits) -> Duration {
    Duration::from_micros(u64::from(limits.max_inflight / 2).clamp(50, 500))
}

/// With QoS 2, the part of what may be untaken that is kept back: one in so many.
const RESERVE: usize = 5;

/// How long to wait for acknowledgements before standard input is polled again. A line leaves within
/// 50 ms, so it must be less.
const ACK_WAIT: Duration = Duration::from_millis(25);

/// How long to sleep on a silent input before the session gets its turn: it sends the keep-alive.
const IDLE_WAIT: Duration = Duration::from_millis(500);

/// How many events are taken before more is handed over: more than a full window has.
const AT_ONCE: usize = 4096;

/// Publishes all that `input` gives.
///
/// # Errors
/// What ended it before that, beside the counters, which are true in either case.
pub(crate) fn run(
    target: Target<'_>,
    options: &PubOptions,
    input: Input,
    listener: &mut dyn Listener,
) -> (Counters, Result<(), Failure>) {
    let limits = limits(target.config.qos);
    let mut publisher = Publisher {
        config: target.config,
        qos: target.config.qos,
        stop: target.stop,
        reconnector: Reconnector::new(target, Command::Pub, limits, options.reconnect, None),
        limits,
        input,
        ended: false,
        outbox: Outbox::default(),
        given: UnderWay::default(),
        pace: options.interval.map(|interval| Pace {
            interval,
            next: Instant::now(),
        }),
        counters: Counters::default(),
        progress: Instant::now(),
        moved: false,
        worked: false,
        received: false,
        reserve: 0,
        full: false,
        paused: false,
        denied: None,
        refused: None,
        never: Stop::default(),
        listener,
    };
    let outcome = publisher.run();
    publisher.count_unacknowledged();
    publisher.counters.reconnects = publisher.reconnector.reconnects;
    let (counters, qos) = (publisher.counters, publisher.qos);
    let outcome = outcome.map_err(|mut failure| {
        if let Failure::Lost(lost) = &mut failure {
            lost.unfinished = counters.unacknowledged;
            lost.qos = qos;
        }
        failure
    });
    (counters, outcome)
}

struct Publisher<'a> {
    config: &'a Config,
    /// That of the configuration, or less where the broker takes no more.
    qos: Qos,
    stop: &'a Stop,
    reconnector: Reconnector<'a>,
    limits: Limits,
    input: Input,
    /// Nothing more comes from the input, or nothing more is wanted.
    ended: bool,
    outbox: Outbox,
    /// What this connection was given with QoS 0, of which nothing is kept.
    given: UnderWay,
    pace: Option<Pace>,
    counters: Counters,
    /// When an acknowledgement last came, or there was none to wait for. Not exact, because reading the
    /// clock for each message costs as much as a tenth of sending it.
    progress: Instant,
    /// There was one since the clock was last read.
    moved: bool,
    /// The broker took a message. With QoS 0 nothing tells.
    worked: bool,
    /// A PUBREC came since something was last handed over; the answer to it leaves by itself.
    received: bool,
    /// How many publishes are kept back, to have something to write when nothing but PUBCOMPs comes:
    /// see [`Publisher::gather`].
    reserve: usize,
    /// The window is full.
    full: bool,
    /// The last wait with a full window began with a pause, and the next one must not.
    paused: bool,
    /// The first message that the broker refused with a reason code. The others still go their way.
    denied: Option<Failure>,
    /// Why nothing more is taken. What was taken before is still published.
    refused: Option<Failure>,
    /// Never set: for waits that go on after a signal.
    never: Stop,
    listener: &'a mut dyn Listener,
}

/// The least time between two publishes.
struct Pace {
    interval: Duration,
    next: Instant,
}

/// How serving one session ended.
enum ServeOutcome {
    /// All is done.
    Done(Session),
    /// The work ends here, and the session can still be closed in order.
    Stopped(Session, Failure),
    /// The session is dead; what it left undone, and why.
    Lost(Unfinished, Failure),
}

impl Publisher<'_> {
    fn run(&mut self) -> Result<(), Failure> {
        let mut session = self.reconnector.open(self.listener)?;
        loop {
            let served = match self.keep_to_allowance() {
                Ok(()) => self.serve(session),
                Err(failure) => ServeOutcome::Stopped(session, failure),
            };
            match served {
                ServeOutcome::Done(session) => {
                    session.close(None, self.config.timeout);
                    return Ok(());
                }
                ServeOutcome::Stopped(session, failure) => {
                    session.close(None, self.config.timeout);
                    return Err(failure);
                }
                ServeOutcome::Lost(..) if self.stop.is_set() => {
                    return Err(Failure::Interrupted(Stage::Publish));
                }
                ServeOutcome::Lost(unfinished, failure) => {
                    let opened = self.reconnector.reopen(failure, &unfinished, self.listener);
                    session = opened?;
                    let Reconnector {
                        resumed, withheld, ..
                    } = &self.reconnector;
                    self.outbox.restart(*resumed, withheld);
                }
            }
        }
    }

    /// Looks into what the broker allows in the session that was opened.
    ///
    /// # Errors
    /// Where nothing can be published in it.
    fn keep_to_allowance(&mut self) -> Result<(), Failure> {
        let Some(allowance) = &self.reconnector.allowance else {
            return Ok(());
        };
        if let Some(warning) = lowered(&mut self.qos, allowance.maximum_qos) {
            let _ = self.listener.event(Event::Warning(&warning));
        }
        let (config, qos) = (self.config, self.qos);
        let protocol = self.reconnector.protocol();
        let fits = |payload: &[u8]| {
            let size = publish_size(config, qos, protocol, payload.len());
            allowance.check_publish(size, config.retain).is_ok()
        };
        let allowed = allowance.check_publish(0, config.retain);
        self.limits = limits(qos);
        // The session counts packet ids up to the window of the QoS that it was opened for.
        let window = limits(config.qos).max_inflight;
        let window = window.min(self.limits.max_inflight);
        self.limits.max_inflight = allowance.window(window);
        if allowed.is_ok()
            && let Some(payload) = self.outbox.remove_unfit(fits)
        {
            // It was taken when the broker still allowed more.
            let refused = self.too_large(Some(payload));
            self.refused = self.refused.take().or(refused);
            self.ended = true;
        }
        allowed.map_err(|cause| self.failure(cause, UnderWay::default()))
    }

    fn serve(&mut self, mut session: Session) -> ServeOutcome {
        self.progress = Instant::now();
        self.given = UnderWay::default();
        let mut stopping: Option<Instant> = None;
        let mut cut_short = false;
        loop {
            if stopping.is_none() && self.stop.is_set() {
                // What is in flight may still be acknowledged; nothing more is read.
                stopping = Some(Instant::now() + self.config.timeout);
                cut_short = !self.ended;
                self.ended = true;
            }
            if let Err(SessionError::Fault(link)) = self.hand_over(&mut session) {
                return self.lost(session, link.into());
            }
            self.count_unacknowledged();
            let _ = self.listener.event(Event::Progress(&self.counters));
            if self.ended && self.outbox.is_empty() && session.unwritten() == 0 {
                return match self.refused.take().or_else(|| self.denied.take()) {
                    Some(failure) => ServeOutcome::Stopped(session, failure),
                    None if cut_short => {
                        ServeOutcome::Stopped(session, Failure::Interrupted(Stage::Publish))
                    }
                    None => ServeOutcome::Done(session),
                };
            }
            if stopping.is_some_and(|until| Instant::now() >= until) {
                return ServeOutcome::Stopped(session, Failure::Interrupted(Stage::Publish));
            }
            match self.wait(&mut session, stopping.is_some()) {
                Ok(()) if self.is_stuck() => {
                    let limit = self.config.timeout;
                    return self.lost(session, MqttCause::TimedOut { limit });
                }
                Ok(()) | Err(SessionError::Interrupted) => {}
                Err(SessionError::Fault(link)) => return self.lost(session, link.into()),
            }
        }
    }

    /// From the input into the outbox, from the outbox into the session, as far as both have room.
    fn hand_over(&mut self, session: &mut Session) -> Result<(), SessionError> {
        if std::mem::take(&mut self.received) {
            self.reserve = usize::from(self.limits.untaken) / RESERVE;
        } else if self.moved {
            self.reserve = self.reserve.saturating_sub(1);
        }
        // Until all that was resumed is acknowledged, its packet ids are not free.
        while !self.outbox.is_resuming() && session.has_room() {
            if self.reconnector.is_careful() && self.outbox.in_flight() > 0 {
                break;
            }
            self.full = self.qos != Qos::AtMostOnce && self.is_full();
            if self.full || self.outbox.waiting().is_none() && !self.take() {
                break;
            }
            let Config { topic, retain, .. } = self.config;
            let qos = self.qos;
            if qos == Qos::AtMostOnce {
                let Some(payload) = self.outbox.give() else {
                    break;
                };
                self.given.add(payload.len());
                session.publish(topic, qos, *retain, payload)?;
            } else {
                let Some(payload) = self.outbox.waiting() else {
                    break;
                };
                session.publish(topic, qos, *retain, payload.to_vec())?;
                self.moved |= self.outbox.in_flight() == 0;
                self.outbox.submitted();
            }
        }
        if std::mem::take(&mut self.moved) {
            self.progress = Instant::now();
        }
        if std::mem::take(&mut self.worked) {
            self.reconnector.reset_backoff();
        }
        Ok(())
    }

    /// Whether the broker has as much as it may have at once.
    fn is_full(&self) -> bool {
        let Limits {
            max_inflight,
            untaken,
            ..
        } = self.limits;
        self.outbox.submitted_span() >= usize::from(max_inflight)
            || self.outbox.untaken() + self.reserve >= usize::from(untaken)
    }

    /// One payload from the input, if it is its time and the window has room.
    fn take(&mut self) -> bool {
        let now = Instant::now;
        let room = match self.qos {
            Qos::AtMostOnce => self.limits.requests,
            _ => usize::from(self.limits.max_inflight),
        };
        self.full = self.outbox.span() >= room;
        // The last message needs no pause behind it.
        self.ended |= self.input.is_over();
        if self.ended || self.full || self.pace.as_ref().is_some_and(|pace| pace.next > now()) {
            return false;
        }
        let refused = match self.input.take() {
            Ok(Next::NotYet) => return false,
            Ok(Next::Payload(payload)) => match self.too_large(Some(payload.len())) {
                None => {
                    self.outbox.push(payload);
                    self.counters.published += 1;
                    if let Some(pace) = &mut self.pace {
                        // From the plan, not from now, so that the rate holds; but no rush after a
                        // gap.
                        pace.next = (pace.next + pace.interval).max(now() - pace.interval);
                    }
                    return true;
                }
                refused => refused,
            },
            Ok(Next::TooLong { length }) => self.too_large(length),
            Ok(Next::End) => None,
            Err(error) => Some(Failure::Input(error)),
        };
        self.refused = refused;
        self.ended = true;
        false
    }

    /// Refuses a payload of so many bytes, `None` being more than the limit, if it cannot be sent.
    fn too_large(&self, payload: Option<usize>) -> Option<Failure> {
        let Config {
            max_packet_size: limit,
            retain,
            ..
        } = self.config;
        let protocol = self.reconnector.protocol();
        let size = payload.map(|payload| publish_size(self.config, self.qos, protocol, payload));
        let cause = match (size, &self.reconnector.allowance) {
            (Some(size), allowance) if size <= *limit => {
                let allowed = allowance.as_ref().map(|it| it.check_publish(size, *retain));
                allowed.and_then(Result::err)?
            }
            _ => MqttCause::PublishTooLarge {
                size,
                limit: *limit,
            },
        };
        let mut under_way = UnderWay::default();
        under_way.add(payload.unwrap_or(*limit));
        Some(self.failure(cause, under_way))
    }

    fn failure(&self, cause: MqttCause, under_way: UnderWay) -> Failure {
        let operation = self.operation(under_way);
        let stood = self.reconnector.stood();
        self.reconnector.failure(cause, operation, stood)
    }

    fn operation(&self, under_way: UnderWay) -> Operation {
        Operation::Publish {
            granted: None,
            topic: Topic::configured(self.config),
            qos: self.qos,
            retain: self.config.retain,
            under_way,
        }
    }

    /// Waits for the session, or on the input where the session has nothing to do.
    fn wait(&mut self, session: &mut Session, stopping: bool) -> Result<(), SessionError> {
        let never = self.never.clone();
        // The last acknowledgements are waited for even after a signal.
        let stop = if stopping { &never } else { self.stop };
        self.gather(session);
        let (mut began, mut limit) = (Instant::now(), Duration::ZERO);
        if session.unwritten() == 0 {
            let idle = self.outbox.is_empty() && session.has_room() && !session.has_more();
            let due = self
                .pace
                .as_ref()
                .map(|pace| pace.next.saturating_duration_since(began));
            match due {
                Some(due) if idle && !self.ended && !due.is_zero() => limit = due.min(IDLE_WAIT),
                _ if idle && !self.ended => {
                    // Taking from the input, which follows, finds what is wrong with it.
                    let _ = self.input.wait(IDLE_WAIT);
                    began = Instant::now();
                }
                due => limit = due.unwrap_or(ACK_WAIT).min(ACK_WAIT),
            }
        }
        let deadline = Deadline::since(began, limit, stop);
        // All that is at hand, before more is handed over; a flood, which is none of ours, has no end.
        for _ in 0..AT_ONCE {
            match session.next(deadline)? {
                Some(event) => self.note(&event),
                None => return Ok(()),
            }
            if session.unwritten() == 0 && !session.has_more() {
                break;
            }
        }
        Ok(())
    }

    /// Lets acknowledgements gather while the window is full: a wake-up and a write for each one cost
    /// us and the broker more than the message does.
    ///
    /// Each time only where the system tells the broker at once what has come: with Nagle's algorithm
    /// on, as mosquitto is installed, it sends the first acknowledgement and keeps the others until it
    /// has heard of that. Elsewhere what is written in answer to the first says so, and brings the others.
    /// With QoS 2 there is no answer to a PUBCOMP: the reserve is for that.
    fn gather(&mut self, session: &mut Session) {
        if self.full && session.unwritten() == 0 && !session.has_more() {
            self.paused = !self.paused && !session.gather(gather_time(self.limits));
        }
    }

    /// Messages are in flight, the connection stands, and no acknowledgement comes.
    fn is_stuck(&self) -> bool {
        self.qos != Qos::AtMostOnce
            && self.outbox.in_flight() > 0
            && !self.moved
            && self.progress.elapsed() >= self.config.timeout
    }

    fn note(&mut self, event: &mqtt::Event) {
        match *event {
            mqtt::Event::Sent { id: 0 } => {
                self.counters.sent += 1;
            }
            mqtt::Event::Sent { id } => self.outbox.sent(id),
            mqtt::Event::Received { id, .. } => {
                self.outbox.received(id);
                self.received = true;
            }
            mqtt::Event::Acknowledged { id, .. } if self.outbox.acknowledged(id) => {
                self.counters.acknowledged += 1;
                self.moved = true;
                self.worked = true;
            }
            mqtt::Event::Refused { id, ref reason } => {
                let size = self.outbox.size(id);
                if self.outbox.acknowledged(id) {
                    self.counters.refused += 1;
                    self.moved = true;
                    self.worked = true;
                    if self.denied.is_none() {
                        self.deny((**reason).clone(), size);
                    }
                }
            }
            _ => {}
        }
    }

    /// A message that the broker refuses is no reason to keep the others back. If there are others, it is
    /// told of now, and not at the end alone.
    fn deny(&mut self, reason: Reason, size: usize) {
        let mut under_way = UnderWay::default();
        under_way.add(size);
        let failure = self.failure(MqttCause::PublishDenied(reason), under_way);
        if self.counters.published > 1 || !self.ended {
            let diagnosis = self.reconnector.diagnose(&failure);
            let _ = self.listener.event(Event::Refused(&diagnosis));
        }
        self.denied = Some(failure);
    }

    fn count_unacknowledged(&mut self) {
        let Counters {
            sent,
            acknowledged,
            refused,
            ..
        } = self.counters;
        let done = sent + acknowledged + refused;
        self.counters.unacknowledged = self.counters.published - done;
    }

    fn lost(&mut self, session: Session, cause: MqttCause) -> ServeOutcome {
        let under_way = match self.qos {
            Qos::AtMostOnce => self.given,
            Qos::AtLeastOnce | Qos::ExactlyOnce => self.outbox.under_way(),
        };
        let failure = self.failure(cause, under_way);
        let unfinished = Unfinished {
            unreleased: session.is_releasing(),
            ..self.outbox.unfinished(self.qos)
        };
        if self.qos == Qos::AtMostOnce {
            for payload in session.into_unsent() {
                self.outbox.push(payload);
            }
        }
        ServeOutcome::Lost(unfinished, failure)
    }
}
