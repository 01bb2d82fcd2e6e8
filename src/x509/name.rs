//! Distinguished names (X.501, RFC 5280 §4.1.2.4): whom a certificate names, and who issued it.
//!
//! The text is as the certificate has it, whoever wrote that: it may hold line breaks, terminal
//! codes or other traps. It is NOT escaped here; whoever shows it must do so.

use std::fmt;

use crate::x509::der::{DerError, Element, Reader};
use crate::x509::{der, oid};

/// A distinguished name, in the certificate's own order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Name {
    /// Short name of the type (`CN`, `O`, `emailAddress`) or its dotted OID, and the value. The
    /// parts of a relative name with several (`OU=a+OU=b`) are listed one by one.
    pub(crate) attributes: Vec<(String, String)>,
}

impl Name {
    /// From the DER of a Name and nothing else.
    pub(crate) fn read(raw: &[u8]) -> Result<Self, DerError> {
        let mut relative_names = der::single(raw, der::SEQUENCE)?.reader();
        let mut attributes = Vec::new();
        while !relative_names.is_empty() {
            let mut set = relative_names.inside(der::SET)?;
            // A relative name has at least one part.
            attributes.push(attribute(set.inside(der::SEQUENCE)?)?);
            while !set.is_empty() {
                attributes.push(attribute(set.inside(der::SEQUENCE)?)?);
            }
        }
        Ok(Self { attributes })
    }

    pub(crate) fn common_name(&self) -> Option<&str> {
        self.last("CN")
    }

    pub(crate) fn organisation(&self) -> Option<&str> {
        self.last("O")
    }

    /// What people call it: the common name, else the organisation, else all of it.
    pub(crate) fn short(&self) -> String {
        self.common_name()
            .or_else(|| self.organisation())
            .map_or_else(|| self.to_string(), str::to_owned)
    }

    /// Certificates go from the country to the common name, so the last is the most specific.
    fn last(&self, wanted: &str) -> Option<&str> {
        let mut from_the_end = self.attributes.iter().rev();
        from_the_end
            .find(|(kind, value)| kind == wanted && !value.is_empty())
            .map(|(_, value)| value.as_str())
    }
}

/// `CN=R11, O=Let's Encrypt, C=US`: the most specific first, which is the reverse of the order in
/// the certificate (RFC 4514 §2.1). Empty for an empty name. Nothing is escaped, so it cannot be
/// taken apart again.
impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, (kind, value)) in self.attributes.iter().rev().enumerate() {
            let comma = if position > 0 { ", " } else { "" };
            write!(f, "{comma}{kind}={value}")?;
        }
        Ok(())
    }
}

fn attribute(mut pair: Reader<'_>) -> Result<(String, String), DerError> {
    let kind = oid::name_or_numbers(oid::attribute, oid::read(&mut pair)?);
    let value = text(pair.any()?);
    pair.end()?;
    Ok((kind, value))
}

