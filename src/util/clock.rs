//! Civil time in UTC from unix seconds and back, and how far apart two moments are, for people.
//! It knows no time zone and no leap second, and never asks anything but the system's clock.
//!
//! The standard library has no calendar. The conversions are those of the proleptic Gregorian
//! calendar in eras of 400 years, each of 146,097 days, counted from the first of March so that
//! the leap day is the last of its year.

use crate::os;

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// Days of an era: 400 years with 97 leap days.
const ERA: i64 = 146_097;

/// From 0000-03-01, where the first era begins, to 1970-01-01.
const DAYS_TO_1970: i64 = 719_468;

/// What `build.rs` found; a value that is not a number does not compile.
const BUILD: i64 = match i64::from_str_radix(env!("MQTT_TEST_BUILD_EPOCH"), 10) {
    Ok(seconds) => seconds,
    Err(_) => panic!("MQTT_TEST_BUILD_EPOCH is not a number"),
};

/// This machine's clock, in unix seconds; negative when it stands before 1970.
pub(crate) fn now() -> i64 {
    os::now().0
}

/// The same in milliseconds.
pub(crate) fn now_ms() -> i64 {
    let (seconds, nanoseconds) = os::now();
    seconds
        .saturating_mul(1000)
        .saturating_add(nanoseconds / 1_000_000)
}

/// When this program was built, in unix seconds: a clock that says less is wrong.
pub(crate) fn build_date() -> i64 {
    BUILD
}

/// `2026-10-01 12:00:00 UTC`.
pub(crate) fn utc(unix: i64) -> String {
    let (date, time) = date_and_time(unix);
    format!("{date} {time} UTC")
}

/// `2026-10-01T12:00:00Z`, as RFC 3339 §5.6 has it for the years 0 to 9999.
pub(crate) fn rfc3339(unix: i64) -> String {
    let (date, time) = date_and_time(unix);
    format!("{date}T{time}Z")
}

/// The same of unix milliseconds: `2026-10-01T12:00:00.085Z`.
pub(crate) fn rfc3339_ms(unix_ms: i64) -> String {
    let (date, time) = date_and_time(unix_ms.div_euclid(1000));
    format!("{date}T{time}.{:03}Z", unix_ms.rem_euclid(1000))
}

/// The unix seconds of a moment in UTC; `None` when there is no such day or no such time, or when
/// it lies beyond `i64`. A leap second (`23:59:60`) is not known, as in unix time itself.
pub(crate) fn unix_from_civil(
    year: i64,
    month: u32,
    day: u32,
    hour: u32,
    minute: u32,
    second: u32,
) -> Option<i64> {
    if day < 1 || day > days_in(year, month)? || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let (month, day) = (i64::from(month), i64::from(day));
    let year = if month <= 2 {
        year.checked_sub(1)?
    } else {
        year
    };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = of_era * 365 + of_era / 4 - of_era / 100 + of_year - DAYS_TO_1970;
    era.checked_mul(ERA)?
        .checked_add(days)?
        .checked_mul(DAY)?
        .checked_add(i64::from(hour) * HOUR + i64::from(minute) * MINUTE + i64::from(second))
}

/// How far apart two moments are, whichever is first, in the largest whole unit up to days:
/// `52 days`, `1 day`, `3 hours`, `14 minutes`, `0 seconds`. What is left over is dropped, so that
/// a certificate is never said to have more time than it has.
pub(crate) fn distance(from: i64, to: i64) -> String {
    let seconds = from.abs_diff(to);
    let (count, unit) = [(DAY, "day"), (HOUR, "hour"), (MINUTE, "minute")]
        .into_iter()
        .map(|(size, unit)| (seconds / size.unsigned_abs(), unit))
        .find(|(count, _)| *count > 0)
        .unwrap_or((seconds, "second"));
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {unit}{plural}")
}

/// `2026-10-01` and `12:00:00`. A year before 0 keeps four digits behind its sign.
fn date_and_time(unix: i64) -> (String, String) {
    let (days, second) = (unix.div_euclid(DAY), unix.rem_euclid(DAY));
    let (year, month, day) = civil_from_days(days);
    let sign = if year < 0 { "-" } else { "" };
    let year = year.unsigned_abs();
    (
        format!("{sign}{year:04}-{month:02}-{day:02}"),
        format!(
            "{:02}:{:02}:{:02}",
            second / HOUR,
            second % HOUR / MINUTE,
            second % MINUTE
        ),
    )
}

/// Year, month and day from days since 1970-01-01; any day that an `i64` of seconds can reach.
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + DAYS_TO_1970;
    let (era, of_era) = (days.div_euclid(ERA), days.rem_euclid(ERA));
    // The last day of 4, of 100 and of 400 years is the extra one, and opens no new year.
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    // From March on, months have 31, 30, 31, 30, 31 days over and over: 153 days in five.
    let march_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * march_month + 2) / 5 + 1;
    let month = (march_month + 2) % 12 + 1;
    let year = year + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

