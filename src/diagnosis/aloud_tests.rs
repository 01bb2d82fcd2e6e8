//! Sentences that sent somebody the wrong way when whole outputs were read aloud, and what stands in
//! their place. Tests only.

#![allow(
    clippy::unwrap_used,
    reason = "a test that panics is a test that fails"
)]

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::AlertDescription as Alert;
use rustls::{CertificateError, Error, InvalidMessage, OtherError};

use super::{Diagnosis, diagnose};
use crate::config::Qos;
use crate::failure::{
    AddressError, Command, DnsError, Failure, LinkError, MqttCause, MqttError, Operation,
    OtherPorts, PortAnswer, Reason, SecondOpinion, Stage, TcpError, TlsCause, TlsError, TlsFacts,
};
use crate::testing::errors::mqtt_error;
use crate::testing::{DAY, assert_sound, facts, file, intermediate, leaf};
use crate::util::clock;
use crate::x509::Certificate;

const NOW: fn() -> i64 = || clock::build_date() + DAY;
const PLAIN: &str = "host = h.example\ntls = off\n";

struct Said(Diagnosis);

#[track_caller]
fn said(lines: &str, failure: Failure) -> Said {
    let config = file(lines).unwrap();
    let diagnosis = diagnose(&failure, &config, NOW());
    assert_sound(&diagnosis);
    Said(diagnosis)
}

impl Said {
    fn all(&self) -> String {
        let head = std::slice::from_ref(&self.0.error);
        [head, &self.0.notes, &self.0.help].concat().join("\n")
    }

    #[track_caller]
    fn says(&self, part: &str) -> &Self {
        assert!(self.all().contains(part), "no `{part}` in:\n{}", self.all());
        self
    }

    #[track_caller]
    fn omits(&self, part: &str) -> &Self {
        assert!(!self.all().contains(part), "`{part}` in:\n{}", self.all());
        self
    }

    #[track_caller]
    fn first_help(&self, part: &str) -> &Self {
        assert!(self.0.help[0].contains(part), "{:#?}", self.0.help);
        self
    }
}

fn session(stage: Stage, cause: impl Into<MqttCause>) -> MqttError {
    mqtt_error(Command::Check, stage, Qos::AtLeastOnce, cause)
}

#[track_caller]
fn mqtt(lines: &str, error: MqttError) -> Said {
    said(lines, Failure::Mqtt(Box::new(error)))
}

fn not_delivered() -> MqttError {
    session(
        Stage::Receive,
        MqttCause::NotDelivered {
            limit: Duration::from_secs(1),
            foreign: 0,
            own: None,
            unmatched: false,
        },
    )
}

/// Rights for a topic that was copied along with its quotes are of no use.
#[test]
fn a_topic_in_quotes_is_suspected_before_the_access_rules() {
    let refused = SecondOpinion::Refused {
        packet: "PUBACK",
        reason: Reason {
            in_5: true,
            ..Reason::from(0x87)
        },
    };
    let swallowed = SecondOpinion::Published {
        delivered: Some(false),
    };
    for opinion in [None, Some(refused), Some(swallowed)] {
        let mut error = not_delivered();
        error.second = opinion;
        if let Operation::Receive { filters, .. } = &mut error.operation {
            filters[0].name = "\"a/b\"".to_owned();
        }
        mqtt(&format!("{PLAIN}topic = \"a/b\"\n"), error)
            .says("the topic stands in quotes")
            .first_help("take it out")
            .omits("the line `topic");
    }
    let mut refused = session(
        Stage::Publish,
        MqttCause::PublishDenied(Reason {
            in_5: true,
            ..Reason::from(0x87)
        }),
    );
    if let Operation::Publish { topic, .. } = &mut refused.operation {
        topic.name = "\"a/b\"".to_owned();
    }
    mqtt(&format!("{PLAIN}topic = \"a/b\"\n"), refused).first_help("take it out");
}

fn connack(code: u8) -> MqttError {
    session(Stage::Connect, LinkError::Refused(code.into()))
}

fn closed_at(stage: Stage) -> MqttError {
    session(stage, LinkError::Closed { reset: false })
}

const TLS: &str = "host = h.example\n";
const AZURE: &str = "host = contoso.azure-devices.net\n";
const USER: &str = "username = ann\npassword = hunter2\n";

/// What was not sent cannot be checked for a slip.
#[test]
fn a_user_name_that_is_not_set_is_asked_for_and_not_checked() {
    mqtt(PLAIN, connack(4))
        .says("the broker demands a user name and password, and none is set")
        .first_help("set `username` and a password")
        .omits("check `username`");
    mqtt(&format!("{PLAIN}{USER}"), connack(4)).first_help("check `username` and the password");
    mqtt(TLS, closed_at(Stage::Connect))
        .first_help("if the broker demands a user name, set `username`")
        .omits("check user name and password");
    mqtt(&format!("{TLS}{USER}"), closed_at(Stage::Connect))
        .first_help("check user name and password");
}

