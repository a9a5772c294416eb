//! The buying side of a window: what is needed, bought and under way, and the search for offers (FR-05).

use super::estimating::Loading;
use super::surveying::Survey;
use super::{Agent, Intent, Out};
use crate::context::Context;
use crate::genuine::Genuine;
use crate::io::{BlockRef, Command, Millis, Timer};
use wattpool_optimizer::predict::Conditions;
use wattpool_schema::escrow::SettleTrade;
use wattpool_schema::event::Delivered;
use wattpool_schema::peer::{Offer, Record, SignedRequest};
use wattpool_schema::pool::MeterKind;
use wattpool_schema::{Approval, MeterId, Ppm, Price, TradeKind, Wh, Window, Zone};

/// Look-ups per class of loss and window.
const SEEKS: u32 = 10;
/// Rounds in a row that bring nothing before the grid is taken.
const FRUITLESS: u32 = 4;
/// Look-ups in a row without a single usable offer from which on further shards are not explored: a
/// neighbourhood without surplus (at night) looks the same everywhere.
const EMPTY: u32 = 2;

/// An offer that passed the owner's limits.
#[derive(Clone, Debug)]
pub(super) struct Offered {
    pub seller: MeterId,
    pub zone: Zone,
    /// What stands behind the seller's meter, as far as the registry knows it.
    pub kind: Option<MeterKind>,
    pub loss: Ppm,
    pub charge: Price,
    pub max_price: Price,
    /// Still to be had, arriving.
    pub net: Wh,
    pub value: f64,
    /// Expected quality, in `[0, 1]`.
    pub quality: f64,
    /// Price, as announced, and charge.
    pub price: Price,
    /// Expected to arrive physically, of what is sent.
    pub efficiency: f64,
    /// The record it came from; only a newer one brings it back after a denial.
    pub record: Genuine,
}

impl Offered {
    /// The most that an arriving kWh can cost: what the buyer takes at most, and the charge.
    pub fn dearest(&self) -> Price {
        Price(self.max_price.0.saturating_add(self.charge.0))
    }

    /// The peer id to ask at.
    pub fn peer(&self) -> Vec<u8> {
        match &self.record.record {
            Record::Offer(offer) => offer.peer.clone(),
            Record::Status(_) => Vec::new(),
        }
    }
}

/// A request under way.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub request: SignedRequest,
    pub peer: Vec<u8>,
    pub deadline: Millis,
    pub repeated: bool,
    /// What was known when it was asked.
    pub about: Conditions,
}

/// A trade on its way to the chain.
#[derive(Clone, Debug)]
pub(super) struct Settling {
    pub trade: SettleTrade,
    pub in_flight: bool,
    /// From before a restart: the chain may have counted it already.
    pub recovered: bool,
    /// What was known when it was asked; not known any more after a restart.
    pub about: Option<Conditions>,
}

/// A purchase that waits for the owner; it is asked for when the owner agrees.
#[derive(Clone, Copy, Debug)]
pub(super) struct HeldPurchase {
    pub request: u64,
    pub seller: MeterId,
    pub wh: Wh,
}

/// An offer that comes back.
#[derive(Clone, Copy, Debug)]
pub(super) struct Later {
    pub seller: MeterId,
    /// To be had then, arriving.
    pub net: Wh,
    pub at: Millis,
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
    /// Purchases that wait for the owner.
    pub held: Vec<HeldPurchase>,
    /// Offers that come back: their sellers wait for their owners, or serve this buyer later.
    pub later: Vec<Later>,
    /// The highest class of loss that is open ([`Agent::loss_class`]).
    pub class: u8,
    /// Look-ups since it opened.
    pub seeks: u32,
    pub fruitless: u32,
    pub empty: u32,
    pub unexplored: bool,
    pub seeking: Option<u32>,
    pub seek_set: bool,
    /// Which zone shall supply which, where thin lines make that matter.
    pub survey: Survey,
    /// What flows on the lines, as announced.
    pub loading: Loading,
    /// Sellers that could not deliver what they approved in this window: not asked again in it.
    pub failed: Vec<MeterId>,
    /// Offered in all, as the last look-up saw it.
    pub supply: Wh,
    /// Bought in this window, by seller.
    pub from: Vec<(MeterId, Wh)>,
    /// Deliveries of standing orders counted in `bought`: height, order and how much.
    delivered: Vec<(u64, u64, Wh)>,
    /// Cumulative import signed so far.
    pub covered: Wh,
    pub ids: u16,
}

