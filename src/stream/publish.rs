//! `pub`: takes payloads from its input, hands them to the session as fast as the window allows, and
//! keeps each until the broker has acknowledged it, over as many connections as that takes.

use std::io;
use std::time::{Duration, Instant};

use crate::config::{Config, Qos};
use crate::failure::{Failure, LinkError, MqttCause, Stage};
use crate::mqtt::{Event, Limits, Session, SessionError, Target, Unfinished, publish_size};
use crate::net::Stop;
use crate::stream::input::{Input, Next};
use crate::stream::options::PubOptions;
use crate::stream::outbox::Outbox;
use crate::stream::reconnect::{LinkEvent, Reconnector};

/// What was found fastest against mosquitto; and mosquitto resets a client of 3.1.1 that has more
/// than its `max_inflight_messages` (20) of QoS 2 open.
fn limits(qos: Qos) -> Limits {
    match qos {
        Qos::AtMostOnce => Limits {
            max_inflight: 1,
            requests: 200,
        },
        Qos::AtLeastOnce => Limits {
            max_inflight: 1000,
            requests: 200,
        },
        Qos::ExactlyOnce => Limits {
            max_inflight: 20,
            requests: 20,
        },
    }
}

/// How long to look for acknowledgements before standard input is looked at again, which must be
/// less than the 50 ms within which a line leaves.
const ACK_WAIT: Duration = Duration::from_millis(25);

/// How long to sleep on a silent input before the keep-alive is looked after.
const IDLE_WAIT: Duration = Duration::from_millis(500);

/// How many events are taken before more is handed over: more than a full window has.
const AT_ONCE: usize = 4096;

/// How it went, in messages.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Totals {
    /// Taken from the input.
    pub(crate) read: u64,
    /// Acknowledged by the broker, or with QoS 0 handed to the system.
    pub(crate) done: u64,
    pub(crate) unacknowledged: u64,
    pub(crate) reconnects: u64,
}

/// What is told while it goes on.
#[derive(Debug)]
pub(crate) enum Progress<'a> {
    Reconnector(LinkEvent<'a>),
    Totals(Totals),
}

/// Publishes all that `input` gives.
///
/// # Errors
/// What ended it before that, beside the totals, which are true in either case.
pub(crate) fn run(
    target: Target<'_>,
    options: &PubOptions,
    input: Input,
    say: &mut dyn FnMut(Progress<'_>),
) -> (Totals, Result<(), Failure>) {
    let limits = limits(target.config.qos);
    let mut publisher = Publisher {
        config: target.config,
        stop: target.stop,
        link: Reconnector::new(target, limits, options.reconnect),
        limits,
        input,
        ended: false,
        outbox: Outbox::default(),
        pace: options.interval.map(|interval| Pace {
            interval,
            next: Instant::now(),
        }),
        totals: Totals::default(),
        progress: Instant::now(),
        moved: false,
        full: false,
        refused: None,
        never: Stop::default(),
        say,
    };
    let outcome = publisher.run();
    publisher.totals.unacknowledged = publisher.totals.read - publisher.totals.done;
    publisher.totals.reconnects = publisher.link.reconnects;
    let unacknowledged = publisher.totals.unacknowledged;
    let outcome = outcome.map_err(|mut failure| {
        if let Failure::Lost(fault) = &mut failure {
            fault.unacknowledged = unacknowledged;
        }
        failure
    });
    (publisher.totals, outcome)
}

struct Publisher<'a> {
    config: &'a Config,
    stop: &'a Stop,
    link: Reconnector<'a>,
    limits: Limits,
    input: Input,
    /// Nothing more comes from the input, or nothing more is wanted.
    ended: bool,
    outbox: Outbox,
    pace: Option<Pace>,
    totals: Totals,
    /// When an acknowledgement last came, or there was none to wait for; looked at now and then,
    /// because reading the clock for each message costs as much as a tenth of sending it.
    progress: Instant,
    /// There was one since the clock was last read.
    moved: bool,
    /// The window was full and has not yet emptied enough to be filled again.
    full: bool,
    /// What is wrong with the input. What was taken before it is still seen through.
    refused: Option<Failure>,
    /// Never set: for waits that go on after a signal.
    never: Stop,
    say: &'a mut dyn FnMut(Progress<'_>),
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
    /// The work ends here, and the session can still say goodbye.
    Stopped(Session, Failure),
    /// The session is dead; what it left undone, and why.
    Lost(Unfinished, Failure),
}

