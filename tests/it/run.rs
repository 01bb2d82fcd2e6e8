//! Runs the program as a user would, in the test's folder and in an environment without surprises,
//! and takes down what it said and when it ended. It never lets a run outlive its deadline, and
//! never lets a secret pass in any output.

use std::fs::File;
use std::io::{PipeReader, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use crate::capture::Capture;
use crate::daemon::signal;
use crate::lab::{DEADLINE, Lab, SYSTEM_ROOTS};
use crate::namespace::Namespace;

/// The name under which `Run::check` writes its config file.
pub(crate) const CONFIG: &str = "broker.conf";

/// A run in the making.
pub(crate) struct Run<'a> {
    lab: &'a Lab,
    args: Vec<String>,
    env: Vec<(String, String)>,
    secrets: Vec<String>,
    namespace: Option<Namespace>,
    /// What a shell does before it becomes the program.
    prelude: Option<String>,
    keep_lines: Option<usize>,
    stdin: Option<PathBuf>,
    stdout: Option<&'static str>,
}

impl<'a> Run<'a> {
    /// A check of this configuration, written to `broker.conf` in the lab's folder.
    pub(crate) fn check(lab: &'a Lab, config: &str) -> Self {
        lab.write_private(CONFIG, in_protocol(config));
        let mut run = Self::args(lab, &[CONFIG]);
        let value = |line: &str| {
            let (key, value) = line.split_once('=')?;
            (key.trim() == "password").then(|| value.trim().to_owned())
        };
        run.secrets.extend(config.lines().filter_map(value));
        run
    }

    /// `pub` or `sub` with this configuration, written to `pub.conf` or `sub.conf`.
    pub(crate) fn stream(lab: &'a Lab, command: &str, config: &str, args: &[&str]) -> Self {
        let file = format!("{command}.conf");
        lab.write_private(&file, in_protocol(config));
        let run = Self::args(lab, &[command, &file]);
        args.iter().fold(run, |run, arg| run.arg(arg))
    }

    /// The program with these arguments alone.
    pub(crate) fn args(lab: &'a Lab, args: &[&str]) -> Self {
        Self {
            lab,
            args: args.iter().map(|&arg| arg.to_owned()).collect(),
            env: Vec::new(),
            secrets: Vec::new(),
            namespace: None,
            prelude: None,
            keep_lines: None,
            stdin: None,
            stdout: None,
        }
    }

    pub(crate) fn arg(mut self, arg: &str) -> Self {
        self.args.push(arg.to_owned());
        self
    }