fn days_in(year: i64, month: u32) -> Option<u32> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => Some(31),
        4 | 6 | 9 | 11 => Some(30),
        2 => Some(if leap { 29 } else { 28 }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may end at once")]

    use super::*;

    #[track_caller]
    fn check(unix: i64, civil: (i64, u32, u32, u32, u32, u32), text: &str) {
        let (y, mo, d, h, mi, s) = civil;
        assert_eq!(utc(unix), format!("{text} UTC"));
        assert_eq!(rfc3339(unix), format!("{}Z", text.replace(' ', "T")));
        assert_eq!(unix_from_civil(y, mo, d, h, mi, s), Some(unix));
    }

    /// The seconds are GNU `date -u -d … +%s`'s.
    #[test]
    fn moments_and_their_text() {
        check(0, (1970, 1, 1, 0, 0, 0), "1970-01-01 00:00:00");
        check(-1, (1969, 12, 31, 23, 59, 59), "1969-12-31 23:59:59");
        check(
            1_790_856_000,
            (2026, 10, 1, 12, 0, 0),
            "2026-10-01 12:00:00",
        );
        check(951_782_400, (2000, 2, 29, 0, 0, 0), "2000-02-29 00:00:00");
        check(
            951_868_799,
            (2000, 2, 29, 23, 59, 59),
            "2000-02-29 23:59:59",
        );
        check(
            4_107_542_399,
            (2100, 2, 28, 23, 59, 59),
            "2100-02-28 23:59:59",
        );
        check(4_107_542_400, (2100, 3, 1, 0, 0, 0), "2100-03-01 00:00:00");
        check(
            2_147_483_648,
            (2038, 1, 19, 3, 14, 8),
            "2038-01-19 03:14:08",
        );
        check(-631_152_000, (1950, 1, 1, 0, 0, 0), "1950-01-01 00:00:00");
        check(
            2_524_607_999,
            (2049, 12, 31, 23, 59, 59),
            "2049-12-31 23:59:59",
        );
        check(
            253_402_300_799,
            (9999, 12, 31, 23, 59, 59),
            "9999-12-31 23:59:59",
        );
        check(-62_135_596_800, (1, 1, 1, 0, 0, 0), "0001-01-01 00:00:00");
        check(-62_167_219_200, (0, 1, 1, 0, 0, 0), "0000-01-01 00:00:00");
        check(
            -62_167_219_201,
            (-1, 12, 31, 23, 59, 59),
            "-0001-12-31 23:59:59",
        );
    }

    #[test]
    fn milliseconds_have_three_digits() {
        let at = rfc3339_ms;
        assert_eq!(at(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(at(1_790_856_000_085), "2026-10-01T12:00:00.085Z");
    }

    #[test]
    fn every_day_of_eight_centuries_follows_the_one_before() {
        let mut unix = unix_from_civil(1599, 12, 31, 0, 0, 0).unwrap();
        for year in 1600..2400 {
            for month in 1..=12 {
                for day in 1..=days_in(year, month).unwrap() {
                    unix += DAY;
                    assert_eq!(unix_from_civil(year, month, day, 0, 0, 0), Some(unix));
                    let text = format!("{year:04}-{month:02}-{day:02} 00:00:00 UTC");
                    assert_eq!(utc(unix), text);
                }
            }
        }
    }

    #[test]
    fn the_ends_of_time_are_written_and_read_back() {
        assert_eq!(utc(i64::MAX), "292277026596-12-04 15:30:07 UTC");
        assert_eq!(utc(i64::MIN), "-292277022657-01-27 08:29:52 UTC");
        let last = unix_from_civil(292_277_026_596, 12, 4, 15, 30, 7);
        assert_eq!(last, Some(i64::MAX));
        assert_eq!(unix_from_civil(292_277_026_596, 12, 4, 15, 30, 8), None);
        assert_eq!(unix_from_civil(i64::MAX, 1, 1, 0, 0, 0), None);
        assert_eq!(unix_from_civil(i64::MIN, 1, 1, 0, 0, 0), None);
    }

    #[test]
    fn there_is_no_such_moment() {
        for (y, mo, d, h, mi, s) in [
            (2026, 0, 1, 0, 0, 0),
            (2026, 13, 1, 0, 0, 0),
            (2026, 1, 0, 0, 0, 0),
            (2026, 1, 32, 0, 0, 0),
            (2026, 4, 31, 0, 0, 0),
            (2026, 2, 29, 0, 0, 0),
            (2100, 2, 29, 0, 0, 0),
            (2026, 1, 1, 24, 0, 0),
            (2026, 1, 1, 0, 60, 0),
            (2016, 12, 31, 23, 59, 60),
        ] {
            assert_eq!(unix_from_civil(y, mo, d, h, mi, s), None, "{y}-{mo}-{d}");
        }
    }

    #[test]
    fn distances() {
        for (seconds, text) in [
            (0, "0 seconds"),
            (1, "1 second"),
            (59, "59 seconds"),
            (60, "1 minute"),
            (14 * MINUTE + 59, "14 minutes"),
            (HOUR, "1 hour"),
            (3 * HOUR, "3 hours"),
            (DAY - 1, "23 hours"),
            (DAY, "1 day"),
            (52 * DAY + 511, "52 days"),
        ] {
            assert_eq!(distance(1_000, 1_000 + seconds), text);
            assert_eq!(distance(1_000 + seconds, 1_000), text);
        }
        assert_eq!(distance(i64::MIN, i64::MAX), "213503982334601 days");
    }

    #[test]
    fn this_program_was_built_in_the_past() {
        assert!(build_date() <= now());
        assert!(build_date() > 0);
    }
}
