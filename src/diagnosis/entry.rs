//! The form of an explanation; `catalogue` says what each must be, its neighbours hold the texts.

/// The explanation of one code. Plain English; commands stand in backticks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    /// What the code says, for a table: at most 52 characters, no full stop.
    pub(crate) line: &'static str,
    /// The same at length, in whole sentences; it goes on where `line` ends.
    pub(crate) more: &'static str,
    /// What commonly leads to it, the most common first.
    pub(crate) causes: &'static [&'static str],
    /// What to do, in the order in which to try it.
    pub(crate) remedies: &'static [&'static str],
}
