//! The ledger on a Cosmos chain: signing, sending, confirming, following.
//!
//! From below: [`rpc`] talks to CometBFT nodes and fails over between them; [`query`](rpc::Rpc) asks the chain's
//! modules; [`message`] and [`tx`] make transactions; a [`Client`] is one chain, an [`Account`] one key on it.

pub mod account;
pub mod client;
pub mod error;
pub mod key;
pub mod message;
mod query;
pub mod rpc;
pub mod tx;

pub use account::{Account, Fate, Gas, Pending};
pub use client::{ChainSettings, Client};
pub use cosmrs::{proto, Any};
pub use error::ChainError;
pub use key::Key;
pub use query::{AccountState, Simulated};
