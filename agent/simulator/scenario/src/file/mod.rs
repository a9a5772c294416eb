//! The scenario file: what TOML keys there are. `agent/simulator/scenarios` holds a commented example of each kind.

mod time;
mod written;

pub use time::{ClockChange, Stamp, StepLengths, TimeTable};
pub use written::Written;

use crate::attackers::Attackers;
use crate::model::{Faults, HomeKind};
use serde::Deserialize;
use std::collections::BTreeMap;
use written::with_written;

/// A scenario file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScenarioFile {
    /// Name of the scenario.
    pub name: String,
    /// What a unit of money is called, such as `EUR`; shown beside every amount.
    pub currency: Option<String>,
    /// Time zone in which results are shown, such as `Europe/Berlin`; that of the times when absent.
    pub timezone: Option<String>,
    /// Length of the market window in seconds; a divisor of the day, at least 60.
    #[serde(default = "quarter_hour")]
    pub window_s: u32,
    /// First moment to simulate: RFC 3339, or local time or a date in the zone of the times.
    pub start: Option<toml::Value>,
    /// Days of 24 hours to simulate; all that the profiles hold when absent.
    pub days: Option<u32>,
    /// A generated neighbourhood …
    pub generate: Option<GenerateTable>,
    /// … or one read from CSV.
    pub profiles: Option<ProfilesTable>,
    /// Homes by name: of profiles, or settings for generated ones.
    #[serde(default)]
    pub homes: Vec<HomeTable>,
    /// Homes with something in common.
    #[serde(default)]
    pub groups: BTreeMap<String, GroupTable>,
    /// The owners' policy unless a group or home says otherwise.
    #[serde(default)]
    pub policy: toml::Table,
    /// Prices of the national grid.
    #[serde(default)]
    pub tariff: TariffTable,
    /// Carbon intensity of the national grid.
    pub carbon: Option<SeriesTable>,
    /// Zones and the terms between them.
    #[serde(default)]
    pub zones: ZonesTable,
    /// The low-voltage lines; without them nothing is lost but by the zones' terms.
    pub feeders: Option<FeedersTable>,
    /// Failures to inject.
    #[serde(default)]
    pub faults: Faults,
    /// Homes that do not keep to the rules.
    pub attackers: Option<Attackers>,
}

/// The market window unless the file says otherwise.
fn quarter_hour() -> u32 {
    900
}

/// Settings of the generator; see [`crate::GenerateOptions`] for ranges and defaults.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GenerateTable {
    /// Number of homes.
    pub homes: Option<u32>,
    /// Seed.
    pub seed: Option<u64>,
    /// Time zone of the people, such as `Europe/Berlin`.
    pub timezone: Option<String>,
    /// Degrees, north positive.
    pub latitude: Option<f64>,
    /// Degrees, east positive.
    pub longitude: Option<f64>,
    /// Number of zones.
    pub zones: Option<u16>,
    /// Share of homes with photovoltaics.
    pub pv_share: Option<f64>,
    /// Share of homes with a wind turbine.
    pub wind_share: Option<f64>,
    /// Smallest photovoltaic system, kWp.
    pub kwp_min: Option<f64>,
    /// Largest photovoltaic system, kWp.
    pub kwp_max: Option<f64>,
    /// Factor on all demand.
    pub demand_scale: Option<f64>,
}

with_written! {
/// Profiles from files: what holds for all homes.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProfilesTable {
    /// File of a home; `{home}` stands for its name.
    pub file: Option<String>,
    /// Names of homes that need no settings of their own.
    #[serde(default)]
    pub homes: Vec<String>,
    /// Column that names the home of a row, in tables with rows of several homes.
    pub home_column: Option<String>,
    /// How the rows are placed in time.
    pub time: TimeTable,
    /// What to do about missing values and rows.
    #[serde(default)]
    pub missing: Missing,
    /// What to do about negative load or generation.
    #[serde(default)]
    pub negative: Negative,
    /// Installed photovoltaics in kWp, for units per kWp.
    pub kwp: Option<f64>,
    /// Most mean power of a home that is believed, kW; 100 when absent.
    pub most_kw: Option<f64>,
    /// Columns of demand; added up.
    #[serde(default)]
    pub load: Vec<ColumnTable>,
    /// Columns of generation; added up.
    #[serde(default)]
    pub generation: Vec<ColumnTable>,
    /// Columns of net import (positive) and export (negative), where nothing else is known; added up.
    #[serde(default)]
    pub net: Vec<ColumnTable>,
}
}

