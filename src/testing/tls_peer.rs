//! A server over TLS that does what a test wants.

use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rcgen::generate_simple_self_signed;
use rustls::crypto::ring;
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::config::TlsSettings;
use crate::net::Stop;
use crate::testing;
use crate::tls::{Channel, Tls};
use crate::x509::certificate;

const MINUTE: Duration = Duration::from_secs(60);

/// A channel, its handshake done, to a server that does `serve`.
pub(crate) fn channel_to(
    serve: impl FnOnce(StreamOwned<ServerConnection, TcpStream>) + Send + 'static,
) -> Channel {
    let issued = generate_simple_self_signed(["h.example".to_owned()]).unwrap();
    let der = issued.cert.der().clone();
    let key = PrivateKeyDer::Pkcs8(issued.signing_key.serialize_der().into());
    let config = testing::good("system_roots = off\nca_file = ca.pem\n");
    let settings = TlsSettings {
        ca_file: None,
        pin_sha256: Some(certificate::sha256(&der)),
        ..testing::tls(&config).clone()
    };
    let server = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![der], key)
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let connection = ServerConnection::new(Arc::new(server)).unwrap();
        serve(StreamOwned::new(connection, stream));
    });
    let tls = Tls::new(&config, &settings).unwrap();
    let stream = TcpStream::connect(address).unwrap();
    tls.handshake(stream, MINUTE, &Stop::default()).unwrap()
}
