//! `State` for skipped windows: ascending, each once, at most 8 ranges.

use crate::market::*;
use wattpool_schema::pool::SkippedRange;
use wattpool_schema::Window;

fn range(from: u64, to: u64, above: u64, below: u64) -> SkippedRange {
    SkippedRange {
        from: Window(from),
        to: Window(to),
        above,
        below,
    }
}

/// Meter 1 has stated [`NOW`] with sequence 10 and `NOW + 6` with sequence 20, in time.
fn skipped_five() -> Market {
    let mut market = Market::new();
    market.go_to(NOW + 1);
    market.stated(1, NOW, 1, 5);
    market.go_to(NOW + 7);
    market.stated(1, NOW + 6, 20, 5);
    let expected = [range(NOW + 1, NOW + 5, 1, 20)];
    assert_eq!(market.position(1).skipped, expected);
    market
}

#[test]
fn ascending_and_each_once() {
    let mut market = skipped_five();
    let (tokens, position) = (market.tokens("ann"), market.position(1));
    market.stated(1, NOW + 2, 5, 100);
    assert_eq!(market.late("ann"), [(market.live().0, 100)]);
    assert_eq!(market.position(1).skipped, [range(NOW + 3, NOW + 5, 5, 20)]);
    // Window and sequence of the meter do not go back, nothing is minted.
    let after = market.position(1);
    assert_eq!(
        (after.stated, after.sequence, after.commitment),
        (position.stated, position.sequence, position.commitment)
    );
    assert_eq!(market.tokens("ann"), tokens);
    // The same again, and what lies before it, is given up.
    assert_eq!(
        market.state_one(1, NOW + 2, 6, 100).unwrap(),
        "WINDOW_STATED"
    );
    assert_eq!(
        market.state_one(1, NOW + 1, 6, 100).unwrap(),
        "WINDOW_STATED"
    );
    // The sequence must lie between the neighbours'.
    assert_eq!(
        market.state_one(1, NOW + 3, 5, 100).unwrap(),
        "SEQUENCE_USED"
    );
    assert_eq!(
        market.state_one(1, NOW + 3, 20, 100).unwrap(),
        "SEQUENCE_TOO_HIGH"
    );
    assert_eq!(
        market.state_one(1, NOW + 3, u64::MAX, 100).unwrap(),
        "SEQUENCE_TOO_HIGH"
    );
    market.stated(1, NOW + 5, 19, 100);
    assert_eq!(market.position(1).skipped, []);
    assert_eq!(market.late("ann"), [(market.live().0, 200)]);
    assert_eq!(
        market.state_one(1, NOW + 4, 7, 100).unwrap(),
        "WINDOW_STATED"
    );
}

#[test]
fn a_range_ends_when_its_sequences_are_used_up() {
    let mut market = skipped_five();
    market.stated(1, NOW + 1, 19, 100);
    assert_eq!(market.position(1).skipped, []);
}

#[test]
fn without_a_sequence_to_spare_nothing_was_skipped() {
    let mut market = Market::new();
    market.stated(1, LIVE.0, 1, 5);
    market.go_to(NOW + 5);
    // At night nothing is stated: the next sequence follows at once.
    market.stated(1, NOW + 4, 2, 5);
    assert_eq!(market.position(1).skipped, []);
    assert_eq!(market.state_one(1, NOW + 1, 1, 5).unwrap(), "WINDOW_STATED");
}

#[test]
fn the_first_statement_skips_what_came_since_the_registration() {
    let mut market = Market::new();
    market.stated(1, LIVE.0, 100, 5);
    assert_eq!(
        market.position(1).skipped,
        [range(START, LIVE.0 - 1, 0, 100)]
    );
    assert_eq!(
        market.state_one(1, START - 1, 50, 5).unwrap(),
        "WINDOW_STATED"
    );
    market.stated(1, START, 1, 5);
    assert_eq!(
        market.position(1).skipped,
        [range(START + 1, LIVE.0 - 1, 1, 100)]
    );
}

#[test]
fn the_ninth_range_drops_the_oldest() {
    let mut market = Market::new();
    market.stated(1, START, 1, 0);
    for step in 1..=9 {
        market.go_to(NOW + 2 * step + 1);
        market.stated(1, NOW + 2 * step, 1 + 10 * step, 0);
    }
    let skipped = market.position(1).skipped;
    assert_eq!(skipped.len(), 8);
    assert_eq!(skipped[0], range(NOW + 3, NOW + 3, 11, 21));
    assert_eq!(skipped[7], range(NOW + 17, NOW + 17, 81, 91));
    // The first range, since the registration, is lost; the others are still there, in any order.
    assert_eq!(market.state_one(1, NOW, 5, 1).unwrap(), "WINDOW_STATED");
    market.stated(1, NOW + 17, 85, 3);
    market.stated(1, NOW + 3, 15, 2);
    assert_eq!(market.late("ann"), [(market.live().0, 5)]);
    assert_eq!(market.position(1).skipped.len(), 6);
}

#[test]
fn late_and_skipping_at_once() {
    let mut market = Market::new();
    market.stated(1, START, 1, 0);
    // Two windows behind, after a gap: in order, so it advances and leaves a range behind.
    market.stated(1, START + 4, 5, 40);
    assert_eq!(
        market.position(1).skipped,
        [range(START + 1, START + 3, 1, 5)]
    );
    assert_eq!(market.late("ann"), [(market.live().0, 40)]);
    market.stated(1, START + 2, 3, 20);
    assert_eq!(market.late("ann"), [(market.live().0, 60)]);
}

#[test]
fn while_paused_as_well() {
    let mut market = skipped_five();
    let pause = wattpool_schema::pool::ExecuteMsg::Pause {};
    market.run("admin", &pause).unwrap();
    market.stated(1, NOW + 4, 7, 9);
    assert_eq!(market.late("ann"), [(market.live().0, 9)]);
}

#[test]
fn skipped_windows_grow_too_old() {
    let mut market = skipped_five();
    market.go_to(NOW + 2 + MONTH);
    assert_eq!(market.state_one(1, NOW + 1, 5, 9).unwrap(), "TOO_OLD");
    assert_eq!(market.position(1).skipped.len(), 1, "nothing has changed");
    market.stated(1, NOW + 2, 6, 9);
    assert_eq!(market.late("ann"), [(market.live().0, 9)]);
    // A new range starts where something can still be earned.
    market.go_to(NOW + 20 + MONTH);
    market.stated(1, NOW + 19 + MONTH, 1_000, 1);
    let last = *market.position(1).skipped.last().unwrap();
    assert_eq!(last, range(NOW + 20, NOW + 18 + MONTH, 20, 1_000));
}
