//! A test's own folder and its ports. Nothing outside the folder is written, and it goes when the
//! test ends.

use std::cell::RefCell;
use std::fs;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use crate::certs::Authority;

/// How long anything may take to come about before the test gives up. Generous, because the tests
/// run side by side on small machines; nothing waits this long when all is well.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

/// The file that the program is told to take for the system's certificates, unless a test says
/// otherwise: one authority that signed nothing. So no verdict depends on this machine's store.
pub(crate) const SYSTEM_ROOTS: &str = "system-roots.pem";

pub(crate) struct Lab {
    dir: tempfile::TempDir,
    ports: RefCell<Vec<u16>>,
}

impl Lab {
    pub(crate) fn new() -> Self {
        static UNRELATED: OnceLock<String> = OnceLock::new();
        let lab = Self {
            dir: tempfile::Builder::new()
                .prefix("mqtt-it-")
                .tempdir()
                .unwrap(),
            ports: RefCell::default(),
        };
        let unrelated = UNRELATED.get_or_init(|| Authority::root("Some System Root").pem());
        lab.write(SYSTEM_ROOTS, unrelated);
        lab
    }

    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir().join(name)
    }

    pub(crate) fn write(&self, name: &str, contents: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, contents).unwrap();
        path
    }

    /// Writes a file that only its owner can read, as one with a password should be.
    pub(crate) fn write_private(&self, name: &str, contents: impl AsRef<[u8]>) -> PathBuf {
        let path = self.write(name, contents);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path
    }

    /// A port on which nothing listens now, for a server that must be told its port.
    ///
    /// Not the system's choice (port 0): what it gives, it also gives to the outgoing connections
    /// of the tests beside this one, before the server has taken it. These lie below the range
    /// that Linux assigns (32768 and up), and no two callers in this process get the same one.
    /// They have five digits, so that outputs keep their columns.
    pub(crate) fn port(&self) -> u16 {
        const FIRST: u16 = 10_240;
        const LAST: u16 = 32_767;
        static NEXT: AtomicU16 = AtomicU16::new(0);
        let start = (std::process::id() % 640) as u16 * 32;
        for _ in FIRST..=LAST {
            let step = NEXT.fetch_add(1, Ordering::Relaxed);
            let port = FIRST + start.wrapping_add(step) % (LAST - FIRST + 1);
            let free = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
                && TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err();
            if free {
                self.ports.borrow_mut().push(port);
                return port;
            }
        }
        panic!("no free port from {FIRST} to {LAST}");
    }

    /// Takes note of a port that a server of the test's own got from the system.
    pub(crate) fn note_port(&self, port: u16) {
        self.ports.borrow_mut().push(port);
    }

    /// Every port of the test's servers, in order: golden files name the first `PORT`, then `PORT2` …
    pub(crate) fn ports(&self) -> Vec<u16> {
        self.ports.borrow().clone()
    }
}

/// Waits until something listens on `port`; `still_alive` says whether the server may yet come.
pub(crate) fn wait_until_listening(port: u16, mut still_alive: impl FnMut() -> bool) -> bool {
    wait_until(|| {
        if TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Some(true);
        }
        (!still_alive()).then_some(false)
    })
    .unwrap_or_else(|| panic!("nothing listens on port {port} after {DEADLINE:?}"))
}

/// Asks again and again, every few milliseconds, until there is an answer or the deadline passes.
pub(crate) fn wait_until<T>(mut ask: impl FnMut() -> Option<T>) -> Option<T> {
    let end = Instant::now() + DEADLINE;
    loop {
        if let Some(answer) = ask() {
            return Some(answer);
        }
        if Instant::now() >= end {
            return None;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}
