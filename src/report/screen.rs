//! The screen for people: steps and diagnoses as text on a `dyn Write`. All text passes one function,
//! where what others wrote is escaped.

use std::io::{self, Write};
use std::time::Duration;

use crate::check::step::{Finding, Status, Step};
use crate::config::{CheckScope, Config, Qos, Transport};
use crate::diagnosis::{Diagnosis, Kind, warning};
use crate::failure::{Stage, TlsFacts, Warning};
use crate::mqtt::Trace;
use crate::report::checked::CheckedWriter;
use crate::util::{clock, text};
use crate::x509::certificate;

/// How much is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Detail {
    /// Failures only.
    Quiet,
    Normal,
    /// The chain and the packets too.
    Verbose,
}

#[derive(Clone, Copy)]
enum Style {
    Plain,
    Good,
    Bad,
    Caution,
    Aside,
}

/// Where the report goes.
pub(crate) struct Screen<'a> {
    out: CheckedWriter<'a>,
    color: bool,
    detail: Detail,
    began: bool,
}

impl std::fmt::Debug for Screen<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Screen")
            .field("detail", &self.detail)
            .finish_non_exhaustive()
    }
}

/// What a step's second line is indented by: mark, stage, time.
const INDENT: &str = "                         ";

impl<'a> Screen<'a> {
    pub(crate) fn new(out: &'a mut dyn Write, color: bool, detail: Detail) -> Self {
        Self {
            out: CheckedWriter::new(out),
            color,
            detail,
            began: false,
        }
    }

    /// Whom we ask, and as whom.
    pub(crate) fn header(&mut self, config: &Config) {
        if self.detail == Detail::Quiet {
            return;
        }
        let host = if config.host.contains(':') {
            format!("[{}]", config.host)
        } else {
            config.host.clone()
        };
        let who = match (&config.credentials, &config.transport) {
            (Some(credentials), _) => format!("as {}", credentials.shown()),
            (None, Transport::Tls(tls)) if tls.client.is_some() => {
                "with a client certificate".to_owned()
            }
            (None, _) => "without a user name".to_owned(),
        };
        self.line(&[(Style::Plain, &format!("{host}:{} {who}", config.port))]);
        self.line(&[]);
    }

    /// A stage, as soon as it is done.
    pub(crate) fn step(&mut self, step: &Step) {
        let (mark, ink) = match step.status {
            Status::Ok => ("ok", Style::Good),
            Status::Failed => ("FAIL", Style::Bad),
            Status::Off => ("off", Style::Aside),
            Status::Skipped => return,
        };
        if self.detail == Detail::Quiet && step.status != Status::Failed {
            return;
        }
        let time = match step.status {
            Status::Off => " ".repeat(8),
            _ => format!("{:>5} ms", step.elapsed.as_millis()),
        };
        let mut lines = match step.status {
            Status::Failed => Vec::new(),
            _ if step.finding.is_some() => found(step.finding.as_ref()),
            Status::Off => vec!["`tls = off`: the connection is not encrypted".to_owned()],
            _ => Vec::new(),
        }
        .into_iter();
        let first = lines.next().unwrap_or_default();
        let rest = format!("{:<9}{time}  {first}", step.stage.name());
        self.line(&[
            (ink, &format!("{mark:<6}")),
            (Style::Plain, rest.trim_end()),
        ]);
        for line in lines {
            self.line(&[(Style::Plain, &format!("{INDENT}{line}"))]);
        }
        let _ = self.out.flush();
    }

    /// What the broker presented and which packets went back and forth.
    pub(crate) fn details(&mut self, steps: &[Step], trace: &[Trace]) {
        if self.detail != Detail::Verbose {
            return;
        }
        let facts = steps.iter().find_map(|step| match &step.finding {
            Some(Finding::Tls(facts)) => Some(facts),
            _ => None,
        });
        if let Some(facts) = facts {
            self.line(&[]);
            for line in chain(facts) {
                self.line(&[(Style::Plain, &line)]);
            }
        }
        if !trace.is_empty() {
            self.line(&[]);
        }
        for Trace { at, sent, packet } in trace {
            let arrow = if *sent { "->" } else { "<-" };
            let ms = at.as_secs_f64() * 1000.0;
            self.line(&[
                (Style::Aside, &format!("{ms:>9.1} ms  {arrow} ")),
                (Style::Plain, packet),
            ]);
        }
    }

    /// What deserves a word though the check went on.
    pub(crate) fn warnings(&mut self, warnings: &[Warning]) {
        if self.detail == Detail::Quiet {
            return;
        }
        for (at, warning) in warnings.iter().enumerate() {
            if at == 0 {
                self.line(&[]);
            }
            let label = format!("warning[{}]", warning::code(warning).name);
            self.line(&[
                (Style::Caution, &label),
                (Style::Plain, &format!(": {}", warning::text(warning))),
            ]);
        }
    }

