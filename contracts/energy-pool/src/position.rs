//! Where a meter stands: which statement may come next, what is unsold, what cover is unused.

use crate::MAX_SKIPPED;
use wattpool_schema::error::MarketError;
use wattpool_schema::pool::{MeterPosition, SkippedRange};
use wattpool_schema::{Statement, Wh, Window};

/// Where a statement belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// After everything stated so far.
    Next,
    /// Into the skipped range with this index.
    Skipped(usize),
}

/// Windows that bound what can be stated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Horizon {
    /// The running window: it and later ones have not ended.
    pub now: Window,
    /// The oldest that still earns something.
    pub oldest: Window,
    /// The meter's registration window.
    pub since: Window,
}

/// Tokens of `window`.
pub fn minted(p: &MeterPosition, window: Window) -> Wh {
    if p.minted_window == window {
        p.minted
    } else {
        Wh::ZERO
    }
}

/// Tokens of `window` that the meter may still sell.
pub fn unsold(p: &MeterPosition, window: Window) -> Wh {
    if p.minted_window == window {
        p.minted.saturating_sub(p.sold)
    } else {
        Wh::ZERO
    }
}

/// Highest cover of `window`.
pub fn covered(p: &MeterPosition, window: Window) -> Wh {
    if p.cover_window == window {
        p.covered
    } else {
        Wh::ZERO
    }
}

/// Cover of `window` that is unused.
pub fn cover_left(p: &MeterPosition, window: Window) -> Wh {
    if p.cover_window == window {
        p.covered.saturating_sub(p.redeemed)
    } else {
        Wh::ZERO
    }
}

/// Finds the place of a window and sequence. Each window has at most one, and a sequence counts up with the windows.
///
/// # Errors
/// `TOO_EARLY`, `SEQUENCE_USED`, `SEQUENCE_TOO_HIGH`, `WINDOW_STATED` (also for windows that were given up).
pub fn place(p: &MeterPosition, s: &Statement, now: Window) -> Result<Place, MarketError> {
    let (window, found) = (s.window, s.sequence);
    if window >= now {
        return Err(MarketError::TooEarly { window, now });
    }
    let used = |above| MarketError::SequenceUsed { found, above };
    if p.stated.is_none_or(|stated| window > stated) {
        return if found > p.sequence {
            Ok(Place::Next)
        } else {
            Err(used(p.sequence))
        };
    }
    let mut ranges = p.skipped.iter().enumerate();
    let (index, range) = ranges
        .find(|(_, r)| r.from <= window && window <= r.to)
        .ok_or(MarketError::WindowStated { window })?;
    if found <= range.above {
        return Err(used(range.above));
    }
    if found >= range.below {
        let below = range.below;
        return Err(MarketError::SequenceTooHigh { found, below });
    }
    Ok(Place::Skipped(index))
}

/// The oldest window that a statement in this place may have. Windows before the registration can be
/// stated only if they were skipped during an earlier registration.
pub fn oldest(place: Place, horizon: Horizon) -> Window {
    match place {
        Place::Next => horizon.oldest.max(horizon.since),
        Place::Skipped(_) => horizon.oldest,
    }
}

/// Records that a statement was taken in its place.
pub fn take(p: &mut MeterPosition, place: Place, s: &Statement, horizon: Horizon) {
    match place {
        Place::Next => {
            let first = p.stated.map_or(Window::ZERO, Window::next);
            push_skipped(
                p,
                SkippedRange {
                    from: first.max(horizon.since).max(horizon.oldest),
                    to: s.window.prev(),
                    above: p.sequence,
                    below: s.sequence,
                },
                s.window,
            );
            p.stated = Some(s.window);
            p.sequence = s.sequence;
            p.commitment = Some(s.commitment);
        }
        Place::Skipped(index) => {
            if let Some(range) = p.skipped.get_mut(index) {
                range.from = s.window.next();
                range.above = s.sequence;
                if !is_open(range) {
                    p.skipped.remove(index);
                }
            }
        }
    }
}

/// Adds a range, unless nothing can ever be stated in it.
fn push_skipped(p: &mut MeterPosition, range: SkippedRange, before: Window) {
    if range.from >= before || !is_open(&range) {
        return;
    }
    if p.skipped.len() >= MAX_SKIPPED {
        p.skipped.remove(0);
    }
    p.skipped.push(range);
}

/// A range needs a window and a sequence between its ends.
const fn is_open(r: &SkippedRange) -> bool {
    r.from.0 <= r.to.0 && r.above.saturating_add(1) < r.below
}

#[cfg(test)]
mod tests {
    use super::*;
    use wattpool_schema::{Commitment, MeterId};

    fn statement(window: u64, sequence: u64) -> Statement {
        Statement {
            version: 1,
            chain: "c".into(),
            pool: "p".into(),
            meter: MeterId([1; 16]),
            window: Window(window),
            sequence,
            export_wh: Wh(1),
            commitment: Commitment([2; 32]),
        }
    }

    /// Stated 50 with sequence 9; 20..=29 were skipped between sequences 3 and 7.
    fn position() -> MeterPosition {
        MeterPosition {
            stated: Some(Window(50)),
            sequence: 9,
            skipped: vec![SkippedRange {
                from: Window(20),
                to: Window(29),
                above: 3,
                below: 7,
            }],
            ..Default::default()
        }
    }

    #[test]
    fn places_and_refusals_with_their_data() {
        let now = Window(60);
        let at = |window, sequence| place(&position(), &statement(window, sequence), now);
        assert_eq!(at(51, 10), Ok(Place::Next));
        assert_eq!(at(59, u64::MAX), Ok(Place::Next));
        assert_eq!(at(20, 4), Ok(Place::Skipped(0)));
        assert_eq!(at(29, 6), Ok(Place::Skipped(0)));
        let window = Window(60);
        assert_eq!(at(60, 10), Err(MarketError::TooEarly { window, now }));
        let used = |found, above| Err(MarketError::SequenceUsed { found, above });
        assert_eq!(at(51, 9), used(9, 9));
        assert_eq!(at(51, 0), used(0, 9));
        assert_eq!(at(20, 3), used(3, 3));
        let high = |found| Err(MarketError::SequenceTooHigh { found, below: 7 });
        assert_eq!(at(20, 7), high(7));
        assert_eq!(at(29, 10), high(10));
        for window in [19, 30, 50, 0] {
            let window = Window(window);
            let stated = Err(MarketError::WindowStated { window });
            assert_eq!(at(window.0, 5), stated);
        }
    }

    #[test]
    fn figures_of_another_window_are_zero() {
        let p = MeterPosition {
            minted_window: Window(7),
            minted: Wh(100),
            sold: Wh(30),
            cover_window: Window(8),
            covered: Wh(50),
            redeemed: Wh(20),
            ..Default::default()
        };
        let at = |w| {
            (
                unsold(&p, Window(w)).0,
                covered(&p, Window(w)).0,
                cover_left(&p, Window(w)).0,
            )
        };
        assert_eq!((at(7), at(8), at(9)), ((70, 0, 0), (0, 50, 30), (0, 0, 0)));
    }
}
