//! Meters: the registration, which rarely changes, apart from the position, which changes with every statement.

use cosmwasm_std::{Addr, Order, StdError, StdResult, Storage};
use cw_storage_plus::{Bound, Item, Map};
use wattpool_schema::error::MarketError;
use wattpool_schema::packed::{self, packed};
use wattpool_schema::pool::{MeterKind, MeterPosition};
use wattpool_schema::{AgentKey, DeviceKey, MeterId, Wh, Window, Zone};

/// First byte of the keys of meters; the id follows.
const METERS: u8 = b'm';
/// First byte of the keys of positions; the meter's id follows.
const POSITIONS: u8 = b'p';
const OWNED: Map<(&Addr, [u8; 16]), ()> = Map::new("o");
const IN_SERVICE: Item<u64> = Item::new("in_service");

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

fn key(kind: u8, meter: MeterId) -> [u8; 17] {
    let mut key = [kind; 17];
    for (slot, byte) in key.iter_mut().skip(1).zip(meter.0) {
        *slot = byte;
    }
    key
}

/// A meter, if it is registered.
pub fn may_meter(storage: &dyn Storage, meter: MeterId) -> StdResult<Option<Meter>> {
    packed::load(storage, &key(METERS, meter))
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
    packed::save(storage, &key(METERS, id), meter);
}

/// Meters, ascending by id.
pub fn meters(
    storage: &dyn Storage,
    start_after: Option<MeterId>,
    limit: usize,
) -> StdResult<Vec<(MeterId, Meter)>> {
    // The first key after the given one is that with a zero byte behind it.
    let mut start = vec![METERS];
    if let Some(after) = start_after {
        start.extend_from_slice(&after.0);
        start.push(0);
    }
    let end = [METERS.saturating_add(1)];
    storage
        .range(Some(&start), Some(&end), Order::Ascending)
        .take(limit)
        .map(|(key, value)| {
            let id = key.get(1..).and_then(MeterId::from_slice);
            let id = id.ok_or_else(|| StdError::parse_err("MeterId", "not a meter's key"))?;
            Ok((id, packed::read(&value)?))
        })
        .collect()
}

/// Enters a meter into its owner's list.
pub fn add_owned(storage: &mut dyn Storage, owner: &Addr, meter: MeterId) -> StdResult<()> {
    OWNED.save(storage, (owner, meter.0), &())
}

/// Takes a meter out of an owner's list.
pub fn remove_owned(storage: &mut dyn Storage, owner: &Addr, meter: MeterId) {
    OWNED.remove(storage, (owner, meter.0));
}

/// An owner's meters, ascending by id.
pub fn owned(
    storage: &dyn Storage,
    owner: &Addr,
    start_after: Option<MeterId>,
    limit: usize,
) -> StdResult<Vec<MeterId>> {
    let after = start_after.map(|m| Bound::exclusive(m.0));
    OWNED
        .prefix(owner)
        .keys(storage, after, None, Order::Ascending)
        .take(limit)
        .map(|id| id.map(MeterId))
        .collect()
}

/// Number of meters in service.
pub fn in_service(storage: &dyn Storage) -> StdResult<u64> {
    Ok(IN_SERVICE.may_load(storage)?.unwrap_or(0))
}

/// Stores the number of meters in service.
pub fn save_in_service(storage: &mut dyn Storage, meters: u64) -> StdResult<()> {
    IN_SERVICE.save(storage, &meters)
}

/// Where a meter stands; a new one stands at the beginning.
pub fn position(storage: &dyn Storage, meter: MeterId) -> StdResult<MeterPosition> {
    Ok(packed::load(storage, &key(POSITIONS, meter))?.unwrap_or_default())
}

/// Stores where a meter stands.
pub fn save_position(storage: &mut dyn Storage, id: MeterId, position: &MeterPosition) {
    packed::save(storage, &key(POSITIONS, id), position);
}
