//! One run of the program, from the arguments to the exit code: the only place where reading,
//! checking, diagnosing and reporting meet.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Instant;

use crate::check::{Verdict, stages};
use crate::cli::{ColorChoice, Command, CommandName, Output, args, help, options};
use crate::config::{
    Config, ConfigError, Override, Purpose, Qos, Secret, Transport, UsageError, load, templates,
};
use crate::diagnosis::{Diagnosis, diagnose, diagnose_config, diagnose_output, explain};
use crate::failure::{Failure, Warning};
use crate::mqtt::Target;
use crate::net::Stop;
use crate::os;
use crate::report::{Activity, CheckedWriter, Detail, OutputStyle, Report, Screen, StreamReporter};
use crate::stream::event::{Counters, Event, Listener};
use crate::stream::options::{Format, PubOptions, RequestOptions, SubOptions};
use crate::stream::{Input, publish, request, subscribe};
use crate::tls::Tls;
use crate::util::clock;

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
    /// Whether `out` is a terminal, where foreign text must be made safe.
    pub out_terminal: bool,
    /// Whether `err` is one, where a progress line can stand.
    pub err_terminal: bool,
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
        Err(error) => {
            let error = ConfigError::Usage(load::with_configs(error));
            let json = args::wants_json(args);
            let output = Output {
                json,
                quiet: false,
                verbose: false,
                color: ColorChoice::Auto,
            };
            return Run {
                streams,
                output,
                command: args::command_name(args),
                began: Instant::now(),
            }
            .refuse(None, None, error);
        }
    };
    let mut run = Run {
        streams,
        output: invocation.output,
        command: invocation.command.name(),
        began: Instant::now(),
    };
    match invocation.command {
        Command::Help(text) => run.print(&text, None),
        Command::Version => run.print(concat!("mqtt-test ", env!("CARGO_PKG_VERSION"), "\n"), None),
        Command::New { provider } => run.print(templates::text(provider).unwrap_or_default(), None),
        Command::Explain { code } => run.explain(code),
        Command::Check { target, overrides } => run.check(&target, &overrides),
        Command::Pub {
            target,
            overrides,
            options,
        } => run.publish(&target, &overrides, &options),
        Command::Sub {
            target,
            overrides,
            options,
        } => run.subscribe(&target, &overrides, &options),
        Command::Request {
            target,
            overrides,
            options,
        } => run.request(&target, &overrides, &options),
    }
}

/// One run: where it writes, and how.
struct Run<'a, 'b> {
    streams: &'a mut Streams<'b>,
    output: Output,
    command: CommandName,
    began: Instant,
}

/// What every command that contacts a broker needs first.
struct Prepared {
    config: Config,
    password: Option<Secret>,
    tls: Option<Tls>,
}

impl Prepared {
    fn target<'a>(&'a self, stop: &'a Stop) -> Target<'a> {
        let Self {
            config,
            password,
            tls,
        } = self;
        let (password, tls) = (password.as_ref(), tls.as_ref());
        Target {
            config,
            password,
            tls,
            stop,
            protocol: config.protocol,
        }
    }
}

impl Run<'_, '_> {
    /// Reads all that is to be read before any contact; `Err`: it was reported, and this is the exit
    /// code.
    fn prepare(
        &mut self,
        target: &str,
        overrides: &[Override],
        missing: impl FnOnce(&Config) -> Result<(), UsageError>,
    ) -> Result<Prepared, u8> {
        let purpose = match self.command {
            CommandName::Pub => Purpose::Publish,
            CommandName::Sub => Purpose::Subscribe,
            CommandName::Request => Purpose::Request,
            _ => Purpose::Check,
        };
        let config = match load::config(target, overrides, purpose) {
            Ok(config) => config,
            Err(error) => return Err(self.refuse(Some(target), None, error)),
        };
        if let Err(fault) = missing(&config) {
            return Err(self.refuse(Some(target), Some(&config), ConfigError::Usage(fault)));
        }
        let password = match load::password(&config) {
            Ok(password) => password,
            Err(error) => return Err(self.refuse(Some(target), Some(&config), error)),
        };
        let tls = match &config.transport {
            Transport::Plain => None,
            Transport::Tls(settings) => match Tls::new(&config, settings) {
                Ok(tls) => Some(tls),
                Err(error) => return Err(self.refuse(Some(target), Some(&config), error)),
            },
        };
        Ok(Prepared {
            config,
            password,
            tls,
        })
    }

