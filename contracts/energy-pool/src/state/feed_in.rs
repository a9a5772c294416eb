//! Feed-in: late credit, money owed, the reserve.

use cosmwasm_std::{Addr, Order, StdResult, Storage};
use cw_storage_plus::{Bound, Item, Map};
use wattpool_schema::error::MarketError;
use wattpool_schema::token::WindowWh;
use wattpool_schema::{Micro, Wh, Window};

const LATE: Map<(&Addr, u64), Wh> = Map::new("l");
const ACCOUNTS: Map<&Addr, (Micro, Micro, Option<Window>)> = Map::new("f");
const RESERVE: Item<(Micro, Micro, Micro, Micro)> = Item::new("reserve");

/// Feed-in money of an owner.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FeedIn {
    /// Turned into money, not paid yet.
    pub owed: Micro,
    /// Paid so far.
    pub paid: Micro,
    /// Token credit is turned into money up to and including this window.
    pub claimed_through: Option<Window>,
}

/// The feed-in reserve: `reserve = funded - paid`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reserve {
    /// There.
    pub reserve: Micro,
    /// Owed to all owners together.
    pub owed: Micro,
    /// Paid so far.
    pub paid: Micro,
    /// Funded so far.
    pub funded: Micro,
}

/// Adds credit without a token to an owner's window.
pub fn add_late(
    storage: &mut dyn Storage,
    owner: &Addr,
    window: Window,
    wh: Wh,
) -> Result<(), MarketError> {
    let key = (owner, window.0);
    let there = LATE.may_load(storage, key)?.unwrap_or_default();
    Ok(LATE.save(storage, key, &there.try_add(wh)?)?)
}

/// An owner's late credit through a window, ascending.
pub fn late(
    storage: &dyn Storage,
    owner: &Addr,
    through: Window,
    limit: usize,
) -> StdResult<Vec<WindowWh>> {
    let to = Some(Bound::inclusive(through.0));
    LATE.prefix(owner)
        .range(storage, None, to, Order::Ascending)
        .take(limit)
        .map(|entry| {
            entry.map(|(window, wh)| WindowWh {
                window: Window(window),
                wh,
            })
        })
        .collect()
}

/// Takes late credit away: it has become money.
pub fn remove_late(storage: &mut dyn Storage, owner: &Addr, window: Window) {
    LATE.remove(storage, (owner, window.0));
}

/// An owner's feed-in money.
pub fn feed_in(storage: &dyn Storage, owner: &Addr) -> StdResult<FeedIn> {
    let (owed, paid, claimed_through) = ACCOUNTS.may_load(storage, owner)?.unwrap_or_default();
    Ok(FeedIn {
        owed,
        paid,
        claimed_through,
    })
}

/// Stores an owner's feed-in money.
pub fn save_feed_in(storage: &mut dyn Storage, owner: &Addr, f: &FeedIn) -> StdResult<()> {
    ACCOUNTS.save(storage, owner, &(f.owed, f.paid, f.claimed_through))
}

/// The reserve; empty before it is first funded.
pub fn reserve(storage: &dyn Storage) -> StdResult<Reserve> {
    let (reserve, owed, paid, funded) = RESERVE.may_load(storage)?.unwrap_or_default();
    Ok(Reserve {
        reserve,
        owed,
        paid,
        funded,
    })
}

/// Stores the reserve.
pub fn save_reserve(storage: &mut dyn Storage, r: &Reserve) -> StdResult<()> {
    RESERVE.save(storage, &(r.reserve, r.owed, r.paid, r.funded))
}
