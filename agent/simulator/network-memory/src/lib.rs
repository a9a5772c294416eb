//! The simulator's network between meters: a Kademlia DHT and direct messages in memory, on virtual time.
//!
//! It routes by XOR distance over bucket tables as a real DHT does and counts every message, but does no I/O and
//! keeps no connection: a node is a key, a flag and a short list of known locations. All randomness comes from one
//! seed, so what happens depends only on that seed and the sequence of calls.
//!
//! What is modelled: one-way latency, loss, retries and timeouts, nodes that crash and lose what they stored,
//! replication on the `k` closest nodes, bucket tables of `k` contacts, remembered closest nodes per location.
//! What is not: sockets, identify, bandwidth, and tables that drop dead contacts (a cold look-up runs into them).
#![deny(clippy::float_cmp)]

mod config;
mod contacts;
mod counters;
mod network;
mod outcome;
mod place;
mod replicas;
mod routing;
mod seen;
mod transport;
mod vicinity;
mod walk;

pub use config::{NetworkConfig, NetworkError};
pub use counters::{Counters, Distribution};
pub use network::Network;
pub use outcome::{AnnounceOutcome, LookupOutcome, WithdrawOutcome};

/// A node's position in the list of ids that the network was made from.
pub type NodeIndex = u32;
