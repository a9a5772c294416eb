//! Meters: the registration, which rarely changes, apart from the position, which changes with every statement.

use super::keys::{key, of_owner, rest, within};
use cosmwasm_std::{Addr, Order, StdError, StdResult, Storage};
use wattpool_schema::error::MarketError;
use wattpool_schema::packed::{self, packed};
use wattpool_schema::pool::{MeterKind, MeterPosition};
use wattpool_schema::{AgentKey, DeviceKey, MeterId, Wh, Window, Zone};

/// First byte of the keys of meters; the id follows.
const METERS: u8 = b'm';
/// First byte of the keys of positions; the meter's id follows.
const POSITIONS: u8 = b'p';
/// By owner and meter; only the keys are used.
const OWNED: u8 = b'o';
const IN_SERVICE: &[u8] = b"in_service";

/// A meter as registered.
#[derive(Clone, Debug, PartialEq)]
pub struct Meter {
    /// Owner.
    pub owner: Addr,
    /// Proposed owner.
    pub proposed_owner: Option<Addr>,
    /// The device's key.
    pub device: DeviceKey,
    /// The agent's key.
    pub agent: Option<AgentKey>,
    /// The agent's address: derived once, when the key is set.
    pub agent_address: Option<Addr>,
    /// Zone.
    pub zone: Zone,
    /// Kind.
    pub kind: MeterKind,
    /// Largest export per window.
    pub max_export: Wh,
    /// Largest import per window.
    pub max_import: Wh,
    /// Out of service.
    pub retired: bool,
    /// The running window at the (last) registration: earlier ones cannot be stated, unless they were skipped before.
    pub since: Window,
}

packed!(Meter {
    owner,
    proposed_owner,
    device,
    agent,
    agent_address,
    zone,
    kind,
    max_export,
    max_import,
    retired,
    since
});

/// Where in a list a page starts: the first key after the given one is that with a zero byte behind it.
fn page_start(after: Option<MeterId>) -> Vec<u8> {
    after.map_or_else(Vec::new, |meter| [meter.0.as_slice(), &[0]].concat())
}

/// The id behind a key's beginning.
fn id(key: &[u8], prefix: usize) -> StdResult<MeterId> {
    rest(key, prefix)
        .map(MeterId)
        .ok_or_else(|| StdError::parse_err("MeterId", "not a meter's key"))
}

/// A meter, if it is registered.
pub fn may_meter(storage: &dyn Storage, meter: MeterId) -> StdResult<Option<Meter>> {
    packed::load(storage, &key(METERS, &[&meter.0]))
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
    if found.retired {
        return Err(MarketError::MeterRetired { meter: id });
    }
    Ok(found)
}

/// Stores a meter.
pub fn save_meter(storage: &mut dyn Storage, id: MeterId, meter: &Meter) {
    packed::save(storage, &key(METERS, &[&id.0]), meter);
}

/// Meters, ascending by id.
pub fn meters(
    storage: &dyn Storage,
    start_after: Option<MeterId>,
    limit: usize,
) -> StdResult<Vec<(MeterId, Meter)>> {
    let from = page_start(start_after);
    within(storage, &[METERS], &from, &[0xff; 16], Order::Ascending)
        .take(limit)
        .map(|(key, value)| Ok((id(&key, 1)?, packed::read(&value)?)))
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
    packed::save(storage, &owned_key(owner, meter), &true);
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
    Ok(packed::load(storage, IN_SERVICE)?.unwrap_or(0))
}

/// Stores the number of meters in service.
pub fn save_in_service(storage: &mut dyn Storage, meters: u64) {
    packed::save(storage, IN_SERVICE, &meters);
}

/// Where a meter stands; a new one stands at the beginning.
pub fn position(storage: &dyn Storage, meter: MeterId) -> StdResult<MeterPosition> {
    Ok(packed::load(storage, &key(POSITIONS, &[&meter.0]))?.unwrap_or_default())
}

/// Stores where a meter stands.
pub fn save_position(storage: &mut dyn Storage, id: MeterId, position: &MeterPosition) {
    packed::save(storage, &key(POSITIONS, &[&id.0]), position);
}
