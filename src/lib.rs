//! `mqtt-test`: can this machine use that MQTT broker, securely, as this user, on this topic; and
//! if not, what must change?
//!
//! This library is the whole program: `main.rs` only hands the arguments and the standard streams
//! to [`run()`] and ends with its exit code. It is a library so that the tests and the demo run the
//! very code that users run; other programs should call the binary, whose exit codes and `--json`
//! are the interface that is kept.
//!
//! # How the data flows
//!
//! One way; each step is a type of its own, and a step that fails has a type for that too.
//!
//! ```text
//! argv                args                      -> Invocation       or UsageFault
//! file, URL, flags    load, settings, parse     -> Config           or ConfigFault
//! Config              check: net, tls, session  -> Steps, Warnings  or Failure
//! Failure             diagnose                  -> Diagnosis: code, error, notes, help
//! all of these        report, report_json       -> text or JSON, and the exit code
//! ```
//!
//! `pub` and `sub` go their own way in the middle, and meet the others again at the words:
//!
//! ```text
//! Config, input       publish, outbox, link     -> Totals           or Failure
//! Config, messages    subscribe, link           -> Totals           or Failure
//! what they tell      report_stream             -> text or JSON lines, and the exit code
//! ```
//!
//! # What is deliberately absent
//!
//! - Facts hold no sentences ([`failure`], [`problem`], [`step`]), and words find nothing out
//!   ([`diagnose`], [`warning`]); only [`report`] and [`report_json`] give them a form.
//! - Nothing above [`session`] and its two helpers knows rumqttc: what that says becomes a fact of [`failure`].
//! - One thread does the work. [`wait`] leaves one behind where the system's own call has no limit.
//! - No setting and no flag switches the verification of certificates off.
//!
//! # Where what is
//!
//! In the order in which a run comes to them:
//!
//! - the command line: [`args`], [`flags`], [`help`], [`nearest`], [`stream_args`];
//! - the configuration: [`config`], [`host`], [`load`], [`parse`], [`problem`], [`reader`],
//!   [`settings`], [`shipped`], [`url`], [`values`];
//! - facts, and the stages dns and tcp: [`failure`], [`net`], [`signals`], [`step`], [`wait`];
//! - certificates, and the stage tls: [`certificate`], [`clock`], [`der`], [`distinguished_name`],
//!   [`extensions`], [`oid`], [`tls`], [`trust`], [`unreadable`], [`verifier`];
//! - MQTT, and the ladder of all stages: [`check`], [`echo`], [`inquiry`], [`look`], [`receipts`],
//!   [`session`], [`session_event`], [`session_fault`], [`session_options`], [`session_trace`];
//! - `pub` and `sub`: [`input`], [`link`], [`message_format`], [`outbox`], [`publish`],
//!   [`report_stream`], [`stream`], [`subscribe`];
//! - words: `alert`, [`code`], [`diagnose`], [`diagnose_certificate`], `diagnose_chain`,
//!   [`diagnose_config`], `diagnose_connack`, [`diagnose_mqtt`], [`diagnose_net`],
//!   [`diagnose_setting`], [`diagnose_tls`], [`diagnose_usage`], [`diagnose_value`], [`providers`],
//!   [`warning`], [`words`];
//! - every code explained, whatever was found: [`catalogue`], [`explain`];
//! - the screen and JSON: [`json`], [`report`], [`report_json`], [`text`].

pub mod args;
pub mod flags;
pub mod help;
pub mod nearest;
pub mod stream_args;

pub mod config;
pub mod host;
pub mod load;
pub mod parse;
pub mod problem;
pub mod reader;
pub mod settings;
pub mod shipped;
pub mod url;
pub mod values;

pub mod failure;
pub mod net;
pub mod signals;
pub mod step;
pub mod wait;

pub mod certificate;
pub mod clock;
pub mod der;
pub mod distinguished_name;
pub mod extensions;
pub mod oid;
pub mod tls;
pub mod trust;
pub mod unreadable;
pub mod verifier;

pub mod check;
pub mod echo;
pub mod inquiry;
pub mod look;
pub mod receipts;
pub mod session;
pub mod session_event;
pub mod session_fault;
pub mod session_options;
pub mod session_trace;

pub mod input;
pub mod link;
pub mod message_format;
pub mod outbox;
pub mod publish;
pub mod report_stream;
pub mod stream;
pub mod subscribe;

mod alert;
pub mod code;
pub mod diagnose;
pub mod diagnose_certificate;
mod diagnose_chain;
pub mod diagnose_config;
mod diagnose_connack;
pub mod diagnose_mqtt;
pub mod diagnose_net;
pub mod diagnose_setting;
pub mod diagnose_tls;
pub mod diagnose_usage;
pub mod diagnose_value;
pub mod providers;
pub mod warning;
pub mod words;

pub mod catalogue;
mod catalogue_config;
mod catalogue_entry;
mod catalogue_mqtt;
mod catalogue_net;
mod catalogue_tls;
mod catalogue_warning;
pub mod explain;

pub mod json;
pub mod report;
pub mod report_json;
pub mod text;

mod run;
pub use run::{Streams, run};

#[cfg(test)]
mod testing;
#[cfg(test)]
mod testing_errors;
#[cfg(test)]
mod testing_facts;
