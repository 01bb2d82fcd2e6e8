//! The process edge: arguments, standard streams, exit code. Nothing else ends the process.

use std::ffi::OsString;
use std::hint::black_box;
use std::io::{self, IsTerminal};
use std::{env, process};

use mqtt_test::{Streams, no_memory, run};

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
