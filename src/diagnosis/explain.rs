//! `mqtt-test explain`: what every code means, for people who meet it for the first time, as text for
//! a terminal of 80 columns and as JSON. It knows no failure of a run.

use crate::config::{UsageError, url};
use crate::diagnosis::code::{Code, Kind};
use crate::diagnosis::codes::{
    certificate, client_certificate, connack, connect, files, issuer, net, publish, receive, run,
    settings, subscribe, tls, usage,
};
use crate::diagnosis::{system, warning};
use crate::util::{Json, nearest};

/// Every code: the failures in the order of their stages, then the rest.
pub(crate) fn all() -> impl Iterator<Item = &'static Code> {
    let layers = [
        usage::CODES,
        files::CODES,
        settings::CODES,
        net::CODES,
        tls::CODES,
        issuer::CODES,
        certificate::CODES,
        client_certificate::CODES,
        connect::CODES,
        connack::CODES,
        subscribe::CODES,
        publish::CODES,
        receive::CODES,
        run::CODES,
        warning::CODES,
    ];
    layers.into_iter().flatten().copied()
}

/// What `explain` prints of a code or an exit code, or of all.
///
/// # Errors
/// As [`find`].
pub(crate) fn text(given: Option<&str>, json: bool) -> Result<String, UsageError> {
    let exit_code = given.and_then(|given| given.parse::<u8>().ok());
    let exits = |code: &&Code| exit_code.is_none() || code.exit_code() == exit_code;
    let some = all().any(|code| exits(&code));
    Ok(match given {
        Some(given) if exit_code.is_none() || !some => {
            let code = find(given)?;
            if json {
                format!("{}\n", one_json(code))
            } else {
                one(code)
            }
        }
        _ if json => format!("{}\n", list_json(all().filter(exits))),
        _ => list(all().filter(exits)),
    })
}

/// The code of this name, in whatever case it was typed, or of a line that shows it:
/// `error[tls-expired]: …`.
///
/// # Errors
/// [`UsageError::UnknownCode`], with the nearest one.
pub(crate) fn find(given: &str) -> Result<&'static Code, UsageError> {
    let inner = given
        .split_once('[')
        .and_then(|(_, rest)| rest.split(']').next());
    let given = inner.unwrap_or(given).trim();
    let same = all().find(|code| code.name.eq_ignore_ascii_case(given));
    same.ok_or_else(|| {
        let names: Vec<_> = all().map(|code| code.name).collect();
        let nearest = nearest(&given.to_ascii_lowercase(), &names);
        let given = url::redact(given);
        UsageError::UnknownCode { given, nearest }
    })
}

/// The stage of a failure; `any` and `warning` stand where there is none.
fn stage(code: &Code) -> &'static str {
    match code.kind {
        Kind::Failure { stage, .. } => stage.name(),
        Kind::Interrupted | Kind::Limit => "any",
        Kind::Warning => "warning",
    }
}

/// What the code means, in whole sentences.
fn meaning(code: &Code) -> String {
    let mut line = code.line.chars();
    let capital = line.next().map(|first| first.to_ascii_uppercase());
    let sentence: String = capital.into_iter().chain(line).collect();
    format!("{sentence}. {}", system::worded(code.more))
}

/// The terminal's width that is written for.
const WIDTH: usize = 80;

/// Every code with its meaning in a line, under the heading of its stage.
fn list(codes: impl Iterator<Item = &'static Code>) -> String {
    let mut text = String::new();
    let width = all().map(|code| code.name.len()).max().unwrap_or_default();
    let mut under = String::new();
    for code in codes {
        let heading = heading(code);
        if heading != under {
            if !under.is_empty() {
                text.push('\n');
            }
            text.push_str(&heading);
            text.push('\n');
            under = heading;
        }
        text.push_str(&format!("  {:<width$}  {}\n", code.name, code.line));
    }
    text.push_str("\n`mqtt-test explain CODE` says more: causes, and what to do.\n");
    text
}

