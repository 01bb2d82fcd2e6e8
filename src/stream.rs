//! What `pub` and `sub` were asked to do: facts that `args` finds and the commands follow.

use std::path::PathBuf;
use std::time::Duration;

/// `pub`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PubOptions {
    pub what: What,
    /// How often the message is published; at least 1.
    pub repeat: u64,
    /// The least time from one publish to the next.
    pub interval: Option<Duration>,
    pub reconnect: Reconnect,
}

/// What is published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// The `message` of the configuration, or our own line.
    Message,
    /// The bytes of a file.
    File(PathBuf),
    /// Nothing: a payload without a byte, which clears a retained message.
    Empty,
    /// All of standard input as one message.
    Whole,
    /// Each line of standard input.
    Lines,
}

/// `sub`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubOptions {
    /// Empty: the `topic` of the configuration.
    pub filters: Vec<String>,
    /// Ends after so many messages.
    pub count: Option<u64>,
    /// Ends after this time.
    pub duration: Option<Duration>,
    pub retained: Retained,
    pub format: Format,
    pub reconnect: Reconnect,
}

/// Which messages are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retained {
    All,
    Only,
    Skip,
}

/// How a message is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// The payload and a line end.
    Payload,
    /// The topic, a blank, the payload and a line end.
    Topic,
    /// One JSON object a line.
    Json,
    /// The bytes and nothing else.
    Raw,
    /// The payload in hexadecimal and a line end.
    Hex,
}

/// What is done when the connection is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reconnect {
    /// `--no-reconnect` switches it off.
    pub on: bool,
    /// How long it is tried; `None`: for ever.
    pub give_up: Option<Duration>,
}
