//! argv to an [`Invocation`], or what is wrong with it; the only caller of pico-args. It opens
//! nothing and prints nothing.
//!
//! pico-args takes a mistyped flag for a file name, and a flag for the value of the one before it;
//! both are looked for here. Its `eq-separator` feature is left out because it strips quotes from
//! values, and `-m '"on"'` is a message of four bytes.

use std::ffi::{OsStr, OsString};

use crate::cli::flags::{CommandName, Does, FLAGS, Found};
use crate::cli::{flags, help, options};
use crate::config::{Key, Origin, Override, PROVIDERS, UsageError, settings, url};
use crate::stream::options::{PubOptions, SubOptions};
use crate::util::nearest;

/// What was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Invocation {
    pub(crate) command: Command,
    pub(crate) output: Output,
}

#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Command {
    Check {
        /// A path or a URL, which may hold a password: show `Config.target` instead.
        target: String,
        overrides: Vec<Override>,
    },
    Pub {
        target: String,
        overrides: Vec<Override>,
        options: PubOptions,
    },
    Sub {
        target: String,
        overrides: Vec<Override>,
        options: SubOptions,
    },
    /// `provider` is one that `config::templates` knows.
    New {
        provider: &'static str,
    },
    /// `None`: every code.
    Explain {
        code: Option<String>,
    },
    /// The text to print.
    Help(String),
    Version,
}

impl std::fmt::Debug for Command {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Check { overrides, .. } => write!(f, "Check(…, {overrides:?})"),
            Self::Pub { options, .. } => write!(f, "Pub(…, {options:?})"),
            Self::Sub { options, .. } => write!(f, "Sub(…, {options:?})"),
            Self::New { provider } => write!(f, "New({provider})"),
            Self::Explain { code } => write!(f, "Explain({code:?})"),
            Self::Help(_) => f.write_str("Help"),
            Self::Version => f.write_str("Version"),
        }
    }
}

/// How results are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Output {
    pub(crate) json: bool,
    pub(crate) quiet: bool,
    pub(crate) verbose: bool,
    pub(crate) color: ColorChoice,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum ColorChoice {
    #[default]
    Auto,
    Always,
    Never,
}

/// The words that are commands; anything else is a CONFIG.
const COMMANDS: [&str; 5] = ["pub", "sub", "new", "explain", "help"];

/// Whether even an error of the command line itself must be printed as JSON.
pub(crate) fn wants_json(argv: &[OsString]) -> bool {
    argv.iter().any(|arg| arg == "--json")
}

/// Reads the arguments, without the program's own name.
///
/// # Errors
/// The first thing that is wrong with them.
pub(crate) fn parse(argv: Vec<OsString>) -> Result<Invocation, UsageError> {
    let (found, free) = take_apart(argv)?;
    let has = |does| found.iter().any(|found| found.flag.does == does);
    let output = output(&found)?;
    let command = if has(Does::Help) {
        // `pub --help` and `help pub --help`.
        let named = free.iter().map(String::as_str).find(|word| *word != "help");
        Command::Help(help::text(CommandName::of(named)))
    } else if has(Does::Version) {
        Command::Version
    } else {
        command(free, &found).map_err(|error| without_secrets(error, &found))?
    };
    Ok(Invocation { command, output })
}

/// `--set password=my secret` without quotes leaves a piece of the password as an argument.
fn without_secrets(error: UsageError, found: &[Found]) -> UsageError {
    let secret = |found: &Found| {
        let key = found.value.split('=').next().unwrap_or_default();
        found.flag.does == Does::Set && settings::looks_secret(key)
    };
    let hidden = || "…".to_owned();
    match error {
        UsageError::Leftover { .. } if found.iter().any(secret) => {
            UsageError::Leftover { given: hidden() }
        }
        UsageError::Leftover { given } => UsageError::Leftover {
            given: url::redact(&given),
        },
        UsageError::UnknownCommand { nearest, .. } if found.iter().any(secret) => {
            let given = hidden();
            UsageError::UnknownCommand { given, nearest }
        }
        UsageError::UnknownFlag { nearest, key, .. } if found.iter().any(secret) => {
            let given = hidden();
            UsageError::UnknownFlag {
                given,
                nearest,
                key,
            }
        }
        error => error,
    }
}

/// By its first free argument. A config file that is called `new` can be given as `./new`.
fn command(free: Vec<String>, found: &[Found]) -> Result<Command, UsageError> {
    let mut free = free.into_iter();
    let first = free.next();
    let name = CommandName::of(first.as_deref());
    let overrides = overrides(name, found)?;
    options::only_for(name, found)?;
    let command = match first.as_deref() {
        None => return Err(UsageError::MissingConfig { beside: vec![] }),
        Some("help") => {
            let name = CommandName::of(free.next().as_deref());
            return Ok(Command::Help(help::text(name)));
        }
        Some("new") => {
            let given = free.next().ok_or(UsageError::MissingProvider)?;
            let known = PROVIDERS.into_iter().find(|name| *name == given);
            let provider = known.ok_or_else(|| {
                let nearest = nearest(&given, &PROVIDERS);
                UsageError::UnknownProvider { given, nearest }
            })?;
            Command::New { provider }
        }
        Some("pub") => {
            let target = free
                .next()
                .ok_or(UsageError::MissingConfig { beside: vec![] })?;
            let options = options::for_pub(found)?;
            Command::Pub {
                target,
                overrides,
                options,
            }
        }
        Some("sub") => {
            let target = free
                .next()
                .ok_or(UsageError::MissingConfig { beside: vec![] })?;
            let options = options::for_sub(found)?;
            Command::Sub {
                target,
                overrides,
                options,
            }
        }
        Some("explain") => {
            let code = free.next();
            Command::Explain { code }
        }
        Some(target) => {
            // `nwe hivemq`: two free arguments, and the first is no path.
            let word = target.bytes().all(|b| b.is_ascii_lowercase());
            if word && free.len() > 0 {
                let given = target.to_owned();
                let nearest = nearest(&given, &COMMANDS);
                return Err(UsageError::UnknownCommand { given, nearest });
            }
            let target = target.to_owned();
            Command::Check { target, overrides }
        }
    };
    match free.next() {
        Some(given) => Err(UsageError::Leftover { given }),
        None => Ok(command),
    }
}

