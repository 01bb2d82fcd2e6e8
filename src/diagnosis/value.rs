//! The words for one value: what it must be. They never repeat the value; the line shows it where
//! it may be shown.

use crate::config::{HostError, Key, Slip, TopicErrorKind, ValueError};
use crate::diagnosis::providers;

/// What `what` looks as if it had brought along.
pub(crate) fn slip(what: &str, slip: Slip) -> String {
    match slip {
        Slip::ByteOrderMark => format!("the {what} begins with a byte order mark (BOM, U+FEFF)"),
        Slip::Quotes => format!("the {what} stands in quotes, and they are part of it"),
        Slip::Assignment => format!("the {what} has the form `NAME=value`, and all of it is sent"),
        Slip::Comment => format!("the {what} holds ` #`, and what follows is part of it"),
        Slip::LeadingBlank => format!("the {what} begins with a space"),
        Slip::Blank => format!("the {what}'s last character is a space or a line end"),
    }
}

/// What is wrong, and what would be right.
pub(crate) fn flaw(key: &str, flaw: &ValueError) -> (String, String) {
    let must = |be: &str| format!("`{key}` must be {be}");
    match flaw {
        ValueError::Switch => (
            must("`on` or `off`"),
            format!("write `{key} = on` or `{key} = off`"),
        ),
        ValueError::Port => (
            must("a number from 1 to 65535"),
            "MQTT over TLS is usually on 8883, without TLS on 1883".to_owned(),
        ),
        ValueError::Qos => (
            must("0, 1 or 2"),
            format!("write `{key} = 1` for at least once"),
        ),
        ValueError::Protocol => (
            must("`3.1.1`, `5` or `auto`"),
            "leave `protocol` out for 3.1.1".to_owned(),
        ),
        ValueError::Protocol31 => (
            "MQTT 3.1 (`MQIsdp`) is not spoken here, only its successor 3.1.1".to_owned(),
            "leave `protocol` out: brokers of MQTT 3.1 usually take 3.1.1 too".to_owned(),
        ),
        ValueError::Check => (
            must("`echo`, `publish`, `subscribe` or `connect`"),
            format!("leave `{key}` out for the whole check"),
        ),
        ValueError::TlsVersion => (
            must("`1.2` or `1.3`: older versions of TLS are withdrawn"),
            format!("leave `{key}` out to offer both"),
        ),
        ValueError::NoUnit { given } => (
            format!("`{key}` needs a unit: `ms`, `s`, `m`, `h` or `d`"),
            format!("if seconds are meant, write `{key} = {given}s`"),
        ),
        ValueError::KeepAlive => (
            must("0, or whole seconds from 5s to 65535s, such as `60s` or `2m`"),
            format!("write `{key} = 60s`, or leave it out"),
        ),
        ValueError::Timeout => (
            must("more than 0 and at most 1h, such as `500ms`, `15s` or `2m`"),
            format!("write `{key} = 15s`, or leave it out"),
        ),
        ValueError::PacketSize => (
            must("from 64 bytes to 256MiB, such as `4096`, `64KiB` or `1MiB`"),
            format!("write `{key} = 1MiB`, or leave it out"),
        ),
        ValueError::Pin { digits } => (
            match digits {
                Some(digits) => format!("`{key}` must have 64 hex digits, and has {digits}"),
                None => must("64 hex digits, with or without colons"),
            },
            "`openssl x509 -in broker.pem -noout -fingerprint -sha256` prints it behind the `=`"
                .to_owned(),
        ),
        ValueError::Alpn => (
            must("one or more names of 1 to 255 bytes, separated by commas"),
            format!("write `{key} = mqtt`, or the names that the broker's documentation gives"),
        ),
        ValueError::EnvName => (
            must("the name of an environment variable: letters, digits and `_`"),
            format!("write `{key} = MQTT_PASSWORD`, and set that variable"),
        ),
        ValueError::NoHome => (
            format!("`{key}` begins with `~/`, and no home folder is known (HOME is not set)"),
            format!("write the whole path in `{key}`"),
        ),
        ValueError::PastedPem => (
            must("the path of a file, not the PEM text itself"),
            format!("save that text as a file, and name the file in `{key}`"),
        ),
        ValueError::TooLong { bytes, limit } => (
            format!("`{key}` has {bytes} bytes, and MQTT carries at most {limit}"),
            format!("give `{key}` a shorter value"),
        ),
        ValueError::Nul => (
            format!("`{key}` holds a NUL character"),
            "take it out: no string of MQTT and no path can hold it".to_owned(),
        ),
        ValueError::Host(fault) => host(key, fault),
        ValueError::Topic(fault) => {
            let from = match fault.from {
                Some(from) => format!(", which `{from}` brings in"),
                None => String::new(),
            };
            match fault.why {
                TopicErrorKind::Wildcard(c) => (
                    format!("nothing can be published to a `{key}` with the wildcard `{c}`{from}"),
                    "name one topic, without `+` and `#`".to_owned(),
                ),
                TopicErrorKind::Filter => (
                    format!("`{key}` is no topic filter{from}"),
                    "write `#` alone or after the last `/`, `+` alone between two `/`".to_owned(),
                ),
                TopicErrorKind::Nul => (
                    format!("`{key}` holds a NUL character{from}"),
                    "take it out: no string of MQTT can hold it".to_owned(),
                ),
                TopicErrorKind::TooLong(bytes) => (
                    format!("`{key}` has {bytes} bytes{from}, and MQTT carries at most 65535"),
                    "name a shorter topic".to_owned(),
                ),
            }
        }
    }
}

