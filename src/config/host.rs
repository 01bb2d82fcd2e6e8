//! What may stand as `host` or `server_name`: a DNS name, or an IP address. It resolves nothing.

use std::net::IpAddr;

use crate::config::error::HostError;

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
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: &str, expected: Result<&str, HostError>) {
        let found = host(value);
        assert_eq!(found, expected.map(str::to_owned), "{value}");
        if let Ok(name) = found {
            // What passes here must never be refused when the handshake begins.
            assert!(rustls::pki_types::ServerName::try_from(name).is_ok());
        }
    }

    fn parts(
        scheme: Option<&str>,
        user: bool,
        host: &str,
        port: Option<&str>,
        path: Option<&str>,
    ) -> HostError {
        HostError::Parts {
            scheme: scheme.map(str::to_owned),
            user,
            host: host.to_owned(),
            port: port.map(str::to_owned),
            path: path.map(str::to_owned),
        }
    }

    #[test]
    fn names_and_addresses_pass() {
        check("localhost", Ok("localhost"));
        check("abc123.s1.eu.hivemq.cloud", Ok("abc123.s1.eu.hivemq.cloud"));
        check("broker.example.com.", Ok("broker.example.com"));
        check("my_broker", Ok("my_broker"));
        check("a--b.example", Ok("a--b.example"));
        check("xn--bcher-kva.example", Ok("xn--bcher-kva.example"));
        check("1and1.com", Ok("1and1.com"));
        check("192.168.1.2", Ok("192.168.1.2"));
        check("::1", Ok("::1"));
        check("[2001:db8::7]", Ok("2001:db8::7"));
        check(&"a".repeat(63), Ok(&"a".repeat(63)));
    }

    #[test]
    fn parts_of_a_url_are_told_apart() {
        let parts = |s, u, h, p, q| Err(parts(s, u, h, p, q));
        check(
            "mqtts://h.example",
            parts(Some("mqtts"), false, "h.example", None, None),
        );
        check(
            "mqtts://me:pw@h.example:8883/t/x",
            parts(Some("mqtts"), true, "h.example", Some("8883"), Some("/t/x")),
        );
        check(
            "h.example:8883",
            parts(None, false, "h.example", Some("8883"), None),
        );
        check(
            "h.example/mqtt",
            parts(None, false, "h.example", None, Some("/mqtt")),
        );
        check("h.example/", parts(None, false, "h.example", None, None));
        check("me@h.example", parts(None, true, "h.example", None, None));
        check("[::1]:8883", parts(None, false, "::1", Some("8883"), None));
        check("me:hunter2", parts(None, false, "me", Some("…"), None));
        check("https://", Err(HostError::Nothing));
        check(":8883", Err(HostError::Nothing));
    }

    #[test]
    fn what_no_resolver_takes_is_refused() {
        check("h example", Err(HostError::Blank));
        check("a.example,b.example", Err(HostError::Comma));
        check("fe80::1%eth0", Err(HostError::Zone));
        check("[fe80::1%eth0]", Err(HostError::Zone));
        check("1:2:3", Err(HostError::Ipv6));
        check("[1.2.3.4]", Err(HostError::Ipv6));
        check("[::1]x", Err(HostError::Ipv6));
        check("[::1", Err(HostError::Ipv6));
        check("1.2.3.400", Err(HostError::Ipv4));
        check("1.2.3", Err(HostError::Ipv4));
        check("bücher.example", Err(HostError::NonAscii));
        check("\"h.example\"", Err(HostError::Character('"')));
        check("*.example", Err(HostError::Character('*')));
        check("a..example", Err(HostError::EmptyLabel));
        check(".example", Err(HostError::EmptyLabel));
        check(".", Err(HostError::EmptyLabel));
        check(&"a".repeat(64), Err(HostError::LongLabel { bytes: 64 }));
        check(
            &["a"; 128].join("."),
            Err(HostError::LongName { bytes: 255 }),
        );
        check("-a.example", Err(HostError::Hyphen));
        check("a-.example", Err(HostError::Hyphen));
    }

    #[test]
    fn amazon_is_known_by_its_suffix() {
        assert!(is_aws("x-ats.iot.eu-central-1.amazonaws.com"));
        assert!(is_aws("x.ats.iot.cn-north-1.AMAZONAWS.com.cn"));
        assert!(!is_aws("amazonaws.com.example.org"));
        assert!(!is_aws("ec2-192-0-2-1.eu-west-1.compute.amazonaws.com"));
    }
}
