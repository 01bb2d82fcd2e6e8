//! Files and streams read whole, up to a limit: an endless one fills no memory. It judges no content.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

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
}

/// The whole file, if it has at most `limit` bytes; a pipe is as good as a file.
///
/// # Errors
/// All of [`ReadError`].
pub(crate) fn read(path: &Path, limit: u64) -> Result<Vec<u8>, ReadError> {
    let (file, length) = open(path)?;
    match read_all(file, limit) {
        Ok(Some(bytes)) => Ok(bytes),
        // A pipe has no length.
        Ok(None) => Err(ReadError::TooLarge {
            bytes: length.max(limit + 1),
            limit,
        }),
        Err(error) => Err(ReadError::Os(error)),
    }
}

/// The first `limit` bytes of a file that may have more.
///
/// # Errors
/// [`ReadError::Os`], [`ReadError::Folder`].
pub(crate) fn read_start(path: &Path, limit: u64) -> Result<Vec<u8>, ReadError> {
    let (file, _) = open(path)?;
    up_to(file, limit).map_err(ReadError::Os)
}

/// All of `reader`; `None`: it has more than `limit` bytes.
///
/// # Errors
/// What the system says.
pub(crate) fn read_all(reader: impl Read, limit: u64) -> io::Result<Option<Vec<u8>>> {
    // One byte more shows that there is more.
    let bytes = up_to(reader, limit + 1)?;
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
    let file = File::open(path).map_err(ReadError::Os)?;
    Ok((file, metadata.len()))
}

fn up_to(reader: impl Read, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

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
        assert_eq!(read(&path, 5).unwrap(), b"12345");
        too_large(read(&path, 3), (5, 3));
        assert_eq!(read_start(&path, 3).unwrap(), b"123");
        assert_eq!(read_start(&path, 9).unwrap(), b"12345");
        fs::write(&path, b"").unwrap();
        assert_eq!(read(&path, 0).unwrap(), b"");
    }

    #[test]
    fn an_endless_stream_is_left() {
        assert_eq!(read_all(io::repeat(b'x'), 1000).unwrap(), None);
        assert_eq!(read_all(&b"12"[..], 2).unwrap(), Some(b"12".to_vec()));
    }

    #[test]
    fn what_is_no_file_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let read = |path: &Path| read(path, 5).unwrap_err();
        assert!(matches!(read(folder.path()), ReadError::Folder));
        let gone = read(&folder.path().join("gone"));
        assert!(matches!(gone, ReadError::Os(error) if error.kind() == io::ErrorKind::NotFound));
    }
}
