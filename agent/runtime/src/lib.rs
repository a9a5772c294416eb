//! The runtime that drives one [`wattpool_core::Agent`] in the real world.
//!
//! It is a shell: it brings what chain, meter, network and owner say as [`wattpool_host::Input`]s and carries out the
//! [`wattpool_host::Effect`]s of the host in their order; a journal entry is durable before what follows it is begun.
//! What decides about the agent's life stands in the host, which the simulator drives too.
//!
//! When chain or meter fail, the gate to the national grid is open, [`Health`] says what is wrong, and the
//! runtime asks again until it is answered.

mod backoff;
mod control;
mod effects;
mod fees;
mod follow;
mod health;
mod publish;
mod registry;
mod runtime;
mod start;
mod status;
mod time;

pub use backoff::pauses;
pub use control::{Gone, Handle};
pub use fees::Fees;
pub use health::{Health, Part, Trouble};
pub use registry::Registry;
pub use runtime::{Ended, Observer, Ports, RunError, Runtime, Settings};
pub use status::Status;
pub use wattpool_host::{Awaiting, Counters, Noticed};
