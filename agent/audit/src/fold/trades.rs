//! Trades: all their parts in one transaction, their price, their payment, their place in the log.

use super::Auditor;
use crate::export::because;
use crate::finding::{Place, Rule};
use crate::record::wrong;
use std::collections::BTreeSet;
use wattpool_rules::chunk::{self, Totals};
use wattpool_rules::payment::payment;
use wattpool_rules::price::sale_floor;
use wattpool_schema::escrow::{record_digest, TradeRecord};
use wattpool_schema::event::{Delivered, Moved, Redeemed, Stated, TradeClosed};
use wattpool_schema::limits::Limits;
use wattpool_schema::{Digest32, MeterId, Micro, Ppm, Price, TradeKind, Wh, Window};

/// The log of closed trades.
#[derive(Debug, Default)]
pub(super) struct Log {
    pub next: Option<u64>,
    pub head: Option<Digest32>,
    /// Trade ids by buyer, and approvals' nonces by seller.
    pub names: BTreeSet<(MeterId, u64)>,
    pub nonces: BTreeSet<(MeterId, u64)>,
}

impl Log {
    pub fn new(whole: bool) -> Self {
        Self {
            next: whole.then_some(0),
            head: whole.then(Digest32::default),
            ..Self::default()
        }
    }
}

/// A delivery and which of its other parts were seen.
#[derive(Debug)]
pub(super) struct Deal {
    pub delivered: Delivered,
    at: Place,
    closed: bool,
    redeemed: bool,
    moved: bool,
}

/// What a transaction has begun and has to end.
#[derive(Debug, Default)]
pub(super) struct Transaction {
    pub deals: Vec<Deal>,
    /// Statements whose tokens are to come.
    pub to_mint: Vec<(Stated, Place)>,
    /// Holdings that are to be reported as expired.
    pub to_expire: Vec<(String, Window, u64, Place)>,
}

/// Terms that a trade has to keep.
pub(super) struct Agreed {
    pub price: Price,
    pub charge: Price,
    pub loss: Ppm,
}

impl Auditor {
    /// Everything that the transaction began is ended.
    pub(super) fn end_of_transaction(&mut self) {
        let tx = std::mem::take(&mut self.tx);
        let here = (self.at, std::mem::take(&mut self.event));
        for deal in tx.deals {
            self.at = deal.at;
            self.event = "delivered".to_owned();
            let d = &deal.delivered;
            let missing = [
                (!deal.redeemed, "redeemed"),
                (!deal.moved, "moved"),
                (!deal.closed && d.kind == TradeKind::Spot, "trade_closed"),
            ];
            for (is, part) in missing {
                if is {
                    let what = format!("trade {} of meter {} has no {part}", d.trade_id, d.buyer);
                    self.wrong(Rule::Atomic, "", what);
                }
            }
        }
        for (stated, at) in tx.to_mint {
            self.at = at;
            self.event = "stated".to_owned();
            let what = format!("{} Wh were stated as minted, no tokens were", stated.wh);
            self.wrong(Rule::Statement, "minted", what);
        }
        if self.whole() {
            for (account, window, wh, at) in tx.to_expire {
                self.at = at;
                self.event = "expired".to_owned();
                let what = format!("{wh} Wh of window {window} in account {account:?} expired and are not reported");
                self.wrong(Rule::Conservation, "wh", what);
            }
        }
        (self.at, self.event) = here;
    }

    fn deal(
        &mut self,
        buyer: MeterId,
        trade_id: u64,
        done: fn(&mut Deal) -> &mut bool,
    ) -> Option<Delivered> {
        let deals = self.tx.deals.iter_mut();
        for deal in deals {
            let same = deal.delivered.buyer == buyer && deal.delivered.trade_id == trade_id;
            if same && !*done(deal) {
                *done(deal) = true;
                return Some(deal.delivered.clone());
            }
        }
        None
    }

    fn no_delivery(&mut self, trade_id: u64) {
        let what = format!("there is no delivery of trade {trade_id} in this transaction");
        self.wrong(Rule::Atomic, "trade_id", what);
    }

    pub(super) fn part_redeemed(&mut self, e: &Redeemed) {
        let Some(d) = self.deal(e.buyer, e.trade_id, |d| &mut d.redeemed) else {
            return self.no_delivery(e.trade_id);
        };
        self.same(Rule::Atomic, "window", &e.window, &d.window);
        self.same(Rule::Atomic, "seller", &e.seller, &d.seller);
        self.same(Rule::Atomic, "gross", &e.gross, &d.gross);
        self.same(Rule::Atomic, "net", &e.net, &d.net);
    }

