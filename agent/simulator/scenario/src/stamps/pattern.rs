//! Stamps by strftime patterns.

use super::Clock;
use chrono::format::{Fixed, Item, Numeric, StrftimeItems};
use chrono::{Days, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};
use std::fmt::Write;

/// How the end of a day is written, the longest first.
const DAY_ENDS: [&str; 5] = ["24:00:00", "24:00", "24.00", "2400", "24"];

/// What a pattern says of a stamp.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Parts {
    /// The distance from UTC.
    pub(crate) offset: bool,
    /// Seconds since 1970, which no clock changes.
    pub(crate) unix: bool,
    hour: bool,
    minute: bool,
}

/// What a pattern holds; nothing for one that is no pattern: unknown marks, or no field at all.
pub(crate) fn parts(pattern: &str) -> Option<Parts> {
    let mut parts = Parts {
        // This one has no public item.
        offset: pattern.contains("%#z"),
        ..Parts::default()
    };
    let mut fields = parts.offset;
    for item in StrftimeItems::new(pattern) {
        match item {
            Item::Error => return None,
            Item::Numeric(what, _) => {
                fields = true;
                match what {
                    Numeric::Hour | Numeric::Hour12 => parts.hour = true,
                    Numeric::Minute => parts.minute = true,
                    Numeric::Timestamp => parts.unix = true,
                    _ => {}
                }
            }
            Item::Fixed(what) => {
                fields = true;
                parts.offset |= matches!(
                    what,
                    Fixed::TimezoneOffset
                        | Fixed::TimezoneOffsetColon
                        | Fixed::TimezoneOffsetDoubleColon
                        | Fixed::TimezoneOffsetTripleColon
                        | Fixed::TimezoneOffsetColonZ
                        | Fixed::TimezoneOffsetZ
                        | Fixed::RFC2822
                        | Fixed::RFC3339
                );
            }
            _ => {}
        }
    }
    fields.then_some(parts)
}

/// Reads a clock's time: of date and time, of a date alone (its midnight), of date and hour; 24 o'clock is the end
/// of the day.
pub(crate) fn local(text: &str, pattern: &str) -> Option<NaiveDateTime> {
    let dotted = (pattern.contains("%p") || pattern.contains("%P")).then(|| half_day(text));
    let dotted = dotted.flatten();
    let text = dotted.as_deref().unwrap_or(text);
    plain(text, pattern).or_else(|| {
        let parts = parts(pattern).filter(|p| p.hour)?;
        let day = DAY_ENDS.iter().find_map(|end| {
            // The hour alone stands for the end only where there are no minutes.
            if parts.minute == (end.len() < 4) {
                return None;
            }
            let at = text.rfind(end)?;
            let before = text.get(..at)?;
            let after = text.get(at.checked_add(end.len())?..)?;
            let digit = |c: char| c.is_ascii_digit();
            let alone = !before.ends_with(digit) && !after.starts_with(digit);
            alone.then(|| format!("{before}00{}{after}", end.get(2..).unwrap_or("")))
        })?;
        plain(&day, pattern)?.checked_add_days(Days::new(1))
    })
}

/// The name of a zone at the end of a stamp, where the pattern has one there.
pub(crate) fn zone_name<'t>(text: &'t str, pattern: &str) -> Option<&'t str> {
    pattern.trim_end().strip_suffix("%Z")?;
    let text = text.trim_end();
    let name = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    text.get(name.len()..).filter(|name| !name.is_empty())
}

/// `a.m.` and `p. m.` as `am` and `pm`; nothing where no point is written.
fn half_day(text: &str) -> Option<String> {
    let at = text.rfind(['a', 'p', 'A', 'P'])?;
    let (before, mark) = text.split_at_checked(at)?;
    let letters: String = mark.chars().filter(|c| c.is_alphabetic()).collect();
    let known = letters.eq_ignore_ascii_case("am") || letters.eq_ignore_ascii_case("pm");
    (known && mark.contains('.')).then(|| format!("{before}{letters}"))
}

fn plain(text: &str, pattern: &str) -> Option<NaiveDateTime> {
    if let Ok(time) = NaiveDateTime::parse_from_str(text, pattern) {
        return Some(time);
    }
    match parts(pattern)? {
        Parts {
            hour: false,
            minute: false,
            ..
        } => {
            let date = NaiveDate::parse_from_str(text, pattern).ok()?;
            Some(date.and_time(NaiveTime::MIN))
        }
        Parts {
            hour: true,
            minute: false,
            ..
        } => NaiveDateTime::parse_from_str(&format!("{text}\n0"), &format!("{pattern}\n%M")).ok(),
        Parts { .. } => None,
    }
}

/// The pattern of the date before the mark of the hour at its end; `None` for any other pattern.
pub(crate) fn date_before_hour(pattern: &str) -> Option<&str> {
    let date = ["%H", "%k", "%-H"]
        .iter()
        .find_map(|mark| pattern.strip_suffix(mark))?
        .trim_end();
    let parts = parts(date)?;
    (!parts.hour && !parts.minute && !parts.offset && !parts.unix).then_some(date)
}

