//! The codes of what a configuration names and this machine must have: the config file, the password,
//! certificates, keys, trust anchors. Nothing was contacted.

use std::io;
use std::path::Path;
use std::time::Duration;

use crate::config::{
    Config, ConfigError, EmptyPlace, FileError, Key, Mismatch, SecretError, Unreadable,
    VariableName, url,
};
use crate::diagnosis::code::Kind;
use crate::diagnosis::codes::{run, settings, usage};
use crate::diagnosis::{Code, Diagnosis, origin};
use crate::failure::{LimitError, Stage};
use crate::util::file::ReadError;
use crate::util::{nearest, quoted, text};

/// The codes of this layer, in the order of `mqtt-test explain`.
pub(crate) static CODES: &[&Code] = &[
    &CONFIG_UNREADABLE,
    &PASSWORD_UNAVAILABLE,
    &CA_FILE_INVALID,
    &CLIENT_CERT_INVALID,
    &CLIENT_KEY_INVALID,
    &CLIENT_KEY_ENCRYPTED,
    &CLIENT_KEY_MISMATCH,
    &NO_TRUST_ROOTS,
];

/// What is wrong before any contact. `config` is there where its text could be read; text of the
/// user's in it is not escaped yet.
pub(crate) fn diagnose(error: &ConfigError, config: Option<&Config>) -> Diagnosis {
    let origin =
        |key: Key| config.map_or_else(|| format!("`{}`", key.name()), |config| origin(config, key));
    if let Some(limit) = limit(error) {
        return run::system_limit(Stage::Config, &limit);
    }
    match error {
        ConfigError::Usage(error) => usage::diagnose(error),
        ConfigError::Problems(problems) => settings::diagnose(problems),
        ConfigError::Unreadable { path, why, beside } => config_unreadable(path, why, beside),
        ConfigError::PasswordEnvUnset { variable, empty } => {
            password_env_unset(variable, *empty, &origin(Key::PasswordEnv))
        }
        ConfigError::PasswordEnvUnusable { variable, why } => {
            password_env_unusable(variable, *why, &origin(Key::PasswordEnv))
        }
        ConfigError::PasswordFile { path, why } => {
            password_file(path, why, &origin(Key::PasswordFile))
        }
        ConfigError::Payload { path, why } => usage::unreadable_payload(path, why),
        ConfigError::CaFile { path, why } => ca_file_invalid(path, why, &origin(Key::CaFile)),
        ConfigError::ClientCert { path, why } => {
            client_cert_invalid(path, why, &origin(Key::CertFile))
        }
        ConfigError::ClientKey { path, why } => {
            client_key_invalid(path, why, &origin(Key::KeyFile))
        }
        ConfigError::ClientKeyEncrypted { path } => {
            client_key_encrypted(path, &origin(Key::KeyFile))
        }
        ConfigError::ClientKeyMismatch { cert, key, why } => client_key_mismatch(
            (cert, &origin(Key::CertFile)),
            (key, &origin(Key::KeyFile)),
            why,
        ),
        ConfigError::ClientFilesExchanged { cert, key } => {
            client_files_exchanged((cert, &origin(Key::CertFile)), (key, &origin(Key::KeyFile)))
        }
        ConfigError::NoTrustRoots { empty } => no_trust_roots(empty),
        ConfigError::TlsSetup { key, words } => settings::tls_setup(key.map(origin), words),
    }
}

/// The machine's own limit, where it was that and nothing in the file.
fn limit(error: &ConfigError) -> Option<LimitError> {
    use ConfigError::{CaFile, ClientCert, ClientKey, NoTrustRoots, PasswordFile};
    match error {
        ConfigError::Unreadable {
            why: Unreadable::Read(ReadError::Os(error)),
            ..
        }
        | ConfigError::Payload {
            why: ReadError::Os(error),
            ..
        } => LimitError::of(error),
        PasswordFile { why, .. }
        | CaFile { why, .. }
        | ClientCert { why, .. }
        | ClientKey { why, .. } => match why {
            FileError::Read(ReadError::Os(error)) => LimitError::of(error),
            _ => None,
        },
        NoTrustRoots { empty } => {
            let mut errors = empty.iter().filter_map(|place| place.error.as_ref());
            errors.find_map(LimitError::of)
        }
        _ => None,
    }
}

