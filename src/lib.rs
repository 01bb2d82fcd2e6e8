//! `mqtt-test`: can this machine use that MQTT broker, securely, as this user, on this topic; and
//! if not, what must change?

pub mod certificate;
pub mod check;
pub mod clock;
pub mod config;
pub mod der;
pub mod distinguished_name;
pub mod echo;
pub mod failure;
pub mod look;
pub mod net;
pub mod oid;
pub mod problem;
pub mod session;
pub mod signals;
pub mod step;
pub mod text;
pub mod tls;
pub mod trust;
pub mod verifier;
pub mod wait;
