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

#[test]
fn what_lies_behind_a_gap_must_be_possible() {
    let (m, _) = metering();
    assert!(m.may_precede(&reading(12, 1_100, 500)));
    assert!(m.may_precede(&reading(12, 31_000, 15_500)));
    // These registers move in steps of 100 Wh, as far as they tell.
    assert!(!m.may_precede(&reading(12, 31_101, 500)));
    assert!(!m.may_precede(&reading(12, 1_000, 15_601)));
    assert!(!m.may_precede(&reading(12, 999, 500)));
}

#[test]
fn registers_roll_over_at_32_bits_and_go_on() {
    let mut m = Metering::new(LEN, Wh(5_000), Wh(10_000));
    let now = Window(20).end(LEN);
    m.resume(reading(9, ACC32 - 100, 0));
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
