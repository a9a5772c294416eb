//! Windows gathered into the points of a chart.

use crate::accounts::WindowAccount;
use crate::time::wall_seconds;
use wattpool_scenario::Clock;

/// Points of a chart, at most.
pub const MOST_POINTS: usize = 300;
/// Points of the average day, at most.
const MOST_SLOTS: u64 = 96;
const DAY_S: u64 = 86_400;

/// Several windows as one point.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Point {
    /// Middle of the point: seconds of the wall clock, or of its day.
    pub at: f64,
    hours: f64,
    own_use: f64,
    traded: f64,
    grid_import: f64,
    generation: f64,
    feed_in: f64,
    earned: f64,
    import_tariff: f64,
    feed_in_tariff: f64,
    windows: f64,
}

impl Point {
    fn add(&mut self, account: &WindowAccount, window_s: u32) {
        let energy = &account.energy;
        self.hours += f64::from(window_s) / 3_600.0;
        self.own_use += energy.own_use as f64;
        self.traded += energy.bought as f64;
        self.grid_import += energy.grid_import as f64;
        self.generation += energy.generation as f64;
        self.feed_in += energy.feed_in as f64;
        self.earned += account.money.earned as f64;
        self.import_tariff += account.import_tariff.get() as f64;
        self.feed_in_tariff += account.feed_in_tariff.get() as f64;
        self.windows += 1.0;
    }

    fn kw(&self, wh: f64) -> f64 {
        if self.hours > 0.0 {
            wh / self.hours / 1_000.0
        } else {
            0.0
        }
    }

    /// Own use, kW.
    pub fn own_use_kw(&self) -> f64 {
        self.kw(self.own_use)
    }
    /// Arrived by trade, kW.
    pub fn traded_kw(&self) -> f64 {
        self.kw(self.traded)
    }
    /// Supplied by the national grid, kW.
    pub fn grid_import_kw(&self) -> f64 {
        self.kw(self.grid_import)
    }
    /// Generated, kW.
    pub fn generation_kw(&self) -> f64 {
        self.kw(self.generation)
    }
    /// Fed into the national grid, kW.
    pub fn feed_in_kw(&self) -> f64 {
        self.kw(self.feed_in)
    }
    /// Mean price of what arrived, coins per kWh; `None` without trade.
    pub fn price(&self) -> Option<f64> {
        (self.traded > 0.0).then(|| self.earned * 1_000.0 / self.traded / 1e6)
    }
    /// Mean grid purchase tariff, coins per kWh.
    pub fn import_tariff(&self) -> f64 {
        self.import_tariff / self.windows.max(1.0) / 1e6
    }
    /// Mean feed-in tariff, coins per kWh.
    pub fn feed_in_tariff(&self) -> f64 {
        self.feed_in_tariff / self.windows.max(1.0) / 1e6
    }
}

/// Whole windows in a day; none when a window is longer.
fn windows_per_day(window_s: u32) -> u64 {
    DAY_S.checked_div(u64::from(window_s)).unwrap_or(0)
}

/// Windows per point so that at most [`MOST_POINTS`] remain; whole days once a point would be longer
/// than three hours, lest points fall on different times of day.
pub fn windows_per_point(windows: usize, window_s: u32) -> usize {
    let least = windows.div_ceil(MOST_POINTS).max(1);
    let per_day = usize::try_from(windows_per_day(window_s))
        .unwrap_or(1)
        .max(1);
    if least.saturating_mul(window_s as usize) > 3 * 3_600 && least > 1 {
        least.div_ceil(per_day).saturating_mul(per_day)
    } else {
        least
    }
}

/// The whole period in at most [`MOST_POINTS`] points of equal length (the last may be shorter).
pub fn whole_period(windows: &[WindowAccount], window_s: u32, clock: Clock) -> Vec<Point> {
    let gather = |chunk: &[WindowAccount]| {
        let mut point = Point::default();
        for account in chunk {
            point.add(account, window_s);
        }
        let start = chunk
            .first()
            .map_or(0.0, |account| wall_seconds(account.start, clock) as f64);
        Point {
            at: start + chunk.len() as f64 * f64::from(window_s) / 2.0,
            ..point
        }
    };
    windows
        .chunks(windows_per_point(windows.len(), window_s))
        .map(gather)
        .collect()
}

