//! The events of a run that goes on, given a form: messages, connection lost and back, warnings,
//! progress, and the counters at its end. On standard error for people, as JSON lines on standard
//! output for programs.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use crate::config::Qos;
use crate::diagnosis::{Diagnosis, diagnose_output, warning};
use crate::failure::Warning;
use crate::report::checked::CheckedWriter;
use crate::report::screen::{Detail, Screen};
use crate::report::{json, message};
use crate::stream::event::{Counters, Event, Listener};
use crate::stream::options::Format;
use crate::util::{Json, text};

/// How often the progress line is renewed.
const RENEW: Duration = Duration::from_millis(500);

/// What the run does, which decides what is shown of its counters.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Activity {
    Publishing(Qos),
    Subscribing(Format),
    Requesting(Format),
}

/// Where the events go, and in which form.
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
    pub(crate) activity: Activity,
}

/// The reporter of one run.
pub(crate) struct StreamReporter<'a> {
    out: CheckedWriter<'a>,
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

impl<'a> StreamReporter<'a> {
    pub(crate) fn new(out: &'a mut dyn Write, err: &'a mut dyn Write, style: OutputStyle) -> Self {
        let now = Instant::now();
        Self {
            out: CheckedWriter::new(out),
            err,
            style,
            gathered: Vec::new(),
            began: now,
            renewed: now,
            stands: false,
        }
    }

