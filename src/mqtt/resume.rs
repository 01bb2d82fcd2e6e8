//! Exactly once: which messages of QoS 2 came in already (MQTT 3.1.1 §4.3.3), over all connections of
//! one session.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

/// The packet ids of messages that came in with QoS 2, each with a digest of its message.
#[derive(Clone, Debug, Default)]
pub(crate) struct Qos2Received {
    /// They wait for PUBREL.
    open: BTreeMap<u16, u64>,
    /// They had it. mosquitto 2.0.11 was seen to send a PUBLISH again (DUP) after its own PUBREL,
    /// when the connection broke more than once in between.
    done: BTreeMap<u16, u64>,
}

impl Qos2Received {
    /// Takes note of a PUBLISH; whether it is one that came before. Without DUP it is another message
    /// under the same id (§3.3.1.1), of a broker that was set back to before it gave the id away.
    pub(crate) fn is_repeated(&mut self, id: u16, dup: bool, topic: &str, payload: &[u8]) -> bool {
        let mut hasher = DefaultHasher::new();
        (topic, payload).hash(&mut hasher);
        let digest = hasher.finish();
        let was_open = self.open.insert(id, digest).is_some();
        dup && (was_open || self.done.get(&id) == Some(&digest))
    }

    /// PUBREL; whether it is the first for its message.
    pub(crate) fn release(&mut self, id: u16) -> bool {
        let digest = self.open.remove(&id);
        self.done.extend(digest.map(|digest| (id, digest)));
        digest.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_counts_once() {
        let mut receipts = Qos2Received::default();
        assert!(!receipts.is_repeated(1, false, "t", b"a"), "new");
        assert!(receipts.is_repeated(1, true, "t", b"a"), "before PUBREL");
        assert!(receipts.release(1));
        assert!(!receipts.release(1), "PUBREL again");
        assert!(
            receipts.is_repeated(1, true, "t", b"a"),
            "after PUBREL, as mosquitto does"
        );
        assert!(receipts.release(1));
        assert!(
            !receipts.is_repeated(1, true, "t", b"b"),
            "another one, whose first copy was lost"
        );
        assert!(
            !receipts.is_repeated(1, false, "t", b"c"),
            "another one of a broker set back"
        );
    }
}
