//! One MQTT 3.1.1 session, and with its neighbours `session_*` the only caller of rumqttc. Each wait
//! has a deadline; an error ends the session, and this file never reconnects: after an error rumqttc
//! would at once, and would drop what was pending. The caller opens a new one with what was left
//! undone ([`Unfinished`]).

use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};
use std::{io, thread};

use rumqttc::{
    Client, ClientError, Connection, ConnectionError, Event as LibraryEvent, Outgoing, Packet,
    Publish, QoS, RecvTimeoutError, Request, StateError, SubscribeReasonCode,
};

use crate::config::{Config, Qos, Secret};
use crate::failure::LinkError;
pub(crate) use crate::mqtt::event::{Event, Message, Opened, SessionError};
use crate::mqtt::resume::Qos2Received;
use crate::mqtt::v4_fault::{classify, classify_open};
pub(crate) use crate::mqtt::v4_options::{Pending, Unfinished, connect_packet, publish_size};
use crate::mqtt::v4_options::{expect_any_release, options, quality, resume};
use crate::mqtt::v4_trace::{Trace, connect_line, incoming_line, outgoing_line};
use crate::net::{SIGNAL_POLL, Stop, WaitError, limits as system, wait};
use crate::tls::Tls;

/// How long the broker's own close is waited for after DISCONNECT.
const CLOSE_WAIT: Duration = Duration::from_millis(200);

/// How many bytes of small publishes are gathered before they are written. It must stay well below
/// the 8 KiB at which rumqttc's buffer would make a write wait.
const BUFFER: usize = 4096;

/// How long to wait for room when the system takes no more.
const FULL: Duration = Duration::from_millis(2);

/// The most packets that are remembered for `--verbose`; a flood is not.
const TRACE_LIMIT: usize = 64;

/// Whom to connect to, and as whom.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target<'a> {
    pub(crate) config: &'a Config,
    pub(crate) password: Option<&'a Secret>,
    /// `None`: `tls = off`.
    pub(crate) tls: Option<&'a Tls>,
    pub(crate) stop: &'a Stop,
}

/// How much may be under way at once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Publishes of QoS 1 and 2 that are not yet acknowledged; at least 1.
    pub(crate) max_inflight: u16,
    /// Requests that wait to be written.
    pub(crate) requests: usize,
}

impl Limits {
    /// For one message.
    pub(crate) const ONE: Self = Self {
        max_inflight: 10,
        requests: 10,
    };
}

/// An open session.
pub(crate) struct Session {
    client: Client,
    connection: Connection,
    began: Instant,
    /// What a write may take.
    limit: Duration,
    /// Requests that were made and whose event was not yet handed out.
    unwritten: usize,
    /// Those of them that wait in rumqttc's channel. While there are any, a wait must not be cut
    /// short: rumqttc, dropped in the middle of a write, leaves the rest of the packet in its buffer
    /// until something else is sent, or loses the packet.
    channelled: usize,
    /// Bytes of small publishes that stand in rumqttc's buffer, to be written in one go.
    buffered: usize,
    /// Since when the system takes no more of the buffer.
    blocked: Option<Instant>,
    /// See [`Limits::requests`].
    requests: usize,
    /// See [`Unfinished::received`].
    received: Qos2Received,
    /// See [`Session::acknowledge_manually`].
    manual_acks: bool,
    /// What ended the connection. What had come in before is handed out first.
    ended: Option<LinkError>,
    trace: Vec<Trace>,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").finish_non_exhaustive()
    }
}

