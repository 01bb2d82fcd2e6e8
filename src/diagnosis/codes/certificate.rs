//! The codes of what a certificate says: its dates, its names, its form. Whom it comes from is
//! `issuer`'s.

use crate::config::Key;
use rustls::{CertificateError, Error};

use crate::diagnosis::chain::{Chain, Evidence, holder, sign};
use crate::diagnosis::code::Kind;
use crate::diagnosis::codes::{ca, issuer, weak};
use crate::diagnosis::{Code, Diagnosis, origin, sni};
use crate::failure::{Ended, Stage};
use crate::util::clock;
use crate::x509::Certificate;

/// The codes of this layer, in the order of `mqtt-test explain`.
pub(crate) static CODES: &[&Code] = &[
    &EXPIRED,
    &NOT_YET_VALID,
    &CLOCK_WRONG,
    &NAME_MISMATCH,
    &NO_SAN,
    &V1_CERTIFICATE,
    &weak::WEAK_KEY,
    &BAD_CERTIFICATE,
];

/// A store of fewer may be somebody's own, and all of it old.
const WHOLE_STORE: usize = 10;

/// A chain that was refused: which fault it is.
pub(crate) fn diagnose(shown: &Evidence<'_>, error: &CertificateError) -> Diagnosis {
    use CertificateError as Fault;
    let leaf = |test: fn(&Certificate) -> bool| shown.chain.leaf().is_some_and(test);
    match error {
        Fault::Expired
        | Fault::ExpiredContext { .. }
        | Fault::NotValidYet
        | Fault::NotValidYetContext { .. }
            if clock_is_wrong(shown.chain) =>
        {
            clock_wrong(shown)
        }
        Fault::Expired | Fault::ExpiredContext { .. } => expired(shown),
        Fault::NotValidYet | Fault::NotValidYetContext { .. } => not_yet_valid(shown),
        _ if leaf(|leaf| leaf.version < 3) => v1(shown),
        Fault::Other(_) if leaf(|leaf| leaf.is_ca) => issuer::ca_as_leaf(shown),
        Fault::UnknownIssuer => issuer::unknown(shown),
        Fault::NotValidForName | Fault::NotValidForNameContext { .. }
            if leaf(|leaf| !leaf.has_san) =>
        {
            no_san(shown)
        }
        Fault::NotValidForName | Fault::NotValidForNameContext { .. } => name_mismatch(shown),
        Fault::BadSignature
        | Fault::UnsupportedSignatureAlgorithmContext { .. }
        | Fault::UnsupportedSignatureAlgorithmForPublicKeyContext { .. }
            if let Some(diagnosis) = weak::fault(shown) =>
        {
            diagnosis
        }
        _ => ca::fault(shown, error)
            .unwrap_or_else(|| bad(shown, &Error::InvalidCertificate(error.clone()))),
    }
}

/// Before the program was built it cannot be now, and CA certificates last for decades: a clock by
/// which most of this system's have ended runs ahead. That the broker's own ended long ago proves
/// nothing.
fn clock_is_wrong(chain: Chain<'_>) -> bool {
    let Ended { count, of } = chain.facts.system_ended;
    chain.now < clock::build_date() || of >= WHOLE_STORE && count * 2 > of
}

/// Which certificate is out of its dates, this machine's clock, and the chain where it has more.
fn dates(chain: Chain<'_>, expired: bool, mark: &str) -> Vec<String> {
    let found = chain.out_of_date(expired);
    let which = found.map(|(_, which)| which).or(chain.leaf());
    let mut notes: Vec<_> = which
        .map(|which| {
            format!(
                "{}; issued by `{}` for `{}`",
                chain.validity(which),
                which.issuer.short(),
                holder(which)
            )
        })
        .into_iter()
        .collect();
    notes.push(chain.clock());
    if chain.facts.chain.len() > 1 {
        notes.extend(chain.lines(found.map_or(0, |(at, _)| at), mark));
    }
    notes
}

