//! Standing orders: what they lock, what becomes of a window that has passed.

use crate::payment::payment_due;
use crate::OutOfRange;
use wattpool_schema::{Micro, Price, Wh};

/// Money to hold for what an order may still deliver: payment and charge for `total` (delivered so far
/// and everything to come), less what is paid already.
///
/// # Errors
/// The amount does not fit.
pub fn lock_needed(
    total: Wh,
    price: Price,
    charge: Price,
    paid: Micro,
    charged: Micro,
) -> Result<Micro, OutOfRange> {
    payment_due(total, price, paid)?
        .checked_add(payment_due(total, charge, charged)?)
        .ok_or(OutOfRange {
            what: "money to lock",
        })
}

/// What became of one window of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowOutcome {
    /// Not wanted by the buyer: `agreed − max(delivered, min(agreed, cover))`.
    pub declined: Wh,
    /// The rest that did not arrive.
    pub undelivered: Wh,
    /// Of the rest, what is held against the seller: all of it if its unsold tokens were too few and
    /// the market was neither paused nor halted, nothing otherwise.
    pub missed: Wh,
}

/// Settles one window of an order. `cover` is what the buyer's device covered for this order, `seller_short`
/// whether the seller's unsold tokens were what limited the last delivery, `excused` whether the
/// market was paused or halted while the window was live.
pub fn window_outcome(
    agreed: Wh,
    delivered: Wh,
    cover: Wh,
    seller_short: bool,
    excused: bool,
) -> WindowOutcome {
    let wanted = delivered.max(agreed.min(cover));
    let undelivered = wanted.saturating_sub(delivered);
    WindowOutcome {
        declined: agreed.saturating_sub(wanted),
        undelivered,
        missed: if seller_short && !excused {
            undelivered
        } else {
            Wh::ZERO
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn outcomes() {
        let o = |d, c, s, e| window_outcome(Wh(100), Wh(d), Wh(c), s, e);
        assert_eq!(
            o(100, 0, false, false),
            WindowOutcome {
                declined: Wh(0),
                undelivered: Wh(0),
                missed: Wh(0)
            }
        );
        assert_eq!(
            o(30, 60, true, false),
            WindowOutcome {
                declined: Wh(40),
                undelivered: Wh(30),
                missed: Wh(30)
            }
        );
        assert_eq!(o(30, 60, false, false).missed, Wh(0));
        assert_eq!(o(30, 60, true, true).missed, Wh(0));
        assert_eq!(o(0, 0, true, false).declined, Wh(100));
    }

    proptest! {
        #[test]
        fn parts_make_the_whole(agreed in 0u64..10_000, delivered in 0u64..10_000, cover in 0u64..20_000, s: bool, e: bool) {
            let delivered = delivered.min(agreed);
            let o = window_outcome(Wh(agreed), Wh(delivered), Wh(cover), s, e);
            prop_assert_eq!(o.declined.0 + o.undelivered.0 + delivered, agreed);
            prop_assert!(o.missed <= o.undelivered);
        }
    }

    #[test]
    fn locks_shrink_to_what_is_due() {
        assert_eq!(
            lock_needed(Wh(1000), Price(100), Price(10), Micro(40), Micro(4)),
            Ok(Micro(66))
        );
        assert_eq!(
            lock_needed(Wh(0), Price(100), Price(10), Micro(0), Micro(0)),
            Ok(Micro(0))
        );
    }
}
