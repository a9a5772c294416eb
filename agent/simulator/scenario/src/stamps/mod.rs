//! Times in scenario files and profiles: stamps with and without an offset, zones with summer time.

pub(crate) mod guess;
mod interval;
mod iso;
pub(crate) mod pattern;

pub(crate) use interval::interval;

use crate::errors::ScenarioError;
use crate::source::{Key, Source};
use chrono::{
    DateTime, Datelike, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeZone, Utc,
};
use chrono_tz::{OffsetName, Tz};
use std::fmt;

/// A clock that people read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// A named zone, with its summer time.
    Named(Tz),
    /// A fixed distance from UTC.
    Fixed(FixedOffset),
}

/// What a zone must be.
pub(crate) const ZONE_EXPECTED: &str =
    "a time zone such as Europe/Berlin, or an offset such as +01:00";

impl Clock {
    /// A zone by name, or an offset.
    pub fn parse(text: &str) -> Option<Self> {
        match text.parse::<Tz>() {
            Ok(zone) => Some(Self::Named(zone)),
            Err(_) => text.parse::<FixedOffset>().ok().map(Self::Fixed),
        }
    }

    /// UTC.
    pub fn utc() -> Self {
        Self::Named(Tz::UTC)
    }

    /// What the clock shows at a Unix time.
    pub fn shows(self, at: i64) -> Option<NaiveDateTime> {
        let utc = DateTime::from_timestamp(at, 0)?;
        let offset = match self {
            Self::Named(zone) => zone.offset_from_utc_datetime(&utc.naive_utc()).fix(),
            Self::Fixed(offset) => offset,
        };
        Some(utc.with_timezone(&offset).naive_local())
    }

    /// The Unix times at which the clock shows this: none in the hour that summer time leaves out, two
    /// (the earlier first) in the one that it repeats.
    pub(crate) fn candidates(self, local: NaiveDateTime) -> (Option<i64>, Option<i64>) {
        match self {
            Self::Named(zone) => {
                let found = zone.from_local_datetime(&local);
                let (first, last) = (found.earliest(), found.latest());
                (first.map(|t| t.timestamp()), last.map(|t| t.timestamp()))
            }
            Self::Fixed(offset) => {
                let found = offset
                    .from_local_datetime(&local)
                    .single()
                    .map(|t| t.timestamp());
                (found, found)
            }
        }
    }

    /// What the clock shows beside this name (`CET`, `CEST`), which tells the hours of a doubled one apart; nothing where
    /// it shows another name then. Names of places without any, and of fixed offsets, say nothing.
    pub(crate) fn named(self, local: NaiveDateTime, name: &str) -> Option<Moment> {
        let Self::Named(zone) = self else {
            return Some(Moment::Shown(local));
        };
        let found = zone.from_local_datetime(&local);
        let shown = [found.earliest(), found.latest()];
        let of = |t: &DateTime<Tz>| t.offset().abbreviation().map(str::to_owned);
        if shown
            .iter()
            .flatten()
            .any(|t| of(t).is_none_or(|short| !short.chars().all(|c| c.is_ascii_alphabetic())))
        {
            return Some(Moment::Shown(local));
        }
        let same = |t: &&DateTime<Tz>| of(t).is_some_and(|short| short.eq_ignore_ascii_case(name));
        let named = shown.iter().flatten().find(same)?;
        Some(Moment::At(named.timestamp()))
    }

    /// The Unix time at which the clock shows this, given what comes before: in the hour that is shown
    /// twice, the one that follows by a whole step, else the first that is later.
    pub(crate) fn resolve(self, local: NaiveDateTime, before: Option<Before>) -> Option<i64> {
        let (first, last) = self.candidates(local);
        let Some(before) = before else { return first };
        let next = before
            .step_s
            .map(|s| before.at.saturating_add(i64::from(s)));
        if next.is_some() && next == last {
            return last;
        }
        if first.is_some_and(|t| t > before.at) {
            first
        } else {
            last
        }
    }
}