/// Nobody but its provider reads the log of a cloud's broker, or stands a proxy before it.
#[test]
fn what_mosquitto_has_is_not_said_of_a_cloud() {
    let told = mqtt(&format!("{AZURE}{USER}"), closed_at(Stage::Connect));
    told.omits("mosquitto").omits("PROXY").says("SAS token");
    mqtt(&format!("{AZURE}{USER}"), connack(5)).omits("mosquitto");
    mqtt(&format!("{AZURE}{USER}"), closed_at(Stage::Publish)).omits("mosquitto");
    let told = mqtt(&format!("{TLS}{USER}"), closed_at(Stage::Connect));
    told.says("journalctl -u mosquitto -e").says("PROXY");
    mqtt(&format!("{TLS}{USER}"), connack(5)).says("clientid_prefixes");
}

/// Without an acknowledgement, what ends the connection may be the message as well as the wait for it.
#[test]
fn a_connection_that_ends_after_qos_0_may_end_over_the_message() {
    let at_qos = |qos| {
        let link = LinkError::Closed { reset: false };
        mqtt(PLAIN, mqtt_error(Command::Check, Stage::Receive, qos, link))
    };
    at_qos(Qos::AtMostOnce).first_help(
        "the broker's ACL (access rules) does not let this user write to the topic, or read it",
    );
    at_qos(Qos::AtLeastOnce)
        .first_help("the broker's ACL (access rules) does not let this user read the topic");
}

/// The word to search for.
#[test]
fn the_rights_to_subscribe_are_an_acl() {
    let denied = session(Stage::Subscribe, MqttCause::SubscribeDenied(0x80.into()));
    mqtt(PLAIN, denied).first_help("the broker's ACL (access rules)");
    mqtt(PLAIN, closed_at(Stage::Subscribe)).first_help("the broker's ACL (access rules)");
}

/// That nothing came back does not prove which right is missing.
#[test]
fn a_right_that_may_be_missing_stands_behind_an_if() {
    let mut error = not_delivered();
    error.second = Some(SecondOpinion::Published {
        delivered: Some(false),
    });
    mqtt(PLAIN, error).first_help("if this user may not read the topic, allow it");
}

/// One connection that was closed does not prove another client.
#[test]
fn another_client_is_claimed_only_where_it_was_seen() {
    let taken = |fresh_id_stood| {
        let after = Duration::from_millis(12);
        let cause = MqttCause::TakenOver {
            after,
            fresh_id_stood,
        };
        mqtt(
            &format!("{PLAIN}client_id = me\n"),
            session(Stage::Subscribe, cause),
        )
    };
    taken(false).says("the broker closes each connection with this client id");
    taken(true).says("another client uses this client id");
}

#[track_caller]
fn tls(lines: &str, cause: TlsCause, facts: TlsFacts) -> Said {
    let late = Some(false);
    said(
        lines,
        Failure::Tls(Box::new(TlsError { cause, facts, late })),
    )
}

fn alert(alert: Alert) -> TlsCause {
    TlsCause::Rustls(Error::AlertReceived(alert))
}

fn with_sni() -> TlsFacts {
    TlsFacts {
        sni: Some("h.example".to_owned()),
        ..facts(vec![Certificate {
            signature: "SHA256 with ECDSA".to_owned(),
            ..leaf()
        }])
    }
}

/// A close without a word may have other causes than the server name that was not sent.
#[test]
fn a_close_does_not_prove_that_a_name_is_wanted() {
    let facts = || TlsFacts {
        sni: None,
        ..facts(vec![])
    };
    let address = "host = 192.0.2.1\nport = 8884\n";
    let closed = || TlsCause::Closed { reset: false };
    tls(address, closed(), facts())
        .omits("the broker refuses a TLS handshake without a server name")
        .says("the broker closed the connection during a TLS handshake without a server name (SNI)")
        .says("if port 8884 is a port without TLS");
    tls(address, alert(Alert::UnrecognisedName), facts())
        .says("the broker refuses a TLS handshake without a server name (SNI)")
        .omits("a port without TLS");
}

/// Before a listener for TLS a proxy that announces the client ends the handshake.
#[test]
fn the_proxy_protocol_ends_a_handshake_too() {
    let closed = TlsCause::Closed { reset: false };
    tls(TLS, closed, with_sni())
        .says("PROXY protocol")
        .says("journalctl -u mosquitto -e");
    let closed = TlsCause::Closed { reset: false };
    tls(AZURE, closed, with_sni())
        .omits("PROXY protocol")
        .omits("mosquitto");
}

/// The alert says what the broker minds.
#[test]
fn a_refused_client_certificate_is_refused_for_what_the_alert_says() {
    let config = format!("{TLS}cert_file = c.crt\nkey_file = c.key\n");
    let sent = |not_after: i64| TlsFacts {
        client_cert_requested: true,
        client_cert_sent: true,
        client_certificate: Some(Certificate {
            not_after,
            ..leaf()
        }),
        ..with_sni()
    };
    let (ended, good) = (NOW() - DAY, NOW() + DAY);
    tls(&config, alert(Alert::CertificateExpired), sent(ended))
        .says("the broker refuses our client certificate, which has expired")
        .first_help("have a new client certificate issued")
        .omits("if its issuer is not one")
        .omits("that it is active there");
    tls(&config, alert(Alert::CertificateExpired), sent(good)).first_help("the broker's own clock");
    tls(&config, alert(Alert::UnknownCA), sent(good))
        .first_help("let the broker trust its issuer")
        .omits("that it is active there");
    tls(&config, alert(Alert::BadCertificate), sent(good)).first_help("that it is active there");
}

