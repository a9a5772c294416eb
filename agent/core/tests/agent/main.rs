//! The agent as a whole: events go in, commands come out.
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

#[path = "../common/mod.rs"]
mod common;

mod belief;
mod belief_year;
mod decisions;
mod deficit;
mod exchange;
mod garbage;
mod liars;
mod orders;
mod policy;
mod promises;
mod restart;
mod settling;
mod statements;
mod surplus;
mod surveying;
mod years;