    pub(super) fn part_moved(&mut self, e: &Moved) {
        let Some(d) = self.deal(e.buyer, e.trade_id, |d| &mut d.moved) else {
            return self.no_delivery(e.trade_id);
        };
        self.same(Rule::Atomic, "window", &e.window, &d.window);
        self.same(Rule::Atomic, "seller", &e.seller, &d.seller);
        self.same(Rule::Atomic, "gross", &e.gross, &d.gross);
        self.same(Rule::Atomic, "net", &e.net, &d.net);
        self.same(Rule::Atomic, "from", &e.from, &d.seller_owner);
        self.same(Rule::Atomic, "to", &e.to, &d.buyer_owner);
    }

    pub(super) fn delivered(&mut self, e: &Delivered) {
        self.must_be_live("window", e.window);
        if self.grid.paused == Some(true) {
            self.wrong(Rule::Paused, "", "a trade while the market is paused");
        }
        if e.seller == e.buyer {
            self.wrong(Rule::Atomic, "buyer", "a meter trades with itself");
        }
        if e.net.is_zero() {
            self.wrong(Rule::Atomic, "net", "nothing was delivered");
        }
        self.meter_in_service(e.seller);
        self.meter_in_service(e.buyer);
        for (field, meter, owner) in [
            ("seller_owner", e.seller, &e.seller_owner),
            ("buyer_owner", e.buyer, &e.buyer_owner),
        ] {
            if let Some(terms) = self.terms_of(meter, e.window) {
                self.same(Rule::Atomic, field, owner, &terms.owner);
            }
        }
        self.carry(e);
        self.tx.deals.push(Deal {
            delivered: e.clone(),
            at: self.at,
            closed: false,
            redeemed: false,
            moved: false,
        });
        let sums = self.energy.window(e.window);
        sums.paid = sums.paid.saturating_add(e.paid.0);
        self.totals.charges = self.totals.charges.saturating_add(e.charge);
        match e.kind {
            TradeKind::Spot => {
                self.check_spot_terms(e);
                self.pay_spot(e);
            }
            TradeKind::Forward => self.deliver_order(e),
        }
        self.count_day(e);
    }

    /// No more than a pair carries arrives over it.
    fn carry(&mut self, e: &Delivered) {
        let zones = |s: &Self| {
            let from = s.terms_of(e.seller, e.window)?.zone;
            Some((from, s.terms_of(e.buyer, e.window)?.zone))
        };
        let Some((from, to)) = zones(self) else {
            return;
        };
        let Some((_, _, capacity)) = self.grid.pair_of(from, to, e.window) else {
            if self.whole() {
                let what = format!("there are no terms from zone {from} to {to}");
                self.wrong(Rule::Capacity, "seller", what);
            }
            return;
        };
        let slot = self.grid.carried.entry((from, to)).or_default();
        if slot.0 != e.window {
            *slot = (e.window, 0);
        }
        slot.1 = slot.1.saturating_add(e.net.0);
        let carried = slot.1;
        if let Some(most) = capacity.filter(|most| carried > most.0) {
            let what = format!("{carried} Wh over a pair that carries {most}");
            self.wrong(Rule::Capacity, "net", what);
        }
    }

    fn pair_of_trade(
        &self,
        seller: MeterId,
        buyer: MeterId,
        window: Window,
    ) -> Option<(Ppm, Price)> {
        let from = self.terms_of(seller, window)?.zone;
        let to = self.terms_of(buyer, window)?.zone;
        self.grid.pair_of(from, to, window).map(|(l, c, _)| (l, c))
    }

    /// What is sent and charged follows from the pair's terms.
    fn check_spot_terms(&mut self, e: &Delivered) {
        let Some((loss, charge)) = self.pair_of_trade(e.seller, e.buyer, e.window) else {
            return;
        };
        match wattpool_rules::loss::gross_for(e.net, loss) {
            Ok(gross) => {
                self.same(Rule::Loss, "gross", &e.gross, &gross);
            }
            Err(error) => self.wrong(Rule::Loss, "gross", because(error)),
        }
        match payment(e.net, charge) {
            Ok(due) => {
                self.same(Rule::Payment, "charge", &e.charge, &due);
            }
            Err(error) => self.wrong(Rule::Payment, "charge", because(error)),
        }
    }

