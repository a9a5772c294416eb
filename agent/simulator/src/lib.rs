//! The simulator: the production agents and their hosts ([`wattpool_host`]) on a virtual clock, the real contract code
//! in process, and an in-memory network; failures are drawn from the seed. One run is the same to the byte for any number of threads.

mod attack;
mod books;
mod chain;
mod chance;
mod clock;
mod execute;
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
pub use world::{
    run, run_keeping, run_observed, run_tapped, Observed, Progress, RunOptions, Tap, TapIdentity,
};
