//! The codes that belong to no single stage: how a whole run ended.

use std::io;

use crate::config::Qos;
use crate::diagnosis::code::Kind;
use crate::diagnosis::{Code, Diagnosis};
use crate::failure::{GaveUp, LimitError, LostError, Resource, Stage};
use crate::util::text;

/// The codes of this layer, in the order of `mqtt-test explain`.
pub(crate) static CODES: &[&Code] = &[
    &CONNECTION_LOST,
    &OUTPUT_FAILED,
    &INTERRUPTED,
    &SYSTEM_LIMIT,
];

pub(crate) static CONNECTION_LOST: Code = Code {
    name: "connection-lost",
    kind: Kind::Failure {
        stage: Stage::Connection,
        retry: false,
    },
    line: "the connection was lost and not re-established",
    more: "`pub` or `sub` had a connection, lost it, and gave up reconnecting. The last cause stands in the notes, and has a code of its own.",
    causes: &[
        "the broker was stopped or restarted for longer than `--give-up` allows",
        "the network or the way to the broker failed",
        "`--no-reconnect` was given",
    ],
    remedies: &[
        "run `mqtt-test CONFIG` now: it says whether the broker can be used again, and if not, why",
        "raise `--give-up` if outages may be longer",
        "publish again what was not acknowledged: the notes say how many messages that is",
    ],
};

/// `last` is the last cause in full: the advice is its own.
pub(crate) fn connection_lost(error: &LostError, last: Diagnosis) -> Diagnosis {
    let tries = if error.tries == 1 {
        "1 try".to_owned()
    } else {
        format!("{} tries", error.tries)
    };
    let diagnosis = match error.end {
        GaveUp::Never => Diagnosis::new(&CONNECTION_LOST, "the connection was lost")
            .note("`--no-reconnect` was asked for"),
        GaveUp::After(limit) => Diagnosis::new(
            &CONNECTION_LOST,
            "the connection was lost and could not be re-established",
        )
        .note(format!(
            "gone for {} and {tries}; the limit is {} (`--give-up`)",
            text::duration(error.gap),
            text::duration(limit)
        )),
    };
    let unfinished = (error.unfinished > 0).then(|| {
        let left = text::count(error.unfinished, "message");
        let done = match error.qos {
            Qos::AtMostOnce => "sent",
            Qos::AtLeastOnce | Qos::ExactlyOnce => "acknowledged by the broker",
        };
        format!("{left} taken from the input and not {done}")
    });
    diagnosis
        .notes(unfinished)
        .note(format!(
            "the last cause: error[{}]: {}",
            last.code.name, last.error
        ))
        .notes(last.notes)
        .helps(last.help)
}

pub(crate) static OUTPUT_FAILED: Code = Code {
    name: "output-failed",
    kind: Kind::Failure {
        stage: Stage::Output,
        retry: false,
    },
    line: "standard output could not be written",
    more: "Some of the results, or of the messages of `sub`, are lost; with a kept session (`clean_session = off`, QoS 1 or 2) the next `sub` gets those messages. A reader that has left is no error.",
    causes: &[
        "the disk is full, or a quota is used up",
        "the file or device behind `>` fails",
    ],
    remedies: &["make room (`df -h`), or write to another place, and run it again"],
};

/// `messages`: how many `sub` had written; `verdict`: what the program had to say.
pub(crate) fn output_failed(
    error: &io::Error,
    messages: Option<u64>,
    verdict: Option<&Diagnosis>,
) -> Diagnosis {
    let written =
        messages.map(|written| format!("{} written before that", text::count(written, "message")));
    let verdict = verdict.map(|verdict| {
        format!(
            "it was to say error[{}]: {}",
            verdict.code.name, verdict.error
        )
    });
    Diagnosis::new(&OUTPUT_FAILED, OUTPUT_FAILED.line)
        .note(format!("the system said: {error}"))
        .notes(written)
        .notes(verdict)
        .help("if the disk is full, make room, or write to another place")
        .help_if(
            messages.is_some(),
            "if the session is kept (`clean_session = off`, QoS 1 or 2), run it again to get the rest",
        )
}