impl Publisher<'_> {
    fn run(&mut self) -> Result<(), Failure> {
        let mut session = self.link.open()?;
        loop {
            match self.serve(session) {
                ServeOutcome::Done(session) => {
                    session.close(None, self.config.timeout);
                    return Ok(());
                }
                ServeOutcome::Stopped(session, failure) => {
                    session.close(None, self.config.timeout);
                    return Err(failure);
                }
                ServeOutcome::Lost(_, failure) if self.stop.is_set() => {
                    drop(failure);
                    return Err(Failure::Interrupted(Stage::Publish));
                }
                ServeOutcome::Lost(unfinished, failure) => {
                    let say = &mut *self.say;
                    let mut tell = |news: LinkEvent<'_>| say(Progress::Reconnector(news));
                    let (next, opened) = self.link.reopen(failure, &unfinished, &mut tell)?;
                    self.outbox.restart(opened.session_present);
                    session = next;
                }
            }
        }
    }

    fn serve(&mut self, mut session: Session) -> ServeOutcome {
        self.progress = Instant::now();
        let mut stopping: Option<Instant> = None;
        let mut cut_short = false;
        loop {
            if stopping.is_none() && self.stop.is_set() {
                // What is in flight may still be acknowledged; nothing more is read.
                stopping = Some(Instant::now() + self.config.timeout);
                cut_short = !self.ended;
                self.ended = true;
            }
            if let Err(SessionError::Fault(fault)) = self.hand_over(&mut session) {
                return self.lost(session, fault);
            }
            (self.say)(Progress::Totals(Totals {
                unacknowledged: self.totals.read - self.totals.done,
                ..self.totals
            }));
            if self.ended && self.outbox.is_empty() && session.unwritten() == 0 {
                return match self.refused.take() {
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
                Ok(()) | Err(SessionError::Interrupted) => {}
                Err(SessionError::Fault(fault)) => return self.lost(session, fault),
            }
        }
    }

    /// From the input into the outbox, from the outbox into the session, as far as both have room.
    fn hand_over(&mut self, session: &mut Session) -> Result<(), SessionError> {
        // Until all that was resumed is acknowledged, its packet ids are not free.
        while !self.outbox.is_resuming() && session.has_room() {
            if self.outbox.waiting().is_none() && !self.take() {
                break;
            }
            let Config {
                topic, qos, retain, ..
            } = self.config;
            if *qos == Qos::AtMostOnce {
                let Some(payload) = self.outbox.give() else {
                    break;
                };
                session.publish(topic, *qos, *retain, payload)?;
            } else {
                let Some(payload) = self.outbox.waiting() else {
                    break;
                };
                session.publish(topic, *qos, *retain, payload.to_vec())?;
                self.moved |= self.outbox.in_flight() == 0;
                self.outbox.submitted();
            }
        }
        if std::mem::take(&mut self.moved) {
            self.progress = Instant::now();
            self.link.reset_backoff();
        }
        Ok(())
    }

    /// One payload from the input, if it is its time and the window has room.
    fn take(&mut self) -> bool {
        let room = match self.config.qos {
            Qos::AtMostOnce => self.limits.requests,
            _ => usize::from(self.limits.max_inflight),
        };
        let now = Instant::now;
        // With QoS 1 a full window is filled again only when a quarter of it is free, so that many
        // messages leave in one write. A window of QoS 2 is too small for that.
        if self.config.qos == Qos::AtLeastOnce {
            let span = self.outbox.span();
            self.full = span >= room || self.full && span > room / 4 * 3;
        }
        // The last message needs no pause behind it.
        self.ended |= self.input.is_over();
        if self.ended
            || self.full
            || self.outbox.span() >= room
            || self.pace.as_ref().is_some_and(|pace| pace.next > now())
        {
            return false;
        }
        let refused = match self.input.take() {
            Ok(Next::NotYet) => return false,
            Ok(Next::Payload(payload)) => match self.too_large(payload.len()) {
                None => {
                    self.outbox.push(payload);
                    self.totals.read += 1;
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
            Err(error) => Some(self.unreadable(&error)),
        };
        self.refused = refused;
        self.ended = true;
        false
    }

    fn too_large(&self, payload: usize) -> Option<Failure> {
        let limit = self.config.max_packet_size;
        let size = publish_size(&self.config.topic, self.config.qos, payload);
        let cause = MqttCause::PublishTooLarge { size, limit };
        let failure = || {
            self.link
                .stage_failure(cause, Stage::Publish, Duration::ZERO)
        };
        (size > limit).then(failure)
    }

    fn unreadable(&self, error: &io::Error) -> Failure {
        let words = format!("standard input: {error}");
        let fault = LinkError::Io(io::Error::other(words));
        self.link.failure(fault, Stage::Publish, Duration::ZERO)
    }

    /// Waits for the session, or on the input where the session has nothing to do.
    fn wait(&mut self, session: &mut Session, stopping: bool) -> Result<(), SessionError> {
        let never = self.never.clone();
        // The last acknowledgements are waited for even after a signal.
        let stop = if stopping { &never } else { self.stop };
        let mut until = Instant::now();
        if session.unwritten() == 0 {
            let idle = self.outbox.is_empty() && !session.has_more();
            let due = self
                .pace
                .as_ref()
                .map(|pace| pace.next.saturating_duration_since(until));
            match due {
                Some(due) if idle && !self.ended && !due.is_zero() => until += due.min(IDLE_WAIT),
                _ if idle && !self.ended => {
                    // The look at the input that follows says what is wrong with it.
                    let _ = self.input.wait(IDLE_WAIT);
                    until = Instant::now();
                }
                due => until += due.unwrap_or(ACK_WAIT).min(ACK_WAIT),
            }
        }
        // All that is at hand, before more is handed over; a flood, which is none of ours, has no end.
        for _ in 0..AT_ONCE {
            match session.next(until, stop)? {
                Some(event) => self.note(&event),
                None if self.is_stuck() => {
                    let limit = self.config.timeout;
                    return Err(SessionError::Fault(LinkError::TimedOut { limit }));
                }
                None => return Ok(()),
            }
            if session.unwritten() == 0 && !session.has_more() {
                break;
            }
        }
        Ok(())
    }

    /// Messages are in flight, the connection stands, and no acknowledgement comes.
    fn is_stuck(&self) -> bool {
        self.config.qos != Qos::AtMostOnce
            && self.outbox.in_flight() > 0
            && !self.moved
            && self.progress.elapsed() >= self.config.timeout
    }

    fn note(&mut self, event: &Event) {
        match *event {
            Event::Sent { id: 0 } => self.finished(),
            Event::Sent { id } => self.outbox.sent(id),
            Event::Received { id } => self.outbox.received(id),
            Event::Acknowledged { id } if self.outbox.acknowledged(id) => self.finished(),
            _ => {}
        }
    }

    fn finished(&mut self) {
        self.totals.done += 1;
        self.moved = true;
    }

    fn lost(&mut self, session: Session, fault: LinkError) -> ServeOutcome {
        let after = self.progress.elapsed();
        let failure = match fault {
            LinkError::TimedOut { limit } => {
                let cause = MqttCause::TimedOut { limit };
                self.link.stage_failure(cause, Stage::Publish, after)
            }
            fault => self.link.failure(fault, Stage::Publish, after),
        };
        if self.config.qos == Qos::AtMostOnce {
            for payload in session.into_unsent() {
                self.outbox.push(payload);
            }
        }
        ServeOutcome::Lost(self.outbox.unfinished(), failure)
    }
}
