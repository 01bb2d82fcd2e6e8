//! The words for everything that can be wrong before any contact: code, error, notes, help. An
//! exhaustive `match`: a new fault does not compile until it has its words.

use std::io;
use std::path::Path;

use crate::config::{Config, ConfigError, FileError, SecretError, Unreadable};
use crate::diagnosis::codes::{settings, usage};
use crate::diagnosis::{Code, Words, origin};
use crate::util::file::ReadError;
use crate::util::{nearest, quoted};

/// What to say about `fault`; `config` is there where its text could be read. Text of the user's in
/// it is not escaped yet.
pub(crate) fn words(fault: &ConfigError, config: Option<&Config>) -> Words {
    let origin =
        |key: &str| config.map_or_else(|| format!("`{key}`"), |config| origin(config, key));
    match fault {
        ConfigError::Usage(fault) => usage::words(fault),
        ConfigError::Problems(problems) => settings::words(problems),
        ConfigError::Unreadable { path, why, beside } => unreadable(path, why, beside),
        ConfigError::PasswordEnvUnset { variable, empty } => Words {
            code: Code::PasswordUnavailable,
            error: format!(
                "the variable `{variable}`, named by {}, is {}",
                origin("password_env"),
                if *empty { "empty" } else { "not set" }
            ),
            notes: vec![],
            help: vec![
                format!(
                    "set it in this shell without leaving it in the history: `read -rs {variable} \
                     && export {variable}`"
                ),
                "if it is set elsewhere: `sudo`, cron and systemd do not hand it on by themselves"
                    .to_owned(),
            ],
        },
        ConfigError::PasswordEnvUnusable { variable, why } => Words {
            code: Code::PasswordUnavailable,
            error: format!(
                "the variable `{variable}`, named by {}, holds no usable password: {}",
                origin("password_env"),
                match why {
                    SecretError::NotUtf8 => "it is not UTF-8 text",
                    SecretError::Nul => "it holds a NUL byte",
                    SecretError::TooLong => "it is longer than the 65535 bytes of MQTT",
                }
            ),
            notes: vec![],
            help: vec![format!("set `{variable}` once more")],
        },
        ConfigError::PasswordFile { path, why } => file(
            Code::PasswordUnavailable,
            (
                "password_file",
                &origin("password_file"),
                "a password on its first line",
            ),
            path,
            why,
            match why {
                FileError::Empty => "put the password on the first line of that file",
                _ => "`password_file` is relative to the folder of the config file",
            },
        ),
        ConfigError::CaFile { path, why } => file(
            Code::CaFileInvalid,
            (
                "ca_file",
                &origin("ca_file"),
                "the broker's CA certificate, PEM or DER",
            ),
            path,
            why,
            "save the certificate of the CA that signed the broker's, and name it in `ca_file`; \
             for a broker with a public certificate, leave `ca_file` out",
        ),
        ConfigError::ClientCert { path, why } => file(
            Code::ClientCertInvalid,
            (
                "cert_file",
                &origin("cert_file"),
                "a client certificate, PEM or DER",
            ),
            path,
            why,
            "name the certificate that the broker's operator or console gave you in `cert_file`",
        ),
        ConfigError::ClientKey { path, why } => file(
            Code::ClientKeyInvalid,
            ("key_file", &origin("key_file"), "a private key, PEM or DER"),
            path,
            why,
            "name the private key that belongs to `cert_file` in `key_file`",
        ),
        ConfigError::ClientKeyEncrypted { path } => Words {
            code: Code::ClientKeyEncrypted,
            error: format!(
                "the key in `{}` is protected by a passphrase",
                path.display()
            ),
            notes: vec![format!(
                "it is named by {}, and nobody is asked for a passphrase",
                origin("key_file")
            )],
            help: vec![
                format!(
                    "make a copy without one: `(umask 077; openssl pkey -in {} -out {})`",
                    quoted(&path.to_string_lossy()),
                    quoted(&format!("{}.plain", path.to_string_lossy()))
                ),
                "name the copy in `key_file`, and keep it out of version control".to_owned(),
            ],
        },
        ConfigError::ClientKeyMismatch { cert, key } => Words {
            code: Code::ClientKeyMismatch,
            error: "the client certificate and the private key are not a pair".to_owned(),
            notes: vec![
                format!("{}: `{}`", origin("cert_file"), cert.display()),
                format!("{}: `{}`", origin("key_file"), key.display()),
            ],
            help: vec![
                "name the key that this certificate was made with in `key_file`".to_owned(),
                "if `cert_file` holds several certificates, the client's own must stand first, \
                 before those of its issuers"
                    .to_owned(),
            ],
        },
        ConfigError::NoTrustRoots { looked } => Words {
            code: Code::NoTrustRoots,
            error: "there is no CA certificate on this machine to verify the broker with".into(),
            notes: match looked.as_slice() {
                [] => vec![],
                looked => vec![format!("looked in {}", looked.join(", "))],
            },
            help: vec![
                "install the package `ca-certificates`: `apt install ca-certificates`, or `apk \
                 add ca-certificates`"
                    .to_owned(),
                "if SSL_CERT_FILE or SSL_CERT_DIR is set, check that it names what exists".into(),
                "or set `ca_file` to the broker's CA certificate".to_owned(),
            ],
        },
    }
}

