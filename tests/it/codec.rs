//! The few MQTT packets that a scripted broker reads and writes, in 3.1.1 and 5. It is written
//! against the specifications and shares no code with the client under test. MQTT 5 properties are
//! skipped when read, and written as none.

use std::io::{self, Read};

/// A packet that a client sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Packet {
    Connect(Connect),
    Publish(Publish),
    /// PUBACK, PUBREC, PUBREL or PUBCOMP, by its packet type of MQTT 3.1.1 §2.2.1.
    Ack {
        kind: u8,
        id: u16,
    },
    Subscribe {
        id: u16,
        filters: Vec<(String, u8)>,
    },
    Unsubscribe {
        id: u16,
        filters: Vec<String>,
    },
    Pingreq,
    Disconnect,
    Other(u8),
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Connect {
    /// 4 is MQTT 3.1.1, 5 is MQTT 5.
    pub(crate) level: u8,
    pub(crate) clean_session: bool,
    pub(crate) keep_alive: u16,
    pub(crate) client_id: String,
    pub(crate) will: Option<Publish>,
    pub(crate) username: Option<String>,
    pub(crate) password: Option<Vec<u8>>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Publish {
    pub(crate) topic: String,
    pub(crate) payload: Vec<u8>,
    pub(crate) qos: u8,
    pub(crate) retain: bool,
    pub(crate) dup: bool,
    /// Zero at QoS 0, which has none.
    pub(crate) id: u16,
}

pub(crate) const PUBACK: u8 = 4;
pub(crate) const PUBREC: u8 = 5;
pub(crate) const PUBREL: u8 = 6;
pub(crate) const PUBCOMP: u8 = 7;

/// Reads one packet; `v5` says which version the CONNECT of this connection spoke. `Ok(None)` at
/// the end of the stream between packets.
pub(crate) fn read_packet(stream: &mut impl Read, v5: bool) -> io::Result<Option<Packet>> {
    let mut byte = [0];
    if stream.read(&mut byte)? == 0 {
        return Ok(None);
    }
    let first = byte[0];
    let mut length = 0_usize;
    for shift in [0, 7, 14, 21] {
        stream.read_exact(&mut byte)?;
        length |= usize::from(byte[0] & 0x7f) << shift;
        if byte[0] & 0x80 == 0 {
            break;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    parse(first, &mut Cursor { rest: &body, v5 })
        .map(Some)
        .ok_or_else(|| io::Error::other(format!("malformed packet {first:#04x} {body:02x?}")))
}

fn parse(first: u8, body: &mut Cursor<'_>) -> Option<Packet> {
    Some(match first >> 4 {
        1 => Packet::Connect(connect(body)?),
        3 => Packet::Publish(publish(first, body)?),
        kind @ PUBACK..=PUBCOMP => Packet::Ack {
            kind,
            id: body.u16()?,
        },
        8 => {
            let id = body.u16()?;
            body.properties()?;
            let mut filters = Vec::new();
            while !body.rest.is_empty() {
                filters.push((body.string()?, body.u8()?));
            }
            Packet::Subscribe { id, filters }
        }
        10 => {
            let id = body.u16()?;
            body.properties()?;
            let mut filters = Vec::new();
            while !body.rest.is_empty() {
                filters.push(body.string()?);
            }
            Packet::Unsubscribe { id, filters }
        }
        12 => Packet::Pingreq,
        14 => Packet::Disconnect,
        kind => Packet::Other(kind),
    })
}

/// MQTT 3.1.1 §3.1.
fn connect(body: &mut Cursor<'_>) -> Option<Connect> {
    let protocol = body.string()?;
    let level = body.u8()?;
    body.v5 = level == 5;
    let flags = body.u8()?;
    let keep_alive = body.u16()?;
    body.properties()?;
    let client_id = body.string()?;
    let will = if flags & 0x04 != 0 {
        body.properties()?;
        Some(Publish {
            topic: body.string()?,
            payload: body.bytes()?.to_vec(),
            qos: flags >> 3 & 3,
            retain: flags & 0x20 != 0,
            ..Publish::default()
        })
    } else {
        None
    };
    let username = if flags & 0x80 != 0 {
        Some(body.string()?)
    } else {
        None
    };
    let password = if flags & 0x40 != 0 {
        Some(body.bytes()?.to_vec())
    } else {
        None
    };
    (protocol == "MQTT" && body.rest.is_empty()).then_some(Connect {
        level,
        clean_session: flags & 0x02 != 0,
        keep_alive,
        client_id,
        will,
        username,
        password,
    })
}

/// MQTT 3.1.1 §3.3.
fn publish(first: u8, body: &mut Cursor<'_>) -> Option<Publish> {
    let qos = first >> 1 & 3;
    let topic = body.string()?;
    let id = if qos > 0 { body.u16()? } else { 0 };
    body.properties()?;
    Some(Publish {
        topic,
        payload: body.rest.to_vec(),
        qos,
        retain: first & 1 != 0,
        dup: first & 8 != 0,
        id,
    })
}

struct Cursor<'a> {
    rest: &'a [u8],
    v5: bool,
}

impl<'a> Cursor<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        Some(taken)
    }

    fn u8(&mut self) -> Option<u8> {
        Some(self.take(1)?[0])
    }

    fn u16(&mut self) -> Option<u16> {
        Some(u16::from_be_bytes(self.take(2)?.try_into().ok()?))
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = self.u16()?;
        self.take(length.into())
    }

    fn string(&mut self) -> Option<String> {
        String::from_utf8(self.bytes()?.to_vec()).ok()
    }

    /// Skips the properties of MQTT 5 §2.2.2; 3.1.1 has none. None of ours passes 127 bytes.
    fn properties(&mut self) -> Option<()> {
        if self.v5 {
            let length = self.u8()?;
            self.take(length.into())?;
        }
        Some(())
    }
}

