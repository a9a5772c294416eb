//! Which offers count, what they are worth to the owner, and whom to ask for how much (FR-05, FR-12).

use super::buying::{offered, Asked, Buying, HeldPurchase, Offered};
use super::{Agent, Out};
use crate::context::Context;
use crate::genuine::Genuine;
use crate::io::{Command, Millis, Notice, Timer};
use crate::policy::Selection;
use wattpool_chance::mix;
use wattpool_optimizer::predict::{Expectation, Kind};
use wattpool_optimizer::{choose, Candidate, Demand, Factors, Scoring, Settings};
use wattpool_rules::loss;
use wattpool_rules::payment::payment;
use wattpool_rules::price::{announced_most, corridor};
use wattpool_schema::peer::{Record, SignedRequest, TradeRequest};
use wattpool_schema::pool::MeterKind;
use wattpool_schema::{MeterId, Price, TradeKind, Wh, Zone, PPM, RECORD_VERSION};

/// Offers kept per window.
const CANDIDATES: usize = 512;
/// Requests under way at once.
const ASKS: usize = 32;

impl Agent {
    /// Checks an offer against window and the owner's limits, and keeps it.
    pub(super) fn take_offer(&mut self, now: Millis, record: &Genuine, cx: &mut Context<'_>) {
        let Record::Offer(offer) = &record.record else {
            return;
        };
        let Some(terms) = self.terms.clone() else {
            return;
        };
        if offer.window != self.buying.window
            || offer.expires_at < self.block.time
            || offer.meter == self.id.meter
        {
            return;
        }
        let known = self
            .buying
            .offers
            .iter()
            .position(|o| o.seller == offer.meter);
        let stale = |o: &Offered| o.record.sequence() >= offer.sequence;
        if known
            .and_then(|i| self.buying.offers.get(i))
            .is_some_and(stale)
            || self.is_blocked(&offer.meter)
            || self.buying.failed.contains(&offer.meter)
            || self
                .buying
                .asked
                .iter()
                .any(|a| a.request.request.seller == offer.meter)
        {
            return;
        }
        let Some(pair) = terms.pair(offer.zone, self.id.zone) else {
            return;
        };
        let kind = cx.registry.meter(&offer.meter).map(|m| m.kind);
        if self.policy.green_only && !kind.is_some_and(MeterKind::is_green) {
            return;
        }
        let Some(gains) = corridor(
            terms.tariffs.import,
            terms.tariffs.feed_in,
            pair.charge,
            pair.loss,
        ) else {
            return;
        };
        let limit = self.policy.max_buy_price.map_or(gains.upper, |p| {
            gains.upper.min(p.saturating_sub(pair.charge))
        });
        // What is announced binds.
        let Some(most) = announced_most(offer.price, pair.loss) else {
            return;
        };
        let within_own_zone = offer.zone == self.id.zone;
        if within_own_zone && offer.price > limit {
            return;
        }
        let price = offer.price.saturating_add(pair.charge);
        // What is expected to arrive physically scores the offer; `net`, which covers the need, is contractual.
        let efficiency = f64::from(PPM.saturating_sub(pair.loss.0)) / f64::from(PPM)
            * (1.0 - self.estimated_loss(&offer.meter, offer.zone, cx));
        let net = loss::arriving(offered(offer, cx), pair.loss);
        let wh = net.min(self.buying.need);
        let asked = self.conditions(now, &offer.meter, wh, efficiency, cx);
        let expected = self
            .learning
            .predictor()
            .expect(&offer.meter, Kind::Spot, &asked);
        let known_as = Offered {
            seller: offer.meter,
            zone: offer.zone,
            kind,
            loss: pair.loss,
            charge: pair.charge,
            max_price: limit.min(most),
            net,
            value: self.value_of(
                &offer.meter,
                efficiency,
                &expected,
                asked.record.sales,
                price,
                limit,
            ),
            quality: expected.quality,
            price,
            efficiency,
            record: record.clone(),
        };
        let offers = &mut self.buying.offers;
        if let Some(slot) = known.and_then(|i| offers.get_mut(i)) {
            *slot = known_as;
        } else if offers.len() < CANDIDATES {
            offers.push(known_as);
        }
    }

    /// `v` of the offer: efficiency, duration, quality and participation, weighted by the owner.
    pub(super) fn value_of(
        &self,
        seller: &MeterId,
        efficiency: f64,
        expected: &Expectation,
        past_sales: u64,
        price: Price,
        limit: Price,
    ) -> f64 {
        let factors = Factors {
            efficiency,
            duration_s: expected.duration_s,
            quality: expected.quality,
            past_sales,
            price: Some(price.0),
        };
        let scoring = Scoring::new(
            self.policy.weights,
            Scoring::DURATION_SCALE_S,
            Scoring::PARTICIPATION_SCALE,
            limit.0,
        );
        let value = scoring.map_or(0.0, |s| s.value(&factors));
        // A preferred partner stands above every other, whatever its factors.
        if self.policy.preferred.contains(seller) {
            1.0
        } else {
            value.clamp(0.0, 1.0)
        }
    }

