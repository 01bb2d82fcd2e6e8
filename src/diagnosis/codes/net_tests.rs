//! What is said of dns and tcp where no test can bring it about. Tests only.

#![allow(
    clippy::unwrap_used,
    reason = "a test that panics is a test that fails"
)]

use std::io;

use super::*;
use crate::testing::good;

/// All that is said holds these parts.
#[track_caller]
fn says(found: &Diagnosis, parts: &[&str]) {
    assert!(!found.help.is_empty(), "{found:#?}");
    let head = std::slice::from_ref(&found.error);
    let all = [head, &found.notes, &found.help].concat().join("\n");
    for part in parts {
        assert!(all.contains(part), "no `{part}` in {all}");
    }
}

#[track_caller]
fn check(address: &str, errno: i32, network: Option<Network>, expected: &[&str]) {
    let ip: IpAddr = address.parse().unwrap();
    let error = TcpError {
        tried: vec![AddressError {
            address: (ip, 8883).into(),
            error: io::Error::from_raw_os_error(errno),
        }],
        network: network.map(Box::new),
        ..TcpError::default()
    };
    says(&tcp(&error, &good(""), false), expected);
}

#[test]
fn a_name_under_local_is_one_of_mdns() {
    let said = |host: &str, lines: &str, musl| {
        let host = host.to_owned();
        mdns_help(
            &Config {
                host,
                ..good(lines)
            },
            musl,
        )
    };
    let help = said("broker.LOCAL", "", false).unwrap();
    assert!(
        help.contains("mDNS") && help.contains("containers"),
        "{help}"
    );
    assert!(help.contains("`server_name = broker.LOCAL`"), "{help}");
    let help = said("broker.local", "tls = off", true).unwrap();
    assert!(help.contains("musl") && help.ends_with("`host`"), "{help}");
    assert_eq!(said("local.example", "", true), None);
    assert_eq!(said("local", "", true), None);
}

/// Two answers that others can do with one of.
#[test]
fn only_musl_needs_an_answer_for_ipv6() {
    let help = |musl| aaaa_help("h.example", "may break down", musl);
    assert!(help(true).is_some_and(|help| help.contains("`h.example`")));
    assert_eq!(help(false), None);
}

fn refused_or_silent(address: &str, errno: i32, cloud: bool) -> Diagnosis {
    let error = TcpError {
        tried: vec![AddressError {
            address: address.parse().unwrap(),
            error: io::Error::from_raw_os_error(errno),
        }],
        ..TcpError::default()
    };
    let config = Config {
        port: 8333,
        ..good("tls = on")
    };
    tcp(&error, &config, cloud)
}

#[test]
fn the_usual_port_is_named_on_a_refusal_and_on_a_time_out() {
    let (refused, timed_out) = (111, 110);
    for errno in [refused, timed_out] {
        for address in ["192.0.2.1:8333", "127.0.0.1:8333"] {
            let found = refused_or_silent(address, errno, false);
            says(&found, &["set `port = 8883`"]);
        }
    }
}

#[test]
fn the_listener_of_a_cloud_is_not_doubted() {
    let own = |cloud| {
        let found = refused_or_silent("192.0.2.1:8333", 111, cloud);
        found.help.concat().contains("own loopback address")
    };
    assert!(own(false));
    assert!(!own(true));
}

#[test]
fn there_is_help_whatever_is_known_of_this_machine() {
    let [unreachable, no_host, forbidden] = [101, 113, 1];
    let network = |ipv4: bool, ipv6: bool| {
        let name = |is: bool| is.then(|| "eth0".to_owned());
        let up = vec!["eth0".to_owned()];
        let (ipv4, ipv6) = (name(ipv4), name(ipv6));
        Some(Network { up, ipv4, ipv6 })
    };
    let (v4, v6) = ("192.0.2.1", "2001:db8::1");
    for address in [v4, v6] {
        let route = format!("ip route get {address}");
        check(address, unreachable, None, &["must show a route", &route]);
        check(address, unreachable, network(true, true), &[&route, "VPN"]);
        let alone = ["DHCP", "`eth0`"];
        check(address, unreachable, network(false, false), &alone);
        let cannot = "cannot be reached";
        check(address, no_host, network(true, true), &[cannot, "`ping`"]);
        check(
            address,
            forbidden,
            network(true, true),
            &[cannot, "forbids"],
        );
    }
    check(v6, unreachable, network(true, false), &["needs IPv6"]);
    let nothing = Some(Network::default());
    check(v4, unreachable, nothing, &["beside loopback"]);
}
