//! The ledger on a Cosmos chain: signing, sending, confirming, following.
//!
//! From below: [`rpc`] talks to CometBFT nodes, fails over between them and asks the chain's modules; [`message`] and
//! [`tx`] make transactions; a [`Client`] is one chain, an [`Account`] one key on it. On top of these the [`Queue`]
//! joins, sends and answers an agent's transactions, the [`Follower`] reads blocks, and [`WasmdLedger`] is
//! the agent's port. What money depends on a [`proof::Prover`] reads from headers and storage that no node can forge.

pub mod account;
pub mod client;
mod confirm;
pub mod error;
pub mod events;
mod fate;
pub mod fee_grant;
mod feed_in;
pub mod follow;
mod gas;
pub mod invitation;
pub mod key;
mod ledger;
pub mod market;
pub mod message;
pub mod modules;
mod pace;
pub mod proof;
mod proven;
mod query;
pub mod queue;
pub mod rpc;
pub mod tx;

pub use account::{call, ended_well, Account, Fate, Gas, Pending};
pub use client::{ChainSettings, Client};
pub use cosmrs::{proto, Any};
pub use error::ChainError;
pub use feed_in::Claimed;
pub use follow::Follower;
pub use invitation::{Invitation, InvitationError};
pub use key::Key;
pub use ledger::WasmdLedger;
pub use market::{Deployed, Market};
pub use query::{AccountState, Simulated};
pub use queue::Queue;
