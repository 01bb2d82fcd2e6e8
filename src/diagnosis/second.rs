//! What the second opinion says, asked in MQTT 5 after a failure of 3.1.1: its own words are a note, and
//! where it knows the cause, that decides the help.

use crate::config::{Config, Key};
use crate::diagnosis::codes::{connack, publish, receive};
use crate::diagnosis::{Diagnosis, origin, reason};
use crate::failure::{MqttCause, MqttError, Operation, Reason, SecondOpinion};

/// Not authorized (MQTT 5 §2.4): of all codes the one that 3.1.1 has no better words for than silence.
const NOT_AUTHORIZED: u8 = 0x87;

/// The broker does not want to say.
const UNSPECIFIED: u8 = 0x80;

const QOS_NOT_SUPPORTED: u8 = 0x9b;

/// `diagnosis` with the second opinion, if there is one.
pub(crate) fn word(diagnosis: Diagnosis, error: &MqttError, config: &Config) -> Diagnosis {
    let Some(opinion) = &error.second else {
        return diagnosis;
    };
    match opinion {
        SecondOpinion::Refused { packet, reason } => {
            let said = format!("asked again in MQTT 5: {}", reason::packet(packet, reason));
            let diagnosis = reason::reference(diagnosis.note(said), reason);
            refused(diagnosis, packet, reason, error, config)
        }
        SecondOpinion::NotAllowed(missing) => diagnosis
            .note(format!(
                "asked again in MQTT 5: CONNECT is accepted, and CONNACK says {}",
                missing.property()
            ))
            .only_help([reason::help(missing.code(), config)]),
        SecondOpinion::Connected => diagnosis
            .note("asked again in MQTT 5: the same CONNECT is accepted")
            .first_help(Some(
                "set `protocol = 5`, if it is the version that the broker minds",
            )),
        SecondOpinion::Subscribed { granted } => {
            // It may have arrived the first time.
            let unsent = match error.operation {
                Operation::Publish { .. } | Operation::Receive { .. } => {
                    "; the message was not sent a second time"
                }
                _ => "",
            };
            let first = matches!(error.cause, MqttCause::SubscribeDenied(_));
            match granted {
                Some(granted) => {
                    let said = format!(
                        "asked again in MQTT 5: the subscription is granted, QoS {granted}{unsent}"
                    );
                    diagnosis.note(said).first_help(
                        first.then_some("set `protocol = 5`: there the broker grants it"),
                    )
                }
                None => diagnosis.note(format!(
                    "asked again in MQTT 5: CONNECT is accepted{unsent}"
                )),
            }
        }
        SecondOpinion::Published { delivered: None } => {
            diagnosis.note("asked again in MQTT 5: the message was accepted")
        }
        SecondOpinion::Published {
            delivered: Some(true),
        } => diagnosis
            .note("asked again in MQTT 5: the message was accepted, and one of ours came back"),
        SecondOpinion::Published {
            delivered: Some(false),
        } => {
            let silent = matches!(error.cause, MqttCause::NotDelivered { .. });
            let diagnosis = diagnosis.note(if silent {
                "asked again in MQTT 5: the message was accepted, and did not come back either"
            } else {
                "asked again in MQTT 5: the message was accepted, and did not come back"
            });
            if silent {
                return receive::not_read(diagnosis, config);
            }
            diagnosis
        }
    }
}

/// What a reason code decides.
fn refused(
    diagnosis: Diagnosis,
    packet: &str,
    reason: &Reason,
    error: &MqttError,
    config: &Config,
) -> Diagnosis {
    let known = std::ptr::eq(diagnosis.code, &connack::REFUSED);
    match (packet, reason.code) {
        ("CONNACK", 0x85) => diagnosis.only_help([
            "set `client_id` to one that the broker allows this user".to_owned(),
            format!(
                "on your own mosquitto, `clientid_prefixes` says what it must begin with ({})",
                connack::client_id(config)
            ),
        ]),
        ("CONNACK", 0x86) => diagnosis.first_help(Some(
            "check `username` and the password: that is what is wrong",
        )),
        ("PUBACK", NOT_AUTHORIZED) => {
            publish::may_not_write(diagnosis.no_help(), error.command, config)
        }
        // No more than 3.1.1 says.
        ("CONNACK" | "SUBACK", NOT_AUTHORIZED) | (_, UNSPECIFIED) => diagnosis,
        _ if known => diagnosis,
        (_, code) => match (&error.operation, Reason::name(packet, code)) {
            (
                Operation::Publish {
                    granted: Some(granted),
                    ..
                },
                _,
            ) if code == QOS_NOT_SUPPORTED => diagnosis.only_help([format!(
                "set `qos = {granted}` ({})",
                origin(config, Key::Qos)
            )]),
            (_, Some(_)) => diagnosis.only_help([reason::help(code, config)]),
            (_, None) => diagnosis,
        },
    }
}
