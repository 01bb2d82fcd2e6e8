//! A received message as bytes for standard output, in the format asked for. What goes to a terminal
//! is made safe; what goes into a pipe or a file is exactly what came.

use std::fmt::Write;
use std::time::Duration;

use crate::mqtt::{Message, Properties};
use crate::stream::options::Format;
use crate::util::{Json, clock, text};

/// Appends `message` to `out`; with JSON the time it took as an answer.
pub(crate) fn write(
    out: &mut Vec<u8>,
    message: &Message,
    round_trip: Option<Duration>,
    format: Format,
    terminal: bool,
) {
    match format {
        Format::Payload => {
            payload(out, message.payload(), terminal);
            out.push(b'\n');
        }
        Format::Topic => {
            let topic = message.topic();
            if terminal {
                out.extend_from_slice(text::escape(topic).as_bytes());
            } else {
                out.extend_from_slice(topic.as_bytes());
            }
            out.push(b' ');
            payload(out, message.payload(), terminal);
            out.push(b'\n');
        }
        Format::Json => {
            let _ = writeln!(
                Bytes(out),
                "{}",
                object(message, round_trip, clock::now_ms())
            );
        }
        Format::Raw => out.extend_from_slice(message.payload()),
        Format::Hex => {
            for byte in message.payload() {
                let _ = write!(Bytes(out), "{byte:02x}");
            }
            out.push(b'\n');
        }
    }
}

fn payload(out: &mut Vec<u8>, payload: &[u8], terminal: bool) {
    if terminal {
        out.extend_from_slice(text::escape(&String::from_utf8_lossy(payload)).as_bytes());
    } else {
        out.extend_from_slice(payload);
    }
}

/// The payload is `payload` where it is text, and `payload_base64` (RFC 4648 §4) where it is not.
fn object(message: &Message, round_trip: Option<Duration>, now: i64) -> Json {
    let payload = match std::str::from_utf8(message.payload()) {
        Ok(text) => ("payload", text.into()),
        Err(_) => ("payload_base64", base64(message.payload()).into()),
    };
    let mut members = vec![
        ("type", "message".into()),
        ("topic", message.topic().into()),
        ("qos", (message.qos() as u8).into()),
        ("retain", message.retain().into()),
        ("time", clock::rfc3339_ms(now).into()),
        // QoS 0 has none (MQTT 3.1.1 §2.3.1).
        ("id", Some(message.id()).filter(|id| *id != 0).into()),
        ("length", message.payload().len().into()),
        payload,
    ];
    if let Some(time) = round_trip {
        members.push(("round_trip_ms", Json::Ms(time.as_secs_f64() * 1000.0)));
    }
    if let Some(sent) = message.properties() {
        members.push(("properties", properties(sent)));
    }
    Json::Object(members)
}

/// What MQTT 5 §3.3.2.3 has beside a message; only what was sent.
fn properties(sent: &Properties) -> Json {
    let mut members = Vec::new();
    let texts = [
        ("content_type", &sent.content_type),
        ("response_topic", &sent.response_topic),
    ];
    for (name, text) in texts {
        if let Some(text) = text {
            members.push((name, text.as_str().into()));
        }
    }
    if let Some(data) = &sent.correlation_data {
        members.push(match std::str::from_utf8(data) {
            Ok(text) => ("correlation_data", text.into()),
            Err(_) => ("correlation_data_base64", base64(data).into()),
        });
    }
    if let Some(seconds) = sent.message_expiry {
        members.push(("message_expiry", seconds.into()));
    }
    if let Some(text) = sent.payload_is_text {
        members.push(("payload_format", if text { "text" } else { "bytes" }.into()));
    }
    if !sent.subscription_ids.is_empty() {
        let ids = sent.subscription_ids.iter().map(|id| (*id).into());
        members.push(("subscription_identifiers", Json::List(ids.collect())));
    }
    if !sent.user.is_empty() {
        // A name may come more than once (§3.3.2.3.7), which the members of an object may not.
        let pair = |(name, value): &(String, String)| Json::texts([name.clone(), value.clone()]);
        members.push((
            "user_properties",
            Json::List(sent.user.iter().map(pair).collect()),
        ));
    }
    Json::Object(members)
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let group = chunk
            .iter()
            .fold(0_u32, |group, byte| group << 8 | u32::from(*byte))
            << (8 * (3 - chunk.len()));
        for at in 0..4 {
            let six = usize::try_from(group >> (18 - 6 * at) & 63).unwrap_or_default();
            text.push(if at <= chunk.len() {
                char::from(ALPHABET[six])
            } else {
                '='
            });
        }
    }
    text
}

/// `fmt::Write` on bytes.
struct Bytes<'a>(&'a mut Vec<u8>);

impl Write for Bytes<'_> {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {

    use super::*;

    #[track_caller]
    fn check(payload: &[u8], format: Format, terminal: bool, expected: &[u8]) {
        let mut out = Vec::new();
        write(
            &mut out,
            &Message::new("a/b", payload, false),
            None,
            format,
            terminal,
        );
        assert_eq!(
            String::from_utf8_lossy(&out),
            String::from_utf8_lossy(expected)
        );
    }

    #[test]
    fn each_format_has_its_bytes() {
        check(b"\xff\x1b[2J", Format::Payload, false, b"\xff\x1b[2J\n");
        check(b"\x1b[2J", Format::Payload, true, b"\\u{1b}[2J\n");
        check(b"x", Format::Topic, false, b"a/b x\n");
        check(b"x\n", Format::Raw, false, b"x\n");
        check(b"\x00\xff", Format::Hex, false, b"00ff\n");
    }

    #[test]
    fn base64_is_that_of_the_rfc() {
        // RFC 4648 §10.
        for (bytes, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
    }

    #[test]
    fn json_holds_text_or_base64() {
        let json = |payload: &[u8]| object(&Message::new("a", payload, true), None, 0).to_string();
        let value: serde_json::Value = serde_json::from_str(&json(b"\"hi\"\n")).unwrap();
        assert_eq!(value["payload"], "\"hi\"\n");
        assert_eq!(value["time"], "1970-01-01T00:00:00.000Z");
        assert_eq!((&value["id"], &value["length"]), (&1.into(), &5.into()));
        let value: serde_json::Value = serde_json::from_str(&json(b"\xff")).unwrap();
        assert_eq!(
            (value["payload_base64"].as_str(), value.get("payload")),
            (Some("/w=="), None)
        );
    }
}
