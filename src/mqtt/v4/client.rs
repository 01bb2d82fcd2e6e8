//! A connection in MQTT 3.1.1, through rumqttc's blocking client: it queues and writes packets, and
//! gives what comes in as [`Event`]s.

use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use std::{io, mem, thread};

use rumqttc::{
    Client, ConnectionError, Event as LibraryEvent, Outgoing, Packet, PubAck, PubComp, PubRec,
    PubRel, Publish, QoS, Request as LibraryRequest, StateError, SubscribeReasonCode,
};

use crate::config::{Protocol, Qos};
use crate::failure::LinkError;
use crate::mqtt::event::{self, Event, Opened, PacketLog, Receipt, Request, SessionError, Trace};
use crate::mqtt::message::Message;
use crate::mqtt::resume::Unfinished;
use crate::mqtt::target::{Limits, Target};
use crate::mqtt::v4::error::{classify, classify_open};
use crate::mqtt::v4::options::{expect_any_release, library_qos, options, resume};
use crate::mqtt::v4::trace::{connect_line, line};
use crate::net::{SIGNAL_POLL, WaitError, limits as system, wait};

/// After an error it can only be asked for the events at hand and for what was not sent: polled once
/// more, rumqttc would connect again.
pub(crate) struct Connection {
    client: Client,
    inner: rumqttc::Connection,
    /// What connecting may take, and then a write.
    limit: Duration,
    log: PacketLog,
}

impl Connection {
    /// The most bytes that one [`Connection::try_poll`] leaves in the buffer: rumqttc reads ten packets
    /// at a time, and the answer to one (PUBACK, PUBREC, PUBREL, PUBCOMP) has four.
    pub(crate) const ANSWERS: usize = 40;

    /// Prepares a connection; [`Connection::connect`] opens it. What `unfinished` holds is sent if the broker still
    /// has the session, and dropped if not.
    fn new(target: Target<'_>, limits: Limits, unfinished: &Unfinished, limit: Duration) -> Self {
        let Target {
            config,
            password,
            tls,
            ..
        } = target;
        let mut options = options(config, password, tls);
        options.set_inflight(limits.max_inflight);
        let (client, mut inner) = Client::new(options, limits.requests);
        let network = &mut inner.eventloop.network_options;
        network.set_tcp_nodelay(true);
        // The limit is ours, to the millisecond; rumqttc's knows seconds only and must come later.
        network.set_connection_timeout(limit.as_secs() + 2);
        resume(&mut inner, config, limits, unfinished);
        let mut log = PacketLog::new();
        log.push(true, connect_line(config));
        Self {
            client,
            inner,
            limit,
            log,
        }
    }

    /// Connects, and waits for CONNACK.
    ///
    /// # Errors
    /// The [`SessionError`], after `limit` at the latest.
    pub(crate) fn open(
        target: Target<'_>,
        limits: Limits,
        unfinished: &Unfinished,
        limit: Duration,
    ) -> Result<(Self, Opened), SessionError> {
        // Without that, the library panics.
        system::for_a_session().map_err(LinkError::Io)?;
        let mut connection = Self::new(target, limits, unfinished, limit);
        let (opened, connection) = wait::bounded(limit + SIGNAL_POLL, target.stop, move || {
            let opened = connection.connect();
            (opened, connection)
        })
        .map_err(|error| match error {
            WaitError::TimedOut { .. } => LinkError::TimedOut { limit }.into(),
            error => SessionError::from(error),
        })?;
        match opened {
            Ok(opened) => Ok((connection, opened)),
            Err(error) => {
                // A look-up still under way would hold up the drop of the runtime.
                let _ = thread::Builder::new().spawn(move || drop(connection));
                Err(error.into())
            }
        }
    }

    /// Connects and waits for CONNACK. One call with the whole budget: each time-out would drop the
    /// connection and begin anew.
    ///
    /// # Errors
    /// Every error of rumqttc has its place in [`LinkError`].
    // Inlined into its one caller, it makes the program 1 kB larger.
    #[inline(never)]
    fn connect(&mut self) -> Result<Opened, LinkError> {
        let limit = self.limit;
        let event = match self.inner.recv_timeout(limit) {
            Ok(Ok(event)) => event,
            Ok(Err(error)) => return Err(classify(error, limit)),
            Err(_) => return Err(self.timed_out()),
        };
        let LibraryEvent::Incoming(Packet::ConnAck(connack)) = event else {
            let words = "expected CONNACK, received another packet".to_owned();
            return Err(LinkError::Undecodable { words });
        };
        let session_present = connack.session_present;
        let line = format!("CONNACK 0, session present {}", u8::from(session_present));
        self.log.push(false, line);
        Ok(Opened {
            session_present,
            protocol: Protocol::V3_1_1,
            withheld: Vec::new(),
            allowance: None,
        })
    }

    /// Lets PUBRELs of an earlier session come in.
    pub(crate) fn expect_any_release(&mut self) {
        expect_any_release(&mut self.inner);
    }

