//! The host of one agent: everything that stands between the agent and its world, without I/O.
//!
//! A shell brings [`Input`]s and carries out [`Effect`]s in their order; `wattpool-runtime` does it on tokio and the
//! real world, the simulator in virtual time. What decides about the agent's life is decided here, once for both:
//!
//! - the order in which a block is heard: what it did to this meter, then the agent's own transactions that ended in
//!   it, then the block itself, which frees promises;
//! - that everything may be heard twice, and changes nothing the second time;
//! - timers; the order of a restart; that every question of another meter is answered or let go;
//! - the registry of meters, sellers' records and lines ([`Meters`]), which hosts of one world share;
//! - what the owner sees ([`Counters`], [`Awaiting`]).
//!
//! Faults belong into the shells.

mod host;
mod io;
mod meters;
mod news;
mod status;

pub use host::{Host, Options, Tools, TICK_MS};
pub use io::{Effect, Input, Owner, Start};
pub use meters::Meters;
pub use news::{concerns, Concerned};
pub use status::{Awaiting, Counters, Facts, Noticed};
