//! The buying side: look up, choose, ask, settle; the next best on denial, silence or failure (FR-05, FR-09).

use super::{Agent, Intent, Out};
use crate::context::Context;
use crate::io::{Command, JournalEntry, MarketTx, Millis, Notice, Timer, TxFailure};
use std::sync::Arc;
use wattpool_optimizer::{choose, Candidate, Demand, Factors, Scoring, Settings};
use wattpool_rules::loss;
use wattpool_rules::payment::payment;
use wattpool_rules::price::corridor;
use wattpool_schema::error::{class_of, Class};
use wattpool_schema::escrow::SettleTrade;
use wattpool_schema::event::MarketEvent;
use wattpool_schema::peer::{Answer, DenialReason, Record, SignedRecord, SignedRequest, TradeAnswer, TradeRequest};
use wattpool_schema::{
    Approval, Cover, MeterId, Ppm, Price, SignedApproval, SignedCover, TradeKind, Wh, Window, PPM, RECORD_VERSION,
};

/// Offers kept per window.
const CANDIDATES: usize = 512;
/// Requests under way at once.
const ASKS: usize = 32;
/// Look-ups per window.
const SEEKS: u32 = 10;
/// Rounds in a row that bring nothing before the grid is taken.
const FRUITLESS: u32 = 4;
/// Look-ups in a row without a single usable offer from which on further shards are not explored: a
/// neighbourhood without surplus (at night) looks the same everywhere.
const EMPTY: u32 = 2;

/// An offer that passed the owner's limits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Offered {
    pub seller: MeterId,
    pub loss: Ppm,
    pub charge: Price,
    pub max_price: Price,
    /// Still to be had, arriving.
    pub net: Wh,
    pub value: f64,
    /// Sequence of the record it came from; only a newer one brings it back after a denial.
    pub sequence: u64,
}

/// A request under way.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub request: SignedRequest,
    pub deadline: Millis,
    pub repeated: bool,
}

/// A trade on its way to the chain.
#[derive(Clone, Debug)]
pub(super) struct Settling {
    pub trade: SettleTrade,
    pub in_flight: bool,
    /// From before a restart: the chain may have counted it already.
    pub recovered: bool,
}

/// The buying side of the running window.
#[derive(Debug, Default)]
pub(super) struct Buying {
    pub window: Window,
    pub need: Wh,
    pub bought: Wh,
    pub offers: Vec<Offered>,
    pub asked: Vec<Asked>,
    pub settling: Vec<Settling>,
    /// Approvals that wait for the owner.
    pub held: Vec<(u64, SignedApproval)>,
    pub seeks: u32,
    pub fruitless: u32,
    pub empty: u32,
    pub unexplored: bool,
    pub seeking: Option<u32>,
    pub seek_set: bool,
    /// Bought in this window, by seller.
    pub from: Vec<(MeterId, Wh)>,
    /// Cumulative import signed so far.
    pub covered: Wh,
    pub ids: u16,
}

impl Buying {
    /// What is not bought.
    pub fn left(&self) -> Wh {
        self.need.saturating_sub(self.bought)
    }

    fn under_way(&self) -> Wh {
        let asked = self.asked.iter().map(|a| a.request.request.wh);
        let settling = self.settling.iter().map(|s| s.trade.wh);
        let held = self.held.iter().map(|(_, h)| h.approval.wh);
        asked.chain(settling).chain(held).fold(Wh::ZERO, Wh::saturating_add)
    }

    fn uncovered(&self) -> Wh {
        self.left().saturating_sub(self.under_way())
    }
}

impl Agent {
    pub(super) fn open_buying(&mut self, now: Millis, deficit: Wh, cx: &mut Context<'_>, out: &mut Out) {
        self.buying.need = deficit;
        if !self.may_buy(now) {
            return;
        }
        self.announce_status(now, false, deficit, cx, out);
        let orders = if self.orders.buys_in(self.buying.window) { self.market.timing.orders_ms } else { 0 };
        let delay = self.market.timing.seek_ms.max(orders).saturating_add(self.jitter(self.buying.window, 2));
        self.seek_after(now, delay, out);
    }

