//! The events of a run and its counters, the same for every command that runs on. It formats nothing;
//! that is `report`'s.

use std::io;
use std::time::Duration;

use crate::diagnosis::Diagnosis;
use crate::failure::Warning;
use crate::mqtt::Message;

/// Numbers of messages, where nothing else is said. Each command counts some of them.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counters {
    /// Taken from the input, to be published.
    pub(crate) published: u64,
    /// Handed to the system, with QoS 0.
    pub(crate) sent: u64,
    /// Acknowledged by the broker, with QoS 1 and 2.
    pub(crate) acknowledged: u64,
    /// Refused by the broker with a reason code, in MQTT 5.
    pub(crate) refused: u64,
    /// Published and not yet, or never, sent or acknowledged.
    pub(crate) unacknowledged: u64,
    /// Received and written out.
    pub(crate) received: u64,
    /// Of their payloads.
    pub(crate) bytes: u64,
    /// Received, and larger than `max_packet_size`.
    pub(crate) too_large: u64,
    /// Received by `request`, and no answer to its question.
    pub(crate) foreign: u64,
    /// From the question to its first answer.
    pub(crate) first_answer: Option<Duration>,
    /// The same to the last.
    pub(crate) last_answer: Duration,
    /// Connections after the first.
    pub(crate) reconnects: u64,
}

/// What happens in a run.
#[derive(Debug)]
pub(crate) enum Event<'a> {
    Message(&'a Message),
    /// To the question of `request`.
    Answer {
        message: &'a Message,
        round_trip: Duration,
    },
    /// The messages so far are to be written out. Only then do they count as received.
    Flush,
    /// Comes at every turn of the loop, so it must cost next to nothing.
    Progress(&'a Counters),
    Warning(&'a Warning),
    /// The broker has refused a message; told once.
    Refused(&'a Diagnosis),
    ConnectionLost(&'a Diagnosis),
    /// Reconnecting failed; the next attempt comes after `pause`.
    ReconnectFailed {
        diagnosis: &'a Diagnosis,
        pause: Duration,
    },
    /// After `gap` without a connection.
    Reconnected {
        gap: Duration,
        tries: u32,
    },
}

/// Receives the events.
pub(crate) trait Listener {
    /// Handles one event.
    ///
    /// # Errors
    /// When messages cannot be written, because their reader has left or the disk is full; then no later
    /// ones are either. It ends a run that is there to show them, and means nothing to any other.
    fn event(&mut self, event: Event<'_>) -> io::Result<()>;
}
