//! The codes of dns and tcp.

use std::io::ErrorKind;
use std::net::IpAddr;

use crate::config::{Config, Key, Transport};
use crate::diagnosis::code::Kind;
use crate::diagnosis::{Code, Diagnosis, origin};
use crate::failure::{AddressError, DnsError, Stage, TcpError};
use crate::util::text;

/// The codes of this layer, in the order of `mqtt-test explain`.
pub(crate) static CODES: &[&Code] = &[
    &DNS_NOT_FOUND,
    &DNS_UNAVAILABLE,
    &TCP_REFUSED,
    &TCP_TIMEOUT,
    &TCP_UNREACHABLE,
];

/// A failed look-up. `cloud`: the host is one of a provider that is known here.
pub(crate) fn dns(error: &DnsError, config: &Config, cloud: bool) -> Diagnosis {
    match error {
        DnsError::NotFound { words } => dns_not_found(words, config, cloud),
        DnsError::Unavailable { words, servers } => {
            dns_unavailable(config, servers).note(format!("the resolver says: {words}"))
        }
        DnsError::TimedOut { limit, servers } => dns_unavailable(config, servers).note(format!(
            "no answer within {} ({})",
            text::duration(*limit),
            origin(config, Key::Timeout)
        )),
    }
}

/// No connection to any address. Where the addresses differ, a refusal names the failure before a
/// time-out, and a time-out before an unreachable network: the nearer to the broker, the more it tells.
pub(crate) fn tcp(error: &TcpError, config: &Config) -> Diagnosis {
    let tried = &error.tried;
    let any = |kind| tried.iter().any(|tried| tried.error.kind() == kind);
    if error.answered.is_some() {
        first_address_silent(error, config)
    } else if any(ErrorKind::ConnectionRefused) || any(ErrorKind::ConnectionReset) {
        tcp_refused(tried, config)
    } else if any(ErrorKind::TimedOut) || any(ErrorKind::WouldBlock) {
        tcp_timeout(tried, config)
    } else {
        tcp_unreachable(tried, config)
    }
}

/// Each address with its own error.
fn evidence(tried: &[AddressError], config: &Config) -> Vec<String> {
    let line = |AddressError { address, error }: &AddressError| match error.kind() {
        ErrorKind::TimedOut => format!(
            "{address}: no answer within {} ({})",
            text::duration(config.timeout),
            origin(config, Key::Timeout)
        ),
        _ => format!("{address}: {error}"),
    };
    tried.iter().map(line).collect()
}

pub(crate) static DNS_NOT_FOUND: Code = Code {
    name: "dns-not-found",
    kind: Kind::Failure {
        stage: Stage::Dns,
        retry: true,
    },
    line: "the broker's name does not exist, or has no address",
    more: "A name such as `broker.example.com` is first looked up to get an address (DNS). The look-up was answered, and the answer is: there is none.",
    causes: &[
        "the name is misspelt, or was not copied whole",
        "the broker in the cloud was stopped or deleted, and lost its name with it",
        "the name is known only inside another network (a company's, a container's, a VPN's)",
    ],
    remedies: &[
        "copy the host name once more from the broker's console or from its operator",
        "ask for it by hand: `getent hosts broker.example.com`",
        "look in the cloud's console whether the broker is running",
        "for a machine of the local network, write its full name or its IP address",
    ],
};

fn dns_not_found(words: &str, config: &Config, cloud: bool) -> Diagnosis {
    let host = &config.host;
    Diagnosis::new(&DNS_NOT_FOUND, format!("the name `{host}` has no address"))
        .note(format!("the resolver says: {words}"))
        .help(format!("check the spelling of {}", origin(config, Key::Host)))
        .help_if(
            !host.contains('.'),
            "if it is a machine of the local network, write its full name or its IP address",
        )
        .help_if(!cloud, "if the broker runs in a cloud, look in its console whether it still exists: a stopped or deleted cluster loses its name")
}

pub(crate) static DNS_UNAVAILABLE: Code = Code {
    name: "dns-unavailable",
    kind: Kind::Failure {
        stage: Stage::Dns,
        retry: true,
    },
    line: "names cannot be looked up on this machine now",
    more: "The name server, which turns names into addresses (DNS), could not be asked or did not answer in time. Whether the broker's name is right is not known yet.",
    causes: &[
        "this machine is not on the network, or not yet: a board just after its start",
        "the name server that is set does not answer",
        "a firewall lets no DNS through",
    ],
    remedies: &[
        "see whether there is a network: `ip route` must show a default route",
        "see which name servers are set: `cat /etc/resolv.conf`, or `resolvectl status`",
        "try another name: `getent hosts example.com`; if that fails too, mend this machine's network first",
        "for a service that starts with the machine, add `After=network-online.target` and `Wants=network-online.target`",
    ],
};

fn dns_unavailable(config: &Config, servers: &[String]) -> Diagnosis {
    let servers = match servers {
        [] => "no name server is set in /etc/resolv.conf".to_owned(),
        servers => format!("name servers in use: {}", servers.join(", ")),
    };
    Diagnosis::new(&DNS_UNAVAILABLE, format!("the name `{}` could not be looked up", config.host))
        .note(servers)
        .help("check that this machine is on the network: `ip route` must show a default route")
        .help("if other names fail as well, set a name server that answers, in /etc/resolv.conf or in the router")
}

