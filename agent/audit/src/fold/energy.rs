//! Tokens in accounts, and the sums of every window.

use super::Auditor;
use crate::export::Transfer;
use crate::finding::Rule;
use std::collections::BTreeMap;
use wattpool_schema::event::{Expired, Moved, Redeemed};
use wattpool_schema::{Wh, Window};

/// An account's tokens of one window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Holding {
    pub window: Window,
    pub own: i128,
    pub received: i128,
}

/// Sums of a window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sums {
    pub minted: u64,
    pub late: u64,
    pub covered: u64,
    pub sold: u64,
    pub redeemed: u64,
    pub moved: u64,
    pub lost: u64,
    pub paid: u64,
    pub credited: u64,
    pub statements: u64,
}

/// The token's books.
#[derive(Debug, Default)]
pub(super) struct Energy {
    pub accounts: BTreeMap<String, Holding>,
    pub windows: BTreeMap<Window, Sums>,
}

impl Energy {
    pub fn window(&mut self, window: Window) -> &mut Sums {
        self.windows.entry(window).or_default()
    }
}

impl Auditor {
    /// An account as of a live window; what it held of an earlier one has to be reported as expired in the same transaction.
    fn touch(&mut self, account: &str, live: Window) {
        let held = self.energy.accounts.get(account).copied();
        let Some(held) = held.filter(|h| h.window != live) else {
            let fresh = Holding {
                window: live,
                ..Holding::default()
            };
            let accounts = &mut self.energy.accounts;
            if !accounts.contains_key(account) {
                accounts.insert(account.to_owned(), fresh);
            }
            return;
        };
        let rest = held.own.saturating_add(held.received);
        if rest > 0 {
            let rest = u64::try_from(rest).unwrap_or(u64::MAX);
            let expiring = (account.to_owned(), held.window, rest, self.at);
            self.tx.to_expire.push(expiring);
        }
        let fresh = Holding {
            window: live,
            ..Holding::default()
        };
        self.energy.accounts.insert(account.to_owned(), fresh);
    }

    /// Adds to what an account holds.
    pub(super) fn hold(&mut self, account: &str, live: Window, own: i128, received: i128) {
        self.touch(account, live);
        if let Some(held) = self.energy.accounts.get_mut(account) {
            held.own = held.own.saturating_add(own);
            held.received = held.received.saturating_add(received);
        }
    }

    pub(super) fn moved(&mut self, e: &Moved) {
        self.must_be_live("window", e.window);
        let lost = e.gross.saturating_sub(e.net);
        if e.net > e.gross {
            let what = format!("{}, more than the {} that were sent", e.net, e.gross);
            self.wrong(Rule::Conservation, "net", what);
        }
        self.same(Rule::Conservation, "lost", &e.lost, &lost);
        self.part_moved(e);
        let gross = i128::from(e.gross.0);
        self.touch(&e.from, e.window);
        let sees = self.sees(e.window);
        let held = self.energy.accounts.get(&e.from).copied();
        if let Some(held) = held.filter(|h| sees && h.own < gross) {
            let what = format!("{}, but the account has {} of its own", e.gross, held.own);
            self.wrong(Rule::SoldOnce, "gross", what);
        }
        if let Some(held) = self.energy.accounts.get_mut(&e.from) {
            held.own = held.own.saturating_sub(gross).max(0);
        }
        let sums = self.energy.window(e.window);
        sums.moved = sums.moved.saturating_add(e.net.0);
        sums.lost = sums.lost.saturating_add(e.lost.0);
    }

    pub(super) fn transfer(&mut self, t: &Transfer) {
        if t.wh.is_zero() {
            return;
        }
        let live = self.live();
        let wh = i128::from(t.wh.0);
        self.touch(&t.from, live);
        let sees = self.sees(live);
        let held = self
            .energy
            .accounts
            .get(&t.from)
            .copied()
            .unwrap_or_default();
        let total = held.own.saturating_add(held.received);
        if sees && total < wh {
            let what = format!("{}, but the account has {total}", t.wh);
            self.wrong(Rule::SoldOnce, "wh", what);
        }
        let received = held.received.min(wh);
        if let Some(giver) = self.energy.accounts.get_mut(&t.from) {
            giver.received = giver.received.saturating_sub(received);
            giver.own = giver.own.saturating_sub(wh.saturating_sub(received)).max(0);
        }
        let h = &self.header;
        if [&h.token, &h.pool, &h.escrow].contains(&&t.to) {
            let what = "tokens went to one of the market's contracts";
            self.wrong(Rule::Conservation, "to", what);
        }
        self.hold(&t.to, live, 0, wh);
    }

    pub(super) fn expired(&mut self, e: &Expired) {
        let live = self.live();
        if e.window >= live {
            let what = format!("{}, but window {live} is traded", e.window);
            self.wrong(Rule::Conservation, "window", what);
        }
        let mut expected = self.tx.to_expire.iter();
        let at = expected.position(|(account, ..)| *account == e.account);
        match at {
            Some(at) => {
                let (_, window, wh, _) = self.tx.to_expire.remove(at);
                self.same(Rule::Conservation, "window", &e.window, &window);
                if self.sees(window) {
                    self.same(Rule::Conservation, "wh", &e.wh, &Wh(wh));
                }
            }
            None if self.whole() => {
                let what = format!("{:?} held nothing that could expire", e.account);
                self.wrong(Rule::Conservation, "account", what);
            }
            None => {}
        }
        let sums = self.energy.window(e.window);
        sums.credited = sums.credited.saturating_add(e.wh.0);
        self.feed_in.expire(&e.account, e.window, e.wh);
    }

    pub(super) fn redeemed(&mut self, e: &Redeemed) {
        self.must_be_live("window", e.window);
        if !e.net.is_zero() || !e.gross.is_zero() {
            self.part_redeemed(e);
        }
        let sees = self.sees(e.window);
        let seller = self.registry.meters.entry(e.seller).or_default();
        let minted = seller.minted;
        if !e.gross.is_zero() {
            seller.minted.used = seller.minted.used.saturating_add(e.gross);
        }
        let sold = seller.minted.used;
        let buyer = self.registry.meters.entry(e.buyer).or_default();
        if !e.net.is_zero() {
            buyer.cover.used = buyer.cover.used.saturating_add(e.net);
        }
        let (cover, used) = (buyer.cover, buyer.cover.used);
        if sees {
            if !e.gross.is_zero() && (minted.window != e.window || sold > minted.all) {
                let there = if minted.window == e.window {
                    minted.all
                } else {
                    Wh::ZERO
                };
                let what = format!("{} sold of {there} minted for meter {}", e.sold, e.seller);
                self.wrong(Rule::SoldOnce, "gross", what);
            }
            if !e.net.is_zero() && (cover.window != e.window || used > cover.all) {
                let there = if cover.window == e.window {
                    cover.all
                } else {
                    Wh::ZERO
                };
                let what = format!("{used} redeemed of {there} covered for meter {}", e.buyer);
                self.wrong(Rule::Covered, "net", what);
            }
            // The pool's figures of an older window stand until there are new ones.
            if self.whole() || !e.gross.is_zero() {
                self.same(Rule::SoldOnce, "sold", &e.sold, &sold);
            }
            if self.whole() || cover.window == e.window {
                self.same(Rule::Covered, "redeemed", &e.redeemed, &used);
            }
        }
        let sums = self.energy.window(e.window);
        sums.sold = sums.sold.saturating_add(e.gross.0);
        sums.redeemed = sums.redeemed.saturating_add(e.net.0);
    }
}
