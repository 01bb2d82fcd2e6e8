//! The words for a CONNACK that refuses, by its code. Other ends of a CONNECT are `diagnose_mqtt`'s.

use crate::config::{Config, Transport};
use crate::diagnosis::{Code, Words, origin};
use crate::failure::MqttError;
use crate::util::text;

/// A CONNACK with `code`, of MQTT 3.1.1 §3.2.2.3 or, as some brokers answer everyone, of MQTT 5.
pub(crate) fn refused(code: u8, fault: &MqttError, config: &Config) -> Words {
    let password = match &config.credentials {
        Some(credentials) if credentials.password.is_some() => {
            format!("password: set ({})", password_key(config))
        }
        _ => "password: none is set".to_owned(),
    };
    let blank = "the password's last character is a space or a line end";
    let take_out = format!(
        "if that is not part of the password, take it out ({})",
        password_key(config)
    );
    match code {
        1 => Words::new(Code::MqttVersion, "the broker does not accept this version of MQTT")
            .note("CONNACK 1 (unacceptable protocol version) to MQTT 3.1.1")
            .help("update the broker, or use one that speaks MQTT 3.1.1: this program speaks no other version"),
        0x84 => Words::new(Code::MqttVersion, "the broker does not accept this version of MQTT")
            .note("CONNACK 0x84 (unsupported protocol version), a code of MQTT 5, to MQTT 3.1.1")
            .help("allow MQTT 3.1.1 on the broker: this program speaks no other version"),
        2 | 0x85 => Words::new(Code::MqttClientIdRejected, "the broker rejects the client id")
            .note(connack(code, "identifier rejected"))
            .note(format!("client id: `{}`, {} ({})", config.client_id, text::count(config.client_id.len() as u64, "byte"), origin(config, "client_id")))
            .help("set `client_id` to one that the broker allows; at most 23 letters and digits are accepted everywhere (MQTT 3.1.1 §3.1.3.1)")
            .help("if the broker ties the client id to the user or the certificate, use that very id"),
        3 | 0x88 | 0x89 => Words::new(Code::MqttServerUnavailable, "the broker is up and says that MQTT is not available now")
            .note(connack(code, "server unavailable"))
            .help("try again in a minute")
            .help("if it stays so, look into the broker's log or its provider's status page"),
        4 | 0x86 => {
            let mut words = Words::new(Code::MqttBadCredentials, "the broker does not accept this user name and password")
                .note(connack(code, "bad user name or password"))
                .note(user(config))
                .note(password);
            if fault.password_ends_in_blank {
                words = words.note(blank).help(take_out);
            }
            words
                .help("check `username` and the password")
                .help("if the broker is a cloud's, make them in its console, under access management: they are not those of the console's own login")
        }
        5 | 7 | 0x87 => {
            let mut words = Words::new(Code::MqttNotAuthorized, "the broker does not let this user connect")
                .note(connack(code, "not authorized"))
                .note(user(config))
                .note(password);
            if fault.password_ends_in_blank {
                words = words.note(blank).help(take_out);
            }
            words
                .help_if(config.credentials.is_none(), "set `username` and a password (`password_file` or `password_env`)")
                .help_if(config.credentials.is_some(), "check `username` and the password: mosquitto and others also give this answer for a wrong password")
                .help_if(matches!(&config.transport, Transport::Tls(tls) if !tls.sni), format!("{} leaves out the server name, and some clouds then cannot know the cluster: remove it", origin(config, "sni")))
                .help_if(config.credentials.is_none(), "if the broker knows clients by something else, allow this one to connect, in the broker's access rules")
                .help_if(config.credentials.is_some(), "if they are right, allow this user and client id to connect, in the broker's access rules")
        }
        0x80..=0x9f => Words::new(Code::MqttRefused, format!("the broker refuses the connection: {}", reason_v5(code)))
            .note(format!("CONNACK {code:#04x}, a code of MQTT 5, to MQTT 3.1.1"))
            .note(user(config))
            .help("look into the broker's log, where the reason stands"),
        code => Words::new(Code::MqttRefused, "the broker refuses the connection with a code that MQTT 3.1.1 does not have")
            .note(format!("CONNACK {code}"))
            .note(user(config))
            .help("look into the broker's log or its documentation for this code"),
    }
}

fn connack(code: u8, name: &str) -> String {
    match code {
        7 => "CONNACK 7, which AWS IoT Core uses for: not authorized".to_owned(),
        0x80.. => format!("CONNACK {code:#04x} ({name}), a code of MQTT 5, to MQTT 3.1.1"),
        _ => format!("CONNACK {code} ({name})"),
    }
}

/// The reason codes of a CONNACK, MQTT 5 §3.2.2.2.
fn reason_v5(code: u8) -> &'static str {
    match code {
        0x80 => "unspecified error",
        0x81 => "malformed packet",
        0x82 => "protocol error",
        0x83 => "implementation-specific error",
        0x8a => "banned",
        0x8c => "bad authentication method",
        0x90 => "topic name invalid",
        0x95 => "packet too large",
        0x97 => "quota exceeded",
        0x99 => "payload format invalid",
        0x9a => "retain not supported",
        0x9b => "QoS not supported",
        0x9c => "use another server",
        0x9d => "server moved",
        0x9f => "connection rate exceeded",
        _ => "no reason that is known",
    }
}

/// As whom we came.
pub(crate) fn user(config: &Config) -> String {
    match &config.credentials {
        Some(credentials) => format!(
            "user name: `{}` ({})",
            credentials.username,
            origin(config, "username")
        ),
        None => "user name: none is set".to_owned(),
    }
}

fn password_key(config: &Config) -> String {
    let keys = ["password", "password_file", "password_env"];
    keys.iter()
        .find(|key| config.is_set(key))
        .map_or_else(|| "in the URL".to_owned(), |key| origin(config, key))
}