/// The text of a string of any of ASN.1's types. What is not valid in its own encoding becomes
/// U+FFFD; a value that is not a string is `#` and its DER in hex, as RFC 4514 §2.4 has it. UTF-8 is
/// let through where the type says ASCII: many certificates have it.
fn text(element: Element<'_>) -> String {
    let bytes = element.value;
    match element.tag {
        der::UTF8_STRING
        | der::NUMERIC_STRING
        | der::PRINTABLE_STRING
        | der::IA5_STRING
        | der::VISIBLE_STRING => String::from_utf8_lossy(bytes).into_owned(),
        // T.61 on paper; Latin-1 in every certificate that uses it.
        der::TELETEX_STRING => bytes.iter().copied().map(char::from).collect(),
        der::BMP_STRING => {
            let (pairs, odd) = bytes.as_chunks::<2>();
            let units = pairs.iter().map(|pair| u16::from_be_bytes(*pair));
            char::decode_utf16(units)
                .map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER))
                .chain((!odd.is_empty()).then_some(char::REPLACEMENT_CHARACTER))
                .collect()
        }
        der::UNIVERSAL_STRING => {
            let (units, odd) = bytes.as_chunks::<4>();
            let units = units.iter().map(|unit| u32::from_be_bytes(*unit));
            units
                .map(|unit| char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER))
                .chain((!odd.is_empty()).then_some(char::REPLACEMENT_CHARACTER))
                .collect()
        }
        _ => format!("#{}", der::hex(element.raw, "")),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may end at once")]

    use super::*;

    const CN: &[u8] = &[0x06, 3, 0x55, 4, 3];
    const O: &[u8] = &[0x06, 3, 0x55, 4, 10];
    const C: &[u8] = &[0x06, 3, 0x55, 4, 6];

    fn element(tag: u8, value: &[u8]) -> Vec<u8> {
        [&[tag, u8::try_from(value.len()).unwrap()], value].concat()
    }

    fn pair(kind: &[u8], tag: u8, value: &[u8]) -> Vec<u8> {
        element(der::SEQUENCE, &[kind, &element(tag, value)].concat())
    }

    fn name(sets: &[&[&[u8]]]) -> Vec<u8> {
        let sets: Vec<_> = sets
            .iter()
            .map(|set| element(der::SET, &set.concat()))
            .collect();
        element(der::SEQUENCE, &sets.concat())
    }

    #[track_caller]
    fn check(raw: &[u8], shown: &str, short: &str) {
        let name = Name::read(raw).unwrap();
        assert_eq!(
            (name.to_string().as_str(), name.short().as_str()),
            (shown, short)
        );
    }

    #[test]
    fn most_specific_first() {
        let c = pair(C, der::PRINTABLE_STRING, b"US");
        let o = pair(O, der::UTF8_STRING, b"Let's Encrypt");
        let cn = pair(CN, der::UTF8_STRING, b"R11");
        let raw = name(&[&[&c], &[&o], &[&cn]]);
        check(&raw, "CN=R11, O=Let's Encrypt, C=US", "R11");
        check(
            &name(&[&[&c], &[&o]]),
            "O=Let's Encrypt, C=US",
            "Let's Encrypt",
        );
        check(&name(&[&[&c]]), "C=US", "C=US");
        check(&name(&[]), "", "");
        // Several in one set; several common names, of which the last counts; an empty one.
        let other = pair(CN, der::UTF8_STRING, b"x");
        let empty = pair(CN, der::UTF8_STRING, b"");
        let raw = name(&[&[&c], &[&other, &cn], &[&empty]]);
        check(&raw, "CN=, CN=R11, CN=x, C=US", "R11");
    }

    #[track_caller]
    fn check_text(tag: u8, bytes: &[u8], expected: &str) {
        let raw = name(&[&[&pair(CN, tag, bytes)]]);
        assert_eq!(Name::read(&raw).unwrap().attributes[0].1, expected);
    }

    #[test]
    fn every_string_type() {
        check_text(der::UTF8_STRING, "Žižkov".as_bytes(), "Žižkov");
        check_text(der::UTF8_STRING, b"a\xffb", "a\u{fffd}b");
        check_text(der::UTF8_STRING, b"", "");
        check_text(der::PRINTABLE_STRING, b"a*b", "a*b");
        check_text(der::IA5_STRING, b"me@example.com", "me@example.com");
        check_text(der::NUMERIC_STRING, b"12 3", "12 3");
        check_text(der::VISIBLE_STRING, b"v", "v");
        check_text(der::TELETEX_STRING, b"M\xfcller", "Müller");
        check_text(der::BMP_STRING, b"\x01\x7d\x00i\xd8\x3d\xde\x00", "Ži😀");
        check_text(der::BMP_STRING, b"\xd8\x3d\x00i\x00", "\u{fffd}i\u{fffd}");
        check_text(der::UNIVERSAL_STRING, b"\0\x01\xf6\0\0\0\0i", "😀i");
        check_text(
            der::UNIVERSAL_STRING,
            b"\0\x11\0\0\0\0\xd8\0\0",
            "\u{fffd}\u{fffd}\u{fffd}",
        );
        check_text(der::BIT_STRING, b"\0\xab", "#030200AB");
        check_text(der::SEQUENCE, b"", "#3000");
        // Control characters come through: the report escapes them.
        check_text(der::UTF8_STRING, b"\x1b[31m\n", "\u{1b}[31m\n");
    }

    #[test]
    fn an_unknown_type_is_its_numbers() {
        let raw = name(&[&[&pair(&[0x06, 2, 0x2a, 3], der::UTF8_STRING, b"v")]]);
        check(&raw, "1.2.3=v", "1.2.3=v");
    }

    #[track_caller]
    fn check_error(raw: &[u8], error: DerError) {
        assert_eq!(Name::read(raw), Err(error), "{raw:02x?}");
    }

    #[test]
    fn no_name_at_all() {
        check_error(&[], DerError::Truncated);
        check_error(&[0x30], DerError::Truncated);
        check_error(&[0x30, 1], DerError::Truncated);
        check_error(&[0x30, 0, 0], DerError::Trailing);
        check_error(&[0x30, 2, 0x31, 0], DerError::Truncated);
        check_error(&[0x30, 0x80, 0, 0], DerError::Length);
        let (expected, found) = (der::SET, der::SEQUENCE);
        check_error(&[0x30, 2, 0x30, 0], DerError::Tag { expected, found });
        let bare = element(der::SEQUENCE, CN);
        check_error(&name(&[&[&bare]]), DerError::Truncated);
        let long = [pair(CN, der::UTF8_STRING, b"a"), vec![0]].concat();
        check_error(&name(&[&[&long]]), DerError::Truncated);
    }
}
