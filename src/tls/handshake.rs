//! One handshake on a socket of our own, and the few bytes that are sent and read after it. Every wait
//! has a deadline. It trusts nothing: the verdict on the certificate is `verifier`'s.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use rustls::{ClientConnection, ProtocolVersion};

use crate::failure::{FIRST_BYTES, Failure, LimitError, Stage, TlsCause, TlsFacts};
use crate::net::{Deadline, SIGNAL_POLL, Stop, WaitError, is_retry, limits};
use crate::tls::client::Tls;

/// How long a late refusal is waited for at most. It needs one round trip.
const LATE_REFUSAL: Duration = Duration::from_millis(500);

/// A TLS connection of our own.
#[derive(Debug)]
pub(crate) struct Channel {
    connection: ClientConnection,
    socket: Socket,
    /// What the handshake showed.
    pub(crate) facts: TlsFacts,
    /// How long it took.
    elapsed: Duration,
}

/// The socket, and a copy of the first bytes that came in.
#[derive(Debug)]
struct Socket {
    stream: TcpStream,
    first_bytes: Vec<u8>,
}

/// Why a handshake, or an exchange after it, did not complete.
#[derive(Debug)]
pub(crate) enum HandshakeError {
    Cause(TlsCause),
    Interrupted,
}

impl Tls {
    /// A handshake on `stream`, within `limit`.
    ///
    /// # Errors
    /// [`Failure::Tls`] with all that was seen, [`Failure::Limit`] or [`Failure::Interrupted`].
    pub(crate) fn handshake(
        &self,
        stream: TcpStream,
        limit: Duration,
        stop: &Stop,
    ) -> Result<Channel, Failure> {
        let start = Instant::now();
        let deadline = Deadline::after(limit, stop);
        if let Err(error) = limits::random_numbers(deadline) {
            return Err(self.ended(error.into(), Vec::new()));
        }
        // What was recorded of an earlier connection is not this one's.
        let _ = self.facts();
        let connection = self
            .connection()
            .map_err(|error| self.ended(TlsCause::Rustls(error).into(), Vec::new()))?;
        let mut channel = Channel {
            connection,
            socket: Socket {
                stream,
                first_bytes: Vec::new(),
            },
            facts: TlsFacts::default(),
            elapsed: Duration::ZERO,
        };
        if let Err(error) = channel.complete(deadline) {
            return Err(self.ended(error, channel.socket.first_bytes));
        }
        channel.facts = channel.negotiated(self.facts());
        channel.elapsed = start.elapsed();
        Ok(channel)
    }

    /// How a handshake that did not complete is told.
    fn ended(&self, error: HandshakeError, first_bytes: Vec<u8>) -> Failure {
        let cause = match error {
            HandshakeError::Interrupted => return Failure::Interrupted(Stage::Tls),
            HandshakeError::Cause(cause) => cause,
        };
        let limit = match &cause {
            TlsCause::Io(error) => LimitError::of(error),
            TlsCause::Rustls(error @ rustls::Error::FailedToGetRandomBytes) => {
                Some(limits::no_random_numbers(error))
            }
            _ => None,
        };
        if let Some(limit) = limit {
            return Failure::Limit(Stage::Tls, limit);
        }
        let mut error = self.error(cause, None, Some(false));
        error.facts.first_bytes = first_bytes;
        Failure::Tls(Box::new(error))
    }
}

impl Channel {
    fn complete(&mut self, deadline: Deadline<'_>) -> Result<(), HandshakeError> {
        while self.connection.is_handshaking() {
            self.advance(deadline)?;
        }
        self.flush(deadline)
    }

    /// `facts` with what the two sides agreed on.
    fn negotiated(&self, facts: TlsFacts) -> TlsFacts {
        let connection = &self.connection;
        TlsFacts {
            first_bytes: self.socket.first_bytes.clone(),
            version: connection.protocol_version().and_then(version_name),
            cipher_suite: connection
                .negotiated_cipher_suite()
                .map(|suite| format!("{:?}", suite.suite())),
            key_exchange: connection
                .negotiated_key_exchange_group()
                .map(|group| format!("{:?}", group.name())),
            alpn: connection
                .alpn_protocol()
                .map(|name| String::from_utf8_lossy(name).into_owned()),
            ..facts
        }
    }

    /// Waits for the broker's verdict on a client certificate, which in TLS 1.3 comes after the
    /// handshake has ended on our side. Anything else that it sends, such as a session ticket, is a
    /// yes, and so is silence.
    ///
    /// # Errors
    /// The refusal.
    pub(crate) fn confirm(&mut self, stop: &Stop) -> Result<(), TlsCause> {
        if !self.facts.client_cert_requested || self.facts.version != Some("TLS 1.3") {
            return Ok(());
        }
        let limit = (self.elapsed * 2).clamp(LATE_REFUSAL / 2, LATE_REFUSAL);
        match self.advance(Deadline::after(limit, stop)) {
            Ok(())
            | Err(HandshakeError::Interrupted | HandshakeError::Cause(TlsCause::TimedOut { .. })) => {
                Ok(())
            }
            Err(HandshakeError::Cause(cause)) => Err(cause),
        }
    }

