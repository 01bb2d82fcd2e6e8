//! The configuration as types: what goes into `parse` and the finished [`Config`] that comes out.
//! It reads nothing; `settings` and `parse` make it from text, `load` from files.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// What a key is besides its name and its value.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyKind {
    /// It only makes sense over TLS.
    Tls,
    /// The password, or where it is: one of these at most, and its value is never shown.
    Secret,
    /// An empty value says something of its own.
    MayBeEmpty,
}

struct Row {
    name: &'static str,
    kinds: &'static [KeyKind],
    default: Option<&'static str>,
}

/// Makes [`Key`] and all that is known of each key from one row a key.
macro_rules! keys {
    ($($key:ident $name:literal [$($is:ident)*] $default:expr;)*) => {
        /// What can be set.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[allow(clippy::enum_variant_names, reason = "the names that the user writes")]
        pub(crate) enum Key { $($key),* }

        const ROWS: &[Row] = &[$(Row {
            name: $name,
            kinds: &[$(KeyKind::$is),*],
            default: $default,
        }),*];

        impl Key {
            /// Every key, in the order of the reference.
            pub(crate) const ALL: [Self; ROWS.len()] = [$(Self::$key),*];
        }
    };
}

// The default is read like a value of the user's. `None`: there is none, or it takes more than a
// text: the port that belongs to `tls`, a client id and a message of this run's own.
keys! {
    Host          "host"            []           None;
    Port          "port"            []           None;
    Tls           "tls"             []           Some("on");
    Sni           "sni"             [Tls]        Some("on");
    ServerName    "server_name"     [Tls]        None;
    CaFile        "ca_file"         [Tls]        None;
    SystemRoots   "system_roots"    [Tls]        Some("on");
    PinSha256     "pin_sha256"      [Tls]        None;
    CertFile      "cert_file"       [Tls]        None;
    KeyFile       "key_file"        [Tls]        None;
    Alpn          "alpn"            [Tls]        None;
    TlsVersion    "tls_version"     [Tls]        None;
    Username      "username"        []           None;
    Password      "password"        [Secret]     None;
    PasswordFile  "password_file"   [Secret]     None;
    PasswordEnv   "password_env"    [Secret]     None;
    ClientId      "client_id"       [MayBeEmpty] None;
    Protocol      "protocol"        []           Some("3.1.1");
    CleanSession  "clean_session"   []           Some("on");
    KeepAlive     "keep_alive"      []           Some("60s");
    Timeout       "timeout"         []           Some("15s");
    Check         "check"           []           Some("echo");
    Topic         "topic"           []           Some("mqtt-test/{client_id}");
    Qos           "qos"             []           Some("1");
    Retain        "retain"          []           Some("off");
    Message       "message"         [MayBeEmpty] None;
    MaxPacketSize "max_packet_size" []           Some("1MiB");
    WillTopic     "will_topic"      []           None;
    WillMessage   "will_message"    [MayBeEmpty] Some("");
    WillQos       "will_qos"        []           Some("0");
    WillRetain    "will_retain"     []           Some("off");
}

impl Key {
    /// The key that is called exactly so.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|key| key.name() == name)
    }

    pub(crate) fn name(self) -> &'static str {
        self.row().name
    }

    pub(crate) fn is(self, what: KeyKind) -> bool {
        self.row().kinds.contains(&what)
    }

    pub(crate) fn default(self) -> Option<&'static str> {
        self.row().default
    }

    fn row(self) -> &'static Row {
        &ROWS[self as usize]
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Where a setting was written, so that a message can name it as the user wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A line of a config file, counted from 1.
    Line { path: String, line: usize },
    /// A flag of the command line, such as `--set` or `-t`.
    Flag(String),
    /// The URL given as the target.
    Url,
    /// Not written anywhere: a default.
    Default,
}

/// What the user named as the target.
#[derive(Clone, Copy)]
pub(crate) enum Source<'a> {
    /// A config file: its path as typed, and its whole text.
    File { path: &'a str, text: &'a str },
    /// `mqtts://user@host:8883/topic`: a check without a file.
    Url(&'a str),
}

impl fmt::Debug for Source<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, .. } => write!(f, "File({path:?}, …)"),
            Self::Url(_) => f.write_str("Url(…)"),
        }
    }
}

