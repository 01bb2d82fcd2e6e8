//! The codes of settings: what is wrong with each, and what would be right. Facts come from
//! `config::error`; no value of a secret is among them.

use std::collections::BTreeSet;

use crate::config::{Key, LikelyCause, Origin, Problem, ProblemKind, Quoted, UrlError, ValueError};
use crate::diagnosis::code::Kind;
use crate::diagnosis::value::{flaw, has_tls, is_websocket, keys};
use crate::diagnosis::{Code, Diagnosis, providers};
use crate::failure::Stage;

/// The codes of this layer, in the order of `mqtt-test explain`.
pub(crate) static CODES: &[&Code] = &[
    &CONFIG_INVALID,
    &HOST_INVALID,
    &QOS_UNSUPPORTED,
    &ALPN_REQUIRED,
];

/// More lines than this are not read any more; the rest is counted.
const MAX_NOTES: usize = 20;
const MAX_HELP: usize = 10;

pub(crate) static CONFIG_INVALID: Code = Code {
    name: "config-invalid",
    kind: Kind::Failure {
        stage: Stage::Config,
        retry: false,
    },
    line: "a setting is wrong, missing or contradictory",
    more: "Every wrong line of the config file is named at once, with what would be right. Settings from flags and URLs are judged in the same way.",
    causes: &[
        "a misspelt key, or a key set twice",
        "a value of the wrong form: a time without its unit (`15` for `15s`), quotes or a comment behind the value",
        "a placeholder `YOUR-…` that was not replaced yet",
        "keys that contradict each other, such as `ca_file` together with `tls = off`",
    ],
    remedies: &[
        "correct the named lines; the message says what is accepted",
        "write values without quotes, and comments on lines of their own that begin with `#`",
        "compare with a fresh file: `mqtt-test new mosquitto`",
    ],
};

pub(crate) static HOST_INVALID: Code = Code {
    name: "host-invalid",
    kind: Kind::Failure {
        stage: Stage::Config,
        retry: false,
    },
    line: "`host` is not a plain host name or IP address",
    more: "`host` takes the name alone. What else a web page shows around it, such as `mqtts://`, `:8883` or a path, has keys of its own.",
    causes: &[
        "a whole URL was copied into `host`",
        "the port stands behind the name",
        "spaces, quotes or a comma in the value",
    ],
    remedies: &[
        "write the name alone: `host = broker.example.com`",
        "put the port into `port = 8883`, and whether to encrypt into `tls = on` or `tls = off`",
        "or give the URL instead of a file: `mqtt-test mqtts://broker.example.com:8883`",
    ],
};

pub(crate) static QOS_UNSUPPORTED: Code = Code {
    name: "qos-unsupported",
    kind: Kind::Failure {
        stage: Stage::Config,
        retry: false,
    },
    line: "this broker has no QoS 2",
    more: "QoS (quality of service) says how surely a message arrives: 0 at most once, 1 at least once, 2 exactly once. AWS IoT Core and Azure IoT Hub have 0 and 1 only: the one never answers a message of QoS 2, the other closes the connection.",
    causes: &["`qos = 2` or `will_qos = 2` with a host of AWS IoT Core or Azure IoT Hub"],
    remedies: &["set `qos = 1`, and `will_qos = 1` if there is a last will"],
};

pub(crate) static ALPN_REQUIRED: Code = Code {
    name: "alpn-required",
    kind: Kind::Failure {
        stage: Stage::Config,
        retry: false,
    },
    line: "port 443 of AWS IoT Core needs `alpn`",
    more: "AWS IoT Core serves web requests and MQTT on port 443 and tells them apart by ALPN, a protocol name that the client sends with its first TLS message. None is set.",
    causes: &["`port = 443` with a host of AWS IoT Core, without `alpn`"],
    remedies: &[
        "add `alpn = x-amzn-mqtt-ca`",
        "or use `port = 8883`, which needs none, if the network lets it through",
    ],
};