    /// The good end: what was shown, and where `check` left something out, what was not.
    pub(crate) fn success(&mut self, config: &Config, elapsed: Duration) {
        if self.detail == Detail::Quiet {
            return;
        }
        let shown = match (config.check, config.qos) {
            (CheckScope::Echo, _) => "use this broker",
            (CheckScope::Connect, _) => {
                "connect to this broker; not checked: subscribing and publishing"
            }
            (CheckScope::Subscribe, _) => {
                "connect to this broker, which granted the subscription; not checked: that messages arrive, and publishing"
            }
            (CheckScope::Publish, Qos::AtMostOnce) => {
                "connect to this broker and send it the message; not checked: that the broker accepts it, and subscribing"
            }
            (CheckScope::Publish, _) => {
                "connect to this broker, which acknowledged the message; not checked: that it is delivered, and subscribing"
            }
        };
        let verdict = format!("This machine can {shown} ({:.2} s).", elapsed.as_secs_f64());
        self.line(&[]);
        self.line(&[(Style::Good, &verdict)]);
    }

    /// What happened, the evidence, what to change.
    pub(crate) fn diagnosis(&mut self, diagnosis: &Diagnosis) {
        let label = format!("error[{}]", diagnosis.code.name);
        self.line(&[
            (Style::Bad, &label),
            (Style::Plain, &format!(": {}", diagnosis.error)),
        ]);
        for note in &diagnosis.notes {
            self.line(&[
                (Style::Aside, " note"),
                (Style::Plain, &format!(": {note}")),
            ]);
        }
        for help in &diagnosis.help {
            self.line(&[(Style::Good, " help"), (Style::Plain, &format!(": {help}"))]);
        }
    }

    /// The bad end.
    pub(crate) fn failure(&mut self, diagnosis: &Diagnosis, elapsed: Duration) {
        if self.detail == Detail::Quiet {
            return;
        }
        let verdict = match diagnosis.stage {
            _ if diagnosis.code.kind == Kind::Interrupted => "The check was interrupted".to_owned(),
            Stage::Config => "Nothing was contacted".to_owned(),
            stage if diagnosis.code.kind == Kind::Limit => {
                format!("The check came no further than {}", stage.name())
            }
            stage => format!(
                "This machine cannot use this broker: {} failed",
                stage.name()
            ),
        };
        self.line(&[]);
        self.line(&[(
            Style::Bad,
            &format!("{verdict} ({:.2} s).", elapsed.as_secs_f64()),
        )]);
    }

    /// The end of the report: what the system said if it could not be written.
    pub(crate) fn into_error(self) -> Option<io::Error> {
        self.out.into_error()
    }

    /// The one way to the terminal.
    fn line(&mut self, parts: &[(Style, &str)]) {
        if !self.began && parts.is_empty() {
            return;
        }
        self.began = true;
        let mut line = String::new();
        for (ink, part) in parts {
            let part = text::escape(part);
            let code = match ink {
                Style::Plain => "",
                Style::Good => "32",
                Style::Bad => "1;31",
                Style::Caution => "33",
                Style::Aside => "36",
            };
            if self.color && !code.is_empty() {
                line.push_str(&format!("\x1b[{code}m{part}\x1b[0m"));
            } else {
                line.push_str(&part);
            }
        }
        line.push('\n');
        // The writer remembers what failed.
        let _ = self.out.write_all(line.as_bytes());
    }
}

/// What a stage found, one line or more.
fn found(finding: Option<&Finding>) -> Vec<String> {
    match finding {
        None => Vec::new(),
        Some(Finding::Dns { addresses }) => {
            let shown: Vec<_> = addresses
                .iter()
                .map(|address| address.ip().to_string())
                .collect();
            vec![shown.join(", ")]
        }
        Some(Finding::Tcp { peer, failed }) => {
            let mut lines = vec![peer.map(|peer| peer.to_string()).unwrap_or_default()];
            lines.extend(
                failed
                    .iter()
                    .map(|tried| format!("{} failed: {}", tried.address, tried.error)),
            );
            lines
        }
        Some(Finding::Tls(facts)) => tls(facts),
        Some(Finding::Connect { client_id, opened }) => {
            let session = if opened.session_present {
                "session resumed"
            } else {
                "new session"
            };
            let assigned = opened.allowance.as_ref();
            let assigned = assigned.and_then(|allowance| allowance.client_id.as_deref());
            let id = match (client_id.as_str(), assigned) {
                ("", None) => "client id given by the broker".to_owned(),
                ("", Some(id)) => {
                    format!("client id {} given by the broker", text::escape(id))
                }
                (id, _) => format!("client id {id}"),
            };
            vec![format!("MQTT {}, {id}, {session}", opened.protocol.name())]
        }
        Some(Finding::Subscribe { filter, granted }) => {
            vec![format!("{filter}, QoS {granted} granted")]
        }
        Some(Finding::Publish {
            bytes, qos, retain, ..
        }) => {
            let done = if *qos == 0 { "sent" } else { "acknowledged" };
            let retained = if *retain { ", retained" } else { "" };
            vec![format!(
                "{}, QoS {qos} {done}{retained}",
                text::count(*bytes as u64, "byte")
            )]
        }
        Some(Finding::Receive { bytes }) => {
            vec![format!("the same {}", text::count(*bytes as u64, "byte"))]
        }
        Some(Finding::LeftOut(check)) => vec![format!("left out by `check = {}`", check.name())],
    }
}

