//! The stages dns and tcp, waiting, and signals. It never sends a byte.
//!
//! May import `failure`.

pub(crate) mod connect;
pub(crate) mod limits;
mod signals;
pub(crate) mod wait;

pub(crate) use signals::Stop;
pub(crate) use wait::{Deadline, SIGNAL_POLL, WaitError, is_retry};