/// All problems of one configuration in one diagnosis.
pub(crate) fn diagnose(problems: &[Problem]) -> Diagnosis {
    if let [problem] = problems {
        let (wrong, right) = explain(problem);
        let mut notes: Vec<_> = written(&problem.origin, &problem.shown)
            .into_iter()
            .collect();
        notes.extend(other(problem).and_then(|quoted| written(&quoted.origin, &quoted.shown)));
        return Diagnosis::new(code(problem), wrong)
            .notes(notes)
            .help(right);
    }
    let mut notes = Vec::new();
    let mut help: Vec<String> = Vec::new();
    for problem in problems {
        let (mut wrong, right) = explain(problem);
        // A guess at one name is lost when it stands apart from its line.
        if matches!(
            &problem.kind,
            ProblemKind::UnknownKey {
                nearest: Some(_),
                ..
            }
        ) {
            wrong = format!("{wrong}; {right}");
        } else if !help.contains(&right) {
            help.push(right);
        }
        notes.push(match written(&problem.origin, &problem.shown) {
            Some(written) => format!("{written}: {wrong}"),
            None => wrong,
        });
    }
    if notes.len() > MAX_NOTES {
        let more = notes.len() - MAX_NOTES;
        notes.truncate(MAX_NOTES);
        notes.push(format!("and {more} more"));
    }
    help.truncate(MAX_HELP);
    if help.is_empty() {
        help.push("write the keys as they are named above".to_owned());
    }
    let placeholder = |p: &Problem| matches!(p.kind, ProblemKind::Placeholder { .. });
    let what = if problems.iter().all(placeholder) {
        "values are still placeholders"
    } else {
        "settings are wrong"
    };
    let first = problems.first().map_or(&CONFIG_INVALID, code);
    let same = problems.iter().all(|problem| code(problem) == first);
    Diagnosis::new(
        if same { first } else { &CONFIG_INVALID },
        match only_file(problems) {
            Some(path) => format!("{} {what} in `{path}`", problems.len()),
            None => format!("{} {what}", problems.len()),
        },
    )
    .notes(notes)
    .helps(help)
}

/// rustls refuses what was checked before it; `origin`: the setting concerned, if it is one.
pub(crate) fn tls_setup(origin: Option<String>, words: &str) -> Diagnosis {
    let error = match origin {
        Some(origin) => format!("TLS cannot be set up for {origin}: {words}"),
        None => format!("TLS cannot be set up: {words}"),
    };
    Diagnosis::new(&CONFIG_INVALID, error).help(
        "if the settings are right, this is a defect of the program: report it with this message",
    )
}

/// The code of one problem alone.
pub(crate) fn code(problem: &Problem) -> &'static Code {
    match &problem.kind {
        ProblemKind::BadValue {
            key: Key::Host,
            error: ValueError::Host(_),
            ..
        }
        | ProblemKind::Url(
            UrlError::NoScheme
            | UrlError::Slash { .. }
            | UrlError::Scheme { .. }
            | UrlError::NoHost,
        ) => &HOST_INVALID,
        ProblemKind::QosUnsupported { .. } => &QOS_UNSUPPORTED,
        ProblemKind::AlpnRequired { .. } => &ALPN_REQUIRED,
        _ => &CONFIG_INVALID,
    }
}

/// Where something was written, and what.
pub(crate) fn written(origin: &Origin, shown: &str) -> Option<String> {
    let origin = match origin {
        Origin::Line { path, line } => format!("{path}:{line}"),
        Origin::Flag(_) => "command line".to_owned(),
        Origin::Url => "URL".to_owned(),
        Origin::Default => return None,
    };
    Some(format!("{origin}: `{shown}`"))
}