    pub(crate) fn env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.env.push((name.to_owned(), value.into()));
        self
    }

    /// Where the clock says that it is this moment, in UTC, and goes on from there. Spans of time
    /// are left as they are: they are no matter of the clock's date.
    pub(crate) fn at(self, moment: &str) -> Self {
        static LIBRARY: LazyLock<String> = LazyLock::new(|| {
            let asked = Command::new("faketime")
                .args(["-f", "+0d", "printenv", "LD_PRELOAD"])
                .output()
                .unwrap();
            assert!(asked.status.success(), "{asked:?}");
            String::from_utf8(asked.stdout).unwrap().trim().to_owned()
        });
        self.env("LD_PRELOAD", LIBRARY.as_str())
            .env("FAKETIME", format!("@{moment}"))
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
            .env("TZ", "UTC")
    }

    /// With so many MiB of address space: what asks for more is refused it, and a Rust program then
    /// ends by a signal, without its exit code.
    pub(crate) fn memory(self, mib: u64) -> Self {
        self.ulimit("-v", mib * 1024)
    }

    /// With `ulimit -v` (KiB of address space) or `-n` (descriptors) set.
    pub(crate) fn ulimit(mut self, flag: &'static str, value: u64) -> Self {
        self.prelude = Some(format!("ulimit {flag} {value}"));
        // glibc sets aside 64 MiB of addresses for each thread, which is no memory in use.
        self.env("MALLOC_ARENA_MAX", "1")
    }

    /// With SIGHUP ignored from the start, as `nohup` has it.
    pub(crate) fn without_hangup(mut self) -> Self {
        self.prelude = Some("trap '' HUP".to_owned());
        self
    }

    /// A text that must not appear in any output. `password = …` of a config is known already.
    pub(crate) fn secret(mut self, secret: &str) -> Self {
        self.secrets.push(secret.to_owned());
        self
    }

    /// Runs it where the machine looks otherwise: without a network, with other name servers.
    pub(crate) fn within(mut self, namespace: Namespace) -> Self {
        self.namespace = Some(namespace);
        self
    }

    /// Closes the reading end of its standard output after so many lines, as `head` does. With
    /// zero it is closed before the program starts.
    pub(crate) fn close_stdout_after(mut self, lines: usize) -> Self {
        self.keep_lines = Some(lines);
        self
    }

    /// With this device for its standard output.
    pub(crate) fn stdout(mut self, path: &'static str) -> Self {
        self.stdout = Some(path);
        self
    }

    /// With this file or folder for its standard input, and not a pipe.
    pub(crate) fn stdin(mut self, name: &str) -> Self {
        self.stdin = Some(self.lab.path(name));
        self
    }

    /// Runs it to its end.
    #[track_caller]
    pub(crate) fn go(self) -> Outcome {
        self.start().finish()
    }

    /// Starts it, for a test that goes on talking to it.
    pub(crate) fn start(self) -> Running {
        let (reader, writer) = std::io::pipe().unwrap();
        let mut command = self.command();
        let stdout = Capture::default();
        let reader = (self.keep_lines != Some(0)).then_some(reader);
        let stdin = match &self.stdin {
            Some(path) => File::open(path).unwrap().into(),
            None => Stdio::piped(),
        };
        let writer: Stdio = match self.stdout {
            Some(path) => File::options().write(true).open(path).unwrap().into(),
            None => writer.into(),
        };
        let started = Instant::now();
        let mut child = command
            .stdin(stdin)
            .stdout(writer)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|e| panic!("cannot start {command:?}: {e}"));
        // The command keeps its own copy of the writing end; without this, no reader sees the end.
        drop(command);
        match (reader, self.keep_lines) {
            (Some(reader), Some(lines)) => stdout.read(FirstLines {
                pipe: Some(reader),
                lines,
            }),
            (Some(reader), None) => stdout.read(reader),
            (None, _) => {}
        }
        let stderr = Capture::default();
        stderr.read(child.stderr.take().unwrap());
        Running {
            stdin: child.stdin.take(),
            child,
            stdout,
            stderr,
            started,
            command_line: format!("mqtt-test {}", self.args.join(" ")),
            secrets: self.secrets,
        }
    }

    fn command(&self) -> Command {
        let program = env!("CARGO_BIN_EXE_mqtt-test");
        let mut command = match (&self.namespace, &self.prelude) {
            (Some(namespace), _) => namespace.command(self.lab, program),
            (None, Some(prelude)) => {
                let script = format!("{prelude} && exec \"$@\"");
                let mut command = Command::new("sh");
                command.args(["-c", &script, "sh", program]);
                command
            }
            (None, None) => Command::new(program),
        };
        command
            .args(&self.args)
            .current_dir(self.lab.dir())
            .env_clear();
        for kept in ["PATH", "LLVM_PROFILE_FILE"] {
            if let Some(value) = std::env::var_os(kept) {
                command.env(kept, value);
            }
        }
        command
            .env("HOME", self.lab.dir())
            .env("LANG", "C.UTF-8")
            .env("SSL_CERT_FILE", self.lab.path(SYSTEM_ROOTS));
        command.envs(self.env.iter().cloned());
        command
    }
}

/// A pipe that is read for so many lines, and then let go.
struct FirstLines {
    pipe: Option<PipeReader>,
    lines: usize,
}

impl Read for FirstLines {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let Some(pipe) = &mut self.pipe else {
            return Ok(0);
        };
        // Byte by byte, so that no more than the lines is taken out of the pipe.
        let count = pipe.read(&mut buffer[..1])?;
        self.lines -= usize::from(buffer[..count] == *b"\n");
        if self.lines == 0 {
            self.pipe = None;
        }
        Ok(count)
    }
}

