//! Tables for the flags of `pub` and `sub`: what each means, and what is said of those that mean
//! nothing.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that panics is a test that fails"
)]

use std::ffi::OsString;

use super::*;
use crate::cli::args;
use crate::cli::args::Command;
use crate::config::{ConfigError, Override};
use crate::diagnosis::diagnose_config;
use crate::testing;

/// Splits at spaces; `_` stands for an empty argument.
fn parsed(line: &str) -> Result<Command, UsageError> {
    let arg = |arg| OsString::from(if arg == "_" { "" } else { arg });
    args::parse(line.split_whitespace().map(arg).collect()).map(|found| found.command)
}

/// The options of `pub`, changed from what they are without flags, and the keys that are set.
#[track_caller]
fn publishes(line: &str, keys: &[&str], change: impl FnOnce(&mut PubOptions)) {
    let mut expected = PubOptions {
        what: What::Message,
        repeat: 1,
        interval: None,
        reconnect: Reconnect {
            on: true,
            give_up: Some(Duration::from_secs(300)),
        },
    };
    change(&mut expected);
    let Ok(Command::Pub {
        target,
        overrides,
        options,
    }) = parsed(line)
    else {
        panic!("{line}: not understood");
    };
    assert_eq!((target.as_str(), options), ("x", expected), "{line}");
    assert_eq!(set(&overrides), keys, "{line}");
}

/// The same of `sub`.
#[track_caller]
fn subscribes(line: &str, keys: &[&str], change: impl FnOnce(&mut SubOptions)) {
    let mut expected = SubOptions {
        filters: Vec::new(),
        count: None,
        duration: None,
        retained: Retained::All,
        mqtt_5: SubscribeOptions::default(),
        format: Format::Payload,
        reconnect: Reconnect {
            on: true,
            give_up: None,
        },
    };
    change(&mut expected);
    let Ok(Command::Sub {
        target,
        overrides,
        options,
    }) = parsed(line)
    else {
        panic!("{line}: not understood");
    };
    assert_eq!((target.as_str(), options), ("x", expected), "{line}");
    assert_eq!(set(&overrides), keys, "{line}");
}

fn set(overrides: &[Override]) -> Vec<String> {
    let shown = |it: &Override| format!("{}={}", it.key, it.value);
    overrides.iter().map(shown).collect()
}

/// What is said: the error, and what of the command line is shown with it.
#[track_caller]
fn refused(line: &str, error: &str, shown: &str) {
    let fault = parsed(line).expect_err(line);
    let words = diagnose_config(&ConfigError::Usage(fault), None);
    assert_eq!(words.code.name, "usage-invalid", "{line}");
    assert_eq!(words.error, error, "{line}");
    let shown = Some(shown).filter(|shown| !shown.is_empty());
    let notes: Vec<_> = shown
        .into_iter()
        .map(|shown| format!("command line: `{shown}`"))
        .collect();
    assert_eq!(words.notes, notes, "{line}");
}

fn seconds(seconds: u64) -> Option<Duration> {
    Some(Duration::from_secs(seconds))
}

#[test]
fn pub_takes_one_source() {
    publishes("pub x", &[], |_| {});
    publishes("pub x -m hi", &["message=hi"], |_| {});
    publishes("pub x --message _", &["message="], |_| {});
    for flag in ["-f a/b", "--file a/b", "--file=a/b"] {
        let file = |it: &mut PubOptions| it.what = What::File("a/b".into());
        publishes(&format!("pub x {flag}"), &[], file);
    }
    for (flags, what) in [
        (["-n", "--null"], What::Empty),
        (["-s", "--stdin"], What::Whole),
        (["-l", "--lines"], What::Lines),
    ] {
        for flag in flags {
            let what = what.clone();
            publishes(&format!("pub x {flag}"), &[], |it| it.what = what);
        }
    }
    let sources = ["-f a", "-n", "-s", "-l", "-m a"];
    for (at, first) in sources.iter().enumerate() {
        for second in &sources[at + 1..] {
            let (one, other) = (&first[..2], &second[..2]);
            let error = format!("`{one}` and `{other}` contradict each other");
            refused(&format!("pub x {second} {first}"), &error, "");
        }
        let (name, value) = first.split_at(2);
        let twice = format!("`{name}` is given twice");
        refused(&format!("pub x {first} {name}{value}"), &twice, "");
    }
    refused("pub x -n --null", "`--null` is given twice", "");
    refused("pub x -f", "`-f` needs a value", "");
    refused("pub x --lines=yes", "`--lines` takes no value", "");
}

