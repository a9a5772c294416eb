//! What the token stores. Nothing outside this file knows a storage key.
//!
//! What every trade touches are binary records under short keys, for on a chain every byte written costs: accounts
//! are known by the bytes behind their addresses, which are half as long as the texts.

use cosmwasm_std::{Addr, Api, Order, StdError, StdResult, Storage, Uint128};
use cw_storage_plus::{Bound, Item, Map};
use wattpool_contract_common::records::{load, must, read, save};
use wattpool_contract_common::Holder;
use wattpool_schema::cw20::{EmbeddedLogo, Expiration, MarketingInfoResponse};
use wattpool_schema::error::MarketError;
use wattpool_schema::packed::packed;
use wattpool_schema::token::{TokenWindow, WindowWh};
use wattpool_schema::{Seconds, Wh, Window};

const CONFIG: &[u8] = b"config";
/// First byte of the keys of accounts; the holder follows.
const ACCOUNTS: u8 = b'a';
/// First byte of the keys of credit for tokens that expired; holder, with its length, and window follow.
const CREDITS: u8 = b'e';
/// First byte of the keys of windows.
const WINDOWS: u8 = b'w';
const LABEL: Item<(String, String)> = Item::new("label");
const MARKETING: Item<MarketingInfoResponse> = Item::new("marketing");
const LOGO: Item<EmbeddedLogo> = Item::new("logo");
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

packed!(Config {
    deployer,
    pool,
    escrow,
    window_seconds,
    since
});

fn account_key(holder: &Holder) -> Vec<u8> {
    [&[ACCOUNTS], holder.as_bytes()].concat()
}

/// With the length, no holder's keys are among another's.
fn credit_prefix(holder: &Holder) -> Vec<u8> {
    let bytes = holder.as_bytes();
    let length = u8::try_from(bytes.len()).unwrap_or(u8::MAX);
    [&[CREDITS, length], bytes].concat()
}

fn credit_key(holder: &Holder, window: Window) -> Vec<u8> {
    [credit_prefix(holder).as_slice(), &window.0.to_be_bytes()].concat()
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

packed!(Account {
    window,
    own,
    received
});

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
    must(storage, CONFIG)
}

/// Stores the configuration.
pub fn save_config(storage: &mut dyn Storage, config: &Config) {
    save(storage, CONFIG, config);
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
pub fn account(storage: &dyn Storage, holder: &Holder) -> StdResult<Option<Account>> {
    load(storage, &account_key(holder))
}

/// Stores an account.
pub fn save_account(storage: &mut dyn Storage, holder: &Holder, account: &Account) {
    save(storage, &account_key(holder), account);
}

/// Addresses of accounts, ascending by the bytes behind them.
pub fn accounts(
    storage: &dyn Storage,
    api: &dyn Api,
    start_after: Option<&Holder>,
    limit: usize,
) -> StdResult<Vec<Addr>> {
    // A zero byte more makes the next possible key.
    let start = start_after.map_or_else(
        || vec![ACCOUNTS],
        |holder| [account_key(holder).as_slice(), &[0]].concat(),
    );
    let end = [ACCOUNTS.saturating_add(1)];
    storage
        .range_keys(Some(&start), Some(&end), Order::Ascending)
        .take(limit)
        .map(|key| Holder::address(api, key.get(1..).unwrap_or_default()))
        .collect()
}

/// Stores the credit of an account for a window. Each pair is written once.
pub fn save_credit(storage: &mut dyn Storage, holder: &Holder, window: Window, wh: Wh) {
    save(storage, &credit_key(holder, window), &wh);
}

/// Credits of an account in `(after, through]`, ascending; `after` is before `through`.
pub fn credits(
    storage: &dyn Storage,
    holder: &Holder,
    after: Option<Window>,
    through: Window,
    limit: usize,
) -> StdResult<Vec<WindowWh>> {
    let start = after.map_or_else(
        || credit_prefix(holder),
        |after| credit_key(holder, after.next()),
    );
    let end = [credit_key(holder, through).as_slice(), &[0]].concat();
    storage
        .range(Some(&start), Some(&end), Order::Ascending)
        .take(limit)
        .map(|(key, wh)| {
            let window = key.last_chunk().copied().map(u64::from_be_bytes);
            Ok(WindowWh {
                window: Window(window.ok_or_else(|| StdError::msg("not a window"))?),
                wh: read(&wh)?,
            })
        })
        .collect()
}

fn window_key(window: Window) -> Vec<u8> {
    [[WINDOWS].as_slice(), &window.0.to_be_bytes()].concat()
}

/// A window's books; empty ones when nothing happened in it.
pub fn books(storage: &dyn Storage, window: Window) -> StdResult<TokenWindow> {
    let stored: Option<(Wh, Wh, Wh, Wh)> = load(storage, &window_key(window))?;
    let (minted, redeemed, lost, credited) = stored.unwrap_or_default();
    Ok(TokenWindow {
        minted,
        redeemed,
        lost,
        credited,
    })
}

/// Stores a window's books.
pub fn save_books(storage: &mut dyn Storage, window: Window, b: &TokenWindow) {
    let stored = (b.minted, b.redeemed, b.lost, b.credited);
    save(storage, &window_key(window), &stored);
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
