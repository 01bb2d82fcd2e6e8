//! The warnings, each whole: its code, and how one occurrence is worded. They never change the exit
//! code.

use crate::diagnosis::Code;
use crate::diagnosis::code::Kind;
use crate::failure::Warning;
use crate::util::{clock, text};

/// All of them, in the order of `mqtt-test explain`.
pub(crate) static CODES: &[&Code] = &[
    &CERT_EXPIRES_SOON,
    &CA_EXPIRED,
    &SNI_NOT_SENT,
    &PASSWORD_IN_CLEAR,
    &CONFIG_WORLD_READABLE,
    &ADDRESS_FAILED,
    &CLOCK_SUSPECT,
    &QOS_DOWNGRADED,
    &ROOTS_SKIPPED,
];

/// Which warning it is.
pub(crate) fn code(warning: &Warning) -> &'static Code {
    match warning {
        Warning::CertExpiresSoon { .. } => &CERT_EXPIRES_SOON,
        Warning::CaExpired { .. } => &CA_EXPIRED,
        Warning::SniNotSent { .. } => &SNI_NOT_SENT,
        Warning::PasswordInClear => &PASSWORD_IN_CLEAR,
        Warning::ConfigWorldReadable { .. } => &CONFIG_WORLD_READABLE,
        Warning::AddressFailed { .. } => &ADDRESS_FAILED,
        Warning::ClockSuspect { .. } => &CLOCK_SUSPECT,
        Warning::QosDowngraded { .. } | Warning::QosLowered { .. } => &QOS_DOWNGRADED,
        Warning::RootsSkipped { .. } => &ROOTS_SKIPPED,
    }
}

/// What it means, and what to change.
pub(crate) fn text(warning: &Warning) -> String {
    match warning {
        Warning::CertExpiresSoon {
            subject,
            not_after,
            now,
            ..
        } if not_after < now => format!(
            "the pinned certificate of `{subject}` expired on {}, {} ago; the pin does not look at dates, other clients do",
            clock::utc(*not_after),
            clock::distance(*not_after, *now)
        ),
        Warning::CertExpiresSoon {
            subject,
            not_after,
            now,
            ..
        } => format!(
            "the broker's certificate for `{subject}` expires on {}, in {}: renew it",
            clock::utc(*not_after),
            clock::distance(*now, *not_after)
        ),
        Warning::CaExpired {
            subject,
            not_after,
            now,
        } => format!(
            "the CA certificate `{subject}` in `ca_file` expired on {}, {} ago: put its CA's present one there; rustls does not look at this date, OpenSSL-based clients refuse the broker",
            clock::utc(*not_after),
            clock::distance(*not_after, *now)
        ),
        Warning::SniNotSent { host } => {
            format!(
                "no server name (SNI) was sent to `{host}`; this broker works without it; serverless clouds do not"
            )
        }
        Warning::PasswordInClear => {
            "the password went over the network unencrypted: use the broker's TLS port".to_owned()
        }
        Warning::ConfigWorldReadable { path } => {
            format!(
                "`{path}` holds a secret and every user of this machine can read it: `chmod 600 {}`",
                text::quoted(path)
            )
        }
        Warning::AddressFailed { failed, peer } => {
            let failed: Vec<_> = failed
                .iter()
                .map(|tried| format!("{} failed ({})", tried.address, tried.error))
                .collect();
            format!(
                "{}; {peer} was used: clients that try the first address alone will fail",
                failed.join(", ")
            )
        }
        Warning::ClockSuspect { now, built } => format!(
            "this machine's clock says {}, before this program was built ({}): set it",
            clock::utc(*now),
            clock::utc(*built)
        ),
        Warning::QosDowngraded { asked, granted } => {
            format!(
                "QoS {asked} was asked for and QoS {granted} granted: the broker delivers with QoS {granted} at most"
            )
        }
        Warning::QosLowered { asked, maximum } => {
            format!(
                "QoS {asked} was asked for, and the broker takes messages of QoS {maximum} at most (CONNACK): QoS {maximum} is used"
            )
        }
        Warning::RootsSkipped { count } => format!(
            "{} of this system's store could not be used",
            text::count(*count as u64, "CA certificate")
        ),
    }
}

pub(crate) static CERT_EXPIRES_SOON: Code = Code {
    name: "cert-expires-soon",
    kind: Kind::Warning,
    line: "the broker's certificate expires soon",
    more: "Less than 21 days and less than a third of its life are left; once it has expired, clients refuse the broker. With `pin_sha256` the dates are not checked, and it may have expired already.",
    causes: &[
        "the certificate is renewed by hand, and it is time to",
        "automatic renewal (certbot, acme.sh) failed, or the broker was not reloaded after it",
    ],
    remedies: &[
        "renew the certificate on the broker: `certbot renew`, or what its CA asks for",
        "reload the broker, which else goes on with the old one: `systemctl reload mosquitto`",
        "look at the dates: `openssl x509 -in server.crt -noout -dates`",
    ],
};

