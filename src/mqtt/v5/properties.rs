//! The properties of MQTT 5 §2.2.2, which any packet may carry.

use crate::failure::Reason;
use crate::mqtt::event::Allowance;

/// What was sent along. A packet that may not carry one of them is not refused for it: what the broker
/// said is worth more than its manners.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Properties {
    pub(crate) payload_is_text: Option<bool>,
    /// Seconds.
    pub(crate) message_expiry: Option<u32>,
    pub(crate) content_type: Option<String>,
    pub(crate) response_topic: Option<String>,
    pub(crate) correlation_data: Option<Vec<u8>>,
    pub(crate) subscription_ids: Vec<u32>,
    /// Seconds; 0xffff_ffff: without end.
    pub(crate) session_expiry: Option<u32>,
    pub(crate) assigned_client_id: Option<String>,
    /// Seconds.
    pub(crate) server_keep_alive: Option<u16>,
    pub(crate) response_information: Option<String>,
    pub(crate) server_reference: Option<String>,
    pub(crate) reason_string: Option<String>,
    pub(crate) receive_maximum: Option<u16>,
    pub(crate) topic_alias_maximum: Option<u16>,
    pub(crate) topic_alias: Option<u16>,
    pub(crate) maximum_qos: Option<u8>,
    pub(crate) retain_available: Option<bool>,
    pub(crate) user: Vec<(String, String)>,
    /// Bytes.
    pub(crate) maximum_packet_size: Option<u32>,
    pub(crate) wildcards_available: Option<bool>,
    pub(crate) subscription_ids_available: Option<bool>,
    pub(crate) shared_available: Option<bool>,
}

/// Bytes that are to be taken apart. Each function is `None` where they are too few, or not what they
/// should be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bytes<'a>(pub(crate) &'a [u8]);