pub(crate) static EXPIRED: Code = Code {
    name: "tls-expired",
    kind: Kind::Failure {
        stage: Stage::Tls,
        retry: false,
    },
    line: "the broker's certificate has expired",
    more: "Every certificate has a date on which it ends, and this one's, or that of a CA in its chain, is over by this machine's clock.",
    causes: &[
        "nobody renewed it, or automatic renewal failed",
        "it was renewed, but the broker was not reloaded and goes on with the old one",
        "this machine's clock runs ahead",
    ],
    remedies: &[
        "renew the certificate on the broker and reload it: `certbot renew`, then `systemctl reload mosquitto`",
        "look at the dates in the file: `openssl x509 -in server.crt -noout -dates`",
        "check this machine's clock with `date -u`, and set it if it is wrong: `timedatectl set-ntp true`",
    ],
};

fn expired(shown: &Evidence<'_>) -> Diagnosis {
    let (at, which) = shown.chain.out_of_date(true).unzip();
    let at = at.unwrap_or(0);
    // One that a CA in `ca_file` signed, which has ended itself.
    let of_file = which.filter(|_| at > 0).and_then(|which| {
        let anchor = shown.ended(&which.issuer)?;
        Some((which, anchor))
    });
    if let Some((which, anchor)) = of_file {
        return Diagnosis::new(&EXPIRED, "the CA certificate in `ca_file` has expired")
            .note(shown.holds(anchor))
            .notes(dates(shown.chain, true, "expired as well"))
            .help(issuer::fetch(shown, &which.subject.short()))
            .help("if the date of the clock above is wrong, set this machine's clock first");
    }
    let (what, help) = if at == 0 {
        (
            "the broker's certificate has expired",
            "renew the certificate on the broker and reload it",
        )
    } else {
        (
            "a CA certificate in the broker's chain has expired",
            "put the CA's renewed certificate into the broker's certificate file, after its own, and reload it",
        )
    };
    Diagnosis::new(&EXPIRED, what)
        .notes(dates(shown.chain, true, "expired"))
        .help(help)
        .help("if the date of the clock above is wrong, set this machine's clock first")
}

pub(crate) static NOT_YET_VALID: Code = Code {
    name: "tls-not-yet-valid",
    kind: Kind::Failure {
        stage: Stage::Tls,
        retry: true,
    },
    line: "the broker's certificate is not valid yet",
    more: "Every certificate has a date on which it begins, and by this machine's clock that is still to come.",
    causes: &[
        "this machine's clock is slow, as on a board without a battery for it",
        "the clock of the machine that made the certificate was fast",
        "the certificate was put into place before its time",
    ],
    remedies: &[
        "check the clock with `date -u`, and set it if it is wrong: `timedatectl set-ntp true`",
        "if the clock is right, wait until the date, or have the certificate issued anew",
    ],
};

fn not_yet_valid(shown: &Evidence<'_>) -> Diagnosis {
    let what = match shown.chain.out_of_date(false) {
        Some((1.., _)) => "a CA certificate in the broker's chain is not yet valid",
        _ => "the broker's certificate is not yet valid",
    };
    Diagnosis::new(&NOT_YET_VALID, what)
        .notes(dates(shown.chain, false, "not yet valid"))
        .help("if the date of the clock above is wrong, set this machine's clock: `timedatectl set-ntp true`")
        .help("if it is right, the certificate was made for a later time: wait, or have it issued anew")
}

pub(crate) static CLOCK_WRONG: Code = Code {
    name: "tls-clock-wrong",
    kind: Kind::Failure {
        stage: Stage::Tls,
        retry: true,
    },
    line: "this machine's clock is wrong, not the certificate",
    more: "Certificates hold between two dates, and the clock says a time that cannot be: one before this program was built, or one by which most of this system's CA certificates, which last for decades, have ended.",
    causes: &[
        "a board without a battery for its clock, such as a Raspberry Pi, that has not asked for the time yet: it says 1970, or the time of its last shutdown",
        "time servers (NTP) cannot be reached from this network",
        "the clock was set by hand, to a wrong year",
    ],
    remedies: &[
        "let the system set it: `timedatectl set-ntp true`, and see with `timedatectl` whether it is synchronised",
        "or set it by hand, with the present time: `date -s '2026-01-31 12:00:00'`",
        "for a service that starts with the machine, add `After=time-sync.target`",
        "if `date -u` is right, renew the broker's certificate, and this system's CA certificates: `apt install ca-certificates`",
    ],
};

