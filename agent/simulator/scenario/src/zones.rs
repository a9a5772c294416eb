//! Terms between the zones of the local grid.

use crate::errors::ScenarioError;
use crate::file::{PairTable, TermsTable, ZonesTable};
use crate::model::ZonePair;
use crate::source::{keys, Key, Source};
use std::collections::{BTreeMap, BTreeSet};
use wattpool_schema::{Ppm, Price, Wh, Zone, PPM};

/// Highest network charge and tariff, micro-units per kWh: a thousand coins.
pub(crate) const HIGHEST_PRICE: u64 = 1_000_000_000;

/// Most zones: pairs grow with the square.
pub(crate) const MOST_ZONES: u16 = 256;

/// Every ordered pair of the zones, without loss, charge or limit.
pub(crate) fn lossless(zones: impl Iterator<Item = u16> + Clone) -> Vec<ZonePair> {
    let lossless = |from, to| ZonePair {
        from: Zone(from),
        to: Zone(to),
        loss: Ppm::ZERO,
        charge: Price::ZERO,
        capacity: None,
    };
    zones
        .clone()
        .flat_map(|from| zones.clone().map(move |to| lossless(from, to)))
        .collect()
}

/// Every ordered pair of the zones with its terms.
pub(crate) fn terms(
    source: &Source,
    table: &ZonesTable,
    zones: &BTreeSet<u16>,
) -> Result<Vec<ZonePair>, ScenarioError> {
    if zones.len() > usize::from(MOST_ZONES) {
        let problem = format!("the homes are in {} zones", zones.len());
        return Err(source.refuse(keys!["zones"], problem, format!("at most {MOST_ZONES}")));
    }
    check(source, keys!["zones", "within"], &table.within)?;
    check(source, keys!["zones", "between"], &table.between)?;
    let mut special: BTreeMap<(u16, u16), &PairTable> = BTreeMap::new();
    for (i, pair) in table.pairs.iter().enumerate() {
        let at = keys!["zones", "pairs", i];
        check(source, at, &own_terms(pair))?;
        for (key, zone) in [("from", pair.from), ("to", pair.to)] {
            if !zones.contains(&zone) {
                let known: Vec<String> = zones.iter().map(u16::to_string).collect();
                let expected = format!("one of the homes' zones: {}", known.join(", "));
                let at = [at, keys![key]].concat();
                return Err(source.refuse(&at, format!("no home is in zone {zone}"), expected));
            }
        }
        let mut directions = vec![(pair.from, pair.to)];
        if pair.both_ways && pair.from != pair.to {
            directions.push((pair.to, pair.from));
        }
        for (from, to) in directions {
            if special.insert((from, to), pair).is_some() {
                let problem = format!("zone {from} to zone {to} is given twice");
                return Err(source.refuse(at, problem, "each direction once"));
            }
        }
    }
    let pairs = zones
        .iter()
        .flat_map(|from| zones.iter().map(move |to| (*from, *to)));
    Ok(pairs
        .map(|(from, to)| {
            let general = if from == to {
                &table.within
            } else {
                &table.between
            };
            let own = special
                .get(&(from, to))
                .map(|p| own_terms(p))
                .unwrap_or_default();
            ZonePair {
                from: Zone(from),
                to: Zone(to),
                loss: own.loss.or(general.loss).map_or(Ppm::ZERO, share),
                charge: Price(own.charge.or(general.charge).unwrap_or(0)),
                capacity: own.capacity_wh.or(general.capacity_wh).map(Wh),
            }
        })
        .collect())
}

fn own_terms(pair: &PairTable) -> TermsTable {
    TermsTable {
        loss: pair.loss,
        charge: pair.charge,
        capacity_wh: pair.capacity_wh,
    }
}

fn check(source: &Source, path: &[Key<'_>], terms: &TermsTable) -> Result<(), ScenarioError> {
    let refuse = |key: &'static str, found: String, expected: &str| {
        Err(source.refuse(
            &[path, keys![key]].concat(),
            format!("found {found}"),
            expected,
        ))
    };
    if let Some(loss) = terms.loss {
        if !(0.0..1.0).contains(&loss) || share(loss).get() >= PPM {
            return refuse("loss", loss.to_string(), "a share from 0 to less than 1");
        }
    }
    if let Some(charge) = terms.charge.filter(|c| *c > HIGHEST_PRICE) {
        return refuse(
            "charge",
            charge.to_string(),
            "at most 1000000000 micro-units per kWh",
        );
    }
    if terms.capacity_wh == Some(0) {
        return refuse(
            "capacity_wh",
            "0".into(),
            "at least 1 Wh, or no capacity_wh for no limit",
        );
    }
    Ok(())
}

/// A share in parts per million, to the nearest.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "checked to be in [0, 1); the cast saturates"
)]
fn share(value: f64) -> Ppm {
    Ppm((value * f64::from(PPM)).round() as u32)
}
