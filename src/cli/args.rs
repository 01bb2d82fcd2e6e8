//! argv to an [`Invocation`], or what is wrong with it. It opens nothing and prints nothing.
//!
//! No library of arguments is used: a mistyped flag must not become a file name, nor a flag the value
//! of the one before it, and values are taken verbatim.

use std::ffi::OsString;

use crate::cli::flags::{CommandName, Does, Flag, Found};
use crate::cli::{flags, foreign, help, options};
use crate::config::{Key, Origin, Override, PROVIDERS, UsageError, settings, url};
use crate::stream::options::{PubOptions, RequestOptions, SubOptions};
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
    Request {
        target: String,
        overrides: Vec<Override>,
        options: RequestOptions,
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

impl Command {
    pub(crate) fn name(&self) -> CommandName {
        match self {
            Self::Pub { .. } => CommandName::Pub,
            Self::Sub { .. } => CommandName::Sub,
            Self::Request { .. } => CommandName::Request,
            Self::New { .. } => CommandName::New,
            Self::Explain { .. } => CommandName::Explain,
            Self::Check { .. } | Self::Help(_) | Self::Version => CommandName::Check,
        }
    }
}

impl std::fmt::Debug for Command {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Check { overrides, .. } => write!(f, "Check(…, {overrides:?})"),
            Self::Pub { options, .. } => write!(f, "Pub(…, {options:?})"),
            Self::Sub { options, .. } => write!(f, "Sub(…, {options:?})"),
            Self::Request { options, .. } => write!(f, "Request(…, {options:?})"),
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
pub(crate) const COMMANDS: [&str; 6] = ["pub", "sub", "request", "new", "explain", "help"];

/// Whether even an error of the command line itself must be printed as JSON.
pub(crate) fn wants_json(argv: &[OsString]) -> bool {
    argv.iter().any(|arg| arg == "--json")
}

/// The command that arguments which are not understood were meant for.
pub(crate) fn command_name(argv: &[OsString]) -> CommandName {
    let words = argv.iter().filter_map(|arg| arg.to_str());
    let first = words.into_iter().find(|word| !word.starts_with('-'));
    CommandName::of(first)
}

/// Reads the arguments, without the program's own name.
///
/// # Errors
/// The first thing that is wrong with them.
pub(crate) fn parse(argv: Vec<OsString>) -> Result<Invocation, UsageError> {
    let (found, free) = take_apart(argv)?;
    let output = output(&found)?;
    let asked = |found: &&Found| matches!(found.flag.does, Does::Help | Does::Version);
    let command = match found.iter().find(asked) {
        Some(asked) => {
            let words: Vec<_> = free.iter().map(String::as_str).collect();
            match (asked.flag.does, words.as_slice()) {
                _ if found.len() > 1 => return Err(stands_alone(asked.name)),
                (Does::Version, []) => Command::Version,
                // `pub --help`, and `help pub --help`.
                (Does::Help, [] | [_] | ["help", _])
                    if words.iter().all(|word| COMMANDS.contains(word)) =>
                {
                    let named = words.last().copied();
                    Command::Help(help::text(CommandName::of(named)))
                }
                _ => return Err(stands_alone(asked.name)),
            }
        }
        None => command(free, &found).map_err(|error| without_secrets(error, &found))?,
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
                // `aws-iot`, `HiveMQ`.
                let low = given.to_ascii_lowercase();
                let within = PROVIDERS.into_iter().find(|name| low.contains(name));
                let nearest = within.or_else(|| nearest(&low, &PROVIDERS));
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
        Some("request") => {
            let target = free
                .next()
                .ok_or(UsageError::MissingConfig { beside: vec![] })?;
            let options = options::for_request(found)?;
            Command::Request {
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
            let meant = meant(target);
            if meant.is_some() || (word && free.len() > 0) {
                let given = target.to_owned();
                let nearest = meant.unwrap_or_else(|| nearest(&given, &COMMANDS));
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

/// The command that goes by this name elsewhere; `Some(None)`: the check, which has no name.
fn meant(word: &str) -> Option<Option<&'static str>> {
    match word {
        "subscribe" | "listen" => Some(Some("sub")),
        "publish" | "send" => Some(Some("pub")),
        "rr" | "req" => Some(Some("request")),
        "check" | "test" | "connect" => Some(None),
        _ => None,
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
            Does::Key(key) => (key.name().to_owned(), value.as_str()),
            Does::KeyOn(key) => (key.name().to_owned(), "on"),
            Does::KeyNamed(key) => {
                let without = UsageError::PropertyWithoutEquals { flag: name };
                let (of, value) = value.split_once('=').ok_or(without)?;
                (format!("{key}.{of}"), value)
            }
            Does::Set => value
                .split_once('=')
                .ok_or_else(|| {
                    // `--set password hunter2` in quotes: what follows the space may be secret.
                    let given = value.split([' ', '\t', ':']).next().unwrap_or_default();
                    let given = given.to_owned();
                    UsageError::SetWithoutEquals { given }
                })
                .map(|(key, value)| (key.to_owned(), value))?,
            _ => continue,
        };
        overrides.push(Override {
            origin: Origin::Flag((*name).to_owned()),
            key,
            value: value.to_owned(),
        });
    }
    Ok(overrides)
}

/// All flags with their values, and what is left over, both in their order. As getopt(3) has it: the
/// value of a short flag may be joined to it, short flags without a value to one another, and `--`
/// ends the flags.
fn take_apart(argv: Vec<OsString>) -> Result<(Vec<Found>, Vec<String>), UsageError> {
    let mut found = Vec::new();
    let mut free = Vec::new();
    let command = command_name(&argv);
    let mut argv = argv.into_iter();
    while let Some(arg) = argv.next() {
        let arg = text(arg)?;
        if arg == "--" {
            for arg in argv {
                free.push(text(arg)?);
            }
            break;
        }
        if arg.starts_with("--") {
            long(&arg, command, &mut argv, &mut found)?;
        } else if arg.len() > 1 && arg.starts_with('-') {
            short(&arg, command, &mut argv, &mut found)?;
        } else {
            free.push(arg);
        }
    }
    // The text of a key, where the name of its file was meant.
    if free.iter().any(|arg| arg.contains("-----BEGIN ")) {
        let given = "…".to_owned();
        return Err(UsageError::Leftover { given });
    }
    Ok((found, free))
}

/// `--flag`, `--flag value` or `--flag=value`.
fn long(
    arg: &str,
    command: CommandName,
    rest: &mut impl Iterator<Item = OsString>,
    found: &mut Vec<Found>,
) -> Result<(), UsageError> {
    let (name, joined) = match arg.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (arg, None),
    };
    let Some((flag, name)) = flags::named(name) else {
        return Err(without_secrets(flags::unknown(arg, command), found));
    };
    let value = match (flag.takes_value(), joined) {
        (false, None) => String::new(),
        (false, Some(_)) => return Err(UsageError::UnexpectedValue { flag: name }),
        (true, Some(value)) => value.to_owned(),
        (true, None) => next_value(flag, name, rest)?,
    };
    found.push(Found { flag, name, value });
    Ok(())
}

/// `-f`, `-f value`, `-fvalue`, or several without a value in one.
fn short(
    arg: &str,
    command: CommandName,
    rest: &mut impl Iterator<Item = OsString>,
    found: &mut Vec<Found>,
) -> Result<(), UsageError> {
    if flags::is_long(&arg[1..]) {
        return Err(without_secrets(flags::unknown(arg, command), found));
    }
    for (at, letter) in arg.char_indices().skip(1) {
        let Some((flag, name)) = flags::named(&format!("-{letter}")) else {
            let unknown = flags::unknown(&format!("-{}", &arg[at..]), command);
            return Err(without_secrets(unknown, found));
        };
        let joined = &arg[at + letter.len_utf8()..];
        if !flag.takes_value() {
            if matches!(flag.does, Does::Help | Does::Version) && arg.len() > 2 {
                return Err(stands_alone(name));
            }
            let value = String::new();
            found.push(Found { flag, name, value });
            continue;
        }
        let value = match joined {
            "" => next_value(flag, name, rest)?,
            joined => joined.to_owned(),
        };
        found.push(Found { flag, name, value });
        break;
    }
    Ok(())
}

/// Not another flag: `-m -q 1` would publish `-q`. Who means it can join it, `-m-q`.
fn next_value(
    flag: &Flag,
    name: &'static str,
    rest: &mut impl Iterator<Item = OsString>,
) -> Result<String, UsageError> {
    let value = rest.next().map(text).transpose()?;
    let is_flag = |value: &String| flags::named(value.split('=').next().unwrap_or(value)).is_some();
    match value {
        Some(value) if !is_flag(&value) => Ok(value),
        instead => Err(UsageError::MissingValue {
            flag: name,
            form: flag.value,
            instead: instead.map(|instead| flags::first_part(&instead)),
        }),
    }
}

/// `-h` and `-V` beside something else are meant as another program has them.
fn stands_alone(flag: &'static str) -> UsageError {
    match foreign::instead_of(flag) {
        Some(instead) => UsageError::ForeignFlag {
            given: flag.to_owned(),
            instead,
        },
        None => UsageError::StandsAlone { flag },
    }
}

fn text(arg: OsString) -> Result<String, UsageError> {
    arg.into_string().map_err(|arg| UsageError::NotUtf8 {
        shown: flags::first_part(&arg.to_string_lossy()),
    })
}

#[cfg(test)]
#[path = "args_tests.rs"]
mod tests;
