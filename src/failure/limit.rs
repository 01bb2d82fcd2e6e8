//! What this machine would not give, and by which numbers of the system it is known.

use std::error::Error;
use std::{fmt, io};

use crate::os;

/// What this machine would not give, whoever is on the other side. It travels inside an `io::Error`
/// through those who know no more than that something failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LimitError {
    pub(crate) resource: Resource,
    /// What the system said.
    pub(crate) words: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Resource {
    Descriptors,
    /// Of the whole system.
    AllDescriptors,
    Memory,
    /// EAGAIN, which the system says both where it has no more threads and no more memory for one.
    Thread,
    /// EAGAIN of getrandom(2): the system has not gathered enough since its start.
    Random,
}

impl LimitError {
    /// If `error` is one. EAGAIN alone says nothing: it is also that of a time-out.
    pub(crate) fn of(error: &io::Error) -> Option<Self> {
        if let Some(inner) = error.get_ref() {
            return inner.downcast_ref::<Self>().cloned();
        }
        let code = error.raw_os_error()?;
        let (_, resource) = [
            (os::DESCRIPTORS, Resource::Descriptors),
            (os::ALL_DESCRIPTORS, Resource::AllDescriptors),
            (os::MEMORY, Resource::Memory),
        ]
        .into_iter()
        .find(|(codes, _)| codes.contains(&code))?;
        let words = error.to_string();
        Some(Self { resource, words })
    }

    /// Of a thread that could not be started.
    pub(crate) fn of_thread(error: &io::Error) -> io::Error {
        io::Error::other(Self::of(error).unwrap_or_else(|| Self {
            resource: Resource::Thread,
            words: error.to_string(),
        }))
    }
}

impl fmt::Display for LimitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}

impl Error for LimitError {}
