//! Small things done to text: foreign bytes made safe to show, the nearest known word, durations
//! and sizes as people read them. It knows nothing of MQTT.

use std::borrow::Cow;
use std::fmt::Write;
use std::time::Duration;

/// Makes text that others wrote safe for a terminal: control characters, line breaks among them,
/// become escapes, and so do the characters that reorder or hide what stands beside them (Unicode
/// TR 36 §2.10).
pub fn escape(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if is_unsafe(c) {
            let _ = write!(safe, "{}", c.escape_default());
        } else {
            safe.push(c);
        }
    }
    Cow::Owned(safe)
}

/// Whether a terminal would act on `c`, or a reader be deceived by it.
pub fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{061c}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Bytes as evidence: printable ASCII as it is, the rest as `\xNN`, at most `most` bytes.
pub fn escape_bytes(bytes: &[u8], most: usize) -> String {
    let mut text = String::new();
    for &byte in bytes.iter().take(most) {
        match byte {
            b'\r' => text.push_str("\\r"),
            b'\n' => text.push_str("\\n"),
            b'\t' => text.push_str("\\t"),
            b'\\' => text.push_str("\\\\"),
            0x20..=0x7e => text.push(char::from(byte)),
            _ => {
                let _ = write!(text, "\\x{byte:02x}");
            }
        }
    }
    if bytes.len() > most {
        text.push('…');
    }
    text
}

/// A duration for people: `85 ms`, `1.5 s`, `15 s`, `2 min`.
pub fn duration(time: Duration) -> String {
    let ms = time.as_millis();
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..120_000 if ms.is_multiple_of(1_000) => format!("{} s", ms / 1_000),
        1_000..120_000 => format!("{:.1} s", time.as_secs_f64()),
        _ => format!("{} min", ms / 60_000),
    }
}

/// `1 byte`, `64 bytes`: a number with its noun.
pub fn count(number: u64, noun: &str) -> String {
    if number == 1 {
        format!("{number} {noun}")
    } else {
        format!("{number} {noun}s")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(given: &str, expected: &str) {
        assert_eq!(escape(given), expected);
    }

    #[test]
    fn foreign_text_cannot_act_on_a_terminal() {
        check("plain — ünïcode stays", "plain — ünïcode stays");
        check("\x1b[2J", "\\u{1b}[2J");
        check("a\r\nb\tc", "a\\r\\nb\\tc");
        check("\u{9b}31m", "\\u{9b}31m");
        check("abc\u{202e}fdp.exe", "abc\\u{202e}fdp.exe");
        check("zero\u{200b}width", "zero\\u{200b}width");
    }

    #[test]
    fn bytes_are_shown_as_evidence() {
        assert_eq!(
            escape_bytes(b"SSH-2.0\r\n\x00\xff", 64),
            "SSH-2.0\\r\\n\\x00\\xff"
        );
        assert_eq!(escape_bytes(b"abcdef", 3), "abc…");
    }

    #[test]
    fn durations_are_short() {
        assert_eq!(duration(Duration::from_millis(85)), "85 ms");
        assert_eq!(duration(Duration::from_millis(1500)), "1.5 s");
        assert_eq!(duration(Duration::from_secs(15)), "15 s");
        assert_eq!(duration(Duration::from_secs(300)), "5 min");
    }
}
