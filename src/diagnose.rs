//! From what was found to what to do: ([`Failure`], [`Config`]) → code, error, notes, help. The
//! only rooms with advice are this one and its neighbours `diagnose_*`. It touches nothing.
//!
//! `error` and notes say only what was observed; a guess stands in the help, behind "if". No help
//! ever tells to switch verification off.

use crate::config::Config;
use crate::failure::{Failure, Stage};
use crate::words::Words;
use crate::{diagnose_config, diagnose_mqtt, diagnose_net, diagnose_tls, providers};

/// A failure in words.
#[derive(Debug)]
pub struct Diagnosis {
    /// The stage of the code, which may lie before the stage under way.
    pub stage: Stage,
    pub code: &'static str,
    pub exit_code: u8,
    pub error: String,
    pub notes: Vec<String>,
    pub help: Vec<String>,
}

/// The exit code after SIGINT or SIGTERM: 128 and the number of SIGINT, as shells have it.
pub const INTERRUPTED: u8 = 130;

/// What was looked at besides the failure itself.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// `None` while there is no configuration yet.
    pub config: Option<&'a Config>,
    /// This machine's clock, in Unix seconds.
    pub now: i64,
}

/// Puts a failure into words.
pub fn diagnose(failure: &Failure, context: Context<'_>) -> Diagnosis {
    let words = match (failure, context.config) {
        (Failure::Config(fault), config) => diagnose_config::words(fault, config),
        (Failure::Dns(fault), Some(config)) => diagnose_net::dns(fault, config),
        (Failure::Tcp(fault), Some(config)) => diagnose_net::tcp(fault, config),
        (Failure::Tls(fault), Some(config)) => diagnose_tls::words(fault, config, context.now),
        (Failure::Mqtt(fault), Some(config)) => diagnose_mqtt::words(fault, config),
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
