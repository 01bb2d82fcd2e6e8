//! SIGINT, SIGTERM and SIGHUP become a flag that every wait looks at. It never ends the process on the
//! first signal; a second one does, at once, with 130.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::{fs, io};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

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
        let hangup = (!hangup_is_ignored()).then_some(SIGHUP);
        for signal in [SIGINT, SIGTERM].into_iter().chain(hangup) {
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

/// Whether SIGHUP was ignored at the start, as `nohup` has it. Nothing safe asks `sigaction`; on Linux
/// the mask of proc(5) tells, and where there is none the signal is taken as usual.
fn hangup_is_ignored() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    is_in_mask(&status, SIGHUP)
}

/// Whether `signal` is one of `SigIgn`, whose lowest bit is that of signal 1.
fn is_in_mask(status: &str, signal: i32) -> bool {
    let mut masks = status
        .lines()
        .filter_map(|line| line.strip_prefix("SigIgn:"))
        .filter_map(|mask| u128::from_str_radix(mask.trim(), 16).ok());
    masks.any(|mask| mask >> (signal - 1) & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mask_of_ignored_signals_is_read() {
        for (mask, ignored) in [
            ("0000000000000001", true),
            ("0000000000001001", true),
            ("0000000000001000", false),
            // MIPS has 128 signals.
            ("00000000000000000000000000000001", true),
            ("", false),
            ("?", false),
        ] {
            let status =
                format!("Name:\tx\nSigBlk:\t0000000000000001\nSigIgn:\t{mask}\nSigCgt:\t1\n");
            assert_eq!(is_in_mask(&status, SIGHUP), ignored, "{mask}");
        }
        assert!(!is_in_mask("", SIGHUP));
    }
}
