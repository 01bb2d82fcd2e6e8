//! SIGINT, SIGTERM and SIGHUP become a flag that every wait looks at; on Windows, what stands in their
//! place. The first one never ends the process; a second one does, at once, with 130.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::os;

/// Whether the user asked the program to stop.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Watches them.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn on_signals() -> io::Result<Self> {
        let stop = Self::default();
        os::on_end(&stop.0)?;
        Ok(stop)
    }

    pub(crate) fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// What a signal does.
    #[cfg(test)]
    pub(crate) fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
