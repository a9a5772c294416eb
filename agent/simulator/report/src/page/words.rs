//! Periods and amounts in words.

use chrono::{Datelike, NaiveDateTime};

use crate::format::{coins, grouped, number};
use crate::summary::Summary;

const DAY_S: i128 = 86_400;
/// A year of the calendar on average, seconds.
const YEAR_S: i128 = 31_556_952;

/// Money with the currency's name, if the scenario has one.
pub fn money(s: &Summary, micro: i64) -> String {
    match &s.currency {
        Some(currency) => format!("{} {currency}", coins(micro)),
        None => coins(micro),
    }
}

/// Money without its fraction, for what is no more than an estimate.
pub fn rounded(s: &Summary, micro: i64) -> String {
    let whole = micro.saturating_add(micro.signum().saturating_mul(500_000)) / 1_000_000;
    let digits = grouped(whole.unsigned_abs());
    let sign = if whole < 0 { "−" } else { "" };
    match &s.currency {
        Some(currency) => format!("{sign}{digits} {currency}"),
        None => format!("{sign}{digits}"),
    }
}

/// A share in whole per cent.
pub fn round_percent(share: Option<f64>) -> String {
    share.map_or_else(
        || crate::format::UNDEFINED.into(),
        |share| format!("{:.0}\u{a0}%", share * 100.0),
    )
}

/// `1 home`, `32 homes`.
pub fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(count), if count == 1 { one } else { many })
}

/// The period's length: `7 days`, `90 minutes`, `1.5 days`.
pub fn length(s: &Summary) -> String {
    let seconds = s.windows.saturating_mul(u64::from(s.window_s));
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    if seconds < 2 * 3_600 {
        counted(seconds / 60, "minute", "minutes")
    } else if seconds < 86_400 {
        counted(seconds / 3_600, "hour", "hours")
    } else if rest == 0 {
        counted(days, "day", "days")
    } else {
        format!("{} days", number(Some(s.days), 1))
    }
}

/// First to last day: `4–10 May 2026`. `last` is the last moment that belongs to the period.
pub fn dates(first: NaiveDateTime, last: NaiveDateTime) -> String {
    let (a, b) = (first.date(), last.date());
    if a == b {
        format!("{}", a.format("%-d %B %Y"))
    } else if a.year() != b.year() {
        format!("{} – {}", a.format("%-d %B %Y"), b.format("%-d %B %Y"))
    } else if a.month() != b.month() {
        format!("{} – {}", a.format("%-d %B"), b.format("%-d %B %Y"))
    } else {
        format!("{}–{}", a.format("%-d"), b.format("%-d %B %Y"))
    }
}

/// A span of time that amounts are told for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Per {
    /// A day, where less than a week was simulated.
    Day,
    /// A week.
    Week,
    /// A year: told as an extrapolation unless so much was simulated.
    Year,
}

impl Per {
    /// The span that suits a period.
    pub fn usual(s: &Summary) -> Self {
        if s.days < 6.99 {
            Self::Day
        } else {
            Self::Week
        }
    }

    /// `a week`.
    pub fn words(self) -> &'static str {
        match self {
            Self::Day => "a day",
            Self::Week => "a week",
            Self::Year => "a year",
        }
    }

    /// An amount of the whole period as that of the span, at the same rate.
    pub fn of(self, s: &Summary, micro: i64) -> i64 {
        let period = i128::from(s.windows).saturating_mul(i128::from(s.window_s));
        let span = match self {
            Self::Day => DAY_S,
            Self::Week => DAY_S.saturating_mul(7),
            Self::Year => YEAR_S,
        };
        let amount = i128::from(micro).saturating_mul(span);
        crate::money::to_i64(amount.checked_div(period).unwrap_or(0))
    }
}

/// A year's figure is an extrapolation unless about a year was simulated.
pub fn is_extrapolation(s: &Summary) -> bool {
    s.days < 360.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_as_short_as_they_can_be() {
        let at = |text: &str| NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M").unwrap();
        let shown = |a, b| dates(at(a), at(b));
        assert_eq!(shown("2026-05-04T00:00", "2026-05-04T23:45"), "4 May 2026");
        assert_eq!(
            shown("2026-05-04T00:00", "2026-05-10T23:45"),
            "4–10 May 2026"
        );
        assert_eq!(
            shown("2026-05-28T00:00", "2026-06-03T23:45"),
            "28 May – 3 June 2026"
        );
        assert_eq!(
            shown("2025-12-28T00:00", "2026-01-03T23:45"),
            "28 December 2025 – 3 January 2026"
        );
    }
}
