//! Linux, macOS and the BSDs: poll(2) for all that is waited for.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::AsFd;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::OFlags;
use rustix::io::{Errno, FdFlags, fcntl_setfd};
use rustix::net::sockopt::set_socket_recv_buffer_size;
use rustix::net::{AddressFamily, SocketType};
use rustix::time::{ClockId, clock_gettime};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use crate::os::{SYSTEM, System};

/// The variable that names the user's home folder.
pub(crate) const HOME: &str = "HOME";

/// Whether the system tells of itself in files: /proc, /etc/resolv.conf.
pub(crate) const HAS_SYSTEM_FILES: bool = true;

/// What keeps the trust anchors, where they are in no files.
pub(crate) const ROOT_STORE: Option<&str> = match SYSTEM {
    System::MacOs => Some("the keychain"),
    _ => None,
};

/// EMFILE: this process has no more descriptors.
pub(crate) const DESCRIPTORS: &[i32] = &[Errno::MFILE.raw_os_error()];
/// ENFILE: nor has the whole system.
pub(crate) const ALL_DESCRIPTORS: &[i32] = &[Errno::NFILE.raw_os_error()];
/// ENOMEM, ENOBUFS.
pub(crate) const MEMORY: &[i32] = &[Errno::NOMEM.raw_os_error(), Errno::NOBUFS.raw_os_error()];

/// What random numbers are read from, where no call gives them.
pub(crate) const RANDOM_FILE: Option<&str> = Some("/dev/urandom");

/// This machine's clock: unix seconds, negative before 1970, and nanoseconds.
///
/// Not the standard library's: on 32-bit musl that has 32 bits for it, and panics from 2038 on.
pub(crate) fn now() -> (i64, i64) {
    let now = clock_gettime(ClockId::Realtime);
    // The nanoseconds have 64 bits on most systems, and 32 on MIPS; less than a second has 30.
    let nanoseconds = i32::try_from(now.tv_nsec).unwrap_or_default();
    (now.tv_sec, nanoseconds.into())
}

/// Sets `flag` when the user or the system wants the program to end, by SIGINT, SIGTERM or SIGHUP; a
/// second signal ends it at once, with 130. SIGHUP is left alone where the program was started to
/// outlive its terminal, as with `nohup`.
///
/// # Errors
/// What `sigaction` says.
pub(crate) fn on_end(flag: &Arc<AtomicBool>) -> io::Result<()> {
    // Nothing safe asks `sigaction`; on Linux the mask of proc(5) tells, and where there is none the
    // signal is taken as usual.
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let hangup = (!is_ignored(&status, SIGHUP)).then_some(SIGHUP);
    for signal in [SIGINT, SIGTERM].into_iter().chain(hangup) {
        // Registered first, so that it acts on the flag that an *earlier* signal has set.
        signal_hook::flag::register_conditional_shutdown(signal, 130, Arc::clone(flag))?;
        signal_hook::flag::register(signal, Arc::clone(flag))?;
    }
    Ok(())
}

/// Whether `signal` is one of `SigIgn`, whose lowest bit is that of signal 1.
fn is_ignored(status: &str, signal: i32) -> bool {
    let mut masks = status
        .lines()
        .filter_map(|line| line.strip_prefix("SigIgn:"))
        .filter_map(|mask| u128::from_str_radix(mask.trim(), 16).ok());
    masks.any(|mask| mask >> (signal - 1) & 1 == 1)
}

/// Opens a file to read it. Opening a named pipe does not wait for its writer.
///
/// # Errors
/// What the system says.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    let flags = i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or_default();
    let mut options = OpenOptions::new();
    options.read(true).custom_flags(flags).open(path)
}

/// Whether a read of what [`open`] gave finds bytes or the end within `limit`. Of a pipe without a
/// writer, read(2) says that it is at its end; poll(2) waits for the writer.
///
/// # Errors
/// What poll(2) says.
pub(crate) fn wait_for_file(file: &File, limit: Duration) -> io::Result<bool> {
    wait(file, PollFlags::IN, limit)
}

