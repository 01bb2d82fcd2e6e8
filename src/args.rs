//! argv to an [`Invocation`], or what is wrong with it; the only caller of pico-args. It opens
//! nothing and prints nothing.
//!
//! pico-args takes a mistyped flag for a file name, and a flag for the value of the one before it;
//! both are looked for here. Its `eq-separator` feature is left out because it strips quotes from
//! values, and `-m '"on"'` is a message of four bytes.

use std::ffi::{OsStr, OsString};

use crate::config::{Override, Place};
use crate::nearest::nearest;
use crate::problem::UsageFault;
use crate::shipped::PROVIDERS;

pub use crate::help::HELP;

/// What was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invocation {
    pub command: Command,
    pub output: Output,
}

#[derive(Clone, PartialEq, Eq)]
pub enum Command {
    Check {
        /// A path or a URL, which may hold a password: show `Config.target` instead.
        target: String,
        overrides: Vec<Override>,
    },
    /// `provider` is one that `shipped` knows.
    New {
        provider: &'static str,
    },
    Help,
    Version,
}

impl std::fmt::Debug for Command {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Check { overrides, .. } => write!(f, "Check(…, {overrides:?})"),
            Self::New { provider } => write!(f, "New({provider})"),
            Self::Help => f.write_str("Help"),
            Self::Version => f.write_str("Version"),
        }
    }
}

/// How results are told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Output {
    pub json: bool,
    pub quiet: bool,
    pub verbose: bool,
    pub color: ColorChoice,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ColorChoice {
    #[default]
    Auto,
    Always,
    Never,
}

/// What a flag does.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Does {
    /// Its value is the value of a key.
    Key(&'static str),
    /// Switches a key on.
    KeyOn(&'static str),
    Set,
    Json,
    Quiet,
    Verbose,
    Color,
    Help,
    Version,
}

struct Flag {
    /// Empty: there is no short form.
    short: &'static str,
    long: &'static str,
    does: Does,
}

const fn flag(short: &'static str, long: &'static str, does: Does) -> Flag {
    Flag { short, long, does }
}

const FLAGS: [Flag; 15] = [
    flag("", "--set", Does::Set),
    flag("-t", "--topic", Does::Key("topic")),
    flag("-m", "--message", Does::Key("message")),
    flag("-q", "--qos", Does::Key("qos")),
    flag("-i", "--client-id", Does::Key("client_id")),
    flag("-u", "--username", Does::Key("username")),
    flag("", "--timeout", Does::Key("timeout")),
    flag("", "--color", Does::Color),
    flag("-r", "--retain", Does::KeyOn("retain")),
    flag("", "--json", Does::Json),
    flag("", "--quiet", Does::Quiet),
    flag("", "--verbose", Does::Verbose),
    flag("-h", "--help", Does::Help),
    flag("-V", "--version", Does::Version),
    // What the British write.
    flag("", "--colour", Does::Color),
];

impl Flag {
    fn takes_value(&self) -> bool {
        matches!(self.does, Does::Key(_) | Does::Set | Does::Color)
    }

    fn names(&self) -> impl Iterator<Item = &'static str> {
        [self.short, self.long]
            .into_iter()
            .filter(|name| !name.is_empty())
    }
}

/// Flags by which other programs take a password.
const PASSWORD_FLAGS: [&str; 6] = [
    "-P",
    "--pw",
    "--pass",
    "--password",
    "--passwd",
    "--passphrase",
];
/// Flags by which other programs switch verification off.
const VERIFICATION_OFF: [&str; 4] = [
    "--insecure",
    "--no-verify",
    "--skip-verify",
    "--tls-insecure",
];
/// Commands of one word each; anything else is a CONFIG.
const COMMANDS: [&str; 2] = ["new", "help"];

/// One flag as it was found.
struct Found {
    flag: &'static Flag,
    name: &'static str,
    value: String,
}

