//! Tariffs and zone terms: histories by the window from which they hold. Capacity used in the live window.

use super::keys::{key, rest, within};
use cosmwasm_std::{Order, StdError, StdResult, Storage};
use wattpool_schema::packed;
use wattpool_schema::pool::{Tariffs, ZonePairTerms};
use wattpool_schema::{Ppm, Price, Wh, Window, Zone};

/// Tariffs by window.
const TARIFFS: u8 = b't';
/// A pair's loss, charge and capacity by its zones and the window.
const PAIRS: u8 = b'z';
/// Window and energy by a pair's zones.
const CARRIED: u8 = b'u';

/// Tariffs of a window. There are some for every window, from instantiation on.
pub fn tariffs(storage: &dyn Storage, window: Window) -> StdResult<Tariffs> {
    let to = window.0.to_be_bytes();
    let last = within(storage, &[TARIFFS], &[], &to, Order::Descending).next();
    let (import, feed_in) = match last {
        Some((_, stored)) => packed::read(&stored)?,
        None => Default::default(),
    };
    Ok(Tariffs { import, feed_in })
}

/// Stores tariffs that hold from a window on.
pub fn save_tariffs(storage: &mut dyn Storage, from: Window, t: &Tariffs) {
    let key = key(TARIFFS, &[&from.0.to_be_bytes()]);
    packed::save(storage, &key, &(t.import, t.feed_in));
}

fn pair_key(kind: u8, from: Zone, to: Zone) -> Vec<u8> {
    key(kind, &[&from.0.to_be_bytes(), &to.0.to_be_bytes()])
}

fn terms(from: Zone, to: Zone, stored: &[u8]) -> StdResult<ZonePairTerms> {
    let (loss, charge, capacity): (Ppm, Price, Option<Wh>) = packed::read(stored)?;
    Ok(ZonePairTerms {
        from,
        to,
        loss,
        charge,
        capacity,
    })
}

/// Terms of a zone pair in a window; none: no trade between them.
pub fn pair(
    storage: &dyn Storage,
    from: Zone,
    to: Zone,
    window: Window,
) -> StdResult<Option<ZonePairTerms>> {
    let prefix = pair_key(PAIRS, from, to);
    let until = window.0.to_be_bytes();
    within(storage, &prefix, &[], &until, Order::Descending)
        .next()
        .map(|(_, stored)| terms(from, to, &stored))
        .transpose()
}

/// Stores terms of a zone pair that hold from a window on.
pub fn save_pair(storage: &mut dyn Storage, from: Window, t: &ZonePairTerms) {
    let mut key = pair_key(PAIRS, t.from, t.to);
    key.extend_from_slice(&from.0.to_be_bytes());
    packed::save(storage, &key, &(t.loss, t.charge, t.capacity));
}

/// Terms of all pairs in a window, ascending by (from, to). Walks the whole history: for queries only.
pub fn pairs(storage: &dyn Storage, window: Window) -> StdResult<Vec<ZonePairTerms>> {
    let mut list: Vec<ZonePairTerms> = Vec::new();
    for (key, stored) in within(storage, &[PAIRS], &[], &[0xff; 12], Order::Ascending) {
        let [f0, f1, t0, t1, since @ ..] = rest::<12>(&key, 1)
            .ok_or_else(|| StdError::parse_err("ZonePairTerms", "not a pair's key"))?;
        if u64::from_be_bytes(since) > window.0 {
            continue;
        }
        let from = Zone(u16::from_be_bytes([f0, f1]));
        let found = terms(from, Zone(u16::from_be_bytes([t0, t1])), &stored)?;
        match list.last_mut() {
            Some(last) if (last.from, last.to) == (found.from, found.to) => *last = found,
            _ => list.push(found),
        }
    }
    Ok(list)
}

/// Energy that has arrived over a zone pair in a window. Kept for the latest window only.
pub fn carried(storage: &dyn Storage, from: Zone, to: Zone, window: Window) -> StdResult<Wh> {
    let stored: Option<(Window, Wh)> = packed::load(storage, &pair_key(CARRIED, from, to))?;
    Ok(match stored {
        Some((of, wh)) if of == window => wh,
        _ => Wh::ZERO,
    })
}

/// Stores the energy that has arrived over a zone pair in a window.
pub fn save_carried(storage: &mut dyn Storage, from: Zone, to: Zone, window: Window, wh: Wh) {
    packed::save(storage, &pair_key(CARRIED, from, to), &(window, wh));
}
