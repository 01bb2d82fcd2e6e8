//! Bytes between a TLS client and the broker, both ways, on two threads. It never looks inside
//! MQTT.
//!
//! The lock on the TLS state is held for encryption and decryption alone, never across a socket:
//! neither direction can block the other.
//!
//! Two habits of rumqttd 0.20 shape it. It is contacted only when the first bytes arrive, so that a
//! client that tries the handshake alone never shows up there. And it is left to close first: on
//! DISCONNECT its router frees the connection's number at once, but if it then sees the socket
//! close, it frees that number a second time, and by then a newcomer may have it and is thrown out.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use rustls::ServerConnection;

use crate::front::Until;

/// From the end of the handshake to CONNECT.
const FIRST_BYTES: Duration = Duration::from_secs(30);
const CONNECT: Duration = Duration::from_secs(5);
/// For one write to the broker.
const WRITE: Duration = Duration::from_secs(10);
/// What the broker gets to close by itself once the client has gone; after a DISCONNECT it needs a
/// millisecond. Only a client that went without one is closed by us, after this time.
const GOODBYE: Duration = Duration::from_secs(2);
const CHUNK: usize = 16 * 1024;

/// Relays until both sides have closed.
pub(crate) fn relay(
    client: &TcpStream,
    mut tls: ServerConnection,
    broker: SocketAddr,
) -> io::Result<()> {
    // The limit would cut what `seal` writes; a chunk at a time needs none.
    tls.set_buffer_limit(None);
    let tls = Mutex::new(tls);
    let Some(first) = first_bytes(client, &tls)? else {
        return farewell(client, &tls);
    };
    client.set_read_timeout(None)?;
    let broker = TcpStream::connect_timeout(&broker, CONNECT)?;
    broker.set_nodelay(true)?;
    broker.set_write_timeout(Some(WRITE))?;

    thread::scope(|scope| {
        let (open, closed) = mpsc::channel::<()>();
        thread::Builder::new()
            .name("front".to_owned())
            .spawn_scoped(scope, || {
                let _open = open;
                to_client(&broker, &tls, client);
            })?;
        let sent = to_broker(first, client, &tls, &broker);
        if closed.recv_timeout(GOODBYE) == Err(RecvTimeoutError::Timeout) {
            broker.shutdown(Shutdown::Both)?;
        }
        sent
    })
}

/// What the client says first; `None` if it closes without a word.
fn first_bytes(client: &TcpStream, tls: &Mutex<ServerConnection>) -> io::Result<Option<Vec<u8>>> {
    let mut client = Until::after(client, FIRST_BYTES);
    let mut sealed = [0; CHUNK];
    // They may have come in one piece with the end of the handshake.
    let mut len = 0;
    loop {
        let (plain, more) = unseal(tls, &sealed[..len])?;
        if !plain.is_empty() {
            return Ok(Some(plain));
        }
        len = if more { client.read(&mut sealed)? } else { 0 };
        if len == 0 {
            return Ok(None);
        }
    }
}

/// From the client to the broker, until the client closes.
fn to_broker(
    first: Vec<u8>,
    mut client: &TcpStream,
    tls: &Mutex<ServerConnection>,
    mut broker: &TcpStream,
) -> io::Result<()> {
    broker.write_all(&first)?;
    let mut sealed = [0; CHUNK];
    loop {
        let len = client.read(&mut sealed)?;
        let (plain, more) = unseal(tls, &sealed[..len])?;
        broker.write_all(&plain)?;
        if len == 0 || !more {
            return Ok(());
        }
    }
}

/// From the broker to the client, until the broker closes. A client that is gone, or has stopped
/// reading, does not end it: the broker's close is waited for all the same.
fn to_client(mut broker: &TcpStream, tls: &Mutex<ServerConnection>, mut client: &TcpStream) {
    let mut plain = [0; CHUNK];
    let mut lost = false;
    while let Ok(len @ 1..) = broker.read(&mut plain) {
        if !lost
            && seal(tls, &plain[..len])
                .and_then(|sealed| client.write_all(&sealed))
                .is_err()
        {
            lost = true;
            // Ends `to_broker`, which may be waiting for the client. It cannot fail in a way that
            // matters: the client is lost already.
            let _ = client.shutdown(Shutdown::Both);
        }
    }
    // A client that has closed before cannot be told; then there is nothing left to do.
    let _ = farewell(client, tls);
}

/// Sends what is due (close_notify, or the alert of a decryption that failed) and closes.
fn farewell(mut client: &TcpStream, tls: &Mutex<ServerConnection>) -> io::Result<()> {
    lock(tls).send_close_notify();
    client.write_all(&seal(tls, &[])?)?;
    client.shutdown(Shutdown::Both)
}

/// Encrypts; also yields whatever else the TLS state has to say by now.
fn seal(tls: &Mutex<ServerConnection>, plain: &[u8]) -> io::Result<Vec<u8>> {
    let mut tls = lock(tls);
    let mut sealed = Vec::with_capacity(plain.len() + 256);
    tls.writer().write_all(plain)?;
    while tls.wants_write() {
        tls.write_tls(&mut sealed)?;
    }
    Ok(sealed)
}

/// Decrypts; `false` once the client has sent close_notify.
fn unseal(tls: &Mutex<ServerConnection>, mut sealed: &[u8]) -> io::Result<(Vec<u8>, bool)> {
    let mut tls = lock(tls);
    let mut plain = Vec::with_capacity(sealed.len());
    loop {
        let state = tls
            .process_new_packets()
            .map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e))?;
        let start = plain.len();
        plain.resize(start + state.plaintext_bytes_to_read(), 0);
        tls.reader().read_exact(&mut plain[start..])?;
        if sealed.is_empty() || state.peer_has_closed() {
            return Ok((plain, !state.peer_has_closed()));
        }
        tls.read_tls(&mut sealed)?;
    }
}

/// A panic of the other direction leaves the state as it is: at worst, the next step fails.
fn lock(tls: &Mutex<ServerConnection>) -> MutexGuard<'_, ServerConnection> {
    tls.lock().unwrap_or_else(PoisonError::into_inner)
}