impl fmt::Display for Clock {
    /// The zone's name, or the offset: what [`Clock::parse`] reads.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named(zone) => f.write_str(zone.name()),
            Self::Fixed(offset) => write!(f, "{offset}"),
        }
    }
}

/// The clock of a moment that carries its own offset.
pub(crate) fn offset_of(value: &toml::Value) -> Option<Clock> {
    let text = match value {
        toml::Value::String(text) => text.clone(),
        toml::Value::Datetime(moment) => moment.to_string(),
        _ => return None,
    };
    let moment = DateTime::parse_from_rfc3339(&text).ok()?;
    Some(Clock::Fixed(*moment.offset()))
}

/// The stamp before the one that is read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Before {
    /// Unix time.
    pub(crate) at: i64,
    /// Length of a step, where it is known.
    pub(crate) step_s: Option<u32>,
}

/// Last second that the chain's time can hold: 2554-07-21T23:34:33Z, in nanoseconds of 64 bits.
pub(crate) const LAST: i64 = 18_446_744_073;

/// What a time beyond that must be.
pub(crate) const IN_TIME_EXPECTED: &str =
    "a time from 1970 to 2554-07-21, which the chain can hold";

/// True for a time that the chain can hold.
pub(crate) fn in_time(at: i64) -> bool {
    (0..=LAST).contains(&at)
}

/// A stamp as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// A Unix time.
    At(i64),
    /// What a clock shows.
    Shown(NaiveDateTime),
}

/// How stamps are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum StampFormat {
    /// ISO 8601 in any spelling, with an offset.
    Iso,
    /// The same without an offset: a clock's time.
    IsoLocal(Clock),
    /// Unix time in so many parts of a second.
    Unix(i64),
    /// A strftime pattern that holds the offset.
    WithOffset(String),
    /// A strftime pattern of a clock's time.
    Local(String, Clock),
    /// A strftime pattern of a date, and after it the number of hours since its midnight by a clock.
    Hours(String, Clock),
}

/// Names of Unix times and their parts of a second.
pub(crate) const UNIX: [(&str, i64); 4] = [
    ("unix", 1),
    ("unix_ms", 1_000),
    ("unix_us", 1_000_000),
    ("unix_ns", 1_000_000_000),
];

impl StampFormat {
    /// The clock that stamps are read by.
    pub(crate) fn clock(&self) -> Option<Clock> {
        match self {
            Self::IsoLocal(clock) | Self::Local(_, clock) => Some(*clock),
            Self::Iso | Self::Unix(_) | Self::WithOffset(_) | Self::Hours(..) => None,
        }
    }

    /// Reads a stamp.
    pub(crate) fn read(&self, text: &str) -> Option<Moment> {
        match self {
            Self::Iso => match iso::read(text)? {
                (local, Some(offset)) => at_offset(local, offset),
                (_, None) => None,
            },
            Self::IsoLocal(_) => match iso::read(text)? {
                (local, Some(offset)) => at_offset(local, offset),
                (local, None) => Some(Moment::Shown(local)),
            },
            Self::Unix(parts) => unix(text, *parts).filter(|at| in_time(*at)).map(Moment::At),
            Self::WithOffset(pattern) => {
                // Offsets of whole hours without minutes are read as well.
                let lenient = pattern.replace("%z", "%#z");
                DateTime::parse_from_str(text, &lenient)
                    .ok()
                    .map(|t| Moment::At(t.timestamp()))
            }
            // Two digits are no year of four: chrono takes them for one of the first century.
            Self::Local(pattern, clock) => {
                let local = pattern::local(text, pattern).filter(|t| t.year() >= 1_000)?;
                match pattern::zone_name(text, pattern) {
                    Some(name) => clock.named(local, name),
                    None => Some(Moment::Shown(local)),
                }
            }
            Self::Hours(pattern, clock) => pattern::hours(text, pattern, *clock).map(Moment::At),
        }
    }

