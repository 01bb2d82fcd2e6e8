//! `mqtt-test`: can this machine use that MQTT broker, securely, as this user, on this topic; and
//! if not, what must change?
//!
//! This library is the whole program: `main.rs` hands the arguments and the standard streams to
//! [`run()`] and ends with its exit code. It is a library so that the demo runs the code that users
//! run; other programs should call the binary, whose exit codes and `--json` are the interface.
//!
//! # How the data flows
//!
//! ```text
//! argv             cli        -> Invocation               or UsageError
//! file, URL        config     -> Config                   or ConfigError
//! Config           check      -> Step, Warning            or Failure
//! Config, input    stream     -> events, counters         or Failure
//! Failure          diagnosis  -> Diagnosis: code, error, notes, help
//! all of these     report     -> text or JSON; and the exit code
//! ```
//!
//! # The stack
//!
//! Each folder imports those below it and none above; its `mod.rs` names them.
//!
//! ```text
//! run
//! cli   report
//! stream
//! check
//! mqtt              sessions: 3.1.1 through rumqttc, 5 on a connection of our own
//! tls   diagnosis
//! net
//! failure           what can go wrong, as data
//! config   x509
//! util
//! os                what one operating system does otherwise than another
//! ```
//!
//! # Four rules
//!
//! - Facts (`failure`) hold no sentences, and a diagnosis finds nothing out: it is worded from the
//!   facts of what was done.
//! - Nothing outside `mqtt` knows rumqttc; nothing below `report` formats for a terminal.
//! - One thread does the work. Two calls cannot be bounded or interrupted otherwise and run on a
//!   thread of their own, one at a time, that is left behind when its time is up: the system's name
//!   look-up and rumqttc's wait for CONNACK.
//! - No key and no flag switches the verification of certificates off.

mod check;
mod cli;
mod config;
mod diagnosis;
mod failure;
#[cfg(fuzzing)]
pub mod fuzzing;
mod mqtt;
mod net;
mod os;
mod report;
mod run;
mod stream;
#[cfg(test)]
mod testing;
mod tls;
mod util;
mod x509;

pub use report::no_memory;
pub use run::{Streams, run};
