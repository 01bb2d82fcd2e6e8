//! What each stage of a check found, for the report. Facts again, no sentences.

use std::net::SocketAddr;
use std::time::Duration;

use crate::config::CheckScope;
use crate::failure::{AddressError, Stage, TlsFacts};
use crate::mqtt::Opened;

/// One stage after it was tried, or not.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) stage: Stage,
    pub(crate) status: Status,
    pub(crate) elapsed: Duration,
    /// What was seen, also on the way to a failure.
    pub(crate) finding: Option<Finding>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Ok,
    Failed,
    Skipped,
    /// Not part of this check: tls with `tls = off`, and what `check` leaves out.
    Off,
}

#[derive(Debug)]
pub(crate) enum Finding {
    Dns {
        addresses: Vec<SocketAddr>,
    },
    Tcp {
        peer: Option<SocketAddr>,
        failed: Vec<Attempt>,
    },
    Tls(Box<TlsFacts>),
    Connect {
        client_id: String,
        opened: Opened,
    },
    Subscribe {
        filter: String,
        granted: u8,
    },
    Publish {
        topic: String,
        bytes: usize,
        qos: u8,
        retain: bool,
    },
    Receive {
        bytes: usize,
    },
    /// The stage is no part of a check of this scope.
    LeftOut(CheckScope),
}

/// An address that could not be connected to, and what the system said.
#[derive(Clone, Debug)]
pub(crate) struct Attempt {
    pub(crate) address: SocketAddr,
    pub(crate) error: String,
}

impl From<&AddressError> for Attempt {
    fn from(tried: &AddressError) -> Self {
        Self {
            address: tried.address,
            error: tried.error.to_string(),
        }
    }
}
