//! Text and flags to settings: lines, keys, where each was written, and how much of it may be shown.
//! It knows which keys exist, not what their values mean.

use crate::config::error::{Problem, ProblemKind, Quoted};
use crate::config::types::{Key, KeyKind, Origin, Override, Source};
use crate::config::url;
use crate::util::nearest;

/// What other programs call our keys.
const FOREIGN: [(&str, Key); 22] = [
    ("hostname", Key::Host),
    ("broker", Key::Host),
    ("server", Key::Host),
    ("address", Key::Host),
    ("user", Key::Username),
    ("login", Key::Username),
    ("pass", Key::Password),
    ("passwd", Key::Password),
    ("pwd", Key::Password),
    ("pw", Key::Password),
    ("cafile", Key::CaFile),
    ("ca", Key::CaFile),
    ("ca_cert", Key::CaFile),
    ("cert", Key::CertFile),
    ("certfile", Key::CertFile),
    ("key", Key::KeyFile),
    ("keyfile", Key::KeyFile),
    ("clientid", Key::ClientId),
    ("id", Key::ClientId),
    ("keepalive", Key::KeepAlive),
    ("payload", Key::Message),
    ("fingerprint", Key::PinSha256),
];

/// Keys by which other programs switch verification off. There is no such key here.
const VERIFICATION_OFF: [&str; 9] = [
    "no_verify",
    "tls_insecure",
    "insecure",
    "tls_verify",
    "verify",
    "verify_tls",
    "ssl_verify",
    "skip_verify",
    "insecure_skip_verify",
];

/// No key has one of these in it: what follows it is rather a value, perhaps a secret.
const NOT_IN_KEYS: [char; 3] = [' ', '\t', ':'];

/// One known key with its value, as text.
pub(crate) struct Setting {
    pub(crate) key: Key,
    /// Behind the key, of one of many; else empty.
    pub(crate) name: String,
    pub(crate) value: String,
    pub(crate) quoted: Quoted,
    /// Lines by number, then flags in their order.
    pub(crate) order: usize,
}

/// All settings, and what is wrong with the lines that are not settings.
#[derive(Default)]
pub(crate) struct Settings {
    pub(crate) list: Vec<Setting>,
    pub(crate) problems: Vec<(usize, Problem)>,
}

impl Settings {
    pub(crate) fn gather(source: Source<'_>, overrides: &[Override]) -> Self {
        let mut settings = Self::default();
        let mut order = 0;
        match source {
            Source::File { path, text } => {
                // What stands between the two markers is part of one value, and may be a key.
                let mut pem = false;
                for (index, line) in lines(text).enumerate() {
                    order = index + 1;
                    if !pem {
                        settings.line(path, order, line);
                    }
                    pem = (pem || line.contains("-----BEGIN ")) && !line.contains("-----END ");
                }
            }
            Source::Url(text) => settings.url(text),
        }
        let flags = settings.list.len();
        for over in overrides {
            order += 1;
            settings.flag(over, order, flags);
        }
        settings
    }

    /// The last one, as flags override the file and come after it.
    pub(crate) fn get(&self, key: Key) -> Option<&Setting> {
        self.list.iter().rev().find(|setting| setting.key == key)
    }

    fn url(&mut self, text: &str) {
        let quoted = Quoted {
            origin: Origin::Url,
            shown: url::redact(text),
        };
        match url::parts(text) {
            Err(error) => self.problem(0, quoted.origin, quoted.shown, ProblemKind::Url(error)),
            Ok(parts) => self
                .list
                .extend(parts.into_iter().map(|(key, value)| Setting {
                    key,
                    name: String::new(),
                    value,
                    quoted: quoted.clone(),
                    order: 0,
                })),
        }
    }

    fn line(&mut self, path: &str, number: usize, line: &str) {
        let line = line.trim_matches([' ', '\t']);
        if line.is_empty() || line.starts_with('#') {
            return;
        }
        let origin = Origin::Line {
            path: path.to_owned(),
            line: number,
        };
        let (key, value) = match line.split_once('=') {
            Some((key, value)) => (key.trim_end_matches([' ', '\t']), value),
            None => (line, ""),
        };
        if key.contains(NOT_IN_KEYS) || !line.contains('=') {
            // `password: hunter2`: all but the first word may be a secret.
            let shown = first_word(line);
            self.problem(number, origin, shown, ProblemKind::NoEquals);
            return;
        }
        let value = value.trim_start_matches([' ', '\t']);
        let shown = if looks_secret(key) {
            first_word(key)
        } else {
            shown(key, " = ", value)
        };
        self.add(key, value, Quoted { origin, shown }, number, 0);
    }

    fn flag(&mut self, over: &Override, order: usize, from: usize) {
        // Verbatim, but for `--set 'key = value'`: that is a line of the file, and is read as one.
        let blank = [' ', '\t'];
        let key = over.key.trim_matches(blank);
        let line = key.len() < over.key.len();
        let value = over.value.as_str();
        let value = if line {
            value.trim_matches(blank)
        } else {
            value
        };
        let Origin::Flag(flag) = &over.origin else {
            return;
        };
        let shown = match (flag.as_str(), looks_secret(key)) {
            ("-r" | "--retain", _) => flag.clone(),
            ("--set", true) => format!("--set {}", first_word(key)),
            ("--set", false) => format!("--set {}", shown(key, "=", value)),
            ("--user-property", secret) => {
                let name = key.split_once('.').map_or(key, |(_, name)| name);
                let value = if secret { "…" } else { value };
                format!("{flag} {}", without_secrets("", &format!("{name}={value}")))
            }
            _ => format!("{flag} {}", without_secrets("", value)),
        };
        let origin = over.origin.clone();
        if key.contains(NOT_IN_KEYS) && flag == "--set" {
            let shown = format!("{flag} {}", first_word(key));
            self.problem(order, origin, shown, ProblemKind::NoEquals);
            return;
        }
        self.add(key, value, Quoted { origin, shown }, order, from);
    }

