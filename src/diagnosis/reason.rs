//! What to do about the reason codes of MQTT 5 §2.4, and how a packet with one is shown. Every packet that
//! carries a reason is worded from here.

use crate::config::Config;
use crate::diagnosis::Diagnosis;
use crate::failure::Reason;
use crate::util::text;

const LOG: &str = "look into the broker's log, where the reason stands";

/// What is said where a code is not known.
const UNKNOWN: &str = "look into the broker's log or its documentation for this code";

/// A session that the broker has kept.
const KEPT: &str = "broker and client remember the session differently: set `clean_session = on` once, which ends it";

/// In their order; 0x91 and 0x92 depend on the session.
static HELP: [(u8, &str); 34] = [
    (0x00, LOG),
    (0x04, LOG),
    (0x80, LOG),
    (
        0x81,
        "the broker could not read what was sent: if something between rewrites it, such as a proxy, go round it",
    ),
    (
        0x82,
        "the broker takes what was sent for a breach of the standard: look into its log, where the reason stands",
    ),
    (
        0x83,
        "the broker understands what was sent and does not take it: look into its log or documentation, where the reason stands",
    ),
    (0x84, "leave `protocol` out: then MQTT 3.1.1 is spoken"),
    (0x85, "set `client_id` to one that the broker allows"),
    (0x86, "check `username` and the password"),
    (
        0x87,
        "allow it to this user, in the broker's ACL (access rules)",
    ),
    (
        0x88,
        "try again in a minute; if it stays so, look into the broker's log",
    ),
    (
        0x89,
        "try again in a minute; if it stays so, the broker has too much to do",
    ),
    (
        0x8a,
        "the broker's administrator has banned this client: ask there",
    ),
    (0x8b, "start the broker again, or wait until it is back"),
    (
        0x8c,
        "the broker wants an authentication that this program does not have: let it take a user name and password, or a client certificate",
    ),
    (
        0x8d,
        "the broker heard nothing for one and a half times the keep-alive time: if the link stalls that long, raise `keep_alive`, as far as the broker allows it",
    ),
    (
        0x8e,
        "give each device a client id of its own, or stop the other one",
    ),
    (
        0x8f,
        "the broker does not take this filter: `#` stands at the end alone, `+` for a whole level, and some brokers take neither",
    ),
    (
        0x90,
        "the broker does not take this topic: some want it to begin with the name of the user or of the tenant",
    ),
    (
        0x93,
        "the broker takes fewer messages at a time: send them more slowly (`pub` has `--rate`)",
    ),
    (0x94, LOG),
    (
        0x95,
        "send a smaller message, or raise the broker's limit (mosquitto: `max_packet_size`, `message_size_limit`)",
    ),
    (
        0x96,
        "send more slowly (`pub` has `--rate`), or have the broker's limit raised",
    ),
    (
        0x97,
        "a quota of this user or client is used up: wait until it is renewed, or have it raised",
    ),
    (0x98, "the broker's administrator ended it: ask there"),
    (
        0x99,
        "the payload is not of the form that the broker, or a rule of it, wants on this topic: send it so, as JSON or UTF-8 for instance",
    ),
    (
        0x9a,
        "set `retain = off`: the broker keeps no retained messages",
    ),
    (0x9b, "set a lower `qos`"),
    (0x9c, "set `host` to the other server for now"),
    (0x9d, "set `host` to the new server"),
    (0x9e, "leave `$share/NAME/` out of the filter"),
    (
        0x9f,
        "connect less often: wait some minutes, then try again once",
    ),
    (
        0xa0,
        "the broker ends each connection after a time of its own: connect again",
    ),
    (0xa2, "name the topics one by one, without `#` and `+`"),
];

/// What to do about a code; for the unknown ones, too.
pub(crate) fn help(code: u8, config: &Config) -> &'static str {
    match code {
        0x91 | 0x92 if config.clean_session => {
            "the session is new, and no packet id in it can be an earlier one's: update the broker, or ask those who make it"
        }
        0x91 | 0x92 => KEPT,
        0xa1 => {
            "subscribe without a subscription identifier (`sub` sends one only with `--subscription-id`)"
        }
        code => {
            let row = HELP.iter().find(|(its, _)| *its == code);
            row.map_or(UNKNOWN, |(_, help)| help)
        }
    }
}

/// Whether a connection that the broker ended with this code may stand the next time, although nobody
/// changes anything here.
pub(crate) fn is_passing(code: u8) -> bool {
    !matches!(
        code,
        0x84..=0x87
            | 0x8a
            | 0x8c
            | 0x8e..=0x90
            | 0x95
            | 0x98..=0x9e
            | 0xa1
            | 0xa2
    )
}

/// What happened, with the name of the code.
pub(crate) fn because(said: &str, packet: &str, code: u8) -> String {
    match Reason::name(packet, code) {
        Some(name) => format!("{said}: {name}"),
        None => format!("{said} with a code that MQTT 5 does not have"),
    }
}

/// The most characters that are shown of a reason string: it is made for people.
const MOST: usize = 300;

/// A packet with a reason, as a note has it: "PUBACK 0x87 (not authorized): `words of the broker`".
pub(crate) fn packet(packet: &str, reason: &Reason) -> String {
    with_words(Reason::shown(packet, reason.code), reason)
}

/// `said`, and behind it what the broker says beside the code.
pub(crate) fn with_words(said: String, reason: &Reason) -> String {
    match &reason.words {
        Some(words) => format!("{said}: `{}`", shown(words)),
        None => said,
    }
}

/// The server that a broker names in place of itself.
pub(crate) fn reference(diagnosis: Diagnosis, reason: &Reason) -> Diagnosis {
    let named = |server: &String| format!("the broker names another server: `{}`", shown(server));
    diagnosis.notes(reason.reference.as_ref().map(named))
}

fn shown(words: &str) -> String {
    let begin: String = words.chars().take(MOST).collect();
    let rest = if begin.len() < words.len() { "…" } else { "" };
    format!("{}{rest}", text::escape(&begin))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::good;

    #[test]
    fn every_failure_has_a_help_of_its_own() {
        let config = good("");
        for code in 0x80..=0xa2 {
            assert_ne!(help(code, &config), UNKNOWN, "{code:#x}");
        }
        assert!(HELP.is_sorted());
        assert_eq!(help(0xa3, &config), UNKNOWN);
        assert_eq!(
            help(0x91, &good("clean_session = off\nclient_id = me")),
            KEPT
        );
    }

    #[test]
    fn reason_strings_are_escaped_and_bounded() {
        let reason = Reason {
            code: 0x87,
            words: Some("\x1b[2Jno".to_owned()),
            ..Reason::default()
        };
        assert_eq!(
            packet("PUBACK", &reason),
            "PUBACK 0x87 (not authorized): `\\u{1b}[2Jno`"
        );
        let long = shown(&"ä".repeat(MOST + 1));
        assert_eq!(long.chars().count(), MOST + 1);
        assert!(long.ends_with('…'));
    }
}
