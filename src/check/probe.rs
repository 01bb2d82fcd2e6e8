//! The probe: where a session ends with "closed", "time-out" or "cannot decode" alone, one connection of our
//! own sends the same CONNECT and reads the raw answer. It never tries again.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::failure::{FIRST_BYTES, Failure, Probe, ProbeEnd, TlsCause};
use crate::mqtt;
use crate::net::{Deadline, Stop, connect, is_retry};
use crate::tls::{HandshakeError, Tls};

/// A CONNECT of MQTT 3.1.1 §3.1 with a clean session, an empty client id and no credentials.
pub(crate) const ANONYMOUS_CONNECT: &[u8] = b"\x10\x0c\0\x04MQTT\x04\x02\0\x3c\0\0";

/// DISCONNECT (MQTT 3.1.1 §3.14). If the broker accepts the CONNECT after all, a close without it would
/// make it publish the last will.
const DISCONNECT: &[u8] = b"\xe0\0";

/// The request that opens MQTT over WebSocket (RFC 6455 §4.1; MQTT 3.1.1 §6). The key is any 16 bytes:
/// nothing is sent over what it opens.
pub(crate) fn upgrade(host: &str) -> String {
    let host = if host.contains(':') {
        format!("[{host}]")
    } else {
        host.to_owned()
    };
    format!(
        "GET /mqtt HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: bXF0dC10ZXN0IHByb2JlIQ==\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Protocol: mqtt\r\n\r\n"
    )
}

/// The status of an answer to [`upgrade`] that only a server of WebSocket gives: 101 (switching
/// protocols) or 426 (upgrade required; RFC 9110 §15.2.2, §15.5.22).
pub(crate) fn websocket_status(answer: &[u8]) -> Option<u16> {
    match answer.strip_prefix(b"HTTP/1.1 ")?.get(..3)? {
        b"101" => Some(101),
        b"426" => Some(426),
        _ => None,
    }
}

/// Sends `connect` to `peer` and reads what comes, for at most `limit` a step. `None`: a signal came
/// first, so nothing was observed.
pub(crate) fn at(
    peer: SocketAddr,
    tls: Option<&Tls>,
    connect: &[u8],
    limit: Duration,
    stop: &Stop,
) -> Option<Probe> {
    let stream = match connect::connect(&[peer], limit, stop) {
        Ok(connected) => connected.stream,
        Err(Failure::Tcp(failed)) => {
            let error = failed.tried.into_iter().next()?.error;
            return Some(Probe {
                bytes: Vec::new(),
                ended: ProbeEnd::Unreachable(error),
                websocket: None,
            });
        }
        Err(_) => return None,
    };
    let mut bytes = Vec::new();
    let outcome = match tls {
        None => {
            let mut stream = stream;
            let deadline = Deadline::after(limit, stop);
            let outcome = plain(&mut stream, connect, deadline, &mut bytes);
            let _ = stream.write_all(DISCONNECT);
            outcome
        }
        Some(tls) => match tls.handshake(stream, limit, stop) {
            Ok(mut channel) => {
                let deadline = Deadline::after(limit, stop);
                let outcome = channel.ask(connect, deadline, &mut bytes, says_enough);
                channel.close(DISCONNECT, stop);
                outcome
            }
            Err(Failure::Tls(error)) => Err(HandshakeError::Cause(error.cause)),
            Err(_) => return None,
        },
    };
    let ended = match outcome {
        Ok(()) => ProbeEnd::Enough,
        Err(HandshakeError::Interrupted) => return None,
        Err(HandshakeError::Cause(cause)) => match cause {
            TlsCause::Closed { .. } => ProbeEnd::Closed,
            TlsCause::TimedOut { .. } => ProbeEnd::Silence,
            cause => ProbeEnd::Tls(cause),
        },
    };
    Some(Probe {
        bytes,
        ended,
        websocket: None,
    })
}

/// The code of a CONNACK that refuses, in the form of MQTT 3.1.1 §3.2 (two bytes follow the length)
/// or of MQTT 5 §3.2 (properties follow those two). Text is not taken for it: the flags are 0 or 1.
pub(crate) fn refusal(answer: &[u8]) -> Option<u8> {
    match answer {
        [0x20, 2..=0x7f, 0 | 1, code, ..] if *code != 0 => Some(*code),
        _ => None,
    }
}

