//! A period of a bill, as people write it.

use chrono::{DateTime, NaiveDate};
use wattpool_schema::{Seconds, Window};

/// Which end of a period a text says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The first window.
    First,
    /// The last one.
    Last,
}

/// The window of a day (2026-05-04, UTC: taken whole), of a time (2026-05-04T22:00:00Z: windows that begin at it or later, or end by it) or of a number.
///
/// # Errors
/// It is none of these; the text says what was expected.
pub fn window(text: &str, seconds: u32, end: End) -> Result<Window, String> {
    let found = (|| {
        if let Ok(number) = text.parse() {
            return Some(Window(number));
        }
        let time = if let Ok(day) = text.parse::<NaiveDate>() {
            let day = match end {
                End::First => day,
                End::Last => day.succ_opt()?,
            };
            day.and_hms_opt(0, 0, 0)?.and_utc().timestamp()
        } else {
            DateTime::parse_from_rfc3339(text).ok()?.timestamp()
        };
        let time = Seconds(u64::try_from(time).ok()?);
        let at = Window::at(time, seconds);
        Some(match end {
            End::First if at.start(seconds) == time => at,
            End::First => at.next(),
            End::Last => at.prev(),
        })
    })();
    found.ok_or_else(|| {
        let shown: String = text.chars().take(60).collect();
        format!("expected a day such as 2026-05-04, a time such as 2026-05-04T22:00:00Z or a window's number, found {shown:?}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_times_and_windows() {
        let at = |text, end| window(text, 900, end).map(|w| w.0);
        let day = 1_777_852_800 / 900;
        assert_eq!(at("2026-05-04", End::First), Ok(day));
        assert_eq!(at("2026-05-04", End::Last), Ok(day + 95));
        assert_eq!(at("2026-05-04T00:00:00Z", End::First), Ok(day));
        assert_eq!(at("2026-05-04T02:00:00+02:00", End::Last), Ok(day - 1));
        assert_eq!(at("2026-05-04T00:00:01Z", End::First), Ok(day + 1));
        assert_eq!(at("77", End::Last), Ok(77));
        for bad in [
            "",
            "yesterday",
            "-1",
            "1969-01-01",
            "2026-13-01",
            "9999999999999999999999",
        ] {
            assert!(at(bad, End::First).is_err(), "{bad}");
        }
    }
}
