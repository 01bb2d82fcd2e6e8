//! `cargo run --release --example demo`: a broker, a check that passes and a check that fails, on a
//! machine that has nothing but Rust. The checks are the program's own (`mqtt_test::run`).
//!
//! It contacts nothing but loopback, and writes nothing but `target/demo/`.

mod broker;
mod certs;
mod folder;
mod front;
mod relay;
mod stop;

use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use mqtt_test::Streams;

use crate::stop::Stop;

const HELP: &str = "\
Shows mqtt-test at work against a broker of its own, on loopback.

    cargo run --release --example demo [-- FLAGS]

    --serve     keep the broker up until Ctrl-C, and print commands to try
    --port N    the port that the broker listens on (default: a free one)
    -h, --help  this text

Exit code 0: one check passed and the other failed, both as they should; otherwise 1.
Each run writes target/demo/ anew, so keep one up at a time.
";

/// The name in the certificate, and the only one that the front accepts as SNI.
const HOST: &str = "localhost";
const USERNAME: &str = "demo";
/// The exit code of a check that failed in stage tls.
const FAILED_IN_TLS: u8 = 5;

/// What stops the demo, in one line for its user.
type Trouble = String;

struct Flags {
    help: bool,
    serve: bool,
    port: Option<u16>,
}

fn main() -> ExitCode {
    let mut out = io::stdout();
    let as_it_should = flags().and_then(|flags| demo(&flags, &mut out));
    match as_it_should {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(trouble) => {
            // Standard error may be closed too; the exit code still tells.
            let _ = writeln!(io::stderr(), "demo: {trouble}");
            ExitCode::FAILURE
        }
    }
}

fn flags() -> Result<Flags, Trouble> {
    let mut args = pico_args::Arguments::from_env();
    let flags = Flags {
        help: args.contains(["-h", "--help"]),
        serve: args.contains("--serve"),
        port: args
            .opt_value_from_str("--port")
            .map_err(|e| format!("--port: {e}"))?,
    };
    match args.finish().first() {
        Some(left) => Err(format!("what is {left:?}? --help names the flags")),
        None => Ok(flags),
    }
}

/// Whether both checks ended as they should.
fn demo(flags: &Flags, out: &mut dyn Write) -> Result<bool, Trouble> {
    if flags.help {
        say(out, HELP.trim_end())?;
        return Ok(true);
    }
    let password = certs::random_hex()?;
    let certs = certs::make(HOST)?;
    let broker = broker::start(USERNAME, &password)?;
    let port = front::open(flags.port, certs.server, HOST, broker)?;
    let config = folder::write(HOST, port, USERNAME, &password, &certs.ca_pem)?;
    let shown = folder::quoted(&config);

    say(
        out,
        &format!(
            "A broker is up at {HOST}:{port} behind TLS; it demands SNI, user and password.\n\
             Its config is {shown}. This is what `mqtt-test {shown}` says:\n"
        ),
    )?;
    let with_sni = check(&config, &[], out);
    say(
        out,
        "\nThe same check without SNI (`--set sni=off`), which this broker refuses as serverless\n\
         clouds do:\n",
    )?;
    let without_sni = check(&config, &["--set", "sni=off"], out);

    let as_it_should = with_sni == 0 && without_sni == FAILED_IN_TLS;
    let verdict = if as_it_should {
        "Both ended as they should: exit code 0, then 5 (the TLS handshake).".to_owned()
    } else {
        format!(
            "Not as it should be: the exit codes are {with_sni} and {without_sni} instead of 0 and \
             {FAILED_IN_TLS}."
        )
    };
    say(out, &format!("\n{verdict}"))?;
    if flags.serve {
        serve(&config, port, out)?;
    }
    Ok(as_it_should)
}

/// One check through the same code as the binary; its exit code.
fn check(config: &Path, more: &[&str], out: &mut dyn Write) -> u8 {
    let mut args = vec![OsString::from(config)];
    args.extend(more.iter().map(OsString::from));
    let (out_terminal, err_terminal) = (io::stdout().is_terminal(), io::stderr().is_terminal());
    let mut streams = Streams {
        out,
        err: &mut io::stderr(),
        out_color: out_terminal,
        err_color: err_terminal,
        out_terminal,
        err_terminal,
    };
    mqtt_test::run(&args, &mut streams)
}

/// Keeps the broker up until Ctrl-C.
fn serve(config: &Path, port: u16, out: &mut dyn Write) -> Result<(), Trouble> {
    // Registered before the text, so that a Ctrl-C right behind it counts. The check may have put
    // a flag of its own on it, after which it no longer ends the process by itself.
    let mut stop = Stop::watch().map_err(|e| format!("cannot wait for Ctrl-C: {e}"))?;
    say(out, &to_try(config, port))?;
    while !stop.is_wanted() {
        // A signal does not end this sleep early; a tenth of a second is soon enough for a hand.
        thread::sleep(Duration::from_millis(100));
    }
    say(out, "\nThe broker is gone.")
}

/// Commands for a shell in the current folder; on Windows for PowerShell.
fn to_try(config: &Path, port: u16) -> String {
    let mqtt_test = "cargo run -q --release --";
    let conf = folder::quoted(config);
    let ca = folder::quoted(&config.with_file_name(folder::CA));
    let password = folder::quoted(&config.with_file_name(folder::PASSWORD));
    let (numbers, readings, next_line) = if cfg!(windows) {
        ("1..100000", "ping -t localhost", "`")
    } else if cfg!(target_vendor = "apple") {
        ("seq 1 100000", "vm_stat 1", "\\")
    } else {
        ("seq 1 100000", "vmstat 1", "\\")
    };
    format!(
        "
The broker stays up until Ctrl-C. In another terminal, in this folder, try:

    {mqtt_test} {conf}
    {mqtt_test} {conf} --json
    {mqtt_test} {conf} --verbose

Messages, from one terminal to another; the last is a stream, and Ctrl-C ends it:

    {mqtt_test} sub {conf} -t 'demo/#' -v
    {mqtt_test} pub {conf} -t demo/hello -m hello -q 1
    {numbers} | {mqtt_test} pub {conf} -t demo/numbers -q 1 -l
    {readings} | {mqtt_test} pub {conf} -t demo/readings -q 1 -l

What it says when something is wrong:

    {mqtt_test} {conf} --set sni=off             # this broker demands SNI
    {mqtt_test} {conf} --set host=127.0.0.1      # an IP address is never sent as SNI
    {mqtt_test} {conf} --set server_name=a.test  # the certificate is for {HOST}
    {mqtt_test} {conf} --set username=nobody     # this broker closes without an answer
    {mqtt_test} {conf} --set tls=off             # every key that needs TLS is named

Other clients can use it too:

    mosquitto_pub -h {HOST} -p {port} --cafile {ca} {next_line}
        -u {USERNAME} -P \"$(cat {password})\" -t demo/hello -m hello"
    )
}

fn say(out: &mut dyn Write, text: &str) -> Result<(), Trouble> {
    writeln!(out, "{text}")
        .and_then(|()| out.flush())
        .map_err(|e| format!("cannot write to standard output: {e}"))
}
