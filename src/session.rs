//! One MQTT 3.1.1 session, and the only caller of rumqttc. Each wait has a deadline; an error ends
//! the session, and this file never reconnects: after an error rumqttc would at once, and would
//! drop what was pending (the caller opens a new session instead).

use std::io;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rumqttc::mqttbytes::Error as CodecError;
use rumqttc::{
    Client, ClientError, Connect, Connection, ConnectionError, Event as LibraryEvent, LastWill,
    MqttOptions, Outgoing, Packet, QoS, RecvTimeoutError, StateError, SubscribeReasonCode,
    TlsConfiguration, TlsError, Transport as LibraryTransport,
};

use crate::config::{Config, Qos, Secret};
use crate::failure::{LinkFault, TlsCause};
use crate::signals::Stop;
use crate::tls::{Tls, cause_of};
use crate::wait::{self, Ended, SLICE};

/// Requests that may wait in rumqttc's channel; the check never has more than one.
const CHANNEL: usize = 10;

/// How long the broker's own close is waited for after DISCONNECT.
const GOODBYE: Duration = Duration::from_millis(200);

/// An open session.
pub struct Session {
    client: Client,
    connection: Connection,
    began: Instant,
    /// Requests that were made and not yet seen to leave. While there are any, a wait must not be
    /// cut short: rumqttc, dropped in the middle of a write, leaves the rest of the packet in its
    /// buffer until something else is sent, or loses the packet.
    unwritten: usize,
    trace: Vec<Trace>,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").finish_non_exhaustive()
    }
}

/// What the broker said, as far as a caller cares.
#[derive(Debug)]
pub enum Event {
    /// SUBACK: for each filter the granted QoS, or the failure code (MQTT 3.1.1 §3.9.3).
    Granted(Result<u8, u8>),
    /// PUBACK or PUBCOMP: the publish is done.
    Acknowledged,
    /// The PUBLISH of QoS 0 was handed to the system; nothing will acknowledge it.
    Sent,
    Message(Message),
    Unsubscribed,
    /// Anything else: a ping, an outgoing packet.
    Other,
}

/// A message that came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub topic: String,
    pub payload: Vec<u8>,
    pub qos: u8,
    pub retain: bool,
}

/// One packet and when, for `--verbose`.
#[derive(Clone, Debug)]
pub struct Trace {
    pub at: Duration,
    pub sent: bool,
    pub packet: String,
}

/// The most packets that are remembered; a flood is not.
const TRACE_LIMIT: usize = 64;

/// What the CONNACK granted.
#[derive(Clone, Copy, Debug)]
pub struct Opened {
    pub session_present: bool,
}

/// Why a session ended, or did not begin.
#[derive(Debug)]
pub enum Ending {
    Fault(LinkFault),
    Interrupted,
}

impl Session {
    /// Connects and waits for CONNACK, both within `limit`.
    ///
    /// # Errors
    /// The [`Ending`]; every error of rumqttc has its place in [`LinkFault`].
    pub fn open(
        config: &Config,
        password: Option<&Secret>,
        tls: Option<&Tls>,
        limit: Duration,
        stop: &Stop,
    ) -> Result<(Self, Opened), Ending> {
        let (client, mut connection) = Client::new(options(config, password, tls), CHANNEL);
        let network = &mut connection.eventloop.network_options;
        network.set_tcp_nodelay(true);
        // The limit is ours, to the millisecond; rumqttc's knows seconds only and must come later.
        network.set_connection_timeout(limit.as_secs() + 2);
        let began = Instant::now();
        // One call with the whole budget: each time-out would drop the connection and begin anew.
        let first = wait::bounded(limit + SLICE, stop, move || {
            let first = connection.recv_timeout(limit);
            (first, connection)
        });
        let (first, connection) = match first {
            Ended::Done(pair) => pair,
            Ended::TimedOut => return Err(Ending::Fault(LinkFault::TimedOut { limit })),
            Ended::Interrupted => return Err(Ending::Interrupted),
        };
        let event = match first {
            Ok(Ok(event)) => event,
            failed => {
                // A look-up still under way would hold up the drop of the runtime.
                let _ = thread::Builder::new().spawn(move || drop(connection));
                return Err(Ending::Fault(match failed {
                    Ok(Err(error)) => classify(error, limit),
                    _ => LinkFault::TimedOut { limit },
                }));
            }
        };
        let LibraryEvent::Incoming(Packet::ConnAck(connack)) = event else {
            let words = format!("expected CONNACK, received {event:?}");
            return Err(Ending::Fault(LinkFault::Undecodable { words }));
        };
        let session_present = connack.session_present;
        let mut session = Self {
            client,
            connection,
            began,
            unwritten: 0,
            trace: Vec::new(),
        };
        session.note(true, || connect_line(config), Duration::ZERO);
        let line = || format!("CONNACK 0, session present {}", u8::from(session_present));
        session.note(false, line, began.elapsed());
        Ok((session, Opened { session_present }))
    }

