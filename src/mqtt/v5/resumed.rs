//! What an earlier session left undone, on its way out again (MQTT 5 §4.4). What the broker allows may be
//! less than it was: what exceeds it is held back.

use std::collections::{BTreeSet, VecDeque};

use crate::config::Config;
use crate::mqtt::event::{Allowance, Publish};
use crate::mqtt::resume::{Pending, Unfinished};
use crate::mqtt::target::Limits;
use crate::mqtt::v5::decode::PUBREL;
use crate::mqtt::v5::encode::{put_ack, put_publish, size};

/// How many are sent at first. Each answer brings more: where each connection breaks soon, none of the
/// acknowledgements would come through if all were sent at once.
const FIRST: u16 = 4;

/// PUBLISH packets under their packet ids, in their order.
#[derive(Debug, Default)]
pub(crate) struct Resumed {
    waiting: VecDeque<(u16, Vec<u8>)>,
    /// Sent, and not done.
    open: BTreeSet<u16>,
    /// How many may be open now, and how many ever (MQTT 5 §3.2.2.3.3).
    now: u16,
    most: u16,
}

impl Resumed {
    /// What is to be sent of `unfinished`, each PUBLISH with `properties`, and the ids of those that the
    /// broker does not take any more. PUBREL goes into `out` at once: it makes ids free, and ends what the
    /// broker has.
    pub(crate) fn new(
        config: &Config,
        limits: Limits,
        unfinished: &Unfinished,
        allowance: &Allowance,
        properties: &[u8],
        out: &mut Vec<u8>,
    ) -> (Self, Vec<u16>) {
        let most = allowance.window(u16::MAX);
        let mut resumed = Self {
            now: FIRST.min(most),
            most,
            ..Self::default()
        };
        let mut withheld = Vec::new();
        for Pending { id, qos, payload } in &unfinished.publishes {
            let size = size(&config.topic, *qos, properties.len(), payload.len());
            let allowed = allowance.check_publish(size, config.retain);
            if allowed.is_err() || allowance.maximum_qos.is_some_and(|most| *qos as u8 > most) {
                withheld.push(*id);
                continue;
            }
            let publish = Publish {
                topic: &config.topic,
                qos: *qos,
                retain: config.retain,
                payload: payload.clone(),
            };
            // MQTT 5 §3.3.1.1: a delivery that may be a second one says so.
            let mut packet = Vec::new();
            put_publish(&mut packet, &publish, properties, *id, true);
            resumed.waiting.push_back((*id, packet));
        }
        for id in unfinished.unknown_releases(config, limits) {
            put_ack(out, PUBREL, id);
        }
        // First, because their publishes were first: the broker passes a message on at its PUBREL.
        for id in &unfinished.releases {
            put_ack(out, PUBREL, *id);
        }
        for id in unfinished.halfway(&withheld) {
            put_ack(out, PUBREL, id);
        }
        (resumed, withheld)
    }

    /// PUBACK, PUBREC or PUBCOMP came, the last of them for its message or not.
    pub(crate) fn answered(&mut self, id: u16, done: bool) {
        if done {
            self.open.remove(&id);
        }
        self.now = self.now.saturating_add(1).min(self.most);
    }

    /// Puts into `out` what may be sent now.
    pub(crate) fn send(&mut self, out: &mut Vec<u8>) {
        while self.open.len() < self.now.into()
            && let Some((id, packet)) = self.waiting.pop_front()
        {
            self.open.insert(id);
            out.extend(packet);
        }
    }
}
