//! The codes of dns and tcp.

use std::io::ErrorKind;
use std::net::IpAddr;

use crate::config::{Config, Key, Transport};
use crate::diagnosis::code::Kind;
use crate::diagnosis::{Code, Diagnosis, origin};
use crate::failure::{
    AddressError, DnsError, Network, OtherPorts, PortAnswer, Stage, TcpError, TcpErrorKind,
};
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
        DnsError::Unavailable {
            words,
            servers,
            network,
        } => {
            let said = format!("the resolver says: {words}");
            dns_unavailable(config, servers.as_deref(), said, network.as_deref())
        }
        DnsError::TimedOut {
            limit,
            servers,
            network,
        } => {
            let said = format!(
                "the look-up did not end within {} ({})",
                text::duration(*limit),
                origin(config, Key::Timeout)
            );
            dns_unavailable(config, servers.as_deref(), said, network.as_deref())
        }
    }
}

/// No connection to any address. `cloud` as for [`dns`].
pub(crate) fn tcp(error: &TcpError, config: &Config, cloud: bool) -> Diagnosis {
    if error.answered.is_some() {
        return first_address_silent(error, config);
    }
    match error.kind() {
        TcpErrorKind::Refused => tcp_refused(error, config, cloud),
        TcpErrorKind::TimedOut => tcp_timeout(error, config, cloud),
        TcpErrorKind::Unreachable => tcp_unreachable(error, config),
    }
}

/// Where this machine's packets go.
fn network_note(network: &Network) -> String {
    let through = |family: &Option<String>| match family {
        Some(name) => format!("through `{name}`"),
        None => "none".to_owned(),
    };
    match (&network.ipv4, &network.ipv6) {
        (None, None) if network.up.is_empty() => {
            "no interface beside loopback has a route (/proc/net)".to_owned()
        }
        (None, None) => format!(
            "this machine has no default route; interfaces that are up: `{}`",
            network.up.join("`, `")
        ),
        (ipv4, ipv6) => format!(
            "default route for IPv4: {}; for IPv6: {}",
            through(ipv4),
            through(ipv6)
        ),
    }
}

/// What to do about it where there is no way out at all.
fn network_help(network: &Network) -> &'static str {
    if network.up.is_empty() {
        "connect this machine to its network first: `ip address` shows which interface is down or has no address"
    } else {
        "give this machine a default route first, which its router's DHCP usually brings: `ip route` must show it"
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
        "it ends in `.local` and is found by mDNS, which this machine does not speak, or not for this program",
        "the name server says of the name's IPv6 addresses (AAAA) that there is no such name, which it should not: a program built with musl takes that for the whole answer, though others find the name",
    ],
    remedies: &[
        "copy the host name once more from the broker's console or from its operator",
        "ask for it by hand: `getent hosts broker.example.com`, or `nslookup` where there is no `getent`",
        "look in the cloud's console whether the broker is running",
        "for a machine of the local network, write its full name or its IP address",
    ],
};

fn dns_not_found(words: &str, config: &Config, cloud: bool) -> Diagnosis {
    let host = &config.host;
    let mdns = mdns_help(config, MUSL);
    let is_mdns = mdns.is_some();
    let may_be_in_a_cloud = !cloud && !is_mdns && host.contains('.');
    Diagnosis::new(&DNS_NOT_FOUND, format!("no address was found for the name `{host}`"))
        .note(format!("the resolver says: {words}"))
        .helps(mdns)
        .help(format!("check the spelling of {}", origin(config, Key::Host)))
        .help_if(
            !host.contains('.'),
            "if it is a machine of the local network, write its full name or its IP address",
        )
        .help_if(may_be_in_a_cloud, "if the broker runs in a cloud, look in its console whether it still exists: a stopped or deleted cluster loses its name")
        .helps(aaaa_help(host, "may say of its IPv6 addresses (AAAA) that there is no such name, and this program, built with musl, takes that for the whole answer", MUSL && !is_mdns))
}

