//! Peers that a rogue cannot be: each connection is handed to a script of the test's own, byte by
//! byte, with TLS or without. And a slow link, which is honest, between a client and a server.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rcgen::KeyPair;
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::codec::{self, Packet};
use crate::lab::Lab;

pub(crate) struct Hostile {
    pub(crate) port: u16,
    stopping: Arc<AtomicBool>,
}

/// Runs `script` on every connection. An error in it is the client's leaving, and the end of it.
pub(crate) fn hostile(
    lab: &Lab,
    script: impl Fn(TcpStream) -> io::Result<()> + Send + Sync + 'static,
) -> Hostile {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    lab.note_port(port);
    let stopping = Arc::new(AtomicBool::new(false));
    let stop = Arc::clone(&stopping);
    let script = Arc::new(script);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            if stop.load(Ordering::SeqCst) {
                return;
            }
            let Ok(stream) = stream else { continue };
            let script = Arc::clone(&script);
            std::thread::spawn(move || {
                stream.set_nodelay(true)?;
                script(stream)
            });
        }
    });
    Hostile { port, stopping }
}

impl Drop for Hostile {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::SeqCst);
        // Wakes the thread that waits in accept.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
    }
}

/// The same after a TLS handshake.
pub(crate) fn hostile_tls(
    lab: &Lab,
    config: Arc<ServerConfig>,
    script: impl Fn(StreamOwned<ServerConnection, TcpStream>) -> io::Result<()> + Send + Sync + 'static,
) -> Hostile {
    hostile(lab, move |stream| {
        let tls = ServerConnection::new(Arc::clone(&config)).map_err(io::Error::other)?;
        script(StreamOwned::new(tls, stream))
    })
}

/// Takes the client's first bytes, whatever they are.
pub(crate) fn first_bytes(stream: &mut impl Read) -> io::Result<()> {
    let mut bytes = [0; 16 * 1024];
    match stream.read(&mut bytes)? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(()),
    }
}

/// Sends `bytes` again and again, until the client has gone.
pub(crate) fn endless(stream: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
    loop {
        stream.write_all(bytes)?;
    }
}

/// Reads to the client's end, and says nothing.
pub(crate) fn silence(stream: &mut impl Read) -> io::Result<()> {
    io::copy(stream, &mut io::sink()).map(drop)
}

/// A good broker until `until` has come; the packet that it was.
pub(crate) fn broker_until(
    stream: &mut (impl Read + Write),
    until: impl Fn(&Packet) -> bool,
) -> io::Result<Packet> {
    loop {
        let Some(packet) = codec::read_packet(stream, false)? else {
            return Err(io::ErrorKind::UnexpectedEof.into());
        };
        if until(&packet) {
            return Ok(packet);
        }
        let answer = match &packet {
            Packet::Connect(_) => codec::connack(0, false),
            Packet::Subscribe { id, .. } => codec::suback(*id, &[1], false),
            Packet::Publish(message) => codec::ack(codec::PUBACK, message.id),
            _ => continue,
        };
        stream.write_all(&answer)?;
        stream.flush()?;
    }
}

/// A TLS server that presents `chain` whatever it is: no library looks at it before the client.
pub(crate) fn presenting(chain: Vec<Vec<u8>>, key: &KeyPair) -> Arc<ServerConfig> {
    #[derive(Debug)]
    struct Always(Arc<CertifiedKey>);

    impl ResolvesServerCert for Always {
        fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
            Some(Arc::clone(&self.0))
        }
    }

    let der = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let key = ring::sign::any_supported_type(&der).unwrap();
    let chain = chain.into_iter().map(CertificateDer::from).collect();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(Always(Arc::new(CertifiedKey::new(chain, key)))));
    Arc::new(config)
}

/// A link to `port` on which everything takes `delay`, each way, and arrives byte by byte.
pub(crate) fn slow_link(lab: &Lab, port: u16, delay: Duration) -> Hostile {
    hostile(lab, move |client| {
        let server = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        server.set_nodelay(true)?;
        let (from, to) = (client.try_clone()?, server.try_clone()?);
        std::thread::spawn(move || crawl(from, to, delay));
        crawl(server, client, delay)
    })
}

fn crawl(mut from: TcpStream, mut to: TcpStream, delay: Duration) -> io::Result<()> {
    let mut bytes = [0; 4096];
    loop {
        let count = from.read(&mut bytes)?;
        std::thread::sleep(delay);
        if count == 0 {
            return to.shutdown(Shutdown::Write);
        }
        for byte in &bytes[..count] {
            to.write_all(&[*byte])?;
        }
    }
}
