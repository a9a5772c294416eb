//! The escrow's messages against the real pool and token: one file per message, refusals matched exactly.

// Test code: a wrong index or sum fails the test.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation
)]

mod attacks;
mod cancel_order;
mod close_order;
mod common;
mod deliver;
mod deposit;
mod instantiate;
mod open_order;
mod permissions;
mod promises;
mod queries;
mod recorded;
mod set_limits;
mod settle;
mod settle_batch;
mod stored;
mod withdraw;
mod withdraw_charges;
