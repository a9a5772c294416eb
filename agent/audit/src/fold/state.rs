//! The contracts' state at the end, against what the events make it.

use super::Auditor;
use crate::export::State;
use crate::finding::{Place, Rule};
use std::collections::BTreeSet;
use wattpool_schema::{MeterId, Window};

/// What of the state was compared.
#[derive(Debug, Default)]
pub(super) struct Compared {
    any: bool,
    book: bool,
    owed: Option<u128>,
    held: Option<(u128, u128)>,
    accounts: BTreeSet<String>,
    windows: BTreeSet<Window>,
    meters: BTreeSet<MeterId>,
    reserve: Option<i128>,
}

impl Auditor {
    /// Takes something that a contract stores at the end.
    pub fn state(&mut self, line: Option<u64>, state: &State) {
        self.end_of_transaction();
        self.compared.any = true;
        self.totals.states = self.totals.states.saturating_add(1);
        let here = (self.at, std::mem::take(&mut self.event));
        // It is no event's: what is stored after the last one.
        self.at = Place {
            line,
            height: self.at.height,
            ..Place::default()
        };
        match state {
            State::Book(b) => {
                self.event = "state.book".to_owned();
                self.compared.book = true;
                let owed = [b.accounts, b.locked, b.charges].map(|m| u128::from(m.0));
                self.compared.owed = Some(owed.iter().fold(0, |a, b| a.saturating_add(*b)));
                if let Some(head) = self.log.head {
                    self.same(Rule::State, "head", &b.head, &head);
                }
                if let Some(next) = self.log.next {
                    self.same(Rule::State, "trades", &b.trades, &next);
                }
                if self.whole() {
                    let sum = |of: fn(&super::money::Account) -> Option<i128>| {
                        let accounts = self.money.accounts.values();
                        accounts.fold(0i128, |a, b| a.saturating_add(of(b).unwrap_or(0)))
                    };
                    let (free, locked) = (sum(|a| a.free), sum(|a| a.locked));
                    let charges = self.money.charges.unwrap_or(0);
                    self.same(Rule::State, "accounts", &i128::from(b.accounts.0), &free);
                    self.same(Rule::State, "locked", &i128::from(b.locked.0), &locked);
                    self.same(Rule::State, "charges", &i128::from(b.charges.0), &charges);
                    let orders = u64::try_from(self.orders.len()).unwrap_or(u64::MAX);
                    if b.orders < orders {
                        let what = format!("{}, but {orders} are open", b.orders);
                        self.wrong(Rule::State, "orders", what);
                    }
                }
                self.covered_by_coins();
            }
            State::Held(h) => {
                self.event = "state.held".to_owned();
                let held = (u128::from(h.escrow.0), u128::from(h.pool.0));
                self.compared.held = Some(held);
                self.covered_by_coins();
            }
            State::Account(a) => {
                self.event = "state.account".to_owned();
                let known = self.money.accounts.get(&a.owner).copied();
                let known = known.or_else(|| self.whole().then(Default::default));
                let known = known.unwrap_or_default();
                let whole = self.whole();
                for (field, found, expected) in [
                    ("free", a.free, known.free),
                    ("locked", a.locked, known.locked),
                ] {
                    if let Some(expected) = expected.or(whole.then_some(0)) {
                        self.same(Rule::State, field, &i128::from(found.0), &expected);
                    }
                }
                if !self.compared.accounts.insert(a.owner.clone()) {
                    self.wrong(Rule::State, "owner", "a second state of this account");
                }
            }
            State::Window(w) => self.window_state(w),
            State::Reserve(r) => {
                self.event = "state.reserve".to_owned();
                let funded = self.feed_in.funded;
                if self.whole() {
                    self.same(Rule::State, "funded", &i128::from(r.funded.0), &funded);
                    let paid = self.feed_in.paid;
                    self.same(Rule::State, "paid", &i128::from(r.paid.0), &paid);
                }
                let there = i128::from(r.funded.0).saturating_sub(i128::from(r.paid.0));
                self.compared.reserve = Some(there);
                self.covered_by_coins();
            }
            State::FeedIn(f) => {
                self.event = "state.feed_in".to_owned();
                let known = self.feed_in.owners.get(&f.owner).copied();
                let known = known.unwrap_or_default();
                if self.whole() {
                    self.same(Rule::State, "paid", &i128::from(f.paid.0), &known.paid);
                    // A hold may have ended since the last event: what it had set aside is owed then.
                    let owed = known.credited.saturating_sub(known.paid);
                    let owed = owed.saturating_sub(known.struck);
                    let there = i128::from(f.owed.0).saturating_add(i128::from(f.held.0));
                    self.same(Rule::State, "owed", &there, &owed);
                }
            }
            State::Meter(m) => self.meter_state(m),
            State::Roles(r) => self.roles_state(r),
        }
        (self.at, self.event) = here;
    }

