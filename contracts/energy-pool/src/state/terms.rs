//! Tariffs and zone terms: histories by the window from which they hold. Capacity used in the live window.

use cosmwasm_std::{Order, StdError, StdResult, Storage};
use wattpool_contract_common::keys::{key, rest, within};
use wattpool_contract_common::records;
use wattpool_schema::pool::{Tariffs, ZonePairTerms};
use wattpool_schema::stored::pool as stored;
use wattpool_schema::stored::pool::{PairTerms, Rates};
use wattpool_schema::{Wh, Window, Zone};

/// By a pair's zones: it has terms, now or later.
const LISTED: u8 = b'y';
/// Window and energy by a pair's zones.
const CARRIED: u8 = b'u';

/// Tariffs of a window. There are some for every window, from instantiation on.
pub fn tariffs(storage: &dyn Storage, window: Window) -> StdResult<Tariffs> {
    let to = window.0.to_be_bytes();
    let last = within(storage, &[stored::TARIFFS], &[], &to, Order::Descending).next();
    let (import, feed_in): Rates = match last {
        Some((_, stored)) => records::read(&stored)?,
        None => Default::default(),
    };
    Ok(Tariffs { import, feed_in })
}

/// Stores tariffs that hold from a window on.
pub fn save_tariffs(storage: &mut dyn Storage, from: Window, t: &Tariffs) {
    let rates: Rates = (t.import, t.feed_in);
    records::save(storage, &stored::tariffs(from), &rates);
}

fn pair_key(kind: u8, from: Zone, to: Zone) -> Vec<u8> {
    key(kind, &[&from.0.to_be_bytes(), &to.0.to_be_bytes()])
}

fn terms(from: Zone, to: Zone, bytes: &[u8]) -> StdResult<ZonePairTerms> {
    let (loss, charge, capacity): PairTerms = records::read(bytes)?;
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
    let prefix = pair_key(stored::PAIRS, from, to);
    let until = window.0.to_be_bytes();
    within(storage, &prefix, &[], &until, Order::Descending)
        .next()
        .map(|(_, stored)| terms(from, to, &stored))
        .transpose()
}

/// Stores terms of a zone pair that hold from a window on.
pub fn save_pair(storage: &mut dyn Storage, from: Window, t: &ZonePairTerms) {
    let terms: PairTerms = (t.loss, t.charge, t.capacity);
    records::save(storage, &stored::pair(t.from, t.to, from), &terms);
    let listed = pair_key(LISTED, t.from, t.to);
    if storage.get(&listed).is_none() {
        records::save(storage, &listed, &true);
    }
}

/// Terms of the pairs in a window, ascending by (from, to), those after `start_after`: one look-up each, whatever their history.
pub fn pairs(
    storage: &dyn Storage,
    window: Window,
    start_after: Option<(Zone, Zone)>,
    limit: usize,
) -> StdResult<Vec<ZonePairTerms>> {
    let after = start_after.map_or_else(Vec::new, |(from, to)| {
        let zones = [from.0.to_be_bytes(), to.0.to_be_bytes()];
        [zones.concat().as_slice(), &[0]].concat()
    });
    let listed = within(storage, &[LISTED], &after, &[0xff; 4], Order::Ascending);
    let mut list = Vec::new();
    for (key, _) in listed {
        let [f0, f1, t0, t1] =
            rest::<4>(&key, 1).ok_or_else(|| StdError::msg("not a pair's key"))?;
        let from = Zone(u16::from_be_bytes([f0, f1]));
        let to = Zone(u16::from_be_bytes([t0, t1]));
        list.extend(pair(storage, from, to, window)?);
        if list.len() >= limit {
            break;
        }
    }
    Ok(list)
}

/// Energy that has arrived over a zone pair in a window. Kept for the latest window only.
pub fn carried(storage: &dyn Storage, from: Zone, to: Zone, window: Window) -> StdResult<Wh> {
    let stored: Option<(Window, Wh)> = records::load(storage, &pair_key(CARRIED, from, to))?;
    Ok(match stored {
        Some((of, wh)) if of == window => wh,
        _ => Wh::ZERO,
    })
}

/// Stores the energy that has arrived over a zone pair in a window.
pub fn save_carried(storage: &mut dyn Storage, from: Zone, to: Zone, window: Window, wh: Wh) {
    records::save(storage, &pair_key(CARRIED, from, to), &(window, wh));
}
