//! The TLS server in front of the broker: it demands SNI as the serverless clouds do, and hands a
//! finished handshake to `relay`. It asks for no client certificate and knows nothing of MQTT.
//!
//! Who sends no SNI, or another name, gets the fatal alert unrecognized_name: RFC 6066 §3 asks for
//! it, and it is what a proxy that picks the tenant by SNI sends (HAProxy with `strict-sni`). Some
//! clouds close the connection without a word instead.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rustls::server::Acceptor;
use rustls::{ServerConfig, ServerConnection};

use crate::{Trouble, relay};

/// From accept to the end of the handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// For one write: after that, a client that reads nothing is given up.
const WRITE: Duration = Duration::from_secs(10);
/// For a client that was refused to take the alert and close.
const LINGER: Duration = Duration::from_secs(1);
const TRIES: usize = 5;

/// A fatal unrecognized_name(112) in a record of its own, in clear: no keys exist yet
/// (RFC 8446 §5.1, §6).
const UNRECOGNIZED_NAME: [u8; 7] = [21, 3, 3, 0, 2, 2, 112];

struct Front {
    tls: Arc<ServerConfig>,
    name: &'static str,
    broker: SocketAddr,
}

/// Listens on loopback and serves until the process ends; the port.
pub(crate) fn open(
    port: Option<u16>,
    tls: Arc<ServerConfig>,
    name: &'static str,
    broker: SocketAddr,
) -> Result<u16, Trouble> {
    let say = |e: io::Error| match port {
        Some(port) => format!("cannot listen on port {port}: {e}"),
        None => format!("cannot listen on loopback: {e}"),
    };
    let (port, listeners) = listen(port.unwrap_or(0)).map_err(say)?;
    let front = Arc::new(Front { tls, name, broker });
    for listener in listeners {
        let front = Arc::clone(&front);
        start_thread(move || accept(&listener, &front)).map_err(say)?;
    }
    Ok(port)
}

/// `localhost` is ::1 as well as 127.0.0.1 on most machines, and a client may try either first: both
/// are served, on the same port. A machine without IPv6 has the one listener.
fn listen(wanted: u16) -> io::Result<(u16, Vec<TcpListener>)> {
    let mut tries = 0;
    loop {
        let v4 = TcpListener::bind((Ipv4Addr::LOCALHOST, wanted))?;
        let port = v4.local_addr()?.port();
        match TcpListener::bind((Ipv6Addr::LOCALHOST, port)) {
            Ok(v6) => return Ok((port, vec![v4, v6])),
            Err(e) if e.kind() == io::ErrorKind::AddrInUse && tries < TRIES => tries += 1,
            Err(e) if e.kind() == io::ErrorKind::AddrInUse => return Err(e),
            Err(_) => return Ok((port, vec![v4])),
        }
    }
}

fn accept(listener: &TcpListener, front: &Arc<Front>) {
    loop {
        match listener.accept() {
            Ok((client, _)) => {
                let front = Arc::clone(front);
                // A client that fails, or for which there is no thread, is closed: its own report
                // says what it saw, and this terminal belongs to the checks.
                let _ = start_thread(move || serve(&client, &front).unwrap_or_default());
            }
            // Out of file descriptors, most likely: accept would fail again at once.
            Err(_) => thread::sleep(Duration::from_millis(50)),
        }
    }
}

fn start_thread(work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    thread::Builder::new()
        .name("front".to_owned())
        .spawn(work)
        .map(drop)
}

fn serve(client: &TcpStream, front: &Front) -> io::Result<()> {
    client.set_nodelay(true)?;
    client.set_write_timeout(Some(WRITE))?;
    match shake_hands(client, front)? {
        Some(tls) => relay::relay(client, tls, front.broker),
        None => Ok(()),
    }
}

/// The handshake; `None` if the client asked for no name or for another one, and was refused.
fn shake_hands(client: &TcpStream, front: &Front) -> io::Result<Option<ServerConnection>> {
    let mut io = Until::after(client, HANDSHAKE);
    let mut acceptor = Acceptor::default();
    let accepted = loop {
        if acceptor.read_tls(&mut io)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        match acceptor.accept() {
            Ok(Some(accepted)) => break accepted,
            Ok(None) => {}
            Err((_, mut alert)) => {
                alert.write_all(&mut io)?;
                return linger(client).map(|()| None);
            }
        }
    };
    let asked = accepted.client_hello().server_name().map(str::to_owned);
    if !asked.is_some_and(|asked| asked.eq_ignore_ascii_case(front.name)) {
        io.write_all(&UNRECOGNIZED_NAME)?;
        return linger(client).map(|()| None);
    }
    match accepted.into_connection(Arc::clone(&front.tls)) {
        Ok(mut tls) => {
            // Also sends a failed handshake's alert, and a finished one's session tickets.
            while tls.is_handshaking() || tls.wants_write() {
                tls.complete_io(&mut io)?;
            }
            Ok(Some(tls))
        }
        Err((_, mut alert)) => {
            alert.write_all(&mut io)?;
            linger(client).map(|()| None)
        }
    }
}

/// Closes so that what was written last arrives: a socket that is closed with unread bytes in it
/// resets the connection, and the reset can overtake the alert.
fn linger(client: &TcpStream) -> io::Result<()> {
    client.shutdown(Shutdown::Write)?;
    let mut io = Until::after(client, LINGER);
    while io.read(&mut [0; 1024])? > 0 {}
    Ok(())
}

/// A socket whose reads have to be done by one moment, however many they are.
pub(crate) struct Until<'a> {
    socket: &'a TcpStream,
    moment: Instant,
}

impl<'a> Until<'a> {
    pub(crate) fn after(socket: &'a TcpStream, limit: Duration) -> Self {
        Self {
            socket,
            moment: Instant::now() + limit,
        }
    }
}

impl Read for Until<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let left = self.moment.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        self.socket.set_read_timeout(Some(left))?;
        self.socket.read(bytes).map_err(|e| match e.kind() {
            // What a blocking socket says when its time is up.
            io::ErrorKind::WouldBlock => io::ErrorKind::TimedOut.into(),
            _ => e,
        })
    }
}

impl Write for Until<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.socket.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.socket.flush()
    }
}
