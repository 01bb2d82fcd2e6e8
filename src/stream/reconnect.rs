//! Reconnecting when the connection is lost: back-off, which errors are worth a retry, and when to give
//! up. It holds no messages; `pub` and `sub` bring what is to be resumed.

use std::hash::{BuildHasher, RandomState};
use std::thread;
use std::time::{Duration, Instant};

use crate::check::{
    Compared, Observed, RIVALS_PAUSE, Waited, blames_us, compare_ids, is_close, stages, wait_only,
    warnings,
};
use crate::config::{Config, Key, Protocol};
use crate::diagnosis::{Diagnosis, diagnose};
use crate::failure::{
    Command, Failure, GaveUp, LinkError, LostError, MqttCause, Operation, Stage, TlsCause,
};
use crate::mqtt::{Allowance, Limits, Opened, Session, SessionError, Target, Unfinished};
use crate::net::{Deadline, WaitError};
use crate::stream::event::{Event, Listener};
use crate::stream::options::Reconnect;
use crate::util::clock;

/// The first pause; the very first try has none.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// One that stood shorter than this is followed by a pause, whatever it did.
const LEAST_STAND: Duration = Duration::from_secs(1);

/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// A connection that was closed within this time, without having done any work, was closed soon.
const SOON: Duration = Duration::from_secs(5);

/// After so many connections in a row that were closed soon, messages are sent one by one: then it is
/// known which one it was, and a link that breaks after a few bytes lets one through.
const CAREFUL_AFTER: u32 = 1;

/// After so many, one that only waits tells whether what is sent is the reason, or another client with
/// the same id.
const CLOSED_IN_A_ROW: u32 = 3;

/// How often a connection must be closed beside one with a fresh client id that stands, out of how many
/// tries. A network that closes connections at random shows that once in a while.
const CLOSED_BESIDE: (u32, u32) = (3, 5);

/// Opens sessions to one target.
#[derive(Debug)]
pub(crate) struct Reconnector<'a> {
    target: Target<'a>,
    command: Command,
    limits: Limits,
    policy: Reconnect,
    /// When the run ends anyhow.
    until: Option<Instant>,
    /// Giving up counts from here: when the connection was lost. Where it was re-established and lost
    /// before anything got through, from the first loss, without the time for which it stood.
    since: Instant,
    /// Tries since then.
    tries: u32,
    /// When the last session was opened.
    opened: Instant,
    /// Connections in a row that were closed soon.
    closed_soon: u32,
    /// On the way to the first session, or to the last one that took the stages of a check.
    observed: Observed<'a>,
    pub(crate) reconnects: u64,
    /// The broker had the last session already when it was opened.
    pub(crate) resumed: bool,
    /// See [`Opened::withheld`].
    pub(crate) withheld: Vec<u16>,
    /// What the broker allows in the last session, where it says so.
    pub(crate) allowance: Option<Box<Allowance>>,
}

impl<'a> Reconnector<'a> {
    pub(crate) fn new(
        target: Target<'a>,
        command: Command,
        limits: Limits,
        policy: Reconnect,
        until: Option<Instant>,
    ) -> Self {
        Self {
            target,
            command,
            limits,
            policy,
            until,
            since: Instant::now(),
            tries: 0,
            opened: Instant::now(),
            closed_soon: 0,
            observed: Observed::new(target, command),
            reconnects: 0,
            resumed: false,
            withheld: Vec::new(),
            allowance: None,
        }
    }

    /// The first session. Whoever starts the program wants to know at once what is wrong, and hears
    /// here what else there is to warn of.
    ///
    /// # Errors
    /// What a check would find.
    pub(crate) fn open(&mut self, listener: &mut dyn Listener) -> Result<Session, Failure> {
        let unfinished = match self.command {
            Command::Pub | Command::Request => Unfinished::of_earlier_runs(),
            Command::Check | Command::Sub => Unfinished::default(),
        };
        let opened = self.attempt(&unfinished, self.left_of_run());
        let opened = opened.map_err(|failure| self.observed.look_once_more(failure));
        let connected = match &opened {
            Ok(_) | Err(Failure::Mqtt(_)) => true,
            Err(_) => false,
        };
        if connected && self.observed.peer.is_none() {
            self.observed = Observed::of_session(self.target, self.command);
            self.opened = Instant::now();
        }
        for warning in warnings::about(&mut self.observed) {
            let _ = listener.event(Event::Warning(&warning));
        }
        opened.map(|(session, opened)| {
            self.note(opened);
            session
        })
    }