/// What to do about a missing value: an empty cell or `NA`, `N/A`, `NaN`, `null`, `None`, or a missing row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Missing {
    /// Refuse the file.
    #[default]
    Refuse,
    /// Take zero, counted.
    Zero,
    /// Repeat the value before, counted.
    Previous,
}

/// What to do about negative load or generation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Negative {
    /// Refuse the file.
    #[default]
    Refuse,
    /// Take zero, counted (inverters that draw a few watts at night).
    Zero,
}

with_written! {
/// A column of energy or power.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnTable {
    /// Its header; `{home}` stands for the home's name, and `""` for a column without one.
    pub column: String,
    /// Its file, where it is not the home's.
    pub file: Option<String>,
    /// How its file's rows are placed in time, where it is not like the profiles'.
    pub time: Option<TimeTable>,
    /// Only the rows in which these columns hold these texts; `{home}` stands for the home's name.
    #[serde(default, rename = "where")]
    pub only: BTreeMap<String, String>,
    /// Nothing where the file has no such column or row.
    #[serde(default)]
    pub optional: bool,
    /// Its unit.
    pub unit: Unit,
    /// Factor on its values.
    #[serde(default = "one")]
    pub scale: f64,
}
}

fn one() -> f64 {
    1.0
}

/// Unit of a column of energy or power.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Unit {
    /// Kilowatt-hours in each step.
    #[serde(rename = "kWh")]
    Kwh,
    /// Watt-hours in each step.
    #[serde(rename = "Wh")]
    Wh,
    /// Kilowatt-hours counted since the meter was new.
    #[serde(rename = "kWh register")]
    KwhRegister,
    /// Watt-hours counted since the meter was new.
    #[serde(rename = "Wh register")]
    WhRegister,
    /// Mean power over each step.
    #[serde(rename = "kW")]
    Kw,
    /// Mean power over each step.
    #[serde(rename = "W")]
    W,
    /// Mean power over each step for every kWp installed.
    #[serde(rename = "W per kWp")]
    WPerKwp,
    /// Mean power over each step for every kWp installed.
    #[serde(rename = "kW per kWp")]
    KwPerKwp,
}

with_written! {
/// A home.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HomeTable {
    /// Its name, unique.
    pub name: String,
    /// Its file, where it is not that of the profiles.
    pub file: Option<String>,
    /// Its photovoltaics in kWp.
    pub kwp: Option<f64>,
    /// Its zone.
    pub zone: Option<u16>,
    /// What stands behind the meter; found from the data when absent.
    pub kind: Option<HomeKind>,
    /// The group it belongs to.
    pub group: Option<String>,
    /// Its owner's policy, where it differs.
    #[serde(default)]
    pub policy: toml::Table,
    /// Its columns of demand, instead of those of the profiles.
    pub load: Option<Vec<ColumnTable>>,
    /// Its columns of generation, instead of those of the profiles.
    pub generation: Option<Vec<ColumnTable>>,
    /// Its columns of net import, instead of those of the profiles.
    pub net: Option<Vec<ColumnTable>>,
    /// How its file's rows are placed in time, where it is not like the profiles'.
    pub time: Option<TimeTable>,
}
}

/// Homes with something in common. A home that is in no group belongs to the one named like its kind
/// (`pv`, `wind`, `battery`, `mixed`, `consumer`), where there is one.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GroupTable {
    /// Names of its homes.
    pub homes: Vec<String>,
    /// Their zone.
    pub zone: Option<u16>,
    /// Their photovoltaics in kWp.
    pub kwp: Option<f64>,
    /// Their owners' policy, where it differs.
    pub policy: toml::Table,
}

/// Prices of the national grid.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TariffTable {
    /// Purchase.
    pub import: Option<SeriesTable>,
    /// Feed-in.
    pub feed_in: Option<SeriesTable>,
}

