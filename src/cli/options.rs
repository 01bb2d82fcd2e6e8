//! The flags of `pub` and `sub`, read into what they ask for. It opens nothing.

use std::time::Duration;

use crate::cli::flags::{CommandName, Does, Found};
use crate::config::{Config, Key, UsageError, values};
use crate::stream::options::{Format, PubOptions, Reconnect, Retained, SubOptions, What};

/// How long `pub` keeps trying to reconnect, unless `--give-up` says otherwise. `sub` never gives up.
const PUB_GIVES_UP: Duration = Duration::from_secs(5 * 60);

/// A year. Beyond some limit the standard library cannot add a duration to a point in time.
const LONGEST: Duration = Duration::from_secs(525_600 * 60);

/// Refuses the flags of other commands.
pub(crate) fn only_for(command: CommandName, found: &[Found]) -> Result<(), UsageError> {
    let mut found = found.iter();
    match found.find(|found| !found.flag.commands.contains(&command)) {
        Some(found) => Err(UsageError::NotForCommand {
            flag: found.name,
            command: command.name(),
        }),
        None => Ok(()),
    }
}

pub(crate) fn for_pub(found: &[Found]) -> Result<PubOptions, UsageError> {
    let flags = Flags(found);
    let sources = [
        (
            flags.one(Does::File)?,
            What::File(flags.value(Does::File).unwrap_or_default().into()),
        ),
        (flags.one(Does::Null)?, What::Empty),
        (flags.one(Does::Stdin)?, What::Whole),
        (flags.one(Does::Lines)?, What::Lines),
        (flags.one(Does::Key(Key::Message))?, What::Message),
    ];
    let mut given = sources
        .into_iter()
        .filter_map(|(flag, what)| Some((flag?, what)));
    let what = match (given.next(), given.next()) {
        (Some((flag, _)), Some((other, _))) => return Err(UsageError::Conflict { flag, other }),
        (Some((_, what)), None) => what,
        (None, _) => What::Message,
    };
    let repeat = flags.number(Does::Repeat)?;
    if let (Some(flag), Some(other)) = (flags.one(Does::Repeat)?, flags.one(Does::Lines)?) {
        return Err(UsageError::Conflict { flag, other });
    }
    let rate = flags.rate()?;
    let interval = flags.time(Does::Interval)?;
    if let (Some(flag), Some(other)) = (flags.one(Does::Rate)?, flags.one(Does::Interval)?) {
        return Err(UsageError::Conflict { flag, other });
    }
    let reconnect = flags.reconnect(Some(PUB_GIVES_UP))?;
    Ok(PubOptions {
        what,
        repeat: repeat.unwrap_or(1),
        interval: interval.or(rate),
        reconnect,
    })
}

pub(crate) fn for_sub(found: &[Found]) -> Result<SubOptions, UsageError> {
    let flags = Flags(found);
    let filters: Vec<_> = flags
        .all(Does::Key(Key::Topic))
        .map(|found| found.value.clone())
        .collect();
    for found in flags.all(Does::Key(Key::Topic)) {
        if values::filter(&found.value).is_err() {
            let (flag, given) = (found.name, found.value.clone());
            let expected = "a topic filter: `#` alone or after the last `/`, `+` alone between two `/`, no NUL";
            return Err(UsageError::BadValue {
                flag,
                given,
                expected,
            });
        }
    }
    let formats = [
        (flags.one(Does::Topics)?, Format::Topic),
        (flags.one(Does::Raw)?, Format::Raw),
        (flags.one(Does::Hex)?, Format::Hex),
        (flags.one(Does::Json)?, Format::Json),
    ];
    let mut given = formats
        .into_iter()
        .filter_map(|(flag, format)| Some((flag?, format)));
    let format = match (given.next(), given.next()) {
        (Some((flag, _)), Some((other, _))) => return Err(UsageError::Conflict { flag, other }),
        (Some((_, format)), None) => format,
        (None, _) => Format::Payload,
    };
    let retained = match (flags.one(Does::Retained)?, flags.value(Does::Retained)) {
        (_, None) => Retained::All,
        (_, Some("only")) => Retained::Only,
        (_, Some("skip")) => Retained::Skip,
        (flag, Some(given)) => return Err(bad(flag, given, "`only` or `skip`")),
    };
    let (count, duration) = (flags.number(Does::Count)?, flags.time(Does::For)?);
    let reconnect = flags.reconnect(None)?;
    Ok(SubOptions {
        filters,
        count,
        duration,
        retained,
        format,
        reconnect,
    })
}

