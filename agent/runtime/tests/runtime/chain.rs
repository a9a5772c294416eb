//! A chain in memory: a block every five seconds, statements become tokens, settles become trades.

use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{oneshot, watch};
use wattpool_core::io::{BlockRef, MarketTx, TxFailure};
use wattpool_core::ports::ledger::{BlockNews, Executed, Ledger, LedgerError, Terms};
use wattpool_core::ports::{MeterInfo, SellerRecord};
use wattpool_schema::error::Code;
use wattpool_schema::escrow::SettleTrade;
use wattpool_schema::event::{Delivered, MarketEvent, Stated, TradeClosed};
use wattpool_schema::pool::{MeterPosition, Tariffs, ZonePairTerms};
use wattpool_schema::{
    Digest32, MeterId, Micro, Ppm, Price, Seconds, SignedStatement, Tariff, TradeKind, Wh, Window,
    Zone,
};

pub const LEN: u32 = 900;
/// Of a transaction, micro-units.
pub const FEE: u64 = 100;
/// The chain begins this long before the end of the window.
pub const LEAD_S: u64 = 30;
/// The first window that opens after the beginning.
pub const W: Window = Window(1_000_000);

#[derive(Default)]
struct State {
    blocks: Vec<BlockNews>,
    pending: Vec<(MarketTx, oneshot::Sender<Executed>)>,
    meters: Vec<(MeterId, MeterInfo)>,
    stated: Vec<SignedStatement>,
    settled: Vec<SettleTrade>,
    /// Events of the next block that no transaction of an agent brings.
    foreign: Vec<MarketEvent>,
    down: bool,
    calls: u64,
    /// No transaction can be paid for.
    broke: bool,
    /// What is left for fees; each transaction costs [`FEE`].
    fees_left: Option<Micro>,
    /// Only what is left for fees is not told.
    hides_fees: bool,
    /// No blocks are made.
    stalled: bool,
    /// Blocks before this index are kept by nobody.
    earliest: usize,
    /// The next block told carries a header a year ahead.
    lies: bool,
    missed: u64,
}

pub struct Chain {
    state: Mutex<State>,
    height: watch::Sender<u64>,
}

impl Chain {
    /// A chain whose blocks are made by a task, for as long as somebody holds it.
    pub fn start(meters: Vec<(MeterId, MeterInfo)>) -> Arc<Self> {
        let chain = Arc::new(Self {
            state: Mutex::new(State {
                meters,
                ..State::default()
            }),
            height: watch::Sender::new(0),
        });
        chain.make_block();
        let weak = Arc::downgrade(&chain);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(Duration::from_secs(5)).await;
                let Some(chain) = weak.upgrade() else { return };
                chain.make_block();
            }
        });
        chain
    }

    pub fn set_broke(&self, broke: bool) {
        self.state.lock().unwrap().broke = broke;
    }

    pub fn set_fees_left(&self, left: Micro) {
        self.state.lock().unwrap().fees_left = Some(left);
    }

    pub fn set_hides_fees(&self, hides: bool) {
        self.state.lock().unwrap().hides_fees = hides;
    }

    pub fn set_stalled(&self, stalled: bool) {
        self.state.lock().unwrap().stalled = stalled;
    }

    /// Nobody keeps the blocks made so far.
    pub fn prune(&self) {
        let mut state = self.state.lock().unwrap();
        state.earliest = state.blocks.len();
    }

    pub fn height(&self) -> u64 {
        self.state.lock().unwrap().blocks.len() as u64
    }

    /// The next header told is a year ahead.
    pub fn lie_once(&self) {
        self.state.lock().unwrap().lies = true;
    }

    fn make_block(&self) {
        let mut state = self.state.lock().unwrap();
        // Time passes, heights do not.
        if state.stalled {
            state.missed += 1;
            return;
        }
        let height = state.blocks.len() as u64 + 1;
        let time = W.start(LEN).0 - LEAD_S + (height - 1 + state.missed) * 5;
        let block = BlockRef {
            height,
            time: Seconds(time),
        };
        let mut events = std::mem::take(&mut state.foreign);
        let mut done = Vec::new();
        for (tx, to) in std::mem::take(&mut state.pending) {
            let outcome = execute(&mut state, block, tx);
            events.extend(outcome.iter().flatten().cloned());
            done.push((to, Executed { at: block, outcome }));
        }
        state.blocks.push(BlockNews { block, events });
        drop(state);
        for (to, executed) in done {
            // An agent that was stopped does not hear of it.
            let _ = to.send(executed);
        }
        self.height.send_replace(height);
    }

    pub fn set_down(&self, down: bool) {
        self.state.lock().unwrap().down = down;
        self.height.send_modify(|_| ());
    }

    pub fn calls(&self) -> u64 {
        self.state.lock().unwrap().calls
    }

    pub fn stated(&self) -> Vec<SignedStatement> {
        self.state.lock().unwrap().stated.clone()
    }

    pub fn settled(&self) -> Vec<SettleTrade> {
        self.state.lock().unwrap().settled.clone()
    }

    pub fn happens(&self, event: MarketEvent) {
        self.state.lock().unwrap().foreign.push(event);
    }

    fn ask<T>(&self, answer: impl FnOnce(&State) -> T) -> Result<T, LedgerError> {
        let mut state = self.state.lock().unwrap();
        state.calls += 1;
        if state.down {
            return Err(LedgerError::Unreachable("it is down".into()));
        }
        Ok(answer(&state))
    }
}

