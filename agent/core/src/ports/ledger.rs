//! The chain, as one agent uses it. The adapter owns accounts, sequences, gas and retries.

use super::{MeterInfo, SellerRecord};
use crate::io::{BlockRef, Day, MarketTx, TxFailure};
use std::future::Future;
use wattpool_schema::event::MarketEvent;
use wattpool_schema::pool::{MeterPosition, Tariffs, ZonePairTerms};
use wattpool_schema::{MeterId, Micro, Seconds, Window};

/// Why the chain gave no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LedgerError {
    /// It may answer later: a dead address, a time-out, a node that catches up.
    #[error("the chain does not answer: {0}")]
    Unreachable(String),
    /// It answered that the question is wrong, above all that there is no such meter.
    #[error("the chain refuses the question: {0}")]
    Refused(String),
    /// Another chain, other contracts or another version than expected: going on would be wrong.
    #[error("not the market that was expected: {0}")]
    Foreign(String),
}

/// What became of a transaction.
#[derive(Clone, Debug, PartialEq)]
pub struct Executed {
    /// The block it is in, or the last one seen.
    pub at: BlockRef,
    /// Its market events, or why not.
    pub outcome: Result<Vec<MarketEvent>, TxFailure>,
}

/// What a block did to the market: the events of all transactions in it, in their order.
#[derive(Clone, Debug, PartialEq)]
pub struct BlockNews {
    /// The block.
    pub block: BlockRef,
    /// Its market events.
    pub events: Vec<MarketEvent>,
}

/// Terms of a metered window, and whether the market is paused now.
#[derive(Clone, Debug, PartialEq)]
pub struct Terms {
    /// Tariffs of the window.
    pub tariffs: Tariffs,
    /// Terms of all zone pairs in it.
    pub pairs: Vec<ZonePairTerms>,
    /// Tokenising and trading are stopped.
    pub paused: bool,
}

/// The chain. One value belongs to one account: that of the agent's key.
pub trait Ledger: Send + Sync {
    /// The newest block.
    fn head(&self) -> impl Future<Output = Result<BlockRef, LedgerError>> + Send;

    /// Submits a transaction and follows it until it is in a block, refused, or not known to be either. After
    /// [`TxFailure::Lost`] and [`TxFailure::Unsent`] the same content may be submitted again: the contracts see to it
    /// that nothing doubles.
    fn execute(&self, tx: MarketTx) -> impl Future<Output = Executed> + Send;

    /// The block after this height with all its market events; waits until there is one. Following by
    /// heights leaves no gap, whatever happened in between.
    fn next_block(&self, after: u64)
        -> impl Future<Output = Result<BlockNews, LedgerError>> + Send;

    /// Where a meter stands.
    fn position(
        &self,
        meter: MeterId,
    ) -> impl Future<Output = Result<MeterPosition, LedgerError>> + Send;

    /// Terms of a metered window.
    fn terms(&self, metered: Window) -> impl Future<Output = Result<Terms, LedgerError>> + Send;

    /// All meters in service that have an agent, ascending by id.
    fn meters(&self)
        -> impl Future<Output = Result<Vec<(MeterId, MeterInfo)>, LedgerError>> + Send;

    /// A seller's record, as the escrow keeps it.
    fn seller(
        &self,
        meter: MeterId,
    ) -> impl Future<Output = Result<SellerRecord, LedgerError>> + Send;

    /// What a meter has traded on the UTC day of `head`, the newest block. Who does not count it says nothing.
    fn today(
        &self,
        _meter: MeterId,
        head: BlockRef,
    ) -> impl Future<Output = Result<Day, LedgerError>> + Send {
        async move { Ok(Day::of(head.time)) }
    }

    /// What is left to pay this account's fees from, its own or granted; none: no bound is known.
    fn fees_left(&self) -> impl Future<Output = Result<Option<Micro>, LedgerError>> + Send;

    /// When the grant ends that pays this account's fees; none: it pays itself, or the grant has no end.
    fn fee_grant_ends(&self) -> impl Future<Output = Result<Option<Seconds>, LedgerError>> + Send {
        async { Ok(None) }
    }
}
