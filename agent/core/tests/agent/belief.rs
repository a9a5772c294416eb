//! Which readings are believed: exchanged meters, roll-overs, coarse registers, maxima that are registered too low,
//! glitches. No Wh is counted that did not flow, and none is lost beyond what cannot be known.

use crate::common::*;
use wattpool_core::io::{Command, Event, MarketTx, Notice, Reading, Timer};
use wattpool_core::metering::{Metered, Metering, ReadingProblem};
use wattpool_core::policy::Policy;
use wattpool_schema::pool::MeterPosition;
use wattpool_schema::{Wh, Window};

const MOST: (u64, u64) = (2_500, 5_000);

fn at(window: u64, import: u64, export: u64) -> Reading {
    Reading {
        window: Window(window),
        taken_at: Window(window).end(LEN),
        import_register: Wh(import),
        export_register: Wh(export),
        power_w: None,
    }
}

/// What the agent does with a reading: it is taken, and behind a gap or a refusal metering may go on with it.
fn heard(m: &mut Metering, reading: Reading) -> Vec<Metered> {
    let now = reading.window.end(LEN);
    match m.take(reading, now) {
        Ok(metered) => metered.into_iter().collect(),
        Err(ReadingProblem::Repeated) => Vec::new(),
        Err(_) => m.go_on(reading, now),
    }
}

fn metering() -> Metering {
    Metering::new(LEN, Wh(MOST.0), Wh(MOST.1))
}

fn sums(all: &[Metered]) -> (u64, u64) {
    let sum = |f: fn(&Metered) -> Wh| all.iter().map(|m| f(m).0).sum();
    (sum(|m| m.deficit), sum(|m| m.surplus))
}

fn windows_stated(set: &[Command]) -> Vec<u64> {
    let statements = submits(set).into_iter().filter_map(|(_, tx)| match tx {
        MarketTx::State(s) => Some(s),
        _ => None,
    });
    let windows = statements.flatten().map(|s| s.statement.window.0 - W.0);
    windows.collect()
}

#[test]
fn an_exchanged_meter_goes_on_and_only_what_cannot_be_known_is_lost() {
    let mut home = Home::new(Policy::default());
    for _ in 0..3 {
        let out = home.next_window(100);
        home.take_statements(&out);
    }
    let position = MeterPosition {
        stated: Some(W.plus(2)),
        sequence: 3,
        ..Default::default()
    };
    let (mut home, _) = home.crash(Policy::default(), position);
    home.registers = (0, 0);
    let mut told = Vec::new();
    let mut stated_windows = Vec::new();
    for _ in 0..20 {
        let mut out = home.next_window(100);
        told.extend(notices(&out).into_iter().filter(|n| {
            matches!(
                n,
                Notice::BadReading {
                    problem: ReadingProblem::NewBeginning { .. },
                    ..
                }
            )
        }));
        loop {
            let stated = windows_stated(&out);
            if stated.is_empty() {
                break;
            }
            stated_windows.extend(stated);
            out = home.take_statements(&out);
        }
    }
    stated_windows.sort_unstable();
    stated_windows.dedup();
    // The first window of the new meter is its opening; every later one is stated.
    assert_eq!(stated_windows, (4..23).collect::<Vec<_>>());
    assert_eq!(told.len(), 1, "{told:?}");
}

#[test]
fn after_a_roll_over_a_missing_window_is_joined() {
    for modulus in [1u64 << 32, 100_000_000, 1_000_000_000, (1 << 32) * 10] {
        let mut m = metering();
        let mut all = Vec::new();
        let mut true_import = modulus - 150;
        for window in 1..20u64 {
            if window > 1 {
                true_import += 100;
            }
            if window != 8 {
                all.extend(heard(&mut m, at(window, true_import % modulus, 7)));
            }
        }
        assert_eq!(sums(&all), (1_800, 0), "{modulus}");
        assert_eq!(all.len(), 17, "{modulus}: one is joined, one is the first");
        let gap = ReadingProblem::Gap { missing: Window(8) };
        assert_eq!(m.noted(), [(Window(9), gap)]);
        assert_eq!(m.noted(), [], "each is told once");
    }
}

#[test]
fn a_roll_over_over_a_gap_is_one() {
    let mut m = metering();
    heard(&mut m, at(1, (1 << 32) - 300, 0));
    let mut all = heard(&mut m, at(4, 100, 0));
    assert_eq!(all, [], "a single one could be wrong");
    all.extend(heard(&mut m, at(5, 150, 0)));
    assert_eq!(sums(&all), (450, 0));
}

