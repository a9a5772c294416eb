//! The wallet in trouble: nodes that are played, keystores that are damaged, programs that are killed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test fails by panicking"
)]

mod backup;
mod faults;
mod home;
mod invited;
mod keystore;
mod kills;
mod twice;
// The same played node as the chain's adapter is tried against.
#[allow(dead_code)]
#[path = "../../../adapters/ledger-wasmd/tests/fake/node.rs"]
mod node;
