//! Times in scenario files and profiles: stamps with and without an offset, zones with summer time.

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeZone, Utc};
use chrono_tz::Tz;
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
    fn candidates(self, local: NaiveDateTime) -> (Option<i64>, Option<i64>) {
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

    /// The Unix time at which the clock shows this, given what comes before: in the hour that is shown
    /// twice, the one that follows by a whole step, else the first that is later.
    fn resolve(self, local: NaiveDateTime, before: Option<Before>) -> Option<i64> {
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

/// How stamps are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum StampFormat {
    /// RFC 3339.
    Rfc3339,
    /// Unix seconds.
    Unix,
    /// A strftime pattern that holds the offset.
    WithOffset(String),
    /// A strftime pattern of a clock's time.
    Local(String, Clock),
}

impl StampFormat {
    /// True when a zone is needed to read such a pattern.
    pub(crate) fn needs_zone(pattern: &str) -> bool {
        !["%z", "%:z", "%#z", "%+"]
            .iter()
            .any(|mark| pattern.contains(mark))
    }

    /// Reads a stamp.
    pub(crate) fn read(&self, text: &str, before: Option<Before>) -> Option<i64> {
        match self {
            Self::Rfc3339 => DateTime::parse_from_rfc3339(text)
                .ok()
                .map(|t| t.timestamp()),
            Self::Unix => text.parse().ok(),
            Self::WithOffset(pattern) => DateTime::parse_from_str(text, pattern)
                .ok()
                .map(|t| t.timestamp()),
            Self::Local(pattern, clock) => {
                let local = NaiveDateTime::parse_from_str(text, pattern)
                    .ok()
                    .or_else(|| {
                        NaiveDate::parse_from_str(text, pattern)
                            .ok()
                            .map(|d| d.and_time(NaiveTime::MIN))
                    })?;
                clock.resolve(local, before)
            }
        }
    }

    /// What a stamp must look like.
    pub(crate) fn expected(&self) -> String {
        match self {
            Self::Rfc3339 => "an RFC 3339 time such as 2026-05-04T00:00:00Z".into(),
            Self::Unix => "Unix seconds".into(),
            Self::WithOffset(pattern) => format!("a time of the form {pattern}"),
            Self::Local(pattern, Clock::Named(zone)) => {
                format!("a time of the form {pattern} that exists in {zone}")
            }
            Self::Local(pattern, Clock::Fixed(offset)) => {
                format!("a time of the form {pattern} at {offset}")
            }
        }
    }
}

/// What a moment in a scenario file must be.
pub(crate) const MOMENT_EXPECTED: &str =
    "an RFC 3339 time such as 2026-05-04T00:00:00+02:00, or a local time or date with a zone";

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

    #[test]
    fn the_hour_that_is_shown_twice_is_read_in_order() {
        let format = berlin();
        let mut before = None;
        let mut read = Vec::new();
        for text in ["01:30", "02:00", "02:30", "02:00", "02:30", "03:00"] {
            let at = format.read(&format!("25.10.2026 {text}"), before).unwrap();
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
        assert_eq!(berlin().read("29.03.2026 02:30", None), None);
        assert!(berlin().read("29.03.2026 03:00", None).is_some());
    }

    #[test]
    fn a_first_stamp_in_the_doubled_hour_is_the_earlier_one() {
        let summer = berlin().read("25.10.2026 02:00", None);
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
}
