//! MQTT through rumqttc, which nothing else names. It never reconnects.
//!
//! May import `failure`, `config`, `net` and `tls`.

mod event;
mod resume;
pub(crate) mod session;
mod v4;

pub(crate) use session::{
    Event, Limits, Message, Opened, Pending, Session, SessionError, Target, Unfinished,
};
pub(crate) use v4::trace::Trace;