pub(crate) fn clock_wrong(shown: &Evidence<'_>) -> Diagnosis {
    let built = clock::build_date();
    let words = Diagnosis::new(
        &CLOCK_WRONG,
        "this machine's clock does not fit the broker's certificate",
    )
    .note(shown.chain.clock());
    let (words, mark) = if shown.chain.now < built {
        let note = format!(
            "this program was built on {}, after that",
            clock::utc(built)
        );
        (words.note(note), "not yet valid by this clock")
    } else {
        let Ended { count, of } = shown.chain.facts.system_ended;
        let note = format!(
            "by this clock {count} of this system's {of} CA certificates have ended; they last for decades"
        );
        (words.note(note), "expired by this clock")
    };
    let out = [false, true]
        .into_iter()
        .find_map(|expired| shown.chain.out_of_date(expired));
    words
        .notes(shown.chain.lines(out.map_or(0, |(at, _)| at), mark))
        .help("set the clock from the network: `sudo timedatectl set-ntp true`")
        .help("or once by hand, with the present time in UTC: `sudo date -u -s 'YYYY-MM-DD HH:MM:SS'`")
        .help("if this board has no battery-backed clock, let NTP set it before MQTT starts (systemd: `After=time-sync.target`)")
        .help_if(shown.chain.now >= built, "if that date is right after all, renew the broker's certificate, and this system's CA certificates (Debian: `apt-get install ca-certificates`)")
}

pub(crate) static NAME_MISMATCH: Code = Code {
    name: "tls-name-mismatch",
    kind: Kind::Failure {
        stage: Stage::Tls,
        retry: false,
    },
    line: "the certificate is for another name than `host`",
    more: "A certificate lists the names of the servers that it is for, and the name that was asked for is not among them. It can be the right broker under another name, or a wrong one.",
    causes: &[
        "`host` is an IP address, an alias or a short name, and the certificate has the full name",
        "the broker was moved to a new name and kept its old certificate",
        "the name is deeper than the certificate's `*` reaches: `*.example.com` is not for `a.b.example.com`",
        "another server answers at this address",
    ],
    remedies: &[
        "set `host` to a name that the certificate lists; the message shows them",
        "if that name has no address here, keep `host` and set `server_name` to the certificate's name",
        "or have the certificate issued for the name in `host` as well (subjectAltName)",
    ],
};

pub(crate) fn name_mismatch(shown: &Evidence<'_>) -> Diagnosis {
    let (wanted, _) = shown.wanted();
    let names = shown.chain.leaf().map_or(&[][..], |leaf| &leaf.names);
    let key = if shown.config.is_set(Key::ServerName) {
        Key::ServerName
    } else {
        Key::Host
    };
    let plain = names
        .iter()
        // What is no host name is nothing to put into a configuration.
        .find(|name| {
            name.chars()
                .all(|c| c.is_ascii_alphanumeric() || ".-_".contains(c))
        });
    let words = Diagnosis::new(
        &NAME_MISMATCH,
        format!("the broker's certificate is not for `{wanted}`"),
    )
    .note(format!(
        "sought: `{wanted}`, from {}",
        origin(shown.config, key)
    ))
    .note(format!("the certificate is for {}", list(names)))
    .notes(shown.chain.lines(0, "not for this name"));
    let words = match plain {
        // `server_name` alone would send none.
        Some(name) if key == Key::Host && sni::is_address(shown.config) => words
            .help(format!("if `{name}` is your broker, set `host = {name}`"))
            .help(sni::hosts_line(shown.config, name))
            .help(format!("or keep `host` and set `server_name = {name}`: the certificate is then checked for that name, and none is sent")),
        Some(name) if key == Key::Host => words
            .help(format!("if `{name}` is your broker, set `host = {name}`"))
            .help(format!(
                "if that name has no address here, keep `host` and set `server_name = {name}`"
            )),
        Some(name) => words.help(format!(
            "if `{name}` is your broker, set `server_name = {name}`"
        )),
        None => words,
    };
    words.help(format!(
        "or have the broker's certificate issued for `{wanted}` as well (subjectAltName)"
    ))
}

