//! What can be wrong before anything is contacted: facts about arguments, config files and the files
//! that they name. How they are worded is the business of `diagnosis`. No secret ever gets in here.

use std::io;
use std::path::PathBuf;

use crate::config::types::{Key, Origin, VariableName};
use crate::util::file::ReadError;

#[derive(Debug)]
pub(crate) enum ConfigError {
    /// The command line itself.
    Usage(UsageError),
    /// The config file could not be read.
    Unreadable {
        path: String,
        why: Unreadable,
        beside: Vec<String>,
    },
    /// Everything wrong with the settings, in the order of the file, then of the flags.
    Problems(Vec<Problem>),
    PasswordEnvUnset {
        variable: VariableName,
        empty: bool,
    },
    /// The variable is set, but MQTT cannot carry what it holds.
    PasswordEnvUnusable {
        variable: VariableName,
        why: SecretError,
    },
    PasswordFile {
        path: PathBuf,
        why: FileError,
    },
    CaFile {
        path: PathBuf,
        why: FileError,
    },
    ClientCert {
        path: PathBuf,
        why: FileError,
    },
    ClientKey {
        path: PathBuf,
        why: FileError,
    },
    ClientKeyEncrypted {
        path: PathBuf,
    },
    ClientKeyMismatch {
        cert: PathBuf,
        key: PathBuf,
        why: Mismatch,
    },
    /// `cert_file` holds a key, and `key_file` a certificate.
    ClientFilesExchanged {
        cert: PathBuf,
        key: PathBuf,
    },
    /// The file of `-f` cannot be read.
    Payload {
        path: PathBuf,
        why: ReadError,
    },
    /// Nothing to verify a certificate with; `empty`: all the places that were searched.
    NoTrustRoots {
        empty: Vec<EmptyPlace>,
    },
    /// rustls refuses what was checked before it. `key`: the setting concerned, if it is one.
    TlsSetup {
        key: Option<Key>,
        words: String,
    },
}

/// What of `cert_file` the key does not belong to.
#[derive(Debug)]
pub(crate) enum Mismatch {
    /// Any of its certificates.
    Any,
    /// The first one, but it does to this one, counted from 1.
    First { belongs_to: usize },
    /// Any of them, and all are of CAs; the subject of the first one.
    NothingButCas { first: String },
}

/// A place that holds no trust anchor.
#[derive(Debug)]
pub(crate) struct EmptyPlace {
    /// Its path, and the variable that names it, if one does.
    pub(crate) place: String,
    /// Why it could not be read.
    pub(crate) error: Option<io::Error>,
}

#[derive(Debug)]
pub(crate) enum Unreadable {
    Read(ReadError),
    NotUtf8 {
        line: usize,
    },
    /// It is something else, such as "a private key", and none of it is quoted.
    Holds {
        found: &'static str,
    },
}

/// What is wrong with a file that a key names.
#[derive(Debug)]
pub(crate) enum FileError {
    Read(ReadError),
    Empty,
    /// Readable, but it holds something else; `found` names it ("a private key", "an HTML page").
    Holds {
        found: String,
    },
    /// The right kind of thing, damaged or not supported; in the parser's words.
    Damaged {
        words: String,
    },
}

/// Why a password that is there cannot be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SecretError {
    NotUtf8,
    Nul,
    TooLong,
}

/// One thing wrong with the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum UsageError {
    /// `key`: the key of that name, which has no flag of its own.
    UnknownFlag {
        given: String,
        nearest: Option<&'static str>,
        key: Option<Key>,
    },
    /// A flag of another program; `instead` says what to write.
    ForeignFlag {
        given: String,
        instead: &'static str,
    },
    /// `--help` or `--version` beside something else.
    StandsAlone {
        flag: &'static str,
    },
    /// A flag that would carry a password, which every user of the machine could read in `ps`.
    PasswordFlag {
        given: String,
    },
    /// A flag that would switch verification off; there is none.
    VerificationOff {
        given: String,
    },
    UnknownCommand {
        given: String,
        nearest: Option<&'static str>,
    },
    UnknownProvider {
        given: String,
        nearest: Option<&'static str>,
    },
    /// `explain` was given something that is not a code.
    UnknownCode {
        given: String,
        nearest: Option<&'static str>,
    },
    /// No CONFIG. `beside`: the config files that do exist; `load` fills it in.
    MissingConfig {
        beside: Vec<String>,
    },
    MissingProvider,
    /// `pub` without anything to publish.
    MissingPayload,
    /// `pub` or `sub` without a topic of the user's.
    MissingTopic,
    /// `form`: what stands for the value in the help. `instead`: the flag that stands where the value
    /// should be.
    MissingValue {
        flag: &'static str,
        form: &'static str,
        instead: Option<String>,
    },
    /// `--json=yes`: a flag that takes no value.
    UnexpectedValue {
        flag: &'static str,
    },
    /// `--set topic` without `=`. Only the part before a space is kept: it may be a password.
    SetWithoutEquals {
        given: String,
    },
    BadColor {
        given: String,
    },
    /// A value that the flag cannot take; `expected` says what it can.
    BadValue {
        flag: &'static str,
        given: String,
        expected: &'static str,
    },
    /// The file of `-f`, or standard input of `-s`, cannot be published.
    Unpublishable {
        what: String,
        words: String,
    },
    /// The same flag twice, where only one can count.
    Repeated {
        flag: &'static str,
    },
    Conflict {
        flag: &'static str,
        other: &'static str,
    },
    /// A flag of another command.
    NotForCommand {
        flag: &'static str,
        command: &'static str,
    },
    /// `given` is `…` where it may be the rest of a password that had spaces in it.
    Leftover {
        given: String,
    },
    NotUtf8 {
        /// With U+FFFD for what is not text.
        shown: String,
    },
}

