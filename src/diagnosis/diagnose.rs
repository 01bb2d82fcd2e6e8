//! From what was found to what to do: ([`Failure`], [`Config`]) → code, error, notes, help. The
//! only modules with advice are this one and `codes`. It touches nothing.
//!
//! `error` and notes say only what was observed; a guess stands in the help, behind "if". No help
//! ever tells to switch verification off.

use crate::config::Config;
use crate::diagnosis::builder::Words;
use crate::diagnosis::code::Code;
use crate::diagnosis::codes::{files, messages, net, tls};
use crate::diagnosis::providers;
use crate::failure::{Failure, GaveUp, LostError, Stage};
use crate::util::text;

/// A failure in words.
#[derive(Debug)]
pub(crate) struct Diagnosis {
    /// The stage of the code, which may lie before the stage under way.
    pub(crate) stage: Stage,
    pub(crate) code: &'static str,
    pub(crate) exit_code: u8,
    pub(crate) error: String,
    pub(crate) notes: Vec<String>,
    pub(crate) help: Vec<String>,
}

/// The exit code after SIGINT or SIGTERM: 128 and the number of SIGINT, as shells have it.
pub(crate) const INTERRUPTED: u8 = 130;

/// What was looked at besides the failure itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Context<'a> {
    /// `None` while there is no configuration yet.
    pub(crate) config: Option<&'a Config>,
    /// This machine's clock, in Unix seconds.
    pub(crate) now: i64,
}

/// Puts a failure into words.
pub(crate) fn diagnose(failure: &Failure, context: Context<'_>) -> Diagnosis {
    let words = match (failure, context.config) {
        (Failure::Config(fault), config) => files::words(fault, config),
        (Failure::Dns(fault), Some(config)) => net::dns(fault, config),
        (Failure::Tcp(fault), Some(config)) => net::tcp(fault, config),
        (Failure::Tls(fault), Some(config)) => tls::words(fault, config, context.now),
        (Failure::Mqtt(fault), Some(config)) => messages::words(fault, config),
        (Failure::Lost(fault), Some(_)) => lost(fault, context),
        (Failure::Interrupted(stage), _) => return interrupted(*stage),
        // Nothing is contacted without a configuration.
        (_, None) => return interrupted(Stage::Config),
    };
    let Words {
        code,
        error,
        notes,
        mut help,
    } = words;
    if let Some(config) = context.config {
        help.extend(providers::help(config, code));
    }
    let stage = code.stage();
    Diagnosis {
        stage,
        code: code.name(),
        exit_code: stage.exit_code(),
        error,
        notes,
        help,
    }
}

/// The last cause in full: the advice is its own.
fn lost(fault: &LostError, context: Context<'_>) -> Words {
    let last = diagnose(&fault.last, context);
    let tries = if fault.tries == 1 {
        "1 try".to_owned()
    } else {
        format!("{} tries", fault.tries)
    };
    let why = match fault.end {
        GaveUp::Never => "`--no-reconnect` was asked for".to_owned(),
        GaveUp::After(limit) => format!(
            "gone for {} and {tries}; the limit is {} (`--give-up`)",
            text::duration(fault.gap),
            text::duration(limit)
        ),
    };
    let mut words = Words::new(
        Code::ConnectionLost,
        "the connection was lost and could not be re-established",
    )
    .note(why);
    if fault.unacknowledged > 0 {
        let lost = text::count(fault.unacknowledged, "message");
        words = words.note(format!(
            "{lost} taken from the input and not acknowledged by the broker"
        ));
    }
    words = words.note(format!(
        "the last cause: error[{}]: {}",
        last.code, last.error
    ));
    words.notes.extend(last.notes);
    words.help.extend(last.help);
    words
}

fn interrupted(stage: Stage) -> Diagnosis {
    Diagnosis {
        stage,
        code: "interrupted",
        exit_code: INTERRUPTED,
        error: format!("interrupted in the stage {}", stage.name()),
        notes: Vec::new(),
        help: Vec::new(),
    }
}
