//! The payload of a message that came in, shared with rumqttc's read buffer and never copied.

use rumqttc::Publish;

/// rumqttc keeps payloads in `bytes::Bytes`, which it does not re-export. A packet of its own holds
/// one without a further dependency for the name; of that packet nothing but the payload is used.
#[derive(Clone, Debug)]
pub(crate) struct Payload(Publish);

impl Payload {
    pub(super) fn new(packet: Publish) -> Self {
        Self(packet)
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0.payload
    }
}

#[cfg(test)]
impl From<&[u8]> for Payload {
    fn from(bytes: &[u8]) -> Self {
        Self(Publish::new("", rumqttc::QoS::AtMostOnce, bytes))
    }
}
