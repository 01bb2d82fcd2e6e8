//! What can be wrong before anything is contacted: facts about arguments, config files and the
//! files they name. The words are `diagnose_config`'s.

use std::path::PathBuf;

use crate::config::Place;

#[derive(Debug)]
pub enum ConfigFault {
    /// The command line itself.
    Usage(UsageFault),
    /// The config file could not be had.
    Unreadable {
        path: String,
        why: Unreadable,
        beside: Vec<String>,
    },
    /// Everything wrong with the settings, in the order of the file, then of the flags.
    Problems(Vec<Problem>),
    PasswordEnvUnset {
        variable: String,
        empty: bool,
    },
    PasswordFile {
        path: PathBuf,
        why: FileFault,
    },
    CaFile {
        path: PathBuf,
        why: FileFault,
    },
    ClientCert {
        path: PathBuf,
        why: FileFault,
    },
    ClientKey {
        path: PathBuf,
        why: FileFault,
    },
    ClientKeyEncrypted {
        path: PathBuf,
    },
    ClientKeyMismatch {
        cert: PathBuf,
        key: PathBuf,
    },
    /// `looked`: the places searched for the system's certificates.
    NoTrustRoots {
        looked: Vec<String>,
    },
}

#[derive(Debug)]
pub enum Unreadable {
    Os(std::io::Error),
    Folder,
    TooLarge { bytes: u64, limit: u64 },
    NotUtf8 { line: usize },
}

/// What is wrong with a file that a key names.
#[derive(Debug)]
pub enum FileFault {
    Unreadable(std::io::Error),
    Folder,
    TooLarge {
        bytes: u64,
        limit: u64,
    },
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

/// One thing wrong with the command line.
#[derive(Debug)]
pub struct UsageFault {}

/// One thing wrong with one setting.
#[derive(Debug)]
pub struct Problem {
    pub place: Place,
}