/// Whether even a fault of the command line itself must be told as JSON.
pub fn wants_json(argv: &[OsString]) -> bool {
    argv.iter().any(|arg| arg == "--json")
}

/// Reads the arguments, without the program's own name.
///
/// # Errors
/// The first thing that is wrong with them.
pub fn parse(argv: Vec<OsString>) -> Result<Invocation, UsageFault> {
    let (found, free) = take_apart(argv)?;
    let has = |does| found.iter().any(|found| found.flag.does == does);
    let output = output(&found)?;
    let command = if has(Does::Help) {
        Command::Help
    } else if has(Does::Version) {
        Command::Version
    } else {
        command(free, overrides(&found)?)?
    };
    Ok(Invocation { command, output })
}

/// By its first free argument. A config file that is called `new` can be given as `./new`.
fn command(free: Vec<String>, overrides: Vec<Override>) -> Result<Command, UsageFault> {
    let mut free = free.into_iter();
    let first = free.next();
    let command = match first.as_deref() {
        None => return Err(UsageFault::MissingConfig { beside: vec![] }),
        Some("help") => return Ok(Command::Help),
        Some("new") => {
            if let Some(Override {
                place: Place::Flag(flag),
                ..
            }) = overrides.into_iter().next()
            {
                let command = "new";
                return Err(UsageFault::NotForCommand { flag, command });
            }
            let given = free.next().ok_or(UsageFault::MissingProvider)?;
            let known = PROVIDERS.into_iter().find(|name| *name == given);
            let provider = known.ok_or_else(|| {
                let nearest = nearest(&given, &PROVIDERS);
                UsageFault::UnknownProvider { given, nearest }
            })?;
            Command::New { provider }
        }
        Some(target) => {
            // `nwe hivemq`: two free arguments, and the first is no path.
            let word = target.bytes().all(|b| b.is_ascii_lowercase());
            if word && free.len() > 0 {
                let given = target.to_owned();
                let nearest = nearest(&given, &COMMANDS);
                return Err(UsageFault::UnknownCommand { given, nearest });
            }
            let target = target.to_owned();
            Command::Check { target, overrides }
        }
    };
    match free.next() {
        Some(given) => Err(UsageFault::Leftover { given }),
        None => Ok(command),
    }
}

fn output(found: &[Found]) -> Result<Output, UsageFault> {
    let has = |does| found.iter().any(|found| found.flag.does == does);
    let mut output = Output {
        json: has(Does::Json),
        quiet: has(Does::Quiet),
        verbose: has(Does::Verbose),
        color: ColorChoice::Auto,
    };
    if output.quiet && output.verbose {
        let (flag, other) = ("--quiet", "--verbose");
        return Err(UsageFault::Conflict { flag, other });
    }
    let mut colors = found.iter().filter(|found| found.flag.does == Does::Color);
    if let Some(color) = colors.next() {
        output.color = match color.value.as_str() {
            "auto" => ColorChoice::Auto,
            "always" => ColorChoice::Always,
            "never" => ColorChoice::Never,
            given => {
                let given = given.to_owned();
                return Err(UsageFault::BadColor { given });
            }
        };
    }
    match colors.next() {
        Some(again) => Err(UsageFault::Repeated { flag: again.name }),
        None => Ok(output),
    }
}

fn overrides(found: &[Found]) -> Result<Vec<Override>, UsageFault> {
    let mut overrides = Vec::new();
    for Found { flag, name, value } in found {
        let (key, value) = match flag.does {
            Does::Key(key) => (key, value.as_str()),
            Does::KeyOn(key) => (key, "on"),
            Does::Set => value.split_once('=').ok_or_else(|| {
                // `--set password hunter2` in quotes: what follows the blank may be secret.
                let given = value.split([' ', '\t', ':']).next().unwrap_or_default();
                let given = given.to_owned();
                UsageFault::SetWithoutEquals { given }
            })?,
            _ => continue,
        };
        overrides.push(Override {
            place: Place::Flag((*name).to_owned()),
            key: key.to_owned(),
            value: value.to_owned(),
        });
    }
    Ok(overrides)
}

