//! A picture of a day in a line of text.

use crate::csv_profile::CsvData;
use crate::stamps::Clock;
use chrono::Timelike;

/// Eight heights.
const HEIGHTS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// The mean value of each hour of the clock's day; a space where there is none.
pub(super) fn day(data: &CsvData, values: &[f64], clock: Clock) -> String {
    let mut sums = [(0.0, 0_u32); 24];
    for (i, value) in values.iter().enumerate() {
        let at = i64::try_from(i)
            .unwrap_or(0)
            .saturating_mul(i64::from(data.step_s))
            .saturating_add(data.start);
        let hour = clock
            .shows(at)
            .and_then(|t| usize::try_from(t.hour()).ok())
            .unwrap_or(0);
        if let Some((sum, count)) = sums.get_mut(hour) {
            *sum += value;
            *count = count.saturating_add(1);
        }
    }
    let means: Vec<Option<f64>> = sums
        .iter()
        .map(|(sum, count)| (*count > 0).then(|| sum / f64::from(*count)))
        .collect();
    let known = || means.iter().flatten().copied();
    let low = known().fold(f64::INFINITY, f64::min).min(0.0);
    let high = known().fold(f64::NEG_INFINITY, f64::max);
    means
        .iter()
        .map(|mean| match mean {
            None => ' ',
            Some(mean) if high > low => {
                let share = (mean - low) / (high - low);
                let height = HEIGHTS.iter().enumerate().rev().find(|(i, _)| {
                    let i = u32::try_from(*i).unwrap_or(0);
                    share * 8.0 >= f64::from(i)
                });
                height.map_or('▁', |(_, c)| *c)
            }
            Some(_) => '▁',
        })
        .collect()
}