    /// Puts a request into rumqttc's channel. Each is written by itself, while
    /// [`Connection::poll`] waits.
    ///
    /// # Errors
    /// When the channel is full; when rumqttc refuses the topic or filter.
    pub(crate) fn queue(&self, request: Request<'_>) -> Result<(), LinkError> {
        let client = &self.client;
        let queued = match request {
            Request::Publish(event::Publish {
                topic,
                qos,
                retain,
                payload,
            }) => client.try_publish(topic, library_qos(qos), retain, payload),
            Request::Subscribe { filter, qos, .. } => {
                client.try_subscribe(filter, library_qos(qos))
            }
            Request::Unsubscribe { filter } => client.try_unsubscribe(filter),
            Request::Disconnect => client.try_disconnect(),
        };
        queued.map_err(|error| LinkError::Io(io::Error::other(error.to_string())))
    }

    /// Puts a PUBLISH into rumqttc's write buffer, past the channel: [`Connection::flush`] writes
    /// many at once.
    ///
    /// # Errors
    /// As for [`Connection::poll`].
    pub(crate) fn buffer(&mut self, publish: event::Publish<'_>) -> Result<(), LinkError> {
        let mut packet = Publish::new(publish.topic, library_qos(publish.qos), publish.payload);
        packet.retain = publish.retain;
        self.buffer_request(LibraryRequest::Publish(packet))
    }

    /// The same of a PUBACK or PUBREC.
    ///
    /// # Errors
    /// As for [`Connection::poll`].
    pub(crate) fn buffer_ack(&mut self, receipt: Receipt) -> Result<(), LinkError> {
        self.buffer_request(match receipt.qos {
            Qos::ExactlyOnce => LibraryRequest::PubRec(PubRec::new(receipt.id)),
            Qos::AtLeastOnce | Qos::AtMostOnce => LibraryRequest::PubAck(PubAck::new(receipt.id)),
        })
    }

    fn buffer_request(&mut self, request: LibraryRequest) -> Result<(), LinkError> {
        let eventloop = &mut self.inner.eventloop;
        let written = match eventloop.state.handle_outgoing_packet(request) {
            Ok(Some(packet)) => match eventloop.network.as_mut() {
                Some(network) => poll_once(pin!(network.write(packet))),
                None => Poll::Pending,
            },
            // The packet id is taken; rumqttc sends it when that is acknowledged.
            Ok(None) => Poll::Ready(Ok(())),
            Err(error) => Poll::Ready(Err(error)),
        };
        match written {
            Poll::Ready(written) => written.map_err(|error| self.state_error(error)),
            // It cannot be: there is a connection, and its buffer has room. Should it be, the packet
            // is lost, and so is a session that has lost one.
            Poll::Pending => Err(self.timed_out()),
        }
    }

    /// Writes what stands in the buffer, as far as the system takes it now.
    pub(crate) fn flush(&mut self) -> Poll<Result<(), LinkError>> {
        let Some(network) = self.inner.eventloop.network.as_mut() else {
            return Poll::Ready(Err(self.timed_out()));
        };
        let flushed = poll_once(pin!(network.flush()));
        flushed.map_err(|error| self.state_error(error))
    }

    /// Waits until the system may take more of the buffer.
    ///
    /// # Errors
    /// As for [`Connection::poll`].
    pub(crate) fn wait_writable(&mut self, limit: Duration) -> Result<(), LinkError> {
        // rumqttc's runtime finds out when there is room again. It would hand out the events at hand
        // first, among them those of packets that are not written yet.
        let mut held = mem::take(&mut self.inner.eventloop.state.events);
        let polled = self.inner.recv_timeout(limit).ok();
        let kept = self.keep(polled);
        while let Some(event) = held.pop_back() {
            self.inner.eventloop.state.events.push_front(event);
        }
        kept
    }

    /// Waits until an event is at hand, at most for `limit`. `None`, with a request in the channel:
    /// as long as writing it takes, which rumqttc's own limit for a write bounds.
    ///
    /// # Errors
    /// What ended the connection. Events that came in before it are still at hand.
    pub(crate) fn poll(&mut self, limit: Option<Duration>) -> Result<(), LinkError> {
        let polled = match limit {
            Some(limit) => self.inner.recv_timeout(limit).ok(),
            None => self.inner.recv().ok(),
        };
        self.keep(polled)
    }

    /// Looks into the socket, without waiting. The answers to what came in, at most
    /// [`Connection::ANSWERS`] bytes, stand in the buffer until [`Connection::flush`].
    ///
    /// # Errors
    /// As for [`Connection::poll`].
    pub(crate) fn try_poll(&mut self) -> Result<(), LinkError> {
        let eventloop = &mut self.inner.eventloop;
        let Some(network) = eventloop.network.as_mut() else {
            return Err(self.timed_out());
        };
        let read = poll_once(pin!(network.readb(&mut eventloop.state)));
        match read {
            Poll::Ready(read) => read.map_err(|error| self.state_error(error)),
            Poll::Pending => Ok(()),
        }
    }

