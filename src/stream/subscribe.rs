//! `sub`: subscribes, hands out what comes in, and subscribes again where a session was lost.

use std::time::{Duration, Instant};
use std::{io, thread};

use crate::config::Config;
use crate::failure::{Failure, LinkError, MqttCause, Stage, Warning};
use crate::mqtt::{Event, Limits, Message, Session, SessionError, Target, Unfinished};
use crate::net::Stop;
use crate::stream::options::{Retained, SubOptions};
use crate::stream::reconnect::{LinkEvent, Reconnector};

/// How long to wait for a message before the clock is looked at.
const IDLE_WAIT: Duration = Duration::from_millis(250);

/// Wake-ups that follow each other within this time are a flood.
const FLOOD_GAP: Duration = Duration::from_millis(2);

/// How long a flood is left to gather. Nobody sees a message that much later.
const COALESCE: Duration = Duration::from_micros(300);

/// How it went, in messages.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Totals {
    pub(crate) received: u64,
    pub(crate) bytes: u64,
    pub(crate) reconnects: u64,
}

/// What is told while it goes on.
#[derive(Debug)]
pub(crate) enum Progress<'a> {
    Reconnector(LinkEvent<'a>),
    Warning(&'a Warning),
    Totals(Totals),
}

/// Who hears of it.
pub(crate) trait Listener {
    /// Takes a message.
    ///
    /// # Errors
    /// When nobody reads on; that ends the work without a failure.
    fn message(&mut self, message: &Message) -> io::Result<()>;

    /// Nothing more is at hand: what was taken must become visible.
    ///
    /// # Errors
    /// As [`Listener::message`].
    fn idle(&mut self) -> io::Result<()>;

    fn progress(&mut self, progress: Progress<'_>);
}

/// Receives until the options, a signal, or a reader that has left ends it.
///
/// # Errors
/// What ended it otherwise, beside the totals, which are true in either case.
pub(crate) fn run(
    target: Target<'_>,
    options: &SubOptions,
    listener: &mut dyn Listener,
) -> (Totals, Result<(), Failure>) {
    let limits = Limits {
        max_inflight: 1,
        requests: 100,
    };
    let filters = match options.filters.as_slice() {
        [] => vec![target.config.topic.clone()],
        filters => filters.to_vec(),
    };
    let mut subscriber = Subscriber {
        target,
        options,
        filters,
        listener,
        link: Reconnector::new(target, limits, options.reconnect),
        until: options.duration.map(|duration| Instant::now() + duration),
        totals: Totals::default(),
        woken: Instant::now(),
    };
    let outcome = subscriber.run();
    subscriber.totals.reconnects = subscriber.link.reconnects;
    (subscriber.totals, outcome)
}

struct Subscriber<'a> {
    target: Target<'a>,
    options: &'a SubOptions,
    filters: Vec<String>,
    listener: &'a mut dyn Listener,
    link: Reconnector<'a>,
    until: Option<Instant>,
    totals: Totals,
    /// When a wait last ended with an event.
    woken: Instant,
}

/// Why serving one session ended.
enum ServeOutcome {
    /// The count, the time, a signal, or a reader that has left.
    Done,
    Refused(Failure),
    Lost(LinkError, Stage, Duration),
}

impl Subscriber<'_> {
    fn run(&mut self) -> Result<(), Failure> {
        let mut session = match self.link.open() {
            // Nothing was asked for that is not done: `sub` runs until it is stopped.
            Err(Failure::Interrupted(_)) => return Ok(()),
            opened => opened?,
        };
        // Whether the broker knows of every filter: all were granted, in a session that it still has.
        let mut subscribed = false;
        loop {
            // With a count the messages beyond it are the next run's, if the broker keeps them.
            if self.options.count.is_some() && !self.target.config.clean_session {
                session.acknowledge_manually();
            }
            let mut served = if subscribed {
                Ok(())
            } else {
                self.subscribe(&mut session)
            };
            subscribed |= served.is_ok();
            while served.is_ok() {
                served = self.turn(&mut session);
            }
            match served {
                Ok(()) => {}
                Err(ServeOutcome::Done) => {
                    // What has come in is acknowledged: the broker will not send it again.
                    let at_once = Instant::now();
                    while session.has_events()
                        && let Ok(Some(event)) = session.next(at_once, &Stop::default())
                        && self.take(&mut session, event).is_ok()
                    {}
                    // A reader that has left ends it just as well.
                    let _ = self.listener.idle();
                    // A session that is kept keeps its subscriptions.
                    let clean = self.target.config.clean_session;
                    let filter = self
                        .filters
                        .first()
                        .filter(|_| clean && self.filters.len() == 1);
                    session.close(filter.map(String::as_str), self.target.config.timeout);
                    return Ok(());
                }
                Err(ServeOutcome::Refused(failure)) => {
                    session.close(None, self.target.config.timeout);
                    return Err(failure);
                }
                Err(ServeOutcome::Lost(fault, stage, after)) => {
                    let received = session.into_received();
                    if self.listener.idle().is_err() {
                        return Ok(());
                    }
                    let failure = match fault {
                        LinkError::TimedOut { limit } => {
                            self.link
                                .stage_failure(MqttCause::TimedOut { limit }, stage, after)
                        }
                        fault => self.link.failure(fault, stage, after),
                    };
                    let unfinished = Unfinished {
                        received,
                        ..Unfinished::default()
                    };
                    let listener = &mut *self.listener;
                    let mut tell =
                        |news: LinkEvent<'_>| listener.progress(Progress::Reconnector(news));
                    let opened = match self.link.reopen(failure, &unfinished, &mut tell) {
                        Err(Failure::Interrupted(_)) => return Ok(()),
                        opened => opened?,
                    };
                    session = opened.0;
                    subscribed &= opened.1.session_present;
                }
            }
        }
    }

    /// One SUBSCRIBE after the other; messages may come in between.
    fn subscribe(&mut self, session: &mut Session) -> Result<(), ServeOutcome> {
        let Config { qos, timeout, .. } = *self.target.config;
        for filter in self.filters.clone() {
            let asked = Instant::now();
            let lost = |ending| match ending {
                SessionError::Interrupted => ServeOutcome::Done,
                SessionError::Fault(fault) => {
                    ServeOutcome::Lost(fault, Stage::Subscribe, asked.elapsed())
                }
            };
            session.subscribe(&filter, qos).map_err(lost)?;
            loop {
                match session.next(asked + timeout, self.target.stop) {
                    Ok(Some(Event::Granted(Ok(granted)))) => {
                        let asked = qos as u8;
                        if granted < asked {
                            let warning = Warning::QosDowngraded { asked, granted };
                            self.listener.progress(Progress::Warning(&warning));
                        }
                        break;
                    }
                    Ok(Some(Event::Granted(Err(code))))
                    | Err(SessionError::Fault(LinkError::SubackCode { code })) => {
                        let cause = MqttCause::SubscribeDenied { filter, code };
                        let after = asked.elapsed();
                        return Err(ServeOutcome::Refused(self.link.stage_failure(
                            cause,
                            Stage::Subscribe,
                            after,
                        )));
                    }
                    // A flood has events after its time is over, too.
                    Ok(Some(event)) if asked.elapsed() < timeout => {
                        self.take(session, event)?;
                    }
                    Ok(_) => {
                        return Err(lost(SessionError::Fault(LinkError::TimedOut {
                            limit: timeout,
                        })));
                    }
                    Err(ending) => return Err(lost(ending)),
                }
            }
        }
        self.link.reset_backoff();
        Ok(())
    }

    /// One event, or the time until the next look at the clock.
    fn turn(&mut self, session: &mut Session) -> Result<(), ServeOutcome> {
        let now = Instant::now();
        if self.until.is_some_and(|until| until <= now) {
            return Err(ServeOutcome::Done);
        }
        let mut more = session.has_more();
        if !more && now - self.woken < FLOOD_GAP {
            // A flood comes one message a wake-up, and each wake-up costs us and the broker more
            // than the message does. A breath lets some gather.
            thread::sleep(COALESCE);
            more = session.has_more();
        }
        if !more && self.listener.idle().is_err() {
            return Err(ServeOutcome::Done);
        }
        self.listener.progress(Progress::Totals(self.totals));
        let until = self
            .until
            .map_or(now + IDLE_WAIT, |until| until.min(now + IDLE_WAIT));
        match session.next(until, self.target.stop) {
            Ok(Some(event)) => {
                if !more {
                    self.woken = Instant::now();
                }
                self.take(session, event)
            }
            Ok(None) => Ok(()),
            Err(SessionError::Interrupted) => Err(ServeOutcome::Done),
            Err(SessionError::Fault(fault)) => {
                Err(ServeOutcome::Lost(fault, Stage::Receive, now.elapsed()))
            }
        }
    }

    fn take(&mut self, session: &mut Session, event: Event) -> Result<(), ServeOutcome> {
        let message = match event {
            Event::Message(message) => message,
            Event::Released { .. } => {
                self.link.reset_backoff();
                return Ok(());
            }
            _ => return Ok(()),
        };
        self.link.reset_backoff();
        let wanted = match self.options.retained {
            Retained::All => true,
            Retained::Only => message.retain(),
            Retained::Skip => !message.retain(),
        };
        let full = |totals: &Totals| {
            self.options
                .count
                .is_some_and(|count| totals.received >= count)
        };
        if full(&self.totals) {
            return Ok(());
        }
        let lost = |ending| match ending {
            SessionError::Interrupted => ServeOutcome::Done,
            SessionError::Fault(fault) => ServeOutcome::Lost(fault, Stage::Receive, Duration::ZERO),
        };
        session.acknowledge(&message).map_err(lost)?;
        if !wanted {
            return Ok(());
        }
        self.totals.received += 1;
        self.totals.bytes += message.payload().len() as u64;
        if self.listener.message(&message).is_err() || full(&self.totals) {
            return Err(ServeOutcome::Done);
        }
        Ok(())
    }
}