fn unreadable(path: &str, why: &Unreadable, beside: &[String]) -> Words {
    let mut notes = Vec::new();
    let mut help = Vec::new();
    let error = match why {
        Unreadable::Read(ReadError::Os(error)) => {
            if error.kind() == io::ErrorKind::NotFound {
                let names: Vec<_> = beside.iter().map(String::as_str).collect();
                let meant = nearest(path, &names);
                help.extend(meant.map(|name| format!("did you mean `{name}`?")));
                if !path.contains(['/', '\\']) && !path.ends_with(".conf") && path.contains('.') {
                    help.push(format!(
                        "if it is a broker's name: `mqtt-test mqtts://{path}`"
                    ));
                }
                if beside.is_empty() {
                    help.push("`mqtt-test new hivemq > hivemq.conf` writes one to fill in".into());
                }
            } else if error.kind() == io::ErrorKind::PermissionDenied {
                help.push("run as the user who owns it, or give this user the right".to_owned());
            }
            format!("cannot read the config file `{path}`: {error}")
        }
        Unreadable::Read(ReadError::Folder) => format!("the config file `{path}` is a folder"),
        Unreadable::Read(ReadError::TooLarge { bytes, limit }) => {
            notes.push(format!(
                "it has {bytes} bytes or more, and at most {limit} are read"
            ));
            format!("`{path}` is too large to be a config file")
        }
        Unreadable::NotUtf8 { line } => {
            notes.push(format!("{path}:{line}: the first bytes that are not UTF-8"));
            help.push("save the file as UTF-8".to_owned());
            format!("the config file `{path}` is not UTF-8 text")
        }
    };
    if !beside.is_empty() {
        notes.push(format!("config files that do exist: {}", beside.join(", ")));
    }
    Words {
        code: Code::ConfigUnreadable,
        error,
        notes,
        help,
    }
}

/// `named`: the key, the same with its place, and what its file should hold.
fn file(code: Code, named: (&str, &str, &str), path: &Path, why: &FileError, help: &str) -> Words {
    let (key, origin, wanted) = named;
    let path = path.display();
    let error = match why {
        FileError::Read(ReadError::Os(error)) => format!("cannot read `{path}`: {error}"),
        FileError::Read(ReadError::Folder) => format!("`{path}` is a folder"),
        FileError::Read(ReadError::TooLarge { bytes, limit }) => {
            format!("`{path}` is too large: {bytes} bytes, and at most {limit} are read")
        }
        FileError::Empty if key == "password_file" => {
            format!("the first line of `{path}` is empty")
        }
        FileError::Empty => format!("`{path}` is empty"),
        FileError::Holds { found } => format!("`{path}` holds {found}"),
        FileError::Damaged { words } => format!("`{path}` cannot be used: {words}"),
    };
    Words {
        code,
        error,
        notes: vec![format!("it is named by {origin}, and should hold {wanted}")],
        help: vec![help.to_owned()],
    }
}
