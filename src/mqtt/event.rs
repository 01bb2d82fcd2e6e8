//! What a session tells its caller: events, messages, and why it ended.

use rumqttc::Publish;

use crate::failure::LinkError;

/// What happened, as far as a caller cares. Ids are packet ids.
#[derive(Debug)]
pub(crate) enum Event {
    /// SUBACK: the granted QoS, or the failure code (MQTT 3.1.1 §3.9.3).
    Granted(Result<u8, u8>),
    /// A PUBLISH was handed to the system. Id 0: with QoS 0, and nothing will acknowledge it.
    Sent {
        id: u16,
    },
    /// PUBREC: the broker has the message, of QoS 2.
    Received {
        id: u16,
    },
    /// PUBACK or PUBCOMP: the publish is done.
    Acknowledged {
        id: u16,
    },
    Message(Message),
    /// PUBREL, for the first time: a message that came in with QoS 2 is done.
    Released,
    Unsubscribed,
    /// Anything else: a ping, an outgoing packet.
    Other,
}

/// A message that came in.
#[derive(Clone, Debug)]
pub(crate) struct Message(pub(crate) Publish);

impl Message {
    pub(crate) fn topic(&self) -> &str {
        &self.0.topic
    }

    pub(crate) fn payload(&self) -> &[u8] {
        &self.0.payload
    }

    pub(crate) fn qos(&self) -> u8 {
        self.0.qos as u8
    }

    /// The broker kept it from before the subscription (MQTT 3.1.1 §3.3.1.3).
    pub(crate) fn retain(&self) -> bool {
        self.0.retain
    }
}

/// What the CONNACK granted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Opened {
    pub(crate) session_present: bool,
}

/// Why a session ended, or did not begin.
#[derive(Debug)]
pub(crate) enum SessionError {
    Fault(LinkError),
    Interrupted,
}

#[cfg(test)]
impl Message {
    pub(crate) fn new(topic: &str, payload: &[u8], retain: bool) -> Self {
        let mut publish = Publish::new(topic, rumqttc::QoS::AtLeastOnce, payload);
        publish.retain = retain;
        Self(publish)
    }
}