pub(crate) static NO_SAN: Code = Code {
    name: "tls-no-san",
    kind: Kind::Failure {
        stage: Stage::Tls,
        retry: false,
    },
    line: "the broker's certificate lists no host name",
    more: "Names belong into a part that is called subjectAltName, and this certificate has none. A name in the old field, the common name (CN), does not count any more; some older clients still accept it, so that the same broker works with them.",
    causes: &[
        "the certificate was made after an old guide: `openssl req` and `openssl x509` add no subjectAltName unless told to",
    ],
    remedies: &[
        "have it issued anew with the name: `-addext 'subjectAltName=DNS:broker.example.com'` for `openssl req -x509`, or in the file given by `-extfile` for `openssl x509 -req`",
        "for a broker that is called by its address: `subjectAltName=IP:192.0.2.1`",
        "see what is there: `openssl x509 -in server.crt -noout -ext subjectAltName`",
    ],
};

pub(crate) fn no_san(shown: &Evidence<'_>) -> Diagnosis {
    let (wanted, kind) = shown.wanted();
    let common = shown
        .chain
        .leaf()
        .and_then(|leaf| leaf.subject.common_name());
    Diagnosis::new(&NO_SAN, "the broker's certificate names no host (it has no subjectAltName)")
        .note(format!("sought: `{wanted}`; its common name, `{}`, does not count (RFC 6125 §6.4.4)", common.unwrap_or("none")))
        .notes(shown.chain.lines(0, "no subjectAltName"))
        .note("OpenSSL-based clients such as mosquitto_pub still accept a common name; rustls and browsers do not")
        .help(format!("have the certificate issued anew with `subjectAltName = {kind}:{wanted}`"))
        .help("if you sign it yourself, from the request `server.csr` with your CA:")
        .help(format!("`printf 'basicConstraints=CA:FALSE\nsubjectAltName={kind}:{wanted}\n' > ext.cnf`"))
        .help(sign())
}

pub(crate) static V1_CERTIFICATE: Code = Code {
    name: "tls-v1-certificate",
    kind: Kind::Failure {
        stage: Stage::Tls,
        retry: false,
    },
    line: "the certificate has an outdated form (version 1)",
    more: "Certificates of X.509 version 1 cannot list the names of servers. Version 3, of 1996, can, and is the only one that is accepted.",
    causes: &[
        "`openssl x509 -req` without `-extfile` makes version 1 (up to OpenSSL 3.3)",
        "ports 8883 and 8884 of test.mosquitto.org have one; port 8886 has a better one",
    ],
    remedies: &[
        "issue it anew with extensions, which makes it version 3: `printf 'subjectAltName=DNS:broker.example.com\\n' > ext.cnf`, then `openssl x509 -req … -extfile ext.cnf`",
        "see the version: `openssl x509 -in server.crt -noout -text | grep Version`",
    ],
};

pub(crate) fn v1(shown: &Evidence<'_>) -> Diagnosis {
    let (wanted, kind) = shown.wanted();
    let version = shown.chain.leaf().map_or(1, |leaf| leaf.version);
    Diagnosis::new(
        &V1_CERTIFICATE,
        format!("the broker's certificate is of X.509 version {version}, which can name no host"),
    )
    .notes(shown.chain.lines(0, &format!("version {version}")))
    .note("rustls takes version 3 only; OpenSSL-based clients may accept it")
    .help("have it issued anew with extensions, which makes it version 3")
    .help("if you sign it yourself, from the request `server.csr` with your CA:")
    .help(format!(
        "`printf 'basicConstraints=CA:FALSE\nsubjectAltName={kind}:{wanted}\n' > ext.cnf`"
    ))
    .help(sign())
}

pub(crate) static BAD_CERTIFICATE: Code = Code {
    name: "tls-bad-certificate",
    kind: Kind::Failure {
        stage: Stage::Tls,
        retry: false,
    },
    line: "the broker's certificate cannot be accepted",
    more: "Something else is wrong with it, or with one of its chain: the signature does not fit, it is not meant for servers, it was revoked, or it cannot be read. The message has the TLS library's own words.",
    causes: &[
        "the CA was made anew under the same name, and `ca_file` still holds the old one (BadSignature)",
        "the certificate is meant for clients only (extended key usage without serverAuth)",
        "the certificate was signed with something outdated, such as SHA-1 or a short RSA key",
    ],
    remedies: &[
        "set `ca_file` to the CA certificate that is in use now",
        "have the broker's certificate issued anew: version 3, CA:FALSE, with the name as subjectAltName, for serverAuth, with SHA-256",
        "check it by hand: `openssl verify -CAfile ca.crt -purpose sslserver server.crt`",
    ],
};