    fn check(&mut self, target: &str, overrides: &[Override]) -> u8 {
        let prepared = match self.prepare(target, overrides, |_| Ok(())) {
            Ok(prepared) => prepared,
            Err(code) => return code,
        };
        // Without the flag a signal ends the process, which is no worse than any other program.
        let stop = Stop::on_signals().unwrap_or_default();
        let target = prepared.target(&stop);
        let warnings = world_readable(target.config).collect();
        if self.output.json {
            self.check_json(target, warnings)
        } else {
            self.check_screen(target, warnings)
        }
    }

    fn publish(&mut self, target: &str, overrides: &[Override], options: &PubOptions) -> u8 {
        let missing = |config: &Config| options::missing_for_pub(options, config);
        let prepared = match self.prepare(target, overrides, missing) {
            Ok(prepared) => prepared,
            Err(code) => return code,
        };
        // Before the signals are caught: reading all of standard input may take its time.
        let input = match Input::new(options, &prepared.config) {
            Ok(input) => input,
            Err(error) => {
                return self.refuse(Some(target), Some(&prepared.config), error);
            }
        };
        let stop = Stop::on_signals().unwrap_or_default();
        let mut reporter = self.reporter(Activity::Publishing(prepared.config.qos));
        warn(&mut reporter, &prepared.config);
        let outcome = publish::run(prepared.target(&stop), options, input, &mut reporter);
        finish(&mut reporter, &prepared.config, outcome)
    }

    fn subscribe(&mut self, target: &str, overrides: &[Override], options: &SubOptions) -> u8 {
        let missing = |config: &Config| options::missing_for_sub(options, config);
        let prepared = match self.prepare(target, overrides, missing) {
            Ok(prepared) => prepared,
            Err(code) => return code,
        };
        let stop = Stop::on_signals().unwrap_or_default();
        let mut reporter = self.reporter(Activity::Subscribing(options.format));
        warn(&mut reporter, &prepared.config);
        let outcome = subscribe::run(prepared.target(&stop), options, &mut reporter);
        finish(&mut reporter, &prepared.config, outcome)
    }

    fn request(&mut self, target: &str, overrides: &[Override], options: &RequestOptions) -> u8 {
        let missing = |config: &Config| options::missing_for_request(options, config);
        let prepared = match self.prepare(target, overrides, missing) {
            Ok(prepared) => prepared,
            Err(code) => return code,
        };
        let input = match Input::new(&options.question, &prepared.config) {
            Ok(input) => input,
            Err(error) => {
                return self.refuse(Some(target), Some(&prepared.config), error);
            }
        };
        let stop = Stop::on_signals().unwrap_or_default();
        let mut reporter = self.reporter(Activity::Requesting(options.format));
        warn(&mut reporter, &prepared.config);
        let outcome = request::run(prepared.target(&stop), options, input, &mut reporter);
        finish(&mut reporter, &prepared.config, outcome)
    }

