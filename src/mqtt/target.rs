//! What a session is opened with: whom to connect to, and how much may be under way.

use crate::config::{Config, Protocol, Secret};
use crate::net::Stop;
use crate::tls::Tls;

/// Whom to connect to, and as whom.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target<'a> {
    pub(crate) config: &'a Config,
    pub(crate) password: Option<&'a Secret>,
    /// `None`: `tls = off`.
    pub(crate) tls: Option<&'a Tls>,
    pub(crate) stop: &'a Stop,
    /// In which version: what is configured, until [`Protocol::Auto`] has found out.
    pub(crate) protocol: Protocol,
}

/// How much may be under way at once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Publishes of QoS 1 and 2 that are not yet acknowledged (PUBACK, PUBCOMP); at least 1. So many
    /// packet ids are used.
    pub(crate) max_inflight: u16,
    /// Those of them that the broker has not yet taken (PUBACK, PUBREC); at least 1.
    pub(crate) untaken: u16,
    /// Requests that wait to be written.
    pub(crate) requests: usize,
}

impl Limits {
    /// For one message.
    pub(crate) const ONE: Self = Self {
        max_inflight: 10,
        untaken: 10,
        requests: 10,
    };
}
