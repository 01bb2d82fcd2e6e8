//! One MQTT session, the same for every version of MQTT: it keeps the deadlines, counts what is not
//! yet written, and keeps events in their order. An error ends it, and it never reconnects: rumqttc,
//! which speaks 3.1.1, would at once, and would drop what was pending. The caller opens a new one with
//! what was left undone ([`Unfinished`]).

use std::collections::BTreeSet;
use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};

use crate::config::{Qos, SubscribeOptions};
use crate::failure::LinkError;
use crate::mqtt::Connection;
use crate::mqtt::event::{Event, Opened, Publish, Receipt, Request, SessionError, Trace};
use crate::mqtt::resume::{Qos2Received, Unfinished};
use crate::mqtt::target::{Limits, Target};
use crate::net::{Deadline, Stop};

/// How long the broker's own close is waited for after DISCONNECT.
const CLOSE_WAIT: Duration = Duration::from_millis(200);

/// How many bytes of small publishes are gathered before they are written. It must stay well below
/// the 8 KiB at which rumqttc's buffer would make a write wait; in MQTT 5 the buffer is our own.
const WRITE_BUFFER: usize = 4096;

/// How many bytes of answers to what came in may stand in the same buffer before.
const ANSWER_BUFFER: usize = 2048;

/// The most bytes of a small PUBLISH beside its topic and payload, in either version.
const PUBLISH_HEADER: usize = 10;

/// The bytes of a PUBACK or PUBREC (MQTT 3.1.1 §3.4, §3.5).
const ACK_SIZE: usize = 4;

/// How long to wait for the system to take more before `limit` is looked at again.
const WRITE_WAIT: Duration = Duration::from_millis(2);

/// An open session.
pub(crate) struct Session {
    connection: Connection,
    /// What a write may take.
    limit: Duration,
    /// Requests that were made and whose event was not yet handed out.
    unwritten: usize,
    /// Those of them that were queued and not buffered: in 3.1.1 they wait in rumqttc's channel. While
    /// there are any, a wait must not be cut short: rumqttc, dropped in the middle of a write, leaves the
    /// rest of the packet in its buffer until something else is sent, or loses the packet.
    queued: usize,
    /// Bytes of small publishes that stand in the connection's buffer, to be written in one go.
    buffered: usize,
    /// The most bytes that stand there besides, to answer what came in. They are written with the
    /// next publishes, or before the next wait.
    answers: usize,
    /// Since when the system takes no more of the buffer.
    blocked: Option<Instant>,
    /// See [`Limits::requests`].
    requests: usize,
    /// See [`Unfinished::received`].
    received: Qos2Received,
    /// Packet ids that are released before they are used; see [`Unfinished::unreleased`].
    releasing: BTreeSet<u16>,
    /// Messages of QoS 2 whose PUBREC is on its way or there, and whose PUBREL is not.
    unreleased: BTreeSet<u16>,
    opened: Instant,
    /// See [`Session::acknowledge_manually`].
    manual_acks: bool,
    /// The connection acknowledges what comes in by itself.
    auto_acks: bool,
    /// What ended the connection. What had come in before is handed out first.
    ended: Option<LinkError>,
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
    /// The [`SessionError`].
    pub(crate) fn open(
        target: Target<'_>,
        limits: Limits,
        unfinished: &Unfinished,
        limit: Duration,
    ) -> Result<(Self, Opened), SessionError> {
        let (mut connection, opened) = Connection::open(target, limits, unfinished, limit)?;
        let (received, unwritten) = if opened.session_present {
            connection.expect_any_release();
            let queued = match connection.queues_resumed() {
                true => unfinished.publishes.len(),
                false => 0,
            };
            (unfinished.received.clone(), queued)
        } else {
            (Qos2Received::default(), 0)
        };
        let mut releasing = BTreeSet::new();
        if opened.session_present {
            releasing.extend(unfinished.unknown_releases(target.config, limits));
            releasing.extend(unfinished.halfway(&opened.withheld));
        }
        let session = Self {
            connection,
            limit,
            unwritten,
            queued: unwritten,
            buffered: 0,
            answers: 0,
            blocked: None,
            requests: limits.requests,
            received,
            releasing,
            unreleased: BTreeSet::new(),
            opened: Instant::now(),
            manual_acks: false,
            auto_acks: true,
            ended: None,
        };
        Ok((session, opened))
    }