pub(crate) static INTERRUPTED: Code = Code {
    name: "interrupted",
    kind: Kind::Interrupted,
    line: "the program was stopped before it was done",
    more: "A signal (SIGINT from Ctrl-C, SIGTERM from the system, or SIGHUP from a terminal that was closed) came while a stage was under way, or before `sub` had what `-C` asks for. It says nothing about the broker.",
    causes: &[
        "someone pressed Ctrl-C",
        "the terminal was closed; with `nohup` the program goes on",
        "the system shut down, or a service manager or `timeout` ended the program",
    ],
    remedies: &[
        "run it again and let it end: each stage ends by itself after `timeout`",
        "if a script ends it too early, give it more time, or make each stage shorter: `--timeout 5s`",
    ],
};

pub(crate) fn interrupted(stage: Stage) -> Diagnosis {
    let error = format!("interrupted in the stage {}", stage.name());
    Diagnosis::new(&INTERRUPTED, error).in_stage(stage)
}

pub(crate) static SYSTEM_LIMIT: Code = Code {
    name: "system-limit",
    kind: Kind::Limit,
    line: "this machine lacks memory or another resource",
    more: "A program gets only so many open files and connections (descriptors), threads and so much memory, and one of them was used up while a stage was under way. Just after the start of a machine, random numbers, which TLS needs, may not be there yet. It says nothing about the broker.",
    causes: &[
        "a limit of the shell, the service or the container is too low: `ulimit -n`, `ulimit -u`, `ulimit -v`, `LimitNOFILE=`, `TasksMax=`",
        "another program of the same user has used up what there is",
        "the machine has no memory left",
        "a board has just started, and its kernel, an old one, has not gathered random numbers yet (entropy)",
    ],
    remedies: &[
        "see the limits: `ulimit -a`, and for a service `systemctl show UNIT`",
        "raise the limit that the message names, where the program is started",
        "see what uses up the memory: `free` and `top`",
        "for random numbers wait some minutes, or run `rngd` or `haveged`, which gather them sooner; see that there is a /dev/urandom",
    ],
};

pub(crate) const NO_MEMORY: &str = "this machine gives this process no more memory";
pub(crate) const RAISE_MEMORY: &str =
    "if `ulimit -v` is not `unlimited`, raise it; 8 MiB are enough";

pub(crate) fn system_limit(stage: Stage, limit: &LimitError) -> Diagnosis {
    let (lacking, help): (_, &[_]) = match limit.resource {
        Resource::Descriptors => (
            "this process may open no more files and connections (`ulimit -n`)",
            &["raise the limit on open files: `ulimit -n 64`, or `LimitNOFILE=` of a service"],
        ),
        Resource::AllDescriptors => (
            "this machine may open no more files and connections",
            &["end what holds so many, or raise the limit: `sysctl fs.file-max`"],
        ),
        Resource::Memory => (
            NO_MEMORY,
            &[
                RAISE_MEMORY,
                "see what uses up the memory: `free` and `top`",
            ],
        ),
        Resource::Thread => (
            "this machine gives this process no more threads, or no memory for one",
            &[
                "if `ulimit -u` is reached, which counts all threads of the user, raise it or end some; for a service it is `TasksMax=`",
                RAISE_MEMORY,
                "see what uses up the memory: `free` and `top`",
            ],
        ),
        Resource::Random => (
            "this machine has no random numbers for TLS",
            &[
                "if it has just started, wait, or raise `timeout`: an old kernel may take minutes to gather them, fewer with `rngd` or `haveged`",
                "if it has no /dev/urandom, mount /dev",
            ],
        ),
    };
    Diagnosis::new(&SYSTEM_LIMIT, lacking)
        .note(format!(
            "in the stage {}, the system says: {}",
            stage.name(),
            limit.words
        ))
        .helps(help.iter().map(|help| (*help).to_owned()))
        .in_stage(stage)
}
