//! The table of flags, and what was probably meant by one that is not in it. `args` reads them, and
//! `help` tells of them.

use crate::cli::foreign;
use crate::config::{Key, UsageError, settings};
use crate::util::nearest;

/// What the first argument says is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CommandName {
    Check,
    Pub,
    Sub,
    Request,
    New,
    Explain,
}

impl CommandName {
    /// Anything that is no command is a CONFIG, to be checked.
    pub(crate) fn of(word: Option<&str>) -> Self {
        match word {
            Some("pub") => Self::Pub,
            Some("sub") => Self::Sub,
            Some("request") => Self::Request,
            Some("new") => Self::New,
            Some("explain") => Self::Explain,
            _ => Self::Check,
        }
    }

    /// For a sentence.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Check => "the check",
            Self::Pub => "pub",
            Self::Sub => "sub",
            Self::Request => "request",
            Self::New => "new",
            Self::Explain => "explain",
        }
    }
}

/// Those that contact a broker, and so read a configuration.
const CONTACT: &[CommandName] = &[
    CommandName::Check,
    CommandName::Pub,
    CommandName::Sub,
    CommandName::Request,
];
const STREAMS: &[CommandName] = &[CommandName::Pub, CommandName::Sub];
const PUBLISH: &[CommandName] = &[CommandName::Check, CommandName::Pub, CommandName::Request];
const KEEP: &[CommandName] = &[CommandName::Check, CommandName::Pub];
/// Those that publish a message of the user's.
const MESSAGE: &[CommandName] = &[CommandName::Pub, CommandName::Request];
/// Those that print messages.
const PRINT: &[CommandName] = &[CommandName::Sub, CommandName::Request];
const CHECK: &[CommandName] = &[CommandName::Check];
const PUB: &[CommandName] = &[CommandName::Pub];
const SUB: &[CommandName] = &[CommandName::Sub];
const ALL: &[CommandName] = &[
    CommandName::Check,
    CommandName::Pub,
    CommandName::Sub,
    CommandName::Request,
    CommandName::New,
    CommandName::Explain,
];

/// A place for flags in one of the help texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Section {
    CheckSettings,
    CheckOutput,
    PubWhat,
    PubHow,
    PubMqtt5,
    PubSettings,
    PubOutput,
    SubWhich,
    SubForm,
    SubHow,
    SubMqtt5,
    SubSettings,
    RequestWhat,
    RequestHow,
    RequestMqtt5,
    RequestForm,
    RequestSettings,
}

/// What a flag does.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Does {
    /// Its value is the value of a key.
    Key(Key),
    /// Switches a key on.
    KeyOn(Key),
    /// Its value is `NAME=VALUE` of a key of many.
    KeyNamed(Key),
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
    NoLocal,
    RetainAsPublished,
    RetainHandling,
    SubscriptionId,
    // both
    NoReconnect,
    GiveUp,
}

pub(crate) struct Flag {
    /// Empty: there is no short form.
    pub(crate) short: &'static str,
    pub(crate) long: &'static str,
    /// What stands for its value in the help; empty: it takes none.
    pub(crate) value: &'static str,
    pub(crate) does: Does,
    /// Those that it has a meaning for.
    pub(crate) commands: &'static [CommandName],
    /// What the help says of it, and where.
    help: &'static [(&'static [Section], &'static str)],
}

/// One flag as it was found.
pub(crate) struct Found {
    pub(crate) flag: &'static Flag,
    pub(crate) name: &'static str,
    pub(crate) value: String,
}

/// A row: short form, long form, value, commands and what it does; then what the help says of it, each
/// line behind the sections that it stands in. A new flag is one row, and what [`Does`] leads to.
macro_rules! flags {
    ($($short:literal $long:literal $value:literal $commands:ident $does:expr => {
        $($($section:ident)+ $help:literal;)*
    })*) => {
        /// Every flag; the help lists them in this order.
        pub(crate) const FLAGS: &[Flag] = &[$(Flag {
            short: $short,
            long: $long,
            value: $value,
            does: $does,
            commands: $commands,
            help: &[$((&[$(Section::$section),+], $help)),*],
        }),*];
    };
}

