//! Feed-in credit in dispute: held, set aside, released, struck out.

use super::Auditor;
use crate::finding::Rule;
use std::collections::BTreeMap;
use wattpool_schema::event::{
    CreditHeld, CreditHoldConfirmed, CreditHoldReleased, CreditHoldSet, CreditStruck,
};
use wattpool_schema::pool::HOLD_DAYS;
use wattpool_schema::{Micro, Seconds, Window};

/// A hold, by account and first window.
#[derive(Clone, Debug)]
pub(super) struct Hold {
    through: Window,
    /// From when on it is over; none: confirmed.
    until: Option<Seconds>,
    /// What it set aside and nobody struck out, by window.
    aside: BTreeMap<Window, Micro>,
}

impl Hold {
    fn runs(&self, now: Seconds) -> bool {
        self.until.is_none_or(|until| now < until)
    }

    fn sum(&self) -> i128 {
        let amounts = self.aside.values().map(|amount| i128::from(amount.0));
        amounts.fold(0, i128::saturating_add)
    }
}

/// All holds.
pub(super) type Holds = BTreeMap<(String, Window), Hold>;

impl Auditor {
    const fn time(&self) -> Seconds {
        Seconds(self.at.time)
    }

    fn of<'a>(holds: &'a Holds, owner: &str) -> impl Iterator<Item = (Window, &'a Hold)> {
        let first = (owner.to_owned(), Window::ZERO);
        let last = (owner.to_owned(), Window::MAX);
        holds
            .range(first..=last)
            .map(|((_, from), hold)| (*from, hold))
    }

    /// What is set aside of an account by holds that are not over.
    pub(super) fn held(&self, owner: &str) -> i128 {
        let now = self.time();
        Self::of(&self.feed_in.holds, owner)
            .filter(|(_, hold)| hold.runs(now))
            .map(|(_, hold)| hold.sum())
            .fold(0, i128::saturating_add)
    }

    /// A hold that must be there and not over.
    fn running(&mut self, owner: &str, from: Window) -> Option<Hold> {
        let key = (owner.to_owned(), from);
        let found = self.feed_in.holds.get(&key).cloned();
        let now = self.time();
        match &found {
            None if self.whole() => {
                let what = format!("{from}: no hold of {owner:?} begins with it");
                self.wrong(Rule::FeedIn, "from", what);
            }
            Some(hold) if !hold.runs(now) => {
                let what = format!("{from}: this hold is over");
                self.wrong(Rule::FeedIn, "from", what);
            }
            _ => {}
        }
        found
    }

    pub(super) fn credit_hold_set(&mut self, e: &CreditHoldSet) {
        self.only_operator("by", &e.by);
        let (now, time) = (self.now(), self.time());
        if e.through < e.from || e.through.plus(2) > now {
            let what = format!(
                "{} to {}, expected windows before the live one in window {now}",
                e.from, e.through
            );
            self.wrong(Rule::FeedIn, "through", what);
        }
        let until = Seconds(
            time.0
                .saturating_add(u64::from(HOLD_DAYS).saturating_mul(86_400)),
        );
        self.same(Rule::FeedIn, "until", &e.until, &until);
        let claimed = self.feed_in.owners.get(&e.owner).and_then(|o| o.through);
        if let Some((claimed, _)) = claimed.filter(|(claimed, _)| e.from <= *claimed) {
            let what = format!("{}, but credit through {claimed} is claimed", e.from);
            self.wrong(Rule::FeedIn, "from", what);
        }
        let other = Self::of(&self.feed_in.holds, &e.owner)
            .find(|(from, h)| h.runs(time) && *from <= e.through && e.from <= h.through)
            .map(|(from, h)| format!("{}: windows {from} to {} are held", e.from, h.through));
        if let Some(what) = other {
            self.wrong(Rule::FeedIn, "from", what);
        }
        let hold = Hold {
            through: e.through,
            until: Some(e.until),
            aside: BTreeMap::new(),
        };
        self.feed_in.holds.insert((e.owner.clone(), e.from), hold);
    }

    pub(super) fn credit_hold_confirmed(&mut self, e: &CreditHoldConfirmed) {
        self.only_role("regulator", "by", &e.by);
        if let Some(mut hold) = self.running(&e.owner, e.from) {
            hold.until = None;
            self.feed_in.holds.insert((e.owner.clone(), e.from), hold);
        }
    }

    pub(super) fn credit_hold_released(&mut self, e: &CreditHoldReleased) {
        // Either may; where the regulator is not known, it may have been it.
        let regulator = self.grid.roles.get("regulator");
        if regulator.is_some_and(|regulator| *regulator != e.by) {
            self.only_operator("by", &e.by);
        }
        if let Some(mut hold) = self.running(&e.owner, e.from) {
            hold.until = Some(self.time());
            self.feed_in.holds.insert((e.owner.clone(), e.from), hold);
        }
    }

    pub(super) fn credit_held(&mut self, e: &CreditHeld) {
        let (now, whole) = (self.time(), self.whole());
        let owner = self.feed_in.owners.get(&e.owner).copied();
        let credited = owner.map_or((Window::ZERO, 0), |owner| owner.last);
        self.same(
            Rule::FeedIn,
            "amount",
            &i128::from(e.amount.0),
            &(if credited.0 == e.window {
                credited.1
            } else {
                0
            }),
        );
        let from = Self::of(&self.feed_in.holds, &e.owner)
            .find(|(from, h)| h.runs(now) && *from <= e.window && e.window <= h.through)
            .map(|(from, _)| from);
        let hold = from.and_then(|from| self.feed_in.holds.get_mut(&(e.owner.clone(), from)));
        match hold {
            Some(hold) => {
                let before = hold.aside.insert(e.window, e.amount);
                if before.is_some() {
                    let what = format!("{} was set aside before", e.window);
                    self.wrong(Rule::FeedIn, "window", what);
                }
            }
            None if whole => {
                let what = format!("{} is under no hold that is not over", e.window);
                self.wrong(Rule::FeedIn, "window", what);
            }
            None => {}
        }
    }

    pub(super) fn credit_struck(&mut self, e: &CreditStruck) {
        self.only_role("regulator", "by", &e.by);
        let Some(mut hold) = self.running(&e.owner, e.from) else {
            return;
        };
        let rest = hold.aside.split_off(&e.through.next());
        let struck = hold.sum();
        hold.aside = rest;
        let left = hold.sum();
        self.same(Rule::FeedIn, "amount", &i128::from(e.amount.0), &struck);
        self.same(Rule::FeedIn, "left", &i128::from(e.left.0), &left);
        let owner = self.feed_in.owners.entry(e.owner.clone()).or_default();
        owner.struck = owner.struck.saturating_add(struck);
        let key = (e.owner.clone(), e.from);
        if hold.aside.is_empty() {
            self.feed_in.holds.remove(&key);
        } else {
            self.feed_in.holds.insert(key, hold);
        }
    }
}
