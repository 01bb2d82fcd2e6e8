//! A failure from CONNECT on, given to the codes of what was being done; and what their words share.

use std::time::Duration;

use crate::config::{Config, Key, Qos, Slip};
use crate::diagnosis::codes::{connect, disconnect, publish, receive, subscribe};
use crate::diagnosis::session::{given, when};
use crate::diagnosis::{Diagnosis, origin, second, value};
use crate::failure::{LinkError, MqttCause, MqttError, Operation, TlsCause};
use crate::util::text;

/// A failure of the stages connect, subscribe, publish and receive.
pub(crate) fn diagnose(error: &MqttError, config: &Config) -> Diagnosis {
    topic_slips(second::word(of_cause(error, config), error, config), error)
}

/// What a topic looks as if it had brought along stands first: another topic is then meant, whatever a
/// broker says of this one.
fn topic_slips(mut diagnosis: Diagnosis, error: &MqttError) -> Diagnosis {
    let minds_topics = [
        &subscribe::DENIED,
        &subscribe::CLOSED,
        &publish::DENIED,
        &publish::CLOSED,
        &receive::TIMEOUT,
    ];
    if !minds_topics.contains(&diagnosis.code) {
        return diagnosis;
    }
    let question = match &error.cause {
        MqttCause::NoAnswer(none) => Some(&none.topic),
        _ => None,
    };
    let topics = match &error.operation {
        Operation::Connect => &[],
        Operation::Subscribe { filter, .. } => std::slice::from_ref(filter),
        Operation::Publish { topic, .. } => std::slice::from_ref(topic),
        Operation::Receive { filters, .. } => filters.as_slice(),
    };
    let mut help = Vec::new();
    for topic in question.into_iter().chain(topics) {
        if let Some(slip) = Slip::of(&topic.name) {
            let key = given(error.command, topic);
            diagnosis.notes.push(value::slip("topic", slip));
            help.push(format!(
                "if that is not part of the topic, take it out ({key})"
            ));
        }
    }
    diagnosis.help.splice(0..0, help);
    diagnosis
}

fn of_cause(error: &MqttError, config: &Config) -> Diagnosis {
    match &error.cause {
        MqttCause::Connection(link) => match (link, &error.operation) {
            (LinkError::Disconnected(reason), _) => disconnect::diagnose(error, reason, config),
            (link, Operation::Connect) => connect::diagnose(error, link, config),
            (LinkError::TooLarge { size }, _) => receive::too_large(error, *size, config),
            (LinkError::Undecodable { words: said }, _) => connect::undecodable(error, said),
            (LinkError::Auth(reason), _) => connect::unasked_auth(error, reason),
            (link, operation) => lost(error, link, operation, config),
        },
        MqttCause::TimedOut { limit } => match &error.operation {
            Operation::Connect => {
                connect::diagnose(error, &LinkError::TimedOut { limit: *limit }, config)
            }
            Operation::Subscribe { filter, .. } => {
                subscribe::timeout(filter, no_answer("SUBACK", *limit, config))
            }
            Operation::Publish { qos, .. } => {
                let awaited = match qos {
                    Qos::ExactlyOnce => "PUBREC and PUBCOMP",
                    Qos::AtLeastOnce | Qos::AtMostOnce => "PUBACK",
                };
                let said = "the broker does not acknowledge the message";
                publish::timeout(error, said, no_answer(awaited, *limit, config), config)
            }
            Operation::Receive { .. } => {
                receive::closed(error, no_answer("message", *limit, config), config)
            }
        },
        MqttCause::NoTimeLeft { limit, flag } => connect::no_time_left(*limit, flag),
        MqttCause::TooFew(few) => receive::too_few(error, few, config),
        MqttCause::NoAnswer(none) => receive::no_answer(error, none, config),
        MqttCause::SubscribeDenied(reason) => subscribe::denied(error, reason, config),
        MqttCause::SubscribeNotAllowed(missing) => subscribe::not_allowed(error, *missing, config),
        MqttCause::PublishDenied(reason) => publish::denied(error, reason, config),
        MqttCause::TakenOver {
            after,
            fresh_id_stood,
        } => connect::taken_over(error, config, text::duration(*after), *fresh_id_stood),
        MqttCause::PublishTooLarge { size, limit } => {
            publish::too_large(error, *size, *limit, config)
        }
        MqttCause::PublishNotAllowed { size, limit } => {
            publish::larger_than_allowed(error, *size, *limit)
        }
        MqttCause::RetainNotAllowed => publish::not_to_be_retained(config),
        MqttCause::Altered { sent, received } => receive::altered(sent, received),
        MqttCause::NotDelivered {
            limit,
            foreign,
            own,
            unmatched,
        } => receive::timeout(error, *limit, *foreign, own.as_deref(), *unmatched, config),
    }
}

/// A connection lost after CONNACK.
fn lost(error: &MqttError, link: &LinkError, operation: &Operation, config: &Config) -> Diagnosis {
    let how = match link {
        LinkError::Closed { reset: true } => format!("the connection was reset {}", when(error)),
        LinkError::NoPingResponse(given) => {
            let (time, whose) = match given {
                Some(seconds) => (Duration::from_secs((*seconds).into()), "the broker's"),
                None => (config.keep_alive, "the"),
            };
            let time = text::duration(time);
            format!("PINGREQ was not answered within {whose} keep-alive time of {time}")
        }
        LinkError::Io(said) | LinkError::Tcp(said) => {
            format!("{} the system said: {said}", when(error))
        }
        LinkError::TimedOut { limit } => {
            let limit = text::duration(*limit);
            let timeout = origin(config, Key::Timeout);
            format!("nothing more could be sent for {limit} ({timeout})")
        }
        _ => format!("the connection was closed {}", when(error)),
    };
    let stalled = matches!(link, LinkError::TimedOut { .. });
    match operation {
        Operation::Subscribe { filter, .. } if stalled => subscribe::timeout(filter, how),
        Operation::Subscribe { filter, qos } => {
            subscribe::closed(error, closed(link), how, filter, *qos, config)
        }
        Operation::Publish { .. } if stalled => {
            publish::timeout(error, "the broker takes no more data", how, config)
        }
        Operation::Publish { .. } => publish::closed(error, closed(link), how, config),
        Operation::Receive { .. } | Operation::Connect => receive::closed(error, how, config),
    }
}

/// What is known of the end of a connection: not every one was closed.
fn closed(link: &LinkError) -> &'static str {
    match link {
        LinkError::Closed { .. } | LinkError::Tls(TlsCause::Closed { .. }) => {
            "the broker closed the connection"
        }
        _ => "the connection was lost",
    }
}

fn no_answer(awaited: &str, limit: Duration, config: &Config) -> String {
    let (limit, timeout) = (text::duration(limit), origin(config, Key::Timeout));
    format!("no {awaited} within {limit} ({timeout})")
}

#[cfg(test)]
#[path = "messages_tests.rs"]
mod tests;