    fn note(&mut self, opened: Opened) {
        self.resumed = opened.session_present;
        self.observed.protocol = opened.protocol;
        self.target.protocol = opened.protocol;
        self.withheld = opened.withheld;
        self.allowance = opened.allowance;
    }

    /// A message got through: a next loss is a new one.
    pub(crate) fn reset_backoff(&mut self) {
        self.tries = 0;
        self.closed_soon = 0;
    }

    /// Whether no more than one message should be under way.
    pub(crate) fn is_careful(&self) -> bool {
        self.closed_soon >= CAREFUL_AFTER
    }

    /// A session after one that ended with `why`.
    ///
    /// # Errors
    /// What a retry cannot fix, as it is; [`Failure::Lost`] when it is given up;
    /// [`Failure::Interrupted`].
    pub(crate) fn reopen(
        &mut self,
        why: Failure,
        unfinished: &Unfinished,
        listener: &mut dyn Listener,
    ) -> Result<Session, Failure> {
        // Reconnecting goes on even if nobody reads about it.
        let mut tell = |event: Event<'_>| drop(listener.event(event));
        let lost = Instant::now();
        let stood = lost - self.opened;
        // A session that stood longer than any pause was no failed try, even if nothing was sent.
        if stood >= LONGEST_PAUSE {
            self.tries = 0;
        }
        self.since = if self.tries == 0 {
            lost
        } else {
            self.since + stood
        };
        let mut last = why;
        let mut diagnosis = self.diagnose(&last);
        if !diagnosis.retry {
            return Err(last);
        }
        if !self.policy.on {
            return Err(self.lost(GaveUp::Never, last));
        }
        tell(Event::ConnectionLost(&diagnosis));
        self.closed_soon = match stood < SOON && (is_close(&last) || blames_us(&last)) {
            true => self.closed_soon + 1,
            false => 0,
        };
        if self.closed_soon >= CLOSED_IN_A_ROW {
            self.closed_soon = 0;
            last = self.why_closed(last)?;
        }
        // Where each connection does a little and is lost at once, two clients with one id perhaps,
        // the broker must not be stormed either.
        let mut least = if stood < LEAST_STAND {
            pause(1)
        } else {
            Duration::ZERO
        };
        loop {
            // Tries that led to a connection that did no work count on: an ACL that closes each new
            // connection must not be asked thousands of times.
            let pause = pause(self.tries).max(std::mem::take(&mut least));
            let again = self.tries > 0 && !matches!(last, Failure::Mqtt(_)) || self.tries > 1;
            if again && pause < self.left() {
                tell(Event::ReconnectFailed {
                    diagnosis: &diagnosis,
                    pause,
                });
            }
            self.sleep(pause.min(self.left()))?;
            if self.left().is_zero() {
                let end = self.policy.give_up.map_or(GaveUp::Never, GaveUp::After);
                return Err(self.lost(end, last));
            }
            self.tries += 1;
            match self.attempt(unfinished, self.left()) {
                Ok((session, opened)) => {
                    self.reconnects += 1;
                    self.note(opened);
                    self.opened = Instant::now();
                    tell(Event::Reconnected {
                        gap: lost.elapsed(),
                        tries: self.tries,
                    });
                    return Ok(session);
                }
                Err(stopped @ Failure::Interrupted(_)) => return Err(stopped),
                Err(failure) => {
                    diagnosis = self.diagnose(&failure);
                    last = failure;
                    if !diagnosis.retry {
                        return Err(last);
                    }
                }
            }
        }
    }

