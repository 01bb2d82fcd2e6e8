//! Advice in the words of the system that the program runs on. The codes are written for Linux; here is
//! what stands on macOS and on Windows in the place of a command, a file or a habit of Linux.
//!
//! What is to be done on the broker's machine stays, and says that it is for Linux.

use std::borrow::Cow;

use crate::diagnosis::Diagnosis;
use crate::os::{SYSTEM, System};

/// The words for Linux, for macOS and for Windows; `None`: as on Linux. The first that fits is taken, so
/// that the special stands before the general.
type Row = (&'static str, Option<&'static str>, Option<&'static str>);

const UPDATES: Option<&str> = Some(", which come with the system's updates");
const NO_RANDOM: Option<&str> = Some("the system gives no random numbers, which TLS needs");
const AGAIN: Option<&str> = Some("try again in a minute");
const RESTART: Option<&str> =
    Some("if random numbers are still missing after some minutes, restart this machine");

#[rustfmt::skip]
static ROWS: &[Row] = &[
    // Names and the network.
    ("`/etc/hosts`", None, Some("`C:\\Windows\\System32\\drivers\\etc\\hosts`")),
    (", or `nslookup` where there is no `getent`", Some(""), Some("")),
    ("`getent hosts ", Some("`dscacheutil -q host -a name "), Some("`nslookup ")),
    ("`getent ahosts ", Some("`dscacheutil -q host -a name "), Some("`nslookup ")),
    ("`cat /etc/resolv.conf`, or `resolvectl status`", Some("`scutil --dns`"), Some("`ipconfig /all`")),
    ("in /etc/resolv.conf or in the router", Some("in the network settings or in the router"), Some("in the network settings or in the router")),
    (" or systemd-resolved", Some(""), Some("")),
    ("add `After=network-online.target` and `Wants=network-online.target`", Some("let it try again until the network is up"), Some("set its start to delayed")),
    ("`ip route get ", Some("`route -n get "), Some("PowerShell's `Find-NetRoute -RemoteIPAddress ")),
    ("`ip route`", Some("`netstat -rn`"), Some("`route print`")),
    ("`ip address`", Some("`ifconfig`"), Some("`ipconfig`")),
    ("`ip link set dev INTERFACE mtu 1280`", Some("`sudo ifconfig INTERFACE mtu 1280`"), Some("`netsh interface ipv4 set subinterface INTERFACE mtu=1280`")),
    ("`ss -ltn | grep :", Some("`lsof -nP -sTCP:LISTEN -iTCP:"), Some("`netstat -ano | findstr :")),
    // The broker's machine.
    ("`systemctl status mosquitto` and `ss -ltn`", Some("on Linux `systemctl status mosquitto` and `ss -ltn`, on macOS `lsof -nP -sTCP:LISTEN -iTCP`"), Some("on Linux `systemctl status mosquitto` and `ss -ltn`, on Windows `netstat -ano`")),
    ("`systemctl reload mosquitto`", Some("`systemctl reload mosquitto` on Linux"), Some("`systemctl reload mosquitto` on Linux")),
    ("`journalctl -u mosquitto -e`", Some("on Linux `journalctl -u mosquitto -e`"), Some("on Linux `journalctl -u mosquitto -e`")),
    // The clock.
    ("`timedatectl set-ntp true`, and see with `timedatectl` whether it is synchronised", Some("`sudo sntp -sS time.apple.com`"), Some("`w32tm /resync`, and see with `w32tm /query /status` whether it is synchronised")),
    ("`sudo timedatectl set-ntp true`", Some("`sudo sntp -sS time.apple.com`"), Some("`w32tm /resync`, as administrator")),
    ("`timedatectl set-ntp true`", Some("`sudo sntp -sS time.apple.com`"), Some("`w32tm /resync`, as administrator")),
    ("with the present time: `date -s '2026-01-31 12:00:00'`", Some("with the present time: `sudo date 013112002026`"), Some("with the present time: PowerShell's `Set-Date '2026-01-31 12:00:00'`, as administrator")),
    ("with the present time in UTC: `sudo date -u -s 'YYYY-MM-DD HH:MM:SS'`", Some("with the present time in UTC: `sudo date -u MMDDhhmmYYYY`"), Some("with the present local time: PowerShell's `Set-Date 'YYYY-MM-DD HH:MM:SS'`, as administrator")),
    (" with `date -u`", None, Some("")),
    ("if `date -u` is right", None, Some("if this machine's clock is right")),
    (" (systemd: `After=time-sync.target`)", Some(""), Some("")),
    // The system's trust anchors.
    ("install the package `ca-certificates`: `apt install ca-certificates` or `apk add ca-certificates`; on OpenWrt `opkg install ca-bundle` or `apk add ca-bundle`", Some("bring the system up to date: its CA certificates come with its updates"), Some("bring the system up to date: its CA certificates come with its updates")),
    ("a small system or container (Alpine, Buildroot, Docker, OpenWrt) without the package `ca-certificates`", Some("the system's keychain cannot be read"), Some("the certificate store of this user is empty, or by this machine's clock none of it is valid")),
    ("this machine's list up to date: `apt install ca-certificates`", Some("this machine's list up to date: it comes with the system's updates"), Some("this machine's list up to date: it comes with the system's updates")),
    (": `apt install ca-certificates`", UPDATES, UPDATES),
    (" (Debian: `apt-get install ca-certificates`)", UPDATES, UPDATES),
    ("a damaged file in `/etc/ssl/certs`", Some("a damaged certificate in the keychain"), Some("a damaged certificate in the certificate store")),
    ("bring the collection up to date: `apt install --reinstall ca-certificates`, then `update-ca-certificates --fresh`", Some("bring the system up to date: the collection comes with its updates"), Some("bring the system up to date: the collection comes with its updates")),
    ("correct it or `unset` it", None, Some("correct it or remove it")),
    // Files and variables.
    ("`ls -l *.conf`", None, Some("`dir *.conf`")),
    ("`chmod 600 FILE`", None, Some("`icacls FILE /inheritance:r /grant:r %USERNAME%:F`")),
    ("(HOME is not set)", None, Some("(USERPROFILE is not set)")),
    ("`sudo`, cron and systemd do not hand variables on by themselves", Some("`sudo`, cron and launchd do not hand variables on by themselves"), Some("services and scheduled tasks do not have the variables of a shell")),
    ("`sudo`, cron and systemd do not hand it on by themselves", Some("`sudo`, cron and launchd do not hand it on by themselves"), Some("services, scheduled tasks and shells that were open before do not have it")),
    ("for a systemd service, use `EnvironmentFile=` or `LoadCredential=`", Some("for a launchd service, use `EnvironmentVariables` in its property list"), Some("for a service, set it among the variables of the system, or use `password_file`")),
    (
        "if it is not UTF-8: `iconv -f latin1 -t utf-8 old.conf > new.conf`",
        None,
        Some("if it is not UTF-8, save it so in the editor; `>` of Windows PowerShell 5 writes UTF-16"),
    ),
    ("save the file as UTF-8", None, Some("save the file as UTF-8; `>` of Windows PowerShell 5 writes UTF-16")),
    // The name stands twice: PowerShell then says whether it is set.
    ("`read -rs ", None, Some("PowerShell's `$env:")),
    (" && export ", None, Some(" = Read-Host; Test-Path env:")),
    ("a file that only you can read: `(umask 077; cat > password.txt)`", None, Some("a file below your own folder, where others cannot read")),
    (" that only you can read: `(umask 077; openssl", None, Some(", below your own folder: `(openssl")),
    ("`(umask 077; openssl", None, Some("`(openssl")),
    ("`cat client.crt intermediate.crt > chain.crt`", None, Some("`cmd /c copy /b client.crt+intermediate.crt chain.crt`")),
    (" | head -1`", None, Some("`")),
    (" | grep Version`", None, Some(" | findstr Version`")),
    // Signals and limits.
    ("(SIGINT from Ctrl-C, SIGTERM from the system, or SIGHUP from a terminal that was closed)", None, Some("(from Ctrl-C, from Ctrl-Break, or from a window that was closed)")),
    ("a limit of the shell, the service or the container is too low: `ulimit -n`, `ulimit -u`, `ulimit -v`, `LimitNOFILE=`, `TasksMax=`", Some("a limit of the shell is too low: `ulimit -n`, `ulimit -u`, `ulimit -v`"), Some("a limit of the job or the container that it runs in is too low, or the memory of this machine is used up")),
    ("see the limits: `ulimit -a`, and for a service `systemctl show UNIT`", Some("see the limits: `ulimit -a`"), Some("see in the Task Manager how much memory is left")),
    (" (`ulimit -n`)", None, Some("")),
    ("raise the limit on open files: `ulimit -n 64`, or `LimitNOFILE=` of a service", Some("raise the limit on open files: `ulimit -n 64`"), Some("end programs that hold many connections")),
    ("if `ulimit -v` is not `unlimited`, raise it; 8 MiB are enough", None, Some("if the memory of this machine is used up, end some programs; if a job or a container limits it, raise that limit")),
    ("if `ulimit -u` is reached, which counts all threads of the user, raise it or end some; for a service it is `TasksMax=`", Some("if `ulimit -u` is reached, which counts all threads of the user, raise it or end some"), Some("if another program has very many threads, end it")),
    ("`free` and `top`", Some("`vm_stat` and `top -o mem`"), Some("the Task Manager tells")),
    ("a board has just started, and its kernel, an old one, has not gathered random numbers yet (entropy)", NO_RANDOM, NO_RANDOM),
    ("for random numbers wait some minutes, or run `rngd` or `haveged`, which gather them sooner; see that there is a /dev/urandom", RESTART, RESTART),
    ("wait, or raise `timeout`: an old kernel may take minutes to gather them, fewer with `rngd` or `haveged`", AGAIN, AGAIN),
    ("if it has no /dev/urandom, mount /dev", RESTART, RESTART),
];

/// A text for Linux, for this system.
pub(crate) fn worded(text: &str) -> Cow<'_, str> {
    worded_for(SYSTEM, text)
}

