//! What this machine must still give: asked for before it is needed, where the one who needs it would
//! panic without it. It keeps nothing.

use std::error::Error;
use std::fs::File;
use std::hint::black_box;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::{io, thread};

use crate::failure::{LimitError, Resource};
use crate::net::wait::{Deadline, WaitError};
use crate::os;

/// What tokio's runtime (an epoll, its copy, an eventfd) and one connection take.
const DESCRIPTORS: usize = 4;

/// The stacks of the threads that are needed at once: ours that waits, and tokio's, of the usual size,
/// that looks up a name. One more, because a thread counts for a moment after it has ended.
const STACKS: [usize; 3] = [WAITING_STACK, 2 * 1024 * 1024, 64 * 1024];

/// What else is allocated on the way to an open session.
const HEAP: usize = 256 * 1024;

/// All of it was there once. The C library may have kept the stacks for the next threads, and asking
/// again for so much would take from glibc what the next ones need beside their stacks.
static KEPT: AtomicBool = AtomicBool::new(false);

/// Of the thread that makes a call which cannot be bounded; see `wait`.
pub(crate) const WAITING_STACK: usize = 512 * 1024;

/// Whether the library can have what it needs to open a connection. Another process may still take it
/// in between.
///
/// # Errors
/// A [`LimitError`] inside an `io::Error`.
pub(crate) fn for_a_session() -> io::Result<()> {
    os::descriptors(DESCRIPTORS)?;
    memory(STACKS.iter().sum())?;
    let gate = Mutex::new(());
    thread::scope(|scope| {
        let shut = gate.lock();
        let threads: io::Result<Vec<_>> = STACKS
            .into_iter()
            .map(|size| {
                let thread = thread::Builder::new().stack_size(size);
                thread.spawn_scoped(scope, || drop(gate.lock()))
            })
            .collect();
        drop(shut);
        for thread in threads.map_err(|error| LimitError::of_thread(&error))? {
            let _ = thread.join();
        }
        KEPT.store(true, Ordering::Relaxed);
        Ok(())
    })
}

/// Whether the thread that waits can have what it needs: in its first steps it panics without.
///
/// # Errors
/// A [`LimitError`] inside an `io::Error`.
pub(crate) fn for_a_wait() -> io::Result<()> {
    memory(WAITING_STACK)
}

/// Nothing can be done where an allocation fails later, nor where a thread does not get all it needs.
fn memory(stacks: usize) -> io::Result<()> {
    if KEPT.load(Ordering::Relaxed) {
        return Ok(());
    }
    let mut reserved = Vec::<u8>::new();
    let outcome = reserved.try_reserve_exact(HEAP + stacks);
    // What nobody uses the compiler may leave out.
    drop(black_box(reserved));
    outcome.map_err(|error| {
        io::Error::other(LimitError {
            resource: Resource::Memory,
            words: error.to_string(),
        })
    })
}

/// Waits until the system has random numbers. A board may have none for minutes after its start, and
/// then ring, which asks for them in the middle of a handshake, waits without an end.
///
/// # Errors
/// [`WaitError::Interrupted`]; a [`LimitError`] inside an `io::Error` when the time is over.
pub(crate) fn random_numbers(deadline: Deadline<'_>) -> Result<(), WaitError> {
    await_random(deadline, os::random_numbers)
}

fn await_random(
    deadline: Deadline<'_>,
    mut ask: impl FnMut() -> io::Result<()>,
) -> Result<(), WaitError> {
    while let Err(missing) = ask() {
        match deadline.left() {
            Ok(left) => thread::sleep(left),
            Err(WaitError::TimedOut { .. }) => {
                let limit = LimitError {
                    resource: Resource::Random,
                    words: missing.to_string(),
                };
                return Err(io::Error::other(limit).into());
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// What is missing where ring could not have any, by its `error`: on Linux it asks
/// getrandom(2), and reads a file where a kernel has no such call.
pub(crate) fn no_random_numbers(error: &dyn Error) -> LimitError {
    let missing =
        os::RANDOM_FILE.and_then(|file| Some(format!("{file}: {}", File::open(file).err()?)));
    LimitError {
        resource: Resource::Random,
        words: missing.unwrap_or_else(|| error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::net::Stop;

    #[test]
    fn random_numbers_are_waited_for_within_the_limit() {
        let (limit, stop) = (Duration::from_millis(120), Stop::default());
        let not_yet = || Err(io::ErrorKind::WouldBlock.into());
        let mut asked = 0;
        let ready = await_random(Deadline::after(Duration::from_secs(60), &stop), || {
            asked += 1;
            if asked < 3 { not_yet() } else { Ok(()) }
        });
        assert!(ready.is_ok() && asked == 3, "{ready:?}");

        let start = Instant::now();
        let never = await_random(Deadline::after(limit, &stop), not_yet);
        assert!(start.elapsed() >= limit);
        let Err(WaitError::Io(error)) = never else {
            panic!("{never:?}");
        };
        let found = LimitError::of(&error).map(|limit| limit.resource);
        assert_eq!(found, Some(Resource::Random));

        stop.set();
        let stopped = await_random(Deadline::after(limit, &stop), not_yet);
        assert!(matches!(stopped, Err(WaitError::Interrupted)));
        assert!(random_numbers(Deadline::after(limit, &stop)).is_ok());
    }
}
