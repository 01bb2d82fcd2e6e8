//! MQTT 3.1.1: everything that names rumqttc's types of that version, so that another version can
//! stand beside it. It keeps no deadline, counts nothing and never reconnects: `session` does.
//!
//! May import what `mqtt` may, and of `mqtt` itself all but `session`.

mod client;
mod error;
mod message;
mod options;
mod trace;

pub(crate) use client::Connection;
pub(crate) use message::Message;
pub(crate) use options::{connect_packet, publish_size};
