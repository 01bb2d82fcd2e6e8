//! The flags of mosquitto's clients that mean nothing here, or something else, each with what to write
//! instead. What stands between backticks is accepted as it is, once its capitals are filled in.

const PROPERTY: &str = "write the flag of the property, with MQTT 5: `--set protocol=5 --content-type TYPE`, \
                        `--set protocol=5 --response-topic TOPIC`, \
                        `--set protocol=5 --correlation-data TEXT`, \
                        `--set protocol=5 --message-expiry 60s`, \
                        `--set protocol=5 --payload-format text`, \
                        `--set protocol=5 --user-property NAME=TEXT`, \
                        `--set protocol=5 --subscription-id 1`; with CONNECT go \
                        `--set protocol=5 --set session_expiry=1h`, \
                        `--set protocol=5 --set receive_maximum=10`, \
                        `--set protocol=5 --set topic_alias_maximum=10`, \
                        `--set protocol=5 --set user_property.NAME=TEXT`";
const SRV: &str = "give the broker's own name in CONFIG: SRV records are not looked up";
const ENGINE: &str =
    "keys are read from files: `--set cert_file=client.pem --set key_file=client.key`";
const PSK: &str = "a pre-shared key is not spoken; who we are is told by a user name and password, or by \
                   `--set cert_file=client.pem --set key_file=client.key`";
const CLIENT: &str = "write `--set cert_file=client.pem --set key_file=client.key`";
const WILL: &str = "write `--set will_topic=TOPIC --set will_message=TEXT --set will_qos=1 --set \
                    will_retain=on`, as many of them as you need";

const TABLE: &[(&[&str], &str)] = &[
    (
        &["-h", "--host"],
        "write the host as CONFIG: `mqtts://HOST:8883/TOPIC` with TLS, or `mqtt://HOST:1883/TOPIC` \
         without",
    ),
    (
        &["-p", "--port"],
        "write the port behind the host, `mqtts://HOST:8883/TOPIC`, or `--set port=8883`",
    ),
    (
        &["-L", "--url"],
        "write the URL as CONFIG, without a flag: `mqtts://HOST:8883/TOPIC`",
    ),
    (
        &["-V", "--protocol-version"],
        "write `--set protocol=5` for mqttv5; without it MQTT 3.1.1 is spoken, which is mqttv311",
    ),
    (
        &["-c", "--disable-clean-session"],
        "write `--set clean_session=off`, and a fixed `-i ID`",
    ),
    (&["--id"], "write `-i ID`"),
    (&["-I", "--id-prefix"], "write the whole client id: `-i ID`"),
    (&["-k", "--keepalive"], "write `--set keep_alive=60s`"),
    (
        &["-d", "--debug"],
        "what is exchanged with the broker is shown by the check: `mqtt-test CONFIG --verbose`",
    ),
    (
        &["-W"],
        "write `--for 10s`, which `sub` has; for each stage `--timeout 10s`",
    ),
    (
        &["-F"],
        "choose one of the formats of `sub`: `-v`, `--json`, `--raw`, `--hex`",
    ),
    (&["--pretty"], "write `--json`: one object a line"),
    (&["-N"], "write `--raw`"),
    (&["-e"], "write `--set protocol=5 --response-topic TOPIC`"),
    (&["-R"], "write `--retained skip`"),
    (&["--retained-only"], "write `--retained only`"),
    (
        &["--remove-retained"],
        "clear them one by one: `mqtt-test pub CONFIG -t TOPIC -n -r`",
    ),
    (
        &["-E"],
        "write `--for 1s`: it subscribes, and ends after that time",
    ),
    (
        &["-T", "--filter-out"],
        "name only the topics that are wanted: `-t TOPIC -t OTHER/#`",
    ),
    (
        &["-U", "--unsubscribe"],
        "a session is forgotten with all its subscriptions by a run with its `-i ID` and \
         `--set clean_session=on`",
    ),
    (
        &["--random-filter"],
        "leave it out: every message is printed",
    ),
    (&["-D", "--property"], PROPERTY),
    (
        &["-x"],
        "write `--set protocol=5 --set session_expiry=1h`, and a fixed `-i ID`",
    ),
    (&["--null-message"], "write `-n`"),
    (&["--stdin-file"], "write `-s`"),
    (&["--stdin-line"], "write `-l`"),
    (&["--repeat-delay"], "write `--interval 500ms`"),
    (
        &["-M"],
        "leave it out: how many messages are on their way at once is not for you to choose",
    ),
    (
        &["-A"],
        "leave it out: the system chooses the address by its routes",
    ),
    (&["-S"], SRV),
    (
        &["--unix"],
        "write a host and a port as CONFIG, `mqtt://HOST:1883/TOPIC`: Unix sockets are not used",
    ),
    (&["--proxy"], "leave it out: SOCKS is not spoken"),
    (&["--nodelay"], "leave it out: it is always so"),
    (&["--cafile"], "write `--set ca_file=ca.pem`"),
    (
        &["--capath"],
        "put the certificates of the folder into one file: `--set ca_file=ca.pem`",
    ),
    (&["--cert"], CLIENT),
    (&["--key"], CLIENT),
    (&["--keyform"], ENGINE),
    (&["--tls-engine"], ENGINE),
    (&["--tls-engine-kpass-sha1"], ENGINE),
    (
        &["--tls-version"],
        "write `--set tls_version=1.2`; without it TLS 1.3 and 1.2 are offered",
    ),
    (&["--tls-alpn"], "write `--set alpn=mqtt`"),
    (
        &["--tls-use-os-certs"],
        "leave it out: they are always trusted unless the config file says otherwise",
    ),
    (
        &["--ciphers"],
        "leave it out: the broker chooses among the ciphers of TLS 1.3 and 1.2",
    ),
    (&["--psk"], PSK),
    (&["--psk-identity"], PSK),
    (&["--will-topic"], WILL),
    (&["--will-payload"], WILL),
    (&["--will-qos"], WILL),
    (&["--will-retain"], WILL),
];

