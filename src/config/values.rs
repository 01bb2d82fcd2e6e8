//! One value at a time: text becomes a switch, a duration, a size, a pin, a topic, or the
//! [`ValueError`] that says what it should have been. It knows neither lines nor other keys.

use std::time::Duration;

use crate::config::error::{TopicErrorKind, ValueError};
use crate::config::types::{CheckScope, Protocol, Qos, TlsVersion, VariableName};

/// The longest string of MQTT, in bytes (MQTT 3.1.1 §1.5.3).
pub(crate) const MAX_STRING: usize = 65_535;
/// The largest packet of MQTT, in bytes, rounded up to what a user would write
/// (MQTT 3.1.1 §2.2.3).
const MAX_PACKET: u64 = 256 * 1024 * 1024;
/// Below this not even a CONNECT with a user name fits.
const MIN_PACKET: u64 = 64;
/// Nobody waits longer than this for a stage.
const MAX_TIMEOUT: Duration = Duration::from_secs(3600);

/// What a value that was copied may have brought along; it is then taken as a part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Slip {
    /// U+FEFF at its beginning, as some editors write it.
    ByteOrderMark,
    /// It stands in quotes.
    Quotes,
    /// `NAME=value`, as a file of variables has it.
    Assignment,
    /// ` #` and what follows.
    Comment,
    /// A space at its beginning.
    LeadingBlank,
    /// A space or a line end at its end.
    Blank,
}

impl Slip {
    pub(crate) fn of(value: &str) -> Option<Self> {
        let quoted = |quote| value.len() > 1 && value.starts_with(quote) && value.ends_with(quote);
        let assigned = value.split_once('=').is_some_and(|(name, assigned)| {
            let capital = |b: u8| b.is_ascii_uppercase() || b == b'_';
            name.len() > 2 && name.bytes().all(capital) && !assigned.trim_matches('=').is_empty()
        });
        match value {
            _ if value.starts_with('\u{feff}') => Some(Self::ByteOrderMark),
            _ if quoted('"') || quoted('\'') => Some(Self::Quotes),
            _ if assigned => Some(Self::Assignment),
            _ if value.contains(" #") => Some(Self::Comment),
            _ if value.ends_with(char::is_whitespace) => Some(Self::Blank),
            _ if value.starts_with(char::is_whitespace) => Some(Self::LeadingBlank),
            _ => None,
        }
    }
}

pub(crate) fn switch(value: &str) -> Result<bool, ValueError> {
    match value.to_ascii_lowercase().as_str() {
        "on" | "true" | "yes" => Ok(true),
        "off" | "false" | "no" => Ok(false),
        _ => Err(ValueError::Switch),
    }
}

pub(crate) fn port(value: &str) -> Result<u16, ValueError> {
    match digits(value) {
        Some(number) if (1..=65_535).contains(&number) => u16::try_from(number).ok(),
        _ => None,
    }
    .ok_or(ValueError::Port)
}

pub(crate) fn qos(value: &str) -> Result<Qos, ValueError> {
    match value {
        "0" => Ok(Qos::AtMostOnce),
        "1" => Ok(Qos::AtLeastOnce),
        "2" => Ok(Qos::ExactlyOnce),
        _ => Err(ValueError::Qos),
    }
}

pub(crate) fn protocol(value: &str) -> Result<Protocol, ValueError> {
    match value {
        "3.1.1" => Ok(Protocol::V3_1_1),
        "5" | "5.0" => Ok(Protocol::V5),
        "auto" => Ok(Protocol::Auto),
        "3.1" => Err(ValueError::Protocol31),
        _ => Err(ValueError::Protocol),
    }
}

pub(crate) fn tls_version(value: &str) -> Result<TlsVersion, ValueError> {
    match value {
        "1.2" => Ok(TlsVersion::V1_2),
        "1.3" => Ok(TlsVersion::V1_3),
        _ => Err(ValueError::TlsVersion),
    }
}