    /// Why one connection after the other is closed soon. One that only waits tells.
    ///
    /// # Errors
    /// The reason, where no retry can help; otherwise `last` is given back.
    fn why_closed(&self, last: Failure) -> Result<Failure, Failure> {
        let Failure::Mqtt(error) = &last else {
            return Ok(last);
        };
        let operation = &error.operation;
        let sends = match operation {
            Operation::Publish { under_way, .. } => under_way.messages == 1,
            Operation::Subscribe { .. } => true,
            Operation::Connect | Operation::Receive { .. } => false,
        };
        // In less time nothing is seen.
        if self.left() < LEAST_STAND {
            return Ok(last);
        }
        match wait_only(self.target, SOON.min(self.left())) {
            Waited::Stood if sends => Err(last),
            Waited::Closed { after } if after >= RIVALS_PAUSE && self.has_rival()? => {
                let cause = MqttCause::TakenOver {
                    after,
                    fresh_id_stood: true,
                };
                Err(self.observed.mqtt(cause, operation.clone(), after))
            }
            _ => Ok(last),
        }
    }

    /// Whether it is our client id that has connections closed.
    fn has_rival(&self) -> Result<bool, Failure> {
        if !self.target.config.is_set(Key::ClientId) {
            return Ok(false);
        }
        let fresh = Config {
            client_id: format!("mqtt-test-{:08x}", RandomState::new().hash_one(0) >> 32),
            clean_session: true,
            will: None,
            ..self.target.config.clone()
        };
        let fresh = Target {
            config: &fresh,
            ..self.target
        };
        let (needed, tries) = CLOSED_BESIDE;
        let (mut closed, mut inconclusive) = (0, 0);
        while closed < needed && inconclusive <= tries - needed {
            // The rival may be one of us, and look for us in the same way.
            self.sleep(pause(1))?;
            // Not always the same one first: a fault may come with every other connection.
            let fresh_first = (closed + inconclusive) % 2 == 0;
            match compare_ids(self.target, fresh, fresh_first, SOON.min(self.left())) {
                Compared::OwnClosed => closed += 1,
                Compared::Inconclusive => inconclusive += 1,
                Compared::FreshClosed => break,
            }
        }
        Ok(closed == needed)
    }

    /// What ended an open session; `after` as [`MqttError::after`](crate::failure::MqttError).
    pub(crate) fn failure(
        &self,
        cause: impl Into<MqttCause>,
        operation: Operation,
        after: Duration,
    ) -> Failure {
        match cause.into() {
            MqttCause::Connection(LinkError::Tls(cause @ TlsCause::Rustls(_))) => {
                // While it is being opened, a session does not tell how far the handshake had come.
                let late = (operation.stage() != Stage::Connect).then_some(true);
                self.observed.tls_when(late, cause, operation, after)
            }
            cause => self.observed.mqtt(cause, operation, after),
        }
    }

    /// What the last session speaks.
    pub(crate) fn protocol(&self) -> Protocol {
        self.observed.protocol
    }

    /// For how long the last session has been open.
    pub(crate) fn stood(&self) -> Duration {
        self.opened.elapsed()
    }

