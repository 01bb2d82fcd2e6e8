//! Settings to a finished [`Config`], or every problem with its line: each value by itself, then
//! the rules between keys. Pure: it opens no file, reads no environment and asks no clock.

use std::path::{Path, PathBuf};

use crate::config::error::{
    LikelyCause, Problem, ProblemKind, Quoted, TopicError, TopicErrorKind, ValueError,
};
use crate::config::settings::{Setting, Settings};
use crate::config::types::{
    Ambient, CheckScope, ClientCertFiles, Config, Credentials, Key, KeyKind, Message, Origin,
    Override, PasswordSource, Secret, Source, TlsSettings, Transport, Will,
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

/// `--set password_env=X` overrides a `password_file` of the file: it is the same setting in another
/// form, not a second one.
fn one_password_of_the_flags(settings: &mut Settings) {
    let password = |setting: &Setting| setting.key.is(KeyKind::Secret);
    let flag = |setting: &Setting| matches!(setting.quoted.origin, Origin::Flag(_));
    if settings.list.iter().any(|s| password(s) && flag(s)) {
        settings.list.retain(|s| !password(s) || flag(s));
    }
}

/// Reads values one by one and keeps what is wrong with them.
struct Reader<'a> {
    settings: &'a Settings,
    ambient: &'a Ambient,
    /// The config file's own folder, which its paths are relative to.
    folder: &'a Path,
    /// With the order of the setting each belongs to.
    problems: Vec<(usize, Problem)>,
}