/// Built with musl, whose resolver asks name servers and nobody else.
const MUSL: bool = cfg!(target_env = "musl");

/// For a name under `.local` (RFC 6762).
fn mdns_help(config: &Config, musl: bool) -> Option<String> {
    let (_, end) = config.host.rsplit_once('.')?;
    if !end.eq_ignore_ascii_case("local") {
        return None;
    }
    let who = if musl {
        "this program, built with musl, does"
    } else {
        "containers and small systems often do"
    };
    let how = match config.transport {
        Transport::Tls(_) => format!("`host`, and `server_name = {}`", config.host),
        Transport::Plain => "`host`".to_owned(),
    };
    Some(format!(
        "names under `.local` are found by mDNS (Avahi, Bonjour), which {who} not speak: write the broker's IP address as {how}"
    ))
}

pub(crate) static DNS_UNAVAILABLE: Code = Code {
    name: "dns-unavailable",
    kind: Kind::Failure {
        stage: Stage::Dns,
        retry: true,
    },
    line: "names cannot be looked up on this machine now",
    more: "The name server, which turns names into addresses (DNS), could not be asked, did not answer in time, or had no answer of use. Whether the broker's name is right is not known yet.",
    causes: &[
        "this machine is not on the network, or not yet: a board just after its start",
        "the name server that is set does not answer",
        "a firewall lets no DNS through",
        "the name server has no answer, or an error, to the question for IPv6 addresses (AAAA): a program built with musl fails then, though others find the name",
    ],
    remedies: &[
        "see whether there is a network: `ip route` must show a default route",
        "see which name servers are set: `cat /etc/resolv.conf`, or `resolvectl status`",
        "try another name: `getent hosts example.com`; if that fails too, mend this machine's network first",
        "for a service that starts with the machine, add `After=network-online.target` and `Wants=network-online.target`",
    ],
};

fn dns_unavailable(
    config: &Config,
    servers: Option<&[String]>,
    said: String,
    network: Option<&Network>,
) -> Diagnosis {
    let is_loopback = |server: &String| server.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
    let known = servers.unwrap_or_default();
    let (some, own) = (!known.is_empty(), known.iter().all(is_loopback));
    let servers = servers.map(|servers| match servers {
        [] if MUSL => {
            "no name server is set in /etc/resolv.conf: this machine itself, 127.0.0.1, was asked"
                .to_owned()
        }
        [] => "no name server is set in /etc/resolv.conf".to_owned(),
        servers => format!("name servers in use: {}", servers.join(", ")),
    });
    let host = &config.host;
    let diagnosis = Diagnosis::new(
        &DNS_UNAVAILABLE,
        format!("the name `{host}` could not be looked up"),
    )
    .notes(servers)
    .note(said)
    .notes(network.map(network_note));
    let diagnosis = match network {
        None => diagnosis.help(
            "check that this machine is on the network: `ip route` must show a default route",
        ),
        Some(network) if network.has_default() => diagnosis,
        Some(network) => diagnosis.help(network_help(network)),
    };
    diagnosis
    .helps(mdns_help(config, MUSL))
    .help_if(
        network.is_none_or(|network| !network.up.is_empty()),
        "if other names fail as well, set a name server that answers, in /etc/resolv.conf or in the router",
    )
    .help_if(
        some && own,
        "the name server is a program of this machine, such as dnsmasq or systemd-resolved: see that it runs, and whom it asks in turn",
    )
    .help_if(
        !own && network.is_some_and(Network::has_default),
        "if a firewall lets no DNS (port 53) out to these name servers, set the one that this network offers",
    )
    .helps(aaaa_help(host, "may break down at IPv6: this program, built with musl, asks for A and AAAA at once and needs an answer to both", MUSL && some && network.is_none_or(Network::has_default)))
}

