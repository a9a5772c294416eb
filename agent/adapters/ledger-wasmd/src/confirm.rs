//! What became of a transaction that cannot be found: the contracts' state tells, under the client's own ids.

use crate::account::Account;
use crate::market::Market;
use std::sync::Arc;
use wattpool_core::io::{MarketTx, TxFailure};
use wattpool_schema::escrow::{self, TradeStatus};
use wattpool_schema::event::MarketEvent;
use wattpool_schema::MeterId;

pub(crate) struct Confirmer {
    account: Arc<Account>,
    market: Arc<Market>,
}

impl Confirmer {
    pub const fn new(account: Arc<Account>, market: Arc<Market>) -> Self {
        Self { account, market }
    }

    /// Done, as if it were repeated: a settle or order that the escrow knows under its id, from the same approval. All
    /// else is answered when it is submitted again.
    pub async fn by_state(&self, tx: &MarketTx) -> Result<Vec<MarketEvent>, TxFailure> {
        let (trade_id, approval) = match tx {
            MarketTx::Settle(trade) => (trade.trade_id, &trade.approval.approval),
            MarketTx::OpenOrder(order) => (order.trade_id, &order.approval.approval),
            _ => return Err(TxFailure::Lost),
        };
        let found = match self.status(approval.buyer, trade_id).await {
            Some(TradeStatus::Closed { record }) => Some((record.seller, record.nonce)),
            Some(TradeStatus::Open { order }) => Some((order.seller, order.nonce)),
            Some(TradeStatus::Unknown {}) | None => None,
        };
        if found == Some((approval.seller, approval.nonce)) {
            return Ok(Vec::new());
        }
        Err(TxFailure::Lost)
    }

    async fn status(&self, buyer: MeterId, trade_id: u64) -> Option<TradeStatus> {
        let question = escrow::QueryMsg::TradeOf { buyer, trade_id };
        let rpc = self.account.client().rpc();
        let answer = rpc.smart(&self.market.escrow.address, &question).await;
        answer
            .inspect_err(|error| tracing::warn!(%error, trade_id, "the escrow was not asked"))
            .ok()
    }
}
