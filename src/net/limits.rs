//! What this machine must still give: asked for before it is needed, where the one who needs it would
//! panic without it. It keeps nothing.

use std::hint::black_box;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::{io, thread};

use crate::failure::{LimitError, Resource};
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
