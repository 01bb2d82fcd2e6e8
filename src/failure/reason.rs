//! The reason codes of MQTT 5 §2.4, and what a broker says beside one. What to do about a code is
//! `diagnosis`'s.

/// Why a broker does not do what it was asked for: its code, and in MQTT 5 what it says beside it (MQTT 5
/// §2.4, §3.2.2.3.9, §3.2.2.3.16).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reason {
    pub(crate) code: u8,
    /// In the form of MQTT 5. Some brokers have its codes for 3.1.1 too.
    pub(crate) in_5: bool,
    /// The reason string.
    pub(crate) words: Option<String>,
    /// The server reference: where to go instead.
    pub(crate) reference: Option<String>,
}

impl From<u8> for Reason {
    fn from(code: u8) -> Self {
        Self {
            code,
            ..Self::default()
        }
    }
}

/// What a SUBSCRIBE asks for, and the CONNACK has said that the broker does not take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unsupported {
    /// MQTT 5 §3.2.2.3.11.
    Wildcards,
    /// §3.2.2.3.12.
    SubscriptionIds,
    /// §3.2.2.3.13.
    SharedSubscriptions,
}

impl Unsupported {
    /// With which a broker would refuse it.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::SharedSubscriptions => 0x9e,
            Self::SubscriptionIds => 0xa1,
            Self::Wildcards => 0xa2,
        }
    }

    /// What CONNACK said of it.
    pub(crate) fn property(self) -> &'static str {
        match self {
            Self::Wildcards => "wildcard subscription available: 0",
            Self::SubscriptionIds => "subscription identifiers available: 0",
            Self::SharedSubscriptions => "shared subscription available: 0",
        }
    }
}

/// The failures, from 0x80 on.
static FAILURES: [&str; 35] = [
    "unspecified error",
    "malformed packet",
    "protocol error",
    "implementation specific error",
    "unsupported protocol version",
    "client identifier not valid",
    "bad user name or password",
    "not authorized",
    "server unavailable",
    "server busy",
    "banned",
    "server shutting down",
    "bad authentication method",
    "keep alive timeout",
    "session taken over",
    "topic filter invalid",
    "topic name invalid",
    "packet identifier in use",
    "packet identifier not found",
    "receive maximum exceeded",
    "topic alias invalid",
    "packet too large",
    "message rate too high",
    "quota exceeded",
    "administrative action",
    "payload format invalid",
    "retain not supported",
    "QoS not supported",
    "use another server",
    "server moved",
    "shared subscriptions not supported",
    "connection rate exceeded",
    "maximum connect time",
    "subscription identifiers not supported",
    "wildcard subscriptions not supported",
];

impl Reason {
    /// What the standard calls a code; `None`: it has no such code. 0 has a name of its own in SUBACK and
    /// in DISCONNECT.
    pub(crate) fn name(packet: &str, code: u8) -> Option<&'static str> {
        Some(match (code, packet) {
            (0, "SUBACK") => "granted QoS 0",
            (0, "DISCONNECT") => "normal disconnection",
            (0, _) => "success",
            (1, _) => "granted QoS 1",
            (2, _) => "granted QoS 2",
            (0x04, _) => "disconnect with will message",
            (0x10, _) => "no matching subscribers",
            (0x11, _) => "no subscription existed",
            (0x18, _) => "continue authentication",
            (0x19, _) => "re-authenticate",
            (code, _) => FAILURES.get(usize::from(code.checked_sub(0x80)?))?,
        })
    }

    /// A code with its name: `0x87 (not authorized)`.
    pub(crate) fn coded(packet: &str, code: u8) -> String {
        let name = Self::name(packet, code).unwrap_or("a code that MQTT 5 does not have");
        format!("{code:#04x} ({name})")
    }

    /// A packet and its code: `PUBACK 0x87 (not authorized)`.
    pub(crate) fn shown(packet: &str, code: u8) -> String {
        format!("{packet} {}", Self::coded(packet, code))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// MQTT 5 §2.4 has 43 values, that of 0 with three names.
    #[test]
    fn every_code_of_the_standard_has_its_name() {
        let named = (0..=255).filter(|code| Reason::name("PUBACK", *code).is_some());
        let mut expected = vec![0, 1, 2, 4, 0x10, 0x11, 0x18, 0x19];
        expected.extend(0x80..=0xa2);
        assert_eq!(named.collect::<Vec<_>>(), expected);
        for (code, name) in [
            (0x80, "unspecified error"),
            (0x87, "not authorized"),
            (0x8f, "topic filter invalid"),
            (0x97, "quota exceeded"),
            (0xa2, "wildcard subscriptions not supported"),
        ] {
            assert_eq!(Reason::name("PUBACK", code), Some(name));
        }
        assert_eq!(
            Reason::shown("DISCONNECT", 0),
            "DISCONNECT 0x00 (normal disconnection)"
        );
        assert_eq!(
            Reason::shown("PUBACK", 0xff),
            "PUBACK 0xff (a code that MQTT 5 does not have)"
        );
    }
}