/// A packet: its first byte, the remaining length, the body.
pub(crate) fn packet(first: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    let mut length = body.len();
    loop {
        let low = u8::try_from(length & 0x7f).unwrap();
        length >>= 7;
        bytes.push(if length > 0 { low | 0x80 } else { low });
        if length == 0 {
            break;
        }
    }
    bytes.extend_from_slice(body);
    bytes
}

pub(crate) fn connack(code: u8, v5: bool) -> Vec<u8> {
    let body = [0, code, 0];
    packet(0x20, if v5 { &body } else { &body[..2] })
}

pub(crate) fn suback(id: u16, codes: &[u8], v5: bool) -> Vec<u8> {
    let properties: &[u8] = if v5 { &[0] } else { &[] };
    packet(0x90, &[&id.to_be_bytes(), properties, codes].concat())
}

/// MQTT 3.1.1 §3.11 has no payload, MQTT 5 §3.11.3 a code for each filter.
pub(crate) fn unsuback(id: u16, filters: usize, v5: bool) -> Vec<u8> {
    let codes = vec![0; filters];
    let rest: &[&[u8]] = if v5 { &[&[0], &codes] } else { &[] };
    packet(
        0xb0,
        &[&id.to_be_bytes(), rest.concat().as_slice()].concat(),
    )
}

/// PUBACK, PUBREC, PUBREL or PUBCOMP.
pub(crate) fn ack(kind: u8, id: u16) -> Vec<u8> {
    // MQTT 3.1.1 §3.6.1: PUBREL alone carries a flag.
    packet(
        kind << 4 | if kind == PUBREL { 2 } else { 0 },
        &id.to_be_bytes(),
    )
}

pub(crate) fn publish_packet(message: &Publish, v5: bool) -> Vec<u8> {
    let first = 0x30 | message.qos << 1 | u8::from(message.retain) | u8::from(message.dup) << 3;
    let length = u16::try_from(message.topic.len()).unwrap();
    let mut body = length.to_be_bytes().to_vec();
    body.extend_from_slice(message.topic.as_bytes());
    if message.qos > 0 {
        body.extend_from_slice(&message.id.to_be_bytes());
    }
    if v5 {
        body.push(0);
    }
    body.extend_from_slice(&message.payload);
    packet(first, &body)
}

pub(crate) const PINGRESP: [u8; 2] = [0xd0, 0];
