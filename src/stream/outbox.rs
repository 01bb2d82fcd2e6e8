//! What `pub` has taken and the broker has not yet acknowledged, in its order. A session that is lost
//! has no copy any more; this one is kept until PUBACK or PUBCOMP.

use std::collections::VecDeque;

use crate::config::Qos;
use crate::failure::UnderWay;
use crate::mqtt::{Pending, Unfinished};

/// How far a message has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Not handed to the session.
    Waiting,
    /// Handed to the session, without a packet id yet.
    Submitted,
    /// Under this packet id.
    Sent(u16),
    /// The same, and PUBREC came: the broker has it, PUBCOMP is awaited.
    Received(u16),
    Done,
}

#[derive(Debug)]
struct Item {
    payload: Vec<u8>,
    state: State,
}

/// Messages between being read and being acknowledged. In the queue stand first those with a packet
/// id, then those handed to the session, then those that wait.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    items: VecDeque<Item>,
    /// How many from the front have a packet id.
    sent: usize,
    /// How many from the front were handed to the session.
    submitted: usize,
    /// How many the broker has, by their PUBREC, and has not acknowledged.
    received: usize,
    /// Items that are done and stand behind one that is not.
    done: usize,
    /// Items that came over from an earlier connection under their packet ids.
    resuming: usize,
}

impl Outbox {
    pub(crate) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// How many were handed to the session and are not acknowledged.
    pub(crate) fn in_flight(&self) -> usize {
        self.submitted - self.done
    }

    /// How many of them the broker has not taken, as far as it has said.
    pub(crate) fn untaken(&self) -> usize {
        self.in_flight() - self.received
    }

    /// Those in flight with their sizes, for a diagnosis.
    pub(crate) fn under_way(&self) -> UnderWay {
        let mut under_way = UnderWay::default();
        for Item { payload, state } in self.items.iter().take(self.submitted) {
            if *state != State::Done {
                under_way.add(payload.len());
            }
        }
        under_way
    }

    /// How many slots of the window are taken, with those that wait only for their turn to leave
    /// the front. Packet ids go round in the window, so an id is free only when its place is.
    pub(crate) fn span(&self) -> usize {
        self.items.len()
    }

    /// The same of what was handed to the session: those of a lost one wait, up to a whole window.
    pub(crate) fn submitted_span(&self) -> usize {
        self.submitted
    }

    /// Gives away the next message, which will be acknowledged by nobody.
    pub(crate) fn give(&mut self) -> Option<Vec<u8>> {
        self.items.pop_front().map(|item| item.payload)
    }

    /// Takes a message.
    pub(crate) fn push(&mut self, payload: Vec<u8>) {
        self.items.push_back(Item {
            payload,
            state: State::Waiting,
        });
    }

    /// The next message for the session; [`Outbox::submitted`] says that it was taken.
    pub(crate) fn waiting(&self) -> Option<&[u8]> {
        self.items
            .get(self.submitted)
            .map(|item| item.payload.as_slice())
    }

    /// The message of [`Outbox::waiting`] was handed to the session.
    pub(crate) fn submitted(&mut self) {
        if let Some(item) = self.items.get_mut(self.submitted) {
            item.state = State::Submitted;
            self.submitted += 1;
        }
    }

    /// A PUBLISH left under `id`. Sessions send in the order of submission.
    pub(crate) fn sent(&mut self, id: u16) {
        // A message that is resumed has its id already, and nothing else is sent meanwhile.
        if self.resuming > 0 {
            return;
        }
        if let Some(item) = self.items.get_mut(self.sent)
            && item.state == State::Submitted
        {
            item.state = State::Sent(id);
            self.sent += 1;
        }
    }

    /// PUBREC.
    pub(crate) fn received(&mut self, id: u16) {
        if let Some(item) = self
            .items
            .iter_mut()
            .find(|item| item.state == State::Sent(id))
        {
            item.state = State::Received(id);
            self.received += 1;
        }
    }

    /// Bytes of the payload that left under `id`.
    pub(crate) fn size(&self, id: u16) -> usize {
        let mut sent = self.items.iter().take(self.sent);
        let own = sent.find(|item| item.state == State::Sent(id));
        own.map_or(0, |item| item.payload.len())
    }

    /// PUBACK or PUBCOMP. Whether it was for one of ours.
    pub(crate) fn acknowledged(&mut self, id: u16) -> bool {
        let own = |item: &&mut Item| matches!(item.state, State::Sent(its) | State::Received(its) if its == id);
        let Some(item) = self.items.iter_mut().take(self.sent).find(own) else {
            return false;
        };
        self.received -= usize::from(matches!(item.state, State::Received(_)));
        item.state = State::Done;
        self.done += 1;
        self.resuming = self.resuming.saturating_sub(1);
        while self
            .items
            .front()
            .is_some_and(|item| item.state == State::Done)
        {
            self.items.pop_front();
            self.sent -= 1;
            self.submitted -= 1;
            self.done -= 1;
        }
        true
    }

    /// What to take up where the broker still has the session.
    pub(crate) fn unfinished(&self, qos: Qos) -> Unfinished {
        let mut unfinished = Unfinished::default();
        for Item { payload, state } in &self.items {
            match *state {
                State::Sent(id) => {
                    unfinished.publishes.push(Pending {
                        id,
                        qos,
                        payload: payload.clone(),
                    });
                }
                State::Received(id) => unfinished.releases.push(id),
                State::Waiting | State::Submitted | State::Done => {}
            }
        }
        unfinished
    }

