//! The codes of SUBSCRIBE and its answer, SUBACK.

use crate::config::{CheckScope, Config, Origin, Qos};
use crate::diagnosis::code::Kind;
use crate::diagnosis::codes::connack::user;
use crate::diagnosis::session::{given, same_client_id};
use crate::diagnosis::{Code, Diagnosis, reason};
use crate::failure::{Command, MqttError, Operation, Reason, Stage, Topic, Unsupported};

/// The codes of this layer, in the order of `mqtt-test explain`.
pub(crate) static CODES: &[&Code] = &[&DENIED, &CLOSED, &TIMEOUT];

pub(crate) static DENIED: Code = Code {
    name: "subscribe-denied",
    kind: Kind::Failure {
        stage: Stage::Subscribe,
        retry: false,
    },
    line: "the user may not read this topic",
    more: "Topics are the addresses of messages, and whoever wants to receive subscribes to one. The broker refused the subscription; or it said in MQTT 5, with the login already, that it takes no such subscriptions, and was not asked.",
    causes: &[
        "the broker's access rules (ACL) do not give this user the topic",
        "the topic is not of the form that the broker wants, such as one that begins with the user's name",
        "the broker takes no subscriptions with `#` and `+`, no shared ones, or no subscription identifiers",
    ],
    remedies: &[
        "allow this user to read the topic, in the broker's ACL (access rules)",
        "or set `topic` to one that the user may both read and write: `-t NAME`",
        "leave out what the broker does not take: name the topics one by one, without `$share/NAME/`, without `--subscription-id`",
    ],
};

pub(crate) const ALLOW: &str =
    "allow this user to subscribe to the topic, in the broker's ACL (access rules)";

pub(crate) fn denied(error: &MqttError, reason: &Reason, config: &Config) -> Diagnosis {
    let said = match reason.in_5 {
        true => reason::packet("SUBACK", reason),
        false => format!("SUBACK {:#04x}", reason.code),
    };
    const SAID: &str = "the broker refuses the subscription";
    let (title, allow) = match reason.code {
        _ if !reason.in_5 => (SAID.to_owned(), ALLOW),
        0x87 => (reason::because(SAID, "SUBACK", reason.code), ALLOW),
        code => (
            reason::because(SAID, "SUBACK", code),
            reason::help(code, config),
        ),
    };
    // A code that says what is wrong leaves nothing to guess.
    let other = matches!(reason.code, 0x80 | 0x83 | 0x87 | 0x8f) || !reason.in_5;
    let guess = reason.in_5 && matches!(reason.code, 0x80 | 0x83);
    let diagnosis = Diagnosis::new(&DENIED, title);
    match &error.operation {
        Operation::Subscribe { filter, .. } => {
            diagnosis
                .note(format!(
                    "{said} for the filter `{}` ({})",
                    filter.name,
                    given(error.command, filter)
                ))
                .note(user(config))
                .help(allow)
                .help_if(guess, "if the broker's ACL (access rules) does not let this user subscribe to the topic, allow it there")
                .help_if(other, another_filter(error.command, filter, config))
                .help_if(other && is_echo(error.command, config), PUBLISH_ALONE)
        }
        _ => diagnosis.note(said).note(user(config)).help(allow),
    }
}

/// The broker has said so before it was asked.
pub(crate) fn not_allowed(error: &MqttError, missing: Unsupported, config: &Config) -> Diagnosis {
    let said = match missing {
        Unsupported::Wildcards => {
            "the broker takes no subscriptions with wildcards, and the filter has one"
        }
        Unsupported::SharedSubscriptions => {
            "the broker takes no shared subscriptions, and the filter is for one"
        }
        Unsupported::SubscriptionIds => {
            "the broker takes no subscription identifiers, and `--subscription-id` is set"
        }
    };
    let diagnosis = Diagnosis::new(&DENIED, said).note(format!(
        "its CONNACK says so ({}); SUBSCRIBE was not sent",
        missing.property()
    ));
    let diagnosis = match &error.operation {
        Operation::Subscribe { filter, .. } => diagnosis.note(format!(
            "filter: `{}` ({})",
            filter.name,
            given(error.command, filter)
        )),
        _ => diagnosis,
    };
    diagnosis.help(reason::help(missing.code(), config))
}

pub(crate) static CLOSED: Code = Code {
    name: "subscribe-closed",
    kind: Kind::Failure {
        stage: Stage::Subscribe,
        retry: true,
    },
    line: "the broker closed the connection at SUBSCRIBE",
    more: "Login worked, and the broker hung up when a subscription to the topic was asked for. Some brokers do so instead of refusing.",
    causes: &[
        "the user may not read the topic",
        "AWS IoT Core: the policy lacks `iot:Subscribe` on `topicfilter/…`",
        "the broker restarted, or the network failed just then",
    ],
    remedies: &[
        "allow this user to read the topic, in the broker's ACL (access rules)",
        "or take another topic: `-t NAME`",
        "run the check again: if it fails at another stage, it is the network or the broker itself",
    ],
};

pub(crate) fn closed(
    error: &MqttError,
    closed: &str,
    how: String,
    filter: &Topic,
    qos: Qos,
    config: &Config,
) -> Diagnosis {
    let diagnosis = Diagnosis::new(&CLOSED, format!("{closed} at SUBSCRIBE"))
        .note(how)
        .note(format!(
            "filter: `{}` ({}), QoS {}",
            filter.name,
            given(error.command, filter),
            qos as u8
        ))
        .note(user(config))
        .help("if the broker's ACL (access rules) does not let this user subscribe to the topic, allow it there: some brokers close the connection instead of saying so")
        .help(another_filter(error.command, filter, config))
        .help_if(is_echo(error.command, config), PUBLISH_ALONE);
    same_client_id(diagnosis, error.command, config)
}

pub(crate) static TIMEOUT: Code = Code {
    name: "subscribe-timeout",
    kind: Kind::Failure {
        stage: Stage::Subscribe,
        retry: true,
    },
    line: "the broker does not answer SUBSCRIBE",
    more: "Login worked, and the answer to the subscription (SUBACK) did not come in time.",
    causes: &[
        "the broker is overloaded, or waits for the database of its access rules",
        "the link is slow, or lost its data",
    ],
    remedies: &[
        "read the broker's log, and look at its load",
        "give it more time: `--timeout 60s`",
    ],
};

pub(crate) fn timeout(filter: &Topic, how: String) -> Diagnosis {
    Diagnosis::new(&TIMEOUT, "the broker does not answer SUBSCRIBE")
        .note(format!("{how}; filter: `{}`", filter.name))
        .help("look into the broker's log, where the reason stands")
        .help("if the broker is overloaded or the link is slow, raise `timeout`")
}

const PUBLISH_ALONE: &str =
    "if this user is only to publish, set `check = publish`: such a check does not subscribe";

/// Whether it was a check that publishes as well.
pub(crate) fn is_echo(command: Command, config: &Config) -> bool {
    command == Command::Check && config.check == CheckScope::Echo
}

/// Advice to subscribe to something else. The check publishes to it as well.
fn another_filter(command: Command, filter: &Topic, config: &Config) -> String {
    let key = given(command, filter);
    match (command, &filter.origin) {
        (Command::Sub, Origin::Flag(_)) => {
            "or give a topic by `-t` that the user may read".to_owned()
        }
        (Command::Check, _) if is_echo(command, config) => {
            format!("or set {key} to one that the user may read and write")
        }
        _ => format!("or set {key} to one that the user may read"),
    }
}
