//! A server that is a child process. It is killed when its guard goes, also when the test fails.

use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::capture::Capture;
use crate::lab::wait_until;

pub(crate) struct Daemon {
    child: Child,
    log: Capture,
}

impl Daemon {
    /// Starts `command` with its standard input held open (`openssl s_server` ends with it) and
    /// both its outputs in one log.
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|e| panic!("cannot start {command:?}: {e}"));
        let log = Capture::default();
        log.read(child.stdout.take().unwrap());
        log.read(child.stderr.take().unwrap());
        Self { child, log }
    }

    /// Starts a server that takes a port by number: `start` gives the guard, or `None` when the
    /// port was gone by then, and is asked again with the next one.
    pub(crate) fn retry<T>(mut start: impl FnMut() -> Result<T, String>) -> T {
        let mut why = String::new();
        for _ in 0..5 {
            match start() {
                Ok(server) => return server,
                Err(log) => why = log,
            }
        }
        panic!("the server does not come up; its log:\n{why}");
    }

    pub(crate) fn log(&self) -> &Capture {
        &self.log
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Asks it to end (SIGTERM) and waits until it has. It asks once more each second: mosquitto 2.0.11
    /// forgets a SIGTERM between its line "running" and its main loop, two times in five where it comes
    /// at once.
    pub(crate) fn stop(&mut self) -> ExitStatus {
        let mut asked: Option<Instant> = None;
        let ended = wait_until(|| {
            if asked.is_none_or(|asked| asked.elapsed() >= Duration::from_secs(1)) {
                asked = Some(Instant::now());
                signal(self.child.id(), "TERM");
            }
            self.child.try_wait().unwrap()
        });
        ended.expect("the server does not end on SIGTERM")
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // Gone already is as good as killed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a signal by name through `kill`: the standard library has none, and unsafe code is
/// forbidden in this package.
pub(crate) fn signal(pid: u32, name: &str) {
    let status = Command::new("kill")
        .args(["-s", name, &pid.to_string()])
        .status()
        .unwrap();
    assert!(status.success(), "kill -s {name} {pid}: {status}");
}
