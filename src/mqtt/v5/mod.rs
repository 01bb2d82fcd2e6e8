//! MQTT 5 on a connection of our own. rumqttc's client for that version keeps its socket private, so
//! that each message costs a write; it takes a reason code that it does not know for a broken packet,
//! and drops the reason string of a refusal, which is what this program asks for. It keeps no deadline
//! but that of a write, and never reconnects: `session` does.
//!
//! May import what `mqtt` may, and of `mqtt` itself all but `session`.

mod aliases;
mod client;
mod decode;
mod encode;
mod message;
#[cfg(test)]
mod oracle_tests;
mod properties;
mod resumed;
mod trace;
mod wire;

pub(crate) use client::Connection;
pub(crate) use decode::{is_whole, refusal};
pub(crate) use encode::{connect_packet, publish_size};
pub(crate) use message::Message;
pub(crate) use properties::Properties;