/// All flags with their values, and what is left over.
fn take_apart(argv: Vec<OsString>) -> Result<(Vec<Found>, Vec<String>), UsageFault> {
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
    for flag in &FLAGS {
        for name in flag.names() {
            if flag.takes_value() {
                let own = |value: &OsStr| Ok::<_, String>(value.to_owned());
                let values = args.values_from_os_str(name, own);
                let values = values.map_err(|_| UsageFault::MissingValue {
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
            return Err(unknown_flag(&arg));
        }
        free.push(arg);
    }
    Ok((found, free))
}

/// `-m -q 1`: pico-args would publish `-q`. Who means it can write `--message=-q`.
fn no_flag_for_a_value(argv: &[OsString]) -> Result<(), UsageFault> {
    for pair in argv.windows(2) {
        let [first, second] = pair else { continue };
        let Some((flag, name)) = flag_named(first) else {
            continue;
        };
        let joined = || {
            second
                .to_str()?
                .split_once('=')
                .map(|(name, _)| OsString::from(name))
        };
        let is_flag = flag_named(second).is_some()
            || joined().is_some_and(|name| flag_named(&name).is_some());
        if flag.takes_value() && is_flag {
            return Err(UsageFault::MissingValue {
                flag: name,
                instead: Some(first_part(&second.to_string_lossy())),
            });
        }
    }
    Ok(())
}

fn flag_named(arg: &OsStr) -> Option<(&'static Flag, &'static str)> {
    FLAGS.iter().find_map(|flag| {
        let name = flag.names().find(|name| arg == *name)?;
        Some((flag, name))
    })
}

/// `--flag=value` in one argument.
fn joined(arg: &OsStr) -> Result<Option<Found>, UsageFault> {
    let lossy = arg.to_string_lossy();
    let Some((name, _)) = lossy.split_once('=') else {
        return Ok(None);
    };
    let Some((flag, name)) = flag_named(OsStr::new(name)) else {
        return Ok(None);
    };
    if !flag.takes_value() {
        return Err(UsageFault::UnexpectedValue { flag: name });
    }
    let whole = text(arg.to_owned())?;
    let value = whole[name.len() + 1..].to_owned();
    Ok(Some(Found { flag, name, value }))
}

fn unknown_flag(arg: &str) -> UsageFault {
    let given = first_part(arg);
    let plain = given.to_ascii_lowercase().replace('_', "-");
    // `-Phunter2`, as mosquitto_pub would not take it but many others do.
    if arg.starts_with("-P") {
        return UsageFault::PasswordFlag {
            given: "-P".to_owned(),
        };
    }
    if PASSWORD_FLAGS.contains(&plain.as_str()) {
        return UsageFault::PasswordFlag { given };
    }
    if VERIFICATION_OFF.contains(&plain.as_str()) {
        return UsageFault::VerificationOff { given };
    }
    // `-thome` and `-q1`: the value of a short flag stands apart.
    let short = FLAGS.iter().find(|flag| {
        !flag.short.is_empty() && !arg.starts_with("--") && arg.starts_with(flag.short)
    });
    let longs: Vec<_> = FLAGS.iter().map(|flag| flag.long).collect();
    let nearest = short
        .map(|flag| flag.short)
        .or_else(|| nearest(&plain, &longs));
    UsageFault::UnknownFlag { given, nearest }
}

/// Without the value, which may be a secret.
fn first_part(arg: &str) -> String {
    arg.split('=').next().unwrap_or(arg).to_owned()
}

fn text(arg: OsString) -> Result<String, UsageFault> {
    arg.into_string().map_err(|arg| UsageFault::NotUtf8 {
        shown: first_part(&arg.to_string_lossy()),
    })
}
