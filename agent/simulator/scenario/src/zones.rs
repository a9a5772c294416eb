//! Terms between the zones of the local grid.

use crate::model::ZonePair;
use wattpool_schema::{Ppm, Price, Zone};

/// Every ordered pair of the zones, without loss, charge or limit.
pub(crate) fn lossless(zones: impl Iterator<Item = u16> + Clone) -> Vec<ZonePair> {
    zones
        .clone()
        .flat_map(|from| zones.clone().map(move |to| (from, to)))
        .map(|(from, to)| ZonePair {
            from: Zone(from),
            to: Zone(to),
            loss: Ppm::ZERO,
            charge: Price::ZERO,
            capacity: None,
        })
        .collect()
}