/// What to write instead of the flag of this name.
pub(crate) fn instead_of(name: &str) -> Option<&'static str> {
    let row = TABLE.iter().find(|(names, _)| names.contains(&name));
    row.map(|(_, instead)| *instead)
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that panics is a test that fails"
)]
mod tests {
    use std::ffi::OsString;

    use super::*;
    use crate::cli::args::{self, Command};
    use crate::config::{Origin, UsageError};
    use crate::testing;

    /// Parses it, and what it sets as a configuration; of a configuration, files are not opened.
    fn accepted(line: &str) -> Result<(), String> {
        let argv = line.split_whitespace().map(OsString::from).collect();
        let (target, overrides) = match args::parse(argv).map_err(|it| format!("{it:?}"))?.command {
            Command::Check { target, overrides }
            | Command::Pub {
                target, overrides, ..
            }
            | Command::Sub {
                target, overrides, ..
            }
            | Command::Request {
                target, overrides, ..
            } => (target, overrides),
            other => return Err(format!("{other:?}")),
        };
        assert!(
            overrides
                .iter()
                .all(|it| matches!(it.origin, Origin::Flag(_)))
        );
        let read = if target.contains("://") {
            testing::url_and(&target, &overrides)
        } else {
            testing::file_and("host = h\n", &overrides)
        };
        read.map(drop).map_err(|it| format!("{it:?}"))
    }

    /// Every piece between backticks, run as it stands or behind one of the commands.
    #[test]
    fn what_is_advised_is_accepted() {
        for (names, text) in TABLE {
            assert_eq!(text.matches('`').count() % 2, 0, "{text}");
            for piece in text.split('`').skip(1).step_by(2) {
                let piece = piece.replace("HOST", "h.example").replace("/TOPIC", "/t");
                let piece = piece.replace("OTHER/#", "o/#");
                if piece == "sub" {
                    continue;
                }
                let lines = match piece.strip_prefix("mqtt-test ") {
                    Some(line) => vec![line.to_owned()],
                    None => ["", "pub ", "sub ", "request "]
                        .iter()
                        .map(|command| match piece.starts_with('-') {
                            true => format!("{command}CONFIG {piece}"),
                            false => format!("{command}{piece}"),
                        })
                        .collect(),
                };
                let results: Vec<_> = lines.iter().map(|line| accepted(line)).collect();
                assert!(
                    results.iter().any(Result::is_ok),
                    "{names:?}: {piece}: {results:?}"
                );
            }
        }
    }

    #[test]
    fn each_of_mosquittos_flags_is_known_or_told_what_to_write() {
        // `mosquitto_pub --help` and `mosquitto_sub --help`, version 2.0, and the manual pages.
        let flags = "-A -c -C -d -D -E -f -F -h -i -I -k -l -L -m -M -n -N -p -P -q -r -R -s -S -t -T -u \
             -U -v -V -W -x --cafile --capath --cert --ciphers --debug --disable-clean-session \
             --file --filter-out --host --id --id-prefix --insecure --keepalive --key --keyform \
             --message --nodelay --null-message --port --pretty --property --protocol-version \
             --proxy --psk --psk-identity --pw --qos --quiet --random-filter --remove-retained \
             --repeat --repeat-delay --retain --retain-as-published --retained-only --stdin-file \
             --stdin-line --tls-alpn --tls-engine --tls-engine-kpass-sha1 --tls-use-os-certs \
             --tls-version --topic --unix --unsubscribe --url --username --will-payload --will-qos \
             --will-retain --will-topic";
        for flag in flags.split_whitespace() {
            let own = crate::cli::flags::named(flag).is_some() && !["-h", "-V"].contains(&flag);
            let argv = ["pub", "x", flag, "secret"].map(OsString::from).to_vec();
            match args::parse(argv) {
                Err(UsageError::PasswordFlag { given }) => {
                    assert!(["-P", "--pw"].contains(&given.as_str()));
                }
                Err(UsageError::VerificationOff { given }) => assert_eq!(given, "--insecure"),
                Err(UsageError::ForeignFlag { given, instead }) => {
                    assert_eq!((given.as_str(), Some(instead)), (flag, instead_of(flag)));
                    assert!(!own, "{flag}");
                }
                other => assert!(own, "{flag}: {other:?}"),
            }
        }
    }
}
