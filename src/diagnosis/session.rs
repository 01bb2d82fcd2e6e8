//! What the diagnoses of an MQTT session have in common: when it was, where a topic was given, and the
//! help that several share.

use crate::config::{Config, Key, Origin};
use crate::diagnosis::builder::written;
use crate::diagnosis::{Diagnosis, origin};
use crate::failure::{Command, MqttError, Operation, Topic};
use crate::util::text;

/// When it happened, from what is told of it.
pub(crate) fn when(error: &MqttError) -> String {
    let after = text::duration(error.after);
    match (error.command, &error.operation) {
        (Command::Check, _) => format!("after {after}"),
        (_, Operation::Subscribe { .. }) => format!("{after} after SUBSCRIBE"),
        _ => format!("{after} after CONNACK"),
    }
}

/// Where a topic or filter was given. A filter of `sub -t` is no value of the key `topic`.
pub(crate) fn given(command: Command, topic: &Topic) -> String {
    match (command, &topic.origin) {
        (Command::Sub, Origin::Flag(flag)) => format!("given by `{flag}`"),
        (_, origin) => written(topic.key, origin),
    }
}

/// The broker closes the older one of two connections with the same client id. The check makes sure
/// by one more connection.
pub(crate) fn same_client_id(diagnosis: Diagnosis, command: Command, config: &Config) -> Diagnosis {
    diagnosis.help_if(
        command != Command::Check && config.is_set(Key::ClientId),
        format!(
            "if another client uses the client id `{}`, the broker closes the older connection of the two: give each its own ({})",
            config.client_id,
            origin(config, Key::ClientId)
        ),
    )
}
