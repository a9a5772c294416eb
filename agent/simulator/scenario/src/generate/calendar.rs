//! The steps of a generated run: local time, weekday and sun of each, worked out once for all homes.

use super::sun::{Place, Sun};
use chrono::{DateTime, Datelike, Days, NaiveDate, TimeZone, Timelike, Utc};
use chrono_tz::Tz;

/// One step of the generator.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    /// Minute of the local day, 0–1439.
    pub(crate) minute: u32,
    /// Saturday or Sunday.
    pub(crate) weekend: bool,
    /// The sun in the middle of the step.
    pub(crate) sun: Sun,
}

/// All steps of a run, from local midnight of the first day in days of 24 hours.
pub(crate) struct Calendar {
    /// Length of a step in seconds.
    pub(crate) step_s: u32,
    /// First second, Unix time.
    pub(crate) start: i64,
    steps_per_day: usize,
    steps: Vec<Step>,
}

impl Calendar {
    /// The calendar of `days` days in steps of `step_s` seconds, a divisor of the day. `None` when the
    /// dates leave the calendar's range.
    pub(crate) fn new(
        date: NaiveDate,
        zone: Tz,
        place: Place,
        days: u32,
        step_s: u32,
    ) -> Option<Self> {
        let start = midnight(date, zone)?;
        let steps_per_day = usize::try_from(86_400_u32.checked_div(step_s)?).ok()?;
        let count = steps_per_day.checked_mul(usize::try_from(days).ok()?)?;
        let mut steps = Vec::with_capacity(count);
        for index in 0..count {
            let since = i64::from(step_s).checked_mul(i64::try_from(index).ok()?)?;
            let begin = start.timestamp().checked_add(since)?;
            let local = DateTime::from_timestamp(begin, 0)?.with_timezone(&zone);
            let middle = DateTime::from_timestamp(begin.checked_add(i64::from(step_s) / 2)?, 0)?;
            let utc_hours = f64::from(middle.num_seconds_from_midnight()) / 3_600.0;
            steps.push(Step {
                minute: local.num_seconds_from_midnight() / 60,
                weekend: local.weekday().number_from_monday() > 5,
                sun: Sun::at(place, middle.ordinal(), utc_hours),
            });
        }
        Some(Self {
            step_s,
            start: start.timestamp(),
            steps_per_day,
            steps,
        })
    }

    /// Number of steps.
    pub(crate) fn len(&self) -> usize {
        self.steps.len()
    }

    /// The steps of each day.
    pub(crate) fn days(&self) -> impl Iterator<Item = &[Step]> {
        self.steps.chunks(self.steps_per_day.max(1))
    }

    /// Index of a day's first step.
    pub(crate) fn first_of(&self, day: u32) -> usize {
        usize::try_from(day)
            .unwrap_or(usize::MAX)
            .saturating_mul(self.steps_per_day)
    }

    /// Seconds from the start to the beginning of a step.
    pub(crate) fn seconds_of(&self, index: usize) -> f64 {
        index as f64 * f64::from(self.step_s)
    }

    /// Adds a constant power over `[from, from + length)` seconds since the start to the steps' mean
    /// draw; what runs past the end is cut.
    pub(crate) fn add_run(&self, from: f64, length: f64, power: f64, watts: &mut [f64]) {
        let step = f64::from(self.step_s);
        let until = from + length;
        let first = whole(from / step);
        for (index, w) in watts.iter_mut().enumerate().skip(first) {
            let begin = self.seconds_of(index);
            if begin >= until {
                break;
            }
            *w += power * ((begin + step).min(until) - begin.max(from)).max(0.0) / step;
        }
    }
}

/// A non-negative float's whole part.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cast saturates"
)]
fn whole(value: f64) -> usize {
    value as usize
}

/// Local midnight in UTC; where summer time begins at midnight, the first moment of the day.
fn midnight(date: NaiveDate, zone: Tz) -> Option<DateTime<Utc>> {
    let at = |hour| {
        zone.from_local_datetime(&date.and_hms_opt(hour, 0, 0)?)
            .earliest()
    };
    date.checked_add_days(Days::new(1))?;
    at(0).or_else(|| at(1)).map(|t| t.with_timezone(&Utc))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calendar() -> Calendar {
        let date = NaiveDate::from_ymd_opt(2026, 3, 28).unwrap();
        let place = Place {
            latitude: 52.5,
            longitude: 13.4,
        };
        Calendar::new(date, chrono_tz::Europe::Berlin, place, 2, 900).unwrap()
    }

    #[test]
    fn summer_time_moves_the_local_hour_and_not_the_step() {
        let calendar = calendar();
        assert_eq!(calendar.len(), 192);
        // 29 March 2026, 01:45 and 03:00 local are neighbouring steps.
        assert_eq!(calendar.steps[103].minute, 105);
        assert_eq!(calendar.steps[104].minute, 180);
        assert!(calendar.steps[0].weekend);
    }

    #[test]
    fn a_run_spreads_over_the_steps_it_touches() {
        let calendar = calendar();
        let mut watts = vec![0.0; calendar.len()];
        calendar.add_run(450.0, 900.0, 1_000.0, &mut watts);
        assert_eq!(watts[0..3], [500.0, 500.0, 0.0]);
        calendar.add_run(192.0 * 900.0 - 450.0, 9_000.0, 1_000.0, &mut watts);
        assert_eq!(watts[191], 500.0);
    }
}
