//! The words for what is wrong with the presented certificates: which fault it is, the chain as
//! evidence, and what must change, on the broker or here.

use rustls::CertificateError;

use crate::certificate::{self, Certificate};
use crate::clock;
use crate::code::Code;
use crate::config::{Config, Transport};
use crate::failure::{TlsCause, TlsFacts, TlsFault};
use crate::words::{Words, named};

/// A clock is wrong beyond doubt when every certificate of a chain ended this long before its date,
/// in seconds: three years.
const LONG_AGO: i64 = 3 * 365 * 24 * 60 * 60;

/// Which fault of the chain it is.
pub fn code(error: &CertificateError, facts: &TlsFacts, now: i64) -> Code {
    use CertificateError as Fault;
    let leaf = leaf(facts);
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
    let certificates = || {
        facts
            .chain
            .iter()
            .filter_map(|shown| shown.certificate.as_ref())
    };
    now < clock::build_date()
        || certificates().next().is_some()
            && certificates().all(|shown| shown.not_after + LONG_AGO < now)
}

fn lacks_intermediate(facts: &TlsFacts) -> bool {
    facts.chain.len() == 1
        && (facts.issuer_organisation_trusted || leaf(facts).is_some_and(|leaf| leaf.has_aia))
}

fn leaf(facts: &TlsFacts) -> Option<&Certificate> {
    facts
        .chain
        .first()
        .and_then(|shown| shown.certificate.as_ref())
}

/// A chain that was refused.
pub fn words(code: Code, fault: &TlsFault, config: &Config, now: i64) -> Words {
    let facts = &fault.facts;
    let pair = Evidence { facts, config, now };
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
    facts: &'a TlsFacts,
    config: &'a Config,
    now: i64,
}

