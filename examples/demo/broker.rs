//! rumqttd in this process: MQTT 3.1.1 on a loopback port of its own, for one user. It has no TLS;
//! what a client sees of it is `front`. It cannot be stopped: it ends with the process.
//!
//! It logs through `tracing`, and is silent because nobody installs a subscriber.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};
use std::{future, thread};

use rumqttd::{Broker, Config, ConnectionSettings, RouterConfig, ServerSettings};

use crate::Trouble;

/// It takes some 5 ms; a loaded board may need more.
const START: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(5);
const TRIES: usize = 5;

/// Starts the broker and waits until it accepts connections; where it listens.
pub(crate) fn start(username: &str, password: &str) -> Result<SocketAddr, Trouble> {
    // rumqttd cannot say which port it took, so a free one is picked for it. Another process can
    // take that port in between; then the broker's server ends, and another port is tried.
    for _ in 0..TRIES {
        let address = free_address().map_err(|e| format!("no free port on loopback: {e}"))?;
        let ended = run(config(address, username, password))?;
        if accepts(address, &ended)? {
            return Ok(address);
        }
    }
    Err(format!("the broker found no free port in {TRIES} tries"))
}

fn free_address() -> std::io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}

/// Runs the broker on a thread; the channel closes when it ends, which it does only by failing.
fn run(config: Config) -> Result<Receiver<()>, Trouble> {
    let (running, ended) = mpsc::channel();
    thread::Builder::new()
        .name("broker".to_owned())
        .spawn(move || {
            let _running = running;
            // An error has no details that the closed channel does not tell.
            let _ = Broker::new(config).start();
        })
        .map_err(|e| format!("cannot start a thread for the broker: {e}"))?;
    Ok(ended)
}

/// Whether the broker accepts; `false` if it has ended.
fn accepts(address: SocketAddr, ended: &Receiver<()>) -> Result<bool, Trouble> {
    let deadline = Instant::now() + START;
    loop {
        let connected = TcpStream::connect_timeout(&address, LOOK);
        if ended.recv_timeout(LOOK) == Err(RecvTimeoutError::Disconnected) {
            return Ok(false);
        }
        match connected {
            // Closed at once, before a CONNECT: rumqttd then counts no client.
            Ok(_) => return Ok(true),
            Err(e) if Instant::now() >= deadline => {
                return Err(format!(
                    "the broker did not come up at {address} in {} s: {e}",
                    START.as_secs()
                ));
            }
            Err(_) => {}
        }
    }
}

fn config(listen: SocketAddr, username: &str, password: &str) -> Config {
    let mut connections = ConnectionSettings {
        connection_timeout_ms: 10_000,
        // The program's own limit for a packet, and room for the topic.
        max_payload_size: (1 << 20) + (64 << 10),
        max_inflight_count: 500,
        auth: None,
        external_auth: None,
        // Any topic may be published to, not only one that somebody subscribed to before.
        dynamic_filters: true,
    };
    let user = (username.to_owned(), password.to_owned());
    connections.set_auth_handler(move |client_id, username, password| {
        // rumqttd refuses a client id with one of these, but only after it has noted it down; when
        // the same id comes again, it panics over its note. So it never gets that far.
        let fit = !client_id.contains(['+', '$', '#', '/']);
        future::ready(fit && (username, password) == user)
    });
    let server = ServerSettings {
        name: "demo".to_owned(),
        listen,
        tls: None,
        next_connection_delay_ms: 1,
        connections,
    };
    Config {
        router: RouterConfig {
            max_connections: 1000,
            max_outgoing_packet_count: 200,
            max_segment_size: 10 << 20,
            max_segment_count: 4,
            ..RouterConfig::default()
        },
        v4: Some(HashMap::from([("demo".to_owned(), server)])),
        ..Config::default()
    }
}
