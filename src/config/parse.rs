//! Settings to a finished [`Config`], or every problem with its line: each value by itself, then
//! the rules between keys. Pure: it opens no file, reads no environment and asks no clock.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::config::error::{LikelyCause, Problem, ProblemKind, Quoted, TopicError, ValueError};
use crate::config::settings::{PASSWORD_KEYS, Setting, Settings, TLS_KEYS};
use crate::config::types::{
    Ambient, ClientCertFiles, Config, Credentials, Message, Origin, Override, PasswordSource, Qos,
    Secret, Source, TlsSettings, Transport, Will,
};
use crate::config::{url, values};

/// Reads a whole configuration.
///
/// # Errors
/// Everything that is wrong with it, in the order of the file, then of the flags.
pub(crate) fn config(
    source: Source<'_>,
    overrides: &[Override],
    ambient: &Ambient,
) -> Result<Config, Vec<Problem>> {
    let (target, folder) = match source {
        Source::File { path, .. } => (path.to_owned(), Path::new(path).parent()),
        Source::Url(text) => (url::redact(text), None),
    };
    let mut settings = Settings::gather(source, overrides);
    one_password_of_the_flags(&mut settings);
    let mut reader = Reader {
        problems: std::mem::take(&mut settings.problems),
        settings: &settings,
        ambient,
        folder: folder.unwrap_or(Path::new("")),
    };
    let config = reader.config(target);
    let mut problems = reader.problems;
    match config {
        Some(config) if problems.is_empty() => Ok(config),
        _ => {
            problems.sort_by_key(|(order, _)| *order);
            Err(problems.into_iter().map(|(_, problem)| problem).collect())
        }
    }
}

/// `--set password_env=X` stands above a `password_file` of the file: it is the same setting in
/// another form, not a second one.
fn one_password_of_the_flags(settings: &mut Settings) {
    let password = |setting: &Setting| PASSWORD_KEYS.contains(&setting.key);
    let flag = |setting: &Setting| matches!(setting.quoted.origin, Origin::Flag(_));
    if settings.list.iter().any(|s| password(s) && flag(s)) {
        settings.list.retain(|s| !password(s) || flag(s));
    }
}

/// Reads values one by one and keeps what is wrong with them.
struct Reader<'a> {
    settings: &'a Settings,
    ambient: &'a Ambient,
    /// The config file's own, to which its paths are relative.
    folder: &'a Path,
    /// With the order of the setting each belongs to.
    problems: Vec<(usize, Problem)>,
}

impl Reader<'_> {
    /// The value of `key` if it is set and right; what is wrong with it is kept.
    fn read<T>(
        &mut self,
        key: &'static str,
        value: impl FnOnce(&str) -> Result<T, ValueError>,
    ) -> Option<T> {
        let settings = self.settings;
        let setting = settings.get(key)?;
        let text = setting.value.as_str();
        let kind = if text.is_empty() && !MAY_BE_EMPTY.contains(&key) {
            ProblemKind::Empty { key }
        } else if is_placeholder(key, text) {
            ProblemKind::Placeholder { key }
        } else {
            match value(text) {
                Ok(value) => return Some(value),
                Err(flaw) => ProblemKind::BadValue {
                    key,
                    flaw,
                    slip: slip(key, text),
                },
            }
        };
        self.wrong(setting, kind);
        None
    }

    fn wrong(&mut self, setting: &Setting, kind: ProblemKind) {
        let Quoted { origin, shown } = setting.quoted.clone();
        self.problems.push((
            setting.order,
            Problem {
                origin,
                shown,
                kind,
            },
        ));
    }

    /// A rule between keys is broken; it is told where `key` stands, if it stands anywhere.
    fn wrong_at(&mut self, key: &str, kind: ProblemKind) {
        let settings = self.settings;
        if let Some(setting) = settings.get(key) {
            self.wrong(setting, kind);
        }
    }

    fn quoted(&self, key: &str) -> Quoted {
        self.settings.get(key).map_or(
            Quoted {
                origin: Origin::Default,
                shown: String::new(),
            },
            |setting| setting.quoted.clone(),
        )
    }

    fn is_set(&self, key: &str) -> bool {
        self.settings.get(key).is_some()
    }

    /// Relative to the config file's own folder; a flag's to the current one.
    fn path(&mut self, key: &'static str) -> Option<PathBuf> {
        let ambient = self.ambient;
        let folder = match self.settings.get(key)?.quoted.origin {
            Origin::Line { .. } => self.folder,
            _ => Path::new(""),
        };
        let folder = folder.to_owned();
        self.read(key, |value| {
            if value.contains("-----BEGIN") {
                return Err(ValueError::PastedPem);
            }
            if value.contains('\0') {
                return Err(ValueError::Nul);
            }
            match value.strip_prefix("~/") {
                Some(rest) => Ok(ambient.home.as_ref().ok_or(ValueError::NoHome)?.join(rest)),
                None => Ok(folder.join(value)),
            }
        })
    }

    fn topic(&mut self, key: &'static str, default: &str, names: &Names<'_>) -> String {
        if !self.is_set(key) {
            let topic = names.fill(default);
            if let Err(why) = values::topic(&topic) {
                // Only the client id can have brought it in.
                let flaw = ValueError::Topic(TopicError {
                    why,
                    from: Some("client_id"),
                });
                let slip = None;
                self.wrong_at("client_id", ProblemKind::BadValue { key, flaw, slip });
            }
            return topic;
        }
        let filled = self.read(key, |value| {
            let flaw = |why, from| ValueError::Topic(TopicError { why, from });
            values::topic(value).map_err(|why| flaw(why, None))?;
            let topic = names.fill(value);
            values::topic(&topic).map_err(|why| flaw(why, Some("client_id")))?;
            Ok(topic)
        });
        filled.unwrap_or_default()
    }
}

