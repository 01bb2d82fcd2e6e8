//! Standard output, as results are written to it: the first write that fails is remembered, and
//! nothing is written behind it. It decides nothing about what that means.

use std::io::{self, ErrorKind, Write};

/// Standard output.
pub(crate) struct CheckedWriter<'a> {
    out: &'a mut dyn Write,
    failed: Option<io::Error>,
}

impl<'a> CheckedWriter<'a> {
    pub(crate) fn new(out: &'a mut dyn Write) -> Self {
        Self { out, failed: None }
    }

    /// Whether a write failed, for whatever reason.
    pub(super) fn has_failed(&self) -> bool {
        self.failed.is_some()
    }

    /// What the system said to the write that failed. A reader that has left is no error.
    pub(super) fn error(&self) -> Option<&io::Error> {
        let error = self.failed.as_ref();
        error.filter(|error| error.kind() != ErrorKind::BrokenPipe)
    }

    /// The same, after all that stands in a buffer is written.
    pub(crate) fn into_error(mut self) -> Option<io::Error> {
        let _ = self.flush();
        let error = self.failed;
        error.filter(|error| error.kind() != ErrorKind::BrokenPipe)
    }

    fn keep(&mut self, written: io::Result<()>) -> io::Result<()> {
        written.map_err(|error| {
            let kind = error.kind();
            self.failed = Some(error);
            kind.into()
        })
    }

    /// Nothing more is tried after a failure.
    fn check(&self) -> io::Result<()> {
        match &self.failed {
            Some(error) => Err(error.kind().into()),
            None => Ok(()),
        }
    }
}

impl Write for CheckedWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes).map(|()| bytes.len())
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.check()?;
        let written = self.out.write_all(bytes);
        self.keep(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.check()?;
        let flushed = self.out.flush();
        self.keep(flushed)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    /// Takes so many writes and then says this, once.
    struct Failing(usize, ErrorKind);

    impl Write for Failing {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let left = self.0;
            self.0 = left.wrapping_sub(1);
            if left == 0 {
                return Err(self.1.into());
            }
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn nothing_is_written_behind_a_write_that_failed() {
        for (kind, is_error) in [
            (ErrorKind::StorageFull, true),
            (ErrorKind::BrokenPipe, false),
        ] {
            let mut out = Failing(1, kind);
            let mut checked = CheckedWriter::new(&mut out);
            checked.write_all(b"one").unwrap();
            assert!(!checked.has_failed() && checked.error().is_none());
            for _ in 0..3 {
                assert_eq!(checked.write_all(b"two").unwrap_err().kind(), kind);
                assert_eq!(checked.flush().unwrap_err().kind(), kind);
            }
            assert!(checked.has_failed());
            assert_eq!(checked.error().is_some(), is_error);
            assert_eq!(checked.into_error().is_some(), is_error);
            assert_eq!(out.0, usize::MAX);
        }
    }
}
