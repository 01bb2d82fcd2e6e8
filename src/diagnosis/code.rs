//! What a code is. A code is a promise: scripts match on its name, so a name never changes its
//! meaning. Each stands whole in `codes/`, above the function that words one occurrence of it.

use crate::failure::Stage;

/// A failure or a warning, and all that `mqtt-test explain` says of it. Plain English; commands stand
/// in backticks.
#[derive(Debug)]
pub(crate) struct Code {
    /// As `--json` and the tables show it.
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    /// What the code says, for a table: at most 52 characters, no full stop.
    pub(crate) line: &'static str,
    /// The same at length, in whole sentences; it goes on where `line` ends.
    pub(crate) more: &'static str,
    /// What commonly leads to it, the most common first.
    pub(crate) causes: &'static [&'static str],
    /// What to do, in the order in which to try it.
    pub(crate) remedies: &'static [&'static str],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `stage` tells the exit code. `retry`: the same attempt may succeed later although nobody changes
    /// anything on this machine; `pub` and `sub` then try again.
    Failure { stage: Stage, retry: bool },
    /// SIGINT, SIGTERM or SIGHUP, in whatever stage was under way.
    Interrupted,
    /// The machine's own limits, in whatever stage was under way, which tells the exit code. Another
    /// program may free what there was none of.
    Limit,
    /// The exit code stays as it is.
    Warning,
}

/// The exit code after a signal, whichever it was: 128 and the number of SIGINT, as shells have it.
const INTERRUPTED: u8 = 130;

impl PartialEq for Code {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Code {}

impl Code {
    /// `None`: it belongs to no stage.
    pub(crate) fn stage(&self) -> Option<Stage> {
        match self.kind {
            Kind::Failure { stage, .. } => Some(stage),
            Kind::Interrupted | Kind::Limit | Kind::Warning => None,
        }
    }

    /// `None`: that of the stage under way, or a warning, which leaves the exit code as it is.
    pub(crate) fn exit_code(&self) -> Option<u8> {
        match self.kind {
            Kind::Failure { stage, .. } => Some(stage.exit_code()),
            Kind::Interrupted => Some(INTERRUPTED),
            Kind::Limit | Kind::Warning => None,
        }
    }

    /// Whether the same attempt may succeed later; see [`Kind::Failure`].
    pub(crate) fn retry(&self) -> bool {
        matches!(self.kind, Kind::Limit | Kind::Failure { retry: true, .. })
    }
}
