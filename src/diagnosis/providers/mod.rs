//! What is known of the brokers that users bring: which of it applies to a host, a code and a
//! configuration. What is known stands in `table`.

mod table;

use crate::config::Config;
use crate::diagnosis::Code;
use table::{AT_HOME, PROVIDERS, Provider};

/// Whether this host is one of a provider that is known here.
pub(crate) fn is_known(config: &Config) -> bool {
    of(&config.host).next().is_some()
}

/// Where `host` takes MQTT, for one who was given its WebSocket: with TLS or without, the port, and why.
pub(crate) fn mqtt_port(host: &str, tls: bool) -> (bool, u16, String) {
    let known = of(host).next();
    // A cloud that gives each user a name takes it over TLS.
    let tls = tls || known.is_some_and(|it| it.hosts.iter().any(|host| host.starts_with('.')));
    let port = match tls {
        // There every system trusts the certificate.
        true if host.eq_ignore_ascii_case("test.mosquitto.org") => 8886,
        true => 8883,
        false => 1883,
    };
    let how = if tls { "over TLS" } else { "without TLS" };
    let usually = match known {
        Some(_) => "on this port there",
        None => "usually on this port",
    };
    (tls, port, format!("MQTT {how} is {usually}"))
}

fn of(host: &str) -> impl Iterator<Item = &'static Provider> {
    among(host, PROVIDERS.iter())
}

fn among(
    host: &str,
    providers: impl Iterator<Item = &'static Provider>,
) -> impl Iterator<Item = &'static Provider> {
    let host = host.to_ascii_lowercase();
    providers.filter(move |provider| provider.hosts.iter().any(|known| is(&host, known)))
}

/// What the provider of this host demands, where it bears on `code`.
pub(crate) fn help(config: &Config, code: &Code) -> impl Iterator<Item = String> {
    among(&config.host, PROVIDERS.iter().chain(AT_HOME))
        .flat_map(|provider| provider.advice)
        .filter(move |(codes, _)| codes.contains(&code))
        .map(|(_, text)| (*text).to_owned())
}

/// The same of what this configuration has otherwise.
pub(crate) fn mismatches(config: &Config, code: &Code) -> impl Iterator<Item = String> {
    among(&config.host, PROVIDERS.iter().chain(AT_HOME))
        .flat_map(|provider| provider.only_if)
        .filter(move |(applies, codes, _)| codes.contains(&code) && applies(config))
        .map(|(_, _, text)| (*text).to_owned())
}

fn is(host: &str, known: &str) -> bool {
    match known.split_once('*') {
        Some((middle, end)) => host
            .strip_suffix(end)
            .is_some_and(|start| start.contains(middle)),
        None if known.starts_with('.') => host.ends_with(known),
        None => host == known,
    }
}

#[cfg(test)]
#[path = "mod_tests.rs"]
mod tests;
