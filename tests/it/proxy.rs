//! A TCP proxy between the program and a broker that makes the link fail: on command, or by itself
//! after so many bytes, as a seed has it. It knows nothing of MQTT, so it cuts wherever a byte ends.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use crate::lab::{DEADLINE, Lab, wait_until};

/// Random numbers that a seed repeats (splitmix64).
#[derive(Clone)]
pub(crate) struct Rng(u64);

impl Rng {
    /// With the seed of the environment, `MQTT_TEST_SEED`, or one that is new in each run. It is
    /// printed, and so shown when the test fails.
    pub(crate) fn seeded() -> Self {
        let given = std::env::var("MQTT_TEST_SEED").ok();
        let seed = given.map_or_else(
            || RandomState::new().hash_one(0) % 1_000_000,
            |seed| seed.parse().expect("MQTT_TEST_SEED is no number"),
        );
        eprintln!("MQTT_TEST_SEED={seed}");
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From `low` up to, without, `high`.
    pub(crate) fn between(&mut self, low: usize, high: usize) -> usize {
        low + usize::try_from(self.next() % (high - low) as u64).unwrap()
    }
}

/// What the proxy does to a connection when its bytes are used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Closes both sides.
    Cut,
    /// Tells the client that the broker has closed; what the client says still arrives.
    HalfCloseToClient,
    /// Tells the broker that the client has closed; what the broker says still arrives.
    HalfCloseToBroker,
    /// Loses all that the broker says from here on, and cuts soon after.
    Deafen,
    /// Loses all that the client says from here on, and cuts soon after.
    Mute,
    /// Forwards nothing for a while, and then goes on.
    Delay,
}

const FAULTS: [Fault; 6] = [
    Fault::Cut,
    Fault::HalfCloseToClient,
    Fault::HalfCloseToBroker,
    Fault::Deafen,
    Fault::Mute,
    Fault::Delay,
];

/// How long [`Fault::Deafen`] and [`Fault::Mute`] last before the cut, and [`Fault::Delay`].
const A_WHILE: Duration = Duration::from_millis(60);

pub(crate) struct Proxy {
    pub(crate) port: u16,
    shared: Arc<Shared>,
}

struct Shared {
    upstream: u16,
    stopping: AtomicBool,
    /// New connections are closed at once.
    refusing: AtomicBool,
    stalled: Mutex<bool>,
    change: Condvar,
    connections: Mutex<Vec<Arc<Pair>>>,
    accepted: AtomicUsize,
    /// Bytes that clients were given.
    delivered: AtomicUsize,
    /// The random faults that are left, and where they come from.
    chaos: Mutex<Option<(Rng, usize)>>,
    /// The first connection whose first bytes begin so is cut before they are forwarded.
    tripwire: Mutex<Option<u8>>,
}

/// One connection: its two sockets, and what is planned for it.
struct Pair {
    client: TcpStream,
    broker: TcpStream,
    plan: Mutex<Option<(u64, Fault)>>,
    /// Bytes in both directions, those before [`Pair::begun`] left out.
    forwarded: AtomicU64,
    /// Bytes count towards the fault. In a connection that is to be of use they do from the client's
    /// first word after its CONNECT: a broker may have sent a whole window again by then.
    begun: AtomicBool,
    deaf: AtomicBool,
    mute: AtomicBool,
}

impl Pair {
    fn cut(&self) {
        let _ = self.client.shutdown(Shutdown::Both);
        let _ = self.broker.shutdown(Shutdown::Both);
    }
}

impl Proxy {
    pub(crate) fn start(lab: &Lab, upstream: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        lab.note_port(port);
        let shared = Arc::new(Shared {
            upstream,
            stopping: AtomicBool::new(false),
            refusing: AtomicBool::new(false),
            stalled: Mutex::new(false),
            change: Condvar::new(),
            connections: Mutex::default(),
            accepted: AtomicUsize::new(0),
            delivered: AtomicUsize::new(0),
            chaos: Mutex::new(None),
            tripwire: Mutex::new(None),
        });
        std::thread::spawn({
            let shared = Arc::clone(&shared);
            move || shared.accept(&listener)
        });
        Self { port, shared }
    }

