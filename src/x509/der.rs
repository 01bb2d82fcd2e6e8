//! A reader of DER (ITU-T X.690), the encoding of certificates: bytes in, borrowed elements out; and
//! the errors of all that is read with it.
//!
//! Its input is hostile. The reader never panics, allocates or recurses: it goes only as deep as its
//! caller's code does, so nesting cannot exhaust the stack. It is strict where DER is (one way to
//! write a length, nothing after the end), and knows no tag above 30, which X.509 does not use.

use std::fmt;

use crate::util::clock;

pub(crate) const BOOLEAN: u8 = 0x01;
pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const BIT_STRING: u8 = 0x03;
pub(crate) const OCTET_STRING: u8 = 0x04;
pub(crate) const OID: u8 = 0x06;
pub(crate) const UTF8_STRING: u8 = 0x0c;
pub(crate) const NUMERIC_STRING: u8 = 0x12;
pub(crate) const PRINTABLE_STRING: u8 = 0x13;
pub(crate) const TELETEX_STRING: u8 = 0x14;
pub(crate) const IA5_STRING: u8 = 0x16;
pub(crate) const UTC_TIME: u8 = 0x17;
pub(crate) const GENERALIZED_TIME: u8 = 0x18;
pub(crate) const VISIBLE_STRING: u8 = 0x1a;
pub(crate) const UNIVERSAL_STRING: u8 = 0x1c;
pub(crate) const BMP_STRING: u8 = 0x1e;
pub(crate) const SEQUENCE: u8 = 0x30;
pub(crate) const SET: u8 = 0x31;

/// The tag of `[number]` around a value of its own (EXPLICIT) or in place of a constructed one.
pub(crate) const fn context(number: u8) -> u8 {
    0xa0 | number
}

/// The tag of `[number] IMPLICIT` in place of a primitive one.
pub(crate) const fn context_primitive(number: u8) -> u8 {
    0x80 | number
}

/// Why bytes are not the DER that was looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DerError {
    /// The data ends inside an element, or before one that must be there.
    Truncated,
    /// A tag number of 31 or more.
    HighTag,
    /// A length that DER does not allow: indefinite, not the shortest form, or beyond 4 bytes.
    Length,
    /// Another element than the one that must come here.
    Tag { expected: u8, found: u8 },
    /// Bytes after the end.
    Trailing,
    /// The element is framed well, but what it holds is not a value of its type.
    Value(&'static str),
}

impl fmt::Display for DerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated => f.write_str("the data ends too early"),
            Self::HighTag => f.write_str("a tag number above 30"),
            Self::Length => f.write_str("a length that DER does not allow"),
            Self::Tag { expected, found } => {
                write!(f, "tag 0x{found:02x} where 0x{expected:02x} belongs")
            }
            Self::Trailing => f.write_str("bytes behind the end"),
            Self::Value(what) => write!(f, "not a {what}"),
        }
    }
}

impl std::error::Error for DerError {}

/// Why bytes are not a certificate that this reader can read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ParseError {
    /// Which part, in RFC 5280's words.
    pub(crate) part: &'static str,
    pub(crate) why: DerError,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "not an X.509 certificate: its {} cannot be read",
            self.part
        )
    }
}

impl std::error::Error for ParseError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.why)
    }
}

/// Names the part in which an error was found.
pub(crate) fn in_part(part: &'static str) -> impl Fn(DerError) -> ParseError {
    move |why| ParseError { part, why }
}

/// Upper-case hex, with `separator` between the bytes.
pub(crate) fn hex(bytes: &[u8], separator: &str) -> String {
    let bytes: Vec<_> = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
    bytes.join(separator)
}

/// One element: its tag, its contents, and both with the length between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Element<'a> {
    pub(crate) tag: u8,
    pub(crate) value: &'a [u8],
    pub(crate) raw: &'a [u8],
}