with_written! {
/// A value per window: one of `flat`, `file` with `column`, or `periods`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeriesTable {
    /// The same value always.
    pub flat: Option<f64>,
    /// CSV file.
    pub file: Option<String>,
    /// Column in it.
    pub column: Option<String>,
    /// How its rows are placed in time, where it is not like the profiles'.
    pub time: Option<TimeTable>,
    /// Unit of the values: of a price `micro per kWh` when absent, of an intensity `g per kWh`.
    pub unit: Option<SeriesUnit>,
    /// Factor on the values.
    #[serde(default = "one")]
    pub scale: f64,
    /// A time-of-use table; the first period that fits counts.
    #[serde(default)]
    pub periods: Vec<PeriodTable>,
    /// Time zone of the periods.
    pub zone: Option<String>,
    /// What to do about missing values and rows of the file: `refuse` or `previous`; a price or an
    /// intensity is not zero because it is missing.
    #[serde(default)]
    pub missing: Missing,
    /// Only the rows in which these columns hold these texts.
    #[serde(default, rename = "where")]
    pub only: BTreeMap<String, String>,
}
}

/// A row of a time-of-use table.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PeriodTable {
    /// Local time from which it counts, `HH:MM`; midnight when absent.
    pub from: Option<String>,
    /// Local time until which it counts, `HH:MM`, up to `24:00`; before `from` it wraps at midnight.
    pub to: Option<String>,
    /// Days on which it counts.
    #[serde(default)]
    pub days: PeriodDays,
    /// Months (1–12) in which it counts; all when empty.
    #[serde(default)]
    pub months: Vec<u32>,
    /// The value.
    pub value: f64,
}

/// Days of a period.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PeriodDays {
    /// Every day.
    #[default]
    All,
    /// Monday to Friday.
    Weekdays,
    /// Saturday and Sunday.
    Weekends,
}

/// Unit of a series. One for all of them: a type for each would be compiled for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum SeriesUnit {
    /// A price: millionths of the currency per kWh.
    #[serde(rename = "micro per kWh")]
    MicroPerKwh,
    /// A price: the currency per kWh.
    #[serde(rename = "per kWh")]
    PerKwh,
    /// A price: the currency per MWh, as at power exchanges.
    #[serde(rename = "per MWh")]
    PerMwh,
    /// A carbon intensity: grams per kWh.
    #[serde(rename = "g per kWh")]
    GramsPerKwh,
    /// A carbon intensity: kilograms per kWh.
    #[serde(rename = "kg per kWh")]
    KgPerKwh,
    /// A temperature: degrees Celsius.
    #[serde(rename = "degC")]
    Celsius,
}

/// Zones of the local grid. A home without a zone is in zone 1.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ZonesTable {
    /// Terms within a zone.
    pub within: TermsTable,
    /// Terms between different zones.
    pub between: TermsTable,
    /// Terms of single pairs, where they differ.
    pub pairs: Vec<PairTable>,
}

/// The low-voltage lines from the zones' transformers past the homes. All are alike.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FeedersTable {
    /// From the transformer to the last home, m.
    pub length_m: Option<u32>,
    /// Lines of each zone's transformer.
    pub lines_per_zone: Option<u16>,
    /// Resistance of one conductor at 20 °C, Ω per km.
    pub ohm_per_km: Option<f64>,
    /// Voltage between conductors, V.
    pub voltage_v: Option<f64>,
    /// Current carried for ever, A.
    pub rated_a: Option<f64>,
    /// How much warmer than the air the conductor is then, K.
    pub rated_rise_k: Option<f64>,
    /// Temperature of the air; a typical day in spring when absent.
    pub air: Option<SeriesTable>,
    /// Homes that hang elsewhere than in their turn.
    pub homes: Vec<FeederHomeTable>,
}

/// Where a home hangs.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeederHomeTable {
    /// Name of the home.
    pub name: String,
    /// Line of its zone, from 0.
    #[serde(default)]
    pub line: u16,
    /// Way along the line from the transformer, m.
    pub metres: u32,
}

/// Terms of a transfer. What is absent comes from the default, in the end no loss, no charge, no limit.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TermsTable {
    /// Share lost on the way, in `[0, 1)`.
    pub loss: Option<f64>,
    /// Network charge, micro-units per arriving kWh.
    pub charge: Option<u64>,
    /// Most that may arrive per window, Wh.
    pub capacity_wh: Option<u64>,
}

/// Terms of one pair of zones.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PairTable {
    /// Seller's zone.
    pub from: u16,
    /// Buyer's zone.
    pub to: u16,
    /// Counts in the other direction too.
    #[serde(default)]
    pub both_ways: bool,
    /// Share lost on the way, in `[0, 1)`.
    pub loss: Option<f64>,
    /// Network charge, micro-units per arriving kWh.
    pub charge: Option<u64>,
    /// Most that may arrive per window, Wh.
    pub capacity_wh: Option<u64>,
}
