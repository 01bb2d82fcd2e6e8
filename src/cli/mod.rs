//! argv to an [`args::Invocation`], or what is wrong with it. It opens nothing and prints nothing.
//!
//! May import `config`, `stream::options` and `util`.

pub(crate) mod args;
mod flags;
mod foreign;
pub(crate) mod help;
pub(crate) mod options;

pub(crate) use args::{ColorChoice, Command, Output};
pub(crate) use flags::CommandName;

#[cfg(test)]
mod packaged_tests;
