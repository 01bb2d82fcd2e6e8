//! What `fuzz/` feeds, one function a target: each hands arbitrary input to the code that meets it in
//! a run, and panics where a promise is broken. Compiled under `cfg(fuzzing)` alone.

#![allow(
    clippy::expect_used,
    reason = "a promise that is broken ends the fuzzer"
)]

use std::ffi::OsString;
use std::fmt::Debug;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use signal_hook::consts::SIGPIPE;

use crate::check::stages;
use crate::cli::{Command, args, help, options};
use crate::config::{
    Config, ConfigError, Override, Qos, Secret, SubscribeOptions, Transport, parse, types, url,
};
use crate::diagnosis::{Diagnosis, diagnose, diagnose_config};
use crate::failure::{DnsError, Failure, Presented, TlsCause, TlsError, TlsFacts};
use crate::mqtt::{Message, Target};
use crate::net::Stop;
use crate::report::{Activity, Detail, OutputStyle, Report, Screen, StreamReporter};
use crate::stream::event::{Event, Listener};
use crate::stream::options::{Format, PubOptions, Reconnect, Retained, SubOptions, What};
use crate::stream::{Input, publish, subscribe};
use crate::tls::Tls;
use crate::util::{clock, text};
use crate::x509::certificate;

/// The password of every configuration made here. Input that holds it proves nothing and is left out.
const SECRET: &str = "hunter2";

/// A config file, a URL and a command line of arbitrary text: the first byte chooses.
pub fn config(data: &[u8]) {
    let Some((&choice, data)) = data.split_first() else {
        return;
    };
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if text.contains(SECRET) {
        return;
    }
    match choice % 4 {
        0 => {
            // The password stands before, between and after what is given.
            let (before, after) = text.split_once('\u{1}').unwrap_or((text, ""));
            let text = format!("{before}\npassword = {SECRET}\n{after}");
            let path = "my.conf";
            settings(types::Source::File { path, text: &text }, &[]);
        }
        1 => {
            let text = format!("mqtts://u:{SECRET}@{text}");
            settings(types::Source::Url(&text), &[]);
        }
        2 => {
            settings(types::Source::Url(text), &[]);
        }
        _ => command_line(text),
    }
}

/// One argument a line.
fn command_line(text: &str) {
    let secret = ["--set".to_owned(), format!("password={SECRET}")];
    let argv = secret.into_iter().chain(text.lines().map(str::to_owned));
    let argv: Vec<OsString> = argv.map(OsString::from).collect();
    let invocation = match args::parse(argv.clone()) {
        Ok(invocation) => invocation,
        Err(error) => {
            let usage = help::usage(args::command_name(&argv));
            hidden(&error);
            let error = ConfigError::Usage(error);
            told(&diagnose_config(&error, None).help(usage), None);
            return;
        }
    };
    hidden(&invocation);
    let (target, overrides) = match &invocation.command {
        Command::Check { target, overrides }
        | Command::Pub {
            target, overrides, ..
        }
        | Command::Sub {
            target, overrides, ..
        }
        | Command::Request {
            target, overrides, ..
        } => (target, overrides),
        _ => return,
    };
    let source = if url::is_url(target) {
        types::Source::Url(target)
    } else {
        let text = "host = h.example\n";
        types::Source::File { path: target, text }
    };
    let Some(config) = settings(source, overrides) else {
        return;
    };
    let missing = match &invocation.command {
        Command::Pub { options, .. } => options::missing_for_pub(options, &config),
        Command::Sub { options, .. } => options::missing_for_sub(options, &config),
        Command::Request { options, .. } => options::missing_for_request(options, &config),
        _ => Ok(()),
    };
    if let Err(error) = missing {
        let error = ConfigError::Usage(error);
        told(&diagnose_config(&error, Some(&config)), Some(&config));
    }
}

fn settings(source: types::Source<'_>, overrides: &[Override]) -> Option<Config> {
    hidden(&source);
    match parse::config(source, overrides, &ambient()) {
        Ok(config) => {
            hidden(&config);
            let mut out = Vec::new();
            Screen::new(&mut out, false, Detail::Verbose).header(&config);
            shown(&out);
            Some(config)
        }
        Err(problems) => {
            hidden(&problems);
            let error = ConfigError::Problems(problems);
            told(&diagnose_config(&error, None), None);
            None
        }
    }
}

fn example() -> &'static Config {
    static CONFIG: OnceLock<Config> = OnceLock::new();
    CONFIG.get_or_init(|| good("host = h.example\n"))
}

fn good(text: &str) -> Config {
    let path = "my.conf";
    let source = types::Source::File { path, text };
    parse::config(source, &[], &ambient()).expect("a good file")
}

fn ambient() -> types::Ambient {
    types::Ambient {
        pid: 1,
        random: [7; 20],
        now: "2026-01-01T00:00:00Z".to_owned(),
        home: Some(PathBuf::from("/home/u")),
        purpose: types::Purpose::Check,
    }
}

