//! Standing orders, by a simple rule on the forecast.
//!
//! A buyer that got at least half of its need from one seller asks that seller for the next windows, once
//! a day of history is known: half of the least deficit expected over them. A seller agrees to at most half
//! of the least surplus it expects there, all promises together. The halves leave room for error in the
//! forecast; what an order does not bring is bought at once, what it does not take is sold at once.

use super::order_book::{Opening, Order};
use super::{Agent, Intent, Out};
use crate::context::Context;
use crate::io::{BlockRef, Command, JournalEntry, MarketTx, Millis, Timer, TxFailure};
use crate::metering::Metered;
use wattpool_optimizer::predict::Kind;
use wattpool_schema::error::Code;
use wattpool_schema::escrow::OpenOrder;
use wattpool_schema::event::MarketEvent;
use wattpool_schema::peer::{Answer, SignedRequest, TradeAnswer, TradeRequest};
use wattpool_schema::{MeterId, Price, Seconds, TradeKind, Wh, Window, RECORD_VERSION};

/// Windows a standing order runs.
const COUNT: u32 = 4;
/// Least expected quality of an order that is worth locking money for.
const LEAST_QUALITY: f64 = 0.5;
/// Less than this per window is not worth an order, Wh.
pub(super) const LEAST: Wh = Wh(50);

/// Seconds from the request of a standing order to the end of the last window in which it can be delivered:
/// the energy of its last window is traded in the one after it.
pub(super) fn span_s(window_s: u32) -> u64 {
    u64::from(COUNT.saturating_add(1)).saturating_mul(u64::from(window_s))
}

/// Seconds from the request of a standing order, made half-way through a window, to its last delivery, made
/// when the window after its last one has begun.
pub(super) fn usual_s(window_s: u32) -> u64 {
    u64::from(COUNT.saturating_mul(2).saturating_sub(1)).saturating_mul(u64::from(window_s)) / 2
}

impl Agent {
    /// With the window's energy known: deliveries, closings, and a thought about new orders.
    pub(super) fn open_orders(&mut self, now: Millis, metered: &Metered, out: &mut Out) {
        let live = self.buying.window;
        let t = self.market.timing;
        if !metered.deficit.is_zero() && self.orders.buys_in(live) {
            let delay = t
                .block_ms
                .saturating_add(t.block_ms / 2)
                .min(t.orders_ms)
                .saturating_add(self.jitter(live, 9));
            self.schedule(now, Timer::Deliver, delay, out);
        }
        let ended: Vec<Order> = self
            .orders
            .open
            .iter_mut()
            .filter(|o| o.last < live && !o.closing)
            .map(|o| {
                o.closing = true;
                *o
            })
            .collect();
        for order in ended {
            if order.selling {
                self.orders
                    .open
                    .retain(|o| o.nonce != order.nonce || !o.selling);
            } else {
                let (buyer, trade_id) = (order.buyer, order.trade_id);
                self.submit(
                    Intent::Close { buyer, trade_id },
                    MarketTx::CloseOrder { buyer, trade_id },
                    out,
                );
            }
        }
        if t.orders_ms > 0
            && self.policy.forward
            && self.policy.buys()
            && !metered.deficit.is_zero()
            && self.forecast.ready()
        {
            self.schedule(now, Timer::Orders, t.window_ms / 2, out);
        }
    }

    /// Asks for delivery of all orders that run, within the need: as soon as sellers can have tokens, and once more in
    /// time for what is still lacking to be held against who lacks it.
    pub(super) fn deliver_orders(&mut self, now: Millis, cx: &mut Context<'_>, out: &mut Out) {
        let live = self.buying.window;
        let second = self.second_try_at();
        if now >= second {
            self.deliver_promises(cx, out);
        }
        if now >= self.closing_at() || !self.may_buy(now) {
            return;
        }
        if now < second && self.orders.buys_in(live) {
            self.schedule(now, Timer::Deliver, second.since(now), out);
        }
        let due: Vec<Order> = self
            .orders
            .open
            .iter()
            .filter(|o| !o.selling && o.runs_in(live) && !self.delivering(o))
            .filter(|o| self.price_allowed(o.price) && !self.is_blocked(&o.seller))
            .copied()
            .collect();
        let mut asked_for = Wh::ZERO;
        for order in due {
            let want = self
                .buying
                .need
                .saturating_sub(self.buying.covered.max(self.buying.bought))
                .min(order.wh.saturating_sub(order.got_in(live)));
            // What the other orders of this window will take of the day's limits is not counted yet.
            let want = self
                .affordable(want.saturating_add(asked_for))
                .saturating_sub(asked_for);
            if want.is_zero() {
                continue;
            }
            asked_for = asked_for.saturating_add(want);
            self.buying.covered = self
                .buying
                .covered
                .max(self.buying.bought)
                .saturating_add(want);
            let cover = Some(self.cover(self.buying.covered, cx));
            let (buyer, trade_id) = (order.buyer, order.trade_id);
            self.submit(
                Intent::Deliver { buyer, trade_id },
                MarketTx::Deliver {
                    buyer,
                    trade_id,
                    cover,
                },
                out,
            );
        }
    }