pub(crate) static CONFIG_UNREADABLE: Code = Code {
    name: "config-unreadable",
    kind: Kind::Failure {
        stage: Stage::Config,
        retry: false,
    },
    line: "the config file cannot be read",
    more: "It is missing, a folder, not readable for this user, larger than 1 MiB, not UTF-8 text, or plainly something else, such as a key.",
    causes: &[
        "the name is misspelt, or the command was run in another folder",
        "the file belongs to another user",
        "an editor saved it in another encoding than UTF-8",
    ],
    remedies: &[
        "look which files are there: `ls -l *.conf`",
        "make a new one to fill in: `mqtt-test new hivemq > hivemq.conf` (or emqx, aws, azure, thingsboard, mosquitto, local)",
        "if it belongs to another user, run the command as that user",
        "if it is not UTF-8: `iconv -f latin1 -t utf-8 old.conf > new.conf`",
    ],
};

fn config_unreadable(path: &str, why: &Unreadable, beside: &[String]) -> Diagnosis {
    let mut notes = Vec::new();
    let mut help = Vec::new();
    let error = match why {
        Unreadable::Read(ReadError::Os(error)) => {
            if error.kind() == io::ErrorKind::NotFound {
                let names: Vec<_> = beside.iter().map(String::as_str).collect();
                let meant = nearest(path, &names);
                help.extend(meant.map(|name| format!("did you mean `{name}`?")));
                help.extend(
                    as_url(path)
                        .map(|url| format!("if it is a broker, write its URL as CONFIG: `{url}`")),
                );
                if beside.is_empty() {
                    help.push("`mqtt-test new hivemq > hivemq.conf` writes one to fill in".into());
                }
            } else if error.kind() == io::ErrorKind::PermissionDenied {
                help.push("run as the user who owns it, or give this user the right".to_owned());
            }
            if help.is_empty() {
                help.push("name a config file, or a URL such as `mqtts://host:8883`".to_owned());
            }
            format!("cannot read the config file `{path}`: {error}")
        }
        Unreadable::Read(ReadError::Folder) => {
            help.push("name a file in it".to_owned());
            format!("the config file `{path}` is a folder")
        }
        Unreadable::Read(ReadError::TimedOut { wait, some }) => {
            help.push("if it is a pipe, write the settings to it and close it, or give `--timeout 60s` to wait longer".to_owned());
            format!(
                "cannot read the config file `{path}`: {}",
                unwritten(*wait, *some)
            )
        }
        Unreadable::Read(ReadError::TooLarge { bytes, limit }) => {
            notes.push(format!(
                "it has {bytes} bytes or more, and at most {limit} are read"
            ));
            help.push("name a file of `key = value` lines".to_owned());
            format!("`{path}` is too large to be a config file")
        }
        Unreadable::NotUtf8 { line } => {
            notes.push(format!("{path}:{line}: the first bytes that are not UTF-8"));
            help.push("save the file as UTF-8".to_owned());
            format!("the config file `{path}` is not UTF-8 text")
        }
        Unreadable::Holds { found } => {
            help.push("give a file of `key = value` lines as CONFIG; keys and certificates are named in it, as `key_file`, `cert_file` or `ca_file`".to_owned());
            format!("`{path}` holds {found}, and is not read as a config file")
        }
    };
    if !beside.is_empty() {
        notes.push(format!("config files that do exist: {}", beside.join(", ")));
    }
    Diagnosis::new(&CONFIG_UNREADABLE, error)
        .notes(notes)
        .helps(help)
}

/// The URL that `broker.example` or `localhost:1883/topic` was probably meant as.
fn as_url(path: &str) -> Option<String> {
    let host = path.split('/').next()?;
    let (name, port) = match host.split_once(':') {
        Some((name, port)) => (name, Some(port.parse::<u16>().ok()?)),
        None => (host, None),
    };
    let named = port.is_some() || name == "localhost";
    if !named && (path.contains(['/', '\\']) || path.ends_with(".conf") || !path.contains('.')) {
        return None;
    }
    let plain = port.map_or(name == "localhost", |port| port == 1883);
    let scheme = if plain { "mqtt" } else { "mqtts" };
    let meant = format!("{scheme}://{path}");
    (url::host(name).is_ok() && url::parts(&meant).is_ok()).then_some(meant)
}

pub(crate) static PASSWORD_UNAVAILABLE: Code = Code {
    name: "password-unavailable",
    kind: Kind::Failure {
        stage: Stage::Config,
        retry: false,
    },
    line: "the password is not where it should be",
    more: "The password is read from the variable that `password_env` names or from the first line of the file that `password_file` names, and there is none.",
    causes: &[
        "the variable is not set in this shell, or was set without `export`",
        "`sudo`, cron and systemd do not hand variables on by themselves",
        "the file is missing, empty, or not readable for this user; its path counts from the folder of the config file",
    ],
    remedies: &[
        "set the variable without leaving it in the shell's history: `read -rs MQTT_PASSWORD && export MQTT_PASSWORD`",
        "or put it on the first line of a file that only you can read: `(umask 077; cat > password.txt)`, then `password_file = password.txt`",
        "for a systemd service, use `EnvironmentFile=` or `LoadCredential=`",
    ],
};

