//! The stages dns and tcp. Every address keeps its own error. It never sends a byte.

use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs};
use std::time::Duration;
use std::{fs, io};

use crate::failure::{
    AddressError, DnsError, Failure, LimitError, OtherPorts, PortAnswer, Resource, Stage, TcpError,
};
use crate::net::signals::Stop;
use crate::net::wait;
use crate::net::wait::{Deadline, WaitError};
use crate::os::{self, Connecting};

/// Asks the system for the addresses of `host`, in the order in which it wants them tried
/// (RFC 6724), without duplicates. An IP address is its own answer.
///
/// # Errors
/// A [`DnsError`], after `limit` at the latest.
pub(crate) fn resolve(
    host: &str,
    port: u16,
    limit: Duration,
    stop: &Stop,
) -> Result<Vec<SocketAddr>, Failure> {
    if let Ok(ip) = host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(ip, port)]);
    }
    // Without one the resolver says that it could not be reached.
    os::descriptors(1).map_err(|error| unresolved(&error))?;
    let name = host.to_owned();
    let look_up = move || (name.as_str(), port).to_socket_addrs();
    match wait::bounded(limit, stop, look_up) {
        Ok(Ok(found)) => {
            let mut addresses = Vec::new();
            for address in found {
                if !addresses.contains(&address) {
                    addresses.push(address);
                }
            }
            if addresses.is_empty() {
                let words = "the resolver answered without an address".to_owned();
                return Err(Failure::Dns(DnsError::NotFound { words }));
            }
            Ok(addresses)
        }
        Ok(Err(error)) | Err(WaitError::Io(error)) => Err(unresolved(&error)),
        Err(WaitError::TimedOut { limit }) => Err(Failure::Dns(DnsError::TimedOut {
            limit,
            servers: name_servers(),
            network: None,
        })),
        Err(WaitError::Interrupted) => Err(Failure::Interrupted(Stage::Dns)),
    }
}

fn unresolved(error: &io::Error) -> Failure {
    let limit = LimitError::of(error).or_else(|| {
        // EAI_MEMORY, in the words of glibc and of musl.
        let words = error.to_string();
        let memory = words.contains("Memory allocation") || words.contains("Out of memory");
        let resource = Resource::Memory;
        memory.then_some(LimitError { resource, words })
    });
    match limit {
        Some(limit) => Failure::Limit(Stage::Dns, limit),
        None => Failure::Dns(classify(error)),
    }
}

fn classify(error: &io::Error) -> DnsError {
    let words = error.to_string();
    let words = words
        .strip_prefix("failed to lookup address information: ")
        .unwrap_or(&words)
        .to_owned();
    if os::name_is_unknown(error) {
        return DnsError::NotFound { words };
    }
    DnsError::Unavailable {
        words,
        servers: name_servers(),
        network: None,
    }
}

/// The name servers that resolv.conf(5) names; `None`: this system has no such file.
fn name_servers() -> Option<Vec<String>> {
    if !os::HAS_SYSTEM_FILES {
        return None;
    }
    let text = fs::read_to_string("/etc/resolv.conf").unwrap_or_default();
    let servers = text
        .lines()
        .filter_map(|line| line.trim().strip_prefix("nameserver"))
        .filter_map(|rest| rest.split_whitespace().next());
    Some(servers.map(str::to_owned).collect())
}

/// A connected socket, and the addresses that failed before it.
#[derive(Debug)]
pub(crate) struct Connected {
    pub(crate) stream: TcpStream,
    pub(crate) peer: SocketAddr,
    pub(crate) failed: Vec<AddressError>,
}

/// Tries the addresses in their order, each for at most `limit`, until one answers.
///
/// # Errors
/// [`Failure::Tcp`] with every address's own error; [`Failure::Limit`].
pub(crate) fn connect(
    addresses: &[SocketAddr],
    limit: Duration,
    stop: &Stop,
) -> Result<Connected, Failure> {
    let mut failed = Vec::new();
    for &address in addresses {
        let error = match connect_to(address, Deadline::after(limit, stop)) {
            Ok(stream) => {
                return Ok(Connected {
                    stream,
                    peer: address,
                    failed,
                });
            }
            Err(WaitError::Io(error)) => error,
            Err(WaitError::TimedOut { .. }) => {
                io::Error::new(io::ErrorKind::TimedOut, "connection timed out")
            }
            Err(WaitError::Interrupted) => return Err(Failure::Interrupted(Stage::Tcp)),
        };
        if let Some(limit) = LimitError::of(&error) {
            return Err(Failure::Limit(Stage::Tcp, limit));
        }
        failed.push(AddressError { address, error });
    }
    Err(Failure::Tcp(TcpError {
        tried: failed,
        ..TcpError::default()
    }))
}

