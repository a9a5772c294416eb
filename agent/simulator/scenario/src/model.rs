//! A neighbourhood ready to run: what every input (CSV, generator) is turned into.

use crate::attackers::Attackers;
use crate::stamps::Clock;
use serde::{Deserialize, Serialize};
use wattpool_core::lines::{Line, Place};
use wattpool_core::policy::Policy;
use wattpool_schema::{Ppm, Price, Seconds, Tariff, Wh, Window, Zone};

/// What stands behind a meter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HomeKind {
    /// Photovoltaics and load.
    Pv,
    /// Wind and load.
    Wind,
    /// A battery.
    Battery,
    /// Several of these.
    Mixed,
    /// Load only.
    Consumer,
}

/// One meter of the neighbourhood, with its energy per market window.
#[derive(Clone, Debug)]
pub struct Home {
    /// Name, unique within the neighbourhood.
    pub name: String,
    /// Zone of the local grid.
    pub zone: Zone,
    /// What stands behind the meter.
    pub kind: HomeKind,
    /// The owner's policy.
    pub policy: Policy,
    /// Demand per window.
    pub demand_wh: Vec<u32>,
    /// Generation per window, same length.
    pub generation_wh: Vec<u32>,
}

/// Terms between two zones (directed: seller's zone to buyer's zone).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ZonePair {
    /// Seller's zone.
    pub from: Zone,
    /// Buyer's zone.
    pub to: Zone,
    /// Share lost on the way; less than the whole.
    pub loss: Ppm,
    /// Network charge per arriving kWh, paid by the buyer.
    pub charge: Price,
    /// Most that may arrive over this pair per window; `None` is unlimited.
    pub capacity: Option<Wh>,
}

/// The low-voltage lines: all of one kind, from each zone's transformer past its homes.
#[derive(Clone, Debug, PartialEq)]
pub struct Feeders {
    /// Data sheet.
    pub line: Line,
    /// Where each home hangs, in the homes' order.
    pub places: Vec<Place>,
    /// Mean air temperature per window, °C.
    pub air_c: Vec<f64>,
}

/// Failures to inject, drawn from the run's seed. All shares are in `[0, 1]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Faults {
    /// Share of messages lost.
    pub message_loss: f64,
    /// Mean of an exponential extra delay of messages, in milliseconds.
    pub message_delay_ms: f64,
    /// Share of homes whose agents never answer requests.
    pub silent_sellers: f64,
    /// Share of approvals after which the seller's home turns out to be unable to sell
    /// (its tokens are transferred away by its owner before settlement).
    pub failing_sellers: f64,
    /// Share of the homes with surplus that are habitually bad sellers; which ones is drawn from the seed.
    pub bad_sellers: f64,
    /// Share of a bad seller's approvals after which its tokens are gone.
    pub bad_failures: f64,
    /// Expected crashes per agent and day.
    pub crashes_per_day: f64,
    /// Share of crashes after which the agent restarts only after the window has ended.
    pub late_restarts: f64,
    /// Share of readings that are wrong (missing, stale, frozen, rolled back, clock-skewed, too large).
    pub wrong_readings: f64,
    /// Expected halts of the chain per day.
    pub halts_per_day: f64,
    /// Mean length of a halt, in seconds.
    pub halt_seconds: f64,
    /// No halt is longer than this, in seconds: two hours unless the scenario says otherwise.
    pub longest_halt_seconds: f64,
    /// Expected times per agent and day that its account has nothing left for fees.
    pub unfunded_per_day: f64,
    /// Mean time until somebody fills such an account again, in hours.
    pub unfunded_hours: f64,
    /// In so many days at the end the chain does not stand and no account is empty: what waits is done by then.
    pub quiet_days: f64,
    /// Probability that an agent hears something twice: a block, an outcome, an answer, a reading.
    pub duplicates: f64,
}

impl Default for Faults {
    /// Nothing fails.
    fn default() -> Self {
        Self {
            message_loss: 0.0,
            message_delay_ms: 0.0,
            silent_sellers: 0.0,
            failing_sellers: 0.0,
            bad_sellers: 0.0,
            bad_failures: 0.0,
            crashes_per_day: 0.0,
            late_restarts: 0.0,
            wrong_readings: 0.0,
            halts_per_day: 0.0,
            halt_seconds: 0.0,
            longest_halt_seconds: 7_200.0,
            unfunded_per_day: 0.0,
            unfunded_hours: 24.0,
            quiet_days: 0.0,
            duplicates: 0.0,
        }
    }
}

/// A whole input, checked: all series have `windows` entries.
#[derive(Clone, Debug)]
pub struct Neighbourhood {
    /// Name of the scenario.
    pub name: String,
    /// What one unit of money is called: a million micro-units. `None`: the scenario does not say.
    pub currency: Option<String>,
    /// The clock on the people's walls; results are shown in its time.
    pub clock: Clock,
    /// Window length in seconds.
    pub window_s: u32,
    /// First metered window.
    pub first_window: Window,
    /// Number of metered windows.
    pub windows: usize,
    /// The meters.
    pub homes: Vec<Home>,
    /// Grid purchase tariff per window, micro-units per kWh.
    pub import_tariff: Vec<Tariff>,
    /// Feed-in tariff per window, micro-units per kWh.
    pub feed_in_tariff: Vec<Tariff>,
    /// Carbon intensity of the national grid per window, g CO2 per kWh.
    pub carbon_g_per_kwh: Vec<f64>,
    /// Terms for every ordered pair of zones that occurs, the diagonal included.
    pub zone_pairs: Vec<ZonePair>,
    /// The low-voltage lines, if they are modelled.
    pub feeders: Option<Feeders>,
    /// Failures to inject.
    pub faults: Faults,
    /// Homes that do not keep to the rules, if there are any.
    pub attackers: Option<Attackers>,
    /// What was done to the inputs (steps added up or spread, gaps filled): for the summary.
    pub notes: Vec<String>,
}

impl Neighbourhood {
    /// First second of the first window.
    pub fn start(&self) -> Seconds {
        self.first_window.start(self.window_s)
    }
}
