//! The commands, one file each.

pub mod agent;
pub mod bench;
pub mod choose;
pub mod memory;
pub mod simulate;
