//! Runtimes on tokio's paused clock, with a chain and a network in memory that can be made to fail.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss
)]

mod chain;
mod failing;
mod trading;
mod world;
mod years;
