//! File, URL and flags to a [`Config`], or every problem with its line. It contacts nothing.
//!
//! May import `util` and `os`.

mod content;
mod error;
pub(crate) mod load;
pub(crate) mod parse;
pub(crate) mod settings;
pub(crate) mod templates;
pub(crate) mod types;
pub(crate) mod url;
pub(crate) mod values;

pub(crate) use error::{
    ConfigError, EmptyPlace, FileError, HostError, LikelyCause, Mismatch, Problem, ProblemKind,
    Quoted, SecretError, TopicErrorKind, Unreadable, UrlError, UsageError, ValueError,
};
pub(crate) use templates::PROVIDERS;
pub(crate) use types::{
    CheckScope, ClientCertFiles, Config, Key, Message, MessageProperties, Origin, Override,
    Protocol, Purpose, Qos, Secret, SubscribeOptions, TlsSettings, TlsVersion, Transport,
    VariableName,
};
pub(crate) use values::Slip;
