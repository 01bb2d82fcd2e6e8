//! URLs and hosts, right and wrong.

use super::*;

#[track_caller]
fn check(url: &str, expected: Result<&[(&str, &str)], UrlError>) {
    let expected = expected.map(|list| {
        let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        list.iter().map(owned).collect::<Vec<_>>()
    });
    let found = parts(url).map(|list| {
        let owned = |(key, value): (Key, String)| (key.name().to_owned(), value);
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
    let scheme = |scheme: &str, host: Option<&str>| {
        let (scheme, host) = (scheme.to_owned(), host.map(str::to_owned));
        Err(UrlError::Scheme { scheme, host })
    };
    check("wss://h:8884/mqtt", scheme("wss", Some("h")));
    check("wss://me:p@h:8884", scheme("wss", Some("h")));
    check("wss://_-:8884", scheme("wss", None));
    check("https://h", scheme("https", Some("h")));
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
        // A password with a colon, and one with an `@` and a colon, before no host.
        ("mqtts://me:hun:ter2", "mqtts://me:…"),
        ("mqtts://me:hun@x:ter2", "mqtts://me@x:…"),
        ("mqtts://[me:hunter2", "mqtts://[me:…"),
        ("mqtt://h?username=me&password=hunter2", "mqtt://h?…"),
        ("mqtt://h:1/t?password=hunter2#f", "mqtt://h:1/t?…"),
        ("mqtts://[::1]:8883/t", "mqtts://[::1]:8883/t"),
        ("mqtts://::1", "mqtts://::1"),
        ("mqtts://[fe80::1%eth0]:1", "mqtts://[fe80::1%eth0]:1"),
        ("mqtts://h:8883", "mqtts://h:8883"),
        // All digits, and no port: a PIN, or a telephone number.
        ("mqtts://me:31337ter2", "mqtts://me:…"),
        ("mqtts://me:65536", "mqtts://me:…"),
        ("mqtts://me:0123456789/t", "mqtts://me:…"),
    ] {
        assert_eq!(redact(url), shown);
        assert!(!shown.contains("ter2"));
    }
}

#[track_caller]
fn host_is(value: &str, expected: Result<&str, HostError>) {
    let found = host(value);
    assert_eq!(found, expected.map(str::to_owned), "{value}");
    if let Ok(name) = found {
        // What passes here must never be refused when the handshake begins.
        assert!(rustls::pki_types::ServerName::try_from(name).is_ok());
    }
}

fn around(
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
    host_is("localhost", Ok("localhost"));
    host_is("abc123.s1.eu.hivemq.cloud", Ok("abc123.s1.eu.hivemq.cloud"));
    host_is("broker.example.com.", Ok("broker.example.com"));
    host_is("my_broker", Ok("my_broker"));
    host_is("a--b.example", Ok("a--b.example"));
    host_is("xn--bcher-kva.example", Ok("xn--bcher-kva.example"));
    host_is("1and1.com", Ok("1and1.com"));
    host_is("192.168.1.2", Ok("192.168.1.2"));
    host_is("::1", Ok("::1"));
    host_is("[2001:db8::7]", Ok("2001:db8::7"));
    host_is(&"a".repeat(63), Ok(&"a".repeat(63)));
}

#[test]
fn parts_of_a_url_are_told_apart() {
    let parts = |s, u, h, p, q| Err(around(s, u, h, p, q));
    host_is(
        "mqtts://h.example",
        parts(Some("mqtts"), false, "h.example", None, None),
    );
    host_is(
        "mqtts://me:pw@h.example:8883/t/x",
        parts(Some("mqtts"), true, "h.example", Some("8883"), Some("/t/x")),
    );
    host_is(
        "h.example:8883",
        parts(None, false, "h.example", Some("8883"), None),
    );
    host_is(
        "h.example/mqtt",
        parts(None, false, "h.example", None, Some("/mqtt")),
    );
    host_is("h.example/", parts(None, false, "h.example", None, None));
    host_is("me@h.example", parts(None, true, "h.example", None, None));
    host_is("[::1]:8883", parts(None, false, "::1", Some("8883"), None));
    host_is("me:123456", parts(None, false, "me", Some("…"), None));
    host_is("me:hunter2", parts(None, false, "me", Some("…"), None));
    host_is(
        "h.example/t?password=hunter2",
        parts(None, false, "h.example", None, Some("/t?…")),
    );
    host_is("https://", Err(HostError::Nothing));
    host_is(":8883", Err(HostError::Nothing));
}

#[test]
fn what_no_resolver_takes_is_refused() {
    host_is("h example", Err(HostError::Space));
    host_is("a.example,b.example", Err(HostError::Comma));
    host_is("fe80::1%eth0", Err(HostError::Zone));
    host_is("[fe80::1%eth0]", Err(HostError::Zone));
    host_is("1:2:3", Err(HostError::Ipv6));
    host_is("[1.2.3.4]", Err(HostError::Ipv6));
    host_is("[::1]x", Err(HostError::Ipv6));
    host_is("[::1", Err(HostError::Ipv6));
    host_is("1.2.3.400", Err(HostError::Ipv4));
    host_is("1.2.3", Err(HostError::Ipv4));
    host_is("bücher.example", Err(HostError::NonAscii));
    host_is("\"h.example\"", Err(HostError::Character('"')));
    host_is("*.example", Err(HostError::Character('*')));
    host_is("a..example", Err(HostError::EmptyLabel));
    host_is(".example", Err(HostError::EmptyLabel));
    host_is(".", Err(HostError::EmptyLabel));
    host_is(&"a".repeat(64), Err(HostError::LongLabel { bytes: 64 }));
    host_is(
        &["a"; 128].join("."),
        Err(HostError::LongName { bytes: 255 }),
    );
    host_is("-a.example", Err(HostError::Hyphen));
    host_is("a-.example", Err(HostError::Hyphen));
}

#[test]
fn amazon_is_known_by_its_suffix() {
    assert!(is_aws("x-ats.iot.eu-central-1.amazonaws.com"));
    assert!(is_aws("x.ats.iot.cn-north-1.AMAZONAWS.com.cn"));
    assert!(!is_aws("amazonaws.com.example.org"));
    assert!(!is_aws("ec2-192-0-2-1.eu-west-1.compute.amazonaws.com"));
}
