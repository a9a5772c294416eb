//! From answers to settled trades: what is accepted, journalled and submitted, and what follows a denial,
//! silence or a refusal (FR-09).

use super::buying::{Asked, Offered, Settling};
use super::{Agent, Intent, Out};
use crate::context::Context;
use crate::io::{Command, JournalEntry, MarketTx, Millis, Notice, Timer, TxFailure};
use wattpool_optimizer::predict::Conditions;
use wattpool_rules::loss;
use wattpool_rules::payment::payment;
use wattpool_schema::error::{Class, Code};
use wattpool_schema::escrow::SettleTrade;
use wattpool_schema::event::{MarketEvent, TradeClosed};
use wattpool_schema::peer::{Answer, DenialReason, TradeAnswer, TradeRequest};
use wattpool_schema::{Cover, MeterId, Micro, SignedApproval, SignedCover, Wh, RECORD_VERSION};

/// Refusals of a trade after which its seller need not be passed over in this window.
const NOT_THE_SELLER: [Code; 9] = [
    Code::ApprovalExpired,
    Code::CapacityExceeded,
    Code::CoverMissing,
    Code::InsufficientMoney,
    Code::LimitSpend,
    Code::NoLimits,
    Code::NoRoute,
    Code::Paused,
    Code::WindowClosed,
];
/// Refusals that are the seller's doing whatever the buyer did: only these count against it.
const THE_SELLER: [Code; 7] = [
    Code::AgentUnset,
    Code::BadSignature,
    Code::ChargeAboveApproved,
    Code::GrossAboveApproved,
    Code::InsufficientOwn,
    Code::NonceUsed,
    Code::Unsold,
];

/// How often in a window a seller whose owner decides is asked again.
const WAITS: u64 = 12;

impl Agent {
    pub(super) fn on_answer(
        &mut self,
        now: Millis,
        answer: TradeAnswer,
        cx: &mut Context<'_>,
        out: &mut Out,
    ) {
        if self.on_order_answer(&answer, cx, out) {
            return;
        }
        let matches = |a: &Asked| {
            a.request.request.id == answer.id && a.request.request.seller == answer.seller
        };
        let Some(at) = self.buying.asked.iter().position(matches) else {
            return;
        };
        let asked = self.buying.asked.swap_remove(at);
        match answer.answer {
            Answer::Approved(a) if !self.still_wanted(now, &a.approval) => {
                // The owner has changed the policy meanwhile: the approval lapses.
                self.reduce(&answer.seller, |_| Wh::ZERO);
            }
            Answer::Approved(approval)
                if self.acceptable(&asked.request.request, &approval, cx) =>
            {
                let taken = approval.approval.wh;
                let short = taken < asked.request.request.wh;
                self.reduce(&answer.seller, |o| {
                    if short {
                        Wh::ZERO
                    } else {
                        o.net.saturating_sub(taken)
                    }
                });
                self.settle(answer.id, approval, asked.about, cx, out);
            }
            Answer::Approved(_) => {
                // It is not what was asked for, or not the seller's word: this seller is not asked again.
                self.reduce(&answer.seller, |_| Wh::ZERO);
                self.learn_failure(answer.seller, &asked.about, out);
            }
            // Another time in this window; neither is held against the seller.
            Answer::Denied {
                reason: DenialReason::Later,
                ..
            } => {
                let spread = self.jitter(self.buying.window, 11);
                self.put_off(answer.seller, self.half_at().plus(spread));
            }
            Answer::Waiting { until } => {
                if until >= self.chain_now(now) {
                    let pause = self.market.timing.window_ms / WAITS;
                    self.put_off(answer.seller, now.plus(pause));
                } else {
                    self.reduce(&answer.seller, |_| Wh::ZERO);
                }
            }
            Answer::Denied { reason, available } => {
                let left = |o: &Offered| match reason {
                    // Halved, so that a seller who keeps promising cannot keep a buyer busy.
                    DenialReason::SoldOut | DenialReason::Busy => {
                        loss::arriving(available, o.loss).min(Wh(o.net.0 / 2))
                    }
                    _ => Wh::ZERO,
                };
                self.reduce(&answer.seller, left);
            }
        }
        self.plan_purchases(now, cx, out);
    }

