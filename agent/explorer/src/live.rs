//! What a node alone can answer.

use schemars::JsonSchema;
use serde::Serialize;
use std::future::Future;
use std::pin::Pin;
use wattpool_schema::escrow::TradeRecord;

/// An answer that is waited for; why not, in one line.
pub type Told<T> = Pin<Box<dyn Future<Output = Result<T, String>> + Send>>;

/// A trade's stored record, proven against a header that the validators signed.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Proof {
    /// Height of the state.
    pub height: u64,
    /// Time of the block after it, whose header proves it, Unix seconds.
    pub time: u64,
    /// The contract that stores it.
    pub contract: String,
    /// What is stored.
    pub record: TradeRecord,
    /// The proof, to be kept and checked again by `wattpool audit trade --proof`.
    pub file: serde_json::Value,
}

/// A validator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Validator {
    /// What it calls itself.
    pub moniker: String,
    /// Its operator's address.
    pub operator: String,
    /// Stake behind it, base units.
    pub tokens: String,
    /// Its commission as a decimal.
    pub commission: String,
    /// It signs blocks.
    pub bonded: bool,
    /// It was jailed for missing blocks or signing two.
    pub jailed: bool,
}

/// A node.
pub trait Live: Send + Sync + 'static {
    /// The stored record of a closed trade by its place in the log, proven.
    fn proof(&self, sequence: u64) -> Told<Proof>;
    /// The chain's validators, those with most stake first.
    fn validators(&self) -> Told<Vec<Validator>>;
}