fn execute(
    state: &mut State,
    block: BlockRef,
    tx: MarketTx,
) -> Result<Vec<MarketEvent>, TxFailure> {
    let live = Window::at(block.time, LEN).prev();
    match tx {
        MarketTx::State(batch) => {
            let events = batch.iter().map(|s| {
                MarketEvent::Stated(Stated {
                    meter: s.statement.meter,
                    owner: "owner".into(),
                    window: s.statement.window,
                    sequence: s.statement.sequence,
                    wh: s.statement.export_wh,
                    commitment: s.statement.commitment,
                    minted: s.statement.window == live,
                })
            });
            let events = events.collect();
            state.stated.extend(batch);
            Ok(events)
        }
        MarketTx::Settle(trade) => {
            let a = &trade.approval.approval;
            if a.expires_at < block.time {
                return Err(TxFailure::Refused(Code::ApprovalExpired));
            }
            if state.settled.iter().any(|t| t.trade_id == trade.trade_id) {
                return Ok(Vec::new());
            }
            let delivered = Delivered {
                kind: TradeKind::Spot,
                window: a.first_window,
                trade_id: trade.trade_id,
                seller: a.seller,
                buyer: a.buyer,
                seller_owner: "seller".into(),
                buyer_owner: "buyer".into(),
                net: trade.wh,
                gross: trade.wh,
                paid: Micro(1),
                charge: Micro(0),
            };
            let closed = TradeClosed {
                sequence: state.settled.len() as u64,
                kind: TradeKind::Spot,
                trade_id: trade.trade_id,
                buyer: a.buyer,
                seller: a.seller,
                nonce: a.nonce,
                window: a.first_window,
                count: 1,
                asked: trade.wh,
                arrived: trade.wh,
                declined: Wh(0),
                missed: Wh(0),
                lost: Wh(0),
                price: a.price,
                paid: Micro(1),
                charge: Micro(0),
                requested_at: a.requested_at,
                closed_at: block.time,
                head: Digest32([0; 32]),
            };
            state.settled.push(*trade);
            Ok(vec![
                MarketEvent::Delivered(delivered),
                MarketEvent::TradeClosed(closed),
            ])
        }
        other => Err(TxFailure::Unknown(format!("not played here: {other:?}"))),
    }
}

impl Ledger for Chain {
    async fn head(&self) -> Result<BlockRef, LedgerError> {
        self.ask(|s| s.blocks.last().unwrap().block)
    }

    async fn execute(&self, tx: MarketTx) -> Executed {
        let (to, done) = oneshot::channel();
        {
            let state = self.state.lock().unwrap();
            if state.broke {
                let why = "the chain refuses with sdk/5: insufficient funds";
                return Executed {
                    at: state.blocks.last().unwrap().block,
                    outcome: Err(TxFailure::Unsent(why.into())),
                };
            }
        }
        let lost = {
            let mut state = self.state.lock().unwrap();
            let at = state.blocks.last().unwrap().block;
            if !state.down {
                if let Some(left) = &mut state.fees_left {
                    left.0 = left.0.saturating_sub(FEE);
                }
                state.pending.push((tx, to));
            }
            Executed {
                at,
                outcome: Err(TxFailure::Lost),
            }
        };
        done.await.unwrap_or(lost)
    }

    async fn next_block(&self, after: u64) -> Result<BlockNews, LedgerError> {
        let mut height = self.height.subscribe();
        loop {
            let next = self.ask(|s| s.blocks.get(after as usize).cloned())?;
            let lies = {
                let mut state = self.state.lock().unwrap();
                if (after as usize) < state.earliest {
                    let why = format!("block {} is not kept any more", after + 1);
                    return Err(LedgerError::Refused(why));
                }
                next.is_some() && std::mem::take(&mut state.lies)
            };
            if let Some(mut news) = next {
                if lies {
                    news.block.time.0 += 31_536_000;
                }
                return Ok(news);
            }
            height.changed().await.unwrap();
        }
    }

    async fn position(&self, meter: MeterId) -> Result<MeterPosition, LedgerError> {
        self.ask(|s| {
            let last = s.stated.iter().rfind(|x| x.statement.meter == meter);
            MeterPosition {
                stated: last.map(|x| x.statement.window),
                sequence: last.map_or(0, |x| x.statement.sequence),
                ..MeterPosition::default()
            }
        })
    }

    async fn terms(&self, _: Window) -> Result<Terms, LedgerError> {
        self.ask(|_| Terms {
            tariffs: Tariffs {
                import: Tariff(300_000),
                feed_in: Tariff(100_000),
            },
            pairs: vec![ZonePairTerms {
                from: Zone(0),
                to: Zone(0),
                loss: Ppm(0),
                charge: Price(0),
                capacity: None,
            }],
            paused: false,
        })
    }

    async fn meters(&self) -> Result<Vec<(MeterId, MeterInfo)>, LedgerError> {
        self.ask(|s| s.meters.clone())
    }

    async fn seller(&self, meter: MeterId) -> Result<SellerRecord, LedgerError> {
        self.ask(|s| {
            let sales = s
                .settled
                .iter()
                .filter(|t| t.approval.approval.seller == meter);
            SellerRecord {
                sales: sales.count() as u64,
                ..SellerRecord::default()
            }
        })
    }

    async fn fees_left(&self) -> Result<Option<Micro>, LedgerError> {
        self.ask(|s| (!s.hides_fees).then_some(s.fees_left))?
            .ok_or_else(|| LedgerError::Refused("the account is not told".into()))
    }
}
