//! The codes of what comes in, or does not.

use std::time::Duration;

use crate::config::{Config, Key, Protocol, Qos, Slip};
use crate::diagnosis::code::Kind;
use crate::diagnosis::codes::connack::user;
use crate::diagnosis::codes::publish::{LARGE, is_json};
use crate::diagnosis::session::{given, same_client_id};
use crate::diagnosis::{Code, Diagnosis, origin, providers};
use crate::failure::{
    Command, MqttError, NoAnswer, Operation, Reason, Stage, Subscription, TooFew, Topic,
};
use crate::util::text;

/// The codes of this layer, in the order of `mqtt-test explain`.
pub(crate) static CODES: &[&Code] = &[&TIMEOUT, &TOO_LARGE, &ALTERED, &CLOSED];

pub(crate) static TIMEOUT: Code = Code {
    name: "receive-timeout",
    kind: Kind::Failure {
        stage: Stage::Receive,
        retry: true,
    },
    line: "what was waited for did not arrive in time",
    more: "The check subscribes to a topic, publishes to it, and waits for its own message. Everything was confirmed, and the message did not arrive. MQTT 3.1.1 has no way to refuse a message, so brokers such as mosquitto confirm what they then drop; in MQTT 5 they can refuse it (`--set protocol=5`). With `sub`: fewer messages than `-C` asks for came within the time of `--for`. With `request`: nobody answered the question in time.",
    causes: &[
        "the broker's ACL does not let the user write to the topic, or read it",
        "the broker renames topics for each user or tenant",
        "with a `message` of your own: it is over the broker's limit (mosquitto: `message_size_limit`), or not the JSON that a rule wants",
        "a rule on the broker keeps or changes the message",
        "with QoS 0, the message was lost on the way",
        "with `sub`: nobody published so many messages on these topics in that time, or their names are spelt differently",
        "with `request`: the program that is to answer does not run, does not listen on the topic of the question, or answers somewhere else",
    ],
    remedies: &[
        "allow this user both to write to the topic and to read it, in the broker's ACL (mosquitto: `topic readwrite NAME` in the file that `acl_file` names)",
        "try a topic that the user certainly has: `-t NAME`",
        "try with a confirmation: `-q 1`",
        "if the broker sends no client its own messages, check without: `--set check=publish`",
        "read the broker's log: with `log_type all` mosquitto says `Denied PUBLISH` where the right to write is missing",
        "with `sub`: `-t '#' -v` shows every topic that the user may read; raise `--for` if messages are rare",
        "with `request`: see with `mqtt-test sub CONFIG -t '#' -v` whether the question arrives, and where its answer goes",
    ],
};

pub(crate) fn timeout(
    error: &MqttError,
    limit: Duration,
    foreign: u64,
    own: Option<&[u8]>,
    unmatched: bool,
    config: &Config,
) -> Diagnosis {
    let unconfirmed = matches!(
        &error.operation,
        Operation::Receive {
            published: Some(Qos::AtMostOnce),
            ..
        }
    );
    let taken = if unconfirmed {
        "the message was sent (QoS 0 is not acknowledged)"
    } else {
        "the message was acknowledged"
    };
    let in_5 = error.protocol == Protocol::V5;
    // What the acknowledgement says of the right to write.
    let (acl, right, tells) = match (in_5, unconfirmed) {
        (true, false) => (
            "if the broker's ACL (access rules) does not let this user read the topic, allow it there",
            "read",
            "if the broker drops what may not be written, and acknowledges it all the same, look for the right to write as well; mosquitto does not: in MQTT 5 it refuses it (0x87)",
        ),
        (true, true) => (
            EITHER,
            "readwrite",
            "check with `qos = 1`: then a broker of MQTT 5 can say whether it takes the message, as mosquitto does",
        ),
        (false, _) => (
            EITHER,
            "readwrite",
            "MQTT 3.1.1 cannot refuse a PUBLISH, so nothing tells which of the two is missing; mosquitto's log (`log_type all`) says `Denied PUBLISH` if it is write",
        ),
    };
    let answer = match &error.operation {
        Operation::Receive {
            published: Some(Qos::ExactlyOnce),
            ..
        } => "PUBREC",
        _ => "PUBACK",
    };
    let unmatched = unmatched.then(|| {
        let said = Reason::shown(answer, 0x10);
        format!("the broker took it with {said}: it knows of nobody to pass it on to, the subscription notwithstanding")
    });
    let limit = text::duration(limit);
    let foreign = (foreign > 0).then(|| {
        let count = text::count(foreign, "message");
        format!("{count} of others came in on the topic")
    });
    Diagnosis::new(&TIMEOUT, "our own message never came back")
        .note(format!(
            "the subscription was granted, {taken}, and nothing of ours came within {limit}"
        ))
        .notes(awaited(error).map(|topic| format!("topic: {topic}")))
        .notes(own.map(|own| {
            let bytes = text::count(own.len() as u64, "byte");
            format!("message: {bytes} ({})", origin(config, Key::Message))
        }))
        .notes(unmatched)
        .notes(foreign)
        .note(user(config))
        .help_if(own.is_some_and(|own| own.len() > LARGE) && (unconfirmed || !in_5), "if the broker drops in silence what is over a limit (mosquitto: `message_size_limit`), send a smaller message")
        .help_if(own.is_some_and(|own| !is_json(own)), "if the broker, or a rule of it, takes nothing but JSON: this message is no JSON object")
        .helps(own.map(|own| {
            // The check's own message has this many bytes: if it passes, a smaller one was not too large.
            let size = if own.len() > 64 && (unconfirmed || !in_5) { "size (mosquitto: `message_size_limit`) or " } else { "" };
            format!("check without `message`: if that passes, it is this message's {size}content")
        }))
        .help(format!("{acl}{}", acl_file(config, right, &config.topic)))
        .help_if(!config.is_set(Key::Topic), "or set `topic` to one that this user may both read and write")
        .help(tells)
        .help_if(!providers::is_known(config), "if the broker sends no client its own messages, as Azure IoT Hub and ThingsBoard do not, set `check = publish`")
        .help("if the broker renames topics for each user or tenant, set `topic` as it is seen from inside")
        .help_if(unconfirmed && !in_5, "if the link loses packets, check with `qos = 1`")
}

