//! The simulator's engine: the production agents on a virtual clock, the real contract code in process, and
//! an in-memory network; failures are drawn from the seed. One run is the same to the byte for any number of threads.

mod books;
mod carry;
mod chain;
mod chance;
mod clock;
mod fees;
mod finish;
mod home;
mod invariants;
mod keys;
mod meters;
mod physics;
mod queue;
mod record;
mod registry;
mod setup;
mod world;

pub use wattpool_ledger_embedded::Signatures;
pub use world::{run, run_observed, Progress, RunOptions};