    pub(super) fn may_buy(&self, now: Millis) -> bool {
        self.policy.buy && self.policy.hour_allowed(self.chain_now(now)) && !self.paused
    }

    pub(super) fn seek_after(&mut self, now: Millis, delay: u64, out: &mut Out) {
        if !self.buying.seek_set {
            self.buying.seek_set = true;
            self.schedule(now, Timer::Seek, delay, out);
        }
    }

    /// Looks for offers, unless everything needed is under way.
    pub(super) fn seek(&mut self, now: Millis, out: &mut Out) {
        self.buying.seek_set = false;
        let need = self.buying.uncovered();
        if need < self.least_trade() || self.buying.seeking.is_some() || self.buying.seeks >= SEEKS || now >= self.closing_at() {
            return;
        }
        let (locations, more) = self.offer_locations(self.buying.seeks, need);
        if locations.is_empty() {
            return;
        }
        self.buying.seeks = self.buying.seeks.saturating_add(1);
        self.buying.unexplored = more;
        let lookup = self.next_lookup();
        self.buying.seeking = Some(lookup);
        let deadline = now.plus(self.market.timing.lookup_ms);
        out.push(Command::Lookup { lookup, locations, deadline });
    }

    fn least_trade(&self) -> Wh {
        self.policy.min_trade_wh.max(Wh(1))
    }

    pub(super) fn on_lookup(&mut self, now: Millis, lookup: u32, records: &[Arc<SignedRecord>], cx: &mut Context<'_>, out: &mut Out) {
        if self.selling.pricing == Some(lookup) {
            self.take_ratio(now, records, cx, out);
        } else if self.buying.seeking == Some(lookup) {
            self.buying.seeking = None;
            if let Some(found) = records.iter().map(|r| r.version()).find(|v| *v != RECORD_VERSION) {
                out.push(Command::Tell(Notice::OtherVersion { found }));
            }
            let known = self.buying.offers.len();
            for record in records {
                self.take_offer(record, cx);
            }
            self.buying.empty =
                if self.buying.offers.len() > known { 0 } else { self.buying.empty.saturating_add(1) };
            self.go_on(now, cx, out);
        }
    }

    /// Verifies an offer against registry, window and the owner's limits, and keeps it.
    fn take_offer(&mut self, record: &SignedRecord, cx: &mut Context<'_>) {
        let Record::Offer(offer) = &record.record else { return };
        let Some(terms) = self.terms.clone() else { return };
        if offer.window != self.buying.window || offer.expires_at < self.block.time || offer.meter == self.id.meter {
            return;
        }
        let known = self.buying.offers.iter().position(|o| o.seller == offer.meter);
        let stale = |o: &Offered| o.sequence >= offer.sequence;
        if known.and_then(|i| self.buying.offers.get(i)).is_some_and(stale)
            || self.is_blocked(&offer.meter)
            || self.buying.asked.iter().any(|a| a.request.request.seller == offer.meter)
            || !self.verified(record, cx)
        {
            return;
        }
        let Some(pair) = terms.pair(offer.zone, self.id.zone) else { return };
        if self.policy.green_only && !cx.registry.meter(&offer.meter).is_some_and(|m| m.kind.is_green()) {
            return;
        }
        let Some(gains) = corridor(terms.tariffs.import, terms.tariffs.feed_in, pair.charge, pair.loss) else { return };
        let limit = self.policy.max_buy_price.map_or(gains.upper, |p| gains.upper.min(p.saturating_sub(pair.charge)));
        let within_own_zone = offer.zone == self.id.zone;
        if within_own_zone && offer.price > limit {
            return;
        }
        let offered = Offered {
            seller: offer.meter,
            loss: pair.loss,
            charge: pair.charge,
            max_price: limit,
            net: loss::arriving(offer.wh, pair.loss),
            value: self.value_of(offer.meter, pair.loss, offer.price.saturating_add(pair.charge), limit, cx),
            sequence: offer.sequence,
        };
        let offers = &mut self.buying.offers;
        if let Some(slot) = known.and_then(|i| offers.get_mut(i)) {
            *slot = offered;
        } else if offers.len() < CANDIDATES {
            offers.push(offered);
        }
    }

