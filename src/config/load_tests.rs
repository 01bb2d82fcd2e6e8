//! Tables for `load`, in folders that are made for each test.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that panics is a test that fails"
)]

use tempfile::TempDir;

use super::*;
use crate::diagnosis::diagnose_config;

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> String {
        let path = self.0.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }

    /// The code and the message of an error, without the folder's own name.
    fn said(&self, error: &ConfigError) -> (String, String) {
        let words = diagnose_config(error, None);
        let mut all = vec![words.error];
        all.extend(words.notes);
        let folder = format!("{}/", self.0.path().display());
        (
            words.code.name.to_owned(),
            all.join("\n").replace(&folder, ""),
        )
    }

    #[track_caller]
    fn refused(&self, name: &str, code: &str, text: &str) {
        let error = config(&self.path(name), &[], Purpose::Check).expect_err(name);
        let (found, said) = self.said(&error);
        // Those of this repository's own `config/` are listed behind.
        assert!(found == code && said.starts_with(text), "{found}: {said}");
    }
}

#[test]
fn a_file_is_read() {
    let folder = Folder::new();
    let path = folder.write("x.conf", "\u{feff}host = h\r\nca_file = ca.pem\r\n");
    let config = config(&path, &[], Purpose::Check).unwrap();
    assert_eq!(config.target, path);
    let Transport::Tls(tls) = config.transport else {
        panic!("no TLS");
    };
    assert_eq!(tls.ca_file, Some(folder.0.path().join("ca.pem")));
    assert_eq!(
        super::config("mqtt://h", &[], Purpose::Check).unwrap().port,
        1883
    );
}

#[test]
fn two_runs_differ() {
    let ids: Vec<_> = (0..2)
        .map(|_| config("mqtt://h", &[], Purpose::Check).unwrap())
        .collect();
    assert_ne!(ids[0].client_id, ids[1].client_id);
    assert_ne!(ids[0].message, ids[1].message);
}

#[test]
fn what_cannot_be_read_says_why() {
    let folder = Folder::new();
    let code = "config-unreadable";
    let missing = "No such file or directory (os error 2)";
    let error = format!("cannot read the config file `gone.conf`: {missing}");
    folder.refused("gone.conf", code, &error);
    folder.write("b.conf", "");
    folder.write("a.conf", "");
    folder.write("c.txt", "");
    let beside = format!("{error}\nconfig files that do exist: a.conf, b.conf");
    folder.refused("gone.conf", code, &beside);
    let help = diagnose_config(
        &config(&folder.path("aa.conf"), &[], Purpose::Check).unwrap_err(),
        None,
    )
    .help;
    assert_eq!(help, [format!("did you mean `{}`?", folder.path("a.conf"))]);
    folder.write("sub/x", "");
    folder.refused(
        "sub",
        code,
        "the config file `sub` is a folder\
        \nconfig files that do exist: a.conf, b.conf",
    );
    folder.write("sub/big", vec![b'#'; 1024 * 1024 + 1]);
    folder.refused(
        "sub/big",
        code,
        "`sub/big` is too large to be a config file\
        \nit has 1048577 bytes or more, and at most 1048576 are read",
    );
    folder.write("sub/full", vec![b'#'; 1024 * 1024]);
    folder.refused(
        "sub/full",
        "config-invalid",
        "`host` is not set in `sub/full`",
    );
    folder.write("sub/latin1", b"host = h\n\ntopic = \xfc\n");
    folder.refused(
        "sub/latin1",
        code,
        "the config file `sub/latin1` is not UTF-8 text\
        \nsub/latin1:3: the first bytes that are not UTF-8",
    );
}

#[test]
fn a_broker_in_place_of_a_file_is_told_its_url() {
    for (target, url) in [
        ("localhost:1883", "mqtt://localhost:1883"),
        ("localhost", "mqtt://localhost"),
        ("h.example:8883/t", "mqtts://h.example:8883/t"),
        ("10.0.0.1", "mqtts://10.0.0.1"),
        ("h.example", "mqtts://h.example"),
    ] {
        let help = diagnose_config(&config(target, &[], Purpose::Check).unwrap_err(), None).help;
        let meant = format!("if it is a broker, write its URL as CONFIG: `{url}`");
        assert!(help.contains(&meant), "{target}: {help:?}");
        assert!(config(url, &[], Purpose::Check).is_ok());
    }
    let error = config("mqtt:/h", &[], Purpose::Check).unwrap_err();
    let said = diagnose_config(&error, None);
    assert_eq!(said.code.name, "host-invalid");
    assert_eq!(said.help, ["write `mqtt://HOST`"]);
}

#[test]
fn a_target_with_a_password_is_not_repeated() {
    let error = config("me:hunter2@h", &[], Purpose::Check).unwrap_err();
    assert!(!format!("{error:?}{:?}", diagnose_config(&error, None)).contains("hunter2"));
    assert_eq!(diagnose_config(&error, None).code.name, "host-invalid");
}

fn with_password_file(folder: &Folder, bytes: impl AsRef<[u8]>) -> Result<String, String> {
    folder.write("p.txt", bytes);
    let path = folder.write("x.conf", "host = h\nusername = me\npassword_file = p.txt");
    let config = config(&path, &[], Purpose::Check).unwrap();
    match password(&config) {
        Ok(secret) => Ok(secret.unwrap().expose().to_owned()),
        Err(error) => {
            assert_eq!(
                diagnose_config(&error, None).code.name,
                "password-unavailable"
            );
            Err(folder.said(&error).1.lines().next().unwrap().to_owned())
        }
    }
}

