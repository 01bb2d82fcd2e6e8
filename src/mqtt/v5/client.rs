//! A connection in MQTT 5: it queues and writes packets, answers what comes in, and gives it as
//! [`Event`]s.

use std::collections::VecDeque;
use std::task::Poll;
use std::time::{Duration, Instant};

use crate::config::{Protocol, Qos};
use crate::failure::LinkError;
use crate::mqtt::event::{
    Allowance, Event, Opened, PacketLog, Publish, Receipt, Request, SessionError, Trace,
};
use crate::mqtt::message::Message;
use crate::mqtt::resume::Unfinished;
use crate::mqtt::target::{Limits, Target};
use crate::mqtt::v5::aliases::Aliases;
use crate::mqtt::v5::decode::{self, FrameError, Incoming, PUBACK, PUBCOMP, PUBREC, PUBREL};
use crate::mqtt::v5::encode::{
    DISCONNECT, PINGREQ, connect_packet, message_properties, put_ack, put_publish, put_subscribe,
    put_unsubscribe,
};
use crate::mqtt::v5::properties::{Properties, allowance, reason};
use crate::mqtt::v5::resumed::Resumed;
use crate::mqtt::v5::trace;
use crate::mqtt::v5::wire::Wire;
use crate::net::{Deadline, SIGNAL_POLL};

/// How many packets are taken from the input at a time: their answers must be written at times.
const AT_ONCE: usize = 64;

/// How often the socket of a peer that has gone is looked into: there is no more than its buffer holds.
const LAST_LOOKS: usize = 4096;

/// The answer to the oldest CONNACK of all: MQTT 3.1.1 §3.2, which has no properties.
const CONNACK_OF_3_1_1: &[u8] = &[0x20, 2];

/// A success of PUBACK and PUBREC (MQTT 5 §2.4).
const NO_MATCHING_SUBSCRIBERS: u8 = 0x10;

/// After an error it can only be asked for the events at hand.
#[derive(Debug)]
pub(crate) struct Connection {
    wire: Wire,
    /// What a write may take.
    limit: Duration,
    max_packet_size: usize,
    log: PacketLog,
    events: VecDeque<Event>,
    /// Of an earlier session.
    resumed: Resumed,
    ids: Ids,
    /// Of each PUBLISH that goes out, as it is written.
    properties: Vec<u8>,
    aliases: Aliases,
    manual_acks: bool,
    /// Nothing that comes in is answered any more.
    silent: bool,
    /// Zero: never a ping.
    keep_alive: Duration,
    /// Seconds, where the broker set it in place of ours.
    server_keep_alive: Option<u16>,
    /// When something was last written.
    wrote: Instant,
    /// A PINGREQ was sent, and nothing has come since.
    pinged: Option<Instant>,
}

/// Packet ids: of publishes from 1 up to the window, as rumqttc counts, so that one window is all that a
/// killed run may leave behind; of the other requests from the other end.
#[derive(Debug)]
struct Ids {
    window: u16,
    publish: u16,
    request: u16,
}

impl Ids {
    fn publish(&mut self) -> u16 {
        self.publish = self.publish % self.window + 1;
        self.publish
    }

    fn request(&mut self) -> u16 {
        self.request = match self.request {
            0xf000 => u16::MAX,
            id => id - 1,
        };
        self.request
    }
}

impl Connection {
    /// The most bytes that one [`Connection::try_poll`] leaves in the buffer: the answer to a packet
    /// (PUBACK, PUBREC, PUBREL, PUBCOMP) has four.
    pub(crate) const ANSWERS: usize = 4 * AT_ONCE;

    /// Connects, and waits for CONNACK. What `unfinished` holds is sent if the broker still has the
    /// session, and dropped if not.
    ///
    /// # Errors
    /// The [`SessionError`], after `limit` at the latest.
    pub(crate) fn open(
        target: Target<'_>,
        limits: Limits,
        unfinished: &Unfinished,
        limit: Duration,
    ) -> Result<(Self, Opened), SessionError> {
        let Target {
            config, password, ..
        } = target;
        let deadline = Deadline::after(limit, target.stop);
        let mut log = PacketLog::new();
        let wire = Wire::open(target, deadline)?;
        log.push(true, trace::connect_line(config));
        let mut connection = Self {
            wire,
            limit,
            max_packet_size: config.max_packet_size,
            log,
            events: VecDeque::new(),
            resumed: Resumed::default(),
            ids: Ids {
                window: limits.max_inflight,
                publish: 0,
                request: 0xf000,
            },
            properties: message_properties(config),
            aliases: Aliases::new(config.connect_properties.topic_alias_maximum),
            manual_acks: false,
            silent: false,
            keep_alive: config.keep_alive,
            server_keep_alive: None,
            wrote: Instant::now(),
            pinged: None,
        };
        connection
            .wire
            .out()
            .extend(connect_packet(config, password));
        let mut opened = connection.connack(deadline)?;
        if let Some(Allowance {
            keep_alive: Some(seconds),
            ..
        }) = &opened.allowance.as_deref()
        {
            connection.keep_alive = Duration::from_secs((*seconds).into());
            connection.server_keep_alive = Some(*seconds);
        }
        if opened.session_present {
            let allowance = opened.allowance.as_deref().cloned().unwrap_or_default();
            let (properties, out) = (&connection.properties, connection.wire.out());
            (connection.resumed, opened.withheld) =
                Resumed::new(config, limits, unfinished, &allowance, properties, out);
            connection.resumed.send(connection.wire.out());
        }
        Ok((connection, opened))
    }

