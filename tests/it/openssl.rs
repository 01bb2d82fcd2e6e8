//! `openssl s_server`: a TLS peer of any version and mood, with no MQTT behind it.

use std::process::Command;

use crate::certs::Files;
use crate::daemon::Daemon;
use crate::lab::Lab;

pub(crate) struct SServer {
    pub(crate) port: u16,
    daemon: Daemon,
}

/// Starts it with `server`'s certificate and any further arguments: `-tls1_1 -cipher
/// ALL:@SECLEVEL=0`, `-Verify 1 -CAfile ca.pem`, `-alpn mqtt`, `-servername x -servername_fatal`.
pub(crate) fn s_server(lab: &Lab, server: &Files, args: &[&str]) -> SServer {
    Daemon::retry(|| {
        let port = lab.port();
        let daemon = Daemon::start(
            Command::new("openssl")
                .args(["s_server", "-accept", &format!("127.0.0.1:{port}")])
                .args(["-cert", &server.cert, "-cert_chain", &server.cert])
                .args(["-key", &server.key])
                .args(args)
                .current_dir(lab.dir()),
        );
        if daemon.log().wait_for("ACCEPT\n") {
            return Ok(SServer { port, daemon });
        }
        Err(daemon.log().text())
    })
}

impl SServer {
    #[track_caller]
    pub(crate) fn wait_for_log(&self, fragment: &str) {
        let found = self.daemon.log().wait_for(fragment);
        assert!(
            found,
            "s_server ended without `{fragment}`:\n{}",
            self.log()
        );
    }

    pub(crate) fn log(&self) -> String {
        self.daemon.log().text()
    }
}
