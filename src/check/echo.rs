//! Knowing our own message again among all that a topic delivers. It looks at payloads, because a
//! broker may map topics, and never takes a retained or foreign message for ours.

use std::time::Duration;

use crate::config::Message;
use crate::failure::MqttCause;
use crate::mqtt;

/// Listens for one message of ours.
#[derive(Debug)]
pub(crate) struct Echo<'a> {
    sent: &'a Message,
    heard: bool,
    altered: Option<Vec<u8>>,
    foreign: u64,
}

impl<'a> Echo<'a> {
    pub(crate) fn new(sent: &'a Message) -> Self {
        Self {
            sent,
            heard: false,
            altered: None,
            foreign: 0,
        }
    }

    /// The bytes to publish.
    pub(crate) fn payload(&self) -> &'a [u8] {
        match self.sent {
            Message::Marked { text, .. } => text.as_bytes(),
            Message::Own(bytes) => bytes,
        }
    }

    /// Takes note of a message that came in after the publish.
    pub(crate) fn hear(&mut self, message: &mqtt::Message) {
        match self.sent {
            // The same bytes with the retain flag are an earlier run's: a broker clears the flag
            // for a subscription that exists already (MQTT 3.1.1 §3.3.1.3).
            Message::Own(bytes) if !message.retain() && message.payload() == bytes => {
                self.heard = true
            }
            Message::Marked { text, .. } if message.payload() == text.as_bytes() => {
                self.heard = true
            }
            Message::Marked { mark, .. } if contains(message.payload(), mark.as_bytes()) => {
                self.altered = Some(message.payload().to_vec());
            }
            _ => self.foreign += 1,
        }
    }

    /// Whether there is anything left to wait for.
    pub(crate) fn is_decided(&self) -> bool {
        self.heard || self.altered.is_some()
    }

    /// What the silence of `limit` means, or the altered message.
    ///
    /// # Errors
    /// [`MqttCause::Altered`], [`MqttCause::NotDelivered`].
    pub(crate) fn verdict(&self, limit: Duration, unmatched: bool) -> Result<(), MqttCause> {
        match &self.altered {
            _ if self.heard => Ok(()),
            Some(received) => {
                let (sent, received) = (self.payload().to_vec(), received.clone());
                Err(MqttCause::Altered { sent, received })
            }
            None => Err(MqttCause::NotDelivered {
                limit,
                foreign: self.foreign,
                own: match self.sent {
                    Message::Marked { .. } => None,
                    Message::Own(bytes) => Some(bytes.clone()),
                },
                unmatched,
            }),
        }
    }
}

fn contains(payload: &[u8], mark: &[u8]) -> bool {
    !mark.is_empty() && payload.windows(mark.len()).any(|window| window == mark)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(payload: &[u8], retain: bool) -> mqtt::Message {
        mqtt::Message::new("t", payload, retain)
    }

    #[track_caller]
    fn check(sent: &Message, came: &[mqtt::Message], expected: &str) {
        let mut echo = Echo::new(sent);
        came.iter().for_each(|message| echo.hear(message));
        let verdict = match echo.verdict(Duration::ZERO, false) {
            Ok(()) => "heard",
            Err(MqttCause::Altered { .. }) => "altered",
            Err(_) => "silence",
        };
        assert_eq!(verdict, expected);
    }

    #[test]
    fn only_our_own_message_is_ours() {
        let marked = Message::Marked {
            text: "tool time m4rk".to_owned(),
            mark: "m4rk".to_owned(),
        };
        check(&marked, &[message(b"tool time m4rk", false)], "heard");
        check(&marked, &[message(b"tool time 0ther", false)], "silence");
        check(&marked, &[message(b"TOOL TIME m4rk", false)], "altered");
        check(
            &marked,
            &[
                message(b"TOOL m4rk", false),
                message(b"tool time m4rk", false),
            ],
            "heard",
        );
        let own = Message::Own(b"hello".to_vec());
        check(&own, &[message(b"hello", true)], "silence");
        check(
            &own,
            &[message(b"hello ", false), message(b"hello", false)],
            "heard",
        );
    }
}