/// What the usual ports of web and MQTT say at an address that does not answer on its own port. All
/// are asked at once, for at most `limit`; what a router says in its place is left out.
pub(crate) fn other_ports(
    address: SocketAddr,
    limit: Duration,
    stop: &Stop,
) -> Option<Box<OtherPorts>> {
    let deadline = Deadline::after(limit, stop);
    let (mut begun, mut answers) = (Vec::new(), Vec::new());
    for port in [443, 8883, 1883] {
        let mut other = address;
        other.set_port(port);
        if other != address {
            begun.push((port, Connecting::begin(other)));
        }
    }
    for (port, begun) in begun {
        let ended = begun.map_err(WaitError::Io);
        let answer = match ended.and_then(|connecting| finish(connecting, deadline)) {
            Ok(_) => PortAnswer::Open,
            Err(WaitError::TimedOut { .. }) => PortAnswer::Silence,
            Err(WaitError::Io(error)) if error.kind() == io::ErrorKind::ConnectionRefused => {
                PortAnswer::Refused
            }
            Err(_) => continue,
        };
        answers.push((port, answer));
    }
    let seen = !answers.is_empty();
    seen.then(|| {
        Box::new(OtherPorts {
            address,
            limit,
            answers,
        })
    })
}

/// A blocking socket, connected to `address`.
fn connect_to(address: SocketAddr, deadline: Deadline<'_>) -> Result<TcpStream, WaitError> {
    finish(Connecting::begin(address)?, deadline)
}

/// A connection in which the peer sends segments of some 1,100 bytes at most, which pass where those of
/// full size get lost: it sees a receive window that has room for no more (Linux has no smaller one).
///
/// # Errors
/// A [`WaitError`], after `limit` at the latest; on Windows always.
pub(crate) fn with_small_segments(
    address: SocketAddr,
    limit: Duration,
    stop: &Stop,
) -> Result<TcpStream, WaitError> {
    let connecting = Connecting::begin_with_window(address, 1152)?;
    finish(connecting, Deadline::after(limit, stop))
}

