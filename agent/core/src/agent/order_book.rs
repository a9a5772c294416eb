//! What an agent knows of its standing orders: those that run, promised ones, and those on their way.

use super::Intent;
use wattpool_optimizer::predict::Conditions;
use wattpool_schema::escrow::OpenOrder;
use wattpool_schema::event::Delivered;
use wattpool_schema::peer::SignedRequest;
use wattpool_schema::{Approval, MeterId, Price, Seconds, Wh, Window};

/// A standing order of this meter, on either side.
#[derive(Clone, Copy, Debug)]
pub(super) struct Order {
    pub buyer: MeterId,
    pub seller: MeterId,
    pub trade_id: u64,
    pub nonce: u64,
    pub first: Window,
    pub last: Window,
    pub wh: Wh,
    /// Gross per window, as approved.
    pub gross: Wh,
    /// Price and charge together, at most.
    pub price: Price,
    pub selling: bool,
    pub closing: bool,
    /// As a buyer: what was known when it was asked for; not known any more after a restart.
    pub about: Option<Conditions>,
    /// As a buyer: block time of the last delivery seen.
    pub last_chunk: Option<Seconds>,
    /// The last window of which something was delivered, how much arrived of it, and what was sent for that.
    pub got: (Window, Wh, Wh),
    /// As a seller: windows in a row that the buyer declined whole.
    pub declined: u8,
}

/// A standing order on its way to the chain, and what was known when it was asked for.
#[derive(Debug)]
pub(super) struct Opening {
    pub order: OpenOrder,
    pub about: Option<Conditions>,
}

impl Order {
    pub(super) fn runs_in(&self, window: Window) -> bool {
        self.first <= window && window <= self.last
    }

    pub(super) fn got_in(&self, window: Window) -> Wh {
        let (of, net, _) = self.got;
        if of == window {
            net
        } else {
            Wh::ZERO
        }
    }

    pub(super) fn sent_in(&self, window: Window) -> Wh {
        let (of, _, gross) = self.got;
        if of == window {
            gross
        } else {
            Wh::ZERO
        }
    }

    fn count(&mut self, d: &Delivered) {
        let (net, gross) = (self.got_in(d.window), self.sent_in(d.window));
        self.got = (
            d.window,
            net.saturating_add(d.net),
            gross.saturating_add(d.gross),
        );
    }
}

/// An approval given for an order that may be opened yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Promise {
    pub buyer: MeterId,
    pub nonce: u64,
    pub first: Window,
    pub last: Window,
    pub wh: Wh,
    pub gross: Wh,
    pub expires_at: Seconds,
}

/// Standing orders and what is on the way to one.
#[derive(Debug, Default)]
pub(super) struct Orders {
    pub open: Vec<Order>,
    pub promises: Vec<Promise>,
    pub asked: Option<(SignedRequest, Conditions)>,
    pub opening: Vec<Opening>,
    /// Transactions of which it is not known whether they were executed.
    pub lost: Vec<Intent>,
    pub considered: Window,
}

impl Orders {
    /// Counts a delivery to the order it is of.
    pub fn count(&mut self, selling: bool, d: &Delivered) {
        let of =
            |o: &&mut Order| (o.selling, o.buyer, o.trade_id) == (selling, d.buyer, d.trade_id);
        if let Some(order) = self.open.iter_mut().find(of) {
            order.count(d);
        }
    }

    /// Whether something may be delivered to this meter in a window.
    pub fn buys_in(&self, window: Window) -> bool {
        self.open.iter().any(|o| !o.selling && o.runs_in(window))
    }

    /// Promises that a block after their expiry has been seen for can no longer be used.
    pub fn forget_promises(&mut self, seen: Seconds) -> Vec<Promise> {
        let (lapsed, open) = std::mem::take(&mut self.promises)
            .into_iter()
            .partition(|p| p.expires_at < seen);
        self.promises = open;
        lapsed
    }

    pub(super) fn promised(&self, first: Window, last: Window) -> Wh {
        let overlaps = |f: Window, l: Window| f <= last && first <= l;
        let open = self
            .open
            .iter()
            .filter(|o| o.selling && overlaps(o.first, o.last))
            .map(|o| o.gross);
        let promised = self
            .promises
            .iter()
            .filter(|p| overlaps(p.first, p.last))
            .map(|p| p.gross);
        open.chain(promised).fold(Wh::ZERO, Wh::saturating_add)
    }

    /// Takes up an order that was journalled before a restart; the chain says whether it was opened.
    pub fn resume_opening(&mut self, order: OpenOrder) {
        self.opening.push(Opening { order, about: None });
    }

    /// Takes up an approval that was journalled before a restart: it may have become an order.
    pub fn resume_promise(&mut self, a: &Approval) {
        self.open.push(Order {
            buyer: a.buyer,
            seller: a.seller,
            trade_id: 0,
            nonce: a.nonce,
            first: a.first_window,
            last: a.first_window.plus(u64::from(a.count.saturating_sub(1))),
            wh: a.wh,
            gross: a.max_gross,
            price: a.price,
            selling: true,
            closing: false,
            about: None,
            last_chunk: None,
            got: Default::default(),
            declined: 0,
        });
    }

    /// Orders to submit again after a restart.
    pub fn reopen(&self) -> Vec<OpenOrder> {
        self.opening.iter().map(|o| o.order.clone()).collect()
    }
}