const EITHER: &str = "if the broker's ACL (access rules) does not give this user both write and read on the topic, add what is missing";

/// The broker accepts our message, and does not deliver it.
pub(crate) fn not_read(diagnosis: Diagnosis, config: &Config) -> Diagnosis {
    diagnosis
        .no_help()
        .help(format!("if this user may not read the topic, allow it in the broker's ACL (access rules): the broker accepts what it writes{}", acl_file(config, "read", &config.topic)))
        .help("if the broker sends no client its own messages, as Azure IoT Hub and ThingsBoard do not, set `check = publish`")
        .help("if the broker renames topics for each user or tenant, set `topic` as it is seen from inside")
}

/// Where mosquitto keeps such a right, unless the broker is known to be another one.
pub(crate) fn acl_file(config: &Config, right: &str, topic: &str) -> String {
    // One for a topic that looks mistaken would be of no use, either.
    if providers::is_known(config) || Slip::of(topic).is_some() {
        return String::new();
    }
    // The rule is for the topics of a shared subscription, without its two first levels.
    let shared = topic.strip_prefix("$share/");
    let shared = shared.and_then(|shared| shared.split_once('/'));
    let topic = shared.map_or(topic, |(_, topic)| topic);
    // A rule for an id that was made up would be of no use to the next run.
    let made_up = |level: &&str| !config.is_set(Key::ClientId) && *level == config.client_id;
    let levels = topic
        .split('/')
        .map(|level| if made_up(&level) { "+" } else { level });
    let topic = levels.collect::<Vec<_>>().join("/");
    let whose = match &config.credentials {
        Some(credentials) => format!("under `user {}`", credentials.shown()),
        None => "before the first `user` line".to_owned(),
    };
    format!(
        "; mosquitto: the line `topic {right} {topic}`, {whose}, in the file that `acl_file` names"
    )
}

