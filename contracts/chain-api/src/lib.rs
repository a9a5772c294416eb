//! What a chain in process gives its contracts: addresses checked as a chain checks them, and signatures
//! checked really or by a checksum. Used by the contracts' tests and by the simulator's ledger.

mod api;
pub mod trusted;

pub use api::{MarketApi, PREFIX};
