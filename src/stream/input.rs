//! What `pub` publishes, one payload after the other. Lines of standard input are read only when
//! there is something to read, and never further than is asked for: an endless pipe fills no memory,
//! a silent one blocks nothing.

use std::io::{self, BufRead, Read};
use std::time::Duration;

use crate::config::{Config, ConfigError, Message, UsageError};
use crate::os::Stdin;
use crate::stream::options::{PubOptions, What};
use crate::util::file::{self, ReadError};

/// How much is read at once, in bytes.
const CHUNK: usize = 64 * 1024;

/// What comes next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next {
    Payload(Vec<u8>),
    /// Nothing now; [`Input::wait`] tells when.
    NotYet,
    End,
    /// A line beyond the limit; nothing more is read. `None`: its end was not read either.
    TooLong {
        length: Option<usize>,
    },
}

/// Where payloads come from.
#[derive(Debug)]
pub(crate) enum Input {
    /// The same message, so many times more.
    Fixed {
        payload: Vec<u8>,
        left: u64,
    },
    Lines(Lines),
}

impl Input {
    /// Opens what the options name; files and standard input as one message are read at once.
    ///
    /// # Errors
    /// What cannot be read or is too large to be sent.
    pub(crate) fn new(options: &PubOptions, config: &Config) -> Result<Self, ConfigError> {
        let limit = config.max_packet_size;
        let unpublishable =
            |what, words| ConfigError::Usage(UsageError::Unpublishable { what, words });
        let too_large = |what| {
            let words = format!("it is larger than `max_packet_size`, {limit} bytes");
            unpublishable(what, words)
        };
        let what = || "standard input".to_owned();
        let closed = |error: io::Error| unpublishable(what(), error.to_string());
        let payload = match &options.what {
            What::Message => match &config.message {
                Message::Marked { text, .. } => text.clone().into_bytes(),
                Message::Own(bytes) => bytes.clone(),
            },
            What::Empty => Vec::new(),
            What::File(path) => match file::read(path, limit as u64, config.timeout) {
                Ok(payload) => payload,
                Err(ReadError::TooLarge { .. }) => {
                    return Err(too_large(path.display().to_string()));
                }
                Err(why) => {
                    let path = path.clone();
                    return Err(ConfigError::Payload { path, why });
                }
            },
            What::Whole => Stdin::open()
                .and_then(|file| file::read_all(file, limit as u64))
                .map_err(closed)?
                .ok_or_else(|| too_large(what()))?,
            What::Lines => {
                let stdin = Stdin::open().map_err(closed)?;
                return Ok(Self::Lines(Lines::new(stdin, limit)));
            }
        };
        Ok(Self::Fixed {
            payload,
            left: options.repeat,
        })
    }

    /// The next payload, without waiting.
    ///
    /// # Errors
    /// What the system says of reading standard input.
    pub(crate) fn take(&mut self) -> io::Result<Next> {
        match self {
            Self::Fixed { left: 0, .. } => Ok(Next::End),
            Self::Fixed { payload, left } => {
                *left -= 1;
                Ok(Next::Payload(payload.clone()))
            }
            Self::Lines(lines) => lines.take(),
        }
    }

    /// Whether it is known, without reading, that nothing more comes.
    pub(crate) fn is_over(&self) -> bool {
        matches!(self, Self::Fixed { left: 0, .. })
    }

    /// Sleeps until there may be a payload, a signal came, or `limit` is over.
    ///
    /// # Errors
    /// What the system says of waiting.
    pub(crate) fn wait(&mut self, limit: Duration) -> io::Result<()> {
        match self {
            Self::Fixed { .. } => Ok(()),
            Self::Lines(lines) => lines.stdin.is_readable(limit).map(drop),
        }
    }
}

/// The lines of a stream of bytes. The last one counts without its line end too.
#[derive(Debug)]
pub(crate) struct Lines {
    stdin: Stdin,
    buffer: Vec<u8>,
    /// What is read and not yet handed out begins here.
    start: usize,
    /// The beginning of a line whose end is not there yet.
    partial: Vec<u8>,
    /// The longest line, in bytes.
    limit: usize,
    ended: bool,
}

