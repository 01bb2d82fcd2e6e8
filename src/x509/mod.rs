//! What a certificate says. It judges nothing: no trust, no dates, no names.
//!
//! May import `util`.

pub(crate) mod certificate;
mod der;
mod extensions;
mod name;
mod oid;

pub(crate) use certificate::Certificate;

#[cfg(test)]
mod oracle;