/// The variable in a sentence, without its name where that may be the password itself.
fn variable_of(variable: &VariableName, origin: &str) -> String {
    match variable.shown() {
        Some(name) => format!("the variable `{name}`, named by {origin},"),
        None => format!("the variable named by {origin}"),
    }
}

fn password_env_unset(variable: &VariableName, empty: bool, origin: &str) -> Diagnosis {
    let state = if empty { "empty" } else { "not set" };
    let error = format!("{} is {state}", variable_of(variable, origin));
    let diagnosis = Diagnosis::new(&PASSWORD_UNAVAILABLE, error);
    let diagnosis = match variable.shown() {
        Some(name) => diagnosis.help(format!("set it in this shell without leaving it in the history: `read -rs {name} && export {name}`")),
        None => diagnosis
            .note("its name is not all capitals, digits and `_`, and is not shown")
            .help("if the password itself stands there: write `password_env = MQTT_PASSWORD`, and set that variable: `read -rs MQTT_PASSWORD && export MQTT_PASSWORD`"),
    };
    diagnosis
        .help("if it is set elsewhere: `sudo`, cron and systemd do not hand it on by themselves")
}

fn password_env_unusable(variable: &VariableName, why: SecretError, origin: &str) -> Diagnosis {
    let why = match why {
        SecretError::NotUtf8 => "it is not UTF-8 text",
        SecretError::Nul => "it holds a NUL byte",
        SecretError::TooLong => "it is longer than the 65535 bytes of MQTT",
    };
    Diagnosis::new(
        &PASSWORD_UNAVAILABLE,
        format!(
            "{} holds no usable password: {why}",
            variable_of(variable, origin)
        ),
    )
    .help("set it once more")
}

fn password_file(path: &Path, why: &FileError, origin: &str) -> Diagnosis {
    let error = match why {
        FileError::Empty => format!("the first line of `{}` is empty", path.display()),
        why => not_usable(path, why),
    };
    Diagnosis::new(&PASSWORD_UNAVAILABLE, error)
        .note(wanted(origin, "a password on its first line"))
        .help(match why {
            FileError::Empty => "put the password on the first line of that file",
            FileError::Read(ReadError::TimedOut { .. }) => {
                "if it is a pipe, write the password to it and close it, or raise `timeout`"
            }
            _ => "`password_file` is relative to the folder of the config file",
        })
}

pub(crate) static CA_FILE_INVALID: Code = Code {
    name: "ca-file-invalid",
    kind: Kind::Failure {
        stage: Stage::Config,
        retry: false,
    },
    line: "`ca_file` holds no usable CA certificate",
    more: "A CA (certificate authority) vouches for a broker's certificate by signing it. `ca_file` names the file with the CA's own certificate, and what is there is missing, unreadable or something else.",
    causes: &[
        "the path is wrong: it counts from the folder of the config file",
        "the file holds a private key, or a web page that was saved in place of the certificate",
        "the file was cut off while it was copied",
    ],
    remedies: &[
        "look what it holds: `openssl x509 -in ca.crt -noout -subject -dates`",
        "download it once more; a PEM file begins with `-----BEGIN CERTIFICATE-----`",
        "remove `ca_file` if the broker has a public certificate, as the large clouds do",
    ],
};

fn ca_file_invalid(path: &Path, why: &FileError, origin: &str) -> Diagnosis {
    Diagnosis::new(&CA_FILE_INVALID, not_usable(path, why))
        .note(wanted(origin, "the broker's CA certificate, PEM or DER"))
        .help("save the certificate of the CA that signed the broker's, and name it in `ca_file`; for a broker with a public certificate, leave `ca_file` out")
}

pub(crate) static CLIENT_CERT_INVALID: Code = Code {
    name: "client-cert-invalid",
    kind: Kind::Failure {
        stage: Stage::Config,
        retry: false,
    },
    line: "`cert_file` holds no usable certificate",
    more: "`cert_file` names the certificate by which this machine shows the broker who it is, and what is there is missing, unreadable or something else.",
    causes: &[
        "the path is wrong: it counts from the folder of the config file",
        "`cert_file` and `key_file` were taken for each other",
        "the file holds the CA's certificate, which belongs in `ca_file`, and not the client's own",
        "the file holds a signing request (CSR) instead of the certificate made from it",
    ],
    remedies: &[
        "look what it holds: `openssl x509 -in client.crt -noout -subject -dates`",
        "take the certificate that the broker's operator or console gave you",
    ],
};

