//! A home's registers from several meters, with a clock that the test moves.
#![allow(clippy::unwrap_used, clippy::arithmetic_side_effects)]

use wattpool_meter_codec::household::{moment_of, Heard, Household, Role};
use wattpool_meter_codec::profile::NoEnd;
use wattpool_meter_codec::{Reading, Register, Time};
use wattpool_schema::{Seconds, Wh, Window};

const LEN: u32 = 900;

fn said(import: Option<u64>, export: Option<u64>, power_w: Option<i64>) -> Reading {
    let register = |wh| Register {
        wh: Wh(wh),
        step: Wh(1),
    };
    Reading {
        time: None,
        import: import.map(register),
        export: export.map(register),
        power_w,
    }
}

#[test]
fn import_and_export_come_from_different_meters_at_different_times() {
    let mut home = Household::new(LEN);
    let import = home.add(Role::Import);
    let export = home.add(Role::Export);
    // The import meter's own export register does not count, and the other way round.
    for (at, wh) in [(890, 1_000), (910, 1_010)] {
        home.hear(import, Seconds(at), &said(Some(wh), Some(77), Some(300)));
    }
    assert_eq!(
        home.end(Window(0)),
        Err(NoEnd::NotYet),
        "the other is silent"
    );
    for (at, wh) in [(870, 500), (930, 560)] {
        home.hear(export, Seconds(at), &said(Some(99), Some(wh), Some(-100)));
    }
    let end = home.end(Window(0)).unwrap();
    assert_eq!((end.import, end.export), (Wh(1_005), Wh(530)));
    assert_eq!((end.at, end.power_w), (Seconds(900), Some(200)));
}

#[test]
fn one_meter_apart_joins_the_window_of_the_home() {
    let mut home = Household::new(LEN);
    let (a, b) = (home.add(Role::Consumption), home.add(Role::Generation));
    for at in (800..2_000).step_by(20) {
        home.hear(a, Seconds(at), &said(Some(at), None, None));
        if !(880..1_000).contains(&at) {
            home.hear(b, Seconds(at), &said(None, Some(2 * at), None));
        }
    }
    assert_eq!(home.end(Window(0)), Err(NoEnd::Apart(140)));
    let end = home.end(Window(1)).unwrap();
    assert_eq!(
        (end.import, end.export),
        (Wh(1_800), Wh(3_600)),
        "nothing is lost"
    );
}

#[test]
fn a_frame_without_export_leaves_it_where_it_was() {
    let mut home = Household::new(LEN);
    let grid = home.add(Role::Grid);
    assert_eq!(
        home.hear(grid, Seconds(10), &said(None, None, Some(5))),
        Heard::NoRegister
    );
    assert_eq!(
        home.hear(grid, Seconds(10), &said(None, Some(7), None)),
        Heard::NoRegister
    );
    assert_eq!(
        home.hear(grid, Seconds(880), &said(Some(5), Some(7), None)),
        Heard::Taken
    );
    assert_eq!(
        home.hear(grid, Seconds(880), &said(Some(6), Some(7), None)),
        Heard::Repeated
    );
    assert_eq!(
        home.hear(grid, Seconds(900), &said(Some(8), None, None)),
        Heard::Taken
    );
    let end = home.end(Window(0)).unwrap();
    assert_eq!((end.import, end.export), (Wh(8), Wh(7)));
}

#[test]
fn a_clock_that_is_set_back_does_not_silence_the_meter() {
    let mut home = Household::new(LEN);
    let grid = home.add(Role::Grid);
    home.hear(grid, Seconds(1_000_000), &said(Some(1), None, None));
    assert_eq!(
        home.hear(grid, Seconds(999_990), &said(Some(1), None, None)),
        Heard::Repeated
    );
    assert_eq!(
        home.hear(grid, Seconds(890), &said(Some(2), None, None)),
        Heard::SetBack(999_110)
    );
    assert_eq!(
        home.hear(grid, Seconds(900), &said(Some(3), None, None)),
        Heard::Taken
    );
    assert_eq!(home.end(Window(0)).unwrap().import, Wh(3));
}

#[test]
fn what_was_kept_goes_on_after_a_restart() {
    let mut before = Household::new(LEN);
    let line = before.add(Role::Grid);
    for at in (800..1_900).step_by(10) {
        before.hear(line, Seconds(at), &said(Some(at), Some(3), None));
    }
    let mut home = Household::new(LEN);
    home.add(Role::Grid);
    for (window, end) in before.profile(line).unwrap().ends_from(Window(0)) {
        home.restore(line, window, end);
    }
    // Away for a part of a window: its end is drawn all the same.
    for at in [2_600, 2_695, 2_705] {
        home.hear(line, Seconds(at), &said(Some(at), None, None));
    }
    let ends: Vec<_> = (0..3)
        .map(|w| home.end(Window(w)).map(|m| (m.import.0, m.export.0)))
        .collect();
    assert_eq!(ends, [Ok((900, 3)), Ok((1_800, 3)), Ok((2_700, 3))]);
}

#[test]
fn a_meters_stamp_is_believed_within_a_minute() {
    let at = |stamp| moment_of(Some(Time::Utc(Seconds(stamp))), Seconds(10_000));
    assert_eq!(
        at(9_990),
        (Seconds(9_990), None),
        "a push that took ten seconds"
    );
    assert_eq!(at(10_060), (Seconds(10_060), None));
    assert_eq!(
        at(13_600),
        (Seconds(10_000), Some(3_600)),
        "an hour of summer time"
    );
    assert_eq!(at(0), (Seconds(10_000), Some(-10_000)));
    let counter = moment_of(Some(Time::Counter(77)), Seconds(10_000));
    assert_eq!(counter, (Seconds(10_000), None));
}
