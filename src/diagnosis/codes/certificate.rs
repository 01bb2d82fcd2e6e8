//! The words for what is wrong with the presented certificates: which fault it is, the chain as
//! evidence, and what must change, on the broker or here.

use rustls::CertificateError;

use crate::config::{Config, Transport};
use crate::diagnosis::codes::chain::{Chain, holder};
use crate::diagnosis::{Code, Words, origin};
use crate::failure::{TlsCause, TlsError, TlsFacts};
use crate::util::clock;
use crate::x509::{Certificate, certificate};

/// A clock is wrong beyond doubt when every certificate of a chain ended this long before its date,
/// in seconds: three years.
const LONG_AGO: i64 = 3 * 365 * 24 * 60 * 60;

/// Which fault of the chain it is.
pub(crate) fn code(error: &CertificateError, facts: &TlsFacts, now: i64) -> Code {
    use CertificateError as Fault;
    let leaf = Chain { facts, now }.leaf();
    let is = |test: fn(&Certificate) -> bool| leaf.is_some_and(test);
    match error {
        Fault::Expired | Fault::ExpiredContext { .. } if clock_is_wrong(facts, now) => {
            Code::TlsClockWrong
        }
        Fault::NotValidYet | Fault::NotValidYetContext { .. } if clock_is_wrong(facts, now) => {
            Code::TlsClockWrong
        }
        Fault::Expired | Fault::ExpiredContext { .. } => Code::TlsExpired,
        Fault::NotValidYet | Fault::NotValidYetContext { .. } => Code::TlsNotYetValid,
        _ if is(|leaf| leaf.version < 3) => Code::TlsV1Certificate,
        Fault::UnknownIssuer | Fault::Other(_) if is(|leaf| leaf.is_ca) => Code::TlsCaAsLeaf,
        Fault::UnknownIssuer if is(|leaf| leaf.self_issued) => Code::TlsSelfSigned,
        Fault::UnknownIssuer if lacks_intermediate(facts) => Code::TlsMissingIntermediate,
        Fault::UnknownIssuer => Code::TlsUnknownIssuer,
        Fault::NotValidForName | Fault::NotValidForNameContext { .. }
            if is(|leaf| !leaf.has_san) =>
        {
            Code::TlsNoSan
        }
        Fault::NotValidForName | Fault::NotValidForNameContext { .. } => Code::TlsNameMismatch,
        _ => Code::TlsBadCertificate,
    }
}

/// Before the program was built it cannot be now. And where *every* certificate shown ended years
/// ago, a broker that nobody renewed for years is less likely than a clock that runs ahead.
fn clock_is_wrong(facts: &TlsFacts, now: i64) -> bool {
    let certificates = || Chain { facts, now }.certificates();
    now < clock::build_date()
        || certificates().next().is_some()
            && certificates().all(|(_, shown)| shown.not_after + LONG_AGO < now)
}

fn lacks_intermediate(facts: &TlsFacts) -> bool {
    facts.chain.len() == 1
        && (facts.issuer_organisation_trusted
            || (Chain { facts, now: 0 })
                .leaf()
                .is_some_and(|leaf| leaf.has_aia))
}

/// A chain that was refused.
pub(crate) fn words(code: Code, fault: &TlsError, config: &Config, now: i64) -> Words {
    let facts = &fault.facts;
    let chain = Chain { facts, now };
    let pair = Evidence { chain, config };
    match code {
        Code::TlsUnknownIssuer => pair.unknown_issuer(),
        Code::TlsMissingIntermediate => pair.missing_intermediate(),
        Code::TlsSelfSigned => pair.self_signed(),
        Code::TlsPinMismatch => pair.pin_mismatch(&fault.cause),
        Code::TlsCaAsLeaf => pair.ca_as_leaf(),
        Code::TlsExpired => pair.dates(Code::TlsExpired),
        Code::TlsNotYetValid => pair.dates(Code::TlsNotYetValid),
        Code::TlsClockWrong => pair.clock_wrong(),
        Code::TlsNameMismatch => pair.name_mismatch(),
        Code::TlsNoSan => pair.no_san(),
        Code::TlsV1Certificate => pair.v1(),
        _ => pair.bad(&fault.cause),
    }
}

struct Evidence<'a> {
    chain: Chain<'a>,
    config: &'a Config,
}