/// The file that every problem is in, if it is one.
fn only_file(problems: &[Problem]) -> Option<&str> {
    let paths: Option<BTreeSet<_>> = problems
        .iter()
        .map(|problem| match (&problem.origin, &problem.kind) {
            (Origin::Line { path, .. }, _) => Some(path.as_str()),
            (_, ProblemKind::Missing { target, .. }) => Some(target.as_str()),
            _ => None,
        })
        .collect();
    let paths = paths?;
    paths.first().copied().filter(|_| paths.len() == 1)
}

/// The other line of a contradiction.
fn other(problem: &Problem) -> Option<&Quoted> {
    match &problem.kind {
        ProblemKind::Duplicate { first: quoted, .. }
        | ProblemKind::TlsOff { tls: quoted, .. }
        | ProblemKind::TwoPasswords { quoted, .. }
        | ProblemKind::SessionWithoutId { client_id: quoted } => Some(quoted),
        _ => None,
    }
}

/// Where the other line of a contradiction stands, for a sentence.
fn at(quoted: &Quoted) -> String {
    match &quoted.origin {
        Origin::Line { line, .. } => format!("line {line}"),
        Origin::Flag(flag) => format!("`{flag}`"),
        Origin::Url => "the URL".to_owned(),
        Origin::Default => "the default".to_owned(),
    }
}

/// What is wrong, and what would be right.
fn explain(problem: &Problem) -> (String, String) {
    match &problem.kind {
        ProblemKind::NoEquals => (
            "this is not `key = value`".to_owned(),
            "write `key = value`, one a line; a comment line begins with `#`".to_owned(),
        ),
        ProblemKind::NoKey => (
            "there is no key before the `=`".to_owned(),
            "write `key = value`, one a line; a comment line begins with `#`".to_owned(),
        ),
        ProblemKind::UnknownKey { given, nearest } => (
            format!("there is no key `{given}`"),
            match nearest {
                Some(nearest) => format!("did you mean `{nearest}`?"),
                None => format!("the keys are {}", keys()),
            },
        ),
        ProblemKind::VerificationOff { given } => (
            format!("there is no key `{given}`: the broker is always verified"),
            "to trust a broker with a certificate of its own, set `ca_file` to its CA \
             certificate, or `pin_sha256` to its fingerprint"
                .to_owned(),
        ),
        ProblemKind::Duplicate { key, first } => (
            format!("`{key}` is set twice, first by {}", at(first)),
            format!("leave one `{key}`"),
        ),
        ProblemKind::Missing { key, target } => (
            format!("`{key}` is not set in `{target}`"),
            format!("add a line `{key} = …` with the broker's name or address"),
        ),
        ProblemKind::Empty { key } => (
            format!("`{key}` has no value"),
            format!("give `{key}` a value, or leave it out"),
        ),
        ProblemKind::Placeholder { key } => (
            format!("`{key}` still holds the placeholder"),
            "put your own values in place of `YOUR-…`; the comments above them say where to \
             find them"
                .to_owned(),
        ),
        ProblemKind::BadValue { key, error, cause } => value(key.name(), error, *cause),
        ProblemKind::Url(fault) => url(fault),
        ProblemKind::Needs {
            key,
            needs: Key::Username,
        } => (
            format!("`{key}` without `username`: MQTT 3.1.1 sends no password without a user name"),
            "set `username`".to_owned(),
        ),
        ProblemKind::Needs { key, needs } => (
            format!("`{key}` works only together with `{needs}`"),
            format!("set `{needs}` too, or leave `{key}` out"),
        ),
        ProblemKind::NothingTrusted => (
            "`system_roots = off` without `ca_file`: no certificate would be trusted".to_owned(),
            "set `ca_file` to the broker's CA certificate, or leave `system_roots` out".to_owned(),
        ),
        ProblemKind::TlsOff { key, tls } => (
            format!("`{key}` is for TLS, which {} switches off", at(tls)),
            "use TLS (`tls = on`, or `mqtts://` in a URL), or leave the keys of TLS out".to_owned(),
        ),
        ProblemKind::TwoPasswords { key, other, quoted } => (
            format!("`{key}` beside `{other}` of {}: two passwords", at(quoted)),
            "leave one of `password`, `password_file` and `password_env`".to_owned(),
        ),
        ProblemKind::SessionWithoutId { client_id } => (
            format!(
                "`clean_session = off` keeps a session under a client id, and {} leaves it empty",
                at(client_id)
            ),
            "give `client_id` a value, or set `clean_session = on`".to_owned(),
        ),
        ProblemKind::QosUnsupported {
            key,
            provider,
            host,
        } => (
            format!("`{key} = 2`: {provider} (`{host}`) supports QoS 0 and 1 only"),
            format!("set `{key} = 1`"),
        ),
        ProblemKind::AlpnRequired { host } => (
            format!("AWS IoT Core (`{host}`) takes MQTT on port 443 only with ALPN"),
            "add `alpn = x-amzn-mqtt-ca`, or use `port = 8883`".to_owned(),
        ),
    }
}