    /// A stamp as the file writes it, for messages.
    pub(crate) fn show(&self, moment: Moment) -> String {
        match (self, moment) {
            (Self::Local(pattern, _), Moment::Shown(local)) => pattern::show(pattern, local),
            (_, Moment::Shown(local)) => local.format("%Y-%m-%dT%H:%M:%S").to_string(),
            (Self::Unix(1), Moment::At(at)) => at.to_string(),
            (_, Moment::At(at)) => shown(at),
        }
    }

    /// What a stamp must look like.
    pub(crate) fn expected(&self) -> String {
        match self {
            Self::Iso => "an RFC 3339 time such as 2026-05-04T00:00:00Z".into(),
            Self::IsoLocal(_) => "a time such as 2026-05-04 00:00:00".into(),
            Self::Unix(1) => "Unix seconds".into(),
            Self::Unix(parts) => format!("Unix time in {parts} parts of a second"),
            Self::WithOffset(pattern) => format!("a time of the form {pattern}"),
            Self::Hours(pattern, _) => {
                format!("a date of the form {pattern} and a number of hours of that day")
            }
            Self::Local(pattern, Clock::Named(zone)) => {
                format!("a time of the form {pattern} that exists in {zone}")
            }
            Self::Local(pattern, Clock::Fixed(offset)) => {
                format!("a time of the form {pattern} at {offset}")
            }
        }
    }

    /// What a stamp that is not read looks like: the setting that would read it.
    pub(crate) fn hint(&self, text: &str) -> Option<String> {
        if let Ok(number) = text.parse::<f64>() {
            if (20_000.0..80_000.0).contains(&number) {
                let hint = "a spreadsheet's day number? show the column as date and time there before it is saved as CSV, \
                            or bring the workbook itself";
                return Some(hint.into());
            }
            let (name, parts) = UNIX.into_iter().find(|(_, parts)| {
                unix(text, *parts).is_some_and(|at| (500_000_000..5_000_000_000).contains(&at))
            })?;
            let what = match parts {
                1 => "seconds",
                1_000 => "milliseconds",
                1_000_000 => "microseconds",
                _ => "nanoseconds",
            };
            return (number > 0.0 && *self != Self::Unix(parts))
                .then(|| format!("format = \"{name}\": this looks like Unix {what}"));
        }
        if let Self::Local(pattern, clock) = self {
            let shown = pattern::local(text, pattern).zip(pattern::zone_name(text, pattern));
            if let Some((_, name)) =
                shown.filter(|(local, name)| clock.named(*local, name).is_none())
            {
                return Some(format!(
                    "a zone whose clock shows {name} then, such as a fixed offset: {clock} does not"
                ));
            }
        }
        match (self, iso::read(text)) {
            (Self::Iso, Some((_, None))) => {
                return Some("zone beside the column: this time has no offset".into())
            }
            (Self::Iso | Self::IsoLocal(_), _) => {}
            (_, Some((_, Some(_)))) => {
                return Some("no format and no zone: this time is ISO 8601".into())
            }
            (_, Some((_, None))) => {
                return Some("zone without format: this time is ISO 8601".into())
            }
            _ => {}
        }
        let cut = text.trim_end_matches(|c: char| c.is_ascii_uppercase());
        let name = text.len().saturating_sub(cut.len());
        if (2..=5).contains(&name) && cut.ends_with(' ') && iso::read(cut).is_some() {
            return Some(
                "a format with %Z, and zone: the name of a zone is no distance from UTC".into(),
            );
        }
        let pattern = guess::patterns(&[text]).into_iter().next()?;
        let same = matches!(self, Self::Local(own, _) if own == pattern);
        (!same).then(|| format!("format = \"{pattern}\""))
    }
}

