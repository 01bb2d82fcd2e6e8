//! `sub`: subscribes, passes on what comes in, and subscribes again where a session was lost.

use std::time::{Duration, Instant};

use crate::config::{Config, Key, Origin};
use crate::failure::{
    Command, Failure, LinkError, MqttCause, Operation, Stage, Subscription, TooFew, Topic, Warning,
};
use crate::mqtt::{self, Limits, Receipt, Session, SessionError, Target, Unfinished};
use crate::net::{Deadline, Stop};
use crate::stream::event::{Counters, Event, Listener};
use crate::stream::options::{Retained, SubOptions};
use crate::stream::reconnect::Reconnector;

/// How long to wait for a message before the time limit is checked.
const IDLE_WAIT: Duration = Duration::from_millis(250);

/// Wake-ups that follow each other within this time are a flood.
const FLOOD_GAP: Duration = Duration::from_millis(2);

/// How long a flood is left to gather. Nobody sees a message that much later.
const COALESCE: Duration = Duration::from_micros(300);

/// How many bytes of messages are gathered before they are written out.
const FLUSH_AT: usize = 64 * 1024;

/// How many messages are acknowledged in one go; a session can take no more than a thousand.
const RECEIPTS: usize = 500;

/// What a message takes beside its topic and payload, at least.
const OVERHEAD: usize = 16;

/// Receives until the options, a signal, or a reader that has left ends it.
///
/// # Errors
/// What ended it otherwise, beside the counters, which are true in either case.
pub(crate) fn run(
    target: Target<'_>,
    options: &SubOptions,
    listener: &mut dyn Listener,
) -> (Counters, Result<(), Failure>) {
    let limits = Limits {
        max_inflight: 1,
        untaken: 1,
        requests: 100,
    };
    let filters = match options.filters.as_slice() {
        [] => vec![Topic::configured(target.config)],
        filters => filters.iter().cloned().map(of_flag).collect(),
    };
    let until = options.duration.map(|duration| Instant::now() + duration);
    let mut subscriber = Subscriber {
        target,
        options,
        filters,
        listener,
        reconnector: Reconnector::new(target, Command::Sub, limits, options.reconnect, until),
        until,
        counters: Counters::default(),
        left_out: 0,
        gathered: Gathered::default(),
        unwritable: false,
        too_large: false,
        woken: Instant::now(),
        downgraded: None,
    };
    let outcome = subscriber.run();
    // What came before a failure.
    let _ = subscriber.write_out();
    subscriber.counters.reconnects = subscriber.reconnector.reconnects;
    (subscriber.counters, outcome)
}

fn of_flag(name: String) -> Topic {
    let origin = Origin::Flag("-t".to_owned());
    let key = Key::Topic;
    Topic { name, key, origin }
}

struct Subscriber<'a> {
    target: Target<'a>,
    options: &'a SubOptions,
    filters: Vec<Topic>,
    listener: &'a mut dyn Listener,
    reconnector: Reconnector<'a>,
    until: Option<Instant>,
    counters: Counters,
    /// Messages that `--retained` left out.
    left_out: u64,
    gathered: Gathered,
    /// The listener could not write, and takes no more.
    unwritable: bool,
    /// The last connection ended by a message that is too large. The broker forgets most of them; one
    /// that it keeps comes with each connection.
    too_large: bool,
    /// When a wait last ended with an event.
    woken: Instant,
    /// The lower QoS that was last warned of.
    downgraded: Option<u8>,
}

/// Messages that are with the listener and not yet written out.
#[derive(Default)]
struct Gathered {
    messages: u64,
    payloads: u64,
    /// About what they take.
    size: usize,
    /// What is to be acknowledged when they are written, messages that `--retained` leaves out among
    /// them: acknowledgements keep the order of the messages (MQTT 3.1.1 §4.6).
    receipts: Vec<Receipt>,
}

/// Why serving one session ended.
enum ServeOutcome {
    /// The count, the time, a signal, or a reader that has left.
    Done,
    Refused(Failure),
    /// The session is dead, and another one would end like it.
    Broken(Failure),
    Lost(Failure),
}