    /// The session was lost. If a new one goes on where it ended, what has a packet id stays under
    /// it, but for those ids that are `withheld`; what was on its way to one begins again. If not,
    /// everything does.
    pub(crate) fn restart(&mut self, resumed: bool, withheld: &[u16]) {
        self.items.retain(|item| item.state != State::Done);
        (self.done, self.sent, self.received) = (0, 0, 0);
        for item in &mut self.items {
            match item.state {
                State::Sent(id) if resumed && !withheld.contains(&id) => self.sent += 1,
                State::Received(_) if resumed => {
                    self.sent += 1;
                    self.received += 1;
                }
                _ => item.state = State::Waiting,
            }
        }
        // Those with a packet id stand first; the others stay in their order.
        let waits = |item: &Item| item.state == State::Waiting;
        self.items.make_contiguous().sort_by_key(waits);
        self.submitted = self.sent;
        self.resuming = self.sent;
    }

    /// Takes out what waits and does not fit; the bytes of the first such message.
    pub(crate) fn remove_unfit(&mut self, fits: impl Fn(&[u8]) -> bool) -> Option<usize> {
        let mut first = None;
        self.items.retain(|Item { payload, state }| {
            let stays = *state != State::Waiting || fits(payload);
            if !stays {
                first.get_or_insert(payload.len());
            }
            stays
        });
        first
    }

    /// Whether messages of an earlier connection still wait for their acknowledgement under their
    /// old packet ids. Until they are done new ones must wait: a session counts from 1 again.
    pub(crate) fn is_resuming(&self) -> bool {
        self.resuming > 0
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn filled(ids: &[u16]) -> Outbox {
        let mut outbox = Outbox::default();
        for id in ids {
            outbox.push(vec![u8::try_from(*id).unwrap()]);
            outbox.submitted();
            outbox.sent(*id);
        }
        outbox
    }

    #[test]
    fn acknowledgements_may_come_in_any_order() {
        let mut outbox = filled(&[1, 2, 3]);
        assert!(outbox.acknowledged(2));
        assert_eq!((outbox.in_flight(), outbox.span()), (2, 3));
        assert!(!outbox.acknowledged(2), "it was acknowledged before");
        assert!(outbox.acknowledged(1));
        assert_eq!((outbox.in_flight(), outbox.span()), (1, 1));
        outbox.push(vec![0; 9]);
        assert_eq!(outbox.under_way().messages, 1, "one waits for its turn");
        outbox.submitted();
        let UnderWay { messages, largest } = outbox.under_way();
        assert_eq!((messages, largest), (2, 9));
        outbox.sent(4);
        assert!(outbox.acknowledged(3) && outbox.acknowledged(4));
        assert!(outbox.is_empty());
    }

    #[test]
    fn what_has_its_pubrec_is_in_flight_and_taken() {
        let mut outbox = filled(&[1, 2, 3]);
        assert_eq!(outbox.untaken(), 3);
        outbox.received(2);
        outbox.received(2);
        assert_eq!((outbox.in_flight(), outbox.untaken()), (3, 2));
        // PUBCOMP; and one without a PUBREC, of a broker that has gone on by itself.
        assert!(outbox.acknowledged(2) && outbox.acknowledged(3));
        assert_eq!((outbox.in_flight(), outbox.untaken()), (1, 1));
        outbox.received(1);
        assert_eq!((outbox.in_flight(), outbox.untaken()), (1, 0));
        outbox.restart(true, &[]);
        assert_eq!((outbox.in_flight(), outbox.untaken()), (1, 0));
        outbox.restart(false, &[]);
        outbox.submitted();
        assert_eq!((outbox.in_flight(), outbox.untaken()), (1, 1));
    }

    #[test]
    fn a_lost_session_gives_everything_back_in_its_order() {
        let mut outbox = filled(&[1, 2, 3]);
        outbox.push(vec![4]);
        outbox.submitted();
        outbox.push(vec![5]);
        outbox.acknowledged(2);
        outbox.restart(false, &[]);
        let mut again = Vec::new();
        while let Some(payload) = outbox.waiting() {
            again.push(payload[0]);
            outbox.submitted();
        }
        assert_eq!(again, [1, 3, 4, 5]);
    }

    #[test]
    fn a_resumed_session_keeps_its_packet_ids() {
        let mut outbox = filled(&[7, 8]);
        outbox.received(7);
        outbox.push(vec![9]);
        outbox.submitted();
        let unfinished = outbox.unfinished(Qos::ExactlyOnce);
        assert_eq!(unfinished.releases, [7]);
        assert_eq!(
            unfinished
                .publishes
                .iter()
                .map(|pending| pending.id)
                .collect::<Vec<_>>(),
            [8]
        );
        outbox.restart(true, &[]);
        assert!(outbox.is_resuming());
        outbox.sent(8);
        assert!(outbox.acknowledged(7) && outbox.acknowledged(8));
        assert!(!outbox.is_resuming());
        assert_eq!(outbox.waiting(), Some(&[9][..]));
    }

    #[test]
    fn what_the_broker_takes_no_more_begins_again() {
        let mut outbox = filled(&[1, 2, 3]);
        outbox.received(2);
        outbox.push(vec![0; 9]);
        outbox.restart(true, &[1, 3]);
        assert_eq!((outbox.sent, outbox.span()), (1, 4));
        assert_eq!(outbox.remove_unfit(|payload| payload.len() < 9), Some(9));
        assert_eq!(outbox.remove_unfit(|payload| payload.len() < 9), None);
        assert!(outbox.is_resuming() && outbox.acknowledged(2) && !outbox.is_resuming());
        assert_eq!(outbox.waiting(), Some(&[1][..]));
        outbox.submitted();
        assert_eq!(outbox.waiting(), Some(&[3][..]));
    }
}
