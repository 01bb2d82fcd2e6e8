//! `mqtt-test`: can this machine use that MQTT broker, securely, as this user, on this topic; and
//! if not, what must change?

pub mod args;
mod help;
mod nearest;

pub mod config;
pub mod host;
pub mod load;
pub mod parse;
pub mod problem;
pub mod settings;
pub mod shipped;
mod url;
mod values;

pub mod failure;
pub mod net;
pub mod signals;
pub mod step;
pub mod wait;

pub mod certificate;
pub mod clock;
pub mod der;
pub mod distinguished_name;
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
mod diagnose_certificate;
mod diagnose_config;
mod diagnose_mqtt;
mod diagnose_net;
mod diagnose_setting;
mod diagnose_tls;
mod diagnose_usage;
mod diagnose_value;
pub mod providers;
pub mod warning;
pub mod words;

pub mod json;
pub mod report;
pub mod report_json;
pub mod text;

mod run;
pub use run::{Streams, run};