    fn connack(&mut self, deadline: Deadline<'_>) -> Result<Opened, SessionError> {
        loop {
            let blocked = match self.wire.flush() {
                Poll::Ready(flushed) => {
                    // A broker that has closed already may have said why before it did.
                    if let Err(error) = flushed
                        && self.wire.input().is_empty()
                        && !self.wire.fill()?
                    {
                        return Err(SessionError::Fault(error));
                    }
                    false
                }
                Poll::Pending => true,
            };
            if let Some(opened) = self.read_connack()? {
                return Ok(opened);
            }
            if !self.wire.fill()? {
                self.wire.wait(blocked, deadline.left()?.min(SIGNAL_POLL))?;
            }
        }
    }

    fn read_connack(&mut self) -> Result<Option<Opened>, LinkError> {
        let undecodable = |words: &str| {
            Err(LinkError::Undecodable {
                words: words.to_owned(),
            })
        };
        if let [first, second, _, code, ..] = *self.wire.input()
            && [first, second] == CONNACK_OF_3_1_1
        {
            return Err(match code {
                0 => LinkError::ConnackOf3_1_1,
                code => LinkError::Refused(code.into()),
            });
        }
        match self.wire.input() {
            // AUTH and DISCONNECT say why no CONNACK comes.
            [] | [0x20 | 0xe0 | 0xf0, ..] => {}
            _ => return undecodable("expected CONNACK, received another packet"),
        }
        let Some(frame) =
            decode::frame(self.wire.input(), self.max_packet_size).map_err(frame_error)?
        else {
            return Ok(None);
        };
        let length = frame.length;
        let packet = decode::packet(frame).map_err(|words| LinkError::Undecodable { words })?;
        let (session_present, code, properties) = match packet {
            Incoming::ConnAck {
                session_present,
                code,
                properties,
            } => (session_present, code, properties),
            packet => {
                self.take_packet(packet)?;
                return undecodable("expected CONNACK, received another packet");
            }
        };
        self.wire.consume(length);
        if code != 0 {
            return Err(LinkError::Refused(reason(code, properties)));
        }
        self.log.push(false, trace::connack_line(session_present));
        Ok(Some(Opened {
            session_present,
            protocol: Protocol::V5,
            withheld: Vec::new(),
            allowance: Some(Box::new(allowance(
                properties.map(|properties| *properties).unwrap_or_default(),
            ))),
        }))
    }

    /// Puts a request into the buffer, which [`Connection::poll`] writes.
    pub(crate) fn queue(&mut self, request: Request<'_>) {
        let line = match request {
            Request::Publish(publish) => return self.buffer(&publish),
            Request::Subscribe {
                filter,
                qos,
                options,
            } => {
                let id = self.ids.request();
                put_subscribe(self.wire.out(), id, filter, qos, options);
                self.events.push_back(Event::RequestSent);
                format!("SUBSCRIBE {id}")
            }
            Request::Unsubscribe { filter } => {
                let id = self.ids.request();
                put_unsubscribe(self.wire.out(), id, filter);
                self.events.push_back(Event::RequestSent);
                format!("UNSUBSCRIBE {id}")
            }
            Request::Disconnect => {
                self.wire.out().extend(DISCONNECT);
                self.events.push_back(Event::DisconnectSent);
                "DISCONNECT".to_owned()
            }
        };
        if self.log.has_room() {
            self.log.push(true, line);
        }
    }

    /// Puts a PUBLISH into the buffer: [`Connection::flush`] writes many at once.
    pub(crate) fn buffer(&mut self, publish: &Publish<'_>) {
        let id = match publish.qos {
            Qos::AtMostOnce => 0,
            Qos::AtLeastOnce | Qos::ExactlyOnce => self.ids.publish(),
        };
        put_publish(self.wire.out(), publish, &self.properties, id, false);
        if self.log.has_room() {
            self.log.push(true, trace::publish_line(id));
        }
        self.events.push_back(Event::Sent { id });
    }