/// A setting of the command line; it overrides the file's or the URL's.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Override {
    pub(crate) origin: Origin,
    pub(crate) key: String,
    pub(crate) value: String,
}

impl fmt::Debug for Override {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The value may be a password under a mistyped key, so none is shown.
        write!(f, "Override({:?}, {:?}, …)", self.origin, self.key)
    }
}

/// What a run takes from its environment, handed in so that `parse` stays pure.
#[derive(Clone, Debug)]
pub(crate) struct Ambient {
    pub(crate) pid: u32,
    /// 4 bytes for the client id, 16 for the mark of the message.
    pub(crate) random: [u8; 20],
    /// RFC 3339, UTC, whole seconds.
    pub(crate) now: String,
    pub(crate) home: Option<PathBuf>,
    /// The command is `pub`: whatever `check` says, `topic` is one to publish to.
    pub(crate) is_pub: bool,
}

/// A value that must never be shown. It has no `Display`, and its `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(String);

impl Secret {
    pub(crate) fn new(value: String) -> Self {
        Self(value)
    }

    /// The value itself, for the CONNECT packet and nothing else.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }

    /// Replaces what `bytes`, which come from somebody who has seen it, hold of it by asterisks: the
    /// whole, each part of four bytes or more, and its first ones where the bytes end in them.
    pub(crate) fn mask(&self, bytes: &mut [u8]) {
        let secret = self.0.as_bytes();
        let least = secret.len().min(4);
        if least == 0 {
            return;
        }
        let is_part = |part: &[u8]| secret.windows(least).any(|window| window == part);
        let parts = bytes.windows(least).enumerate();
        let mut hidden: Vec<_> = parts
            .filter(|(_, part)| is_part(part))
            .map(|(at, _)| at..at + least)
            .collect();
        let start = (1..least).rev().find(|n| bytes.ends_with(&secret[..*n]));
        hidden.extend(start.map(|n| bytes.len() - n..bytes.len()));
        for range in hidden {
            bytes[range].fill(b'*');
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// The name of the variable that holds the password; by a common slip it is the password itself.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct VariableName(String);

impl VariableName {
    pub(crate) fn new(name: String) -> Self {
        Self(name)
    }

    /// The name itself, to ask the environment for it and nothing else.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }

    /// The name, where it has the form that names of variables usually have: capitals, digits and `_`.
    pub(crate) fn shown(&self) -> Option<&str> {
        let legal = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_';
        let digit = self.0.starts_with(|c: char| c.is_ascii_digit());
        (!digit && self.0.bytes().all(legal)).then_some(&self.0)
    }
}

impl fmt::Debug for VariableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VariableName({})", self.shown().unwrap_or("…"))
    }
}

/// Where the password comes from; `load` turns it into a [`Secret`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PasswordSource {
    Literal(Secret),
    File(PathBuf),
    Env(VariableName),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Credentials {
    pub(crate) username: String,
    /// `None`: a user name alone, which MQTT 3.1.1 §3.1.2.9 allows.
    pub(crate) password: Option<PasswordSource>,
}

impl Credentials {
    /// The user name as it may be shown. Without a password a long one may be an access token, as
    /// ThingsBoard has it, and is shown in part.
    pub(crate) fn shown(&self) -> String {
        const TOKEN: usize = 16;
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        let name = &self.username;
        let beginning = name.get(..4).unwrap_or_default();
        match self.password {
            None if name.len() >= TOKEN && name.bytes().all(is_plain) => format!("{beginning}…"),
            _ => name.clone(),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    Plain,
    Tls(TlsSettings),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TlsSettings {
    /// Send the DNS name in the ClientHello (RFC 6066 §3).
    pub(crate) sni: bool,
    /// The name that the certificate must carry; `None`: the host itself.
    pub(crate) server_name: Option<String>,
    pub(crate) ca_file: Option<PathBuf>,
    pub(crate) system_roots: bool,
    /// SHA-256 of the one server certificate to trust.
    pub(crate) pin_sha256: Option<[u8; 32]>,
    pub(crate) client: Option<ClientCertFiles>,
    /// Protocol names of RFC 7301, in the order of preference.
    pub(crate) alpn: Vec<String>,
    /// The one version to offer; `None`: both.
    pub(crate) version: Option<TlsVersion>,
}

/// The versions of TLS that are not withdrawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TlsVersion {
    V1_2,
    V1_3,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ClientCertFiles {
    pub(crate) cert_file: PathBuf,
    pub(crate) key_file: PathBuf,
}

/// Quality of service of MQTT 3.1.1 §4.3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(
    clippy::enum_variant_names,
    reason = "the standard's own names: at most once, at least once, exactly once"
)]
pub(crate) enum Qos {
    AtMostOnce = 0,
    AtLeastOnce = 1,
    ExactlyOnce = 2,
}

/// A version of MQTT.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Protocol {
    #[default]
    V3_1_1,
    V5,
    /// 5, and 3.1.1 if the broker does not take it.
    Auto,
}

impl Protocol {
    /// As the configuration has it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::V3_1_1 => "3.1.1",
            Self::V5 => "5",
            Self::Auto => "auto",
        }
    }
}

