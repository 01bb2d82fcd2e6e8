//! What MQTT 5 sends along with CONNECT, with a message and with a subscription, against mosquitto and
//! its clients.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::Command;
use std::thread;

use serde_json::json;

use crate::json;
use crate::lab::Lab;
use crate::mosquitto::{Mosquitto, mosquitto};
use crate::run::{Run, Running};

fn config(port: u16, more: &str) -> String {
    format!("host = 127.0.0.1\nport = {port}\ntls = off\nprotocol = 5\n{more}")
}

/// `mosquitto_pub` or `mosquitto_sub` in MQTT 5; what it prints.
#[track_caller]
fn client(name: &str, broker: &Mosquitto, args: &[&str]) -> String {
    let output = Command::new(name)
        .args(["-V", "mqttv5", "-p", &broker.port.to_string()])
        .args(args)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Starts `sub` and waits until the broker has its subscription.
#[track_caller]
fn subscribed(lab: &Lab, broker: &Mosquitto, id: &str, args: &[&str]) -> Running {
    let config = config(broker.port, &format!("client_id = {id}\n"));
    let running = Run::stream(lab, "sub", &config, args).start();
    broker.wait_for_log(&format!("Sending SUBACK to {id}"));
    running
}

#[test]
fn sub_shows_what_came_along() {
    let lab = Lab::new();
    let broker = mosquitto(&lab).start();
    let args = ["-t", "t", "--json", "-C", "2", "--subscription-id", "300"];
    let running = subscribed(&lab, &broker, "me", &args);
    let properties = "content-type text/plain
        response-topic r/é
        correlation-data 4711
        message-expiry-interval 3600
        payload-format-indicator 1
        user-property name one
        user-property name two";
    let args: Vec<&str> = properties
        .lines()
        .flat_map(|line| ["-D", "publish"].into_iter().chain(line.split_whitespace()))
        .collect();
    client(
        "mosquitto_pub",
        &broker,
        &[&["-t", "t", "-m", "a"], &*args].concat(),
    );
    client("mosquitto_pub", &broker, &["-t", "t", "-m", "b"]);
    let run = running.finish();
    run.expect_code(0);
    let lines = json::lines(&run);
    let expected = json!({
        "content_type": "text/plain",
        "response_topic": "r/é",
        "correlation_data": "4711",
        "message_expiry": 3600,
        "payload_format": "text",
        "subscription_identifiers": [300],
        "user_properties": [["name", "one"], ["name", "two"]],
    });
    assert_eq!(lines[0]["properties"], expected, "{run}");
    let bare = json!({ "subscription_identifiers": [300] });
    assert_eq!(lines[1]["properties"], bare, "{run}");
}

#[test]
fn pub_sends_properties_with_each_message() {
    let lab = Lab::new();
    let broker = mosquitto(&lab).start();
    let flags = "-m hi -r --content-type text/plain --response-topic r/{client_id} \
                 --correlation-data 4711 --message-expiry 2h --payload-format bytes \
                 --user-property a=b=c --user-property d=";
    let args: Vec<_> = flags.split_whitespace().collect();
    let more = "client_id = me\ntopic = t\nmessage_property.e.f = g h\n";
    let run = Run::stream(&lab, "pub", &config(broker.port, more), &args).go();
    run.expect_code(0);
    let form = "%C|%R|%D|%E|%F|%P|%p";
    let seen = client(
        "mosquitto_sub",
        &broker,
        &["-t", "t", "-C", "1", "-F", form],
    );
    assert_eq!(seen, "text/plain|r/me|4711|7200|0|e.f:g h a:b=c d:|hi\n");
}

/// They count in the size of the packet.
#[test]
fn properties_count_in_the_limit() {
    let lab = Lab::new();
    let broker = mosquitto(&lab).start();
    let more = "topic = t\nmax_packet_size = 100\nmessage = x\n";
    let publish = |length: usize| {
        let content = "x".repeat(length);
        let args = ["--content-type", &content];
        Run::stream(&lab, "pub", &config(broker.port, more), &args).go()
    };
    // 2 + 1 for the topic, 2 for the id, 1 + 3 for the properties, 1 for the payload.
    publish(90).expect_code(0);
    let run = publish(91);
    run.expect_code(8);
    assert!(run.stderr.contains("the packet has 101 bytes"), "{run}");
}

#[test]
fn a_subscription_asks_for_what_comes_retained() {
    let lab = Lab::new();
    let broker = mosquitto(&lab).start();
    let publish = |text: &str| {
        client("mosquitto_pub", &broker, &["-t", "t", "-r", "-m", text]);
    };
    publish("kept");
    let seen = |id: &str, flags: &[&str], count: &str| {
        let args = [&["-t", "t", "--json", "-C", count], flags].concat();
        let running = subscribed(&lab, &broker, id, &args);
        publish("new");
        let run = running.finish();
        run.expect_code(0);
        let lines = json::lines(&run).into_iter();
        let messages = lines.filter(|line| line["type"] == "message");
        messages
            .map(|line| format!("{} {}", line["payload"].as_str().unwrap(), line["retain"]))
            .collect::<Vec<_>>()
    };
    assert_eq!(seen("a", &[], "2"), ["kept true", "new false"]);
    let as_published = ["--retain-as-published"];
    assert_eq!(seen("b", &as_published, "2"), ["new true", "new true"]);
    let never = ["--retain-handling", "2"];
    assert_eq!(seen("c", &never, "1"), ["new false"]);
}

/// The kept session of a client that then publishes itself.
#[test]
fn no_local_leaves_out_what_this_client_published() {
    let lab = Lab::new();
    let broker = mosquitto(&lab).start();
    for (id, flags) in [("plain", &[][..]), ("no-local", &["--no-local"])] {
        let more = format!("client_id = {id}\nclean_session = off\ntopic = t\n");
        let config = config(broker.port, &more);
        let running = Run::stream(&lab, "sub", &config, flags).start();
        broker.wait_for_log(&format!("Sending SUBACK to {id}"));
        running.signal("INT");
        running.finish().expect_code(0);
        let run = Run::stream(&lab, "pub", &config, &["-m", "own"]).go();
        run.expect_code(0);
        broker.wait_for_log(&format!("Received PUBLISH from {id} "));
        let came = broker.log().contains(&format!("Sending PUBLISH to {id} "));
        assert_eq!(came, flags.is_empty(), "{id}");
        let client_args = ["-q", "1", "-t", "t", "-m", "other"];
        client("mosquitto_pub", &broker, &client_args);
        let args = [&["-C", "1"], flags].concat();
        let run = Run::stream(&lab, "sub", &config, &args).go();
        run.expect_code(0);
        assert_eq!(run.stdout, "other\n", "{id}");
    }
}

#[test]
fn a_shared_subscription_gets_its_share() {
    let lab = Lab::new();
    let broker = mosquitto(&lab).start();
    for protocol in ["3.1.1", "5"] {
        let set = format!("protocol={protocol}");
        let args = ["-t", "$share/g/t", "-C", "1", "--set", &set];
        let one = subscribed(&lab, &broker, &format!("one-{protocol}"), &args);
        let other = subscribed(&lab, &broker, &format!("other-{protocol}"), &args);
        client("mosquitto_pub", &broker, &["-t", "t", "-m", "x"]);
        client("mosquitto_pub", &broker, &["-t", "t", "-m", "x"]);
        for running in [one, other] {
            let run = running.finish();
            run.expect_code(0);
            assert_eq!(run.stdout, "x\n");
        }
    }
}

#[test]
fn a_session_lasts_as_long_as_it_was_asked_for() {
    let lab = Lab::new();
    let broker = mosquitto(&lab).start();
    for (id, more, resumed) in [
        ("a", "", true),
        ("b", "session_expiry = never\n", true),
        ("c", "session_expiry = 1h\n", true),
        ("d", "session_expiry = 0\n", false),
    ] {
        let more = format!("client_id = {id}\nclean_session = off\ncheck = connect\n{more}");
        for first in [true, false] {
            let run = Run::check(&lab, &config(broker.port, &more))
                .arg("--json")
                .go();
            run.expect_code(0);
            let report = json::report(&run);
            let present = &report["stages"][3]["session_present"];
            assert_eq!(*present, json!(resumed && !first), "{id}: {run}");
        }
    }
}

/// mosquitto says nothing of what it does not limit, and nothing is said of it here.
#[test]
fn verbose_says_what_the_broker_allows() {
    let lab = Lab::new();
    let limits = "max_qos 1
        retain_available false
        max_packet_size 4000
        max_inflight_messages 5
        max_topic_alias 3
        max_keepalive 30";
    let builder = limits
        .lines()
        .fold(mosquitto(&lab), |builder, line| builder.line(line.trim()));
    let broker = builder.start();
    let check = |more: &str| {
        let config = config(broker.port, &format!("check = connect\n{more}"));
        let run = Run::check(&lab, &config).arg("--verbose").go();
        run.expect_code(0);
        let line = run
            .stdout
            .lines()
            .find(|line| line.starts_with("the broker allows"));
        line.unwrap_or_default().to_owned()
    };
    let allowed = "the broker allows: QoS 1 at most, no retained messages, \
                   packets of 4000 bytes at most, 5 messages unacknowledged at a time, \
                   3 topic aliases, a keep-alive of 30 s";
    assert_eq!(check(""), allowed);
    let assigned = check("client_id =\n");
    let id = assigned.strip_prefix(&format!("{allowed}, the client id "));
    assert!(id.is_some_and(|id| id.starts_with("auto-")), "{assigned}");
}

/// mosquitto shortens no topics, so this broker is a script.
#[test]
fn a_topic_that_was_shortened_is_shown_whole() {
    let lab = Lab::new();
    for (most, code) in [("1", 0), ("0", 10)] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let broker = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut packet = || {
                let mut header = [0; 2];
                stream.read_exact(&mut header).unwrap();
                let mut body = vec![0; usize::from(header[1])];
                stream.read_exact(&mut body).unwrap();
                (stream.try_clone().unwrap(), body)
            };
            let (mut out, connect) = packet();
            let allows = connect.windows(3).any(|it| it == [0x22, 0, 1]);
            out.write_all(b"\x20\x03\0\0\0").unwrap();
            let (_, subscribe) = packet();
            out.write_all(&[0x90, 4, subscribe[0], subscribe[1], 0, 0])
                .unwrap();
            out.write_all(b"\x30\x0a\0\x03a/b\x03\x23\0\x01x").unwrap();
            out.write_all(b"\x30\x07\0\0\x03\x23\0\x01y").unwrap();
            // Until the client closes.
            let _ = stream.read_to_end(&mut Vec::new());
            allows
        });
        let more = format!("topic_alias_maximum = {most}\n");
        let args = ["-t", "a/b", "-v", "-C", "2", "--no-reconnect"];
        let run = Run::stream(&lab, "sub", &config(port, &more), &args).go();
        run.expect_code(code);
        assert_eq!(broker.join().unwrap(), most == "1");
        if code == 0 {
            assert_eq!(run.stdout, "a/b x\na/b y\n");
        } else {
            assert!(
                run.stderr.contains("a topic alias that was not allowed"),
                "{run}"
            );
        }
    }
}