#[test]
fn registers_in_kwh_are_believed_and_add_up() {
    for (step, peak) in [(1_000u64, 900u64), (100, 900), (1_000, 100)] {
        let mut m = metering();
        let mut all = Vec::new();
        let mut exact = 13_423_000;
        for window in 1..=2_000u64 {
            let flows = (window * 7_919) % peak;
            exact += flows;
            let told = Reading {
                power_w: Some(i64::try_from(flows * 4).unwrap()),
                ..at(window, exact / step * step, 5_000_000)
            };
            all.extend(heard(&mut m, told));
        }
        assert_eq!(all.len(), 1_999, "{step}: every window is believed");
        let counted = sums(&all).0;
        let moved = exact / step * step - (13_423_000 + 7_919 % peak) / step * step;
        assert!(
            counted <= moved && moved - counted <= step,
            "{step}: {counted} of {moved}"
        );
        assert_eq!(m.noted(), []);
    }
}

#[test]
fn a_coarse_step_above_the_maximum_is_spread_over_the_windows_it_flowed_in() {
    let mut m = Metering::new(LEN, Wh(300), Wh(300));
    let mut all = Vec::new();
    for window in 1..=41u64 {
        all.extend(heard(
            &mut m,
            at(window, 8_000_000 + (window - 1) / 5 * 1_000, 2_000),
        ));
    }
    assert!(all.iter().all(|w| w.deficit <= Wh(300)));
    let (counted, _) = sums(&all);
    assert!((7_000..=8_000).contains(&counted), "{counted}");
    assert_eq!(m.noted(), []);
}

#[test]
fn what_goes_beyond_the_maximum_is_capped_and_the_rest_told() {
    let mut m = metering();
    heard(&mut m, at(1, 1, 1));
    // The first window waits for the second to bear it out; from then on such windows are believed at once.
    let mut counts = Vec::new();
    let mut all = Vec::new();
    for n in 1..=16u64 {
        let metered = heard(&mut m, at(1 + n, 1, 1 + n * 2_575));
        counts.push(metered.len());
        all.extend(metered);
    }
    assert_eq!((counts[0], counts[1]), (0, 2));
    assert!(counts[2..].iter().all(|c| *c == 1), "{counts:?}");
    assert_eq!(sums(&all), (0, 16 * 2_500));
    let noted = m.noted();
    assert_eq!(noted.len(), 16);
    let capped = ReadingProblem::Capped { beyond: Wh(75) };
    assert!(noted.iter().all(|(_, p)| *p == capped), "{noted:?}");
}

#[test]
fn a_window_beyond_the_maximum_that_is_not_borne_out_is_joined_with_the_next() {
    let mut m = metering();
    heard(&mut m, at(1, 1, 1));
    assert_eq!(heard(&mut m, at(2, 1, 1 + 2_575)), []);
    let mut all = heard(&mut m, at(3, 1, 1 + 2_575 + 200));
    assert_eq!(sums(&all), (0, 2_500));
    let gap = ReadingProblem::Gap { missing: Window(2) };
    assert_eq!(m.noted(), [(Window(3), gap)]);
    // What the maximum did not take is carried on.
    all.extend(heard(&mut m, at(4, 1, 1 + 2_575 + 300)));
    assert_eq!(sums(&all), (0, 2_575 + 300));
}

#[test]
fn a_reading_above_the_maximum_counts_nothing_until_the_next_one_agrees() {
    for wrong in [2_501u64, 3_000, 4_999] {
        let mut m = metering();
        heard(&mut m, at(1, 1, 1));
        assert_eq!(heard(&mut m, at(2, 1, 1 + wrong)), [], "{wrong}");
        // Asked again it says the same; the next window shows that it was wrong.
        assert_eq!(heard(&mut m, at(2, 1, 1 + wrong)), [], "{wrong}");
        assert_eq!(heard(&mut m, at(3, 1, 161)), [], "{wrong}");
        let joined = heard(&mut m, at(4, 1, 241));
        assert_eq!(sums(&joined), (0, 240), "{wrong}");
        // Asked again it says what is right: nothing was lost.
        let mut m = metering();
        heard(&mut m, at(1, 1, 1));
        heard(&mut m, at(2, 1, 1 + wrong));
        assert_eq!(sums(&heard(&mut m, at(2, 1, 81))), (0, 80), "{wrong}");
    }
}

#[test]
fn a_wrong_reading_that_could_be_right_is_taken_back_when_the_next_ones_show_it() {
    let mut m = metering();
    heard(&mut m, at(1, 1, 1));
    let mut all = heard(&mut m, at(2, 1, 2_001));
    assert_eq!(sums(&all), (0, 2_000), "nothing shows yet that it is wrong");
    for window in 3..=60u64 {
        all.extend(heard(&mut m, at(window, 1, 1 + (window - 1) * 80)));
    }
    assert_eq!(sums(&all), (0, 59 * 80));
}