/// Takes elements one by one from the front of a slice.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(der: &'a [u8]) -> Self {
        Self { rest: der }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next element, whatever it is.
    pub(crate) fn any(&mut self) -> Result<Element<'a>, DerError> {
        let start = self.rest;
        let [tag, first, rest @ ..] = start else {
            return Err(DerError::Truncated);
        };
        if tag & 0x1f == 0x1f {
            return Err(DerError::HighTag);
        }
        let (length, rest) = length(*first, rest)?;
        let (value, rest) = rest.split_at_checked(length).ok_or(DerError::Truncated)?;
        let raw = start
            .get(..start.len() - rest.len())
            .ok_or(DerError::Truncated)?;
        self.rest = rest;
        let tag = *tag;
        Ok(Element { tag, value, raw })
    }

    /// The next element, which must have this tag.
    pub(crate) fn expect(&mut self, tag: u8) -> Result<Element<'a>, DerError> {
        let element = self.any()?;
        if element.tag == tag {
            Ok(element)
        } else {
            let (expected, found) = (tag, element.tag);
            Err(DerError::Tag { expected, found })
        }
    }

    /// The next element if it has this tag; otherwise nothing is taken.
    pub(crate) fn optional(&mut self, tag: u8) -> Result<Option<Element<'a>>, DerError> {
        match self.rest.first() {
            Some(found) if *found == tag => self.any().map(Some),
            _ => Ok(None),
        }
    }

    /// A reader of what the next element holds, which must have this tag.
    pub(crate) fn inside(&mut self, tag: u8) -> Result<Self, DerError> {
        self.expect(tag).map(Element::reader)
    }

    /// Nothing may be left.
    pub(crate) fn end(&self) -> Result<(), DerError> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(DerError::Trailing)
        }
    }
}

/// The one element that `der` consists of, which must have this tag.
pub(crate) fn single(der: &[u8], tag: u8) -> Result<Element<'_>, DerError> {
    let mut reader = Reader::new(der);
    let element = reader.expect(tag)?;
    reader.end()?;
    Ok(element)
}

/// X.690 §8.1.3 and §10.1: the shortest form, and always definite.
fn length(first: u8, rest: &[u8]) -> Result<(usize, &[u8]), DerError> {
    if first < 0x80 {
        return Ok((usize::from(first), rest));
    }
    let count = usize::from(first & 0x7f);
    if !(1..=4).contains(&count) {
        return Err(DerError::Length);
    }
    let (bytes, rest) = rest.split_at_checked(count).ok_or(DerError::Truncated)?;
    let length = bytes
        .iter()
        .fold(0_u32, |length, byte| length << 8 | u32::from(*byte));
    if length < 0x80 || bytes.first() == Some(&0) {
        return Err(DerError::Length);
    }
    let length = usize::try_from(length).map_err(|_| DerError::Length)?;
    Ok((length, rest))
}

