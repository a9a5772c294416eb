//! What tests of the contracts stand on: the three contracts wired together on an in-process chain, homes
//! with keys and money, signers, time, and the market's invariants as code.
//!
//! This crate supports tests: a set-up that fails panics, and says where.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation
)]

pub mod chance;
pub mod home;
pub mod invariants;
pub mod keys;
pub mod market;
pub mod setup;
pub mod signing;
pub mod watch;

pub use chance::Chance;
pub use home::Home;
pub use market::{code_of, events_of, Market};
pub use setup::Setup;
pub use wattpool_chain_api::{trusted, MarketApi};
