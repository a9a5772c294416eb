//! The agent's port on the ledger in process: a thread owns the chain and makes a block whenever one is asked for.
//!
//! A transaction gets a block of its own at once; waiting for a block that is not there yet makes an empty one. So
//! virtual time goes on exactly as far as its users ask.

use crate::chain::EmbeddedLedger;
use crate::transact::Sender;
use anyhow::{anyhow, Result};
use cosmwasm_std::Addr;
use std::sync::mpsc;
use std::thread::JoinHandle;
use tokio::sync::oneshot;
use wattpool_core::io::{BlockRef, Day, MarketTx, TxFailure};
use wattpool_core::ports::ledger::{BlockNews, Executed, Ledger, LedgerError, Terms};
use wattpool_core::ports::{MeterInfo, SellerRecord};
use wattpool_schema::error::Code;
use wattpool_schema::escrow::MeterBookResponse;
use wattpool_schema::pool::{MeterPosition, MetersResponse};
use wattpool_schema::{escrow, pool, MeterId, Micro, Seconds, Window};

/// Meters asked for at once.
const PAGE: u32 = 100;

type Job = Box<dyn FnOnce(&mut State) + Send>;

struct State {
    ledger: EmbeddedLedger,
    block_s: u32,
    /// Blocks so far, ascending by one; the first is the one that the port began with.
    blocks: Vec<BlockNews>,
}

/// A chain in process that many accounts use through the agent's port. Its thread ends with the last handle.
#[derive(Clone)]
pub struct EmbeddedChain {
    jobs: mpsc::Sender<Job>,
}

/// The port of one account.
#[derive(Clone)]
pub struct EmbeddedPort {
    chain: EmbeddedChain,
    address: Addr,
}

impl EmbeddedChain {
    /// Starts a thread in which `make` makes the chain; blocks follow each other by `block_s` seconds.
    ///
    /// # Errors
    /// `make` fails, or there is no thread.
    pub fn start(
        block_s: u32,
        make: impl FnOnce() -> Result<EmbeddedLedger> + Send + 'static,
    ) -> Result<Self> {
        let (jobs, inbox) = mpsc::channel::<Job>();
        let (made, ready) = mpsc::channel();
        let run = move || {
            let ledger = match make() {
                Ok(ledger) => ledger,
                Err(error) => {
                    let _ = made.send(Err(error));
                    return;
                }
            };
            let block = ledger.block();
            let mut state = State {
                ledger,
                block_s,
                blocks: vec![BlockNews {
                    block,
                    events: Vec::new(),
                }],
            };
            if made.send(Ok(())).is_err() {
                return;
            }
            for job in inbox {
                job(&mut state);
            }
        };
        let _thread: JoinHandle<()> = std::thread::Builder::new()
            .name("embedded-ledger".to_owned())
            .spawn(run)?;
        ready.recv()??;
        Ok(Self { jobs })
    }

    /// The port of an account.
    pub fn port(&self, address: Addr) -> EmbeddedPort {
        EmbeddedPort {
            chain: self.clone(),
            address,
        }
    }

    /// Does something with the chain, for what no agent does: registering meters, say. It makes no block.
    ///
    /// # Errors
    /// The chain's thread is gone.
    pub async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut EmbeddedLedger) -> T + Send + 'static,
    ) -> Result<T> {
        let done = self.ask(|state| work(&mut state.ledger)).await;
        done.ok_or_else(|| anyhow!("the chain's thread is gone"))
    }

    async fn ask<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut State) -> T + Send + 'static,
    ) -> Option<T> {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |state| {
            // Who asked may have given up.
            let _ = answer.send(work(state));
        });
        self.jobs.send(job).ok()?;
        answered.await.ok()
    }

    async fn question<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&EmbeddedLedger) -> Result<T> + Send + 'static,
    ) -> Result<T, LedgerError> {
        let answer = self.ask(|state| ask(&state.ledger)).await;
        answer.ok_or_else(gone)?.map_err(|error| {
            let text = format!("{error:#}");
            LedgerError::Refused(Code::in_text(&text).map_or(text, |code| code.to_string()))
        })
    }
}

fn gone() -> LedgerError {
    LedgerError::Unreachable("the chain's thread is gone".to_owned())
}

impl State {
    fn head(&self) -> BlockRef {
        self.blocks
            .last()
            .map_or_else(BlockRef::default, |b| b.block)
    }

