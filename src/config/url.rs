//! A target given as a URL: `mqtts://user@host:8883/topic` becomes keys and values, and is never
//! shown with its password. It judges no value.

use crate::config::error::UrlError;

/// Whether the target is meant as a URL. A file of such a name can be given as `./…`.
pub(crate) fn is_url(target: &str) -> bool {
    target
        .split_once("://")
        .is_some_and(|(scheme, _)| !scheme.is_empty() && scheme.chars().all(is_scheme_char))
}

fn is_scheme_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.')
}

/// The URL without its password. What stands where the port belongs is only shown if it is one:
/// in `mqtts://user:password` it is the password.
pub(crate) fn redact(url: &str) -> String {
    let (scheme, rest) = match url.split_once("://") {
        Some((scheme, rest)) => (format!("{scheme}://"), rest),
        None => (String::new(), url),
    };
    if let Some((user, rest)) = rest.rsplit_once('@') {
        let name = user.split(':').next().unwrap_or(user);
        let at = if name.is_empty() { "" } else { "@" };
        return format!("{scheme}{name}{at}{rest}");
    }
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    match authority.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') && !port.bytes().all(|b| b.is_ascii_digit()) => {
            format!("{scheme}{host}:…")
        }
        _ => format!("{scheme}{authority}{path}"),
    }
}

/// The keys and values that a URL holds. Decoded, so the password is among them.
pub(crate) fn parts(url: &str) -> Result<Vec<(&'static str, String)>, UrlError> {
    let (scheme, rest) = url.split_once("://").ok_or(UrlError::NoScheme)?;
    let tls = match scheme.to_ascii_lowercase().as_str() {
        "mqtts" | "ssl" | "tls" => true,
        "mqtt" | "tcp" => false,
        _ => {
            let scheme = scheme.to_owned();
            return Err(UrlError::Scheme { scheme });
        }
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let (user, host_port) = match authority.rsplit_once('@') {
        Some((user, host_port)) => (user, host_port),
        None => ("", authority),
    };
    // Before the query, so that a password with a `/`, `?` or `#` in it gets the right advice.
    if path.contains('@') {
        return Err(UrlError::At);
    }
    if path.contains('?') {
        return Err(UrlError::Query);
    }
    if path.contains('#') {
        return Err(UrlError::Fragment);
    }
    let (host, port) = host_and_port(host_port);
    if host.is_empty() {
        return Err(UrlError::NoHost);
    }
    let (name, password) = match user.split_once(':') {
        Some((name, password)) => (name, password),
        None => (user, ""),
    };
    let topic = path.strip_prefix('/').unwrap_or(path);
    let mut found = vec![("tls", if tls { "on" } else { "off" }.to_owned())];
    for (key, part, text) in [
        ("username", "user name", name),
        ("password", "password", password),
        ("host", "host", host),
        ("port", "port", port),
        ("topic", "topic", topic),
    ] {
        let text = decode(text).ok_or(UrlError::Percent { part })?;
        if !text.is_empty() {
            found.push((key, text));
        }
    }
    Ok(found)
}

/// An IPv6 address stands in brackets (RFC 3986 §3.2.2). What is neither goes to `host` whole,
/// which says what is wrong with it.
fn host_and_port(text: &str) -> (&str, &str) {
    if text.starts_with('[') {
        return match text.find(']') {
            Some(at) => match text[at + 1..].strip_prefix(':') {
                Some(port) => (&text[..=at], port),
                None => (text, ""),
            },
            None => (text, ""),
        };
    }
    match text.split_once(':') {
        Some((host, port)) if !port.contains(':') => (host, port),
        _ => (text, ""),
    }
}

/// RFC 3986 §2.1. `None`: a `%` without two hex digits, or not UTF-8.
fn decode(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            decoded.push(byte);
            continue;
        }
        let high = char::from(bytes.next()?).to_digit(16)?;
        let low = char::from(bytes.next()?).to_digit(16)?;
        decoded.push(u8::try_from(high << 4 | low).ok()?);
    }
    String::from_utf8(decoded).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(url: &str, expected: Result<&[(&str, &str)], UrlError>) {
        let expected = expected.map(|list| {
            let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
            list.iter().map(owned).collect::<Vec<_>>()
        });
        let found = parts(url).map(|list| {
            let owned = |(key, value): (&str, String)| (key.to_owned(), value);
            list.into_iter().map(owned).collect::<Vec<_>>()
        });
        assert_eq!(found, expected, "{url}");
    }

    #[test]
    fn every_part_becomes_a_setting() {
        check(
            "mqtts://me@h.example:8883/a/b",
            Ok(&[
                ("tls", "on"),
                ("username", "me"),
                ("host", "h.example"),
                ("port", "8883"),
                ("topic", "a/b"),
            ]),
        );
        check("mqtt://h", Ok(&[("tls", "off"), ("host", "h")]));
        check("TCP://h/", Ok(&[("tls", "off"), ("host", "h")]));
        check("ssl://h:", Ok(&[("tls", "on"), ("host", "h")]));
        check("tls://@h", Ok(&[("tls", "on"), ("host", "h")]));
        check(
            "mqtts://a%40b:p%2Fw%25@[::1]:1//t%20x",
            Ok(&[
                ("tls", "on"),
                ("username", "a@b"),
                ("password", "p/w%"),
                ("host", "[::1]"),
                ("port", "1"),
                ("topic", "/t x"),
            ]),
        );
        check("mqtts://::1", Ok(&[("tls", "on"), ("host", "::1")]));
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        let scheme = |scheme: &str| {
            let scheme = scheme.to_owned();
            Err(UrlError::Scheme { scheme })
        };
        check("wss://h:8884/mqtt", scheme("wss"));
        check("https://h", scheme("https"));
        check("h:8883", Err(UrlError::NoScheme));
        check("mqtts://", Err(UrlError::NoHost));
        check("mqtts://me@:8883", Err(UrlError::NoHost));
        check("mqtts://h/t?qos=1", Err(UrlError::Query));
        check("mqtts://h?qos=1", Err(UrlError::Query));
        check("mqtts://h/a/#", Err(UrlError::Fragment));
        check("mqtts://me:p/w@h", Err(UrlError::At));
        check("mqtts://me:p#w@h", Err(UrlError::At));
        check("mqtts://h/%", Err(UrlError::Percent { part: "topic" }));
        check("mqtts://h/%+1", Err(UrlError::Percent { part: "topic" }));
        check(
            "mqtts://%ff@h",
            Err(UrlError::Percent { part: "user name" }),
        );
        check(
            "mqtts://a:%zz@h",
            Err(UrlError::Percent { part: "password" }),
        );
    }

    #[test]
    fn the_password_is_never_shown() {
        for (url, shown) in [
            ("mqtts://me:hunter2@h:1/t", "mqtts://me@h:1/t"),
            ("mqtts://me@h", "mqtts://me@h"),
            ("mqtts://:hunter2@h", "mqtts://h"),
            ("mqtts://me:hun@ter2@h", "mqtts://me@h"),
            ("mqtts://me:hun/ter2@h", "mqtts://me@h"),
            ("me:hunter2@h", "me@h"),
            ("mqtts://me:hunter2", "mqtts://me:…"),
            ("mqtts://me:hunter2/x", "mqtts://me:…"),
            ("mqtts://[::1]:8883/t", "mqtts://[::1]:8883/t"),
            ("mqtts://h:8883", "mqtts://h:8883"),
        ] {
            assert_eq!(redact(url), shown);
            assert!(!shown.contains("ter2"));
        }
    }
}
