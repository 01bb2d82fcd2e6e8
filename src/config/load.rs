//! Reads files and the environment, before anything is contacted: the config file, the password, and
//! who else may read them. It judges no setting; `parse` does.

use std::collections::hash_map::RandomState;
use std::ffi::OsString;
use std::hash::{BuildHasher, Hasher};
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{env, fs};

use crate::config::error::{ConfigError, FileError, SecretError, Unreadable, UsageError};
use crate::config::types::{
    Ambient, Config, Key, Origin, Override, PasswordSource, Purpose, Secret, Source, Transport,
    VariableName,
};
use crate::config::{content, parse, url, values};
use crate::os;
use crate::util::clock;
use crate::util::file::{self, ReadError};

/// A file larger than this is not a config file.
const MAX_CONFIG: u64 = 1024 * 1024;
/// How long a named pipe is waited for where no `timeout` is known: as long as its default.
const WAIT: Duration = Duration::from_secs(15);
/// The longest password of MQTT, in bytes (MQTT 3.1.1 §3.1.3.5).
const MAX_PASSWORD: usize = 65_535;
/// How many config files beside a missing one are named.
const MAX_BESIDE: usize = 10;

/// Reads the target, a path or a URL, with the flags that override it.
///
/// # Errors
/// The file cannot be read, or there is something wrong with its settings.
pub(crate) fn config(
    target: &str,
    overrides: &[Override],
    purpose: Purpose,
) -> Result<Config, ConfigError> {
    // The file cannot say how long it may be waited for.
    let given = overrides
        .iter()
        .rev()
        .find(|it| it.key == Key::Timeout.name());
    let wait = given.and_then(|it| values::timeout(&it.value).ok());
    let parsed = |source| parse::config(source, overrides, &ambient(purpose));
    if url::is_url(target) {
        return parsed(Source::Url(target)).map_err(ConfigError::Problems);
    }
    match text(Path::new(target), wait.unwrap_or(WAIT)) {
        Ok(text) => parsed(Source::File {
            path: target,
            text: &text,
        })
        .map_err(ConfigError::Problems),
        // `user:password@host` is no file name: say what it lacks, and do not repeat it.
        Err(Unreadable::Read(ReadError::Os(_)))
            if target.contains('@') || url::lacks_a_slash(target).is_some() =>
        {
            parsed(Source::Url(target)).map_err(ConfigError::Problems)
        }
        Err(why) => Err(ConfigError::Unreadable {
            path: target.to_owned(),
            why,
            beside: beside(target),
        }),
    }
}

/// The password to send, from wherever the configuration says.
///
/// # Errors
/// The variable or the file does not hold one that MQTT can carry.
pub(crate) fn password(config: &Config) -> Result<Option<Secret>, ConfigError> {
    let credentials = config.credentials.as_ref();
    match credentials.and_then(|credentials| credentials.password.as_ref()) {
        None => Ok(None),
        Some(PasswordSource::Literal(secret)) => Ok(Some(secret.clone())),
        Some(PasswordSource::Env(variable)) => {
            from_env(variable, env::var_os(variable.expose())).map(Some)
        }
        Some(PasswordSource::File(path)) => match from_file(path, config.timeout) {
            Ok(secret) => Ok(Some(secret)),
            Err(why) => Err(ConfigError::PasswordFile {
                path: path.clone(),
                why,
            }),
        },
    }
}

/// The files that hold a secret and that others than their owner and group may read.
pub(crate) fn world_readable(config: &Config) -> Vec<PathBuf> {
    let mut files = Vec::new();
    if let Origin::Line { path, .. } = config.origin(Key::Password) {
        files.push(PathBuf::from(path));
    }
    let credentials = config.credentials.as_ref();
    if let Some(PasswordSource::File(path)) = credentials.and_then(|c| c.password.as_ref()) {
        files.push(path.clone());
    }
    if let Transport::Tls(tls) = &config.transport
        && let Some(client) = &tls.client
    {
        files.push(client.key_file.clone());
    }
    files.retain(|path| os::others_may_read(path));
    files
}

/// The same error, with the config files that do exist.
pub(crate) fn with_configs(error: UsageError) -> UsageError {
    match error {
        UsageError::MissingConfig { .. } => UsageError::MissingConfig { beside: beside("") },
        other => other,
    }
}

