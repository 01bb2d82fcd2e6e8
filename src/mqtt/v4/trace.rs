//! Packets in a line each, for `--verbose`: of a PUBLISH its size and never its payload, of a CONNECT
//! never the password.

use rumqttc::{Event, Outgoing, Packet};

use crate::config::Config;
use crate::mqtt::event;

pub(crate) fn connect_line(config: &Config) -> String {
    event::connect_line(config, &[(config.clean_session, "clean session")])
}

/// Whether it was sent, and its line.
pub(crate) fn line(event: &Event) -> (bool, String) {
    match event {
        Event::Incoming(packet) => (false, incoming_line(packet)),
        Event::Outgoing(packet) => (true, outgoing_line(packet)),
    }
}

fn incoming_line(packet: &Packet) -> String {
    match packet {
        Packet::SubAck(suback) => format!("SUBACK {} {:?}", suback.pkid, suback.return_codes),
        Packet::UnsubAck(unsuback) => format!("UNSUBACK {}", unsuback.pkid),
        Packet::PubAck(puback) => format!("PUBACK {}", puback.pkid),
        Packet::PubRec(pubrec) => format!("PUBREC {}", pubrec.pkid),
        Packet::PubRel(pubrel) => format!("PUBREL {}", pubrel.pkid),
        Packet::PubComp(pubcomp) => format!("PUBCOMP {}", pubcomp.pkid),
        Packet::Publish(publish) => format!(
            "PUBLISH {} {} bytes, QoS {}{}",
            publish.topic,
            publish.payload.len(),
            publish.qos as u8,
            if publish.retain { ", retained" } else { "" }
        ),
        Packet::PingResp => "PINGRESP".to_owned(),
        packet => format!("{packet:?}"),
    }
}

fn outgoing_line(outgoing: &Outgoing) -> String {
    match outgoing {
        Outgoing::Publish(0) => "PUBLISH".to_owned(),
        Outgoing::Publish(id) => format!("PUBLISH {id}"),
        Outgoing::Subscribe(id) => format!("SUBSCRIBE {id}"),
        Outgoing::Unsubscribe(id) => format!("UNSUBSCRIBE {id}"),
        Outgoing::PubAck(id) => format!("PUBACK {id}"),
        Outgoing::PubRec(id) => format!("PUBREC {id}"),
        Outgoing::PubRel(id) => format!("PUBREL {id}"),
        Outgoing::PubComp(id) => format!("PUBCOMP {id}"),
        Outgoing::PingReq => "PINGREQ".to_owned(),
        Outgoing::PingResp => "PINGRESP".to_owned(),
        Outgoing::Disconnect => "DISCONNECT".to_owned(),
        Outgoing::AwaitAck(id) => format!("(waiting for the acknowledgement of {id})"),
    }
}