fn at_offset(local: NaiveDateTime, offset: i64) -> Option<Moment> {
    local
        .and_utc()
        .timestamp()
        .checked_sub(offset)
        .map(Moment::At)
}

/// Unix seconds from a whole or broken number of parts of a second, to the nearest second.
fn unix(text: &str, parts: i64) -> Option<i64> {
    if let Ok(whole) = text.parse::<i64>() {
        let half = parts.checked_div(2)?;
        return whole.checked_add(half)?.checked_div_euclid(parts);
    }
    let seconds = text.replace(',', ".").parse::<f64>().ok()? / parts as f64;
    seconds.is_finite().then(|| whole_seconds(seconds.round()))
}

#[allow(clippy::cast_possible_truncation, reason = "the cast saturates")]
fn whole_seconds(seconds: f64) -> i64 {
    seconds as i64
}

/// What a moment in a scenario file must be.
pub(crate) const MOMENT_EXPECTED: &str =
    "an RFC 3339 time such as 2026-05-04T00:00:00+02:00, or a local time or date beside a timezone or zone";

/// Reads a moment of a scenario file: with an offset, or by a clock.
pub(crate) fn moment(value: &toml::Value, clock: Option<Clock>) -> Option<i64> {
    let text = moment_text(value)?;
    if let Ok(time) = DateTime::parse_from_rfc3339(&text) {
        return Some(time.timestamp());
    }
    let local = [
        "%Y-%m-%dT%H:%M:%S",
        "%Y-%m-%dT%H:%M",
        "%Y-%m-%d %H:%M:%S",
        "%Y-%m-%d %H:%M",
    ]
    .iter()
    .find_map(|p| NaiveDateTime::parse_from_str(&text, p).ok())
    .or_else(|| date(value).map(|d| d.and_time(NaiveTime::MIN)))?;
    clock?.candidates(local).0
}

/// Reads a moment that stands at `path` of a scenario file.
///
/// # Errors
/// For what is no moment, and for times that the chain cannot hold.
pub(crate) fn moment_at(
    source: &Source,
    path: &[Key<'_>],
    value: &toml::Value,
    clock: Option<Clock>,
) -> Result<i64, ScenarioError> {
    let refuse = |expected: &str| source.refuse(path, format!("found {value}"), expected);
    match moment(value, clock) {
        Some(at) if in_time(at) => Ok(at),
        Some(_) => Err(refuse(IN_TIME_EXPECTED)),
        None => Err(refuse(MOMENT_EXPECTED)),
    }
}

/// Reads a date of a scenario file.
pub(crate) fn date(value: &toml::Value) -> Option<NaiveDate> {
    NaiveDate::parse_from_str(&moment_text(value)?, "%Y-%m-%d").ok()
}

fn moment_text(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text.trim().to_string()),
        toml::Value::Datetime(time) => Some(time.to_string()),
        _ => None,
    }
}

