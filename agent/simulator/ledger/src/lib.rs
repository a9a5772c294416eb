//! The ledger in process: the real contract code on cw-multi-test, blocks on a virtual clock.

mod api;
mod chain;
mod operate;
mod query;
mod transact;

pub use api::Signatures;
pub use chain::{ChainSetup, Contracts, EmbeddedLedger, DENOM, PREFIX};
pub use operate::{MeterAccount, NewMeter};
pub use transact::{Executed, Sender};