/// Whether a terminal takes escape sequences.
pub(crate) fn takes_escapes() -> bool {
    true
}

/// Whether any user of this machine can read the file. A device or a pipe keeps nothing:
/// `password_file = /dev/stdin`.
pub(crate) fn others_may_read(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o004 != 0)
}

/// Whether the resolver says that there is no such name, or no address for it, and not that it could
/// not be asked. getaddrinfo's code does not survive `std`; only its words do (glibc, musl, the BSDs).
/// An error with a number is a system call's (EAI_SYSTEM), and says nothing of the name.
pub(crate) fn name_is_unknown(error: &io::Error) -> bool {
    const UNAVAILABLE: [&str; 5] = [
        "Temporary failure",
        "Try again",
        "on-recoverable",
        "nrecoverable",
        "System error",
    ];
    let words = error.to_string();
    let unavailable = UNAVAILABLE.iter().any(|known| words.contains(known));
    !unavailable && error.raw_os_error().is_none()
}

/// Whether so many can be opened.
///
/// # Errors
/// What the system says.
pub(crate) fn descriptors(count: usize) -> io::Result<()> {
    let opened: io::Result<Vec<_>> = (0..count).map(|_| UnixDatagram::unbound()).collect();
    opened.map(drop)
}

/// Whether the system has random numbers, which a board may lack for minutes after its start.
///
/// # Errors
/// EAGAIN: not yet. After any other error ring reads [`RANDOM_FILE`].
#[cfg(target_os = "linux")]
pub(crate) fn random_numbers() -> io::Result<()> {
    use rustix::rand::{GetRandomFlags, getrandom};
    match getrandom(&mut [0_u8], GetRandomFlags::NONBLOCK) {
        Err(Errno::AGAIN) => Err(Errno::AGAIN.into()),
        _ => Ok(()),
    }
}

/// They are there from the start.
#[cfg(not(target_os = "linux"))]
#[allow(clippy::unnecessary_wraps, reason = "as on other systems")]
pub(crate) fn random_numbers() -> io::Result<()> {
    Ok(())
}

/// Waits until there is something to read, or with `write` also until the system takes more.
///
/// # Errors
/// What poll(2) says; a signal is none.
pub(crate) fn wait_for_socket(stream: &TcpStream, write: bool, limit: Duration) -> io::Result<()> {
    let mut flags = PollFlags::IN;
    if write {
        flags |= PollFlags::OUT;
    }
    wait(stream, flags, limit).map(drop)
}

/// Has the system acknowledge what comes next without the usual delay (TCP_QUICKACK, tcp(7)), until
/// something is written; whether it can.
#[cfg(target_os = "linux")]
pub(crate) fn quick_ack(stream: &TcpStream) -> bool {
    rustix::net::sockopt::set_tcp_quickack(stream, true).is_ok()
}

/// No such thing here.
#[cfg(not(target_os = "linux"))]
pub(crate) fn quick_ack(_: &TcpStream) -> bool {
    false
}