    /// `v` of the offer: efficiency, duration, quality and participation, weighted by the owner.
    fn value_of(&self, seller: MeterId, loss: Ppm, price: Price, limit: Price, cx: &Context<'_>) -> f64 {
        let chain = cx.registry.record(&seller);
        let factors = Factors {
            efficiency: f64::from(PPM.saturating_sub(loss.0)) / f64::from(PPM),
            duration_s: self.sellers.duration_s(&seller),
            quality: self.sellers.quality(&seller, &chain),
            past_sales: chain.sales,
            price: Some(price.0),
        };
        let scoring = Scoring::new(self.policy.weights, Scoring::DURATION_SCALE_S, Scoring::PARTICIPATION_SCALE, limit.0);
        let value = scoring.map_or(0.0, |s| s.value(&factors));
        // A preferred partner stands above every other, whatever its factors.
        if !self.policy.preferred.is_empty() && self.policy.preferred.contains(&seller.to_string()) {
            1.0
        } else {
            value.clamp(0.0, 1.0)
        }
    }

    /// Chooses from what is known for what is neither bought nor under way, and asks; looks again when
    /// nothing is left to ask.
    pub(super) fn go_on(&mut self, now: Millis, cx: &mut Context<'_>, out: &mut Out) {
        let need = self.affordable(self.buying.uncovered());
        if need < self.least_trade() || now >= self.closing_at() || !self.may_buy(now) {
            return;
        }
        let free = |b: &Buying, o: &Offered| {
            !o.net.is_zero() && !b.asked.iter().any(|a| a.request.request.seller == o.seller)
        };
        let indices: Vec<usize> =
            self.buying.offers.iter().enumerate().filter(|(_, o)| free(&self.buying, o)).map(|(i, _)| i).collect();
        let me = u64::from_be_bytes(first_eight(&self.id.meter));
        let candidates: Vec<Candidate> = indices
            .iter()
            .filter_map(|i| self.buying.offers.get(*i))
            .map(|o| Candidate {
                deliverable_wh: o.net.0,
                value: o.value,
                tie: super::mix(me ^ u64::from_be_bytes(first_eight(&o.seller))),
            })
            .collect();
        let mut picks: Vec<(usize, u64)> = Vec::new();
        if !candidates.is_empty() {
            let demand = Demand {
                need_wh: need.0,
                surplus_weight: self.policy.weights.surplus,
                candidates: &candidates,
                max_sellers: Some(ASKS),
                last_plan: &[],
            };
            let settings = Settings { seed: me ^ self.buying.window.0, ..Settings::default() };
            if let Some(clock) = cx.choice_clock.as_mut() {
                clock.begin();
            }
            let choice = choose(&demand, &settings, cx.workspace);
            picks.extend(choice.plan.iter().filter_map(|p| indices.get(p.index).map(|i| (*i, p.delivered_wh))));
            if let Some(clock) = cx.choice_clock.as_mut() {
                clock.end();
            }
        }
        let room = ASKS.saturating_sub(self.buying.asked.len());
        picks.truncate(room);
        if picks.is_empty() {
            if self.buying.asked.is_empty() {
                self.seek_again(now, out);
            }
            return;
        }
        self.buying.fruitless = 0;
        for (index, wh) in picks {
            self.ask(now, index, Wh(wh), cx, out);
        }
        let deadline = self.market.timing.answer_ms;
        self.schedule(now, Timer::Answers, deadline, out);
        // Where offers are short of the need, the search goes on beside the asking.
        if self.buying.uncovered() >= self.least_trade() {
            self.seek_again(now, out);
        }
    }