flags! {
    "" "--set" "KEY=VALUE" CONTACT Does::Set => {
        CheckSettings PubSettings SubSettings RequestSettings "any key; may be repeated";
    }
    "-t" "--topic" "TOPIC" CONTACT Does::Key(Key::Topic) => {
        CheckSettings "where to publish and listen";
        PubHow RequestHow "where to";
        SubWhich "a filter (+, #); may be repeated; else `topic`";
    }
    "-m" "--message" "TEXT" PUBLISH Does::Key(Key::Message) => {
        CheckSettings "what to publish";
        PubWhat RequestWhat "this text";
    }
    "-q" "--qos" "0|1|2" CONTACT Does::Key(Key::Qos) => {
        CheckSettings PubHow RequestHow "quality of service";
        SubHow "at most this quality of service";
    }
    "-r" "--retain" "" KEEP Does::KeyOn(Key::Retain) => {
        CheckSettings PubHow "ask the broker to keep the message";
    }
    "-i" "--client-id" "ID" CONTACT Does::Key(Key::ClientId) => {
        CheckSettings PubSettings SubSettings RequestSettings "who we are to the broker";
    }
    "-u" "--username" "NAME" CONTACT Does::Key(Key::Username) => {
        CheckSettings PubSettings SubSettings RequestSettings
            "the password comes from password_env or\npassword_file, never from a flag";
    }
    "" "--timeout" "TIME" CONTACT Does::Key(Key::Timeout) => {
        CheckSettings PubSettings SubSettings "for each stage: 500ms, 15s, 2m";
        RequestHow "for the answers, as for each stage (15s)";
    }
    "-f" "--file" "PATH" MESSAGE Does::File => {
        PubWhat RequestWhat "the bytes of a file";
    }
    "-n" "--null" "" MESSAGE Does::Null => {
        PubWhat RequestWhat "nothing: an empty message";
    }
    "-s" "--stdin" "" MESSAGE Does::Stdin => {
        PubWhat RequestWhat "standard input as one message";
    }
    "-l" "--lines" "" PUB Does::Lines => {
        PubWhat "each line of standard input, as it comes";
    }
    "" "--repeat" "N" PUB Does::Repeat => {
        PubHow "the message N times (not with -l)";
    }
    "" "--interval" "TIME" PUB Does::Interval => {
        PubHow "minimum time between messages";
    }
    "" "--rate" "N" PUB Does::Rate => {
        PubHow "at most N messages a second";
    }
    "" "--retained" "only|skip" SUB Does::Retained => {
        SubWhich "only those that the broker kept, or none of them";
    }
    "-C" "--count" "N" PRINT Does::Count => {
        SubWhich "end after N messages";
        RequestHow "wait for N answers (1)";
    }
    "" "--for" "TIME" SUB Does::For => {
        SubWhich "end after this time";
    }
    "" "--content-type" "TYPE" MESSAGE Does::Key(Key::ContentType) => {
        PubMqtt5 RequestMqtt5 "what it is, such as application/json";
    }
    "" "--response-topic" "TOPIC" MESSAGE Does::Key(Key::ResponseTopic) => {
        PubMqtt5 "where an answer is awaited";
        RequestHow "where the answers come (in MQTT 5:\nmqtt-test/{client_id}/response)";
    }
    "" "--correlation-data" "TEXT" MESSAGE Does::Key(Key::CorrelationData) => {
        PubMqtt5 "what an answer is known by";
        RequestMqtt5 "what the answers are known by (else made up)";
    }
    "" "--message-expiry" "TIME" MESSAGE Does::Key(Key::MessageExpiry) => {
        PubMqtt5 RequestMqtt5 "how long the broker keeps it for others";
    }
    "" "--payload-format" "FORMAT" MESSAGE Does::Key(Key::PayloadFormat) => {
        PubMqtt5 RequestMqtt5 "text (UTF-8) or bytes";
    }
    "" "--user-property" "NAME=TEXT" MESSAGE Does::KeyNamed(Key::MessageProperty) => {
        PubMqtt5 RequestMqtt5 "may be repeated, with other names";
    }
    "" "--no-local" "" SUB Does::NoLocal => {
        SubMqtt5 "none that this client published";
    }
    "" "--retain-as-published" "" SUB Does::RetainAsPublished => {
        SubMqtt5 "with the retain flag that their publisher set";
    }
    "" "--retain-handling" "0|1|2" SUB Does::RetainHandling => {
        SubMqtt5 "kept ones come: always, to new filters, never";
    }
    "" "--subscription-id" "N" SUB Does::SubscriptionId => {
        SubMqtt5 "a number that comes with each message";
    }
    "" "--no-reconnect" "" STREAMS Does::NoReconnect => {
        PubHow SubHow "end when the connection is lost";
    }
    "" "--give-up" "TIME" STREAMS Does::GiveUp => {
        PubHow "how long to keep trying to reconnect (5m)";
        SubHow "how long to keep trying to reconnect (forever)";
    }
    "-v" "--topics" "" PRINT Does::Topics => {
        SubForm RequestForm "the topic before the payload";
    }
    "" "--json" "" ALL Does::Json => {
        CheckOutput "one JSON object on standard output";
        PubOutput "as JSON lines on standard output";
        SubForm "JSON: topic, qos, retain, time, length, payload";
        RequestForm "JSON: the same as `sub`, and the round-trip time";
    }
    "" "--raw" "" PRINT Does::Raw => {
        SubForm RequestForm "the bytes and nothing else";
    }
    "" "--hex" "" PRINT Does::Hex => {
        SubForm RequestForm "the payload in hexadecimal";
    }
    "" "--quiet" "" ALL Does::Quiet => {
        CheckOutput "nothing when it works";
        PubOutput "only what ends it";
        SubHow "no totals; only what ends it";
        RequestForm "the answers alone, or what ends it";
    }
    "" "--verbose" "" CHECK Does::Verbose => {
        CheckOutput "more evidence";
    }
    "" "--color" "WHEN" ALL Does::Color => {
        CheckOutput PubOutput SubHow RequestForm "auto, always or never";
    }
    // What the British write.
    "" "--colour" "WHEN" ALL Does::Color => {}
    "-h" "--help" "" ALL Does::Help => {
        CheckOutput "this text; also `pub --help`, and of the others";
    }
    "-V" "--version" "" ALL Does::Version => {
        CheckOutput "the version of this program";
    }
}

