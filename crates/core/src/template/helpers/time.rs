//! Times, always in UTC.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::argument::{any, int, text, unfit};
use super::size::millis;
use super::{Arg, Family, HelperError, eager, exactly};

pub(super) const FAMILY: Family = Family {
    title: "Times",
    about: "A time is a text in RFC 3339 such as `2026-11-21T03:00:00Z`; one without an offset, as databases give it, is taken as UTC. Results are in UTC.",
    helpers: &[
        eager(
            "time_format",
            "time_format TIME FORMAT",
            exactly(2),
            "In another form; the format is that of `strftime`.",
            ("time_format \"2026-11-21T03:04:05Z\" \"%Y%m%d-%H%M%S\"", "\"20261121-030405\""),
            |a| {
                let (time, format) = (time(a, 0)?, text(a, 1)?);
                let formatted = jiff::fmt::strtime::format(format, &time.to_zoned(TimeZone::UTC));
                formatted.map(Value::from).map_err(|error| {
                    HelperError::of(1, format!("`{format}` is no format for a time: {error}")).help("write one such as `%Y-%m-%d %H:%M:%S`")
                })
            },
        ),
        eager(
            "minutes_between",
            "minutes_between A B",
            exactly(2),
            "Whole minutes from time A to time B; negative where B is earlier.",
            ("minutes_between \"2026-11-21T03:00:00Z\" \"2026-11-21T04:30:59Z\"", "90"),
            |a| Ok((between(a)?.as_secs() / 60).into()),
        ),
        eager(
            "seconds_between",
            "seconds_between A B",
            exactly(2),
            "Whole seconds from time A to time B; negative where B is earlier.",
            ("seconds_between \"2026-11-21T03:00:00Z\" \"2026-11-21T03:00:42Z\"", "42"),
            |a| Ok(between(a)?.as_secs().into()),
        ),
        eager(
            "time_add",
            "time_add TIME DURATION",
            exactly(2),
            "So much later.",
            ("time_add \"2026-11-21T03:00:00Z\" \"90m\"", "\"2026-11-21T04:30:00Z\""),
            |a| shifted(a, 1),
        ),
        eager(
            "time_sub",
            "time_sub TIME DURATION",
            exactly(2),
            "So much earlier.",
            ("time_sub \"2026-11-21T03:00:00Z\" \"1d\"", "\"2026-11-20T03:00:00Z\""),
            |a| shifted(a, -1),
        ),
        eager(
            "time_before",
            "time_before A B",
            exactly(2),
            "Whether A is earlier than B.",
            ("time_before \"2026-11-21T03:00:00Z\" \"2026-11-21T03:00:00+08:00\"", "false"),
            |a| Ok((time(a, 0)? < time(a, 1)?).into()),
        ),
        eager(
            "time_after",
            "time_after A B",
            exactly(2),
            "Whether A is later than B.",
            ("time_after \"2026-11-21T03:00:00Z\" \"2026-11-21T03:00:00+08:00\"", "true"),
            |a| Ok((time(a, 0)? > time(a, 1)?).into()),
        ),
        eager(
            "time_of_seconds",
            "time_of_seconds NUMBER",
            exactly(1),
            "The time so many seconds after 1970-01-01 in UTC.",
            ("time_of_seconds 0", "\"1970-01-01T00:00:00Z\""),
            |a| of(Timestamp::from_second(int(a, 0)?)),
        ),
        eager(
            "time_of_millis",
            "time_of_millis NUMBER",
            exactly(1),
            "The time so many milliseconds after 1970-01-01 in UTC.",
            ("time_of_millis 1500", "\"1970-01-01T00:00:01.5Z\""),
            |a| of(Timestamp::from_millisecond(int(a, 0)?)),
        ),
    ],
};

fn of(time: Result<Timestamp, jiff::Error>) -> Result<Value, HelperError> {
    time.map(|t| t.to_string().into()).map_err(|_| HelperError::of(0, "there is no such time"))
}

fn time(args: &[Arg<'_>], at: usize) -> Result<Timestamp, HelperError> {
    let text = match any(args, at)? {
        Value::String(text) => text,
        other => {
            return Err(unfit(at, "a time", other).help("write it as `2026-11-21T03:00:00Z`; a number becomes one with `time_of_seconds`"));
        }
    };
    text.parse::<Timestamp>()
        .or_else(|_| text.parse::<DateTime>().and_then(|civil| civil.to_zoned(TimeZone::UTC)).map(|zoned| zoned.timestamp()))
        .map_err(|_| HelperError::of(at, format!("`{text}` is no time")).help("write it as `2026-11-21T03:00:00Z`"))
}

fn between(args: &[Arg<'_>]) -> Result<SignedDuration, HelperError> {
    let (from, to) = (time(args, 0)?, time(args, 1)?);
    Ok(to.duration_since(from))
}

fn shifted(args: &[Arg<'_>], sign: i64) -> Result<Value, HelperError> {
    let by = i64::try_from(millis(args, 1)?).map_err(|_| HelperError::of(1, "the duration is too long"))?;
    let moved = time(args, 0)?.checked_add(SignedDuration::from_millis(sign * by));
    moved.map(|t| t.to_string().into()).map_err(|_| HelperError::new("the result is out of the range of times"))
}
