//! One run of the program, from the arguments to the exit code: the only place where reading,
//! checking, diagnosing and reporting meet.

use std::ffi::OsString;
use std::io::Write;
use std::time::Instant;

use crate::args::{self, ColorChoice, Command, Output};
use crate::catalogue::Topic;
use crate::check::{self, Verdict};
use crate::clock;
use crate::config::{Config, Override, Transport};
use crate::diagnose::{Context, Diagnosis, diagnose};
use crate::explain;
use crate::failure::{Failure, Warning};
use crate::help;
use crate::json::Json;
use crate::load;
use crate::problem::ConfigFault;
use crate::report::{Detail, Screen};
use crate::report_json::Report;
use crate::session::Target;
use crate::shipped;
use crate::signals::Stop;
use crate::tls::Tls;

/// Where a run writes to.
pub struct Streams<'a> {
    /// Results.
    pub out: &'a mut dyn Write,
    /// Progress, and what is wrong with usage and configuration.
    pub err: &'a mut dyn Write,
    /// Whether `out` is a terminal that wants colour, when `--color` says `auto`.
    pub out_color: bool,
    /// The same of `err`.
    pub err_color: bool,
}

impl std::fmt::Debug for Streams<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Streams").finish_non_exhaustive()
    }
}

/// Runs the program on `args`, which do not hold its own name, and returns the exit code.
pub fn run(args: &[OsString], streams: &mut Streams<'_>) -> u8 {
    let invocation = match args::parse(args.to_vec()) {
        Ok(invocation) => invocation,
        Err(fault) => {
            let fault = ConfigFault::Usage(load::with_configs(fault));
            let json = args::wants_json(args);
            let output = Output {
                json,
                quiet: false,
                verbose: false,
                color: ColorChoice::Auto,
            };
            return Edge {
                streams,
                output,
                began: Instant::now(),
            }
            .refuse(None, None, fault);
        }
    };
    let mut edge = Edge {
        streams,
        output: invocation.output,
        began: Instant::now(),
    };
    match invocation.command {
        Command::Help => edge.print(help::HELP),
        Command::Version => edge.print(concat!("mqtt-test ", env!("CARGO_PKG_VERSION"), "\n")),
        Command::New { provider } => edge.print(shipped::text(provider).unwrap_or_default()),
        Command::Explain { topic } => edge.explain(topic),
        Command::Check { target, overrides } => edge.check(&target, &overrides),
    }
}

struct Edge<'a, 'b> {
    streams: &'a mut Streams<'b>,
    output: Output,
    began: Instant,
}

impl Edge<'_, '_> {
    fn check(&mut self, target: &str, overrides: &[Override]) -> u8 {
        let config = match load::config(target, overrides) {
            Ok(config) => config,
            Err(fault) => return self.refuse(Some(target), None, fault),
        };
        let password = match load::password(&config) {
            Ok(password) => password,
            Err(fault) => return self.refuse(Some(target), Some(&config), fault),
        };
        let tls = match &config.transport {
            Transport::Plain => None,
            Transport::Tls(settings) => match Tls::new(&config, settings) {
                Ok(tls) => Some(tls),
                Err(fault) => return self.refuse(Some(target), Some(&config), fault),
            },
        };
        // Without the flag a signal ends the process, which is no worse than any other program.
        let stop = Stop::on_signals().unwrap_or_default();
        let (password, tls, stop) = (password.as_ref(), tls.as_ref(), &stop);
        let target = Target {
            config: &config,
            password,
            tls,
            stop,
        };
        let world_readable = load::world_readable(&config).into_iter();
        let readable = world_readable
            .map(|path| Warning::ConfigWorldReadable {
                path: path.display().to_string(),
            })
            .collect();
        if self.output.json {
            self.check_json(target, readable)
        } else {
            self.check_screen(target, readable)
        }
    }

    fn check_screen(&mut self, target: Target<'_>, mut warnings: Vec<Warning>) -> u8 {
        let color = self.color(self.streams.out_color);
        let detail = self.detail();
        let mut screen = Screen::new(self.streams.out, color, detail);
        screen.header(target.config);
        let verdict = check::run(target, &mut |step| screen.step(step));
        let diagnosis = verdict
            .failure
            .as_ref()
            .map(|failure| words(failure, Some(target.config)));
        if let Some(diagnosis) = &diagnosis {
            screen.diagnosis(diagnosis);
        }
        let Verdict {
            steps,
            trace,
            elapsed,
            warnings: found,
            ..
        } = verdict;
        screen.details(&steps, &trace);
        warnings.extend(found);
        screen.warnings(&warnings);
        match diagnosis {
            None => {
                screen.success(elapsed);
                0
            }
            Some(diagnosis) => {
                screen.failure(&diagnosis, elapsed);
                diagnosis.exit_code
            }
        }
    }

    fn check_json(&mut self, target: Target<'_>, mut warnings: Vec<Warning>) -> u8 {
        let verdict = check::run(target, &mut |_| {});
        let diagnosis = verdict
            .failure
            .as_ref()
            .map(|failure| words(failure, Some(target.config)));
        warnings.extend(verdict.warnings);
        let report = Report {
            target: Some(&target.config.target),
            host: Some(&target.config.host),
            port: Some(target.config.port),
            steps: &verdict.steps,
            diagnosis: diagnosis.as_ref(),
            warnings: &warnings,
            elapsed: verdict.elapsed,
        };
        self.print_json(&report.to_json());
        diagnosis.map_or(0, |diagnosis| diagnosis.exit_code)
    }

    fn explain(&mut self, topic: Option<Topic>) -> u8 {
        let text = match (topic, self.output.json) {
            (None, false) => explain::list(),
            (None, true) => format!("{}\n", explain::list_json()),
            (Some(topic), false) => explain::one(topic),
            (Some(topic), true) => format!("{}\n", explain::one_json(topic)),
        };
        self.print(&text)
    }

    /// Usage or configuration: nothing was contacted.
    fn refuse(&mut self, target: Option<&str>, config: Option<&Config>, fault: ConfigFault) -> u8 {
        let diagnosis = words(&Failure::Config(fault), config);
        if self.output.json {
            // What was typed may be a URL with a password in it; a finished configuration has taken
            // that out.
            let typed = target.filter(|target| !target.contains("://") && !target.contains('@'));
            let report = Report {
                target: config.map(|config| config.target.as_str()).or(typed),
                host: config.map(|config| config.host.as_str()),
                port: config.map(|config| config.port),
                steps: &[],
                diagnosis: Some(&diagnosis),
                warnings: &[],
                elapsed: self.began.elapsed(),
            };
            self.print_json(&report.to_json());
        } else {
            let color = self.color(self.streams.err_color);
            Screen::new(self.streams.err, color, Detail::Normal).diagnosis(&diagnosis);
        }
        diagnosis.exit_code
    }

    fn detail(&self) -> Detail {
        match self.output {
            Output { quiet: true, .. } => Detail::Quiet,
            Output { verbose: true, .. } => Detail::Verbose,
            _ => Detail::Normal,
        }
    }

    fn color(&self, auto: bool) -> bool {
        match self.output.color {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => auto,
        }
    }

    fn print_json(&mut self, json: &Json) {
        self.print(&format!("{json}\n"));
    }

    /// A reader that has left does not change what happened.
    fn print(&mut self, text: &str) -> u8 {
        let _ = self.streams.out.write_all(text.as_bytes());
        let _ = self.streams.out.flush();
        0
    }
}

fn words(failure: &Failure, config: Option<&Config>) -> Diagnosis {
    diagnose(
        failure,
        Context {
            config,
            now: clock::now(),
        },
    )
}
