//! Settings, roles and payment terms. What every message reads is kept apart from what few do.

use cosmwasm_std::{Addr, BlockInfo, StdResult, Storage};
use cw_storage_plus::Item;
use serde::{Deserialize, Serialize};
use wattpool_schema::error::MarketError;
use wattpool_schema::{Seconds, Window};

const SETTINGS: Item<Settings> = Item::new("settings");
const ROLES: Item<Roles> = Item::new("roles");
const PAYMENTS: Item<Payments> = Item::new("payments");

/// What every message reads.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// The energy token.
    #[serde(rename = "t")]
    pub token: Addr,
    /// The trade escrow, once wired.
    #[serde(rename = "e")]
    pub escrow: Option<Addr>,
    /// Window length.
    #[serde(rename = "w")]
    pub window_seconds: u32,
    /// Average block interval from which the chain counts as halted.
    #[serde(rename = "h")]
    pub halt_seconds: u32,
    /// Tokenising and trading stopped.
    #[serde(rename = "p")]
    pub paused: bool,
}

impl Settings {
    /// The running window `n`.
    pub fn now(&self, block: &BlockInfo) -> Window {
        Window::at(Seconds(block.time.seconds()), self.window_seconds)
    }
    /// The live metered window `n - 1`.
    pub fn live(&self, block: &BlockInfo) -> Window {
        self.now(block).prev()
    }
    /// The trade escrow.
    pub fn escrow(&self) -> Result<&Addr, MarketError> {
        self.escrow.as_ref().ok_or(MarketError::NotWired)
    }
}

/// Who may do what.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Roles {
    /// Administrator.
    pub admin: Addr,
    /// Proposed successor.
    pub proposed_admin: Option<Addr>,
    /// Registrar.
    pub registrar: Addr,
    /// Grid operator.
    pub grid_operator: Addr,
    /// Regulator.
    pub regulator: Addr,
}

/// How feed-in credit is paid.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Payments {
    /// Denomination of all payments.
    pub denom: String,
    /// Days until credit is due unconfirmed.
    pub credit_delay_days: u32,
    /// Confirmed up to and including this window.
    pub confirmed_through: Option<Window>,
}

/// Loads the settings.
pub fn settings(storage: &dyn Storage) -> StdResult<Settings> {
    SETTINGS.load(storage)
}

/// Stores the settings.
pub fn save_settings(storage: &mut dyn Storage, settings: &Settings) -> StdResult<()> {
    SETTINGS.save(storage, settings)
}

/// Loads the roles.
pub fn roles(storage: &dyn Storage) -> StdResult<Roles> {
    ROLES.load(storage)
}

/// Stores the roles.
pub fn save_roles(storage: &mut dyn Storage, roles: &Roles) -> StdResult<()> {
    ROLES.save(storage, roles)
}

/// Loads the payment terms.
pub fn payments(storage: &dyn Storage) -> StdResult<Payments> {
    PAYMENTS.load(storage)
}

/// Stores the payment terms.
pub fn save_payments(storage: &mut dyn Storage, payments: &Payments) -> StdResult<()> {
    PAYMENTS.save(storage, payments)
}
