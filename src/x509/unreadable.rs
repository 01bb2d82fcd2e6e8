//! What the certificate readers have in common: the fault that names its part, and bytes in hex.

use std::fmt;

use crate::x509::der::DerError;

/// The bytes are no certificate that this reader can read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotACertificate {
    /// Which part, in RFC 5280's words.
    pub(crate) part: &'static str,
    pub(crate) why: DerError,
}

impl fmt::Display for NotACertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "not an X.509 certificate: its {} cannot be read",
            self.part
        )
    }
}

impl std::error::Error for NotACertificate {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.why)
    }
}

/// Names the part that a fault was found in.
pub(crate) fn in_part(part: &'static str) -> impl Fn(DerError) -> NotACertificate {
    move |why| NotACertificate { part, why }
}

pub(crate) fn hex(bytes: &[u8], between: &str) -> String {
    let bytes: Vec<_> = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
    bytes.join(between)
}
