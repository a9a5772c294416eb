//! One suite for the agent's port to a ledger: the same script, line by line the same answers.
//!
//! [`script::play`] asks everything an agent asks and does everything an agent does, on any `Ledger`, checks
//! what must hold on each, and writes down every answer, refusal and event with what differs between runs taken out:
//! windows count from the script's first one, and addresses have names. What two ledgers wrote must be equal.

pub mod party;
pub mod script;
mod written;

pub use party::{Party, Place};
pub use script::play;
