//! What the token stores. Nothing outside this file knows a storage key.
//!
//! Records are tuples: on a chain every byte written costs.

use cosmwasm_std::{Addr, Order, StdResult, Storage, Uint128};
use cw20::{EmbeddedLogo, Expiration, MarketingInfoResponse};
use cw_storage_plus::{Bound, Item, Map};
use wattpool_schema::error::MarketError;
use wattpool_schema::token::{TokenWindow, WindowWh};
use wattpool_schema::{Seconds, Wh, Window};

/// Deployer, pool, escrow, window length, block time at instantiation.
type StoredConfig = (Addr, Option<Addr>, Option<Addr>, u32, Seconds);

const CONFIG: Item<StoredConfig> = Item::new("config");
const LABEL: Item<(String, String)> = Item::new("label");
const MARKETING: Item<MarketingInfoResponse> = Item::new("marketing");
const LOGO: Item<EmbeddedLogo> = Item::new("logo");
const ACCOUNTS: Map<&Addr, (Window, Wh, Wh)> = Map::new("a");
const CREDITS: Map<(&Addr, u64), Wh> = Map::new("c");
const WINDOWS: Map<u64, (Wh, Wh, Wh, Wh)> = Map::new("w");
const ALLOWANCES: Map<(&Addr, &Addr), (Uint128, Expiration)> = Map::new("l");
const SPENDERS: Map<(&Addr, &Addr), ()> = Map::new("s");

/// The token's configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Who may wire it.
    pub deployer: Addr,
    /// The energy pool, once wired.
    pub pool: Option<Addr>,
    /// The trade escrow, once wired.
    pub escrow: Option<Addr>,
    /// Window length.
    pub window_seconds: u32,
    /// Block time at instantiation.
    pub since: Seconds,
}

impl Config {
    /// The energy pool.
    pub fn pool(&self) -> Result<&Addr, MarketError> {
        self.pool.as_ref().ok_or(MarketError::NotWired)
    }
    /// The trade escrow.
    pub fn escrow(&self) -> Result<&Addr, MarketError> {
        self.escrow.as_ref().ok_or(MarketError::NotWired)
    }
    /// The live metered window at a block time.
    pub fn live(&self, block: &cosmwasm_std::BlockInfo) -> Window {
        Window::at(Seconds(block.time.seconds()), self.window_seconds).prev()
    }
}

/// An account's tokens of one window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account {
    /// The window they belong to.
    pub window: Window,
    /// Minted to it and not moved.
    pub own: Wh,
    /// Received from others.
    pub received: Wh,
}

impl Account {
    /// An account without tokens.
    pub const fn empty(window: Window) -> Self {
        Self {
            window,
            own: Wh::ZERO,
            received: Wh::ZERO,
        }
    }
    /// Both parts together.
    pub fn total(&self) -> Result<Wh, MarketError> {
        self.own.try_add(self.received)
    }
}

/// Loads the configuration.
pub fn config(storage: &dyn Storage) -> StdResult<Config> {
    let (deployer, pool, escrow, window_seconds, since) = CONFIG.load(storage)?;
    Ok(Config {
        deployer,
        pool,
        escrow,
        window_seconds,
        since,
    })
}

/// Stores the configuration.
pub fn save_config(storage: &mut dyn Storage, c: Config) -> StdResult<()> {
    let stored = (c.deployer, c.pool, c.escrow, c.window_seconds, c.since);
    CONFIG.save(storage, &stored)
}

/// Name and symbol.
pub fn label(storage: &dyn Storage) -> StdResult<(String, String)> {
    LABEL.load(storage)
}

/// Stores name and symbol.
pub fn save_label(storage: &mut dyn Storage, name: &str, symbol: &str) -> StdResult<()> {
    LABEL.save(storage, &(name.to_owned(), symbol.to_owned()))
}

/// Marketing information, if there is any.
pub fn marketing(storage: &dyn Storage) -> StdResult<Option<MarketingInfoResponse>> {
    MARKETING.may_load(storage)
}

/// Stores the marketing information.
pub fn save_marketing(storage: &mut dyn Storage, info: &MarketingInfoResponse) -> StdResult<()> {
    MARKETING.save(storage, info)
}

/// The embedded logo, if there is one.
pub fn logo(storage: &dyn Storage) -> StdResult<Option<EmbeddedLogo>> {
    LOGO.may_load(storage)
}

