//! A message that came in, in either version of MQTT.

use crate::config::Qos;
use crate::mqtt::event::Receipt;
use crate::mqtt::v5::Properties;
use crate::mqtt::{v4, v5};

#[derive(Clone, Debug)]
pub(crate) enum Message {
    V4(v4::Message),
    /// Boxed, so that an event of 3.1.1 is no larger for it.
    V5(Box<v5::Message>),
}

impl Message {
    pub(crate) fn topic(&self) -> &str {
        match self {
            Self::V4(message) => message.topic(),
            Self::V5(message) => &message.topic,
        }
    }

    pub(crate) fn payload(&self) -> &[u8] {
        match self {
            Self::V4(message) => message.payload(),
            Self::V5(message) => &message.payload,
        }
    }

    pub(crate) fn qos(&self) -> Qos {
        match self {
            Self::V4(message) => message.qos(),
            Self::V5(message) => match message.qos {
                0 => Qos::AtMostOnce,
                1 => Qos::AtLeastOnce,
                _ => Qos::ExactlyOnce,
            },
        }
    }

    /// The broker kept it from before the subscription (MQTT 3.1.1 §3.3.1.3).
    pub(crate) fn retain(&self) -> bool {
        match self {
            Self::V4(message) => message.retain(),
            Self::V5(message) => message.retain,
        }
    }

    /// It may be a repetition (MQTT 3.1.1 §3.3.1.1).
    pub(crate) fn dup(&self) -> bool {
        match self {
            Self::V4(message) => message.dup(),
            Self::V5(message) => message.dup,
        }
    }

    /// The packet id; 0 with QoS 0.
    pub(crate) fn id(&self) -> u16 {
        match self {
            Self::V4(message) => message.id(),
            Self::V5(message) => message.id,
        }
    }

    /// What MQTT 5 sends along.
    pub(crate) fn properties(&self) -> Option<&Properties> {
        match self {
            Self::V4(_) => None,
            Self::V5(message) => Some(&message.properties),
        }
    }

    /// `None` with QoS 0, which has no acknowledgement.
    pub(crate) fn receipt(&self) -> Option<Receipt> {
        let (id, qos) = (self.id(), self.qos());
        (qos != Qos::AtMostOnce).then_some(Receipt { id, qos })
    }
}

#[cfg(any(test, fuzzing))]
impl Message {
    pub(crate) fn new(topic: &str, payload: &[u8], retain: bool) -> Self {
        Self::V4(v4::Message::new(topic, payload, retain))
    }

    #[cfg(test)]
    pub(crate) fn with_dup(self) -> Self {
        match self {
            Self::V4(message) => Self::V4(message.with_dup()),
            message @ Self::V5(_) => message,
        }
    }
}
