//! Meters: the registration, which rarely changes, apart from the position, which changes with every statement.

use cosmwasm_std::{Addr, Order, StdError, StdResult, Storage};
use wattpool_contract_common::keys::{key, of_owner, rest, within};
use wattpool_contract_common::records;
use wattpool_schema::error::MarketError;
use wattpool_schema::pool::MeterPosition;
use wattpool_schema::stored::pool as stored;
pub use wattpool_schema::stored::pool::{Meter, MeterTerms};
use wattpool_schema::{MeterId, Window};

/// By owner and meter; only the keys are used.
const OWNED: u8 = b'o';
const IN_SERVICE: &[u8] = b"in_service";

/// Terms of meters by window.
pub trait History {
    /// Terms of a window.
    fn terms_of(&self, storage: &dyn Storage, id: MeterId, window: Window)
        -> StdResult<MeterTerms>;

    /// Moves what holds from `now` on out of what is to come; what held before goes to the history.
    fn settle(&mut self, storage: &mut dyn Storage, id: MeterId, now: Window);

    /// Writes the terms that hold to the history.
    fn archive(&self, storage: &mut dyn Storage, id: MeterId);

    /// Changes the terms from a window to come on.
    fn change(
        &mut self,
        storage: &mut dyn Storage,
        id: MeterId,
        at: (Window, Window),
        change: &dyn Fn(&mut MeterTerms),
    );
}

impl History for Meter {
    fn terms_of(
        &self,
        storage: &dyn Storage,
        id: MeterId,
        window: Window,
    ) -> StdResult<MeterTerms> {
        let coming = self.coming.iter().rev().find(|(from, _)| *from <= window);
        if let Some((_, terms)) = coming {
            return Ok(terms.clone());
        }
        if window >= self.terms_from {
            return Ok(self.terms.clone());
        }
        let prefix = key(stored::HISTORY, &[&id.0]);
        let to = window.0.to_be_bytes();
        let before = within(storage, &prefix, &[], &to, Order::Descending).next();
        match before {
            Some((_, stored)) => records::read(&stored),
            // Before the first registration: a new meter trades the live window already.
            None => Ok(self.terms.clone()),
        }
    }

    fn settle(&mut self, storage: &mut dyn Storage, id: MeterId, now: Window) {
        while self.coming.first().is_some_and(|(from, _)| *from <= now) {
            let (from, terms) = self.coming.remove(0);
            self.archive(storage, id);
            self.terms = terms;
            self.terms_from = from;
        }
    }

    fn archive(&self, storage: &mut dyn Storage, id: MeterId) {
        let key = stored::history(id, self.terms_from);
        records::save(storage, &key, &self.terms);
    }

    fn change(
        &mut self,
        storage: &mut dyn Storage,
        id: MeterId,
        (now, from): (Window, Window),
        change: &dyn Fn(&mut MeterTerms),
    ) {
        self.settle(storage, id, now);
        let at = self.coming.partition_point(|(f, _)| *f < from);
        if self.coming.get(at).is_none_or(|(f, _)| *f != from) {
            let before = at.checked_sub(1).and_then(|i| self.coming.get(i));
            let terms = before.map_or(&self.terms, |(_, terms)| terms).clone();
            self.coming.insert(at, (from, terms));
        }
        self.coming
            .iter_mut()
            .skip(at)
            .for_each(|(_, terms)| change(terms));
    }
}

/// Where in a list a page starts: the first key after the given one is that with a zero byte behind it.
fn page_start(after: Option<MeterId>) -> Vec<u8> {
    after.map_or_else(Vec::new, |meter| [meter.0.as_slice(), &[0]].concat())
}

/// The id behind a key's beginning.
fn id(key: &[u8], prefix: usize) -> StdResult<MeterId> {
    rest(key, prefix)
        .map(MeterId)
        .ok_or_else(|| StdError::msg("not a meter's key"))
}

/// A meter, if it is registered.
pub fn may_meter(storage: &dyn Storage, meter: MeterId) -> StdResult<Option<Meter>> {
    records::load(storage, &stored::meter(meter))
}

/// A meter.
///
/// # Errors
/// `UNKNOWN_METER`
pub fn meter(storage: &dyn Storage, meter: MeterId) -> Result<Meter, MarketError> {
    may_meter(storage, meter)?.ok_or(MarketError::UnknownMeter { meter })
}

/// A meter in service.
///
/// # Errors
/// `UNKNOWN_METER`, `METER_RETIRED`
pub fn active_meter(storage: &dyn Storage, id: MeterId) -> Result<Meter, MarketError> {
    let found = meter(storage, id)?;
    if found.retired.is_some() {
        return Err(MarketError::MeterRetired { meter: id });
    }
    Ok(found)
}

/// Stores a meter.
pub fn save_meter(storage: &mut dyn Storage, id: MeterId, meter: &Meter) {
    records::save(storage, &stored::meter(id), meter);
}

/// Meters, ascending by id.
pub fn meters(
    storage: &dyn Storage,
    start_after: Option<MeterId>,
    limit: usize,
) -> StdResult<Vec<(MeterId, Meter)>> {
    let from = page_start(start_after);
    within(
        storage,
        &[stored::METERS],
        &from,
        &[0xff; 16],
        Order::Ascending,
    )
    .take(limit)
    .map(|(key, value)| Ok((id(&key, 1)?, records::read(&value)?)))
    .collect()
}

fn owned_key(owner: &Addr, meter: MeterId) -> Vec<u8> {
    let mut key = of_owner(OWNED, owner);
    key.extend_from_slice(&meter.0);
    key
}

/// Enters a meter into its owner's list.
pub fn add_owned(storage: &mut dyn Storage, owner: &Addr, meter: MeterId) {
    // The chain's VM refuses empty values.
    records::save(storage, &owned_key(owner, meter), &true);
}

/// Takes a meter out of an owner's list.
pub fn remove_owned(storage: &mut dyn Storage, owner: &Addr, meter: MeterId) {
    storage.remove(&owned_key(owner, meter));
}

/// An owner's meters, ascending by id.
pub fn owned(
    storage: &dyn Storage,
    owner: &Addr,
    start_after: Option<MeterId>,
    limit: usize,
) -> StdResult<Vec<MeterId>> {
    let prefix = of_owner(OWNED, owner);
    let from = page_start(start_after);
    within(storage, &prefix, &from, &[0xff; 16], Order::Ascending)
        .take(limit)
        .map(|(key, _)| id(&key, prefix.len()))
        .collect()
}

/// Number of meters in service.
pub fn in_service(storage: &dyn Storage) -> StdResult<u64> {
    Ok(records::load(storage, IN_SERVICE)?.unwrap_or(0))
}

/// Stores the number of meters in service.
pub fn save_in_service(storage: &mut dyn Storage, meters: u64) {
    records::save(storage, IN_SERVICE, &meters);
}

/// Where a meter stands; a new one stands at the beginning.
pub fn position(storage: &dyn Storage, meter: MeterId) -> StdResult<MeterPosition> {
    Ok(records::load(storage, &stored::position(meter))?.unwrap_or_default())
}

/// Stores where a meter stands.
pub fn save_position(storage: &mut dyn Storage, id: MeterId, position: &MeterPosition) {
    records::save(storage, &stored::position(id), position);
}
