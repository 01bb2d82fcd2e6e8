//! Each code whole, one file a layer: its name, what it means, and right below it the function that
//! words one occurrence from the facts.

mod ca;
pub(crate) mod certificate;
pub(crate) mod client_certificate;
pub(crate) mod connack;
pub(crate) mod connect;
mod disconnect;
pub(crate) mod files;
pub(crate) mod issuer;
pub(crate) mod messages;
pub(crate) mod net;
pub(crate) mod publish;
pub(crate) mod receive;
pub(crate) mod run;
pub(crate) mod settings;
pub(crate) mod subscribe;
pub(crate) mod tls;
pub(crate) mod usage;
mod weak;
