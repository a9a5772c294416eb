//! What the chain proves, whatever the node that is asked says.
//!
//! A block's header holds a hash of the whole state before it, and more than two thirds of the validators sign the header. [`light`] verifies headers from
//! one that the owner trusts; [`store`] verifies that a value is under a key of the state, or that nothing is; [`state`] reads the contracts' terms,
//! limits, meters and positions, and accounts; [`evidence`] keeps both in a file. [`Prover`] fetches all that from nodes that need not be trusted: who gives what does not verify is named
//! and left.

pub mod evidence;
pub mod light;
mod prover;
pub mod state;
pub mod store;
pub mod trade;

pub use evidence::Evidence;
pub use light::{LightClient, SignedBlock, Trust, TrustedBlock};
pub use prover::{Found, ProofCounts, Proven, Prover, REQUESTS_PER_WINDOW};
pub use trade::{ProvenTrade, TradeProof};

pub use cosmrs::tendermint::Time;

use crate::error::ChainError;

/// Why something is not proven.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The last verified block is too old to begin with.
    #[error(
        "block {height}, the last one that is trusted, is {days} days old, and one is trusted for {most}: ask two people whom you trust for the hash of a newer \
         block and name it in the configuration as chain.trusted_height and chain.trusted_hash"
    )]
    Expired {
        /// Its height.
        height: u64,
        /// Its age, days.
        days: u64,
        /// For how long one is trusted, days.
        most: u64,
    },
    /// A block is from the future of the local clock.
    #[error(
        "block {height} is {seconds} s ahead of this device's clock, which is to be set right"
    )]
    Clock {
        /// Its height.
        height: u64,
        /// How far ahead.
        seconds: u64,
    },
    /// The chain has another block at the trusted height.
    #[error("block {height} is {found} there, and the trusted one is {expected}: the addresses file or the configuration is of another chain, or the node lies")]
    Origin {
        /// The trusted height.
        height: u64,
        /// The hash that was found.
        found: String,
        /// The trusted hash.
        expected: String,
    },
    /// Two different blocks of one height, both signed by the validators.
    #[error("the validators have signed two blocks {height}, {one} and {other}: the chain is being attacked, and nothing that costs is signed")]
    Conflict {
        /// Their height.
        height: u64,
        /// One's hash.
        one: String,
        /// The other's hash.
        other: String,
    },
    /// What verifies is old.
    #[error("the newest block that is proven, {height}, is {seconds} s old, and may be {most}")]
    Stale {
        /// Its height.
        height: u64,
        /// Its age.
        seconds: u64,
        /// How old it may be.
        most: u64,
    },
    /// A node gave what does not verify.
    #[error("{node}: {why}")]
    Refuted {
        /// Its address.
        node: String,
        /// What does not.
        why: String,
    },
    /// A contract runs other code than the addresses file says.
    #[error("{contract} runs the code {found}, and the addresses file says {expected}")]
    Code {
        /// Which.
        contract: String,
        /// The proven checksum.
        found: String,
        /// The expected one.
        expected: String,
    },
    /// What is stored cannot be read by this version.
    #[error("what is stored as {0} is of another version")]
    Format(&'static str),
    /// What was asked for is not there, which is proven.
    #[error("there is no {0}, which is proven")]
    Absent(&'static str),
    /// No more may be asked for in this window.
    #[error("the {REQUESTS_PER_WINDOW} requests of this window are used up")]
    Budget,
    /// No node answers.
    #[error(transparent)]
    Chain(#[from] ChainError),
}
