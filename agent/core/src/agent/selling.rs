//! The selling side: tokens become offers, requests become approvals, never the same Wh twice.

use super::offers::Announced;
use super::{Agent, Out};
use crate::context::Context;
use crate::io::{Command, JournalEntry, Millis, Notice, Timer};
use crate::ports::MeterInfo;
use wattpool_rules::loss;
use wattpool_schema::event::TradeClosed;
use wattpool_schema::peer::{Answer, DenialReason, SignedRequest, TradeAnswer};
use wattpool_schema::{
    Approval, MeterId, Price, Seconds, SignedApproval, TradeKind, Wh, Window, RECORD_VERSION,
};

/// Answers remembered per window, so that a repeated request gets the same one.
const REMEMBERED_ANSWERS: usize = 256;
/// Requests that may wait for the owner at once.
const HELD_REQUESTS: usize = 16;
/// Marks the numbers of requests that wait for the owner: apart from those of own requests.
const HELD_SELLING: u64 = 1 << 63;
/// Approvals open at once; more are denied as busy.
const OPEN_APPROVALS: usize = 64;

/// Blocks in which an approval could be used; after fewer its lapse says nothing of the buyer.
const USABLE_BLOCKS: u64 = 3;

/// Wh promised to a buyer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reservation {
    pub buyer: MeterId,
    pub nonce: u64,
    /// Arriving.
    pub wh: Wh,
    pub gross: Wh,
    pub expires_at: Seconds,
    /// Height at which it was given; none: before a restart, so that it may have been used unseen.
    pub given_at: Option<u64>,
}

/// Why a request does not go on to be considered.
enum NotYet {
    Denied(DenialReason),
    /// The owner decides.
    Waiting {
        until: Seconds,
    },
}

/// A sale of the running window, by what makes it one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sale {
    /// The approval's nonce.
    Spot(u64),
    /// Of a standing order: height, buyer, its number, and how much.
    Chunk(u64, MeterId, u64, Wh),
}

/// The selling side of the running window.
#[derive(Debug, Default)]
pub(super) struct Selling {
    pub window: Window,
    /// Tokenised.
    pub minted: Wh,
    pub tokenised: bool,
    /// Status announced and pricing begun.
    pub opened: bool,
    pub priced: bool,
    /// Look-up that is on its way for the price.
    pub pricing: Option<u32>,
    pub sold: Wh,
    /// Sales counted in `sold`.
    counted: Vec<Sale>,
    pub reservations: Vec<Reservation>,
    /// Held back for standing orders until they have had their time.
    pub order_hold: Wh,
    pub announced: Option<Announced>,
    /// The price announced last in this window: it only falls.
    pub told: Option<Price>,
    pub answers: Vec<(MeterId, u64, Answer)>,
    /// Requests that wait for the owner.
    pub held: Vec<(u64, SignedRequest)>,
    /// Buyers that the owner decided on, with the Wh that are accepted yet; none: declined.
    pub decided: Vec<(MeterId, Option<Wh>)>,
    pub nonces: u16,
}

impl Selling {
    /// Tokens are there and the price is known.
    pub const fn ready(&self) -> bool {
        self.tokenised && self.priced
    }

    fn reserved(&self) -> Wh {
        self.reservations
            .iter()
            .fold(Wh::ZERO, |sum, r| sum.saturating_add(r.gross))
    }

    /// Whether a sale is heard for the first time.
    pub(super) fn first_heard(&mut self, sale: Sale) -> bool {
        let first = !self.counted.contains(&sale);
        if first {
            self.counted.push(sale);
        }
        first
    }

    /// Tokens that are neither sold, reserved nor held back.
    pub fn free(&self) -> Wh {
        self.minted
            .saturating_sub(self.sold)
            .saturating_sub(self.reserved())
            .saturating_sub(self.order_hold)
    }
}

impl Agent {
    pub(super) fn open_selling(
        &mut self,
        now: Millis,
        surplus: Wh,
        cx: &mut Context<'_>,
        out: &mut Out,
    ) {
        if !self.may_sell(now) {
            return;
        }
        self.selling.opened = true;
        self.announce_status(now, true, surplus, cx, out);
        let delay = self
            .market
            .timing
            .price_ms
            .saturating_add(self.jitter(self.selling.window, 1));
        self.schedule(now, Timer::Price, delay, out);
    }

    /// The owner and the market allow selling now.
    pub(super) fn may_sell(&self, now: Millis) -> bool {
        self.policy.sells() && self.policy.hour_allowed(self.chain_now(now)) && !self.paused
    }

