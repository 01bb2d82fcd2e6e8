//! The screen, JSON, the lines of `pub` and `sub`. It decides nothing.
//!
//! May import `failure`, `config`, `x509`, `mqtt`, `check::step`, `stream::event`, `stream::options`,
//! `diagnosis` and `util`.

mod checked;
mod json;
mod message;
mod no_memory;
mod screen;
mod stream;

pub(crate) use checked::CheckedWriter;
pub(crate) use json::Report;
pub use no_memory::no_memory;
pub(crate) use screen::{Detail, Screen};
pub(crate) use stream::{Activity, OutputStyle, StreamReporter};