    /// Invariant: the contracts' coins cover what they owe.
    fn covered_by_coins(&mut self) {
        let Some((escrow, pool)) = self.compared.held else {
            return;
        };
        if let Some(owed) = self.compared.owed.filter(|owed| escrow < *owed) {
            let what = format!("the escrow holds {escrow} and owes {owed}");
            self.wrong(Rule::Money, "escrow", what);
            self.compared.owed = None;
        }
        let reserve = self.compared.reserve.and_then(|r| u128::try_from(r).ok());
        if let Some(reserve) = reserve.filter(|reserve| pool < *reserve) {
            let what = format!("the pool holds {pool}, its reserve is {reserve}");
            self.wrong(Rule::Reserve, "pool", what);
            self.compared.reserve = None;
        }
    }

    fn window_state(&mut self, w: &crate::export::WindowBooks) {
        self.event = "state.window".to_owned();
        if !self.compared.windows.insert(w.window) {
            self.wrong(Rule::State, "window", "a second state of this window");
        }
        if !self.sees(w.window) {
            return;
        }
        let s = self.energy.windows.get(&w.window).copied();
        let s = s.unwrap_or_default();
        let (t, p) = (&w.token, &w.pool);
        for (field, found, expected) in [
            ("token.minted", t.minted.0, s.minted),
            ("token.redeemed", t.redeemed.0, s.moved),
            ("token.lost", t.lost.0, s.lost),
            ("token.credited", t.credited.0, s.credited),
            ("pool.minted", p.minted.0, s.minted),
            ("pool.late", p.late.0, s.late),
            ("pool.covered", p.covered.0, s.covered),
            ("pool.sold", p.sold.0, s.sold),
            ("pool.redeemed", p.redeemed.0, s.redeemed),
            ("pool.paid", p.paid.0, s.paid),
            ("pool.statements", p.statements, s.statements),
        ] {
            self.same(Rule::State, field, &found, &expected);
        }
        if let Some(tariffs) = w.tariffs.filter(|_| self.whole()) {
            let known = self.grid.tariffs_of(w.window).unwrap_or_default();
            self.same(Rule::State, "tariffs.import", &tariffs.import, &known.0);
            self.same(Rule::State, "tariffs.feed_in", &tariffs.feed_in, &known.1);
        }
        if self.whole() && p.paused && !self.grid.ever_paused {
            self.wrong(
                Rule::State,
                "pool.paused",
                "true, but nobody paused the market",
            );
        }
        let left = t.minted.0.checked_sub(t.redeemed.0);
        let left = left.and_then(|left| left.checked_sub(t.lost.0));
        if left.is_none_or(|left| t.credited.0 > left) {
            let what = "redeemed, lost and expired are more than was minted";
            self.wrong(Rule::Conservation, "token.minted", what);
        }
    }

