//! The man page and the completions of `packaging/`: what stands in them between `made: NAME` and `end`
//! is made from the tables of flags, keys, commands, providers and codes, and of the reference.
//! `UPDATE_GOLDEN=1` writes it anew.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that panics is a test that fails"
)]

use std::ffi::OsString;
use std::path::Path;

use crate::cli::args::{COMMANDS, parse};
use crate::cli::flags::{CommandName, Does, FLAGS, Flag};
use crate::cli::help::{self, Part};
use crate::config::types::KeyKind;
use crate::config::{Key, PROVIDERS};
use crate::diagnosis::explain;

const MAN_PAGE: &str = "packaging/mqtt-test.1";
const BASH: &str = "packaging/completions/mqtt-test.bash";
const ZSH: &str = "packaging/completions/_mqtt-test";
const FISH: &str = "packaging/completions/mqtt-test.fish";
const REFERENCE: &str = "docs/reference.md";

/// Each as its flags are grouped by, and what its first word is to the shells.
const GROUPS: [(CommandName, &str); 6] = [
    (CommandName::Check, "check"),
    (CommandName::Pub, "pub"),
    (CommandName::Sub, "sub"),
    (CommandName::Request, "request"),
    (CommandName::New, "new"),
    (CommandName::Explain, "explain"),
];

/// In a few words, for a list in a shell.
fn about(command: &str) -> &'static str {
    match command {
        "pub" => "publish a message, a file, or lines",
        "sub" => "print messages as they arrive",
        "request" => "publish a question, print the answer",
        "new" => "print a commented config file to start from",
        "explain" => "what a code means, and what to do",
        "help" => "print the help",
        other => panic!("{other} is new: what does it do?"),
    }
}

fn file(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Compares each part of a file that is made with what `make` makes of its name.
#[track_caller]
fn check(path: &str, comment: &str, make: impl Fn(&str) -> String) {
    let (begin, end) = (format!("{comment} made: "), format!("{comment} end"));
    let (kept, mut text) = (file(path), String::new());
    let mut lines = kept.lines();
    let mut parts = 0;
    while let Some(line) = lines.next() {
        text.push_str(&format!("{line}\n"));
        if let Some(name) = line.trim_start().strip_prefix(&begin) {
            parts += 1;
            let indent = &line[..line.len() - line.trim_start().len()];
            for line in make(name).lines() {
                text.push_str(&format!("{indent}{line}\n"));
            }
            let last = lines.find(|line| line.trim_start() == end);
            text.push_str(&format!("{}\n", last.expect("the second marker")));
        }
    }
    assert!(parts > 0, "{path} has no markers");
    if std::env::var_os("UPDATE_GOLDEN").is_some_and(|value| value == "1") {
        std::fs::write(Path::new(env!("CARGO_MANIFEST_DIR")).join(path), text).unwrap();
        return;
    }
    let difference = kept.lines().zip(text.lines()).find(|(old, new)| old != new);
    assert!(
        kept == text,
        "{path} is not that of the program; UPDATE_GOLDEN=1 rewrites it; first: {difference:?}"
    );
}

/// What the help says of a flag of this command, line ends and all; `None`: nothing.
fn said(flag: &Flag, command: CommandName) -> Option<&'static str> {
    help::parts(command).iter().find_map(|part| match part {
        Part::Flags(section) => flag.help_in(*section),
        Part::Text(_) => None,
    })
}

/// What a shell offers for a command, with what it says there.
fn offered(command: CommandName) -> impl Iterator<Item = (&'static Flag, String)> {
    let own = move |flag: &&Flag| flag.commands.contains(&command);
    FLAGS.iter().filter(own).filter_map(move |flag| {
        // It stands alone, or after the name of a command.
        if flag.does == Does::Help {
            return Some((flag, "print the help".to_owned()));
        }
        let all = [command, CommandName::Check];
        let said = all.into_iter().find_map(|it| said(flag, it))?;
        let useful = match command {
            CommandName::Check => true,
            // What these print is a text.
            CommandName::New => false,
            CommandName::Explain => flag.does == Does::Json,
            _ => flag.does != Does::Version,
        };
        useful.then(|| (flag, said.replace('\n', " ")))
    })
}

