//! `mqtt-test`: can this machine use that MQTT broker, securely, as this user, on this topic; and
//! if not, what must change?

pub mod args;
pub mod flags;
pub mod help;
pub mod nearest;

pub mod config;
pub mod host;
pub mod load;
pub mod parse;
pub mod problem;
pub mod reader;
pub mod settings;
pub mod shipped;
pub mod url;
pub mod values;

pub mod failure;
pub mod net;
pub mod signals;
pub mod step;
pub mod wait;

pub mod certificate;
pub mod clock;
pub mod der;
pub mod distinguished_name;
pub mod extensions;
pub mod oid;
pub mod tls;
pub mod trust;
pub mod verifier;

pub mod check;
pub mod echo;
pub mod look;
pub mod session;

pub mod code;
pub mod diagnose;
pub mod diagnose_certificate;
pub mod diagnose_config;
pub mod diagnose_mqtt;
pub mod diagnose_net;
pub mod diagnose_setting;
pub mod diagnose_tls;
pub mod diagnose_usage;
pub mod diagnose_value;
pub mod providers;
pub mod warning;
pub mod words;

pub mod catalogue;
mod catalogue_config;
mod catalogue_mqtt;
mod catalogue_net;
mod catalogue_tls;
mod catalogue_warning;
pub mod explain;

pub mod json;
pub mod report;
pub mod report_json;
pub mod text;

mod run;
pub use run::{Streams, run};

#[cfg(test)]
mod testing;
#[cfg(test)]
mod testing_errors;