/// What a name server may do with which glibc finds a name and musl does not.
fn aaaa_help(host: &str, does: &str, musl: bool) -> Option<String> {
    musl.then(|| format!("if other programs find the name, the name server {does}; write the broker's IP address and `{host}` as a line into /etc/hosts"))
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

/// The port that MQTT has over this transport, and its name.
fn usual_port(config: &Config) -> (u16, &'static str) {
    match config.transport {
        Transport::Tls(_) => (8883, "for MQTT over TLS"),
        Transport::Plain => (1883, "for MQTT without TLS"),
    }
}

/// The hint at it, where another port is set.
fn usual_port_help(config: &Config) -> Option<String> {
    let (usual, with) = usual_port(config);
    (config.port != usual).then(|| {
        format!(
            "the usual port is {usual} {with}: set `port = {usual}` if the broker listens there"
        )
    })
}

/// Whether this host is the machine that the program runs on.
pub(crate) fn is_this_machine(host: &str) -> bool {
    let address = host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
    address || host.eq_ignore_ascii_case("localhost")
}

fn tcp_refused(error: &TcpError, config: &Config, cloud: bool) -> Diagnosis {
    let Config { host, port, .. } = config;
    let is_local = is_this_machine(host);
    Diagnosis::new(&TCP_REFUSED, format!("`{host}` refuses connections on port {port}"))
        .notes(evidence(&error.tried, config))
        .helps(error.container.map(|mark| format!("if this runs in a container, as `{mark}` suggests, `{host}` is the container itself: name the broker's container, or for a broker on the container's host `host.docker.internal` (Podman: `host.containers.internal`)")))
        .help("check that the broker is running, and that it listens on this port")
        .help_if(is_local, format!("on the broker's machine, `ss -ltn | grep :{port}` shows whether anything listens there"))
        .helps(usual_port_help(config))
        .help_if(
            is_local && error.container.is_none(),
            format!("if the broker runs in a container, see that its port is published: `docker ps` shows `:{port}->`"),
        )
        .help_if(
            is_local,
            "if the broker runs on another machine, write that machine's name or address as `host`",
        )
        .help_if(host == "localhost", "if the broker listens on IPv4 alone or IPv6 alone, write `host = 127.0.0.1` or `host = ::1`")
        .help_if(!is_local && !cloud, "if the broker listens on its own loopback address alone, as mosquitto does without a `listener` line, give it a listener for the network")
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

fn tcp_timeout(error: &TcpError, config: &Config, cloud: bool) -> Diagnosis {
    let Config { host, port, .. } = config;
    let (host_key, port_key) = (origin(config, Key::Host), origin(config, Key::Port));
    let diagnosis = Diagnosis::new(
        &TCP_TIMEOUT,
        format!("nothing answers on port {port} of `{host}`"),
    )
    .notes(evidence(&error.tried, config));
    let firewall = format!(
        "if this network has a firewall, let outbound TCP to port {port} through; many drop it without a word"
    );
    let Some(OtherPorts {
        address,
        limit,
        answers,
    }) = error.other_ports.as_deref()
    else {
        let of_loopback = |tried: &AddressError| tried.address.ip().is_loopback();
        if error.tried.iter().all(of_loopback) {
            return diagnosis
                .helps(usual_port_help(config))
                .help("if a program of this machine listens there and takes no more connections, restart it")
                .help(format!("if this machine has a firewall, let TCP to port {port} through"));
        }
        let usual_port = usual_port_help(config);
        return diagnosis.helps(usual_port).help(firewall).help(format!(
            "check {host_key} and {port_key}, and that the broker's machine is up"
        ));
    };
    let said = |(port, answer): &(u16, PortAnswer)| match answer {
        PortAnswer::Open => format!("{port} open"),
        PortAnswer::Refused => format!("{port} refused"),
        PortAnswer::Silence => format!("{port} silent for {}", text::duration(*limit)),
    };
    let all: Vec<String> = answers.iter().map(said).collect();
    let ip = address.ip();
    let diagnosis = diagnosis.note(format!(
        "other ports of {ip}, tried once: {}",
        all.join(", ")
    ));
    let (usual, with) = usual_port(config);
    if answers
        .iter()
        .any(|(_, answer)| *answer != PortAnswer::Silence)
    {
        let error = format!("{}, but other ports of it answer", diagnosis.error);
        return Diagnosis { error, ..diagnosis }
            .help_if(
                answers.contains(&(usual, PortAnswer::Open)),
                format!("set `port = {usual}` in place of {port}: it is the usual port {with}, and open there"),
            )
            .help(format!("if the broker does listen on port {port}, a firewall on the way or on the broker's machine drops what comes to it: let TCP to port {port} through"))
            .help(format!("if it listens on another port, set {port_key} to that one"));
    }
    let is_private = matches!(ip, IpAddr::V4(ip) if ip.is_private());
    let machine = format!("check {host_key}, and that the broker's machine is up");
    // The balancers of the clouds are up, and drop what comes to ports that they do not have.
    let (first, last) = if cloud {
        (firewall, machine)
    } else {
        (machine, firewall)
    };
    diagnosis
        .help(first)
        .help_if(
            is_private,
            format!(
                "if {ip} is in another network, connect this machine to that network or its VPN"
            ),
        )
        .help(last)
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
        "`No route to host`: the machine is off, or its firewall rejects the port (firewalld does)",
    ],
    remedies: &[
        "see what there is: `ip address` and `ip route`",
        "connect the network or the VPN, and try again",
        "see which addresses the name has: `getent ahosts broker.example.com`",
    ],
};

fn tcp_unreachable(error: &TcpError, config: &Config) -> Diagnosis {
    let tried = &error.tried;
    let Config { host, port, .. } = config;
    let is_name = host.parse::<IpAddr>().is_err();
    let only_ipv6 = tried.iter().all(|tried| tried.address.is_ipv6());
    let any = |kind| tried.iter().any(|tried| tried.error.kind() == kind);
    let network = error.network.as_deref();
    // Into the network of the address there is a way, as far as this machine knows.
    let (silent, forbidden) = (
        any(ErrorKind::HostUnreachable),
        any(ErrorKind::PermissionDenied),
    );
    let what = if silent || forbidden {
        format!("`{host}` cannot be reached from this machine")
    } else {
        format!("there is no route from this machine to `{host}`")
    };
    let diagnosis = Diagnosis::new(&TCP_UNREACHABLE, what)
        .notes(evidence(tried, config))
        .notes(network.map(network_note));
    let lacks =
        |family: fn(&Network) -> &Option<String>| network.is_none_or(|it| family(it).is_none());
    let lacks_ipv6 = only_ipv6 && lacks(|network| &network.ipv6);
    if forbidden {
        return diagnosis.help(format!("if a firewall or a sandbox of this machine forbids it, let outbound TCP to port {port} through"));
    }
    if silent {
        return diagnosis
            .help(format!("if it is a machine of this network, check {} and that it is switched on: nobody answers to its address", origin(config, Key::Host)))
            .help(format!("if it answers to `ping`, its firewall rejects the port, as firewalld does: let TCP to port {port} in there"));
    }
    let first = tried
        .first()
        .map_or("ADDRESS".to_owned(), |first| first.address.ip().to_string());
    let diagnosis = match network {
        None => diagnosis.help(format!("check that this machine is on the network: `ip route get {first}` must show a route")),
        Some(network) if !network.has_default() => diagnosis.help(network_help(network)),
        Some(_) if lacks_ipv6 => diagnosis,
        Some(_) => diagnosis.help(format!("see which way it takes: `ip route get {first}`; if that says unreachable, a VPN or a rule of this machine closes it, otherwise a router on the way knows no further")),
    };
    diagnosis
        .help_if(
            lacks_ipv6 && is_name,
            "the name has IPv6 addresses only: this machine needs IPv6, or the name an IPv4 address",
        )
        .help_if(
            lacks_ipv6 && !is_name,
            "it is an IPv6 address: this machine needs IPv6, or `host` the broker's IPv4 address",
        )
}

#[cfg(test)]
#[path = "net_tests.rs"]
mod tests;
