//! Tariffs and zone terms: histories by the window from which they hold. Capacity used in the live window.

use cosmwasm_std::{Order, StdResult, Storage};
use cw_storage_plus::{Bound, Map};
use wattpool_schema::pool::{Tariffs, ZonePairTerms};
use wattpool_schema::{Ppm, Price, Tariff, Wh, Window, Zone};

const TARIFFS: Map<u64, (Tariff, Tariff)> = Map::new("t");
const PAIRS: Map<(u16, u16, u64), Stored> = Map::new("z");
const CARRIED: Map<(u16, u16), (Window, Wh)> = Map::new("u");

/// A pair's loss, charge and capacity.
type Stored = (Ppm, Price, Option<Wh>);

/// Tariffs of a window. There are some for every window, from instantiation on.
pub fn tariffs(storage: &dyn Storage, window: Window) -> StdResult<Tariffs> {
    let to = Some(Bound::inclusive(window.0));
    let last = TARIFFS.range(storage, None, to, Order::Descending).next();
    let (import, feed_in) = last.transpose()?.map(|(_, t)| t).unwrap_or_default();
    Ok(Tariffs { import, feed_in })
}

/// Stores tariffs that hold from a window on.
pub fn save_tariffs(storage: &mut dyn Storage, from: Window, t: &Tariffs) -> StdResult<()> {
    TARIFFS.save(storage, from.0, &(t.import, t.feed_in))
}

fn terms(from: u16, to: u16, stored: Stored) -> ZonePairTerms {
    let (loss, charge, capacity) = stored;
    ZonePairTerms {
        from: Zone(from),
        to: Zone(to),
        loss,
        charge,
        capacity,
    }
}

/// Terms of a zone pair in a window; none: no trade between them.
pub fn pair(
    storage: &dyn Storage,
    from: Zone,
    to: Zone,
    window: Window,
) -> StdResult<Option<ZonePairTerms>> {
    let until = Some(Bound::inclusive(window.0));
    let last = PAIRS
        .prefix((from.0, to.0))
        .range(storage, None, until, Order::Descending)
        .next();
    Ok(last
        .transpose()?
        .map(|(_, stored)| terms(from.0, to.0, stored)))
}

/// Stores terms of a zone pair that hold from a window on.
pub fn save_pair(storage: &mut dyn Storage, from: Window, t: &ZonePairTerms) -> StdResult<()> {
    let key = (t.from.0, t.to.0, from.0);
    PAIRS.save(storage, key, &(t.loss, t.charge, t.capacity))
}

/// Terms of all pairs in a window, ascending by (from, to). Walks the whole history: for queries only.
pub fn pairs(storage: &dyn Storage, window: Window) -> StdResult<Vec<ZonePairTerms>> {
    let mut list: Vec<ZonePairTerms> = Vec::new();
    for entry in PAIRS.range(storage, None, None, Order::Ascending) {
        let ((from, to, since), stored) = entry?;
        if since > window.0 {
            continue;
        }
        let found = terms(from, to, stored);
        match list.last_mut() {
            Some(last) if (last.from, last.to) == (found.from, found.to) => *last = found,
            _ => list.push(found),
        }
    }
    Ok(list)
}

/// Energy that has arrived over a zone pair in a window. Kept for the latest window only.
pub fn carried(storage: &dyn Storage, from: Zone, to: Zone, window: Window) -> StdResult<Wh> {
    Ok(match CARRIED.may_load(storage, (from.0, to.0))? {
        Some((of, wh)) if of == window => wh,
        _ => Wh::ZERO,
    })
}

/// Stores the energy that has arrived over a zone pair in a window.
pub fn save_carried(
    storage: &mut dyn Storage,
    from: Zone,
    to: Zone,
    window: Window,
    wh: Wh,
) -> StdResult<()> {
    CARRIED.save(storage, (from.0, to.0), &(window, wh))
}