fn client_cert_invalid(path: &Path, why: &FileError, origin: &str) -> Diagnosis {
    Diagnosis::new(&CLIENT_CERT_INVALID, not_usable(path, why))
        .note(wanted(origin, "a client certificate, PEM or DER"))
        .help("name the certificate that the broker's operator or console gave you in `cert_file`")
}

/// Each file with where it is named.
fn client_files_exchanged(cert: (&Path, &str), key: (&Path, &str)) -> Diagnosis {
    let holds = |(path, origin): (&Path, &str), what: &str| {
        format!("{origin}: `{}` holds {what}", path.display())
    };
    Diagnosis::new(
        &CLIENT_CERT_INVALID,
        "`cert_file` and `key_file` are exchanged",
    )
    .note(holds(cert, "a private key"))
    .note(holds(key, "a certificate"))
    .help("name the certificate in `cert_file`, and the private key in `key_file`")
}

pub(crate) static CLIENT_KEY_INVALID: Code = Code {
    name: "client-key-invalid",
    kind: Kind::Failure {
        stage: Stage::Config,
        retry: false,
    },
    line: "`key_file` holds no usable private key",
    more: "`key_file` names the private key that belongs to `cert_file`, and what is there is missing, unreadable or something else.",
    causes: &[
        "the path is wrong: it counts from the folder of the config file",
        "the file holds the public key or the certificate",
        "the key is of a kind that is not supported, such as DSA",
        "the file belongs to another user and is rightly closed to all others",
    ],
    remedies: &[
        "look what it holds: `openssl pkey -in client.key -noout -text | head -1`",
        "take the private key that was made together with the certificate",
        "if it belongs to another user, run the command as that user",
    ],
};

fn client_key_invalid(path: &Path, why: &FileError, origin: &str) -> Diagnosis {
    Diagnosis::new(&CLIENT_KEY_INVALID, not_usable(path, why))
        .note(wanted(origin, "a private key, PEM or DER"))
        .help("name the private key that belongs to `cert_file` in `key_file`")
}

pub(crate) static CLIENT_KEY_ENCRYPTED: Code = Code {
    name: "client-key-encrypted",
    kind: Kind::Failure {
        stage: Stage::Config,
        retry: false,
    },
    line: "the private key is protected by a passphrase",
    more: "The key in `key_file` cannot be used without its passphrase, and nobody is asked for one: a device that starts by itself has nobody to ask.",
    causes: &["the key was made with a passphrase, which many tools do unless told otherwise"],
    remedies: &[
        "make a copy without one that only you can read: `(umask 077; openssl pkey -in client.key -out client-plain.key)`",
        "name the copy in `key_file`, and keep it out of version control",
    ],
};

fn client_key_encrypted(path: &Path, origin: &str) -> Diagnosis {
    let name = path.to_string_lossy();
    Diagnosis::new(
        &CLIENT_KEY_ENCRYPTED,
        format!("the key in `{name}` is protected by a passphrase"),
    )
    .note(format!(
        "it is named by {origin}, and nobody is asked for a passphrase"
    ))
    .help(format!(
        "make a copy without one: `(umask 077; openssl pkey -in {} -out {})`",
        quoted(&name),
        quoted(&format!("{name}.plain"))
    ))
    .help("name the copy in `key_file`, and keep it out of version control")
}

pub(crate) static CLIENT_KEY_MISMATCH: Code = Code {
    name: "client-key-mismatch",
    kind: Kind::Failure {
        stage: Stage::Config,
        retry: false,
    },
    line: "client certificate and private key are not a pair",
    more: "A certificate works only together with the one key that it was made with, and the key in `key_file` is another one.",
    causes: &[
        "files of two devices were mixed up",
        "the certificate was renewed with a new key, and the old key is still in place",
        "an issuer's certificate stands first in `cert_file`, before the device's own",
    ],
    remedies: &[
        "compare the two: `openssl x509 -in client.crt -noout -pubkey` and `openssl pkey -in client.key -pubout` must print the same",
        "take the key and the certificate that were made together",
        "in `cert_file`, put the device's own certificate first",
    ],
};

