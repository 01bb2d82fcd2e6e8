//! mosquitto, with a configuration built line by line.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::certs::{Files, Leaf};
use crate::daemon::Daemon;
use crate::lab::Lab;

/// A configuration in the making: a plain listener, anonymous users welcome, until told otherwise.
pub(crate) struct Builder<'a> {
    lab: &'a Lab,
    lines: Vec<String>,
    anonymous: bool,
    users: usize,
    openssl_conf: Option<PathBuf>,
    persistence: bool,
    log: &'static str,
}

pub(crate) fn mosquitto(lab: &Lab) -> Builder<'_> {
    Builder {
        lab,
        lines: Vec::new(),
        anonymous: true,
        users: 0,
        openssl_conf: None,
        persistence: false,
        log: "log_type all",
    }
}

/// A running mosquitto with this certificate and nothing else out of the ordinary.
pub(crate) fn with_certificate(lab: &Lab, leaf: Leaf<'_>) -> Mosquitto {
    mosquitto(lab)
        .tls(&leaf.issue().write(lab, "server"))
        .start()
}

impl<'a> Builder<'a> {
    /// A line of mosquitto.conf as it stands in its manual, `max_packet_size 1000`.
    pub(crate) fn line(mut self, line: impl Into<String>) -> Self {
        self.lines.push(line.into());
        self
    }

    fn file(self, key: &str, name: &str) -> Self {
        let path = self.lab.path(name);
        self.line(format!("{key} {}", path.display()))
    }

    pub(crate) fn tls(self, server: &Files) -> Self {
        self.file("certfile", &server.cert)
            .file("keyfile", &server.key)
    }

    /// Demands a client certificate of the authority in this file; its common name is the user.
    pub(crate) fn client_certificates(self, ca_file: &str) -> Self {
        self.file("cafile", ca_file)
            .line("require_certificate true")
            .line("use_identity_as_username true")
    }

    /// TLS 1.2 and nothing newer. Its own `tls_version` is a lower bound, so OpenSSL is told.
    pub(crate) fn tls_1_2_alone(mut self) -> Self {
        let conf = "openssl_conf = a\n[a]\nssl_conf = b\n[b]\nsystem_default = c\n\
                    [c]\nMaxProtocol = TLSv1.2\n";
        self.openssl_conf = Some(self.lab.write("openssl.cnf", conf));
        self
    }

    /// Adds a user; with one, anonymous users are refused.
    pub(crate) fn user(mut self, name: &str, password: &str) -> Self {
        let file = self.lab.path("passwords");
        let create: &[&str] = if self.users == 0 { &["-c"] } else { &[] };
        let status = Command::new("mosquitto_passwd")
            .args(create)
            .arg("-b")
            .arg(&file)
            .args([name, password])
            .status()
            .unwrap();
        assert!(status.success(), "mosquitto_passwd: {status}");
        self.users += 1;
        self.anonymous = false;
        if self.users == 1 {
            self.file("password_file", "passwords")
        } else {
            self
        }
    }

    /// Keeps sessions and what is queued in them over a restart, however much that is.
    pub(crate) fn persistent(mut self) -> Self {
        self.persistence = true;
        let folder = self.lab.dir().display().to_string();
        self.line(format!("persistence_location {folder}/"))
            .line("autosave_interval 1")
            .line("max_queued_messages 0")
    }

    /// Writes down connections and subscriptions, and not each packet: for streams.
    pub(crate) fn terse(mut self) -> Self {
        self.log = "log_type information\nlog_type notice\nlog_type subscribe";
        self
    }

    /// An access control list, in the form of its manual (`topic read sensors/#`).
    pub(crate) fn acl(self, rules: &str) -> Self {
        self.lab.write("acl", rules);
        self.file("acl_file", "acl")
    }

    /// The dynamic security plug-in with this configuration, for users without a name too.
    pub(crate) fn security_plugin(self, config: &Path) -> Self {
        let folders = ["/usr/lib", "/usr/local/lib"]
            .into_iter()
            .flat_map(fs::read_dir);
        let mut folders: Vec<PathBuf> = folders
            .flatten()
            .map(|entry| entry.unwrap().path())
            .collect();
        folders.push("/usr/lib".into());
        let plugin = folders
            .iter()
            .map(|folder| folder.join("mosquitto_dynamic_security.so"))
            .find(|path| path.exists())
            .expect("the package mosquitto has the plug-in mosquitto_dynamic_security.so");
        self.line(format!("plugin {}", plugin.display()))
            .line(format!("plugin_opt_config_file {}", config.display()))
    }

    pub(crate) fn start(self) -> Mosquitto {
        Daemon::retry(|| {
            let port = self.lab.port();
            let conf = self
                .lab
                .write(&format!("mosquitto-{port}.conf"), self.conf(port));
            let mut command = Command::new("mosquitto");
            command.arg("-c").arg(conf).current_dir(self.lab.dir());
            if let Some(path) = &self.openssl_conf {
                command.env("OPENSSL_CONF", path);
            }
            let daemon = start(&mut command)?;
            Ok(Mosquitto {
                port,
                command,
                daemon,
            })
        })
    }

    fn conf(&self, port: u16) -> String {
        // `user root`: started as root, mosquitto would otherwise become another user who may not
        // read the keys in the test's folder; started as anyone else, it ignores the line.
        // `set_tcp_nodelay`: without it CONNACK is 40 ms late over TLS on loopback.
        format!(
            "user root\nlog_dest stderr\n{}\nset_tcp_nodelay true\npersistence {}\n\
             listener {port} 127.0.0.1\nallow_anonymous {}\n{}\n",
            self.log,
            self.persistence,
            self.anonymous,
            self.lines.join("\n"),
        )
    }
}

/// A running mosquitto.
pub(crate) struct Mosquitto {
    pub(crate) port: u16,
    command: Command,
    daemon: Daemon,
}

impl Mosquitto {
    /// The same broker, by another of its listeners.
    pub(crate) fn with_port(self, port: u16) -> Self {
        Self { port, ..self }
    }

    /// Waits until its log holds `fragment`, such as `Received DISCONNECT from`.
    #[track_caller]
    pub(crate) fn wait_for_log(&self, fragment: &str) {
        let found = self.daemon.log().wait_for(fragment);
        assert!(
            found,
            "mosquitto ended without `{fragment}`:\n{}",
            self.log()
        );
    }

    pub(crate) fn log(&self) -> String {
        self.daemon.log().text()
    }

    pub(crate) fn stop(&mut self) {
        self.daemon.stop();
    }

    /// Starts it again on the same port, with a fresh log.
    pub(crate) fn restart(&mut self) {
        if self.daemon.is_running() {
            self.daemon.stop();
        }
        self.daemon = start(&mut self.command).unwrap_or_else(|log| panic!("{log}"));
    }
}

fn start(command: &mut Command) -> Result<Daemon, String> {
    let daemon = Daemon::start(command);
    if daemon.log().wait_for(" running\n") {
        return Ok(daemon);
    }
    Err(daemon.log().text())
}
