//! Reads one setting after another, and keeps what is wrong with each at its place. The rules
//! between keys are `parse`'s.

use std::path::{Path, PathBuf};

use crate::config::error::{LikelyCause, Problem, ProblemKind, Quoted, TopicError, ValueError};
use crate::config::settings::{Setting, Settings};
use crate::config::types::{Ambient, Origin};
use crate::config::values;

/// Reads values one by one and keeps what is wrong with them.
pub(crate) struct Reader<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) ambient: &'a Ambient,
    /// The config file's own, to which its paths are relative.
    pub(crate) folder: &'a Path,
    /// With the order of the setting each belongs to.
    pub(crate) problems: Vec<(usize, Problem)>,
}

impl Reader<'_> {
    /// The value of `key` if it is set and right; what is wrong with it is kept.
    pub(crate) fn read<T>(
        &mut self,
        key: &'static str,
        value: impl FnOnce(&str) -> Result<T, ValueError>,
    ) -> Option<T> {
        let settings = self.settings;
        let setting = settings.get(key)?;
        let text = setting.value.as_str();
        let kind = if text.is_empty() && !MAY_BE_EMPTY.contains(&key) {
            ProblemKind::Empty { key }
        } else if is_placeholder(key, text) {
            ProblemKind::Placeholder { key }
        } else {
            match value(text) {
                Ok(value) => return Some(value),
                Err(flaw) => ProblemKind::BadValue {
                    key,
                    flaw,
                    slip: slip(key, text),
                },
            }
        };
        self.wrong(setting, kind);
        None
    }

    pub(crate) fn wrong(&mut self, setting: &Setting, kind: ProblemKind) {
        let Quoted { origin, shown } = setting.quoted.clone();
        self.problems.push((
            setting.order,
            Problem {
                origin,
                shown,
                kind,
            },
        ));
    }

    /// A rule between keys is broken; it is told where `key` stands, if it stands anywhere.
    pub(crate) fn wrong_at(&mut self, key: &str, kind: ProblemKind) {
        let settings = self.settings;
        if let Some(setting) = settings.get(key) {
            self.wrong(setting, kind);
        }
    }

    pub(crate) fn quoted(&self, key: &str) -> Quoted {
        self.settings.get(key).map_or(
            Quoted {
                origin: Origin::Default,
                shown: String::new(),
            },
            |setting| setting.quoted.clone(),
        )
    }

    pub(crate) fn is_set(&self, key: &str) -> bool {
        self.settings.get(key).is_some()
    }

    /// Relative to the config file's own folder; a flag's to the current one.
    pub(crate) fn path(&mut self, key: &'static str) -> Option<PathBuf> {
        let ambient = self.ambient;
        let folder = match self.settings.get(key)?.quoted.origin {
            Origin::Line { .. } => self.folder,
            _ => Path::new(""),
        };
        let folder = folder.to_owned();
        self.read(key, |value| {
            if value.contains("-----BEGIN") {
                return Err(ValueError::PastedPem);
            }
            if value.contains('\0') {
                return Err(ValueError::Nul);
            }
            match value.strip_prefix("~/") {
                Some(rest) => Ok(ambient.home.as_ref().ok_or(ValueError::NoHome)?.join(rest)),
                None => Ok(folder.join(value)),
            }
        })
    }

    pub(crate) fn topic(&mut self, key: &'static str, default: &str, names: &Names<'_>) -> String {
        if !self.is_set(key) {
            let topic = names.fill(default);
            if let Err(why) = values::topic(&topic) {
                // Only the client id can have brought it in.
                let flaw = ValueError::Topic(TopicError {
                    why,
                    from: Some("client_id"),
                });
                let slip = None;
                self.wrong_at("client_id", ProblemKind::BadValue { key, flaw, slip });
            }
            return topic;
        }
        let filled = self.read(key, |value| {
            let flaw = |why, from| ValueError::Topic(TopicError { why, from });
            values::topic(value).map_err(|why| flaw(why, None))?;
            let topic = names.fill(value);
            values::topic(&topic).map_err(|why| flaw(why, Some("client_id")))?;
            Ok(topic)
        });
        filled.unwrap_or_default()
    }
}

/// Keys whose empty value says something of its own.
const MAY_BE_EMPTY: [&str; 3] = ["client_id", "message", "will_message"];

/// What `{…}` in a topic stands for.
pub(crate) struct Names<'a> {
    pub(crate) client_id: &'a str,
    pub(crate) host: &'a str,
    pub(crate) pid: u32,
}

impl Names<'_> {
    /// In one pass: a value that holds `{pid}` itself is not looked at again.
    fn fill(&self, topic: &str) -> String {
        let mut filled = String::with_capacity(topic.len());
        let mut rest = topic;
        while let Some(at) = rest.find('{') {
            filled.push_str(&rest[..at]);
            rest = &rest[at..];
            let pid = self.pid.to_string();
            let known = [
                ("{client_id}", self.client_id),
                ("{host}", self.host),
                ("{pid}", &pid),
            ];
            match known.iter().find(|(name, _)| rest.starts_with(name)) {
                Some((name, value)) => {
                    filled.push_str(value);
                    rest = &rest[name.len()..];
                }
                None => {
                    filled.push('{');
                    rest = &rest[1..];
                }
            }
        }
        filled + rest
    }
}

/// What the shipped files hold where the user's own value belongs. A payload is never one, nor is
/// a password that merely contains the word.
fn is_placeholder(key: &str, value: &str) -> bool {
    match key {
        "message" | "will_message" => false,
        "password" => value.starts_with("YOUR-"),
        _ => value.contains("YOUR-"),
    }
}

/// Only where the value's own text may be looked at and no blank could be meant.
fn slip(key: &str, value: &str) -> Option<LikelyCause> {
    let quoted = |quote| value.len() > 1 && value.starts_with(quote) && value.ends_with(quote);
    if key == "password" {
        None
    } else if quoted('"') || quoted('\'') {
        Some(LikelyCause::Quoted)
    } else if value.contains(" #") || value.contains("\t#") {
        Some(LikelyCause::Comment)
    } else {
        None
    }
}

#[cfg(test)]
#[path = "reader_tests.rs"]
mod tests;
