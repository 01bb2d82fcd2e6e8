//! Gives the program its own build date, the one date that a board without a clock can trust to be
//! in the past (`clock::build_date`). It reads no network and generates no code.
//!
//! `SOURCE_DATE_EPOCH` wins, so that a distributor's build is reproducible
//! (reproducible-builds.org/specs/source-date-epoch); otherwise it is the time of the build.
//!
//! And it leaves 240 kB out of the release build: the tables by which an unwinder finds its way. With
//! `panic = "abort"` nothing unwinds, and no profile can say so to the linker. The index of the tables
//! goes on every Linux; the tables themselves take a linker script (`release.ld`), which not every linker
//! reads, and so they go where it is known to be the one that comes with Rust.
//!
//! Without the `rerun-if` lines cargo would look at every file of the package, and a change of a
//! test or of a text would rebuild the program; with them, the date moves when the program does,
//! and a build with nothing to do stays one.
#![allow(
    clippy::print_stdout,
    reason = "a build script speaks to cargo this way"
)]

use std::env;
use std::time::{SystemTime, UNIX_EPOCH};

fn main() -> Result<(), String> {
    for path in ["build.rs", "Cargo.toml", "release.ld", "src"] {
        println!("cargo::rerun-if-changed={path}");
    }
    println!("cargo::rerun-if-env-changed=SOURCE_DATE_EPOCH");
    println!("cargo::rustc-env=MQTT_TEST_BUILD_EPOCH={}", epoch()?);
    let is = |name, value: &str| env::var(name).is_ok_and(|set| set == value);
    if is("PROFILE", "release") && is("CARGO_CFG_TARGET_OS", "linux") {
        println!("cargo::rustc-link-arg-bins=-Wl,--no-eh-frame-hdr");
        let flags = env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
        let other_linker = env::var_os("RUSTC_LINKER").is_some() || flags.contains("link");
        if is("TARGET", "x86_64-unknown-linux-gnu") && !other_linker {
            let folder = env::var("CARGO_MANIFEST_DIR").map_err(|error| error.to_string())?;
            println!("cargo::rustc-link-arg-bins=-Wl,-T,{folder}/release.ld");
        }
    }
    Ok(())
}

/// Unix seconds. A `SOURCE_DATE_EPOCH` that is not a number ends the build, as its specification
/// asks: a wrong date is worse than none.
fn epoch() -> Result<u64, String> {
    match env::var("SOURCE_DATE_EPOCH") {
        Ok(text) => text
            .parse()
            .map_err(|error| format!("SOURCE_DATE_EPOCH={text}: {error}")),
        // A build machine whose clock is before 1970 knows no date; zero is before every clock.
        Err(env::VarError::NotPresent) => Ok(SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_secs())),
        Err(error) => Err(format!("SOURCE_DATE_EPOCH: {error}")),
    }
}