#[test]
fn pub_knows_its_pace() {
    publishes("pub x --repeat 3", &[], |it| it.repeat = 3);
    publishes("pub x -s --repeat 3", &[], |it| {
        it.what = What::Whole;
        it.repeat = 3;
    });
    publishes("pub x --repeat 4294967295", &[], |it| {
        it.repeat = 4_294_967_295
    });
    publishes("pub x --interval 1500ms", &[], |it| {
        it.interval = Some(Duration::from_millis(1500));
    });
    publishes("pub x -l --rate 50", &[], |it| {
        it.what = What::Lines;
        it.interval = Some(Duration::from_millis(20));
    });
    publishes("pub x --interval 525600m", &[], |it| {
        it.interval = seconds(31_536_000)
    });
    refused(
        "pub x -l --repeat 2",
        "`--repeat` and `-l` contradict each other",
        "",
    );
    refused(
        "pub x --lines --repeat 2",
        "`--repeat` and `--lines` contradict each other",
        "",
    );
    refused(
        "pub x --rate 2 --interval 1s",
        "`--rate` and `--interval` contradict each other",
        "",
    );
    for (rate, ms) in [("0.5", 2_000), ("0.001", 1_000_000), ("2.5", 400)] {
        publishes(&format!("pub x -l --rate {rate}"), &[], |it| {
            it.what = What::Lines;
            it.interval = Some(Duration::from_millis(ms));
        });
    }
    let time = |text: &str, interval| {
        publishes(&format!("pub x --interval {text}"), &[], |it| {
            it.interval = interval
        });
    };
    time("0.5s", Some(Duration::from_millis(500)));
    time("2h", seconds(7_200));
    time("1d", seconds(86_400));
    time("365d", seconds(31_536_000));
    let whole = ["0", "-1", "many", "4294967296", "_", "1s", "1.5"];
    let any = [
        "0",
        "0.0",
        "-1",
        "many",
        "4294967296",
        "_",
        "1s",
        ".5",
        "0.00000001",
    ];
    let number = "a whole number from 1 to 4294967295";
    let rate = "a number such as `50` or `0.5`, more than 0 and at most 4294967295";
    for (flag, values, expected) in [("--repeat", &whole[..], number), ("--rate", &any, rate)] {
        for value in values {
            let error = format!("`{flag}` must be {expected}");
            let shown = format!("{flag} {}", value.trim_matches('_'));
            refused(&format!("pub x {flag} {value}"), &error, &shown);
        }
        let twice = format!("`{flag}` is given twice");
        refused(&format!("pub x {flag} 1 {flag}=2"), &twice, "");
    }
}

#[test]
fn a_time_has_its_unit_and_its_bounds() {
    for (command, flag) in [
        ("pub", "--interval"),
        ("pub", "--give-up"),
        ("sub", "--give-up"),
        ("sub", "--for"),
    ] {
        for value in [
            "0s",
            "0ms",
            "5",
            "soon",
            "-1s",
            "1w",
            "_",
            "366d",
            "99999999999999999999s",
        ] {
            let error =
                format!("`{flag}` must be a time such as `500ms`, `15s` or `2h`, at most `365d`");
            let shown = format!("{flag} {}", value.trim_matches('_'));
            refused(&format!("{command} x {flag} {value}"), &error, &shown);
        }
        let twice = format!("`{flag}` is given twice");
        refused(&format!("{command} x {flag} 1s {flag} 2s"), &twice, "");
        refused(
            &format!("{command} x {flag}"),
            &format!("`{flag}` needs a value"),
            "",
        );
    }
}

#[test]
fn both_know_when_to_give_up() {
    publishes("pub x --no-reconnect", &[], |it| it.reconnect.on = false);
    publishes("pub x --give-up 2m", &[], |it| {
        it.reconnect.give_up = seconds(120)
    });
    subscribes("sub x --no-reconnect", &[], |it| it.reconnect.on = false);
    subscribes("sub x --give-up 2m", &[], |it| {
        it.reconnect.give_up = seconds(120)
    });
    for command in ["pub", "sub"] {
        refused(
            &format!("{command} x --give-up 1s --no-reconnect"),
            "`--no-reconnect` and `--give-up` contradict each other",
            "",
        );
        refused(
            &format!("{command} x --no-reconnect --no-reconnect"),
            "`--no-reconnect` is given twice",
            "",
        );
    }
}

