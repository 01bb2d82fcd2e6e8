//! What one session hands on to the next: publishes that the broker has not acknowledged, and, for
//! exactly once, which messages of QoS 2 came in already (MQTT 3.1.1 §4.3.3). It sends nothing.

use std::collections::{BTreeMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::config::{Config, Qos};
use crate::mqtt::Message;
use crate::mqtt::target::Limits;

/// What an earlier session left undone, to be taken up where the broker still has that session
/// (MQTT 3.1.1 §4.4).
#[derive(Clone, Debug, Default)]
pub(crate) struct Unfinished {
    /// Publishes without PUBACK or PUBREC, in their order.
    pub(crate) publishes: Vec<Pending>,
    /// Packet ids that have their PUBREC and wait for PUBCOMP.
    pub(crate) releases: Vec<u16>,
    /// Messages that came in with QoS 2.
    pub(crate) received: Qos2Received,
    /// No session of this run has released all packet ids yet. An earlier run that was killed may have
    /// left ids of QoS 2 half-way: a broker takes a new PUBLISH under such an id for a repetition and
    /// drops it (MQTT 3.1.1 §4.3.3), so every id is released before it is used.
    pub(crate) unreleased: bool,
}

impl Unfinished {
    /// Of earlier runs, of which nothing is known.
    pub(crate) fn of_earlier_runs() -> Self {
        Self {
            unreleased: true,
            ..Self::default()
        }
    }

    /// The packet ids that may be half-way and that this run is going to use: a session counts to
    /// `max_inflight` and begins again.
    pub(crate) fn unknown_releases(
        &self,
        config: &Config,
        limits: Limits,
    ) -> impl Iterator<Item = u16> + use<> {
        let may_be = self.unreleased && config.qos == Qos::ExactlyOnce && !config.clean_session;
        1..=if may_be { limits.max_inflight } else { 0 }
    }

    /// Those of `withheld` that the broker may have taken without our hearing of it. They are released, so
    /// that no later message under such an id is taken for a repetition.
    pub(crate) fn halfway(&self, withheld: &[u16]) -> impl Iterator<Item = u16> {
        let is_halfway = |it: &&Pending| it.qos == Qos::ExactlyOnce && withheld.contains(&it.id);
        self.publishes.iter().filter(is_halfway).map(|it| it.id)
    }
}

/// A publish under its packet id.
#[derive(Clone, Debug)]
pub(crate) struct Pending {
    pub(crate) id: u16,
    pub(crate) qos: Qos,
    pub(crate) payload: Vec<u8>,
}

/// The packet ids of messages that came in with QoS 2, each with a hash of its message.
#[derive(Clone, Debug, Default)]
pub(crate) struct Qos2Received {
    /// They wait for PUBREL.
    open: BTreeMap<u16, u64>,
    /// Their PUBREL has come, the last of them at the end. mosquitto 2.0.11 was seen to send a PUBLISH
    /// again (DUP) after its own PUBREL, when the connection broke more than once in between.
    released: VecDeque<(u16, u64)>,
}

/// So many are remembered, in 256 KiB: more than a broker has in flight. mosquitto 2.0.11, restarted, was
/// seen to send again what was 2,500 messages back. All 65,535 ids would be a megabyte.
const RELEASED: usize = 16 * 1024;

impl Qos2Received {
    /// Takes note of a PUBLISH; whether it is one that came before. Without DUP it is another message
    /// under the same id (§3.3.1.1), of a broker that was set back to before it gave the id away. So it is
    /// with other content: mosquitto 2.0.11 was seen to give away ids whose PUBREL it had not sent, and
    /// the first copy of the new message may have been lost on the way.
    pub(crate) fn is_repeated(&mut self, message: &Message) -> bool {
        let mut hasher = DefaultHasher::new();
        (message.topic(), message.payload()).hash(&mut hasher);
        let hash = hasher.finish();
        let was_open = self.open.insert(message.id(), hash) == Some(hash);
        let is_last = |last: Option<&(u16, u64)>| last.is_some_and(|(_, last)| *last == hash);
        let mut newest = self.released.iter().rev();
        message.dup() && (was_open || is_last(newest.find(|(id, _)| *id == message.id())))
    }

    /// PUBREL; whether it is the first for its message.
    pub(crate) fn release(&mut self, id: u16) -> bool {
        let hash = self.open.remove(&id);
        if let Some(hash) = hash {
            if self.released.len() == RELEASED {
                self.released.pop_front();
            }
            self.released.push_back((id, hash));
        }
        hash.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_counts_once() {
        let mut received = Qos2Received::default();
        let first = |payload: &[u8]| Message::new("t", payload, false);
        let again = |payload: &[u8]| first(payload).with_dup();
        assert!(!received.is_repeated(&first(b"a")), "new");
        assert!(received.is_repeated(&again(b"a")), "before PUBREL");
        assert!(received.release(1));
        assert!(!received.release(1), "PUBREL again");
        assert!(
            received.is_repeated(&again(b"a")),
            "after PUBREL, as mosquitto does"
        );
        assert!(received.release(1));
        assert!(!received.is_repeated(&first(b"d")));
        assert!(
            !received.is_repeated(&again(b"e")),
            "another one, though the PUBREL of the last was never seen"
        );
        assert!(received.is_repeated(&again(b"e")));
        assert!(received.release(1));
        assert!(
            !received.is_repeated(&again(b"b")),
            "another one, whose first copy was lost"
        );
        assert!(
            !received.is_repeated(&first(b"c")),
            "another one of a broker set back"
        );
    }

    /// An hour of messages takes no more memory than a minute.
    #[test]
    fn only_the_last_are_remembered() {
        let mut received = Qos2Received::default();
        let message = |n: usize| Message::new("t", n.to_string().as_bytes(), false).with_dup();
        for n in 0..3 * RELEASED {
            assert!(!received.is_repeated(&message(n)), "{n}");
            assert!(received.release(1));
        }
        assert!(received.is_repeated(&message(3 * RELEASED - 1)));
        assert_eq!(received.released.len(), RELEASED);
        assert!(received.released.capacity() <= 2 * RELEASED);
    }
}
