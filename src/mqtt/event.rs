//! What passes between a session, its caller and the connection below: requests, events, messages,
//! why it ended, and the packets for `--verbose`. All of it is the same for every version of MQTT.

use std::time::{Duration, Instant};

use crate::config::Qos;
use crate::failure::LinkError;
use crate::mqtt::v4::Payload;

/// The most packets that are remembered for `--verbose`; a flood is not.
const LOG_LIMIT: usize = 64;

/// What a connection is asked to send.
#[derive(Debug)]
pub(crate) enum Request<'a> {
    Publish(Publish<'a>),
    Subscribe {
        filter: &'a str,
        qos: Qos,
    },
    Unsubscribe {
        filter: &'a str,
    },
    /// PUBACK or PUBREC, by the QoS of the message.
    Acknowledge {
        id: u16,
        qos: Qos,
    },
    Disconnect,
}

/// A message to publish.
#[derive(Debug)]
pub(crate) struct Publish<'a> {
    pub(crate) topic: &'a str,
    pub(crate) qos: Qos,
    pub(crate) retain: bool,
    pub(crate) payload: Vec<u8>,
}

/// What happened, as far as a session or its caller cares. Ids are packet ids.
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
    Released {
        id: u16,
    },
    Unsubscribed,
    /// A SUBSCRIBE or UNSUBSCRIBE was handed to the system.
    RequestSent,
    /// A PUBACK or PUBREC was handed to the system.
    AckSent,
    /// The DISCONNECT was handed to the system.
    DisconnectSent,
    /// Anything else: a ping, an outgoing PUBREL.
    Other,
}

/// A message that came in.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(super) topic: String,
    pub(super) payload: Payload,
    pub(super) qos: Qos,
    pub(super) retain: bool,
    /// It may be a repetition (MQTT 3.1.1 §3.3.1.1).
    pub(super) dup: bool,
    /// The packet id; 0 with QoS 0.
    pub(super) id: u16,
}

impl Message {
    pub(crate) fn topic(&self) -> &str {
        &self.topic
    }

    pub(crate) fn payload(&self) -> &[u8] {
        self.payload.bytes()
    }

    pub(crate) fn qos(&self) -> u8 {
        self.qos as u8
    }

    /// The broker kept it from before the subscription (MQTT 3.1.1 §3.3.1.3).
    pub(crate) fn retain(&self) -> bool {
        self.retain
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

/// One packet and when.
#[derive(Clone, Debug)]
pub(crate) struct Trace {
    /// Since the session began to connect.
    pub(crate) at: Duration,
    pub(crate) sent: bool,
    pub(crate) packet: String,
}

/// The first packets of a session.
#[derive(Debug)]
pub(crate) struct PacketLog {
    began: Instant,
    packets: Vec<Trace>,
}

impl PacketLog {
    /// Its times count from now on.
    pub(super) fn new() -> Self {
        Self {
            began: Instant::now(),
            packets: Vec::new(),
        }
    }

    /// Remembers a packet, in the words of `packet`.
    pub(super) fn note(&mut self, sent: bool, packet: impl FnOnce() -> String) {
        // The clock is read only for what is remembered: a stream has millions of packets.
        if self.packets.len() < LOG_LIMIT {
            let at = self.began.elapsed();
            let packet = packet();
            self.packets.push(Trace { at, sent, packet });
        }
    }

    pub(super) fn take(&mut self) -> Vec<Trace> {
        std::mem::take(&mut self.packets)
    }
}

#[cfg(test)]
impl Message {
    pub(crate) fn new(topic: &str, payload: &[u8], retain: bool) -> Self {
        Self {
            topic: topic.to_owned(),
            payload: payload.into(),
            qos: Qos::AtLeastOnce,
            retain,
            dup: false,
            id: 1,
        }
    }
}
