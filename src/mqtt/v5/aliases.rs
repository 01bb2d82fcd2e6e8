//! Topic aliases of what comes in: numbers in place of topics.

use std::collections::BTreeMap;

use crate::failure::LinkError;
use crate::mqtt::v5::message::Message;

/// The topics that the broker has given a number on this connection (MQTT 5 §3.3.2.3.4).
#[derive(Debug)]
pub(crate) struct Aliases {
    /// What CONNECT allowed; 0: none.
    most: u16,
    topics: BTreeMap<u16, String>,
}

impl Aliases {
    pub(crate) fn new(most: u16) -> Self {
        let topics = BTreeMap::new();
        Self { most, topics }
    }

    /// Gives a message that has a number in place of its topic that topic. Without it the message means
    /// nothing.
    pub(crate) fn resolve(&mut self, message: &mut Message) -> Result<(), LinkError> {
        let words = match message.properties.topic_alias {
            None if message.topic.is_empty() => "received a message without a topic",
            None => return Ok(()),
            Some(alias) if alias == 0 || alias > self.most => {
                "received a topic alias that was not allowed"
            }
            Some(alias) if message.topic.is_empty() => match self.topics.get(&alias) {
                Some(topic) => {
                    message.topic.clone_from(topic);
                    return Ok(());
                }
                None => "received a topic alias that stands for nothing yet",
            },
            Some(alias) => {
                self.topics.insert(alias, message.topic.clone());
                return Ok(());
            }
        };
        Err(LinkError::Undecodable {
            words: words.to_owned(),
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::mqtt::v5::properties::Properties;

    fn message(topic: &str, topic_alias: Option<u16>) -> Message {
        Message {
            topic: topic.to_owned(),
            payload: Vec::new(),
            qos: 0,
            retain: false,
            dup: false,
            id: 0,
            properties: Properties {
                topic_alias,
                ..Properties::default()
            },
        }
    }

    #[test]
    fn a_number_stands_for_the_last_topic_that_came_with_it() {
        let mut aliases = Aliases::new(2);
        for (topic, alias, expected) in [
            ("a", None, Some("a")),
            ("", None, None),
            ("", Some(1), None),
            ("a", Some(1), Some("a")),
            ("b", Some(2), Some("b")),
            ("", Some(1), Some("a")),
            ("c", Some(1), Some("c")),
            ("", Some(1), Some("c")),
            ("", Some(2), Some("b")),
            ("d", Some(3), None),
            ("d", Some(0), None),
        ] {
            let mut message = message(topic, alias);
            let resolved = aliases.resolve(&mut message).ok();
            let found = resolved.map(|()| message.topic);
            assert_eq!(found.as_deref(), expected, "{topic}, {alias:?}");
        }
        assert!(Aliases::new(0).resolve(&mut message("a", Some(1))).is_err());
    }
}