fn worded_for(system: System, text: &str) -> Cow<'_, str> {
    let mut text = Cow::Borrowed(text);
    if system == System::Linux {
        return text;
    }
    for (linux, macos, windows) in ROWS {
        let here = if system == System::MacOs {
            macos
        } else {
            windows
        };
        if let Some(here) = here
            && text.contains(linux)
        {
            text = text.replace(linux, here).into();
        }
    }
    text
}

/// The same of a text that has a row to itself, where nothing can be allocated.
pub(crate) fn worded_as_a_whole(text: &'static str) -> &'static str {
    whole_for(SYSTEM, text)
}

fn whole_for(system: System, text: &'static str) -> &'static str {
    let row = ROWS.iter().find(|(linux, ..)| *linux == text);
    let here = row.and_then(|(_, macos, windows)| match system {
        System::Linux => None,
        System::MacOs => *macos,
        System::Windows => *windows,
    });
    here.unwrap_or(text)
}

impl Diagnosis {
    /// For this system, once all is said.
    pub(crate) fn worded(mut self) -> Self {
        for text in self.help.iter_mut().chain([&mut self.error]) {
            if let Cow::Owned(here) = worded(text) {
                *text = here;
            }
        }
        self
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::fs;
    use std::path::Path;

    use regex::Regex;

    use super::*;
    use crate::diagnosis::RAISE_MEMORY;

    /// Every text in quotes of this folder's sources, and so all that can be said.
    fn texts() -> Vec<String> {
        // Said where a file has a mode, /proc was read, or the C library is musl.
        const OF_LINUX: &[&str] = &[
            "(/proc/net)",
            "no name server is set in",
            "as a line into /etc/hosts",
            "every user of this machine can read it",
        ];
        let quoted = Regex::new(r#""((?:[^"\\]|\\.)*)""#).unwrap();
        let mut texts = Vec::new();
        let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src/diagnosis")];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                let name = path.file_name().unwrap().to_str().unwrap();
                if path.is_dir() {
                    folders.push(path);
                } else if name != "system.rs" && !name.ends_with("_tests.rs") {
                    let source = fs::read_to_string(&path).unwrap();
                    let program = source.split("\n#[cfg(test)]\n").next().unwrap();
                    let found = quoted.captures_iter(program).map(|it| it[1].to_owned());
                    texts.extend(found.filter(|text| text.contains(' ')));
                }
            }
        }
        texts.retain(|text| OF_LINUX.iter().all(|known| !text.contains(known)));
        assert!(texts.len() > 500, "{}", texts.len());
        texts
    }

    #[test]
    fn no_other_system_is_told_of_what_linux_alone_has() {
        const LINUX: &[&str] = &[
            "apt ",
            "apt-get",
            "apk ",
            "opkg",
            "resolv.conf",
            "resolvectl",
            "getent",
            "`ip ",
            "timedatectl",
            "date -s",
            "systemd",
            "/proc",
            "/etc/ssl",
            "LimitNOFILE",
            "TasksMax",
            "rngd",
            "`free`",
        ];
        const UNIX: &[&str] = &[
            "/etc/", "/dev/", "ulimit", "chmod", "sudo", "umask", "read -rs", "export ", "`ls ",
            "| head", "| grep", "date -u", "SIGINT", "SIGHUP", "unset", "HOME", "iconv", "cron",
        ];
        // Of a broker in a network of its own, which may well run on Linux.
        const OF_THE_BROKER: &[&str] = &["systemctl", "journalctl", "`ss "];
        for system in [System::MacOs, System::Windows] {
            let windows = if system == System::Windows { UNIX } else { &[] };
            for text in texts() {
                let here = worded_for(system, &text);
                for word in LINUX.iter().chain(windows) {
                    assert!(!here.contains(word), "{system:?}, {word}: {here}");
                }
                for word in OF_THE_BROKER {
                    let told = here.contains("on Linux");
                    assert!(!here.contains(word) || told, "{system:?}, {word}: {here}");
                }
                assert_eq!(
                    here.matches('`').count() % 2,
                    text.matches('`').count() % 2,
                    "{here}"
                );
            }
        }
    }

    #[test]
    fn each_row_is_for_something_that_is_said() {
        let texts = texts();
        for (linux, macos, windows) in ROWS {
            assert!(macos.is_some() || windows.is_some(), "{linux}");
            assert!(texts.iter().any(|text| text.contains(linux)), "{linux}");
        }
    }

    #[test]
    fn without_memory_the_advice_is_the_same() {
        for system in [System::Linux, System::MacOs, System::Windows] {
            assert_eq!(
                whole_for(system, RAISE_MEMORY),
                worded_for(system, RAISE_MEMORY)
            );
        }
        assert!(whole_for(System::Linux, RAISE_MEMORY).contains("ulimit"));
        assert!(!whole_for(System::Windows, RAISE_MEMORY).contains("ulimit"));
    }

    #[test]
    fn advice_is_that_of_the_system() {
        let check = |system, linux, expected| assert_eq!(worded_for(system, linux), expected);
        let listening =
            "on the broker's machine, `ss -ltn | grep :1883` shows whether anything listens there";
        check(System::Linux, listening, listening);
        check(
            System::MacOs,
            listening,
            "on the broker's machine, `lsof -nP -sTCP:LISTEN -iTCP:1883` shows whether anything listens there",
        );
        check(
            System::Windows,
            listening,
            "on the broker's machine, `netstat -ano | findstr :1883` shows whether anything listens there",
        );
        check(
            System::Windows,
            "set it in this shell without leaving it in the history: `read -rs KEY && export KEY`",
            "set it in this shell without leaving it in the history: PowerShell's `$env:KEY = Read-Host; Test-Path env:KEY`",
        );
    }
}
