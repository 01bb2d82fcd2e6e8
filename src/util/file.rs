//! Files and streams read whole, up to a limit: an endless one fills no memory. It judges no content.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;
use std::time::{Duration, Instant};

use crate::os;

/// Why there are no bytes. An empty file is none of it.
#[derive(Debug)]
pub(crate) enum ReadError {
    Os(io::Error),
    Folder,
    /// `bytes`: how many there are at least.
    TooLarge {
        bytes: u64,
        limit: u64,
    },
    /// A pipe whose writer did not close it in time, if there is a writer; `some`: it wrote something.
    TimedOut {
        wait: Duration,
        some: bool,
    },
}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> Self {
        Self::Os(error)
    }
}

/// The whole file, if it has at most `limit` bytes; a pipe is as good as a file, and is read for as
/// long as `wait`.
///
/// # Errors
/// All of [`ReadError`].
pub(crate) fn read(path: &Path, limit: u64, wait: Duration) -> Result<Vec<u8>, ReadError> {
    let (file, length) = open(path)?;
    // One byte more shows that there is more.
    let bytes = patiently(file, limit + 1, wait)?;
    if bytes.len() as u64 <= limit {
        return Ok(bytes);
    }
    // A pipe has no length.
    let bytes = length.max(limit + 1);
    Err(ReadError::TooLarge { bytes, limit })
}

/// The first `limit` bytes of a file that may have more; a pipe is read for as long as `wait`.
///
/// # Errors
/// All of [`ReadError`] but [`ReadError::TooLarge`].
pub(crate) fn read_start(path: &Path, limit: u64, wait: Duration) -> Result<Vec<u8>, ReadError> {
    let (file, _) = open(path)?;
    patiently(file, limit, wait)
}

/// All of `reader`; `None`: it has more than `limit` bytes.
///
/// # Errors
/// What the system says.
pub(crate) fn read_all(reader: impl Read, limit: u64) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    reader.take(limit + 1).read_to_end(&mut bytes)?;
    let whole = bytes.len() as u64 <= limit;
    Ok(whole.then_some(bytes))
}

/// The file, and its length where it has one.
fn open(path: &Path) -> Result<(File, u64), ReadError> {
    // Before it is opened: what a system says of opening a folder differs from one to the next.
    let metadata = fs::metadata(path).map_err(ReadError::Os)?;
    if metadata.is_dir() {
        return Err(ReadError::Folder);
    }
    Ok((os::open(path)?, metadata.len()))
}

/// At most `limit` bytes.
fn patiently(mut file: File, limit: u64, wait: Duration) -> Result<Vec<u8>, ReadError> {
    let until = Instant::now() + wait;
    let mut bytes = Vec::new();
    loop {
        let left = until.saturating_duration_since(Instant::now());
        if !os::wait_for_file(&file, left)? {
            if left.is_zero() {
                let some = !bytes.is_empty();
                return Err(ReadError::TimedOut { wait, some });
            }
            continue;
        }
        let more = limit - bytes.len() as u64;
        match (&mut file).take(more).read_to_end(&mut bytes) {
            Ok(_) => return Ok(bytes),
            // All that is there now was read, and is kept.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error.into()),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    const WAIT: Duration = Duration::from_secs(5);

    #[track_caller]
    fn too_large(read: Result<Vec<u8>, ReadError>, expected: (u64, u64)) {
        match read.unwrap_err() {
            ReadError::TooLarge { bytes, limit } => assert_eq!((bytes, limit), expected),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_file_is_read_up_to_the_limit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        fs::write(&path, b"12345").unwrap();
        assert_eq!(read(&path, 5, WAIT).unwrap(), b"12345");
        too_large(read(&path, 3, WAIT), (5, 3));
        assert_eq!(read_start(&path, 3, WAIT).unwrap(), b"123");
        assert_eq!(read_start(&path, 9, WAIT).unwrap(), b"12345");
        fs::write(&path, b"").unwrap();
        assert_eq!(read(&path, 0, WAIT).unwrap(), b"");
    }

    /// What writes to a named pipe in another process, and the pipe.
    fn pipe(folder: &Path, script: &str) -> (std::process::Child, std::path::PathBuf) {
        let path = folder.join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&path).status();
        assert!(made.unwrap().success());
        let mut writer = std::process::Command::new("sh");
        let writer = writer.args(["-c", script, "sh"]).arg(&path).spawn();
        (writer.unwrap(), path)
    }

    #[test]
    fn a_pipe_is_read_to_its_end_and_for_a_limited_time() {
        const BRIEF: Duration = Duration::from_millis(300);
        let slow = "{ printf 12; sleep 0.2; printf 345; } > \"$1\"";
        for (script, wait, expected) in [
            (slow, WAIT, Ok(&b"12345"[..])),
            (": > \"$1\"", WAIT, Ok(b"")),
            (":", BRIEF, Err(false)),
            ("{ printf 12; exec sleep 2; } > \"$1\"", BRIEF, Err(true)),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let (mut writer, path) = pipe(folder.path(), script);
            let found = read(&path, 9, wait);
            match (found, expected) {
                (Ok(found), Ok(expected)) => assert_eq!(found, expected),
                (Err(ReadError::TimedOut { wait, some }), Err(expected)) => {
                    assert_eq!((wait, some), (BRIEF, expected));
                }
                (found, _) => panic!("{script}: {found:?}"),
            }
            let _ = writer.kill();
            writer.wait().unwrap();
        }
    }

    #[test]
    fn an_endless_stream_is_left() {
        assert_eq!(read_all(io::repeat(b'x'), 1000).unwrap(), None);
        assert_eq!(read_all(&b"12"[..], 2).unwrap(), Some(b"12".to_vec()));
    }

    #[test]
    fn what_is_no_file_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let read = |path: &Path| read(path, 5, WAIT).unwrap_err();
        assert!(matches!(read(folder.path()), ReadError::Folder));
        let gone = read(&folder.path().join("gone"));
        assert!(matches!(gone, ReadError::Os(error) if error.kind() == io::ErrorKind::NotFound));
    }
}
