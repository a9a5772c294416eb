//! The token's messages, one file each, on an in-process chain. Pool and escrow are plain accounts here.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

mod allowances;
mod conservation;
mod expiry;
mod instantiate;
mod marketing;
mod migrate;
mod mint_surplus;
mod permissions;
mod queries;
mod receiver;
mod refused;
mod send;
mod send_from;
mod settle;
mod token;
mod transfer;
mod transfer_from;
mod wire;