#[test]
fn sub_chooses_its_messages_and_their_form() {
    subscribes("sub x", &[], |_| {});
    subscribes("sub x -C 3", &[], |it| it.count = Some(3));
    subscribes("sub x --count=3 --for 10s", &[], |it| {
        it.count = Some(3);
        it.duration = seconds(10);
    });
    subscribes("sub x --retained only", &[], |it| {
        it.retained = Retained::Only
    });
    subscribes("sub x --retained=skip", &[], |it| {
        it.retained = Retained::Skip
    });
    for (flags, format) in [
        (&["-v", "--topics"][..], Format::Topic),
        (&["--raw"], Format::Raw),
        (&["--hex"], Format::Hex),
        (&["--json"], Format::Json),
    ] {
        for flag in flags {
            subscribes(&format!("sub x {flag}"), &[], |it| it.format = format);
        }
    }
    let formats = ["-v", "--raw", "--hex", "--json"];
    for (at, one) in formats.iter().enumerate() {
        for other in &formats[at + 1..] {
            let error = format!("`{one}` and `{other}` contradict each other");
            refused(&format!("sub x {other} {one}"), &error, "");
        }
        let twice = format!("`{one}` is given twice");
        refused(&format!("sub x {one} {one}"), &twice, "");
    }
    let number = "`-C` must be a whole number from 1 to 4294967295";
    refused("sub x -C 0", number, "-C 0");
    refused("sub x -C all", number, "-C all");
    refused("sub x -C 1 --count 2", "`--count` is given twice", "");
    let retained = "`--retained` must be `only` or `skip`";
    refused("sub x --retained all", retained, "--retained all");
    refused("sub x --retained _", retained, "--retained ");
    refused(
        "sub x --retained only --retained only",
        "`--retained` is given twice",
        "",
    );
}

#[test]
fn a_filter_of_sub_is_no_topic_of_the_configuration() {
    subscribes("sub x -t a", &[], |it| it.filters = vec!["a".to_owned()]);
    subscribes("sub x -t a/+ -t b/# -q 0", &["qos=0"], |it| {
        it.filters = vec!["a/+".to_owned(), "b/#".to_owned()];
    });
    // MQTT 3.1.1 §4.7.1.2 and §4.7.1.3, with their own examples.
    for filter in [
        "#",
        "+",
        "/",
        "//",
        "a",
        "a/",
        "/a",
        "a b",
        "é",
        "sport/#",
        "sport/tennis/#",
        "/#",
        "+/#",
        "+/+",
        "/+",
        "+/",
        "a/+/b",
        "a//b",
        "$SYS/#",
        "$share/group/a/#",
    ] {
        assert!(values::filter(filter).is_ok(), "{filter}");
    }
    assert!(values::filter(&"a".repeat(65_535)).is_ok());
    for filter in [
        "",
        "sport/tennis#",
        "sport/tennis/#/ranking",
        "sport+",
        "+a",
        "a/b+/c",
        "#/",
        "##",
        "a/#b",
        "++",
        "a/+#",
        "a\0b",
    ] {
        assert!(values::filter(filter).is_err(), "{filter}");
    }
    assert!(values::filter(&"a".repeat(65_536)).is_err());
    refused(
        "sub x -t a --topic b#",
        "`--topic` must be a topic filter: `#` alone or after the last `/`, `+` alone between two \
         `/`, no NUL",
        "--topic b#",
    );
}

