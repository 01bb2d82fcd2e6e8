//! MQTT 3.1.1 in rumqttc's types. It opens no session of its own.

pub(super) mod error;
pub(super) mod options;
pub(super) mod trace;
