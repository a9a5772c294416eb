//! The commands of those who hold keys, run the chain and run a market, against wasmd and its own `keys` and `tx`.
//!
//! They need wasmd (`testnet/build`, or `WATTPOOL_WASMD`); those of a market need the contracts too
//! (`scripts/build-contracts`, or `WATTPOOL_CONTRACTS`).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss
)]

mod each;
#[path = "../street/home.rs"]
#[allow(dead_code)]
mod home;
mod keys;
mod market;
#[path = "../street/profiles.rs"]
#[allow(dead_code)]
mod profiles;
mod tools;
mod validator;

/// Two networks at once would be too much for the machine, and make blocks late.
static ONE_AT_A_TIME: std::sync::Mutex<()> = std::sync::Mutex::new(());
