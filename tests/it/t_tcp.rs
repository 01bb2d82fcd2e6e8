//! The stages dns and tcp: every code, provoked in namespaces where this machine cannot serve.

use std::time::Duration;

use serde_json::json;

use crate::blackhole::blackhole;
use crate::lab::Lab;
use crate::mosquitto::mosquitto;
use crate::namespace::Namespace;
use crate::provoke::{BRIEF, plain_config, provoke, tls_config, trusting_lab};
use crate::run::Run;

/// Enough for a `timeout` of one second, and less than the resolver's own patience of five.
const SOON: Duration = Duration::from_secs(4);

const GATEWAY: &str = "ip route add default via 192.0.2.1";

#[test]
fn dns_not_found() {
    let (lab, _) = trusting_lab();
    let found = provoke(&lab, tls_config(8883, "host = broker.invalid\n"))
        .within(Namespace::NoSuchName)
        .fails("dns-not-found");
    found.says(&["broker.invalid"]);
}

/// The clouds take the name of a stopped cluster away.
#[test]
fn dns_not_found_for_a_cloud_cluster() {
    let (lab, _) = trusting_lab();
    let host = "host = abc123.s1.eu.hivemq.cloud\n";
    let found = provoke(&lab, tls_config(8883, host))
        .variant("cluster")
        .within(Namespace::NoSuchName)
        .fails("dns-not-found");
    found.says(&["cluster"]);
}

#[test]
fn dns_not_found_for_a_name_of_mdns() {
    let (lab, _) = trusting_lab();
    let found = provoke(&lab, tls_config(8883, "host = broker.local\n"))
        .variant("mdns")
        .within(Namespace::NoSuchName)
        .fails("dns-not-found");
    found.says(&["mDNS", "IP address", "`server_name = broker.local`"]);
}

#[test]
fn dns_unavailable_without_a_network() {
    let (lab, _) = trusting_lab();
    provoke(&lab, tls_config(8883, "host = broker.invalid\n"))
        .within(Namespace::NoNetwork)
        .fails("dns-unavailable");
}

/// The system's look-up cannot be bounded; the program must leave in time all the same.
#[test]
fn dns_unavailable_when_the_name_server_is_silent() {
    let (lab, _) = trusting_lab();
    let config = tls_config(8883, &format!("host = broker.invalid\n{BRIEF}"));
    let found = provoke(&lab, config)
        .variant("silent")
        .within(Namespace::SilentNameServer)
        .limit(SOON)
        .fails("dns-unavailable");
    found.says(&["1 s"]);
}

/// The network is not the cause: nothing of it is advised.
#[test]
fn dns_unavailable_with_a_network() {
    let (lab, _) = trusting_lab();
    let config = tls_config(8883, &format!("host = broker.invalid\n{BRIEF}"));
    let found = provoke(&lab, config)
        .variant("with-network")
        .within(Namespace::SilentLan(GATEWAY))
        .limit(SOON)
        .fails("dns-unavailable");
    found.says(&["default route for IPv4: through `lan0`"]);
}

#[test]
fn tcp_refused() {
    let (lab, _) = trusting_lab();
    let port = lab.port();
    let found = provoke(&lab, tls_config(port, "")).fails("tcp-refused");
    found.says(&[&format!("127.0.0.1:{port}"), "8883"]);
    assert!(
        found.stage("dns")["addresses"]
            .to_string()
            .contains("127.0.0.1")
    );
}

/// No golden file: the other tests may run in a container, too.
#[test]
fn tcp_refused_in_a_container() {
    let lab = Lab::new();
    let config = plain_config(lab.port(), "");
    let run = |args: &[&str]| {
        let run = Run::stream(&lab, "pub", &config, args);
        run.within(Namespace::Container).go()
    };
    let check = Run::check(&lab, &config).within(Namespace::Container).go();
    for outcome in [check, run(&["-t", "a/b", "-m", "hello"])] {
        outcome.expect_code(4);
        let expected = "\n help: if this runs in a container, as `/run/.containerenv` suggests, \
            `localhost` is the container itself: name the broker's container, or for a broker on \
            the container's host `host.docker.internal` (Podman: `host.containers.internal`)\n \
            help: check that the broker is running";
        assert!(outcome.all().contains(expected), "{outcome}");
    }
}

#[test]
fn tcp_refused_by_every_address() {
    let lab = Lab::new();
    let port = lab.port();
    let found = provoke(&lab, plain_config(port, "host = broker.test\n"))
        .variant("every-address")
        .within(Namespace::Hosts("127.0.0.1 broker.test\n::1 broker.test\n"))
        .fails("tcp-refused");
    assert_eq!(
        found.stage("tcp")["failed"].as_array().map(Vec::len),
        Some(2)
    );
    found.says(&[&format!("[::1]:{port}"), &format!("127.0.0.1:{port}")]);
}

#[test]
fn tcp_timeout() {
    let (lab, _) = trusting_lab();
    let hole = blackhole(&lab);
    let found = provoke(&lab, tls_config(hole.port, BRIEF))
        .limit(SOON)
        .fails("tcp-timeout");
    found.says(&["1 s"]);
}