/// What the value of a flag is.
enum Value {
    None,
    Words(Vec<&'static str>),
    File,
    Setting,
    Any,
}

fn value(flag: &Flag) -> Value {
    match flag.does {
        _ if flag.value.is_empty() => Value::None,
        _ if flag.value.contains('|') => Value::Words(flag.value.split('|').collect()),
        Does::Color => Value::Words(vec!["auto", "always", "never"]),
        Does::Key(Key::PayloadFormat) => Value::Words(vec!["text", "bytes"]),
        Does::File => Value::File,
        Does::Set => Value::Setting,
        _ => Value::Any,
    }
}

/// `port=`, `user_property.`: what `--set` may begin with.
fn settings() -> String {
    let begin = |key: Key| match key.is(KeyKind::Named) {
        true => format!("{key}."),
        false => format!("{key}="),
    };
    let all: Vec<_> = Key::ALL.into_iter().map(begin).collect();
    all.join(" ")
}

fn codes() -> String {
    let all: Vec<_> = explain::all().map(|code| code.name).collect();
    all.join(" ")
}

/// The names of all flags with a value, also of those that no help speaks of.
fn with_value(separator: &str) -> String {
    let flags = FLAGS.iter().filter(|flag| flag.takes_value());
    let names: Vec<_> = flags.flat_map(|flag| flag.names()).collect();
    names.join(separator)
}

#[test]
fn the_completions_of_bash_are_made_from_the_tables() {
    let words = || {
        let mut rows = vec![
            ("commands".to_owned(), COMMANDS.join(" ")),
            ("settings".to_owned(), settings()),
            ("after new".to_owned(), PROVIDERS.join(" ")),
            ("after explain".to_owned(), codes()),
            ("after help".to_owned(), "pub sub request".to_owned()),
        ];
        for (command, name) in GROUPS {
            let flags: Vec<_> = offered(command)
                .flat_map(|(flag, _)| flag.names())
                .collect();
            rows.push((format!("flags of {name}"), flags.join(" ")));
        }
        let row = |(name, words)| format!("'{name}') words='{words}' ;;\n");
        rows.into_iter().map(row).collect()
    };
    let values = || {
        let row = |flag: &Flag| {
            let value = match value(flag) {
                Value::None => return None,
                Value::Words(words) => words.join(" "),
                Value::File => "FILE".to_owned(),
                Value::Setting => "SETTING".to_owned(),
                Value::Any => "ANY".to_owned(),
            };
            let names: Vec<_> = flag.names().collect();
            Some(format!("{}) value='{value}' ;;\n", names.join(" | ")))
        };
        FLAGS.iter().filter_map(row).collect()
    };
    check(BASH, "#", |name| match name {
        "words" => words(),
        "values" => values(),
        name => panic!("{name}?"),
    });
}

/// One word of zsh or fish, whatever is in it.
fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[test]
fn the_completions_of_zsh_are_made_from_the_tables() {
    let spec = |command, flag: &Flag, text: &str| {
        let text = text
            .replace('[', r"\[")
            .replace(']', r"\]")
            .replace(':', r"\:");
        let value = match value(flag) {
            Value::None => String::new(),
            Value::Words(words) => format!(":{}:({})", flag.value, words.join(" ")),
            Value::File => format!(":{}:_files", flag.value),
            Value::Setting => format!(":{}:_mqtt-test-setting", flag.value),
            Value::Any => format!(":{}: ", flag.value),
        };
        let rest = quote(&format!("[{text}]{value}"));
        let (after_short, after_long) = match flag.takes_value() {
            true => ("+", "="),
            false => ("", ""),
        };
        let again = matches!(flag.does, Does::Set | Does::KeyNamed(_))
            || (command == CommandName::Sub && flag.does == Does::Key(Key::Topic));
        let alone = matches!(flag.does, Does::Help | Does::Version);
        let (short, long) = (flag.short, flag.long);
        match (short.is_empty(), again) {
            (true, true) => format!("'*'{long}{after_long}{rest}"),
            (true, false) => format!("{long}{after_long}{rest}"),
            (false, true) => format!("'*'{{{short}{after_short},{long}{after_long}}}{rest}"),
            (false, false) if alone => format!("'(- *)'{{{short},{long}}}{rest}"),
            (false, false) => {
                format!("'({short} {long})'{{{short}{after_short},{long}{after_long}}}{rest}")
            }
        }
    };
    check(ZSH, "#", |name| match name {
        "settings" => format!("settings=({})\n", settings()),
        "providers" => format!("providers=({})\n", PROVIDERS.join(" ")),
        "codes" => format!("codes=({})\n", codes()),
        "commands" => {
            let rows =
                COMMANDS.map(|it| format!("    {}\n", quote(&format!("{it}:{}", about(it)))));
            format!("commands=(\n{})\n", rows.concat())
        }
        "flags with a value" => format!("({}) skip=1 ;;\n", with_value("|")),
        "flags" => {
            let mut text = String::new();
            for (command, name) in GROUPS {
                text.push_str(&format!("({name})\n    flags=(\n"));
                for (flag, said) in offered(command) {
                    text.push_str(&format!("        {}\n", spec(command, flag, &said)));
                }
                text.push_str("    )\n    ;;\n");
            }
            text
        }
        name => panic!("{name}?"),
    });
}

#[test]
fn the_completions_of_fish_are_made_from_the_tables() {
    let row = |name: &str, flag: &Flag, text: &str| {
        let short = flag.short.trim_start_matches('-');
        let short = match short.is_empty() {
            true => String::new(),
            false => format!(" -s {short}"),
        };
        let long = flag.long.trim_start_matches('-');
        let value = match value(flag) {
            Value::None => String::new(),
            Value::Words(words) => format!(" -x -a '{}'", words.join(" ")),
            Value::File => " -r -F".to_owned(),
            Value::Setting => " -x -a '(__mqtt_test_setting)'".to_owned(),
            Value::Any => " -x".to_owned(),
        };
        let text = text.replace('\\', r"\\").replace('\'', r"\'");
        format!(
            "complete -c mqtt-test -n '__mqtt_test_of {name}'{short} -l {long}{value} -d '{text}'\n"
        )
    };
    check(FISH, "#", |name| match name {
        "flags with a value" => format!("case {}\n    set skip yes\n", with_value(" ")),
        "words" => format!(
            "set -g __mqtt_test_commands {}\nset -g __mqtt_test_settings {}\n",
            COMMANDS.join(" "),
            settings()
        ),
        "commands" => {
            let at = |place: &str, words: &str| {
                format!("complete -c mqtt-test -n '__mqtt_test_at {place}' -a '{words}'")
            };
            let mut text = String::new();
            for command in COMMANDS {
                let row = at("check 0", command);
                text.push_str(&format!("{row} -d '{}'\n", about(command)));
            }
            text.push_str(&format!("{}\n", at("new 1", &PROVIDERS.join(" "))));
            text.push_str(&format!("{}\n", at("explain 1", &codes())));
            text.push_str(&format!("{}\n", at("help 1", "pub sub request")));
            text
        }
        "flags" => {
            let mut text = String::new();
            for (command, name) in GROUPS {
                for (flag, said) in offered(command) {
                    text.push_str(&row(name, flag, &said));
                }
            }
            text
        }
        name => panic!("{name}?"),
    });
}

/// Each flag that a shell offers, and each of the words it offers for its value, is one.
#[test]
fn what_the_shells_offer_is_understood() {
    let mut tried = 0;
    for (command, name) in GROUPS {
        let words: &[&str] = match command {
            CommandName::Check => &["a.conf"],
            CommandName::New => &["new", "hivemq"],
            CommandName::Explain => &["explain"],
            _ => &[name, "a.conf"],
        };
        for (flag, _) in offered(command) {
            let values = match value(flag) {
                Value::Words(values) => values,
                Value::None => vec![""],
                _ => continue,
            };
            for value in values {
                let mut argv = words.to_vec();
                // These stand alone, or after a command.
                match flag.does {
                    Does::Help if name != "check" => argv.truncate(1),
                    Does::Help | Does::Version => argv.clear(),
                    _ => {}
                }
                argv.push(flag.long);
                argv.extend(Some(value).filter(|value| !value.is_empty()));
                let parsed = parse(argv.iter().map(OsString::from).collect());
                assert!(parsed.is_ok(), "{argv:?}: {parsed:?}");
                tried += 1;
            }
        }
    }
    assert!(tried > 60, "{tried}");
}

/// Text of the program, or of the reference, for troff: no hyphen where a command is meant.
fn troff(text: &str) -> String {
    let mut roff = String::new();
    let mut code = false;
    let mut before = ' ';
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let within = before.is_alphanumeric() && chars.peek().is_some_and(|c| c.is_alphanumeric());
        match c {
            '`' => {
                roff.push_str(if code { r"\fR" } else { r"\fB" });
                code = !code;
            }
            '\\' => roff.push_str(r"\e"),
            '-' if code || !within => roff.push_str(r"\-"),
            '\'' => roff.push_str(r"\(aq"),
            '~' => roff.push_str(r"\(ti"),
            '^' => roff.push_str(r"\(ha"),
            c => roff.push(c),
        }
        before = c;
    }
    wrap(&roff)
}