impl Evidence<'_> {
    fn unknown_issuer(&self) -> Words {
        let issuer = self.chain.top_issuer();
        let lone = self.chain.facts.chain.len() == 1;
        Words::new(Code::TlsUnknownIssuer, "the broker's certificate was issued by a CA that this machine does not trust")
            .notes(self.chain.lines_to_top(&format!("not trusted: no trusted CA is named `{issuer}` and has signed it")))
            .note(self.chain.trusted())
            .help(match self.config.is_set("ca_file") {
                true => format!("if `{issuer}` is your own or your broker's CA, set {} to its certificate: the present one is another's", origin(self.config, "ca_file")),
                false => format!("if `{issuer}` is your own or your broker's CA, get its certificate from the broker's operator and set `ca_file` to it"),
            })
            .help_if(lone, "if it is an intermediate CA of a public one, the broker must send that CA's certificate after its own")
            .help_if(!self.system_roots(), format!("if it is a public CA, remove {}", origin(self.config, "system_roots")))
            .help_if(self.system_roots(), "if it is a public CA, update this machine's certificates (Debian: `apt-get install ca-certificates`)")
    }

    fn missing_intermediate(&self) -> Words {
        let issuer = self.chain.top_issuer();
        let url = self.chain.leaf().and_then(|leaf| leaf.ca_issuers.first());
        let words = Words::new(Code::TlsMissingIntermediate, "the broker does not send the intermediate certificate")
            .notes(self.chain.lines_to_top(&format!("its issuer `{issuer}` was neither sent nor is it trusted")))
            .note(self.chain.trusted())
            .help(format!("append the certificate of `{issuer}` to the broker's certificate file, after its own, and reload it (Let's Encrypt: use `fullchain.pem`)"));
        let words = match url {
            Some(url) => words
                .help(format!("the broker's certificate says that it can be had from {url}"))
                .help("if that is no PEM text: `openssl x509 -inform der -in intermediate.der -out intermediate.pem`"),
            None => words,
        };
        words.help(match self.config.is_set("ca_file") {
            true => format!("until then, append that certificate (PEM) to the file of {}", origin(self.config, "ca_file")),
            false => "until then, save that certificate (PEM) as a file of your own and set `ca_file` to it".to_owned(),
        })
    }

    fn self_signed(&self) -> Words {
        let pin = self.chain.fingerprint(0);
        Words::new(
            Code::TlsSelfSigned,
            "the broker's certificate is self-signed, and this machine does not trust it",
        )
        .notes(self.chain.lines(0, "signed by itself, and not trusted"))
        .note(format!("SHA-256: {pin}"))
        .note(self.chain.trusted())
        .help("get this certificate from the broker's operator and set `ca_file` to it")
        .help(format!(
            "or, if the operator confirms the fingerprint: `pin_sha256 = {pin}`"
        ))
        .help("the operator sees it with `openssl x509 -in server.crt -noout -fingerprint -sha256`, on the broker's own certificate file")
    }

    fn pin_mismatch(&self, cause: &TlsCause) -> Words {
        let expected = match cause {
            TlsCause::PinMismatch { expected } => certificate::fingerprint(expected),
            _ => String::new(),
        };
        Words::new(Code::TlsPinMismatch, "the broker's certificate is not the one that is pinned")
            .note(format!("SHA-256 expected: {expected} ({})", origin(self.config, "pin_sha256")))
            .note(format!("SHA-256 found:    {}", self.chain.fingerprint(0)))
            .notes(self.chain.lines(0, "another fingerprint"))
            .help("if the broker got a new certificate, have its operator confirm the fingerprint found, then set `pin_sha256` to it")
            .help("if nobody renewed it, something else answers in the broker's place: do not send it a password")
    }

    fn ca_as_leaf(&self) -> Words {
        let (name, kind) = self.wanted();
        Words::new(Code::TlsCaAsLeaf, "the broker uses a CA certificate as its server certificate")
            .notes(self.chain.lines(0, "marked as a CA (CA:TRUE)"))
            .note("rustls refuses that (RFC 5280 §4.2.1.9); OpenSSL-based clients may accept it")
            .help(match self.chain.leaf() {
                Some(leaf) if !leaf.self_issued => format!("have `{}` issue one for the broker that is no CA; if that is your own CA (`ca.crt`, `ca.key`):", leaf.issuer.short()),
                _ => "keep that certificate as the CA (`ca.crt`, `ca.key`), set `ca_file` to it, and sign one for the broker with it:".to_owned(),
            })
            .help(format!("`openssl req -new -newkey rsa:2048 -nodes -keyout server.key -subj /CN={name} -out server.csr`"))
            .help(format!("`printf 'basicConstraints=CA:FALSE\nsubjectAltName={kind}:{name}\n' > ext.cnf`"))
            .help(sign())
            .help("then give `server.crt` and `server.key` to the broker and reload it")
    }

    fn dates(&self, code: Code) -> Words {
        let expired = code == Code::TlsExpired;
        let chain = self.chain;
        let found = chain.out_of_date(expired);
        let at = found.map_or(0, |(at, _)| at);
        let whose = if at == 0 {
            "the broker's certificate"
        } else {
            "a CA certificate in the broker's chain"
        };
        let (what, mark) = if expired {
            ("has expired", "expired")
        } else {
            ("is not yet valid", "not yet valid")
        };
        let mut words = Words::new(code, format!("{whose} {what}"));
        if let Some(which) = found.map(|(_, which)| which).or(chain.leaf()) {
            words = words.note(format!(
                "{}; issued by `{}` for `{}`",
                chain.validity(which),
                which.issuer.short(),
                holder(which)
            ));
        }
        let words = words.note(chain.clock());
        let words = match chain.facts.chain.len() {
            0 | 1 => words,
            _ => words.notes(chain.lines(at, mark)),
        };
        if expired {
            words
                .help(if at == 0 {
                    "renew the certificate on the broker and reload it"
                } else {
                    "put the CA's renewed certificate into the broker's certificate file, after its own, and reload it"
                })
                .help("if the date of the clock above is wrong, set this machine's clock first")
        } else {
            words
                .help("if the date of the clock above is wrong, set this machine's clock: `timedatectl set-ntp true`")
                .help("if it is right, the certificate was made for a later time: wait, or have it issued anew")
        }
    }

    fn clock_wrong(&self) -> Words {
        let built = clock::build_date();
        let words = Words::new(
            Code::TlsClockWrong,
            "this machine's clock does not fit the broker's certificate",
        )
        .note(self.chain.clock());
        let (words, mark) = if self.chain.now < built {
            let note = format!(
                "this program was built on {}, after that",
                clock::utc(built)
            );
            (words.note(note), "not yet valid by this clock")
        } else {
            let note = "every certificate that the broker presented ended years before that";
            (words.note(note), "expired by this clock")
        };
        let out = [false, true]
            .into_iter()
            .find_map(|expired| self.chain.out_of_date(expired));
        words
            .notes(self.chain.lines(out.map_or(0, |(at, _)| at), mark))
            .help("set the clock from the network: `sudo timedatectl set-ntp true`")
            .help("or once by hand, with the present time in UTC: `sudo date -u -s 'YYYY-MM-DD HH:MM:SS'`")
            .help("if this board has no battery-backed clock, let NTP set it before MQTT starts (systemd: `After=time-sync.target`)")
            .help_if(self.chain.now >= built, "if that date is right after all, the broker's certificate ended years ago: renew it there")
    }

    fn name_mismatch(&self) -> Words {
        let (wanted, _) = self.wanted();
        let names = self.chain.leaf().map_or(&[][..], |leaf| &leaf.names);
        let key = if self.config.is_set("server_name") {
            "server_name"
        } else {
            "host"
        };
        let plain = names
            .iter()
            // What is no host name is nothing to put into a configuration.
            .find(|name| {
                name.chars()
                    .all(|c| c.is_ascii_alphanumeric() || ".-_".contains(c))
            });
        let words = Words::new(
            Code::TlsNameMismatch,
            format!("the broker's certificate is not for `{wanted}`"),
        )
        .note(format!(
            "sought: `{wanted}`, from {}",
            origin(self.config, key)
        ))
        .note(format!("the certificate is for {}", list(names)))
        .notes(self.chain.lines(0, "not for this name"));
        let words = match plain {
            Some(name) if key == "host" => words
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

    fn no_san(&self) -> Words {
        let (wanted, kind) = self.wanted();
        let common = self
            .chain
            .leaf()
            .and_then(|leaf| leaf.subject.common_name());
        Words::new(Code::TlsNoSan, "the broker's certificate names no host (it has no subjectAltName)")
            .note(format!("sought: `{wanted}`; its common name, `{}`, does not count (RFC 6125 §6.4.4)", common.unwrap_or("none")))
            .notes(self.chain.lines(0, "no subjectAltName"))
            .note("OpenSSL-based clients such as mosquitto_pub still accept a common name; rustls and browsers do not")
            .help(format!("have the certificate issued anew with `subjectAltName = {kind}:{wanted}`"))
            .help("if you sign it yourself, from the request `server.csr` with your CA:")
            .help(format!("`printf 'basicConstraints=CA:FALSE\nsubjectAltName={kind}:{wanted}\n' > ext.cnf`"))
            .help(sign())
    }

    fn v1(&self) -> Words {
        let (wanted, kind) = self.wanted();
        let version = self.chain.leaf().map_or(1, |leaf| leaf.version);
        Words::new(
            Code::TlsV1Certificate,
            format!(
                "the broker's certificate is of X.509 version {version}, which can name no host"
            ),
        )
        .notes(self.chain.lines(0, &format!("version {version}")))
        .note("rustls takes version 3 only; OpenSSL-based clients may accept it")
        .help("have it issued anew with extensions, which makes it version 3")
        .help("if you sign it yourself, from the request `server.csr` with your CA:")
        .help(format!(
            "`printf 'basicConstraints=CA:FALSE\nsubjectAltName={kind}:{wanted}\n' > ext.cnf`"
        ))
        .help(sign())
    }

    fn bad(&self, cause: &TlsCause) -> Words {
        use CertificateError as Fault;
        let fault = match cause {
            TlsCause::Rustls(rustls::Error::InvalidCertificate(fault)) => Some(fault),
            _ => None,
        };
        let said = match cause {
            TlsCause::Rustls(error) => error.to_string(),
            _ => String::new(),
        };
        let error = match cause {
            TlsCause::Rustls(rustls::Error::NoCertificatesPresented) => {
                "the broker presents no certificate"
            }
            TlsCause::Rustls(rustls::Error::InvalidMessage(_)) => {
                "the broker presents more than the 64 KiB of certificates that are taken here"
            }
            _ => "the broker's certificate cannot be accepted",
        };
        let words = Words::new(Code::TlsBadCertificate, error)
            .note(format!("rustls says: {said}"))
            .notes(self.chain.lines(0, ""));
        let words = match cause {
            TlsCause::Rustls(rustls::Error::NoCertificatesPresented) => {
                return words.help("give the broker a certificate and its key (mosquitto: `certfile` and `keyfile`)");
            }
            TlsCause::Rustls(rustls::Error::InvalidMessage(_)) => {
                return words.help("leave in the broker's certificate file its own certificate and the intermediate ones, and nothing else");
            }
            _ => words.note(self.chain.trusted()),
        };
        match fault {
            Some(Fault::BadSignature) => words
                .help_if(self.config.is_set("ca_file"), format!("if the CA was made anew under the same name, {} still holds the old one: set it to the new one", origin(self.config, "ca_file")))
                .help("if not, the certificate is damaged or forged: have it issued anew"),
            Some(Fault::InvalidPurpose | Fault::InvalidPurposeContext { .. }) => words
                .notes(self.chain.leaf().and_then(|leaf| leaf.extended_key_usage.as_ref()).map(|usage| format!("its extended key usage: {}", usage.join(", "))))
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

    /// The name that the certificate must carry, and of which kind it is in a subjectAltName.
    fn wanted(&self) -> (&str, &'static str) {
        let name = self.chain.facts.server_name.as_str();
        match name.parse::<std::net::IpAddr>() {
            Ok(_) => (name, "IP"),
            Err(_) => (name, "DNS"),
        }
    }

    fn system_roots(&self) -> bool {
        matches!(&self.config.transport, Transport::Tls(settings) if settings.system_roots)
    }
}

/// The command that signs what the lines before it prepared.
fn sign() -> &'static str {
    "`openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 365 -extfile ext.cnf -out server.crt`"
}

fn list(names: &[String]) -> String {
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