impl Buying {
    /// What is not bought.
    pub fn left(&self) -> Wh {
        self.need.saturating_sub(self.bought)
    }

    pub(super) fn under_way(&self) -> Wh {
        let asked = self.asked.iter().map(|a| a.request.request.wh);
        let settling = self.settling.iter().map(|s| s.trade.wh);
        let held = self.held.iter().map(|h| h.wh);
        asked
            .chain(settling)
            .chain(held)
            .fold(Wh::ZERO, Wh::saturating_add)
    }

    pub(super) fn uncovered(&self) -> Wh {
        self.left().saturating_sub(self.under_way())
    }
}

impl Agent {
    pub(super) fn open_buying(
        &mut self,
        now: Millis,
        deficit: Wh,
        cx: &mut Context<'_>,
        out: &mut Out,
    ) {
        self.buying.need = deficit;
        if !self.may_buy(now) {
            return;
        }
        self.announce_status(now, false, deficit, cx, out);
        self.plan_survey(now, out);
        let orders = if self.orders.buys_in(self.buying.window) {
            self.market.timing.orders_ms
        } else {
            0
        };
        let delay = self
            .market
            .timing
            .seek_ms
            .max(orders)
            .saturating_add(self.jitter(self.buying.window, 2));
        self.seek_after(now, delay, out);
    }

    pub(super) fn may_buy(&self, now: Millis) -> bool {
        self.policy.buys() && self.policy.hour_allowed(self.chain_now(now)) && !self.paused
    }

    pub(super) fn seek_after(&mut self, now: Millis, delay: u64, out: &mut Out) {
        if !self.buying.seek_set {
            self.buying.seek_set = true;
            self.schedule(now, Timer::Seek, delay, out);
        }
    }

    /// Looks for offers, unless everything needed is under way.
    pub(super) fn seek(&mut self, now: Millis, cx: &mut Context<'_>, out: &mut Out) {
        if !std::mem::take(&mut self.buying.seek_set) {
            return;
        }
        if self.take_back(now) {
            self.plan_purchases(now, cx, out);
            return;
        }
        if self.open_classes(now) {
            self.buying.seeks = 0;
            self.buying.fruitless = 0;
            self.buying.empty = 0;
        }
        let need = self.buying.uncovered();
        if need < self.least_trade()
            || self.buying.seeking.is_some()
            || self.buying.seeks >= SEEKS
            || now >= self.closing_at()
        {
            return;
        }
        let loads = cx.registry.lines().is_some();
        let (locations, more) = self.offer_locations(self.buying.seeks, need, loads);
        if locations.is_empty() {
            self.seek_again(now, out);
            return;
        }
        self.buying.seeks = self.buying.seeks.saturating_add(1);
        self.buying.unexplored = more;
        let lookup = self.next_lookup();
        self.buying.seeking = Some(lookup);
        let deadline = now.plus(self.market.timing.lookup_ms);
        out.push(Command::Lookup {
            lookup,
            locations,
            deadline,
        });
    }

    /// Puts a seller's offer off; it comes back at a time.
    pub(super) fn put_off(&mut self, seller: MeterId, at: Millis) {
        let offers = &mut self.buying.offers;
        if let Some(offer) = offers.iter_mut().find(|o| o.seller == seller) {
            let net = std::mem::replace(&mut offer.net, Wh::ZERO);
            self.buying.later.push(Later { seller, net, at });
        }
    }

    /// Offers whose time has come are there again; false: none.
    fn take_back(&mut self, now: Millis) -> bool {
        let (due, later): (Vec<Later>, Vec<Later>) = std::mem::take(&mut self.buying.later)
            .into_iter()
            .partition(|l| l.at <= now);
        self.buying.later = later;
        for back in &due {
            let offers = &mut self.buying.offers;
            if let Some(offer) = offers.iter_mut().find(|o| o.seller == back.seller) {
                offer.net = offer.net.max(back.net);
            }
        }
        !due.is_empty()
    }

    pub(super) fn least_trade(&self) -> Wh {
        self.policy.min_trade_wh.max(Wh(1))
    }

