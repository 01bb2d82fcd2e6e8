//! A connection in the version of MQTT that the configuration asks for. `session` does not know which.

use std::task::Poll;
use std::time::{Duration, Instant};

use crate::config::{Config, Protocol, Qos, Secret};
use crate::failure::LinkError;
use crate::mqtt::event::{Event, Opened, Publish, Receipt, Request, SessionError, Trace};
use crate::mqtt::resume::Unfinished;
use crate::mqtt::target::{Limits, Target};
use crate::mqtt::{v4, v5};

pub(crate) enum Connection {
    V4(Box<v4::Connection>),
    V5(Box<v5::Connection>),
}

/// The same call of either.
macro_rules! either {
    ($connection:expr, $inner:ident => $call:expr) => {
        match $connection {
            Connection::V4($inner) => $call,
            Connection::V5($inner) => $call,
        }
    };
}

impl Connection {
    /// The most bytes that one [`Connection::try_poll`] leaves in the buffer.
    pub(crate) fn answers(&self) -> usize {
        match self {
            Self::V4(_) => v4::Connection::ANSWERS,
            Self::V5(_) => v5::Connection::ANSWERS,
        }
    }

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
        let v4 = |limit| {
            let (connection, opened) = v4::Connection::open(target, limits, unfinished, limit)?;
            Ok((Self::V4(Box::new(connection)), opened))
        };
        let v5 = |limit| {
            let (connection, opened) = v5::Connection::open(target, limits, unfinished, limit)?;
            Ok((Self::V5(Box::new(connection)), opened))
        };
        match target.protocol {
            Protocol::V3_1_1 => v4(limit),
            Protocol::V5 => v5(limit),
            Protocol::Auto => {
                let began = Instant::now();
                match v5(limit / 2) {
                    Err(SessionError::Fault(error)) if is_version(&error) => {
                        v4(limit.saturating_sub(began.elapsed()))
                    }
                    opened => opened,
                }
            }
        }
    }

    /// Whether an [`Event::Sent`] follows for each publish of an earlier session.
    pub(crate) fn queues_resumed(&self) -> bool {
        matches!(self, Self::V4(_))
    }

    /// Lets PUBRELs of an earlier session come in.
    pub(crate) fn expect_any_release(&mut self) {
        if let Self::V4(connection) = self {
            connection.expect_any_release();
        }
    }

    /// Has the system tell the broker of what comes next without delay, until something is written;
    /// whether it can. The socket of 3.1.1 is rumqttc's.
    pub(crate) fn quick_ack(&self) -> bool {
        match self {
            Self::V4(_) => false,
            Self::V5(connection) => connection.quick_ack(),
        }
    }

    /// Puts a request behind those that wait. [`Connection::poll`] writes it.
    ///
    /// # Errors
    /// When there are too many; when the topic or filter cannot be sent.
    pub(crate) fn queue(&mut self, request: Request<'_>) -> Result<(), LinkError> {
        match self {
            Self::V4(connection) => connection.queue(request),
            Self::V5(connection) => {
                connection.queue(request);
                Ok(())
            }
        }
    }

    /// Puts a PUBLISH into the write buffer: [`Connection::flush`] writes many at once.
    ///
    /// # Errors
    /// As for [`Connection::poll`].
    pub(crate) fn buffer(&mut self, publish: Publish<'_>) -> Result<(), LinkError> {
        match self {
            Self::V4(connection) => connection.buffer(publish),
            Self::V5(connection) => {
                connection.buffer(&publish);
                Ok(())
            }
        }
    }

    /// The same of a PUBACK or PUBREC.
    ///
    /// # Errors
    /// As for [`Connection::poll`].
    pub(crate) fn buffer_ack(&mut self, receipt: Receipt) -> Result<(), LinkError> {
        match self {
            Self::V4(connection) => connection.buffer_ack(receipt),
            Self::V5(connection) => {
                connection.buffer_ack(receipt);
                Ok(())
            }
        }
    }

    /// Writes what stands in the buffer, as far as the system takes it now.
    pub(crate) fn flush(&mut self) -> Poll<Result<(), LinkError>> {
        either!(self, connection => connection.flush())
    }

    /// Waits until the system may take more of the buffer.
    ///
    /// # Errors
    /// As for [`Connection::poll`].
    pub(crate) fn wait_writable(&mut self, limit: Duration) -> Result<(), LinkError> {
        either!(self, connection => connection.wait_writable(limit))
    }

    /// Waits until an event is at hand, at most for `limit`. `None`, with a request that waits: as long
    /// as writing it takes, which has a limit of its own.
    ///
    /// # Errors
    /// What ended the connection. Events that came in before it are still at hand.
    pub(crate) fn poll(&mut self, limit: Option<Duration>) -> Result<(), LinkError> {
        either!(self, connection => connection.poll(limit))
    }

    /// Looks into the socket, without waiting. The answers to what came in, at most
    /// [`Connection::answers`] bytes, stand in the buffer until [`Connection::flush`].
    ///
    /// # Errors
    /// As for [`Connection::poll`].
    pub(crate) fn try_poll(&mut self) -> Result<(), LinkError> {
        either!(self, connection => connection.try_poll())
    }

    /// The next event at hand.
    pub(crate) fn take(&mut self) -> Option<Event> {
        either!(self, connection => connection.take())
    }

    /// Whether [`Connection::take`] has something to give.
    pub(crate) fn has_events(&self) -> bool {
        either!(self, connection => connection.has_events())
    }

    /// From here on a message is acknowledged by [`Connection::buffer_ack`] alone.
    pub(crate) fn acknowledge_manually(&mut self) {
        either!(self, connection => connection.acknowledge_manually());
    }

    /// Nothing that comes in is answered any more.
    pub(crate) fn forget_received(&mut self) {
        either!(self, connection => connection.forget_received());
    }

    /// The payloads of QoS 0 that certainly were not written.
    pub(crate) fn into_unsent(self) -> Vec<Vec<u8>> {
        match self {
            Self::V4(connection) => connection.into_unsent(),
            // All of them stood in the buffer, and may have left.
            Self::V5(_) => Vec::new(),
        }
    }

    /// The packets so far.
    pub(crate) fn take_trace(&mut self) -> Vec<Trace> {
        either!(self, connection => connection.take_trace())
    }
}