fn tls(facts: &TlsFacts) -> Vec<String> {
    let sni = facts
        .sni
        .as_ref()
        .map_or_else(|| "no SNI".to_owned(), |name| format!("SNI {name}"));
    let mut parts = vec![
        facts.version.unwrap_or("TLS").to_owned(),
        facts
            .cipher_suite
            .as_deref()
            .map(cipher)
            .unwrap_or_default(),
        facts.key_exchange.as_deref().map(group).unwrap_or_default(),
    ];
    parts.extend(facts.alpn.as_ref().map(|name| format!("ALPN {name}")));
    parts.push(sni);
    parts.retain(|part| !part.is_empty());
    let mut lines = vec![parts.join(", ")];
    if let Some(shown) = facts.chain.first() {
        lines.push(match &shown.certificate {
            _ if facts.pinned => {
                "the pinned certificate; its issuer, name and dates were not checked".to_owned()
            }
            Some(leaf) => {
                let name = leaf
                    .names
                    .first()
                    .cloned()
                    .unwrap_or_else(|| leaf.subject.short());
                let left = clock::distance(clock::now(), leaf.not_after);
                format!(
                    "{name}, issued by {}, valid {}",
                    leaf.issuer.short(),
                    more(&left)
                )
            }
            None => "a certificate that could not be read".to_owned(),
        });
    }
    if facts.client_cert_requested {
        let sent = if facts.client_cert_sent {
            "ours was sent"
        } else {
            "none was sent"
        };
        lines.push(format!("the broker asked for a client certificate; {sent}"));
    }
    lines
}

/// `61 days` → `61 more days`.
fn more(distance: &str) -> String {
    distance.replacen(' ', " more ", 1)
}

/// The cipher in the middle of an IANA name, as people write it.
fn cipher(suite: &str) -> String {
    let known = [
        ("AES_256_GCM", "AES-256-GCM"),
        ("AES_128_GCM", "AES-128-GCM"),
        ("CHACHA20_POLY1305", "ChaCha20-Poly1305"),
    ];
    known
        .iter()
        .find(|(part, _)| suite.contains(part))
        .map_or_else(|| suite.to_owned(), |(_, name)| (*name).to_owned())
}

fn group(name: &str) -> String {
    match name {
        "secp256r1" => "P-256".to_owned(),
        "secp384r1" => "P-384".to_owned(),
        name => name.to_owned(),
    }
}

/// The presented chain in full, for `--verbose`.
fn chain(facts: &TlsFacts) -> Vec<String> {
    let mut lines = Vec::new();
    for (at, shown) in facts.chain.iter().enumerate() {
        let Some(certificate) = &shown.certificate else {
            lines.push(format!(
                "certificate {}: could not be read, SHA-256 {}",
                at + 1,
                certificate::fingerprint(&shown.sha256)
            ));
            continue;
        };
        lines.push(format!("certificate {}: {}", at + 1, certificate.subject));
        lines.push(format!("  issued by {}", certificate.issuer));
        let (now, until) = (clock::now(), certificate.not_after);
        let distance = clock::distance(now, until);
        lines.push(format!(
            "  valid from {} until {}, {}",
            clock::utc(certificate.not_before),
            clock::utc(until),
            if until < now {
                format!("{distance} ago")
            } else {
                format!("in {distance}")
            }
        ));
        if !certificate.names.is_empty() {
            lines.push(format!("  names {}", certificate.names.join(", ")));
        }
        lines.push(format!(
            "  {}, signed with {}, SHA-256 {}",
            certificate.key,
            certificate.signature,
            certificate::fingerprint(&shown.sha256)
        ));
    }
    let roots = &facts.roots;
    if !roots.sources.is_empty() {
        let count = text::count(roots.count as u64, "CA certificate");
        lines.push(format!(
            "trusted: {count} from {}",
            roots.sources.join(" and ")
        ));
    }
    lines
}
