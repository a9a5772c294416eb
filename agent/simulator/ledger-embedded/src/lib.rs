//! The ledger in process: the real contract code, blocks on a virtual clock.

mod chain;
mod contract;
mod machine;
mod operate;
mod port;
mod query;
mod signatures;
mod store;
#[cfg(test)]
mod tests;
mod transact;

pub use chain::{ChainSetup, Contracts, EmbeddedLedger, DENOM};
pub use operate::{MeterAccount, NewMeter};
pub use port::{EmbeddedChain, EmbeddedPort};
pub use signatures::Signatures;
pub use transact::{Executed, OrderStep, Sender, Sent};
