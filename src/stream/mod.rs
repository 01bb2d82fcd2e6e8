//! What runs on: `pub` and `sub`, over as many connections as it takes; and `request`. It prints nothing.
//!
//! May import `failure`, `config`, `net`, `mqtt`, `check`, `diagnosis`, `util` and `os`.

pub(crate) mod event;
mod input;
pub(crate) mod options;
mod outbox;
pub(crate) mod publish;
mod reconnect;
pub(crate) mod request;
pub(crate) mod subscribe;

pub(crate) use input::Input;