impl Flag {
    pub(crate) fn takes_value(&self) -> bool {
        !self.value.is_empty()
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> {
        [self.short, self.long]
            .into_iter()
            .filter(|name| !name.is_empty())
    }

    /// What the help says of it there, in one or more lines.
    pub(crate) fn help_in(&self, section: Section) -> Option<&'static str> {
        let mut help = self.help.iter();
        help.find(|(sections, _)| sections.contains(&section))
            .map(|(_, text)| *text)
    }
}

/// The flag that is called exactly so, and that name.
pub(crate) fn named(arg: &str) -> Option<(&'static Flag, &'static str)> {
    FLAGS.iter().find_map(|flag| {
        let name = flag.names().find(|name| arg == *name)?;
        Some((flag, name))
    })
}

/// Whether a long flag is called so, but for its dashes: `-topic` is not `-t opic`.
pub(crate) fn is_long(name: &str) -> bool {
    name.len() > 1 && named(&format!("--{}", first_part(name))).is_some()
}

/// What to say of an argument that begins like a flag and is none.
pub(crate) fn unknown(arg: &str, command: CommandName) -> UsageError {
    let given = first_part(arg);
    let name = given.trim_start_matches('-').to_ascii_lowercase();
    let plain = name.replace('-', "_");
    let key = settings::named(&plain).filter(|_| !is_long(&name));
    let is_short = !arg.starts_with("--");
    // `-Phunter2` too: what follows is not repeated.
    if arg.starts_with("-P") {
        let given = "-P".to_owned();
        return UsageError::PasswordFlag { given };
    }
    if key == Some(Key::Password) {
        return UsageError::PasswordFlag { given };
    }
    if settings::switches_verification_off(&plain) {
        return UsageError::VerificationOff { given };
    }
    // `-p8883` too.
    let letter: String = arg.chars().take(2).collect();
    let foreign = if is_short { &letter } else { &given };
    if CONTACT.contains(&command)
        && let Some(instead) = foreign::instead_of(foreign)
    {
        return UsageError::ForeignFlag {
            given: foreign.clone(),
            instead,
        };
    }
    if key.is_none() && settings::looks_secret(&plain) {
        return UsageError::PasswordFlag { given };
    }
    let own = |flag: &&Flag| flag.commands.contains(&command);
    let longs: Vec<_> = FLAGS.iter().filter(own).map(|flag| flag.long).collect();
    let key = key.filter(|_| CONTACT.contains(&command));
    let nearest = match key {
        Some(_) => None,
        None if name.len() > 1 => nearest(&format!("--{name}"), &longs),
        None => None,
    };
    let given = match (is_short, nearest, key) {
        (true, None, None) => letter,
        _ => given,
    };
    UsageError::UnknownFlag {
        given,
        nearest,
        key,
    }
}

/// Without the value, which may be a secret, and not more than a flag can be: it may be the text of a
/// key.
pub(crate) fn first_part(arg: &str) -> String {
    let end = |c: char| c == '=' || c.is_whitespace();
    let name = arg.split(end).next().unwrap_or(arg);
    name.chars().take(32).collect()
}