/// The rules between keys.
impl Reader<'_> {
    fn config(&mut self, target: String) -> Option<Config> {
        let host = self.host(&target);
        let tls = self.read("tls", values::switch).unwrap_or(true);
        let port = self.read("port", values::port);
        let port = port.unwrap_or(if tls { 8883 } else { 1883 });
        let transport = self.transport(tls);
        let credentials = self.credentials();
        let generated = format!("mqtt-test-{}", hex(&self.ambient.random[..4]));
        let client_id = self.read("client_id", values::string);
        let client_id = client_id.unwrap_or_else(|| generated.clone());
        self.read("protocol", values::protocol);
        let clean_session = self.read("clean_session", values::switch).unwrap_or(true);
        self.session_has_an_id(clean_session, &client_id);
        let keep_alive = self.read("keep_alive", values::keep_alive);
        let timeout = self.read("timeout", values::timeout);
        let names = Names {
            // An empty id leaves the choice to the broker; the topic still wants a name.
            client_id: if client_id.is_empty() {
                &generated
            } else {
                &client_id
            },
            host: host.as_deref().unwrap_or_default(),
            pid: self.ambient.pid,
        };
        let topic = self.topic("topic", "mqtt-test/{client_id}", &names);
        let qos = self.read("qos", values::qos).unwrap_or(Qos::AtLeastOnce);
        let retain = self.read("retain", values::switch).unwrap_or(false);
        let message = self.message();
        let max_packet_size = self.read("max_packet_size", values::packet_size);
        let will = self.will(&names);
        let host = host?;
        if url::is_aws(&host) {
            self.aws(&host, port, &transport);
        }
        Some(Config {
            target,
            origins: self.origins(),
            host,
            port,
            transport,
            credentials,
            client_id,
            clean_session,
            keep_alive: keep_alive.unwrap_or(Duration::from_secs(60)),
            timeout: timeout.unwrap_or(Duration::from_secs(15)),
            topic,
            qos,
            retain,
            message,
            max_packet_size: max_packet_size.unwrap_or(1024 * 1024),
            will,
        })
    }

    fn origins(&self) -> Vec<(&'static str, Origin)> {
        let origin = |setting: &Setting| (setting.key, setting.quoted.origin.clone());
        self.settings.list.iter().map(origin).collect()
    }

    fn host(&mut self, target: &str) -> Option<String> {
        // A URL that could not be read has said so already.
        let told = |(_, p): &(usize, Problem)| matches!(p.kind, ProblemKind::Url(_));
        if !self.is_set("host") && !self.problems.iter().any(told) {
            let kind = ProblemKind::Missing {
                key: "host",
                target: target.to_owned(),
            };
            let (origin, shown) = (Origin::Default, String::new());
            // Behind the last line, before the first flag, would be right as well; last is plain.
            self.problems.push((
                usize::MAX,
                Problem {
                    origin,
                    shown,
                    kind,
                },
            ));
        }
        self.read("host", |value| url::host(value).map_err(ValueError::Host))
    }

    fn transport(&mut self, tls: bool) -> Transport {
        if !tls {
            for key in TLS_KEYS {
                let tls = self.quoted("tls");
                self.wrong_at(key, ProblemKind::TlsOff { key, tls });
            }
            return Transport::Plain;
        }
        let name = |value: &str| url::host(value).map_err(ValueError::Host);
        let settings = TlsSettings {
            sni: self.read("sni", values::switch).unwrap_or(true),
            server_name: self.read("server_name", name),
            ca_file: self.path("ca_file"),
            system_roots: self.read("system_roots", values::switch).unwrap_or(true),
            pin_sha256: self.read("pin_sha256", values::pin),
            client: self.client_cert(),
            alpn: self.read("alpn", values::alpn).unwrap_or_default(),
        };
        if !settings.system_roots && !self.is_set("ca_file") && !self.is_set("pin_sha256") {
            self.wrong_at("system_roots", ProblemKind::NothingTrusted);
        }
        Transport::Tls(settings)
    }

    fn client_cert(&mut self) -> Option<ClientCertFiles> {
        let (cert_file, key_file) = (self.path("cert_file"), self.path("key_file"));
        for (key, needs) in [("cert_file", "key_file"), ("key_file", "cert_file")] {
            if !self.is_set(needs) {
                self.wrong_at(key, ProblemKind::Needs { key, needs });
            }
        }
        Some(ClientCertFiles {
            cert_file: cert_file?,
            key_file: key_file?,
        })
    }

    fn credentials(&mut self) -> Option<Credentials> {
        let username = self.read("username", values::string);
        let secret = |value: &str| values::string(value).map(Secret::new);
        let literal = self.read("password", secret).map(PasswordSource::Literal);
        let file = self.path("password_file").map(PasswordSource::File);
        let env = self.read("password_env", values::env_name);
        let mut set = PASSWORD_KEYS.into_iter().filter(|key| self.is_set(key));
        if let Some(other) = set.next() {
            for key in set.collect::<Vec<_>>() {
                let quoted = self.quoted(other);
                self.wrong_at(key, ProblemKind::TwoPasswords { key, other, quoted });
            }
            if !self.is_set("username") {
                // MQTT 3.1.1 §3.1.2.9: without the user name flag, no password flag.
                let (key, needs) = (other, "username");
                self.wrong_at(key, ProblemKind::Needs { key, needs });
            }
        }
        Some(Credentials {
            username: username?,
            password: literal.or(file).or(env.map(PasswordSource::Env)),
        })
    }

    fn session_has_an_id(&mut self, clean_session: bool, client_id: &str) {
        if !clean_session && client_id.is_empty() {
            let client_id = self.quoted("client_id");
            self.wrong_at("clean_session", ProblemKind::SessionWithoutId { client_id });
        }
    }

    fn message(&mut self) -> Message {
        let own = self.read("message", |value| Ok(value.as_bytes().to_vec()));
        own.map_or_else(
            || {
                let mark = hex(&self.ambient.random[4..]);
                // 64 bytes in all: 11 + 20 + 1 + 32.
                let text = format!("mqtt-test: {} {mark}", self.ambient.now);
                Message::Marked { text, mark }
            },
            Message::Own,
        )
    }

    fn will(&mut self, names: &Names<'_>) -> Option<Will> {
        let message = self.read("will_message", values::binary);
        let qos = self.read("will_qos", values::qos);
        let retain = self.read("will_retain", values::switch);
        if !self.is_set("will_topic") {
            let needs = "will_topic";
            for key in ["will_message", "will_qos", "will_retain"] {
                self.wrong_at(key, ProblemKind::Needs { key, needs });
            }
            return None;
        }
        Some(Will {
            topic: self.topic("will_topic", "", names),
            message: message.unwrap_or_default(),
            qos: qos.unwrap_or(Qos::AtMostOnce),
            retain: retain.unwrap_or(false),
        })
    }

    /// What AWS IoT Core demands of every client.
    fn aws(&mut self, host: &str, port: u16, transport: &Transport) {
        for key in ["qos", "will_qos"] {
            if self.settings.get(key).is_some_and(|s| s.value == "2") {
                let host = host.to_owned();
                self.wrong_at(key, ProblemKind::QosUnsupported { key, host });
            }
        }
        if port == 443 && !self.is_set("alpn") && *transport != Transport::Plain {
            let host = host.to_owned();
            self.wrong_at("port", ProblemKind::AlpnRequired { host });
        }
    }
}