impl<'a> Element<'a> {
    /// A reader of what this element holds.
    pub(crate) fn reader(self) -> Reader<'a> {
        Reader::new(self.value)
    }

    /// X.690 §11.1: false is 0, true is 255, and nothing else is either.
    pub(crate) fn boolean(self) -> Result<bool, DerError> {
        match self.value {
            [0x00] => Ok(false),
            [0xff] => Ok(true),
            _ => Err(DerError::Value("BOOLEAN")),
        }
    }

    /// A whole number from 0 to 127.
    pub(crate) fn small_integer(self) -> Result<u8, DerError> {
        match self.value {
            [number @ 0..=0x7f] => Ok(*number),
            _ => Err(DerError::Value("small INTEGER")),
        }
    }

    /// The bytes of an INTEGER without the zero that only keeps it positive; at least one byte.
    /// The first bit of a negative one stays set.
    pub(crate) fn integer_bytes(self) -> Result<&'a [u8], DerError> {
        match self.value {
            [] => Err(DerError::Value("INTEGER")),
            [0, rest @ ..] if !rest.is_empty() => Ok(rest),
            bytes => Ok(bytes),
        }
    }

    /// The same of an INTEGER that must not be negative and, as DER has it, not padded further.
    pub(crate) fn unsigned_bytes(self) -> Result<&'a [u8], DerError> {
        match self.value {
            [0x80..=0xff, ..] | [0, 0..=0x7f, ..] => Err(DerError::Value("positive INTEGER")),
            _ => self.integer_bytes(),
        }
    }

    /// The bytes of a BIT STRING that fills whole bytes.
    pub(crate) fn whole_bits(self) -> Result<&'a [u8], DerError> {
        match self.value {
            [0, bytes @ ..] => Ok(bytes),
            _ => Err(DerError::Value("BIT STRING of whole bytes")),
        }
    }

    /// Unix seconds of a UTCTime or a GeneralizedTime in the only forms that RFC 5280 §4.1.2.5
    /// allows: with seconds, without a fraction, and with `Z`. A UTCTime's years from 50 on are of
    /// the 1900s.
    pub(crate) fn time(self) -> Result<i64, DerError> {
        const FORM: DerError = DerError::Value("time of RFC 5280");
        let text = self.value.strip_suffix(b"Z").ok_or(FORM)?;
        let (year, rest) = match (self.tag, text.len()) {
            (UTC_TIME, 12) => text.split_at(2),
            (GENERALIZED_TIME, 14) => text.split_at(4),
            _ => return Err(FORM),
        };
        let year = match (self.tag, digits(year)?) {
            (UTC_TIME, year @ 50..) => 1900 + year,
            (UTC_TIME, year) => 2000 + year,
            (_, year) => year,
        };
        let mut pairs = rest.chunks_exact(2).map(digits);
        let mut next = || pairs.next().unwrap_or(Err(DerError::Truncated));
        let (month, day, hour, minute, second) = (next()?, next()?, next()?, next()?, next()?);
        clock::unix_from_civil(i64::from(year), month, day, hour, minute, second)
            .ok_or(DerError::Value("moment of the calendar"))
    }
}