impl Reader<'_> {
    /// The value of `key`, or its default, if it has one; what is wrong with it is kept.
    fn read<T>(
        &mut self,
        key: Key,
        value: impl FnOnce(&str) -> Result<T, ValueError>,
    ) -> Option<T> {
        let settings = self.settings;
        let Some(setting) = settings.get(key) else {
            return value(key.default()?).ok();
        };
        let text = setting.value.as_str();
        let kind = if text.is_empty() && !key.is(KeyKind::MayBeEmpty) {
            ProblemKind::Empty { key }
        } else if is_placeholder(key, text) {
            ProblemKind::Placeholder { key }
        } else {
            match value(text) {
                Ok(value) => return Some(value),
                Err(error) => ProblemKind::BadValue {
                    key,
                    error,
                    cause: likely_cause(key, text),
                },
            }
        };
        self.wrong(setting, kind);
        None
    }

    /// A wrong value counts as `on`, for which no rule between keys adds a second problem.
    fn switch(&mut self, key: Key) -> bool {
        self.read(key, values::switch) != Some(false)
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

    /// A rule between keys is broken; reported at `key`, if it is set.
    fn wrong_at(&mut self, key: Key, kind: ProblemKind) {
        let settings = self.settings;
        if let Some(setting) = settings.get(key) {
            self.wrong(setting, kind);
        }
    }

    fn quoted(&self, key: Key) -> Quoted {
        self.settings.get(key).map_or(
            Quoted {
                origin: Origin::Default,
                shown: String::new(),
            },
            |setting| setting.quoted.clone(),
        )
    }

    fn is_set(&self, key: Key) -> bool {
        self.settings.get(key).is_some()
    }

    /// A path in the config file is relative to the folder of that file, one in a flag to the current
    /// folder.
    fn path(&mut self, key: Key) -> Option<PathBuf> {
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

    fn topic(
        &mut self,
        key: Key,
        names: &Names<'_>,
        legal: fn(&str) -> Result<(), TopicErrorKind>,
    ) -> String {
        if !self.is_set(key) {
            let topic = names.fill(key.default().unwrap_or_default());
            if let Err(why) = legal(&topic) {
                // Only the client id can have brought it in.
                let error = ValueError::Topic(TopicError {
                    why,
                    from: Some(Key::ClientId),
                });
                let cause = None;
                self.wrong_at(Key::ClientId, ProblemKind::BadValue { key, error, cause });
            }
            return topic;
        }
        let filled = self.read(key, |value| {
            let error = |why, from| ValueError::Topic(TopicError { why, from });
            legal(value).map_err(|why| error(why, None))?;
            let topic = names.fill(value);
            legal(&topic).map_err(|why| error(why, Some(Key::ClientId)))?;
            Ok(topic)
        });
        filled.unwrap_or_default()
    }
}

/// The rules between keys.
impl Reader<'_> {
    fn config(&mut self, target: String) -> Option<Config> {
        let host = self.host(&target);
        let tls = self.switch(Key::Tls);
        let port = self.read(Key::Port, values::port);
        let port = port.unwrap_or(if tls { 8883 } else { 1883 });
        let transport = self.transport(tls);
        let credentials = self.credentials();
        let generated = format!("mqtt-test-{}", hex(&self.ambient.random[..4]));
        let client_id = self.read(Key::ClientId, values::string);
        let client_id = client_id.unwrap_or_else(|| generated.clone());
        let protocol = self.read(Key::Protocol, values::protocol);
        let clean_session = self.switch(Key::CleanSession);
        self.session_has_an_id(clean_session, &client_id);
        let keep_alive = self.read(Key::KeepAlive, values::keep_alive);
        let timeout = self.read(Key::Timeout, values::timeout);
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
        let check = self.read(Key::Check, values::check);
        let legal = match check.unwrap_or(CheckScope::Echo) {
            check if check.publishes() || self.ambient.is_pub => values::topic,
            // The default then has no use at all.
            CheckScope::Connect if !self.is_set(Key::Topic) => |_: &str| Ok(()),
            _ => values::filter,
        };
        let topic = self.topic(Key::Topic, &names, legal);
        let qos = self.read(Key::Qos, values::qos);
        let retain = self.switch(Key::Retain);
        let message = self.message();
        let max_packet_size = self.read(Key::MaxPacketSize, values::packet_size);
        let will = self.will(&names);
        let host = host?;
        self.clouds(&host, port, tls);
        Some(Config {
            target,
            origins: self.origins(),
            host,
            port,
            transport,
            credentials,
            client_id,
            protocol: protocol?,
            clean_session,
            keep_alive: keep_alive?,
            timeout: timeout?,
            check: check?,
            topic,
            qos: qos?,
            retain,
            message,
            max_packet_size: max_packet_size?,
            will,
        })
    }

    fn origins(&self) -> Vec<(Key, Origin)> {
        let origin = |setting: &Setting| (setting.key, setting.quoted.origin.clone());
        self.settings.list.iter().map(origin).collect()
    }

    fn host(&mut self, target: &str) -> Option<String> {
        // A URL that could not be read has its own problem already.
        let told = |(_, p): &(usize, Problem)| matches!(p.kind, ProblemKind::Url(_));
        if !self.is_set(Key::Host) && !self.problems.iter().any(told) {
            let kind = ProblemKind::Missing {
                key: Key::Host,
                target: target.to_owned(),
            };
            let (origin, shown) = (Origin::Default, String::new());
            // It belongs to no line: last of all.
            self.problems.push((
                usize::MAX,
                Problem {
                    origin,
                    shown,
                    kind,
                },
            ));
        }
        self.read(Key::Host, |value| {
            url::host(value).map_err(ValueError::Host)
        })
    }

    fn transport(&mut self, tls: bool) -> Transport {
        if !tls {
            for key in Key::ALL.into_iter().filter(|key| key.is(KeyKind::Tls)) {
                let tls = self.quoted(Key::Tls);
                self.wrong_at(key, ProblemKind::TlsOff { key, tls });
            }
            return Transport::Plain;
        }
        let name = |value: &str| url::host(value).map_err(ValueError::Host);
        let settings = TlsSettings {
            sni: self.switch(Key::Sni),
            server_name: self.read(Key::ServerName, name),
            ca_file: self.path(Key::CaFile),
            system_roots: self.switch(Key::SystemRoots),
            pin_sha256: self.read(Key::PinSha256, values::pin),
            client: self.client_cert(),
            alpn: self.read(Key::Alpn, values::alpn).unwrap_or_default(),
            version: self.read(Key::TlsVersion, values::tls_version),
        };
        if !settings.system_roots && !self.is_set(Key::CaFile) && !self.is_set(Key::PinSha256) {
            self.wrong_at(Key::SystemRoots, ProblemKind::NothingTrusted);
        }
        Transport::Tls(settings)
    }

    fn client_cert(&mut self) -> Option<ClientCertFiles> {
        let (cert_file, key_file) = (self.path(Key::CertFile), self.path(Key::KeyFile));
        let pair = [(Key::CertFile, Key::KeyFile), (Key::KeyFile, Key::CertFile)];
        for (key, needs) in pair {
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
        let username = self.read(Key::Username, values::string);
        let secret = |value: &str| values::string(value).map(Secret::new);
        let literal = self
            .read(Key::Password, secret)
            .map(PasswordSource::Literal);
        let file = self.path(Key::PasswordFile).map(PasswordSource::File);
        let env = self.read(Key::PasswordEnv, values::env_name);
        let mut set = Key::ALL
            .into_iter()
            .filter(|key| key.is(KeyKind::Secret) && self.is_set(*key));
        if let Some(other) = set.next() {
            for key in set.collect::<Vec<_>>() {
                let quoted = self.quoted(other);
                self.wrong_at(key, ProblemKind::TwoPasswords { key, other, quoted });
            }
            if !self.is_set(Key::Username) {
                // MQTT 3.1.1 §3.1.2.9: without the user name flag, no password flag.
                let (key, needs) = (other, Key::Username);
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
            let client_id = self.quoted(Key::ClientId);
            self.wrong_at(
                Key::CleanSession,
                ProblemKind::SessionWithoutId { client_id },
            );
        }
    }

    fn message(&mut self) -> Message {
        let own = self.read(Key::Message, |value| Ok(value.as_bytes().to_vec()));
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
        let message = self.read(Key::WillMessage, values::binary);
        let qos = self.read(Key::WillQos, values::qos);
        let retain = self.switch(Key::WillRetain);
        if !self.is_set(Key::WillTopic) {
            let needs = Key::WillTopic;
            for key in [Key::WillMessage, Key::WillQos, Key::WillRetain] {
                self.wrong_at(key, ProblemKind::Needs { key, needs });
            }
            return None;
        }
        Some(Will {
            topic: self.topic(Key::WillTopic, names, values::topic),
            message: message?,
            qos: qos?,
            retain,
        })
    }

    /// What AWS IoT Core and Azure IoT Hub demand of every client.
    fn clouds(&mut self, host: &str, port: u16, tls: bool) {
        let aws = url::is_aws(host);
        let provider = match () {
            () if aws => "AWS IoT Core",
            () if url::is_azure(host) => "Azure IoT Hub",
            () => return,
        };
        for key in [Key::Qos, Key::WillQos] {
            if self.settings.get(key).is_some_and(|s| s.value == "2") {
                let host = host.to_owned();
                self.wrong_at(
                    key,
                    ProblemKind::QosUnsupported {
                        key,
                        provider,
                        host,
                    },
                );
            }
        }
        if aws && port == 443 && tls && !self.is_set(Key::Alpn) {
            let host = host.to_owned();
            self.wrong_at(Key::Port, ProblemKind::AlpnRequired { host });
        }
    }
}

/// What `{…}` in a topic stands for.
struct Names<'a> {
    client_id: &'a str,
    host: &'a str,
    pid: u32,
}

impl Names<'_> {
    /// In one pass: a value that holds `{pid}` itself is not filled in again.
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
fn is_placeholder(key: Key, value: &str) -> bool {
    match key {
        Key::Message | Key::WillMessage => false,
        Key::Password => value.starts_with("YOUR-"),
        _ => value.contains("YOUR-"),
    }
}

/// Never for the password: every character of it may be meant.
fn likely_cause(key: Key, value: &str) -> Option<LikelyCause> {
    let quoted = |quote| value.len() > 1 && value.starts_with(quote) && value.ends_with(quote);
    if key == Key::Password {
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
