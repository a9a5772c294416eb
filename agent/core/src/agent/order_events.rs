//! What the chain tells of standing orders: opened, delivered, cancelled, closed, by whomever.

use super::order_book::Order;
use super::selling::Sale;
use super::{Agent, Intent, Out};
use crate::context::Context;
use crate::io::{BlockRef, Millis};
use wattpool_schema::event::MarketEvent;
use wattpool_schema::{TradeKind, Wh};

impl Agent {
    /// What others' transactions did to this meter's orders.
    pub(super) fn on_order_event(
        &mut self,
        now: Millis,
        at: BlockRef,
        event: &MarketEvent,
        cx: &mut Context<'_>,
        out: &mut Out,
    ) {
        match event {
            MarketEvent::OrderOpened(o) if o.seller == self.id.meter => {
                let same = |x: &Order| x.selling && x.nonce == o.nonce && x.trade_id == o.trade_id;
                if self.orders.open.iter().any(same) {
                    return;
                }
                let promise = self.orders.promises.iter().position(|p| p.nonce == o.nonce);
                let promise = promise.map(|i| self.orders.promises.swap_remove(i));
                let gross = match promise {
                    // Fewer Wh may have been taken than were promised.
                    Some(p) => Wh(p.gross.0.saturating_mul(o.wh.0).div_ceil(p.wh.0.max(1))),
                    // From before a restart.
                    None => self
                        .orders
                        .open
                        .iter()
                        .find(|x| x.selling && x.nonce == o.nonce)
                        .map_or(o.wh, |x| {
                            Wh(x.gross.0.saturating_mul(o.wh.0).div_ceil(x.wh.0.max(1)))
                        }),
                };
                self.orders
                    .open
                    .retain(|x| !(x.selling && x.nonce == o.nonce));
                self.orders.open.push(Order {
                    buyer: o.buyer,
                    seller: o.seller,
                    trade_id: o.trade_id,
                    nonce: o.nonce,
                    first: o.first_window,
                    last: o.last_window,
                    wh: o.wh,
                    gross,
                    price: o.price,
                    selling: true,
                    closing: false,
                    about: None,
                    last_chunk: None,
                    got: Default::default(),
                    declined: 0,
                });
            }
            MarketEvent::OrderCancelled(o) => {
                for order in self
                    .orders
                    .open
                    .iter_mut()
                    .filter(|x| x.buyer == o.buyer && x.trade_id == o.trade_id)
                {
                    order.last = o.last_window;
                }
            }
            MarketEvent::Delivered(d)
                if d.seller == self.id.meter
                    && d.kind == TradeKind::Forward
                    && d.window == self.selling.window =>
            {
                let chunk = Sale::Chunk(at.height, d.buyer, d.trade_id, d.net);
                if !self.selling.first_heard(chunk) {
                    return;
                }
                self.selling.sold = self.selling.sold.saturating_add(d.gross);
                self.selling.order_hold = self.selling.order_hold.saturating_sub(d.gross);
                self.orders.count(true, d);
                self.day.sold = self.day.sold.saturating_add(d.gross);
                self.partners_changed |= self.partners.buy(&d.buyer, d.net);
                if self.sellable().is_zero() {
                    self.withdraw_offer(out);
                } else {
                    self.refresh_offer(now, cx, out);
                }
            }
            // By another's transaction, or one from before a restart; that of a running one comes with its outcome.
            MarketEvent::Delivered(d)
                if d.buyer == self.id.meter && d.kind == TradeKind::Forward =>
            {
                let intent = Intent::Deliver {
                    buyer: d.buyer,
                    trade_id: d.trade_id,
                };
                if !self.intents.iter().any(|(_, i)| *i == intent) {
                    self.count_delivery(at, d);
                    self.plan_purchases(now, cx, out);
                }
            }
            MarketEvent::TradeClosed(t)
                if t.kind == TradeKind::Forward && t.seller == self.id.meter =>
            {
                self.orders
                    .open
                    .retain(|o| !(o.selling && o.nonce == t.nonce));
            }
            MarketEvent::TradeClosed(t)
                if t.kind == TradeKind::Forward && t.buyer == self.id.meter =>
            {
                self.learn_order(t, out);
                self.orders
                    .open
                    .retain(|o| o.selling || o.buyer != t.buyer || o.trade_id != t.trade_id);
            }
            _ => {}
        }
    }
}