/// Whether a broker that does not speak MQTT 5 may have answered so: brokers were seen to refuse the
/// version, in the form of 3.1.1 too, to close, and to say nothing.
fn is_version(error: &LinkError) -> bool {
    match error {
        LinkError::Refused(reason) => !reason.in_5 || reason.code == 0x84,
        LinkError::Closed { .. }
        | LinkError::TimedOut { .. }
        | LinkError::Undecodable { .. }
        | LinkError::ConnackOf3_1_1 => true,
        _ => false,
    }
}

/// The CONNECT packet that a session begins with, for a probe.
pub(crate) fn connect_packet(
    config: &Config,
    password: Option<&Secret>,
    protocol: Protocol,
) -> Vec<u8> {
    match protocol {
        // What is asked last.
        Protocol::V3_1_1 | Protocol::Auto => v4::connect_packet(config, password),
        Protocol::V5 => v5::connect_packet(config, password),
    }
}

/// The bytes of a PUBLISH (MQTT 3.1.1 §3.3, MQTT 5 §3.3) to the topic of `config`, without those of its
/// fixed header, which `max_packet_size` does not count on the way in either.
pub(crate) fn publish_size(config: &Config, qos: Qos, protocol: Protocol, payload: usize) -> usize {
    match protocol {
        Protocol::V3_1_1 => v4::publish_size(&config.topic, qos, payload),
        Protocol::V5 | Protocol::Auto => v5::publish_size(config, qos, payload),
    }
}
