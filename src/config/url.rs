//! A target given as a URL: `mqtts://user@host:8883/topic` becomes keys and values, and is never shown
//! with its password. Also what may be a `host` or `server_name`: a DNS name, or an IP address. It
//! resolves nothing.

use std::net::{IpAddr, Ipv6Addr};

use crate::config::error::{HostError, UrlError};
use crate::config::types::Key;

/// `scheme://user:password@host:port/path` taken apart; nothing is decoded, and nothing judged.
struct Split<'a> {
    scheme: Option<&'a str>,
    user: Option<&'a str>,
    password: Option<&'a str>,
    /// With the brackets of an IPv6 address. Text that is not `host:port` is here whole.
    host: &'a str,
    port: Option<&'a str>,
    /// From the first `/`, `?` or `#` on.
    path: &'a str,
}

fn split(text: &str) -> Split<'_> {
    let (scheme, rest) = match text.split_once("://") {
        Some((scheme, rest)) => (Some(scheme), rest),
        None => (None, text),
    };
    // The last `@`, even after a `/`: everything before it may be a password.
    let (user, rest) = match rest.rsplit_once('@') {
        Some((user, rest)) => (Some(user), rest),
        None => (None, rest),
    };
    let (user, password) = match user.and_then(|user| user.split_once(':')) {
        Some((user, password)) => (Some(user), Some(password)),
        None => (user, None),
    };
    let end = rest.find(PATH).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    // An IPv6 address stands in brackets (RFC 3986 §3.2.2); without them nothing tells its colons
    // from the port's.
    let colon = if authority.starts_with('[') {
        authority.find("]:").map(|bracket| bracket + 1)
    } else {
        let first = authority.find(':');
        first.filter(|first| !authority[first + 1..].contains(':'))
    };
    let (host, port) = match colon {
        Some(colon) => (&authority[..colon], Some(&authority[colon + 1..])),
        None => (authority, None),
    };
    Split {
        scheme,
        user,
        password,
        host,
        port,
        path,
    }
}

/// Each of these ends the host and its port.
const PATH: [char; 3] = ['/', '?', '#'];

/// Whether the target is meant as a URL. A file of such a name can be given as `./…`.
pub(crate) fn is_url(target: &str) -> bool {
    split(target)
        .scheme
        .is_some_and(|scheme| !scheme.is_empty() && scheme.chars().all(is_scheme_char))
}

/// The scheme of `mqtt:/host`.
pub(crate) fn lacks_a_slash(target: &str) -> Option<&str> {
    let (scheme, rest) = target.split_once(":/")?;
    let schemes = ["mqtt", "mqtts", "ssl", "tls", "tcp"];
    let known = schemes.iter().any(|it| scheme.eq_ignore_ascii_case(it));
    (known && !rest.starts_with('/')).then_some(scheme)
}

fn is_scheme_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.')
}

/// The URL without its password. In `mqtts://user:password` that is where the port belongs, so only what
/// can be a port is shown there. Nor is the query, where other programs take a password.
pub(crate) fn redact(url: &str) -> String {
    let url = split(url);
    let mut shown = String::new();
    if let Some(scheme) = url.scheme {
        shown.push_str(scheme);
        shown.push_str("://");
    }
    if let Some(user) = url.user.filter(|user| !user.is_empty()) {
        shown.push_str(user);
        shown.push('@');
    }
    let (host, port) = match url.host.split_once(':') {
        Some((host, port)) if !is_ipv6(url.host) => (host, Some(port)),
        _ => (url.host, url.port),
    };
    shown.push_str(host);
    if let Some(port) = port {
        shown.push(':');
        if !is_port(port) {
            return shown + "…";
        }
        shown.push_str(port);
    }
    shown + &without_query(url.path)
}

/// With or without brackets and a zone.
fn is_ipv6(host: &str) -> bool {
    let bare = bracketed(host).unwrap_or(host);
    let address = bare.split('%').next().unwrap_or(bare);
    address.parse::<Ipv6Addr>().is_ok()
}

fn bracketed(host: &str) -> Option<&str> {
    host.strip_prefix('[')?.strip_suffix(']')
}

fn without_query(path: &str) -> String {
    match path.split_once('?') {
        Some((path, _)) => format!("{path}?…"),
        None => path.to_owned(),
    }
}

