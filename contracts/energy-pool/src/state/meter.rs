//! Meters: the registration, which rarely changes, apart from the position, which changes with every statement.

use cosmwasm_std::{Addr, Order, StdResult, Storage};
use cw_storage_plus::{Bound, Item, Map};
use wattpool_schema::error::MarketError;
use wattpool_schema::pool::{MeterKind, MeterPosition, SkippedRange};
use wattpool_schema::{AgentKey, Commitment, DeviceKey, MeterId, Wh, Window, Zone};

const METERS: Map<[u8; 16], Registered> = Map::new("m");
const POSITIONS: Map<[u8; 16], Stored> = Map::new("p");
const OWNED: Map<(&Addr, [u8; 16]), ()> = Map::new("o");
const IN_SERVICE: Item<u64> = Item::new("in_service");

/// A meter as stored, in the order of [`Meter`]'s fields.
type Registered = (
    Addr,
    Option<Addr>,
    DeviceKey,
    Option<AgentKey>,
    Option<Addr>,
    Zone,
    MeterKind,
    Wh,
    Wh,
    bool,
    Window,
);

/// A position as stored: statement, skipped ranges, tokens, cover.
type Stored = (
    (Option<Window>, u64, Option<Commitment>),
    Vec<(Window, Window, u64, u64)>,
    (Window, Wh, Wh),
    (Window, Wh, Wh),
);

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

fn unpack(stored: Registered) -> Meter {
    let (
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
        since,
    ) = stored;
    Meter {
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
        since,
    }
}

/// A meter, if it is registered.
pub fn may_meter(storage: &dyn Storage, meter: MeterId) -> StdResult<Option<Meter>> {
    Ok(METERS.may_load(storage, meter.0)?.map(unpack))
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
pub fn save_meter(storage: &mut dyn Storage, id: MeterId, m: &Meter) -> StdResult<()> {
    let m = m.clone();
    let stored = (
        m.owner,
        m.proposed_owner,
        m.device,
        m.agent,
        m.agent_address,
        m.zone,
        m.kind,
        m.max_export,
        m.max_import,
        m.retired,
        m.since,
    );
    METERS.save(storage, id.0, &stored)
}

/// Meters, ascending by id.
pub fn meters(
    storage: &dyn Storage,
    start_after: Option<MeterId>,
    limit: usize,
) -> StdResult<Vec<(MeterId, Meter)>> {
    let after = start_after.map(|m| Bound::exclusive(m.0));
    METERS
        .range(storage, after, None, Order::Ascending)
        .take(limit)
        .map(|entry| entry.map(|(id, stored)| (MeterId(id), unpack(stored))))
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
    let Some((statement, skipped, tokens, cover)) = POSITIONS.may_load(storage, meter.0)? else {
        return Ok(MeterPosition::default());
    };
    let (stated, sequence, commitment) = statement;
    let (minted_window, minted, sold) = tokens;
    let (cover_window, covered, redeemed) = cover;
    let skipped = skipped
        .into_iter()
        .map(|(from, to, above, below)| SkippedRange {
            from,
            to,
            above,
            below,
        })
        .collect();
    Ok(MeterPosition {
        stated,
        sequence,
        commitment,
        skipped,
        minted_window,
        minted,
        sold,
        cover_window,
        covered,
        redeemed,
    })
}

/// Stores where a meter stands.
pub fn save_position(storage: &mut dyn Storage, id: MeterId, p: &MeterPosition) -> StdResult<()> {
    let skipped = p.skipped.iter().map(|r| (r.from, r.to, r.above, r.below));
    let stored = (
        (p.stated, p.sequence, p.commitment),
        skipped.collect(),
        (p.minted_window, p.minted, p.sold),
        (p.cover_window, p.covered, p.redeemed),
    );
    POSITIONS.save(storage, id.0, &stored)
}
