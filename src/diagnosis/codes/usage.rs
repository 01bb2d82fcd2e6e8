//! The code of the command line.

use std::path::Path;

use crate::config::{PROVIDERS, UsageError};
use crate::diagnosis::code::Kind;
use crate::diagnosis::codes::files;
use crate::diagnosis::{Code, Diagnosis};
use crate::failure::Stage;
use crate::util::file::ReadError;

/// The codes of this layer, in the order of `mqtt-test explain`.
pub(crate) static CODES: &[&Code] = &[&USAGE_INVALID];

pub(crate) static USAGE_INVALID: Code = Code {
    name: "usage-invalid",
    kind: Kind::Failure {
        stage: Stage::Config,
        retry: false,
    },
    line: "the command line is not understood",
    more: "A flag or command is unknown, a value is missing, or something is left over. Nothing was read or contacted.",
    causes: &[
        "a slip in a flag or command: the nearest right one is named",
        "a value with spaces in it without quotes around it, so that its second word stands alone",
        "a flag of another MQTT program, such as `-h HOST` or `-p PORT`: what to write instead is named",
    ],
    remedies: &[
        "read the last line of the message, and `mqtt-test --help`",
        "put values with spaces in quotes: `-m \"hello world\"`",
        "give any key of the config file as `--set key=value`, such as `--set port=8883`",
    ],
};

