//! The page and its interface, as browsers, commands and strangers meet them: the built program, beside a chain that is
//! away.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking"
)]

#[path = "../common/prepared.rs"]
mod prepared;

mod api;
mod broker;
mod commands;
mod home;
mod strangers;
mod webhook;
