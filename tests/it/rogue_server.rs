//! The server under a `Rogue`: it listens, speaks TLS if it is given a certificate, carries out the
//! rogue's acts, and keeps a diary of all it saw, for the tests to look into.

use std::fmt::Debug;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, Weak};
use std::thread::JoinHandle;
use std::time::Instant;

use rustls::server::{Acceptor, ClientHello};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use socket2::SockRef;

use crate::codec::{self, Connect, Packet};
use crate::lab::{DEADLINE, Lab};
use crate::rogue::{Act, Client, Ear, Rogue};

/// What the server saw, on which of its connections (counted from 0, in the order of arrival).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) connection: usize,
    pub(crate) what: What,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum What {
    Accepted,
    /// The server name and the protocols in a ClientHello (RFC 6066 §3, RFC 7301 §3.1).
    ClientHello {
        sni: Option<String>,
        alpn: Vec<String>,
    },
    Packet(Packet),
    /// The client ended its side in order: FIN, and over TLS a close_notify before it.
    Closed,
    /// The client broke off: reset, no close_notify, or a fatal alert; in the library's words.
    Broken(String),
}

impl Event {
    /// Whether this is a packet, and such a one.
    pub(crate) fn is(&self, such: impl Fn(&Packet) -> bool) -> bool {
        matches!(&self.what, What::Packet(packet) if such(packet))
    }

    /// Whether this is the end of its connection.
    pub(crate) fn is_end(&self) -> bool {
        matches!(self.what, What::Closed | What::Broken(_))
    }
}

pub(crate) struct RogueServer {
    pub(crate) port: u16,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
}

struct Shared {
    rogue: Rogue,
    tls: Option<Arc<ServerConfig>>,
    stopping: AtomicBool,
    diary: Mutex<Vec<Event>>,
    news: Condvar,
    /// Weak, because a reset is only sent when the last owner of a socket lets it go.
    sockets: Mutex<Vec<Weak<TcpStream>>>,
}

impl Rogue {
    pub(crate) fn start(self, lab: &Lab) -> RogueServer {
        RogueServer::start(lab, self, None)
    }

    /// The same misbehaviour after a TLS handshake.
    pub(crate) fn start_tls(self, lab: &Lab, config: Arc<ServerConfig>) -> RogueServer {
        RogueServer::start(lab, self, Some(config))
    }
}

impl RogueServer {
    fn start(lab: &Lab, rogue: Rogue, tls: Option<Arc<ServerConfig>>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        lab.note_port(port);
        let shared = Arc::new(Shared {
            rogue,
            tls,
            stopping: AtomicBool::new(false),
            diary: Mutex::default(),
            news: Condvar::new(),
            sockets: Mutex::default(),
        });
        let accepting = std::thread::spawn({
            let shared = Arc::clone(&shared);
            move || shared.accept(&listener)
        });
        Self {
            port,
            shared,
            accepting: Some(accepting),
        }
    }

    pub(crate) fn events(&self) -> Vec<Event> {
        self.shared.diary.lock().unwrap().clone()
    }

    /// Every packet of every connection, in the order of arrival.
    pub(crate) fn packets(&self) -> Vec<Packet> {
        let packet = |event: Event| match event.what {
            What::Packet(packet) => Some(packet),
            _ => None,
        };
        self.events().into_iter().filter_map(packet).collect()
    }

    pub(crate) fn connects(&self) -> Vec<Connect> {
        let connect = |packet| match packet {
            Packet::Connect(connect) => Some(connect),
            _ => None,
        };
        self.packets().into_iter().filter_map(connect).collect()
    }

    /// The server name of each ClientHello.
    pub(crate) fn server_names(&self) -> Vec<Option<String>> {
        let name = |event: Event| match event.what {
            What::ClientHello { sni, .. } => Some(sni),
            _ => None,
        };
        self.events().into_iter().filter_map(name).collect()
    }