    /// `from`: where in the list the settings of the same source begin, which may set a key only
    /// once.
    fn add(&mut self, given: &str, value: &str, quoted: Quoted, order: usize, from: usize) {
        let Quoted { origin, shown } = quoted.clone();
        let (key, name) = match one_of_many(given) {
            Some((key, name)) => (Some(key), name),
            None => (Key::named(given), ""),
        };
        let Some(key) = key else {
            let kind = unknown(given);
            self.problem(order, origin, shown, kind);
            return;
        };
        if key.is(KeyKind::Named) && name.is_empty() {
            self.problem(order, origin, shown, ProblemKind::Nameless { key });
            return;
        }
        let same = |setting: &&Setting| setting.key == key && setting.name == name;
        let first = self.list[from..].iter().find(same);
        if let Some(first) = first {
            let first = first.quoted.clone();
            self.problem(order, origin, shown, ProblemKind::Duplicate { key, first });
            return;
        }
        self.list.push(Setting {
            key,
            name: name.to_owned(),
            value: value.to_owned(),
            quoted,
            order,
        });
    }

    /// All of a key of many, in their order; of those with the same name the last, as for other keys.
    pub(crate) fn all(&self, key: Key) -> Vec<&Setting> {
        let mut all: Vec<&Setting> = Vec::new();
        for setting in self.list.iter().filter(|setting| setting.key == key) {
            all.retain(|before| before.name != setting.name);
            all.push(setting);
        }
        all
    }

    pub(crate) fn problem(
        &mut self,
        order: usize,
        origin: Origin,
        shown: String,
        kind: ProblemKind,
    ) {
        self.problems.push((
            order,
            Problem {
                origin,
                shown,
                kind,
            },
        ));
    }
}

/// `key.NAME`, of a key that stands for many.
fn one_of_many(given: &str) -> Option<(Key, &str)> {
    let (key, name) = given.split_once('.')?;
    let key = Key::named(key).filter(|key| key.is(KeyKind::Named))?;
    Some((key, name))
}

/// Lines without their ends, and the first one without a byte order mark.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    text.split('\n')
        .map(|line| line.strip_suffix('\r').unwrap_or(line))
}

fn unknown(given: &str) -> ProblemKind {
    let plain = given.to_ascii_lowercase().replace('-', "_");
    if given.is_empty() {
        return ProblemKind::NoKey;
    }
    let given = first_word(given);
    if switches_verification_off(&plain) {
        return ProblemKind::VerificationOff { given };
    }
    let nearest = known_as(&plain);
    ProblemKind::UnknownKey { given, nearest }
}

/// The key that was probably meant by `plain`, which is in lower case and has no dashes.
fn known_as(plain: &str) -> Option<Key> {
    let meant = || nearest(plain, &Key::ALL.map(Key::name));
    named(plain).or_else(|| Key::named(meant()?))
}

/// The key that `plain` is, here or in another program.
pub(crate) fn named(plain: &str) -> Option<Key> {
    let foreign = || FOREIGN.iter().find(|(name, _)| *name == plain);
    Key::named(plain).or_else(|| foreign().map(|(_, key)| *key))
}

pub(crate) fn switches_verification_off(plain: &str) -> bool {
    VERIFICATION_OFF.contains(&plain)
}

/// Whether a value under this key must not be shown: it is a secret, or probably meant to be one.
pub(crate) fn looks_secret(key: &str) -> bool {
    let plain = key.to_ascii_lowercase().replace('-', "_");
    if let Some(key) = Key::named(&plain) {
        return key.is(KeyKind::Secret);
    }
    let parts = ["pass", "pw", "psw", "secret", "token", "credential"];
    parts.iter().any(|part| plain.contains(part)) || nearest(&plain, &["password"]).is_some()
}

/// What stands before the first space, `=` or `:`. A long word is not shown: it may be a line of a key
/// that was pasted in.
fn first_word(text: &str) -> String {
    let end = text.find([' ', '\t', '=', ':']).unwrap_or(text.len());
    let word = &text[..end];
    if word.chars().count() <= 32 {
        word.to_owned()
    } else {
        "…".to_owned()
    }
}

/// `key = value` without any secret in the value, for keys that are not secret themselves.
fn shown(key: &str, equals: &str, value: &str) -> String {
    let word = if key.len() > 32 {
        first_word(key)
    } else {
        key.to_owned()
    };
    format!("{word}{equals}{}", without_secrets(key, value))
}

fn without_secrets(key: &str, value: &str) -> String {
    let known = Key::named(key).is_some() || key.is_empty();
    if value.contains("-----BEGIN") || (!known && key.len() > 32) {
        return "…".to_owned();
    }
    let named = matches!(Key::named(key), Some(Key::Host | Key::ServerName));
    let value = if named || value.contains("://") {
        url::redact(value)
    } else {
        value.to_owned()
    };
    if value.chars().count() <= 200 {
        return value;
    }
    value.chars().take(200).chain(['…']).collect()
}

#[cfg(test)]
#[path = "settings_tests.rs"]
mod tests;
