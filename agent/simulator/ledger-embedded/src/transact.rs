//! Transactions wait for the next block, are executed in the order they came, and are answered with the
//! events of the market.

use crate::chain::EmbeddedLedger;
use cosmwasm_std::{to_json_binary, Addr, BlockInfo, CosmosMsg, Timestamp, WasmMsg};
use cw_multi_test::{AppResponse, Executor};
use serde::Serialize;
use wattpool_core::io::{BlockRef, MarketTx, TxFailure};
use wattpool_schema::error::code_in;
use wattpool_schema::event::MarketEvent;
use wattpool_schema::{escrow, pool, MeterId, Seconds, Window};

/// Who a transaction comes from, and the caller's number for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sender {
    /// The caller's number of the meter.
    pub node: u32,
    /// The agent's intent.
    pub intent: u64,
}

pub(crate) struct Queued {
    sender: Sender,
    address: Addr,
    tx: MarketTx,
}

/// What a transaction was, for those who account for what it costs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sent {
    /// Statements of these windows, in one message.
    State(Vec<Window>),
    /// A spot trade of this window.
    Settle {
        /// Buying meter.
        buyer: MeterId,
        /// The buyer's number for the trade.
        trade_id: u64,
        /// Window in which the energy was metered.
        window: Window,
    },
    /// A standing order from this window on is opened.
    Open {
        /// Buying meter.
        buyer: MeterId,
        /// Its id.
        trade_id: u64,
        /// First window.
        window: Window,
    },
    /// A standing order is delivered, cancelled or closed.
    Order {
        /// Buying meter.
        buyer: MeterId,
        /// Its id.
        trade_id: u64,
        /// Which of the three.
        what: OrderStep,
    },
}

/// What is done to a standing order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderStep {
    /// A window is delivered.
    Deliver,
    /// It is ended before its time.
    Cancel,
    /// It has ended.
    Close,
}

impl Sent {
    fn of(tx: &MarketTx) -> Self {
        let order = |buyer, trade_id, what| Self::Order {
            buyer,
            trade_id,
            what,
        };
        match tx {
            MarketTx::State(statements) => {
                Self::State(statements.iter().map(|s| s.statement.window).collect())
            }
            MarketTx::Settle(trade) => Self::Settle {
                buyer: trade.approval.approval.buyer,
                trade_id: trade.trade_id,
                window: trade.approval.approval.first_window,
            },
            MarketTx::OpenOrder(order) => Self::Open {
                buyer: order.approval.approval.buyer,
                trade_id: order.trade_id,
                window: order.approval.approval.first_window,
            },
            MarketTx::Deliver {
                buyer, trade_id, ..
            } => order(*buyer, *trade_id, OrderStep::Deliver),
            MarketTx::CancelOrder { buyer, trade_id } => {
                order(*buyer, *trade_id, OrderStep::Cancel)
            }
            MarketTx::CloseOrder { buyer, trade_id } => order(*buyer, *trade_id, OrderStep::Close),
        }
    }
}

/// A transaction that was executed.
#[derive(Debug)]
pub struct Executed {
    /// Whose.
    pub sender: Sender,
    /// What it was.
    pub sent: Sent,
    /// Its events, or why it was refused.
    pub outcome: Result<Vec<MarketEvent>, TxFailure>,
}

impl EmbeddedLedger {
    /// Queues a transaction of an agent for the next block.
    pub fn submit(&mut self, sender: Sender, address: &Addr, tx: MarketTx) {
        self.queue.push(Queued {
            sender,
            address: address.clone(),
            tx,
        });
    }

    /// True when something waits for a block.
    pub fn is_waiting(&self) -> bool {
        !self.queue.is_empty()
    }

    /// Makes the block of this height and time the current one.
    pub fn begin_block(&mut self, height: u64, time: Seconds) {
        self.block = BlockRef { height, time };
        self.app.set_block(BlockInfo {
            height,
            time: Timestamp::from_seconds(time.0),
            chain_id: self.setup.chain_id.clone(),
        });
    }

    /// Executes what waits, in the order of submission.
    pub fn execute_block(&mut self) -> Vec<Executed> {
        let queue = std::mem::take(&mut self.queue);
        queue
            .into_iter()
            .map(|q| {
                let sent = Sent::of(&q.tx);
                let outcome = self.execute(&q.address, q.tx);
                Executed {
                    sender: q.sender,
                    sent,
                    outcome,
                }
            })
            .collect()
    }

    fn execute(&mut self, sender: &Addr, tx: MarketTx) -> Result<Vec<MarketEvent>, TxFailure> {
        let pool = self.contracts.pool.clone();
        let escrow = self.contracts.escrow.clone();
        match tx {
            MarketTx::State(statements) => {
                self.call(sender, &pool, &pool::ExecuteMsg::State { statements })
            }
            MarketTx::Settle(trade) => self.call(
                sender,
                &escrow,
                &escrow::ExecuteMsg::Settle { trade: *trade },
            ),
            MarketTx::OpenOrder(order) => self.call(
                sender,
                &escrow,
                &escrow::ExecuteMsg::OpenOrder { order: *order },
            ),
            MarketTx::Deliver {
                buyer,
                trade_id,
                cover,
            } => self.call(
                sender,
                &escrow,
                &escrow::ExecuteMsg::Deliver {
                    buyer,
                    trade_id,
                    cover,
                },
            ),
            MarketTx::CancelOrder { buyer, trade_id } => self.call(
                sender,
                &escrow,
                &escrow::ExecuteMsg::CancelOrder { buyer, trade_id },
            ),
            MarketTx::CloseOrder { buyer, trade_id } => self.call(
                sender,
                &escrow,
                &escrow::ExecuteMsg::CloseOrder { buyer, trade_id },
            ),
        }
    }

    /// Executes one message and reads its events back.
    pub(crate) fn call<M: Serialize>(
        &mut self,
        sender: &Addr,
        contract: &Addr,
        msg: &M,
    ) -> Result<Vec<MarketEvent>, TxFailure> {
        let msg = to_json_binary(msg).map_err(|e| TxFailure::Unknown(e.to_string()))?;
        let msg = CosmosMsg::Wasm(WasmMsg::Execute {
            contract_addr: contract.to_string(),
            msg,
            funds: vec![],
        });
        match self.app.execute(sender.clone(), msg) {
            Ok(response) => market_events(&response),
            Err(error) => {
                let text = error
                    .chain()
                    .map(|e| e.to_string())
                    .last()
                    .unwrap_or_default();
                let found = code_in(&text).or_else(|| code_in(&format!("{error:#}")));
                Err(found.map_or(TxFailure::Unknown(text), TxFailure::Refused))
            }
        }
    }
}

fn market_events(response: &AppResponse) -> Result<Vec<MarketEvent>, TxFailure> {
    let mut events = Vec::new();
    for event in &response.events {
        match MarketEvent::parse(&event.ty, &event.attributes) {
            Ok(Some(event)) => events.push(event),
            Ok(None) => {}
            Err(bad) => return Err(TxFailure::Unknown(bad.to_string())),
        }
    }
    Ok(events)
}