/// A certificate or a name in DER, and what is said of it.
pub fn certificate(data: &[u8]) {
    let _ = certificate::read_name(data).map(|name| name.short());
    let causes = [
        rustls::CertificateError::UnknownIssuer,
        rustls::CertificateError::Expired,
        rustls::CertificateError::NotValidForName,
        rustls::CertificateError::BadEncoding,
        rustls::CertificateError::InvalidPurpose,
    ];
    let presented = Presented {
        certificate: certificate::read(data).ok(),
        sha256: [7; 32],
    };
    let cause = causes[data.len() % causes.len()].clone();
    let error = TlsError {
        cause: TlsCause::Rustls(rustls::Error::InvalidCertificate(cause)),
        facts: TlsFacts {
            server_name: "h.example".to_owned(),
            chain: vec![presented],
            ..TlsFacts::default()
        },
        late: Some(false),
    };
    let failure = Failure::Tls(Box::new(error));
    told(&diagnose(&failure, example(), clock::now()), None);
}

/// Foreign text on its way to a terminal, as a message and in a diagnosis.
pub fn terminal(data: &[u8]) {
    let foreign = String::from_utf8_lossy(data);
    if foreign.contains(SECRET) {
        return;
    }
    let line = |text: &str| {
        shown(text.as_bytes());
        assert!(!text.contains('\n'), "{text:?}");
    };
    line(&text::escape(&foreign));
    line(&text::escape_bytes(data, data.len() / 2));
    let (topic, payload) = data.split_at(data.len() / 2);
    let message = Message::new(&String::from_utf8_lossy(topic), payload, false);
    for format in [Format::Payload, Format::Topic, Format::Json, Format::Hex] {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut reporter = reporter(&mut out, &mut err, Activity::Subscribing(format));
        let _ = reporter.event(Event::Message(&message));
        let _ = reporter.event(Event::Flush);
        shown(&out);
        assert_eq!(out.iter().filter(|byte| **byte == b'\n').count(), 1);
    }
    let words = foreign.into_owned();
    let failure = Failure::Dns(DnsError::NotFound { words });
    told(&diagnose(&failure, example(), 0), None);
}

fn reporter<'a>(
    out: &'a mut dyn Write,
    err: &'a mut dyn Write,
    activity: Activity,
) -> StreamReporter<'a> {
    let style = OutputStyle {
        json: matches!(activity, Activity::Subscribing(Format::Json)),
        quiet: false,
        color: false,
        live: false,
        terminal: true,
        activity,
    };
    StreamReporter::new(out, err, style)
}

/// Everything that a peer can send to a plain connection; see [`serve`].
pub fn peer(data: &[u8]) {
    static CONFIG: OnceLock<Config> = OnceLock::new();
    let config = CONFIG.get_or_init(|| loopback("tls = off"));
    session(config, None, data);
}

/// The same in MQTT 5.
pub fn peer5(data: &[u8]) {
    static CONFIG: OnceLock<Config> = OnceLock::new();
    let config = CONFIG.get_or_init(|| loopback("tls = off\nprotocol = 5"));
    session(config, None, data);
}

/// Everything that a peer can send to a connection that begins with a TLS handshake.
pub fn tls(data: &[u8]) {
    static TLS: OnceLock<(Config, Tls)> = OnceLock::new();
    let (config, tls) = TLS.get_or_init(|| {
        let config = loopback("tls = on");
        let Transport::Tls(settings) = &config.transport else {
            panic!("no TLS");
        };
        let tls = Tls::new(&config, settings).expect("the system's roots");
        (config, tls)
    });
    session(config, Some(tls), data);
}

/// A silent peer costs this much in each stage.
const TIMEOUT: Duration = Duration::from_millis(40);
/// No run may take longer, whatever the peer does.
const BOUND: Duration = Duration::from_secs(10);

fn loopback(lines: &str) -> Config {
    static PORT: OnceLock<u16> = OnceLock::new();
    let port = PORT.get_or_init(|| {
        // As Rust's runtime does, which does not start the fuzzer: a write to a socket that the peer has
        // closed is an error, and must not end the process.
        let ignored = signal_hook::flag::register(SIGPIPE, Arc::<AtomicBool>::default());
        ignored.expect("a handler");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("its number");
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let script = SCRIPT.lock().map(|it| it.clone()).unwrap_or_default();
                thread::spawn(move || serve(stream, &script));
            }
        });
        address.port()
    });
    let secret = format!("username = u\npassword = {SECRET}\n");
    let text =
        format!("host = 127.0.0.1\nport = {port}\ntopic = t\nmessage = x\n{secret}{lines}\n");
    Config {
        timeout: TIMEOUT,
        ..good(&text)
    }
}

/// What the peer does on each connection.
static SCRIPT: Mutex<Vec<u8>> = Mutex::new(Vec::new());

