//! Standing orders: what they lock, deliver, decline, miss and free.

use super::trades::Agreed;
use super::Auditor;
use crate::export::because;
use crate::finding::Rule;
use wattpool_rules::chunk::{Terms, Totals};
use wattpool_rules::order::lock_needed;
use wattpool_schema::escrow::{MAX_ORDERS, MAX_ORDER_WINDOWS};
use wattpool_schema::event::{Delivered, OrderCancelled, OrderOpened, OrderWindow, TradeClosed};
use wattpool_schema::{MeterId, Micro, Seconds, Wh, Window};

/// Buyer and its trade id.
pub(super) type Key = (MeterId, u64);

/// A standing order that is not closed.
#[derive(Clone, Debug)]
pub(super) struct Order {
    seller: MeterId,
    nonce: u64,
    first: Window,
    last: Window,
    wh: Wh,
    terms: Terms,
    payer: String,
    locked: Micro,
    totals: Totals,
    declined: u64,
    missed: u64,
    /// The window that is being delivered, what arrived in it and what was sent.
    now: Window,
    now_net: Wh,
    now_gross: Wh,
    last_chunk: Option<Seconds>,
    cancelled: bool,
}

impl Order {
    /// Money that the windows from the current one on may still need.
    fn needed(&self) -> Option<Micro> {
        let left = self.last.next().0.saturating_sub(self.now.0);
        let to_come = match left {
            0 => Wh::ZERO,
            left => self.wh.try_times(left).ok()?.saturating_sub(self.now_net),
        };
        let total = self.totals.net.saturating_add(to_come);
        let t = &self.totals;
        lock_needed(total, self.terms.price, self.terms.charge, t.paid, t.charge).ok()
    }
}

impl Auditor {
    fn no_order(&mut self, trade_id: u64) {
        if self.whole() {
            let what = format!("{trade_id}: there is no such open order of this buyer");
            self.wrong(Rule::StandingOrder, "trade_id", what);
        } else {
            self.forget_accounts();
        }
    }

    pub(super) fn order_opened(&mut self, e: &OrderOpened) {
        let (now, live) = (self.now(), self.live());
        self.take_names(e.buyer, e.trade_id, e.seller, e.nonce);
        if self.grid.paused == Some(true) {
            self.wrong(Rule::Paused, "", "an order while the market is paused");
        }
        self.meter_in_service(e.seller);
        self.meter_in_service(e.buyer);
        let count = e.last_window.next().0.saturating_sub(e.first_window.0);
        if count == 0 || count > u64::from(MAX_ORDER_WINDOWS) {
            let what = format!("{count} windows, expected 1 to {MAX_ORDER_WINDOWS}");
            self.wrong(Rule::StandingOrder, "last_window", what);
        }
        if e.first_window < now {
            let what = format!("{}, but window {now} is running", e.first_window);
            self.wrong(Rule::StandingOrder, "first_window", what);
        }
        let of_side = |buyer: bool| {
            let side = self.orders.iter();
            let mine = |(k, o): &(&Key, &Order)| {
                (buyer && k.0 == e.buyer) || (!buyer && o.seller == e.seller)
            };
            side.filter(mine).count()
        };
        let most = usize::try_from(MAX_ORDERS).unwrap_or(usize::MAX);
        if of_side(true) >= most || of_side(false) >= most {
            let what = format!("more than {MAX_ORDERS} orders of one side");
            self.wrong(Rule::StandingOrder, "trade_id", what);
        }
        let buying = self.terms_of(e.buyer, live);
        let zones = self
            .terms_of(e.seller, live)
            .map(|t| t.zone)
            .zip(buying.as_ref().map(|t| t.zone));
        let pair = zones.and_then(|(from, to)| self.grid.pair_of(from, to, live));
        let Some(((loss, charge, _), buying)) = pair.zip(buying) else {
            if self.whole() {
                self.wrong(
                    Rule::StandingOrder,
                    "seller",
                    "there are no terms between these meters",
                );
            }
            self.forget_accounts();
            return;
        };
        let agreed = Agreed {
            price: e.price,
            charge,
            loss,
        };
        self.check_price(e.seller, e.buyer, live, &agreed);
        let order = Order {
            seller: e.seller,
            nonce: e.nonce,
            first: e.first_window,
            last: e.last_window,
            wh: e.wh,
            terms: Terms {
                loss,
                price: e.price,
                charge,
            },
            payer: buying.owner,
            locked: e.locked,
            totals: Totals::default(),
            declined: 0,
            missed: 0,
            now: e.first_window,
            now_net: Wh::ZERO,
            now_gross: Wh::ZERO,
            last_chunk: None,
            cancelled: false,
        };
        match order.needed() {
            Some(needed) => {
                self.same(Rule::StandingOrder, "locked", &e.locked, &needed);
            }
            None => self.wrong(Rule::StandingOrder, "wh", "more than any account holds"),
        }
        let payer = order.payer.clone();
        self.lock(&payer, e.locked);
        let meter = self.registry.meters.entry(e.buyer).or_default();
        meter.locked = meter.locked.saturating_add(i128::from(e.locked.0));
        let locked = meter.locked;
        let limits = meter.limits.as_ref().map(|(_, l)| l.clone());
        let import = self.grid.tariffs_of(live).map(|(import, _)| import);
        if let (Some(limits), Some(import), true) = (limits, import, self.whole()) {
            let most = self.daily_spending(&limits, buying.max_import, import);
            if locked > i128::from(most.0) {
                let what = format!("{locked} locked in all, allowed are {most}");
                self.wrong(Rule::Limits, "locked", what);
            }
        }
        self.orders.insert((e.buyer, e.trade_id), order);
    }

