//! The escrow's messages against the real pool and token: one file per message, refusals matched exactly.

mod cancel_order;
mod close_order;
mod common;
mod deliver;
mod deposit;
mod instantiate;
mod open_order;
mod permissions;
mod queries;
mod reservation;
mod set_limits;
mod settle;
mod settle_batch;
mod withdraw;
mod withdraw_charges;
