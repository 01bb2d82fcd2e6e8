//! A failure to its code, error, notes and help; and `explain`. It finds nothing out and contacts
//! nothing.
//!
//! May import `failure`, `config`, `x509`, `util` and `os`.

mod alert;
mod builder;
mod chain;
mod code;
mod codes;
mod diagnose;
pub(crate) mod explain;
mod providers;
mod reason;
mod second;
mod session;
mod sni;
mod system;
mod value;
pub(crate) mod warning;

pub(crate) use builder::{Diagnosis, origin};
pub(crate) use code::{Code, Kind};
pub(crate) use codes::run::{NO_MEMORY, RAISE_MEMORY};
pub(crate) use diagnose::{diagnose, diagnose_config, diagnose_output};
pub(crate) use system::worded_as_a_whole;

#[cfg(test)]
#[path = "aloud_tests.rs"]
mod aloud;