    /// The same of a PUBACK or PUBREC.
    pub(crate) fn buffer_ack(&mut self, receipt: Receipt) {
        self.answer(
            match receipt.qos {
                Qos::ExactlyOnce => PUBREC,
                Qos::AtLeastOnce | Qos::AtMostOnce => PUBACK,
            },
            receipt.id,
        );
        self.events.push_back(Event::AckSent);
    }

    fn answer(&mut self, kind: u8, id: u16) {
        put_ack(self.wire.out(), kind, id);
        if self.log.has_room() {
            self.log.push(true, trace::ack_line(kind, id));
        }
    }

    /// Writes what stands in the buffer, as far as the system takes it now.
    pub(crate) fn flush(&mut self) -> Poll<Result<(), LinkError>> {
        if !self.wire.out().is_empty() {
            self.wrote = Instant::now();
        }
        self.wire.flush().map_err(|error| self.last_words(error))
    }

    /// What the peer has said before it went, acknowledgements and a DISCONNECT, still stands in the
    /// socket when a write fails.
    fn last_words(&mut self, error: LinkError) -> LinkError {
        for _ in 0..LAST_LOOKS {
            match self.take_in() {
                Ok(true) => {}
                Err(said @ LinkError::Disconnected(_)) => return said,
                Ok(false) | Err(_) => break,
            }
        }
        error
    }

    /// Waits until the system may take more of the buffer.
    ///
    /// # Errors
    /// As for [`Connection::poll`].
    pub(crate) fn wait_writable(&mut self, limit: Duration) -> Result<(), LinkError> {
        self.wire.wait(true, limit)?;
        // A broker that writes and does not read waits for us to read.
        self.take_in().map(drop)
    }

    /// See [`Wire::quick_ack`].
    pub(crate) fn quick_ack(&self) -> bool {
        self.wire.quick_ack()
    }

    /// Waits until an event is at hand, at most for `limit`. `None`: as long as writing what is in the
    /// buffer takes.
    ///
    /// # Errors
    /// What ended the connection. Events that came in before it are still at hand.
    pub(crate) fn poll(&mut self, limit: Option<Duration>) -> Result<(), LinkError> {
        let began = Instant::now();
        let allowed = limit.unwrap_or(self.limit);
        loop {
            let blocked = match self.flush() {
                Poll::Ready(flushed) => {
                    flushed?;
                    false
                }
                Poll::Pending => true,
            };
            if self.has_events() && !(blocked && limit.is_none()) {
                return Ok(());
            }
            self.take_in()?;
            if self.has_events() && !(blocked && limit.is_none()) {
                return Ok(());
            }
            if !self.wire.input().is_empty() && self.has_packet() {
                continue;
            }
            let now = Instant::now();
            let due = self.ping(now)?;
            if !blocked && !self.wire.out().is_empty() {
                // The ping.
                continue;
            }
            let left = allowed.saturating_sub(now - began);
            if left.is_zero() {
                return match limit {
                    Some(_) => Ok(()),
                    None => Err(LinkError::TimedOut { limit: allowed }),
                };
            }
            self.wire.wait(blocked, left.min(due))?;
        }
    }

    /// Sends PINGREQ when it is due (MQTT 5 §3.1.2.10), and says when it is next.
    fn ping(&mut self, now: Instant) -> Result<Duration, LinkError> {
        if self.keep_alive.is_zero() {
            return Ok(Duration::MAX);
        }
        if let Some(pinged) = self.pinged {
            let waited = now - pinged;
            if waited >= self.keep_alive {
                return Err(LinkError::NoPingResponse(self.server_keep_alive));
            }
            return Ok(self.keep_alive - waited);
        }
        let idle = now - self.wrote;
        if idle < self.keep_alive {
            return Ok(self.keep_alive - idle);
        }
        self.wire.out().extend(PINGREQ);
        self.pinged = Some(now);
        if self.log.has_room() {
            self.log.push(true, "PINGREQ".to_owned());
        }
        Ok(self.keep_alive)
    }

    /// Looks into the socket, without waiting. The answers to what came in, at most
    /// [`Connection::ANSWERS`] bytes, stand in the buffer until [`Connection::flush`].
    ///
    /// # Errors
    /// As for [`Connection::poll`].
    pub(crate) fn try_poll(&mut self) -> Result<(), LinkError> {
        // The last look has taken all that was there, and what it was answers enough to write first.
        if self.wire.was_drained() && !self.has_packet() {
            return Ok(());
        }
        self.take_in().map(drop)
    }