    /// Within the owner's price limit.
    fn price_allowed(&self, price: Price) -> bool {
        self.policy.max_buy_price.is_none_or(|most| price <= most)
    }

    /// Trading is allowed in the hours in which a standing order from this window on is delivered.
    pub(super) fn hours_allow(&self, first: Window, count: u32) -> bool {
        (1..=u64::from(count)).all(|later| {
            let traded = first.plus(later);
            self.policy.hour_allowed(traded.start(self.market.window_s))
        })
    }

    /// Asked for already, and not answered yet.
    pub(super) fn delivering(&self, o: &Order) -> bool {
        let intent = Intent::Deliver {
            buyer: o.buyer,
            trade_id: o.trade_id,
        };
        self.intents.iter().any(|(_, i)| *i == intent)
    }

    pub(super) fn on_order_delivered(
        &mut self,
        now: Millis,
        at: BlockRef,
        (buyer, trade_id): (MeterId, u64),
        outcome: Result<Vec<MarketEvent>, TxFailure>,
        cx: &mut Context<'_>,
        out: &mut Out,
    ) {
        match outcome {
            Ok(events) => {
                for event in &events {
                    if let MarketEvent::Delivered(d) = event {
                        self.count_delivery(at, d);
                    }
                }
                self.free_cover();
            }
            Err(TxFailure::Lost | TxFailure::Unsent(_)) => {
                self.lost_order_tx(now, Intent::Deliver { buyer, trade_id }, out);
                return;
            }
            Err(_) => {}
        }
        self.plan_purchases(now, cx, out);
    }

    pub(super) fn lost_order_tx(&mut self, now: Millis, intent: Intent, out: &mut Out) {
        self.orders.lost.push(intent);
        self.resubmit_later(now, out);
    }

    /// Submits again what got lost: under the same id that is harmless.
    pub(super) fn resubmit_orders(&mut self, cx: &Context<'_>, out: &mut Out) {
        for intent in std::mem::take(&mut self.orders.lost) {
            match intent {
                Intent::Deliver { buyer, trade_id } => {
                    let live = self.buying.window;
                    let due = |o: &Order| {
                        !o.selling && o.buyer == buyer && o.trade_id == trade_id && o.runs_in(live)
                    };
                    if self.orders.open.iter().any(due) {
                        let cover = Some(self.cover(self.buying.covered, cx));
                        self.submit(
                            intent,
                            MarketTx::Deliver {
                                buyer,
                                trade_id,
                                cover,
                            },
                            out,
                        );
                    }
                }
                Intent::Open { trade_id } => {
                    if let Some(order) = self
                        .orders
                        .opening
                        .iter()
                        .find(|o| o.order.trade_id == trade_id)
                        .map(|o| o.order.clone())
                    {
                        self.submit(intent, MarketTx::OpenOrder(Box::new(order)), out);
                    }
                }
                Intent::State
                | Intent::Settle { .. }
                | Intent::Close { .. }
                | Intent::Cancel { .. } => {}
            }
        }
    }

    /// Asks the best seller of this window for the next ones, by the rule above.
    pub(super) fn think_of_orders(&mut self, now: Millis, cx: &mut Context<'_>, out: &mut Out) {
        let Some(terms) = self.terms.clone() else {
            return;
        };
        let first = terms.now;
        // A seller that has not answered by the next window will not.
        self.orders
            .asked
            .take_if(|(a, _)| a.request.first_window < first);
        let running = self
            .orders
            .open
            .iter()
            .filter(|o| !o.selling && o.last >= first)
            .count();
        if running > 0
            || self.orders.asked.is_some()
            || !self.orders.opening.is_empty()
            || self.orders.considered == first
        {
            return;
        }
        self.orders.considered = first;
        let Some((_, deficit)) = self.forecast.span(first, COUNT) else {
            return;
        };
        let wh = Wh(deficit.0 / 2);
        // What the day's limits leave has to do for all windows of the order.
        let all = Wh(wh.0.saturating_mul(u64::from(COUNT)));
        let all = self
            .affordable(all)
            .0
            .checked_div(u64::from(COUNT))
            .unwrap_or(0);
        let wh = wh.min(Wh(all));
        if !self.may_buy(now) || !self.hours_allow(first, COUNT) {
            return;
        }
        let best = self.best_seller();
        let (Some((seller, from)), true) = (best, wh >= LEAST) else {
            return;
        };
        if from.0.saturating_mul(2) < self.buying.need.0
            || !self.policy.forward
            || self.policy.paused
            || self.policy.manual_approval
        {
            return;
        }
        let Some(offer) = self
            .buying
            .offers
            .iter()
            .find(|o| o.seller == seller)
            .cloned()
        else {
            return;
        };
        let about = self.conditions(now, &seller, wh, offer.efficiency, cx);
        let predictor = self.learning.predictor();
        if predictor.expect(&seller, Kind::Forward, &about).quality < LEAST_QUALITY {
            return;
        }
        let Some(id) = self.next_trade_id() else {
            return;
        };
        let chain_now = self.chain_now(now);
        let request = TradeRequest {
            version: RECORD_VERSION,
            network: self.market.network.clone(),
            id,
            buyer: self.id.meter,
            seller,
            kind: TradeKind::Forward,
            first_window: first,
            count: COUNT,
            wh,
            max_price: self.policy.max_buy_price.map_or(offer.max_price, |most| {
                offer.max_price.min(most.saturating_sub(offer.charge))
            }),
            requested_at: chain_now,
            expires_at: Seconds(chain_now.0.saturating_add(self.market.timing.approval_s)),
        };
        let signature = cx.signer.sign_agent(&request.sign_bytes());
        let request = SignedRequest { request, signature };
        self.orders.asked = Some((request.clone(), about));
        out.push(Command::Ask {
            peer: offer.peer(),
            request: Box::new(request),
        });
    }

