//! The scenario as it was simulated, to lie beside the results.

use serde::Serialize;
use wattpool_core::policy::Policy;
use wattpool_scenario::attackers::Attackers;
use wattpool_scenario::model::{Faults, HomeKind, Neighbourhood, ZonePair};

use crate::outcome::Outcome;
use crate::time::{local, rfc3339};

/// Everything that a run depends on; of the series their totals: they are in `windows.csv` and, recorded, in `homes.csv`.
#[derive(Serialize)]
pub struct Resolved<'a> {
    /// The program that ran it.
    program: &'static str,
    /// Its version.
    version: &'static str,
    name: &'a str,
    currency: Option<&'a str>,
    timezone: String,
    seed: u64,
    signatures: &'a str,
    window_s: u32,
    windows: usize,
    start: String,
    start_local: String,
    tariff: Tariffs,
    carbon_g_per_kwh: Range,
    homes: Vec<Home<'a>>,
    zone_pairs: &'a [ZonePair],
    lines: Option<Lines>,
    faults: &'a Faults,
    attackers: Option<Attackers>,
    notes: &'a [String],
}

#[derive(Serialize)]
struct Home<'a> {
    name: &'a str,
    zone: u16,
    kind: HomeKind,
    demand_wh: u64,
    generation_wh: u64,
    policy: &'a Policy,
}

/// Prices of the national grid, micro-units per kWh.
#[derive(Serialize)]
struct Tariffs {
    import_micro_per_kwh: Range,
    feed_in_micro_per_kwh: Range,
}

/// What a series goes through.
#[derive(Serialize)]
struct Range {
    least: f64,
    mean: f64,
    most: f64,
}

impl Range {
    /// Of a series that may be empty: then all are 0.
    fn of(values: impl Iterator<Item = f64>) -> Self {
        let (mut least, mut most, mut sum, mut count) =
            (f64::INFINITY, f64::NEG_INFINITY, 0.0, 0_u32);
        for value in values {
            (least, most) = (least.min(value), most.max(value));
            sum += value;
            count = count.saturating_add(1);
        }
        match count {
            0 => Self {
                least: 0.0,
                mean: 0.0,
                most: 0.0,
            },
            // A thousandth is fine enough, and the same whatever the order of adding up.
            count => Self {
                least,
                mean: (sum / f64::from(count) * 1e3).round() / 1e3,
                most,
            },
        }
    }
}

/// Wh of all windows.
fn total(wh: &[u32]) -> u64 {
    wh.iter().map(|wh| u64::from(*wh)).sum()
}

/// The low-voltage lines' data sheet.
#[derive(Serialize)]
struct Lines {
    ohm_per_km: f64,
    voltage_v: f64,
    rated_a: f64,
    rated_rise_k: f64,
}

/// Puts together what a run was made of.
pub fn resolved<'a>(n: &'a Neighbourhood, outcome: &'a Outcome) -> Resolved<'a> {
    Resolved {
        program: "wattpool simulate",
        version: env!("CARGO_PKG_VERSION"),
        name: &n.name,
        currency: n.currency.as_deref(),
        timezone: n.clock.to_string(),
        seed: outcome.seed,
        signatures: &outcome.signatures,
        window_s: n.window_s,
        windows: n.windows,
        start: rfc3339(n.start()),
        start_local: local(n.start(), n.clock),
        tariff: Tariffs {
            import_micro_per_kwh: Range::of(n.import_tariff.iter().map(|t| t.0 as f64)),
            feed_in_micro_per_kwh: Range::of(n.feed_in_tariff.iter().map(|t| t.0 as f64)),
        },
        carbon_g_per_kwh: Range::of(n.carbon_g_per_kwh.iter().copied()),
        homes: n
            .homes
            .iter()
            .map(|home| Home {
                name: &home.name,
                zone: home.zone.get(),
                kind: home.kind,
                demand_wh: total(&home.demand_wh),
                generation_wh: total(&home.generation_wh),
                policy: &home.policy,
            })
            .collect(),
        zone_pairs: &n.zone_pairs,
        lines: n.feeders.as_ref().map(|feeders| Lines {
            ohm_per_km: feeders.line.ohm_per_km,
            voltage_v: feeders.line.voltage_v,
            rated_a: feeders.line.rated_a,
            rated_rise_k: feeders.line.rated_rise_k,
        }),
        faults: &n.faults,
        attackers: n.attackers,
        notes: &n.notes,
    }
}