/// The Unix time so many hours after a date's midnight by a clock.
pub(crate) fn hours(text: &str, date_pattern: &str, clock: Clock) -> Option<i64> {
    let before = text.trim_end_matches(|c: char| c.is_ascii_digit());
    let hours: u32 = text.get(before.len()..)?.parse().ok()?;
    let date = NaiveDate::parse_from_str(before.trim_end(), date_pattern).ok()?;
    let midnight = date.and_time(NaiveTime::MIN);
    // Some clocks are changed at midnight.
    let first = clock.candidates(midnight).0;
    let start = first.or_else(|| {
        clock
            .candidates(midnight.checked_add_signed(TimeDelta::hours(1))?)
            .0
    })?;
    let next = clock.candidates(midnight.checked_add_days(Days::new(1))?).0;
    let at = start.checked_add(i64::from(hours).checked_mul(3_600)?)?;
    // A day has as many hours as it has.
    let within = next.map_or(hours <= 24, |next| at <= next);
    within.then_some(at)
}

/// A clock's time by a pattern, for messages; as ISO 8601 where the pattern asks for what a clock does not show.
pub(crate) fn show(pattern: &str, local: NaiveDateTime) -> String {
    let mut out = String::new();
    match write!(out, "{}", local.format(pattern)) {
        Ok(()) => out,
        Err(_) => local.format("%Y-%m-%dT%H:%M:%S").to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_day_is_written_in_several_ways() {
        for (pattern, text) in [
            ("%d.%m.%Y %H:%M", "04.05.2026 24:00"),
            ("%Y/%m/%d %H:%M", "2026/05/04 24:00"),
            ("%Y%m%d %H%M", "20260504 2400"),
            ("%d/%m/%Y %H", "4/5/2026 24"),
        ] {
            let read = local(text, pattern).map(|t| t.to_string());
            assert_eq!(read.as_deref(), Some("2026-05-05 00:00:00"), "{text}");
        }
        for (pattern, text) in [
            ("%d/%m/%Y %H", "24/02/2026 25"),
            ("%d/%m/%Y", "24/13/2026"),
            ("%d/%m/%Y %H", "04/05/2024"),
            ("%d.%m.%Y %H:%M", "04.05.2026 24:30"),
        ] {
            assert_eq!(local(text, pattern), None, "{text}");
        }
    }

    #[test]
    fn halves_of_the_day_with_points() {
        for text in [
            "5/4/2026 11:30 p.m.",
            "5/4/2026 11:30 P.M.",
            "5/4/2026 11:30 p. m.",
            "5/4/2026 11:30 PM",
        ] {
            let read = local(text, "%m/%d/%Y %I:%M %p").map(|t| t.to_string());
            assert_eq!(read.as_deref(), Some("2026-05-04 23:30:00"), "{text}");
        }
    }

    #[test]
    fn a_time_that_is_not_understood_is_no_midnight() {
        let at = |text, pattern| local(text, pattern).map(|t| t.to_string());
        assert_eq!(
            at("04/05/2026 13", "%d/%m/%Y %H").as_deref(),
            Some("2026-05-04 13:00:00")
        );
        assert_eq!(
            at("04/05/2026", "%d/%m/%Y").as_deref(),
            Some("2026-05-04 00:00:00")
        );
        // Twelve hours without a word on which half of the day.
        assert_eq!(at("04/05/2026 01:30", "%d/%m/%Y %I:%M"), None);
    }

    #[test]
    fn hours_are_counted_from_midnight() {
        let madrid = Clock::parse("Europe/Madrid").unwrap();
        let at = |text| hours(text, date_before_hour("%d/%m/%Y %H").unwrap(), madrid);
        let midnight = at("25/10/2026 0").unwrap();
        assert_eq!(at("25/10/2026 25"), Some(midnight + 25 * 3_600));
        assert_eq!(at("25/10/2026 25"), at("26/10/2026 0"));
        assert_eq!(at("29/03/2026 23"), at("30/03/2026 0"));
        for text in [
            "29/03/2026 24",
            "25/10/2026 26",
            "25/10/2026",
            "25/13/2026 1",
            "",
        ] {
            assert_eq!(at(text), None, "{text}");
        }
        assert_eq!(date_before_hour("%d/%m/%Y %H:%M"), None);
        assert_eq!(date_before_hour("%H"), None);
    }

    #[test]
    fn what_a_clock_does_not_show_is_left_out_of_messages() {
        let time = local("2026-05-04 10:00 CEST", "%Y-%m-%d %H:%M %Z").unwrap();
        assert_eq!(show("%Y-%m-%d %H:%M %Z", time), "2026-05-04T10:00:00");
        assert_eq!(show("%H:%M", time), "10:00");
    }

    #[test]
    fn offsets_are_seen_in_any_spelling() {
        for pattern in ["%d %z", "%d %:z", "%d %::z", "%d %:::z", "%d %#z", "%+"] {
            assert!(parts(pattern).unwrap().offset, "{pattern}");
        }
        assert!(parts("%s").unwrap().unix);
        for pattern in ["", "noon", "%", "%Q"] {
            assert_eq!(parts(pattern), None, "{pattern}");
        }
    }
}
