//! Standing orders: what they lock, what becomes of a window that has passed.

use crate::payment::payment_due;
use crate::OutOfRange;
use wattpool_schema::{Micro, Price, Seconds, Wh};

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
    /// Not wanted by the buyer: `agreed − max(delivered, wanted)`.
    pub declined: Wh,
    /// The rest that did not arrive.
    pub undelivered: Wh,
    /// Of the rest, what is held against the seller: all of it if its tokens were too few and the market was neither paused nor halted, nothing otherwise.
    pub missed: Wh,
}

/// Settles one window of an order. `shown` is the import that was shown to the order in time and not delivered, `short` whether the last try in time found
/// the seller's tokens too few, `excused` whether the market was paused or halted while the window was live.
pub fn window_outcome(
    agreed: Wh,
    delivered: Wh,
    shown: Wh,
    short: bool,
    excused: bool,
) -> WindowOutcome {
    let wanted = agreed.min(delivered.saturating_add(shown)).max(delivered);
    let undelivered = wanted.saturating_sub(delivered);
    WindowOutcome {
        declined: agreed.saturating_sub(wanted),
        undelivered,
        missed: if short && !excused {
            undelivered
        } else {
            Wh::ZERO
        },
    }
}

/// The usual length of the first part of a window, in seconds: a sixth of the window, at least four blocks; zero where that is more than half of it.
pub const fn first_part(window_seconds: u32, block_seconds: u32) -> u32 {
    let blocks = block_seconds.saturating_mul(4);
    let sixth = window_seconds / 6;
    let part = if sixth > blocks { sixth } else { blocks };
    if part > window_seconds / 2 {
        0
    } else {
        part
    }
}

/// The part of a window in which tokens and cover are held for standing orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Its first half: deliveries count, lacking tokens or cover do not.
    FirstHalf,
    /// Its second half: what a delivery finds here decides what was declined and missed.
    SecondHalf,
    /// It is over.
    Over,
}

/// Where a time stands that lies `elapsed` after the beginning of the window.
pub const fn part(elapsed: Seconds, first_part: Seconds) -> Part {
    if elapsed.0 > first_part.0 {
        Part::Over
    } else if elapsed.0.saturating_mul(2) < first_part.0 {
        Part::FirstHalf
    } else {
        Part::SecondHalf
    }
}

/// What a try of a delivery leaves behind: import shown to the order and not delivered, and whether the seller was short of tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// Import shown and not delivered.
    pub shown: Wh,
    /// The seller's tokens were too few for it.
    pub short: bool,
}

/// What one try of a delivery found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Try {
    /// When.
    pub part: Part,
    /// Of the window's energy, what has not arrived after this try.
    pub left: Wh,
    /// Import that is covered, unused after this try, and shown to no other order.
    pub room: Wh,
    /// What the seller can still send after this try, as it would arrive.
    pub can_send: Wh,
    /// What the lines still carry after this try.
    pub can_carry: Wh,
}

impl Evidence {
    /// The evidence after a try that delivered `net`. Only the second half adds to what was shown, and finds the seller short; a try in either half that
    /// finds enough clears it.
    #[must_use]
    pub fn after(self, net: Wh, t: Try) -> Self {
        let mut shown = self.shown.saturating_sub(net).min(t.left);
        if t.part == Part::SecondHalf {
            shown = shown.max(t.left.min(t.room));
        }
        let enough = t.can_send >= shown;
        let short = match t.part {
            Part::Over => self.short,
            Part::FirstHalf => self.short && !enough,
            Part::SecondHalf => !enough && t.can_send < t.can_carry,
        };
        Self {
            shown,
            short: short && !shown.is_zero(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn outcomes() {
        let o = |delivered, shown, short, excused| {
            let o = window_outcome(Wh(100), Wh(delivered), Wh(shown), short, excused);
            (o.declined.0, o.undelivered.0, o.missed.0)
        };
        assert_eq!(o(100, 0, false, false), (0, 0, 0));
        assert_eq!(o(30, 30, true, false), (40, 30, 30));
        assert_eq!(o(30, 30, false, false), (40, 30, 0));
        assert_eq!(o(30, 30, true, true), (40, 30, 0));
        assert_eq!(o(0, 0, true, false), (100, 0, 0));
        assert_eq!(o(30, 500, true, false), (0, 70, 70));
    }

    #[test]
    fn the_first_part_has_room_for_four_blocks_or_is_none() {
        assert_eq!(first_part(900, 5), 150);
        assert_eq!(first_part(60, 5), 20);
        assert_eq!(first_part(30, 5), 0);
        assert_eq!(first_part(40, 5), 20);
        assert_eq!(first_part(12, 1), 4);
    }

    #[test]
    fn parts_of_a_window() {
        let at = |s| part(Seconds(s), Seconds(150));
        for s in [0, 1, 74] {
            assert_eq!(at(s), Part::FirstHalf, "{s}");
        }
        for s in [75, 100, 150] {
            assert_eq!(at(s), Part::SecondHalf, "{s}");
        }
        for s in [151, 899] {
            assert_eq!(at(s), Part::Over, "{s}");
        }
    }

    #[test]
    fn only_what_is_tried_in_time_is_evidence() {
        let none = Evidence {
            shown: Wh::ZERO,
            short: false,
        };
        let tried = |before: Evidence, part, net, left, room, can_send, can_carry| {
            let after = before.after(
                Wh(net),
                Try {
                    part,
                    left: Wh(left),
                    room: Wh(room),
                    can_send: Wh(can_send),
                    can_carry: Wh(can_carry),
                },
            );
            (after.shown.0, after.short)
        };
        let many = 1_000_000;
        assert_eq!(
            tried(none, Part::FirstHalf, 0, 900, 900, 0, many),
            (0, false)
        );
        assert_eq!(tried(none, Part::Over, 0, 900, 900, 0, many), (0, false));
        assert_eq!(
            tried(none, Part::SecondHalf, 0, 900, 900, 0, many),
            (900, true)
        );
        assert_eq!(
            tried(none, Part::SecondHalf, 0, 900, 400, 399, many),
            (400, true)
        );
        assert_eq!(
            tried(none, Part::SecondHalf, 0, 900, 400, 400, many),
            (400, false)
        );
        // The line is what binds: nobody's fault.
        assert_eq!(
            tried(none, Part::SecondHalf, 0, 900, 900, 5, 5),
            (900, false)
        );
        let short = Evidence {
            shown: Wh(900),
            short: true,
        };
        // Found in time, late, or delivered.
        assert_eq!(
            tried(short, Part::FirstHalf, 0, 900, 0, 900, many),
            (900, false)
        );
        assert_eq!(
            tried(short, Part::SecondHalf, 0, 900, 0, 900, many),
            (900, false)
        );
        assert_eq!(tried(short, Part::Over, 0, 900, 0, 900, many), (900, true));
        assert_eq!(tried(short, Part::Over, 900, 0, 0, 0, many), (0, false));
        assert_eq!(tried(short, Part::Over, 500, 400, 0, 0, many), (400, true));
    }

    proptest! {
        #[test]
        fn parts_make_the_whole(agreed in 0u64..10_000, delivered in 0u64..10_000, shown in 0u64..20_000, s: bool, e: bool) {
            let delivered = delivered.min(agreed);
            let o = window_outcome(Wh(agreed), Wh(delivered), Wh(shown), s, e);
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
