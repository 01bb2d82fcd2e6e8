//! Small things done to text: foreign bytes made safe to show, the nearest known word, durations
//! and sizes as people read them. It knows nothing of MQTT.

use std::borrow::Cow;
use std::fmt::Write;
use std::time::Duration;

/// Makes text that others wrote safe for a terminal: control characters, line breaks among them,
/// become escapes, and so do the characters that reorder or hide what stands beside them (Unicode
/// TR 36 §2.10).
pub(crate) fn escape(text: &str) -> Cow<'_, str> {
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
pub(crate) fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{061c}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Bytes as evidence: printable ASCII as it is, the rest as `\xNN`, at most `most` bytes.
pub(crate) fn escape_bytes(bytes: &[u8], most: usize) -> String {
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

/// A word for a shell, in quotes where it needs them (POSIX.1-2017, shell §2.2.2).
pub(crate) fn quoted(word: &str) -> Cow<'_, str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-/+=:@%,".contains(c);
    if !word.is_empty() && !word.starts_with('-') && word.chars().all(plain) {
        return Cow::Borrowed(word);
    }
    Cow::Owned(format!("'{}'", word.replace('\'', "'\\''")))
}

/// A duration for people: `85 ms`, `1.5 s`, `15 s`, `2 min`.
pub(crate) fn duration(time: Duration) -> String {
    let ms = time.as_millis();
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..120_000 if ms.is_multiple_of(1_000) => format!("{} s", ms / 1_000),
        1_000..120_000 => format!("{:.1} s", time.as_secs_f64()),
        _ => format!("{} min", ms / 60_000),
    }
}

/// `1 byte`, `64 bytes`: a number with its noun.
pub(crate) fn count(number: u64, noun: &str) -> String {
    if number == 1 {
        format!("{number} {noun}")
    } else {
        format!("{number} {noun}s")
    }
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    reason = "a test that panics is a test that fails"
)]
mod tests {
    use proptest::prelude::*;

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

    /// Written apart from `is_unsafe`: by Unicode's own classes, control (Cc) and format (Cf), and
    /// the separators of lines and paragraphs. Cf holds a few that do no harm (a soft hyphen, signs
    /// before numbers); those are the second pattern.
    fn acts(text: &str) -> bool {
        let acting = regex::Regex::new(r"[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]").unwrap();
        let harmless = regex::Regex::new(concat!(
            r"[\u{ad}\u{600}-\u{605}\u{6dd}\u{70f}\u{890}\u{891}\u{8e2}\u{180e}",
            r"\u{110bd}\u{110cd}\u{13430}-\u{1343f}\u{1bca0}-\u{1bca3}\u{1d173}-\u{1d17a}]"
        ));
        acting.is_match(&harmless.unwrap().replace_all(text, ""))
    }

    #[test]
    fn every_character_that_acts_is_escaped() {
        for c in '\0'..=char::MAX {
            let shown = c.to_string();
            assert_eq!(is_unsafe(c), shown != escape(&shown), "{c:?}");
        }
        let all: String = ('\0'..=char::MAX).collect();
        assert!(!acts(&escape(&all)));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn escaped_text_is_safe_and_stays_as_it_is(text in any::<String>()) {
            let safe = escape(&text);
            prop_assert!(!safe.chars().any(is_unsafe));
            prop_assert_eq!(escape(&safe), safe.as_ref());
            if !text.chars().any(is_unsafe) {
                prop_assert_eq!(safe.as_ref(), text.as_str());
            }
            // What was safe is all there, in its order.
            let mut rest = safe.chars();
            for c in text.chars().filter(|c| !is_unsafe(*c)) {
                prop_assert!(rest.any(|shown| shown == c), "{:?}", c);
            }
        }

        #[test]
        fn texts_that_differ_stay_different(a in "[ab\u{1b}\u{202e}\u{7f}\n]{0,4}", b in "[ab\u{1b}\u{202e}\u{7f}\n]{0,4}") {
            prop_assert_eq!(a == b, escape(&a) == escape(&b));
        }

        #[test]
        fn escaped_bytes_are_printable_ascii(bytes in any::<Vec<u8>>(), most in 0..128_usize) {
            let shown = escape_bytes(&bytes, most);
            let cut = bytes.len() > most;
            let body = shown.strip_suffix('…').unwrap_or(&shown);
            prop_assert_eq!(cut, body.len() < shown.len());
            prop_assert!(body.bytes().all(|byte| (0x20..=0x7e).contains(&byte)));
            prop_assert!(body.len() <= 4 * most);
        }
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
    fn a_word_is_one_word_to_a_shell() {
        assert_eq!(quoted("config/my-key.pem"), "config/my-key.pem");
        assert_eq!(quoted("my key.pem"), "'my key.pem'");
        assert_eq!(quoted("a'b;rm"), "'a'\\''b;rm'");
        assert_eq!(quoted(""), "''");
        assert_eq!(quoted("-x"), "'-x'");
    }

    #[test]
    fn durations_are_short() {
        assert_eq!(duration(Duration::from_millis(85)), "85 ms");
        assert_eq!(duration(Duration::from_millis(1500)), "1.5 s");
        assert_eq!(duration(Duration::from_secs(15)), "15 s");
        assert_eq!(duration(Duration::from_secs(300)), "5 min");
    }
}