    /// A chunk of a standing order.
    pub(super) fn check_chunk(
        &mut self,
        e: &Delivered,
        terms: chunk::Terms,
        so_far: Totals,
        window: (Wh, Wh),
    ) -> Totals {
        let found = Totals {
            net: e.net,
            gross: e.gross,
            paid: e.paid,
            charge: e.charge,
        };
        match chunk::next(terms, so_far, window.0, window.1, e.net) {
            Ok(due) => {
                self.same(Rule::Loss, "gross", &e.gross, &due.gross);
                self.same(Rule::Payment, "paid", &e.paid, &due.paid);
                self.same(Rule::Payment, "charge", &e.charge, &due.charge);
            }
            Err(error) => self.wrong(Rule::Payment, "net", because(error)),
        }
        found
    }

    /// Limits of a meter in a window. None: not known, or its owner set none for this tenure.
    fn limits_of(&self, meter: MeterId, window: Window) -> Option<Limits> {
        let known = self.registry.meters.get(&meter)?;
        let tenure = known.terms_of(window)?.tenure;
        let (of, limits) = known.limits.as_ref()?;
        (*of == tenure).then(|| limits.clone())
    }

    /// Price bounds and switches of both owners.
    pub(super) fn check_price(
        &mut self,
        seller: MeterId,
        buyer: MeterId,
        window: Window,
        agreed: &Agreed,
    ) {
        let Some((import, feed_in)) = self.grid.tariffs_of(window) else {
            return;
        };
        let known = |s: &Self, m| s.registry.meters.contains_key(&m);
        let sells = self.limits_of(seller, window);
        let buys = self.limits_of(buyer, window);
        if self.whole() && buys.is_none() && known(self, buyer) {
            let what = format!("meter {buyer} buys, but its owner set no limits in this tenure");
            self.wrong(Rule::Limits, "buyer", what);
        }
        if !self.whole() && (sells.is_none() || buys.is_none()) {
            // Limits that were set before the export are not known.
            return;
        }
        let (sells, buys) = (sells.unwrap_or_default(), buys.unwrap_or_default());
        for (field, off) in [("seller", sells.trading_off), ("buyer", buys.trading_off)] {
            if off {
                self.wrong(Rule::Limits, field, "its owner has switched trading off");
            }
        }
        let floor = sells
            .min_sell_price
            .or_else(|| sale_floor(feed_in, agreed.loss));
        if floor.is_none_or(|least| agreed.price < least) {
            let least = floor.map_or_else(|| "no price".to_owned(), |p| p.to_string());
            let what = format!("{}, the seller's least is {least}", agreed.price);
            self.wrong(Rule::PriceBounds, "price", what);
        }
        let by_tariff = u64::try_from(import.0).ok().map(Price);
        let most = buys.max_buy_price.or(by_tariff);
        let asked = agreed.price.saturating_add(agreed.charge);
        if most.is_none_or(|most| asked > most) {
            let most = most.map_or_else(|| "no price".to_owned(), |p| p.to_string());
            let what = format!("{asked} with the charge, the buyer's most is {most}");
            self.wrong(Rule::PriceBounds, "price", what);
        }
    }

    /// What owners allow in a UTC day.
    fn count_day(&mut self, e: &Delivered) {
        let (day, seconds) = (self.day(), u64::from(self.header.window_seconds));
        let first = self
            .first_live
            .map_or(0, |w| w.next().0.saturating_mul(seconds) / 86_400);
        let known = self.whole() || day > first;
        let spent = e.paid.0.saturating_add(e.charge.0);
        let turn = |d: &mut super::registry::Day| {
            if d.day != day {
                *d = super::registry::Day {
                    day,
                    ..Default::default()
                };
            }
        };
        let seller = self.registry.meters.entry(e.seller).or_default();
        turn(&mut seller.day);
        seller.day.sold = seller.day.sold.saturating_add(e.gross.0);
        let sold = seller.day.sold;
        let buyer = self.registry.meters.entry(e.buyer).or_default();
        turn(&mut buyer.day);
        buyer.day.bought = buyer.day.bought.saturating_add(e.net.0);
        buyer.day.spent = buyer.day.spent.saturating_add(spent);
        let bought = buyer.day;
        if !known {
            return;
        }
        let sells = self.limits_of(e.seller, e.window).unwrap_or_default();
        if let Some(most) = sells.max_sell_per_day.filter(|most| sold > most.0) {
            let what = format!("{sold} Wh sold this day, its owner allows {most}");
            self.wrong(Rule::Limits, "gross", what);
        }
        let Some(buys) = self.limits_of(e.buyer, e.window) else {
            return;
        };
        if let Some(most) = buys.max_buy_per_day.filter(|most| bought.bought > most.0) {
            let what = format!(
                "{} Wh bought this day, its owner allows {most}",
                bought.bought
            );
            self.wrong(Rule::Limits, "net", what);
        }
        let import = self.grid.tariffs_of(e.window).map(|(import, _)| import);
        let terms = self.terms_of(e.buyer, e.window);
        if let (Some(import), Some(terms)) = (import, terms) {
            let most = self.daily_spending(&buys, terms.max_import, import);
            if Micro(bought.spent) > most {
                let what = format!("{} spent this day, allowed are {most}", bought.spent);
                self.wrong(Rule::Limits, "paid", what);
            }
        }
    }