/// Each file with where it is named.
fn client_key_mismatch(cert: (&Path, &str), key: (&Path, &str), why: &Mismatch) -> Diagnosis {
    let named = |(path, origin): (&Path, &str)| format!("{origin}: `{}`", path.display());
    let (code, error, note, help) = match why {
        Mismatch::Any => (
            &CLIENT_KEY_MISMATCH,
            "the client certificate and the private key are not a pair",
            None,
            "name the key that this certificate was made with in `key_file`",
        ),
        Mismatch::First { belongs_to } => (
            &CLIENT_KEY_MISMATCH,
            "the private key belongs to a certificate that does not stand first in `cert_file`",
            Some(format!("it is that of certificate {belongs_to} there")),
            "put that certificate first, before those of its issuers",
        ),
        Mismatch::NothingButCas { first } => (
            &CLIENT_CERT_INVALID,
            "`cert_file` holds nothing but CA certificates, and `key_file` is the key of none",
            Some(format!("the first one there: `{first}`, CA:TRUE")),
            "name the client's own certificate, which was made with this key, in `cert_file`; the CA that signed the broker's certificate belongs in `ca_file`",
        ),
    };
    Diagnosis::new(code, error)
        .note(named(cert))
        .notes(note)
        .note(named(key))
        .help(help)
        .help_if(
            matches!(why, Mismatch::NothingButCas { .. }),
            "if that certificate is the client's own, name the key that it was made with in `key_file`",
        )
}

const INSTALL_ROOTS: &str = "install the package `ca-certificates`: `apt install ca-certificates` or `apk add ca-certificates`; on OpenWrt `opkg install ca-bundle` or `apk add ca-bundle`";

pub(crate) static NO_TRUST_ROOTS: Code = Code {
    name: "no-trust-roots",
    kind: Kind::Failure {
        stage: Stage::Config,
        retry: false,
    },
    line: "this machine has no CA certificates to verify with",
    more: "To know that a broker is the right one, this machine needs the certificates of those it trusts (CAs). Its own collection is empty, and `ca_file` is not set.",
    causes: &[
        "a small system or container (Alpine, Buildroot, Docker, OpenWrt) without the package `ca-certificates`",
        "the variable SSL_CERT_FILE or SSL_CERT_DIR names something that does not exist",
    ],
    remedies: &[
        INSTALL_ROOTS,
        "if one of the two variables is set, correct it or `unset` it",
        "or set `ca_file` to the certificate of the broker's CA",
    ],
};

fn no_trust_roots(empty: &[EmptyPlace]) -> Diagnosis {
    let (mut missing, mut others) = (Vec::new(), Vec::new());
    for EmptyPlace { place, error } in empty {
        match error {
            Some(error) if error.kind() == io::ErrorKind::NotFound => missing.push(place.as_str()),
            Some(error) => others.push(format!("{place} cannot be read: {error}")),
            None => others.push(format!("{place} holds no certificate")),
        }
    }
    let missing = (!missing.is_empty()).then(|| format!("there is no {}", missing.join(", no ")));
    Diagnosis::new(
        &NO_TRUST_ROOTS,
        "there is no CA certificate on this machine to verify the broker with",
    )
    .notes(others)
    .notes(missing)
    .help(INSTALL_ROOTS)
    .help("if SSL_CERT_FILE or SSL_CERT_DIR is set, check that it names what exists")
    .help("or set `ca_file` to the broker's CA certificate")
}

/// What a key asks for.
fn wanted(origin: &str, wanted: &str) -> String {
    format!("it is named by {origin}, and should hold {wanted}")
}

fn unwritten(wait: Duration, some: bool) -> String {
    let wait = text::duration(wait);
    if some {
        format!("its writer did not close it within {wait}")
    } else {
        format!("nothing was written to it within {wait}")
    }
}

/// Why a file that a key names is of no use.
fn not_usable(path: &Path, why: &FileError) -> String {
    let shown = path.display();
    match why {
        FileError::Read(why) => unreadable(path, why),
        FileError::Empty => format!("`{shown}` is empty"),
        FileError::Holds { found } => format!("`{shown}` holds {found}"),
        FileError::Damaged { words } => format!("`{shown}` cannot be used: {words}"),
    }
}

/// Why a file cannot be read.
pub(crate) fn unreadable(path: &Path, why: &ReadError) -> String {
    let path = path.display();
    match why {
        ReadError::Os(error) => format!("cannot read `{path}`: {error}"),
        ReadError::Folder => format!("`{path}` is a folder"),
        ReadError::TooLarge { bytes, limit } => {
            format!("`{path}` is too large: {bytes} bytes, and at most {limit} are read")
        }
        ReadError::TimedOut { wait, some } => {
            format!("cannot read `{path}`: {}", unwritten(*wait, *some))
        }
    }
}