    /// What can be offered now: free tokens within the owner's daily limit.
    pub(super) fn sellable(&self) -> Wh {
        let free = self.selling.free().saturating_sub(self.policy.reserve_wh);
        match self.policy.max_sell_wh_per_day {
            Some(limit) => free.min(
                limit
                    .saturating_sub(self.day.sold)
                    .saturating_sub(self.selling.reserved()),
            ),
            None => free,
        }
    }

    /// The statement was turned into tokens.
    pub(super) fn on_minted(&mut self, now: Millis, wh: Wh, cx: &mut Context<'_>, out: &mut Out) {
        self.selling.minted = wh;
        self.selling.tokenised = true;
        self.hold_for_orders(now, out);
        self.refresh_offer(now, cx, out);
    }

    pub(super) fn on_request(
        &mut self,
        now: Millis,
        signed: &SignedRequest,
        cx: &mut Context<'_>,
        out: &mut Out,
    ) {
        let r = &signed.request;
        let reply = |answer| {
            Command::Reply(Box::new(TradeAnswer {
                id: r.id,
                seller: self.id.meter,
                buyer: r.buyer,
                answer,
            }))
        };
        if r.seller != self.id.meter || r.buyer == self.id.meter {
            return;
        }
        // Buyers number their requests by themselves: only buyer and number together name one.
        if let Some((_, _, answer)) = self
            .selling
            .answers
            .iter()
            .find(|(b, id, _)| *b == r.buyer && *id == r.id)
        {
            out.push(reply(answer.clone()));
            return;
        }
        let decided = match self.permitted(now, signed, cx, out) {
            Ok(most) => self
                .consider(now, signed, most, cx)
                .map(|approval| self.approve(r.id, approval, cx, out)),
            Err(NotYet::Denied(reason)) => Err((reason, Wh::ZERO)),
            Err(NotYet::Waiting { until }) => Ok(Answer::Waiting { until }),
        };
        let decided =
            decided.unwrap_or_else(|(reason, available)| Answer::Denied { reason, available });
        out.push(Command::Reply(Box::new(TradeAnswer {
            id: r.id,
            seller: self.id.meter,
            buyer: r.buyer,
            answer: decided.clone(),
        })));
        if matches!(decided, Answer::Approved(_)) {
            if self.selling.answers.len() >= REMEMBERED_ANSWERS {
                self.selling.answers.remove(0);
            }
            self.selling.answers.push((r.buyer, r.id, decided));
            if self.sellable().is_zero() {
                self.withdraw_offer(out);
            }
        }
    }

    /// How much the owner lets this buyer have, where the owner decides on each trade; otherwise the answer.
    fn permitted(
        &mut self,
        now: Millis,
        signed: &SignedRequest,
        cx: &Context<'_>,
        out: &mut Out,
    ) -> Result<Wh, NotYet> {
        if !self.policy.manual_approval {
            return Ok(Wh::MAX);
        }
        let r = &signed.request;
        match self.selling.decided.iter().find(|(b, _)| *b == r.buyer) {
            Some((_, Some(wh))) => Ok(*wh),
            Some((_, None)) => Err(NotYet::Denied(DenialReason::Policy)),
            None => Err(self.hold(now, signed, cx, out)),
        }
    }

    /// Lets a genuine request wait for the owner, under a number of its own; one of a buyer at a time.
    fn hold(
        &mut self,
        now: Millis,
        signed: &SignedRequest,
        cx: &Context<'_>,
        out: &mut Out,
    ) -> NotYet {
        let r = &signed.request;
        let until = self.decided_by();
        if now >= self.closing_at() || r.first_window != self.selling.window {
            return NotYet::Denied(DenialReason::Window);
        }
        if self.holds(&r.buyer) {
            return NotYet::Waiting { until };
        }
        if self.selling.held.len() >= HELD_REQUESTS {
            return NotYet::Denied(DenialReason::Busy);
        }
        if r.kind != TradeKind::Spot || r.expires_at < self.block.time {
            return NotYet::Denied(DenialReason::Invalid);
        }
        let Some(buyer) = buyer_of(signed, cx) else {
            return NotYet::Denied(DenialReason::Invalid);
        };
        // Worth nothing to this seller.
        let terms = self.terms.as_ref();
        let pair = terms.and_then(|t| t.pair(self.id.zone, buyer.zone).copied());
        let price = pair.and_then(|pair| self.asking_price(&pair, cx));
        let Some(price) = price.filter(|price| *price <= r.max_price) else {
            return NotYet::Denied(DenialReason::Price);
        };
        // The local clock does not go back to where it was before a restart: no number is used twice.
        self.held_requests = self.held_requests.saturating_add(1).max(now.0);
        let request = HELD_SELLING | self.held_requests;
        self.selling.held.push((request, signed.clone()));
        out.push(Command::Tell(Notice::AwaitingApproval {
            request,
            partner: r.buyer,
            wh: r.wh,
            price,
            selling: true,
            until,
        }));
        NotYet::Waiting { until }
    }