#[test]
fn registers_of_another_meter_for_an_hour_are_taken_back() {
    let mut m = metering();
    let mut all = Vec::new();
    for window in 1..=60u64 {
        let (import, export) = if (20..25).contains(&window) {
            (77_003 + window * 500, 9_001)
        } else {
            (13_423_001 + window * 100, 5_000_003)
        };
        all.extend(heard(&mut m, at(window, import, export)));
    }
    assert_eq!(sums(&all), (59 * 100, 0));
}

#[test]
fn after_a_long_gap_lower_registers_are_another_meters() {
    // A meter near 2^32 thousandths is exchanged while the agent is away.
    let mut m = metering();
    heard(&mut m, at(1, 2_692_001, 3));
    let mut all = Vec::new();
    for window in 1_000..=1_010u64 {
        all.extend(heard(&mut m, at(window, 17 + window, 3)));
    }
    assert_eq!(sums(&all), (10, 0));
}

#[test]
fn what_is_carried_survives_a_restart() {
    let mut m = metering();
    heard(&mut m, at(1, 1, 1));
    assert_eq!(heard(&mut m, at(4, 1, 1 + 6_000)), []);
    let all = heard(&mut m, at(5, 1, 1 + 6_100));
    assert_eq!(sums(&all), (0, 5_000));
    let last = all[1];
    assert_eq!(last.carried.export, 1_100);
    let mut again = metering();
    again.resume(last.reading, last.carried);
    assert_eq!(sums(&heard(&mut again, at(6, 1, 1 + 6_200))), (0, 1_200));
}

#[test]
fn a_glitch_mints_nothing_and_loses_nothing() {
    for glitch in [0u64, u64::from(u32::MAX), u64::MAX >> 1, 13_423_000 * 2] {
        let mut m = metering();
        let mut all = Vec::new();
        for window in 1..=30u64 {
            let exact = 13_423_001 + 200 * window;
            let import = if window == 10 { glitch } else { exact };
            all.extend(heard(&mut m, at(window, import, 5_000_003)));
        }
        assert_eq!(sums(&all), (29 * 200, 0), "{glitch}");
    }
}

#[test]
fn a_zero_just_before_a_roll_over_is_no_roll_over() {
    let mut m = metering();
    heard(&mut m, at(1, 99_999_900, 3));
    assert_eq!(heard(&mut m, at(2, 0, 3)), []);
    assert_eq!(sums(&heard(&mut m, at(2, 99_999_950, 3))), (50, 0));
}

#[test]
fn a_wrong_first_reading_costs_four_windows_not_a_month() {
    for first in [0u64, u64::from(u32::MAX)] {
        let mut m = metering();
        let mut all = heard(&mut m, at(1, first, first));
        for window in 2..=20u64 {
            all.extend(heard(
                &mut m,
                at(window, 13_423_007 + 200 * window, 5_000_000 + 10 * window),
            ));
        }
        assert_eq!(all.len(), 18, "the first right reading is the beginning");
        assert_eq!(sums(&all), (18 * 190, 0));
    }
}

#[test]
fn a_meter_that_stands_at_zero_is_a_glitch_for_a_day() {
    let mut m = metering();
    heard(&mut m, at(1, 13_423_007, 5_000_001));
    for window in 2..=50u64 {
        assert_eq!(heard(&mut m, at(window, 0, 0)), [], "{window}");
    }
    let mut all = Vec::new();
    for window in 51..=60u64 {
        all.extend(heard(
            &mut m,
            at(window, 13_423_007 + 10 * window, 5_000_001),
        ));
    }
    assert_eq!(sums(&all).0, 600, "all of it, joined");
}

#[test]
fn a_meter_that_says_nothing_for_a_day_is_told_once_and_asked_with_pauses() {
    let mut home = Home::new(Policy::default());
    let nothing = |window: Window| Event::Reading(at(window.0, 0, 0));
    let (mut asked, mut told) = (0u64, Vec::new());
    for _ in 0..90 {
        home.end_window();
        let mut out = home.open();
        // The host reads the window that has ended.
        out.extend(home.give(nothing(home.window.prev())));
        loop {
            told.extend(notices(&out));
            let reads = out.iter().filter_map(|c| match c {
                Command::ReadMeter { from, to } => Some(from.0..=to.0),
                _ => None,
            });
            let windows: Vec<u64> = reads.flatten().collect();
            out = if !windows.is_empty() {
                asked += windows.len() as u64;
                let answers = windows.iter().map(|w| home.give(nothing(Window(*w))));
                answers.flatten().collect()
            } else if timer_at(&out, Timer::Meter).is_some() {
                home.fire(&out, Timer::Meter)
            } else {
                break;
            };
        }
    }
    let refused = Notice::BadReading {
        window: W,
        problem: ReadingProblem::RolledBack,
    };
    told.retain(|n| matches!(n, Notice::BadReading { .. }));
    assert_eq!(told, [refused]);
    // A device keeps a load profile: what is asked for again is read from there, not from the meter.
    assert!(asked < 90 * 60, "{asked}");
}
