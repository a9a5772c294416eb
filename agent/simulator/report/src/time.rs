//! Times as people read them: RFC 3339 in UTC, and the clock on the wall.

use chrono::{DateTime, NaiveDateTime, SecondsFormat, Utc};
use wattpool_scenario::Clock;
use wattpool_schema::Seconds;

/// The instant, held to the last one the calendar knows.
pub fn instant(time: Seconds) -> DateTime<Utc> {
    i64::try_from(time.get())
        .ok()
        .and_then(|seconds| DateTime::from_timestamp(seconds, 0))
        .unwrap_or(DateTime::<Utc>::MAX_UTC)
}

/// `2026-06-01T12:15:00Z`.
pub fn rfc3339(time: Seconds) -> String {
    instant(time).to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// What the clock shows, held to the last instant that the calendar knows.
pub fn wall(time: Seconds, clock: Clock) -> NaiveDateTime {
    let at = i64::try_from(time.get()).unwrap_or(i64::MAX);
    clock.shows(at).unwrap_or_else(|| instant(time).naive_utc())
}

/// What the clock shows: `2026-06-01T14:15:00`.
pub fn local(time: Seconds, clock: Clock) -> String {
    wall(time, clock).format("%Y-%m-%dT%H:%M:%S").to_string()
}

/// The clock's time as if it were UTC, in seconds: for axes that show the time of day.
pub fn wall_seconds(time: Seconds, clock: Clock) -> u64 {
    u64::try_from(wall(time, clock).and_utc().timestamp()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_utc_to_the_second() {
        assert_eq!(rfc3339(Seconds(1_780_315_200)), "2026-06-01T12:00:00Z");
        assert!(rfc3339(Seconds(u64::MAX)).ends_with('Z'));
    }

    #[test]
    fn walls_show_summer_time() {
        let berlin = Clock::parse("Europe/Berlin").unwrap();
        assert_eq!(local(Seconds(1_780_315_200), berlin), "2026-06-01T14:00:00");
        assert_eq!(local(Seconds(1_767_225_600), berlin), "2026-01-01T01:00:00");
        assert_eq!(wall_seconds(Seconds(1_780_315_200), berlin), 1_780_322_400);
        let _ = local(Seconds(u64::MAX), berlin);
    }
}
