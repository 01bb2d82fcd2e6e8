//! SIGINT, SIGTERM and SIGHUP become a flag that every wait looks at. It never ends the process on the
//! first signal; a second one does, at once, with 130.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::os;

/// Whether the user asked the program to stop.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Watches SIGINT and SIGTERM, and SIGHUP unless the program was started to outlive its terminal.
    ///
    /// # Errors
    /// What `sigaction` says.
    pub(crate) fn on_signals() -> io::Result<Self> {
        let stop = Self::default();
        for signal in os::end_signals() {
            // Registered first, so that it acts on the flag that an *earlier* signal has set.
            signal_hook::flag::register_conditional_shutdown(signal, 130, Arc::clone(&stop.0))?;
            signal_hook::flag::register(signal, Arc::clone(&stop.0))?;
        }
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