    /// The end: the counters, and what went wrong; the exit code.
    pub(crate) fn finish(&mut self, counters: &Counters, failure: Option<&Diagnosis>) -> u8 {
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
            members.extend(self.style.activity.totals(counters).into_iter().map(number));
            self.json_line(&Json::Object(members));
        }
        let _ = self.flush();
        let written = match self.style.activity {
            Activity::Publishing(_) => None,
            Activity::Subscribing(_) | Activity::Requesting(_) => Some(counters.received),
        };
        let unwritten = self.out.error();
        let unwritten = unwritten.map(|error| diagnose_output(error, written, failure));
        let failure = unwritten.as_ref().or(failure);
        let exit_code = failure.map_or(0, |failure| failure.exit_code());
        // Where the lines on standard output cannot tell, standard error does.
        if self.style.json && unwritten.is_none() {
            return exit_code;
        }
        if let Some(failure) = failure {
            let detail = if self.style.quiet {
                Detail::Quiet
            } else {
                Detail::Normal
            };
            Screen::new(self.err, self.style.color, detail).diagnosis(failure);
        }
        if !self.style.quiet {
            let summary = self.style.activity.summary(counters);
            self.error_line(&format!("{summary} in {:.2} s", elapsed.as_secs_f64()));
        }
        exit_code
    }

    fn warning(&mut self, warning: &Warning) {
        let (code, text) = (warning::code(warning).name, warning::text(warning));
        self.notice("warning", Some(code), &format!("warning[{code}]: "), &text);
    }

    /// A line for people, with `label` before it, or an object for programs.
    fn notice(&mut self, event: &'static str, code: Option<&str>, label: &str, text: &str) {
        if self.style.json {
            self.json_line(&Json::Object(vec![
                ("type", "event".into()),
                ("event", event.into()),
                ("code", code.into()),
                ("text", text.into()),
            ]));
            let _ = self.flush();
        } else if !self.style.quiet {
            self.error_line(&format!("{label}{text}"));
        }
    }

    fn progress(&mut self, counters: &Counters) {
        // Where the messages themselves go to the terminal they are the progress.
        let shown = match self.style.activity {
            Activity::Publishing(_) => true,
            Activity::Subscribing(_) => !self.style.terminal,
            Activity::Requesting(_) => false,
        };
        if shown && self.is_due() {
            let (messages, line) = self.style.activity.progress(counters);
            self.renew(messages, &line);
        }
    }

    fn json_line(&mut self, json: &Json) {
        self.gathered.extend_from_slice(json.to_string().as_bytes());
        self.gathered.push(b'\n');
    }

    fn error_line(&mut self, line: &str) {
        self.wipe();
        let _ = writeln!(self.err, "{}", text::escape(line));
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.gathered.is_empty() && !self.out.has_failed() {
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
    fn event(&mut self, event: Event<'_>) -> io::Result<()> {
        match event {
            Event::Message(message) => {
                if let Activity::Subscribing(format) = self.style.activity {
                    let terminal = self.style.terminal;
                    message::write(&mut self.gathered, message, None, format, terminal);
                }
            }
            Event::Answer {
                message,
                round_trip,
            } => {
                if let Activity::Requesting(format) = self.style.activity {
                    let (time, terminal) = (Some(round_trip), self.style.terminal);
                    message::write(&mut self.gathered, message, time, format, terminal);
                }
            }
            Event::Flush => {
                if !self.gathered.is_empty() {
                    self.wipe();
                }
                return self.flush();
            }
            Event::Progress(counters) => self.progress(counters),
            Event::Warning(warning) => {
                if let (Activity::Publishing(qos), Warning::QosLowered { maximum: 0, .. }) =
                    (&mut self.style.activity, warning)
                {
                    *qos = Qos::AtMostOnce;
                }
                self.warning(warning);
            }
            Event::Refused(why) => {
                let text = format!("message refused: error[{}]: {}", why.code.name, why.error);
                self.notice("refused", Some(why.code.name), "", &text);
            }
            Event::ConnectionLost(why) => {
                let text = format!("connection lost: error[{}]: {}", why.code.name, why.error);
                self.notice("lost", Some(why.code.name), "", &text);
            }
            Event::ReconnectFailed { diagnosis, pause } => {
                let (code, error) = (diagnosis.code.name, &diagnosis.error);
                let pause = text::duration(pause);
                let text = format!("still away: error[{code}]: {error}; next try in {pause}");
                self.notice("failed", Some(code), "", &text);
            }
            Event::Reconnected { gap, tries } => {
                let gap = text::duration(gap);
                let noun = if tries == 1 { "try" } else { "tries" };
                let text = format!("connection is back after {gap} and {tries} {noun}");
                self.notice("back", None, "", &text);
            }
        }
        Ok(())
    }
}

impl Activity {
    /// The counters at the end, by name: members of the JSON report.
    fn totals(self, counters: &Counters) -> Vec<(&'static str, u64)> {
        match self {
            Self::Publishing(qos) => vec![
                ("published", counters.published),
                done(qos, counters),
                ("refused", counters.refused),
                ("unacknowledged", counters.unacknowledged),
                ("reconnects", counters.reconnects),
            ],
            Self::Subscribing(_) => vec![
                ("received", counters.received),
                ("bytes", counters.bytes),
                ("too_large", counters.too_large),
                ("reconnects", counters.reconnects),
            ],
            Self::Requesting(_) => vec![
                ("published", counters.published),
                ("answers", counters.received),
                ("bytes", counters.bytes),
                ("foreign", counters.foreign),
            ],
        }
    }

    /// The counters at the end, for people.
    fn summary(self, counters: &Counters) -> String {
        match self {
            Self::Publishing(qos) => {
                let published = text::count(counters.published, "message");
                let (verb, done) = done(qos, counters);
                let lost = match counters.unacknowledged {
                    0 => String::new(),
                    lost => format!(", {lost} lost or unknown"),
                };
                let refused = match counters.refused {
                    0 => String::new(),
                    refused => format!(", {refused} refused"),
                };
                format!("{published} published, {done} {verb}{refused}{lost}")
            }
            Self::Subscribing(_) => received(counters),
            Self::Requesting(_) => answered(counters),
        }
    }

    /// What the rate is made of, and the counters on the way.
    fn progress(self, counters: &Counters) -> (u64, String) {
        match self {
            Self::Publishing(qos) => {
                let (_, done) = done(qos, counters);
                let count = text::count(done, "message");
                let waiting = counters.unacknowledged;
                (done, format!("{count} published, {waiting} unacknowledged"))
            }
            Self::Subscribing(_) => (counters.received, received(counters)),
            Self::Requesting(_) => (counters.received, answered(counters)),
        }
    }
}

/// The messages that are through: with QoS 0 nothing is acknowledged, but for what was before the QoS was
/// lowered.
fn done(qos: Qos, counters: &Counters) -> (&'static str, u64) {
    match qos {
        Qos::AtMostOnce => ("sent", counters.sent + counters.acknowledged),
        Qos::AtLeastOnce | Qos::ExactlyOnce => ("acknowledged", counters.acknowledged),
    }
}

fn received(counters: &Counters) -> String {
    let received = format!("{} received", text::count(counters.received, "message"));
    match counters.too_large {
        0 => received,
        too_large => format!("{received}, {too_large} too large"),
    }
}

/// The answers of `request`, and the time from the question to the first and the last of them.
fn answered(counters: &Counters) -> String {
    let mut text = format!("{} received", text::count(counters.received, "answer"));
    if let Some(first) = counters.first_answer {
        text.push_str(&format!(" (round trip {}", millis(first)));
        if counters.received > 1 {
            text.push_str(&format!(" to {}", millis(counters.last_answer)));
        }
        text.push(')');
    }
    if counters.foreign > 0 {
        let foreign = text::count(counters.foreign, "other message");
        text.push_str(&format!(", {foreign} left out"));
    }
    text
}

/// A time on the network: most are shorter than 100 ms.
fn millis(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}
