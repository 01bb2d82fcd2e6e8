//! From what was found to what to do: [`Failure`] to code, error, notes, help. The only modules with
//! advice are this one, `codes` and `providers`. It touches nothing.
//!
//! `error` and notes say only what was observed; a guess stands in the help, behind "if". No help
//! ever tells to switch verification off.

use std::io;

use crate::config::{Config, ConfigError};
use crate::diagnosis::codes::{files, messages, net, publish, run, tls};
use crate::diagnosis::{Diagnosis, providers};
use crate::failure::Failure;

/// Puts a failure into words; `now`: this machine's clock, in Unix seconds.
pub(crate) fn diagnose(failure: &Failure, config: &Config, now: i64) -> Diagnosis {
    of_failure(failure, config, now).worded()
}

/// Usage and configuration.
pub(crate) fn diagnose_config(error: &ConfigError, config: Option<&Config>) -> Diagnosis {
    files::diagnose(error, config).worded()
}

/// What could not be written, after so many messages, and the verdict that nobody can have read.
pub(crate) fn diagnose_output(
    error: &io::Error,
    written: Option<u64>,
    verdict: Option<&Diagnosis>,
) -> Diagnosis {
    run::output_failed(error, written, verdict).worded()
}

fn of_failure(failure: &Failure, config: &Config, now: i64) -> Diagnosis {
    let mut diagnosis = match failure {
        Failure::Dns(error) => net::dns(error, config, providers::is_known(config)),
        Failure::Tcp(error) => net::tcp(error, config, providers::is_known(config)),
        Failure::Tls(error) => tls::diagnose(error, config, now),
        Failure::Mqtt(error) => messages::diagnose(error, config),
        Failure::Input(error) => publish::input_failed(error),
        Failure::Lost(error) => run::connection_lost(error, of_failure(&error.last, config, now)),
        Failure::Interrupted(stage) => run::interrupted(*stage),
        Failure::Limit(stage, limit) => run::system_limit(*stage, limit),
    };
    // What is known to be otherwise than the provider wants it is the likeliest cause.
    let mismatches = providers::mismatches(config, diagnosis.code);
    diagnosis.help.splice(0..0, mismatches);
    let provider = providers::help(config, diagnosis.code);
    diagnosis.helps(provider)
}