    /// Asks for `filter`, with `options` in MQTT 5; the answer is an [`Event::Granted`]. One at a time:
    /// it does not say which filter it is for, and rumqttc does not look whether a packet id is in use.
    ///
    /// # Errors
    /// When the request channel is full, which only a caller that does not poll can cause.
    pub(crate) fn subscribe(
        &mut self,
        filter: &str,
        qos: Qos,
        options: SubscribeOptions,
    ) -> Result<(), SessionError> {
        self.queue(Request::Subscribe {
            filter,
            qos,
            options,
        })
    }

    /// Whether more publishes may be handed over before the next event is asked for.
    pub(crate) fn has_room(&self) -> bool {
        self.releasing.is_empty() && self.buffered < WRITE_BUFFER && self.unwritten < self.requests
    }

    /// Publishes; an [`Event::Sent`] follows, and for QoS 1 and 2 an [`Event::Acknowledged`].
    ///
    /// A small packet goes into the connection's buffer, and [`Session::next`] writes all that stands
    /// there at once. The others are queued: through rumqttc's channel each costs a write of its own.
    ///
    /// # Errors
    /// In 3.1.1, when [`Session::has_room`] was not asked before, or rumqttc refuses the packet.
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
        let size = PUBLISH_HEADER + topic.len() + payload.len();
        let publish = Publish {
            topic,
            qos,
            retain,
            payload,
        };
        // Behind a request that is queued everything must be queued, in its turn.
        if size >= WRITE_BUFFER || self.queued > 0 {
            return self.queue(Request::Publish(publish));
        }
        self.unwritten += 1;
        self.buffered += size;
        // What goes wrong ends the session; `next` tells, after all that came in before.
        if let Err(error) = self.connection.buffer(publish) {
            self.end(error);
        }
        Ok(())
    }

    /// Writes what stands in the buffer, as far as the system takes it now.
    fn flush(&mut self) {
        match self.connection.flush() {
            Poll::Ready(Ok(())) => (self.buffered, self.answers, self.blocked) = (0, 0, None),
            Poll::Ready(Err(error)) => self.end(error),
            Poll::Pending => {
                let since = *self.blocked.get_or_insert_with(Instant::now);
                let limit = self.limit;
                if since.elapsed() >= limit {
                    self.end(LinkError::TimedOut { limit });
                } else if let Err(error) = self.connection.wait_writable(WRITE_WAIT) {
                    self.end(error);
                }
            }
        }
    }

    /// From here on the broker hears that a message came only by [`Session::acknowledge`]. Without it what
    /// has come in is acknowledged before it is handed out, and a session that is kept has no more of it.
    pub(crate) fn acknowledge_manually(&mut self) {
        self.connection.acknowledge_manually();
        self.manual_acks = true;
        self.auto_acks = false;
    }

    /// PUBACK or PUBREC, if they are sent by hand. They go into the connection's buffer, past what
    /// is queued in 3.1.1, and [`Session::next`] writes them at once: it must be asked for an event after a
    /// thousand at most.
    pub(crate) fn acknowledge(&mut self, receipt: Receipt) {
        if !self.manual_acks || self.ended.is_some() {
            return;
        }
        if receipt.qos == Qos::ExactlyOnce {
            self.unreleased.insert(receipt.id);
        }
        self.unwritten += 1;
        self.buffered += ACK_SIZE;
        if let Err(error) = self.connection.buffer_ack(receipt) {
            self.end(error);
        }
    }

    fn queue(&mut self, request: Request<'_>) -> Result<(), SessionError> {
        let queued = self.connection.queue(request);
        queued.map_err(SessionError::Fault)?;
        self.unwritten += 1;
        self.queued += 1;
        Ok(())
    }

    /// How many requests were made and not yet seen to leave.
    pub(crate) fn unwritten(&self) -> usize {
        self.unwritten
    }

    /// Whether events are at hand that the connection has read already, and acknowledged, unless that is
    /// done by hand.
    pub(crate) fn has_events(&self) -> bool {
        self.connection.has_events()
    }

    /// Whether there is more that needs no waiting. It looks into the socket too: a connection reads a
    /// few packets at a time, rumqttc ten, and a flood has more.
    pub(crate) fn has_more(&mut self) -> bool {
        if self.ended.is_some() || self.has_events() {
            return true;
        }
        if self.queued > 0 || self.buffered > 0 {
            return false;
        }
        if self.answers >= ANSWER_BUFFER {
            self.flush();
            if self.answers > 0 {
                return false;
            }
        }
        self.answers += self.connection.answers();
        if let Err(error) = self.connection.try_poll() {
            self.end(error);
        }
        self.ended.is_some() || self.has_events()
    }

    /// Lets more come in for a while. What stands in the buffer is written first, for the broker may
    /// be waiting for it.
    pub(crate) fn pause(&mut self, duration: Duration) {
        self.flush();
        thread::sleep(duration);
    }

    /// The same for acknowledgements. A broker with Nagle's algorithm on (RFC 896) sends the first one, and
    /// keeps the others until our system has told it that this came: it is asked to tell at once. Whether it
    /// does.
    pub(crate) fn gather(&mut self, duration: Duration) -> bool {
        self.flush();
        let at_once = self.connection.quick_ack();
        thread::sleep(duration);
        at_once
    }

    /// The next event, or `None` when `deadline` has passed without one.
    ///
    /// # Errors
    /// The [`SessionError`], after everything that came in before it. A session that has ended can
    /// only be asked for what it left undone.
    pub(crate) fn next(&mut self, deadline: Deadline<'_>) -> Result<Option<Event>, SessionError> {
        loop {
            if self.ended.is_some() {
                return self.last_events();
            }
            if deadline.is_interrupted() {
                return Err(SessionError::Interrupted);
            }
            if !self.releasing.is_empty() && self.opened.elapsed() > self.limit {
                let limit = self.limit;
                self.end(LinkError::TimedOut { limit });
                continue;
            }
            if self.buffered > 0 {
                self.flush();
                continue;
            }
            if let Some(event) = self.take() {
                return Ok(Some(event));
            }
            if self.queued > 0 {
                // It ends at the latest when the connection's own limit for a write is over.
                let event = self.poll(None);
                if event.is_some() || self.ended.is_none() {
                    return Ok(event);
                }
                continue;
            }
            // A wait that was cut short may have left an acknowledgement in the buffer.
            self.flush();
            if self.blocked.is_some() || self.ended.is_some() {
                continue;
            }
            // What is at hand is told when the time is over, too.
            let left = deadline.left().unwrap_or_default();
            match self.poll(Some(left)) {
                Some(event) => return Ok(Some(event)),
                None if left.is_zero() && self.ended.is_none() && !deadline.is_interrupted() => {
                    return Ok(None);
                }
                None => {}
            }
        }
    }

    /// One event within `limit`; an error ends the session.
    fn poll(&mut self, limit: Option<Duration>) -> Option<Event> {
        if let Err(error) = self.connection.poll(limit) {
            self.end(error);
            return None;
        }
        self.take()
    }

    /// The next event at hand.
    fn take(&mut self) -> Option<Event> {
        let mut event = self.connection.take();
        if let Some(event) = &mut event {
            self.count(event);
        }
        event
    }

    /// [`Session::next`] tells, after all that came in before.
    fn end(&mut self, error: LinkError) {
        self.ended = Some(error);
    }

    /// A PUBACK and the close may come together, and both connections tell of the close first: what came
    /// before it is still at hand. rumqttc would tell of the PUBACK when it has connected again, where it
    /// would be taken for that of a new packet.
    fn last_events(&mut self) -> Result<Option<Event>, SessionError> {
        while let Some(event) = self.take() {
            // It may never have left; only an acknowledgement proves that.
            if !matches!(event, Event::Sent { id: 0 }) {
                return Ok(Some(event));
            }
        }
        let closed = || LinkError::Closed { reset: false };
        Err(SessionError::Fault(
            self.ended.replace(closed()).unwrap_or_else(closed),
        ))
    }

    /// Whether packet ids that an earlier run may have left half-way are not all released.
    pub(crate) fn is_releasing(&self) -> bool {
        !self.releasing.is_empty()
    }

    /// The messages that came in with QoS 2, for the session that comes after this one.
    pub(crate) fn into_received(self) -> Qos2Received {
        self.received
    }

    /// Of a session that has ended: the payloads of QoS 0 that were handed to it and never left.
    pub(crate) fn into_unsent(self) -> Vec<Vec<u8>> {
        self.connection.into_unsent()
    }

    /// UNSUBSCRIBE, DISCONNECT, and the close: each waited for, none of them long. The broker does
    /// not publish the last will after a DISCONNECT (MQTT 3.1.1 §3.14.4).
    pub(crate) fn close(mut self, filter: Option<&str>, limit: Duration) -> Vec<Trace> {
        // What still comes in is handed to nobody. A broker that keeps the session keeps it.
        self.connection.acknowledge_manually();
        self.auto_acks = false;
        // A signal that ended the work must not cut the closing short.
        let stop = Stop::default();
        if let Some(filter) = filter
            && self.queue(Request::Unsubscribe { filter }).is_ok()
        {
            let deadline = Deadline::after(limit.min(CLOSE_WAIT * 5), &stop);
            // A topic full of others' messages does not end by itself.
            while !deadline.is_over()
                && let Ok(Some(event)) = self.next(deadline)
            {
                if matches!(event, Event::Unsubscribed) {
                    break;
                }
            }
        }
        // A message of QoS 2 that was taken is seen through: PUBCOMP must not follow a DISCONNECT
        // (MQTT 3.1.1 §3.14.4).
        let deadline = Deadline::after(limit.min(CLOSE_WAIT * 5), &stop);
        while !self.unreleased.is_empty()
            && !deadline.is_over()
            && let Ok(Some(_)) = self.next(deadline)
        {}
        // To one that has ended nothing can be said, and rumqttc would connect again for it.
        if self.ended.is_some() || self.connection.queue(Request::Disconnect).is_err() {
            return self.into_trace();
        }
        let deadline = Deadline::after(limit.min(CLOSE_WAIT * 5), &stop);
        while !deadline.is_over() {
            let event = self.poll(Some(CLOSE_WAIT));
            if self.ended.is_some() {
                return self.into_trace();
            }
            if matches!(event, Some(Event::DisconnectSent)) {
                break;
            }
        }
        // What comes in behind the DISCONNECT belongs to no session, and is not answered.
        self.connection.forget_received();
        let trace = self.connection.take_trace();
        // The broker closes first, or soon. Polling on after the error would reconnect.
        let deadline = Deadline::after(CLOSE_WAIT, &stop);
        while !deadline.is_over()
            && self.connection.poll(Some(CLOSE_WAIT)).is_ok()
            && self.connection.take().is_some()
        {}
        trace
    }

    /// The packets so far.
    pub(crate) fn into_trace(mut self) -> Vec<Trace> {
        self.connection.take_trace()
    }

    /// Counts what was written. What came in a second time becomes [`Event::Other`].
    fn count(&mut self, event: &mut Event) {
        match event {
            Event::Sent { .. } | Event::RequestSent => self.count_written(),
            Event::AckSent if self.manual_acks => self.count_written(),
            // Sent again after a lost connection, and known: exactly once means once.
            Event::Message(message)
                if message.qos() == Qos::ExactlyOnce && self.received.is_repeated(message) =>
            {
                // Nobody else will.
                if let Some(receipt) = message.receipt() {
                    self.acknowledge(receipt);
                }
                *event = Event::Other;
            }
            Event::Message(message) if message.qos() == Qos::ExactlyOnce && self.auto_acks => {
                self.unreleased.insert(message.id());
            }
            Event::Acknowledged { id, .. } if self.releasing.remove(id) => *event = Event::Other,
            Event::Released { id } => {
                self.unreleased.remove(id);
                if !self.received.release(*id) {
                    *event = Event::Other;
                }
            }
            _ => {}
        }
    }

    /// A request was seen to leave. Those in the buffer were there before those in the channel.
    fn count_written(&mut self) {
        self.unwritten = self.unwritten.saturating_sub(1);
        self.queued = self.queued.min(self.unwritten);
    }
}

#[cfg(test)]
#[path = "session_tests.rs"]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests;
