//! The words for dns and tcp.

use std::io::ErrorKind;
use std::net::IpAddr;

use crate::config::{Config, Transport};
use crate::diagnosis::{Code, Words, origin, providers};
use crate::failure::{AddressError, DnsError, TcpError};
use crate::util::text;

/// A failed look-up.
pub(crate) fn dns(fault: &DnsError, config: &Config) -> Words {
    let host = &config.host;
    match fault {
        DnsError::NotFound { words } => {
            Words::new(Code::DnsNotFound, format!("the name `{host}` has no address"))
                .note(format!("the resolver says: {words}"))
                .help(format!("check the spelling of {}", origin(config, "host")))
                .help_if(
                    !host.contains('.'),
                    "if it is a machine of the local network, write its full name or its IP address",
                )
                .help_if(!providers::is_known(config), "if the broker runs in a cloud, look in its console whether it still exists: a stopped or deleted cluster loses its name")
        }
        DnsError::Unavailable { words, servers } => {
            unavailable(host, servers).note(format!("the resolver says: {words}"))
        }
        DnsError::TimedOut { limit, servers } => unavailable(host, servers).note(format!(
            "no answer within {} ({})",
            text::duration(*limit),
            origin(config, "timeout")
        )),
    }
}

fn unavailable(host: &str, servers: &[String]) -> Words {
    let servers = match servers {
        [] => "no name server is set in /etc/resolv.conf".to_owned(),
        servers => format!("name servers in use: {}", servers.join(", ")),
    };
    Words::new(Code::DnsUnavailable, format!("the name `{host}` could not be looked up"))
        .note(servers)
        .help("check that this machine is on the network: `ip route` must show a default route")
        .help("if other names fail as well, set a name server that answers, in /etc/resolv.conf or in the router")
}

/// No connection to any address.
pub(crate) fn tcp(fault: &TcpError, config: &Config) -> Words {
    let tried = &fault.tried;
    let evidence = tried
        .iter()
        .map(|AddressError { address, error }| match error.kind() {
            ErrorKind::TimedOut => format!(
                "{address}: no answer within {} ({})",
                text::duration(config.timeout),
                origin(config, "timeout")
            ),
            _ => format!("{address}: {error}"),
        });
    if let Some(peer) = fault.answered {
        return Words::new(Code::TcpTimeout, "the first address of the broker does not answer")
            .notes(evidence)
            .note(format!("{peer} did answer, but the connection tries the addresses in their order, each for minutes"))
            .help("open the way to the address above, or take it out of the name's DNS records")
            .help(format!("or connect to the one that works: `host = {}`, with `server_name = {}`", peer.ip(), config.host));
    }
    let code = code(tried);
    let port = config.port;
    let words = match code {
        Code::TcpRefused => refused(config),
        Code::TcpTimeout => {
            Words::new(code, format!("nothing answers on port {port} of `{}`", config.host))
                .help(format!("if this network has a firewall, let outbound TCP to port {port} through; many drop it without a word"))
                .help(format!("check {} and {}, and that the broker's machine is up", origin(config, "host"), origin(config, "port")))
        }
        _ => Words::new(Code::TcpUnreachable, format!("there is no route from this machine to `{}`", config.host))
            .help(match tried.first() {
                Some(first) => format!("check that this machine is on the network: `ip route get {}` must show a route", first.address.ip()),
                None => "check that this machine is on the network".to_owned(),
            })
            .help_if(
                tried.iter().all(|tried| tried.address.is_ipv6()),
                "the name has IPv6 addresses only: this machine needs IPv6, or the name an IPv4 address",
            ),
    };
    let mut words = words;
    words.notes.extend(evidence);
    words
}

/// Where the addresses differ, a refusal names the failure before a time-out, and a time-out before
/// an unreachable network: the nearer to the broker, the more it tells.
fn code(tried: &[AddressError]) -> Code {
    let any = |kind| tried.iter().any(|tried| tried.error.kind() == kind);
    if any(ErrorKind::ConnectionRefused) || any(ErrorKind::ConnectionReset) {
        Code::TcpRefused
    } else if any(ErrorKind::TimedOut) || any(ErrorKind::WouldBlock) {
        Code::TcpTimeout
    } else {
        Code::TcpUnreachable
    }
}

fn refused(config: &Config) -> Words {
    let Config { host, port, .. } = config;
    let tls = matches!(config.transport, Transport::Tls(_));
    let usual = if tls { 8883 } else { 1883 };
    let is_local = host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
    Words::new(Code::TcpRefused, format!("`{host}` refuses connections on port {port}"))
        .help("check that the broker is running, and that it listens on this port")
        .help_if(is_local, format!("on the broker's machine, `ss -ltn | grep :{port}` shows whether anything listens there"))
        .help_if(
            *port != usual,
            format!("the usual port is {usual} {}: set `port = {usual}` if the broker listens there", if tls { "for MQTT over TLS" } else { "for MQTT without TLS" }),
        )
        .help_if(
            is_local,
            "if the broker runs in a container or on another machine, `localhost` is not its address",
        )
        .help_if(host == "localhost", "if the broker listens on IPv4 alone or IPv6 alone, write `host = 127.0.0.1` or `host = ::1`")
        .help_if(!is_local, "if the broker listens on its own loopback address alone, as mosquitto does without a `listener` line, give it a listener for the network")
}
