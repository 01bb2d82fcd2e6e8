//! Waiting for what the system does not let us bound or interrupt: the name look-up, a TCP
//! connect, rumqttc's connect. The call runs on a thread of its own that is left behind when the
//! limit is over or a signal comes; nothing else ever runs beside it.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use crate::net::signals::Stop;

/// How often the flag is looked at. A signal is answered within this time.
pub(crate) const SIGNAL_POLL: Duration = Duration::from_millis(50);

/// How the wait ended.
#[derive(Debug)]
pub(crate) enum WaitOutcome<T> {
    Done(T),
    TimedOut,
    Interrupted,
}

/// Runs `call` and waits for it, at most for `limit`.
pub(crate) fn bounded<T: Send + 'static>(
    limit: Duration,
    stop: &Stop,
    call: impl FnOnce() -> T + Send + 'static,
) -> WaitOutcome<T> {
    let deadline = Instant::now() + limit;
    let (sender, receiver) = mpsc::channel();
    let spawned = thread::Builder::new()
        .stack_size(512 * 1024)
        .spawn(move || {
            // The receiver is gone when the wait was given up; then nobody wants the value.
            let _ = sender.send(call());
        });
    if spawned.is_err() {
        return WaitOutcome::TimedOut;
    }
    loop {
        if stop.is_set() {
            return WaitOutcome::Interrupted;
        }
        let left = deadline.saturating_duration_since(Instant::now());
        match receiver.recv_timeout(left.min(SIGNAL_POLL)) {
            Ok(value) => return WaitOutcome::Done(value),
            Err(RecvTimeoutError::Timeout) if left.is_zero() => return WaitOutcome::TimedOut,
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return WaitOutcome::TimedOut,
        }
    }
}