    fn has_packet(&self) -> bool {
        !matches!(
            decode::frame(self.wire.input(), self.max_packet_size),
            Ok(None)
        )
    }

    /// Takes a few packets from the input, after a look into the socket if there is none; whether there
    /// was anything.
    fn take_in(&mut self) -> Result<bool, LinkError> {
        let mut some = self.has_packet();
        if !some {
            some = self.wire.fill()?;
        }
        for _ in 0..AT_ONCE {
            let frame = decode::frame(self.wire.input(), self.max_packet_size);
            let Some(frame) = frame.map_err(frame_error)? else {
                break;
            };
            let length = frame.length;
            let packet = decode::packet(frame).map_err(|words| LinkError::Undecodable { words })?;
            self.wire.consume(length);
            self.pinged = None;
            self.take_packet(packet)?;
        }
        Ok(some)
    }

    fn take_packet(&mut self, packet: Incoming) -> Result<(), LinkError> {
        if self.log.has_room() {
            let line = trace::line(&packet);
            self.log.push(false, line);
        }
        let event = match packet {
            Incoming::Publish(mut message) => {
                self.aliases.resolve(&mut message)?;
                let (id, qos) = (message.id, message.qos);
                match qos {
                    1 if !self.manual_acks && !self.silent => self.answer(PUBACK, id),
                    2 if !self.manual_acks && !self.silent => self.answer(PUBREC, id),
                    _ => {}
                }
                Event::Message(Message::V5(message))
            }
            Incoming::Ack {
                kind: PUBREL, id, ..
            } => {
                if !self.silent {
                    self.answer(PUBCOMP, id);
                }
                Event::Released { id }
            }
            Incoming::Ack {
                kind,
                id,
                code,
                properties,
            } => {
                let done = kind != PUBREC || code >= 0x80;
                self.resumed.answered(id, done);
                self.resumed.send(self.wire.out());
                self.acknowledged(kind, id, code, properties)
            }
            Incoming::SubAck {
                codes, properties, ..
            } => Event::Granted(match codes.first() {
                Some(qos @ 0..=2) => Ok(*qos),
                Some(code) => Err(reason(*code, properties)),
                None => Err(reason(0x80, properties)),
            }),
            Incoming::UnsubAck { .. } => Event::Unsubscribed,
            Incoming::PingResp => Event::Other,
            Incoming::Disconnect { code, properties } => {
                return Err(LinkError::Disconnected(reason(code, properties)));
            }
            Incoming::Auth { code, properties } => {
                return Err(LinkError::Auth(reason(code, properties)));
            }
            Incoming::ConnAck { .. } => {
                let words = "received a second CONNACK".to_owned();
                return Err(LinkError::Undecodable { words });
            }
        };
        self.events.push_back(event);
        Ok(())
    }

    /// PUBACK, PUBREC or PUBCOMP.
    fn acknowledged(
        &mut self,
        kind: u8,
        id: u16,
        code: u8,
        properties: Option<Box<Properties>>,
    ) -> Event {
        let unmatched = code == NO_MATCHING_SUBSCRIBERS;
        match kind {
            // §3.7.2.1: a PUBREL for an id that the broker does not know is one that is done.
            PUBCOMP => Event::Acknowledged {
                id,
                unmatched: false,
            },
            _ if code >= 0x80 => Event::Refused {
                id,
                reason: Box::new(reason(code, properties)),
            },
            PUBREC => {
                self.answer(PUBREL, id);
                Event::Received { id, unmatched }
            }
            _ => Event::Acknowledged { id, unmatched },
        }
    }

    /// The next event at hand.
    pub(crate) fn take(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Whether [`Connection::take`] has something to give.
    pub(crate) fn has_events(&self) -> bool {
        !self.events.is_empty()
    }

    /// From here on a message is acknowledged by [`Connection::buffer_ack`] alone.
    pub(crate) fn acknowledge_manually(&mut self) {
        self.manual_acks = true;
    }

    /// Nothing that comes in is answered any more, and nothing more is written.
    pub(crate) fn forget_received(&mut self) {
        self.silent = true;
        self.wire.end();
    }

    /// The packets so far.
    pub(crate) fn take_trace(&mut self) -> Vec<Trace> {
        self.log.take()
    }
}

fn frame_error(error: FrameError) -> LinkError {
    match error {
        FrameError::Length => LinkError::Undecodable {
            words: "received a packet whose length has more than four bytes".to_owned(),
        },
        // The limit is that of the body.
        FrameError::TooLarge { size } => LinkError::TooLarge { size },
    }
}