    fn meter_state(&mut self, m: &crate::export::MeterState) {
        self.event = "state.meter".to_owned();
        self.compared.meters.insert(m.meter);
        let known = self.registry.meters.get(&m.meter).cloned();
        let Some(known) = known else {
            if self.whole() {
                self.wrong(Rule::State, "meter", "no event registered it");
            }
            return;
        };
        if let Some(terms) = known.terms.values().next_back() {
            self.same(Rule::State, "owner", &m.owner, &terms.owner);
            self.same(Rule::State, "tenure", &m.tenure, &terms.tenure);
        }
        if !self.whole() && known.stated.is_none() {
            return;
        }
        let text = |v: Option<String>| v.unwrap_or_else(|| "none".to_owned());
        let shown = |w: Option<Window>| text(w.map(|w| w.to_string()));
        self.same(
            Rule::State,
            "stated",
            &shown(m.stated),
            &shown(known.stated),
        );
        self.same(Rule::State, "sequence", &m.sequence, &known.sequence);
        let (found, expected) = (m.commitment, known.commitment);
        let shown = |c: Option<wattpool_schema::Commitment>| text(c.map(|c| c.to_string()));
        self.same(Rule::State, "commitment", &shown(found), &shown(expected));
        if self.whole() {
            self.same(Rule::State, "retired", &m.retired, &known.retired);
        }
        let pair = m.registered.as_ref().zip(known.registered.as_ref());
        if let Some((found, expected)) = pair.filter(|_| self.whole()) {
            let fields = |r| match serde_json::to_value(r) {
                Ok(serde_json::Value::Object(fields)) => fields,
                _ => serde_json::Map::new(),
            };
            let expected = fields(expected);
            for (field, value) in fields(found) {
                let expected = expected.get(&field).cloned().unwrap_or_default();
                self.same(Rule::State, &field, &value, &expected);
            }
        }
    }

    fn roles_state(&mut self, r: &crate::export::Roles) {
        self.event = "state.roles".to_owned();
        for (name, holder) in [
            ("registrar", &r.registrar),
            ("grid_operator", &r.grid_operator),
            ("regulator", &r.regulator),
        ] {
            if let Some(known) = self.grid.roles.get(name).cloned() {
                self.same(Rule::State, name, holder, &known);
            }
        }
        if let Some(known) = self.grid.paused {
            self.same(Rule::State, "paused", &r.paused, &known);
        }
    }

    /// Where the state is there at all, nothing of it is left out.
    pub(super) fn compare_left(&mut self) {
        if !self.compared.any {
            return;
        }
        self.event = "state".to_owned();
        if !self.compared.book {
            self.wrong(Rule::State, "book", "the escrow's books are left out");
        }
        if !self.whole() {
            return;
        }
        let accounts: Vec<String> = self.money.accounts.keys().cloned().collect();
        for owner in accounts {
            if !self.compared.accounts.contains(&owner) {
                let what = format!("the account of {owner} is left out");
                self.wrong(Rule::State, "account", what);
            }
        }
        let windows: Vec<Window> = self.energy.windows.keys().copied().collect();
        for window in windows {
            if !self.compared.windows.contains(&window) {
                let what = format!("the books of window {window} are left out");
                self.wrong(Rule::State, "window", what);
            }
        }
        let meters: Vec<MeterId> = self.registry.meters.keys().copied().collect();
        for meter in meters {
            if !self.compared.meters.contains(&meter) {
                let what = format!("meter {meter} is left out");
                self.wrong(Rule::State, "meter", what);
            }
        }
    }

    /// Sums over all windows.
    pub(super) fn sum_up(&self) -> super::Totals {
        let windows = self.energy.windows.values();
        let mut t = self.totals;
        t.windows = u64::try_from(self.energy.windows.len()).unwrap_or(u64::MAX);
        for w in windows {
            t.minted.0 = t.minted.0.saturating_add(w.minted);
            t.redeemed.0 = t.redeemed.0.saturating_add(w.moved);
            t.lost.0 = t.lost.0.saturating_add(w.lost);
            t.late.0 = t.late.0.saturating_add(w.late);
            t.paid.0 = t.paid.0.saturating_add(w.paid);
        }
        let sold = t.redeemed.saturating_add(t.lost);
        t.expired = t.minted.saturating_sub(sold);
        t
    }
}
