//! A message that came in. Only this file knows that it is a packet of rumqttc's.

use rumqttc::{Publish, QoS};

use crate::config::Qos;

/// It stays in rumqttc's packet: the payload is part of the read buffer, and a type that rumqttc does
/// not re-export (`bytes::Bytes`). Fields of our own beside it would make each event half as large
/// again, and `sub` and `pub` move millions of them.
#[derive(Clone, Debug)]
pub(crate) struct Message(Publish);

impl From<Publish> for Message {
    fn from(packet: Publish) -> Self {
        Self(packet)
    }
}

impl Message {
    pub(crate) fn topic(&self) -> &str {
        &self.0.topic
    }

    pub(crate) fn payload(&self) -> &[u8] {
        &self.0.payload
    }

    pub(crate) fn qos(&self) -> Qos {
        match self.0.qos {
            QoS::AtMostOnce => Qos::AtMostOnce,
            QoS::AtLeastOnce => Qos::AtLeastOnce,
            QoS::ExactlyOnce => Qos::ExactlyOnce,
        }
    }

    /// The broker kept it from before the subscription (MQTT 3.1.1 §3.3.1.3).
    pub(crate) fn retain(&self) -> bool {
        self.0.retain
    }

    /// It may be a repetition (MQTT 3.1.1 §3.3.1.1).
    pub(crate) fn dup(&self) -> bool {
        self.0.dup
    }

    /// The packet id; 0 with QoS 0.
    pub(crate) fn id(&self) -> u16 {
        self.0.pkid
    }
}

#[cfg(any(test, fuzzing))]
impl Message {
    pub(crate) fn new(topic: &str, payload: &[u8], retain: bool) -> Self {
        let mut packet = Publish::new(topic, QoS::AtLeastOnce, payload);
        packet.pkid = 1;
        packet.retain = retain;
        Self(packet)
    }

    #[cfg(test)]
    pub(crate) fn with_dup(mut self) -> Self {
        self.0.dup = true;
        self
    }
}