impl Session {
    /// Connects and waits for CONNACK, both within `limit`. What `unfinished` holds is taken up if
    /// the broker still has the session, and left alone if not.
    ///
    /// # Errors
    /// The [`SessionError`]; every error of rumqttc has its place in [`LinkError`].
    pub(crate) fn open(
        target: Target<'_>,
        limits: Limits,
        unfinished: &Unfinished,
        limit: Duration,
    ) -> Result<(Self, Opened), SessionError> {
        let Target {
            config,
            password,
            tls,
            stop,
        } = target;
        let mut options = options(config, password, tls);
        options.set_inflight(limits.max_inflight);
        // Without that, the library panics.
        system::for_a_session().map_err(|error| SessionError::Fault(LinkError::Io(error)))?;
        let (client, mut connection) = Client::new(options, limits.requests);
        let network = &mut connection.eventloop.network_options;
        network.set_tcp_nodelay(true);
        // The limit is ours, to the millisecond; rumqttc's knows seconds only and must come later.
        network.set_connection_timeout(limit.as_secs() + 2);
        resume(&mut connection, config, unfinished);
        let began = Instant::now();
        // One call with the whole budget: each time-out would drop the connection and begin anew.
        let first = wait::bounded(limit + SIGNAL_POLL, stop, move || {
            let first = connection.recv_timeout(limit);
            (first, connection)
        });
        let (first, mut connection) = match first {
            Ok(pair) => pair,
            Err(WaitError::TimedOut { .. }) => {
                return Err(SessionError::Fault(LinkError::TimedOut { limit }));
            }
            Err(WaitError::Interrupted) => return Err(SessionError::Interrupted),
            Err(WaitError::Io(error)) => return Err(SessionError::Fault(LinkError::Io(error))),
        };
        let event = match first {
            Ok(Ok(event)) => event,
            failed => {
                // A look-up still under way would hold up the drop of the runtime.
                let _ = thread::Builder::new().spawn(move || drop(connection));
                return Err(SessionError::Fault(match failed {
                    Ok(Err(error)) => classify(error, limit),
                    _ => LinkError::TimedOut { limit },
                }));
            }
        };
        let LibraryEvent::Incoming(Packet::ConnAck(connack)) = event else {
            let words = format!("expected CONNACK, received {event:?}");
            return Err(SessionError::Fault(LinkError::Undecodable { words }));
        };
        let session_present = connack.session_present;
        let (received, unwritten) = if session_present {
            expect_any_release(&mut connection);
            (unfinished.received.clone(), unfinished.publishes.len())
        } else {
            (Qos2Received::default(), 0)
        };
        let trace = Vec::new();
        let mut session = Self {
            client,
            connection,
            began,
            limit,
            unwritten,
            channelled: unwritten,
            buffered: 0,
            blocked: None,
            requests: limits.requests,
            received,
            manual_acks: false,
            ended: None,
            trace,
        };
        session.note(true, || connect_line(config), Some(Duration::ZERO));
        let line = || format!("CONNACK 0, session present {}", u8::from(session_present));
        session.note(false, line, None);
        Ok((session, Opened { session_present }))
    }

    /// Asks for `filter`; the answer is an [`Event::Granted`]. One at a time: rumqttc does not look
    /// whether a packet id is in use.
    ///
    /// # Errors
    /// When the request channel is full, which only a caller that does not poll can cause.
    pub(crate) fn subscribe(&mut self, filter: &str, qos: Qos) -> Result<(), SessionError> {
        let asked = self.client.try_subscribe(filter, quality(qos));
        self.submitted(asked)
    }

    /// Whether more publishes may be handed over before the next event is asked for.
    pub(crate) fn has_room(&self) -> bool {
        self.buffered < BUFFER && self.unwritten < self.requests
    }

