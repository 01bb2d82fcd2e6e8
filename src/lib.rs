//! `mqtt-test`: can this machine use that MQTT broker, securely, as this user, on this topic; and
//! if not, what must change?

pub mod args;
mod flags;
mod help;
mod nearest;

pub mod config;
pub mod host;
pub mod load;
pub mod parse;
pub mod problem;
mod reader;
pub mod settings;
pub mod shipped;
mod url;
mod values;

pub mod diagnose_config;
mod diagnose_setting;
mod diagnose_usage;
mod diagnose_value;
pub mod words;

#[cfg(test)]
mod testing;