/// In lines of at most 80 columns, none of which begins like a request.
fn wrap(text: &str) -> String {
    let mut wrapped = String::new();
    let mut column = 0;
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let guard = if word.starts_with('.') { r"\&" } else { "" };
        let width = word.chars().count() + guard.len();
        if column > 0 && column + 1 + width <= 80 {
            wrapped.push_str(&format!(" {word}"));
            column += 1 + width;
        } else {
            let end = if column > 0 { "\n" } else { "" };
            wrapped.push_str(&format!("{end}{guard}{word}"));
            column = width;
        }
    }
    wrapped
}

/// The flags of a command below the headings that they have in its help.
fn man_flags(command: CommandName) -> String {
    let mut page = String::new();
    for part in help::parts(command) {
        match part {
            Part::Text(prose) => {
                let heading = prose.trim_end().rsplit("\n\n").next().unwrap_or_default();
                // What follows the last flags is no heading.
                if prose.ends_with(":\n") || prose.ends_with(".\n") && prose.lines().count() == 2 {
                    let heading = heading.trim().replace('\n', " ");
                    if !page.is_empty() {
                        page.push_str(".PP\n");
                    }
                    page.push_str(&format!("{}\n", troff(&heading)));
                }
            }
            Part::Flags(section) => {
                for flag in FLAGS {
                    if let Some(said) = flag.help_in(*section) {
                        page.push_str(&format!(".TP\n{}\n", man_flag(flag)));
                        let said = said.replace('\n', " ");
                        // It is not this text.
                        let said = said.replace("this text; also", "the help; also");
                        page.push_str(&format!("{}\n", troff(&said)));
                    }
                }
            }
        }
    }
    page
}

