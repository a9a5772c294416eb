//! What a household draws: standby, a refrigerator, the day's activity with its morning and evening
//! peaks, and appliances that run now and then. Weekends differ from weekdays.

use super::calendar::Calendar;
use super::random::{Draws, Purpose};
use libm::exp;

/// Minutes per entry of an activity table.
const TABLE_MIN: u32 = 5;
/// Entries of an activity table: one day.
const TABLE_LEN: u32 = 288;

/// Mean draw of lighting, electronics and cooking in W over the local day, for a home of size 1.
pub(crate) struct Activity {
    weekday: Vec<f64>,
    weekend: Vec<f64>,
}

/// A bell around `centre` (hours, wrapping at midnight).
fn bell(hour: f64, centre: f64, width: f64) -> f64 {
    let distance = (hour - centre).abs();
    let distance = distance.min(24.0 - distance);
    exp(-distance * distance / (2.0 * width * width))
}

impl Activity {
    /// Tables shared by all homes.
    pub(crate) fn new() -> Self {
        let table = |watts: &dyn Fn(f64) -> f64| {
            (0..TABLE_LEN)
                .map(|i| watts(f64::from(i) * f64::from(TABLE_MIN) / 60.0))
                .collect()
        };
        Self {
            weekday: table(&|h| {
                55.0 + 290.0 * bell(h, 7.1, 0.9)
                    + 90.0 * bell(h, 12.6, 1.4)
                    + 420.0 * bell(h, 19.4, 2.0)
            }),
            weekend: table(&|h| {
                65.0 + 190.0 * bell(h, 9.4, 1.6)
                    + 230.0 * bell(h, 13.0, 1.9)
                    + 390.0 * bell(h, 19.4, 2.3)
            }),
        }
    }

    /// Watts at a minute of the local day, with the home's habits `shift_min` later than average.
    fn watts(&self, minute: u32, weekend: bool, shift_min: i64) -> f64 {
        let shifted = i64::from(minute)
            .saturating_sub(shift_min)
            .rem_euclid(1_440);
        let table = if weekend {
            &self.weekend
        } else {
            &self.weekday
        };
        let entry = usize::try_from(shifted.div_euclid(i64::from(TABLE_MIN))).unwrap_or(0);
        table.get(entry).copied().unwrap_or(0.0)
    }
}

/// An appliance that runs at most once a day.
struct Appliance {
    watts: f64,
    hours: (f64, f64),
    weekday: f64,
    weekend: f64,
    /// Local hour at which it starts at the earliest and the latest.
    start: (f64, f64),
}

/// Dishwasher, washing machine, lunch and dinner on the hob: chances a day are for a home of size 1.
const APPLIANCES: [Appliance; 4] = [
    Appliance {
        watts: 900.0,
        hours: (0.8, 1.4),
        weekday: 0.45,
        weekend: 0.6,
        start: (19.5, 22.0),
    },
    Appliance {
        watts: 600.0,
        hours: (1.0, 1.8),
        weekday: 0.35,
        weekend: 0.7,
        start: (8.5, 17.0),
    },
    Appliance {
        watts: 1_500.0,
        hours: (0.3, 0.6),
        weekday: 0.2,
        weekend: 0.55,
        start: (11.3, 13.2),
    },
    Appliance {
        watts: 1_800.0,
        hours: (0.4, 0.8),
        weekday: 0.6,
        weekend: 0.55,
        start: (17.6, 20.0),
    },
];

/// Share of homes with an electric car, and with somebody at home all day.
const WITH_CAR: f64 = 0.2;
const AT_HOME: f64 = 0.3;

/// A household: its size and habits, drawn once.
pub(crate) struct Household {
    size: f64,
    standby_w: f64,
    fridge_w: f64,
    fridge_period_s: f64,
    fridge_phase: f64,
    shift_min: i64,
    daytime_w: f64,
    /// Charging power in W, for homes with a car.
    car_w: Option<f64>,
}

impl Household {
    /// Draws a household; `scale` multiplies its size (1 is about 3,500 kWh a year).
    pub(crate) fn draw(traits: &mut Draws, scale: f64) -> Self {
        let (u, v) = (traits.unit(), traits.unit());
        // Many small households, few large ones: mean 1.
        let size = scale * (0.5 + u * v * 2.0);
        // Whole entries of the activity table, up to 75 minutes early or late.
        let shift_min = i64::from(traits.below(31))
            .saturating_sub(15)
            .saturating_mul(i64::from(TABLE_MIN));
        let standby_w = traits.between(50.0, 130.0);
        let fridge_w = traits.between(70.0, 130.0);
        let fridge_period_s = traits.between(2_400.0, 4_800.0);
        let fridge_phase = traits.unit();
        let daytime_w = if traits.unit() < AT_HOME {
            traits.between(80.0, 220.0)
        } else {
            0.0
        };
        let car = (traits.unit(), traits.unit());
        let car_w = (car.0 < WITH_CAR).then_some(if car.1 < 0.5 { 3_700.0 } else { 7_400.0 });
        Self {
            size,
            standby_w,
            fridge_w,
            fridge_period_s,
            fridge_phase,
            shift_min,
            daytime_w,
            car_w,
        }
    }

