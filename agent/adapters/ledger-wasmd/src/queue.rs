//! One queue per key: what waits is joined where that saves gas, sent in order, and each item gets its own answer.
//!
//! Statements that wait together go as one message, and so do settles; a settle alone goes alone, since its
//! refusal then costs nothing: the simulation tells it. Up to [`IN_FLIGHT`] transactions are on their way at once.

use crate::account::{Account, Fate, Gas, Pending};
use crate::confirm::Confirmer;
use crate::error::{sdk, ChainError};
use crate::events::{items, market_events, outcomes};
use crate::gas;
use crate::market::Market;
use crate::message;
use cosmrs::Any;
use std::collections::VecDeque;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use wattpool_core::io::{BlockRef, MarketTx, TxFailure};
use wattpool_core::ports::ledger::Executed;
use wattpool_schema::error::{Class, Code};
use wattpool_schema::escrow::MAX_BATCH;
use wattpool_schema::{escrow, pool};

/// Transactions of one key that may be on their way at once.
pub const IN_FLIGHT: usize = 8;
/// Jobs that may wait; then submitting waits.
const WAITING: usize = 256;
/// Times the configured margin, for the second try of what ran out of gas.
const SECOND_MARGIN: u32 = 2;

/// A transaction that waits to be sent.
struct Job {
    tx: MarketTx,
    answer: oneshot::Sender<Executed>,
}

/// The queue's entrance.
#[derive(Clone)]
pub struct Queue {
    jobs: mpsc::Sender<Job>,
}

impl Queue {
    /// Starts the queue of an account, on the current runtime. It ends when all entrances are dropped.
    pub fn start(account: Arc<Account>, market: Arc<Market>) -> Self {
        let (jobs, inbox) = mpsc::channel(WAITING);
        let sender = Arc::new(Sender {
            confirmer: Confirmer::new(Arc::clone(&account), Arc::clone(&market)),
            account,
            market,
        });
        tokio::spawn(run(sender, inbox));
        Self { jobs }
    }

    /// Sends a transaction and waits for its end.
    pub async fn execute(&self, tx: MarketTx) -> Option<Executed> {
        let (answer, answered) = oneshot::channel();
        self.jobs.send(Job { tx, answer }).await.ok()?;
        answered.await.ok()
    }
}

async fn run(sender: Arc<Sender>, mut inbox: mpsc::Receiver<Job>) {
    let mut waiting = VecDeque::new();
    let mut flying = JoinSet::new();
    loop {
        if waiting.is_empty() {
            tokio::select! {
                job = inbox.recv() => match job {
                    Some(job) => waiting.push_back(job),
                    None => break,
                },
                Some(_) = flying.join_next(), if !flying.is_empty() => continue,
            }
        }
        while waiting.len() < WAITING {
            let Ok(job) = inbox.try_recv() else { break };
            waiting.push_back(job);
        }
        if flying.len() >= IN_FLIGHT {
            flying.join_next().await;
            continue;
        }
        let group = take_group(&mut waiting);
        sender.send(group, &mut flying, &mut waiting).await;
    }
    while flying.join_next().await.is_some() {}
}

/// The first job, with all others that can go in one message with it. Others keep their order.
fn take_group(waiting: &mut VecDeque<Job>) -> Vec<Job> {
    let Some(first) = waiting.pop_front() else {
        return Vec::new();
    };
    let mut size = items(&first.tx);
    let mut group = vec![first];
    let mut rest = VecDeque::with_capacity(waiting.len());
    for job in waiting.drain(..) {
        let larger = size.saturating_add(items(&job.tx));
        let joins = group
            .first()
            .is_some_and(|first| same_kind(&first.tx, &job.tx));
        if joins && larger <= MAX_BATCH {
            size = larger;
            group.push(job);
        } else {
            rest.push_back(job);
        }
    }
    *waiting = rest;
    group
}

const fn same_kind(a: &MarketTx, b: &MarketTx) -> bool {
    matches!(
        (a, b),
        (MarketTx::State(_), MarketTx::State(_)) | (MarketTx::Settle(_), MarketTx::Settle(_))
    )
}

struct Sender {
    account: Arc<Account>,
    market: Arc<Market>,
    confirmer: Confirmer,
}