    /// Waits until `found` finds in the diary what it looks for.
    #[track_caller]
    pub(crate) fn wait_for<T>(&self, found: impl Fn(&[Event]) -> Option<T>) -> T {
        let end = Instant::now() + DEADLINE;
        let mut diary = self.shared.diary.lock().unwrap();
        loop {
            if let Some(answer) = found(&diary) {
                return answer;
            }
            let left = end.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "not seen after {DEADLINE:?}: {diary:#?}");
            diary = self.shared.news.wait_timeout(diary, left).unwrap().0;
        }
    }

    /// Waits until `what` was seen on some connection.
    #[track_caller]
    pub(crate) fn wait_for_event(&self, what: &What) {
        self.wait_for(|diary| diary.iter().find(|event| event.what == *what).map(drop));
    }
}

impl Drop for RogueServer {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::SeqCst);
        // Wakes the thread that waits in accept.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
        if let Some(accepting) = self.accepting.take() {
            let _ = accepting.join();
        }
        for socket in self.shared.sockets.lock().unwrap().iter() {
            if let Some(socket) = socket.upgrade() {
                let _ = socket.shutdown(Shutdown::Both);
            }
        }
    }
}

impl Shared {
    fn accept(self: &Arc<Self>, listener: &TcpListener) {
        for (connection, socket) in listener.incoming().enumerate() {
            if self.stopping.load(Ordering::SeqCst) {
                return;
            }
            let Ok(socket) = socket else { continue };
            let socket = Arc::new(socket);
            self.sockets.lock().unwrap().push(Arc::downgrade(&socket));
            let shared = Arc::clone(self);
            std::thread::spawn(move || {
                shared.write_down(connection, What::Accepted);
                let end = match shared.serve(connection, socket) {
                    Ok(()) => What::Closed,
                    Err(error) => What::Broken(error.to_string()),
                };
                shared.write_down(connection, end);
            });
        }
    }

    fn write_down(&self, connection: usize, what: What) {
        let mut diary = self.diary.lock().unwrap();
        diary.push(Event { connection, what });
        self.news.notify_all();
    }

    fn serve(&self, connection: usize, socket: Arc<TcpStream>) -> io::Result<()> {
        socket.set_nodelay(true)?;
        let wire = Wire {
            one_byte: matches!(self.rogue, Rogue::OneByteAtATime),
            socket,
        };
        match &self.tls {
            Some(config) => {
                let stream = self.tls(connection, wire, Arc::clone(config))?;
                self.converse(connection, stream)
            }
            None => self.converse(connection, wire),
        }
    }

    fn tls(
        &self,
        connection: usize,
        mut wire: Wire,
        config: Arc<ServerConfig>,
    ) -> io::Result<StreamOwned<ServerConnection, Wire>> {
        let mut acceptor = Acceptor::default();
        let accepted = loop {
            if acceptor.read_tls(&mut wire)? == 0 {
                return Err(io::Error::other("the client closed before its ClientHello"));
            }
            match acceptor.accept() {
                Ok(Some(accepted)) => break accepted,
                Ok(None) => {}
                Err((error, mut alert)) => {
                    alert.write_all(&mut wire)?;
                    return Err(io::Error::other(error));
                }
            }
        };
        self.write_down(connection, seen(&accepted.client_hello()));
        match accepted.into_connection(config) {
            Ok(tls) => Ok(StreamOwned::new(tls, wire)),
            Err((error, mut alert)) => {
                alert.write_all(&mut wire)?;
                Err(io::Error::other(error))
            }
        }
    }

