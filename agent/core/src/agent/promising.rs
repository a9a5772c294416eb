//! The selling side of standing orders: what is promised, and the tokens held for it.

use super::order_book::{Order, Promise};
use super::orders::LEAST;
use super::{Agent, Intent, Out};
use crate::context::Context;
use crate::io::{MarketTx, Millis, Timer};
use wattpool_rules::loss;
use wattpool_schema::escrow::{MAX_ORDERS, MAX_ORDER_WINDOWS};
use wattpool_schema::peer::{DenialReason, TradeRequest};
use wattpool_schema::pool::ZonePairTerms;
use wattpool_schema::{Approval, Price, Seconds, TradeKind, Wh, RECORD_VERSION};

/// Windows in a row that a buyer declines whole before its order is cancelled.
const DECLINED: u8 = 2;

impl Agent {
    /// Tokens are held for orders until their buyers have had time to ask for delivery.
    pub(super) fn hold_for_orders(&mut self, now: Millis, out: &mut Out) {
        let live = self.selling.window;
        let due = self
            .orders
            .open
            .iter()
            .filter(|o| o.selling && o.runs_in(live));
        let hold = due
            .map(|o| o.gross.saturating_sub(o.sent_in(live)))
            .fold(Wh::ZERO, Wh::saturating_add);
        let over = self.first_part_over();
        if now >= over {
            return;
        }
        self.selling.order_hold =
            hold.min(self.selling.minted.saturating_sub(self.policy.reserve_wh));
        if !self.selling.order_hold.is_zero() {
            let at = over.since(now);
            self.schedule(now, Timer::Release, at, out);
            let second = self.second_try_at().since(now);
            self.schedule(now, Timer::Deliver, second, out);
        }
    }

    /// Local time at which the first part of the running window is over, on the chain too.
    fn first_part_over(&self) -> Millis {
        let t = &self.market.timing;
        self.begun_at().plus(t.orders_ms.saturating_add(t.block_ms))
    }

    /// Local time of the delivery that decides what was declined and missed: early in the second half of the first part.
    pub(super) fn second_try_at(&self) -> Millis {
        let t = &self.market.timing;
        let spread = self.jitter(self.selling.window, 13).min(t.block_ms / 2);
        let half = (t.orders_ms / 2).saturating_add(t.block_ms);
        self.begun_at().plus(half.saturating_add(spread))
    }

    /// The first part is over: what orders left is for everybody. A buyer that let two windows pass without a need gets
    /// its order cancelled, and no other for a week.
    pub(super) fn release_order_hold(&mut self, now: Millis, cx: &mut Context<'_>, out: &mut Out) {
        let live = self.selling.window;
        let held = !self.selling.order_hold.is_zero();
        self.selling.order_hold = Wh::ZERO;
        let mut cancelled = Vec::new();
        for order in &mut self.orders.open {
            if !order.selling || order.trade_id == 0 || !order.runs_in(live) {
                continue;
            }
            let wanted = cx.registry.purchases(&order.buyer).wants_more();
            if wanted || !order.sent_in(live).is_zero() {
                order.declined = 0;
            } else if held {
                order.declined = order.declined.saturating_add(1);
            }
            if order.declined == DECLINED && held {
                cancelled.push((order.buyer, order.trade_id, order.last));
            }
        }
        for (buyer, trade_id, last) in cancelled {
            self.partners.decline_order(buyer, self.block.time);
            self.partners_changed = true;
            // Of one that ends with the running window there is nothing left to cancel.
            if last <= live.next() {
                continue;
            }
            let cancel = MarketTx::CancelOrder { buyer, trade_id };
            self.submit(Intent::Cancel { buyer, trade_id }, cancel, out);
        }
        self.refresh_offer(now, cx, out);
    }

