//! What mosquitto itself does to a client that it does not like: the codes of connect to receive that a
//! real broker provokes.

use std::io::{self, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

use crate::hostile::slow_link;
use crate::lab::Lab;
use crate::mosquitto::mosquitto;
use crate::provoke::{BRIEF, plain_config, provoke, tls_config, trusting_lab};

/// mosquitto answers a wrong password with 5, and so it does if there is none.
#[test]
fn mqtt_not_authorized_by_mosquitto() {
    let (lab, root) = trusting_lab();
    let server = root.server(&["localhost"]).issue().write(&lab, "server");
    let broker = mosquitto(&lab)
        .tls(&server)
        .user("ann", "s3cret-word")
        .start();
    provoke(
        &lab,
        tls_config(broker.port, "username = ann\npassword = wrong-word\n"),
    )
    .variant("wrong-password")
    .fails("mqtt-not-authorized");
    provoke(&lab, tls_config(broker.port, ""))
        .variant("no-credentials")
        .fails("mqtt-not-authorized");
    provoke(
        &lab,
        tls_config(broker.port, "username = ann\npassword = s3cret-word\n"),
    )
    .passes();
}

/// mosquitto's security plug-in, which by default lets nobody subscribe.
#[test]
fn subscribe_denied_by_mosquitto() {
    let lab = Lab::new();
    let may = |subscribe| {
        format!(
            "{{\"defaultACLAccess\":{{\"publishClientSend\":true,\"publishClientReceive\":true,\
             \"subscribe\":{subscribe},\"unsubscribe\":true}},\"clients\":[],\"groups\":[],\"roles\":[]}}"
        )
    };
    let config = lab.write("security.json", may(false));
    let broker = mosquitto(&lab).security_plugin(&config).start();
    provoke(&lab, plain_config(broker.port, "topic = secret/plans\n"))
        .variant("plugin")
        .fails("subscribe-denied")
        .says(&["secret/plans", "0x80"]);
}

/// What mosquitto does to a 3.1.1 client that goes beyond what it takes.
#[test]
fn publish_closed_by_mosquitto() {
    let large = format!("message = {}\n", "x".repeat(5_000));
    for (variant, line, more, help) in [
        (
            "size",
            "max_packet_size 2000",
            large.as_str(),
            "larger than the broker's limit",
        ),
        ("qos", "max_qos 0", "", "set `qos = 0`"),
        (
            "retain",
            "retain_available false",
            "retain = on\n",
            "retain = off",
        ),
    ] {
        let lab = Lab::new();
        let broker = mosquitto(&lab).line(line).start();
        provoke(&lab, plain_config(broker.port, more))
            .variant(variant)
            .fails("publish-closed")
            .says(&[help]);
    }
}

/// mosquitto grants and acknowledges what its ACL then drops: the reason why the message itself
/// must come back.
#[test]
fn receive_timeout_by_an_acl() {
    let lab = Lab::new();
    let broker = mosquitto(&lab).acl("topic read sensors/#\n").start();
    let more = format!("topic = sensors/7\n{BRIEF}");
    provoke(&lab, plain_config(broker.port, &more))
        .variant("acl")
        .fails("receive-timeout")
        .says(&[
            "ACL",
            "`topic readwrite sensors/7`",
            "before the first `user` line",
        ]);
    assert!(broker.log().contains("Denied PUBLISH"), "{}", broker.log());
    // What the help tells to write is what helps.
    let broker = mosquitto(&lab).acl("topic readwrite sensors/7\n").start();
    provoke(&lab, plain_config(broker.port, &more)).passes();
}

/// mosquitto acknowledges what is over its limit, too, and drops it.
#[test]
fn receive_timeout_by_a_size_limit() {
    let lab = Lab::new();
    let broker = mosquitto(&lab).line("message_size_limit 1000").start();
    let large = "x".repeat(2000);
    let more = format!("message = {large}\n{BRIEF}");
    provoke(&lab, plain_config(broker.port, &more))
        .variant("size")
        .fails("receive-timeout")
        .says(&["message_size_limit", "2000 bytes", "no JSON object"]);
    let dropped = "Dropped too large PUBLISH";
    assert!(broker.log().contains(dropped), "{}", broker.log());
    provoke(&lab, plain_config(broker.port, BRIEF)).passes();
}

/// A limit may be lower than what anybody would call large.
#[test]
fn receive_timeout_by_a_low_size_limit() {
    let lab = Lab::new();
    let broker = mosquitto(&lab).line("message_size_limit 100").start();
    let more = format!("message = {}\n{BRIEF}", "x".repeat(300));
    provoke(&lab, plain_config(broker.port, &more))
        .variant("size-low")
        .fails("receive-timeout")
        .says(&["message_size_limit", "300 bytes"]);
}

/// The topic of a check without `topic` is another one each time: a rule for one of them is no help.
#[test]
fn receive_timeout_on_a_topic_that_was_made_up() {
    let lab = Lab::new();
    let broker = mosquitto(&lab).acl("topic read #\n").start();
    provoke(&lab, plain_config(broker.port, BRIEF))
        .variant("acl-made-up")
        .fails("receive-timeout")
        .says(&["`topic readwrite mqtt-test/+`", "or set `topic` to one"]);
    let broker = mosquitto(&lab).acl("topic readwrite mqtt-test/+\n").start();
    provoke(&lab, plain_config(broker.port, BRIEF)).passes();
}

/// Here it is the right to read that is missing, of a user with a name.
#[test]
fn receive_timeout_by_the_acl_of_a_user() {
    let lab = Lab::new();
    let start = |right: &str| {
        let rules = format!("user ann\ntopic {right} sensors/7\n");
        let broker = mosquitto(&lab).user("ann", "s3cret-word");
        broker.acl(&rules).start()
    };
    let login = "topic = sensors/7\nusername = ann\npassword = s3cret-word\n";
    let more = format!("{login}{BRIEF}");
    let broker = start("write");
    provoke(&lab, plain_config(broker.port, &more))
        .variant("acl-user")
        .fails("receive-timeout")
        .says(&["under `user ann`"]);
    assert!(!broker.log().contains("Denied"), "{}", broker.log());
    let broker = start("readwrite");
    provoke(&lab, plain_config(broker.port, &more)).passes();
}

/// A message that somebody left on the topic comes before ours, right behind the SUBACK.
#[test]
fn receive_too_large_from_mosquitto() {
    let lab = Lab::new();
    let broker = mosquitto(&lab).start();
    let large = "x".repeat(5_000);
    let leave = plain_config(
        broker.port,
        &format!("topic = kept\nretain = on\nmessage = {large}\n"),
    );
    provoke(&lab, leave).passes();
    let more = "topic = kept\nmax_packet_size = 1KiB\n";
    let found = provoke(&lab, plain_config(broker.port, more))
        .variant("retained")
        .fails("receive-too-large");
    found.says(&["1024", "max_packet_size"]);
    assert_eq!(found.stage("publish")["status"], "skipped");
    assert_eq!(found.stage("receive")["status"], "failed");
}

/// The same answer for what has nothing to do with the password.
#[test]
fn mqtt_not_authorized_for_another_reason() {
    let (lab, root) = trusting_lab();
    let server = root.server(&["localhost"]).issue().write(&lab, "server");
    let client = root.client("sensor-7").issue().write(&lab, "client");
    let broker = mosquitto(&lab)
        .tls(&server)
        .user("ann", "s3cret-word")
        .line("clientid_prefixes allowed-")
        .start();
    let ann = "username = ann\npassword = s3cret-word\n";
    let id = "client_id = allowed-1\n";
    let check = |variant: &str, more: &str, says: &[&str]| {
        provoke(&lab, tls_config(broker.port, more))
            .variant(variant)
            .fails("mqtt-not-authorized")
            .says(says);
    };
    let other = format!("{ann}client_id = mine\n");
    check("client-id", &other, &["`clientid_prefixes`", "`mine`"]);
    let nobody = "client_id = mine\n";
    check(
        "client-id-alone",
        nobody,
        &["`clientid_prefixes`", "`mine`"],
    );
    let certificate = format!(
        "{id}cert_file = {}\nkey_file = {}\n",
        client.cert, client.key
    );
    check(
        "unasked",
        &certificate,
        &[
            "did not ask for the client certificate",
            "`require_certificate true`",
        ],
    );
    let quoted = format!("username = ann\npassword = \"s3cret-word\"\n{id}");
    check("quotes", &quoted, &["the password stands in quotes"]);
}

/// A listener for browsers: it does not answer CONNECT, and a request for WebSocket it does.
#[test]
fn mqtt_is_websocket() {
    let lab = Lab::new();
    let port = lab.port();
    let second = format!("listener {port} 127.0.0.1\nprotocol websockets");
    let _broker = mosquitto(&lab).line(second).start();
    provoke(&lab, plain_config(port, BRIEF))
        .variant("mosquitto")
        .fails("mqtt-is-websocket")
        .says(&["101", "1883"]);
}

/// Two devices with one client id: mosquitto closes the older connection for the newer, and the
/// rival is back before we have said more than CONNECT. The slow link sees to that.
#[test]
fn mqtt_taken_over_by_a_rival() {
    // MQTT 3.1.1 §3.1: level 4, a clean session, 60 seconds, `sensor-7`.
    const CONNECT: &[u8] = b"\x10\x14\0\x04MQTT\x04\x02\0\x3c\0\x08sensor-7";
    let lab = Lab::new();
    let broker = mosquitto(&lab).start();
    let port = broker.port;
    std::thread::spawn(move || {
        // Ends with the broker.
        while let Ok(mut rival) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)) {
            let _ = rival
                .write_all(CONNECT)
                .and_then(|()| io::copy(&mut rival, &mut io::sink()));
        }
    });
    broker.wait_for_log("as sensor-7");
    let link = slow_link(&lab, port, Duration::from_millis(100));
    let found = provoke(&lab, plain_config(link.port, "client_id = sensor-7\n"))
        .variant("rival")
        .fails("mqtt-taken-over");
    found.says(&["sensor-7"]);
}
