//! Hosts of the providers that users bring: what the program knows of each stands in the help. The
//! names lead to servers of the test's own.

use crate::lab::Lab;
use crate::mosquitto::mosquitto;
use crate::namespace::Namespace;
use crate::provoke::{provoke, tls_config, trusting_lab};
use crate::rogue::Rogue;

#[test]
fn hivemq_cloud_without_a_user() {
    const HOST: &str = "abc123.s1.eu.hivemq.cloud";
    let (lab, root) = trusting_lab();
    let server = root
        .server(&["*.s1.eu.hivemq.cloud"])
        .issue()
        .write(&lab, "server");
    let broker = mosquitto(&lab)
        .tls(&server)
        .user("ann", "s3cret-word")
        .start();
    let found = provoke(&lab, tls_config(broker.port, &format!("host = {HOST}\n")))
        .variant("hivemq")
        .within(Namespace::Hosts("127.0.0.1 abc123.s1.eu.hivemq.cloud\n"))
        .fails("mqtt-not-authorized");
    found.says(&["HiveMQ Cloud always demands a user name and password"]);
}

#[test]
fn emqx_cloud_with_a_topic_that_is_not_allowed() {
    const HOST: &str = "x1y2z3.ala.eu-central-1.emqxsl.com";
    let (lab, root) = trusting_lab();
    let rogue =
        Rogue::ClosesAtSubscribe.start_tls(&lab, root.server(&[HOST]).issue().server_config());
    let found = provoke(&lab, tls_config(rogue.port, &format!("host = {HOST}\n")))
        .variant("emqx")
        .within(Namespace::Hosts(
            "127.0.0.1 x1y2z3.ala.eu-central-1.emqxsl.com\n",
        ))
        .fails("subscribe-closed");
    found.says(&["Access Control > Authorization", "10 subscriptions"]);
}

#[test]
fn emqx_cloud_that_was_stopped() {
    let (lab, _) = trusting_lab();
    let config = tls_config(8883, "host = x1y2z3.ala.eu-central-1.emqxsl.com\n");
    provoke(&lab, config)
        .variant("emqx")
        .within(Namespace::NoSuchName)
        .fails("dns-not-found")
        .says(&["idle for 30 days"]);
}

/// Any client certificate passes TLS; the policy is judged at CONNECT, by a close.
#[test]
fn aws_without_a_policy() {
    const HOST: &str = "a1b2c3-ats.iot.eu-west-1.amazonaws.com";
    let (lab, root) = trusting_lab();
    let server = root.server(&[HOST]).issue();
    let rogue = Rogue::ClosesAtFirstBytes.start_tls(&lab, server.server_config_demanding(&root));
    let files = root.client("thing").issue().write(&lab, "thing");
    let more = format!(
        "host = {HOST}\ncert_file = {}\nkey_file = {}\n",
        files.cert, files.key
    );
    let found = provoke(&lab, tls_config(rogue.port, &more))
        .variant("aws")
        .within(Namespace::Hosts(
            "127.0.0.1 a1b2c3-ats.iot.eu-west-1.amazonaws.com\n",
        ))
        .fails("mqtt-closed");
    found.says(&["iot:Connect", "30s to 1200s"]);
}

/// The server's own port for this purpose is 8887.
#[test]
fn mosquitto_org_where_the_certificate_is_expired() {
    let (lab, root) = trusting_lab();
    let server = root.server(&["test.mosquitto.org"]).expired().issue();
    let broker = mosquitto(&lab).tls(&server.write(&lab, "server")).start();
    let config = tls_config(broker.port, "host = test.mosquitto.org\n");
    provoke(&lab, config)
        .variant("mosquitto-org")
        .within(Namespace::Hosts("127.0.0.1 test.mosquitto.org\n"))
        .fails("tls-expired")
        .says(&["on purpose"]);
}

/// A machine rented from AWS is not AWS IoT Core, and gets none of its advice.
#[test]
fn a_broker_on_a_rented_machine() {
    let lab = Lab::new();
    let rogue = Rogue::ClosesAtSubscribe.start(&lab);
    let host = "host = ec2-192-0-2-1.eu-west-1.compute.amazonaws.com\n";
    let config = crate::provoke::plain_config(rogue.port, host);
    let found = provoke(&lab, config)
        .variant("rented")
        .within(Namespace::Hosts(
            "127.0.0.1 ec2-192-0-2-1.eu-west-1.compute.amazonaws.com\n",
        ))
        .fails("subscribe-closed");
    assert!(!found.human.all().contains("AWS"), "{}", found.human);
}