impl Subscriber<'_> {
    fn run(&mut self) -> Result<(), Failure> {
        let mut session = self.reconnector.open(self.listener)?;
        // Whether the broker knows of every filter: all were granted, in a session that it still has.
        let mut subscribed = false;
        loop {
            // What is not written is the next run's, if the broker keeps it: on a full disk, after a
            // crash, and what is beyond the count.
            if !self.target.config.clean_session {
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
                    self.finish(session);
                    return self.end(if subscribed {
                        Subscription::Granted
                    } else {
                        Subscription::Unanswered
                    });
                }
                Err(ServeOutcome::Refused(failure)) => {
                    let _ = self.settle(&mut session);
                    session.close(None, self.target.config.timeout);
                    return Err(failure);
                }
                Err(ServeOutcome::Broken(failure)) => return Err(failure),
                Err(ServeOutcome::Lost(failure)) => {
                    let received = session.into_received();
                    // The next session cannot acknowledge what came in this one.
                    if self.write_out().is_err() {
                        return Ok(());
                    }
                    self.gathered.receipts.clear();
                    let unfinished = Unfinished {
                        received,
                        ..Unfinished::default()
                    };
                    match self.reconnector.reopen(failure, &unfinished, self.listener) {
                        Ok(opened) => {
                            session = opened;
                            subscribed &= self.reconnector.resumed;
                        }
                        Err(Failure::Interrupted(_)) => return self.end(Subscription::Lost),
                        Err(_) if self.is_over() => return self.end(Subscription::Lost),
                        Err(failure) => return Err(failure),
                    }
                }
            }
        }
    }

    /// Hands out what has come in, and closes the session in order.
    fn finish(&mut self, mut session: Session) {
        let Config {
            clean_session,
            timeout,
            ..
        } = *self.target.config;
        // Without a session that is kept the broker will not send it again.
        let stop = Stop::default();
        let now = Deadline::after(Duration::ZERO, &stop);
        while !self.unwritable
            && session.has_events()
            && let Ok(Some(event)) = session.next(now)
            && self.take(&mut session, event).is_ok()
        {}
        let _ = self.settle(&mut session);
        // A session that is kept keeps its subscriptions.
        let filter = match self.filters.as_slice() {
            [only] if clean_session => Some(only.name.as_str()),
            _ => None,
        };
        session.close(filter, timeout);
    }

    /// Writes out what is gathered, and acknowledges it.
    fn settle(&mut self, session: &mut Session) -> Result<(), ServeOutcome> {
        self.write_out()?;
        for receipt in self.gathered.receipts.drain(..) {
            session.acknowledge(receipt);
        }
        Ok(())
    }

    /// Writes out what is gathered: only now is it received.
    fn write_out(&mut self) -> Result<(), ServeOutcome> {
        if self.listener.event(Event::Flush).is_err() {
            self.unwritable = true;
            self.gathered = Gathered::default();
            return Err(ServeOutcome::Done);
        }
        let gathered = &mut self.gathered;
        self.counters.received += std::mem::take(&mut gathered.messages);
        self.counters.bytes += std::mem::take(&mut gathered.payloads);
        gathered.size = 0;
        Ok(())
    }

    /// How a run ends in which nothing failed: it is done, unless messages were counted on that did not
    /// come.
    fn end(&self, subscription: Subscription) -> Result<(), Failure> {
        let received = self.counters.received;
        let Some(wanted) = self.options.count.filter(|wanted| received < *wanted) else {
            return Ok(());
        };
        // The listener knows why; a reader that has left has what it wanted.
        if self.unwritable {
            return Ok(());
        }
        if self.target.stop.is_set() {
            return Err(Failure::Interrupted(Stage::Receive));
        }
        let Some(limit) = self.options.duration.filter(|_| self.is_over()) else {
            return Ok(());
        };
        let cause = MqttCause::TooFew(TooFew {
            received,
            wanted,
            limit,
            left_out: self.left_out,
            resumed: self.reconnector.resumed,
            subscription,
        });
        let operation = self.receiving();
        Err(self.reconnector.failure(cause, operation, limit))
    }

    fn receiving(&self) -> Operation {
        Operation::Receive {
            filters: self.filters.clone(),
            published: None,
        }
    }

    /// What is left at `now` of the time of `--for`.
    fn left(&self, now: Instant) -> Option<Duration> {
        self.until.map(|until| until.saturating_duration_since(now))
    }

    /// Whether the time of `--for` is over.
    fn is_over(&self) -> bool {
        self.until.is_some_and(|until| until <= Instant::now())
    }

    /// One SUBSCRIBE after the other; messages may come in between. None is sent where the broker has
    /// said that it does not take one of them.
    fn subscribe(&mut self, session: &mut Session) -> Result<(), ServeOutcome> {
        let Config { qos, timeout, .. } = *self.target.config;
        let has_id = self.options.mqtt_5.id.is_some();
        if let Some(allowance) = &self.reconnector.allowance {
            for filter in &self.filters {
                let allowed = allowance.check_subscribe(&filter.name, has_id);
                if let Err(missing) = allowed {
                    let cause = MqttCause::SubscribeNotAllowed(missing);
                    let failure = self.not_subscribed(cause, filter, Instant::now());
                    return Err(ServeOutcome::Refused(failure));
                }
            }
        }
        for filter in self.filters.clone() {
            let asked = Instant::now();
            session
                .subscribe(&filter.name, qos, self.options.mqtt_5)
                .map_err(|error| self.subscribe_error(error, &filter, asked))?;
            let limit = self.left(asked).map_or(timeout, |left| left.min(timeout));
            let deadline = Deadline::since(asked, limit, self.target.stop);
            loop {
                match session.next(deadline) {
                    Ok(Some(mqtt::Event::Granted(Ok(granted)))) => {
                        self.note_granted(qos as u8, granted);
                        break;
                    }
                    Ok(Some(mqtt::Event::Granted(Err(reason)))) => {
                        let denied = SessionError::Fault(LinkError::SubackCode(reason));
                        return Err(self.subscribe_error(denied, &filter, asked));
                    }
                    // A flood has events after its time is over, too.
                    Ok(Some(event)) if !deadline.is_over() => {
                        self.take(session, event)?;
                    }
                    Ok(_) if self.is_over() => return Err(ServeOutcome::Done),
                    Ok(_) => {
                        let cause = MqttCause::TimedOut { limit: timeout };
                        return Err(ServeOutcome::Lost(
                            self.not_subscribed(cause, &filter, asked),
                        ));
                    }
                    Err(error) => return Err(self.subscribe_error(error, &filter, asked)),
                }
            }
        }
        Ok(())
    }

    /// Warns of a lower QoS, not of the same again for each filter and after each reconnect.
    fn note_granted(&mut self, asked: u8, granted: u8) {
        if granted < asked && self.downgraded.replace(granted) != Some(granted) {
            let warning = Warning::QosDowngraded { asked, granted };
            let _ = self.listener.event(Event::Warning(&warning));
        }
    }

    fn subscribe_error(
        &mut self,
        error: SessionError,
        filter: &Topic,
        asked: Instant,
    ) -> ServeOutcome {
        match error {
            SessionError::Interrupted => ServeOutcome::Done,
            SessionError::Fault(LinkError::SubackCode(reason)) => {
                let cause = MqttCause::SubscribeDenied(reason);
                ServeOutcome::Refused(self.not_subscribed(cause, filter, asked))
            }
            SessionError::Fault(fault) => {
                let ended = self.count_too_large(&fault);
                ended(self.not_subscribed(fault.into(), filter, asked))
            }
        }
    }

    fn not_subscribed(&self, cause: MqttCause, filter: &Topic, asked: Instant) -> Failure {
        let (filter, qos) = (filter.clone(), self.target.config.qos);
        let operation = Operation::Subscribe { filter, qos };
        self.reconnector.failure(cause, operation, asked.elapsed())
    }

    fn receive_error(&mut self, error: SessionError) -> ServeOutcome {
        match error {
            SessionError::Interrupted => ServeOutcome::Done,
            SessionError::Fault(fault) => {
                let ended = self.count_too_large(&fault);
                let failure =
                    self.reconnector
                        .failure(fault, self.receiving(), self.reconnector.stood());
                ended(failure)
            }
        }
    }

    /// A message that is too large ends the connection, and the stream goes on: the broker has mostly
    /// forgotten it. One that it keeps comes again at once, and then without end.
    fn count_too_large(&mut self, fault: &LinkError) -> fn(Failure) -> ServeOutcome {
        let is_too_large = matches!(fault, LinkError::TooLarge { .. });
        self.counters.too_large += u64::from(is_too_large);
        let again = std::mem::replace(&mut self.too_large, is_too_large);
        if is_too_large && (again || !self.options.reconnect.on) {
            ServeOutcome::Broken
        } else {
            ServeOutcome::Lost
        }
    }

    /// One event, or the time until the next look at the clock.
    fn turn(&mut self, session: &mut Session) -> Result<(), ServeOutcome> {
        let now = Instant::now();
        if self.is_over() {
            return Err(ServeOutcome::Done);
        }
        let mut more = session.has_more();
        // Where a broker waits for acknowledgements, none would come meanwhile.
        if !more && self.gathered.receipts.is_empty() && now - self.woken < FLOOD_GAP {
            // A flood comes one message a wake-up, and each wake-up costs us and the broker more
            // than the message does. A short sleep lets some gather.
            session.pause(COALESCE);
            more = session.has_more();
        }
        if !more {
            self.settle(session)?;
        }
        let _ = self.listener.event(Event::Progress(&self.counters));
        let limit = self.left(now).map_or(IDLE_WAIT, |left| left.min(IDLE_WAIT));
        match session.next(Deadline::since(now, limit, self.target.stop)) {
            Ok(Some(event)) => {
                if !more {
                    self.woken = Instant::now();
                }
                self.take(session, event)
            }
            Ok(None) => Ok(()),
            Err(error) => Err(self.receive_error(error)),
        }
    }

    fn take(&mut self, session: &mut Session, event: mqtt::Event) -> Result<(), ServeOutcome> {
        let message = match event {
            mqtt::Event::Message(message) => message,
            mqtt::Event::Released { .. } => {
                self.reconnector.reset_backoff();
                return Ok(());
            }
            _ => return Ok(()),
        };
        self.too_large = false;
        // Retained messages come with each new connection, whatever becomes of it.
        if !message.retain() {
            self.reconnector.reset_backoff();
        }
        let wanted = match self.options.retained {
            Retained::All => true,
            Retained::Only => message.retain(),
            Retained::Skip => !message.retain(),
        };
        if self.is_full() {
            return Ok(());
        }
        if !self.target.config.clean_session {
            self.gathered.receipts.extend(message.receipt());
        }
        if !wanted {
            self.left_out += 1;
            return self.settle_if_many(session);
        }
        let (topic, payload) = (message.topic().len(), message.payload().len());
        self.gathered.messages += 1;
        self.gathered.payloads += payload as u64;
        self.gathered.size += topic + payload + OVERHEAD;
        let _ = self.listener.event(Event::Message(&message));
        if self.is_full() {
            return Err(ServeOutcome::Done);
        }
        self.settle_if_many(session)
    }

    fn settle_if_many(&mut self, session: &mut Session) -> Result<(), ServeOutcome> {
        if self.gathered.size >= FLUSH_AT || self.gathered.receipts.len() >= RECEIPTS {
            self.settle(session)?;
        }
        Ok(())
    }

    /// Whether as many messages have come as were asked for.
    fn is_full(&self) -> bool {
        let received = self.counters.received + self.gathered.messages;
        self.options.count.is_some_and(|count| received >= count)
    }
}
