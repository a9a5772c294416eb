//! The pool's messages, one file each, on an in-process chain with a real token. The escrow is a plain account here.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

mod accept_owner;
mod admin;
mod claim_feed_in;
mod confirm_feed_in;
mod confirm_hold;
mod conservation;
mod cover;
mod fund_reserve;
mod halt;
mod hold_credit;
mod instantiate;
mod market;
mod migrate;
mod pause;
mod permissions;
mod propose_owner;
mod queries;
mod redeem;
mod register_meter;
mod release_hold;
mod retire_meter;
mod set_agent;
mod set_device;
mod set_role;
mod set_tariffs;
mod set_zone_pair;
mod state;
mod state_batch;
mod state_late;
mod state_skipped;
mod strike_out;
mod update_meter;
mod wire;