/// Whether it is ready within `limit`. A signal ends the wait: the caller checks its flag.
fn wait(what: &impl AsFd, flags: PollFlags, limit: Duration) -> io::Result<bool> {
    let limit = Timespec::try_from(limit).map_err(io::Error::other)?;
    match poll(&mut [PollFd::new(what, flags)], Some(&limit)) {
        Ok(ready) => Ok(ready > 0),
        Err(Errno::INTR) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Standard input, past the standard library's own buffer, which poll(2) cannot see.
#[derive(Debug)]
pub(crate) struct Stdin(File);

impl Stdin {
    /// # Errors
    /// It is closed.
    pub(crate) fn open() -> io::Result<Self> {
        let stdin = io::stdin().as_fd().try_clone_to_owned()?;
        Ok(Self(File::from(stdin)))
    }

    /// Whether a read finds bytes or the end within `limit`; a signal ends the wait.
    ///
    /// # Errors
    /// What poll(2) says.
    pub(crate) fn is_readable(&mut self, limit: Duration) -> io::Result<bool> {
        wait(&self.0, PollFlags::IN, limit)
    }
}

impl Read for Stdin {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

#[cfg(test)]
impl From<io::PipeReader> for Stdin {
    fn from(reader: io::PipeReader) -> Self {
        Self(File::from(std::os::fd::OwnedFd::from(reader)))
    }
}

/// A socket that is being connected. `TcpStream::connect_timeout` goes on after a signal, and so would
/// have to run on a thread; poll(2) does not.
#[derive(Debug)]
pub(crate) struct Connecting(TcpStream);

impl Connecting {
    /// # Errors
    /// What the system says at once.
    pub(crate) fn begin(address: SocketAddr) -> io::Result<Self> {
        start(socket_for(address)?, address)
    }

    /// With a receive window of so many bytes at most, whose peer then sends smaller segments.
    ///
    /// # Errors
    /// What the system says at once.
    pub(crate) fn begin_with_window(address: SocketAddr, bytes: usize) -> io::Result<Self> {
        let stream = socket_for(address)?;
        set_socket_recv_buffer_size(&stream, bytes)?;
        start(stream, address)
    }

    /// Whether it has ended within `limit`, in whatever way; a signal ends the wait.
    ///
    /// # Errors
    /// What poll(2) says.
    pub(crate) fn has_ended(&mut self, limit: Duration) -> io::Result<bool> {
        wait(&self.0, PollFlags::OUT, limit)
    }

    /// The connection, on a socket that blocks.
    ///
    /// # Errors
    /// SO_ERROR: how the connect ended.
    pub(crate) fn into_stream(self) -> io::Result<TcpStream> {
        let Self(stream) = self;
        if let Some(error) = stream.take_error()? {
            return Err(error);
        }
        stream.set_nonblocking(false)?;
        Ok(stream)
    }
}

/// A socket that does not block. Its two flags are set one by one, because not every Unix can set
/// them when it makes the socket; no other process is ever started in between.
fn socket_for(address: SocketAddr) -> io::Result<TcpStream> {
    let family = match address {
        SocketAddr::V4(_) => AddressFamily::INET,
        SocketAddr::V6(_) => AddressFamily::INET6,
    };
    let socket = rustix::net::socket(family, SocketType::STREAM, None)?;
    fcntl_setfd(&socket, FdFlags::CLOEXEC)?;
    let stream = TcpStream::from(socket);
    stream.set_nonblocking(true)?;
    Ok(stream)
}

fn start(stream: TcpStream, address: SocketAddr) -> io::Result<Connecting> {
    match rustix::net::connect(&stream, &address) {
        Ok(()) | Err(Errno::INPROGRESS | Errno::INTR) => Ok(Connecting(stream)),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn the_mask_of_ignored_signals_is_read() {
        for (mask, ignored) in [
            ("0000000000000001", true),
            ("0000000000001001", true),
            ("0000000000001000", false),
            // MIPS has 128 signals.
            ("00000000000000000000000000000001", true),
            ("", false),
            ("?", false),
        ] {
            let status =
                format!("Name:\tx\nSigBlk:\t0000000000000001\nSigIgn:\t{mask}\nSigCgt:\t1\n");
            assert_eq!(is_ignored(&status, SIGHUP), ignored, "{mask}");
        }
        assert!(!is_ignored("", SIGHUP));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_socket_acknowledges_at_once_where_it_is_asked_to() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        rustix::net::sockopt::set_tcp_quickack(&stream, false).unwrap();
        assert!(quick_ack(&stream));
        assert!(rustix::net::sockopt::tcp_quickack(&stream).unwrap());
    }
}