/// The machine is up, and one port of it is silent.
#[test]
fn tcp_timeout_on_one_port_alone() {
    let (lab, _) = trusting_lab();
    let config = tls_config(8883, &format!("host = 192.0.2.1\n{BRIEF}"));
    let found = provoke(&lab, config)
        .variant("one-port")
        .within(Namespace::FilteredPorts)
        .fails("tcp-timeout");
    found.says(&["443 refused, 1883 open", "port 8883"]);
}

/// 1833 for 1883: the usual port is open.
#[test]
fn tcp_timeout_on_a_mistyped_port() {
    let lab = Lab::new();
    let config = plain_config(1833, &format!("host = 192.0.2.1\n{BRIEF}"));
    let found = provoke(&lab, config)
        .variant("mistyped-port")
        .within(Namespace::FilteredPorts)
        .fails("tcp-timeout");
    found.says(&["`port = 1883`", "8883 silent for 1 s"]);
}

/// No port of the address answers. It costs no more than the limit of one port.
#[test]
fn tcp_timeout_on_every_port() {
    let (lab, _) = trusting_lab();
    let config = tls_config(8883, &format!("host = 192.0.2.1\n{BRIEF}"));
    provoke(&lab, config)
        .variant("every-port")
        .within(Namespace::SilentLan(""))
        .limit(SOON)
        .fails("tcp-timeout");
}

/// Where addresses fail in different ways, a refusal names the failure before a time-out.
#[test]
fn a_refusal_is_named_before_a_time_out() {
    let lab = Lab::new();
    let hole = blackhole(&lab);
    let config = plain_config(hole.port, &format!("host = broker.test\n{BRIEF}"));
    let found = provoke(&lab, config)
        .variant("and-timeout")
        .within(Namespace::Hosts("127.0.0.1 broker.test\n::1 broker.test\n"))
        .limit(SOON)
        .fails("tcp-refused");
    assert_eq!(
        found.stage("tcp")["failed"].as_array().map(Vec::len),
        Some(2)
    );
}

/// 192.0.2.0/24 is for documentation (RFC 5737), and here nothing has a route anyway.
#[test]
fn tcp_unreachable() {
    let (lab, _) = trusting_lab();
    provoke(&lab, tls_config(8883, "host = 192.0.2.1\n"))
        .within(Namespace::NoNetwork)
        .fails("tcp-unreachable");
}

#[test]
fn tcp_unreachable_without_a_default_route() {
    let (lab, _) = trusting_lab();
    let found = provoke(&lab, tls_config(8883, "host = 198.51.100.1\n"))
        .variant("no-default-route")
        .within(Namespace::SilentLan(""))
        .fails("tcp-unreachable");
    found.says(&["`lan0`"]);
}

/// Nobody has this address; a firewall that rejects looks the same.
#[test]
fn tcp_unreachable_in_the_same_network() {
    let (lab, _) = trusting_lab();
    let config = tls_config(8883, "host = 192.0.2.7\n");
    provoke(&lab, config)
        .variant("no-neighbour")
        .within(Namespace::SilentLan(GATEWAY))
        .fails("tcp-unreachable");
}

#[test]
fn tcp_unreachable_over_ipv6_alone() {
    let (lab, _) = trusting_lab();
    let found = provoke(&lab, tls_config(8883, "host = 2001:db8::1\n"))
        .variant("ipv6")
        .within(Namespace::SilentLan(GATEWAY))
        .fails("tcp-unreachable");
    found.says(&["for IPv6: none"]);
}

/// 192.0.2.1 stands for a broker elsewhere, where others may listen on the way.
#[test]
fn a_password_in_the_clear_is_a_warning() {
    let lab = Lab::new();
    let more = "host = 192.0.2.1\nusername = ann\npassword = s3cret-word\n";
    let found = provoke(&lab, plain_config(1883, more))
        .variant("warning.password-in-clear")
        .within(Namespace::RemoteBroker)
        .passes();
    found.warns("password-in-clear");
    provoke(&lab, plain_config(1883, more))
        .within(Namespace::RemoteBroker)
        .streams_warn("password-in-clear");
}

/// A broker that closes at once on the port for MQTT without TLS.
#[test]
fn tls_on_the_plaintext_port() {
    let (lab, _) = trusting_lab();
    provoke(&lab, tls_config(1883, "host = 192.0.2.1\n"))
        .variant("port-1883")
        .within(Namespace::RemoteBroker)
        .fails("tls-not-tls");
}

#[test]
fn an_address_that_fails_beside_one_that_works_is_a_warning() {
    let lab = Lab::new();
    let broker = mosquitto(&lab).start();
    let found = provoke(&lab, plain_config(broker.port, "host = broker.test\n"))
        .variant("warning.address-failed")
        .within(Namespace::Hosts("::1 broker.test\n127.0.0.1 broker.test\n"))
        .passes();
    found.warns("address-failed");
    let failed = &found.stage("tcp")["failed"][0]["address"];
    assert_eq!(*failed, json!(format!("[::1]:{}", broker.port)));
    provoke(&lab, plain_config(broker.port, "host = broker.test\n"))
        .within(Namespace::Hosts("::1 broker.test\n127.0.0.1 broker.test\n"))
        .streams_warn("address-failed");
}
