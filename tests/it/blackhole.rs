//! A port that drops what comes: no answer to SYN, as behind a firewall, and without privileges.

use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use socket2::{Domain, Socket, Type};

use crate::lab::{Lab, wait_until};

pub(crate) struct Blackhole {
    pub(crate) port: u16,
    _listener: Socket,
    _queue: Vec<TcpStream>,
}

/// A listener that never accepts and whose queue is full: Linux then drops every further SYN.
pub(crate) fn blackhole(lab: &Lab) -> Blackhole {
    let listener = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    listener.bind(&any.into()).unwrap();
    listener.listen(0).unwrap();
    let address = listener.local_addr().unwrap().as_socket().unwrap();
    lab.note_port(address.port());
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
