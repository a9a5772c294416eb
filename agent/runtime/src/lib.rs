//! The runtime that drives one [`wattpool_core::Agent`] in the real world.
//!
//! Blocks are followed by their heights without a gap, and everything that depends on their order is done in
//! it: what a block did to this meter is told before a transaction that ended in it, and both before the block
//! itself frees promises. Commands are carried out in their order; a journal entry is durable before what
//! follows it is begun. Of time only the chain's counts; the local clock is used for differences.
//!
//! When chain or meter fail, the gate to the national grid is open, [`Health`] says what is wrong, and the
//! runtime asks again until it is answered.

mod backoff;
mod carry;
mod control;
mod follow;
mod health;
mod publish;
mod registry;
mod runtime;
mod start;
mod status;

pub use backoff::pauses;
pub use control::{Gone, Handle};
pub use health::{Health, Part, Trouble};
pub use registry::Registry;
pub use runtime::{Ended, Ports, RunError, Runtime, Settings};
pub use status::{Awaiting, Counters, Noticed, Status};
