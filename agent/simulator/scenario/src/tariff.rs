//! Prices and carbon intensity per window.

use chrono::{DateTime, Timelike};
use chrono_tz::Tz;
use wattpool_schema::Seconds;

/// Carbon intensity of a typical mixed grid by local hour, g CO2 per kWh: a dip at noon from the grid's
/// own solar power, peaks in the morning and the evening. Made up for the generator, not measured.
const CARBON_BY_HOUR: [f64; 24] = [
    360.0, 352.0, 348.0, 348.0, 356.0, 376.0, 402.0, 415.0, 398.0, 362.0, 322.0, 290.0, 272.0,
    266.0, 274.0, 298.0, 338.0, 388.0, 432.0, 450.0, 440.0, 418.0, 394.0, 374.0,
];

/// The typical daily curve, g CO2 per kWh per window.
pub(crate) fn daily_carbon(start: Seconds, window_s: u32, windows: usize, zone: Tz) -> Vec<f64> {
    let first = i64::try_from(start.get()).unwrap_or(i64::MAX);
    (0..windows)
        .map(|w| {
            let since = i64::from(window_s).saturating_mul(i64::try_from(w).unwrap_or(i64::MAX));
            let hour = DateTime::from_timestamp(first.saturating_add(since), 0)
                .and_then(|t| usize::try_from(t.with_timezone(&zone).hour()).ok());
            hour.and_then(|h| CARBON_BY_HOUR.get(h))
                .copied()
                .unwrap_or(0.0)
        })
        .collect()
}
