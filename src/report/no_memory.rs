//! The failure `system-limit` where there is no memory for a report. It allocates nothing.

use std::fs::File;
use std::io::{self, Read, Write};

use crate::diagnosis::{NO_MEMORY, RAISE_MEMORY, worded_as_a_whole};

/// Says so, and returns the exit code.
pub fn no_memory() -> u8 {
    let help = worded_as_a_whole(RAISE_MEMORY);
    let mut line = [0; 4096];
    let length = File::open("/proc/self/cmdline").and_then(|mut file| file.read(&mut line));
    let mut args = line[..length.unwrap_or_default()].split(|byte| *byte == 0);
    // Standard output has a buffer, which would be allocated.
    let out = File::options().append(true).open("/dev/stdout");
    // Where neither can be written, the exit code still tells.
    let _ = if args.any(|arg| arg == b"--json")
        && let Ok(mut out) = out
    {
        write_json(&mut out, help)
    } else {
        write!(
            io::stderr(),
            "error[system-limit]: {NO_MEMORY}\n help: {help}\n"
        )
    };
    2
}

fn write_json(out: &mut dyn Write, help: &str) -> io::Result<()> {
    writeln!(
        out,
        "{{\"tool\":\"mqtt-test\",\"version\":\"{}\",\"target\":null,\"host\":null,\"port\":null,\
         \"ok\":false,\"exit_code\":2,\"elapsed_ms\":0,\"stages\":[],\"failure\":{{\
         \"code\":\"system-limit\",\"stage\":\"config\",\"error\":\"{NO_MEMORY}\",\"notes\":[],\
         \"help\":[\"{help}\"]}},\"warnings\":[]}}",
        env!("CARGO_PKG_VERSION")
    )
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn it_is_a_report() {
        let mut out = Vec::new();
        write_json(&mut out, worded_as_a_whole(RAISE_MEMORY)).unwrap();
        let report: Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(report["failure"]["code"], "system-limit");
        assert_eq!(report["failure"]["error"], NO_MEMORY);
    }
}
