//! The reason codes of MQTT 5 §2.4: what each is called there, and what to do about it. Every packet
//! that carries one is worded from this table.

use crate::diagnosis::Diagnosis;
use crate::failure::Reason;
use crate::util::text;

/// A row: code, name, and what to do; an empty text where the packet itself decides.
type Row = (u8, &'static str, &'static str);

/// In their order. Those below 0x80 are no failures.
static ROWS: &[Row] = &[
    (0x00, "success", ""),
    (0x01, "granted QoS 1", ""),
    (0x02, "granted QoS 2", ""),
    (0x04, "disconnect with will message", ""),
    (0x10, "no matching subscribers", ""),
    (0x11, "no subscription existed", ""),
    (0x18, "continue authentication", ""),
    (0x19, "re-authenticate", ""),
    (
        0x80,
        "unspecified error",
        "look into the broker's log, where the reason stands",
    ),
    (
        0x81,
        "malformed packet",
        "the broker could not read what was sent: if something between rewrites it, such as a proxy, go round it",
    ),
    (
        0x82,
        "protocol error",
        "the broker takes what was sent for a breach of the standard: look into its log, where the reason stands",
    ),
    (
        0x83,
        "implementation specific error",
        "the broker understands the request and does not take it: look into its log or documentation, where the reason stands",
    ),
    (
        0x84,
        "unsupported protocol version",
        "leave `protocol` out: then MQTT 3.1.1 is spoken",
    ),
    (0x85, "client identifier not valid", ""),
    (0x86, "bad user name or password", ""),
    (
        0x87,
        "not authorized",
        "allow it to this user, in the broker's ACL (access rules)",
    ),
    (
        0x88,
        "server unavailable",
        "try again in a minute; if it stays so, look into the broker's log",
    ),
    (
        0x89,
        "server busy",
        "try again in a minute; if it stays so, the broker has too much to do",
    ),
    (
        0x8a,
        "banned",
        "the broker's administrator has banned this client: ask there",
    ),
    (
        0x8b,
        "server shutting down",
        "start the broker again, or wait until it is back",
    ),
    (
        0x8c,
        "bad authentication method",
        "the broker wants an authentication that this program does not have: allow user name and password, or a client certificate",
    ),
    (
        0x8d,
        "keep alive timeout",
        "the broker heard nothing for one and a half times `keep_alive`: if the link stalls that long, raise it",
    ),
    (
        0x8e,
        "session taken over",
        "give each device a client id of its own, or stop the other one",
    ),
    (
        0x8f,
        "topic filter invalid",
        "the broker does not take this filter: `#` stands at the end alone, `+` for a whole level, and some brokers allow neither",
    ),
    (
        0x90,
        "topic name invalid",
        "the broker does not take this topic: some want it to begin with a name of their own",
    ),
    (
        0x91,
        "packet identifier in use",
        "a session of an earlier run is half-way: set `clean_session = on` once, which ends it",
    ),
    (
        0x92,
        "packet identifier not found",
        "broker and client remember different sessions: set `clean_session = on` once, which ends them",
    ),
    (
        0x93,
        "receive maximum exceeded",
        "the broker takes fewer messages at a time: send them more slowly (`--rate`)",
    ),
    (
        0x94,
        "topic alias invalid",
        "look into the broker's log, where the reason stands",
    ),
    (
        0x95,
        "packet too large",
        "send a smaller message, or raise the broker's limit (mosquitto: `max_packet_size`)",
    ),
    (
        0x96,
        "message rate too high",
        "send more slowly (`--rate`), or raise the broker's limit",
    ),
    (
        0x97,
        "quota exceeded",
        "wait, or raise the quota with the broker's owner",
    ),
    (
        0x98,
        "administrative action",
        "the broker's administrator ended it: ask there",
    ),
    (
        0x99,
        "payload format invalid",
        "the payload is not what the broker expects there: with `payload_format = text` it must be UTF-8",
    ),
    (
        0x9a,
        "retain not supported",
        "set `retain = off`: the broker keeps no retained messages",
    ),
    (0x9b, "QoS not supported", "set a lower `qos`"),
    (
        0x9c,
        "use another server",
        "set `host` to the other server for now",
    ),
    (0x9d, "server moved", "set `host` to the new server"),
    (
        0x9e,
        "shared subscriptions not supported",
        "leave `$share/NAME/` out of the filter",
    ),
    (
        0x9f,
        "connection rate exceeded",
        "connect less often; wait some minutes, then try again once",
    ),
    (
        0xa0,
        "maximum connect time",
        "the broker ends each connection after a time of its own: connect again",
    ),
    (
        0xa1,
        "subscription identifiers not supported",
        "subscribe without a subscription identifier",
    ),
    (
        0xa2,
        "wildcard subscriptions not supported",
        "name the topics one by one, without `#` and `+`",
    ),
];

/// What the standard calls a code.
pub(crate) fn name(code: u8) -> &'static str {
    row(code).map_or("a code that MQTT 5 does not have", |(_, name, _)| name)
}

/// What to do about a code; `None` where nothing is known.
pub(crate) fn help(code: u8) -> Option<&'static str> {
    row(code)
        .map(|(_, _, help)| *help)
        .filter(|help| !help.is_empty())
}

fn row(code: u8) -> Option<&'static Row> {
    ROWS.iter().find(|(its, _, _)| *its == code)
}

/// A packet with a reason, as a note has it: `PUBACK 0x87 (not authorized): "words of the broker"`.
pub(crate) fn packet(packet: &str, reason: &Reason) -> String {
    let Reason { code, words, .. } = reason;
    let said = words
        .as_ref()
        .map(|words| format!(": `{}`", text::escape(words)))
        .unwrap_or_default();
    format!("{packet} {code:#04x} ({}){said}", name(*code))
}

/// The server that a broker names in place of itself, as a note and what to do.
pub(crate) fn reference(diagnosis: Diagnosis, reason: &Reason) -> Diagnosis {
    let named = |server: &String| {
        format!(
            "the broker names another server: `{}`",
            text::escape(server)
        )
    };
    diagnosis.notes(reason.reference.as_ref().map(named))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// MQTT 5 §2.4 has 43 codes, some with several names; each failure has a help, here or with its
    /// packet.
    #[test]
    fn every_code_of_the_standard_is_there_once() {
        let codes: Vec<_> = ROWS.iter().map(|(code, _, _)| *code).collect();
        let mut expected = vec![0, 1, 2, 4, 0x10, 0x11, 0x18, 0x19];
        expected.extend(0x80..=0xa2);
        assert_eq!(codes, expected);
        for code in codes.into_iter().filter(|code| *code >= 0x80) {
            // Those two have a diagnosis of their own.
            assert_eq!(
                help(code).is_none(),
                matches!(code, 0x85 | 0x86),
                "{code:#x}"
            );
        }
        assert_eq!(name(0xff), "a code that MQTT 5 does not have");
    }
}