pub(crate) fn check(value: &str) -> Result<CheckScope, ValueError> {
    use CheckScope::{Connect, Echo, Publish, Subscribe};
    let mut scopes = [Echo, Publish, Subscribe, Connect].into_iter();
    scopes
        .find(|scope| scope.name() == value)
        .ok_or(ValueError::Check)
}

/// Whole seconds, as CONNECT carries them; 1 to 4 s are refused by rumqttc's MQTT 5 side.
pub(crate) fn keep_alive(value: &str) -> Result<Duration, ValueError> {
    if value == "0" {
        return Ok(Duration::ZERO);
    }
    let legal = |time: &Duration| {
        let seconds = time.is_zero() || (5..=65_535).contains(&time.as_secs());
        seconds && time.subsec_nanos() == 0
    };
    time(value, legal, ValueError::KeepAlive)
}

pub(crate) fn timeout(value: &str) -> Result<Duration, ValueError> {
    let legal = |time: &Duration| !time.is_zero() && *time <= MAX_TIMEOUT;
    time(value, legal, ValueError::Timeout)
}

/// A legal time. That its unit is missing is said only where seconds would be legal.
fn time(
    value: &str,
    legal: impl Fn(&Duration) -> bool,
    error: ValueError,
) -> Result<Duration, ValueError> {
    let found = duration(value);
    match found.filter(&legal) {
        Some(time) => Ok(time),
        None if found.is_none() && duration(&format!("{value}s")).is_some_and(|it| legal(&it)) => {
            let given = value.to_owned();
            Err(ValueError::NoUnit { given })
        }
        None => Err(error),
    }
}

/// `500ms`, `0.5s`, `15s`, `2m`, `2h`, `1d`; `None` where it is none of these.
pub(crate) fn duration(value: &str) -> Option<Duration> {
    let (number, unit) = number_and_unit(value);
    let nanoseconds: u128 = match unit {
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        "d" => 86_400_000_000_000,
        _ => return None,
    };
    let (number, parts) = decimal(number)?;
    let total = u128::from(number).checked_mul(nanoseconds)? / u128::from(parts);
    let seconds = u64::try_from(total / 1_000_000_000).ok()?;
    let rest = u32::try_from(total % 1_000_000_000).ok()?;
    Some(Duration::new(seconds, rest))
}

/// From one message to the next, at so many a second: `50`, `0.5`.
pub(crate) fn interval(rate: &str) -> Option<Duration> {
    let (number, parts) = decimal(rate).filter(|(number, _)| *number > 0)?;
    if number / parts > u64::from(u32::MAX) {
        return None;
    }
    let nanoseconds = u128::from(parts) * 1_000_000_000 / u128::from(number);
    Some(Duration::from_nanos(u64::try_from(nanoseconds).ok()?))
}

/// `1.25` as 125 and 100.
fn decimal(value: &str) -> Option<(u64, u64)> {
    let (whole, fraction) = value.split_once('.').unwrap_or((value, "0"));
    let parts = 10_u64.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    let [whole, fraction] = [whole, fraction].map(|it| digits(it).filter(|_| !it.is_empty()));
    Some((whole?.checked_mul(parts)?.checked_add(fraction?)?, parts))
}

/// Bytes: `4096`, `64KiB`, `1MiB`.
pub(crate) fn packet_size(value: &str) -> Result<usize, ValueError> {
    let (number, unit) = number_and_unit(value);
    let factor = match unit {
        "" | "B" => 1,
        "KiB" => 1024,
        "MiB" => 1024 * 1024,
        _ => return Err(ValueError::PacketSize),
    };
    digits(number)
        .and_then(|number| number.checked_mul(factor))
        .filter(|bytes| (MIN_PACKET..=MAX_PACKET).contains(bytes))
        .and_then(|bytes| usize::try_from(bytes).ok())
        .ok_or(ValueError::PacketSize)
}

fn number_and_unit(value: &str) -> (&str, &str) {
    let end = value
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(value.len());
    (&value[..end], value[end..].trim_start())
}

/// Digits alone: `str::parse` would let a `+` pass.
fn digits(value: &str) -> Option<u64> {
    let plain = value.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| value.parse().ok()).flatten()
}