impl Sender {
    /// Sends a group; its end is awaited in a task of its own.
    async fn send(
        self: &Arc<Self>,
        group: Vec<Job>,
        flying: &mut JoinSet<()>,
        waiting: &mut VecDeque<Job>,
    ) {
        let txs: Vec<MarketTx> = group.iter().map(|job| job.tx.clone()).collect();
        let message = match self.message(&txs) {
            Ok(message) => message,
            Err(error) => return self.answer_all(group, &failure_of(&error)),
        };
        let gas = Gas::AtMost(gas::most(&txs));
        let mut sent = self.account.submit(vec![message.clone()], gas).await;
        if !flying.is_empty() && sent.as_ref().is_err_and(|e| contract_code(e).is_some()) {
            // What is on its way may be what the contract misses: a refusal counts only without it.
            while flying.join_next().await.is_some() {}
            sent = self.account.submit(vec![message.clone()], gas).await;
        }
        match sent {
            Ok(pending) => {
                let sender = Arc::clone(self);
                flying.spawn(async move { sender.finish(group, txs, message, pending).await });
            }
            Err(ChainError::GasCeiling { .. }) if group.len() > 1 => {
                tracing::info!(
                    items = group.len(),
                    "too much gas for one message: halving it"
                );
                let mut group = VecDeque::from(group);
                let second = group.split_off(group.len().div_ceil(2));
                for job in second.into_iter().rev() {
                    waiting.push_front(job);
                }
                Box::pin(self.send(group.into(), flying, waiting)).await;
            }
            Err(error) => {
                let failure = failure_of(&error);
                if contract_code(&error).is_none() {
                    tracing::warn!(account = self.account.address(), %error, "not sent");
                }
                self.answer_all(group, &failure);
            }
        }
    }

    async fn finish(
        self: Arc<Self>,
        group: Vec<Job>,
        txs: Vec<MarketTx>,
        message: Any,
        mut pending: Pending,
    ) {
        let mut second = false;
        loop {
            let fate = match self.account.confirm(&pending).await {
                Ok(fate) => fate,
                Err(error) => {
                    tracing::error!(%error, tx = %pending.hash(), "not followed to its end");
                    return self.answer_all(group, &TxFailure::Lost);
                }
            };
            let tx = match fate {
                Fate::InBlock(tx) => tx,
                Fate::Expired { height } => {
                    let why = format!(
                        "transaction {} is in no block up to {height}",
                        pending.hash()
                    );
                    tracing::warn!("{why}");
                    return self.answer_all(group, &TxFailure::Unsent(why));
                }
                Fate::Untraceable { why } => {
                    tracing::warn!(%why, tx = %pending.hash(), "asking the contracts instead");
                    for job in group {
                        let outcome = self.confirmer.by_state(&job.tx).await;
                        self.answer(job, self.seen(), outcome);
                    }
                    return;
                }
            };
            let result = &tx.result;
            if result.is_ok() {
                let at = self.block(tx.height).await;
                let split = match market_events(&result.events, &self.market) {
                    Ok(events) => outcomes(&txs, events),
                    Err(bad) => {
                        let failure = TxFailure::Unknown(bad.to_string());
                        return self.answer_all(group, &failure);
                    }
                };
                for (job, outcome) in group.into_iter().zip(split) {
                    self.answer(job, at, outcome);
                }
                return;
            }
            let out_of_gas = result.code == sdk::OUT_OF_GAS && result.codespace == sdk::CODESPACE;
            if out_of_gas && !second {
                tracing::warn!(used = result.gas_used, limit = result.gas_wanted, tx = %pending.hash(), "out of gas: again with more");
                second = true;
                let margin = self.account.client().settings().gas_margin_percent;
                let again = self.account.submit_with_margin(
                    vec![message.clone()],
                    Gas::AtMost(gas::most(&txs)),
                    margin.saturating_mul(SECOND_MARGIN),
                );
                match again.await {
                    Ok(next) => pending = next,
                    Err(error) => return self.answer_all(group, &failure_of(&error)),
                }
                continue;
            }
            let at = self.block(tx.height).await;
            let failure = Code::in_text(&result.log).map_or_else(
                || {
                    let (space, code, log) = (&result.codespace, result.code, &result.log);
                    TxFailure::Unknown(format!("{space}/{code}: {log}"))
                },
                TxFailure::Refused,
            );
            for job in group {
                self.answer(job, at, Err(failure.clone()));
            }
            return;
        }
    }

