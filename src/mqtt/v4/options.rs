//! What a connection begins with: rumqttc's options from the configuration, and what an earlier
//! session left undone put where rumqttc keeps such things. It sends nothing.

use std::sync::Arc;

use rumqttc::{
    Connect, Connection, LastWill, MqttOptions, Packet, PubRel, Publish, QoS, Request,
    TlsConfiguration, Transport,
};

use crate::config::{Config, Qos, Secret};
use crate::mqtt::resume::Unfinished;
use crate::mqtt::target::Limits;
use crate::tls::Tls;

/// Puts what an earlier session left undone where rumqttc keeps such things. If the broker says that
/// it has no session, rumqttc drops the publishes and releases by itself.
pub(crate) fn resume(
    connection: &mut Connection,
    config: &Config,
    limits: Limits,
    unfinished: &Unfinished,
) {
    let eventloop = &mut connection.eventloop;
    // The answer is a PUBCOMP, whether the broker knows the id or not (MQTT 3.1.1 §4.3.3).
    for id in unfinished.unknown_releases(config, limits) {
        eventloop
            .pending
            .push_back(Request::PubRel(PubRel::new(id)));
    }
    // First, because their publishes were first: the broker passes a message on at its PUBREL, and
    // the answers to the publishes below come before all of them are sent (MQTT 3.1.1 §4.6).
    for id in &unfinished.releases {
        eventloop
            .pending
            .push_back(Request::PubRel(PubRel::new(*id)));
    }
    for pending in &unfinished.publishes {
        let payload = pending.payload.clone();
        let mut publish = Publish::new(&config.topic, library_qos(config.qos), payload);
        publish.pkid = pending.id;
        publish.retain = config.retain;
        // MQTT 3.1.1 §3.3.1.1: a delivery that may be a second one says so.
        publish.dup = true;
        eventloop.pending.push_back(Request::Publish(publish));
    }
}

/// rumqttc breaks the connection at a PUBREL for an id that it does not know, and so for ever, since
/// the broker sends it again each time. In a session that goes on any may come: its PUBCOMP was lost,
/// or its PUBLISH came to an earlier run of the program. The state learns ids from packets alone.
pub(crate) fn expect_any_release(connection: &mut Connection) {
    let state = &mut connection.eventloop.state;
    for id in 1..=u16::MAX {
        let mut publish = Publish::new("", QoS::ExactlyOnce, "");
        publish.pkid = id;
        let _ = state.handle_incoming_packet(Packet::Publish(publish));
        state.events.clear();
    }
}

/// The CONNECT packet as rumqttc writes it, for a probe.
pub(crate) fn connect_packet(config: &Config, password: Option<&Secret>) -> Vec<u8> {
    let options = options(config, password, None);
    let mut connect = Connect::new(options.client_id());
    connect.keep_alive = u16::try_from(options.keep_alive().as_secs()).unwrap_or(u16::MAX);
    connect.clean_session = options.clean_session();
    connect.last_will = options.last_will();
    connect.login = options.credentials();
    let mut buffer = Default::default();
    // It can only fail beyond 256 MiB, and every part of ours is at most 64 KiB.
    let _ = connect.write(&mut buffer);
    buffer.to_vec()
}

/// The bytes of a PUBLISH (MQTT 3.1.1 §3.3) without those of its fixed header, which
/// `max_packet_size` does not count on the way in either.
pub(crate) fn publish_size(topic: &str, qos: Qos, payload: usize) -> usize {
    let packet_id = if qos == Qos::AtMostOnce { 0 } else { 2 };
    2 + topic.len() + packet_id + payload
}

pub(crate) fn options(
    config: &Config,
    password: Option<&Secret>,
    tls: Option<&Tls>,
) -> MqttOptions {
    let mut options = MqttOptions::new(&config.client_id, &config.host, config.port);
    options
        .set_keep_alive(config.keep_alive)
        .set_clean_session(config.clean_session);
    // The library counts the fixed header on the way out only; the limit is one for both ways.
    let header = 5;
    options.set_max_packet_size(config.max_packet_size, config.max_packet_size + header);
    if let Some(credentials) = &config.credentials {
        let password = password.map_or("", Secret::expose);
        options.set_credentials(&credentials.username, password);
    }
    if let Some(will) = &config.will {
        let message = will.message.clone();
        options.set_last_will(LastWill::new(
            &will.topic,
            message,
            library_qos(will.qos),
            will.retain,
        ));
    }
    if let Some(tls) = tls {
        let tls = TlsConfiguration::Rustls(Arc::clone(&tls.config));
        options.set_transport(Transport::tls_with_config(tls));
    }
    options
}

pub(crate) fn library_qos(qos: Qos) -> QoS {
    match qos {
        Qos::AtMostOnce => QoS::AtMostOnce,
        Qos::AtLeastOnce => QoS::AtLeastOnce,
        Qos::ExactlyOnce => QoS::ExactlyOnce,
    }
}

#[cfg(test)]
#[path = "options_tests.rs"]
mod tests;