pub(crate) static TCP_REFUSED: Code = Code {
    name: "tcp-refused",
    kind: Kind::Failure {
        stage: Stage::Tcp,
        retry: true,
    },
    line: "the machine is there, and refuses the connection",
    more: "The address answered at once with a no: nothing takes connections on this port, or a firewall says no in its place. The network between works.",
    causes: &[
        "the broker is not running",
        "the port is wrong: 8883 is usual with TLS, 1883 without",
        "the broker listens for its own machine only (loopback), as mosquitto 2 does without a `listener` line",
        "`localhost` inside a container, which is the container itself",
    ],
    remedies: &[
        "on the broker's machine, see whether it runs and where it listens: `systemctl status mosquitto` and `ss -ltn`",
        "check `host` and `port` in the config file",
        "give mosquitto a listener for the network: `listener 8883` with its certificate, in its configuration",
    ],
};

fn tcp_refused(tried: &[AddressError], config: &Config) -> Diagnosis {
    let Config { host, port, .. } = config;
    let tls = matches!(config.transport, Transport::Tls(_));
    let usual = if tls { 8883 } else { 1883 };
    let is_local = host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
    Diagnosis::new(&TCP_REFUSED, format!("`{host}` refuses connections on port {port}"))
        .notes(evidence(tried, config))
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

pub(crate) static TCP_TIMEOUT: Code = Code {
    name: "tcp-timeout",
    kind: Kind::Failure {
        stage: Stage::Tcp,
        retry: true,
    },
    line: "nothing answers at the broker's address",
    more: "The connection was asked for, and neither a yes nor a no came back in time.",
    causes: &[
        "a firewall on the way drops connections to this port without a word; many networks let only web traffic out",
        "the broker's machine is switched off, or has another address by now",
        "in a cloud, the security group or the list of allowed addresses does not have this one",
    ],
    remedies: &[
        "try from another network, such as a phone's hotspot: if it works there, this network blocks the port",
        "let outbound TCP to the port (usually 8883) through the firewall",
        "AWS IoT Core also takes MQTT on port 443: `port = 443` and `alpn = x-amzn-mqtt-ca`",
        "check `host` and `port`, and that the broker's machine is up",
    ],
};

fn tcp_timeout(tried: &[AddressError], config: &Config) -> Diagnosis {
    let Config { host, port, .. } = config;
    Diagnosis::new(&TCP_TIMEOUT, format!("nothing answers on port {port} of `{host}`"))
        .notes(evidence(tried, config))
        .help(format!("if this network has a firewall, let outbound TCP to port {port} through; many drop it without a word"))
        .help(format!("check {} and {}, and that the broker's machine is up", origin(config, Key::Host), origin(config, Key::Port)))
}

/// The stage tcp went on to the next address; rumqttc did not.
fn first_address_silent(error: &TcpError, config: &Config) -> Diagnosis {
    let diagnosis = Diagnosis::new(
        &TCP_TIMEOUT,
        "the first address of the broker does not answer",
    )
    .notes(evidence(&error.tried, config));
    let Some(peer) = error.answered else {
        return diagnosis;
    };
    diagnosis
        .note(format!("{peer} did answer, but the connection tries the addresses in their order, each for minutes"))
        .help("open the way to the address above, or take it out of the name's DNS records")
        .help(format!("or connect to the one that works: `host = {}`, with `server_name = {}`", peer.ip(), config.host))
}

pub(crate) static TCP_UNREACHABLE: Code = Code {
    name: "tcp-unreachable",
    kind: Kind::Failure {
        stage: Stage::Tcp,
        retry: true,
    },
    line: "there is no route from this machine to the broker",
    more: "This machine's own network, or a router on the way, says that the address cannot be reached.",
    causes: &[
        "the network is down: no cable, no Wi-Fi, no VPN",
        "there is no default route",
        "the broker has IPv6 addresses only, and this machine has no IPv6",
    ],
    remedies: &[
        "see what there is: `ip address` and `ip route`",
        "connect the network or the VPN, and try again",
        "see which addresses the name has: `getent ahosts broker.example.com`",
    ],
};

fn tcp_unreachable(tried: &[AddressError], config: &Config) -> Diagnosis {
    let host = &config.host;
    let is_name = host.parse::<IpAddr>().is_err();
    let only_ipv6 = tried.iter().all(|tried| tried.address.is_ipv6());
    Diagnosis::new(
        &TCP_UNREACHABLE,
        format!("there is no route from this machine to `{host}`"),
    )
    .notes(evidence(tried, config))
    .help(match tried.first() {
        Some(first) => format!(
            "check that this machine is on the network: `ip route get {}` must show a route",
            first.address.ip()
        ),
        None => "check that this machine is on the network".to_owned(),
    })
    .help_if(
        only_ipv6 && is_name,
        "the name has IPv6 addresses only: this machine needs IPv6, or the name an IPv4 address",
    )
    .help_if(
        only_ipv6 && !is_name,
        "it is an IPv6 address: this machine needs IPv6, or `host` the broker's IPv4 address",
    )
}
