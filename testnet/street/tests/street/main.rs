//! Agents as processes on a local chain of real nodes: the built command, real peers, real contracts.
//!
//! They need wasmd (`testnet/build`, or `WATTPOOL_WASMD`) and the contracts (`scripts/build-contracts`, or
//! `WATTPOOL_CONTRACTS`). A test that finds none of them fails and says what is missing.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss
)]

mod audit;
mod crash;
mod home;
mod hosts;
mod keys;
mod market;
mod meters;
mod page;
mod profiles;
mod relay;
mod street;

/// Two networks at once would be too much for the machine, and make blocks late.
static ONE_AT_A_TIME: std::sync::Mutex<()> = std::sync::Mutex::new(());