fn value(key: &str, fault: &ValueError, slip: Option<LikelyCause>) -> (String, String) {
    let (wrong, right) = flaw(key, fault);
    let right = match slip {
        Some(LikelyCause::Quoted) => {
            format!("leave the quotes out: they are part of the value of `{key}`")
        }
        Some(LikelyCause::Comment) => {
            format!("give the comment a line of its own: behind `{key}` it is part of the value")
        }
        None => right,
    };
    (wrong, right)
}

fn url(fault: &UrlError) -> (String, String) {
    let plain = |wrong: &str, right: &str| (wrong.to_owned(), right.to_owned());
    match fault {
        UrlError::NoScheme => plain(
            "this is neither a file nor a URL",
            "put `mqtts://` before it for TLS, or `mqtt://` for none",
        ),
        UrlError::Slash { scheme } => (
            format!("a slash is missing behind `{scheme}:/`"),
            format!("write `{scheme}://HOST`"),
        ),
        UrlError::Scheme {
            scheme,
            host: Some(host),
        } if is_websocket(scheme) => {
            let (tls, port, why) = providers::mqtt_port(host, has_tls(scheme));
            let right = if tls { "mqtts" } else { "mqtt" };
            let host = match host.contains(':') {
                true => format!("[{host}]"),
                false => host.clone(),
            };
            (
                format!("`{scheme}://` is MQTT over WebSocket, which is not spoken here"),
                format!("write `{right}://{host}:{port}`: {why}"),
            )
        }
        UrlError::Scheme { scheme, .. } => (
            match scheme.to_ascii_lowercase().as_str() {
                "http" | "https" => format!("`{scheme}://` is a web address, not a broker's"),
                _ => format!("`{scheme}://` is no scheme of MQTT"),
            },
            "use `mqtts://` with the broker's TLS port, usually 8883, or `mqtt://` with its plain \
             port, usually 1883"
                .to_owned(),
        ),
        UrlError::NoHost => plain(
            "there is no host in the URL",
            "write `mqtts://host:8883/topic`",
        ),
        UrlError::Query => plain(
            "a `?` in the URL: no options are read there",
            "use flags such as `--set qos=0`; in a topic or password write `%3F`",
        ),
        UrlError::Fragment => plain(
            "a `#` in the URL",
            "in a password write `%23`; a topic to publish to cannot hold one",
        ),
        UrlError::At => plain(
            "an `@` behind the first `/`, `?` or `#` of the URL",
            "in a user name or password write `%2F` for `/`, `%3F` for `?`, `%23` for `#`; in a \
             topic write `%40` for `@`",
        ),
        UrlError::Percent { part } => (
            format!("the {part} in the URL is not percent-encoded UTF-8"),
            "write `%25` for a `%` that stands for itself".to_owned(),
        ),
    }
}