/// RFC 3339 in UTC, for messages.
pub(crate) fn shown(at: i64) -> String {
    DateTime::<Utc>::from_timestamp(at, 0).map_or_else(
        || format!("{at} s"),
        |t| t.format("%Y-%m-%dT%H:%M:%SZ").to_string(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn berlin() -> StampFormat {
        StampFormat::Local(
            "%d.%m.%Y %H:%M".into(),
            Clock::parse("Europe/Berlin").unwrap(),
        )
    }

    fn at(text: &str, before: Option<Before>) -> Option<i64> {
        let format = berlin();
        match format.read(text)? {
            Moment::At(at) => Some(at),
            Moment::Shown(local) => format.clock()?.resolve(local, before),
        }
    }

    #[test]
    fn a_zone_s_name_tells_the_doubled_hour_apart() {
        let berlin = Clock::parse("Europe/Berlin").unwrap();
        let format = StampFormat::Local("%Y-%m-%d %H:%M %Z".into(), berlin);
        let at = |text: &str| format.read(text);
        // 02:30 is there twice on 25 October 2026.
        let (first, second) = (at("2026-10-25 02:30 CEST"), at("2026-10-25 02:30 cet"));
        assert_eq!(first, Some(Moment::At(1_792_888_200)));
        assert_eq!(second, Some(Moment::At(1_792_891_800)));
        assert_eq!(at("2026-07-01 12:00 CET"), None);
        assert_eq!(at("2026-07-01 12:00 EST"), None);
        // A place whose clock has no name, and a fixed offset, say nothing of names.
        for clock in ["America/Sao_Paulo", "+01:00"] {
            let clock = Clock::parse(clock).unwrap();
            let format = StampFormat::Local("%Y-%m-%d %H:%M %Z".into(), clock);
            let read = format.read("2026-07-01 12:00 CET");
            assert!(matches!(read, Some(Moment::Shown(_))), "{read:?}");
        }
    }

    #[test]
    fn the_hour_that_is_shown_twice_is_read_in_order() {
        let mut before = None;
        let mut read = Vec::new();
        for text in ["01:30", "02:00", "02:30", "02:00", "02:30", "03:00"] {
            let at = at(&format!("25.10.2026 {text}"), before).unwrap();
            before = Some(Before {
                at,
                step_s: Some(1_800),
            });
            read.push(at);
        }
        assert!(read.windows(2).all(|w| w[1] - w[0] == 1_800), "{read:?}");
    }

    #[test]
    fn the_hour_that_is_left_out_is_refused() {
        assert_eq!(at("29.03.2026 02:30", None), None);
        assert!(at("29.03.2026 03:00", None).is_some());
    }

    #[test]
    fn a_first_stamp_in_the_doubled_hour_is_the_earlier_one() {
        let summer = at("25.10.2026 02:00", None);
        assert_eq!(summer.map(shown), Some("2026-10-25T00:00:00Z".into()));
    }

    #[test]
    fn moments_take_an_offset_a_zone_or_a_date() {
        let clock = Clock::parse("-08:00");
        let value = |s: &str| toml::Value::String(s.into());
        let expected = Some("2016-08-01T07:00:00Z".to_string());
        assert_eq!(
            moment(&value("2016-07-31T23:00:00-08:00"), None).map(shown),
            expected
        );
        assert_eq!(
            moment(&value("2016-07-31 23:00"), clock).map(shown),
            expected
        );
        assert_eq!(
            moment(&value("2016-08-01"), clock).map(shown),
            Some("2016-08-01T08:00:00Z".into())
        );
        assert_eq!(moment(&value("2016-08-01"), None), None);
    }

    #[test]
    fn unix_times_are_read_in_any_part_of_a_second() {
        for (parts, text) in [
            (1, "1613343600"),
            (1, "1613343600.0"),
            (1, "1.6133436e9"),
            (1_000, "1613343600000"),
            (1_000, "1613343599999"),
            (1_000_000_000, "1613343600000000000"),
        ] {
            let read = StampFormat::Unix(parts).read(text);
            assert_eq!(read, Some(Moment::At(1_613_343_600)), "{text}");
        }
        // Milliseconds are no seconds of the year 53,000.
        assert_eq!(StampFormat::Unix(1).read("1613343600000"), None);
        let hint = StampFormat::Unix(1).hint("1613343600000").unwrap();
        assert!(hint.contains("unix_ms"), "{hint}");
    }

    #[test]
    fn offsets_without_minutes_are_read_by_the_usual_mark() {
        let format = StampFormat::WithOffset("%Y-%m-%d %H:%M:%S%z".into());
        for text in [
            "2026-05-04 10:00:00-06",
            "2026-05-04 10:00:00-0600",
            "2026-05-04 10:00:00-06:00",
        ] {
            assert_eq!(format.read(text), Some(Moment::At(1_777_910_400)), "{text}");
        }
    }
}
