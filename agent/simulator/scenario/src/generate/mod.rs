//! A neighbourhood made from a seed: real solar geometry, shared and local clouds, household demand.
//!
//! The same options give the same bytes on every machine. More homes or more days leave the data of the
//! homes and days before them as they were: each home draws from streams of its own, each day from its
//! own section of them.

mod calendar;
mod clouds;
mod contended;
mod demand;
mod random;
pub mod sun;

use crate::errors::ScenarioError;
use crate::model::{Faults, Home, HomeKind, Neighbourhood};
use crate::resample::WhCarry;
use crate::stamps::Clock;
use crate::stamps::{IN_TIME_EXPECTED, LAST};
use crate::tariff;
use crate::zones::{lossless, MOST_ZONES};
pub use contended::contended;

use calendar::Calendar;
use chrono::{NaiveDate, NaiveTime};
use chrono_tz::Tz;
use clouds::{Sky, Weather};
use demand::{Activity, Household};
use random::{Draws, Purpose};
use sun::{Place, Roof};
use wattpool_core::policy::Policy;
use wattpool_schema::{Seconds, Tariff, Window, Zone};

/// Most meter windows that one run may hold (8 bytes each).
pub const MOST_METER_WINDOWS: u64 = 400_000_000;
/// Purchase tariff of a generated neighbourhood, micro-units per kWh.
pub const IMPORT_TARIFF: Tariff = Tariff(300_000);
/// Feed-in tariff of a generated neighbourhood, micro-units per kWh.
pub const FEED_IN_TARIFF: Tariff = Tariff(80_000);

/// What to generate.
#[derive(Clone, Debug, PartialEq)]
pub struct GenerateOptions {
    /// Number of meters, at least 1.
    pub homes: u32,
    /// Number of days of 24 hours, at least 1.
    pub days: u32,
    /// Seed of everything drawn.
    pub seed: u64,
    /// Window length in seconds; a divisor of the day, at least 60.
    pub window_s: u32,
    /// First day, from local midnight.
    pub start: NaiveDate,
    /// Time zone of the people, with its summer time.
    pub timezone: Tz,
    /// Degrees, north positive.
    pub latitude: f64,
    /// Degrees, east positive.
    pub longitude: f64,
    /// Number of zones, at most 256; homes go to zones 1, 2, … in turn.
    pub zones: u16,
    /// Share of homes with photovoltaics, evenly interleaved.
    pub pv_share: f64,
    /// Share of homes with a small wind turbine instead, evenly interleaved.
    pub wind_share: f64,
    /// Smallest photovoltaic system, kWp.
    pub kwp_min: f64,
    /// Largest photovoltaic system, kWp.
    pub kwp_max: f64,
    /// Factor on every household's demand; 1 is about 3,500 kWh a year on average.
    pub demand_scale: f64,
}

impl Default for GenerateOptions {
    fn default() -> Self {
        Self {
            homes: 32,
            days: 7,
            seed: 1,
            window_s: 900,
            // A Monday in May.
            start: NaiveDate::from_ymd_opt(2026, 5, 4).unwrap_or_default(),
            timezone: Tz::Europe__Berlin,
            latitude: 52.5,
            longitude: 13.4,
            zones: 1,
            pv_share: 0.5,
            wind_share: 0.04,
            kwp_min: 3.0,
            kwp_max: 10.0,
            demand_scale: 1.0,
        }
    }
}

impl GenerateOptions {
    /// Checks ranges.
    ///
    /// # Errors
    /// [`ScenarioError::Option`] for the first option out of range.
    pub fn check(&self) -> Result<(), ScenarioError> {
        let refuse = |option, found: String, expected: &str| {
            Err(ScenarioError::Option {
                option,
                found,
                expected: expected.into(),
            })
        };
        let within = |value: f64, low: f64, high: f64| (low..=high).contains(&value);
        if self.homes == 0 {
            return refuse("homes", self.homes.to_string(), "at least 1");
        }
        if self.days == 0 {
            return refuse("days", self.days.to_string(), "at least 1");
        }
        if !is_window(self.window_s) {
            return refuse("window_s", self.window_s.to_string(), WINDOW_EXPECTED);
        }
        if !(1..=MOST_ZONES).contains(&self.zones) {
            return refuse(
                "zones",
                self.zones.to_string(),
                &format!("1 to {MOST_ZONES}"),
            );
        }
        let windows = u64::from(self.days).saturating_mul(u64::from(
            86_400_u32.checked_div(self.window_s).unwrap_or(0),
        ));
        if windows.saturating_mul(u64::from(self.homes)) > MOST_METER_WINDOWS {
            let found = format!(
                "{} homes × {} days of {} s windows",
                self.homes, self.days, self.window_s
            );
            return refuse(
                "homes",
                found,
                &format!("homes × windows of at most {MOST_METER_WINDOWS}"),
            );
        }
        // A day to spare for the zone.
        let midnight = self.start.and_time(NaiveTime::MIN).and_utc().timestamp();
        let length = i64::from(self.days)
            .saturating_add(1)
            .saturating_mul(86_400);
        if midnight.saturating_add(length) > LAST {
            let found = format!("{} and {} days from there", self.start, self.days);
            return refuse("start", found, IN_TIME_EXPECTED);
        }
        for (option, value, low, high, expected) in [
            (
                "latitude",
                self.latitude,
                -90.0,
                90.0,
                "degrees from -90 to 90",
            ),
            (
                "longitude",
                self.longitude,
                -180.0,
                180.0,
                "degrees from -180 to 180",
            ),
            ("pv_share", self.pv_share, 0.0, 1.0, "a share from 0 to 1"),
            (
                "wind_share",
                self.wind_share,
                0.0,
                1.0,
                "a share from 0 to 1",
            ),
            (
                "kwp_min",
                self.kwp_min,
                0.1,
                10_000.0,
                "kWp from 0.1 to 10000",
            ),
            (
                "kwp_max",
                self.kwp_max,
                self.kwp_min,
                10_000.0,
                "kWp from kwp_min to 10000",
            ),
            (
                "demand_scale",
                self.demand_scale,
                0.01,
                1_000.0,
                "a factor from 0.01 to 1000",
            ),
        ] {
            if !within(value, low, high) {
                return refuse(option, value.to_string(), expected);
            }
        }
        Ok(())
    }
}