pub(crate) static CA_EXPIRED: Code = Code {
    name: "ca-expired",
    kind: Kind::Warning,
    line: "a CA certificate in `ca_file` has expired",
    more: "The broker's certificate goes back to it. The TLS library of this program, rustls, does not look at the dates of a trusted CA, and goes on; clients built on OpenSSL, such as mosquitto_pub, do look and refuse the broker.",
    causes: &[
        "the CA has made a new certificate, and `ca_file` still holds the old one",
        "the CA is your own, and nobody renewed it",
    ],
    remedies: &[
        "look at the dates: `openssl x509 -in ca.crt -noout -subject -enddate`",
        "get the CA's present certificate from the broker's operator, and put it into `ca_file` here and on the other clients",
        "if the CA is your own, make it a new certificate with the same name and the same key: what it signed stays good",
    ],
};

pub(crate) static SNI_NOT_SENT: Code = Code {
    name: "sni-not-sent",
    kind: Kind::Warning,
    line: "the broker was not told which name is meant",
    more: "With its first TLS message a client names the server that it wants (SNI). None was sent, and this broker works without it; those that share an address, as most clouds do, refuse such a connection.",
    causes: &[
        "`host` is an IP address, and SNI carries names only",
        "`sni = off` is set",
    ],
    remedies: &[
        "set `host` to the broker's name instead of its address",
        "remove `sni = off`",
    ],
};

pub(crate) static PASSWORD_IN_CLEAR: Code = Code {
    name: "password-in-clear",
    kind: Kind::Warning,
    line: "the password went over the network unencrypted",
    more: "Without TLS, everyone on the way can read user name, password and messages.",
    causes: &["`tls = off`, or `mqtt://` in a URL, with a broker on another machine"],
    remedies: &[
        "use the broker's TLS port: `tls = on` and `port = 8883`, or `mqtts://` in the URL",
        "then change the password, which others can have read",
        "if the broker has no TLS port, give it one, or reach it through a VPN or an SSH tunnel",
    ],
};

pub(crate) static CONFIG_WORLD_READABLE: Code = Code {
    name: "config-world-readable",
    kind: Kind::Warning,
    line: "every user of this machine can read a secret",
    more: "The named file holds a password or a private key, and its permissions let all users read it.",
    causes: &["the file was made with usual permissions, which let others read (644)"],
    remedies: &[
        "close it to others: `chmod 600 FILE`",
        "or take the password out of the config file: `password_env = MQTT_PASSWORD`",
    ],
};

pub(crate) static ADDRESS_FAILED: Code = Code {
    name: "address-failed",
    kind: Kind::Warning,
    line: "one of the broker's addresses failed, another worked",
    more: "The broker's name has several addresses. Not all of them can be reached from here; programs that try only the first one, or wait long for it, fail now and then.",
    causes: &[
        "the name has an IPv6 address, and IPv6 does not work here or on the broker",
        "`localhost` means `::1` and `127.0.0.1`, and the broker listens on one of them",
        "one machine of several is down",
    ],
    remedies: &[
        "let the broker listen on all of its addresses",
        "or take the address that fails out of the name's DNS records",
        "or write the address that works into `host`, and the name into `server_name`",
    ],
};

pub(crate) static CLOCK_SUSPECT: Code = Code {
    name: "clock-suspect",
    kind: Kind::Warning,
    line: "this machine's clock is wrong",
    more: "It says a time before this program was built, which cannot be. Here it did no harm yet; certificates, which begin and end at a date, will seem not yet valid.",
    causes: &[
        "a board without a battery for its clock, such as a Raspberry Pi, that has not asked for the time yet",
        "time servers (NTP) cannot be reached from this network",
    ],
    remedies: &[
        "let the system set it: `timedatectl set-ntp true`",
        "or set it by hand, with the present time: `date -s '2026-01-31 12:00:00'`",
        "for a service that starts with the machine, add `After=time-sync.target`",
    ],
};

pub(crate) static QOS_DOWNGRADED: Code = Code {
    name: "qos-downgraded",
    kind: Kind::Warning,
    line: "the broker grants a lower QoS than was asked for",
    more: "QoS (quality of service) says how surely a message arrives: 0 at most once, 1 at least once, 2 exactly once. The broker delivers, or takes messages, with the lower one.",
    causes: &["the broker, or this account on it, is limited to a lower QoS"],
    remedies: &[
        "ask for what is granted, so that nothing relies on more: `qos = 1` or `qos = 0`",
        "or raise the limit on the broker (mosquitto: `max_qos`)",
    ],
};

pub(crate) static ROOTS_SKIPPED: Code = Code {
    name: "roots-skipped",
    kind: Kind::Warning,
    line: "some CA certificates of this system are unusable",
    more: "Certificates of the system's collection of trusted CAs could not be read and were left out. Only a broker whose certificate goes back to one of them is affected.",
    causes: &[
        "an old certificate whose form breaks today's rules",
        "a damaged file in `/etc/ssl/certs`",
    ],
    remedies: &[
        "bring the collection up to date: `apt install --reinstall ca-certificates`, then `update-ca-certificates --fresh`",
        "if the check itself succeeds, this can wait",
    ],
};
