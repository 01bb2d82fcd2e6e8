//! What each stage of the ladder found, for the report. Facts again, no sentences.

use std::net::SocketAddr;
use std::time::Duration;

use crate::failure::{AddressError, Stage, TlsFacts};

/// One rung of the ladder after it was tried, or not.
#[derive(Debug)]
pub struct Step {
    pub stage: Stage,
    pub status: Status,
    pub elapsed: Duration,
    /// What was seen, also on the way to a failure.
    pub finding: Option<Finding>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Ok,
    Failed,
    Skipped,
    /// Not part of this check: tls with `tls = off`.
    Off,
}

#[derive(Debug)]
pub enum Finding {
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
        session_present: bool,
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
}

/// An address that could not be connected to, and what the system said.
#[derive(Clone, Debug)]
pub struct Attempt {
    pub address: SocketAddr,
    pub error: String,
}

impl From<&AddressError> for Attempt {
    fn from(tried: &AddressError) -> Self {
        Self {
            address: tried.address,
            error: tried.error.to_string(),
        }
    }
}