    pub(super) fn on_lookup(
        &mut self,
        now: Millis,
        lookup: u32,
        records: &[Genuine],
        cx: &mut Context<'_>,
        out: &mut Out,
    ) {
        if self.selling.pricing == Some(lookup) {
            self.take_ratio(now, records, cx, out);
        } else if self.buying.survey.is_answer(lookup) {
            self.take_survey(records, cx);
        } else if self.buying.seeking == Some(lookup) {
            self.buying.seeking = None;
            let known = self.buying.offers.len();
            if cx.registry.lines().is_some() {
                for record in records {
                    self.take_loading(record, cx);
                }
            }
            self.buying.supply = supply_in(records, self.buying.window, cx);
            for record in records {
                self.take_offer(now, record, cx);
            }
            self.buying.empty = if self.buying.offers.len() > known {
                0
            } else {
                self.buying.empty.saturating_add(1)
            };
            self.plan_purchases(now, cx, out);
        }
    }

    pub(super) fn seek_again(&mut self, now: Millis, out: &mut Out) {
        if self.buying.seeking.is_some() {
            return;
        }
        let exploring = self.buying.unexplored && self.buying.empty < EMPTY;
        let t = &self.market.timing;
        let again = if exploring {
            Some(t.jitter_ms.max(1))
        } else if self.buying.fruitless < FRUITLESS {
            Some(
                t.retry_ms
                    .saturating_mul(1u64.checked_shl(self.buying.fruitless).unwrap_or(u64::MAX)),
            )
        } else {
            None
        };
        let opening = self.next_class_opens().map(|at| at.since(now).max(1));
        let back = self.buying.later.iter().map(|l| l.at.since(now).max(1));
        let Some(delay) = again.into_iter().chain(opening).chain(back).min() else {
            return;
        };
        self.buying.fruitless = self.buying.fruitless.saturating_add(1);
        let jitter = self.jitter(
            self.buying.window,
            u64::from(self.buying.seeks)
                .saturating_add(u64::from(self.buying.class).saturating_mul(16))
                .saturating_add(3),
        );
        self.seek_after(now, delay.saturating_add(jitter), out);
    }

    pub(super) fn still_wanted(&self, now: Millis, a: &Approval) -> bool {
        let offer = self.buying.offers.iter().find(|o| o.seller == a.seller);
        let total = a
            .price
            .saturating_add(offer.map_or(a.max_charge, |o| o.charge));
        self.may_buy(now)
            && !self.is_blocked(&a.seller)
            && self.policy.max_buy_price.is_none_or(|limit| total <= limit)
    }

    /// Of a standing order of this meter, in the running window.
    pub(super) fn count_delivery(&mut self, at: BlockRef, d: &Delivered) {
        let counts = d.buyer == self.id.meter
            && d.kind == TradeKind::Forward
            && d.window == self.buying.window;
        let chunk = (at.height, d.trade_id, d.net);
        // The chain and the transaction's outcome both tell of it.
        if counts && !self.buying.delivered.contains(&chunk) {
            self.buying.delivered.push(chunk);
            self.buying.bought = self.buying.bought.saturating_add(d.net);
            self.day.bought = self.day.bought.saturating_add(d.net);
            let cost = d.paid.saturating_add(d.charge);
            self.day.spent = self.day.spent.saturating_add(cost);
            self.note_chunk(d.buyer, d.trade_id);
            self.orders.count(false, d);
        }
    }

    /// The import signed for what did not come about serves other trades, unless deliveries under way may use it.
    pub(super) fn free_cover(&mut self) {
        if !self
            .intents
            .iter()
            .any(|(_, i)| matches!(i, Intent::Deliver { .. }))
        {
            let settling = self
                .buying
                .settling
                .iter()
                .map(|s| s.trade.wh)
                .fold(Wh::ZERO, Wh::saturating_add);
            self.buying.covered = self
                .buying
                .covered
                .min(self.buying.bought.saturating_add(settling));
        }
    }
}

/// What the offers of a window among these records come to.
fn supply_in(records: &[Genuine], window: Window, cx: &Context<'_>) -> Wh {
    let offered = records.iter().filter_map(|r| match &r.record {
        Record::Offer(offer) if offer.window == window => Some(offered(offer, cx)),
        _ => None,
    });
    offered.fold(Wh::ZERO, Wh::saturating_add)
}

/// What an offer is worth: no more than its meter is registered for.
pub(super) fn offered(offer: &Offer, cx: &Context<'_>) -> Wh {
    let registered = cx.registry.meter(&offer.meter);
    offer.wh.min(registered.map_or(Wh::ZERO, |m| m.max_export))
}