    /// Sends `bytes`, then reads into `answer` until `enough` says so.
    ///
    /// # Errors
    /// What ended it before that.
    pub(crate) fn ask(
        &mut self,
        bytes: &[u8],
        deadline: Deadline<'_>,
        answer: &mut Vec<u8>,
        enough: impl Fn(&[u8]) -> bool,
    ) -> Result<(), HandshakeError> {
        self.connection.writer().write_all(bytes)?;
        loop {
            let mut chunk = [0; 256];
            match self.connection.reader().read(&mut chunk) {
                Ok(0) => return Err(HandshakeError::Cause(TlsCause::Closed { reset: false })),
                Ok(n) => answer.extend_from_slice(&chunk[..n]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.advance(deadline)?
                }
                Err(error) => return Err(error.into()),
            }
            if enough(answer) {
                return Ok(());
            }
        }
    }

    /// The socket and the session, for whoever goes on with them.
    pub(crate) fn into_parts(self) -> (TcpStream, ClientConnection) {
        (self.socket.stream, self.connection)
    }

    /// Sends `last`, then close_notify (RFC 8446 §6.1), and closes.
    pub(crate) fn close(mut self, last: &[u8], stop: &Stop) {
        let _ = self.connection.writer().write_all(last);
        self.connection.send_close_notify();
        // The peer may be gone; there is nobody left to tell.
        let _ = self.flush(Deadline::after(SIGNAL_POLL, stop));
    }

    /// Writes what is to be written, then reads once and lets rustls process it.
    fn advance(&mut self, deadline: Deadline<'_>) -> Result<(), HandshakeError> {
        if let Err(unsent) = self.flush(deadline) {
            // The peer closed while we were sending. It may have said why before it did.
            return match self.receive(deadline) {
                Err(said @ HandshakeError::Cause(TlsCause::Rustls(_))) => Err(said),
                _ => Err(unsent),
            };
        }
        self.receive(deadline)
    }

    fn flush(&mut self, deadline: Deadline<'_>) -> Result<(), HandshakeError> {
        while self.connection.wants_write() {
            let stream = &mut self.socket.stream;
            stream.set_write_timeout(Some(deadline.left()?))?;
            match self.connection.write_tls(stream) {
                Err(error) if !is_retry(&error) => return Err(error.into()),
                _ => {}
            }
        }
        Ok(())
    }

    fn receive(&mut self, deadline: Deadline<'_>) -> Result<(), HandshakeError> {
        loop {
            let left = deadline.left()?;
            self.socket.stream.set_read_timeout(Some(left))?;
            match self.connection.read_tls(&mut self.socket) {
                Ok(0) => return Err(HandshakeError::Cause(TlsCause::Closed { reset: false })),
                Ok(_) => break,
                Err(error) if is_retry(&error) => {}
                Err(error) => return Err(error.into()),
            }
        }
        self.connection
            .process_new_packets()
            .map(drop)
            .map_err(|error| {
                // Our own alert tells the broker's log what we did not like.
                let _ = self.connection.write_tls(&mut self.socket.stream);
                HandshakeError::Cause(TlsCause::Rustls(error))
            })
    }
}

impl Read for Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.stream.read(buffer)?;
        let missing = FIRST_BYTES.saturating_sub(self.first_bytes.len());
        self.first_bytes
            .extend_from_slice(&buffer[..n.min(missing)]);
        Ok(n)
    }
}

impl From<TlsCause> for HandshakeError {
    fn from(cause: TlsCause) -> Self {
        Self::Cause(cause)
    }
}

impl From<WaitError> for HandshakeError {
    fn from(error: WaitError) -> Self {
        match error {
            WaitError::Interrupted => Self::Interrupted,
            WaitError::TimedOut { limit } => Self::Cause(TlsCause::TimedOut { limit }),
            WaitError::Io(error) => error.into(),
        }
    }
}

impl From<io::Error> for HandshakeError {
    fn from(error: io::Error) -> Self {
        Self::Cause(cause_of(error))
    }
}

/// An I/O error of a TLS connection, rustls's own error taken out of its wrapping.
pub(crate) fn cause_of(error: io::Error) -> TlsCause {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    if let Some(inner) = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>())
    {
        return TlsCause::Rustls(inner.clone());
    }
    match error.kind() {
        UnexpectedEof => TlsCause::Closed { reset: false },
        BrokenPipe | ConnectionAborted | ConnectionReset => TlsCause::Closed { reset: true },
        _ => TlsCause::Io(error),
    }
}

fn version_name(version: ProtocolVersion) -> Option<&'static str> {
    match version {
        ProtocolVersion::TLSv1_3 => Some("TLS 1.3"),
        ProtocolVersion::TLSv1_2 => Some("TLS 1.2"),
        _ => None,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::testing::tls_peer::channel_to;

    /// A channel to a server that reads `length` bytes and answers with one line.
    fn open(length: usize) -> Channel {
        channel_to(move |mut stream| {
            stream.read_exact(&mut vec![0; length]).unwrap();
            stream.write_all(b"read\n").unwrap();
            // Until the client closes.
            let _ = stream.read(&mut [0]);
        })
    }

    const MINUTE: Duration = Duration::from_secs(60);

    #[track_caller]
    fn check(length: usize) {
        let stop = Stop::default();
        let mut channel = open(length);
        assert_eq!(channel.facts.version, Some("TLS 1.3"));
        let mut answer = Vec::new();
        let bytes = vec![b'x'; length];
        let deadline = Deadline::after(MINUTE, &stop);
        let outcome = channel.ask(&bytes, deadline, &mut answer, |answer| {
            answer.contains(&b'\n')
        });
        assert!(outcome.is_ok(), "{outcome:?}");
        assert_eq!(answer, b"read\n");
        channel.close(&[], &stop);
    }

    /// A CONNECT with a will and a password may be as large as that.
    #[test]
    fn a_packet_of_any_size_is_sent() {
        check(1);
        check(200_000);
    }
}
