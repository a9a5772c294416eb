//! Feed-in: what accrued by the window it was stated in, late credit, money of owners, the reserve.

use cosmwasm_std::{Addr, Order, StdError, StdResult, Storage};
use wattpool_contract_common::keys::{key, of_owner, rest, within};
use wattpool_contract_common::records;
use wattpool_schema::error::MarketError;
use wattpool_schema::packed::packed;
use wattpool_schema::pool::LateCredit;
use wattpool_schema::{Micro, Wh, Window};

/// Late credit by owner and the window that was live when it was stated.
const LATE: u8 = b'l';
/// Money by owner.
const ACCOUNTS: u8 = b'f';
/// Credit of all owners by the window that was live when it was stated: before it, and of it.
const ACCRUED: u8 = b'a';
const RESERVE: &[u8] = b"reserve";
const ACCRUING: &[u8] = b"accruing";

/// Feed-in money of an owner.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FeedIn {
    /// Paid so far.
    pub paid: Micro,
    /// Credit is turned into money, and paid, up to and including this window.
    pub claimed_through: Option<Window>,
    /// The window after that, if it is turned into money and not covered yet.
    pub open: Option<OpenCredit>,
}

/// Credit of a window that the reserve does not cover yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenCredit {
    /// The window that was live when it was stated.
    pub window: Window,
    /// All of it.
    pub amount: Micro,
    /// Of it paid.
    pub paid: Micro,
}

/// The feed-in reserve: it holds `funded - paid`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reserve {
    /// Funded so far, less what the operator took back.
    pub funded: Micro,
    /// Paid so far.
    pub paid: Micro,
}

/// What has accrued.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Accruing {
    /// In windows before the live one.
    pub closed: Micro,
    /// Stated late while the live one is live.
    pub late: Micro,
}

packed!(FeedIn {
    paid,
    claimed_through,
    open
});
packed!(OpenCredit {
    window,
    amount,
    paid
});
packed!(Reserve { funded, paid });
packed!(Accruing { closed, late });

/// What has accrued.
pub fn accruing(storage: &dyn Storage) -> StdResult<Accruing> {
    Ok(records::load(storage, ACCRUING)?.unwrap_or_default())
}

/// Stores what has accrued.
pub fn save_accruing(storage: &mut dyn Storage, accruing: &Accruing) {
    records::save(storage, ACCRUING, accruing);
}

/// Credit of all owners that was stated while a window was live: of the windows before it, and of it. Nothing accrued in windows without an entry.
pub fn accrued(storage: &dyn Storage, window: Window) -> StdResult<(Micro, Micro)> {
    let stored = records::load(storage, &key(ACCRUED, &[&window.0.to_be_bytes()]))?;
    Ok(stored.unwrap_or_default())
}

/// Stores what accrued in a window that is closed.
pub fn save_accrued(storage: &mut dyn Storage, window: Window, before: Micro, of: Micro) {
    let key = key(ACCRUED, &[&window.0.to_be_bytes()]);
    records::save(storage, &key, &(before, of));
}

fn late_key(owner: &Addr, window: Window) -> Vec<u8> {
    let mut key = of_owner(LATE, owner);
    key.extend_from_slice(&window.0.to_be_bytes());
    key
}

/// Adds credit without a token to an owner's window.
pub fn add_late(
    storage: &mut dyn Storage,
    owner: &Addr,
    live: Window,
    wh: Wh,
    amount: Micro,
) -> Result<(), MarketError> {
    let key = late_key(owner, live);
    let (energy, money): (Wh, Micro) = records::load(storage, &key)?.unwrap_or_default();
    let sum = (energy.try_add(wh)?, money.try_add(amount)?);
    records::save(storage, &key, &sum);
    Ok(())
}

/// An owner's late credit of windows after one and through another, ascending.
pub fn late(
    storage: &dyn Storage,
    owner: &Addr,
    after: Option<Window>,
    through: Window,
    limit: usize,
) -> StdResult<Vec<LateCredit>> {
    let prefix = of_owner(LATE, owner);
    let from = after.map_or_else(Vec::new, |w| w.next().0.to_be_bytes().to_vec());
    let to = through.0.to_be_bytes();
    if after.is_some_and(|after| after >= through) {
        return Ok(Vec::new());
    }
    within(storage, &prefix, &from, &to, Order::Ascending)
        .take(limit)
        .map(|(key, stored)| {
            let window = rest(&key, prefix.len()).map(u64::from_be_bytes);
            let window = window.ok_or_else(|| StdError::msg("not a window"))?;
            let (wh, amount) = records::read(&stored)?;
            Ok(LateCredit {
                window: Window(window),
                wh,
                amount,
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