/// The cause before the words of the library.
#[test]
fn a_certificate_that_cannot_be_accepted_is_told_why() {
    let refused = |fault| TlsCause::Rustls(Error::InvalidCertificate(fault));
    tls(TLS, refused(CertificateError::BadSignature), with_sni())
        .says("a signature in the broker's certificate chain does not fit the CA that it names");
    tls(TLS, refused(CertificateError::InvalidPurpose), with_sni())
        .says("the broker's certificate is not one for servers");
}

/// Most keys can be used, and the one there may be right.
#[test]
fn a_key_is_doubted_only_behind_an_if() {
    let failed = || alert(Alert::HandshakeFailure);
    tls(TLS, failed(), with_sni()).first_help("if the broker's certificate has a P-521 or DSA key");
    let only = TlsFacts {
        only_offered: Some("TLS 1.2"),
        ..with_sni()
    };
    let config = format!("{TLS}tls_version = 1.2\n");
    tls(&config, alert(Alert::ProtocolVersion), only)
        .first_help("if a device is to connect that speaks no other, allow TLS 1.2 on the broker");
}

#[test]
fn http_is_websocket_too() {
    let http = TlsFacts {
        first_bytes: b"HTTP/1.0 403 Forbidden\r\n".to_vec(),
        ..with_sni()
    };
    let garbled = TlsCause::Rustls(Error::InvalidMessage(InvalidMessage::InvalidContentType));
    tls(TLS, garbled, http).says("a web server's port, or one for MQTT over WebSocket");
}

fn refused(host: &str) -> Said {
    let address: IpAddr = "127.0.0.1".parse().unwrap();
    let error = TcpError {
        tried: vec![AddressError {
            address: (address, 8883).into(),
            error: io::ErrorKind::ConnectionRefused.into(),
        }],
        ..TcpError::default()
    };
    said(&format!("host = {host}\n"), Failure::Tcp(error))
}

/// A container's port that is published is one of `localhost`.
#[test]
fn a_container_may_well_be_reached_at_localhost() {
    refused("localhost")
        .omits("`localhost` is not its address")
        .says("if the broker runs in a container, see that its port is published")
        .says(
            "if the broker runs on another machine, write that machine's name or address as `host`",
        );
}

#[test]
fn a_port_that_is_silent_among_others_is_named_as_such() {
    let address: IpAddr = "192.0.2.1".parse().unwrap();
    let silent = |answers: &[(u16, PortAnswer)]| {
        let error = TcpError {
            tried: vec![AddressError {
                address: (address, 8333).into(),
                error: io::ErrorKind::TimedOut.into(),
            }],
            other_ports: Some(Box::new(OtherPorts {
                address: (address, 8333).into(),
                limit: Duration::from_secs(2),
                answers: answers.to_vec(),
            })),
            ..TcpError::default()
        };
        said("host = 192.0.2.1\nport = 8333\n", Failure::Tcp(error))
    };
    silent(&[(443, PortAnswer::Open), (8883, PortAnswer::Silence)])
        .says("nothing answers on port 8333 of `192.0.2.1`, but other ports of it answer")
        .omits("this port alone")
        .says("if it listens on another port, set `port` in");
    silent(&[(443, PortAnswer::Silence)]).omits("other ports of it answer");
}

/// A name of one word is none of a cloud.
#[test]
fn a_bare_name_is_looked_for_in_the_local_network() {
    let not_found = |host: &str| {
        let words = "Name or service not known".to_owned();
        said(
            &format!("host = {host}\n"),
            Failure::Dns(DnsError::NotFound { words }),
        )
    };
    not_found("broker")
        .says("a machine of the local network")
        .omits("cloud");
    not_found("broker.example").says("cloud");
}

/// What a CA signed stays good where its own certificate is made anew.
#[test]
fn a_ca_certificate_is_made_anew_without_what_it_signed() {
    let fault = |word: &str| {
        let other = OtherError(Arc::new(io::Error::other(word.to_owned())));
        TlsCause::Rustls(Error::InvalidCertificate(CertificateError::Other(other)))
    };
    let under = |ca: Certificate| TlsFacts {
        sni: Some("h.example".to_owned()),
        ..facts(vec![leaf(), ca])
    };
    let odd = under(Certificate {
        critical: Some("1.2.3.4.5".to_owned()),
        ..intermediate()
    });
    tls(TLS, fault("UnsupportedCriticalExtension"), odd)
        .says("with the same key, what it signed stays good")
        .says("put it into the broker's certificate file in place of the present one");
    let limits = under(Certificate {
        limits_names: true,
        ..intermediate()
    });
    tls(TLS, fault("NameConstraintViolation"), limits)
        .says("see which names the certificate of `Test CA` allows")
        .says("if not, have it issue the broker a certificate for a name that it allows, and set `host` to that name");
}
