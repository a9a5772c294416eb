//! Feed-in: late credit, money owed, the reserve.

use cosmwasm_std::{Addr, Order, StdError, StdResult, Storage};
use wattpool_contract_common::keys::{key, of_owner, rest, within};
use wattpool_contract_common::records;
use wattpool_schema::error::MarketError;
use wattpool_schema::packed::packed;
use wattpool_schema::token::WindowWh;
use wattpool_schema::{Micro, Wh, Window};

/// Late credit by owner and window.
const LATE: u8 = b'l';
/// Money by owner.
const ACCOUNTS: u8 = b'f';
const RESERVE: &[u8] = b"reserve";

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

packed!(FeedIn {
    owed,
    paid,
    claimed_through
});
packed!(Reserve {
    reserve,
    owed,
    paid,
    funded
});

fn late_key(owner: &Addr, window: Window) -> Vec<u8> {
    let mut key = of_owner(LATE, owner);
    key.extend_from_slice(&window.0.to_be_bytes());
    key
}

/// Adds credit without a token to an owner's window.
pub fn add_late(
    storage: &mut dyn Storage,
    owner: &Addr,
    window: Window,
    wh: Wh,
) -> Result<(), MarketError> {
    let key = late_key(owner, window);
    let there: Wh = records::load(storage, &key)?.unwrap_or_default();
    records::save(storage, &key, &there.try_add(wh)?);
    Ok(())
}

/// An owner's late credit through a window, ascending.
pub fn late(
    storage: &dyn Storage,
    owner: &Addr,
    through: Window,
    limit: usize,
) -> StdResult<Vec<WindowWh>> {
    let prefix = of_owner(LATE, owner);
    let to = through.0.to_be_bytes();
    within(storage, &prefix, &[], &to, Order::Ascending)
        .take(limit)
        .map(|(key, wh)| {
            let window = rest(&key, prefix.len()).map(u64::from_be_bytes);
            let window = window.ok_or_else(|| StdError::generic_err("not a window"))?;
            Ok(WindowWh {
                window: Window(window),
                wh: records::read(&wh)?,
            })
        })
        .collect()
}

/// Takes late credit away: it has become money.
pub fn remove_late(storage: &mut dyn Storage, owner: &Addr, window: Window) {
    storage.remove(&late_key(owner, window));
}

/// An owner's feed-in money.
pub fn feed_in(storage: &dyn Storage, owner: &Addr) -> StdResult<FeedIn> {
    Ok(records::load(storage, &key(ACCOUNTS, &[owner.as_bytes()]))?.unwrap_or_default())
}

/// Stores an owner's feed-in money.
pub fn save_feed_in(storage: &mut dyn Storage, owner: &Addr, account: &FeedIn) {
    records::save(storage, &key(ACCOUNTS, &[owner.as_bytes()]), account);
}

/// The reserve; empty before it is first funded.
pub fn reserve(storage: &dyn Storage) -> StdResult<Reserve> {
    Ok(records::load(storage, RESERVE)?.unwrap_or_default())
}

/// Stores the reserve.
pub fn save_reserve(storage: &mut dyn Storage, reserve: &Reserve) {
    records::save(storage, RESERVE, reserve);
}