/// The mean over all days by time of the wall clock; `None` for less than two days.
pub fn average_day(windows: &[WindowAccount], window_s: u32, clock: Clock) -> Option<Vec<Point>> {
    let slots = windows_per_day(window_s).min(MOST_SLOTS);
    if slots < 2 || (windows.len() as u64).saturating_mul(window_s.into()) < 2 * DAY_S {
        return None;
    }
    let length = DAY_S as f64 / slots as f64;
    let mut points: Vec<Point> = (0..slots)
        .map(|slot| Point {
            at: (slot as f64 + 0.5) * length,
            ..Point::default()
        })
        .collect();
    for account in windows {
        let slot = (wall_seconds(account.start, clock) % DAY_S).saturating_mul(slots) / DAY_S;
        if let Some(point) = usize::try_from(slot)
            .ok()
            .and_then(|slot| points.get_mut(slot))
        {
            point.add(account, window_s);
        }
    }
    Some(points)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accounts::Energy;
    use wattpool_schema::{Tariff, Window};

    fn windows(count: u64, window_s: u32) -> Vec<WindowAccount> {
        (0..count)
            .map(|w| WindowAccount {
                window: Window(w),
                start: Window(w).start(window_s),
                energy: Energy {
                    generation: w % 96,
                    bought: 2,
                    ..Energy::default()
                },
                money: crate::accounts::Money {
                    earned: 400,
                    ..Default::default()
                },
                ceiling_wh: 0.0,
                left_over_wh: 0.0,
                import_tariff: Tariff(300_000),
                feed_in_tariff: Tariff(-80_000),
                carbon_g_per_kwh: 0.0,
            })
            .collect()
    }

    #[test]
    fn down_sampling_keeps_the_energy() {
        for count in [1, 96, 300, 301, 1_344, 35_040] {
            let accounts = windows(count, 900);
            let points = whole_period(&accounts, 900, Clock::utc());
            assert!(!points.is_empty() && points.len() <= MOST_POINTS);
            let energy: f64 = points
                .iter()
                .map(|p| p.generation_kw() * p.hours * 1_000.0)
                .sum();
            let expected: u64 = accounts.iter().map(|a| a.energy.generation).sum();
            assert!((energy - expected as f64).abs() < 1e-3);
            assert!(points
                .iter()
                .all(|p| (p.price().unwrap() - 0.2).abs() < 1e-12));
        }
        assert_eq!(windows_per_point(35_040, 900), 192);
        assert!(whole_period(&[], 900, Clock::utc()).is_empty());
    }

    #[test]
    fn the_average_day_is_by_time_of_day() {
        assert!(average_day(&windows(191, 900), 900, Clock::utc()).is_none());
        let day = average_day(&windows(192, 900), 900, Clock::utc()).unwrap();
        assert_eq!(day.len(), 96);
        // 40 Wh in a quarter hour are 160 W.
        assert!((day[40].generation_kw() - 0.160).abs() < 1e-12);
        assert_eq!(day[40].at, 40.5 * 900.0);
        assert!((day[40].feed_in_tariff() + 0.08).abs() < 1e-12);
        // On another clock the same energy is at another time of day.
        let east = Clock::parse("+01:00").unwrap();
        let day = average_day(&windows(192, 900), 900, east).unwrap();
        assert!((day[44].generation_kw() - 0.160).abs() < 1e-12);
        // Minutes are gathered into quarters of an hour, days as windows have no time of day.
        assert_eq!(
            average_day(&windows(2_880, 60), 60, Clock::utc())
                .unwrap()
                .len(),
            96
        );
        assert!(average_day(&windows(10, 86_400), 86_400, Clock::utc()).is_none());
    }
}
