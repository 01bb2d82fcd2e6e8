//! Packets that come in (MQTT 5 §3). A reason code is kept as the number that it is, and what is shorter
//! than the standard has it is read as far as it goes.

use crate::failure::LinkError;
use crate::mqtt::v5::message::Message;
use crate::mqtt::v5::properties::{Bytes, Properties, reason};

/// The first byte of a packet, its body, and the bytes of both with the length between them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame<'a> {
    pub(crate) first: u8,
    pub(crate) body: &'a [u8],
    pub(crate) length: usize,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum FrameError {
    /// The length has more than four bytes (MQTT 5 §1.5.5).
    Length,
    /// The body is larger than what was asked for.
    TooLarge { size: usize },
}

/// The first packet of `input`; `None`: it is not whole.
pub(crate) fn frame(input: &[u8], limit: usize) -> Result<Option<Frame<'_>>, FrameError> {
    let mut bytes = Bytes(input);
    let Some(first) = bytes.u8() else {
        return Ok(None);
    };
    let header = bytes.0.iter().take(4);
    let unfinished = header.clone().all(|byte| byte & 0x80 != 0);
    if unfinished {
        return match header.len() {
            4 => Err(FrameError::Length),
            _ => Ok(None),
        };
    }
    let size = bytes.variable().unwrap_or_default();
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    if size > limit {
        return Err(FrameError::TooLarge { size });
    }
    Ok(bytes.take(size).map(|body| Frame {
        first,
        body,
        length: input.len() - bytes.0.len(),
    }))
}

#[derive(Debug)]
pub(crate) enum Incoming {
    ConnAck {
        session_present: bool,
        code: u8,
        properties: Option<Box<Properties>>,
    },
    Publish(Box<Message>),
    /// PUBACK, PUBREC, PUBREL, PUBCOMP.
    Ack {
        kind: u8,
        id: u16,
        code: u8,
        properties: Option<Box<Properties>>,
    },
    SubAck {
        id: u16,
        codes: Vec<u8>,
        properties: Option<Box<Properties>>,
    },
    UnsubAck {
        id: u16,
        codes: Vec<u8>,
    },
    PingResp,
    Disconnect {
        code: u8,
        properties: Option<Box<Properties>>,
    },
    /// It is answered by nobody who did not begin it (MQTT 5 §4.12).
    Auth {
        code: u8,
        properties: Option<Box<Properties>>,
    },
}

pub(crate) const PUBACK: u8 = 4;
pub(crate) const PUBREC: u8 = 5;
pub(crate) const PUBREL: u8 = 6;
pub(crate) const PUBCOMP: u8 = 7;

/// The packet of a frame.
///
/// # Errors
/// What is wrong with it, in words.
pub(crate) fn packet(frame: Frame<'_>) -> Result<Incoming, String> {
    let kind = frame.first >> 4;
    let name = match kind {
        2 => "CONNACK",
        3 => "PUBLISH",
        PUBACK => "PUBACK",
        PUBREC => "PUBREC",
        PUBREL => "PUBREL",
        PUBCOMP => "PUBCOMP",
        9 => "SUBACK",
        11 => "UNSUBACK",
        13 => "PINGRESP",
        14 => "DISCONNECT",
        15 => "AUTH",
        _ => {
            return Err(format!(
                "received a packet of type {kind}, which no broker sends"
            ));
        }
    };
    read(kind, frame).ok_or_else(|| format!("received a {name} that is no packet of MQTT 5"))
}

/// Whether `answer` begins with a whole packet; `None`: it is none, or larger than `limit`.
pub(crate) fn is_whole(answer: &[u8], limit: usize) -> Option<bool> {
    frame(answer, limit).ok().map(|frame| frame.is_some())
}

/// Why there is to be no session, if the packet with which `answer` begins says so.
pub(crate) fn refusal(answer: &[u8]) -> Option<LinkError> {
    let frame = frame(answer, usize::MAX).ok()??;
    match packet(frame).ok()? {
        Incoming::ConnAck {
            code, properties, ..
        } if code != 0 => Some(LinkError::Refused(reason(code, properties))),
        Incoming::Disconnect { code, properties } => {
            Some(LinkError::Disconnected(reason(code, properties)))
        }
        Incoming::Auth { code, properties } => Some(LinkError::Auth(reason(code, properties))),
        _ => None,
    }
}

fn read(kind: u8, frame: Frame<'_>) -> Option<Incoming> {
    let mut bytes = Bytes(frame.body);
    Some(match kind {
        2 => {
            let session_present = match bytes.u8()? {
                0 => false,
                1 => true,
                _ => return None,
            };
            Incoming::ConnAck {
                session_present,
                code: bytes.u8()?,
                properties: bytes.properties()?,
            }
        }
        3 => Incoming::Publish(Box::new(publish(frame.first, bytes)?)),
        PUBACK..=PUBCOMP => Incoming::Ack {
            kind,
            id: bytes.u16().filter(|id| *id != 0)?,
            code: bytes.u8().unwrap_or_default(),
            properties: bytes.properties()?,
        },
        9 => {
            let id = bytes.u16()?;
            let properties = bytes.properties()?;
            let codes = bytes.0.to_vec();
            Incoming::SubAck {
                id,
                codes,
                properties,
            }
        }
        11 => {
            let id = bytes.u16()?;
            bytes.properties()?;
            let codes = bytes.0.to_vec();
            Incoming::UnsubAck { id, codes }
        }
        13 => Incoming::PingResp,
        15 => Incoming::Auth {
            code: bytes.u8().unwrap_or_default(),
            properties: bytes.properties()?,
        },
        _ => Incoming::Disconnect {
            code: bytes.u8().unwrap_or_default(),
            properties: bytes.properties()?,
        },
    })
}

fn publish(first: u8, mut bytes: Bytes<'_>) -> Option<Message> {
    let qos = match first >> 1 & 3 {
        3 => return None,
        qos => qos,
    };
    let topic = bytes.text()?;
    let id = match qos {
        0 => 0,
        _ => bytes.u16().filter(|id| *id != 0)?,
    };
    // Even an empty list has its length here, since the payload follows.
    if bytes.0.is_empty() {
        return None;
    }
    let properties = bytes.properties()?.map(|properties| *properties);
    Some(Message {
        topic,
        payload: bytes.0.to_vec(),
        qos,
        retain: first & 1 != 0,
        dup: first & 8 != 0,
        id,
        properties: properties.unwrap_or_default(),
    })
}