    /// The next event at hand. rumqttc would hand it out as well, after entering its runtime for it.
    pub(crate) fn take(&mut self) -> Option<Event> {
        use LibraryEvent::{Incoming, Outgoing as Sent};
        let state = &mut self.inner.eventloop.state;
        let event = state.events.pop_front();
        // rumqttc takes the broker for dead if a PINGRESP does not come before the next PINGREQ is due.
        state.await_pingresp &= !matches!(event, Some(Incoming(_)));
        if let Some(event) = &event
            && self.log.has_room()
        {
            let (sent, line) = line(event);
            self.log.push(sent, line);
        }
        // Taken apart in one match: an event or a packet bound on the way would be moved once more, and
        // they are large.
        Some(match event {
            None => return None,
            Some(Incoming(Packet::Publish(publish))) => Event::Message(Message::V4(publish.into())),
            Some(Incoming(
                Packet::PubAck(PubAck { pkid: id }) | Packet::PubComp(PubComp { pkid: id }),
            )) => Event::Acknowledged {
                id,
                unmatched: false,
            },
            Some(Incoming(Packet::PubRec(PubRec { pkid: id }))) => Event::Received {
                id,
                unmatched: false,
            },
            Some(Incoming(Packet::PubRel(PubRel { pkid: id }))) => Event::Released { id },
            Some(Incoming(Packet::SubAck(suback))) => {
                Event::Granted(match suback.return_codes.first() {
                    Some(SubscribeReasonCode::Success(qos)) => Ok(*qos as u8),
                    // rumqttc has one name for 0x80 and one for no code at all.
                    Some(SubscribeReasonCode::Failure) | None => Err(0x80.into()),
                })
            }
            Some(Incoming(Packet::UnsubAck(_))) => Event::Unsubscribed,
            Some(Sent(Outgoing::Publish(id))) => Event::Sent { id },
            Some(Sent(Outgoing::Subscribe(_) | Outgoing::Unsubscribe(_))) => Event::RequestSent,
            Some(Sent(Outgoing::PubAck(_) | Outgoing::PubRec(_))) => Event::AckSent,
            Some(Sent(Outgoing::Disconnect)) => Event::DisconnectSent,
            Some(Incoming(_) | Sent(_)) => Event::Other,
        })
    }

    /// Whether [`Connection::take`] has something to give.
    pub(crate) fn has_events(&self) -> bool {
        !self.inner.eventloop.state.events.is_empty()
    }

    /// From here on a message is acknowledged by [`Request::Acknowledge`] alone.
    pub(crate) fn acknowledge_manually(&mut self) {
        self.inner.eventloop.state.manual_acks = true;
    }

    /// Nothing that comes in is answered any more: rumqttc takes a PUBREL for an id that it does not
    /// know for an error, instead of sending PUBCOMP.
    pub(crate) fn forget_received(&mut self) {
        self.inner.eventloop.state.clean();
    }

    /// The payloads of QoS 0 that still wait in the channel. Those in the buffer may have left.
    pub(crate) fn into_unsent(mut self) -> Vec<Vec<u8>> {
        let eventloop = &mut self.inner.eventloop;
        eventloop.clean();
        let unsent = eventloop
            .pending
            .drain(..)
            .filter_map(|request| match request {
                LibraryRequest::Publish(publish) if publish.qos == QoS::AtMostOnce => {
                    Some(publish.payload.to_vec())
                }
                _ => None,
            });
        unsent.collect()
    }

    /// The packets so far.
    pub(crate) fn take_trace(&mut self) -> Vec<Trace> {
        self.log.take()
    }

    /// Puts what rumqttc has handed out back in front of the events at hand, for
    /// [`Connection::take`] to be the one place that reads them.
    fn keep(
        &mut self,
        polled: Option<Result<LibraryEvent, ConnectionError>>,
    ) -> Result<(), LinkError> {
        match polled {
            Some(Ok(event)) => self.inner.eventloop.state.events.push_front(event),
            Some(Err(error)) => return Err(self.connection_error(error)),
            None => {}
        }
        Ok(())
    }

    fn timed_out(&self) -> LinkError {
        LinkError::TimedOut { limit: self.limit }
    }

    fn state_error(&self, error: StateError) -> LinkError {
        self.connection_error(ConnectionError::MqttState(error))
    }

    fn connection_error(&self, error: ConnectionError) -> LinkError {
        classify_open(error, self.limit)
    }
}

/// Polls a future that is ready at once, as a write into a buffer with room is, or not worth waiting
/// for. It needs no runtime: nobody is to be woken.
fn poll_once<T>(future: Pin<&mut impl Future<Output = T>>) -> Poll<T> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

#[cfg(test)]
#[path = "hostile_tests.rs"]
mod hostile_tests;
