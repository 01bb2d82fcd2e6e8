//! `target/demo/`: the config, the CA and the password file, as a user would have them. The config
//! holds no secret, and nobody else may read the password file.

use std::env;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::Trouble;

pub(crate) const CONFIG: &str = "demo.conf";
pub(crate) const CA: &str = "ca.pem";
pub(crate) const PASSWORD: &str = "password";

/// Writes the three files; the path of the config, short if it is below the current folder.
pub(crate) fn write(
    host: &str,
    port: u16,
    username: &str,
    password: &str,
    ca_pem: &str,
) -> Result<PathBuf, Trouble> {
    let folder = folder();
    let here = env::current_dir().unwrap_or_default();
    let folder = folder.strip_prefix(&here).unwrap_or(&folder);
    let config = folder.join(CONFIG);
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(folder.join(CA), ca_pem))
        .and_then(|()| write_secret(&folder.join(PASSWORD), password))
        .and_then(|()| fs::write(&config, config_text(host, port, username)))
        .map_err(|e| format!("cannot write into {}: {e}", folder.display()))?;
    Ok(config)
}

/// Cargo sets `CARGO_MANIFEST_DIR` for what it runs; the value known when this was compiled serves
/// a program that was started by hand.
fn folder() -> PathBuf {
    let target = match env::var_os("CARGO_TARGET_DIR") {
        Some(target) if !target.is_empty() => PathBuf::from(target),
        _ => env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from)
            .join("target"),
    };
    target.join("demo")
}

/// A file with mode 0600 from its first byte on: one that exists may have another mode, so it goes.
fn write_secret(path: &Path, secret: &str) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    writeln!(options.open(path)?, "{secret}")
}

fn config_text(host: &str, port: u16, username: &str) -> String {
    format!(
        "\
# The broker of `cargo run --release --example demo`. Each run writes this file anew: port,
# certificates and password hold for that run alone.

# A name, not 127.0.0.1: an IP address is never sent as SNI, which this broker demands.
host = {host}
port = {port}

# The CA that issued the broker's certificate, made by this run; nothing else is trusted.
ca_file = {CA}
system_roots = off

username = {username}
# A file that only you can read; its path is relative to this one.
password_file = {PASSWORD}

# Loopback answers at once or not at all.
timeout = 5s
"
    )
}

/// A path as a shell takes it; on Windows as PowerShell does.
pub(crate) fn quoted(path: &Path) -> String {
    let (more, quote) = if cfg!(windows) {
        (r":\", "''")
    } else {
        ("", r"'\''")
    };
    let text = path.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+".contains(c) || more.contains(c);
    if text.chars().all(plain) {
        text
    } else {
        format!("'{}'", text.replace('\'', quote))
    }
}
