//! What was done on a ledger and what it answered; kept as JSON where a comparison fails, so that it can be
//! replayed without a node.

use cosmwasm_std::{Binary, Coin};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The contracts of a market.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Energy token.
    Token,
    /// Energy pool.
    Pool,
    /// Trade escrow.
    Escrow,
}

/// A message of a transaction.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    /// A contract comes into being.
    Instantiate {
        /// Which.
        part: Part,
        /// Its message.
        msg: Binary,
        /// The address that the chain gave it.
        address: String,
    },
    /// A contract is called.
    Execute {
        /// Its address.
        contract: String,
        /// The message.
        msg: Binary,
        /// Coins sent with it.
        funds: Vec<Coin>,
    },
}

/// Type and attributes of an event.
pub type PlainEvent = (String, Vec<(String, String)>);

/// What a transaction led to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// It was done.
    Done {
        /// The contracts' events in order, with all their attributes.
        events: Vec<PlainEvent>,
        /// Data of each call, in order.
        data: Vec<Option<Binary>>,
    },
    /// It was refused: the market's code, or none where the chain itself refused.
    Refused {
        /// The code.
        code: Option<String>,
        /// The words (not compared: chains wrap them differently).
        words: String,
    },
}

/// A transaction in its place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Height of its block.
    pub height: u64,
    /// Its block's time, nanoseconds since the Unix epoch.
    pub time_ns: u64,
    /// Its place among the block's transactions.
    pub index: u32,
    /// Who signed it.
    pub sender: String,
    /// What was paid for it, whatever came of it.
    pub fee: Vec<Coin>,
    /// Its messages, in order; all or none take effect.
    pub acts: Vec<Act>,
    /// What was being tried, for people.
    pub doing: String,
    /// What came of it.
    pub answer: Answer,
}

/// A whole record.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Chain id.
    pub chain_id: String,
    /// Coins of everybody before the first step.
    pub begin: BTreeMap<String, Vec<Coin>>,
    /// All transactions.
    pub steps: Vec<Step>,
    /// Coins of everybody, the contracts included, after the last step.
    pub end: BTreeMap<String, Vec<Coin>>,
    /// Each contract's whole state at the end: key and value.
    pub state: BTreeMap<String, Vec<(Binary, Binary)>>,
}

impl Record {
    /// In the order of the chain.
    pub fn sort(&mut self) {
        self.steps.sort_by_key(|s| (s.height, s.index));
    }

    /// Joins courses that ran side by side on one chain.
    pub fn join(records: impl IntoIterator<Item = Self>) -> Self {
        let mut all = Self::default();
        for record in records {
            all.chain_id = record.chain_id;
            all.begin.extend(record.begin);
            all.steps.extend(record.steps);
            all.end.extend(record.end);
            all.state.extend(record.state);
        }
        all.sort();
        all
    }
}

/// The contracts' own events, without what only chains add, the attributes of each by name: wasmd sorts those of
/// contracts that are called by contracts (stably, as here), so that their order tells nothing.
pub fn contract_events<'a>(
    events: impl IntoIterator<Item = (&'a str, Vec<(String, String)>)>,
) -> Vec<PlainEvent> {
    events
        .into_iter()
        .filter(|(kind, _)| *kind == "wasm" || kind.starts_with("wasm-"))
        .map(|(kind, attributes)| {
            let mut kept: Vec<(String, String)> = attributes
                .into_iter()
                .filter(|(key, _)| key != "msg_index")
                .collect();
            kept.sort_by(|(a, _), (b, _)| a.cmp(b));
            (kind.to_owned(), kept)
        })
        .collect()
}
