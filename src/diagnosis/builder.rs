//! A diagnosis, and how it is put together: a code, what happened, the evidence, what to change.

use crate::config::{Config, Key, Origin};
use crate::diagnosis::Code;
use crate::failure::Stage;

/// What is said of one failure.
#[derive(Debug)]
pub(crate) struct Diagnosis {
    pub(crate) code: &'static Code,
    /// The stage of the code, which may lie before the stage under way.
    pub(crate) stage: Stage,
    /// What happened, in one line; observed, not guessed.
    pub(crate) error: String,
    /// The evidence, both sides of a mismatch.
    pub(crate) notes: Vec<String>,
    /// What to change; a guess stands behind "if".
    pub(crate) help: Vec<String>,
    /// As [`Code::retry`], where the code alone does not tell.
    pub(crate) retry: bool,
}

impl Diagnosis {
    pub(crate) fn new(code: &'static Code, error: impl Into<String>) -> Self {
        Self {
            code,
            stage: code.stage().unwrap_or(Stage::Config),
            error: error.into(),
            notes: Vec::new(),
            help: Vec::new(),
            retry: code.retry(),
        }
    }

    pub(crate) fn retry(mut self, retry: bool) -> Self {
        self.retry = retry;
        self
    }

    /// For a code that belongs to no stage: the one that was under way.
    pub(crate) fn in_stage(mut self, stage: Stage) -> Self {
        self.stage = stage;
        self
    }

    pub(crate) fn exit_code(&self) -> u8 {
        let of_stage = || self.stage.exit_code();
        self.code.exit_code().unwrap_or_else(of_stage)
    }

    pub(crate) fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    pub(crate) fn notes(mut self, notes: impl IntoIterator<Item = String>) -> Self {
        self.notes.extend(notes);
        self
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help.push(help.into());
        self
    }

    pub(crate) fn helps(mut self, help: impl IntoIterator<Item = String>) -> Self {
        self.help.extend(help);
        self
    }

    /// Without the help so far: more is known now.
    pub(crate) fn no_help(mut self) -> Self {
        self.help.clear();
        self
    }

    /// This help in place of that so far.
    pub(crate) fn only_help(self, help: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.no_help().helps(help.into_iter().map(Into::into))
    }

    /// The likeliest help, before those that are there.
    pub(crate) fn first_help(mut self, help: Option<&str>) -> Self {
        self.help.splice(0..0, help.map(str::to_owned));
        self
    }

    /// `help`, where it applies only under a condition that is known.
    pub(crate) fn help_if(self, condition: bool, help: impl Into<String>) -> Self {
        if condition { self.help(help) } else { self }
    }
}

/// A key as the user wrote it: "`ca_file` in `config/hivemq.conf`, line 7".
pub(crate) fn origin(config: &Config, key: Key) -> String {
    written(key, config.origin(key))
}

/// The same of an origin that is at hand.
pub(crate) fn written(key: Key, origin: &Origin) -> String {
    let key = key.name();
    match origin {
        Origin::Line { path, line } => format!("`{key}` in `{path}`, line {line}"),
        Origin::Flag(flag) => format!("`{key}` (given by `{flag}`)"),
        Origin::Url => format!("`{key}` (given in the URL)"),
        Origin::Default => format!("`{key}`"),
    }
}
