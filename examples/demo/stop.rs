//! Whether the user has pressed Ctrl-C. It ends nothing by itself.

use std::io;

#[cfg(unix)]
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};
#[cfg(windows)]
use std::task::{Context, Waker};

#[cfg(windows)]
use tokio::signal::windows::{CtrlC, ctrl_c};

#[cfg(unix)]
pub(crate) struct Stop(Arc<AtomicBool>);

#[cfg(unix)]
impl Stop {
    /// SIGINT, and SIGTERM as well.
    pub(crate) fn watch() -> io::Result<Self> {
        use signal_hook::consts::{SIGINT, SIGTERM};
        let flag = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM] {
            signal_hook::flag::register(signal, Arc::clone(&flag))?;
        }
        Ok(Self(flag))
    }

    pub(crate) fn is_wanted(&mut self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

#[cfg(windows)]
pub(crate) struct Stop(CtrlC);

#[cfg(windows)]
impl Stop {
    /// signal-hook goes through the C runtime here, which needs what Wine does not have.
    pub(crate) fn watch() -> io::Result<Self> {
        ctrl_c().map(Self)
    }

    /// Asked again and again; nothing has to be woken.
    pub(crate) fn is_wanted(&mut self) -> bool {
        let context = &mut Context::from_waker(Waker::noop());
        self.0.poll_recv(context).is_ready()
    }
}
