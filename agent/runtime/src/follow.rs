//! Following the chain, block by block.

use crate::backoff::until_answered;
use crate::health::{Board, Part};
use crate::registry::Registry;
use std::sync::Arc;
use tokio::sync::mpsc;
use wattpool_core::io::{BlockRef, WindowTerms};
use wattpool_core::ports::ledger::{BlockNews, Ledger, LedgerError};
use wattpool_schema::Window;

/// Blocks that wait for the agent; then following waits.
pub(crate) const WAITING_BLOCKS: usize = 16;

/// What following brings, in order.
pub(crate) enum News {
    /// The window of the next block, which is the first one in it.
    Window(Arc<WindowTerms>),
    /// A window that was over before it could be opened.
    Missed(Window),
    /// A block with its events.
    Block(BlockNews),
    /// A block from before the agent's start: for the owner's history alone. The last of them says so.
    Past(BlockNews, bool),
}

pub(crate) struct Follower<L> {
    pub ledger: Arc<L>,
    pub registry: Arc<Registry>,
    pub board: Arc<Board>,
    pub window_s: u32,
    pub to: mpsc::Sender<News>,
}

impl<L> Clone for Follower<L> {
    fn clone(&self) -> Self {
        Self {
            ledger: Arc::clone(&self.ledger),
            registry: Arc::clone(&self.registry),
            board: Arc::clone(&self.board),
            window_s: self.window_s,
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
            meters: self.registry.zones(),
            paused: terms.paused,
        })
    }

    pub async fn load_registry(&self) {
        let meters = self.ask(|| self.ledger.meters()).await;
        self.registry.load(meters);
    }

    /// Follows from the block after `from`; `window` is open already. Ends when nobody listens.
    pub async fn follow(self, from: BlockRef, window: Window) {
        let (mut at, mut window) = (from, window);
        loop {
            let height = at.height;
            let news = self.ask(|| self.ledger.next_block(height)).await;
            at = news.block;
            let mut complete = true;
            for event in &news.events {
                complete &= self.registry.follow(at, event);
            }
            self.registry.see(at);
            if !complete {
                self.load_registry().await;
            }
            let now = Window::at(at.time, self.window_s);
            if now > window {
                window = now;
                let opened = self.open(at, now).await;
                if self.to.send(opened).await.is_err() {
                    return;
                }
            }
            if self.to.send(News::Block(news)).await.is_err() {
                return;
            }
        }
    }

    /// A window is opened only while it runs: after a long silence the next blocks are of the past.
    async fn open(&self, at: BlockRef, now: Window) -> News {
        let head = self.ask(|| self.ledger.head()).await;
        if Window::at(head.time, self.window_s) > now {
            return News::Missed(now);
        }
        News::Window(self.terms(at).await)
    }

    /// Reads the blocks after `from` up to and including `to`, which the agent slept through.
    pub async fn catch_up(self, from: u64, to: u64) {
        let mut height = from;
        while height < to {
            let news = self.ask(|| self.ledger.next_block(height)).await;
            height = news.block.height;
            let last = height >= to;
            if self.to.send(News::Past(news, last)).await.is_err() {
                return;
            }
        }
    }
}
