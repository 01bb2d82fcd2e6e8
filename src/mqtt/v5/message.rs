//! A message that came in.

use crate::mqtt::v5::properties::Properties;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) topic: String,
    pub(crate) payload: Vec<u8>,
    /// 0, 1 or 2.
    pub(crate) qos: u8,
    pub(crate) retain: bool,
    pub(crate) dup: bool,
    /// 0 with QoS 0.
    pub(crate) id: u16,
    pub(crate) properties: Properties,
}