    fn seek_again(&mut self, now: Millis, out: &mut Out) {
        let exploring = self.buying.unexplored && self.buying.empty < EMPTY;
        if self.buying.seeking.is_some() || self.buying.fruitless >= FRUITLESS && !exploring {
            return;
        }
        let t = &self.market.timing;
        let delay = if exploring {
            t.jitter_ms.max(1)
        } else {
            t.retry_ms.saturating_mul(1u64.checked_shl(self.buying.fruitless).unwrap_or(u64::MAX))
        };
        self.buying.fruitless = self.buying.fruitless.saturating_add(1);
        let jitter = self.jitter(self.buying.window, u64::from(self.buying.seeks).saturating_add(3));
        self.seek_after(now, delay.saturating_add(jitter), out);
    }

    /// What the owner's daily limits leave of a need.
    fn affordable(&self, need: Wh) -> Wh {
        let p = &self.policy;
        let under_way = self.buying.under_way();
        let mut most = need;
        if let Some(limit) = p.max_buy_wh_per_day {
            most = most.min(limit.saturating_sub(self.day.bought).saturating_sub(under_way));
        }
        if let (Some(limit), Some(terms)) = (p.max_spend_per_day, &self.terms) {
            // Everything is reckoned at the grid's price, the most a trade can cost.
            let price = u128::from(terms.tariffs.import.0.max(1).unsigned_abs());
            let committed = payment(under_way, Price(u64::try_from(price).unwrap_or(u64::MAX))).map_or(u64::MAX, |m| m.0);
            let left = u128::from(limit.0.saturating_sub(self.day.spent.0).saturating_sub(committed));
            let wh = left.saturating_mul(1000).checked_div(price).unwrap_or(0);
            most = most.min(Wh(u64::try_from(wh).unwrap_or(u64::MAX)));
        }
        most
    }

    /// Buyer-scoped ids: the running window and a counter.
    /// None when the window's are used up.
    pub(super) fn next_trade_id(&mut self) -> Option<u64> {
        self.buying.ids = self.buying.ids.checked_add(1)?;
        let window = self.terms.as_ref().map_or(0, |t| t.live().0);
        Some((window << 16) | u64::from(self.buying.ids))
    }

    fn ask(&mut self, now: Millis, index: usize, wh: Wh, cx: &mut Context<'_>, out: &mut Out) {
        let Some(id) = self.next_trade_id() else { return };
        let Some(offer) = self.buying.offers.get(index) else { return };
        let chain_now = self.chain_now(now);
        let request = TradeRequest {
            version: RECORD_VERSION,
            network: self.market.network.clone(),
            id,
            buyer: self.id.meter,
            seller: offer.seller,
            kind: TradeKind::Spot,
            first_window: self.buying.window,
            count: 1,
            wh,
            max_price: offer.max_price,
            requested_at: chain_now,
            expires_at: wattpool_schema::Seconds(chain_now.0.saturating_add(self.market.timing.approval_s)),
        };
        let signature = cx.signer.sign_agent(&request.sign_bytes());
        let request = SignedRequest { request, signature };
        out.push(Command::Ask(Box::new(request.clone())));
        let deadline = now.plus(self.market.timing.answer_ms);
        self.buying.asked.push(Asked { request, deadline, repeated: false });
    }

