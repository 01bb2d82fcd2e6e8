//! MQTT sessions: 3.1.1 through rumqttc, which only `v4` names, and 5 on a connection of our own. It
//! never reconnects.
//!
//! May import `failure`, `config`, `net`, `tls` and `os`.

mod connection;
mod event;
mod message;
mod resume;
mod session;
mod target;
mod v4;
mod v5;

pub(crate) use connection::{connect_packet, publish_size};
pub(crate) use event::{Allowance, Event, Opened, Receipt, SessionError, Trace, lowered};
pub(crate) use message::Message;
pub(crate) use resume::{Pending, Unfinished};
pub(crate) use session::Session;
pub(crate) use target::{Limits, Target};
// For the probe, which reads the raw answer to a CONNECT.
pub(crate) use v5::{Properties, is_whole, refusal};

// The version of MQTT that `session` speaks, without knowing which.
use connection::Connection;