fn man_flag(flag: &Flag) -> String {
    let bold = |name: &str| format!(r"\fB{}\fR", name.replace('-', r"\-"));
    let names: Vec<_> = flag.names().map(bold).collect();
    let value = match flag.value {
        "" => String::new(),
        value => format!(r" \fI{value}\fR"),
    };
    format!("{}{value}", names.join(", "))
}

/// The rows of the first table below a heading of the reference, without its head.
fn reference(heading: &str) -> Vec<Vec<String>> {
    let text = file(REFERENCE);
    let (_, section) = text.split_once(&format!("\n## {heading}\n")).unwrap();
    let rows = section.lines().skip_while(|line| !line.starts_with('|'));
    let rows = rows.take_while(|line| line.starts_with('|')).skip(2);
    rows.map(|row| {
        let row = row.trim_matches('|').replace(r"\|", "\u{1}");
        row.split('|')
            .map(|cell| without_links(cell.trim()).replace('\u{1}', "|"))
            .collect()
    })
    .collect()
}

/// `[text](where)` is the text.
fn without_links(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, link)) = rest.split_once('[') {
        let (text, after) = link.split_once("](").expect("a link");
        plain.push_str(before);
        plain.push_str(text);
        rest = after.split_once(')').expect("the end of a link").1;
    }
    plain + rest
}

#[test]
fn the_man_page_is_made_from_the_tables() {
    let keys = || {
        let mut text = String::new();
        for row in reference("The keys") {
            let name = row[0].trim_matches('`');
            // Where a reader of the page cannot follow.
            let mut sentences = vec![row[2].replace(": what MQTT 5 adds", "")];
            sentences.push(match row[1].as_str() {
                "none" => String::new(),
                "required" => "Required".to_owned(),
                default => format!("Default: {default}"),
            });
            sentences.retain(|sentence| !sentence.is_empty());
            let meaning = troff(&format!("{}.", sentences.join(". ")));
            text.push_str(&format!(".TP\n.B {name}\n{meaning}\n"));
        }
        text
    };
    let exit_codes = || {
        let mut text = String::new();
        for row in reference("Exit codes") {
            let stage = match row[1].as_str() {
                "" => String::new(),
                stage => format!("{stage}: "),
            };
            let meaning = troff(&format!("{stage}{}", row[2]));
            text.push_str(&format!(".TP\n.B {}\n{meaning}\n", row[0]));
        }
        text
    };
    check(MAN_PAGE, r#".\""#, |name| match name {
        "title" => format!(
            ".TH MQTT\\-TEST 1 2026-11-27 \"mqtt\\-test {}\" \"User Commands\"\n",
            env!("CARGO_PKG_VERSION")
        ),
        "providers" => format!("{}.\n", troff(&format!("`{}`", PROVIDERS.join("`, `")))),
        "keys" => keys(),
        "exit codes" => exit_codes(),
        name => {
            let (command, _) = GROUPS.iter().find(|(_, group)| *group == name).unwrap();
            man_flags(*command)
        }
    });
}
