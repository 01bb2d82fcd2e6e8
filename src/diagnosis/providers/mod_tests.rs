//! What is said of each provider, and when.

use std::collections::BTreeSet;

use super::*;
use crate::diagnosis::codes::{
    certificate, connack, connect, issuer, net, publish, receive, subscribe, tls,
};
use crate::testing::{file, good};

#[test]
fn a_host_is_known_by_its_own_name_or_its_domain() {
    assert!(is("abc.s1.eu.hivemq.cloud", ".hivemq.cloud"));
    assert!(!is("hivemq.cloud.example", ".hivemq.cloud"));
    assert!(is("test.mosquitto.org", "test.mosquitto.org"));
    assert!(!is("not-test.mosquitto.org", "test.mosquitto.org"));
    let aws = ".iot*.amazonaws.com";
    assert!(is("a1-ats.iot.eu-west-1.amazonaws.com", aws));
    assert!(is("data.iot-fips.us-east-1.amazonaws.com", aws));
    assert!(!is("ec2-1-2-3-4.eu-west-1.compute.amazonaws.com", aws));
    assert!(!is("a1.iot.eu-west-1.amazonaws.com.example", aws));
}

/// The advice for `host` and `code` holds all of these, and where there are none, there is none.
#[track_caller]
fn check(host: &str, code: &Code, parts: &[&str]) {
    let config = Config {
        host: host.to_owned(),
        ..good("")
    };
    let lines: Vec<String> = help(&config, code).collect();
    assert_eq!(lines.is_empty(), parts.is_empty(), "{lines:#?}");
    let all = lines.join("\n");
    for part in parts {
        assert!(all.contains(part), "no `{part}` in {all}");
    }
}

#[test]
fn every_provider_says_what_it_demands() {
    let hivemq = "abc.s1.eu.hivemq.cloud";
    check(hivemq, &net::DNS_NOT_FOUND, &["overview page"]);
    check(hivemq, &tls::NO_SNI, &["demands SNI"]);
    check(hivemq, &connack::NOT_AUTHORIZED, &["password"]);
    check(hivemq, &publish::CLOSED, &["5 MB (2021)"]);
    check(hivemq, &certificate::EXPIRED, &[]);
    let emqx = "X1.ala.eu-central-1.EMQXSL.com";
    check(emqx, &net::DNS_NOT_FOUND, &["30 days"]);
    check(emqx, &subscribe::CLOSED, &["10 subscriptions"]);
    check(emqx, &connack::CLIENT_ID_REJECTED, &["23"]);
    let aws = "a1-ats.iot.eu-west-1.amazonaws.com";
    check(aws, &net::TCP_TIMEOUT, &["443", "x-amzn-mqtt-ca"]);
    check(aws, &connect::CLOSED, &["policy", "30s to 1200s", "128"]);
    check(aws, &subscribe::CLOSED, &["topicfilter/", "7 slashes"]);
    check(aws, &publish::CLOSED, &["128 KB", "iot:Publish"]);
    check(aws, &receive::TIMEOUT, &["iot:Receive"]);
    let mosquitto = "test.mosquitto.org";
    check(mosquitto, &certificate::V1_CERTIFICATE, &["8886", "(2024)"]);
    check(mosquitto, &certificate::EXPIRED, &["on purpose"]);
    check(
        "broker.emqx.io",
        &connack::NOT_AUTHORIZED,
        &["no user name"],
    );
    let azure = "hub.azure-devices.net";
    check(azure, &connect::TAKEN_OVER, &["one connection"]);
    check(azure, &issuer::UNKNOWN_ISSUER, &["Root G2 (2023)"]);
    // Each has a name of its own, which may be mistyped or gone.
    for host in [
        azure,
        "cow.rmq2.cloudamqp.com",
        "eu1.cloud.thethings.network",
        "tcp.thingsboard.cloud",
    ] {
        check(host, &net::DNS_NOT_FOUND, &["`"]);
    }
    check("broker.example", &connack::NOT_AUTHORIZED, &[]);
}

/// What is said first of a configuration for `host` with these lines, one piece of each line.
#[track_caller]
fn check_mismatches(lines: &str, code: &Code, pieces: &[&str]) {
    let Ok(config) = file(lines) else {
        panic!("{lines}")
    };
    let said: Vec<String> = mismatches(&config, code).collect();
    assert_eq!(said.len(), pieces.len(), "{said:#?}");
    for (line, piece) in said.iter().zip(pieces) {
        assert!(line.contains(piece), "no `{piece}` in {line}");
    }
}