/// SHA-256 in hex, as `openssl x509 -fingerprint -sha256` or `sha256sum` print it.
pub(crate) fn pin(value: &str) -> Result<[u8; 32], ValueError> {
    let mut nibbles = Vec::with_capacity(64);
    for c in value.chars().filter(|c| *c != ':') {
        let nibble = c.to_digit(16).ok_or(ValueError::Pin { digits: None })?;
        nibbles.push(u8::try_from(nibble).unwrap_or_default());
    }
    let mut pin = [0; 32];
    if nibbles.len() != 2 * pin.len() {
        return Err(ValueError::Pin {
            digits: Some(nibbles.len()),
        });
    }
    for (byte, pair) in pin.iter_mut().zip(nibbles.chunks_exact(2)) {
        *byte = pair[0] << 4 | pair[1];
    }
    Ok(pin)
}

/// Names of 1 to 255 bytes (RFC 7301 §3.1).
pub(crate) fn alpn(value: &str) -> Result<Vec<String>, ValueError> {
    let names: Vec<_> = value
        .split(',')
        .map(|name| name.trim().to_owned())
        .collect();
    let total: usize = names.iter().map(|name| name.len() + 1).sum();
    let each = names.iter().all(|name| (1..=255).contains(&name.len()));
    if each && total <= MAX_STRING {
        Ok(names)
    } else {
        Err(ValueError::Alpn)
    }
}

/// A name as POSIX shells can set it. A password pasted here by mistake is usually not one.
pub(crate) fn env_name(value: &str) -> Result<VariableName, ValueError> {
    let letter = |b: u8| b.is_ascii_alphabetic() || b == b'_';
    let legal = value.bytes().all(|b| letter(b) || b.is_ascii_digit())
        && value.bytes().next().is_some_and(letter);
    legal
        .then(|| VariableName::new(value.to_owned()))
        .ok_or(ValueError::EnvName)
}

/// A UTF-8 string of MQTT (MQTT 3.1.1 §1.5.3).
pub(crate) fn string(value: &str) -> Result<String, ValueError> {
    if value.contains('\0') {
        return Err(ValueError::Nul);
    }
    binary(value)?;
    Ok(value.to_owned())
}

/// Binary data with a 16-bit length (MQTT 3.1.1 §3.1.3.3).
pub(crate) fn binary(value: &str) -> Result<Vec<u8>, ValueError> {
    if value.len() > MAX_STRING {
        return Err(ValueError::TooLong {
            bytes: value.len(),
            limit: MAX_STRING,
        });
    }
    Ok(value.as_bytes().to_vec())
}

/// Whether something can be published to `topic` (MQTT 3.1.1 §4.7).
pub(crate) fn topic(topic: &str) -> Result<(), TopicErrorKind> {
    if let Some(c) = topic.chars().find(|c| matches!(c, '+' | '#')) {
        return Err(TopicErrorKind::Wildcard(c));
    }
    if topic.contains('\0') {
        return Err(TopicErrorKind::Nul);
    }
    if topic.len() > MAX_STRING {
        return Err(TopicErrorKind::TooLong(topic.len()));
    }
    Ok(())
}

/// Whether `filter` can be subscribed to (MQTT 3.1.1 §4.7.1).
pub(crate) fn filter(filter: &str) -> Result<(), TopicErrorKind> {
    if filter.contains('\0') {
        return Err(TopicErrorKind::Nul);
    }
    if filter.len() > MAX_STRING {
        return Err(TopicErrorKind::TooLong(filter.len()));
    }
    let mut levels = filter.split('/').peekable();
    let mut fine = !filter.is_empty();
    while let Some(level) = levels.next() {
        fine &= match level {
            "#" => levels.peek().is_none(),
            "+" => true,
            level => !level.contains(['#', '+']),
        };
    }
    fine.then_some(()).ok_or(TopicErrorKind::Filter)
}

#[cfg(test)]
#[path = "values_tests.rs"]
mod tests;
