//! The energy token: a cw20 whose base unit is 1 Wh of metered surplus.
//!
//! A balance belongs to the *live* metered window (block time's window - 1). Once the window is over, what
//! an account still holds is its holder's feed-in credit; it is found when the account is next touched or
//! asked for, never by a sweep. A balance has two parts: *own* (minted to the account) and *received*.
//! Transfers spend received tokens first and arrive as received, even on return; only own tokens can be
//! settled. The energy pool mints, the trade escrow settles, nobody burns.
#![deny(clippy::float_arithmetic)]

pub mod contract;
mod execute;
mod ledger;
mod permission;
mod query;
mod state;

/// Name under which the contract's version is stored (cw2).
pub const CONTRACT_NAME: &str = "wattpool:energy-token";
/// Version of the contract's code.
pub const CONTRACT_VERSION: &str = env!("CARGO_PKG_VERSION");
/// Longest window, in seconds: a day.
pub const MAX_WINDOW_SECONDS: u32 = 86_400;