    /// Chooses from what is known for what is neither bought nor under way, and asks; looks again when
    /// nothing is left to ask.
    pub(super) fn plan_purchases(&mut self, now: Millis, cx: &mut Context<'_>, out: &mut Out) {
        let dearest = self.buying.offers.iter().map(Offered::dearest).max();
        let need = self.affordable_at(self.buying.uncovered(), dearest);
        if need < self.least_trade() || now >= self.closing_at() || !self.may_buy(now) {
            return;
        }
        let free = |b: &Buying, o: &Offered| {
            !o.net.is_zero()
                && !b.asked.iter().any(|a| a.request.request.seller == o.seller)
                && !b.held.iter().any(|h| h.seller == o.seller)
        };
        let mut lines = Lines::default();
        let me = u64::from_be_bytes(first_eight(&self.id.meter));
        let known = self.buying.offers.len();
        let (mut indices, mut candidates) = (Vec::with_capacity(known), Vec::with_capacity(known));
        let mut trusted = false;
        for (index, o) in self.buying.offers.iter().enumerate() {
            let deliverable_wh = lines.most(self, o, cx).0;
            if !free(&self.buying, o) || deliverable_wh == 0 {
                continue;
            }
            // From the first seller on that is expected to keep its word, the others have to wait.
            let trust = o.quality >= self.policy.min_quality;
            if trust && !trusted {
                trusted = true;
                indices.clear();
                candidates.clear();
            }
            if trust == trusted {
                indices.push(index);
                candidates.push(Candidate {
                    deliverable_wh,
                    value: o.value,
                    tie: mix(me ^ u64::from_be_bytes(first_eight(&o.seller))),
                });
            }
        }
        let mut picks: Vec<(usize, u64)> = Vec::new();
        if self.policy.selection != Selection::Factors {
            picks = self.in_order(need, &indices, &candidates);
        } else if !candidates.is_empty() {
            let demand = Demand {
                need_wh: need.0,
                surplus_weight: self.policy.weights.surplus,
                candidates: &candidates,
                max_sellers: Some(ASKS),
                last_plan: &[],
            };
            let settings = Settings {
                seed: me ^ self.buying.window.0,
                ..Settings::default()
            };
            if let Some(clock) = cx.choice_clock.as_mut() {
                clock.begin();
            }
            let choice = choose(&demand, &settings, cx.workspace);
            picks.extend(
                choice
                    .plan
                    .iter()
                    .filter_map(|p| indices.get(p.index).map(|i| (*i, p.delivered_wh))),
            );
            if let Some(clock) = cx.choice_clock.as_mut() {
                clock.end();
            }
        }
        let room = ASKS.saturating_sub(self.buying.asked.len());
        picks.truncate(room);
        // Several sellers of a plan may share a thin line: together they get what it carries.
        picks.retain_mut(|(index, wh)| {
            let offer = self.buying.offers.get(*index);
            *wh = offer.map_or(0, |o| lines.take(o, Wh(*wh)).0);
            *wh > 0
        });
        if picks.is_empty() {
            if self.buying.asked.is_empty() {
                self.seek_again(now, out);
            }
            return;
        }
        self.buying.fruitless = 0;
        for (index, wh) in picks {
            if self.policy.manual_approval {
                self.ask_owner(index, Wh(wh), out);
            } else if let Some(id) = self.next_trade_id() {
                self.ask(now, id, index, Wh(wh), cx, out);
            }
        }
        let deadline = self.market.timing.answer_ms;
        self.schedule(now, Timer::Answers, deadline, out);
        // Where offers are short of the need, the search goes on beside the asking.
        if self.buying.uncovered() >= self.least_trade() {
            self.seek_again(now, out);
        }
    }

    /// The strategies for comparison: offers one after the other until the need is covered.
    fn in_order(&self, need: Wh, indices: &[usize], candidates: &[Candidate]) -> Vec<(usize, u64)> {
        let mut order: Vec<(f64, u64, usize, u64)> = indices
            .iter()
            .zip(candidates)
            .filter_map(|(index, candidate)| {
                let offer = self.buying.offers.get(*index)?;
                let lot = mix(candidate.tie ^ mix(self.buying.window.0));
                let key = match self.policy.selection {
                    Selection::Price => price_f64(offer.price),
                    Selection::Nearest => -offer.efficiency,
                    Selection::Random | Selection::Factors => 0.0,
                };
                Some((key, lot, *index, candidate.deliverable_wh))
            })
            .collect();
        order.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let mut left = need.0;
        let mut picks = Vec::new();
        for (_, _, index, most) in order {
            let wh = most.min(left);
            if wh > 0 {
                picks.push((index, wh));
                left = left.saturating_sub(wh);
            }
        }
        picks
    }

    /// What the owner's daily limits leave of a need, at the grid's price, the most that a trade can cost.
    pub(super) fn affordable(&self, need: Wh) -> Wh {
        self.affordable_at(need, None)
    }

