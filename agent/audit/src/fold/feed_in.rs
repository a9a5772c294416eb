//! What nobody bought: credit, its money, the reserve that pays it.

use super::holds::Holds;
use super::Auditor;
use crate::finding::Rule;
use std::collections::BTreeMap;
use wattpool_rules::feed_in::credit;
use wattpool_schema::event::{
    FeedInConfirmed, FeedInCredited, FeedInPaid, ReserveFunded, ReserveTaken,
};
use wattpool_schema::{Micro, Wh, Window};

/// An owner's feed-in money.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Owner {
    pub credited: i128,
    pub paid: i128,
    /// Struck out.
    pub struck: i128,
    /// The last window that was turned into money, and whether that was its late part.
    pub through: Option<(Window, bool)>,
    /// That window, and all that it was turned into.
    pub last: (Window, i128),
}

/// Feed-in of all owners.
#[derive(Debug, Default)]
pub(super) struct FeedInBooks {
    /// What expired in an account, by window.
    expired: BTreeMap<(String, Window), Wh>,
    /// What was stated late while a window was live: energy, and its money if all tariffs are known.
    late: BTreeMap<(String, Window), (Wh, Option<Micro>)>,
    pub owners: BTreeMap<String, Owner>,
    pub holds: Holds,
    pub funded: i128,
    pub paid: i128,
}

impl FeedInBooks {
    pub fn expire(&mut self, account: &str, window: Window, wh: Wh) {
        let done = self.owners.get(account).and_then(|o| o.through);
        if done.is_some_and(|(through, _)| window <= through) {
            return;
        }
        let sum = self
            .expired
            .entry((account.to_owned(), window))
            .or_default();
        *sum = sum.saturating_add(wh);
    }

    pub fn earn_late(&mut self, owner: &str, live: Window, wh: Wh, amount: Option<Micro>) {
        let key = (owner.to_owned(), live);
        let sum = self
            .late
            .entry(key)
            .or_insert((Wh::ZERO, Some(Micro::ZERO)));
        sum.0 = sum.0.saturating_add(wh);
        sum.1 = sum.1.zip(amount).map(|(a, b)| a.saturating_add(b));
    }
}

impl Auditor {
    pub(super) fn feed_in_credited(&mut self, e: &FeedInCredited) {
        let (now, whole) = (self.now(), self.whole());
        if e.window.plus(2) > now {
            let what = format!("{}, whose trading has not ended in window {now}", e.window);
            self.wrong(Rule::FeedIn, "window", what);
        }
        let owner = self.feed_in.owners.entry(e.owner.clone()).or_default();
        let before = owner.through;
        owner.through = Some((e.window, e.late));
        owner.credited = owner.credited.saturating_add(i128::from(e.amount.0));
        let part = Some(owner.last.1).filter(|_| owner.last.0 == e.window);
        let sum = part.unwrap_or(0).saturating_add(i128::from(e.amount.0));
        owner.last = (e.window, sum);
        if before.is_some_and(|through| (e.window, e.late) <= through) {
            let what = format!("{} was turned into money before", e.window);
            self.wrong(Rule::FeedIn, "window", what);
        }
        let key = (e.owner.clone(), e.window);
        let (wh, amount) = if e.late {
            match self.feed_in.late.remove(&key) {
                Some((wh, amount)) => (Some(wh), amount),
                None => (whole.then_some(Wh::ZERO), None),
            }
        } else {
            let booked = self.feed_in.expired.remove(&key);
            let held = self.energy.accounts.get(&e.owner).copied();
            let held = held.filter(|h| h.window == e.window);
            let held = held.map(|h| h.own.saturating_add(h.received));
            let held = held.and_then(|wh| u64::try_from(wh).ok()).map(Wh);
            let there = booked.or(held);
            let tariff = self.grid.tariffs_of(e.window).map(|(_, feed_in)| feed_in);
            let amount = tariff.and_then(|t| credit(e.wh, t).ok());
            (there.or(whole.then_some(Wh::ZERO)), amount)
        };
        if let Some(wh) = wh.filter(|_| self.sees(e.window)) {
            self.same(Rule::FeedIn, "wh", &e.wh, &wh);
        }
        if let Some(amount) = amount {
            self.same(Rule::FeedIn, "amount", &e.amount, &amount);
        }
    }

    pub(super) fn feed_in_paid(&mut self, e: &FeedInPaid) {
        let amount = i128::from(e.amount.0);
        let (whole, held) = (self.whole(), self.held(&e.owner));
        let owner = self.feed_in.owners.entry(e.owner.clone()).or_default();
        owner.paid = owner.paid.saturating_add(amount);
        let owed = owner.credited.saturating_sub(owner.paid);
        let owed = owed.saturating_sub(owner.struck).saturating_sub(held);
        self.feed_in.paid = self.feed_in.paid.saturating_add(amount);
        self.totals.feed_in = self.totals.feed_in.saturating_add(e.amount);
        if !whole {
            return;
        }
        if owed < 0 {
            let what =
                format!("{amount}, more than was credited and is neither held nor struck out");
            self.wrong(Rule::FeedIn, "amount", what);
        } else {
            self.same(Rule::FeedIn, "owed", &i128::from(e.owed.0), &owed);
        }
        self.reserve_covers("amount");
    }

    fn reserve_covers(&mut self, field: &str) {
        let left = self.feed_in.funded.saturating_sub(self.feed_in.paid);
        if self.whole() && left < 0 {
            let what = format!("the reserve has {left} after it");
            self.wrong(Rule::Reserve, field, what);
        }
    }

    pub(super) fn reserve_funded(&mut self, e: &ReserveFunded) {
        let amount = i128::from(e.amount.0);
        self.feed_in.funded = self.feed_in.funded.saturating_add(amount);
    }

    pub(super) fn reserve_taken(&mut self, e: &ReserveTaken) {
        self.only_operator("to", &e.to);
        let amount = i128::from(e.amount.0);
        self.feed_in.funded = self.feed_in.funded.saturating_sub(amount);
        self.reserve_covers("amount");
    }

    pub(super) fn feed_in_confirmed(&mut self, e: &FeedInConfirmed) {
        let now = self.now();
        if e.through.plus(2) > now {
            let what = format!("{}, whose trading has not ended in window {now}", e.through);
            self.wrong(Rule::FeedIn, "through", what);
        }
        let before = self.grid.confirmed.replace(e.through);
        if let Some(before) = before.filter(|before| e.through <= *before) {
            let what = format!("{}, but {before} was confirmed before", e.through);
            self.wrong(Rule::FeedIn, "through", what);
        }
    }
}