impl Evidence<'_> {
    fn unknown_issuer(&self) -> Words {
        let issuer = self.last_issuer();
        let lone = self.facts.chain.len() == 1;
        Words::new(Code::TlsUnknownIssuer, "the broker's certificate was issued by a CA that this machine does not trust")
            .notes(self.chain(&format!("not trusted: no trusted CA is named `{issuer}` and has signed it")))
            .note(self.trusted())
            .help(format!("if `{issuer}` is your own or your broker's CA, set `ca_file` to its certificate{}", self.ca_file_is_set()))
            .help_if(lone, "if it is an intermediate CA of a public one, the broker must send that CA's certificate after its own")
            .help_if(!self.system_roots(), format!("if it is a public CA, take {} away", named(self.config, "system_roots")))
            .help_if(self.system_roots(), "if it is a public CA, update this machine's certificates (Debian: `apt-get install ca-certificates`)")
    }

    fn missing_intermediate(&self) -> Words {
        let issuer = self.last_issuer();
        let leaf = leaf(self.facts);
        let from = leaf
            .and_then(|leaf| leaf.ca_issuers.first())
            .map(|url| format!(" (it can be had from {url})"));
        Words::new(Code::TlsMissingIntermediate, "the broker does not send the intermediate certificate")
            .notes(self.chain(&format!("its issuer `{issuer}` was neither sent nor is it trusted")))
            .note(self.trusted())
            .help(format!("append the certificate of `{issuer}`{} to the broker's certificate file, after its own, and reload it", from.unwrap_or_default()))
            .help("until then, append that certificate to a file of your own and set `ca_file` to it")
    }

    fn self_signed(&self) -> Words {
        let pin = self.fingerprint(0);
        Words::new(
            Code::TlsSelfSigned,
            "the broker's certificate is self-signed, and this machine does not trust it",
        )
        .notes(self.chain("signed by itself"))
        .note(format!("SHA-256: {pin}"))
        .note(self.trusted())
        .help("get this certificate from the broker's operator and set `ca_file` to it")
        .help(format!(
            "or, if the operator confirms the fingerprint: `pin_sha256 = {pin}`"
        ))
    }

    fn pin_mismatch(&self, cause: &TlsCause) -> Words {
        let expected = match cause {
            TlsCause::PinMismatch { expected } => certificate::fingerprint(expected),
            _ => String::new(),
        };
        Words::new(Code::TlsPinMismatch, "the broker's certificate is not the one that is pinned")
            .note(format!("expected: {expected} ({})", named(self.config, "pin_sha256")))
            .note(format!("presented: {}", self.fingerprint(0)))
            .notes(self.chain(""))
            .help("if the broker got a new certificate, have its operator confirm the fingerprint, then set `pin_sha256` to it")
            .help("if nobody renewed it, something else answers in the broker's place: do not send it a password")
    }

    fn ca_as_leaf(&self) -> Words {
        Words::new(Code::TlsCaAsLeaf, "the broker uses a CA certificate as its server certificate")
            .notes(self.chain("marked as a CA (CA:TRUE)"))
            .note("rustls refuses that (RFC 5280 §4.2.1.9); OpenSSL-based clients may accept it")
            .help(format!(
                "issue a certificate of its own to the broker: `openssl req -new -newkey rsa:2048 -nodes -keyout server.key -subj /CN={0} -out server.csr`, then `printf 'basicConstraints=CA:FALSE\\nsubjectAltName=DNS:{0}\\n' > ext.cnf; openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 365 -extfile ext.cnf -out server.crt`",
                self.facts.server_name
            ))
            .help("keep the present one as the CA, and set `ca_file` to it")
    }

    fn dates(&self, code: Code) -> Words {
        let expired = code == Code::TlsExpired;
        let found = self.facts.chain.iter().enumerate().find_map(|(at, shown)| {
            let certificate = shown.certificate.as_ref()?;
            let out = if expired {
                certificate.not_after < self.now
            } else {
                certificate.not_before > self.now
            };
            out.then_some((at, certificate))
        });
        let (at, which) = found.map_or((0, leaf(self.facts)), |(at, certificate)| {
            (at, Some(certificate))
        });
        let whose = if at == 0 {
            "the broker's certificate"
        } else {
            "a CA certificate in the broker's chain"
        };
        let what = if expired {
            "has expired"
        } else {
            "is not yet valid"
        };
        let mut words = Words::new(code, format!("{whose} {what}"));
        if let Some(which) = which {
            let date = if expired {
                format!(
                    "valid until {}, {} ago",
                    clock::utc(which.not_after),
                    clock::distance(which.not_after, self.now)
                )
            } else {
                format!(
                    "valid from {}, in {}",
                    clock::utc(which.not_before),
                    clock::distance(self.now, which.not_before)
                )
            };
            words = words.note(format!(
                "{date}; issued by `{}` for `{}`",
                which.issuer.short(),
                holder(which)
            ));
        }
        let words = words.note(self.clock());
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
                .help("if the date of the clock above is wrong, set this machine's clock")
                .help("if it is right, the certificate was made for a later time: wait, or have it issued anew")
        }
    }

    fn clock_wrong(&self) -> Words {
        let built = clock::build_date();
        let words = Words::new(
            Code::TlsClockWrong,
            "this machine's clock does not fit the broker's certificate",
        )
        .note(self.clock());
        let words = if self.now < built {
            words.note(format!(
                "this program was built on {}, after that",
                clock::utc(built)
            ))
        } else {
            words.note("every certificate that the broker presented ended years before that")
        };
        words
            .notes(self.chain(""))
            .help("set the clock: `timedatectl set-ntp true`, or once by hand `date -s '2026-01-31 12:00:00'` with the present time")
            .help("if this board has no battery-backed clock, let NTP set it before MQTT starts (systemd: `After=time-sync.target`)")
            .help_if(self.now >= built, "if that date is right after all, the broker's certificate ended years ago: renew it there")
    }

    fn name_mismatch(&self) -> Words {
        let wanted = &self.facts.server_name;
        let names = leaf(self.facts)
            .map(|leaf| leaf.names.clone())
            .unwrap_or_default();
        let key = if self.config.is_set("server_name") {
            "server_name"
        } else {
            "host"
        };
        let plain = names
            .iter()
            .find(|name| !name.starts_with("*.") && !name.contains(':'));
        let words = Words::new(
            Code::TlsNameMismatch,
            format!("the broker's certificate is not for `{wanted}`"),
        )
        .note(format!(
            "sought: `{wanted}`, from {}",
            named(self.config, key)
        ))
        .note(format!("the certificate is for {}", list(&names)))
        .note(self.leaf_line());
        let words = match plain {
            Some(name) if key == "host" => words.help(format!(
                "if `{name}` is your broker, set `host = {name}`; if that name has no address here, keep `host` and set `server_name = {name}`"
            )),
            Some(name) => words.help(format!("if `{name}` is your broker, set `server_name = {name}`")),
            None => words,
        };
        words.help(format!(
            "or have the broker's certificate issued for `{wanted}` as well (subjectAltName)"
        ))
    }

    fn no_san(&self) -> Words {
        let wanted = &self.facts.server_name;
        let common = leaf(self.facts)
            .and_then(|leaf| leaf.subject.common_name())
            .unwrap_or("none")
            .to_owned();
        let kind = if wanted.parse::<std::net::IpAddr>().is_ok() {
            "IP"
        } else {
            "DNS"
        };
        Words::new(Code::TlsNoSan, "the broker's certificate names no host (it has no subjectAltName)")
            .note(format!("sought: `{wanted}`; its common name, `{common}`, does not count (RFC 6125 §6.4.4)"))
            .note("OpenSSL-based clients such as mosquitto_pub still accept a common name; rustls and browsers do not")
            .help(format!("have the certificate issued anew with `subjectAltName = {kind}:{wanted}` (openssl: `-addext 'subjectAltName={kind}:{wanted}'`)"))
    }

    fn v1(&self) -> Words {
        let wanted = &self.facts.server_name;
        let version = leaf(self.facts).map_or(1, |leaf| leaf.version);
        Words::new(Code::TlsV1Certificate, format!("the broker's certificate is of X.509 version {version}, which can name no host"))
            .note(self.leaf_line())
            .note("rustls takes version 3 only; OpenSSL-based clients may accept it")
            .help(format!("issue it anew with extensions, which makes it version 3: `openssl x509 -req … -extfile ext.cnf` with `subjectAltName = DNS:{wanted}` in `ext.cnf`"))
    }

    fn bad(&self, cause: &TlsCause) -> Words {
        let said = match cause {
            TlsCause::Rustls(error) => error.to_string(),
            _ => String::new(),
        };
        let signature = said.contains("BadSignature");
        Words::new(Code::TlsBadCertificate, "the broker's certificate cannot be accepted")
            .note(format!("rustls says: {said}"))
            .notes(self.chain(""))
            .note(self.trusted())
            .help_if(signature && self.config.is_set("ca_file"), format!("if the CA was made anew under the same name, {} still holds the old one: set it to the new one", named(self.config, "ca_file")))
            .help("have the certificate issued anew: X.509 version 3, CA:FALSE, the broker's name as subjectAltName, and serverAuth if it has an extended key usage")
    }

    /// The chain from leaf to top, `mark` behind the last one.
    fn chain(&self, mark: &str) -> Vec<String> {
        let last = self.facts.chain.len().saturating_sub(1);
        let line = |(at, shown): (usize, &crate::failure::Presented)| {
            let Some(certificate) = &shown.certificate else {
                return format!("presented {}: bytes that are no certificate", at + 1);
            };
            let mark = if at == last && !mark.is_empty() {
                format!(" <- {mark}")
            } else {
                String::new()
            };
            format!(
                "presented {}: `{}`, issued by `{}`{mark}",
                at + 1,
                holder(certificate),
                certificate.issuer.short()
            )
        };
        self.facts.chain.iter().enumerate().map(line).collect()
    }

    fn leaf_line(&self) -> String {
        match leaf(self.facts) {
            Some(leaf) => format!(
                "presented: `{}`, issued by `{}`, valid until {}",
                holder(leaf),
                leaf.issuer.short(),
                clock::utc(leaf.not_after)
            ),
            None => "the presented certificate could not be read".to_owned(),
        }
    }

    fn last_issuer(&self) -> String {
        let last = self
            .facts
            .chain
            .last()
            .and_then(|shown| shown.certificate.as_ref());
        last.map_or_else(
            || "unknown".to_owned(),
            |certificate| certificate.issuer.to_string(),
        )
    }

    fn trusted(&self) -> String {
        let roots = &self.facts.roots;
        match roots.sources.as_slice() {
            [] => "trusted: nothing".to_owned(),
            sources => format!(
                "trusted: {} from {}",
                crate::text::count(roots.count as u64, "CA certificate"),
                sources.join(" and ")
            ),
        }
    }

    fn clock(&self) -> String {
        format!("this machine's clock says {}", clock::utc(self.now))
    }

    fn fingerprint(&self, at: usize) -> String {
        self.facts
            .chain
            .get(at)
            .map(|shown| certificate::fingerprint(&shown.sha256))
            .unwrap_or_default()
    }

    fn system_roots(&self) -> bool {
        matches!(&self.config.transport, Transport::Tls(settings) if settings.system_roots)
    }

    fn ca_file_is_set(&self) -> String {
        if self.config.is_set("ca_file") {
            format!(
                "; the present {} is not the one",
                named(self.config, "ca_file")
            )
        } else {
            String::new()
        }
    }
}

/// Whom a certificate was issued to, in a word.
fn holder(certificate: &Certificate) -> String {
    match certificate.names.first() {
        Some(name) if !certificate.is_ca => name.clone(),
        _ => certificate.subject.short(),
    }
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
#[path = "diagnose_certificate_tests.rs"]
mod tests;
