//! What `pub`, `sub` and `request` were asked to do: facts that `args` finds and the commands follow.

use std::path::PathBuf;
use std::time::Duration;

use crate::config::SubscribeOptions;

/// `pub`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PubOptions {
    pub(crate) what: What,
    /// How often the message is published; at least 1.
    pub(crate) repeat: u64,
    /// The least time from one publish to the next.
    pub(crate) interval: Option<Duration>,
    pub(crate) reconnect: Reconnect,
}

/// What is published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// The `message` of the configuration.
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
pub(crate) struct SubOptions {
    /// Empty: the `topic` of the configuration.
    pub(crate) filters: Vec<String>,
    /// Ends after so many messages.
    pub(crate) count: Option<u64>,
    /// Ends after this time.
    pub(crate) duration: Option<Duration>,
    pub(crate) retained: Retained,
    /// What is asked for in MQTT 5.
    pub(crate) mqtt_5: SubscribeOptions,
    pub(crate) format: Format,
    pub(crate) reconnect: Reconnect,
}

/// `request`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RequestOptions {
    /// One message.
    pub(crate) question: PubOptions,
    /// How many answers are awaited; at least 1.
    pub(crate) count: u64,
    pub(crate) format: Format,
}

/// Which messages are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Retained {
    All,
    Only,
    Skip,
}

/// How a message is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
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
pub(crate) struct Reconnect {
    /// `--no-reconnect` switches it off.
    pub(crate) on: bool,
    /// How long it is tried; `None`: for ever.
    pub(crate) give_up: Option<Duration>,
}
