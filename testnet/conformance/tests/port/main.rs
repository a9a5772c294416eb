//! The agent's port on both ledgers: one suite, and what a real node can do to it. They run wasmd as `testnet/build`
//! leaves it, or as `WATTPOOL_WASMD` names it, and the contracts of `scripts/build-contracts`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test fails by panicking"
)]

mod deploying;
mod embedded;
mod faults;
mod feed_in;
mod halts;
mod liar;
mod node;
mod proofs;
mod proxy;
mod suite;