/// Keys whose empty value says something of its own.
const MAY_BE_EMPTY: [&str; 3] = ["client_id", "message", "will_message"];

/// What `{…}` in a topic stands for.
struct Names<'a> {
    client_id: &'a str,
    host: &'a str,
    pid: u32,
}

impl Names<'_> {
    /// In one pass: a value that holds `{pid}` itself is not looked at again.
    fn fill(&self, topic: &str) -> String {
        let mut filled = String::with_capacity(topic.len());
        let mut rest = topic;
        while let Some(at) = rest.find('{') {
            filled.push_str(&rest[..at]);
            rest = &rest[at..];
            let pid = self.pid.to_string();
            let known = [
                ("{client_id}", self.client_id),
                ("{host}", self.host),
                ("{pid}", &pid),
            ];
            match known.iter().find(|(name, _)| rest.starts_with(name)) {
                Some((name, value)) => {
                    filled.push_str(value);
                    rest = &rest[name.len()..];
                }
                None => {
                    filled.push('{');
                    rest = &rest[1..];
                }
            }
        }
        filled + rest
    }
}

/// What the shipped files hold where the user's own value belongs. A payload is never one, nor is
/// a password that merely contains the word.
fn is_placeholder(key: &str, value: &str) -> bool {
    match key {
        "message" | "will_message" => false,
        "password" => value.starts_with("YOUR-"),
        _ => value.contains("YOUR-"),
    }
}

/// Only where the value's own text may be looked at and no blank could be meant.
fn slip(key: &str, value: &str) -> Option<LikelyCause> {
    let quoted = |quote| value.len() > 1 && value.starts_with(quote) && value.ends_with(quote);
    if key == "password" {
        None
    } else if quoted('"') || quoted('\'') {
        Some(LikelyCause::Quoted)
    } else if value.contains(" #") || value.contains("\t#") {
        Some(LikelyCause::Comment)
    } else {
        None
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
#[path = "parse_tests.rs"]
mod tests;
