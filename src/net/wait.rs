//! Waits that end: when their limit is over, or when the user asks to stop. The two calls that can be
//! neither bounded nor interrupted, the name look-up and rumqttc's wait for CONNACK, run on a thread
//! of their own, one at a time, that is left behind when the wait ends first.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};
use std::{io, thread};

use crate::failure::LimitError;
use crate::net::limits;
use crate::net::signals::Stop;

/// How often the flag is looked at. A signal is answered within this time.
pub(crate) const SIGNAL_POLL: Duration = Duration::from_millis(50);

/// Why a wait ended without what was waited for.
#[derive(Debug)]
pub(crate) enum WaitError {
    TimedOut {
        limit: Duration,
    },
    /// SIGINT, SIGTERM or SIGHUP.
    Interrupted,
    /// What the system said instead.
    Io(io::Error),
}

impl From<io::Error> for WaitError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// When a wait ends at the latest, and who may end it earlier.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline<'a> {
    until: Instant,
    limit: Duration,
    stop: &'a Stop,
}

impl<'a> Deadline<'a> {
    /// A deadline `limit` from now.
    pub(crate) fn after(limit: Duration, stop: &'a Stop) -> Self {
        Self::since(Instant::now(), limit, stop)
    }

    /// A deadline `limit` after `began`.
    pub(crate) fn since(began: Instant, limit: Duration, stop: &'a Stop) -> Self {
        Self {
            until: began + limit,
            limit,
            stop,
        }
    }

    pub(crate) fn is_over(&self) -> bool {
        self.until <= Instant::now()
    }

    pub(crate) fn is_interrupted(&self) -> bool {
        self.stop.is_set()
    }

    /// How long to block before asking again: the time left, but no longer than [`SIGNAL_POLL`], and
    /// never zero, which a socket takes for "without end".
    ///
    /// # Errors
    /// [`WaitError::Interrupted`] or [`WaitError::TimedOut`].
    pub(crate) fn left(&self) -> Result<Duration, WaitError> {
        Ok(self.remaining()?.min(SIGNAL_POLL))
    }

    /// All the time left, for a call that looks for signals itself.
    ///
    /// # Errors
    /// As for [`Deadline::left`].
    pub(crate) fn remaining(&self) -> Result<Duration, WaitError> {
        if self.is_interrupted() {
            return Err(WaitError::Interrupted);
        }
        match self.until.saturating_duration_since(Instant::now()) {
            Duration::ZERO => Err(WaitError::TimedOut { limit: self.limit }),
            left => Ok(left),
        }
    }
}

/// Whether a read or write ended only because its socket's time-out was over or a signal came. Then
/// [`Deadline::left`] decides whether it is tried again.
pub(crate) fn is_retry(error: &io::Error) -> bool {
    use io::ErrorKind::{Interrupted, TimedOut, WouldBlock};
    matches!(error.kind(), Interrupted | TimedOut | WouldBlock)
}

/// Runs `call` and waits for it, at most for `limit`.
///
/// # Errors
/// A [`WaitError`]; [`WaitError::Io`] with a [`LimitError`] if no thread can be started.
pub(crate) fn bounded<T: Send + 'static>(
    limit: Duration,
    stop: &Stop,
    call: impl FnOnce() -> T + Send + 'static,
) -> Result<T, WaitError> {
    let deadline = Deadline::after(limit, stop);
    let (sender, receiver) = mpsc::channel();
    limits::for_a_wait()?;
    let thread = thread::Builder::new()
        .stack_size(limits::WAITING_STACK)
        .spawn(move || {
            // The receiver is gone when the wait was given up; then nobody wants the value.
            let _ = sender.send(call());
        })
        .map_err(|error| LimitError::of_thread(&error))?;
    loop {
        match receiver.recv_timeout(deadline.left()?) {
            Ok(value) => {
                // It ends at once, and the next one may have what it held.
                let _ = thread.join();
                return Ok(value);
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                return Err(io::Error::other("the call ended without a result").into());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_ends_by_its_limit_or_by_a_signal() {
        let (limit, stop) = (Duration::from_millis(120), Stop::default());
        let deadline = Deadline::after(limit, &stop);
        let start = Instant::now();
        let mut waits = 0;
        let end = loop {
            match deadline.left() {
                Ok(left) => {
                    assert!(!left.is_zero() && left <= SIGNAL_POLL, "{left:?}");
                    thread::sleep(left);
                    waits += 1;
                }
                Err(end) => break end,
            }
        };
        assert!(matches!(end, WaitError::TimedOut { limit: it } if it == limit));
        assert!(start.elapsed() >= limit && waits >= 3, "{waits}");

        let deadline = Deadline::after(Duration::from_secs(60), &stop);
        stop.set();
        assert!(matches!(deadline.left(), Err(WaitError::Interrupted)));
    }

    #[test]
    fn a_call_is_waited_for_within_its_limit() {
        let stop = Stop::default();
        let done = bounded(Duration::from_secs(60), &stop, || 7);
        assert!(matches!(done, Ok(7)));

        let start = Instant::now();
        let (_keep, never) = mpsc::channel::<()>();
        let late = bounded(Duration::from_millis(80), &stop, move || never.recv());
        assert!(matches!(late, Err(WaitError::TimedOut { .. })), "{late:?}");
        assert!(start.elapsed() >= Duration::from_millis(80));
    }
}