    /// Publishes; an [`Event::Sent`] follows, and for QoS 1 and 2 an [`Event::Acknowledged`].
    ///
    /// A small packet goes into rumqttc's buffer, and [`Session::next`] writes all that stands there
    /// at once. Through the channel, where the others go, each costs a write of its own.
    ///
    /// # Errors
    /// When [`Session::has_room`] was not asked before; when rumqttc refuses the packet.
    pub(crate) fn publish(
        &mut self,
        topic: &str,
        qos: Qos,
        retain: bool,
        payload: Vec<u8>,
    ) -> Result<(), SessionError> {
        if self.ended.is_some() {
            // `next` tells why, after all that came in before.
            return Ok(());
        }
        let size = publish_size(topic, qos, payload.len());
        // Behind a request in the channel everything must go through the channel, in its turn.
        if size >= BUFFER || self.channelled > 0 {
            let asked = self
                .client
                .try_publish(topic, quality(qos), retain, payload);
            return self.submitted(asked);
        }
        let mut publish = Publish::new(topic, quality(qos), payload);
        publish.retain = retain;
        self.unwritten += 1;
        self.buffered += size;
        let eventloop = &mut self.connection.eventloop;
        let packet = eventloop
            .state
            .handle_outgoing_packet(Request::Publish(publish));
        // What goes wrong ends the session; `next` tells, after all that came in before.
        match (packet, eventloop.network.as_mut()) {
            (Ok(Some(packet)), Some(network)) => match at_once(network.write(packet)) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(error)) => self.broken(error),
                // It cannot be: the buffer has room. Should it be, the packet is lost, and so is a
                // session that has lost one.
                Poll::Pending => self.stalled(),
            },
            // The packet id is taken; rumqttc sends it when that is acknowledged.
            (Ok(None), _) => {}
            (Err(error), _) => self.broken(error),
            (_, None) => self.stalled(),
        }
        Ok(())
    }

    /// Writes what stands in the buffer, as far as the system takes it now.
    fn flush(&mut self) {
        let Some(network) = self.connection.eventloop.network.as_mut() else {
            return self.stalled();
        };
        match at_once(network.flush()) {
            Poll::Ready(Ok(())) => (self.buffered, self.blocked) = (0, None),
            Poll::Ready(Err(error)) => self.broken(error),
            Poll::Pending => {
                let since = *self.blocked.get_or_insert_with(Instant::now);
                if since.elapsed() >= self.limit {
                    return self.stalled();
                }
                // rumqttc's runtime finds out when there is room again. It would hand out the
                // events at hand first, among them those of packets that are not written yet.
                let mut held = std::mem::take(&mut self.connection.eventloop.state.events);
                held.extend(self.poll(FULL));
                let events = &mut self.connection.eventloop.state.events;
                held.append(events);
                *events = held;
            }
        }
    }

    fn broken(&mut self, error: StateError) {
        self.ended = Some(classify_open(ConnectionError::MqttState(error), self.limit));
    }

    fn stalled(&mut self) {
        self.ended = Some(LinkError::TimedOut { limit: self.limit });
    }

    /// From here on the broker hears that a message came only by [`Session::acknowledge`]. It costs a
    /// write for each one; without it what has come in is acknowledged before it is handed out, and
    /// a session that is kept has no more of it.
    pub(crate) fn acknowledge_manually(&mut self) {
        self.connection.eventloop.state.manual_acks = true;
        self.manual_acks = true;
    }

    /// PUBACK or PUBREC, if they are sent by hand and the message has one.
    ///
    /// # Errors
    /// When the request channel is full, which only a caller that does not poll can cause.
    pub(crate) fn acknowledge(&mut self, message: &Message) -> Result<(), SessionError> {
        if !self.manual_acks || message.0.qos == QoS::AtMostOnce {
            return Ok(());
        }
        let asked = self.client.try_ack(&message.0);
        self.submitted(asked)
    }

    fn submitted(&mut self, asked: Result<(), ClientError>) -> Result<(), SessionError> {
        asked.map_err(|error| {
            SessionError::Fault(LinkError::Io(io::Error::other(error.to_string())))
        })?;
        self.unwritten += 1;
        self.channelled += 1;
        Ok(())
    }

    /// How many requests were made and not yet seen to leave.
    pub(crate) fn unwritten(&self) -> usize {
        self.unwritten
    }

    /// Whether events are at hand that rumqttc has read, and acknowledged, already.
    pub(crate) fn has_events(&self) -> bool {
        !self.connection.eventloop.state.events.is_empty()
    }

    /// Whether there is more that needs no waiting. It looks into the socket too: rumqttc reads ten
    /// packets at a time, and a flood has more.
    pub(crate) fn has_more(&mut self) -> bool {
        if self.ended.is_some() || self.has_events() {
            return true;
        }
        if self.channelled > 0 || self.buffered > 0 {
            return false;
        }
        match self.connection.try_recv() {
            Ok(Ok(event)) => self.connection.eventloop.state.events.push_front(event),
            Ok(Err(error)) => self.ended = Some(classify_open(error, self.limit)),
            Err(_) => return false,
        }
        true
    }

    /// The next event, or `None` when `deadline` has passed without one.
    ///
    /// # Errors
    /// The [`SessionError`], after everything that came in before it. A session that has ended can only be
    /// asked for what it left behind.
    pub(crate) fn next(
        &mut self,
        deadline: Instant,
        stop: &Stop,
    ) -> Result<Option<Event>, SessionError> {
        loop {
            if self.ended.is_some() {
                return self.last_events();
            }
            if stop.is_set() {
                return Err(SessionError::Interrupted);
            }
            if self.buffered > 0 {
                self.flush();
                continue;
            }
            // rumqttc would hand it out next as well, after entering its runtime for it.
            if let Some(event) = self.connection.eventloop.state.events.pop_front() {
                return Ok(Some(self.digest(event)));
            }
            if self.channelled > 0 {
                // There is something to write, so this ends: at the latest when rumqttc's own limit
                // for a write is over.
                match self.connection.recv() {
                    Ok(Ok(event)) => return Ok(Some(self.digest(event))),
                    Ok(Err(error)) => self.ended = Some(classify_open(error, self.limit)),
                    Err(_) => return Ok(None),
                }
                continue;
            }
            // A wait that was cut short may have left an acknowledgement in the buffer.
            self.flush();
            if self.blocked.is_some() || self.ended.is_some() {
                continue;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            match self.poll(left.min(SIGNAL_POLL)) {
                Some(event) => return Ok(Some(self.digest(event))),
                None if left.is_zero() && self.ended.is_none() => return Ok(None),
                None => {}
            }
        }
    }

    /// One event of rumqttc within `limit`; its error ends the session.
    fn poll(&mut self, limit: Duration) -> Option<LibraryEvent> {
        match self.connection.recv_timeout(limit) {
            Ok(Ok(event)) => return Some(event),
            Ok(Err(error)) => self.ended = Some(classify_open(error, self.limit)),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
        }
        None
    }

    /// A PUBACK and the close may come in one breath: rumqttc then tells of the close first, and of
    /// the PUBACK when it has connected again, where it would be taken for that of a new packet.
    fn last_events(&mut self) -> Result<Option<Event>, SessionError> {
        while let Some(event) = self.connection.eventloop.state.events.pop_front() {
            match self.digest(event) {
                // It may never have left; only an acknowledgement proves that.
                Event::Sent { id: 0 } => {}
                event => return Ok(Some(event)),
            }
        }
        let closed = || LinkError::Closed { reset: false };
        Err(SessionError::Fault(
            self.ended.replace(closed()).unwrap_or_else(closed),
        ))
    }

    /// The messages that came in with QoS 2, for the session that comes after this one.
    pub(crate) fn into_received(self) -> Qos2Received {
        self.received
    }

    /// Of a session that has ended: the payloads of QoS 0 that were handed to it and never left.
    pub(crate) fn into_unsent(mut self) -> Vec<Vec<u8>> {
        let eventloop = &mut self.connection.eventloop;
        eventloop.clean();
        let unsent = eventloop
            .pending
            .drain(..)
            .filter_map(|request| match request {
                Request::Publish(publish) if publish.qos == QoS::AtMostOnce => {
                    Some(publish.payload.to_vec())
                }
                _ => None,
            });
        unsent.collect()
    }

    /// UNSUBSCRIBE, DISCONNECT, and the close: each waited for, none of them long. The broker does
    /// not publish the last will after a DISCONNECT (MQTT 3.1.1 §3.14.4).
    pub(crate) fn close(mut self, filter: Option<&str>, limit: Duration) -> Vec<Trace> {
        // What still comes in is handed to nobody. A broker that keeps the session keeps it.
        self.connection.eventloop.state.manual_acks = true;
        // A signal that ended the work must not cut the goodbye short.
        let stop = Stop::default();
        if let Some(filter) = filter
            && let asked = self.client.try_unsubscribe(filter)
            && self.submitted(asked).is_ok()
        {
            let deadline = Instant::now() + limit.min(CLOSE_WAIT * 5);
            // A topic full of others' messages does not end by itself.
            while Instant::now() < deadline
                && let Ok(Some(event)) = self.next(deadline, &stop)
            {
                if matches!(event, Event::Unsubscribed) {
                    break;
                }
            }
        }
        // To one that has ended nothing can be said: rumqttc would connect again for it.
        if self.ended.is_none() && self.client.try_disconnect().is_ok() {
            let deadline = Instant::now() + limit.min(CLOSE_WAIT * 5);
            let mut said = false;
            while !said && Instant::now() < deadline {
                match self.connection.recv_timeout(CLOSE_WAIT) {
                    Ok(Ok(event)) => {
                        said = event == LibraryEvent::Outgoing(Outgoing::Disconnect);
                        let _ = self.digest(event);
                    }
                    Ok(Err(_)) | Err(RecvTimeoutError::Disconnected) => return self.trace,
                    Err(RecvTimeoutError::Timeout) => {}
                }
            }
            // The broker closes first, or soon. Polling on after the error would reconnect.
            let deadline = Instant::now() + CLOSE_WAIT;
            while Instant::now() < deadline
                && matches!(self.connection.recv_timeout(CLOSE_WAIT), Ok(Ok(_)))
            {}
        }
        self.trace
    }

    /// The packets so far.
    pub(crate) fn into_trace(self) -> Vec<Trace> {
        self.trace
    }

    fn digest(&mut self, event: LibraryEvent) -> Event {
        match event {
            LibraryEvent::Incoming(packet) => {
                self.note(false, || incoming_line(&packet), None);
                match packet {
                    Packet::SubAck(suback) => {
                        let code = suback.return_codes.into_iter().next();
                        Event::Granted(match code {
                            Some(SubscribeReasonCode::Success(qos)) => Ok(qos as u8),
                            // rumqttc has one name for 0x80 and one for no code at all.
                            Some(SubscribeReasonCode::Failure) | None => Err(0x80),
                        })
                    }
                    Packet::PubRec(pubrec) => Event::Received { id: pubrec.pkid },
                    Packet::PubAck(puback) => Event::Acknowledged { id: puback.pkid },
                    Packet::PubComp(pubcomp) => Event::Acknowledged { id: pubcomp.pkid },
                    Packet::UnsubAck(_) => Event::Unsubscribed,
                    // Sent again after a lost connection, and known: exactly once means once.
                    Packet::Publish(publish)
                        if publish.qos == QoS::ExactlyOnce && self.is_repeated(&publish) =>
                    {
                        // Nobody else will. A full channel leaves it to the next connection.
                        let _ = self.acknowledge(&Message(publish));
                        Event::Other
                    }
                    Packet::Publish(publish) => Event::Message(Message(publish)),
                    Packet::PubRel(pubrel) if self.received.release(pubrel.pkid) => Event::Released,
                    _ => Event::Other,
                }
            }
            LibraryEvent::Outgoing(outgoing) => {
                self.note(true, || outgoing_line(&outgoing), None);
                match outgoing {
                    Outgoing::Publish(id) => {
                        self.left();
                        Event::Sent { id }
                    }
                    Outgoing::Subscribe(_) | Outgoing::Unsubscribe(_) => {
                        self.left();
                        Event::Other
                    }
                    Outgoing::PubAck(_) | Outgoing::PubRec(_) if self.manual_acks => {
                        self.left();
                        Event::Other
                    }
                    _ => Event::Other,
                }
            }
        }
    }

    fn is_repeated(&mut self, publish: &Publish) -> bool {
        let Publish {
            pkid,
            dup,
            topic,
            payload,
            ..
        } = publish;
        self.received.is_repeated(*pkid, *dup, topic, payload)
    }

    /// A request was seen to leave. Those in the buffer were there before those in the channel.
    fn left(&mut self) {
        self.unwritten = self.unwritten.saturating_sub(1);
        self.channelled = self.channelled.min(self.unwritten);
    }

    /// Remembers a packet; `at`: now, if not another time.
    fn note(&mut self, sent: bool, packet: impl FnOnce() -> String, at: Option<Duration>) {
        // The clock is read only for what is remembered: a stream has millions of packets.
        if self.trace.len() < TRACE_LIMIT {
            let at = at.unwrap_or_else(|| self.began.elapsed());
            let packet = packet();
            self.trace.push(Trace { at, sent, packet });
        }
    }
}

/// Polls a future that is ready at once, as a write into a buffer with room is, or not worth waiting
/// for. It needs no runtime: nobody is to be woken.
fn at_once<T>(future: impl Future<Output = T>) -> Poll<T> {
    pin!(future).poll(&mut Context::from_waker(Waker::noop()))
}

#[cfg(test)]
#[path = "hostile_tests.rs"]
mod hostile_tests;