    /// Adds the household's mean draw in W to every step of `watts` (one entry per calendar step).
    pub(crate) fn draw_watts(
        &self,
        seed: u64,
        home: u32,
        calendar: &Calendar,
        activity: &Activity,
        watts: &mut [f64],
    ) {
        let step_s = f64::from(calendar.step_s);
        let mut draws = Draws::new(seed, Purpose::Demand, home);
        let mut mood = 0.0;
        for (day, steps) in (0_u32..).zip(calendar.days()) {
            draws.seek_day(day);
            let busy = (1.0 + 0.22 * draws.normal()).max(0.25);
            let Some(first) = steps.first() else { continue };
            self.run_appliances(
                &mut draws,
                first.weekend,
                (day, first.minute),
                calendar,
                watts,
            );
            let offset = calendar.first_of(day);
            for (index, step) in (offset..).zip(steps) {
                mood = 0.75 * mood + 0.66 * draws.normal();
                let lively = activity.watts(step.minute, step.weekend, self.shift_min);
                let working = (8 * 60..17 * 60).contains(&step.minute) && !step.weekend;
                let daytime = if working { self.daytime_w } else { 0.0 };
                let active = (lively + daytime) * self.size * busy * (1.0 + 0.3 * mood).max(0.15);
                let seconds = calendar.seconds_of(index) + step_s / 2.0;
                let cycle = seconds / self.fridge_period_s + self.fridge_phase;
                let fridge = if cycle - cycle.floor() < 0.35 {
                    self.fridge_w
                } else {
                    0.0
                };
                if let Some(w) = watts.get_mut(index) {
                    *w += self.standby_w * self.size.max(0.6) + fridge + active;
                }
            }
        }
    }

    /// Draws the day's appliance runs and adds them. Every draw is made every day, so that one
    /// appliance's luck never shifts the others'.
    fn run_appliances(
        &self,
        draws: &mut Draws,
        weekend: bool,
        (day, first_minute): (u32, u32),
        calendar: &Calendar,
        watts: &mut [f64],
    ) {
        let midnight_h = f64::from(first_minute) / 60.0;
        let day_s = f64::from(day) * 86_400.0;
        let mut run = |hour: f64, hours: f64, power: f64| {
            let since_first = hour - midnight_h;
            let since_first = if since_first < 0.0 {
                since_first + 24.0
            } else {
                since_first
            };
            calendar.add_run(day_s + since_first * 3_600.0, hours * 3_600.0, power, watts);
        };
        for appliance in &APPLIANCES {
            let (luck, start, length) = (draws.unit(), draws.unit(), draws.unit());
            let chance = if weekend {
                appliance.weekend
            } else {
                appliance.weekday
            };
            if luck < chance * self.size.clamp(0.6, 1.5) {
                let hour = appliance.start.0 + (appliance.start.1 - appliance.start.0) * start;
                let hours = appliance.hours.0 + (appliance.hours.1 - appliance.hours.0) * length;
                run(hour, hours, appliance.watts);
            }
        }
        let (luck, start, charge) = (draws.unit(), draws.unit(), draws.unit());
        if let Some(power) = self.car_w {
            if luck < if weekend { 0.3 } else { 0.5 } {
                let (hour, kwh) = (
                    if weekend { 11.0 } else { 17.2 } + 3.5 * start,
                    4.0 + 9.0 * charge,
                );
                run(hour, kwh * 1_000.0 / power, power);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::sun::Place;

    /// Mean over many homes and weeks of the kWh a year, and of the watts by local hour on weekdays.
    fn observe() -> (f64, Vec<f64>) {
        let start = chrono::NaiveDate::from_ymd_opt(2026, 5, 4).unwrap();
        let place = Place {
            latitude: 52.5,
            longitude: 13.4,
        };
        let calendar = Calendar::new(start, chrono_tz::Europe::Berlin, place, 28, 900).unwrap();
        let activity = Activity::new();
        let homes = 200;
        let mut by_hour = vec![0.0; 24];
        let mut total = 0.0;
        for home in 0..homes {
            let mut watts = vec![0.0; calendar.len()];
            Household::draw(&mut Draws::new(5, Purpose::Traits, home), 1.0)
                .draw_watts(5, home, &calendar, &activity, &mut watts);
            for (step, w) in calendar.days().flatten().zip(&watts) {
                assert!(w.is_finite() && *w > 0.0);
                if !step.weekend {
                    by_hour[step.minute as usize / 60] += w / f64::from(homes) / (20.0 * 4.0);
                }
                total += w * 0.25 / 1_000.0;
            }
        }
        (total / f64::from(homes) / 28.0 * 365.0, by_hour)
    }

    #[test]
    fn homes_draw_a_plausible_amount_with_morning_and_evening_peaks() {
        let (kwh, by_hour) = observe();
        assert!((2_800.0..4_800.0).contains(&kwh), "{kwh} kWh a year");
        assert!(by_hour[7] > 1.3 * by_hour[3], "{by_hour:?}");
        assert!(by_hour[7] > 1.05 * by_hour[10], "{by_hour:?}");
        assert!(by_hour[19] > 1.8 * by_hour[15], "{by_hour:?}");
        assert!(by_hour[19] > 3.0 * by_hour[3], "{by_hour:?}");
    }
}