    /// Returns when the client has closed, or was closed upon.
    fn converse(&self, connection: usize, mut stream: impl Stream) -> io::Result<()> {
        stream.handshake()?;
        match self.rogue.ear() {
            Ear::Deaf => return self.act_and_listen(stream, self.rogue.raw_acts(&[])),
            Ear::FirstBytes => {
                let mut bytes = vec![0; 16 * 1024];
                let count = stream.read(&mut bytes)?;
                if count == 0 {
                    return Ok(());
                }
                if let Some(hello) = parse_hello(&bytes[..count]) {
                    self.write_down(connection, hello);
                }
                return self.act_and_listen(stream, self.rogue.raw_acts(&bytes[..count]));
            }
            Ear::Mqtt => {}
        }
        let mut client = Client::default();
        while let Some(packet) = codec::read_packet(&mut stream, client.v5)? {
            self.write_down(connection, What::Packet(packet.clone()));
            if !stream.act(self.rogue.answer(&packet, &mut client))? {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Acts, and then reads to the client's end without another word.
    fn act_and_listen(&self, mut stream: impl Stream, acts: Vec<Act>) -> io::Result<()> {
        if stream.act(acts)? {
            io::copy(&mut stream, &mut io::sink())?;
        }
        Ok(())
    }
}

/// A connection with or without TLS.
trait Stream: Read + Write {
    fn wire(&mut self) -> &mut Wire;

    /// Completes the TLS handshake, if there is one to complete.
    fn handshake(&mut self) -> io::Result<()> {
        Ok(())
    }

    /// Says goodbye within TLS, if there is TLS.
    fn close_notify(&mut self) -> io::Result<()> {
        Ok(())
    }

    /// `false` when the connection is over.
    fn act(&mut self, acts: Vec<Act>) -> io::Result<bool> {
        for act in acts {
            match act {
                Act::Send(bytes) => {
                    self.write_all(&bytes)?;
                    self.flush()?;
                }
                Act::Delay(time) => std::thread::sleep(time),
                Act::Close => {
                    self.close_notify()?;
                    self.wire().socket.shutdown(Shutdown::Write)?;
                    // Unread bytes at the close would turn the FIN into a reset.
                    io::copy(self.wire(), &mut io::sink())?;
                    return Ok(false);
                }
                Act::HangUp => {
                    // Fails when the client has closed already.
                    let _ = self.wire().socket.shutdown(Shutdown::Write);
                }
                Act::Reset => {
                    SockRef::from(&*self.wire().socket)
                        .set_linger(Some(std::time::Duration::ZERO))?;
                    return Ok(false);
                }
                Act::SendWithoutEnd(bytes) => loop {
                    self.write_all(bytes)?;
                },
            }
        }
        Ok(true)
    }
}

impl Stream for Wire {
    fn wire(&mut self) -> &mut Wire {
        self
    }
}

impl Stream for StreamOwned<ServerConnection, Wire> {
    fn wire(&mut self) -> &mut Wire {
        &mut self.sock
    }

    fn handshake(&mut self) -> io::Result<()> {
        while self.conn.is_handshaking() {
            self.conn.complete_io(&mut self.sock)?;
        }
        Ok(())
    }

    fn close_notify(&mut self) -> io::Result<()> {
        self.conn.send_close_notify();
        self.flush()
    }
}

/// The socket, writing as finely as the rogue wants it.
struct Wire {
    socket: Arc<TcpStream>,
    one_byte: bool,
}

impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        (&*self.socket).read(buffer)
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let end = if self.one_byte {
            bytes.len().min(1)
        } else {
            bytes.len()
        };
        (&*self.socket).write(&bytes[..end])
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The ClientHello in these bytes, if that is what they are.
fn parse_hello(mut bytes: &[u8]) -> Option<What> {
    let mut acceptor = Acceptor::default();
    acceptor.read_tls(&mut bytes).ok()?;
    let accepted = acceptor.accept().ok()??;
    Some(seen(&accepted.client_hello()))
}

fn seen(hello: &ClientHello<'_>) -> What {
    let text = |name: &[u8]| String::from_utf8_lossy(name).into_owned();
    What::ClientHello {
        sni: hello.server_name().map(str::to_owned),
        alpn: hello
            .alpn()
            .map(|names| names.map(text).collect())
            .unwrap_or_default(),
    }
}