    /// The seller that most was bought from in this window.
    pub(super) fn best_seller(&self) -> Option<(MeterId, Wh)> {
        self.buying
            .from
            .iter()
            .copied()
            .max_by_key(|(id, wh)| (*wh, std::cmp::Reverse(*id)))
    }

    /// Takes an answer if it is one to a request for an order.
    pub(super) fn on_order_answer(
        &mut self,
        answer: &TradeAnswer,
        cx: &mut Context<'_>,
        out: &mut Out,
    ) -> bool {
        let Some((asked, about)) = self
            .orders
            .asked
            .take_if(|(a, _)| a.request.id == answer.id && a.request.seller == answer.seller)
        else {
            return false;
        };
        if let Answer::Approved(approval) = &answer.answer {
            let a = &approval.approval;
            let allowed = self.policy.forward
                && self.policy.buys()
                && self.price_allowed(a.price.saturating_add(a.max_charge));
            if allowed && self.acceptable(&asked.request, approval, cx) {
                let order = OpenOrder {
                    trade_id: answer.id,
                    wh: approval.approval.wh,
                    approval: approval.clone(),
                };
                out.push(Command::Journal(JournalEntry::Ordering(Box::new(
                    order.clone(),
                ))));
                self.orders.opening.push(Opening {
                    order: order.clone(),
                    about: Some(about),
                });
                self.submit(
                    Intent::Open {
                        trade_id: answer.id,
                    },
                    MarketTx::OpenOrder(Box::new(order)),
                    out,
                );
            }
        }
        true
    }

    pub(super) fn on_order_opened(
        &mut self,
        now: Millis,
        trade_id: u64,
        outcome: Result<Vec<MarketEvent>, TxFailure>,
        out: &mut Out,
    ) {
        let Some(at) = self
            .orders
            .opening
            .iter()
            .position(|o| o.order.trade_id == trade_id)
        else {
            return;
        };
        match outcome {
            Ok(_) | Err(TxFailure::Refused(Code::TradeExists)) => {
                let Opening { order, about } = self.orders.opening.swap_remove(at);
                let a = &order.approval.approval;
                self.orders.open.push(Order {
                    buyer: self.id.meter,
                    seller: a.seller,
                    trade_id,
                    nonce: a.nonce,
                    first: a.first_window,
                    last: a.first_window.plus(u64::from(a.count.saturating_sub(1))),
                    wh: order.wh,
                    gross: a.max_gross,
                    price: a.price.saturating_add(a.max_charge),
                    selling: false,
                    closing: false,
                    about,
                    last_chunk: None,
                    got: Default::default(),
                    declined: 0,
                });
                // Opened before a restart: its time in this window may be now.
                if self.orders.buys_in(self.buying.window) && !self.buying.left().is_zero() {
                    self.schedule(now, Timer::Deliver, self.market.timing.block_ms, out);
                }
            }
            Err(TxFailure::Lost | TxFailure::Unsent(_)) => {
                self.lost_order_tx(now, Intent::Open { trade_id }, out)
            }
            Err(_) => {
                self.orders.opening.swap_remove(at);
            }
        }
    }

    pub(super) fn on_order_closed(
        &mut self,
        buyer: MeterId,
        trade_id: u64,
        outcome: &Result<Vec<MarketEvent>, TxFailure>,
        out: &mut Out,
    ) {
        for event in outcome.iter().flatten() {
            if let MarketEvent::TradeClosed(closed) = event {
                self.learn_order(closed, out);
            }
        }
        let mine = |o: &Order| o.buyer == buyer && o.trade_id == trade_id && !o.selling;
        match outcome {
            // Whoever closed it, or if it is unknown: it is no open order any more.
            Ok(_) | Err(TxFailure::Refused(Code::UnknownTrade)) => {
                self.orders.open.retain(|o| !mine(o))
            }
            Err(_) => {
                if let Some(order) = self.orders.open.iter_mut().find(|o| mine(o)) {
                    order.closing = false;
                }
            }
        }
    }
}
