//! What is said where no server name was sent (SNI): that it was not, why, and how to send one.

use std::net::IpAddr;

use crate::config::{Config, Key, Transport};
use crate::diagnosis::{Diagnosis, origin};
use crate::failure::TlsFacts;

/// That none was sent, and what became of one more handshake that named one.
pub(crate) fn notes(facts: &TlsFacts, config: &Config) -> Vec<String> {
    if facts.sni.is_some() {
        return Vec::new();
    }
    let why = if is_address(config) {
        format!("`{}` is an IP address, which has none", config.host)
    } else {
        format!("{} leaves it out", origin(config, Key::Sni))
    };
    let mut notes = vec![format!("no server name was sent (SNI): {why}")];
    notes.extend(facts.named.as_ref().map(|named| {
        let name = &named.name;
        if named.same {
            format!("the same happened once more, with the server name `{name}`")
        } else {
            format!("with the server name `{name}` the broker presents a certificate")
        }
    }));
    notes
}

/// How to send a name, beginning with `when`: what a broker, or a proxy before it, may do without.
pub(crate) fn help(when: &str, config: &Config) -> Vec<String> {
    let off = matches!(&config.transport, Transport::Tls(settings) if !settings.sni);
    let remove = if off { "remove `sni = off`" } else { "" };
    if !is_address(config) {
        return vec![format!("{when}: {remove}")];
    }
    let and = if off { " and " } else { "" };
    vec![
        format!("{when}: set `host` to the broker's name instead of its address{and}{remove}"),
        hosts_line(config, "broker.example.com"),
    ]
}

/// How a name gets the address in `host`; `name` where the user gave none.
pub(crate) fn hosts_line(config: &Config, name: &str) -> String {
    let name = match &config.transport {
        Transport::Tls(settings) => settings.server_name.as_deref().unwrap_or(name),
        Transport::Plain => name,
    };
    format!(
        "if that name has no address here, add it to `/etc/hosts`, as in this line: `{} {name}`",
        config.host
    )
}

/// A failure of the certificate: without a name, another one may have been shown than is meant.
pub(crate) fn first(mut diagnosis: Diagnosis, facts: &TlsFacts, config: &Config) -> Diagnosis {
    if facts.sni.is_some() {
        return diagnosis;
    }
    let when = "if a reverse proxy (Traefik, HAProxy, nginx) stands before the broker, this may be its default certificate, which it shows where no name is sent";
    let mut help = help(when, config);
    if diagnosis
        .help
        .iter()
        .any(|line| line.contains("/etc/hosts"))
    {
        help.truncate(1);
    }
    help.append(&mut diagnosis.help);
    let mut notes = notes(facts, config);
    notes.append(&mut diagnosis.notes);
    Diagnosis {
        notes,
        help,
        ..diagnosis
    }
}

pub(crate) fn is_address(config: &Config) -> bool {
    config.host.parse::<IpAddr>().is_ok()
}