    /// Frees money of an order; what is freed has to be what the event says.
    fn free(&mut self, key: Key, order: &mut Order, refunded: Micro, expected: Option<Micro>) {
        match expected {
            Some(expected) => {
                self.same(Rule::StandingOrder, "refunded", &refunded, &expected);
            }
            None => self.wrong(Rule::StandingOrder, "refunded", "more than is locked"),
        }
        order.locked = order.locked.saturating_sub(refunded);
        self.unlock(&order.payer.clone(), refunded);
        let meter = self.registry.meters.entry(key.0).or_default();
        meter.locked = meter.locked.saturating_sub(i128::from(refunded.0));
    }

    pub(super) fn order_cancelled(&mut self, e: &OrderCancelled) {
        let key = (e.buyer, e.trade_id);
        let Some(mut order) = self.orders.remove(&key) else {
            return self.no_order(e.trade_id);
        };
        self.same(Rule::StandingOrder, "seller", &e.seller, &order.seller);
        let now = self.now();
        if order.cancelled {
            self.wrong(Rule::StandingOrder, "trade_id", "it was cancelled before");
        }
        let last = if now < order.first {
            order.first.prev()
        } else {
            now
        };
        self.same(Rule::StandingOrder, "last_window", &e.last_window, &last);
        order.cancelled = true;
        order.last = last;
        let expected = order.needed().and_then(|n| order.locked.checked_sub(n));
        self.free(key, &mut order, e.refunded, expected);
        self.orders.insert(key, order);
    }

    pub(super) fn order_window(&mut self, e: &OrderWindow) {
        let key = (e.buyer, e.trade_id);
        let Some(mut order) = self.orders.remove(&key) else {
            return self.no_order(e.trade_id);
        };
        let live = self.live();
        self.same(Rule::StandingOrder, "seller", &e.seller, &order.seller);
        self.same(Rule::StandingOrder, "window", &e.window, &order.now);
        self.same(
            Rule::StandingOrder,
            "delivered",
            &e.delivered,
            &order.now_net,
        );
        let parts = e
            .delivered
            .saturating_add(e.declined)
            .saturating_add(e.missed);
        if parts > order.wh {
            let what = format!("{parts} delivered, declined and missed of {}", order.wh);
            self.wrong(Rule::StandingOrder, "declined", what);
        }
        order.missed = order.missed.saturating_add(e.missed.0);
        order.declined = order.declined.saturating_add(e.declined.0);
        if live > order.now {
            let until = live.0.min(order.last.next().0);
            let between = until.saturating_sub(order.now.next().0);
            let untried = order.wh.0.saturating_mul(between);
            order.declined = order.declined.saturating_add(untried);
            order.now = live;
            order.now_net = Wh::ZERO;
            order.now_gross = Wh::ZERO;
            let expected = order.needed().and_then(|n| order.locked.checked_sub(n));
            self.free(key, &mut order, e.refunded, expected);
        } else {
            // It ends before its time: all of its money is free.
            let all = Some(order.locked);
            self.free(key, &mut order, e.refunded, all);
        }
        self.orders.insert(key, order);
    }

