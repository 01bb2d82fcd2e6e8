//! A failure to its code, error, notes and help; and `explain`. It finds nothing out and contacts
//! nothing.
//!
//! May import `failure`, `config`, `x509` and `util`.

mod builder;
mod catalogue;
mod catalogue_warning;
mod code;
pub(crate) mod codes;
mod diagnose;
mod entry;
pub(crate) mod explain;
pub(crate) mod providers;
pub(crate) mod warning;

pub(crate) use builder::{Words, origin};
pub(crate) use catalogue::Topic;
pub(crate) use code::Code;
pub(crate) use diagnose::{Context, Diagnosis, diagnose};
pub(crate) use entry::Entry;