    pub(super) fn reduce(&mut self, seller: &MeterId, left: impl Fn(&Offered) -> Wh) {
        if let Some(offer) = self.buying.offers.iter_mut().find(|o| o.seller == *seller) {
            offer.net = left(offer);
        }
    }

    /// The approval is for exactly this request, at no more than what was agreed to, and signed by the seller's agent.
    pub(super) fn acceptable(
        &self,
        r: &TradeRequest,
        signed: &SignedApproval,
        cx: &Context<'_>,
    ) -> bool {
        let a = &signed.approval;
        let pair = self.terms.as_ref().and_then(|t| {
            cx.registry
                .meter(&r.seller)
                .and_then(|m| t.pair(m.zone, self.id.zone).copied())
        });
        a.version == RECORD_VERSION
            && a.kind == r.kind
            && a.chain == self.market.chain
            && a.escrow == self.market.escrow
            && a.seller == r.seller
            && a.buyer == self.id.meter
            && a.first_window == r.first_window
            && a.count == r.count
            && !a.wh.is_zero()
            && a.wh <= r.wh
            && a.price <= r.max_price
            && a.requested_at == r.requested_at
            && a.expires_at >= self.block.time
            && pair.is_some_and(|p| {
                p.charge <= a.max_charge
                    && loss::gross_for(a.wh, p.loss).is_ok_and(|g| g <= a.max_gross)
            })
            && cx.registry.meter(&r.seller).is_some_and(|m| {
                cx.signer
                    .verify_agent(&m.agent, &a.sign_bytes(), &signed.signature)
            })
    }

    /// Journals and submits a trade with the import that covers it.
    pub(super) fn settle(
        &mut self,
        trade_id: u64,
        approval: SignedApproval,
        about: Conditions,
        cx: &mut Context<'_>,
        out: &mut Out,
    ) {
        let wh = approval.approval.wh;
        self.buying.covered = self
            .buying
            .covered
            .max(self.buying.bought)
            .saturating_add(wh);
        let trade = SettleTrade {
            trade_id,
            wh,
            cover: Some(self.cover(self.buying.covered, cx)),
            approval,
        };
        out.push(Command::Journal(JournalEntry::Settling(Box::new(
            trade.clone(),
        ))));
        self.buying.settling.push(Settling {
            trade: trade.clone(),
            in_flight: true,
            recovered: false,
            about: Some(about),
        });
        self.submit(
            Intent::Settle { trade_id },
            MarketTx::Settle(Box::new(trade)),
            out,
        );
    }

    /// The device's word that so much was imported in the live window.
    pub(super) fn cover(&self, import_wh: Wh, cx: &Context<'_>) -> SignedCover {
        let cover = Cover {
            version: RECORD_VERSION,
            chain: self.market.chain.clone(),
            pool: self.market.pool.clone(),
            meter: self.id.meter,
            window: self.buying.window,
            import_wh: import_wh.min(self.buying.need).min(self.id.max_import),
        };
        let signature = cx.signer.sign_device(&cover.sign_bytes());
        SignedCover { cover, signature }
    }

    pub(super) fn on_decision(
        &mut self,
        now: Millis,
        request: u64,
        accept: bool,
        cx: &mut Context<'_>,
        out: &mut Out,
    ) {
        if let Some(at) = self
            .selling
            .held
            .iter()
            .position(|(number, _)| *number == request)
        {
            let (_, held) = self.selling.held.swap_remove(at);
            let accepted = accept.then_some(held.request.wh);
            // Asked again, it is answered from what is left.
            self.selling.decided.push((held.request.buyer, accepted));
        }
        let held = self.buying.held.iter();
        if let Some(at) = held.into_iter().position(|h| h.request == request) {
            let held = self.buying.held.swap_remove(at);
            self.on_purchase_decided(now, held, accept, cx, out);
        }
    }

