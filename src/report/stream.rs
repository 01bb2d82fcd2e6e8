//! What `pub` and `sub` tell besides their work: lost and back, warnings, progress, totals. On
//! standard error for people, as JSON lines on standard output for programs.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use crate::diagnosis::{Diagnosis, warning};
use crate::failure::Warning;
use crate::mqtt::Message;
use crate::report::screen::{Detail, Screen};
use crate::report::{json, message};
use crate::stream::options::Format;
use crate::stream::{LinkEvent, Listener, publish, subscribe};
use crate::util::{Json, text};

/// How often the progress line is renewed.
const RENEW: Duration = Duration::from_millis(500);

/// How much output is gathered before it is written, in bytes.
const FLUSH_AT: usize = 64 * 1024;

/// How it is told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OutputStyle {
    pub(crate) json: bool,
    pub(crate) quiet: bool,
    /// Colour on standard error.
    pub(crate) color: bool,
    /// Standard error is a terminal: there is a progress line.
    pub(crate) live: bool,
    /// Standard output is a terminal: foreign text is made safe.
    pub(crate) terminal: bool,
    pub(crate) format: Format,
}

/// The voice of one run.
pub(crate) struct StreamReporter<'a> {
    out: &'a mut dyn Write,
    err: &'a mut dyn Write,
    style: OutputStyle,
    gathered: Vec<u8>,
    began: Instant,
    renewed: Instant,
    /// A progress line stands on the terminal and must be wiped before anything else.
    stands: bool,
}

impl std::fmt::Debug for StreamReporter<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StreamReporter")
            .field("style", &self.style)
            .finish_non_exhaustive()
    }
}

