//! The process edge: arguments, standard streams, exit code. Nothing else ends the process.

use std::ffi::OsString;
use std::fs::File;
use std::hint::black_box;
use std::io::{self, IsTerminal, Read, Write};
use std::{env, process};

use mqtt_test::{Streams, run};

/// With less memory there is not even a report, and an allocation that fails ends the process by a
/// signal. musl takes more from the system at a time, and so may lack it with much still to give; this
/// is for the system's CA certificates as well.
const LEAST_MEMORY: usize = 1024 * if cfg!(target_env = "musl") { 1152 } else { 128 };

fn main() {
    let mut memory = Vec::<u8>::new();
    let outcome = memory.try_reserve_exact(LEAST_MEMORY);
    // What nobody uses the compiler may leave out.
    drop(black_box(memory));
    if outcome.is_err() {
        process::exit(no_memory().into());
    }
    let args: Vec<OsString> = env::args_os().skip(1).collect();
    // NO_COLOR counts when it is set and not empty (no-color.org).
    let no_color = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
        || env::var_os("TERM").is_some_and(|term| term == "dumb");
    let (out_terminal, err_terminal) = (io::stdout().is_terminal(), io::stderr().is_terminal());
    let mut streams = Streams {
        out: &mut io::stdout(),
        err: &mut io::stderr(),
        out_color: out_terminal && !no_color,
        err_color: err_terminal && !no_color,
        out_terminal,
        err_terminal,
    };
    let code = run(&args, &mut streams);
    // Not by returning: a name look-up that was left behind must not hold the program up.
    process::exit(code.into());
}

/// The failure `system-limit`, told without allocating.
fn no_memory() -> u8 {
    const ERROR: &str = "this machine gives this process no more memory";
    const HELP: &str = "if `ulimit -v` is not `unlimited`, raise it; 8 MiB are enough";
    let mut line = [0; 4096];
    let length = File::open("/proc/self/cmdline").and_then(|mut file| file.read(&mut line));
    let mut args = line[..length.unwrap_or_default()].split(|byte| *byte == 0);
    // Standard output has a buffer, which would be allocated.
    let out = File::options().append(true).open("/dev/stdout");
    if args.any(|arg| arg == b"--json")
        && let Ok(mut out) = out
    {
        let _ = writeln!(
            out,
            "{{\"tool\":\"mqtt-test\",\"version\":\"{}\",\"target\":null,\"host\":null,\
             \"port\":null,\"ok\":false,\"exit_code\":2,\"elapsed_ms\":0,\"stages\":[],\
             \"failure\":{{\"code\":\"system-limit\",\"stage\":\"config\",\"error\":\"{ERROR}\",\
             \"notes\":[],\"help\":[\"{HELP}\"]}},\"warnings\":[]}}",
            env!("CARGO_PKG_VERSION")
        );
    } else {
        let _ = write!(
            io::stderr(),
            "error[system-limit]: {ERROR}\n help: {HELP}\n"
        );
    }
    2
}