fn plain(
    stream: &mut TcpStream,
    connect: &[u8],
    deadline: Deadline<'_>,
    bytes: &mut Vec<u8>,
) -> Result<(), HandshakeError> {
    let (mut unsent, mut reset) = (connect, false);
    while !unsent.is_empty() && !reset {
        stream.set_write_timeout(Some(deadline.left()?))?;
        match stream.write(unsent) {
            Ok(n) => unsent = unsent.get(n..).unwrap_or_default(),
            // A peer that has closed already may have said why before it did.
            Err(error) => reset = !is_retry(&error),
        }
    }
    while !says_enough(bytes) {
        stream.set_read_timeout(Some(deadline.left()?))?;
        let mut chunk = [0; FIRST_BYTES];
        match stream.read(&mut chunk) {
            Ok(0) => {
                return Err(HandshakeError::Cause(TlsCause::Closed { reset }));
            }
            Ok(n) => bytes.extend_from_slice(&chunk[..n]),
            Err(error) if is_retry(&error) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// The most bytes of a packet that is waited for to its end: those of a reason string and a server
/// reference.
const REASON: usize = 128 * 1024;

/// Whether the answer can be judged: a whole CONNACK, DISCONNECT or AUTH, a TLS alert, a line of text, or
/// as much as is kept of anything else.
fn says_enough(answer: &[u8]) -> bool {
    if let [0x20 | 0xe0 | 0xf0, ..] = answer
        && let Some(whole) = mqtt::is_whole(answer, REASON)
    {
        return whole;
    }
    match answer {
        _ if answer.len() >= FIRST_BYTES => true,
        [0x15, _, _, _, _, _, _, ..] => true,
        _ => answer.contains(&b'\n'),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::net::TcpListener;
    use std::thread;
    use std::time::Instant;

    use super::*;

    /// Also while it still sends: not even a peer that never reads holds it up.
    #[test]
    fn a_signal_ends_a_probe_at_once() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let peer = listener.local_addr().unwrap();
        let stop = Stop::default();
        let signal = stop.clone();
        thread::spawn(move || {
            let stream = listener.accept().unwrap();
            thread::sleep(Duration::from_millis(100));
            signal.set();
            // Longer than the probe's own limit, should the signal not end it.
            thread::sleep(Duration::from_secs(20));
            drop(stream);
        });
        let start = Instant::now();
        let endless = vec![0; 16 * 1024 * 1024];
        let probe = at(peer, None, &endless, Duration::from_secs(10), &stop);
        assert!(probe.is_none(), "{probe:?}");
        assert!(start.elapsed() < Duration::from_secs(5));
    }

    /// A peer that was not given its time has not been silent.
    #[test]
    fn an_interrupted_probe_has_seen_nothing() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let peer = listener.local_addr().unwrap();
        let stop = Stop::default();
        let signal = stop.clone();
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream
                .read_exact(&mut [0; ANONYMOUS_CONNECT.len()])
                .unwrap();
            signal.set();
            stream
        });
        let probe = at(
            peer,
            None,
            ANONYMOUS_CONNECT,
            Duration::from_secs(60),
            &stop,
        );
        assert!(probe.is_none(), "{probe:?}");
        drop(server.join());
    }

    #[track_caller]
    fn check(answer: &[u8], expected: Option<u8>) {
        assert_eq!(refusal(answer), expected, "{answer:x?}");
    }

    #[test]
    fn a_refusal_is_known_in_the_form_of_either_version() {
        check(b"\x20\x02\0\x05", Some(5));
        check(b"\x20\x03\0\x84\0", Some(0x84));
        check(b"\x20\x0d\0\x87\x0a\x1f\0\x07no user", Some(0x87));
        check(b"\x20\x02\0\0", None);
        check(b"\x20\x03\0\0\0", None);
        check(b"\x20\x02\0", None);
        check(b" HTTP", None);
        check(b"\x20\x01\0\x05", None);
        check(b"", None);
    }
}