fn finish(mut connecting: Connecting, deadline: Deadline<'_>) -> Result<TcpStream, WaitError> {
    loop {
        // Once more when the time is over: it may have been spent on another socket.
        let left = deadline.left();
        let wait = left.as_ref().map_or(Duration::ZERO, |left| *left);
        if connecting.has_ended(wait)? {
            break;
        }
        left?;
    }
    let stream = connecting.into_stream()?;
    // Small packets, each awaited: Nagle's algorithm would only delay them.
    let _ = stream.set_nodelay(true);
    Ok(stream)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::io::Read;
    use std::net::{Ipv4Addr, Ipv6Addr, TcpListener};
    use std::thread;
    use std::time::Instant;

    use rustix::io::{FdFlags, fcntl_getfd};
    use socket2::{Domain, Socket, Type};

    use super::*;

    #[track_caller]
    fn check_error(error: &io::Error, unavailable: bool) {
        let found = classify(error);
        assert_eq!(
            matches!(found, DnsError::Unavailable { .. }),
            unavailable,
            "{found:?}"
        );
    }

    #[track_caller]
    fn check(words: &str, unavailable: bool) {
        let error = io::Error::other(format!("failed to lookup address information: {words}"));
        check_error(&error, unavailable);
    }

    #[test]
    fn the_resolvers_words_tell_a_missing_name_from_a_missing_resolver() {
        check("Name or service not known", false);
        check("No address associated with hostname", false);
        check("Name does not resolve", false);
        check("nodename nor servname provided, or not known", false);
        check("Temporary failure in name resolution", true);
        check("Try again", true);
        check("Non-recoverable failure in name resolution", true);
        check("Unrecoverable error", true);
    }

    /// EAI_SYSTEM: `std` hands over what a system call said, here "Input/output error".
    #[test]
    fn an_error_of_the_system_says_nothing_of_the_name() {
        check_error(&io::Error::from_raw_os_error(5), true);
    }

    #[test]
    fn a_limit_of_this_machine_is_none_of_the_resolver() {
        for (error, expected) in [
            (io::Error::from_raw_os_error(24), Resource::Descriptors),
            (
                LimitError::of_thread(&io::Error::from_raw_os_error(11)),
                Resource::Thread,
            ),
            (
                io::Error::other("Memory allocation failure"),
                Resource::Memory,
            ),
            (io::Error::other("Out of memory"), Resource::Memory),
        ] {
            let found = unresolved(&error);
            let Failure::Limit(Stage::Dns, limit) = found else {
                panic!("{found:?}");
            };
            assert_eq!(limit.resource, expected);
        }
        let again = unresolved(&io::Error::from_raw_os_error(11));
        assert!(matches!(again, Failure::Dns(_)), "{again:?}");
    }

    #[test]
    fn an_ip_address_needs_no_resolver() {
        let stop = Stop::default();
        let found = resolve("::1", 8883, Duration::ZERO, &stop).ok();
        assert_eq!(
            found,
            Some(vec![SocketAddr::from(([0, 0, 0, 0, 0, 0, 0, 1], 8883))])
        );
    }

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn a_connected_socket_is_an_ordinary_one() {
        for ip in [
            IpAddr::from(Ipv4Addr::LOCALHOST),
            Ipv6Addr::LOCALHOST.into(),
        ] {
            let Ok(listener) = TcpListener::bind((ip, 0)) else {
                assert!(ip.is_ipv6(), "a machine without IPv4");
                continue;
            };
            let address = listener.local_addr().unwrap();
            let connected = connect(&[address], MINUTE, &Stop::default()).unwrap();
            let mut stream = connected.stream;
            assert_eq!(
                (connected.peer, stream.peer_addr().unwrap()),
                (address, address)
            );
            assert!(stream.nodelay().unwrap());
            assert!(fcntl_getfd(&stream).unwrap().contains(FdFlags::CLOEXEC));
            // It blocks: a read waits.
            let (start, limit) = (Instant::now(), Duration::from_millis(30));
            stream.set_read_timeout(Some(limit)).unwrap();
            stream.read(&mut [0]).unwrap_err();
            assert!(start.elapsed() >= limit);
        }
    }

    /// The error is the one that the standard library gives, for each address its own.
    #[test]
    fn every_address_keeps_the_systems_error() {
        let (refused, _socket) = bound();
        // To the broadcast address the system itself lets nothing out.
        let addresses = [refused, SocketAddr::from(([255; 4], 8883))];
        let failure = connect(&addresses, MINUTE, &Stop::default()).unwrap_err();
        let Failure::Tcp(TcpError { tried, .. }) = failure else {
            panic!("{failure:?}");
        };
        assert_eq!(tried.len(), 2);
        for (tried, address) in tried.iter().zip(addresses) {
            let expected = TcpStream::connect_timeout(&address, MINUTE).unwrap_err();
            assert_eq!(tried.address, address);
            assert_eq!(tried.error.kind(), expected.kind());
            assert_eq!(tried.error.to_string(), expected.to_string());
        }
    }

    /// A port that is taken, and where nobody listens.
    fn bound() -> (SocketAddr, Socket) {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        socket.bind(&any.into()).unwrap();
        let address = socket.local_addr().unwrap().as_socket().unwrap();
        (address, socket)
    }

    /// A listener that never accepts and whose queue is full: Linux drops every further SYN.
    fn black_hole() -> (SocketAddr, Socket, Vec<TcpStream>) {
        let (address, listener) = bound();
        listener.listen(0).unwrap();
        let wait = Duration::from_millis(200);
        let queue = std::iter::from_fn(|| TcpStream::connect_timeout(&address, wait).ok());
        let queue = queue.take(100).collect();
        (address, listener, queue)
    }

    #[test]
    fn silence_ends_by_the_limit_or_by_a_signal() {
        let (address, _listener, _queue) = black_hole();
        let (limit, stop) = (Duration::from_millis(120), Stop::default());
        let start = Instant::now();
        let failure = connect(&[address], limit, &stop).unwrap_err();
        assert!(start.elapsed() >= limit);
        let Failure::Tcp(TcpError { tried, .. }) = failure else {
            panic!("{failure:?}");
        };
        let expected = TcpStream::connect_timeout(&address, limit).unwrap_err();
        assert_eq!(tried[0].error.kind(), expected.kind());
        assert_eq!(tried[0].error.to_string(), expected.to_string());

        let signal = stop.clone();
        let signalled = thread::spawn(move || {
            thread::sleep(limit);
            signal.set();
            Instant::now()
        });
        let failure = connect(&[address], MINUTE, &stop).unwrap_err();
        let answered = Instant::now() - signalled.join().unwrap();
        assert!(matches!(failure, Failure::Interrupted(Stage::Tcp)));
        assert!(answered < Duration::from_secs(5), "{answered:?}");
    }
}
