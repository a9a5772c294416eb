//! The commands, one file each.

#[cfg(feature = "tools")]
pub mod admin;
#[cfg(feature = "agent")]
pub mod agent;
#[cfg(any(feature = "agent", feature = "simulator"))]
pub mod bench;
#[cfg(feature = "simulator")]
pub mod choose;
#[cfg(feature = "simulator")]
pub mod memory;
#[cfg(feature = "tools")]
mod on_chain;
#[cfg(feature = "tools")]
pub mod owner;
#[cfg(feature = "simulator")]
pub mod simulate;
