//! The wallet against published vectors, other wallets' results, and what happens to files.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test fails by panicking"
)]

mod documents;
mod store;
mod vectors;
