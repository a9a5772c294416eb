//! The scenario as it was simulated, to lie beside the results.

use serde::Serialize;
use wattpool_core::policy::Policy;
use wattpool_scenario::model::{Faults, HomeKind, Neighbourhood, ZonePair};

use crate::outcome::Outcome;
use crate::time::{local, rfc3339};

/// Everything that a run depends on but the series: those are in `windows.csv` and, recorded, in `homes.csv`.
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
    homes: Vec<Home<'a>>,
    zone_pairs: &'a [ZonePair],
    lines: Option<Lines>,
    faults: &'a Faults,
    notes: &'a [String],
}

#[derive(Serialize)]
struct Home<'a> {
    name: &'a str,
    zone: u16,
    kind: HomeKind,
    policy: &'a Policy,
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
        homes: n
            .homes
            .iter()
            .map(|home| Home {
                name: &home.name,
                zone: home.zone.get(),
                kind: home.kind,
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
        notes: &n.notes,
    }
}