pub(crate) fn bad(shown: &Evidence<'_>, said: &Error) -> Diagnosis {
    use CertificateError as Fault;
    let what = match said {
        Error::NoCertificatesPresented => "the broker presents no certificate",
        Error::InvalidMessage(_) => {
            "the broker presents more than the 64 KiB of certificates that are taken here"
        }
        Error::InvalidCertificate(Fault::BadSignature) => {
            "a signature in the broker's certificate chain does not fit the CA that it names"
        }
        Error::InvalidCertificate(Fault::InvalidPurpose | Fault::InvalidPurposeContext { .. }) => {
            "the broker's certificate is not one for servers"
        }
        _ => "the broker's certificate cannot be accepted",
    };
    let diagnosis = Diagnosis::new(&BAD_CERTIFICATE, what)
        .note(format!("rustls says: {said}"))
        .notes(shown.chain.lines(0, ""));
    let fault = match said {
        Error::NoCertificatesPresented => {
            return diagnosis.help(
                "give the broker a certificate and its key (mosquitto: `certfile` and `keyfile`)",
            );
        }
        Error::InvalidMessage(_) => {
            return diagnosis.help("leave in the broker's certificate file its own certificate and the intermediate ones, and nothing else");
        }
        Error::InvalidCertificate(fault) => Some(fault),
        _ => None,
    };
    let words = diagnosis.note(shown.chain.trusted());
    match fault {
        Some(Fault::BadSignature) if let Some(ended) = shown.chain.certificates().find_map(|(_, it)| shown.ended(&it.issuer)) => words
            .note(shown.holds(ended))
            .help(issuer::fetch(shown, &ended.subject.short())),
        Some(Fault::BadSignature) => words
            .help_if(shown.config.is_set(Key::CaFile), format!("if the CA was made anew under the same name, {} still holds the old one: set it to the new one", origin(shown.config, Key::CaFile)))
            .help("if not, the certificate is damaged or forged: have it issued anew"),
        Some(Fault::InvalidPurpose | Fault::InvalidPurposeContext { .. }) => words
            .notes(shown.chain.leaf().and_then(|leaf| leaf.extended_key_usage.as_ref()).map(|usage| format!("its extended key usage: {}", usage.join(", "))))
            .help("have the certificate issued anew for servers: `extendedKeyUsage = serverAuth`, or no extended key usage at all")
            .help("if it is a client certificate, the broker was given the wrong file"),
        Some(Fault::BadEncoding) => words
            .help("if the broker's certificate file is damaged, put the one there that its CA issued")
            .help("if the certificate was made by a tool of your own, have it issued anew with openssl"),
        Some(Fault::Revoked) => words.help("the CA has withdrawn it: have a new one issued, with a new key"),
        Some(Fault::UnsupportedSignatureAlgorithmContext { .. } | Fault::UnsupportedSignatureAlgorithmForPublicKeyContext { .. }) => words
            .help("have it issued anew, signed with SHA-256 and a key of RSA (2048 bits or more), P-256, P-384 or Ed25519"),
        _ => words.help("have the certificate issued anew: X.509 version 3, CA:FALSE, the broker's name as subjectAltName, and serverAuth if it has an extended key usage"),
    }
}

pub(crate) fn list(names: &[String]) -> String {
    const MOST: usize = 6;
    match names {
        [] => "no host at all".to_owned(),
        names if names.len() > MOST => {
            let shown: Vec<_> = names
                .iter()
                .take(MOST)
                .map(|name| format!("`{name}`"))
                .collect();
            format!("{} and {} more", shown.join(", "), names.len() - MOST)
        }
        names => names
            .iter()
            .map(|name| format!("`{name}`"))
            .collect::<Vec<_>>()
            .join(", "),
    }
}

#[cfg(test)]
#[path = "certificate_tests.rs"]
mod tests;
