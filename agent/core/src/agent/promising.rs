//! The selling side of standing orders: what is promised, and the tokens held for it.

use super::orders::{Promise, LEAST};
use super::{Agent, Out};
use crate::context::Context;
use crate::io::{Millis, Timer};
use wattpool_rules::loss;
use wattpool_schema::escrow::{MAX_ORDERS, MAX_ORDER_WINDOWS};
use wattpool_schema::peer::{DenialReason, TradeRequest};
use wattpool_schema::pool::ZonePairTerms;
use wattpool_schema::{Approval, Price, Seconds, TradeKind, Wh, RECORD_VERSION};

impl Agent {
    /// Tokens are held for orders until their buyers have had time to ask for delivery.
    pub(super) fn hold_for_orders(&mut self, now: Millis, out: &mut Out) {
        let live = self.selling.window;
        let due = self
            .orders
            .open
            .iter()
            .filter(|o| o.selling && o.runs_in(live));
        let hold = due.map(|o| o.gross).fold(Wh::ZERO, Wh::saturating_add);
        self.selling.order_hold =
            hold.min(self.selling.minted.saturating_sub(self.policy.reserve_wh));
        if !self.selling.order_hold.is_zero() {
            self.schedule(now, Timer::Release, self.market.timing.orders_ms, out);
        }
    }

    pub(super) fn release_order_hold(&mut self, now: Millis, cx: &mut Context<'_>, out: &mut Out) {
        self.selling.order_hold = Wh::ZERO;
        self.refresh_offer(now, cx, out);
    }

    /// As a seller: whether to promise so much per window.
    pub(super) fn consider_order(
        &mut self,
        r: &TradeRequest,
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
        let wh = r.wh.min(loss::arriving(free, pair.loss));
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
            nonce: a.nonce,
            first: a.first_window,
            last: a.first_window.plus(u64::from(a.count.saturating_sub(1))),
            wh: a.wh,
            gross: a.max_gross,
            expires_at: a.expires_at,
        });
    }
}