    /// The next block, with the transactions that wait.
    fn make_block(&mut self) -> Vec<Result<Vec<wattpool_schema::event::MarketEvent>, TxFailure>> {
        let head = self.head();
        let height = head.height.saturating_add(1);
        let time = Seconds(head.time.0.saturating_add(u64::from(self.block_s)));
        self.ledger.begin_block(height, time);
        let outcomes: Vec<_> = self
            .ledger
            .execute_block()
            .into_iter()
            .map(|executed| executed.outcome)
            .collect();
        let events = outcomes.iter().flatten().flatten().cloned().collect();
        self.blocks.push(BlockNews {
            block: BlockRef { height, time },
            events,
        });
        outcomes
    }

    fn execute(&mut self, address: &Addr, tx: MarketTx) -> Executed {
        self.ledger
            .submit(Sender { node: 0, intent: 0 }, address, tx);
        let outcome = self.make_block().pop().unwrap_or(Err(TxFailure::Lost));
        Executed {
            at: self.head(),
            outcome,
        }
    }

    fn next_block(&mut self, after: u64) -> Result<BlockNews, LedgerError> {
        while self.head().height <= after {
            self.make_block();
        }
        let wanted = after.saturating_add(1);
        let found = self.blocks.iter().find(|b| b.block.height == wanted);
        found.cloned().ok_or_else(|| {
            LedgerError::Refused(format!("block {wanted} was before this port's beginning"))
        })
    }
}

impl Ledger for EmbeddedPort {
    async fn head(&self) -> Result<BlockRef, LedgerError> {
        self.chain.ask(|s| s.head()).await.ok_or_else(gone)
    }

    async fn execute(&self, tx: MarketTx) -> Executed {
        let address = self.address.clone();
        let ended = self.chain.ask(move |s| s.execute(&address, tx)).await;
        ended.unwrap_or_else(|| Executed {
            at: BlockRef::default(),
            outcome: Err(TxFailure::Lost),
        })
    }

    async fn next_block(&self, after: u64) -> Result<BlockNews, LedgerError> {
        let found = self.chain.ask(move |s| s.next_block(after)).await;
        found.ok_or_else(gone)?
    }

    async fn position(&self, meter: MeterId) -> Result<MeterPosition, LedgerError> {
        self.chain.question(move |l| l.position(meter)).await
    }

    async fn today(&self, meter: MeterId, head: BlockRef) -> Result<Day, LedgerError> {
        self.chain.question(move |l| l.today(meter, head)).await
    }

    async fn terms(&self, metered: Window) -> Result<Terms, LedgerError> {
        let (tariffs, pairs, paused) = self
            .chain
            .question(move |l| l.window_terms(metered))
            .await?;
        Ok(Terms {
            tariffs,
            pairs,
            paused,
        })
    }

    async fn meters(&self) -> Result<Vec<(MeterId, MeterInfo)>, LedgerError> {
        self.chain.question(meters).await
    }

    async fn seller(&self, meter: MeterId) -> Result<SellerRecord, LedgerError> {
        let book: MeterBookResponse = self
            .chain
            .question(move |l| l.ask_escrow(&escrow::QueryMsg::Meter { meter }))
            .await?;
        let s = book.statistics;
        Ok(SellerRecord {
            sales: s.sales,
            asked_wh: s.asked.0,
            arrived_wh: s.arrived.0,
        })
    }

    /// Nobody pays fees in process.
    async fn fees_left(&self) -> Result<Option<Micro>, LedgerError> {
        Ok(None)
    }
}

fn meters(ledger: &EmbeddedLedger) -> Result<Vec<(MeterId, MeterInfo)>> {
    let mut meters = Vec::new();
    let mut start_after = None;
    loop {
        let page: MetersResponse = ledger.ask_pool(&pool::QueryMsg::Meters {
            start_after,
            limit: Some(PAGE),
        })?;
        let Some(last) = page.meters.last() else {
            return Ok(meters);
        };
        start_after = Some(last.meter);
        let in_service = page.meters.iter().filter(|m| !m.retired);
        meters.extend(in_service.filter_map(|m| {
            let info = MeterInfo {
                agent: m.agent?,
                zone: m.zone,
                kind: m.kind,
                max_export: m.max_export,
                max_import: m.max_import,
            };
            Some((m.meter, info))
        }));
    }
}
