//! A target given as a URL: `mqtts://user@host:8883/topic` becomes keys and values, and is never
//! shown with its password. And what may stand as `host` or `server_name`: a DNS name, or an IP
//! address. It resolves nothing.

use std::net::IpAddr;

use crate::config::error::{HostError, UrlError};

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

/// The host in the form in which it is resolved and sent as SNI: no brackets, no trailing dot
/// (RFC 6066 §3 wants the name without it).
pub(crate) fn host(value: &str) -> Result<String, HostError> {
    let bare = match value.strip_prefix('[') {
        Some(rest) if rest.ends_with(']') => {
            let inside = rest.trim_end_matches(']');
            return match inside.parse() {
                Ok(IpAddr::V6(_)) => Ok(inside.to_owned()),
                _ if inside.contains('%') => Err(HostError::Zone),
                _ => Err(HostError::Ipv6),
            };
        }
        _ => value,
    };
    if bare.parse::<IpAddr>().is_ok() {
        return Ok(bare.to_owned());
    }
    if bare.contains([' ', '\t']) {
        return Err(HostError::Blank);
    }
    if bare.contains(',') {
        return Err(HostError::Comma);
    }
    if let Some(fault) = other_parts(bare) {
        return Err(fault);
    }
    dns_name(bare.strip_suffix('.').unwrap_or(bare))
}

/// Whether the host is an endpoint of AWS IoT Core, which has rules of its own. A broker on a rented
/// machine is under `amazonaws.com` too, and has none of them.
pub(crate) fn is_aws(host: &str) -> bool {
    let host = host.to_ascii_lowercase();
    let domain = [".amazonaws.com", ".amazonaws.com.cn"];
    host.contains(".iot.") && domain.iter().any(|end| host.ends_with(end))
}

/// Takes a URL apart that was written where only its host belongs.
fn other_parts(value: &str) -> Option<HostError> {
    let (scheme, rest) = match value.split_once("://") {
        Some((scheme, rest)) => (Some(scheme.to_owned()), rest),
        None => (None, value),
    };
    let (user, rest) = match rest.rsplit_once('@') {
        Some((_, rest)) => (true, rest),
        None => (false, rest),
    };
    let (rest, path) = match rest.find(['/', '?', '#']) {
        Some(at) => (&rest[..at], Some(rest[at..].to_owned())),
        None => (rest, None),
    };
    let (host, port) = if let Some((inside, behind)) = bracketed(rest) {
        match behind.strip_prefix(':') {
            None if !behind.is_empty() => return Some(HostError::Ipv6),
            port => (inside, port),
        }
    } else if rest.contains("::") || rest.matches(':').count() > 1 {
        // Brackets are what tells an IPv6 address from its port; there are none.
        match rest.parse::<IpAddr>() {
            Ok(_) => (rest, None),
            Err(_) if rest.contains('%') => return Some(HostError::Zone),
            Err(_) => return Some(HostError::Ipv6),
        }
    } else {
        match rest.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (rest, None),
        }
    };
    if scheme.is_none() && !user && port.is_none() && path.is_none() {
        return None;
    }
    if host.is_empty() {
        return Some(HostError::Nothing);
    }
    Some(HostError::Parts {
        scheme,
        user,
        host: host.to_owned(),
        // Behind a user name it may be a password.
        port: port.map(|port| if is_number(port) { port } else { "…" }.to_owned()),
        path: path.filter(|path| path != "/"),
    })
}

fn bracketed(text: &str) -> Option<(&str, &str)> {
    text.strip_prefix('[')?.split_once(']')
}

/// The limits of RFC 1035 §2.3.4, with the underscore that some local names carry.
fn dns_name(name: &str) -> Result<String, HostError> {
    if !name.is_ascii() {
        return Err(HostError::NonAscii);
    }
    let odd = |c: &char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
    if let Some(c) = name.chars().find(odd) {
        return Err(HostError::Character(c));
    }
    if name.len() > 253 {
        return Err(HostError::LongName { bytes: name.len() });
    }
    for label in name.split('.') {
        if label.is_empty() {
            return Err(HostError::EmptyLabel);
        }
        if label.len() > 63 {
            return Err(HostError::LongLabel { bytes: label.len() });
        }
        if label.starts_with('-') || label.ends_with('-') {
            return Err(HostError::Hyphen);
        }
    }
    // A name whose last label is a number is an address to every resolver (RFC 1123 §2.1).
    let last = name.rsplit('.').next().unwrap_or(name);
    if is_number(last) {
        return Err(HostError::Ipv4);
    }
    Ok(name.to_owned())
}

fn is_number(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
#[path = "url_tests.rs"]
mod tests;
