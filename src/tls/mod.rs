//! The stage tls: settings to a `ClientConfig`, one handshake, its evidence. It advises nothing.
//!
//! May import `failure`, `config`, `net`, `x509`, `util` and `os`.

mod client;
mod files;
mod handshake;
mod verifier;

pub(crate) use client::Tls;
#[cfg(test)]
pub(crate) use handshake::Channel;
pub(crate) use handshake::{HandshakeError, cause_of};
