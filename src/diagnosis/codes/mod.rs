//! Each code whole, one file a layer: what it is called, what it means, and how one occurrence is
//! worded.

mod alert;
pub(crate) mod catalogue_config;
pub(crate) mod catalogue_mqtt;
pub(crate) mod catalogue_net;
pub(crate) mod catalogue_tls;
mod certificate;
mod chain;
mod connect;
pub(crate) mod files;
pub(crate) mod messages;
pub(crate) mod net;
mod settings;
pub(crate) mod tls;
mod usage;
mod value;
