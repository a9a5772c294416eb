//! One file per message.

pub mod cancel_order;
pub mod close_order;
pub mod deliver;
pub mod deposit;
pub mod open_order;
pub mod set_limits;
pub mod settle;
pub mod settle_batch;
pub mod withdraw;
pub mod withdraw_charges;
