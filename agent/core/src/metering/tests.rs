//! Readings one by one; `tests/agent/belief.rs` has whole runs of them.

use super::registers::ACC32;
use super::*;

const LEN: u32 = 900;

fn reading(window: u64, import: u64, export: u64) -> Reading {
    Reading {
        window: Window(window),
        taken_at: Window(window).end(LEN),
        import_register: Wh(import),
        export_register: Wh(export),
        power_w: None,
    }
}

fn metering() -> (Metering, Seconds) {
    let mut m = Metering::new(LEN, Wh(5_000), Wh(10_000));
    let now = Window(20).end(LEN);
    assert_eq!(m.take(reading(9, 1_000, 500), now), Ok(None));
    (m, now)
}

#[test]
fn surplus_and_deficit_are_net() {
    let (mut m, now) = metering();
    let w = m.take(reading(10, 1_100, 800), now).unwrap().unwrap();
    assert_eq!((w.surplus, w.deficit), (Wh(200), Wh(0)));
    let w = m.take(reading(11, 1_400, 900), now).unwrap().unwrap();
    assert_eq!((w.surplus, w.deficit), (Wh(0), Wh(200)));
}

#[test]
fn what_is_not_believed_changes_nothing() {
    let (mut m, now) = metering();
    let cases = [
        (reading(9, 1_000, 500), ReadingProblem::Repeated),
        (reading(10, 999, 500), ReadingProblem::RolledBack),
        (reading(10, 21_001, 500), ReadingProblem::BeyondPower),
        (reading(10, 1_000, 10_501), ReadingProblem::BeyondPower),
        (
            Reading {
                power_w: Some(-2_000),
                ..reading(10, 1_000, 500)
            },
            ReadingProblem::Frozen,
        ),
        (
            Reading {
                taken_at: Window(10).start(LEN),
                ..reading(10, 1_000, 500)
            },
            ReadingProblem::Stale,
        ),
        (
            Reading {
                taken_at: Seconds(now.0 + 61),
                ..reading(10, 1_000, 500)
            },
            ReadingProblem::ClockAhead,
        ),
        (
            reading(12, 1_100, 500),
            ReadingProblem::Gap {
                missing: Window(10),
            },
        ),
    ];
    for (bad, problem) in cases {
        assert_eq!(m.take(bad, now), Err(problem));
        assert_eq!(m.last().map(|r| r.window), Some(Window(9)));
    }
    assert!(m.take(reading(10, 1_001, 500), now).is_ok());
}

/// What two readings behind a gap are believed to add.
fn behind_a_gap(import: u64, export: u64) -> Vec<Metered> {
    let (mut m, now) = metering();
    let first = reading(12, import, export);
    assert!(m.take(first, now).is_err());
    assert_eq!(m.go_on(first, now), []);
    let second = reading(13, import, export);
    assert!(m.take(second, now).is_err());
    m.go_on(second, now)
}

#[test]
fn what_lies_behind_a_gap_must_be_possible() {
    let added = |import, export| {
        let all = behind_a_gap(import, export);
        let sum = |f: fn(&Metered) -> Wh| all.iter().map(|m| f(m).0).sum::<u64>();
        (all.len(), sum(|m| m.deficit), sum(|m| m.surplus))
    };
    assert_eq!(added(1_100, 501), (2, 99, 0));
    // Three windows' worth: what the first one does not take is carried on.
    assert_eq!(added(31_000, 501), (2, 20_000 - 1, 0));
    assert_eq!(added(1_001, 15_500), (2, 0, 10_000 - 1));
    // More than three windows of the maximum, and the reading behind it does not bear it out: the fourth may have it.
    assert_eq!(added(31_112, 501).0, 1);
    assert_eq!(added(61_112, 501).0, 0);
    assert_eq!(added(999, 501).0, 0);
}

#[test]
fn registers_roll_over_at_32_bits_and_go_on() {
    let mut m = Metering::new(LEN, Wh(5_000), Wh(10_000));
    let now = Window(20).end(LEN);
    m.resume(reading(9, ACC32 - 100, 0), Carried::default());
    let w = m.take(reading(10, 50, 0), now).unwrap().unwrap();
    assert_eq!(w.deficit, Wh(150));
    assert_eq!(w.reading.import_register, Wh(ACC32 + 50));
    assert_eq!(
        m.take(reading(11, 80, 0), now).unwrap().unwrap().deficit,
        Wh(30)
    );
    assert_eq!(
        m.take(reading(12, 40, 0), now),
        Err(ReadingProblem::RolledBack)
    );
}

#[test]
fn hysteresis() {
    let t = Wh(10);
    let b = Balance::Even.after(Wh(9), Wh(0), t);
    assert_eq!(b, Balance::Even);
    let b = b.after(Wh(10), Wh(0), t);
    assert_eq!(b, Balance::Surplus);
    assert_eq!(b.after(Wh(5), Wh(0), t), Balance::Surplus);
    assert_eq!(b.after(Wh(4), Wh(0), t), Balance::Even);
    assert_eq!(b.after(Wh(0), Wh(9), t), Balance::Even);
    assert_eq!(b.after(Wh(0), Wh(10), t), Balance::Deficit);
    assert_eq!(Balance::Even.after(Wh(0), Wh(0), Wh(0)), Balance::Even);
}
