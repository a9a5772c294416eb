//! Times as people read them: RFC 3339, UTC.

use chrono::{DateTime, SecondsFormat, Utc};
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_utc_to_the_second() {
        assert_eq!(rfc3339(Seconds(1_780_315_200)), "2026-06-01T12:00:00Z");
        assert!(rfc3339(Seconds(u64::MAX)).ends_with('Z'));
    }
}
