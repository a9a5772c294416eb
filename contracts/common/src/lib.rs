//! What the three contracts share: binary records in storage, their keys, coins, migration, who may do what.
#![deny(clippy::float_arithmetic)]

pub mod coins;
pub mod holder;
pub mod keys;
pub mod migration;
pub mod page;
pub mod permission;
pub mod records;

pub use holder::Holder;