    /// As a seller: asks for delivery of what buyers have shown a need for and not got.
    pub(super) fn deliver_promises(&mut self, cx: &Context<'_>, out: &mut Out) {
        let live = self.selling.window;
        if self.selling.order_hold.is_zero() || !self.policy.sells() || self.paused {
            return;
        }
        let due: Vec<Order> = self
            .orders
            .open
            .iter()
            .filter(|o| o.selling && o.trade_id != 0 && o.runs_in(live))
            .filter(|o| o.sent_in(live) < o.gross && !self.delivering(o))
            .filter(|o| cx.registry.purchases(&o.buyer).wants_more())
            .copied()
            .collect();
        for Order {
            buyer, trade_id, ..
        } in due
        {
            let deliver = MarketTx::Deliver {
                buyer,
                trade_id,
                cover: None,
            };
            self.submit(Intent::Deliver { buyer, trade_id }, deliver, out);
        }
    }

    /// As a seller: whether to promise so much per window.
    pub(super) fn consider_order(
        &mut self,
        r: &TradeRequest,
        most: Wh,
        price: Price,
        pair: &ZonePairTerms,
        chain_now: Seconds,
    ) -> Result<Approval, (DenialReason, Wh)> {
        let no = |reason| Err((reason, Wh::ZERO));
        let Some(terms) = &self.terms else {
            return no(DenialReason::Window);
        };
        if !self.policy.forward || self.policy.paused || self.policy.manual_approval {
            return no(DenialReason::Policy);
        }
        if self.market.timing.orders_ms == 0 || self.partners.declined_lately(&r.buyer, chain_now) {
            return no(DenialReason::Policy);
        }
        if self.partners.let_lapse_lately(&r.buyer, chain_now) {
            return no(DenialReason::Later);
        }
        if self.orders.promises.iter().any(|p| p.buyer == r.buyer) {
            return no(DenialReason::Busy);
        }
        if r.count == 0
            || r.count > MAX_ORDER_WINDOWS
            || r.first_window < terms.now
            || r.first_window > terms.now.plus(96)
        {
            return no(DenialReason::Window);
        }
        let selling = self
            .orders
            .open
            .iter()
            .filter(|o| o.selling)
            .count()
            .saturating_add(self.orders.promises.len());
        if u32::try_from(selling).map_or(true, |n| n >= MAX_ORDERS) {
            return no(DenialReason::Busy);
        }
        let last = r.first_window.plus(u64::from(r.count.saturating_sub(1)));
        let Some((surplus, _)) = self.forecast.span(r.first_window, r.count) else {
            return no(DenialReason::Policy);
        };
        if !self.hours_allow(r.first_window, r.count) {
            return no(DenialReason::Policy);
        }
        let mut free = Wh(surplus.0 / 2)
            .saturating_sub(self.policy.reserve_wh)
            .saturating_sub(self.orders.promised(r.first_window, last));
        if let Some(limit) = self.policy.max_sell_wh_per_day {
            let left = limit.saturating_sub(self.day.sold);
            free = free.min(Wh(left.0.checked_div(u64::from(r.count)).unwrap_or(0)));
        }
        let wh = r.wh.min(loss::arriving(free, pair.loss)).min(most);
        let Ok(gross) = loss::gross_for(wh, pair.loss) else {
            return no(DenialReason::Invalid);
        };
        if wh < LEAST {
            return no(DenialReason::SoldOut);
        }
        Ok(Approval {
            version: RECORD_VERSION,
            kind: TradeKind::Forward,
            chain: self.market.chain.clone(),
            escrow: self.market.escrow.clone(),
            seller: self.id.meter,
            buyer: r.buyer,
            first_window: r.first_window,
            count: r.count,
            wh,
            // All or nothing: places for orders are few.
            min_wh: wh,
            price,
            max_gross: gross,
            max_charge: pair.charge,
            requested_at: r.requested_at,
            expires_at: Seconds(chain_now.0.saturating_add(self.market.timing.approval_s)),
            nonce: self.next_nonce(),
        })
    }

    pub(super) fn promise_order(&mut self, a: &Approval) {
        self.orders.promises.push(Promise {
            buyer: a.buyer,
            nonce: a.nonce,
            first: a.first_window,
            last: a.first_window.plus(u64::from(a.count.saturating_sub(1))),
            wh: a.wh,
            gross: a.max_gross,
            expires_at: a.expires_at,
        });
    }
}
