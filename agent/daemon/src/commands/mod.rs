//! The commands, one file each.

pub mod admin;
pub mod bench;
pub mod choose;
pub mod memory;
mod on_chain;
pub mod owner;
pub mod simulate;