    /// Opens a session directly; only if that fails do the stages of a check find out why. Both within
    /// `left` or nearly, so that giving up is not late.
    fn attempt(
        &mut self,
        unfinished: &Unfinished,
        left: Duration,
    ) -> Result<(Session, Opened), Failure> {
        let timeout = self.target.config.timeout;
        let limit = timeout.min(left);
        let asked = Instant::now();
        match Session::open(self.target, self.limits, unfinished, limit) {
            Ok(opened) => Ok(opened),
            Err(SessionError::Interrupted) => Err(Failure::Interrupted(Stage::Connect)),
            // A check would wait as long again.
            Err(SessionError::Fault(LinkError::TimedOut { .. })) if limit < timeout => {
                let flag = if self.left_of_run().is_zero() {
                    "--for"
                } else {
                    "--give-up"
                };
                let cause = MqttCause::NoTimeLeft { limit, flag };
                Err(self.failure(cause, Operation::Connect, limit))
            }
            // A verdict needs no further evidence, and another connection could hide it.
            Err(SessionError::Fault(fault)) if is_verdict(&fault) => {
                if matches!(fault, LinkError::Refused(_)) {
                    self.observed.see_handshake();
                }
                Err(self.failure(fault, Operation::Connect, asked.elapsed()))
            }
            Err(SessionError::Fault(fault)) => {
                let alert = matches!(&fault, LinkError::Tls(TlsCause::Rustls(_)))
                    .then(|| self.failure(fault, Operation::Connect, asked.elapsed()));
                let (target, command, limits) = (self.target, self.command, self.limits);
                let (opened, observed) = stages::open_session(target, command, limits, unfinished);
                self.observed = observed;
                match (opened, alert) {
                    // That another connection broke otherwise does not make it unsaid.
                    (Err(failure), Some(alert)) if !says_more(&failure) => Err(alert),
                    (opened, _) => opened,
                }
            }
        }
    }

    /// What is left of the time in which it is tried.
    fn left(&self) -> Duration {
        let give_up = self.policy.give_up.map_or(Duration::MAX, |limit| {
            limit.saturating_sub(self.since.elapsed())
        });
        give_up.min(self.left_of_run())
    }

    fn left_of_run(&self) -> Duration {
        self.until.map_or(Duration::MAX, |until| {
            until.saturating_duration_since(Instant::now())
        })
    }

    fn lost(&self, end: GaveUp, last: Failure) -> Failure {
        let (gap, tries) = (self.since.elapsed(), self.tries);
        Failure::Lost(Box::new(LostError {
            gap,
            tries,
            end,
            last,
            unfinished: 0,
            qos: self.target.config.qos,
        }))
    }

    pub(crate) fn diagnose(&self, failure: &Failure) -> Diagnosis {
        diagnose(failure, self.target.config, clock::now())
    }

    fn sleep(&self, pause: Duration) -> Result<(), Failure> {
        let deadline = Deadline::after(pause, self.target.stop);
        loop {
            match deadline.left() {
                Ok(left) => thread::sleep(left),
                Err(WaitError::Interrupted) => return Err(Failure::Interrupted(Stage::Connection)),
                Err(_) => return Ok(()),
            }
        }
    }
}

/// Whether it is clear from this alone why no session came about: the broker's certificate was judged,
/// or its CONNACK came.
fn is_verdict(fault: &LinkError) -> bool {
    matches!(
        fault,
        LinkError::Refused(_)
            | LinkError::Disconnected(_)
            | LinkError::Auth(_)
            | LinkError::Certificate(_)
            | LinkError::Tls(TlsCause::Rustls(rustls::Error::InvalidCertificate(_)))
    )
}

/// Whether the connection that looked for evidence of an alert has found some.
fn says_more(failure: &Failure) -> bool {
    match failure {
        Failure::Tls(error) => matches!(error.cause, TlsCause::Rustls(_)),
        failure => matches!(failure, Failure::Interrupted(_)),
    }
}

/// Exponential, with jitter, so that a thousand boards do not reconnect to a restarted broker at once.
fn pause(tries: u32) -> Duration {
    let Some(doublings) = tries.checked_sub(1) else {
        return Duration::ZERO;
    };
    let pause = FIRST_PAUSE
        .saturating_mul(1 << doublings.min(10))
        .min(LONGEST_PAUSE);
    // Between half of it and all of it; the standard library's hash keys are random.
    let random = RandomState::new().hash_one(tries);
    let share = u32::try_from(random % 512).unwrap_or_default() + 512;
    pause * share / 1024
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pauses_grow_and_stay_bounded() {
        assert_eq!(pause(0), Duration::ZERO);
        for (tries, longest) in [(1, 500), (2, 1000), (3, 2000), (7, 30_000), (60, 30_000)] {
            let (found, longest) = (pause(tries), Duration::from_millis(longest));
            assert!(
                found >= longest / 2 && found <= longest,
                "{tries}: {found:?}"
            );
        }
    }
}
