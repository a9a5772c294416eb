//! Feed-in credit in random courses: credit is claimed, held, released and struck out while the reserve is funded and taken back. What is paid is within the
//! reserve after every step, and at the end depends on nothing but the reserve and what was struck.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]
#![allow(clippy::arithmetic_side_effects)]

use proptest::prelude::*;
use std::collections::BTreeMap;
use wattpool_rules::feed_in::{covered, share, Struck};
use wattpool_schema::{Micro, Window};

/// Windows, some blocks apart, and owners.
const WINDOWS: [u64; 6] = [3, 60, 64, 65, 130, 700];
const OWNERS: usize = 3;

#[derive(Clone, Debug)]
enum Step {
    Fund(u64),
    TakeBack(u64),
    /// Pays what is covered of what an owner has open.
    Claim(usize),
    /// Holds an owner's credit of a window, if nothing of it is paid.
    Hold(usize, usize),
    Release(usize, usize),
    Strike(usize, usize),
}

fn step() -> impl Strategy<Value = Step> {
    let owner = || 0..OWNERS;
    let window = || 0..WINDOWS.len();
    prop_oneof![
        3 => (1..400u64).prop_map(Step::Fund),
        1 => (1..400u64).prop_map(Step::TakeBack),
        5 => owner().prop_map(Step::Claim),
        3 => (owner(), window()).prop_map(|(o, w)| Step::Hold(o, w)),
        2 => (owner(), window()).prop_map(|(o, w)| Step::Release(o, w)),
        2 => (owner(), window()).prop_map(|(o, w)| Step::Strike(o, w)),
    ]
}

#[derive(Clone, Copy, Debug, Default)]
struct Credit {
    amount: u64,
    paid: u64,
    held: bool,
    struck: bool,
}

struct Books {
    /// Credit by owner and window.
    credit: Vec<Vec<Credit>>,
    /// What accrued of a window: at least the owners' credit, each rounded down.
    of: Vec<u64>,
    struck: BTreeMap<u64, Struck>,
    struck_in_all: u64,
    funded: u64,
}

impl Books {
    fn new(amounts: &[Vec<u64>], rounding: u64) -> Self {
        let credit = |amount: &u64| Credit {
            amount: *amount,
            ..Credit::default()
        };
        let credit: Vec<Vec<Credit>> = amounts
            .iter()
            .map(|of| of.iter().map(credit).collect())
            .collect();
        let of = (0..WINDOWS.len())
            .map(|w| credit.iter().map(|c| c[w].amount).sum::<u64>() + rounding)
            .collect();
        Self {
            credit,
            of,
            struck: BTreeMap::new(),
            struck_in_all: 0,
            funded: 0,
        }
    }

    fn accrued(&self) -> u64 {
        self.of.iter().sum()
    }

    /// Through the blocks of what is struck, as the contract does.
    fn due(&self, owner: usize, w: usize) -> u64 {
        let window = Window(WINDOWS[w]);
        let before: u64 = self.of[..w].iter().sum();
        let accrued = (Micro(before), Micro(self.of[w]));
        let block = self.struck.range(..=Struck::block(window)).next_back();
        let (before, of) = block.map_or(accrued, |(_, s)| s.without(window, accrued));
        let there = covered(Micro(self.funded), before, of);
        share(Micro(self.credit[owner][w].amount), there, of).0
    }

    /// The same in plain sums over everything.
    fn plain(&self, owner: usize, w: usize) -> u64 {
        let left = |w: usize| {
            let struck = self.credit.iter().map(|c| c[w]).filter(|c| c.struck);
            self.of[w] - struck.map(|c| c.amount).sum::<u64>()
        };
        let before: u64 = (0..w).map(left).sum();
        let there = self.funded.saturating_sub(before).min(left(w));
        let Credit { amount, struck, .. } = self.credit[owner][w];
        match left(w) {
            _ if struck => 0,
            0 => amount,
            of => amount * there / of,
        }
    }

    fn claim(&mut self, owner: usize) {
        for w in 0..WINDOWS.len() {
            let credit = self.credit[owner][w];
            if !credit.held && !credit.struck {
                let due = self.due(owner, w);
                assert!(due >= credit.paid, "more was paid than is due");
                self.credit[owner][w].paid = due;
            }
        }
    }

    fn strike(&mut self, owner: usize, w: usize) {
        let (window, amount) = (Window(WINDOWS[w]), self.credit[owner][w].amount);
        let block = Struck::block(window);
        let before = self.struck.range(..block).next_back();
        let before = before.map_or(Micro(0), |(_, s)| s.through().unwrap());
        let entry = self.struck.entry(block).or_insert(Struck {
            before,
            windows: Vec::new(),
        });
        entry.strike(window, Micro(amount)).unwrap();
        for (_, later) in self.struck.range_mut(block + 1..) {
            later.before = later.before.try_add(Micro(amount)).unwrap();
        }
        self.struck_in_all += amount;
        self.credit[owner][w].struck = true;
    }

    fn take(&mut self, step: &Step) {
        match *step {
            Step::Fund(amount) => self.funded += amount,
            Step::TakeBack(amount) => {
                let owed = self.accrued() - self.struck_in_all;
                self.funded -= amount.min(self.funded.saturating_sub(owed));
            }
            Step::Claim(owner) => self.claim(owner),
            Step::Hold(owner, w) => {
                let credit = &mut self.credit[owner][w];
                credit.held |= credit.paid == 0 && !credit.struck;
            }
            Step::Release(owner, w) => self.credit[owner][w].held = false,
            Step::Strike(owner, w) if self.credit[owner][w].held => {
                self.credit[owner][w].held = false;
                self.strike(owner, w);
            }
            Step::Strike(..) => {}
        }
    }

    fn check(&self) -> Result<(), TestCaseError> {
        let all = || self.credit.iter().flatten();
        let paid: u64 = all().map(|c| c.paid).sum();
        prop_assert!(paid <= self.funded, "{paid} of {}", self.funded);
        prop_assert!(all().all(|c| c.paid == 0 || !c.struck), "struck and paid");
        for owner in 0..OWNERS {
            for w in 0..WINDOWS.len() {
                let Credit { paid, struck, .. } = self.credit[owner][w];
                if !struck {
                    prop_assert_eq!(self.due(owner, w), self.plain(owner, w));
                }
                prop_assert!(paid <= self.plain(owner, w));
            }
        }
        Ok(())
    }
}

proptest! {
    #[test]
    fn what_is_paid_depends_on_the_reserve_and_on_what_is_struck_alone(
        amounts in prop::collection::vec(prop::collection::vec(0..200u64, WINDOWS.len()), OWNERS),
        rounding in 0..3u64,
        steps in prop::collection::vec(step(), 1..60),
    ) {
        let mut books = Books::new(&amounts, rounding);
        for step in &steps {
            books.take(step);
            books.check()?;
        }
        // All holds are over: everybody gets what they would have got without any, in whatever order they ask.
        for owner in (0..OWNERS).rev() {
            for w in 0..WINDOWS.len() {
                books.take(&Step::Release(owner, w));
            }
            books.claim(owner);
        }
        books.check()?;
        for owner in 0..OWNERS {
            for w in 0..WINDOWS.len() {
                prop_assert_eq!(books.credit[owner][w].paid, books.plain(owner, w));
            }
        }
    }
}