/// What a window length must be.
pub(crate) const WINDOW_EXPECTED: &str = "seconds that divide a day, at least 60";

/// True for a window length that the market can use: it divides the day and is at least a minute.
pub(crate) fn is_window(window_s: u32) -> bool {
    window_s >= 60 && 86_400_u32.checked_rem(window_s) == Some(0)
}

/// Longest step in which the weather and the people are worked out, in seconds.
const STEP_S: u32 = 900;

/// Generates a neighbourhood.
///
/// # Errors
/// [`ScenarioError::Option`] for options out of range.
pub fn neighbourhood(options: &GenerateOptions) -> Result<Neighbourhood, ScenarioError> {
    options.check()?;
    // Long windows are added up from quarter hours, so that they hold the same days.
    let step_s = if options.window_s.checked_rem(STEP_S) == Some(0) {
        STEP_S
    } else {
        options.window_s
    };
    let place = Place {
        latitude: options.latitude,
        longitude: options.longitude,
    };
    let calendar = Calendar::new(options.start, options.timezone, place, options.days, step_s)
        .filter(|c| c.start >= 0)
        .ok_or_else(|| ScenarioError::Option {
            option: "start",
            found: options.start.to_string(),
            expected: "a date from 1970 on".into(),
        })?;
    let start = Seconds(u64::try_from(calendar.start).unwrap_or(0));
    let first_window = Window::at(start, options.window_s);
    if first_window.start(options.window_s) != start {
        return Err(ScenarioError::Option {
            option: "window_s",
            found: format!(
                "{} s, with local midnight off a window's edge in UTC",
                options.window_s
            ),
            expected: "a window length that divides the zone's distance from UTC".into(),
        });
    }
    let steps_per_window =
        usize::try_from(options.window_s.checked_div(step_s).unwrap_or(1)).unwrap_or(1);
    let windows = calendar.len().checked_div(steps_per_window).unwrap_or(0);

    let world = World {
        weather: clouds::weather(options.seed, options.days, step_s),
        activity: Activity::new(),
        calendar,
        steps_per_window,
    };
    // Few homes may leave zones without any.
    let zones = options
        .zones
        .min(u16::try_from(options.homes).unwrap_or(u16::MAX));
    let mut scratch = vec![0.0; world.calendar.len()];
    let homes = (0..options.homes)
        .map(|index| world.home(options, index, &mut scratch))
        .collect();
    Ok(Neighbourhood {
        name: format!("generated-{}", options.seed),
        currency: Some("EUR".to_owned()),
        clock: Clock::Named(options.timezone),
        window_s: options.window_s,
        first_window,
        windows,
        homes,
        import_tariff: vec![IMPORT_TARIFF; windows],
        feed_in_tariff: vec![FEED_IN_TARIFF; windows],
        carbon_g_per_kwh: tariff::daily_carbon(start, options.window_s, windows, options.timezone),
        zone_pairs: lossless(1..=zones),
        feeders: None,
        faults: Faults::default(),
        attackers: None,
        notes: vec![format!("generated from seed {}", options.seed)],
    })
}

/// Name of a generated home, numbered from 1.
pub(crate) fn home_name(number: u32) -> String {
    format!("home-{number:04}")
}

/// What all homes share.
struct World {
    calendar: Calendar,
    weather: Vec<Weather>,
    activity: Activity,
    steps_per_window: usize,
}

