//! The flags of `pub`, `sub` and `request`, read into what they ask for. It opens nothing.

use std::time::Duration;

use crate::cli::flags::{CommandName, Does, Found};
use crate::config::{Config, Key, Protocol, SubscribeOptions, UsageError, values};
use crate::stream::options::{
    Format, PubOptions, Reconnect, RequestOptions, Retained, SubOptions, What,
};

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
    let what = what(&flags)?;
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

/// What is published; one flag at most may say so.
fn what(flags: &Flags<'_>) -> Result<What, UsageError> {
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
    match (given.next(), given.next()) {
        (Some((flag, _)), Some((other, _))) => Err(UsageError::Conflict { flag, other }),
        (Some((_, what)), None) => Ok(what),
        (None, _) => Ok(What::Message),
    }
}

pub(crate) fn for_request(found: &[Found]) -> Result<RequestOptions, UsageError> {
    let flags = Flags(found);
    Ok(RequestOptions {
        question: PubOptions {
            what: what(&flags)?,
            repeat: 1,
            interval: None,
            reconnect: Reconnect {
                on: false,
                give_up: None,
            },
        },
        count: flags.number(Does::Count)?.unwrap_or(1),
        format: format(&flags)?,
    })
}

/// How messages are printed; one flag at most may say so.
fn format(flags: &Flags<'_>) -> Result<Format, UsageError> {
    let formats = [
        (flags.one(Does::Topics)?, Format::Topic),
        (flags.one(Does::Raw)?, Format::Raw),
        (flags.one(Does::Hex)?, Format::Hex),
        (flags.one(Does::Json)?, Format::Json),
    ];
    let mut given = formats
        .into_iter()
        .filter_map(|(flag, format)| Some((flag?, format)));
    match (given.next(), given.next()) {
        (Some((flag, _)), Some((other, _))) => Err(UsageError::Conflict { flag, other }),
        (Some((_, format)), None) => Ok(format),
        (None, _) => Ok(Format::Payload),
    }
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
    let format = format(&flags)?;
    let retained = match (flags.one(Does::Retained)?, flags.value(Does::Retained)) {
        (_, None) => Retained::All,
        (_, Some("only")) => Retained::Only,
        (_, Some("skip")) => Retained::Skip,
        (flag, Some(given)) => return Err(bad(flag, given, "`only` or `skip`")),
    };
    let mqtt_5 = SubscribeOptions {
        no_local: flags.one(Does::NoLocal)?.is_some(),
        retain_as_published: flags.one(Does::RetainAsPublished)?.is_some(),
        retain_handling: flags.retain_handling()?,
        id: flags.subscription_id()?,
    };
    // What is published now would then be taken for what the broker kept.
    if let (Some(flag), Some(other)) = (
        flags.one(Does::Retained)?,
        flags.one(Does::RetainAsPublished)?,
    ) {
        return Err(UsageError::Conflict { flag, other });
    }
    // MQTT 5 §3.8.3.1: an error.
    if let Some(flag) = flags.one(Does::NoLocal)?
        && filters.iter().any(|filter| filter.starts_with("$share/"))
    {
        let other = "-t $share/…";
        return Err(UsageError::Conflict { flag, other });
    }
    let (count, duration) = (flags.number(Does::Count)?, flags.time(Does::For)?);
    let reconnect = flags.reconnect(None)?;
    Ok(SubOptions {
        filters,
        count,
        duration,
        retained,
        mqtt_5,
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

/// The same of `request`.
pub(crate) fn missing_for_request(
    options: &RequestOptions,
    config: &Config,
) -> Result<(), UsageError> {
    missing_for_pub(&options.question, config)?;
    let protocol = config.protocol;
    if protocol != Protocol::V5 && !config.is_set(Key::ResponseTopic) {
        return Err(UsageError::MissingResponseTopic { protocol });
    }
    if config.message_properties.response_topic.as_ref() == Some(&config.topic) {
        return Err(UsageError::ResponseTopicIsTopic);
    }
    Ok(())
}

/// The same of `sub`; and what it has only in MQTT 5.
pub(crate) fn missing_for_sub(options: &SubOptions, config: &Config) -> Result<(), UsageError> {
    if config.protocol == Protocol::V3_1_1 {
        let asked = options.mqtt_5;
        let flags = [
            (asked.no_local, "--no-local"),
            (asked.retain_as_published, "--retain-as-published"),
            (asked.retain_handling > 0, "--retain-handling"),
            (asked.id.is_some(), "--subscription-id"),
        ];
        if let Some((_, flag)) = flags.into_iter().find(|(set, _)| *set) {
            return Err(UsageError::Mqtt5Off { flag });
        }
    }
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

    fn retain_handling(&self) -> Result<u8, UsageError> {
        let (flag, value) = (
            self.one(Does::RetainHandling)?,
            self.value(Does::RetainHandling),
        );
        match value {
            None | Some("0") => Ok(0),
            Some("1") => Ok(1),
            Some("2") => Ok(2),
            Some(given) => Err(bad(flag, given, "0, 1 or 2")),
        }
    }

    /// MQTT 5 §3.8.2.1.2.
    fn subscription_id(&self) -> Result<Option<u32>, UsageError> {
        let flag = self.one(Does::SubscriptionId)?;
        let read = |given: &str| match given.parse() {
            Ok(id @ 1..=0x0fff_ffff) => Ok(id),
            _ => Err(bad(flag, given, "a whole number from 1 to 268435455")),
        };
        self.value(Does::SubscriptionId).map(read).transpose()
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
