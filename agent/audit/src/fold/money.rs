//! Money accounts at the escrow.

use super::Auditor;
use crate::finding::Rule;
use std::collections::BTreeMap;
use wattpool_schema::event::{ChargesWithdrawn, Delivered, Deposited, Withdrawn};
use wattpool_schema::Micro;

/// An account; none: not known.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Account {
    pub free: Option<i128>,
    pub locked: Option<i128>,
}

/// All accounts.
#[derive(Debug, Default)]
pub(super) struct Money {
    whole: bool,
    pub accounts: BTreeMap<String, Account>,
    pub charges: Option<i128>,
}

impl Money {
    pub fn new(whole: bool) -> Self {
        Self {
            whole,
            accounts: BTreeMap::new(),
            charges: whole.then_some(0),
        }
    }

    fn account(&mut self, owner: &str) -> &mut Account {
        let start = self.whole.then_some(0);
        let accounts = &mut self.accounts;
        accounts.entry(owner.to_owned()).or_insert(Account {
            free: start,
            locked: start,
        })
    }
}

fn add(slot: &mut Option<i128>, amount: i128) -> Option<i128> {
    *slot = slot.map(|there| there.saturating_add(amount));
    *slot
}

impl Auditor {
    /// Money of an order moved that was opened before the export begins: whose is not known.
    pub(super) fn forget_accounts(&mut self) {
        if !self.whole() {
            self.money.accounts.clear();
        }
    }

    /// Takes free money; there must be as much.
    fn spend(&mut self, owner: &str, amount: Micro, field: &str) {
        let amount = i128::from(amount.0);
        let account = self.money.account(owner);
        let left = add(&mut account.free, amount.saturating_neg());
        if let Some(left) = left.filter(|left| *left < 0) {
            let there = left.saturating_add(amount);
            account.free = Some(0);
            let what = format!("{amount}, but account {owner:?} has {there}");
            self.wrong(Rule::Money, field, what);
        }
    }

    pub(super) fn lock(&mut self, owner: &str, amount: Micro) {
        self.spend(owner, amount, "locked");
        let account = self.money.account(owner);
        add(&mut account.locked, i128::from(amount.0));
    }

    /// Locked money is free again.
    pub(super) fn unlock(&mut self, owner: &str, amount: Micro) {
        let amount = i128::from(amount.0);
        let account = self.money.account(owner);
        add(&mut account.locked, amount.saturating_neg());
        add(&mut account.free, amount);
    }

    fn earn(&mut self, e: &Delivered) {
        let seller = self.money.account(&e.seller_owner);
        add(&mut seller.free, i128::from(e.paid.0));
        add(&mut self.money.charges, i128::from(e.charge.0));
    }

    pub(super) fn pay_spot(&mut self, e: &Delivered) {
        let due = e.paid.saturating_add(e.charge);
        self.spend(&e.buyer_owner, due, "paid");
        self.earn(e);
    }

    /// Out of an order's lock.
    pub(super) fn pay_locked(&mut self, e: &Delivered, payer: &str) {
        let spent = i128::from(e.paid.0).saturating_add(i128::from(e.charge.0));
        let account = self.money.account(payer);
        add(&mut account.locked, spent.saturating_neg());
        self.earn(e);
    }

    /// Of an order that was opened before the export begins.
    pub(super) fn pay_unknown_order(&mut self, e: &Delivered) {
        self.pay_locked(e, &e.buyer_owner);
    }

    pub(super) fn deposited(&mut self, e: &Deposited) {
        let account = self.money.account(&e.owner);
        match add(&mut account.free, i128::from(e.amount.0)) {
            Some(free) => {
                self.same(Rule::Money, "free", &i128::from(e.free.0), &free);
            }
            None => account.free = Some(i128::from(e.free.0)),
        }
    }

    pub(super) fn withdrawn(&mut self, e: &Withdrawn) {
        self.spend(&e.owner, e.amount, "amount");
        let account = self.money.account(&e.owner);
        match account.free {
            Some(free) => {
                self.same(Rule::Money, "free", &i128::from(e.free.0), &free);
            }
            None => account.free = Some(i128::from(e.free.0)),
        }
    }

    pub(super) fn charges_withdrawn(&mut self, e: &ChargesWithdrawn) {
        self.only_operator("to", &e.to);
        if let Some(there) = self.money.charges {
            self.same(Rule::Money, "amount", &i128::from(e.amount.0), &there);
        }
        self.money.charges = Some(0);
    }
}
