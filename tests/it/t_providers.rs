//! Hosts of the providers that users bring: what the program knows of each stands in the help. The
//! names lead to servers of the test's own.

use crate::lab::Lab;
use crate::mosquitto::mosquitto;
use crate::namespace::Namespace;
use crate::provoke::{plain_config, provoke, tls_config, trusting_lab};
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
    let config = plain_config(rogue.port, host);
    let found = provoke(&lab, config)
        .variant("rented")
        .within(Namespace::Hosts(
            "127.0.0.1 ec2-192-0-2-1.eu-west-1.compute.amazonaws.com\n",
        ))
        .fails("subscribe-closed");
    assert!(!found.human.all().contains("AWS"), "{}", found.human);
}

const AZURE: &str = "contoso.azure-devices.net";

/// No form of it is right, and each part that is not is named.
#[test]
fn azure_with_the_user_name_of_another_broker() {
    let (lab, root) = trusting_lab();
    let server = root.server(&[AZURE]).issue().server_config();
    let rogue = Rogue::RefusesConnect(5).start_tls(&lab, server);
    let more = format!("host = {AZURE}\nusername = dev7\npassword = s3cret-word\n");
    let found = provoke(&lab, tls_config(rogue.port, &more))
        .variant("azure")
        .within(Namespace::Hosts("127.0.0.1 contoso.azure-devices.net\n"))
        .fails("mqtt-not-authorized");
    found.says(&["DEVICE/?api-version=2021-04-12", "`client_id`", "SAS token"]);
    assert!(!found.human.all().contains("allow_anonymous"));
}

/// What is right already is not advised.
#[test]
fn azure_with_a_token_that_has_ended() {
    let (lab, root) = trusting_lab();
    let server = root.server(&[AZURE]).issue().server_config();
    let rogue = Rogue::RefusesConnect(5).start_tls(&lab, server);
    let more = format!(
        "host = {AZURE}\nclient_id = dev7\n\
         username = {AZURE}/dev7/?api-version=2021-04-12\npassword = s3cret-word\n"
    );
    let found = provoke(&lab, tls_config(rogue.port, &more))
        .variant("azure-token")
        .within(Namespace::Hosts("127.0.0.1 contoso.azure-devices.net\n"))
        .fails("mqtt-not-authorized");
    found.says(&["see that its end (`se=`, in Unix seconds) has not passed"]);
    assert!(!found.human.all().contains("set `username ="));
}

/// It never sends a device what that device has published.
#[test]
fn azure_checked_by_an_echo() {
    let (lab, root) = trusting_lab();
    let server = root.server(&[AZURE]).issue().server_config();
    let rogue = Rogue::DeniesSubscribe.start_tls(&lab, server);
    let more = format!(
        "host = {AZURE}\nclient_id = dev7\n\
         username = {AZURE}/dev7/?api-version=2021-04-12\npassword = s3cret-word\n"
    );
    provoke(&lab, tls_config(rogue.port, &more))
        .variant("azure")
        .within(Namespace::Hosts("127.0.0.1 contoso.azure-devices.net\n"))
        .fails("subscribe-denied")
        .says(&["set `check = publish`", "messages/events/"]);
}

#[test]
fn thingsboard_that_wants_json() {
    const HOST: &str = "eu.thingsboard.cloud";
    let (lab, root) = trusting_lab();
    let server = root.server(&[HOST]).issue().server_config();
    let rogue = Rogue::ClosesAtPublish.start_tls(&lab, server);
    let more = format!(
        "host = {HOST}\nusername = A1-TEST-TOKEN\ncheck = publish\ntopic = v1/devices/me/telemetry\n"
    );
    provoke(&lab, tls_config(rogue.port, &more))
        .variant("thingsboard")
        .within(Namespace::Hosts("127.0.0.1 eu.thingsboard.cloud\n"))
        .fails("publish-closed")
        .says(&["not JSON"]);
}

#[test]
fn cloudamqp_without_the_virtual_host() {
    const HOST: &str = "cow.rmq2.cloudamqp.com";
    let (lab, root) = trusting_lab();
    let server = root.server(&[HOST]).issue().server_config();
    let rogue = Rogue::RefusesConnect(4).start_tls(&lab, server);
    let more = format!("host = {HOST}\nusername = cow\npassword = s3cret-word\n");
    provoke(&lab, tls_config(rogue.port, &more))
        .variant("cloudamqp")
        .within(Namespace::Hosts("127.0.0.1 cow.rmq2.cloudamqp.com\n"))
        .fails("mqtt-bad-credentials")
        .says(&["VHOST:USER", "MQTT Details"]);
}

/// `guest` of RabbitMQ is for the broker's own machine; there, it is not why.
#[test]
fn rabbitmq_with_guest_from_elsewhere() {
    let lab = Lab::new();
    let rogue = Rogue::RefusesConnect(4).start(&lab);
    let login = "username = guest\npassword = s3cret-word\n";
    let config = plain_config(rogue.port, &format!("host = rabbit\n{login}"));
    provoke(&lab, config)
        .variant("rabbitmq-guest")
        .within(Namespace::Hosts("127.0.0.1 rabbit\n"))
        .fails("mqtt-bad-credentials")
        .says(&["`loopback_users`"]);
    let here = provoke(&lab, plain_config(rogue.port, login))
        .variant("rabbitmq-guest-here")
        .fails("mqtt-bad-credentials");
    assert!(!here.human.all().contains("RabbitMQ"), "{}", here.human);
}

#[test]
fn the_things_stack_without_the_tenant() {
    const HOST: &str = "eu1.cloud.thethings.network";
    let (lab, root) = trusting_lab();
    let server = root.server(&[HOST]).issue().server_config();
    let rogue = Rogue::RefusesConnect(5).start_tls(&lab, server);
    let more = format!("host = {HOST}\nusername = app\npassword = s3cret-word\n");
    provoke(&lab, tls_config(rogue.port, &more))
        .variant("things-stack")
        .within(Namespace::Hosts("127.0.0.1 eu1.cloud.thethings.network\n"))
        .fails("mqtt-not-authorized")
        .says(&["APPLICATION@TENANT", "API key"]);
}

#[test]
fn adafruit_with_a_topic_of_no_feed() {
    const HOST: &str = "io.adafruit.com";
    let (lab, root) = trusting_lab();
    let server = root.server(&[HOST]).issue().server_config();
    let rogue = Rogue::ClosesAtSubscribe.start_tls(&lab, server);
    let more = format!("host = {HOST}\nusername = ann\npassword = s3cret-word\n");
    provoke(&lab, tls_config(rogue.port, &more))
        .variant("adafruit")
        .within(Namespace::Hosts("127.0.0.1 io.adafruit.com\n"))
        .fails("subscribe-closed")
        .says(&["USER/feeds/NAME"]);
}

#[test]
fn home_assistant_from_outside_and_without_a_user() {
    let lab = Lab::new();
    let config = "host = core-mosquitto\ntls = off\ntimeout = 10s\n".to_owned();
    provoke(&lab, config)
        .variant("core-mosquitto")
        .within(Namespace::NoSuchName)
        .fails("dns-not-found")
        .says(&["a name inside Home Assistant alone"]);
    let broker = mosquitto(&lab).user("ann", "s3cret-word").start();
    let more = "host = homeassistant.local\n";
    provoke(&lab, plain_config(broker.port, more))
        .variant("home-assistant")
        .within(Namespace::Hosts("127.0.0.1 homeassistant.local\n"))
        .fails("mqtt-not-authorized")
        .says(&["Settings > People > Users"]);
}
