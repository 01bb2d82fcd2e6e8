//! The table of flags, and what was probably meant by one that is not in it. `args` reads them.

use std::ffi::OsStr;

use crate::config::{Key, UsageError, settings};
use crate::util::nearest;

/// What a flag does.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Does {
    /// Its value is the value of a key.
    Key(Key),
    /// Switches a key on.
    KeyOn(Key),
    Set,
    Json,
    Quiet,
    Verbose,
    Color,
    Help,
    Version,
    // `pub`
    File,
    Null,
    Stdin,
    Lines,
    Repeat,
    Interval,
    Rate,
    // `sub`
    Count,
    For,
    Retained,
    Topics,
    Raw,
    Hex,
    // both
    NoReconnect,
    GiveUp,
}

impl Does {
    /// The commands that the flag has a meaning for; empty: all.
    pub(crate) fn commands(self) -> &'static [&'static str] {
        match self {
            Self::File
            | Self::Null
            | Self::Stdin
            | Self::Lines
            | Self::Repeat
            | Self::Interval
            | Self::Rate => &["pub"],
            Self::Count | Self::For | Self::Retained | Self::Topics | Self::Raw | Self::Hex => {
                &["sub"]
            }
            Self::NoReconnect | Self::GiveUp => &["pub", "sub"],
            Self::Key(Key::Message) | Self::KeyOn(Key::Retain) => &["the check", "pub"],
            Self::Verbose => &["the check"],
            _ => &[],
        }
    }
}

pub(crate) struct Flag {
    /// Empty: there is no short form.
    short: &'static str,
    long: &'static str,
    pub(crate) does: Does,
}

/// One flag as it was found.
pub(crate) struct Found {
    pub(crate) flag: &'static Flag,
    pub(crate) name: &'static str,
    pub(crate) value: String,
}

const fn flag(short: &'static str, long: &'static str, does: Does) -> Flag {
    Flag { short, long, does }
}

pub(crate) const FLAGS: [Flag; 30] = [
    flag("", "--set", Does::Set),
    flag("-t", "--topic", Does::Key(Key::Topic)),
    flag("-m", "--message", Does::Key(Key::Message)),
    flag("-q", "--qos", Does::Key(Key::Qos)),
    flag("-i", "--client-id", Does::Key(Key::ClientId)),
    flag("-u", "--username", Does::Key(Key::Username)),
    flag("", "--timeout", Does::Key(Key::Timeout)),
    flag("", "--color", Does::Color),
    flag("-r", "--retain", Does::KeyOn(Key::Retain)),
    flag("", "--json", Does::Json),
    flag("", "--quiet", Does::Quiet),
    flag("", "--verbose", Does::Verbose),
    flag("-h", "--help", Does::Help),
    flag("-V", "--version", Does::Version),
    flag("-f", "--file", Does::File),
    flag("-n", "--null", Does::Null),
    flag("-s", "--stdin", Does::Stdin),
    flag("-l", "--lines", Does::Lines),
    flag("", "--repeat", Does::Repeat),
    flag("", "--interval", Does::Interval),
    flag("", "--rate", Does::Rate),
    flag("-C", "--count", Does::Count),
    flag("", "--for", Does::For),
    flag("", "--retained", Does::Retained),
    flag("-v", "--topics", Does::Topics),
    flag("", "--raw", Does::Raw),
    flag("", "--hex", Does::Hex),
    flag("", "--no-reconnect", Does::NoReconnect),
    flag("", "--give-up", Does::GiveUp),
    // What the British write.
    flag("", "--colour", Does::Color),
];

impl Flag {
    pub(crate) fn takes_value(&self) -> bool {
        matches!(
            self.does,
            Does::Key(_)
                | Does::Set
                | Does::Color
                | Does::File
                | Does::Repeat
                | Does::Interval
                | Does::Rate
                | Does::Count
                | Does::For
                | Does::Retained
                | Does::GiveUp
        )
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> {
        [self.short, self.long]
            .into_iter()
            .filter(|name| !name.is_empty())
    }
}

/// The flag that is called exactly so, and that name.
pub(crate) fn named(arg: &OsStr) -> Option<(&'static Flag, &'static str)> {
    FLAGS.iter().find_map(|flag| {
        let name = flag.names().find(|name| arg == *name)?;
        Some((flag, name))
    })
}

/// What to say of an argument that begins like a flag and is none.
pub(crate) fn unknown(arg: &str) -> UsageError {
    let given = first_part(arg);
    let name = given.trim_start_matches('-').to_ascii_lowercase();
    let plain = name.replace('-', "_");
    let key = settings::named(&plain);
    // `-Phunter2` too: what follows is not repeated.
    if arg.starts_with("-P") {
        let given = "-P".to_owned();
        return UsageError::PasswordFlag { given };
    }
    if key == Some(Key::Password) || (key.is_none() && settings::looks_secret(&plain)) {
        return UsageError::PasswordFlag { given };
    }
    if settings::switches_verification_off(&plain) {
        return UsageError::VerificationOff { given };
    }
    // `-thome` and `-q1`: the value of a short flag stands apart.
    let short = FLAGS.iter().find(|flag| {
        !flag.short.is_empty() && !arg.starts_with("--") && arg.starts_with(flag.short)
    });
    let longs: Vec<_> = FLAGS.iter().map(|flag| flag.long).collect();
    let nearest = match short {
        Some(flag) => Some(flag.short),
        None if key.is_some() => None,
        None => nearest(&format!("--{name}"), &longs),
    };
    UsageError::UnknownFlag {
        given,
        nearest,
        key,
    }
}

/// Without the value, which may be a secret.
pub(crate) fn first_part(arg: &str) -> String {
    arg.split('=').next().unwrap_or(arg).to_owned()
}
