//! Windows. It has no poll for anything but sockets, and no signal interrupts a call: what may wait runs
//! on a thread of its own, which is left behind.

use std::env;
use std::fs::File;
use std::io::{self, Read};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::task::{Context, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, SystemTime};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tokio::signal::windows::{ctrl_break, ctrl_c, ctrl_close};

/// The variable that names the user's home folder.
pub(crate) const HOME: &str = "USERPROFILE";

/// Whether the system tells of itself in files: /proc, /etc/resolv.conf.
pub(crate) const HAS_SYSTEM_FILES: bool = false;

/// What keeps the trust anchors, where they are in no files.
pub(crate) const ROOT_STORE: Option<&str> = Some("the certificate store of Windows");

/// ERROR_TOO_MANY_OPEN_FILES and WSAEMFILE.
pub(crate) const DESCRIPTORS: &[i32] = &[4, 10_024];
/// There is no limit of this kind.
pub(crate) const ALL_DESCRIPTORS: &[i32] = &[];
/// ERROR_NOT_ENOUGH_MEMORY, ERROR_OUTOFMEMORY, ERROR_COMMITMENT_LIMIT and WSAENOBUFS.
pub(crate) const MEMORY: &[i32] = &[8, 14, 1455, 10_055];

/// A call gives random numbers.
pub(crate) const RANDOM_FILE: Option<&str> = None;

/// How much of standard input is read at once, in bytes; as much again may wait to be taken.
const CHUNK: usize = 64 * 1024;

/// Of a thread that makes one call.
const STACK: usize = 128 * 1024;

/// This machine's clock: unix seconds, negative before 1970, and nanoseconds.
pub(crate) fn now() -> (i64, i64) {
    let seconds = |time: Duration| i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
    match SystemTime::now().duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) => (seconds(since), since.subsec_nanos().into()),
        Err(before) => (-seconds(before.duration()), 0),
    }
}

/// Sets `flag` when the user wants the program to end, by Ctrl-C, Ctrl-Break or by closing its window; a
/// second time ends it at once, with 130.
///
/// # Errors
/// What SetConsoleCtrlHandler says; or no thread can be started.
pub(crate) fn on_end(flag: &Arc<AtomicBool>) -> io::Result<()> {
    let (mut c, mut ctrl_break, mut close) = (ctrl_c()?, ctrl_break()?, ctrl_close()?);
    let flag = Arc::clone(flag);
    let watch = move || {
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        let context = &mut Context::from_waker(&waker);
        loop {
            // Each is asked: a pending one is what wakes this thread.
            let came = [
                c.poll_recv(context).is_ready(),
                ctrl_break.poll_recv(context).is_ready(),
                close.poll_recv(context).is_ready(),
            ];
            if !came.contains(&true) {
                thread::park();
            } else if flag.swap(true, Ordering::Relaxed) {
                process::exit(130);
            }
        }
    };
    thread::Builder::new().stack_size(STACK).spawn(watch)?;
    Ok(())
}

/// Wakes a thread that is parked.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Opens a file to read it.
///
/// # Errors
/// What the system says.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    File::open(path)
}

/// Files are always ready. A pipe that has a name here is opened with its writer, and read as it comes.
#[allow(clippy::unnecessary_wraps, reason = "as on other systems")]
pub(crate) fn wait_for_file(_: &File, _: Duration) -> io::Result<bool> {
    Ok(true)
}

/// Whether a terminal takes escape sequences: an old console window shows them. Windows Terminal, VS Code,
/// ConEmu and the shells of Unix leave a trace of themselves.
pub(crate) fn takes_escapes() -> bool {
    let traces = [
        "WT_SESSION",
        "TERM_PROGRAM",
        "ConEmuANSI",
        "ANSICON",
        "TERM",
    ];
    traces.iter().any(|name| env::var_os(name).is_some())
}

/// A file has no mode: what its folder allows is inherited, and below the user's own folder that is
/// nothing for others.
pub(crate) fn others_may_read(_: &Path) -> bool {
    false
}

/// Whether the resolver says that there is no such name, or no address for it, and not that it could
/// not be asked: WSAHOST_NOT_FOUND, WSANO_DATA, WSATYPE_NOT_FOUND.
pub(crate) fn name_is_unknown(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(11_001 | 11_004 | 10_109))
}

/// There is no limit that could be reached.
#[allow(clippy::unnecessary_wraps, reason = "as on other systems")]
pub(crate) fn descriptors(_: usize) -> io::Result<()> {
    Ok(())
}

/// They are there from the start.
#[allow(clippy::unnecessary_wraps, reason = "as on other systems")]
pub(crate) fn random_numbers() -> io::Result<()> {
    Ok(())
}

