//! MQTT sessions through rumqttc, which only `v4` names. It never reconnects.
//!
//! May import `failure`, `config`, `net` and `tls`.

mod event;
mod resume;
mod session;
mod target;
mod v4;

pub(crate) use event::{Event, Opened, Receipt, SessionError, Trace};
pub(crate) use resume::{Pending, Unfinished};
pub(crate) use session::Session;
pub(crate) use target::{Limits, Target};
// The version of MQTT that `session` speaks, without knowing which.
use v4::Connection;
pub(crate) use v4::{Message, connect_packet, publish_size};