/// The keys and values that a URL holds. Decoded, so the password is among them.
pub(crate) fn parts(text: &str) -> Result<Vec<(Key, String)>, UrlError> {
    let url = split(text);
    let Some(scheme) = url.scheme else {
        return Err(match lacks_a_slash(text) {
            Some(scheme) => UrlError::Slash {
                scheme: scheme.to_owned(),
            },
            None => UrlError::NoScheme,
        });
    };
    let tls = match scheme.to_ascii_lowercase().as_str() {
        "mqtts" | "ssl" | "tls" => "on",
        "mqtt" | "tcp" => "off",
        _ => {
            return Err(UrlError::Scheme {
                scheme: scheme.to_owned(),
                host: host(url.host).ok(),
            });
        }
    };
    let (user, password) = (
        url.user.unwrap_or_default(),
        url.password.unwrap_or_default(),
    );
    // Before the query, so that a password with a `/`, `?` or `#` in it gets the right advice.
    if user.contains(PATH) || password.contains(PATH) {
        return Err(UrlError::At);
    }
    if url.path.contains('?') {
        return Err(UrlError::Query);
    }
    if url.path.contains('#') {
        return Err(UrlError::Fragment);
    }
    if url.host.is_empty() {
        return Err(UrlError::NoHost);
    }
    let mut found = vec![(Key::Tls, tls.to_owned())];
    for (key, part, text) in [
        (Key::Username, "user name", user),
        (Key::Password, "password", password),
        (Key::Host, "host", url.host),
        (Key::Port, "port", url.port.unwrap_or_default()),
        (
            Key::Topic,
            "topic",
            url.path.strip_prefix('/').unwrap_or_default(),
        ),
    ] {
        let text = decode(text).ok_or(UrlError::Percent { part })?;
        if !text.is_empty() {
            found.push((key, text));
        }
    }
    Ok(found)
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
    if value.contains([' ', '\t']) {
        return Err(HostError::Space);
    }
    if value.contains(',') {
        return Err(HostError::Comma);
    }
    // `mqtt:/name` is taken apart as what was meant.
    let lacking = lacks_a_slash(value).is_some();
    let mended = lacking.then(|| value.replacen(":/", "://", 1));
    let Split {
        scheme,
        user,
        host,
        port,
        path,
        ..
    } = split(mended.as_deref().unwrap_or(value));
    let alone = scheme.is_none() && user.is_none() && port.is_none() && path.is_empty();
    let inside = bracketed(host);
    let name = inside.unwrap_or(host);
    let is_address = match name.parse() {
        Ok(IpAddr::V4(_)) => inside.is_none(),
        Ok(IpAddr::V6(_)) => true,
        Err(_) => false,
    };
    // Only an IPv6 address has colons or brackets of its own.
    let ipv6 = host.contains(':') || (alone && inside.is_some());
    match (is_address, alone) {
        (false, _) if ipv6 && name.contains('%') => Err(HostError::Zone),
        (false, _) if ipv6 => Err(HostError::Ipv6),
        (true, true) => Ok(name.to_owned()),
        (false, true) => dns_name(name.strip_suffix('.').unwrap_or(name)),
        (_, false) if name.is_empty() => Err(HostError::Nothing),
        (false, false) if dns_name(name).is_err() => dns_name(name),
        (_, false) => Err(HostError::Parts {
            scheme: scheme.map(|scheme| scheme.to_owned() + if lacking { ":/" } else { "" }),
            user: user.is_some(),
            host: name.to_owned(),
            // Behind a user name it may be a password.
            port: port.map(|port| if is_port(port) { port } else { "…" }.to_owned()),
            path: Some(without_query(path)).filter(|path| !["", "/"].contains(&path.as_str())),
        }),
    }
}

/// Whether the host is an endpoint of AWS IoT Core, which has rules of its own. A broker on a rented
/// machine is under `amazonaws.com` too, but has no such rules.
pub(crate) fn is_aws(host: &str) -> bool {
    let host = host.to_ascii_lowercase();
    let domain = [".amazonaws.com", ".amazonaws.com.cn"];
    host.contains(".iot.") && domain.iter().any(|end| host.ends_with(end))
}

/// Whether the host is an Azure IoT Hub.
pub(crate) fn is_azure(host: &str) -> bool {
    host.to_ascii_lowercase().ends_with(".azure-devices.net")
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

/// Digits that make a port, or none at all. Larger ones may be a password.
fn is_port(text: &str) -> bool {
    text.is_empty() || is_number(text) && text.parse::<u16>().is_ok()
}

#[cfg(test)]
#[path = "url_tests.rs"]
mod tests;
