//! The energy pool: the intermediary between meters and market (SRS §3.2.6).
//!
//! It registers meters, takes what their devices sign (statements of export, covers of import), lets the
//! token mint the surplus of the live window, redeems trades for the escrow, keeps tariffs and the terms
//! between zones as a history by window, and pays feed-in credit from the grid operator's reserve.
//!
//! Time is block time in windows: `n` is the running window, `n - 1` the *live* metered one. A meter may
//! state windows from the one of its registration on; sequences start at 1.
#![deny(clippy::float_arithmetic)]

mod books;
pub mod contract;
mod execute;
mod permission;
mod position;
mod query;
mod state;

/// Name under which the contract's version is stored (cw2).
pub const CONTRACT_NAME: &str = "wattpool:energy-pool";
/// Version of the contract's code.
pub const CONTRACT_VERSION: &str = env!("CARGO_PKG_VERSION");
/// Longest window, in seconds: a day.
pub const MAX_WINDOW_SECONDS: u32 = 86_400;
/// Longest wait for unconfirmed feed-in credit, in days.
pub const MAX_CREDIT_DAYS: u32 = 90;
/// Longest notice to a meter's owner, in days.
pub const MAX_NOTICE_DAYS: u32 = 90;
/// Largest export or import per window a meter can be registered for (1 GWh): keeps all sums far from overflow.
pub const MAX_METER_WH: u64 = 1_000_000_000;
/// Largest tariff (either sign) and network charge, micro-units per kWh: keeps all sums far from overflow.
pub const MAX_RATE: u64 = 1_000_000_000;
/// Ranges of skipped windows kept per meter; the oldest gives way.
pub const MAX_SKIPPED: usize = 8;
/// Statements older than this many days earn nothing.
pub const STATEMENT_DAYS: u64 = 30;