/// Stores the embedded logo, or takes it away.
pub fn save_logo(storage: &mut dyn Storage, logo: Option<&EmbeddedLogo>) -> StdResult<()> {
    match logo {
        Some(logo) => LOGO.save(storage, logo),
        None => {
            LOGO.remove(storage);
            Ok(())
        }
    }
}

/// An account as it was last written.
pub fn account(storage: &dyn Storage, address: &Addr) -> StdResult<Option<Account>> {
    Ok(ACCOUNTS
        .may_load(storage, address)?
        .map(|(window, own, received)| Account {
            window,
            own,
            received,
        }))
}

/// Stores an account.
pub fn save_account(storage: &mut dyn Storage, address: &Addr, a: &Account) -> StdResult<()> {
    ACCOUNTS.save(storage, address, &(a.window, a.own, a.received))
}

/// Addresses of accounts, ascending.
pub fn accounts(
    storage: &dyn Storage,
    start_after: Option<&Addr>,
    limit: usize,
) -> StdResult<Vec<Addr>> {
    let after = start_after.map(Bound::exclusive);
    ACCOUNTS
        .keys(storage, after, None, Order::Ascending)
        .take(limit)
        .collect()
}

/// Stores the credit of an account for a window. Each pair is written once.
pub fn save_credit(
    storage: &mut dyn Storage,
    address: &Addr,
    window: Window,
    wh: Wh,
) -> StdResult<()> {
    CREDITS.save(storage, (address, window.0), &wh)
}

/// Credits of an account in `(after, through]`, ascending.
pub fn credits(
    storage: &dyn Storage,
    address: &Addr,
    after: Option<Window>,
    through: Window,
    limit: usize,
) -> StdResult<Vec<WindowWh>> {
    CREDITS
        .prefix(address)
        .range(
            storage,
            after.map(|w| Bound::exclusive(w.0)),
            Some(Bound::inclusive(through.0)),
            Order::Ascending,
        )
        .take(limit)
        .map(|entry| {
            entry.map(|(window, wh)| WindowWh {
                window: Window(window),
                wh,
            })
        })
        .collect()
}

/// A window's books; empty ones when nothing happened in it.
pub fn books(storage: &dyn Storage, window: Window) -> StdResult<TokenWindow> {
    let (minted, redeemed, lost, credited) =
        WINDOWS.may_load(storage, window.0)?.unwrap_or_default();
    Ok(TokenWindow {
        minted,
        redeemed,
        lost,
        credited,
    })
}

/// Stores a window's books.
pub fn save_books(storage: &mut dyn Storage, window: Window, b: &TokenWindow) -> StdResult<()> {
    WINDOWS.save(
        storage,
        window.0,
        &(b.minted, b.redeemed, b.lost, b.credited),
    )
}

/// What `spender` may move of `owner`'s tokens.
pub fn allowance(
    storage: &dyn Storage,
    owner: &Addr,
    spender: &Addr,
) -> StdResult<Option<(Uint128, Expiration)>> {
    ALLOWANCES.may_load(storage, (owner, spender))
}

/// Stores an allowance, or takes it away.
pub fn save_allowance(
    storage: &mut dyn Storage,
    owner: &Addr,
    spender: &Addr,
    allowance: Option<(Uint128, Expiration)>,
) -> StdResult<()> {
    match allowance {
        Some(allowance) => {
            SPENDERS.save(storage, (spender, owner), &())?;
            ALLOWANCES.save(storage, (owner, spender), &allowance)
        }
        None => {
            SPENDERS.remove(storage, (spender, owner));
            ALLOWANCES.remove(storage, (owner, spender));
            Ok(())
        }
    }
}

/// An owner's allowances by spender, ascending.
pub fn allowances_of(
    storage: &dyn Storage,
    owner: &Addr,
    start_after: Option<&Addr>,
    limit: usize,
) -> StdResult<Vec<(Addr, (Uint128, Expiration))>> {
    ALLOWANCES
        .prefix(owner)
        .range(
            storage,
            start_after.map(Bound::exclusive),
            None,
            Order::Ascending,
        )
        .take(limit)
        .collect()
}

/// Owners who gave a spender an allowance, ascending.
pub fn owners_for(
    storage: &dyn Storage,
    spender: &Addr,
    start_after: Option<&Addr>,
    limit: usize,
) -> StdResult<Vec<Addr>> {
    SPENDERS
        .prefix(spender)
        .keys(
            storage,
            start_after.map(Bound::exclusive),
            None,
            Order::Ascending,
        )
        .take(limit)
        .collect()
}
