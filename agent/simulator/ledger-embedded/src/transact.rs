//! Transactions wait for the next block, are executed in the order they came, and are answered with the
//! events of the market.

use crate::chain::EmbeddedLedger;
use cosmwasm_std::{to_json_binary, Addr, BlockInfo, CosmosMsg, Timestamp, WasmMsg};
use cw_multi_test::{AppResponse, Executor};
use serde::Serialize;
use wattpool_core::io::{BlockRef, MarketTx, TxFailure};
use wattpool_fixtures::refusal;
use wattpool_schema::event::MarketEvent;
use wattpool_schema::{escrow, pool, Seconds};

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

/// A transaction that was executed.
#[derive(Debug)]
pub struct Executed {
    /// Whose.
    pub sender: Sender,
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
                let outcome = self.execute(&q.address, q.tx);
                Executed {
                    sender: q.sender,
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
                let text = format!("{:#}", error.root_cause());
                let found = refusal(&error).map(|refusal| refusal.code());
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
