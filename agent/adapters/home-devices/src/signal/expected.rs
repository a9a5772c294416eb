//! What coming windows are expected to bring, and by how much that was wrong so far. No forecast of the weather: the
//! same time of day over the last days.

use super::Expected;
use std::collections::BTreeMap;
use wattpool_schema::Window;

/// Days that a mean is of, at most.
pub const DAYS: u64 = 7;
/// Seconds of a day.
const DAY_S: u64 = 86_400;

/// What windows from `first` on are expected to bring. `known`: net export of metered windows, Wh, negative for net
/// import; twice [`DAYS`] days of them are used. Windows of which fewer than two days are known are left out.
pub fn expect(
    known: &BTreeMap<Window, i64>,
    window_s: u32,
    first: Window,
    count: u64,
) -> Vec<Expected> {
    let seconds = u64::from(window_s.max(1));
    let windows = (0..count).map(|n| first.plus(n));
    windows
        .filter_map(|window| {
            let (net_wh, days) = mean(known, window, seconds).filter(|(_, days)| *days >= 2)?;
            Some(Expected {
                window,
                from: window.start(window_s),
                net_wh,
                error_wh: error(known, window, seconds),
                days,
            })
        })
        .collect()
}

/// The windows at the same time of the days before, the newest first.
fn before(window: Window, window_s: u64) -> impl Iterator<Item = Window> {
    (1..=DAYS).filter_map(move |day| {
        let back = day.saturating_mul(DAY_S).checked_div(window_s)?;
        window.0.checked_sub(back).map(Window)
    })
}

/// The rule: the mean of the days before, to the nearest Wh, and of how many.
fn mean(known: &BTreeMap<Window, i64>, window: Window, window_s: u64) -> Option<(i64, u8)> {
    let nets: Vec<i64> = before(window, window_s)
        .filter_map(|w| known.get(&w).copied())
        .collect();
    let days = i64::try_from(nets.len()).ok()?;
    let sum = nets.iter().fold(0i64, |sum, n| sum.saturating_add(*n));
    let half = days.checked_div(2)?;
    let net = sum.saturating_add(half).checked_div_euclid(days)?;
    Some((net, u8::try_from(days).ok()?))
}

/// How far the rule was from what came, on the days before, in the mean, rounded up.
fn error(known: &BTreeMap<Window, i64>, window: Window, window_s: u64) -> Option<u64> {
    let wrong: Vec<u64> = before(window, window_s)
        .filter_map(|w| {
            let came = known.get(&w)?;
            let (expected, _) = mean(known, w, window_s).filter(|(_, days)| *days >= 2)?;
            Some(expected.abs_diff(*came))
        })
        .collect();
    let sum = wrong.iter().fold(0u64, |sum, w| sum.saturating_add(*w));
    let count = u64::try_from(wrong.len()).ok().filter(|n| *n > 0)?;
    Some(sum.div_ceil(count))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Six windows a day.
    const LEN: u32 = 14_400;

    fn days(nets: &[i64]) -> BTreeMap<Window, i64> {
        // Of each day the third window alone.
        let third =
            |(day, net): (u64, &i64)| (Window(day.saturating_mul(6).saturating_add(2)), *net);
        (0..).zip(nets).map(third).collect()
    }

    #[test]
    fn the_same_time_of_day_is_expected_and_its_error_is_what_was_measured() {
        let known = days(&[100, 200, 300]);
        let all = expect(&known, LEN, Window(18), 6);
        let [one] = all[..] else {
            panic!("one window of the day is known: {all:?}");
        };
        assert_eq!((one.window, one.net_wh, one.days), (Window(20), 200, 3));
        // The rule had two days once: 150 were expected of the third, and 300 came.
        assert_eq!(one.error_wh, Some(150));
        // One day is no mean, and two were never tried.
        assert_eq!(expect(&days(&[5]), LEN, Window(6), 6), []);
        assert_eq!(expect(&days(&[5, 7]), LEN, Window(12), 6)[0].error_wh, None);
    }

    #[test]
    fn no_more_than_the_last_days_count() {
        let mut nets = vec![9_000; 3];
        nets.extend([-40; 14]);
        let all = expect(&days(&nets), LEN, Window(17 * 6), 6);
        assert_eq!(
            (all[0].net_wh, all[0].days, all[0].error_wh),
            (-40, 7, Some(0))
        );
        // A day that was not metered is left out.
        let mut known = days(&nets);
        known.remove(&Window(16 * 6 + 2));
        assert_eq!(expect(&known, LEN, Window(17 * 6), 6)[0].days, 6);
        assert_eq!(expect(&BTreeMap::new(), LEN, Window(0), 6), []);
    }
}