    /// Asks for `filter`; the answer is an [`Event::Granted`].
    ///
    /// # Errors
    /// When the request channel is full, which only a caller that does not poll can cause.
    pub fn subscribe(&mut self, filter: &str, qos: Qos) -> Result<(), Ending> {
        let asked = self.client.try_subscribe(filter, quality(qos));
        self.submitted(asked)
    }

    /// Publishes; the answer is an [`Event::Acknowledged`], or [`Event::Sent`] for QoS 0.
    ///
    /// # Errors
    /// As [`Session::subscribe`].
    pub fn publish(
        &mut self,
        topic: &str,
        qos: Qos,
        retain: bool,
        payload: &[u8],
    ) -> Result<(), Ending> {
        let asked = self
            .client
            .try_publish(topic, quality(qos), retain, payload);
        self.submitted(asked)
    }

    fn submitted(&mut self, asked: Result<(), ClientError>) -> Result<(), Ending> {
        asked.map_err(|error| Ending::Fault(LinkFault::Io(io::Error::other(error.to_string()))))?;
        self.unwritten += 1;
        Ok(())
    }

    /// The next event, or `None` when `deadline` has passed without one.
    ///
    /// # Errors
    /// The [`Ending`]. The session is of no use after it.
    pub fn next(&mut self, deadline: Instant, stop: &Stop) -> Result<Option<Event>, Ending> {
        loop {
            if stop.is_set() {
                return Err(Ending::Interrupted);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            let patience = if self.unwritten == 0 {
                left.min(SLICE)
            } else {
                left
            };
            match self.connection.recv_timeout(patience) {
                Ok(Ok(event)) => return Ok(Some(self.digest(event))),
                Ok(Err(error)) => return Err(Ending::Fault(classify(error, left))),
                Err(RecvTimeoutError::Timeout) if left.is_zero() => return Ok(None),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(None),
            }
        }
    }

    /// UNSUBSCRIBE, DISCONNECT, and the close: each waited for, none of them long. The broker does
    /// not publish the last will after a DISCONNECT (MQTT 3.1.1 §3.14.4).
    pub fn close(mut self, filter: Option<&str>, limit: Duration) -> Vec<Trace> {
        // A signal that ended the work must not cut the goodbye short.
        let stop = Stop::default();
        if let Some(filter) = filter
            && let asked = self.client.try_unsubscribe(filter)
            && self.submitted(asked).is_ok()
        {
            let deadline = Instant::now() + limit.min(GOODBYE * 5);
            while let Ok(Some(event)) = self.next(deadline, &stop) {
                if matches!(event, Event::Unsubscribed) {
                    break;
                }
            }
        }
        if self.client.try_disconnect().is_ok() {
            let deadline = Instant::now() + limit.min(GOODBYE * 5);
            let mut said = false;
            while !said && Instant::now() < deadline {
                match self.connection.recv_timeout(GOODBYE) {
                    Ok(Ok(event)) => {
                        said = event == LibraryEvent::Outgoing(Outgoing::Disconnect);
                        let _ = self.digest(event);
                    }
                    Ok(Err(_)) | Err(RecvTimeoutError::Disconnected) => return self.trace,
                    Err(RecvTimeoutError::Timeout) => {}
                }
            }
            // The broker closes first, or soon. Polling on after the error would reconnect.
            while let Ok(Ok(_)) = self.connection.recv_timeout(GOODBYE) {}
        }
        self.trace
    }

    /// The packets so far.
    pub fn into_trace(self) -> Vec<Trace> {
        self.trace
    }

    fn digest(&mut self, event: LibraryEvent) -> Event {
        let at = self.began.elapsed();
        match event {
            LibraryEvent::Incoming(packet) => {
                self.note(false, || incoming_line(&packet), at);
                match packet {
                    Packet::SubAck(suback) => {
                        let code = suback.return_codes.into_iter().next();
                        Event::Granted(match code {
                            Some(SubscribeReasonCode::Success(qos)) => Ok(qos as u8),
                            // rumqttc has one name for 0x80 and one for no code at all.
                            Some(SubscribeReasonCode::Failure) | None => Err(0x80),
                        })
                    }
                    Packet::PubAck(_) | Packet::PubComp(_) => Event::Acknowledged,
                    Packet::UnsubAck(_) => Event::Unsubscribed,
                    Packet::Publish(publish) => Event::Message(Message {
                        topic: publish.topic,
                        payload: publish.payload.to_vec(),
                        qos: publish.qos as u8,
                        retain: publish.retain,
                    }),
                    _ => Event::Other,
                }
            }
            LibraryEvent::Outgoing(outgoing) => {
                self.note(true, || outgoing_line(&outgoing), at);
                if matches!(
                    outgoing,
                    Outgoing::Publish(_) | Outgoing::Subscribe(_) | Outgoing::Unsubscribe(_)
                ) {
                    self.unwritten = self.unwritten.saturating_sub(1);
                }
                match outgoing {
                    Outgoing::Publish(0) => Event::Sent,
                    _ => Event::Other,
                }
            }
        }
    }

    fn note(&mut self, sent: bool, packet: impl FnOnce() -> String, at: Duration) {
        if self.trace.len() < TRACE_LIMIT {
            self.trace.push(Trace {
                at,
                sent,
                packet: packet(),
            });
        }
    }
}

/// The CONNECT packet as rumqttc writes it, for the second look.
pub fn connect_packet(config: &Config, password: Option<&Secret>) -> Vec<u8> {
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

/// The bytes of a PUBLISH (MQTT 3.1.1 §3.3) without those of its remaining length, which
/// `max_packet_size` does not count on the way in either.
pub fn publish_size(topic: &str, qos: Qos, payload: usize) -> usize {
    let packet_id = if qos == Qos::AtMostOnce { 0 } else { 2 };
    2 + topic.len() + packet_id + payload
}

fn options(config: &Config, password: Option<&Secret>, tls: Option<&Tls>) -> MqttOptions {
    let mut options = MqttOptions::new(&config.client_id, &config.host, config.port);
    options
        .set_keep_alive(config.keep_alive)
        .set_clean_session(config.clean_session);
    // The library counts the fixed header on the way out only; the limit is one for both ways.
    let header = 5;
    options.set_max_packet_size(config.max_packet_size, config.max_packet_size + header);
    options.set_inflight(10);
    if let Some(credentials) = &config.credentials {
        let password = password.map_or("", Secret::expose);
        options.set_credentials(&credentials.username, password);
    }
    if let Some(will) = &config.will {
        let message = will.message.clone();
        options.set_last_will(LastWill::new(
            &will.topic,
            message,
            quality(will.qos),
            will.retain,
        ));
    }
    if let Some(tls) = tls {
        let tls = TlsConfiguration::Rustls(Arc::clone(&tls.config));
        options.set_transport(LibraryTransport::tls_with_config(tls));
    }
    options
}

fn quality(qos: Qos) -> QoS {
    match qos {
        Qos::AtMostOnce => QoS::AtMostOnce,
        Qos::AtLeastOnce => QoS::AtLeastOnce,
        Qos::ExactlyOnce => QoS::ExactlyOnce,
    }
}

/// Every error of rumqttc, by what happened on the wire. Its own words survive where ours end.
fn classify(error: ConnectionError, limit: Duration) -> LinkFault {
    let undecodable = |error: &dyn std::fmt::Display| LinkFault::Undecodable {
        words: error.to_string(),
    };
    match error {
        ConnectionError::NetworkTimeout | ConnectionError::FlushTimeout => {
            LinkFault::TimedOut { limit }
        }
        ConnectionError::Io(error) => of_io(error),
        ConnectionError::Tls(TlsError::Io(error)) => of_io(error),
        ConnectionError::Tls(TlsError::TLS(error)) => LinkFault::Tls(TlsCause::Rustls(error)),
        ConnectionError::ConnectionRefused(code) => LinkFault::Refused { code: code as u8 },
        ConnectionError::MqttState(error) => match error {
            StateError::Io(error) | StateError::Deserialization(CodecError::Io(error)) => {
                of_io(error)
            }
            StateError::ConnectionAborted => LinkFault::Closed { reset: false },
            StateError::AwaitPingResp => LinkFault::NoPingResponse,
            StateError::Deserialization(error) => match error {
                CodecError::InvalidConnectReturnCode(code) => LinkFault::Refused { code },
                CodecError::InvalidSubscribeReasonCode(code) => LinkFault::SubackCode { code },
                CodecError::PayloadSizeLimitExceeded(size) => LinkFault::TooLarge { size },
                error => undecodable(&error),
            },
            error => undecodable(&error),
        },
        error => undecodable(&error),
    }
}

fn of_io(error: io::Error) -> LinkFault {
    use io::ErrorKind as Kind;
    match error.kind() {
        Kind::TimedOut | Kind::WouldBlock => LinkFault::Io(error),
        Kind::ConnectionRefused | Kind::HostUnreachable | Kind::NetworkUnreachable => {
            LinkFault::Tcp(error)
        }
        _ => match cause_of(error) {
            TlsCause::Closed { reset } => LinkFault::Closed { reset },
            TlsCause::Io(error) if error.to_string().contains("bytes remaining on stream") => {
                LinkFault::Undecodable {
                    words: "the connection ended in the middle of a packet".to_owned(),
                }
            }
            TlsCause::Io(error) => LinkFault::Io(error),
            cause => LinkFault::Tls(cause),
        },
    }
}

fn connect_line(config: &Config) -> String {
    let flags = [
        (config.clean_session, "clean session"),
        (config.credentials.is_some(), "user name"),
        (config.will.is_some(), "last will"),
    ];
    let set: Vec<_> = flags
        .iter()
        .filter(|(on, _)| *on)
        .map(|(_, name)| *name)
        .collect();
    format!(
        "CONNECT {}, keep-alive {} s, {}",
        config.client_id,
        config.keep_alive.as_secs(),
        set.join(", ")
    )
}

/// A packet in a line; of a PUBLISH its size and never its payload.
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

#[cfg(test)]
#[path = "session_tests.rs"]
mod tests;