/// Waits until there is something to read, or with `write` also until the system takes more.
///
/// # Errors
/// What WSAPoll says.
pub(crate) fn wait_for_socket(stream: &TcpStream, write: bool, limit: Duration) -> io::Result<()> {
    let mut flags = PollFlags::IN;
    if write {
        flags |= PollFlags::OUT;
    }
    let limit = Timespec::try_from(limit).map_err(io::Error::other)?;
    poll(&mut [PollFd::new(stream, flags)], Some(&limit))?;
    Ok(())
}

/// No such thing here.
pub(crate) fn quick_ack(_: &TcpStream) -> bool {
    false
}

/// Standard input, which a thread reads ahead.
#[derive(Debug)]
pub(crate) struct Stdin {
    chunks: Receiver<io::Result<Vec<u8>>>,
    /// What has come and was not taken yet.
    next: Option<io::Result<Vec<u8>>>,
}

impl Stdin {
    /// # Errors
    /// No thread can be started.
    pub(crate) fn open() -> io::Result<Self> {
        Self::reading(io::stdin())
    }

    fn reading(mut from: impl Read + Send + 'static) -> io::Result<Self> {
        let (sender, chunks) = mpsc::sync_channel(0);
        let read = move || {
            loop {
                let mut chunk = vec![0; CHUNK];
                let read = from.read(&mut chunk).map(|count| {
                    chunk.truncate(count);
                    chunk
                });
                let last = !read.as_ref().is_ok_and(|chunk| !chunk.is_empty());
                if sender.send(read).is_err() || last {
                    return;
                }
            }
        };
        thread::Builder::new().stack_size(STACK).spawn(read)?;
        Ok(Self { chunks, next: None })
    }

    /// Whether a read finds bytes or the end within `limit`.
    #[allow(clippy::unnecessary_wraps, reason = "as on other systems")]
    pub(crate) fn is_readable(&mut self, limit: Duration) -> io::Result<bool> {
        if self.next.is_none() {
            self.next = match self.chunks.recv_timeout(limit) {
                Err(RecvTimeoutError::Timeout) => return Ok(false),
                // It has ended.
                Err(RecvTimeoutError::Disconnected) => Some(Ok(Vec::new())),
                Ok(chunk) => Some(chunk),
            };
        }
        Ok(true)
    }
}

impl Read for Stdin {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let next = self.next.take();
        let mut chunk = match next {
            Some(chunk) => chunk?,
            None => self.chunks.recv().unwrap_or_else(|_| Ok(Vec::new()))?,
        };
        let count = chunk.len().min(buffer.len());
        buffer[..count].copy_from_slice(&chunk[..count]);
        if count < chunk.len() {
            chunk.drain(..count);
            self.next = Some(Ok(chunk));
        }
        Ok(count)
    }
}

#[cfg(test)]
impl From<io::PipeReader> for Stdin {
    #[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    fn from(reader: io::PipeReader) -> Self {
        Self::reading(reader).unwrap()
    }
}

/// A connection that is being made, on a thread: a call that waits in slices would begin anew with each.
#[derive(Debug)]
pub(crate) struct Connecting {
    ended: Receiver<io::Result<TcpStream>>,
    outcome: Option<io::Result<TcpStream>>,
}

impl Connecting {
    /// # Errors
    /// No thread can be started.
    pub(crate) fn begin(address: SocketAddr) -> io::Result<Self> {
        let (sender, ended) = mpsc::channel();
        let connect = move || {
            // The receiver is gone when the wait was given up.
            let _ = sender.send(TcpStream::connect(address));
        };
        thread::Builder::new().stack_size(STACK).spawn(connect)?;
        Ok(Self {
            ended,
            outcome: None,
        })
    }

    /// # Errors
    /// Always: the standard library cannot set the window of a socket before it is connected.
    pub(crate) fn begin_with_window(_: SocketAddr, _: usize) -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Whether it has ended within `limit`, in whatever way.
    #[allow(clippy::unnecessary_wraps, reason = "as on other systems")]
    pub(crate) fn has_ended(&mut self, limit: Duration) -> io::Result<bool> {
        if self.outcome.is_none() {
            self.outcome = self.ended.recv_timeout(limit).ok();
        }
        Ok(self.outcome.is_some())
    }

    /// The connection, on a socket that blocks.
    ///
    /// # Errors
    /// How the connect ended.
    pub(crate) fn into_stream(self) -> io::Result<TcpStream> {
        self.outcome
            .unwrap_or_else(|| Err(io::ErrorKind::TimedOut.into()))
    }
}