/// The bytes of a file that a key names.
///
/// # Errors
/// It cannot be read, is empty, or has more than `limit` bytes.
pub(crate) fn file(path: &Path, limit: u64) -> Result<Vec<u8>, FileError> {
    match file::read(path, limit, WAIT) {
        Ok(bytes) if bytes.is_empty() => Err(FileError::Empty),
        read => read.map_err(FileError::Read),
    }
}

fn text(path: &Path, wait: Duration) -> Result<String, Unreadable> {
    let bytes = file::read(path, MAX_CONFIG, wait).map_err(Unreadable::Read)?;
    if let Some(found) = content::kind(&bytes) {
        return Err(Unreadable::Holds { found });
    }
    String::from_utf8(bytes).map_err(|error| {
        let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = 1 + good.iter().filter(|byte| **byte == b'\n').count();
        Unreadable::NotUtf8 { line }
    })
}

fn from_env(variable: &VariableName, value: Option<OsString>) -> Result<Secret, ConfigError> {
    let unset = |empty| ConfigError::PasswordEnvUnset {
        variable: variable.clone(),
        empty,
    };
    let value = value.ok_or_else(|| unset(false))?;
    if value.is_empty() {
        return Err(unset(true));
    }
    secret(value.into_encoded_bytes()).map_err(|why| ConfigError::PasswordEnvUnusable {
        variable: variable.clone(),
        why,
    })
}

/// The first line without its line end, which `echo` and every editor put there. Nothing else is cut.
fn from_file(path: &Path, wait: Duration) -> Result<Secret, FileError> {
    // As much as the longest password, its line end, and one byte that shows there is more.
    let limit = MAX_PASSWORD as u64 + 3;
    let mut line = file::read_start(path, limit, wait).map_err(FileError::Read)?;
    if let Some(end) = line.iter().position(|byte| *byte == b'\n') {
        line.truncate(end);
        if line.last() == Some(&b'\r') {
            line.pop();
        }
    }
    if line.is_empty() {
        return Err(FileError::Empty);
    }
    secret(line).map_err(|why| FileError::Damaged {
        words: match why {
            SecretError::NotUtf8 => "its first line is not UTF-8 text",
            SecretError::Nul => "its first line holds a NUL byte",
            SecretError::TooLong => "its first line is longer than the 65535 bytes of MQTT",
        }
        .to_owned(),
    })
}

fn secret(bytes: Vec<u8>) -> Result<Secret, SecretError> {
    if bytes.len() > MAX_PASSWORD {
        return Err(SecretError::TooLong);
    }
    if bytes.contains(&0) {
        return Err(SecretError::Nul);
    }
    let text = String::from_utf8(bytes).map_err(|_| SecretError::NotUtf8)?;
    Ok(Secret::new(text))
}

/// The config files in the folder of `target` and in `config/`, as a user would type them.
fn beside(target: &str) -> Vec<String> {
    let own = Path::new(target).parent().unwrap_or(Path::new(""));
    let mut found = Vec::new();
    let folders = [own, Path::new("config")];
    for folder in folders.iter().take(if *own == *folders[1] { 1 } else { 2 }) {
        let here = Path::new(".");
        let listed = if folder.as_os_str().is_empty() {
            here
        } else {
            folder
        };
        let Ok(entries) = fs::read_dir(listed) else {
            continue;
        };
        let mut paths: Vec<_> = entries
            .flatten()
            .map(|entry| folder.join(entry.file_name()))
            .filter(|path| path.extension().is_some_and(|e| e == "conf") && path.is_file())
            .map(|path| path.to_string_lossy().into_owned())
            .collect();
        paths.sort();
        found.extend(paths);
    }
    found.truncate(MAX_BESIDE);
    found
}

fn ambient(purpose: Purpose) -> Ambient {
    Ambient {
        pid: std::process::id(),
        random: random(),
        now: clock::rfc3339(clock::now()),
        home: env::var_os(os::HOME)
            .filter(|home| !home.is_empty())
            .map(PathBuf::from),
        purpose,
    }
}

/// From the keys that the standard library draws from the system for its hash maps: enough for a
/// name that no other run has, and no crate. Not a key for cryptography.
fn random() -> [u8; 20] {
    let mut random = [0; 20];
    for chunk in random.chunks_mut(8) {
        // One `RandomState` differs from the next by a counter only, and hashes it well.
        let word = RandomState::new().build_hasher().finish().to_ne_bytes();
        chunk.copy_from_slice(&word[..chunk.len()]);
    }
    random
}

#[cfg(test)]
#[path = "load_tests.rs"]
mod tests;
