//! What a diagnosis says, before anything is laid out or escaped. It decides nothing.

/// One diagnosis: what happened, the evidence, what to change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    /// The stable code of the catalogue.
    pub code: &'static str,
    pub error: String,
    pub notes: Vec<String>,
    pub help: Vec<String>,
}
