//! The selling side: tokens become offers, requests become approvals, never the same Wh twice.

use super::offers::Announced;
use super::{Agent, Out};
use crate::context::Context;
use crate::io::{Command, JournalEntry, Millis, Notice, Timer};
use wattpool_rules::loss;
use wattpool_schema::event::TradeClosed;
use wattpool_schema::peer::{Answer, DenialReason, SignedRequest, TradeAnswer};
use wattpool_schema::{
    Approval, MeterId, Seconds, SignedApproval, TradeKind, Wh, Window, RECORD_VERSION,
};

/// Answers remembered per window, so that a repeated request gets the same one.
const REMEMBERED_ANSWERS: usize = 256;
/// Requests that may wait for the owner at once.
const HELD_REQUESTS: usize = 16;
/// Marks the numbers of requests that wait for the owner: apart from those of own requests.
const HELD_SELLING: u64 = 1 << 63;
/// Approvals open at once; more are denied as busy.
const OPEN_APPROVALS: usize = 64;

/// Wh promised to a buyer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reservation {
    pub nonce: u64,
    pub gross: Wh,
    pub expires_at: Seconds,
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
    pub answers: Vec<(MeterId, u64, Answer)>,
    /// Requests that wait for the owner, and those the owner accepted.
    pub held: Vec<(u64, SignedRequest)>,
    pub accepted: Vec<(MeterId, u64)>,
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
        if let Some((_, _, answer)) = self
            .selling
            .answers
            .iter()
            .find(|(b, id, _)| *b == r.buyer && *id == r.id)
        {
            out.push(reply(answer.clone()));
            return;
        }
        // Buyers number their requests by themselves: only buyer and number together name one.
        if self.policy.manual_approval && !self.selling.accepted.contains(&(r.buyer, r.id)) {
            self.hold(now, signed, cx, out);
            return;
        }
        let decided = match self.consider(now, signed, cx) {
            Ok(approval) => self.approve(r.id, approval, cx, out),
            Err((reason, available)) => Answer::Denied { reason, available },
        };
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

    /// Lets a genuine request wait for the owner, under a number of its own.
    fn hold(&mut self, now: Millis, signed: &SignedRequest, cx: &Context<'_>, out: &mut Out) {
        let r = &signed.request;
        let buyer = cx.registry.meter(&r.buyer);
        let known = self.holds(&r.buyer, r.id);
        let genuine = || {
            buyer.is_some_and(|b| {
                cx.signer
                    .verify_agent(&b.agent, &r.sign_bytes(), &signed.signature)
            })
        };
        if known || self.selling.held.len() >= HELD_REQUESTS || !genuine() {
            return;
        }
        // Lapsed before it could be shown, or worth nothing to this seller.
        let pair = buyer.and_then(|b| self.terms.as_ref()?.pair(self.id.zone, b.zone).copied());
        let price = pair.and_then(|pair| self.asking_price(&pair));
        let Some(price) = price.filter(|_| r.expires_at >= self.block.time) else {
            return;
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
            until: r.expires_at,
        }));
    }

    /// Whether a request waits for the owner.
    pub fn holds(&self, buyer: &MeterId, id: u64) -> bool {
        let same = |r: &SignedRequest| r.request.buyer == *buyer && r.request.id == id;
        self.selling.held.iter().any(|(_, held)| same(held))
    }

    /// Whether, how much and for how much to sell to this buyer.
    fn consider(
        &mut self,
        now: Millis,
        signed: &SignedRequest,
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
        let Some(buyer) = cx.registry.meter(&r.buyer) else {
            return no(No::Invalid);
        };
        if !cx
            .signer
            .verify_agent(&buyer.agent, &r.sign_bytes(), &signed.signature)
        {
            return no(No::Invalid);
        }
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
        let Some(price) = self.asking_price(&pair) else {
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
            return self.consider_order(r, price, &pair, chain_now);
        }
        if r.first_window != self.selling.window || r.count != 1 || now >= self.closing_at() {
            return no(No::Window);
        }
        if self.selling.reservations.len() >= OPEN_APPROVALS {
            return Err((No::Busy, self.sellable()));
        }
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
        let wh = r.wh.min(loss::arriving(available, pair.loss)).min(carried);
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
            TradeKind::Spot => self.selling.reservations.push(Reservation {
                nonce: approval.nonce,
                gross: approval.max_gross,
                expires_at: approval.expires_at,
            }),
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
        self.day.sold = self.day.sold.saturating_add(t.arrived);
        if self.selling.announced.is_none() && !self.sellable().is_zero() {
            self.refresh_offer(now, cx, out);
        }
    }

    /// Approvals that a block after their expiry has been seen for can no longer be used.
    pub(super) fn release_expired(&mut self, now: Millis, cx: &mut Context<'_>, out: &mut Out) {
        let seen = self.block.time;
        let before = self.selling.reservations.len();
        self.selling.reservations.retain(|r| r.expires_at >= seen);
        self.selling
            .held
            .retain(|(_, held)| held.request.expires_at >= seen);
        self.orders.forget_promises(seen);
        let waiting = self.buying.held.len();
        self.buying
            .held
            .retain(|(_, held, _)| held.approval.expires_at >= seen);
        if self.buying.held.len() < waiting {
            self.plan_purchases(now, cx, out);
        }
        if self.selling.reservations.len() < before {
            self.refresh_offer(now, cx, out);
        }
    }

    pub(super) fn is_blocked(&self, meter: &MeterId) -> bool {
        self.policy.blocked.contains(meter)
    }
}