/// The program at work. It is killed when this goes.
pub(crate) struct Running {
    child: Child,
    stdin: Option<ChildStdin>,
    pub(crate) stdout: Capture,
    pub(crate) stderr: Capture,
    started: Instant,
    command_line: String,
    secrets: Vec<String>,
}

impl Running {
    /// Sends `INT`, `TERM` or another signal.
    pub(crate) fn signal(&self, name: &str) {
        signal(self.child.id(), name);
    }

    /// Writes to its standard input. A program that has ended does not read; that is no failure
    /// here.
    pub(crate) fn write(&mut self, bytes: &[u8]) {
        if let Some(stdin) = &mut self.stdin {
            let _ = stdin.write_all(bytes).and_then(|()| stdin.flush());
        }
    }

    /// Writes all this to its standard input and closes it, while the test goes on.
    pub(crate) fn feed(&mut self, bytes: Vec<u8>) {
        let mut stdin = self.stdin.take().expect("standard input is taken already");
        std::thread::spawn(move || stdin.write_all(&bytes));
    }

    pub(crate) fn take_stdin(&mut self) -> ChildStdin {
        self.stdin.take().expect("standard input is taken already")
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits for its end; standard output may be any bytes.
    #[track_caller]
    pub(crate) fn finish_bytes(mut self) -> (i32, Vec<u8>) {
        self.close_stdin();
        let status = self.wait();
        let code = status.code().unwrap_or_else(|| -status.signal().unwrap());
        (code, self.stdout.finish())
    }

    pub(crate) fn close_stdin(&mut self) {
        self.stdin = None;
    }

    /// Closes its standard input and waits for its end.
    #[track_caller]
    pub(crate) fn finish(mut self) -> Outcome {
        self.close_stdin();
        let status = self.wait();
        let elapsed = self.started.elapsed();
        let text = |capture: &Capture| {
            String::from_utf8(capture.finish()).expect("the output is not UTF-8")
        };
        let outcome = Outcome {
            command_line: self.command_line.clone(),
            code: status.code().unwrap_or_else(|| -status.signal().unwrap()),
            stdout: text(&self.stdout),
            stderr: text(&self.stderr),
            elapsed,
        };
        for secret in &self.secrets {
            let leaked = outcome.stdout.contains(secret) || outcome.stderr.contains(secret);
            assert!(
                !leaked,
                "the secret `{secret}` is in the output:\n{outcome}"
            );
        }
        outcome
    }

    #[track_caller]
    fn wait(&mut self) -> ExitStatus {
        let end = self.started + 2 * DEADLINE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(
                Instant::now() < end,
                "`{}` still runs after {:?}; so far:\n{}{}",
                self.command_line,
                self.started.elapsed(),
                self.stdout.text(),
                self.stderr.text()
            );
            // The standard library cannot wait for a child with a limit.
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a run came to.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) command_line: String,
    /// The exit code, or the number of the signal that killed it, negative.
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// From the start of the process to its end.
    pub(crate) elapsed: Duration,
}

impl Outcome {
    #[track_caller]
    pub(crate) fn expect_code(&self, code: i32) -> &Self {
        assert_eq!(self.code, code, "the exit code of:\n{self}");
        self
    }

    /// Both outputs, one after the other.
    pub(crate) fn all(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }

    #[track_caller]
    pub(crate) fn expect_within(&self, limit: Duration) -> &Self {
        assert!(
            self.elapsed < limit,
            "took {:?}, more than {limit:?}:\n{self}",
            self.elapsed
        );
        self
    }
}

/// The form in which golden files keep it.
impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "$ {}\n{}", self.command_line, self.stdout)?;
        if !self.stderr.is_empty() {
            write!(f, "--- standard error\n{}", self.stderr)?;
        }
        writeln!(f, "--- exit code {}", self.code)
    }
}

/// With `MQTT_TEST_PROTOCOL=5` in its environment a test of something that both versions promise
/// runs in MQTT 5. Golden files show 3.1.1, so tests that compare with one are not for that.
fn in_protocol(config: &str) -> String {
    match std::env::var("MQTT_TEST_PROTOCOL") {
        Ok(version) if config.contains("host = ") && !config.contains("protocol = ") => {
            format!("{config}\nprotocol = {version}\n")
        }
        _ => config.to_owned(),
    }
}
