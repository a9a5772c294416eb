//! A meter is exchanged and its owner says so: the new one goes on at once, and what the old one moved up to its end is
//! counted.

use crate::common::*;
use wattpool_core::io::{of_use, Command, Event, JournalEntry, MarketTx, Notice};
use wattpool_core::metering::{Exchange, Metering, ReadingProblem, Registers};
use wattpool_core::policy::Policy;
use wattpool_schema::pool::MeterPosition;
use wattpool_schema::{Wh, Window};

const fn registers(import: u64, export: u64) -> Registers {
    Registers {
        import: Wh(import),
        export: Wh(export),
    }
}

/// Windows stated, counted from the first, and the export of each.
fn exports(set: &[Command]) -> Vec<(u64, u64)> {
    let statements = submits(set).into_iter().filter_map(|(_, tx)| match tx {
        MarketTx::State(s) => Some(s),
        _ => None,
    });
    let statement =
        |s: wattpool_schema::SignedStatement| (s.statement.window.0 - W.0, s.statement.export_wh.0);
    statements.flatten().map(statement).collect()
}

/// A home that is at its third window.
fn home() -> (Home, MeterPosition) {
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
    (home, position)
}

fn exchange(home: &mut Home, closing_more: u64, opening: Option<Registers>) -> Vec<Command> {
    let closing = Some(registers(home.registers.0, home.registers.1 + closing_more));
    let exchange = Exchange { closing, opening };
    assert_eq!(home.agent.check_exchange(home.now, &exchange), Ok(()));
    home.give(Event::MeterExchanged(exchange))
}

#[test]
fn the_new_meter_goes_on_at_once_and_the_old_one_is_counted_to_its_end() {
    for crashed in [false, true] {
        let (mut home, position) = home();
        // 30 Wh more before it was taken off.
        let out = exchange(&mut home, 30, Some(registers(5, 7)));
        assert!(matches!(
            out[..],
            [
                Command::Journal(JournalEntry::Exchanged { .. }),
                Command::Tell(Notice::BadReading {
                    problem: ReadingProblem::Exchanged { .. },
                    ..
                })
            ]
        ));
        if crashed {
            home = home.crash(Policy::default(), position).0;
        }
        home.registers = (5, 7);
        let out = home.next_window(100);
        assert_eq!(exports(&out), [(3, 130)], "crashed {crashed}");
        home.take_statements(&out);
        let out = home.next_window(100);
        assert_eq!(exports(&out), [(4, 100)]);
    }
}

#[test]
fn windows_without_a_meter_are_joined_and_after_a_restart_the_new_registers_are_known() {
    let (mut home, _) = home();
    exchange(&mut home, 0, Some(registers(5, 7)));
    home.registers = (5, 7);
    for _ in 0..2 {
        home.end_window();
        home.open();
    }
    let out = home.next_window(100);
    assert_eq!(exports(&out), [(5, 100)], "three windows in one, at once");
    home.take_statements(&out);
    let position = MeterPosition {
        stated: Some(W.plus(5)),
        sequence: 4,
        ..Default::default()
    };
    let (mut home, _) = home.crash(Policy::default(), position);
    let out = home.next_window(40);
    assert_eq!(
        exports(&out),
        [(6, 40)],
        "no new beginning after the restart"
    );
}

#[test]
fn without_opening_registers_the_first_reading_is_the_beginning() {
    let (mut home, _) = home();
    exchange(&mut home, 30, None);
    home.registers = (4_000_000, 3_000_000);
    let out = home.next_window(100);
    assert_eq!(exports(&out), []);
    let out = home.next_window(100);
    assert_eq!(exports(&out), [(4, 130)], "and what the old one moved last");
}

#[test]
fn closing_registers_that_cannot_be_right_are_refused_and_change_nothing() {
    let (mut home, _) = home();
    let now = home.now;
    let (import, export) = home.registers;
    let check = |home: &Home, import, export| {
        let closing = Some(registers(import, export));
        let told = Exchange {
            closing,
            opening: None,
        };
        home.agent.check_exchange(now, &told)
    };
    // A digit too many, and one that fell.
    let much = check(&home, import, export + 1_000_000);
    assert_eq!(much, Err(ReadingProblem::BeyondPower));
    let back = check(&home, import, export - 1);
    assert!(
        back == Err(ReadingProblem::RolledBack) || back == Ok(()),
        "a little back was perhaps wrong before: {back:?}"
    );
    assert_eq!(
        check(&home, import, 0),
        Err(ReadingProblem::RolledBack),
        "zero is none"
    );
    let told = Exchange {
        closing: Some(registers(import, export + 1_000_000)),
        opening: None,
    };
    let out = home.give(Event::MeterExchanged(told));
    assert!(!out.iter().any(|c| matches!(c, Command::Journal(_))));
    let out = home.next_window(100);
    assert_eq!(exports(&out), [(3, 100)], "the old one goes on");
}

#[test]
fn a_meter_of_which_nothing_was_believed_has_nothing_to_close() {
    let mut m = Metering::new(LEN, Wh(2_500), Wh(5_000));
    let none = m.exchange(&Exchange::default(), Window(7));
    assert_eq!(none, Err(ReadingProblem::Stale));
}

#[test]
fn the_journal_keeps_an_exchange_until_another_one() {
    let entry = |window| JournalEntry::Exchanged {
        window: Window(window),
        exchange: Exchange::default(),
    };
    assert_eq!(of_use(&[entry(1), entry(2)], Window(900)), [false, true]);
}