pub(crate) fn diagnose(fault: &UsageError) -> Diagnosis {
    let mut notes = Vec::new();
    let mut help = Vec::new();
    let error = match fault {
        UsageError::UnknownFlag {
            given,
            nearest,
            key,
        } => {
            help.extend(meant(nearest));
            help.extend(key.map(|key| format!("write `--set {key}=…`")));
            if help.is_empty() {
                help.push("`--help` lists the flags".to_owned());
            }
            format!("there is no flag `{given}`")
        }
        UsageError::ForeignFlag { given, instead } => {
            help.push((*instead).to_owned());
            match given.as_str() {
                "-h" => "`-h` is `--help` here, and stands alone".to_owned(),
                "-V" => "`-V` is `--version` here, and stands alone".to_owned(),
                given => format!("there is no flag `{given}`"),
            }
        }
        UsageError::StandsAlone { flag } => {
            help.push(format!("write `mqtt-test {flag}`"));
            format!("`{flag}` stands alone, or behind the name of a command")
        }
        UsageError::PasswordFlag { given } => {
            notes.push("every user of this machine can read a running command in `ps`".to_owned());
            help.push(
                "name a variable that holds the password, `--set password_env=MQTT_PASSWORD`, or \
                 a file, `--set password_file=password.txt`"
                    .to_owned(),
            );
            format!("there is no flag `{given}` for a password")
        }
        UsageError::VerificationOff { given } => {
            help.push(
                "to trust a broker with a certificate of its own, `--set ca_file=…` names its CA \
                 certificate, and `--set pin_sha256=…` its fingerprint"
                    .to_owned(),
            );
            format!("there is no flag `{given}`: the broker is always verified")
        }
        UsageError::UnknownCommand { given, nearest } => {
            help.extend(meant(nearest));
            help.push(match given.as_str() {
                "check" | "test" | "connect" => {
                    "leave it out: `mqtt-test CONFIG` is the check".to_owned()
                }
                given => format!("if `{given}` is a config file, write `./{given}`"),
            });
            format!("there is no command `{given}`")
        }
        UsageError::UnknownProvider { given, nearest } => {
            help.extend(meant(nearest));
            help.push(format!("the providers are {}", PROVIDERS.join(", ")));
            format!("there is no config file for `{given}`")
        }
        UsageError::UnknownCode { given, nearest } => {
            help.extend(meant(nearest));
            help.push("`mqtt-test explain` lists every code with its exit code".to_owned());
            format!("there is no code `{given}`")
        }
        UsageError::MissingConfig { beside } => {
            if beside.is_empty() {
                help.push(
                    "`mqtt-test new hivemq > hivemq.conf` writes one to fill in; other providers: \
                     emqx, aws, azure, thingsboard, mosquitto, local"
                        .to_owned(),
                );
            } else {
                notes.push(format!("config files here: {}", beside.join(", ")));
                help.push("name one of them as CONFIG".to_owned());
            }
            "no CONFIG was given: a config file, or a URL such as `mqtts://host:8883`".to_owned()
        }
        UsageError::MissingPayload => {
            help.push("name it: `-m TEXT`, `-f FILE`, `-n` for nothing, `-s` or `-l` for standard input, or `message = …` in the config file".to_owned());
            "nothing to publish was named".to_owned()
        }
        UsageError::MissingTopic => {
            help.push("name one: `-t TOPIC`, `topic = …` in the config file, or at the end of the URL: `mqtts://host:8883/topic`".to_owned());
            "no topic was named".to_owned()
        }
        UsageError::MissingProvider => {
            help.push(format!("the providers are {}", PROVIDERS.join(", ")));
            "`new` needs the name of a provider".to_owned()
        }
        UsageError::MissingValue {
            flag,
            form,
            instead,
        } => {
            help.push(format!("write `{flag} {form}`"));
            if let Some(instead) = instead {
                notes.push(format!(
                    "the flag `{instead}` stands where its value should be"
                ));
                let equals = if flag.starts_with("--") { "=" } else { "" };
                if ["TEXT", "TOPIC", "PATH", "ID", "NAME"].contains(form) {
                    help.push(format!(
                        "if that is the value, write `{flag}{equals}{instead}`"
                    ));
                }
            }
            format!("`{flag}` needs a value")
        }
        UsageError::UnexpectedValue { flag } => {
            help.push(format!("write `{flag}` alone"));
            format!("`{flag}` takes no value")
        }
        UsageError::SetWithoutEquals { given } => {
            notes.push(format!("command line: `--set {given}`"));
            help.push("write `--set key=value`, such as `--set qos=0`".to_owned());
            "`--set` needs `key=value`".to_owned()
        }
        UsageError::BadColor { given } => {
            notes.push(format!("command line: `--color {given}`"));
            help.push("leave it out for `auto`".to_owned());
            "`--color` must be `auto`, `always` or `never`".to_owned()
        }
        UsageError::BadValue {
            flag,
            given,
            expected,
        } => {
            notes.push(format!("command line: `{flag} {given}`"));
            help.push(format!("correct the value of `{flag}`"));
            format!("`{flag}` must be {expected}")
        }
        UsageError::Unpublishable { what, words } => {
            notes.push(words.clone());
            help.push("name something else: `-m TEXT`, `-f FILE`, `-s` or `-l`".to_owned());
            format!("{what} cannot be published")
        }
        UsageError::Repeated { flag } => {
            help.push(format!("leave one `{flag}`"));
            format!("`{flag}` is given twice")
        }
        UsageError::Conflict { flag, other } => {
            help.push("leave one of them".to_owned());
            format!("`{flag}` and `{other}` contradict each other")
        }
        UsageError::NotForCommand { flag, command } => {
            help.push(format!("leave `{flag}` out"));
            format!("`{flag}` has no meaning for `{command}`")
        }
        UsageError::Leftover { given } => {
            help.push("if it belongs to a value with spaces, put that value in quotes".to_owned());
            format!("one argument too many: `{given}`")
        }
        UsageError::NotUtf8 { shown } => {
            notes.push(format!("command line: `{shown}`"));
            help.push("write it in UTF-8; bytes of any kind are published from a file: `pub CONFIG -f FILE`".to_owned());
            "an argument is not UTF-8 text".to_owned()
        }
    };
    Diagnosis::new(&USAGE_INVALID, error)
        .notes(notes)
        .helps(help)
}

fn meant(nearest: &Option<&'static str>) -> Option<String> {
    nearest.map(|nearest| format!("did you mean `{nearest}`?"))
}

/// The file of `-f` cannot be read.
pub(crate) fn unreadable_payload(path: &Path, why: &ReadError) -> Diagnosis {
    let said = format!("`{}` cannot be published", path.display());
    Diagnosis::new(&USAGE_INVALID, said)
        .note(files::unreadable(path, why))
        .help(match why {
            ReadError::TimedOut { .. } => {
                "if it is a pipe, write the message to it and close it, or raise `timeout`"
            }
            _ => "name something else: `-m TEXT`, `-f FILE`, `-s` or `-l`",
        })
}