/// Where something is written, and what, as far as it may be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Quoted {
    pub(crate) origin: Origin,
    pub(crate) shown: String,
}

/// One thing wrong with one setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) origin: Origin,
    /// The line, flag or URL, without any secret; empty where nothing was written.
    pub(crate) shown: String,
    pub(crate) kind: ProblemKind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ProblemKind {
    /// A line that is not `key = value`.
    NoEquals,
    /// `= value`.
    NoKey,
    UnknownKey {
        given: String,
        nearest: Option<Key>,
    },
    /// A key of other programs that switches verification off; there is none.
    VerificationOff {
        given: String,
    },
    Duplicate {
        key: Key,
        first: Quoted,
    },
    /// `target`: what was read without finding the key.
    Missing {
        key: Key,
        target: String,
    },
    Empty {
        key: Key,
    },
    /// What a shipped file holds where the user's own value belongs.
    Placeholder {
        key: Key,
    },
    BadValue {
        key: Key,
        error: ValueError,
        cause: Option<LikelyCause>,
    },
    Url(UrlError),
    /// `key` works only together with `needs`.
    Needs {
        key: Key,
        needs: Key,
    },
    /// `system_roots = off` with neither `ca_file` nor `pin_sha256`: nothing would be trusted.
    NothingTrusted,
    /// A key of TLS, and `tls` switches it off.
    TlsOff {
        key: Key,
        tls: Quoted,
    },
    TwoPasswords {
        key: Key,
        other: Key,
        quoted: Quoted,
    },
    /// MQTT 3.1.1 §3.1.3.1: an empty client id has no session to resume.
    SessionWithoutId {
        client_id: Quoted,
    },
    /// AWS IoT Core never acknowledges QoS 2, Azure IoT Hub closes the connection.
    QosUnsupported {
        key: Key,
        provider: &'static str,
        host: String,
    },
    /// AWS IoT Core tells MQTT from HTTPS on port 443 by ALPN.
    AlpnRequired {
        host: String,
    },
}

/// What one value should have been.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ValueError {
    Switch,
    Port,
    Qos,
    Protocol,
    Check,
    TlsVersion,
    /// So is MQTT 3.1, which came before.
    Protocol31,
    /// A bare number, which would be legal in seconds.
    NoUnit {
        given: String,
    },
    KeepAlive,
    Timeout,
    PacketSize,
    /// `digits`: how many hex digits were found; `None`: something else stood among them.
    Pin {
        digits: Option<usize>,
    },
    Alpn,
    EnvName,
    /// `~/` and no home folder is known.
    NoHome,
    /// The PEM text itself where the path of its file belongs.
    PastedPem,
    /// Longer than MQTT's 16-bit lengths can say (MQTT 3.1.1 §1.5.3), in bytes.
    TooLong {
        bytes: usize,
        limit: usize,
    },
    /// U+0000, which MQTT strings must not hold (MQTT 3.1.1 §1.5.3).
    Nul,
    Host(HostError),
    Topic(TopicError),
}

/// A likely reason for a bad value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LikelyCause {
    /// The value stands in quotes, which are taken literally.
    Quoted,
    /// A comment follows the value on its line, and is taken literally too.
    Comment,
}

/// Why a text is not the name or address of a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum HostError {
    /// Other parts of a URL surround it. `user`: a user name or password was among them.
    Parts {
        scheme: Option<String>,
        user: bool,
        host: String,
        port: Option<String>,
        path: Option<String>,
    },
    /// Nothing is left once the other parts are taken away.
    Nothing,
    Space,
    Comma,
    /// `fe80::1%eth0`.
    Zone,
    /// Looks like an IPv6 address, or stands in brackets, but is not one.
    Ipv6,
    /// Ends in a number, as only an IPv4 address may, but is not one.
    Ipv4,
    NonAscii,
    Character(char),
    EmptyLabel,
    /// More than 63 bytes between two dots (RFC 1035 §2.3.4).
    LongLabel {
        bytes: usize,
    },
    /// More than 253 bytes in all.
    LongName {
        bytes: usize,
    },
    /// A label that begins or ends with `-` (RFC 952).
    Hyphen,
}

/// Why nothing can be published to a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TopicError {
    pub(crate) why: TopicErrorKind,
    /// The key whose value brought it in through `{client_id}`, where the topic itself is clean.
    pub(crate) from: Option<Key>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TopicErrorKind {
    /// `+` or `#` (MQTT 3.1.1 §4.7.1).
    Wildcard(char),
    Nul,
    /// No topic filter either (MQTT 3.1.1 §4.7.1).
    Filter,
    /// In bytes, once `{client_id}` and the like are replaced.
    TooLong(usize),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum UrlError {
    /// `host:8883` with a user before it, and no `mqtts://`.
    NoScheme,
    /// `mqtt:/host`.
    Slash {
        scheme: String,
    },
    /// `wss://`, `https://` or anything else that is not MQTT over TCP or TLS.
    Scheme {
        scheme: String,
        /// `None`: it is no name of a host.
        host: Option<String>,
    },
    NoHost,
    Query,
    Fragment,
    /// `@` after the first `/`: part of a password or a topic, and then `%40`.
    At,
    /// A `%` without two hex digits, or bytes that are not UTF-8.
    Percent {
        part: &'static str,
    },
}
