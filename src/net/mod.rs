//! The stages dns and tcp, what this machine tells of its network, waiting, and signals. It never sends a byte.
//!
//! May import `failure` and `os`.

pub(crate) mod connect;
pub(crate) mod limits;
pub(crate) mod machine;
mod signals;
pub(crate) mod wait;

pub(crate) use signals::Stop;
pub(crate) use wait::{Deadline, SIGNAL_POLL, WaitError, is_retry};
