//! `mqtt-test explain`: the catalogue as text for a terminal of 80 columns, and as JSON. It knows
//! no failure of a run.

use crate::diagnosis::catalogue::Topic;
use crate::util::Json;

/// The terminal's width that is written for.
const WIDTH: usize = 80;

/// Every code with its meaning in a line, under the heading of its stage.
pub(crate) fn list() -> String {
    let mut text = String::new();
    let longest = Topic::all().map(|topic| topic.name().len()).max();
    let width = longest.unwrap_or_default();
    let mut stage = "";
    for topic in Topic::all() {
        if topic.stage() != stage {
            if !stage.is_empty() {
                text.push('\n');
            }
            stage = topic.stage();
            text.push_str(&heading(topic));
            text.push('\n');
        }
        let line = topic.entry().line;
        text.push_str(&format!("  {:<width$}  {line}\n", topic.name()));
    }
    text.push_str("\n`mqtt-test explain CODE` says more: causes, and what to do.\n");
    text
}

fn heading(topic: Topic) -> String {
    match topic {
        Topic::Failure(code) => {
            let stage = code.stage();
            format!("{} (exit code {})", stage.name(), stage.exit_code())
        }
        Topic::Interrupted => "in any stage (exit code 130)".to_owned(),
        Topic::Warning(_) => "warnings (the exit code stays as it is)".to_owned(),
    }
}

/// One code: what it means, what commonly leads to it, what to do.
pub(crate) fn one(topic: Topic) -> String {
    let entry = topic.entry();
    let mut text = format!("{}: {}\n\n", topic.name(), heading_of_one(topic));
    wrap(&mut text, "", "", &topic.meaning());
    for (title, items) in [
        ("What commonly causes it:", entry.causes),
        ("What to do:", entry.remedies),
    ] {
        text.push_str(&format!("\n{title}\n"));
        for item in items {
            wrap(&mut text, "  - ", "    ", item);
        }
    }
    text
}

fn heading_of_one(topic: Topic) -> String {
    match topic {
        Topic::Failure(_) => format!("a failure of the stage {}", heading(topic)),
        Topic::Interrupted => heading(topic),
        Topic::Warning(_) => "a warning (the exit code stays as it is)".to_owned(),
    }
}

/// `{"codes":[…]}`.
pub(crate) fn list_json() -> Json {
    Json::Object(vec![(
        "codes",
        Json::List(Topic::all().map(one_json).collect()),
    )])
}

/// `exit_code` is null for a warning, which has none.
pub(crate) fn one_json(topic: Topic) -> Json {
    let entry = topic.entry();
    let texts = |items: &[&str]| Json::texts(items.iter().copied());
    Json::Object(vec![
        ("code", topic.name().into()),
        ("stage", topic.stage().into()),
        ("exit_code", topic.exit_code().into()),
        ("meaning", topic.meaning().into()),
        ("causes", texts(entry.causes)),
        ("remedies", texts(entry.remedies)),
    ])
}

/// Breaks at blanks, but never inside backticks: a command must stay in one piece to be copied.
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
    use crate::diagnosis::code::Code;

    #[test]
    fn the_list_fits_a_terminal() {
        let list = list();
        for line in list.lines() {
            assert!(line.chars().count() <= WIDTH, "{line}");
        }
        for topic in Topic::all() {
            let row = format!("  {} ", topic.name());
            assert_eq!(list.matches(&row).count(), 1, "{row}");
        }
        assert!(list.starts_with("config (exit code 2)\n  usage-invalid  "));
        assert!(list.contains("\n\ntls (exit code 5)\n  tls-not-tls "));
    }

    #[test]
    fn a_line_is_long_only_for_a_command() {
        for line in Topic::all().map(one).collect::<String>().lines() {
            let long = line.chars().count() > WIDTH;
            assert!(!long || line.trim_start().contains('`'), "{line}");
        }
    }

    #[test]
    fn one_code_reads_like_this() {
        let text = one(Topic::Failure(Code::TlsNoSni));
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
            serde_json::from_str(&list_json().to_string()).unwrap_or_default();
        let codes = object["codes"].as_array().cloned().unwrap_or_default();
        assert_eq!(codes.len(), Topic::all().count());
        for (found, topic) in codes.iter().zip(Topic::all()) {
            assert_eq!(found["code"], topic.name());
            assert_eq!(found["stage"], topic.stage());
            assert_eq!(
                found["exit_code"].as_u64(),
                topic.exit_code().map(u64::from)
            );
            assert_eq!(found["meaning"], topic.meaning());
            let count = |key: &str| found[key].as_array().map_or(0, Vec::len);
            assert_eq!(count("causes"), topic.entry().causes.len());
            assert_eq!(count("remedies"), topic.entry().remedies.len());
        }
    }
}
