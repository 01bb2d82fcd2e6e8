//! The report for programs: one JSON object, exactly as the contract has it.

use std::time::Duration;

use crate::check::step::{Finding, Status, Step};
use crate::diagnosis::{Diagnosis, warning};
use crate::failure::{Presented, TlsFacts, Warning};
use crate::mqtt::{Allowance, Opened};
use crate::util::{Json, clock};
use crate::x509::certificate;

/// What the object is made of.
#[derive(Debug)]
pub(crate) struct Report<'a> {
    /// The target as the user typed it, without a password; `None`: there is none yet.
    pub(crate) target: Option<&'a str>,
    pub(crate) host: Option<&'a str>,
    pub(crate) port: Option<u16>,
    pub(crate) steps: &'a [Step],
    pub(crate) diagnosis: Option<&'a Diagnosis>,
    pub(crate) warnings: &'a [Warning],
    pub(crate) elapsed: Duration,
}

impl Report<'_> {
    /// The whole object.
    pub(crate) fn to_json(&self) -> Json {
        let warning = |w| {
            Json::Object(vec![
                ("code", warning::code(w).name.into()),
                ("text", warning::text(w).into()),
            ])
        };
        Json::Object(vec![
            ("tool", "mqtt-test".into()),
            ("version", env!("CARGO_PKG_VERSION").into()),
            ("target", self.target.into()),
            ("host", self.host.into()),
            ("port", self.port.into()),
            ("ok", self.diagnosis.is_none().into()),
            (
                "exit_code",
                self.diagnosis
                    .map_or(0, |diagnosis| diagnosis.exit_code())
                    .into(),
            ),
            ("elapsed_ms", ms(self.elapsed)),
            ("stages", Json::List(self.steps.iter().map(stage).collect())),
            ("failure", self.diagnosis.map(failure).into()),
            (
                "warnings",
                Json::List(self.warnings.iter().map(warning).collect()),
            ),
        ])
    }
}

/// The `failure` of a report.
pub(crate) fn failure(diagnosis: &Diagnosis) -> Json {
    Json::Object(vec![
        ("stage", diagnosis.stage.name().into()),
        ("code", diagnosis.code.name.into()),
        ("error", diagnosis.error.as_str().into()),
        ("notes", Json::texts(diagnosis.notes.iter().cloned())),
        ("help", Json::texts(diagnosis.help.iter().cloned())),
    ])
}

fn ms(time: Duration) -> Json {
    Json::Ms(time.as_secs_f64() * 1000.0)
}

fn stage(step: &Step) -> Json {
    let status = match step.status {
        Status::Ok => "ok",
        Status::Failed => "failed",
        Status::Skipped => "skipped",
        Status::Off => "off",
    };
    let mut members = vec![
        ("stage", step.stage.name().into()),
        ("status", status.into()),
    ];
    if matches!(step.status, Status::Ok | Status::Failed) {
        members.push(("ms", ms(step.elapsed)));
    }
    if let Some(finding) = &step.finding {
        members.extend(found(finding));
    }
    Json::Object(members)
}

fn found(finding: &Finding) -> Vec<(&'static str, Json)> {
    match finding {
        Finding::Dns { addresses } => {
            vec![(
                "addresses",
                Json::texts(addresses.iter().map(|address| address.ip().to_string())),
            )]
        }
        Finding::Tcp { peer, failed } => {
            let attempt = |tried: &crate::check::step::Attempt| {
                Json::Object(vec![
                    ("address", tried.address.to_string().into()),
                    ("error", tried.error.as_str().into()),
                ])
            };
            vec![
                ("peer", peer.map(|peer| peer.to_string()).into()),
                ("failed", Json::List(failed.iter().map(attempt).collect())),
            ]
        }
        Finding::Tls(facts) => tls(facts),
        Finding::Connect { client_id, opened } => connect(client_id, opened),
        Finding::Subscribe { filter, granted } => {
            vec![
                ("filter", filter.as_str().into()),
                ("granted_qos", (*granted).into()),
            ]
        }
        Finding::Publish {
            topic,
            bytes,
            qos,
            retain,
        } => vec![
            ("topic", topic.as_str().into()),
            ("bytes", (*bytes).into()),
            ("qos", (*qos).into()),
            ("retain", (*retain).into()),
        ],
        Finding::Receive { bytes } => vec![("bytes", (*bytes).into())],
        Finding::LeftOut(_) => Vec::new(),
    }
}

fn tls(facts: &TlsFacts) -> Vec<(&'static str, Json)> {
    vec![
        ("sni", facts.sni.as_deref().into()),
        ("version", facts.version.into()),
        ("cipher_suite", facts.cipher_suite.as_deref().into()),
        ("key_exchange", facts.key_exchange.as_deref().into()),
        ("alpn", facts.alpn.as_deref().into()),
        ("client_cert_requested", facts.client_cert_requested.into()),
        (
            "chain",
            Json::List(facts.chain.iter().map(presented).collect()),
        ),
    ]
}

fn presented(shown: &Presented) -> Json {
    let sha256 = ("sha256", certificate::fingerprint(&shown.sha256).into());
    let certificate = shown.certificate.as_ref();
    let date = |at: i64| clock::rfc3339(at);
    Json::Object(vec![
        (
            "subject",
            certificate.map(|it| it.subject.to_string()).into(),
        ),
        ("issuer", certificate.map(|it| it.issuer.to_string()).into()),
        (
            "not_before",
            certificate.map(|it| date(it.not_before)).into(),
        ),
        ("not_after", certificate.map(|it| date(it.not_after)).into()),
        (
            "names",
            Json::texts(
                certificate
                    .into_iter()
                    .flat_map(|it| it.names.iter().cloned()),
            ),
        ),
        sha256,
    ])
}
/// What the CONNACK granted; what the broker allows, in MQTT 5.
fn connect(client_id: &str, opened: &Opened) -> Vec<(&'static str, Json)> {
    let mut found = vec![
        ("protocol", opened.protocol.name().into()),
        ("client_id", client_id.into()),
        ("session_present", opened.session_present.into()),
    ];
    if let Some(allowance) = &opened.allowance {
        found.push(("allowed", allowed(allowance)));
    }
    found
}

/// `null` where the broker said nothing, and the standard's own value holds (MQTT 5 §3.2.2.3).
fn allowed(allowance: &Allowance) -> Json {
    Json::Object(vec![
        ("client_id", allowance.client_id.as_deref().into()),
        ("session_expiry", allowance.session_expiry.into()),
        ("keep_alive", allowance.keep_alive.into()),
        ("receive_maximum", allowance.receive_maximum.into()),
        ("maximum_qos", allowance.maximum_qos.into()),
        ("retain", allowance.retain.into()),
        ("maximum_packet_size", allowance.packet_size.into()),
        ("topic_alias_maximum", allowance.topic_aliases.into()),
        ("wildcards", allowance.wildcards.into()),
        ("shared_subscriptions", allowance.shared.into()),
        (
            "subscription_identifiers",
            allowance.subscription_ids.into(),
        ),
        (
            "response_information",
            allowance.response_information.as_deref().into(),
        ),
        ("server_reference", allowance.reference.as_deref().into()),
        ("reason", allowance.reason.as_deref().into()),
    ])
}