/// How much a check does once it is connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CheckScope {
    /// All: it subscribes, publishes, and waits for its own message.
    Echo,
    Publish,
    Subscribe,
    /// It ends after CONNACK.
    Connect,
}

impl CheckScope {
    /// As the user writes it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Echo => "echo",
            Self::Publish => "publish",
            Self::Subscribe => "subscribe",
            Self::Connect => "connect",
        }
    }

    pub(crate) fn subscribes(self) -> bool {
        matches!(self, Self::Echo | Self::Subscribe)
    }

    pub(crate) fn publishes(self) -> bool {
        matches!(self, Self::Echo | Self::Publish)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Will {
    pub(crate) topic: String,
    pub(crate) message: Vec<u8>,
    pub(crate) qos: Qos,
    pub(crate) retain: bool,
}

/// What is published, and how it is recognised when it comes back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Message {
    /// Our own text; `mark` is the random part that no other run has.
    Marked { text: String, mark: String },
    /// The user's own bytes, recognised by being equal.
    Own(Vec<u8>),
}

/// Everything that a run needs, checked; impossible combinations cannot be expressed.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    /// The target as the user typed it: a path, or a URL without its password.
    pub(crate) target: String,
    /// Every key that was set, and where; for messages.
    pub(crate) origins: Vec<(Key, Origin)>,
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) transport: Transport,
    pub(crate) credentials: Option<Credentials>,
    pub(crate) client_id: String,
    pub(crate) protocol: Protocol,
    pub(crate) clean_session: bool,
    /// Zero switches it off (MQTT 3.1.1 §3.1.2.10).
    pub(crate) keep_alive: Duration,
    /// The limit of each stage.
    pub(crate) timeout: Duration,
    /// Of the check alone.
    pub(crate) check: CheckScope,
    /// A filter, where nothing is published.
    pub(crate) topic: String,
    pub(crate) qos: Qos,
    pub(crate) retain: bool,
    pub(crate) message: Message,
    /// Bytes of one packet, both ways.
    pub(crate) max_packet_size: usize,
    pub(crate) will: Option<Will>,
}

impl Config {
    /// Where `key` was written.
    pub(crate) fn origin(&self, key: Key) -> &Origin {
        self.origins
            .iter()
            .rev()
            .find(|(set, _)| *set == key)
            .map_or(&Origin::Default, |(_, origin)| origin)
    }

    /// Whether the user set `key` anywhere.
    pub(crate) fn is_set(&self, key: Key) -> bool {
        self.origins.iter().any(|(set, _)| *set == key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_of_a_password_is_masked() {
        let masked = |secret: &str, said: &str| {
            let mut bytes = said.as_bytes().to_vec();
            Secret::new(secret.to_owned()).mask(&mut bytes);
            String::from_utf8_lossy(&bytes).into_owned()
        };
        for (secret, said, expected) in [
            ("hunter2", "a hunter2 b", "a ******* b"),
            ("hunter2", "nter2 hunt hun", "***** **** ***"),
            ("hunter2", "hunter hun ter2", "****** hun ****"),
            ("hunter2", "a hunt\u{0}er2", "a ****\u{0}er2"),
            ("abab", "ababab", "******"),
            ("x", "axb", "a*b"),
            ("", "axb", "axb"),
            ("hunter2", "", ""),
        ] {
            assert_eq!(masked(secret, said), expected, "{secret} in {said}");
        }
    }
}
