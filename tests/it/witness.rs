//! A subscriber that is not ours: `mosquitto_sub`, which writes each payload in hexadecimal into a
//! file. And the lines that are sent past it.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use crate::lab::{DEADLINE, Lab, wait_until};
use crate::mosquitto::Mosquitto;
use crate::proxy::Rng;

/// Ends a stream, as a payload of its own.
pub(crate) const LAST: &[u8] = b"the last line";

/// `count` lines of random bytes and lengths, each with its number, so that no two are alike.
pub(crate) fn lines(rng: &mut Rng, count: usize) -> Vec<Vec<u8>> {
    let line = |number: usize| {
        let mut line = format!("{number} ").into_bytes();
        // As many short ones as long ones.
        let length = 1 << rng.between(0, 10);
        let length = rng.between(0, length);
        line.extend((0..length).map(|_| {
            let byte = rng.next().to_le_bytes()[0];
            if byte == b'\n' { 0 } else { byte }
        }));
        line
    };
    (0..count).map(line).collect()
}

/// The lines as standard input has them.
pub(crate) fn text(lines: &[Vec<u8>]) -> Vec<u8> {
    let mut text = lines.join(&b'\n');
    text.push(b'\n');
    text
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// `mosquitto_sub`; it dies with this.
pub(crate) struct Witness {
    child: Child,
    path: PathBuf,
}

impl Witness {
    /// Starts it and waits until it is subscribed to `t`. With a fixed id the broker keeps its
    /// session over restarts.
    pub(crate) fn start(lab: &Lab, broker: &Mosquitto, qos: u8, more: &[&str]) -> Self {
        Self::on(lab, broker, "t", qos, more)
    }

    pub(crate) fn on(lab: &Lab, broker: &Mosquitto, topic: &str, qos: u8, more: &[&str]) -> Self {
        let path = lab.path(&format!("witness-{}", topic.replace('/', "-")));
        let child = Command::new("mosquitto_sub")
            .args(["-h", "127.0.0.1", "-p", &broker.port.to_string()])
            .args(["-t", topic, "-q", &qos.to_string(), "-F", "%x"])
            .args(more)
            .stdin(Stdio::null())
            .stdout(File::create(&path).unwrap())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let witness = Self { child, path };
        broker.wait_for_log(&format!(" {qos} {topic}\n"));
        witness
    }

    /// How many bytes it has written so far.
    pub(crate) fn size(&self) -> usize {
        usize::try_from(fs::metadata(&self.path).unwrap().len()).unwrap()
    }

    /// What it has seen so far, whole lines alone.
    pub(crate) fn seen(&self) -> Vec<String> {
        let text = fs::read_to_string(&self.path).unwrap();
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        if text.is_empty() {
            return Vec::new();
        }
        whole.split('\n').map(str::to_owned).collect()
    }

    /// Waits until it has seen this payload.
    #[track_caller]
    pub(crate) fn wait_for(&self, payload: &[u8]) -> Vec<String> {
        let wanted = hex(payload);
        let seen = wait_until(|| {
            let seen = self.seen();
            // It is expected near the end.
            seen.iter()
                .rev()
                .any(|line| *line == wanted)
                .then_some(seen)
        });
        seen.unwrap_or_else(|| {
            let seen = self.seen();
            panic!(
                "`{}` was not seen after {DEADLINE:?}, but {} lines, at last {:?}",
                String::from_utf8_lossy(payload),
                seen.len(),
                seen.last()
            )
        })
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Each line arrived, in order, and none twice.
#[track_caller]
pub(crate) fn assert_exactly(sent: &[Vec<u8>], seen: &[String]) {
    let sent: Vec<String> = sent.iter().map(|line| hex(line)).collect();
    if let Some(at) = (0..sent.len().max(seen.len())).find(|&at| sent.get(at) != seen.get(at)) {
        panic!(
            "{} lines were sent and {} seen; the first that differs is {at}: sent {:?}, seen {:?}",
            sent.len(),
            seen.len(),
            sent.get(at),
            seen.get(at)
        );
    }
}

/// Each line arrived; at its first coming in order. It may come again.
#[track_caller]
pub(crate) fn assert_at_least_once(sent: &[Vec<u8>], seen: &[String]) {
    let mut known = std::collections::HashSet::new();
    let first: Vec<String> = seen
        .iter()
        .filter(|line| known.insert(line.as_str()))
        .cloned()
        .collect();
    assert_exactly(sent, &first);
}
