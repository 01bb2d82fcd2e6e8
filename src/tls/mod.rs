//! The stage tls: settings to a `ClientConfig`, one handshake, its evidence. It advises nothing.
//!
//! May import `failure`, `config`, `net` and `x509`.

pub(crate) mod client;
mod files;
mod verifier;

pub(crate) use client::{Tls, cause_of};