#[test]
fn a_password_file_gives_its_first_line() {
    let folder = Folder::new();
    let read = |bytes: &[u8]| with_password_file(&folder, bytes);
    for (bytes, expected) in [
        (&b"hunter2"[..], "hunter2"),
        (b"hunter2\n", "hunter2"),
        (b"hunter2\r\nmore\n", "hunter2"),
        (b" hunter2 \t\n", " hunter2 \t"),
        (b"hunter2\r", "hunter2\r"),
        (b"h\xc3\xbc\n\xff\0", "h\u{fc}"),
    ] {
        assert_eq!(read(bytes), Ok(expected.to_owned()));
    }
    let no = |text: &str| Err(text.to_owned());
    assert_eq!(read(b""), no("the first line of `p.txt` is empty"));
    assert_eq!(read(b"\nhunter2"), no("the first line of `p.txt` is empty"));
    let damaged = |text: &str| no(&format!("`p.txt` cannot be used: its first line {text}"));
    assert_eq!(read(b"a\0b\n"), damaged("holds a NUL byte"));
    assert_eq!(read(b"\xff\n"), damaged("is not UTF-8 text"));
    let long = "x".repeat(65_535);
    assert_eq!(read(format!("{long}\r\n").as_bytes()), Ok(long.clone()));
    let longer = damaged("is longer than the 65535 bytes of MQTT");
    assert_eq!(read(format!("{long}x").as_bytes()), longer);
    assert_eq!(read(format!("{long}xxxxx\n").as_bytes()), longer);
}

#[test]
fn a_password_file_that_cannot_be_read() {
    let folder = Folder::new();
    let path = folder.write("x.conf", "host = h\nusername = me\npassword_file = gone");
    let error = password(&config(&path, &[], Purpose::Check).unwrap()).unwrap_err();
    let text = "cannot read `gone`: No such file or directory (os error 2)\
                \nit is named by `password_file`, and should hold a password on its first line";
    assert_eq!(folder.said(&error).1, text);
    fs::create_dir(folder.0.path().join("gone")).unwrap();
    let error = password(&config(&path, &[], Purpose::Check).unwrap()).unwrap_err();
    assert!(folder.said(&error).1.starts_with("`gone` is a folder\n"));
}

#[test]
fn a_variable_gives_the_password() {
    let read = |value: Option<&str>| {
        from_env(
            &VariableName::new("P".to_owned()),
            value.map(OsString::from),
        )
    };
    assert_eq!(read(Some("hunter2\n")).unwrap().expose(), "hunter2\n");
    let error = |value| diagnose_config(&read(value).unwrap_err(), None).error;
    assert_eq!(
        error(None),
        "the variable `P`, named by `password_env`, is not set"
    );
    assert_eq!(
        error(Some("")),
        "the variable `P`, named by `password_env`, is empty"
    );
    let long = "x".repeat(65_536);
    assert!(error(Some(&long)).ends_with("it is longer than the 65535 bytes of MQTT"));
    // One that cargo sets for every test.
    let set = |name: &str| Override {
        origin: Origin::Flag("--set".to_owned()),
        key: "password_env".to_owned(),
        value: name.to_owned(),
    };
    let read = |name| password(&config("mqtt://me@h", &[set(name)], Purpose::Check).unwrap());
    let found = read("CARGO_PKG_NAME").unwrap().unwrap();
    assert_eq!(found.expose(), "mqtt-test");
    let unset = read("MQTT_TEST_NEVER_SET").unwrap_err();
    assert_eq!(
        diagnose_config(&unset, None).code.name,
        "password-unavailable"
    );
}

#[test]
fn a_literal_or_no_password() {
    let read = |url| password(&config(url, &[], Purpose::Check).unwrap()).unwrap();
    assert_eq!(read("mqtt://h"), None);
    assert_eq!(read("mqtt://me@h"), None);
    assert_eq!(read("mqtt://me:p@h"), Some(Secret::new("p".to_owned())));
}

#[cfg(unix)]
#[test]
fn files_that_others_may_read() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    let mode = |name: &str, mode| {
        let path = folder.path(name);
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    let files = || {
        let files = world_readable(&config(&folder.path("x.conf"), &[], Purpose::Check).unwrap());
        let name = |path: PathBuf| path.file_name().unwrap().to_str().unwrap().to_owned();
        files.into_iter().map(name).collect::<Vec<_>>()
    };
    let (user, tls) = ("username = me\n", "cert_file = c\nkey_file = k\n");
    folder.write("x.conf", format!("host = h\n{user}password = p\n{tls}"));
    folder.write("k", "");
    folder.write("p", "");
    mode("x.conf", 0o644);
    mode("k", 0o604);
    mode("p", 0o644);
    assert_eq!(files(), ["x.conf", "k"]);
    mode("x.conf", 0o640);
    mode("k", 0o600);
    assert_eq!(files(), [""; 0]);
    folder.write(
        "x.conf",
        format!("host = h\n{user}password_file = p\n{tls}"),
    );
    mode("x.conf", 0o644);
    assert_eq!(files(), ["p"], "the config file itself holds no secret now");
    folder.write("x.conf", format!("host = h\n{user}password_file = gone\n"));
    assert_eq!(files(), [""; 0]);
}
