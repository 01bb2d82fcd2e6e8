//! The bytes of a connection, in the clear or over TLS: a buffer each way, on a socket that does not
//! block.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::task::Poll;
use std::time::Duration;

use rustls::ClientConnection;

use crate::failure::{Failure, LinkError, TlsCause};
use crate::mqtt::event::SessionError;
use crate::mqtt::target::Target;
use crate::net::{Deadline, connect, is_retry};
use crate::os;
use crate::tls::cause_of;

/// How much is read at a time, and how much of what is to be written rustls gets at a time.
const CHUNK: usize = 16 * 1024;

/// How much rustls reads at a time, mostly.
const TLS_CHUNK: usize = 4096;

#[derive(Debug)]
pub(crate) struct Wire {
    stream: TcpStream,
    tls: Option<Box<ClientConnection>>,
    /// What is to be written, from `written` on.
    out: Vec<u8>,
    written: usize,
    /// What has come in: the bytes from `read` to `filled`. What is behind has no meaning.
    input: Vec<u8>,
    read: usize,
    filled: usize,
    /// The last read took less than there was room for.
    drained: bool,
}

impl Wire {
    /// Resolves, connects and shakes hands: all that comes before CONNECT.
    ///
    /// # Errors
    /// What the stages of a check would find, without their details.
    pub(crate) fn open(target: Target<'_>, deadline: Deadline<'_>) -> Result<Self, SessionError> {
        let Target {
            config, tls, stop, ..
        } = target;
        let left = || deadline.remaining().map_err(SessionError::from);
        let addresses = connect::resolve(&config.host, config.port, left()?, stop)?;
        let connected = connect::connect(&addresses, left()?, stop)?;
        let (stream, tls) = match tls {
            None => (connected.stream, None),
            Some(tls) => {
                let channel = tls.handshake(connected.stream, left()?, stop)?;
                let (stream, tls) = channel.into_parts();
                (stream, Some(Box::new(tls)))
            }
        };
        Ok(Self::new(stream, tls)?)
    }

    fn new(stream: TcpStream, tls: Option<Box<ClientConnection>>) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        Ok(Self {
            stream,
            tls,
            out: Vec::new(),
            written: 0,
            input: Vec::new(),
            read: 0,
            filled: 0,
            drained: false,
        })
    }

    /// Where to append what is to be written.
    pub(crate) fn out(&mut self) -> &mut Vec<u8> {
        &mut self.out
    }

    /// What has come in and was not consumed.
    pub(crate) fn input(&self) -> &[u8] {
        &self.input[self.read..self.filled]
    }

    /// Takes `count` bytes from the input.
    pub(crate) fn consume(&mut self, count: usize) {
        self.read += count;
        if self.read >= self.filled {
            (self.read, self.filled) = (0, 0);
        }
    }

    /// Writes what is to be written, as far as the system takes it now.
    pub(crate) fn flush(&mut self) -> Poll<Result<(), LinkError>> {
        match self.try_flush() {
            Ok(()) => Poll::Ready(Ok(())),
            Err(error) if is_retry(&error) => Poll::Pending,
            Err(error) => Poll::Ready(Err(link_error(error))),
        }
    }

    fn try_flush(&mut self) -> io::Result<()> {
        let Some(tls) = &mut self.tls else {
            while self.written < self.out.len() {
                let count = self.stream.write(&self.out[self.written..])?;
                self.written += count;
            }
            self.out.clear();
            self.written = 0;
            return Ok(());
        };
        loop {
            while tls.wants_write() {
                tls.write_tls(&mut self.stream)?;
            }
            let rest = &self.out[self.written..];
            if rest.is_empty() {
                self.out.clear();
                self.written = 0;
                return Ok(());
            }
            self.written += tls.writer().write(&rest[..rest.len().min(CHUNK)])?;
        }
    }

    /// Whether the last read has emptied the socket. Told once: more may have come since.
    pub(crate) fn was_drained(&mut self) -> bool {
        std::mem::take(&mut self.drained)
    }

    /// Reads what is at hand; whether anything was. The end of the connection is an error.
    pub(crate) fn fill(&mut self) -> Result<bool, LinkError> {
        // What was consumed makes room; a packet that is larger than the buffer makes it grow.
        if self.read > 0 {
            self.input.copy_within(self.read..self.filled, 0);
            (self.read, self.filled) = (0, self.filled - self.read);
        }
        if self.input.len() < self.filled + CHUNK {
            self.input.resize(self.filled + CHUNK, 0);
        }
        match self.try_fill() {
            Ok(read) => {
                self.filled += read;
                Ok(read > 0)
            }
            Err(error) if is_retry(&error) => Ok(false),
            Err(error) => Err(link_error(error)),
        }
    }

    /// How much was read.
    fn try_fill(&mut self) -> io::Result<usize> {
        let ended = || io::Error::from(io::ErrorKind::UnexpectedEof);
        let Some(tls) = &mut self.tls else {
            let room = &mut self.input[self.filled..];
            return match self.stream.read(room)? {
                0 => Err(ended()),
                read => {
                    self.drained = read < room.len();
                    Ok(read)
                }
            };
        };
        let read = tls.read_tls(&mut self.stream);
        self.drained = read.as_ref().is_ok_and(|read| *read < TLS_CHUNK);
        let processed = match &read {
            Ok(_) => tls.process_new_packets().map(Some),
            Err(_) => Ok(None),
        };
        if processed.is_err() {
            // Our own alert tells the broker's log what we did not like.
            let _ = tls.write_tls(&mut self.stream);
        }
        if let Ok(Some(state)) = &processed {
            // All of it: a wait looks at the socket, and not at what rustls keeps.
            let end = self.filled + state.plaintext_bytes_to_read();
            self.input.resize(end.max(self.input.len()), 0);
        }
        // What came before the end is at hand.
        let plain = tls.reader().read(&mut self.input[self.filled..]);
        if let Ok(count @ 1..) = plain {
            return Ok(count);
        }
        processed.map_err(io::Error::other)?;
        match (read?, plain?) {
            (0, _) | (_, 0) => Err(ended()),
            (_, count) => Ok(count),
        }
    }

    /// Waits until the system has something to read, or with `write` also until it takes more.
    pub(crate) fn wait(&self, write: bool, limit: Duration) -> Result<(), LinkError> {
        os::wait_for_socket(&self.stream, write, limit).map_err(LinkError::Io)
    }

    /// Has the system tell the peer of what comes next without delay, until something is written; whether
    /// it can.
    pub(crate) fn quick_ack(&self) -> bool {
        os::quick_ack(&self.stream)
    }

    /// The end of what is written: close_notify (RFC 8446 §6.1) and FIN. The peer may be gone.
    pub(crate) fn end(&mut self) {
        if let Some(tls) = &mut self.tls {
            tls.send_close_notify();
        }
        let _ = self.try_flush();
        let _ = self.stream.shutdown(std::net::Shutdown::Write);
    }
}