    fn reporter(&mut self, activity: Activity) -> StreamReporter<'_> {
        let style = OutputStyle {
            json: self.output.json,
            quiet: self.output.quiet,
            color: self.color(self.streams.err_color),
            live: self.streams.err_terminal && os::takes_escapes(),
            terminal: self.streams.out_terminal,
            activity,
        };
        StreamReporter::new(self.streams.out, self.streams.err, style)
    }

    fn check_screen(&mut self, target: Target<'_>, mut warnings: Vec<Warning>) -> u8 {
        let color = self.color(self.streams.out_color);
        let detail = self.detail();
        let mut screen = Screen::new(self.streams.out, color, detail);
        screen.header(target.config);
        let verdict = stages::run(target, &mut |step| screen.step(step));
        let diagnosis = verdict
            .failure
            .as_ref()
            .map(|failure| diagnosis_of(failure, target.config));
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
        match &diagnosis {
            None => screen.success(target.config, elapsed),
            Some(diagnosis) => screen.failure(diagnosis, elapsed),
        }
        let unwritten = screen.into_error();
        self.exit_code(diagnosis.as_ref(), unwritten)
    }

    fn check_json(&mut self, target: Target<'_>, mut warnings: Vec<Warning>) -> u8 {
        let verdict = stages::run(target, &mut |_| {});
        let diagnosis = verdict
            .failure
            .as_ref()
            .map(|failure| diagnosis_of(failure, target.config));
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
        self.print(&format!("{}\n", report.to_json()), diagnosis.as_ref())
    }

    fn explain(&mut self, code: Option<String>) -> u8 {
        match explain::text(code.as_deref(), self.output.json) {
            Ok(text) => self.print(&text, None),
            Err(error) => self.refuse(None, None, ConfigError::Usage(error)),
        }
    }

    /// Usage or configuration: nothing was contacted.
    fn refuse(&mut self, target: Option<&str>, config: Option<&Config>, error: ConfigError) -> u8 {
        let mut diagnosis = diagnose_config(&error, config);
        if matches!(error, ConfigError::Usage(_)) {
            diagnosis = diagnosis.help(help::usage(self.command));
        }
        let activity = match self.command {
            CommandName::Pub => Some(Activity::Publishing(Qos::AtLeastOnce)),
            CommandName::Sub => Some(Activity::Subscribing(Format::Json)),
            CommandName::Request => Some(Activity::Requesting(Format::Json)),
            _ => None,
        };
        if let Some(activity) = activity.filter(|_| self.output.json) {
            let mut reporter = self.reporter(activity);
            reporter.finish(&Counters::default(), Some(&diagnosis))
        } else if self.output.json {
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
            self.print(&format!("{}\n", report.to_json()), Some(&diagnosis))
        } else {
            self.print_error(&diagnosis);
            diagnosis.exit_code()
        }
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
            ColorChoice::Auto => auto && os::takes_escapes(),
        }
    }

    /// The whole result of a run that came to `verdict`; its exit code.
    fn print(&mut self, text: &str, verdict: Option<&Diagnosis>) -> u8 {
        let mut out = CheckedWriter::new(self.streams.out);
        let _ = out.write_all(text.as_bytes());
        let unwritten = out.into_error();
        self.exit_code(verdict, unwritten)
    }

    /// The exit code is that of the verdict, unless nobody can have read it.
    fn exit_code(&mut self, verdict: Option<&Diagnosis>, unwritten: Option<io::Error>) -> u8 {
        let Some(error) = unwritten else {
            return verdict.map_or(0, |verdict| verdict.exit_code());
        };
        let diagnosis = diagnose_output(&error, None, verdict);
        self.print_error(&diagnosis);
        diagnosis.exit_code()
    }

    fn print_error(&mut self, diagnosis: &Diagnosis) {
        let color = self.color(self.streams.err_color);
        Screen::new(self.streams.err, color, Detail::Normal).diagnosis(diagnosis);
    }
}

/// What is to be warned of before any contact.
fn world_readable(config: &Config) -> impl Iterator<Item = Warning> {
    let warning = |path: PathBuf| Warning::ConfigWorldReadable {
        path: path.display().to_string(),
    };
    load::world_readable(config).into_iter().map(warning)
}

fn warn(listener: &mut dyn Listener, config: &Config) {
    for warning in world_readable(config) {
        let _ = listener.event(Event::Warning(&warning));
    }
}

/// Reports how `pub`, `sub` or `request` ended; its exit code.
fn finish(
    reporter: &mut StreamReporter<'_>,
    config: &Config,
    (counters, outcome): (Counters, Result<(), Failure>),
) -> u8 {
    let failure = outcome.err().map(|it| diagnosis_of(&it, config));
    reporter.finish(&counters, failure.as_ref())
}

fn diagnosis_of(failure: &Failure, config: &Config) -> Diagnosis {
    diagnose(failure, config, clock::now())
}