/// `sub`: not as many messages as `-C` asks for.
pub(crate) fn too_few(error: &MqttError, few: &TooFew, config: &Config) -> Diagnosis {
    let TooFew {
        received,
        wanted,
        limit,
        left_out,
        resumed,
        subscription,
    } = *few;
    const RARE: &str = "if messages are rarer than that, raise `--for`";
    let limit = text::duration(limit);
    let filters = awaited(error).unwrap_or_default();
    // Where nothing came at all, the name is suspected before the pace.
    let some = received + left_out > 0;
    let skipped = left_out > 0;
    let asked_for = match &error.operation {
        Operation::Receive { filters, .. } => filters.as_slice(),
        _ => &[],
    };
    let all = asked_for.iter().any(|filter| filter.name == "#");
    let first = asked_for.first().map_or("#", |filter| filter.name.as_str());
    let asked = match subscription {
        Subscription::Unanswered => format!("not every SUBSCRIBE was answered: {filters}"),
        Subscription::Granted | Subscription::Lost => format!("subscribed to {filters}"),
    };
    let lost = (subscription == Subscription::Lost)
        .then(|| "there was no connection when the time was over".to_owned());
    let left_out = (left_out > 0).then(|| {
        format!(
            "{} left out by `--retained`",
            text::count(left_out, "message")
        )
    });
    let session = if resumed {
        "the broker still had the session"
    } else {
        "the session was new"
    };
    Diagnosis::new(&TIMEOUT, "fewer messages came than were asked for")
        .note(format!(
            "{received} of {} in {limit} (`-C`, `--for`)",
            text::count(wanted, "message")
        ))
        .note(asked)
        .notes(lost)
        .notes(left_out)
        .note(session)
        .note(user(config))
        .help_if(skipped, "to count those that `--retained` leaves out, leave that flag out")
        .help_if(some, RARE)
        .help_if(!all, "compare the topics with those that are published to: capitals count, and so does a `/` at either end; `-t '#' -v` shows all that this user may read")
        .help_if(!resumed, "if they were published before this run, only the last one of a topic that was published with `-r` (retained) is delivered")
        .help_if(!resumed && config.clean_session, "if the broker is to keep them between runs, set `clean_session = off` and a `client_id`, with `qos = 1`")
        .help(format!("if the broker's ACL (access rules) does not let this user read the topics, allow it there: many brokers grant the subscription all the same, and deliver nothing{}", acl_file(config, "read", first)))
        .help_if(!some, RARE)
}

/// `request`: not as many answers as were awaited.
pub(crate) fn no_answer(error: &MqttError, none: &NoAnswer, config: &Config) -> Diagnosis {
    let limit = text::duration(none.limit);
    let taken = match none.qos {
        _ if none.acknowledged => "acknowledged by the broker",
        Qos::AtMostOnce => "sent (QoS 0 is not acknowledged)",
        Qos::AtLeastOnce | Qos::ExactlyOnce => "sent, and not acknowledged by the broker",
    };
    let topic = format!(
        "`{}` ({})",
        none.topic.name,
        given(error.command, &none.topic)
    );
    let said = match none.received {
        0 => "no answer came",
        _ => "fewer answers came than were awaited",
    };
    let in_5 = none.protocol == Protocol::V5;
    let others = none.foreign - none.bare;
    let why = if in_5 {
        "with other correlation data, or from before the question"
    } else {
        "from before the question"
    };
    let left_out = [
        (others, why),
        (
            none.bare,
            "without correlation data, as a client of MQTT 3.1.1 publishes",
        ),
    ];
    let left_out: Vec<_> = left_out
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, why)| format!("{count} {why}"))
        .collect();
    let left_out = (!left_out.is_empty()).then(|| {
        format!(
            "messages there that were no answer: {}",
            left_out.join("; ")
        )
    });
    let timeout = origin(config, Key::Timeout);
    let wanted = text::count(none.wanted, "answer");
    Diagnosis::new(&TIMEOUT, said)
        .note(format!("{} of {wanted} within {limit} ({timeout})", none.received))
        .note(format!("the question was {taken}: {topic}"))
        .notes(none.unheard.then(|| "the broker says that nobody is subscribed to that topic (0x10, no matching subscribers)".to_owned()))
        .notes(awaited(error).map(|filters| format!("answers were awaited on {filters}")))
        .notes(left_out)
        .note(user(config))
        .help(format!("see that the program that answers runs, and is subscribed to `{}`", none.topic.name))
        .help(if in_5 {
            "see that it publishes its answer to the response topic of the question, and gives the correlation data back as it came"
        } else {
            "see that it publishes its answer to that very topic: MQTT 3.1.1 does not tell it which one, both sides must know"
        })
        .help("if it may take longer, raise `--timeout`")
        .help("if the broker's ACL (access rules) does not let this user write the question, or read the answer, allow it there")
}

/// What was subscribed to.
pub(crate) fn awaited(error: &MqttError) -> Option<String> {
    let Operation::Receive { filters, .. } = &error.operation else {
        return None;
    };
    let filter = |filter: &Topic| format!("`{}` ({})", filter.name, given(error.command, filter));
    Some(filters.iter().map(filter).collect::<Vec<_>>().join(", "))
}

pub(crate) static TOO_LARGE: Code = Code {
    name: "receive-too-large",
    kind: Kind::Failure {
        stage: Stage::Receive,
        retry: true,
    },
    line: "a message came in that is larger than the limit",
    more: "The limit is `max_packet_size`, this program's own, which protects small machines. The message is someone else's, or a retained one.",
    causes: &[
        "others publish large messages on the topic",
        "a large message is retained there, and every new subscriber gets it",
    ],
    remedies: &[
        "take a topic on which nobody else publishes, or none at all: then the check makes one up",
        "or raise the limit: `--set max_packet_size=16MiB`",
    ],
};

