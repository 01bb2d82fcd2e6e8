//! The form of a diagnosis before it has a stage: a code with its error, notes and help.

use crate::config::{Config, Origin};
use crate::diagnosis::code::Code;

/// What is said of one failure.
#[derive(Debug)]
pub(crate) struct Words {
    pub(crate) code: Code,
    /// What happened, in one line; observed, not guessed.
    pub(crate) error: String,
    /// The evidence, both sides of a mismatch.
    pub(crate) notes: Vec<String>,
    /// What to change; a guess stands behind "if".
    pub(crate) help: Vec<String>,
}

impl Words {
    pub(crate) fn new(code: Code, error: impl Into<String>) -> Self {
        Self {
            code,
            error: error.into(),
            notes: Vec::new(),
            help: Vec::new(),
        }
    }

    #[must_use]
    pub(crate) fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    #[must_use]
    pub(crate) fn notes(mut self, notes: impl IntoIterator<Item = String>) -> Self {
        self.notes.extend(notes);
        self
    }

    #[must_use]
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help.push(help.into());
        self
    }

    /// `help`, where it applies only under a condition that is known.
    #[must_use]
    pub(crate) fn help_if(self, condition: bool, help: impl Into<String>) -> Self {
        if condition { self.help(help) } else { self }
    }
}

/// A key as the user wrote it: "`ca_file` in `config/hivemq.conf`, line 7".
pub(crate) fn origin(config: &Config, key: &str) -> String {
    match config.origin(key) {
        Origin::Line { path, line } => format!("`{key}` in `{path}`, line {line}"),
        Origin::Flag(flag) => format!("`{key}` (given by `{flag}`)"),
        Origin::Url => format!("`{key}` (given in the URL)"),
        Origin::Default => format!("`{key}`"),
    }
}
