//! What `packaging/` ships beside the program: its man page as troff reads it, and its completions as
//! bash, zsh and fish run them. That their tables are those of the program the unit tests hold
//! (`src/cli/packaged_tests.rs`).

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::lab::Lab;

fn packaging(path: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    root.join("packaging").join(path)
}

#[track_caller]
fn run(command: &mut Command) -> Output {
    let shown = format!("{command:?}");
    command
        .output()
        .unwrap_or_else(|error| panic!("{shown}: {error}"))
}

#[test]
fn mandoc_finds_no_fault_in_the_man_page() {
    let page = packaging("mqtt-test.1");
    let lint = run(Command::new("mandoc").args(["-T", "lint"]).arg(&page));
    assert_eq!(String::from_utf8_lossy(&lint.stdout), "");
    assert!(lint.status.success());
}

/// A line up to the cursor, and all that is offered there, in alphabetical order.
const CASES: &[(&str, &str)] = &[
    ("pu", "pub"),
    (
        "",
        "broker.conf explain folder help new pub request sub two_words.conf",
    ),
    ("bro", "broker.conf"),
    ("--ver", "--verbose --version"),
    // The flags of a command, and no other's.
    ("broker.conf --f", ""),
    ("pub broker.conf --f", "--file"),
    ("sub broker.conf --f", "--for"),
    ("request broker.conf --re", "--response-topic"),
    ("pub broker.conf --re", "--repeat --response-topic --retain"),
    (
        "sub broker.conf --re",
        "--retain-as-published --retain-handling --retained",
    ),
    ("explain --j", "--json"),
    ("new --", "--help"),
    // A config file comes once, wherever the flags are.
    ("pub bro", "broker.conf"),
    ("pub folder/", "ca.crt"),
    ("pub -t a/b -q1 bro", "broker.conf"),
    ("pub --topic=a/b -rn bro", "broker.conf"),
    ("pub broker.conf bro", ""),
    ("--set port=1883 sub bro", "broker.conf"),
    ("mqtts://user@host:8883/a/b --verb", "--verbose"),
    // Values.
    ("pub broker.conf -q ", "0 1 2"),
    ("pub broker.conf --qos=", "0 1 2"),
    ("sub broker.conf --retained ", "only skip"),
    ("sub broker.conf --retain-handling ", "0 1 2"),
    ("broker.conf --color=al", "always"),
    ("pub broker.conf --payload-format ", "bytes text"),
    ("pub broker.conf -f bro", "broker.conf"),
    ("pub broker.conf -m bro", ""),
    ("pub -t bro", ""),
    ("broker.conf --set tls_v", "tls_version="),
    ("broker.conf --set user_p", "user_property."),
    ("broker.conf --set ca_file=folder/", "ca.crt"),
    ("broker.conf --set=ca_file=folder/", "ca.crt"),
    ("broker.conf --set port=", ""),
    // What follows the other commands.
    ("explain tls-ex", "tls-expired"),
    ("explain clock", "clock-suspect"),
    ("explain tls-expired tls", ""),
    ("new ", "aws azure emqx hivemq local mosquitto thingsboard"),
    ("help ", "pub request sub"),
];

/// Runs a shell on all lines of [`CASES`] at once: for each it prints `== `, the line, and below that an
/// offer a line.
#[track_caller]
fn every_case(shell: &mut Command) {
    let lab = Lab::new();
    let folder = lab.dir().join("here");
    for file in ["broker.conf", "two_words.conf", "folder/ca.crt"] {
        let path = folder.join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "").unwrap();
    }
    let lines = CASES.iter().map(|(line, _)| format!("mqtt-test {line}"));
    let output = run(shell.args(lines).current_dir(&folder).env("LC_ALL", "C"));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    let printed = String::from_utf8(output.stdout).unwrap();
    let mut found = printed.split("== mqtt-test ").skip(1);
    for (line, expected) in CASES {
        let printed = found.next().unwrap_or_else(|| panic!("nothing on {line}"));
        let (said, offers) = printed.split_once('\n').unwrap();
        let mut offers: Vec<&str> = offers.lines().map(offer).collect();
        offers.sort_unstable();
        assert_eq!((said, offers.join(" ").as_str()), (*line, *expected));
    }
}

/// A word without its description, and of a path or a value the last part: that is all that some
/// shells tell.
fn offer(line: &str) -> &str {
    let word = line.split('\t').next().unwrap();
    let word = word.trim_end_matches('/');
    match word.rsplit_once(['=', '/']) {
        Some((_, last)) if !last.is_empty() => last,
        _ => word,
    }
}

#[test]
fn bash_completes() {
    // Words are parted as bash does it with its usual COMP_WORDBREAKS.
    const DRIVER: &str = r#"
        source "$1"
        shift
        for line; do
            read -ra COMP_WORDS <<<"$(sed -E 's/[=:]+/ & /g' <<<"$line")"
            [[ $line != *' ' ]] || COMP_WORDS+=('')
            COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) COMP_LINE=$line COMP_POINT=${#line}
            _mqtt_test
            printf '%s\n' "== $line" "${COMPREPLY[@]}"
        done
    "#;
    let mut bash = Command::new("bash");
    bash.args(["--norc", "-c", DRIVER, "bash"]);
    every_case(bash.arg(packaging("completions/mqtt-test.bash")));
}

#[test]
fn zsh_completes() {
    // An interactive shell on a terminal of its own, whose builtin `compadd` tells what it adds.
    const DRIVER: &str = r#"
        zmodload zsh/zpty zsh/zselect
        found=$(mktemp -d) completions=$1
        export found completions
        zpty shell zsh -f -i
        zpty -w shell '
            PROMPT=; fpath=($completions $fpath); autoload -Uz compinit; compinit -u -D
            compadd() {
                if [[ ${@[1,(i)(-|--)]} != *-(O|A|D)\ * ]]; then
                    local -a hits
                    builtin compadd -O hits "$@"
                    (( ! $#hits )) || print -rl -- $hits >>$found/hits
                fi
                builtin compadd "$@"
            }
            report() { : >$found/hits; zle list-choices; mv $found/hits $found/done; zle kill-buffer }
            zle -N report; bindkey "^I" report; touch $found/done
        '
        wait-for-it() {
            repeat 1500; do [[ ! -e $found/done ]] || return 0; zselect -t 2; done
            print -u 2 "no answer within 30 s on $1"
            exit 1
        }
        shift
        wait-for-it "its start"
        for line; do
            rm $found/done
            zpty -w -n shell $line$'\t'
            wait-for-it $line
            print -r -- "== $line"
            cat $found/done
        done
        zpty -d shell
        rm -r $found
    "#;
    let mut zsh = Command::new("zsh");
    zsh.args(["-f", "-c", DRIVER, "zsh"]);
    every_case(zsh.arg(packaging("completions")));
}

#[test]
fn fish_completes() {
    const DRIVER: &str = r#"
        source $argv[1]
        for line in $argv[2..]
            printf '%s\n' "== $line" (complete -C $line)
        end
    "#;
    let mut fish = Command::new("fish");
    fish.args(["--no-config", "-c", DRIVER, "--"]);
    every_case(fish.arg(packaging("completions/mqtt-test.fish")));
}