    /// The next `faults` connections each meet a random fault after a random number of bytes. The
    /// first one comes into being: a program that cannot connect at first ends with the reason.
    pub(crate) fn chaos(self, rng: Rng, faults: usize) -> Self {
        *self.shared.chaos.lock().unwrap() = Some((rng, faults));
        self
    }

    /// Cuts one connection when the client sends a packet whose first byte is `first` at the head
    /// of a segment, and loses the packet.
    pub(crate) fn cut_at(self, first: u8) -> Self {
        *self.shared.tripwire.lock().unwrap() = Some(first);
        self
    }

    /// How many connections came so far.
    pub(crate) fn accepted(&self) -> usize {
        self.shared.accepted.load(Ordering::SeqCst)
    }

    #[track_caller]
    pub(crate) fn wait_for_connections(&self, count: usize) {
        let come = wait_until(|| (self.accepted() >= count).then_some(()));
        assert!(
            come.is_some(),
            "{} connections after {DEADLINE:?}, not {count}",
            self.accepted()
        );
    }

    /// Waits until clients were given so many bytes, all in all.
    #[track_caller]
    pub(crate) fn wait_for_delivery(&self, bytes: usize) {
        let delivered = || self.shared.delivered.load(Ordering::SeqCst);
        let come = wait_until(|| (delivered() >= bytes).then_some(()));
        assert!(come.is_some(), "{} bytes after {DEADLINE:?}", delivered());
    }

    /// Closes every connection at once.
    pub(crate) fn cut(&self) {
        for pair in self.shared.connections.lock().unwrap().drain(..) {
            pair.cut();
        }
    }

    /// Closes new connections at once, or no longer.
    pub(crate) fn refuse(&self, on: bool) {
        self.shared.refusing.store(on, Ordering::SeqCst);
    }

    /// Forwards nothing, in neither direction, or goes on.
    pub(crate) fn stall(&self, on: bool) {
        *self.shared.stalled.lock().unwrap() = on;
        self.shared.change.notify_all();
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::SeqCst);
        self.stall(false);
        self.cut();
        // Wakes the thread that waits in accept.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
    }
}

impl Shared {
    fn accept(self: &Arc<Self>, listener: &TcpListener) {
        for client in listener.incoming() {
            if self.stopping.load(Ordering::SeqCst) {
                return;
            }
            let Ok(client) = client else { continue };
            self.accepted.fetch_add(1, Ordering::SeqCst);
            if self.refusing.load(Ordering::SeqCst) {
                continue;
            }
            // While the broker is away the client sees its connection closed.
            let Ok(broker) = TcpStream::connect((Ipv4Addr::LOCALHOST, self.upstream)) else {
                continue;
            };
            let _ = client.set_nodelay(true);
            let _ = broker.set_nodelay(true);
            let (plan, useful) = self.plan().unzip();
            let pair = Arc::new(Pair {
                client,
                broker,
                plan: Mutex::new(plan),
                forwarded: AtomicU64::new(0),
                begun: AtomicBool::new(useful != Some(true)),
                deaf: AtomicBool::new(false),
                mute: AtomicBool::new(false),
            });
            self.connections.lock().unwrap().push(Arc::clone(&pair));
            for from_client in [true, false] {
                let (shared, pair) = (Arc::clone(self), Arc::clone(&pair));
                std::thread::spawn(move || shared.forward(&pair, from_client));
            }
        }
    }

    /// The next fault and after how many bytes it comes, and whether the connection is of some use before.
    /// Small numbers of bytes are as likely as large ones: they cut a handshake or a CONNECT.
    fn plan(&self) -> Option<((u64, Fault), bool)> {
        const FIRST: u64 = 8 * 1024;
        let mut chaos = self.chaos.lock().unwrap();
        let (rng, left) = chaos.as_mut().filter(|(_, left)| *left > 0)?;
        *left -= 1;
        let bytes = 1 << rng.between(7, 13);
        let bytes = bytes + rng.next() % bytes;
        let first = self.accepted.load(Ordering::SeqCst) == 1;
        // Every other one is of some use: what is sent again fills a short one, and after several of
        // those in a row the program pauses for longer than a test can wait.
        let useful = first || *left % 2 == 0;
        let bytes = if useful { FIRST + bytes } else { bytes };
        Some(((bytes, FAULTS[rng.between(0, FAULTS.len())]), useful))
    }