impl Lines {
    /// Any file, pipe or terminal.
    pub(crate) fn new(stdin: Stdin, limit: usize) -> Self {
        let (buffer, partial) = (Vec::new(), Vec::new());
        Self {
            stdin,
            buffer,
            start: 0,
            partial,
            limit,
            ended: false,
        }
    }

    fn take(&mut self) -> io::Result<Next> {
        loop {
            let mut rest = self.buffer.get(self.start..).unwrap_or_default();
            // `read_until` has the standard library's fast search.
            self.start += rest.read_until(b'\n', &mut self.partial)?;
            let ends = self.partial.last() == Some(&b'\n');
            if ends {
                self.partial.pop();
            }
            if self.partial.len() > self.limit {
                let length = ends.then_some(self.partial.len());
                return Ok(Next::TooLong { length });
            }
            if ends {
                let line = std::mem::take(&mut self.partial);
                // The next line is probably about as long.
                self.partial.reserve(line.len() + 1);
                return Ok(Next::Payload(line));
            }
            if self.ended {
                return Ok(match std::mem::take(&mut self.partial) {
                    last if last.is_empty() => Next::End,
                    last => Next::Payload(last),
                });
            }
            if !self.stdin.is_readable(Duration::ZERO)? {
                return Ok(Next::NotYet);
            }
            self.fill()?;
        }
    }

    fn fill(&mut self) -> io::Result<()> {
        self.buffer.resize(CHUNK, 0);
        let read = match self.stdin.read(&mut self.buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                self.buffer.clear();
                self.start = 0;
                return Ok(());
            }
            read => read?,
        };
        self.buffer.truncate(read);
        self.start = 0;
        self.ended = read == 0;
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::io::{PipeWriter, Write};

    use super::*;

    fn piped(limit: usize) -> (PipeWriter, Lines) {
        let (reader, writer) = io::pipe().unwrap();
        (writer, Lines::new(Stdin::from(reader), limit))
    }

    #[track_caller]
    fn check(text: &[u8], expected: &[&[u8]]) {
        let (mut writer, mut lines) = piped(100_000);
        let text = text.to_vec();
        let writing = std::thread::spawn(move || writer.write_all(&text).unwrap());
        let mut found = Vec::new();
        loop {
            match lines.take().unwrap() {
                Next::Payload(line) => found.push(line),
                Next::NotYet => drop(lines.stdin.is_readable(Duration::from_secs(5)).unwrap()),
                end => {
                    assert_eq!(end, Next::End);
                    break;
                }
            }
        }
        writing.join().unwrap();
        assert_eq!(found, expected);
    }

    #[test]
    fn lines_are_what_stands_between_line_ends() {
        check(b"", &[]);
        check(b"a\nb\n", &[b"a", b"b"]);
        check(b"a\n\nlast", &[b"a", b"", b"last"]);
        check(b"\xff\0\r\n", &[b"\xff\0\r"]);
        let long = [b'x'; 70_000];
        check(&[&long[..], b"\ny"].concat(), &[&long, b"y"]);
    }

    #[test]
    fn a_silent_pipe_does_not_block() {
        let (mut writer, mut lines) = piped(10);
        assert_eq!(lines.take().unwrap(), Next::NotYet);
        writer.write_all(b"half").unwrap();
        assert_eq!(lines.take().unwrap(), Next::NotYet);
        writer.write_all(b" done\n").unwrap();
        assert_eq!(lines.take().unwrap(), Next::Payload(b"half done".to_vec()));
    }

    #[test]
    fn a_line_without_end_stops_at_the_limit() {
        let (mut writer, mut lines) = piped(10);
        writer.write_all(b"short\n0123456789a").unwrap();
        assert_eq!(lines.take().unwrap(), Next::Payload(b"short".to_vec()));
        let too_long = |length| Next::TooLong { length };
        assert_eq!(lines.take().unwrap(), too_long(None));
        let (mut writer, mut lines) = piped(10);
        writer.write_all(b"0123456789ab\n").unwrap();
        assert_eq!(lines.take().unwrap(), too_long(Some(12)));
    }
}