fn output(found: &[Found]) -> Result<Output, UsageError> {
    let has = |does| found.iter().any(|found| found.flag.does == does);
    let mut output = Output {
        json: has(Does::Json),
        quiet: has(Does::Quiet),
        verbose: has(Does::Verbose),
        color: ColorChoice::Auto,
    };
    if output.quiet && output.verbose {
        let (flag, other) = ("--quiet", "--verbose");
        return Err(UsageError::Conflict { flag, other });
    }
    let mut colors = found.iter().filter(|found| found.flag.does == Does::Color);
    if let Some(color) = colors.next() {
        output.color = match color.value.as_str() {
            "auto" => ColorChoice::Auto,
            "always" => ColorChoice::Always,
            "never" => ColorChoice::Never,
            given => {
                let given = given.to_owned();
                return Err(UsageError::BadColor { given });
            }
        };
    }
    match colors.next() {
        Some(again) => Err(UsageError::Repeated { flag: again.name }),
        None => Ok(output),
    }
}

fn overrides(command: CommandName, found: &[Found]) -> Result<Vec<Override>, UsageError> {
    let mut overrides = Vec::new();
    for Found { flag, name, value } in found {
        let (key, value) = match flag.does {
            // Its topics are filters, and more than one is fine.
            Does::Key(Key::Topic) if command == CommandName::Sub => continue,
            Does::Key(key) => (key.name(), value.as_str()),
            Does::KeyOn(key) => (key.name(), "on"),
            Does::Set => value.split_once('=').ok_or_else(|| {
                // `--set password hunter2` in quotes: what follows the space may be secret.
                let given = value.split([' ', '\t', ':']).next().unwrap_or_default();
                let given = given.to_owned();
                UsageError::SetWithoutEquals { given }
            })?,
            _ => continue,
        };
        overrides.push(Override {
            origin: Origin::Flag((*name).to_owned()),
            key: key.to_owned(),
            value: value.to_owned(),
        });
    }
    Ok(overrides)
}

/// All flags with their values, in the order of the table, and what is left over.
fn take_apart(argv: Vec<OsString>) -> Result<(Vec<Found>, Vec<String>), UsageError> {
    no_flag_for_a_value(&argv)?;
    let mut found = Vec::new();
    let mut rest = Vec::new();
    for arg in argv {
        match joined(&arg)? {
            Some(flag) => found.push(flag),
            None => rest.push(arg),
        }
    }
    let mut args = pico_args::Arguments::from_vec(rest);
    for flag in FLAGS {
        for name in flag.names() {
            if flag.takes_value() {
                let own = |value: &OsStr| Ok::<_, String>(value.to_owned());
                let values = args.values_from_os_str(name, own);
                let values = values.map_err(|_| UsageError::MissingValue {
                    flag: name,
                    instead: None,
                })?;
                for value in values {
                    let value = text(value)?;
                    found.push(Found { flag, name, value });
                }
            } else {
                while args.contains(name) {
                    let value = String::new();
                    found.push(Found { flag, name, value });
                }
            }
        }
    }
    let mut free = Vec::new();
    for arg in args.finish() {
        let arg = text(arg)?;
        if arg.starts_with('-') {
            return Err(without_secrets(flags::unknown(&arg), &found));
        }
        // The text of a key, where the name of its file was meant.
        if arg.contains("-----BEGIN ") {
            let given = "…".to_owned();
            return Err(UsageError::Leftover { given });
        }
        free.push(arg);
    }
    Ok((found, free))
}

/// `-m -q 1`: pico-args would publish `-q`. Who means it can write `--message=-q`.
fn no_flag_for_a_value(argv: &[OsString]) -> Result<(), UsageError> {
    for pair in argv.windows(2) {
        let [first, second] = pair else { continue };
        let Some((flag, name)) = flags::named(first) else {
            continue;
        };
        let joined = || {
            second
                .to_str()?
                .split_once('=')
                .map(|(name, _)| OsString::from(name))
        };
        let is_flag = flags::named(second).is_some()
            || joined().is_some_and(|name| flags::named(&name).is_some());
        if flag.takes_value() && is_flag {
            return Err(UsageError::MissingValue {
                flag: name,
                instead: Some(flags::first_part(&second.to_string_lossy())),
            });
        }
    }
    Ok(())
}

/// `--flag=value` in one argument.
fn joined(arg: &OsStr) -> Result<Option<Found>, UsageError> {
    let lossy = arg.to_string_lossy();
    let Some((name, _)) = lossy.split_once('=') else {
        return Ok(None);
    };
    let Some((flag, name)) = flags::named(OsStr::new(name)) else {
        return Ok(None);
    };
    if !flag.takes_value() {
        return Err(UsageError::UnexpectedValue { flag: name });
    }
    let whole = text(arg.to_owned())?;
    let value = whole[name.len() + 1..].to_owned();
    Ok(Some(Found { flag, name, value }))
}

fn text(arg: OsString) -> Result<String, UsageError> {
    arg.into_string().map_err(|arg| UsageError::NotUtf8 {
        shown: flags::first_part(&arg.to_string_lossy()),
    })
}

#[cfg(test)]
#[path = "args_tests.rs"]
mod tests;