impl<'a> Bytes<'a> {
    pub(crate) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    pub(crate) fn u8(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    fn flag(&mut self) -> Option<bool> {
        match self.u8()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }

    pub(crate) fn u16(&mut self) -> Option<u16> {
        Some(u16::from_be_bytes(self.take(2)?.try_into().ok()?))
    }

    fn u32(&mut self) -> Option<u32> {
        Some(u32::from_be_bytes(self.take(4)?.try_into().ok()?))
    }

    /// A variable byte integer (MQTT 5 §1.5.5).
    pub(crate) fn variable(&mut self) -> Option<u32> {
        let mut value = 0;
        for shift in [0, 7, 14, 21] {
            let byte = self.u8()?;
            value |= u32::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    pub(crate) fn binary(&mut self) -> Option<&'a [u8]> {
        let length = self.u16()?;
        self.take(length.into())
    }

    pub(crate) fn text(&mut self) -> Option<String> {
        let text = std::str::from_utf8(self.binary()?).ok()?;
        Some(text.to_owned())
    }

    /// The properties of a packet: their length, and they; `Some(None)`: there are none, as in a packet
    /// that ends before.
    pub(crate) fn properties(&mut self) -> Option<Option<Box<Properties>>> {
        if self.0.is_empty() {
            return Some(None);
        }
        let length = self.variable()?;
        let mut bytes = Self(self.take(usize::try_from(length).ok()?)?);
        if bytes.0.is_empty() {
            return Some(None);
        }
        let mut found = Box::<Properties>::default();
        while !bytes.0.is_empty() {
            found.read(&mut bytes)?;
        }
        Some(Some(found))
    }
}

impl Properties {
    /// One of them.
    fn read(&mut self, bytes: &mut Bytes<'_>) -> Option<()> {
        match bytes.variable()? {
            0x01 => self.payload_is_text = Some(bytes.flag()?),
            0x02 => self.message_expiry = Some(bytes.u32()?),
            0x03 => self.content_type = Some(bytes.text()?),
            0x08 => self.response_topic = Some(bytes.text()?),
            0x09 => self.correlation_data = Some(bytes.binary()?.to_vec()),
            0x0b => self.subscription_ids.push(bytes.variable()?),
            0x11 => self.session_expiry = Some(bytes.u32()?),
            0x12 => self.assigned_client_id = Some(bytes.text()?),
            0x13 => self.server_keep_alive = Some(bytes.u16()?),
            // Authentication method and data: no exchange was asked for.
            0x15 => drop(bytes.text()?),
            0x16 => drop(bytes.binary()?),
            0x1a => self.response_information = Some(bytes.text()?),
            0x1c => self.server_reference = Some(bytes.text()?),
            0x1f => self.reason_string = Some(bytes.text()?),
            0x21 => self.receive_maximum = Some(bytes.u16()?),
            0x22 => self.topic_alias_maximum = Some(bytes.u16()?),
            0x23 => self.topic_alias = Some(bytes.u16()?),
            0x24 => self.maximum_qos = Some(bytes.u8()?),
            0x25 => self.retain_available = Some(bytes.flag()?),
            0x26 => self.user.push((bytes.text()?, bytes.text()?)),
            0x27 => self.maximum_packet_size = Some(bytes.u32()?),
            0x28 => self.wildcards_available = Some(bytes.flag()?),
            0x29 => self.subscription_ids_available = Some(bytes.flag()?),
            0x2a => self.shared_available = Some(bytes.flag()?),
            _ => return None,
        }
        Some(())
    }

    /// Appends them, with their length before them.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        let mut body = Vec::new();
        let mut text = |id: u8, text: &Option<String>| {
            if let Some(text) = text {
                body.push(id);
                put_binary(&mut body, text.as_bytes());
            }
        };
        text(0x03, &self.content_type);
        text(0x08, &self.response_topic);
        if let Some(data) = &self.correlation_data {
            body.push(0x09);
            put_binary(&mut body, data);
        }
        for (name, value) in &self.user {
            body.push(0x26);
            put_binary(&mut body, name.as_bytes());
            put_binary(&mut body, value.as_bytes());
        }
        for id in &self.subscription_ids {
            body.push(0x0b);
            put_variable(&mut body, *id);
        }
        if let Some(text) = self.payload_is_text {
            body.extend([0x01, text.into()]);
        }
        for (id, value) in [
            (0x02, self.message_expiry),
            (0x11, self.session_expiry),
            (0x27, self.maximum_packet_size),
        ] {
            if let Some(value) = value {
                body.push(id);
                body.extend(value.to_be_bytes());
            }
        }
        for (id, value) in [
            (0x21, self.receive_maximum),
            (0x22, self.topic_alias_maximum),
        ] {
            if let Some(value) = value {
                body.push(id);
                body.extend(value.to_be_bytes());
            }
        }
        put_variable(out, u32::try_from(body.len()).unwrap_or(u32::MAX));
        out.extend(body);
    }
}

/// What was said beside a code.
pub(crate) fn reason(code: u8, properties: Option<Box<Properties>>) -> Reason {
    let properties = properties.map(|properties| *properties).unwrap_or_default();
    Reason {
        code,
        in_5: true,
        words: properties.reason_string,
        reference: properties.server_reference,
    }
}

/// What the CONNACK allows and gives.
pub(crate) fn allowance(properties: Properties) -> Allowance {
    Allowance {
        client_id: properties.assigned_client_id,
        session_expiry: properties.session_expiry,
        keep_alive: properties.server_keep_alive,
        receive_maximum: properties.receive_maximum,
        maximum_qos: properties.maximum_qos,
        retain: properties.retain_available,
        // With its header (§3.2.2.3.6).
        packet_size: properties.maximum_packet_size,
        topic_aliases: properties.topic_alias_maximum,
        wildcards: properties.wildcards_available,
        shared: properties.shared_available,
        subscription_ids: properties.subscription_ids_available,
        reason: properties.reason_string,
        reference: properties.server_reference,
        response_information: properties.response_information,
    }
}

/// A variable byte integer (MQTT 5 §1.5.5): at most 268,435,455.
pub(crate) fn put_variable(out: &mut Vec<u8>, mut value: u32) {
    loop {
        let [_, _, _, low] = value.to_be_bytes();
        value >>= 7;
        out.push(low & 0x7f | if value > 0 { 0x80 } else { 0 });
        if value == 0 {
            return;
        }
    }
}

/// Binary data or a string (MQTT 5 §1.5.4, §1.5.6). `config` holds each to 65,535 bytes.
pub(crate) fn put_binary(out: &mut Vec<u8>, bytes: &[u8]) {
    let length = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
    out.extend(length.to_be_bytes());
    out.extend(&bytes[..length.into()]);
}