#[test]
fn only_what_is_otherwise_than_the_provider_wants_it_is_named() {
    let azure = |lines: &str| format!("host = hub.azure-devices.net\n{lines}");
    let code = &connack::NOT_AUTHORIZED;
    let all = ["api-version=2021-04-12", "device id", "SAS token"];
    check_mismatches(&azure(""), code, &all);
    let right = azure(
        "username = hub.azure-devices.net/dev/?api-version=2021-04-12\nclient_id = dev\npassword = x\n",
    );
    check_mismatches(&right, code, &[]);
    check_mismatches(
        &right.replace("client_id = dev", "client_id = other"),
        code,
        &["`client_id`"],
    );
    // A module of a device has a part more.
    let module = right
        .replace("/dev/", "/dev/mod/")
        .replace("client_id = dev", "client_id = dev/mod");
    check_mismatches(&module, code, &[]);
    check_mismatches(&right, &publish::CLOSED, &["messages/events/"]);
    let topic = format!("{right}topic = devices/dev/messages/events/\n");
    check_mismatches(&topic, &publish::CLOSED, &[]);
    let echo = ["check = publish", "devicebound"];
    check_mismatches(&right, &subscribe::DENIED, &echo);
    check_mismatches(&topic, &receive::TIMEOUT, &["check = publish"]);

    let board = "host = eu.thingsboard.cloud\nusername = token\n";
    check_mismatches(board, &publish::CLOSED, &["not JSON"]);
    let json = format!("{board}message = {{\"a\": 1}}\nqos = 2\n");
    check_mismatches(&json, &publish::CLOSED, &["QoS 0 and 1"]);
    check_mismatches(board, &receive::TIMEOUT, &["v1/devices/me/telemetry"]);

    let rabbit = "host = cow.rmq2.cloudamqp.com\nusername = u\n";
    check_mismatches(rabbit, code, &["VHOST:USER"]);
    check_mismatches(&rabbit.replace("= u", "= v:u"), code, &[]);

    let things = "host = eu1.cloud.thethings.network\nusername = app\n";
    check_mismatches(things, code, &["APPLICATION@TENANT"]);
    let right = "username = app@ttn\ncheck = subscribe\ntopic = v3/app@ttn/devices/+/up\n";
    let right = things.replace("username = app\n", right);
    check_mismatches(&right, code, &[]);
    check_mismatches(&right, &subscribe::DENIED, &[]);
    check_mismatches(things, &publish::TIMEOUT, &["qos = 0"]);

    let adafruit = "host = io.adafruit.com\nusername = ann\n";
    check_mismatches(adafruit, &subscribe::CLOSED, &["USER/feeds/NAME"]);
    let right = format!("{adafruit}topic = ann/feeds/test\n");
    check_mismatches(&right, &subscribe::CLOSED, &[]);

    let home = "host = homeassistant.local\nusername = addons\n";
    check_mismatches(
        home,
        code,
        &["those of Home Assistant", "make another user"],
    );
    let nobody = "host = homeassistant.local\n";
    check_mismatches(nobody, code, &["`allow_anonymous` has no effect"]);
    check_mismatches(nobody, &net::DNS_NOT_FOUND, &[]);
    let inside = "host = core-mosquitto\n";
    check_mismatches(inside, &net::DNS_NOT_FOUND, &["inside Home Assistant"]);
    check_mismatches(home, &net::TCP_REFUSED, &["certfile"]);
    check_mismatches(&format!("{home}tls = off\n"), &net::TCP_REFUSED, &[]);
    let hive = "host = a.s1.eu.hivemq.cloud\n";
    check_mismatches(hive, code, &[]);
    check_mismatches(&format!("{hive}sni = off\n"), code, &["remove `sni = off`"]);
}

#[test]
fn a_broker_at_home_is_no_cloud() {
    let at_home = good("");
    for host in ["homeassistant.local", "core-mosquitto"] {
        let config = Config {
            host: host.to_owned(),
            ..at_home.clone()
        };
        assert!(!is_known(&config), "{host}");
    }
}

#[test]
fn the_port_for_mqtt_beside_websocket() {
    let check = |host, tls, expected: (bool, u16)| {
        let (tls, port, _) = mqtt_port(host, tls);
        assert_eq!((tls, port), expected, "{host}");
    };
    check("abc.s1.eu.hivemq.cloud", true, (true, 8883));
    check("abc.s1.eu.hivemq.cloud", false, (true, 8883));
    check("a1-ats.iot.eu-west-1.amazonaws.com", true, (true, 8883));
    check("broker.emqx.io", false, (false, 1883));
    check("test.mosquitto.org", true, (true, 8886));
    check("test.mosquitto.org", false, (false, 1883));
    check("broker.example", true, (true, 8883));
}

#[test]
fn no_line_says_the_same_twice_or_too_much() {
    let advice = |it: &'static Provider| it.advice.iter().map(|(codes, text)| (codes, text));
    let only_if = |it: &'static Provider| it.only_if.iter().map(|(_, codes, text)| (codes, text));
    let all = PROVIDERS.iter().chain(AT_HOME);
    let mut seen = BTreeSet::new();
    for (codes, text) in all.flat_map(|it| advice(it).chain(only_if(it))) {
        assert!(!codes.is_empty() && seen.insert(text), "{text}");
        assert!(text.len() <= 140, "{} bytes: {text}", text.len());
    }
}