/// The totals of a run, by name, for the last line.
pub(crate) type Totals = Vec<(&'static str, u64)>;

impl<'a> StreamReporter<'a> {
    pub(crate) fn new(out: &'a mut dyn Write, err: &'a mut dyn Write, style: OutputStyle) -> Self {
        let now = Instant::now();
        Self {
            out,
            err,
            style,
            gathered: Vec::new(),
            began: now,
            renewed: now,
            stands: false,
        }
    }

    /// The progress of `pub`.
    pub(crate) fn published(&mut self, progress: publish::Progress<'_>) {
        match progress {
            publish::Progress::Reconnector(news) => self.news(&news),
            publish::Progress::Totals(totals) if self.is_due() => {
                let waiting = totals.unacknowledged;
                self.renew(
                    totals.done,
                    &format!(
                        "{} published, {waiting} unacknowledged",
                        text::count(totals.done, "message")
                    ),
                );
            }
            publish::Progress::Totals(_) => {}
        }
    }

    /// A lost connection, and one re-established.
    fn news(&mut self, news: &LinkEvent<'_>) {
        let (event, line, code) = match news {
            LinkEvent::Lost(why) => (
                "lost",
                format!("connection lost: error[{}]: {}", why.code.name, why.error),
                Some(why.code.name),
            ),
            LinkEvent::Failed {
                diagnosis: why,
                pause,
            } => (
                "failed",
                format!(
                    "still away: error[{}]: {}; next try in {}",
                    why.code.name,
                    why.error,
                    text::duration(*pause)
                ),
                Some(why.code.name),
            ),
            LinkEvent::Back { gap, tries } => {
                let tries = if *tries == 1 {
                    "1 try".to_owned()
                } else {
                    format!("{tries} tries")
                };
                (
                    "back",
                    format!(
                        "connection is back after {} and {tries}",
                        text::duration(*gap)
                    ),
                    None,
                )
            }
        };
        if self.style.json {
            self.event(event, code, &line);
        } else if !self.style.quiet {
            self.say(&line);
        }
    }

    /// The last words: totals, and what went wrong.
    pub(crate) fn report(&mut self, summary: &str, totals: Totals, failure: Option<&Diagnosis>) {
        let elapsed = self.began.elapsed();
        self.wipe();
        if self.style.json {
            let mut members = vec![
                ("type", "report".into()),
                ("ok", failure.is_none().into()),
                (
                    "exit_code",
                    failure.map_or(0, |failure| failure.exit_code()).into(),
                ),
                ("elapsed_ms", Json::Ms(elapsed.as_secs_f64() * 1000.0)),
                ("failure", failure.map(json::failure).into()),
            ];
            let number =
                |(name, value)| (name, Json::Int(i64::try_from(value).unwrap_or(i64::MAX)));
            members.extend(totals.into_iter().map(number));
            self.json_line(&Json::Object(members));
            let _ = self.flush();
            return;
        }
        let _ = self.flush();
        if let Some(failure) = failure {
            let detail = if self.style.quiet {
                Detail::Quiet
            } else {
                Detail::Normal
            };
            Screen::new(self.err, self.style.color, detail).diagnosis(failure);
        }
        if !self.style.quiet {
            self.say(&format!("{summary} in {:.2} s", elapsed.as_secs_f64()));
        }
    }

    fn event(&mut self, event: &'static str, code: Option<&str>, text: &str) {
        self.json_line(&Json::Object(vec![
            ("type", "event".into()),
            ("event", event.into()),
            ("code", code.into()),
            ("text", text.into()),
        ]));
        let _ = self.flush();
    }

    fn json_line(&mut self, json: &Json) {
        self.gathered.extend_from_slice(json.to_string().as_bytes());
        self.gathered.push(b'\n');
    }

    /// A line on standard error.
    fn say(&mut self, line: &str) {
        self.wipe();
        let _ = writeln!(self.err, "{}", text::escape(line));
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.gathered.is_empty() {
            return Ok(());
        }
        let written = self
            .out
            .write_all(&self.gathered)
            .and_then(|()| self.out.flush());
        self.gathered.clear();
        written
    }

    fn is_due(&self) -> bool {
        self.style.live && !self.style.json && !self.style.quiet && self.renewed.elapsed() >= RENEW
    }

    fn renew(&mut self, messages: u64, line: &str) {
        let elapsed = self.began.elapsed();
        self.renewed = Instant::now();
        let rate = messages as f64 / elapsed.as_secs_f64();
        // Erase to the end of the line (ECMA-48 §8.3.41): the new one may be shorter.
        let _ = write!(
            self.err,
            "\r{line}, {rate:.0}/s, {:.0} s\x1b[K",
            elapsed.as_secs_f64()
        );
        let _ = self.err.flush();
        self.stands = true;
    }

    fn wipe(&mut self) {
        if std::mem::take(&mut self.stands) {
            let _ = write!(self.err, "\r\x1b[K");
        }
    }
}

impl Listener for StreamReporter<'_> {
    fn message(&mut self, message: &Message) -> io::Result<()> {
        message::write(
            &mut self.gathered,
            message,
            self.style.format,
            self.style.terminal,
        );
        if self.gathered.len() >= FLUSH_AT {
            self.flush()
        } else {
            Ok(())
        }
    }

    fn idle(&mut self) -> io::Result<()> {
        if !self.gathered.is_empty() {
            self.wipe();
        }
        self.flush()
    }

    fn progress(&mut self, progress: subscribe::Progress<'_>) {
        match progress {
            subscribe::Progress::Reconnector(news) => self.news(&news),
            subscribe::Progress::Warning(warning) => self.warning(warning),
            // Where the messages themselves go to the terminal they are the progress.
            subscribe::Progress::Totals(totals) if !self.style.terminal && self.is_due() => {
                self.renew(
                    totals.received,
                    &format!("{} received", text::count(totals.received, "message")),
                );
            }
            subscribe::Progress::Totals(_) => {}
        }
    }
}

impl StreamReporter<'_> {
    /// A warning of the catalogue.
    pub(crate) fn warning(&mut self, warning: &Warning) {
        let (code, words) = (warning::code(warning).name, warning::text(warning));
        if self.style.json {
            self.event("warning", Some(code), &words);
        } else if !self.style.quiet {
            self.say(&format!("warning[{code}]: {words}"));
        }
    }
}