/// Up to four ASCII digits.
fn digits(text: &[u8]) -> Result<u32, DerError> {
    text.iter().try_fold(0, |number, byte| match byte {
        b'0'..=b'9' => Ok(number * 10 + u32::from(byte - b'0')),
        _ => Err(DerError::Value("decimal digit")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(der: &[u8], expected: Result<(u8, usize), DerError>) {
        let mut reader = Reader::new(der);
        let found = reader.any().map(|element| {
            assert_eq!(element.raw.len() + reader.rest.len(), der.len());
            assert!(element.raw.ends_with(element.value));
            (element.tag, element.value.len())
        });
        assert_eq!(found, expected, "{:02x?}", der.get(..8));
    }

    #[test]
    fn frames() {
        let of_length = |header: &[u8], length: usize| [header, &vec![0; length]].concat();
        check(&[], Err(DerError::Truncated));
        check(&[0x30], Err(DerError::Truncated));
        check(&[0x30, 0], Ok((SEQUENCE, 0)));
        check(&[0x30, 1], Err(DerError::Truncated));
        check(&[0x04, 1, 7, 9], Ok((OCTET_STRING, 1)));
        check(&[0x1f, 0x20, 0], Err(DerError::HighTag));
        check(&[0xbf, 0x20, 0], Err(DerError::HighTag));
        check(&of_length(&[4, 0x7f], 127), Ok((4, 127)));
        check(&of_length(&[4, 0x80], 2), Err(DerError::Length));
        check(&of_length(&[4, 0x81, 0x7f], 127), Err(DerError::Length));
        check(&of_length(&[4, 0x81, 0x80], 128), Ok((4, 128)));
        check(&of_length(&[4, 0x82, 0, 0x80], 128), Err(DerError::Length));
        check(&of_length(&[4, 0x82, 1, 0], 256), Ok((4, 256)));
        check(&of_length(&[4, 0x82, 1, 0], 255), Err(DerError::Truncated));
        check(&of_length(&[4, 0x83, 1, 0, 0], 65_536), Ok((4, 65_536)));
        check(&[4, 0x82, 1], Err(DerError::Truncated));
        check(
            &[4, 0x84, 0xff, 0xff, 0xff, 0xff, 0],
            Err(DerError::Truncated),
        );
        check(&[4, 0x85, 1, 0, 0, 0, 0, 0], Err(DerError::Length));
        check(&[4, 0xff, 1, 0, 0, 0, 0, 0], Err(DerError::Length));
    }

    #[test]
    fn one_after_the_other() {
        let mut reader = Reader::new(&[0x30, 3, 0x02, 1, 5, 0x01, 1, 0xff]);
        assert_eq!(reader.optional(SET), Ok(None));
        let mut inside = reader.inside(SEQUENCE).unwrap_or(Reader::new(&[]));
        let number = inside.expect(INTEGER).and_then(Element::small_integer);
        assert_eq!((number, inside.end()), (Ok(5), Ok(())));
        assert_eq!(reader.end(), Err(DerError::Trailing));
        let (expected, found) = (OID, BOOLEAN);
        assert_eq!(reader.expect(OID), Err(DerError::Tag { expected, found }));
        assert_eq!(reader.optional(OID), Ok(None));
    }

    #[track_caller]
    fn check_time(tag: u8, text: &str, expected: Option<&str>) {
        let (value, raw) = (text.as_bytes(), text.as_bytes());
        let found = Element { tag, value, raw }.time().ok().map(clock::rfc3339);
        assert_eq!(found.as_deref(), expected, "{text}");
    }

    #[test]
    fn times() {
        let utc = |text, expected| check_time(UTC_TIME, text, expected);
        utc("491231235959Z", Some("2049-12-31T23:59:59Z"));
        utc("500101000000Z", Some("1950-01-01T00:00:00Z"));
        utc("000229000000Z", Some("2000-02-29T00:00:00Z"));
        utc("010229000000Z", None);
        utc("261001120000", None);
        utc("2610011200Z", None);
        utc("261001120000+0000", None);
        utc("26100112000 Z", None);
        utc("-61001120000Z", None);
        utc("Z", None);
        utc("", None);
        let general = |text, expected| check_time(GENERALIZED_TIME, text, expected);
        general("20500101000000Z", Some("2050-01-01T00:00:00Z"));
        general("19300506070809Z", Some("1930-05-06T07:08:09Z"));
        general("99991231235959Z", Some("9999-12-31T23:59:59Z"));
        general("00000101000000Z", Some("0000-01-01T00:00:00Z"));
        general("20500101000000.5Z", None);
        general("20501301000000Z", None);
        general("20500101000060Z", None);
        general("500101000000Z", None);
        check_time(UTF8_STRING, "20500101000000Z", None);
    }

    #[test]
    fn values() {
        let of = |value| Element {
            tag: 0,
            value,
            raw: value,
        };
        let positive = DerError::Value("positive INTEGER");
        assert_eq!(of(&[0]).boolean(), Ok(false));
        assert_eq!(of(&[0xff]).boolean(), Ok(true));
        assert!(of(&[1]).boolean().is_err() && of(&[]).boolean().is_err());
        assert_eq!(of(&[127]).small_integer(), Ok(127));
        assert!(of(&[128]).small_integer().is_err() && of(&[0, 1]).small_integer().is_err());
        assert_eq!(of(&[0, 0x80]).unsigned_bytes(), Ok(&[0x80][..]));
        assert_eq!(of(&[0]).unsigned_bytes(), Ok(&[0][..]));
        assert_eq!(of(&[0x80]).unsigned_bytes(), Err(positive));
        assert_eq!(of(&[0, 0x7f]).unsigned_bytes(), Err(positive));
        assert_eq!(of(&[0, 0x7f]).integer_bytes(), Ok(&[0x7f][..]));
        assert!(of(&[]).integer_bytes().is_err());
        assert_eq!(of(&[0, 1, 2]).whole_bits(), Ok(&[1, 2][..]));
        assert!(of(&[1, 2]).whole_bits().is_err() && of(&[]).whole_bits().is_err());
    }
}