    pub(super) fn answers_overdue(&mut self, now: Millis, cx: &mut Context<'_>, out: &mut Out) {
        let mut failed = Vec::new();
        let mut next = None;
        let answer_ms = self.market.timing.answer_ms;
        for asked in &mut self.buying.asked {
            if asked.deadline > now {
                next = Some(asked.deadline.min(next.unwrap_or(asked.deadline)));
            } else if !asked.repeated {
                // A message may have been lost: the same request again gets the same answer.
                asked.repeated = true;
                asked.deadline = now.plus(answer_ms);
                next = Some(asked.deadline.min(next.unwrap_or(asked.deadline)));
                out.push(Command::Ask {
                    peer: asked.peer.clone(),
                    request: Box::new(asked.request.clone()),
                });
            } else {
                failed.push((
                    asked.request.request.id,
                    asked.request.request.seller,
                    asked.about,
                ));
            }
        }
        for (id, seller, about) in &failed {
            self.buying.asked.retain(|a| a.request.request.id != *id);
            self.reduce(seller, |_| Wh::ZERO);
            self.learn_failure(*seller, about, out);
        }
        if let Some(at) = next {
            out.push(Command::SetTimer {
                timer: Timer::Answers,
                at,
            });
        }
        if !failed.is_empty() {
            self.plan_purchases(now, cx, out);
        }
    }

    pub(super) fn on_settled(
        &mut self,
        now: Millis,
        trade_id: u64,
        outcome: Result<Vec<MarketEvent>, TxFailure>,
        cx: &mut Context<'_>,
        out: &mut Out,
    ) {
        let Some(at) = self
            .buying
            .settling
            .iter()
            .position(|s| s.trade.trade_id == trade_id)
        else {
            return;
        };
        match outcome {
            Ok(events) => {
                let done = self.buying.settling.swap_remove(at);
                let fresh = events
                    .iter()
                    .any(|e| matches!(e, MarketEvent::TradeClosed(_)));
                if fresh || !done.recovered {
                    let cost = cost_of(&events, &done.trade);
                    self.count_purchase(&done, cost, out);
                }
            }
            Err(TxFailure::Refused(code)) if code.class() == Class::Retry => {
                self.settle_later(now, at, false, out)
            }
            // Asked under the same id, the chain tells what became of it, whether it has expired since or not.
            Err(TxFailure::Lost | TxFailure::Unsent(_)) => self.settle_later(now, at, true, out),
            Err(TxFailure::Refused(Code::CapacityExceeded)) if self.settle_less(at, cx, out) => {}
            Err(failure) => {
                let failed = self.buying.settling.swap_remove(at);
                self.free_cover();
                let seller = failed.trade.approval.approval.seller;
                if !matches!(failure, TxFailure::Refused(code) if NOT_THE_SELLER.contains(&code)) {
                    let blamed =
                        matches!(failure, TxFailure::Refused(code) if THE_SELLER.contains(&code));
                    if let Some(about) = failed.about.as_ref().filter(|_| blamed) {
                        self.learn_failure(seller, about, out);
                    }
                    self.buying.failed.push(seller);
                }
                self.reduce(&seller, |_| Wh::ZERO);
            }
        }
        self.plan_purchases(now, cx, out);
    }

    /// A purchase is on the chain. Of one's own transactions that comes with their outcome; a trade that was under
    /// way when the agent was killed is counted here: submitted again, it is answered like one that was counted in the
    /// meter's position before the restart.
    pub(super) fn on_bought(
        &mut self,
        now: Millis,
        t: &TradeClosed,
        cx: &mut Context<'_>,
        out: &mut Out,
    ) {
        let recovered = |s: &Settling| {
            let a = &s.trade.approval.approval;
            s.recovered && a.seller == t.seller && a.nonce == t.nonce
        };
        let Some(at) = self.buying.settling.iter().position(recovered) else {
            return;
        };
        let mut done = self.buying.settling.swap_remove(at);
        done.trade.wh = t.arrived;
        self.count_purchase(&done, t.paid.saturating_add(t.charge), out);
        self.plan_purchases(now, cx, out);
    }