fn heading(code: &Code) -> String {
    match code.kind {
        Kind::Failure { stage, .. } => {
            format!("{} (exit code {})", stage.name(), stage.exit_code())
        }
        Kind::Interrupted => "in any stage (exit code 130)".to_owned(),
        Kind::Limit => "in any stage (with its exit code)".to_owned(),
        Kind::Warning => "warnings (the exit code stays as it is)".to_owned(),
    }
}

/// One code: what it means, what commonly leads to it, what to do.
fn one(code: &Code) -> String {
    let what = match code.kind {
        Kind::Failure { .. } => format!("a failure of the stage {}", heading(code)),
        Kind::Interrupted | Kind::Limit => heading(code),
        Kind::Warning => "a warning (the exit code stays as it is)".to_owned(),
    };
    let mut text = format!("{}: {what}\n\n", code.name);
    wrap(&mut text, "", "", &meaning(code));
    for (title, items) in [
        ("What commonly causes it:", code.causes),
        ("What to do:", code.remedies),
    ] {
        text.push_str(&format!("\n{title}\n"));
        for item in items {
            wrap(&mut text, "  - ", "    ", &system::worded(item));
        }
    }
    text
}

/// `{"codes":[…]}`.
fn list_json(codes: impl Iterator<Item = &'static Code>) -> Json {
    Json::Object(vec![("codes", Json::List(codes.map(one_json).collect()))])
}