    /// Block time until which the owner can decide on a trade of the running window: what follows takes a while.
    pub(super) fn decided_by(&self) -> Seconds {
        let t = &self.market.timing;
        let end = self
            .terms
            .as_ref()
            .map_or(0, |terms| terms.now.end(self.market.window_s).0);
        Seconds(end.saturating_sub(t.closing_ms.div_ceil(1000)))
    }

    /// Whether a request of this buyer waits for the owner.
    fn holds(&self, buyer: &MeterId) -> bool {
        self.selling
            .held
            .iter()
            .any(|(_, held)| held.request.buyer == *buyer)
    }

    /// Whether, how much (at most `most`) and for how much to sell to this buyer.
    fn consider(
        &mut self,
        now: Millis,
        signed: &SignedRequest,
        most: Wh,
        cx: &mut Context<'_>,
    ) -> Result<Approval, (DenialReason, Wh)> {
        use DenialReason as No;
        let r = &signed.request;
        let no = |reason| Err((reason, Wh::ZERO));
        let Some(terms) = self.terms.clone() else {
            return no(No::Window);
        };
        if r.version != RECORD_VERSION || r.network != self.market.network || r.wh.is_zero() {
            return no(No::Invalid);
        }
        let Some(buyer) = buyer_of(signed, cx) else {
            return no(No::Invalid);
        };
        let chain_now = self.chain_now(now);
        if !self.policy.sells() || !self.policy.hour_allowed(chain_now) || self.is_blocked(&r.buyer)
        {
            return no(No::Policy);
        }
        // A request from long ago or for another window gets no promise.
        if r.expires_at < self.block.time || self.paused {
            return no(No::Window);
        }
        let Some(pair) = terms.pair(self.id.zone, buyer.zone).copied() else {
            return no(No::Policy);
        };
        let Some(price) = self.asking_price(&pair, cx) else {
            return no(No::Price);
        };
        if price > r.max_price {
            return no(No::Price);
        }
        // Nonces are counted within a window that has been metered.
        if self.selling.window != terms.live() {
            return no(No::Window);
        }
        if r.kind == TradeKind::Forward {
            return self.consider_order(r, buyer.max_import, price, &pair, chain_now);
        }
        if r.first_window != self.selling.window || r.count != 1 || now >= self.closing_at() {
            return no(No::Window);
        }
        let open = &self.selling.reservations;
        if open.len() >= OPEN_APPROVALS || open.iter().any(|o| o.buyer == r.buyer) {
            return Err((No::Busy, self.sellable()));
        }
        if !self.in_second_half(now) && self.partners.let_lapse_lately(&r.buyer, chain_now) {
            return no(No::Later);
        }
        // Nobody redeems more than it is registered to import.
        let bought = cx.registry.purchases(&r.buyer).bought;
        let most = most.min(buyer.max_import.saturating_sub(bought));
        let available = if self.selling.ready() {
            self.sellable()
        } else {
            Wh::ZERO
        };
        let carried = match pair.capacity {
            Some(capacity) => cx
                .registry
                .capacity_left(self.id.zone, buyer.zone)
                .map_or(capacity, |left| left.min(capacity)),
            None => Wh::MAX,
        };
        let wh =
            r.wh.min(loss::arriving(available, pair.loss))
                .min(carried)
                .min(most);
        let Ok(gross) = loss::gross_for(wh, pair.loss) else {
            return no(No::Invalid);
        };
        if wh.is_zero() {
            return no(No::SoldOut);
        }
        let end = terms.now.end(self.market.window_s);
        let nonce = self.next_nonce();
        Ok(Approval {
            version: RECORD_VERSION,
            kind: TradeKind::Spot,
            chain: self.market.chain.clone(),
            escrow: self.market.escrow.clone(),
            seller: self.id.meter,
            buyer: r.buyer,
            first_window: r.first_window,
            count: 1,
            wh,
            min_wh: Wh::ZERO,
            price,
            max_gross: gross,
            max_charge: pair.charge,
            requested_at: r.requested_at,
            expires_at: Seconds(chain_now.0.saturating_add(self.market.timing.approval_s))
                .min(Seconds(end.0.saturating_sub(1))),
            nonce,
        })
    }

