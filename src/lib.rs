//! `mqtt-test`: can this machine use that MQTT broker, securely, as this user, on this topic; and
//! if not, what must change?

pub mod certificate;
pub mod clock;
pub mod config;
pub mod der;
pub mod distinguished_name;
pub mod oid;
pub mod problem;