#[test]
fn a_flag_of_another_command_is_refused() {
    let (for_pub, for_sub) = (
        [
            "-f a",
            "-n",
            "--null",
            "-s",
            "-l",
            "--repeat 2",
            "--interval 1s",
            "--rate 1",
        ],
        [
            "-C 1",
            "--count 1",
            "--for 1s",
            "--retained only",
            "-v",
            "--raw",
            "--hex",
        ],
    );
    let for_both = ["--no-reconnect", "--give-up 1s"];
    let others = ["x", "new aws", "explain"];
    for (flags, commands) in [
        (&for_pub[..], &["x", "sub x", "new aws", "explain"][..]),
        (&for_sub, &["x", "pub x", "new aws", "explain"]),
        (&for_both, &others),
        (&["-m a", "--retain"], &["sub x"]),
        (&["--verbose"], &["pub x", "sub x", "new aws", "explain"]),
    ] {
        for (flag, line) in flags
            .iter()
            .flat_map(|flag| commands.iter().map(move |it| (flag, it)))
        {
            let name = flag.split(' ').next().unwrap();
            let command = match line.split(' ').next().unwrap() {
                "x" => "the check",
                word => word,
            };
            let error = format!("`{name}` has no meaning for `{command}`");
            refused(&format!("{line} {flag}"), &error, "");
        }
    }
    for command in ["pub", "sub"] {
        let missing = "no CONFIG was given: a config file, or a URL such as `mqtts://host:8883`";
        refused(command, missing, "");
        refused(&format!("{command} x y"), "one argument too many: `y`", "");
    }
}

#[test]
fn sub_asks_for_more_in_mqtt_5() {
    subscribes("sub x --no-local", &[], |it| it.mqtt_5.no_local = true);
    subscribes("sub x --retain-as-published", &[], |it| {
        it.mqtt_5.retain_as_published = true;
    });
    for handling in 0..=2 {
        let line = format!("sub x --retain-handling {handling}");
        subscribes(&line, &[], |it| it.mqtt_5.retain_handling = handling);
    }
    for id in [1, 0x0fff_ffff] {
        let line = format!("sub x --subscription-id {id}");
        subscribes(&line, &[], |it| it.mqtt_5.id = Some(id));
    }
    for (flag, value, expected) in [
        ("--retain-handling", "3", "0, 1 or 2"),
        (
            "--subscription-id",
            "0",
            "a whole number from 1 to 268435455",
        ),
        (
            "--subscription-id",
            "268435456",
            "a whole number from 1 to 268435455",
        ),
    ] {
        let error = format!("`{flag}` must be {expected}");
        let shown = format!("{flag} {value}");
        refused(&format!("sub x {flag} {value}"), &error, &shown);
    }
    for (flags, error) in [
        (
            "--retained skip --retain-as-published",
            "`--retained` and `--retain-as-published` contradict each other",
        ),
        (
            "-t $share/g/t --no-local",
            "`--no-local` and `-t $share/…` contradict each other",
        ),
    ] {
        refused(&format!("sub x {flags}"), error, "");
    }
    let plain = testing::good("topic = t");
    let in_5 = testing::good("topic = t\nprotocol = 5");
    for flag in [
        "--no-local",
        "--retain-as-published",
        "--retain-handling 1",
        "--subscription-id 1",
    ] {
        let Ok(Command::Sub { options, .. }) = parsed(&format!("sub x {flag}")) else {
            panic!("{flag}");
        };
        let flag = flag.split(' ').next().unwrap();
        assert_eq!(
            missing_for_sub(&options, &plain),
            Err(UsageError::Mqtt5Off { flag })
        );
        assert_eq!(missing_for_sub(&options, &in_5), Ok(()));
    }
}

#[test]
fn a_request_is_one_question() {
    let Ok(Command::Request {
        target,
        overrides,
        options,
    }) = parsed("request x -t q -n -C 2 --hex --response-topic r --user-property a=b=c")
    else {
        panic!("not understood");
    };
    assert_eq!(target, "x");
    let keys = ["topic=q", "response_topic=r", "message_property.a=b=c"];
    assert_eq!(set(&overrides), keys);
    assert_eq!((options.count, options.format), (2, Format::Hex));
    let question = options.question;
    assert_eq!((question.what, question.repeat), (What::Empty, 1));
    assert!(!question.reconnect.on);
    for flag in ["-l", "--repeat", "-r", "--for", "--no-local"] {
        let value = if matches!(flag, "--repeat" | "--for") {
            "=1"
        } else {
            ""
        };
        let error = parsed(&format!("request x {flag}{value}")).unwrap_err();
        let command = "request";
        assert_eq!(error, UsageError::NotForCommand { flag, command });
    }
    refused(
        "request x --user-property a",
        "`--user-property` needs a name and a value",
        "",
    );
}