    /// What the owner's daily limits leave of a need that costs at most `dearest` per kWh. Reckoned at more than it can cost, the end of a limit would
    /// be bought in many small pieces, which cost more in fees than they bring.
    fn affordable_at(&self, need: Wh, dearest: Option<Price>) -> Wh {
        let p = &self.policy;
        let under_way = self.buying.under_way();
        let mut most = need;
        if let Some(limit) = p.max_buy_wh_per_day {
            most = most.min(
                limit
                    .saturating_sub(self.day.bought)
                    .saturating_sub(under_way),
            );
        }
        if let (Some(limit), Some(terms)) = (p.max_spend_per_day, &self.terms) {
            let grid = Price(terms.tariffs.import.0.max(1).unsigned_abs());
            let committed = payment(under_way, grid).map_or(u64::MAX, |m| m.0);
            let price = u128::from(dearest.map_or(grid, |p| p.min(grid)).0.max(1));
            let left = u128::from(
                limit
                    .0
                    .saturating_sub(self.day.spent.0)
                    .saturating_sub(committed),
            );
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

    /// Lets a purchase wait for the owner: a seller holds energy for seconds, owners take minutes.
    fn ask_owner(&mut self, index: usize, wh: Wh, out: &mut Out) {
        let Some(request) = self.next_trade_id() else {
            return;
        };
        let until = self.decided_by();
        let Some(offer) = self.buying.offers.get(index) else {
            return;
        };
        let seller = offer.seller;
        self.buying.held.push(HeldPurchase {
            request,
            seller,
            wh,
        });
        out.push(Command::Tell(Notice::AwaitingApproval {
            request,
            partner: seller,
            wh,
            price: offer.max_price.saturating_add(offer.charge),
            selling: false,
            until,
        }));
    }

    /// The owner agreed to a purchase or not: it is asked for, as far as it is still needed, or the next best is looked for.
    pub(super) fn on_purchase_decided(
        &mut self,
        now: Millis,
        held: HeldPurchase,
        accept: bool,
        cx: &mut Context<'_>,
        out: &mut Out,
    ) {
        let known = |o: &Offered| o.seller == held.seller && !o.net.is_zero();
        let index = self.buying.offers.iter().position(known);
        let dearest = index.and_then(|i| self.buying.offers.get(i));
        let dearest = dearest.map(Offered::dearest);
        let uncovered = self.buying.uncovered();
        let wh = held.wh.min(self.affordable_at(uncovered, dearest));
        match index {
            Some(index) if accept && wh >= self.least_trade() && now < self.closing_at() => {
                self.ask(now, held.request, index, wh, cx, out);
                let deadline = self.market.timing.answer_ms;
                self.schedule(now, Timer::Answers, deadline, out);
            }
            _ => self.reduce(&held.seller, |_| Wh::ZERO),
        }
        self.plan_purchases(now, cx, out);
    }

    pub(super) fn ask(
        &mut self,
        now: Millis,
        id: u64,
        index: usize,
        wh: Wh,
        cx: &mut Context<'_>,
        out: &mut Out,
    ) {
        let Some(offer) = self.buying.offers.get(index) else {
            return;
        };
        let efficiency = offer.efficiency;
        let peer = offer.peer();
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
            expires_at: wattpool_schema::Seconds(
                chain_now.0.saturating_add(self.market.timing.approval_s),
            ),
        };
        let signature = cx.signer.sign_agent(&request.sign_bytes());
        let request = SignedRequest { request, signature };
        out.push(Command::Ask {
            peer: peer.clone(),
            request: Box::new(request.clone()),
        });
        let deadline = now.plus(self.market.timing.answer_ms);
        let about = self.conditions(now, &request.request.seller, wh, efficiency, cx);
        self.buying.asked.push(Asked {
            request,
            peer,
            deadline,
            repeated: false,
            about,
        });
    }
}

/// What the thin lines of one choice still carry, by the seller's zone; worked out where it is needed.
#[derive(Default)]
struct Lines(Vec<(Zone, Option<Wh>)>);

impl Lines {
    /// The most of an offer that can arrive.
    fn most(&mut self, agent: &Agent, offer: &Offered, cx: &Context<'_>) -> Wh {
        let left = match self.0.iter().find(|(zone, _)| *zone == offer.zone) {
            Some((_, left)) => *left,
            None => {
                let left = agent.carriable(offer.zone, cx);
                self.0.push((offer.zone, left));
                left
            }
        };
        left.map_or(offer.net, |left| left.min(offer.net))
    }

    /// Takes up to so much of what the line carries.
    fn take(&mut self, offer: &Offered, wh: Wh) -> Wh {
        match self.0.iter_mut().find(|(zone, _)| *zone == offer.zone) {
            Some((_, Some(left))) => {
                let taken = wh.min(*left);
                *left = left.saturating_sub(taken);
                taken
            }
            _ => wh,
        }
    }
}

fn price_f64(price: Price) -> f64 {
    u32::try_from(price.0).map_or(f64::from(u32::MAX), f64::from)
}

const fn first_eight(id: &MeterId) -> [u8; 8] {
    let b = &id.0;
    [b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]]
}