    pub(super) fn on_answer(&mut self, now: Millis, answer: TradeAnswer, cx: &mut Context<'_>, out: &mut Out) {
        if self.on_order_answer(&answer, cx, out) {
            return;
        }
        let matches = |a: &Asked| a.request.request.id == answer.id && a.request.request.seller == answer.seller;
        let Some(at) = self.buying.asked.iter().position(matches) else { return };
        let asked = self.buying.asked.swap_remove(at);
        match answer.answer {
            Answer::Approved(a) if !self.still_wanted(now, &a.approval) => {
                // The owner has changed the policy meanwhile: the approval lapses.
                self.reduce(&answer.seller, |_| Wh::ZERO);
            }
            Answer::Approved(approval) if self.acceptable(&asked.request.request, &approval, cx) => {
                let taken = approval.approval.wh;
                let short = taken < asked.request.request.wh;
                self.reduce(&answer.seller, |o| if short { Wh::ZERO } else { o.net.saturating_sub(taken) });
                if self.policy.manual_approval {
                    out.push(Command::Tell(Notice::AwaitingApproval { request: answer.id, partner: answer.seller, wh: taken }));
                    self.buying.held.push((answer.id, approval));
                } else {
                    self.settle(answer.id, approval, cx, out);
                }
            }
            Answer::Approved(_) => {
                // It is not what was asked for, or not the seller's word: this seller is not asked again.
                self.reduce(&answer.seller, |_| Wh::ZERO);
                self.sellers.observe(answer.seller, asked.request.request.wh.0, 0, None);
            }
            Answer::Denied { reason, available } => {
                let left = |o: &Offered| match reason {
                    // Halved, so that a seller who keeps promising cannot keep a buyer busy.
                    DenialReason::SoldOut | DenialReason::Busy => loss::arriving(available, o.loss).min(Wh(o.net.0 / 2)),
                    _ => Wh::ZERO,
                };
                self.reduce(&answer.seller, left);
            }
        }
        self.go_on(now, cx, out);
    }

    fn still_wanted(&self, now: Millis, a: &Approval) -> bool {
        let offer = self.buying.offers.iter().find(|o| o.seller == a.seller);
        let total = a.price.saturating_add(offer.map_or(a.max_charge, |o| o.charge));
        self.may_buy(now) && !self.is_blocked(&a.seller) && self.policy.max_buy_price.is_none_or(|limit| total <= limit)
    }

    fn reduce(&mut self, seller: &MeterId, left: impl Fn(&Offered) -> Wh) {
        if let Some(offer) = self.buying.offers.iter_mut().find(|o| o.seller == *seller) {
            offer.net = left(offer);
        }
    }

    /// The approval is for exactly this request, at no more than what was agreed to, and signed by the seller's agent.
    pub(super) fn acceptable(&self, r: &TradeRequest, signed: &SignedApproval, cx: &Context<'_>) -> bool {
        let a = &signed.approval;
        let pair = self
            .terms
            .as_ref()
            .and_then(|t| cx.registry.meter(&r.seller).and_then(|m| t.pair(m.zone, self.id.zone).copied()));
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
            && pair.is_some_and(|p| p.charge <= a.max_charge && loss::gross_for(a.wh, p.loss).is_ok_and(|g| g <= a.max_gross))
            && cx.registry.meter(&r.seller).is_some_and(|m| {
                cx.signer.verify_agent(&m.agent, &a.sign_bytes(), &signed.signature)
            })
    }

