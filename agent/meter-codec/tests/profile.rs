//! Registers at windows' ends: nothing lost, nothing doubled, never more than the register moved.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

use proptest::collection::vec;
use proptest::prelude::*;
use wattpool_meter_codec::profile::{Moment, NoEnd, Profile, KEPT_S, MOST_APART_S};
use wattpool_schema::{Seconds, Wh, Window};

const LEN: u32 = 900;

fn at(seconds: u64, import: u64, export: u64) -> Moment {
    Moment {
        at: Seconds(seconds),
        import: Wh(import),
        export: Wh(export),
        power_w: None,
    }
}

fn registers(p: &Profile, window: u64) -> Result<(u64, u64), NoEnd> {
    p.end(Window(window)).map(|m| (m.import.0, m.export.0))
}

#[test]
fn a_border_lies_between_two_values() {
    let mut p = Profile::new(LEN);
    assert!(p.hear(at(895, 1_000, 50)));
    assert_eq!(registers(&p, 0), Err(NoEnd::NotYet));
    assert!(p.hear(at(905, 1_007, 50)));
    assert_eq!(
        registers(&p, 0),
        Ok((1_003, 50)),
        "half of seven, rounded down"
    );
    assert!(p.hear(at(1_800, 1_400, 60)));
    assert_eq!(
        registers(&p, 1),
        Ok((1_400, 60)),
        "said at the border itself"
    );
    assert_eq!(registers(&p, 2), Err(NoEnd::NotYet));
}

#[test]
fn values_too_far_apart_join_windows() {
    let mut p = Profile::new(LEN);
    p.hear(at(870, 1_000, 0));
    p.hear(at(870 + MOST_APART_S, 1_060, 0));
    assert_eq!(registers(&p, 0), Ok((1_030, 0)));
    p.hear(at(2_750, 3_000, 0));
    assert_eq!(registers(&p, 1), Err(NoEnd::Apart(1_820)));
    assert_eq!(registers(&p, 2), Err(NoEnd::Apart(1_820)));
    p.hear(at(3_590, 3_900, 0));
    p.hear(at(3_610, 3_920, 0));
    assert_eq!(
        registers(&p, 3),
        Ok((3_910, 0)),
        "what flowed meanwhile is in the register"
    );
}

#[test]
fn what_is_repeated_or_falls_changes_nothing() {
    let mut p = Profile::new(LEN);
    assert!(p.hear(at(890, 1_000, 7)));
    assert!(!p.hear(at(890, 2_000, 7)));
    assert!(!p.hear(at(10, 2_000, 7)));
    assert!(p.hear(at(910, 999, 7)));
    assert_eq!(
        registers(&p, 0),
        Err(NoEnd::Apart(20)),
        "a register that fell tells nothing of the border"
    );
}

#[test]
fn forty_days_are_kept() {
    let mut p = Profile::new(LEN);
    let windows = KEPT_S / u64::from(LEN) + 100;
    for w in 0..=windows {
        p.hear(at(w * u64::from(LEN), w * 10, w));
    }
    assert_eq!(registers(&p, windows - 1), Ok((windows * 10, windows)));
    assert_eq!(registers(&p, 100), Ok((1_010, 101)));
    assert_eq!(registers(&p, 98), Err(NoEnd::NotKept));
    // A clock that jumps by years costs no more memory than is kept.
    assert!(p.hear(at(u64::MAX / 2, u64::MAX, u64::MAX)));
    assert_eq!(registers(&p, 0), Err(NoEnd::NotKept));
}

proptest! {
    #[test]
    fn ends_rise_and_add_up(steps in vec((1u64..200, 0u64..500, 0u64..500), 2..300)) {
        let mut p = Profile::new(LEN);
        let (mut t, mut import, mut export) = (1_000_000u64, 5_000u64, 7_000u64);
        p.hear(at(t, import, export));
        let first = (import, export);
        for (seconds, used, made) in steps {
            (t, import, export) = (t + seconds, import + used, export + made);
            prop_assert!(p.hear(at(t, import, export)));
        }
        let mut before = first;
        for window in 1_000_000 / u64::from(LEN)..t / u64::from(LEN) {
            if let Ok(end) = registers(&p, window) {
                prop_assert!(end.0 >= before.0 && end.1 >= before.1, "{end:?} after {before:?}");
                before = end;
            }
        }
        prop_assert!(before.0 <= import && before.1 <= export);
    }
}
