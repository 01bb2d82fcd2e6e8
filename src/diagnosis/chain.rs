//! The presented chain as evidence: a line for each certificate from leaf to top, with its dates,
//! and a mark where trust fails. What the fault is, and what to do, `codes::certificate` and
//! `codes::issuer` say.

use crate::config::{Config, Key, Transport};
use crate::diagnosis::origin;
use crate::failure::{Presented, TlsError, TlsFacts};
use crate::util::{clock, text};
use crate::x509::certificate::Name;
use crate::x509::{Certificate, certificate};

/// A peer may send as many as it likes; a person reads so many. `--verbose` and `--json` have all.
const MOST: usize = 6;

/// What a diagnosis of a certificate is worded from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Evidence<'a> {
    pub(crate) chain: Chain<'a>,
    pub(crate) config: &'a Config,
}

impl<'a> Evidence<'a> {
    pub(crate) fn new(error: &'a TlsError, config: &'a Config, now: i64) -> Self {
        let facts = &error.facts;
        let chain = Chain { facts, now };
        Self { chain, config }
    }

    /// The name that the certificate must carry, and of which kind it is in a subjectAltName.
    pub(crate) fn wanted(&self) -> (&str, &'static str) {
        let name = self.chain.facts.server_name.as_str();
        match name.parse::<std::net::IpAddr>() {
            Ok(_) => (name, "IP"),
            Err(_) => (name, "DNS"),
        }
    }

    pub(crate) fn system_roots(&self) -> bool {
        matches!(&self.config.transport, Transport::Tls(settings) if settings.system_roots)
    }
}

/// Of `ca_file`.
impl Evidence<'_> {
    /// Every certificate of `ca_file` has ended: the first.
    pub(crate) fn ended_ca_file(&self) -> Option<&Certificate> {
        let ca_file = &self.chain.facts.roots.ca_file;
        let all = ca_file.iter().all(|it| it.not_after < self.chain.now);
        ca_file.first().filter(|_| all)
    }

    /// Those that a presented certificate names as its issuer.
    pub(crate) fn signers(&self) -> impl Iterator<Item = &Certificate> {
        let ca_file = self.chain.facts.roots.ca_file.iter();
        ca_file.filter(|ca| {
            let mut presented = self.chain.certificates();
            presented.any(|(_, it)| it.issuer == ca.subject)
        })
    }

    /// The one of this name, if it has ended.
    pub(crate) fn ended(&self, name: &Name) -> Option<&Certificate> {
        let mut ca_file = self.chain.facts.roots.ca_file.iter();
        ca_file.find(|it| it.subject == *name && it.not_after < self.chain.now)
    }

    /// That it has, as a note.
    pub(crate) fn holds(&self, ended: &Certificate) -> String {
        format!(
            "{} holds `{}`, {}",
            origin(self.config, Key::CaFile),
            ended.subject.short(),
            self.chain.validity(ended)
        )
    }
}

/// What was presented, and the time at which it was judged, in Unix seconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Chain<'a> {
    pub(crate) facts: &'a TlsFacts,
    pub(crate) now: i64,
}

impl<'a> Chain<'a> {
    /// The certificates that could be read, each with its place in the chain.
    pub(crate) fn certificates(self) -> impl Iterator<Item = (usize, &'a Certificate)> {
        let read = |(at, shown): (usize, &'a Presented)| Some((at, shown.certificate.as_ref()?));
        self.facts.chain.iter().enumerate().filter_map(read)
    }

    pub(crate) fn leaf(self) -> Option<&'a Certificate> {
        self.facts.chain.first()?.certificate.as_ref()
    }

    /// The first certificate that is out of its dates, with its place.
    pub(crate) fn out_of_date(self, expired: bool) -> Option<(usize, &'a Certificate)> {
        self.certificates().find(|(_, shown)| {
            if expired {
                shown.not_after < self.now
            } else {
                shown.not_before > self.now
            }
        })
    }

    /// A line for each certificate, `mark` behind the one at `place`.
    pub(crate) fn lines(self, place: usize, mark: &str) -> Vec<String> {
        let chain = &self.facts.chain;
        let shown = chain.iter().enumerate().filter(|(at, _)| {
            // The marked one is what the lines are for.
            *at < MOST || *at == place && !mark.is_empty()
        });
        let mut lines: Vec<_> = shown
            .map(|(at, shown)| {
                let line = self.line(at, shown);
                if at == place && !mark.is_empty() {
                    format!("{line} <- {mark}")
                } else {
                    line
                }
            })
            .collect();
        let more = chain.len() - lines.len();
        if more > 0 {
            lines.push(format!(
                "and {} more",
                text::count(more as u64, "certificate")
            ));
        }
        lines
    }

    /// [`lines`](Self::lines) with the mark behind the last certificate.
    pub(crate) fn lines_to_top(self, mark: &str) -> Vec<String> {
        self.lines(self.facts.chain.len().saturating_sub(1), mark)
    }

    fn line(self, at: usize, shown: &Presented) -> String {
        match &shown.certificate {
            Some(certificate) => format!(
                "presented {}: `{}`, issued by `{}`, {}",
                at + 1,
                holder(certificate),
                certificate.issuer.short(),
                self.validity(certificate)
            ),
            None => format!(
                "presented {}: bytes that are no certificate, SHA-256 {}",
                at + 1,
                certificate::fingerprint(&shown.sha256)
            ),
        }
    }

    /// The date that counts now, and how far off it is.
    pub(crate) fn validity(self, certificate: &Certificate) -> String {
        let Certificate {
            not_before,
            not_after,
            ..
        } = *certificate;
        let now = self.now;
        if not_before > now {
            let begins = clock::utc(not_before);
            format!(
                "valid from {begins}, in {}",
                clock::distance(now, not_before)
            )
        } else if not_after < now {
            let ended = clock::utc(not_after);
            format!(
                "valid until {ended}, {} ago",
                clock::distance(not_after, now)
            )
        } else {
            let ends = clock::utc(not_after);
            format!("valid until {ends}, in {}", clock::distance(now, not_after))
        }
    }

    /// Whom the top of the chain names as its issuer.
    pub(crate) fn top_issuer(self) -> String {
        let top = self.facts.chain.last();
        let top = top.and_then(|shown| shown.certificate.as_ref());
        top.map_or_else(|| "unknown".to_owned(), |top| top.issuer.to_string())
    }

    pub(crate) fn fingerprint(self, at: usize) -> String {
        let shown = self.facts.chain.get(at);
        shown.map_or_else(String::new, |shown| certificate::fingerprint(&shown.sha256))
    }

    pub(crate) fn clock(self) -> String {
        format!("this machine's clock says {}", clock::utc(self.now))
    }

    /// What is trusted here: how many, and from where.
    pub(crate) fn trusted(self) -> String {
        let roots = &self.facts.roots;
        match roots.sources.as_slice() {
            [] => "trusted: nothing".to_owned(),
            sources => format!(
                "trusted: {} from {}",
                text::count(roots.count as u64, "CA certificate"),
                sources.join(" and ")
            ),
        }
    }
}

/// Whom a certificate was issued to, in a word.
pub(crate) fn holder(certificate: &Certificate) -> String {
    match certificate.names.first() {
        Some(name) if !certificate.is_ca => name.clone(),
        _ => certificate.subject.short(),
    }
}

/// The command that signs what the lines before it prepared.
pub(crate) fn sign() -> &'static str {
    "`openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 365 -extfile ext.cnf -out server.crt`"
}