    pub(super) fn trade_closed(&mut self, e: &TradeClosed) {
        self.append(e);
        if e.seller == e.buyer {
            self.wrong(Rule::Atomic, "buyer", "a meter trades with itself");
        }
        let record = TradeRecord::from(e);
        if let Some((field, what)) = wrong(&record, e.sequence) {
            let rule = if field == "paid" {
                Rule::Payment
            } else {
                Rule::TradeChain
            };
            self.wrong(rule, field, what);
        }
        if e.closed_at.0 > self.at.time {
            let what = format!("{}, after block time {}", e.closed_at, self.at.time);
            self.wrong(Rule::TradeChain, "closed_at", what);
        }
        match e.kind {
            TradeKind::Spot => self.close_spot(e),
            TradeKind::Forward => self.close_order(e),
        }
        self.totals.trades = self.totals.trades.saturating_add(1);
    }

    /// The log is a hash chain without gaps, and no name is used twice.
    fn append(&mut self, e: &TradeClosed) {
        if let Some(next) = self.log.next {
            self.same(Rule::TradeChain, "sequence", &e.sequence, &next);
        }
        if let Some(head) = self.log.head {
            let expected = record_digest(&head, &TradeRecord::from(e));
            if e.head != expected {
                let what = format!("{}, but the record and the head before make {expected}: the record was changed, or trades are left out or moved", e.head);
                self.wrong(Rule::TradeChain, "head", what);
            }
        }
        self.log.next = e.sequence.checked_add(1);
        self.log.head = Some(e.head);
        let opened = self.orders.contains_key(&(e.buyer, e.trade_id));
        if !opened && e.kind == TradeKind::Spot {
            self.take_names(e.buyer, e.trade_id, e.seller, e.nonce);
        }
    }

    pub(super) fn take_names(
        &mut self,
        buyer: MeterId,
        trade_id: u64,
        seller: MeterId,
        nonce: u64,
    ) {
        if !self.log.names.insert((buyer, trade_id)) {
            let what = format!("{trade_id} is another trade of this buyer");
            self.wrong(Rule::TradeChain, "trade_id", what);
        }
        if !self.log.nonces.insert((seller, nonce)) {
            let what = format!("{nonce}: this approval of the seller was used before");
            self.wrong(Rule::TradeChain, "nonce", what);
        }
    }

    fn close_spot(&mut self, e: &TradeClosed) {
        let Some(d) = self.deal(e.buyer, e.trade_id, |d| &mut d.closed) else {
            return self.no_delivery(e.trade_id);
        };
        self.same(Rule::Atomic, "window", &e.window, &d.window);
        self.same(Rule::Atomic, "seller", &e.seller, &d.seller);
        self.same(Rule::Atomic, "count", &e.count, &1);
        self.same(Rule::Atomic, "asked", &e.asked, &d.net);
        self.same(Rule::Atomic, "arrived", &e.arrived, &d.net);
        self.same(Rule::Atomic, "declined", &e.declined, &Wh::ZERO);
        self.same(Rule::Atomic, "missed", &e.missed, &Wh::ZERO);
        let lost = d.gross.saturating_sub(d.net);
        self.same(Rule::Atomic, "lost", &e.lost, &lost);
        self.same(Rule::Atomic, "paid", &e.paid, &d.paid);
        self.same(Rule::Atomic, "charge", &e.charge, &d.charge);
        self.same(
            Rule::Atomic,
            "closed_at",
            &e.closed_at.0,
            &self.at.time.clone(),
        );
        if let Some((loss, charge)) = self.pair_of_trade(e.seller, e.buyer, e.window) {
            let agreed = Agreed {
                price: e.price,
                charge,
                loss,
            };
            self.check_price(e.seller, e.buyer, e.window, &agreed);
        }
    }
}
