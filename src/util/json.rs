//! JSON (RFC 8259), as far as a report needs it: values and their text. It knows no report.

use std::fmt::{self, Write};

use crate::util::text;

/// A value.
#[derive(Clone, Debug)]
pub(crate) enum Json {
    Null,
    Bool(bool),
    Int(i64),
    /// Milliseconds with one decimal.
    Ms(f64),
    Text(String),
    List(Vec<Self>),
    Object(Vec<(&'static str, Self)>),
}

impl Json {
    /// A list of texts.
    pub(crate) fn texts<T: Into<String>>(items: impl IntoIterator<Item = T>) -> Self {
        Self::List(
            items
                .into_iter()
                .map(|item| Self::Text(item.into()))
                .collect(),
        )
    }
}

impl From<&str> for Json {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Json {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl<T: Into<Self>> From<Option<T>> for Json {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl From<bool> for Json {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<u8> for Json {
    fn from(value: u8) -> Self {
        Self::Int(value.into())
    }
}

impl From<u32> for Json {
    fn from(number: u32) -> Self {
        Self::Int(number.into())
    }
}

impl From<u16> for Json {
    fn from(value: u16) -> Self {
        Self::Int(value.into())
    }
}

impl From<usize> for Json {
    fn from(value: usize) -> Self {
        Self::Int(i64::try_from(value).unwrap_or(i64::MAX))
    }
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Int(value) => write!(f, "{value}"),
            Self::Ms(value) => write!(f, "{value:.1}"),
            Self::Text(value) => write_text(f, value),
            Self::List(items) => {
                f.write_char('[')?;
                for (at, item) in items.iter().enumerate() {
                    let comma = if at > 0 { "," } else { "" };
                    write!(f, "{comma}{item}")?;
                }
                f.write_char(']')
            }
            Self::Object(members) => {
                f.write_char('{')?;
                for (at, (name, value)) in members.iter().enumerate() {
                    let comma = if at > 0 { "," } else { "" };
                    write!(f, "{comma}\"{name}\":{value}")?;
                }
                f.write_char('}')
            }
        }
    }
}

/// More is escaped than RFC 8259 §7 asks for: what a terminal would act on, should the JSON end up
/// on one.
fn write_text(f: &mut fmt::Formatter<'_>, value: &str) -> fmt::Result {
    f.write_char('"')?;
    for c in value.chars() {
        match c {
            '"' => f.write_str("\\\"")?,
            '\\' => f.write_str("\\\\")?,
            '\n' => f.write_str("\\n")?,
            '\r' => f.write_str("\\r")?,
            '\t' => f.write_str("\\t")?,
            c if text::is_unsafe(c) => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    write!(f, "\\u{unit:04x}")?;
                }
            }
            c => f.write_char(c)?,
        }
    }
    f.write_char('"')
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
    fn check(value: impl Into<Json>, expected: &str) {
        assert_eq!(value.into().to_string(), expected);
    }

    #[test]
    fn values_become_text() {
        check(
            "a \"b\" \\ \n \u{1b}[0m \u{9b} \u{202e} ü",
            "\"a \\\"b\\\" \\\\ \\n \\u001b[0m \\u009b \\u202e ü\"",
        );
        check("\u{e0001}", "\"\\udb40\\udc01\"");
        check(None::<&str>, "null");
        check(Json::Ms(61.24), "61.2");
        check(
            Json::Object(vec![("a", Json::texts(["x", "y"])), ("b", true.into())]),
            "{\"a\":[\"x\",\"y\"],\"b\":true}",
        );
    }

    #[test]
    fn every_character_survives() {
        let all: String = ('\0'..=char::MAX).collect();
        let json = Json::Text(all.clone()).to_string();
        assert!(!json.chars().any(text::is_unsafe));
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), all);
    }

    fn any_json() -> impl Strategy<Value = Json> {
        let leaf = prop_oneof![
            Just(Json::Null),
            any::<bool>().prop_map(Json::Bool),
            any::<i64>().prop_map(Json::Int),
            any::<u32>().prop_map(|tenths| Json::Ms(f64::from(tenths) / 10.0)),
            any::<String>().prop_map(Json::Text),
        ];
        leaf.prop_recursive(3, 32, 4, |inner| {
            let member = (prop::sample::select(&["a", "b", "c"][..]), inner.clone());
            prop_oneof![
                prop::collection::vec(inner, 0..4).prop_map(Json::List),
                // A member's name stands there once.
                prop::collection::btree_map(member.0, member.1, 0..4)
                    .prop_map(|members| Json::Object(members.into_iter().collect())),
            ]
        })
    }

    /// The same value, as another library has it.
    fn theirs(json: &Json) -> serde_json::Value {
        match json {
            Json::Null => serde_json::Value::Null,
            Json::Bool(value) => (*value).into(),
            Json::Int(value) => (*value).into(),
            Json::Ms(value) => (*value).into(),
            Json::Text(value) => value.as_str().into(),
            Json::List(items) => items.iter().map(theirs).collect(),
            Json::Object(members) => {
                let member = |(name, value): &(&str, Json)| ((*name).to_owned(), theirs(value));
                members
                    .iter()
                    .map(member)
                    .collect::<serde_json::Map<_, _>>()
                    .into()
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_value_is_read_back_by_another_library(json in any_json()) {
            let shown = json.to_string();
            prop_assert!(!shown.chars().any(text::is_unsafe), "{}", shown);
            let read: serde_json::Value = serde_json::from_str(&shown).unwrap();
            prop_assert_eq!(read, theirs(&json));
        }
    }
}