/// What the stages before CONNECT find, as a link that did not come to be.
impl From<Failure> for SessionError {
    fn from(failure: Failure) -> Self {
        Self::Fault(match failure {
            Failure::Interrupted(_) => return Self::Interrupted,
            Failure::Tls(error) => match error.cause {
                TlsCause::Closed { reset } => LinkError::Closed { reset },
                TlsCause::TimedOut { limit } => LinkError::TimedOut { limit },
                TlsCause::Rustls(rustls::Error::InvalidCertificate(_))
                | TlsCause::PinMismatch { .. } => LinkError::Certificate(error),
                cause => LinkError::Tls(cause),
            },
            Failure::Tcp(error) => match error.tried.into_iter().next() {
                Some(tried) => LinkError::Tcp(tried.error),
                None => LinkError::Closed { reset: false },
            },
            Failure::Limit(_, limit) => LinkError::Io(io::Error::other(limit)),
            Failure::Dns(error) => LinkError::Io(io::Error::other(format!("{error:?}"))),
            other => LinkError::Io(io::Error::other(format!("{other:?}"))),
        })
    }
}

impl From<io::Error> for SessionError {
    fn from(error: io::Error) -> Self {
        Self::Fault(link_error(error))
    }
}

fn link_error(error: io::Error) -> LinkError {
    match cause_of(error) {
        TlsCause::Closed { reset } => LinkError::Closed { reset },
        TlsCause::Io(error) => LinkError::Io(error),
        cause => LinkError::Tls(cause),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::sync::mpsc;

    use super::*;
    use crate::testing::tls_peer::channel_to;

    /// A wait looks at the socket, and would not see what rustls keeps.
    #[test]
    fn nothing_stays_behind_in_rustls() {
        const MINUTE: Duration = Duration::from_secs(60);
        // A record of the largest size, and a small one right behind it.
        const LENGTH: usize = 16 * 1024 + 100;
        let (written, wait) = mpsc::channel();
        let channel = channel_to(move |mut server| {
            server.write_all(&[b'x'; LENGTH]).unwrap();
            written.send(()).unwrap();
            // Until the client closes.
            let _ = server.read(&mut [0]);
        });
        wait.recv_timeout(MINUTE).unwrap();
        let (stream, tls) = channel.into_parts();
        let mut wire = Wire::new(stream, Some(Box::new(tls))).unwrap();
        while wire.input().len() < LENGTH {
            wire.wait(false, MINUTE).unwrap();
            wire.fill().unwrap();
            let state = wire.tls.as_mut().unwrap().process_new_packets();
            assert_eq!(state.unwrap().plaintext_bytes_to_read(), 0);
        }
        assert!(wire.input().iter().all(|byte| *byte == b'x'));
    }
}
