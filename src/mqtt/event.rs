//! What passes between a session, its caller and the connection below: requests, events, why it
//! ended, and the packets for `--verbose`. All of it is the same for every version of MQTT.

use std::time::{Duration, Instant};

use crate::config::{Config, Protocol, Qos, SubscribeOptions};
use crate::failure::{LinkError, MqttCause, Reason, Unsupported, Warning};
use crate::mqtt::message::Message;
use crate::net::WaitError;

/// The most packets that are remembered for `--verbose`; a flood is not.
const LOG_LIMIT: usize = 64;

/// What a connection is asked to send.
#[derive(Debug)]
pub(crate) enum Request<'a> {
    Publish(Publish<'a>),
    Subscribe {
        filter: &'a str,
        qos: Qos,
        /// In MQTT 5.
        options: SubscribeOptions,
    },
    Unsubscribe {
        filter: &'a str,
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
    Granted(Result<u8, Reason>),
    /// A PUBLISH was handed to the system. Id 0: with QoS 0, and nothing will acknowledge it.
    Sent {
        id: u16,
    },
    /// PUBREC: the broker has the message, of QoS 2.
    Received {
        id: u16,
        /// It says that nobody is subscribed (MQTT 5 §3.4.2.1, §3.5.2.1).
        unmatched: bool,
    },
    /// PUBACK or PUBCOMP: the publish is done.
    Acknowledged {
        id: u16,
        unmatched: bool,
    },
    /// PUBACK or PUBREC with a failure code: the publish is done, and the broker has not taken the
    /// message (MQTT 5 §3.4.2.1, §3.5.2.1).
    Refused {
        id: u16,
        reason: Box<Reason>,
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

/// What acknowledges a message that came in: PUBACK or PUBREC, by its QoS.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Receipt {
    pub(super) id: u16,
    pub(super) qos: Qos,
}

/// What the CONNACK granted.
#[derive(Clone, Debug)]
pub(crate) struct Opened {
    pub(crate) session_present: bool,
    /// Never [`Protocol::Auto`].
    pub(crate) protocol: Protocol,
    /// Packet ids of an earlier session's publishes that the broker allows no more. They were not sent
    /// again, and are free as soon as [`Session::is_releasing`](super::Session::is_releasing) says so.
    pub(crate) withheld: Vec<u16>,
    /// In MQTT 5.
    pub(crate) allowance: Option<Box<Allowance>>,
}

/// What the broker says in a CONNACK that it allows, and what it gives (MQTT 5 §3.2.2.3). `None`: it said
/// nothing, and the standard's own value holds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Allowance {
    /// Assigned, because none was sent.
    pub(crate) client_id: Option<String>,
    /// Seconds.
    pub(crate) session_expiry: Option<u32>,
    /// Seconds, in place of ours.
    pub(crate) keep_alive: Option<u16>,
    /// Publishes of QoS 1 and 2 that may be under way.
    pub(crate) receive_maximum: Option<u16>,
    pub(crate) maximum_qos: Option<u8>,
    pub(crate) retain: Option<bool>,
    /// Bytes, the header among them.
    pub(crate) packet_size: Option<u32>,
    pub(crate) topic_aliases: Option<u16>,
    pub(crate) wildcards: Option<bool>,
    pub(crate) shared: Option<bool>,
    pub(crate) subscription_ids: Option<bool>,
    pub(crate) reason: Option<String>,
    pub(crate) reference: Option<String>,
    pub(crate) response_information: Option<String>,
}

impl Allowance {
    /// Whether a PUBLISH of `size` bytes, without those of its fixed header, may be sent.
    ///
    /// # Errors
    /// Why not.
    pub(crate) fn check_publish(&self, size: usize, retain: bool) -> Result<(), MqttCause> {
        if retain && self.retain == Some(false) {
            return Err(MqttCause::RetainNotAllowed);
        }
        // The first byte, and seven bits of the length in each of the others (§2.1.4).
        let header = match size {
            0..=0x7f => 2,
            0x80..=0x3fff => 3,
            0x4000..=0x1f_ffff => 4,
            _ => 5,
        };
        let size = size + header;
        let limit = self.packet_size.map(usize::try_from);
        match limit {
            Some(Ok(limit)) if size > limit => Err(MqttCause::PublishNotAllowed { size, limit }),
            _ => Ok(()),
        }
    }

    /// Whether a subscription to `filter` may be asked for, with an identifier or without.
    ///
    /// # Errors
    /// What the broker does not take.
    pub(crate) fn check_subscribe(&self, filter: &str, has_id: bool) -> Result<(), Unsupported> {
        let is_shared = filter.starts_with("$share/");
        for (asked, available, missing) in [
            (
                filter.contains(['#', '+']),
                self.wildcards,
                Unsupported::Wildcards,
            ),
            (is_shared, self.shared, Unsupported::SharedSubscriptions),
            (has_id, self.subscription_ids, Unsupported::SubscriptionIds),
        ] {
            if asked && available == Some(false) {
                return Err(missing);
            }
        }
        Ok(())
    }

    /// How many publishes of QoS 1 and 2 may be under way, where the client would send `window`.
    pub(crate) fn window(&self, window: u16) -> u16 {
        let receive_maximum = self.receive_maximum.unwrap_or(u16::MAX);
        window.min(receive_maximum).max(1)
    }
}

/// Lowers `qos` to the broker's maximum, and says so if it was higher.
pub(crate) fn lowered(qos: &mut Qos, maximum: Option<u8>) -> Option<Warning> {
    let (asked, maximum) = (*qos as u8, maximum?);
    let lower = match maximum {
        0 => Qos::AtMostOnce,
        _ => Qos::AtLeastOnce,
    };
    if asked <= maximum {
        return None;
    }
    *qos = lower;
    Some(Warning::QosLowered { asked, maximum })
}

/// Why a session ended, or did not begin.
#[derive(Debug)]
pub(crate) enum SessionError {
    Fault(LinkError),
    Interrupted,
}

impl From<LinkError> for SessionError {
    fn from(error: LinkError) -> Self {
        Self::Fault(error)
    }
}

impl From<WaitError> for SessionError {
    fn from(error: WaitError) -> Self {
        match error {
            WaitError::Interrupted => Self::Interrupted,
            WaitError::TimedOut { limit } => Self::Fault(LinkError::TimedOut { limit }),
            WaitError::Io(error) => Self::Fault(LinkError::Io(error)),
        }
    }
}

/// One packet and when.
#[derive(Clone, Debug)]
pub(crate) struct Trace {
    /// Since the session began to connect.
    pub(crate) at: Duration,
    pub(crate) sent: bool,
    pub(crate) packet: String,
}

/// A CONNECT in a line, never with the password; `first` is what its version has words of its own for.
pub(super) fn connect_line(config: &Config, first: &[(bool, &str)]) -> String {
    let both = [
        (config.credentials.is_some(), "user name"),
        (config.will.is_some(), "last will"),
    ];
    let set: Vec<_> = first
        .iter()
        .chain(&both)
        .filter(|(on, _)| *on)
        .map(|(_, name)| *name)
        .collect();
    format!(
        "CONNECT {}, keep-alive {} s, {}",
        config.client_id,
        config.keep_alive.as_secs(),
        set.join(", ")
    )
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

    /// Whether one more packet is remembered. To be asked before it is put into words: a stream has
    /// millions of packets.
    pub(super) fn has_room(&self) -> bool {
        self.packets.len() < LOG_LIMIT
    }

    /// Remembers a packet.
    pub(super) fn push(&mut self, sent: bool, packet: String) {
        let at = self.began.elapsed();
        self.packets.push(Trace { at, sent, packet });
    }

    pub(super) fn take(&mut self) -> Vec<Trace> {
        std::mem::take(&mut self.packets)
    }
}
