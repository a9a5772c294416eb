//! Signatures checked for others: so many a second in all, a part of it for each meter, and a part for all peers without
//! one together.

use crate::guard::{make_room, Allowance};
use crate::members::Source;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// One source may have this part of all checks.
const SHARE: u32 = 8;
/// All peers without a meter may have this part together.
const STRANGERS: u32 = 4;
/// Sources remembered.
const REMEMBERED: usize = 1_024;

struct Budget {
    rate: u32,
    all: Allowance,
    strangers: Allowance,
    sources: HashMap<Source, (Allowance, Instant)>,
}

/// The budget, shared by all who check signatures that others sent.
#[derive(Clone)]
pub(crate) struct Checks(Arc<Mutex<Budget>>);

impl Checks {
    pub fn new(rate: u32, now: Instant) -> Self {
        Self(Arc::new(Mutex::new(Budget {
            rate,
            all: Allowance::full(rate, now),
            strangers: Allowance::full(part(rate, STRANGERS), now),
            sources: HashMap::new(),
        })))
    }

    /// Takes one check for a source; false when it, or all, had their part.
    pub fn take(&self, source: Source, now: Instant) -> bool {
        let mut budget = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let rate = budget.rate;
        let share = part(rate, SHARE);
        if !budget.sources.contains_key(&source) {
            make_room(&mut budget.sources, REMEMBERED, |(_, seen)| *seen);
        }
        let fresh = || (Allowance::full(share, now), now);
        let (own, seen) = budget.sources.entry(source).or_insert_with(fresh);
        *seen = now;
        if !own.take(share, share, now) {
            return false;
        }
        let few = part(rate, STRANGERS);
        if matches!(source, Source::Host(_)) && !budget.strangers.take(few, few, now) {
            return false;
        }
        budget.all.take(rate, rate, now)
    }
}

/// A part of a rate, at least one.
fn part(rate: u32, of: u32) -> u32 {
    rate.checked_div(of).unwrap_or(0).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::members::Host;
    use std::net::Ipv4Addr;
    use wattpool_schema::MeterId;

    #[test]
    fn strangers_cannot_take_the_checks_of_meters() {
        let now = Instant::now();
        let checks = Checks::new(80, now);
        let taken = |source| (0..1_000).filter(|_| checks.take(source, now)).count();
        let host = |n| Source::Host(Host::V4(Ipv4Addr::new(192, 0, 2, n)));
        assert_eq!(taken(host(1)), 10, "one host");
        let strangers: usize = (2..200).map(|n| taken(host(n))).sum();
        assert_eq!(strangers, 10, "all hosts together have 20");
        let meters: Vec<_> = (0..9)
            .map(|n| taken(Source::Meter(MeterId([n; 16]))))
            .collect();
        assert_eq!(
            meters,
            [10, 10, 10, 10, 10, 10, 0, 0, 0],
            "the rest, a meter its part"
        );
    }
}
