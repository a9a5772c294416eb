//! How late the chain's headers may say it is.

use crate::io::Millis;
use wattpool_schema::Seconds;

/// A header may be ahead of what is expected by so much, seconds: clocks differ, and blocks come in bursts.
const TOLERANCE_S: u64 = 120;
/// A local clock before this has not been set, and says nothing: 2024-01-01.
const SET_S: u64 = 1_704_067_200;
/// So many headers in a row that agree among themselves, over at least so many seconds, are right, and what was
/// believed before is wrong: a device that slept, or whose clock was set.
const IN_A_ROW: (u32, u64) = (20, 60);

/// Block time, bounded by the local clock: no header that is further ahead than time has passed is believed, so that
/// one that lies, or is broken, cannot end all windows for good. Time that is believed never goes back.
#[derive(Clone, Copy, Debug, Default)]
pub struct ChainClock {
    /// The last time believed, and when, local.
    last: Option<(Seconds, Millis)>,
    /// Headers not believed: how many in a row, the first and the last of them.
    doubted: Option<Doubted>,
}

#[derive(Clone, Copy, Debug)]
struct Doubted {
    count: u32,
    since: Millis,
    last: (Seconds, Millis),
}

impl ChainClock {
    /// Whether it can be so late on the chain. A time before what was believed is an old block's, and is believed.
    pub fn believes(&mut self, now: Millis, time: Seconds) -> bool {
        if self.bound(now).is_none_or(|bound| time <= bound) {
            self.doubted = None;
            self.take(now, time);
            return true;
        }
        self.doubt(now, time)
    }

    /// The latest that it can be: by the local clock where that has been set, or by what has passed since the last
    /// block, whichever is later.
    fn bound(&self, now: Millis) -> Option<Seconds> {
        let local = now.0.checked_div(1000).unwrap_or(0);
        let local = (local >= SET_S).then_some(local);
        let passed = self.last.map(|(time, at)| {
            let passed = now.since(at).div_ceil(1000);
            time.0.saturating_add(passed)
        });
        let latest = local.into_iter().chain(passed).max()?;
        Some(Seconds(latest.saturating_add(TOLERANCE_S)))
    }

    fn take(&mut self, now: Millis, time: Seconds) {
        if self.last.is_none_or(|(last, _)| time >= last) {
            self.last = Some((time, now));
        }
    }

    /// Headers that go on as time does, for long enough, are not one node's slip.
    fn doubt(&mut self, now: Millis, time: Seconds) -> bool {
        let goes_on = |d: &Doubted| {
            let passed = now.since(d.last.1).div_ceil(1000);
            time >= d.last.0
                && time.0
                    <= d.last
                        .0
                         .0
                        .saturating_add(passed)
                        .saturating_add(TOLERANCE_S)
        };
        let doubted = match self.doubted.filter(goes_on) {
            Some(d) => Doubted {
                count: d.count.saturating_add(u32::from(time > d.last.0)),
                last: (time, now),
                ..d
            },
            None => Doubted {
                count: 1,
                since: now,
                last: (time, now),
            },
        };
        let long = now.since(doubted.since) >= IN_A_ROW.1.saturating_mul(1000);
        if doubted.count >= IN_A_ROW.0 && long {
            self.doubted = None;
            self.last = Some((time, now));
            return true;
        }
        self.doubted = Some(doubted);
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T: u64 = 1_800_000_000;

    fn at(seconds: u64) -> (Millis, Seconds) {
        let at = T.saturating_add(seconds);
        (Millis(at.saturating_mul(1000)), Seconds(at))
    }

    #[test]
    fn a_header_far_ahead_is_not_believed_and_the_next_true_one_is() {
        let mut clock = ChainClock::default();
        for s in [0, 5, 10] {
            let (now, time) = at(s);
            assert!(clock.believes(now, time));
        }
        let (now, _) = at(15);
        assert!(!clock.believes(now, Seconds(T + 31_536_000)));
        let (now, time) = at(20);
        assert!(clock.believes(now, time));
        // The first of all, too.
        assert!(!ChainClock::default().believes(now, Seconds(T + 31_536_000)));
    }

    #[test]
    fn a_clock_that_was_never_set_does_not_matter() {
        let mut clock = ChainClock::default();
        assert!(clock.believes(Millis(7), Seconds(T)));
        assert!(clock.believes(Millis(5_007), Seconds(T + 5)));
        assert!(!clock.believes(Millis(10_007), Seconds(T + 90_000)));
        assert!(clock.believes(Millis(10_007), Seconds(T + 10)));
    }

    #[test]
    fn after_a_sleep_the_chain_is_believed_again_within_minutes() {
        let mut clock = ChainClock::default();
        assert!(clock.believes(Millis(7), Seconds(T)));
        // The device slept for a day, and its clock with it.
        let believed = (1..100u64)
            .find(|n| clock.believes(Millis(7 + n * 5_000), Seconds(T + 86_400 + n * 5)));
        assert_eq!(believed, Some(20));
        // Headers that jump about never are.
        let mut clock = ChainClock::default();
        assert!(clock.believes(Millis(7), Seconds(T)));
        assert!((1..100u64)
            .all(|n| { !clock.believes(Millis(7 + n * 5_000), Seconds(T + n * 86_400 + n * 5)) }));
    }

    #[test]
    fn a_halt_is_no_reason_for_doubt() {
        let mut clock = ChainClock::default();
        assert!(clock.believes(Millis(7), Seconds(T)));
        let later = 10 * 86_400;
        assert!(clock.believes(Millis(7 + later * 1000), Seconds(T + later)));
    }
}