    pub(super) fn deliver_order(&mut self, e: &Delivered) {
        let key = (e.buyer, e.trade_id);
        let Some(mut order) = self.orders.remove(&key) else {
            self.no_order(e.trade_id);
            return self.pay_unknown_order(e);
        };
        self.same(Rule::StandingOrder, "seller", &e.seller, &order.seller);
        if e.window < order.first || e.window > order.last {
            let what = format!(
                "{}, the order is for {} to {}",
                e.window, order.first, order.last
            );
            self.wrong(Rule::StandingOrder, "window", what);
        }
        if order.now != e.window {
            let what = format!(
                "{}, but what became of window {} was not said",
                e.window, order.now
            );
            self.wrong(Rule::StandingOrder, "window", what);
            order.now = e.window;
            order.now_net = Wh::ZERO;
            order.now_gross = Wh::ZERO;
        }
        let left = order.wh.saturating_sub(order.now_net);
        if e.net > left {
            let what = format!("{}, of this window's energy {left} are left", e.net);
            self.wrong(Rule::StandingOrder, "net", what);
        }
        let agreed = Agreed {
            price: order.terms.price,
            charge: order.terms.charge,
            loss: order.terms.loss,
        };
        self.check_price(e.seller, e.buyer, e.window, &agreed);
        let in_window = (order.now_net, order.now_gross);
        let chunk = self.check_chunk(e, order.terms, order.totals, in_window);
        match order.totals.plus(chunk) {
            Ok(sum) => order.totals = sum,
            Err(error) => self.wrong(Rule::StandingOrder, "net", because(error)),
        }
        order.now_net = order.now_net.saturating_add(e.net);
        order.now_gross = order.now_gross.saturating_add(e.gross);
        order.last_chunk = Some(Seconds(self.at.time));
        let spent = e.paid.saturating_add(e.charge);
        if spent > order.locked {
            let what = format!("{spent} with the charge, {} are locked", order.locked);
            self.wrong(Rule::Money, "paid", what);
        }
        order.locked = order.locked.saturating_sub(spent);
        self.pay_locked(e, &order.payer.clone());
        let meter = self.registry.meters.entry(e.buyer).or_default();
        meter.locked = meter.locked.saturating_sub(i128::from(spent.0));
        self.orders.insert(key, order);
    }

    pub(super) fn close_order(&mut self, e: &TradeClosed) {
        let key = (e.buyer, e.trade_id);
        let Some(order) = self.orders.remove(&key) else {
            return self.no_order(e.trade_id);
        };
        let r = Rule::StandingOrder;
        self.same(r, "seller", &e.seller, &order.seller);
        self.same(r, "nonce", &e.nonce, &order.nonce);
        self.same(r, "window", &e.window, &order.first);
        self.same(r, "price", &e.price, &order.terms.price);
        let windows = order.last.next().0.saturating_sub(order.first.0);
        self.same(r, "count", &u64::from(e.count), &windows);
        let most = order.wh.0.saturating_mul(windows);
        if e.asked.0 > most {
            let what = format!("{}, the order is for {most}", e.asked);
            self.wrong(r, "asked", what);
        }
        self.same(r, "arrived", &e.arrived, &order.totals.net);
        let lost = order.totals.gross.saturating_sub(order.totals.net);
        self.same(r, "lost", &e.lost, &lost);
        self.same(r, "paid", &e.paid, &order.totals.paid);
        self.same(r, "charge", &e.charge, &order.totals.charge);
        self.same(r, "declined", &e.declined.0, &order.declined);
        self.same(r, "missed", &e.missed.0, &order.missed);
        let closed = order.last_chunk.unwrap_or(Seconds(self.at.time));
        self.same(r, "closed_at", &e.closed_at, &closed);
        self.unlock(&order.payer, order.locked);
        let meter = self.registry.meters.entry(e.buyer).or_default();
        meter.locked = meter.locked.saturating_sub(i128::from(order.locked.0));
    }
}
