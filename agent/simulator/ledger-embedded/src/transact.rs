//! Transactions wait for the next block, are executed in the order they came, and are answered with the
//! events of the market.

use crate::chain::EmbeddedLedger;
use crate::contract::Contract;
use crate::machine::{Emitted, Refusal};
use cosmwasm_std::{Addr, Coin, DepsMut, Timestamp};
use wattpool_core::io::{BlockRef, MarketTx, TxFailure};
use wattpool_schema::error::Code;
use wattpool_schema::event::MarketEvent;
use wattpool_schema::{escrow, pool, token, MeterId, Seconds, Window};

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
        self.machine.block.height = height;
        self.machine.block.time = Timestamp::from_seconds(time.0);
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
        let to_escrow = match tx {
            MarketTx::State(statements) => {
                return self.call_pool(sender, vec![], pool::ExecuteMsg::State { statements })
            }
            MarketTx::Settle(trade) => escrow::ExecuteMsg::Settle { trade: *trade },
            MarketTx::OpenOrder(order) => escrow::ExecuteMsg::OpenOrder { order: *order },
            MarketTx::Deliver {
                buyer,
                trade_id,
                cover,
            } => escrow::ExecuteMsg::Deliver {
                buyer,
                trade_id,
                cover,
            },
            MarketTx::CancelOrder { buyer, trade_id } => {
                escrow::ExecuteMsg::CancelOrder { buyer, trade_id }
            }
            MarketTx::CloseOrder { buyer, trade_id } => {
                escrow::ExecuteMsg::CloseOrder { buyer, trade_id }
            }
        };
        self.call_escrow(sender, vec![], to_escrow)
    }

    /// Executes a message for the pool. It is handed over as it is: contracts write JSON to each other only.
    pub(crate) fn call_pool(
        &mut self,
        sender: &Addr,
        funds: Vec<Coin>,
        msg: pool::ExecuteMsg,
    ) -> Result<Vec<MarketEvent>, TxFailure> {
        let act = |deps: DepsMut, env, info| {
            energy_pool::contract::execute(deps, env, info, msg).map_err(|e| e.to_string())
        };
        market_events(self.machine.transact(sender, Contract::Pool, funds, act))
    }

    /// Executes a message for the escrow.
    pub(crate) fn call_escrow(
        &mut self,
        sender: &Addr,
        funds: Vec<Coin>,
        msg: escrow::ExecuteMsg,
    ) -> Result<Vec<MarketEvent>, TxFailure> {
        let act = |deps: DepsMut, env, info| {
            trade_escrow::contract::execute(deps, env, info, msg).map_err(|e| e.to_string())
        };
        market_events(self.machine.transact(sender, Contract::Escrow, funds, act))
    }

    /// Executes a message for the token.
    pub(crate) fn call_token(
        &mut self,
        sender: &Addr,
        msg: token::ExecuteMsg,
    ) -> Result<Vec<MarketEvent>, TxFailure> {
        let act = |deps: DepsMut, env, info| {
            energy_token::contract::execute(deps, env, info, msg).map_err(|e| e.to_string())
        };
        market_events(self.machine.transact(sender, Contract::Token, vec![], act))
    }
}

/// Reads a transaction's events back.
fn market_events(done: Result<Vec<Emitted>, Refusal>) -> Result<Vec<MarketEvent>, TxFailure> {
    let emitted = done.map_err(|text| match Code::in_text(&text) {
        Some(code) => TxFailure::Refused(code),
        None => TxFailure::Unknown(text),
    })?;
    let mut events = Vec::with_capacity(emitted.len());
    for Emitted { event, .. } in &emitted {
        match MarketEvent::parse(&event.ty, &event.attributes) {
            Ok(Some(event)) => events.push(event),
            Ok(None) => {}
            Err(bad) => return Err(TxFailure::Unknown(bad.to_string())),
        }
    }
    Ok(events)
}
