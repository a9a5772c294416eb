//! Following the chain, block by block.

use crate::backoff::until_answered;
use crate::backoff::{pause, pauses};
use crate::health::{Board, Part};
use crate::registry::Registry;
use crate::time::LocalClock;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use wattpool_core::clock::ChainClock;
use wattpool_core::io::{BlockRef, WindowTerms};
use wattpool_core::ports::ledger::{BlockNews, Ledger, LedgerError};
use wattpool_host::Input;
use wattpool_schema::Window;

/// Without a block for so many block times, and for at least so long, the chain stands, or the node that is asked does.
const STANDING: (u64, Duration) = (12, Duration::from_secs(60));

/// What following brings.
pub(crate) enum News {
    /// In its order.
    Input(Input),
    /// The next block is not to be had any more: the agent goes on from what the chain's state says.
    LeftBehind,
}

/// Blocks that wait for the agent; then following waits.
pub(crate) const WAITING_BLOCKS: usize = 16;

pub(crate) struct Follower<L> {
    pub ledger: Arc<L>,
    pub registry: Arc<Registry>,
    pub board: Arc<Board>,
    pub window_s: u32,
    pub block_ms: u64,
    pub clock: LocalClock,
    /// Windows and blocks, in their order.
    pub to: mpsc::Sender<News>,
}

impl<L> Clone for Follower<L> {
    fn clone(&self) -> Self {
        Self {
            ledger: Arc::clone(&self.ledger),
            registry: Arc::clone(&self.registry),
            board: Arc::clone(&self.board),
            window_s: self.window_s,
            block_ms: self.block_ms,
            clock: self.clock,
            to: self.to.clone(),
        }
    }
}

impl<L: Ledger> Follower<L> {
    async fn ask<T, F>(&self, ask: impl FnMut() -> F) -> T
    where
        F: std::future::Future<Output = Result<T, LedgerError>>,
    {
        until_answered(&self.board, Part::Chain, ask).await
    }

    /// The running window's terms, told with a block.
    pub async fn terms(&self, at: BlockRef) -> Arc<WindowTerms> {
        let now = Window::at(at.time, self.window_s);
        let terms = self.ask(|| self.ledger.terms(now.prev())).await;
        Arc::new(WindowTerms {
            now,
            at,
            tariffs: terms.tariffs,
            pairs: terms.pairs,
            meters: self.registry.read().zones(),
            paused: terms.paused,
        })
    }

    pub async fn load_registry(&self) {
        let meters = self.ask(|| self.ledger.meters()).await;
        self.registry.write().load(meters);
    }

    /// Follows from the block after `from`; `window` is open already. Ends when nobody listens.
    pub async fn follow(self, from: BlockRef, window: Window) {
        let (mut at, mut window) = (from, window);
        let mut clock = ChainClock::default();
        loop {
            let Some(news) = self.next(at, &mut clock).await else {
                // Nobody is left who could go on.
                let _ = self.to.send(News::LeftBehind).await;
                return;
            };
            at = news.block;
            let now = Window::at(at.time, self.window_s);
            if now > window {
                window = now;
                let opened = self.open(at, now).await;
                if self.to.send(News::Input(opened)).await.is_err() {
                    return;
                }
            }
            self.registry.write().follow(at, &news.events);
            let block = Input::Block(Arc::new(news));
            if self.to.send(News::Input(block)).await.is_err() {
                return;
            }
        }
    }

    /// The block after one; none if it is not kept any more. A chain that stands, a node that lags and a header that
    /// cannot be true are told as trouble, and open the gate.
    async fn next(&self, after: BlockRef, clock: &mut ChainClock) -> Option<BlockNews> {
        let standing = Duration::from_millis(self.block_ms.saturating_mul(STANDING.0));
        let standing = standing.max(STANDING.1);
        let mut pauses = pauses();
        loop {
            let asked = self.ledger.next_block(after.height);
            let why = match tokio::time::timeout(standing, asked).await {
                Ok(Ok(news)) => {
                    let now = self.clock.now();
                    if clock.believes(now, news.block.time) {
                        match self.clock.behind(news.block.time) {
                            Some(behind) if behind > standing => {
                                let why = format!(
                                    "the node lags: its block is {} s old",
                                    behind.as_secs()
                                );
                                self.board.trouble(Part::Chain, &why);
                            }
                            _ => self.board.well(Part::Chain),
                        }
                        return Some(news);
                    }
                    format!(
                        "block {} says that it is {}, which cannot be yet",
                        news.block.height, news.block.time
                    )
                }
                // What a node refuses it does not have: if the chain is beyond it, it will not come.
                Ok(Err(LedgerError::Refused(why))) => match self.ledger.head().await {
                    Ok(head) if head.height > after.height => {
                        tracing::warn!(%why, after = after.height, head = head.height, "blocks are not to be had any more");
                        return None;
                    }
                    _ => why,
                },
                Ok(Err(error)) => error.to_string(),
                Err(_) => {
                    let why = format!(
                        "no block after {} for {} s",
                        after.height,
                        standing.as_secs()
                    );
                    self.board.trouble(Part::Chain, &why);
                    continue;
                }
            };
            self.board.trouble(Part::Chain, &why);
            pause(&mut pauses).await;
        }
    }

    /// A window is opened only while it runs: after a long silence the next blocks are of the past.
    async fn open(&self, at: BlockRef, now: Window) -> Input {
        let head = self.ask(|| self.ledger.head()).await;
        if Window::at(head.time, self.window_s) > now {
            return Input::Missed(now);
        }
        let terms = self.terms(at).await;
        self.registry.write().open(&terms);
        Input::Window(terms)
    }

    /// Reads the blocks after `from` up to and including `to`, which the agent slept through.
    pub async fn catch_up(self, from: u64, to: u64) {
        let mut height = from;
        let mut pauses = pauses();
        while height < to {
            let news = match self.ledger.next_block(height).await {
                Ok(news) => news,
                // Nobody keeps it: the history has a gap.
                Err(LedgerError::Refused(why)) => {
                    tracing::warn!(%why, after = height, to, "the history has a gap");
                    let block = BlockRef {
                        height: to,
                        ..BlockRef::default()
                    };
                    BlockNews {
                        block,
                        events: Vec::new(),
                    }
                }
                Err(error) => {
                    tracing::debug!(%error, "the history waits for the chain");
                    pause(&mut pauses).await;
                    continue;
                }
            };
            height = news.block.height;
            let past = Input::Past(Arc::new(news), height >= to);
            if self.to.send(News::Input(past)).await.is_err() {
                return;
            }
        }
    }
}
