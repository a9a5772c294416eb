//! A standing order: what is stored of it, what it may still deliver, and how a window that has passed
//! is settled.

use cosmwasm_std::QuerierWrapper;
use std::ops::{Deref, DerefMut};
use wattpool_rules::chunk::{Terms, Totals};
use wattpool_rules::loss::arriving;
use wattpool_rules::order::{lock_needed, window_outcome, WindowOutcome};
use wattpool_schema::error::MarketError;
use wattpool_schema::escrow::OrderResponse;
use wattpool_schema::event::OrderWindow;
use wattpool_schema::packed::Packed;
use wattpool_schema::pool::{TermsResponse, ZonePairTerms};
use wattpool_schema::stored::escrow as stored;
use wattpool_schema::stored::escrow::{Current, Side};
use wattpool_schema::{Approval, MeterId, Micro, Seconds, Wh, Window};

use crate::market;
use crate::state::Config;

/// A standing order that is not closed: what is stored of it, and what becomes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order(stored::Order);

impl Deref for Order {
    type Target = stored::Order;

    fn deref(&self) -> &stored::Order {
        &self.0
    }
}

impl DerefMut for Order {
    fn deref_mut(&mut self) -> &mut stored::Order {
        &mut self.0
    }
}

impl Packed for Order {
    fn pack(&self, out: &mut Vec<u8>) {
        self.0.pack(out);
    }
    fn unpack(from: &mut &[u8]) -> Option<Self> {
        Packed::unpack(from).map(Self)
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
    pub fn open(approval: &Approval, wh: Wh, pair: &ZonePairTerms, terms: &TermsResponse) -> Self {
        Self(stored::Order {
            seller: approval.seller,
            nonce: approval.nonce,
            first: approval.first_window,
            last: approval
                .first_window
                .plus(u64::from(approval.count.saturating_sub(1))),
            wh,
            price: approval.price,
            loss: pair.loss,
            charge: pair.charge,
            selling: Side::of(&terms.seller),
            buying: Side::of(&terms.buyer),
            inside: market::one_household(terms),
            requested_at: approval.requested_at,
            locked: Micro::ZERO,
            totals: Default::default(),
            declined: Wh::ZERO,
            missed: Wh::ZERO,
            void: Wh::ZERO,
            last_chunk: None,
            cancelled: false,
            now: Current::begin(approval.first_window),
        })
    }

    /// Whether it has ended before its time: a side has another tenure or zone than at the opening, or is retired.
    pub fn ended(&self, terms: &TermsResponse) -> bool {
        !self.selling.is(&terms.seller) || !self.buying.is(&terms.buyer)
    }

    /// The terms of its chunks.
    pub const fn terms(&self) -> Terms {
        Terms {
            loss: self.0.loss,
            price: self.0.price,
            charge: self.0.charge,
        }
    }

    /// Totals so far.
    pub const fn totals(&self) -> Totals {
        let (net, gross, paid, charge) = self.0.totals;
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
        self.now.net = self.now.net.try_add(chunk.net)?;
        self.now.gross = self.now.gross.try_add(chunk.gross)?;
        self.locked = self.locked.try_sub(chunk.paid.try_add(chunk.charge)?)?;
        self.last_chunk = Some(now);
        Ok(())
    }

    /// Number of windows: fewer after cancelling.
    pub fn windows(&self) -> u64 {
        self.last.next().0.saturating_sub(self.first.0)
    }

    /// What arrives for it of `gross` more tokens in the current window.
    pub fn net_of(&self, gross: Wh) -> Wh {
        arriving(self.now.gross.saturating_add(gross), self.loss).saturating_sub(self.now.net)
    }

    /// What of the current window's energy has not arrived yet.
    pub fn undelivered(&self) -> Wh {
        self.wh.saturating_sub(self.now.net)
    }

    /// Money that the windows from the current one on may still need.
    pub fn lock_needed(&self) -> Result<Micro, MarketError> {
        let left = self.last.next().0.saturating_sub(self.now.window.0);
        let to_come = if left == 0 {
            Wh::ZERO
        } else {
            self.wh.try_times(left)?.try_sub(self.now.net)?
        };
        let totals = self.totals();
        Ok(lock_needed(
            totals.net.try_add(to_come)?,
            self.price,
            self.charge,
            totals.paid,
            totals.charge,
        )?)
    }

    /// Takes what is locked beyond need out of the lock.
    pub fn free_excess(&mut self) -> Result<Micro, MarketError> {
        let needed = self.lock_needed()?;
        let freed = self.locked.try_sub(needed)?;
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
        let between = live
            .0
            .min(self.last.next().0)
            .saturating_sub(left.window.next().0);
        let outcome = self.settle(querier, config)?;
        self.declined = self.declined.try_add(self.wh.try_times(between)?)?;
        self.now = Current::begin(live);
        let freed = self.free_excess()?;
        let event = self.window_event(key, left, outcome, freed);
        Ok(Rolled {
            event: Some(event),
            freed,
        })
    }

    /// Ends it before its time: the window that is live counts as far as there is evidence, later ones for neither side. All of its money is free.
    pub fn end(
        &mut self,
        querier: QuerierWrapper,
        config: &Config,
        key: (MeterId, u64),
        live: Window,
    ) -> Result<Rolled, MarketError> {
        let left = self.now;
        let freed = self.locked;
        self.locked = Micro::ZERO;
        if live < left.window {
            self.void = self.wh.try_times(self.windows())?;
            return Ok(Rolled { event: None, freed });
        }
        let later = self.last.0.saturating_sub(live.0);
        let outcome = self.settle(querier, config)?;
        // Not wanted is nobody's fault in an order that is no more.
        self.declined = self.declined.try_sub(outcome.declined)?;
        self.void = self
            .void
            .try_add(outcome.declined)?
            .try_add(self.wh.try_times(later)?)?;
        let outcome = WindowOutcome {
            declined: Wh::ZERO,
            ..outcome
        };
        Ok(Rolled {
            event: Some(self.window_event(key, left, outcome, freed)),
            freed,
        })
    }

    /// What becomes of the current window, booked.
    fn settle(
        &mut self,
        querier: QuerierWrapper,
        config: &Config,
    ) -> Result<WindowOutcome, MarketError> {
        let left = self.now;
        if left.skipped {
            self.void = self.void.try_add(self.undelivered())?;
            return Ok(WindowOutcome {
                declined: Wh::ZERO,
                undelivered: self.undelivered(),
                missed: Wh::ZERO,
            });
        }
        let settle = |excused| window_outcome(self.wh, left.net, left.shown, left.short, excused);
        let mut outcome = settle(false);
        if !outcome.missed.is_zero() {
            // Only a window that would be held against the seller is worth the question.
            let books = market::pool_window(querier, config, left.window)?;
            outcome = settle(books.paused || books.halted);
        }
        self.declined = self.declined.try_add(outcome.declined)?;
        self.missed = self.missed.try_add(outcome.missed)?;
        Ok(outcome)
    }

    fn window_event(
        &self,
        (buyer, trade_id): (MeterId, u64),
        left: Current,
        outcome: WindowOutcome,
        refunded: Micro,
    ) -> OrderWindow {
        OrderWindow {
            trade_id,
            buyer,
            seller: self.seller,
            window: left.window,
            delivered: left.net,
            declined: outcome.declined,
            missed: outcome.missed,
            refunded,
        }
    }

    /// As the world sees it.
    pub fn response(&self, buyer: MeterId, trade_id: u64) -> OrderResponse {
        let totals = self.totals();
        OrderResponse {
            buyer,
            trade_id,
            seller: self.seller,
            nonce: self.nonce,
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
            shown_now: self.now.shown,
            short_now: self.now.short,
            cancelled: self.cancelled,
        }
    }
}
