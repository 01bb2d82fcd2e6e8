//! The stages dns and tcp, on `std::net`. Every address keeps its own error. It never sends a byte.

use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs};
use std::time::Duration;
use std::{fs, io};

use crate::failure::{AddressError, DnsError, Failure, Stage, TcpError};
use crate::net::signals::Stop;
use crate::net::wait;
use crate::net::wait::WaitError;

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
        Ok(Err(error)) | Err(WaitError::Io(error)) => Err(Failure::Dns(classify(&error))),
        Err(WaitError::TimedOut { limit }) => Err(Failure::Dns(DnsError::TimedOut {
            limit,
            servers: name_servers(),
        })),
        Err(WaitError::Interrupted) => Err(Failure::Interrupted(Stage::Dns)),
    }
}

/// getaddrinfo's code does not survive `std`; only its words do (glibc, musl, the BSDs). An error with
/// a number is a system call's (EAI_SYSTEM), and says nothing of the name.
fn classify(error: &io::Error) -> DnsError {
    const UNAVAILABLE: [&str; 6] = [
        "Temporary failure",
        "Try again",
        "on-recoverable",
        "nrecoverable",
        "System error",
        "Memory allocation",
    ];
    let words = error.to_string();
    let words = words
        .strip_prefix("failed to lookup address information: ")
        .unwrap_or(&words)
        .to_owned();
    let system = error.raw_os_error().is_some();
    if system || UNAVAILABLE.iter().any(|known| words.contains(known)) {
        DnsError::Unavailable {
            words,
            servers: name_servers(),
        }
    } else {
        DnsError::NotFound { words }
    }
}

/// The name servers that resolv.conf(5) names.
fn name_servers() -> Vec<String> {
    let text = fs::read_to_string("/etc/resolv.conf").unwrap_or_default();
    text.lines()
        .filter_map(|line| line.trim().strip_prefix("nameserver"))
        .filter_map(|rest| rest.split_whitespace().next())
        .map(str::to_owned)
        .collect()
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
/// [`Failure::Tcp`] with every address's own error.
pub(crate) fn connect(
    addresses: &[SocketAddr],
    limit: Duration,
    stop: &Stop,
) -> Result<Connected, Failure> {
    let mut failed = Vec::new();
    for &address in addresses {
        // The thread is for the signal's sake: `connect_timeout` goes on after EINTR. Its own limit
        // is the real one; ours is a little longer, so that its word is heard.
        let call = move || TcpStream::connect_timeout(&address, limit);
        let error = match wait::bounded(limit + wait::SIGNAL_POLL, stop, call) {
            Ok(Ok(stream)) => {
                // Small packets, each awaited: Nagle's algorithm would only delay them.
                let _ = stream.set_nodelay(true);
                return Ok(Connected {
                    stream,
                    peer: address,
                    failed,
                });
            }
            Ok(Err(error)) | Err(WaitError::Io(error)) => error,
            Err(WaitError::TimedOut { .. }) => io::ErrorKind::TimedOut.into(),
            Err(WaitError::Interrupted) => return Err(Failure::Interrupted(Stage::Tcp)),
        };
        failed.push(AddressError { address, error });
    }
    Err(Failure::Tcp(TcpError {
        tried: failed,
        answered: None,
    }))
}

#[cfg(test)]
mod tests {
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

    /// EAI_SYSTEM: `std` hands over what a system call said, here "Too many open files".
    #[test]
    fn an_error_of_the_system_says_nothing_of_the_name() {
        check_error(&io::Error::from_raw_os_error(24), true);
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
}