    /// Journals and submits a trade with the import that covers it.
    fn settle(&mut self, trade_id: u64, approval: SignedApproval, cx: &mut Context<'_>, out: &mut Out) {
        let wh = approval.approval.wh;
        self.buying.covered = self.buying.covered.max(self.buying.bought).saturating_add(wh);
        let trade = SettleTrade { trade_id, wh, cover: Some(self.cover(self.buying.covered, cx)), approval };
        out.push(Command::Journal(JournalEntry::Settling(Box::new(trade.clone()))));
        self.buying.settling.push(Settling { trade: trade.clone(), in_flight: true, recovered: false });
        self.submit(Intent::Settle { trade_id }, MarketTx::Settle(Box::new(trade)), out);
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

    pub(super) fn on_decision(&mut self, now: Millis, request: u64, accept: bool, cx: &mut Context<'_>, out: &mut Out) {
        if let Some(at) = self.selling.held.iter().position(|(number, _)| *number == request) {
            let (_, held) = self.selling.held.swap_remove(at);
            if accept {
                self.selling.accepted.push((held.request.buyer, held.request.id));
                self.on_request(now, &held, cx, out);
            }
        }
        if let Some(at) = self.buying.held.iter().position(|(id, _)| *id == request) {
            let (_, held) = self.buying.held.swap_remove(at);
            if accept && held.approval.expires_at >= self.block.time {
                self.settle(request, held, cx, out);
            }
            self.go_on(now, cx, out);
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
                out.push(Command::Ask(Box::new(asked.request.clone())));
            } else {
                failed.push((asked.request.request.id, asked.request.request.seller, asked.request.request.wh));
            }
        }
        for (id, seller, wh) in &failed {
            self.buying.asked.retain(|a| a.request.request.id != *id);
            self.reduce(seller, |_| Wh::ZERO);
            self.sellers.observe(*seller, wh.0, 0, None);
        }
        if let Some(at) = next {
            out.push(Command::SetTimer { timer: Timer::Answers, at });
        }
        if !failed.is_empty() {
            self.go_on(now, cx, out);
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
        let Some(at) = self.buying.settling.iter().position(|s| s.trade.trade_id == trade_id) else { return };
        match outcome {
            Ok(events) => {
                let done = self.buying.settling.swap_remove(at);
                let fresh = events.iter().any(|e| matches!(e, MarketEvent::TradeClosed(_)));
                if fresh || !done.recovered {
                    self.count_purchase(&done.trade, out);
                }
            }
            Err(TxFailure::Refused(code)) if class_of(code) == Some(Class::Retry) => self.settle_later(now, at, false, out),
            // Asked under the same id, the chain tells what became of it, whether it has expired since or not.
            Err(TxFailure::Lost) => self.settle_later(now, at, true, out),
            Err(_) => {
                let failed = self.buying.settling.swap_remove(at);
                self.free_cover();
                let a = &failed.trade.approval.approval;
                self.sellers.observe(a.seller, failed.trade.wh.0, 0, None);
                let seller = a.seller;
                self.reduce(&seller, |_| Wh::ZERO);
            }
        }
        self.go_on(now, cx, out);
    }

    /// The import signed for what did not come about serves other trades, unless deliveries under way may use it.
    pub(super) fn free_cover(&mut self) {
        if !self.intents.iter().any(|(_, i)| matches!(i, Intent::Deliver { .. })) {
            let settling = self.buying.settling.iter().map(|s| s.trade.wh).fold(Wh::ZERO, Wh::saturating_add);
            self.buying.covered = self.buying.covered.min(self.buying.bought.saturating_add(settling));
        }
    }

    fn count_purchase(&mut self, trade: &SettleTrade, out: &mut Out) {
        let a = &trade.approval.approval;
        self.buying.bought = self.buying.bought.saturating_add(trade.wh);
        self.day.bought = self.day.bought.saturating_add(trade.wh);
        match self.buying.from.iter_mut().find(|(id, _)| *id == a.seller) {
            Some((_, wh)) => *wh = wh.saturating_add(trade.wh),
            None => self.buying.from.push((a.seller, trade.wh)),
        }
        let cost = payment(trade.wh, a.price.saturating_add(a.max_charge)).unwrap_or_default();
        self.day.spent = self.day.spent.saturating_add(cost);
        let duration = self.block.time.0.saturating_sub(a.requested_at.0);
        self.sellers.observe(a.seller, trade.wh.0, trade.wh.0, Some(duration));
        out.push(Command::Tell(Notice::Bought { window: self.buying.window, seller: a.seller, wh: trade.wh }));
    }

    /// Keeps a trade for another try, as long as its approval can still be used or it may have been executed.
    fn settle_later(&mut self, now: Millis, at: usize, lost: bool, out: &mut Out) {
        let seen = self.block.time;
        match self.buying.settling.get_mut(at) {
            Some(s) if lost || s.trade.approval.approval.expires_at >= seen => {
                s.in_flight = false;
                let delay = self.market.timing.block_ms;
                self.schedule(now, Timer::Resubmit, delay, out);
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
            self.submit(Intent::Settle { trade_id: trade.trade_id }, MarketTx::Settle(Box::new(trade)), out);
        }
    }
}

const fn first_eight(id: &MeterId) -> [u8; 8] {
    let b = &id.0;
    [b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]]
}