    /// Nonces are unique per seller: the running window and a counter.
    pub(super) fn next_nonce(&mut self) -> u64 {
        self.selling.nonces = self.selling.nonces.saturating_add(1);
        (self.selling.window.0 << 16) | u64::from(self.selling.nonces)
    }

    /// Signs; the journal has it before the buyer.
    fn approve(
        &mut self,
        request: u64,
        approval: Approval,
        cx: &mut Context<'_>,
        out: &mut Out,
    ) -> Answer {
        let signature = cx.signer.sign_agent(&approval.sign_bytes());
        match approval.kind {
            TradeKind::Spot => {
                let accepted = self.selling.decided.iter_mut();
                accepted
                    .filter(|(b, _)| *b == approval.buyer)
                    .for_each(|(_, wh)| *wh = wh.map(|wh| wh.saturating_sub(approval.wh)));
                // What comes beyond that is for the owner again.
                self.selling
                    .decided
                    .retain(|(_, wh)| !wh.is_some_and(Wh::is_zero));
                self.selling.reservations.push(Reservation {
                    buyer: approval.buyer,
                    nonce: approval.nonce,
                    wh: approval.wh,
                    gross: approval.max_gross,
                    expires_at: approval.expires_at,
                    given_at: Some(self.block.height),
                });
            }
            TradeKind::Forward => self.promise_order(&approval),
        }
        out.push(Command::WatchBlock {
            after: approval.expires_at,
        });
        let signed = SignedApproval {
            approval,
            signature,
        };
        out.push(Command::Journal(JournalEntry::Approved {
            request,
            approval: signed.clone(),
        }));
        Answer::Approved(signed)
    }

    /// A sale is on the chain: the promise is kept, what was not taken is free again.
    pub(super) fn on_sold(
        &mut self,
        now: Millis,
        t: &TradeClosed,
        cx: &mut Context<'_>,
        out: &mut Out,
    ) {
        if t.window != self.selling.window || !self.selling.first_heard(Sale::Spot(t.nonce)) {
            return;
        }
        self.selling.reservations.retain(|r| r.nonce != t.nonce);
        self.selling.sold = self
            .selling
            .sold
            .saturating_add(t.arrived)
            .saturating_add(t.lost);
        // Limits count what leaves.
        let sent = t.arrived.saturating_add(t.lost);
        self.day.sold = self.day.sold.saturating_add(sent);
        self.partners_changed |= self.partners.buy(&t.buyer, t.arrived);
        if self.selling.announced.is_none() && !self.sellable().is_zero() {
            self.refresh_offer(now, cx, out);
        }
    }

    /// Approvals that a block after their expiry has been seen for can no longer be used.
    pub(super) fn release_expired(&mut self, now: Millis, cx: &mut Context<'_>, out: &mut Out) {
        let seen = self.block.time;
        let lapsed = |r: &Reservation| r.expires_at < seen;
        for p in self.orders.forget_promises(seen) {
            self.partners.let_lapse(p.buyer, p.wh, seen);
            self.partners_changed = true;
        }
        let (lapsed, open): (Vec<_>, Vec<_>) = std::mem::take(&mut self.selling.reservations)
            .into_iter()
            .partition(lapsed);
        self.selling.reservations = open;
        if lapsed.is_empty() {
            return;
        }
        for r in lapsed {
            self.remember_lapse(&r, cx);
        }
        self.refresh_offer(now, cx, out);
    }

    /// Of an approval nothing was taken, though the buyer could have: the market went on, and the line was free.
    fn remember_lapse(&mut self, r: &Reservation, cx: &Context<'_>) {
        let used = |given: u64| self.block.height.saturating_sub(given) >= USABLE_BLOCKS;
        let zone = cx.registry.meter(&r.buyer).map(|b| b.zone);
        let carried = zone.and_then(|zone| cx.registry.capacity_left(self.id.zone, zone));
        if r.given_at.is_some_and(used) && !self.paused && carried.is_none_or(|left| left >= r.wh) {
            self.partners.let_lapse(r.buyer, r.wh, self.block.time);
            self.partners_changed = true;
        }
    }

    pub(super) fn is_blocked(&self, meter: &MeterId) -> bool {
        self.policy.blocked.contains(meter)
    }
}

/// Who asks, if it is a meter in service whose agent signed the request.
fn buyer_of(signed: &SignedRequest, cx: &Context<'_>) -> Option<MeterInfo> {
    let r = &signed.request;
    let buyer = cx.registry.meter(&r.buyer)?;
    let genuine = cx
        .signer
        .verify_agent(&buyer.agent, &r.sign_bytes(), &signed.signature);
    genuine.then_some(buyer)
}
