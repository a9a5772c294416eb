//! What a seller remembers of buyers for a week, over restarts: promises of which nothing was taken.
//!
//! An approval costs its buyer nothing, and while it is open its Wh are held for nobody else. Whoever let one lapse is
//! served in the second half of a window until it has bought as much, or a week has passed.

use serde::{Deserialize, Serialize};
use wattpool_schema::{MeterId, Seconds, Wh};

/// How long something is remembered, seconds.
const WEEK: u64 = 7 * 86_400;
/// Buyers remembered at once; the oldest is forgotten beyond that.
const MOST: usize = 1_024;

/// One buyer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remembered {
    /// Who.
    pub buyer: MeterId,
    /// Promised and not taken, less what was bought since, Wh.
    pub lapsed: Wh,
    /// It declined a standing order of this seller for two whole windows.
    pub declined_order: bool,
    /// Block time of the last thing to remember.
    pub since: Seconds,
}

/// The buyers that are remembered, the one longest ago first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Partners(Vec<Remembered>);

impl Partners {
    /// Of this approval nothing was taken.
    pub fn let_lapse(&mut self, buyer: MeterId, wh: Wh, now: Seconds) {
        let before = self.take(&buyer);
        self.put(Remembered {
            lapsed: before.lapsed.saturating_add(wh),
            since: now,
            ..before
        });
    }

    /// It declined a standing order for two whole windows.
    pub fn decline_order(&mut self, buyer: MeterId, now: Seconds) {
        let before = self.take(&buyer);
        self.put(Remembered {
            declined_order: true,
            since: now,
            ..before
        });
    }

    /// A purchase makes up for what lapsed. True: something changed.
    pub fn buy(&mut self, buyer: &MeterId, wh: Wh) -> bool {
        let Some(at) = self.0.iter().position(|r| r.buyer == *buyer) else {
            return false;
        };
        if let Some(known) = self.0.get_mut(at) {
            known.lapsed = known.lapsed.saturating_sub(wh);
            if known.lapsed.is_zero() && !known.declined_order {
                self.0.remove(at);
            }
        }
        true
    }

    /// Whether promises to this buyer lapsed that it has not made up for.
    pub fn let_lapse_lately(&self, buyer: &MeterId, now: Seconds) -> bool {
        self.lately(buyer, now).is_some_and(|r| !r.lapsed.is_zero())
    }

    /// Whether it declined a standing order.
    pub fn declined_lately(&self, buyer: &MeterId, now: Seconds) -> bool {
        self.lately(buyer, now).is_some_and(|r| r.declined_order)
    }

    fn lately(&self, buyer: &MeterId, now: Seconds) -> Option<&Remembered> {
        let known = self.0.iter().find(|r| r.buyer == *buyer);
        known.filter(|r| now.0.saturating_sub(r.since.0) < WEEK)
    }

    fn take(&mut self, buyer: &MeterId) -> Remembered {
        let known = self.0.iter().position(|r| r.buyer == *buyer);
        known.map(|at| self.0.remove(at)).unwrap_or(Remembered {
            buyer: *buyer,
            lapsed: Wh::ZERO,
            declined_order: false,
            since: Seconds(0),
        })
    }

    fn put(&mut self, remembered: Remembered) {
        let now = remembered.since;
        self.0.retain(|r| now.0.saturating_sub(r.since.0) < WEEK);
        if self.0.len() >= MOST {
            self.0.remove(0);
        }
        self.0.push(remembered);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn id(n: u8) -> MeterId {
        MeterId([n; 16])
    }

    #[test]
    fn a_lapse_is_made_up_for_or_forgotten_after_a_week() {
        let mut partners = Partners::default();
        partners.let_lapse(id(1), Wh(300), Seconds(1_000));
        partners.let_lapse(id(1), Wh(200), Seconds(2_000));
        assert!(partners.let_lapse_lately(&id(1), Seconds(2_000)));
        assert!(!partners.let_lapse_lately(&id(2), Seconds(2_000)));
        assert!(partners.buy(&id(1), Wh(499)));
        assert!(partners.let_lapse_lately(&id(1), Seconds(2_000 + WEEK - 1)));
        assert!(!partners.let_lapse_lately(&id(1), Seconds(2_000 + WEEK)));
        assert!(partners.buy(&id(1), Wh(1)));
        assert_eq!(partners, Partners::default());
        assert!(!partners.buy(&id(1), Wh(1)));
    }

    #[test]
    fn declined_orders_are_not_bought_back() {
        let mut partners = Partners::default();
        partners.decline_order(id(1), Seconds(10));
        partners.let_lapse(id(1), Wh(5), Seconds(20));
        partners.buy(&id(1), Wh(100));
        assert!(partners.declined_lately(&id(1), Seconds(20)));
        assert!(!partners.let_lapse_lately(&id(1), Seconds(20)));
    }

    #[test]
    fn memory_is_bounded() {
        let mut partners = Partners::default();
        for n in 0..3_000u32 {
            let mut meter = [0; 16];
            meter[..4].copy_from_slice(&n.to_be_bytes());
            partners.let_lapse(MeterId(meter), Wh(1), Seconds(u64::from(n)));
        }
        assert_eq!(partners.0.len(), MOST);
        partners.let_lapse(id(1), Wh(1), Seconds(10 * WEEK));
        assert_eq!(partners.0.len(), 1);
    }
}
