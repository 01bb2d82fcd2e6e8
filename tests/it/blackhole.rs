//! A port that drops what comes: no answer to SYN, as behind a firewall, and without privileges.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use socket2::{Domain, Socket, Type};

use crate::lab::{Lab, wait_until};

pub(crate) struct Blackhole {
    pub(crate) port: u16,
    _listener: Socket,
    _queue: Vec<TcpStream>,
}

pub(crate) fn blackhole(lab: &Lab) -> Blackhole {
    let hole = at(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
    lab.note_port(hole.port);
    hole
}

/// A listener that never accepts and whose queue is full: Linux then drops every further SYN.
fn at(address: SocketAddr) -> Blackhole {
    let listener = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    listener.bind(&address.into()).unwrap();
    listener.listen(0).unwrap();
    let address = listener.local_addr().unwrap().as_socket().unwrap();
    let mut queue = Vec::new();
    // How many fit is the kernel's business; it is full when one is left without an answer.
    wait_until(|| {
        match TcpStream::connect_timeout(&address, Duration::from_millis(200)) {
            Ok(stream) => queue.push(stream),
            Err(_) => return Some(()),
        }
        None
    })
    .expect("the queue never fills");
    Blackhole {
        port: address.port(),
        _listener: listener,
        _queue: queue,
    }
}

/// Holds the addresses, with a blank between two, at which `in_a_namespace` listens.
pub(crate) const ADDRESSES: &str = "MQTT_IT_BLACK_HOLES";
pub(crate) const READY: &str = "black-holes-are-ready";

/// Not a test of its own: the black holes inside a namespace, and a port that takes connections and says
/// nothing. Elsewhere it does nothing.
#[test]
fn in_a_namespace() {
    let Ok(addresses) = std::env::var(ADDRESSES) else {
        return;
    };
    let addresses = addresses.split(' ').map(|address| address.parse().unwrap());
    let _holes: Vec<Blackhole> = addresses.map(at).collect();
    let _silent = TcpListener::bind("192.0.2.1:8884").unwrap();
    std::fs::write(READY, "").unwrap();
    loop {
        std::thread::park();
    }
}