impl World {
    fn home(&self, options: &GenerateOptions, index: u32, watts: &mut [f64]) -> Home {
        let mut traits = Draws::new(options.seed, Purpose::Traits, index);
        let household = Household::draw(&mut traits, options.demand_scale);
        let kind = if picks(index, options.wind_share, 0.5) {
            HomeKind::Wind
        } else if picks(index, options.pv_share, 0.0) {
            HomeKind::Pv
        } else {
            HomeKind::Consumer
        };

        watts.fill(0.0);
        household.draw_watts(options.seed, index, &self.calendar, &self.activity, watts);
        let demand_wh = self.book(watts);
        let generation_wh = match kind {
            HomeKind::Pv => {
                Array::draw(&mut traits, options).watts(self, options.seed, index, watts);
                self.book(watts)
            }
            HomeKind::Wind => {
                Turbine::draw(&mut traits).watts(self, options.seed, index, watts);
                self.book(watts)
            }
            _ => vec![0; demand_wh.len()],
        };
        let zone = index
            .checked_rem(u32::from(options.zones))
            .and_then(|z| u16::try_from(z).ok())
            .unwrap_or(0);
        Home {
            name: home_name(index.saturating_add(1)),
            zone: Zone(zone.saturating_add(1)),
            kind,
            policy: Policy::default(),
            demand_wh,
            generation_wh,
        }
    }

    /// Energy per window from the mean power per step.
    fn book(&self, watts: &[f64]) -> Vec<u32> {
        let hours = f64::from(self.calendar.step_s) / 3_600.0;
        let mut carry = WhCarry::default();
        watts
            .chunks(self.steps_per_window.max(1))
            .map(|w| carry.take(w.iter().sum::<f64>() * hours))
            .collect()
    }
}

/// True for the homes that belong to an evenly interleaved share: home `i` is in when the running total
/// `i·share + phase` passes a whole number there. Does not depend on the number of homes.
fn picks(index: u32, share: f64, phase: f64) -> bool {
    let before = f64::from(index) * share + phase;
    (before + share).floor() > before.floor()
}

/// A photovoltaic system.
struct Array {
    roof: Roof,
    kwp: f64,
    /// Share of the panels' power that reaches the meter (temperature, wiring, dirt).
    performance: f64,
    /// Most that the inverter passes, W.
    limit_w: f64,
}

impl Array {
    fn draw(traits: &mut Draws, options: &GenerateOptions) -> Self {
        let kwp = traits.between(options.kwp_min, options.kwp_max);
        let tilt = traits.between(15.0, 45.0);
        let (facing, off) = (traits.unit(), traits.between(-25.0, 25.0));
        // Most roofs face the equator, some east or west.
        let azimuth = off
            + match facing {
                f if f < 0.6 => 0.0,
                f if f < 0.8 => -80.0,
                _ => 80.0,
            };
        let azimuth = if options.latitude < 0.0 {
            180.0 - azimuth
        } else {
            azimuth
        };
        let performance = traits.between(0.78, 0.88);
        let limit_w = kwp * 1_000.0 * traits.between(0.8, 0.95);
        Self {
            roof: Roof::new(tilt, azimuth),
            kwp,
            performance,
            limit_w,
        }
    }

    /// Mean power per step in W: peak power is at 1,000 W/m².
    fn watts(&self, world: &World, seed: u64, home: u32, watts: &mut [f64]) {
        let mut sky = Sky::new(seed, home, world.calendar.step_s);
        each_step(world, watts, &mut sky, |sky, sun, weather| {
            let index = sky.clear_sky_index(weather);
            (self.roof.irradiance(sun, index) * self.kwp * self.performance).min(self.limit_w)
        });
    }
}

/// A small wind turbine.
struct Turbine {
    rated_w: f64,
    /// Wind at its mast over the neighbourhood's.
    exposure: f64,
}

impl Turbine {
    fn draw(traits: &mut Draws) -> Self {
        Self {
            rated_w: traits.between(2_500.0, 6_000.0),
            exposure: traits.between(0.85, 1.15),
        }
    }

    /// Mean power per step in W: cubic between cut-in (2.5 m/s) and rated speed (11 m/s), as in small
    /// turbines' power curves, off above 25 m/s.
    fn watts(&self, world: &World, seed: u64, home: u32, watts: &mut [f64]) {
        let cube = |v: f64| v * v * v;
        let mut sky = Sky::new(seed, home, world.calendar.step_s);
        each_step(world, watts, &mut sky, |sky, _, weather| {
            let speed = weather.wind * self.exposure * sky.gust();
            if !(2.5..25.0).contains(&speed) {
                return 0.0;
            }
            self.rated_w * ((cube(speed) - cube(2.5)) / (cube(11.0) - cube(2.5))).min(1.0)
        });
    }
}

/// Fills the power of every step, day by day.
fn each_step(
    world: &World,
    watts: &mut [f64],
    sky: &mut Sky,
    power: impl Fn(&mut Sky, &sun::Sun, &Weather) -> f64,
) {
    let mut slots = watts.iter_mut().zip(&world.weather);
    for (day, steps) in (0_u32..).zip(world.calendar.days()) {
        sky.seek_day(day);
        for (step, (slot, weather)) in steps.iter().zip(slots.by_ref()) {
            *slot = power(sky, &step.sun, weather);
        }
    }
}