/// `exit_code` is null for a warning, which has none.
fn one_json(code: &Code) -> Json {
    let texts = |items: &[&'static str]| Json::texts(items.iter().map(|item| system::worded(item)));
    Json::Object(vec![
        ("code", code.name.into()),
        ("stage", stage(code).into()),
        ("exit_code", code.exit_code().into()),
        ("meaning", meaning(code).into()),
        ("causes", texts(code.causes)),
        ("remedies", texts(code.remedies)),
    ])
}

/// Breaks at spaces, but never inside backticks: a command must stay in one piece to be copied.
fn wrap(text: &mut String, first: &str, rest: &str, words: &str) {
    let mut line = first.to_owned();
    let mut begun = false;
    for word in unbroken(words) {
        if begun && line.chars().count() + 1 + word.chars().count() > WIDTH {
            text.push_str(&line);
            text.push('\n');
            rest.clone_into(&mut line);
        } else if begun {
            line.push(' ');
        }
        line.push_str(word);
        begun = true;
    }
    text.push_str(&line);
    text.push('\n');
}

/// The words, with what stands between backticks as part of one.
fn unbroken(words: &str) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    words.split(move |c: char| {
        quoted ^= c == '`';
        c == ' ' && !quoted
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With the longest code before it, a terminal's width.
    const LINE: usize = 52;

    #[test]
    fn every_code_is_explained_in_full() {
        for code in all() {
            let Code {
                name,
                line,
                more,
                causes,
                remedies,
                ..
            } = code;
            assert!(line.chars().count() <= LINE, "{name}: {line}");
            assert!(!line.ends_with('.') && !line.contains('|'), "{name}");
            assert!(
                line.starts_with(|c: char| c.is_ascii_lowercase() || c == '`'),
                "{name}"
            );
            assert!(more.ends_with('.'), "{name}: {more}");
            assert!(!causes.is_empty() && !remedies.is_empty(), "{name}");
            for text in [line, more].into_iter().chain(*causes).chain(*remedies) {
                assert!(text.len() > 10, "{name}: {text}");
                assert_eq!(text.trim(), *text, "{name}");
                assert!(!text.contains("  ") && !text.contains('\n'), "{name}");
                assert_eq!(text.matches('`').count() % 2, 0, "{name}: {text}");
                crate::testing::assert_sound_advice(text);
            }
        }
    }

    #[test]
    fn names_are_unique_and_found() {
        for code in all() {
            assert_eq!(find(code.name), Ok(code));
            assert_eq!(find(&code.name.to_uppercase()), Ok(code));
            let same = all().filter(|other| *other == code);
            assert_eq!(same.count(), 1, "{}", code.name);
            let same = all().filter(|other| other.line == code.line);
            assert_eq!(same.count(), 1, "{}", code.name);
        }
        for (given, shown, nearest) in [
            ("error[tls-expird]: x", "tls-expird", Some("tls-expired")),
            ("tls-expird", "tls-expird", Some("tls-expired")),
            ("Interupted", "Interupted", Some("interrupted")),
            ("tls", "tls", None),
            ("", "", None),
            ("mqtts://me:hunter2@h", "mqtts://me@h", None),
        ] {
            let given = find(given);
            let shown = shown.to_owned();
            let unknown = UsageError::UnknownCode {
                given: shown,
                nearest,
            };
            assert_eq!(given, Err(unknown));
        }
    }

    #[test]
    fn a_line_and_an_exit_code_are_explained() {
        let expired = text(Some("tls-expired"), false);
        for line in [
            "error[tls-expired]",
            "error[tls-expired]: the c",
            " [TLS-EXPIRED] ",
        ] {
            assert_eq!(text(Some(line), false), expired, "{line}");
        }
        let codes = |exit: &str| text(Some(exit), false).unwrap_or_default();
        assert!(codes("5").starts_with("tls (exit code 5)\n  tls-not-tls "));
        assert!(!codes("5").contains("dns"));
        assert!(codes("130").contains("  interrupted  "));
        assert!(
            text(Some("5"), true)
                .unwrap_or_default()
                .starts_with("{\"codes\":[{")
        );
        for none in ["0", "1", "42", "256"] {
            let (given, nearest) = (none.to_owned(), None);
            let unknown = UsageError::UnknownCode { given, nearest };
            assert_eq!(text(Some(none), false), Err(unknown));
        }
    }

    #[test]
    fn the_meaning_is_whole_sentences() {
        let meaning = meaning(&certificate::EXPIRED);
        assert!(meaning.starts_with("The broker's certificate has expired. Every "));
    }

    #[test]
    fn the_list_fits_a_terminal() {
        let list = list(all());
        for line in list.lines() {
            assert!(line.chars().count() <= WIDTH, "{line}");
        }
        for code in all() {
            let row = format!("  {} ", code.name);
            assert_eq!(list.matches(&row).count(), 1, "{row}");
        }
        assert!(list.starts_with("config (exit code 2)\n  usage-invalid  "));
        assert!(list.contains("\n\ntls (exit code 5)\n  tls-not-tls "));
    }

    #[test]
    fn a_line_is_long_only_for_a_command() {
        for line in all().map(one).collect::<String>().lines() {
            let long = line.chars().count() > WIDTH;
            assert!(!long || line.trim_start().contains('`'), "{line}");
        }
    }

    #[test]
    fn one_code_reads_like_this() {
        let text = one(&tls::NO_SNI);
        let expected = "\
tls-no-sni: a failure of the stage tls (exit code 5)

The broker wants to be called by name (SNI). Many brokers can share one address,
and the client tells with its first TLS message which one it wants (SNI). None
was told, and the broker refused.

What commonly causes it:
  - `host` is an IP address, and SNI carries names only
  - `sni = off` is set

What to do:
  - set `host` to the broker's full name, as its provider shows it
  - if that name has no address here, add it to `/etc/hosts`:
    `192.0.2.1 broker.example.com`
  - remove `sni = off`
";
        assert_eq!(text, expected);
    }

    #[test]
    fn commands_stay_whole() {
        let command = format!("`{}`", "word ".repeat(30).trim());
        let mut text = String::new();
        wrap(&mut text, "- ", "  ", &format!("run {command}, then wait"));
        assert_eq!(text, format!("- run\n  {command},\n  then wait\n"));
    }

    #[test]
    fn json_has_the_documented_keys() {
        let object: serde_json::Value =
            serde_json::from_str(&list_json(all()).to_string()).unwrap_or_default();
        let codes = object["codes"].as_array().cloned().unwrap_or_default();
        assert_eq!(codes.len(), all().count());
        for (found, code) in codes.iter().zip(all()) {
            assert_eq!(found["code"], code.name);
            assert_eq!(found["stage"], stage(code));
            assert_eq!(found["exit_code"].as_u64(), code.exit_code().map(u64::from));
            assert_eq!(found["meaning"], meaning(code));
            let count = |key: &str| found[key].as_array().map_or(0, Vec::len);
            assert_eq!(count("causes"), code.causes.len());
            assert_eq!(count("remedies"), code.remedies.len());
        }
    }
}