pub(crate) fn too_large(error: &MqttError, size: usize, config: &Config) -> Diagnosis {
    let key = origin(config, Key::MaxPacketSize);
    let limit = config.max_packet_size;
    let diagnosis = Diagnosis::new(
        &TOO_LARGE,
        "a message larger than `max_packet_size` came in",
    )
    .note(format!("its packet has {size} bytes; the limit is {limit} bytes, and it is this program's own ({key})"));
    let retained = "if it is a retained message that nobody needs, clear it: publish an empty one to that topic, retained";
    match error.command {
        Command::Check if config.check.subscribes() => diagnosis
            .help("raise `max_packet_size`, or choose a `topic` on which nobody else publishes")
            .help(retained),
        Command::Sub => diagnosis
            .notes(awaited(error).map(|filters| format!("subscribed to {filters}")))
            .help("raise `max_packet_size`, or subscribe to topics without such messages")
            .help(retained),
        Command::Pub | Command::Request | Command::Check => diagnosis
            .help("raise `max_packet_size`")
            .help_if(
                !config.clean_session,
                format!(
                    "if an earlier run subscribed as `{}`, its session is kept and still gets messages: take another `client_id`",
                    config.client_id
                ),
            ),
    }
}

pub(crate) static ALTERED: Code = Code {
    name: "receive-altered",
    kind: Kind::Failure {
        stage: Stage::Receive,
        retry: false,
    },
    line: "our message came back changed",
    more: "The check's own message arrived, known by its mark, and its content is not what was sent.",
    causes: &[
        "a rule, bridge or plug-in on the broker rewrites messages of this topic",
        "a program that listens on the topic sends messages back on it",
    ],
    remedies: &[
        "look for rules, bridges and plug-ins on the broker that touch the topic",
        "try another topic: `-t NAME`",
    ],
};

pub(crate) fn altered(sent: &[u8], received: &[u8]) -> Diagnosis {
    let at = sent
        .iter()
        .zip(received)
        .position(|(a, b)| a != b)
        .unwrap_or(sent.len().min(received.len()));
    let around = |bytes: &[u8]| text::escape_bytes(bytes.get(at..).unwrap_or_default(), 24);
    Diagnosis::new(&ALTERED, "our message came back with another payload")
        .note(format!(
            "sent {}, received {}",
            text::count(sent.len() as u64, "byte"),
            text::count(received.len() as u64, "byte")
        ))
        .note(format!(
            "first difference at byte {at}: sent `{}`, received `{}`",
            around(sent),
            around(received)
        ))
        .help(
            "look for a rule, bridge or plug-in on the broker that rewrites messages of this topic",
        )
}

pub(crate) static CLOSED: Code = Code {
    name: "receive-closed",
    kind: Kind::Failure {
        stage: Stage::Receive,
        retry: true,
    },
    line: "the connection was lost while waiting",
    more: "Login and subscription were confirmed, and the connection ended while a message was awaited: by the check its own, by `sub` any.",
    causes: &[
        "the broker closes the connection of a user who breaks an access rule",
        "the broker restarted, or the network failed just then",
        "another client connected with the same client id",
    ],
    remedies: &[
        "run the check again: if it fails elsewhere, it is the network or the broker itself",
        "read the broker's log at that time",
        "give each device its own `client_id`",
    ],
};

pub(crate) fn closed(error: &MqttError, how: String, config: &Config) -> Diagnosis {
    let published = match &error.operation {
        Operation::Receive { published, .. } => *published,
        _ => None,
    };
    let (awaited, before) = match published {
        Some(Qos::AtMostOnce) => (
            "the message was",
            "the broker had granted the subscription, and the message was sent (QoS 0 is not acknowledged)".to_owned(),
        ),
        Some(_) => (
            "the message was",
            "the broker had granted the subscription and taken the message".to_owned(),
        ),
        None => (
            "messages were",
            format!("the broker had granted {}", awaited(error).unwrap_or_default()),
        ),
    };
    // Without an acknowledgement it may have ended over the message.
    let rights = match published {
        Some(Qos::AtMostOnce) => {
            "if the broker's ACL (access rules) does not let this user write to the topic, or read it, allow it there: some brokers close the connection over it"
        }
        _ => {
            "if the broker's ACL (access rules) does not let this user read the topic, allow it there: some brokers close the connection over it"
        }
    };
    let diagnosis = Diagnosis::new(
        &CLOSED,
        format!("the connection was lost while {awaited} awaited"),
    )
    .note(how)
    .note(before)
    .help_if(error.command == Command::Check, rights)
    .help("look into the broker's log, where the reason stands")
    .help("if the broker was restarted just now, try again");
    same_client_id(diagnosis, error.command, config)
}