    fn forward(&self, pair: &Pair, from_client: bool) {
        let (mut from, mut to) = if from_client {
            (&pair.client, &pair.broker)
        } else {
            (&pair.broker, &pair.client)
        };
        let mut chunk = vec![0; 16 * 1024];
        let mut is_connect = from_client;
        while let Ok(count @ 1..) = from.read(&mut chunk) {
            if from_client && !std::mem::take(&mut is_connect) {
                pair.begun.store(true, Ordering::SeqCst);
            }
            self.wait_while_stalled();
            if from_client && self.tripped(chunk[0]) {
                break;
            }
            let mut rest = &chunk[..count];
            let due = self.due(pair, count);
            if let Some((before, fault)) = due {
                let (head, tail) = rest.split_at(before);
                let _ = to.write_all(head);
                rest = tail;
                if !strike(pair, fault) {
                    break;
                }
            }
            let lost = if from_client { &pair.mute } else { &pair.deaf };
            if !lost.load(Ordering::SeqCst) && to.write_all(rest).is_err() {
                break;
            }
            if !from_client {
                self.delivered.fetch_add(count, Ordering::SeqCst);
            }
        }
        // The end of one direction is passed on; the other may still be of use.
        let _ = to.shutdown(Shutdown::Write);
        if from_client {
            pair.cut();
        }
    }

    /// The fault that falls into these `count` bytes, and how many of them pass before it.
    fn due(&self, pair: &Pair, count: usize) -> Option<(usize, Fault)> {
        if !pair.begun.load(Ordering::SeqCst) {
            return None;
        }
        let count = count as u64;
        let before = pair.forwarded.fetch_add(count, Ordering::SeqCst);
        let mut plan = pair.plan.lock().unwrap();
        let (at, fault) = (*plan)?;
        if before + count <= at {
            return None;
        }
        // The others end the connection.
        *plan = None;
        if fault == Fault::Delay {
            *plan = self
                .plan()
                .map(|((bytes, fault), _)| (before + count + bytes, fault));
        }
        let pass = usize::try_from(at.saturating_sub(before)).unwrap();
        Some((pass, fault))
    }

    fn tripped(&self, first: u8) -> bool {
        let mut tripwire = self.tripwire.lock().unwrap();
        let tripped = *tripwire == Some(first);
        if tripped {
            *tripwire = None;
        }
        tripped
    }

    fn wait_while_stalled(&self) {
        let end = Instant::now() + 4 * DEADLINE;
        let mut stalled = self.stalled.lock().unwrap();
        while *stalled && !self.stopping.load(Ordering::SeqCst) && Instant::now() < end {
            stalled = self.change.wait_timeout(stalled, DEADLINE).unwrap().0;
        }
    }
}

/// `false` when the connection is over.
fn strike(pair: &Pair, fault: Fault) -> bool {
    match fault {
        Fault::Cut => pair.cut(),
        Fault::HalfCloseToClient => {
            let _ = pair.client.shutdown(Shutdown::Write);
        }
        Fault::HalfCloseToBroker => {
            let _ = pair.broker.shutdown(Shutdown::Write);
        }
        Fault::Deafen => pair.deaf.store(true, Ordering::SeqCst),
        Fault::Mute => pair.mute.store(true, Ordering::SeqCst),
        Fault::Delay => std::thread::sleep(A_WHILE),
    }
    if matches!(fault, Fault::Deafen | Fault::Mute) {
        let sockets = (pair.client.try_clone(), pair.broker.try_clone());
        std::thread::spawn(move || {
            std::thread::sleep(A_WHILE);
            for socket in [sockets.0, sockets.1].into_iter().flatten() {
                let _ = socket.shutdown(Shutdown::Both);
            }
        });
    }
    fault != Fault::Cut
}
