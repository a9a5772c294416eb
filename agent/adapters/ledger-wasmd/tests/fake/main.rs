//! The client against nodes that are played: dead, hanging, foreign, lying, forgetful.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test fails by panicking"
)]

mod account;
mod following;
mod hostile;
mod node;
mod rpc;
mod tls;