    /// The message for one transaction or several of a kind.
    fn message(&self, txs: &[MarketTx]) -> Result<Any, ChainError> {
        let sender = self.account.address();
        let call = |contract: &str, msg: Result<Vec<u8>, serde_json::Error>| {
            let msg = msg.map_err(|e| ChainError::input("message", e))?;
            Ok(message::execute(sender, contract, msg, Vec::new()))
        };
        let pool =
            |msg: &pool::ExecuteMsg| call(&self.market.pool.address, serde_json::to_vec(msg));
        let escrow =
            |msg: &escrow::ExecuteMsg| call(&self.market.escrow.address, serde_json::to_vec(msg));
        match txs {
            [MarketTx::State(_), ..] => pool(&pool::ExecuteMsg::State {
                statements: txs.iter().flat_map(statements).cloned().collect(),
            }),
            [MarketTx::Settle(trade)] => escrow(&escrow::ExecuteMsg::Settle {
                trade: trade.as_ref().clone(),
            }),
            [MarketTx::Settle(_), ..] => escrow(&escrow::ExecuteMsg::SettleBatch {
                trades: txs.iter().filter_map(settle).cloned().collect(),
            }),
            [MarketTx::OpenOrder(order), ..] => escrow(&escrow::ExecuteMsg::OpenOrder {
                order: order.as_ref().clone(),
            }),
            [MarketTx::Deliver {
                buyer,
                trade_id,
                cover,
            }, ..] => escrow(&escrow::ExecuteMsg::Deliver {
                buyer: *buyer,
                trade_id: *trade_id,
                cover: cover.clone(),
            }),
            [MarketTx::CancelOrder { buyer, trade_id }, ..] => {
                escrow(&escrow::ExecuteMsg::CancelOrder {
                    buyer: *buyer,
                    trade_id: *trade_id,
                })
            }
            [MarketTx::CloseOrder { buyer, trade_id }, ..] => {
                escrow(&escrow::ExecuteMsg::CloseOrder {
                    buyer: *buyer,
                    trade_id: *trade_id,
                })
            }
            [] => Err(ChainError::input("message", "expected at least one")),
        }
    }

    /// Time of a block that is on the chain; asked until a node tells.
    async fn block(&self, height: u64) -> BlockRef {
        let client = self.account.client();
        loop {
            match client.rpc().headers(height, height).await {
                Ok(metas) => {
                    if let Some(meta) = metas.first() {
                        return crate::client::block_ref(height, meta.time);
                    }
                    return self.seen();
                }
                Err(error) if error.class() == Class::Retry => {
                    tokio::time::sleep(client.settings().poll).await;
                }
                Err(_) => return self.seen(),
            }
        }
    }

    fn seen(&self) -> BlockRef {
        self.account.client().last_seen()
    }

    fn answer_all(&self, group: Vec<Job>, failure: &TxFailure) {
        let at = self.seen();
        for job in group {
            self.answer(job, at, Err(failure.clone()));
        }
    }

    fn answer(
        &self,
        job: Job,
        at: BlockRef,
        outcome: Result<Vec<wattpool_schema::event::MarketEvent>, TxFailure>,
    ) {
        if job.answer.send(Executed { at, outcome }).is_err() {
            tracing::debug!("nobody waits for this answer any more");
        }
    }
}

fn statements(tx: &MarketTx) -> &[wattpool_schema::SignedStatement] {
    match tx {
        MarketTx::State(statements) => statements,
        _ => &[],
    }
}

fn settle(tx: &MarketTx) -> Option<&escrow::SettleTrade> {
    match tx {
        MarketTx::Settle(trade) => Some(trade),
        _ => None,
    }
}

/// The contracts' own code in a refusal.
fn contract_code(error: &ChainError) -> Option<Code> {
    match error {
        ChainError::Refused { log, .. } => Code::in_text(log),
        _ => None,
    }
}

/// What the agent is told of a transaction that is nowhere.
fn failure_of(error: &ChainError) -> TxFailure {
    if let Some(code) = contract_code(error) {
        return TxFailure::Refused(code);
    }
    match error.class() {
        Class::Retry | Class::Fatal => TxFailure::Unsent(error.to_string()),
        Class::Refuse => TxFailure::Unknown(error.to_string()),
    }
}
