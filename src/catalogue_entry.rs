//! The form of an explanation; `catalogue` says what each must be, its neighbours hold the texts.

/// The explanation of one code. Plain English; commands stand in backticks.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// What the code says, for a table: at most [`LINE`] characters, no full stop.
    pub line: &'static str,
    /// The same at length, in whole sentences; it goes on where `line` ends.
    pub more: &'static str,
    /// What commonly leads to it, the most common first.
    pub causes: &'static [&'static str],
    /// What to do, in the order in which to try it.
    pub remedies: &'static [&'static str],
}

/// The most characters of an [`Entry::line`]: with the longest code before it, a terminal's width.
pub const LINE: usize = 52;
