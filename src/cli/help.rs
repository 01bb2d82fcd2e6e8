//! The help texts: prose, and the flags of the table between it. They say nothing that the program
//! does not do.

use crate::cli::flags::{CommandName, FLAGS, Section};

/// The column where the text of a flag begins.
const COLUMN: usize = 32;

pub(crate) enum Part {
    Text(&'static str),
    Flags(Section),
}

use Part::{Flags, Text};

/// What the text for a command is made of; for one without a text of its own, the text for all.
pub(crate) fn parts(command: CommandName) -> &'static [Part] {
    match command {
        CommandName::Pub => PUB,
        CommandName::Sub => SUB,
        CommandName::Request => REQUEST,
        _ => HELP,
    }
}

/// The text for a command.
pub(crate) fn text(command: CommandName) -> String {
    let mut text = String::new();
    for part in parts(command) {
        match part {
            Text(prose) => text.push_str(prose),
            Flags(section) => text.push_str(&flags(*section)),
        }
    }
    text
}

/// How the command is called, in a line.
pub(crate) fn usage(command: CommandName) -> &'static str {
    match command {
        CommandName::Check => "usage: mqtt-test CONFIG [FLAGS], or mqtt-test --help",
        CommandName::Pub => {
            "usage: mqtt-test pub CONFIG -t TOPIC -m TEXT [FLAGS], or mqtt-test pub --help"
        }
        CommandName::Sub => "usage: mqtt-test sub CONFIG -t TOPIC [FLAGS], or mqtt-test sub --help",
        CommandName::Request => {
            "usage: mqtt-test request CONFIG -t TOPIC -m TEXT [FLAGS], or mqtt-test request --help"
        }
        CommandName::New => "usage: mqtt-test new PROVIDER > FILE",
        CommandName::Explain => "usage: mqtt-test explain [CODE]",
    }
}

fn flags(section: Section) -> String {
    let mut text = String::new();
    for flag in FLAGS {
        let Some(help) = flag.help_in(section) else {
            continue;
        };
        let comma = if flag.short.is_empty() { "  " } else { ", " };
        let names = format!("{:2}{comma}{} {}", flag.short, flag.long, flag.value);
        let mut left = format!("  {names}");
        for line in help.lines() {
            text.push_str(&format!("{left:COLUMN$}{line}\n"));
            left.clear();
        }
    }
    text
}

/// What `--help` prints: at most 50 lines of 80 columns, as the others here.
const HELP: &[Part] = &[
    Text(
        "\
mqtt-test tells whether this machine can use an MQTT broker, and if not, which
layer fails, why, and what to change.

Usage:
  mqtt-test CONFIG [FLAGS]      check: dns, tcp, tls, connect, subscribe,
                                publish, receive; the first failure ends it
  mqtt-test pub CONFIG [FLAGS]  publish a message, a file, or lines
  mqtt-test sub CONFIG [FLAGS]  print messages as they arrive
  mqtt-test request CONFIG …    publish a question, print the answer
  mqtt-test new PROVIDER        print a commented config file to start from:
                                hivemq, emqx, aws, azure, thingsboard,
                                mosquitto, local
  mqtt-test explain [CODE]      what a code such as tls-expired means, and what
                                to do; without CODE: all of them in a list

CONFIG is a file of `key = value` lines, or a URL: mqtts://user@host:8883/topic
(TLS) or mqtt://host (no TLS).

Settings, overriding the file:
",
    ),
    Flags(Section::CheckSettings),
    Text("\nOutput:\n"),
    Flags(Section::CheckOutput),
    Text(
        "
Exit codes: 0 it works; 2 usage or configuration, nothing was contacted; 3 dns;
  4 tcp; 5 tls; 6 connect; 7 subscribe; 8 publish; 9 receive; 10 a connection
  was lost and could not be re-established; 11 the output could not be written;
  130 interrupted.

Examples:
  mqtt-test new hivemq > hivemq.conf          then fill it in, and
  MQTT_PASSWORD=… mqtt-test hivemq.conf
  mqtt-test local.conf -t sensors/7 -m hello --json
",
    ),
];

/// What `pub --help` prints.
const PUB: &[Part] = &[
    Text(
        "\
mqtt-test pub publishes. With QoS 1 and 2 it keeps each message until the broker
has acknowledged it, over as many connections as that takes.

Usage: mqtt-test pub CONFIG [FLAGS]

What is published (one of these; else `message` of CONFIG):
",
    ),
    Flags(Section::PubWhat),
    Text("\nHow:\n"),
    Flags(Section::PubHow),
    Text("\nWith each message, in MQTT 5 (`protocol = 5`):\n"),
    Flags(Section::PubMqtt5),
    Text("\nSettings, overriding CONFIG:\n"),
    Flags(Section::PubSettings),
    Text("\nWhat is told: what was lost and came back, and totals, on standard error.\n"),
    Flags(Section::PubOutput),
    Text(
        "
Exit codes as for the check; 10 when the connection was lost and could not be
re-established. The totals say how many messages are not acknowledged. Ctrl-C
waits for those in flight, for `timeout` at most, and ends with 130; a second
one ends at once.

Examples:
  mqtt-test pub local.conf -t sensors/7 -m 21.5 -q 1
  tail -f app.log | mqtt-test pub local.conf -t logs -q 1 -l
",
    ),
];

/// What `sub --help` prints.
const SUB: &[Part] = &[
    Text(
        "\
mqtt-test sub prints messages as they arrive, and subscribes again when the
connection was lost.

Usage: mqtt-test sub CONFIG [FLAGS]

Which messages:
",
    ),
    Flags(Section::SubWhich),
    Text("\nThe same in MQTT 5 (`protocol = 5`):\n"),
    Flags(Section::SubMqtt5),
    Text("\nHow they are printed (else the payload and a line end):\n"),
    Flags(Section::SubForm),
    Text("\nHow:\n"),
    Flags(Section::SubHow),
    Text("\nSettings, overriding CONFIG:\n"),
    Flags(Section::SubSettings),
    Text(
        "
With `clean_session = off` and a `client_id` the broker keeps what comes while
you are away.

Exit codes as for the check; 0 after N messages (-C), and without -C when the
time (--for) is over or by Ctrl-C; with fewer than N 9 when the time is over,
130 by Ctrl-C, as before the first connection.

Examples:
  mqtt-test sub local.conf -t 'sensors/#' -v
  mqtt-test sub local.conf -t alarms -q 1 -C 1 --for 10s
",
    ),
];

/// What `request --help` prints.
const REQUEST: &[Part] = &[
    Text(
        "\
mqtt-test request publishes a question, waits for the answer, and prints it with
the time that both took.

Usage: mqtt-test request CONFIG [FLAGS]

The question (one of these; else `message` of CONFIG):
",
    ),
    Flags(Section::RequestWhat),
    Text("\nHow:\n"),
    Flags(Section::RequestHow),
    Text("\nWith the question, in MQTT 5 (`protocol = 5`):\n"),
    Flags(Section::RequestMqtt5),
    Text("\nHow answers are printed (else the payload and a line end):\n"),
    Flags(Section::RequestForm),
    Text("\nSettings, overriding CONFIG:\n"),
    Flags(Section::RequestSettings),
    Text(
        "
Exit codes as for the check; 9 when fewer answers came than were awaited.

Examples:
  mqtt-test request local.conf --set protocol=5 -t lamp/7/get -m state
  mqtt-test request local.conf -t lamp/7/get -m state --response-topic lamp/7
",
    ),
];