    /// The line carries less than was to be settled: the approval allows fewer Wh. Half of it is tried where
    /// it is not known what is left. False: nothing worth a trade, or the approval has expired.
    fn settle_less(&mut self, at: usize, cx: &Context<'_>, out: &mut Out) -> bool {
        let (least, seen) = (self.least_trade(), self.block.time);
        let Some(settling) = self.buying.settling.get_mut(at) else {
            return false;
        };
        let a = &settling.trade.approval.approval;
        let half = Wh(settling.trade.wh.0 / 2);
        let from = cx.registry.meter(&a.seller).map(|m| m.zone);
        let known = from.and_then(|from| cx.registry.capacity_left(from, self.id.zone));
        if known.is_none() {
            // Only that it is short is known of the line: nothing more is asked for over it for now.
            let over = self.buying.offers.iter_mut();
            over.filter(|o| Some(o.zone) == from)
                .for_each(|o| o.net = Wh::ZERO);
        }
        let left = known.map_or(half, |left| left.min(settling.trade.wh));
        if left < least || left == settling.trade.wh || a.expires_at < seen {
            return false;
        }
        settling.trade.wh = left;
        let trade = settling.trade.clone();
        out.push(Command::Journal(JournalEntry::Settling(Box::new(
            trade.clone(),
        ))));
        self.submit(
            Intent::Settle {
                trade_id: trade.trade_id,
            },
            MarketTx::Settle(Box::new(trade)),
            out,
        );
        true
    }

    fn count_purchase(&mut self, done: &Settling, cost: Micro, out: &mut Out) {
        let trade = &done.trade;
        let a = &trade.approval.approval;
        self.buying.bought = self.buying.bought.saturating_add(trade.wh);
        self.day.bought = self.day.bought.saturating_add(trade.wh);
        match self.buying.from.iter_mut().find(|(id, _)| *id == a.seller) {
            Some((_, wh)) => *wh = wh.saturating_add(trade.wh),
            None => self.buying.from.push((a.seller, trade.wh)),
        }
        self.day.spent = self.day.spent.saturating_add(cost);
        if let Some(about) = &done.about {
            self.learn_success(a.seller, trade.wh, about, out);
        }
        out.push(Command::Tell(Notice::Bought {
            window: self.buying.window,
            seller: a.seller,
            wh: trade.wh,
        }));
    }

    /// Keeps a trade for another try, as long as its approval can still be used or it may have been executed.
    pub(super) fn settle_later(&mut self, now: Millis, at: usize, lost: bool, out: &mut Out) {
        let seen = self.block.time;
        match self.buying.settling.get_mut(at) {
            Some(s) if lost || s.trade.approval.approval.expires_at >= seen => {
                s.in_flight = false;
                self.resubmit_later(now, out);
            }
            _ => {
                self.buying.settling.swap_remove(at);
            }
        }
    }

    /// Submits again what is not in flight: under the same id that is harmless.
    pub(super) fn resubmit_settles(&mut self, _now: Millis, out: &mut Out) {
        let again: Vec<SettleTrade> = self
            .buying
            .settling
            .iter_mut()
            .filter(|s| !s.in_flight)
            .map(|s| {
                s.in_flight = true;
                s.trade.clone()
            })
            .collect();
        for trade in again {
            self.submit(
                Intent::Settle {
                    trade_id: trade.trade_id,
                },
                MarketTx::Settle(Box::new(trade)),
                out,
            );
        }
    }
}

/// What the chain took for a trade. Its events say; a repeated settle has none, and counts as what the
/// approval allowed.
fn cost_of(events: &[MarketEvent], trade: &SettleTrade) -> Micro {
    let booked = events.iter().find_map(|event| match event {
        MarketEvent::Delivered(d) if d.trade_id == trade.trade_id => {
            Some(d.paid.saturating_add(d.charge))
        }
        _ => None,
    });
    booked.unwrap_or_else(|| {
        let a = &trade.approval.approval;
        payment(trade.wh, a.price.saturating_add(a.max_charge)).unwrap_or(Micro::MAX)
    })
}