/// What `pub` needs that neither flags nor configuration name. The defaults of both keys are for the
/// check: nobody listens to a topic that was made up.
pub(crate) fn missing_for_pub(options: &PubOptions, config: &Config) -> Result<(), UsageError> {
    if options.what == What::Message && !config.is_set(Key::Message) {
        return Err(UsageError::MissingPayload);
    }
    topic(config)
}

/// The same of `sub`.
pub(crate) fn missing_for_sub(options: &SubOptions, config: &Config) -> Result<(), UsageError> {
    if options.filters.is_empty() {
        topic(config)
    } else {
        Ok(())
    }
}

fn topic(config: &Config) -> Result<(), UsageError> {
    let set = config.is_set(Key::Topic);
    set.then_some(()).ok_or(UsageError::MissingTopic)
}

struct Flags<'a>(&'a [Found]);

impl<'a> Flags<'a> {
    fn all(&self, does: Does) -> impl Iterator<Item = &'a Found> + use<'a> {
        self.0.iter().filter(move |found| found.flag.does == does)
    }

    /// The flag as it was written, if it was; an error if it was written twice.
    fn one(&self, does: Does) -> Result<Option<&'static str>, UsageError> {
        let mut all = self.all(does);
        match (all.next(), all.next()) {
            (Some(_), Some(again)) => Err(UsageError::Repeated { flag: again.name }),
            (first, _) => Ok(first.map(|found| found.name)),
        }
    }

    fn value(&self, does: Does) -> Option<&'a str> {
        self.all(does).next().map(|found| found.value.as_str())
    }

    fn number(&self, does: Does) -> Result<Option<u64>, UsageError> {
        let (flag, value) = (self.one(does)?, self.value(does));
        let read = |given: &str| match given.parse() {
            Ok(number) if (1..=u64::from(u32::MAX)).contains(&number) => Ok(number),
            _ => Err(bad(flag, given, "a whole number from 1 to 4294967295")),
        };
        value.map(read).transpose()
    }

    fn time(&self, does: Does) -> Result<Option<Duration>, UsageError> {
        let (flag, value) = (self.one(does)?, self.value(does));
        let read = |given: &str| match values::duration(given) {
            Some(time) if !time.is_zero() && time <= LONGEST => Ok(time),
            _ => Err(bad(
                flag,
                given,
                "a time such as `500ms`, `15s` or `2h`, at most `365d`",
            )),
        };
        value.map(read).transpose()
    }

    fn rate(&self) -> Result<Option<Duration>, UsageError> {
        let (flag, value) = (self.one(Does::Rate)?, self.value(Does::Rate));
        let read = |given: &str| match values::interval(given) {
            Some(time) if time <= LONGEST => Ok(time),
            _ => Err(bad(
                flag,
                given,
                "a number such as `50` or `0.5`, more than 0 and at most 4294967295",
            )),
        };
        value.map(read).transpose()
    }

    fn reconnect(&self, give_up: Option<Duration>) -> Result<Reconnect, UsageError> {
        let (never, after) = (self.one(Does::NoReconnect)?, self.one(Does::GiveUp)?);
        if let (Some(flag), Some(other)) = (never, after) {
            return Err(UsageError::Conflict { flag, other });
        }
        Ok(Reconnect {
            on: never.is_none(),
            give_up: self.time(Does::GiveUp)?.or(give_up),
        })
    }
}

fn bad(flag: Option<&'static str>, given: &str, expected: &'static str) -> UsageError {
    UsageError::BadValue {
        flag: flag.unwrap_or_default(),
        given: given.to_owned(),
        expected,
    }
}

#[cfg(test)]
#[path = "options_tests.rs"]
mod tests;
