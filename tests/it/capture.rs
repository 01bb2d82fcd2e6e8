//! What a child process has written so far, collected by a thread for each pipe, so that a test can
//! wait for a line and a full pipe never blocks the child.

use std::io::Read;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Instant;

use crate::lab::DEADLINE;

#[derive(Clone, Default)]
pub(crate) struct Capture(Arc<(Mutex<State>, Condvar)>);

#[derive(Default)]
struct State {
    bytes: Vec<u8>,
    open_pipes: usize,
}

impl Capture {
    /// Collects `pipe` until its end; more than one pipe may flow into one capture.
    pub(crate) fn read(&self, mut pipe: impl Read + Send + 'static) {
        self.0.0.lock().unwrap().open_pipes += 1;
        let shared = Arc::clone(&self.0);
        std::thread::spawn(move || {
            let mut chunk = [0; 4096];
            loop {
                let count = pipe.read(&mut chunk).unwrap_or(0);
                let mut state = shared.0.lock().unwrap();
                state.bytes.extend_from_slice(&chunk[..count]);
                state.open_pipes -= usize::from(count == 0);
                shared.1.notify_all();
                if count == 0 {
                    return;
                }
            }
        });
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.0.lock().unwrap().bytes).into_owned()
    }

    /// How many bytes were written so far.
    pub(crate) fn len(&self) -> usize {
        self.0.0.lock().unwrap().bytes.len()
    }

    /// Whether this is what was written last.
    pub(crate) fn ends_with(&self, fragment: &str) -> bool {
        self.0
            .0
            .lock()
            .unwrap()
            .bytes
            .ends_with(fragment.as_bytes())
    }

    /// Waits until `fragment` was written; `false` when all pipes ended without it.
    pub(crate) fn wait_for(&self, fragment: &str) -> bool {
        self.wait(|state| String::from_utf8_lossy(&state.bytes).contains(fragment))
            .unwrap_or_else(|| panic!("no `{fragment}` after {DEADLINE:?} in:\n{}", self.text()))
    }

    /// Waits until every pipe has ended, and gives all that came.
    pub(crate) fn finish(&self) -> Vec<u8> {
        assert!(
            self.wait(|_| false).is_some(),
            "a pipe is still open after {DEADLINE:?}; so far:\n{}",
            self.text()
        );
        self.0.0.lock().unwrap().bytes.clone()
    }

    /// `Some(true)` when `done`, `Some(false)` when the pipes ended before, `None` at the deadline.
    fn wait(&self, done: impl Fn(&State) -> bool) -> Option<bool> {
        let end = Instant::now() + DEADLINE;
        let mut state = self.0.0.lock().unwrap();
        loop {
            if done(&state) {
                return Some(true);
            }
            if state.open_pipes == 0 {
                return Some(false);
            }
            let left = end.checked_duration_since(Instant::now())?;
            state = self.0.1.wait_timeout(state, left).unwrap().0;
        }
    }
}
