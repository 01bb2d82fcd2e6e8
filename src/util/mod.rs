//! What the standard library lacks: a calendar, JSON, bounded reading, text for a terminal, the nearest
//! name. It knows nothing of MQTT.
//!
//! May import `os`.

pub(crate) mod clock;
pub(crate) mod file;
mod json;
mod suggest;
pub(crate) mod text;

pub(crate) use json::Json;
pub(crate) use suggest::nearest;
pub(crate) use text::quoted;