/// The peer: a length, and so many bytes that it sends once it has heard something; after a length of
/// zero the next ones come at once. Then it closes.
fn serve(mut stream: TcpStream, mut script: &[u8]) {
    let _ = stream.set_read_timeout(Some(TIMEOUT / 8));
    let _ = stream.set_nodelay(true);
    let mut heard = [0; 4096];
    let mut wait = true;
    while let Some((&length, rest)) = script.split_first() {
        if length == 0 {
            wait = false;
            script = rest;
            continue;
        }
        if wait && matches!(stream.read(&mut heard), Ok(0)) {
            return;
        }
        wait = true;
        let (bytes, rest) = rest.split_at(rest.len().min(length.into()));
        if stream.write_all(bytes).is_err() {
            return;
        }
        script = rest;
    }
}

/// All that [`serve`] sends, in one.
fn said(mut script: &[u8]) -> Vec<u8> {
    let mut said = Vec::new();
    while let Some((&length, rest)) = script.split_first() {
        let (bytes, rest) = rest.split_at(rest.len().min(length.into()));
        said.extend_from_slice(bytes);
        script = rest;
    }
    said
}

/// A check, `sub` or `pub`, as the first byte says, against a peer that does as the rest says.
fn session(config: &Config, tls: Option<&Tls>, data: &[u8]) {
    let Some((&choice, script)) = data.split_first() else {
        return;
    };
    // A peer may say it by itself.
    if said(script)
        .windows(SECRET.len())
        .any(|it| it == SECRET.as_bytes())
    {
        return;
    }
    *SCRIPT.lock().expect("nobody panics with it") = script.to_vec();
    let config = &Config {
        qos: [Qos::AtLeastOnce, Qos::ExactlyOnce, Qos::AtMostOnce][usize::from(choice / 3 % 3)],
        clean_session: choice < 128,
        ..config.clone()
    };
    let password = Secret::new(SECRET.to_owned());
    let (password, stop) = (Some(&password), &Stop::default());
    let target = Target {
        config,
        password,
        tls,
        stop,
        protocol: config.protocol,
    };
    let reconnect = Reconnect {
        on: false,
        give_up: None,
    };
    let began = Instant::now();
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let failure = match choice % 3 {
        0 => {
            let mut screen = Screen::new(&mut out, false, Detail::Verbose);
            let verdict = stages::run(target, &mut |step| screen.step(step));
            screen.details(&verdict.steps, &verdict.trace);
            screen.warnings(&verdict.warnings);
            hidden(&verdict);
            verdict.failure
        }
        1 => {
            let options = SubOptions {
                filters: Vec::new(),
                count: Some(3),
                duration: Some(TIMEOUT * 5),
                retained: Retained::All,
                mqtt_5: SubscribeOptions::default(),
                format: Format::Topic,
                reconnect,
            };
            let activity = Activity::Subscribing(options.format);
            let mut reporter = reporter(&mut out, &mut err, activity);
            let (counters, outcome) = subscribe::run(target, &options, &mut reporter);
            reporter.finish(&counters, None);
            outcome.err()
        }
        _ => {
            let options = PubOptions {
                what: What::Message,
                repeat: 3,
                interval: None,
                reconnect,
            };
            let input = Input::new(&options, config).expect("a message");
            let mut reporter = reporter(&mut out, &mut err, Activity::Publishing(config.qos));
            let (counters, outcome) = publish::run(target, &options, input, &mut reporter);
            reporter.finish(&counters, None);
            outcome.err()
        }
    };
    let took = began.elapsed();
    assert!(took < BOUND, "it took {took:?}");
    shown(&out);
    shown(&err);
    if let Some(failure) = failure {
        hidden(&failure);
        told(&diagnose(&failure, config, clock::now()), Some(config));
    }
}

/// All forms in which a diagnosis is printed.
fn told(diagnosis: &Diagnosis, config: Option<&Config>) {
    let mut out = Vec::new();
    let mut screen = Screen::new(&mut out, false, Detail::Verbose);
    screen.diagnosis(diagnosis);
    screen.failure(diagnosis, Duration::ZERO);
    shown(&out);
    let report = Report {
        target: config.map(|config| config.target.as_str()),
        host: config.map(|config| config.host.as_str()),
        port: config.map(|config| config.port),
        steps: &[],
        diagnosis: Some(diagnosis),
        warnings: &[],
        elapsed: Duration::ZERO,
    };
    shown(report.to_json().to_string().as_bytes());
}

fn hidden(what: &impl Debug) {
    let text = format!("{what:?}");
    assert!(!text.contains(SECRET), "a secret: {text}");
}

/// What goes to a terminal holds no secret, and nothing but line ends that a terminal acts on: no
/// control character, and none that changes the direction of what stands beside it (Unicode UAX #9).
fn shown(out: &[u8]) {
    let text = std::str::from_utf8(out).expect("a terminal is sent UTF-8");
    assert!(!text.contains(SECRET), "a secret: {text:?}");
    let acts = |c: &char| {
        (c.is_control() && *c != '\n')
            || matches!(
                c,
                '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}' | '\u{2029}'
            )
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    assert_eq!(text.chars().find(acts), None, "{text:?}");
}
