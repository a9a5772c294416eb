//! Settings, roles and payment terms. What every message reads is kept apart from what few do.

use cosmwasm_std::{Addr, BlockInfo, StdResult, Storage};
use wattpool_contract_common::records;
use wattpool_schema::error::MarketError;
use wattpool_schema::packed::packed;
use wattpool_schema::{Seconds, Window};

const SETTINGS: &[u8] = b"settings";
const ROLES: &[u8] = b"roles";
const PAYMENTS: &[u8] = b"payments";

/// What every message reads.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The energy token.
    pub token: Addr,
    /// The trade escrow, once wired.
    pub escrow: Option<Addr>,
    /// Window length.
    pub window_seconds: u32,
    /// Seconds beyond the usual between two blocks from which the chain counts as halted.
    pub halt_seconds: u32,
    /// Longest usual time between two blocks.
    pub block_seconds: u32,
    /// Tokenising and trading stopped.
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
#[derive(Clone, Debug, PartialEq)]
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

/// How feed-in credit is paid, and what else few messages read.
#[derive(Clone, Debug, PartialEq)]
pub struct Payments {
    /// Denomination of all payments.
    pub denom: String,
    /// Days until credit is due unconfirmed.
    pub credit_delay_days: u32,
    /// Confirmed up to and including this window.
    pub confirmed_through: Option<Window>,
    /// How long tokens and cover are held for standing orders, in seconds.
    pub first_part_seconds: u32,
    /// Days of notice to a meter's owner.
    pub notice_days: u32,
}

packed!(Settings {
    token,
    escrow,
    window_seconds,
    halt_seconds,
    block_seconds,
    paused
});

packed!(Roles {
    admin,
    proposed_admin,
    registrar,
    grid_operator,
    regulator
});
packed!(Payments {
    denom,
    credit_delay_days,
    confirmed_through,
    first_part_seconds,
    notice_days
});

/// Loads the settings.
pub fn settings(storage: &dyn Storage) -> StdResult<Settings> {
    records::must(storage, SETTINGS)
}

/// Stores the settings.
pub fn save_settings(storage: &mut dyn Storage, settings: &Settings) {
    records::save(storage, SETTINGS, settings);
}

/// Loads the roles.
pub fn roles(storage: &dyn Storage) -> StdResult<Roles> {
    records::must(storage, ROLES)
}

/// Stores the roles.
pub fn save_roles(storage: &mut dyn Storage, roles: &Roles) {
    records::save(storage, ROLES, roles);
}

/// Loads the payment terms.
pub fn payments(storage: &dyn Storage) -> StdResult<Payments> {
    records::must(storage, PAYMENTS)
}

/// Stores the payment terms.
pub fn save_payments(storage: &mut dyn Storage, payments: &Payments) {
    records::save(storage, PAYMENTS, payments);
}
