//! A standing order: what is stored of it, what it may still deliver, and how a window that has passed
//! is settled.

use cosmwasm_std::QuerierWrapper;
use wattpool_rules::chunk::{Terms, Totals};
use wattpool_rules::order::{lock_needed, window_outcome, WindowOutcome};
use wattpool_schema::error::MarketError;
use wattpool_schema::escrow::OrderResponse;
use wattpool_schema::event::OrderWindow;
use wattpool_schema::packed::packed;
use wattpool_schema::{Approval, MeterId, Micro, Ppm, Price, Seconds, Wh, Window};

use crate::checked::{times, Checked};
use crate::market;
use crate::state::Config;

/// A standing order that is not closed. Its buyer and trade id are its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Selling meter.
    pub seller: MeterId,
    /// The approval's nonce.
    pub nonce: u64,
    /// Number of orders opened before it.
    pub rank: u64,
    /// First metered window.
    pub first: Window,
    /// Last metered window; before `first` when the order was cancelled before it began.
    pub last: Window,
    /// Per window.
    pub wh: Wh,
    /// Per arriving kWh, to the seller.
    pub price: Price,
    /// Loss at opening.
    pub loss: Ppm,
    /// Network charge at opening, per arriving kWh.
    pub charge: Price,
    /// Owner of the selling meter at opening.
    pub seller_owner: String,
    /// Owner of the buying meter at opening: whose money is locked.
    pub buyer_owner: String,
    /// When the buyer asked.
    pub requested_at: Seconds,
    /// Locked for it.
    pub locked: Micro,
    /// Arrived, sent, paid and charged so far.
    totals: (Wh, Wh, Micro, Micro),
    /// Declined and missed in windows that have passed.
    pub declined: Wh,
    /// Missed through the seller's fault in windows that have passed.
    pub missed: Wh,
    /// When the last chunk arrived.
    pub last_chunk: Option<Seconds>,
    /// Cancelled.
    pub cancelled: bool,
    /// The window that is being delivered, and its figures.
    pub now: Current,
}

/// Figures of the window that is being delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Current {
    /// Which window.
    pub window: Window,
    /// Arrived in it.
    pub net: Wh,
    /// Sent in it.
    pub gross: Wh,
    /// Import covered for this order: delivered, or seen unused by a delivery.
    pub cover: Wh,
    /// The seller had too few unsold tokens for what was covered.
    pub short: bool,
}

packed!(Order {
    seller,
    nonce,
    rank,
    first,
    last,
    wh,
    price,
    loss,
    charge,
    seller_owner,
    buyer_owner,
    requested_at,
    locked,
    totals,
    declined,
    missed,
    last_chunk,
    cancelled,
    now
});
packed!(Current {
    window,
    net,
    gross,
    cover,
    short
});

impl Current {
    /// A window of which nothing is known.
    pub const fn begin(window: Window) -> Self {
        Self {
            window,
            net: Wh::ZERO,
            gross: Wh::ZERO,
            cover: Wh::ZERO,
            short: false,
        }
    }
}

/// What rolling an order forward brought about.
#[derive(Debug, Default, PartialEq)]
pub struct Rolled {
    /// The event of the window that was left.
    pub event: Option<OrderWindow>,
    /// Money that is not needed any more.
    pub freed: Micro,
}

impl Order {
    /// An order at its opening, nothing locked yet.
    /// `terms` are loss and network charge of the opening.
    pub fn open(
        approval: &Approval,
        wh: Wh,
        rank: u64,
        (loss, charge): (Ppm, Price),
        seller_owner: String,
        buyer_owner: String,
    ) -> Self {
        Self {
            seller: approval.seller,
            nonce: approval.nonce,
            rank,
            first: approval.first_window,
            last: approval
                .first_window
                .plus(u64::from(approval.count.saturating_sub(1))),
            wh,
            price: approval.price,
            loss,
            charge,
            seller_owner,
            buyer_owner,
            requested_at: approval.requested_at,
            locked: Micro::ZERO,
            totals: Default::default(),
            declined: Wh::ZERO,
            missed: Wh::ZERO,
            last_chunk: None,
            cancelled: false,
            now: Current::begin(approval.first_window),
        }
    }

    /// The terms of its chunks.
    pub const fn terms(&self) -> Terms {
        Terms {
            loss: self.loss,
            price: self.price,
            charge: self.charge,
        }
    }

    /// Totals so far.
    pub const fn totals(&self) -> Totals {
        let (net, gross, paid, charge) = self.totals;
        Totals {
            net,
            gross,
            paid,
            charge,
        }
    }

