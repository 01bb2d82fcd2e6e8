//! A broker that says why it closes the connection: its DISCONNECT (MQTT 5 §3.14). The codes are those of
//! what was being done.

use crate::config::Config;
use crate::diagnosis::codes::connack::user;
use crate::diagnosis::codes::{connack, connect, publish, receive, subscribe};
use crate::diagnosis::session::{given, when};
use crate::diagnosis::{Code, Diagnosis, reason};
use crate::failure::{MqttError, Operation, Reason};

/// Session taken over (MQTT 5 §4.13).
const TAKEN_OVER: u8 = 0x8e;

pub(crate) fn diagnose(error: &MqttError, reason: &Reason, config: &Config) -> Diagnosis {
    if reason.code == TAKEN_OVER {
        return connect::told_of_takeover(error, reason, config);
    }
    let (code, at, what) = what(error, reason);
    let said = format!("the broker closed the connection {at}");
    let packet = reason::packet("DISCONNECT", reason);
    let diagnosis = Diagnosis::new(code, reason::because(&said, "DISCONNECT", reason.code));
    let note = match &reason.words {
        // Behind words of the broker ours would be taken for its own.
        Some(_) => format!("{}: {packet}", when(error)),
        None => format!("{packet} {}", when(error)),
    };
    let diagnosis = reason::reference(diagnosis.note(note), reason)
        .note(user(config))
        .notes(what);
    match (reason.code, &error.operation) {
        (0x87, Operation::Publish { under_way, .. }) if under_way.messages > 0 => {
            publish::may_not_write(diagnosis, error.command, config)
        }
        _ => diagnosis.help(help(error, reason, config)),
    }
    .retry(reason::is_passing(reason.code))
}

/// The code, when it was, and what it was about.
fn what(error: &MqttError, reason: &Reason) -> (&'static Code, &'static str, Option<String>) {
    match &error.operation {
        Operation::Connect => (&connack::REFUSED, "in place of a CONNACK", None),
        Operation::Subscribe { filter, qos } => {
            let key = given(error.command, filter);
            let filter = format!("filter: `{}` ({key}), QoS {}", filter.name, *qos as u8);
            (&subscribe::CLOSED, "at SUBSCRIBE", Some(filter))
        }
        Operation::Publish { under_way, .. } if under_way.messages == 0 => {
            (&publish::CLOSED, "while no message was under way", None)
        }
        Operation::Publish { .. } => {
            let code = match reason.code {
                0x95 => &publish::TOO_LARGE,
                0x87 | 0x90 | 0x97 | 0x99..=0x9b => &publish::DENIED,
                _ => &publish::CLOSED,
            };
            (code, "at PUBLISH", publish::published(error))
        }
        Operation::Receive { published, .. } => {
            let at = match published {
                Some(_) => "while the message was awaited",
                None => "while messages were awaited",
            };
            let filters = receive::awaited(error).map(|filters| format!("subscribed to {filters}"));
            (&receive::CLOSED, at, filters)
        }
    }
}

fn help(error: &MqttError, reason: &Reason, config: &Config) -> &'static str {
    match (reason.code, &error.operation) {
        (0x87, Operation::Subscribe { .. }) => subscribe::ALLOW,
        (0x87, _) => {
            "see in the broker whether this user may still connect, and do what it does: rights that change may end a connection"
        }
        (code, _) => reason::help(code, config),
    }
}