/// All keys, for a sentence.
pub(crate) fn keys() -> String {
    Key::ALL.map(Key::name).join(", ")
}

fn host(key: &str, fault: &HostError) -> (String, String) {
    let must = format!("`{key}` must be a name or an address alone");
    let (wrong, right) = match fault {
        HostError::Parts {
            scheme,
            user,
            host,
            port,
            path,
        } => {
            return parts(
                key,
                scheme.as_deref(),
                *user,
                host,
                port.as_deref(),
                path.as_deref(),
            );
        }
        HostError::Nothing => (
            format!("{must}, and holds none"),
            "write the broker's name there",
        ),
        HostError::Space => (format!("{must}: a space is in it"), "remove the space"),
        HostError::Comma => (
            format!("{must}: a comma is in it"),
            "name one broker; check another one with another run",
        ),
        HostError::Zone => (
            format!("`{key}` is an IPv6 address with a zone (`%…`), which cannot be used here"),
            "use a global address, or a name",
        ),
        HostError::Ipv6 => (
            format!("`{key}` looks like an IPv6 address but is not one"),
            "write it like `2001:db8::7`, without a port",
        ),
        HostError::Ipv4 => (
            format!("`{key}` looks like an IPv4 address but is not one"),
            "write four numbers from 0 to 255, like `192.168.1.2`",
        ),
        HostError::NonAscii => (
            format!("`{key}` holds letters that DNS does not have"),
            "write the punycode form of the name, which begins with `xn--`",
        ),
        HostError::Character(c) => (
            format!("`{key}` holds `{c}`, which no name of a host has"),
            "a name has letters, digits, `-` and dots",
        ),
        HostError::EmptyLabel => (
            format!("`{key}` has nothing before, behind or between two of its dots"),
            "write the name with one dot between its parts",
        ),
        HostError::LongLabel { bytes } => (
            format!("`{key}` has a part of {bytes} bytes between two dots; DNS allows 63"),
            "copy the name once more from the broker's console",
        ),
        HostError::LongName { bytes } => (
            format!("`{key}` has {bytes} bytes; DNS allows 253"),
            "copy the name once more from the broker's console",
        ),
        HostError::Hyphen => (
            format!("`{key}` has a part that begins or ends with `-`"),
            "copy the name once more from the broker's console",
        ),
    };
    (wrong, right.to_owned())
}

/// Whether the scheme is that of MQTT over WebSocket.
pub(crate) fn is_websocket(scheme: &str) -> bool {
    ["ws", "wss"]
        .iter()
        .any(|it| scheme.eq_ignore_ascii_case(it))
}

pub(crate) fn has_tls(scheme: &str) -> bool {
    let known = ["mqtts", "ssl", "tls", "https", "wss"];
    known.iter().any(|it| scheme.eq_ignore_ascii_case(it))
}

/// Names every part that does not belong there, and the key where it does.
fn parts(
    key: &str,
    scheme: Option<&str>,
    user: bool,
    host: &str,
    port: Option<&str>,
    path: Option<&str>,
) -> (String, String) {
    let mut wrong = Vec::new();
    let mut right = vec![format!("`{key} = {host}`")];
    let web = scheme.is_some_and(is_websocket);
    let mut why = String::new();
    if let Some(scheme) = scheme {
        // `mqtt:/` is one, too.
        let slash = if scheme.ends_with(":/") { "" } else { "://" };
        wrong.push(format!("the scheme `{scheme}{slash}`"));
        let scheme = scheme.trim_end_matches(":/");
        if web {
            // Port and path are those of its WebSocket.
            let (tls, port, there) = providers::mqtt_port(host, has_tls(scheme));
            right.push(if tls { "`tls = on`" } else { "`tls = off`" }.to_owned());
            right.push(format!("`port = {port}`"));
            why = format!("; WebSocket is not spoken here, {there}");
        } else if has_tls(scheme) {
            right.push("`tls = on`".to_owned());
        } else if ["mqtt", "tcp", "http"]
            .iter()
            .any(|it| scheme.eq_ignore_ascii_case(it))
        {
            right.push("`tls = off`".to_owned());
        }
    }
    if user {
        wrong.push("a user name or password".to_owned());
        right.push("`username = …`".to_owned());
    }
    if let Some(port) = port {
        wrong.push(format!("a port (`:{port}`)"));
        if !web && port.parse().is_ok_and(|port: u16| port > 0) {
            right.push(format!("`port = {port}`"));
        }
    }
    if let Some(path) = path {
        wrong.push(format!("a path (`{path}`)"));
    }
    if wrong.is_empty() {
        wrong.push("a `/` at its end".to_owned());
    }
    if !web && path == Some("/mqtt") {
        why.push_str("; WebSocket is not spoken here, use the broker's MQTT port");
    }
    (
        format!(
            "`{key}` must be a name or an address alone, and holds {}",
            wrong.join(" and ")
        ),
        format!("write {}{why}", right.join(", ")),
    )
}