    /// Adds a chunk of the current window to the totals.
    pub fn add(&mut self, chunk: Totals, now: Seconds) -> Result<(), MarketError> {
        let sum = self.totals().plus(chunk)?;
        self.totals = (sum.net, sum.gross, sum.paid, sum.charge);
        self.now.net = self.now.net.plus(chunk.net)?;
        self.now.gross = self.now.gross.plus(chunk.gross)?;
        self.now.cover = self.now.cover.max(self.now.net);
        self.locked = self.locked.minus(chunk.paid.plus(chunk.charge)?)?;
        self.last_chunk = Some(now);
        Ok(())
    }

    /// Number of windows: fewer after cancelling.
    pub fn windows(&self) -> u64 {
        self.last.next().0.saturating_sub(self.first.0)
    }

    /// Figures of a window: none if it has not been touched.
    pub fn figures(&self, window: Window) -> Current {
        if self.now.window == window {
            self.now
        } else {
            Current::begin(window)
        }
    }

    /// What of a window's energy has not arrived yet; nothing outside the order's windows.
    pub fn undelivered(&self, window: Window) -> Wh {
        if window < self.first || window > self.last {
            return Wh::ZERO;
        }
        self.wh.saturating_sub(self.figures(window).net)
    }

    /// Money that the windows from the current one on may still need.
    pub fn lock_needed(&self) -> Result<Micro, MarketError> {
        let left = self.last.next().0.saturating_sub(self.now.window.0);
        let to_come = if left == 0 {
            Wh::ZERO
        } else {
            times(self.wh, left)?.minus(self.now.net)?
        };
        let totals = self.totals();
        Ok(lock_needed(
            totals.net.plus(to_come)?,
            self.price,
            self.charge,
            totals.paid,
            totals.charge,
        )?)
    }

    /// Takes what is locked beyond need out of the lock.
    pub fn free_excess(&mut self) -> Result<Micro, MarketError> {
        let needed = self.lock_needed()?;
        let freed = self.locked.minus(needed)?;
        self.locked = needed;
        Ok(freed)
    }

    /// Moves on to the live window: settles the window that was current, and counts those in between, in
    /// which nobody delivered, as declined. Only the window left gets an event; one without any is declined
    /// as a whole. Does nothing before the order's first window or in the same one.
    pub fn roll(
        &mut self,
        querier: QuerierWrapper,
        config: &Config,
        key: (MeterId, u64),
        live: Window,
    ) -> Result<Rolled, MarketError> {
        let left = self.now;
        if live <= left.window || left.window > self.last {
            return Ok(Rolled::default());
        }
        let outcome = self.outcome(querier, config)?;
        let between = live
            .0
            .min(self.last.next().0)
            .saturating_sub(left.window.next().0);
        self.declined = self
            .declined
            .plus(outcome.declined)?
            .plus(times(self.wh, between)?)?;
        self.missed = self.missed.plus(outcome.missed)?;
        self.now = Current::begin(live);
        let freed = self.free_excess()?;
        let (buyer, trade_id) = key;
        Ok(Rolled {
            event: Some(OrderWindow {
                trade_id,
                buyer,
                seller: self.seller,
                window: left.window,
                delivered: left.net,
                declined: outcome.declined,
                missed: outcome.missed,
                refunded: freed,
            }),
            freed,
        })
    }

    fn outcome(
        &self,
        querier: QuerierWrapper,
        config: &Config,
    ) -> Result<WindowOutcome, MarketError> {
        let left = self.now;
        let settle = |excused| window_outcome(self.wh, left.net, left.cover, left.short, excused);
        let outcome = settle(false);
        if outcome.missed.is_zero() {
            return Ok(outcome);
        }
        // Only a window that would be held against the seller is worth the question.
        let books = market::pool_window(querier, config, left.window)?;
        Ok(settle(books.paused || books.halted))
    }

    /// As the world sees it.
    pub fn response(&self, buyer: MeterId, trade_id: u64) -> OrderResponse {
        let totals = self.totals();
        OrderResponse {
            buyer,
            trade_id,
            seller: self.seller,
            nonce: self.nonce,
            rank: self.rank,
            first_window: self.first,
            last_window: self.last,
            wh: self.wh,
            price: self.price,
            locked: self.locked,
            delivered: totals.net,
            paid: totals.paid,
            charge: totals.charge,
            current: self.now.window,
            delivered_now: self.now.net,
            cancelled: self.cancelled,
        }
    }
}
