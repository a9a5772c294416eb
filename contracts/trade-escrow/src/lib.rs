//! The trade escrow: money accounts, spot trades, standing orders and the immutable log of closed trades.
//!
//! What a trade needs to know of meters, tokens and terms comes from the energy pool in one query; the
//! energy itself moves in the pool and the token within the same message, or nothing happens at all.

mod accounts;
mod approval;
pub mod contract;
mod execute;
mod limits;
mod log;
mod market;
mod order;
mod query;
mod state;
