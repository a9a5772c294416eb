//! Statements wait until the chain has them; readings that are missing or wrong do not stop the meter.

use crate::common::*;
use wattpool_core::io::{Command, Event, Gate, Notice, Reading, Timer, TxFailure};
use wattpool_core::metering::ReadingProblem;
use wattpool_core::policy::Policy;
use wattpool_schema::error::Code;
use wattpool_schema::event::{ItemRefused, MarketEvent};
use wattpool_schema::pool::MeterPosition;
use wattpool_schema::{signing, Commitment, Wh, Window};

fn windows(set: &[Command]) -> Vec<u64> {
    stated(set)
        .1
        .iter()
        .map(|s| s.statement.window.0 - W.0)
        .collect()
}

fn refused(index: u32, code: &str) -> MarketEvent {
    MarketEvent::ItemRefused(ItemRefused {
        index,
        code: code.into(),
    })
}

fn pruned(set: &[Command]) -> Option<Window> {
    set.iter().find_map(|c| match c {
        Command::Prune(window) => Some(*window),
        _ => None,
    })
}

fn read_meter(set: &[Command]) -> Option<(Window, Window)> {
    set.iter().find_map(|c| match c {
        Command::ReadMeter { from, to } => Some((*from, *to)),
        _ => None,
    })
}

#[test]
fn commitments_and_sequences_go_on_from_window_to_window() {
    let mut home = Home::new(Policy::default());
    let mut before = Commitment::default();
    for i in 0..3u64 {
        let out = home.next_window(100);
        let statement = stated(&out).1.remove(0).statement;
        let window = W.plus(i);
        let salt = u128::from(window.0).to_be_bytes();
        let want = signing::commitment(&salt, Wh(home.registers.0), Wh(home.registers.1), &before);
        assert_eq!(
            (statement.window, statement.sequence, statement.commitment),
            (window, i + 1, want)
        );
        before = statement.commitment;
        home.take_statements(&out);
    }
}

#[test]
fn one_transaction_at_a_time_and_what_came_meanwhile_follows() {
    let mut home = Home::new(Policy::default());
    let first = home.next_window(100);
    let second = home.next_window(100);
    assert_eq!(submits(&second), []);
    let out = home.take_statements(&first);
    assert_eq!(windows(&out), [1]);
    assert_eq!(submits(&home.take_statements(&out)), []);
}

#[test]
fn what_is_lost_or_refused_for_now_is_stated_again_later() {
    for failure in [
        TxFailure::Lost,
        TxFailure::Refused(Code::NotWired),
        TxFailure::Unknown("no route".into()),
    ] {
        let mut home = Home::new(Policy::default());
        let out = home.next_window(100);
        let (intent, statements) = stated(&out);
        let out = home.done(intent, Err(failure));
        assert_eq!(submits(&out), []);
        let again = home.fire(&out, Timer::Resubmit);
        assert_eq!(stated(&again).1, statements);
        home.take_statements(&again);
        assert_eq!(submits(&home.give(Event::Timer(Timer::Resubmit))), []);
    }
}

#[test]
fn an_item_refused_for_good_is_given_up_and_one_refused_for_now_stays() {
    let mut home = Home::new(Policy::default());
    let first = home.next_window(100);
    home.next_window(100);
    let out = home.next_window(100);
    assert_eq!(submits(&out), []);
    let (intent, _) = stated(&first);
    let out = home.done(intent, Err(TxFailure::Lost));
    let again = home.fire(&out, Timer::Resubmit);
    assert_eq!(windows(&again), [0, 1, 2]);
    let (intent, _) = stated(&again);
    let events = vec![
        refused(0, "TOO_OLD"),
        refused(1, "TOO_EARLY"),
        refused(2, "ABOVE_REGISTERED"),
    ];
    let out = home.done(intent, Ok(events));
    let told = notices(&out);
    assert!(
        told.contains(&Notice::Refused {
            code: Some(Code::TooOld)
        }) && told.contains(&Notice::Refused {
            code: Some(Code::TooEarly)
        })
    );
    assert_eq!(windows(&home.fire(&out, Timer::Resubmit)), [1]);
}

#[test]
fn a_statement_without_an_answer_is_not_sent_again_at_once() {
    let mut home = Home::new(Policy::default());
    let out = home.next_window(100);
    let (intent, _) = stated(&out);
    let out = home.done(intent, Ok(Vec::new()));
    assert_eq!(submits(&out), []);
    assert_eq!(windows(&home.fire(&out, Timer::Resubmit)), [0]);
}

#[test]
fn a_batch_refused_as_a_whole_is_tried_again_in_parts() {
    let mut home = Home::new(Policy::default());
    let first = home.next_window(100);
    home.next_window(100);
    let mut out = home.done(stated(&first).0, Err(TxFailure::Refused(Code::BadInput)));
    // What waits is sent in ever smaller parts, and none of it is given up.
    let mut sizes = Vec::new();
    for _ in 0..8 {
        out = home.fire(&out, Timer::Resubmit);
        sizes.push(windows(&out));
        out = home.done(stated(&out).0, Err(TxFailure::Refused(Code::BadInput)));
    }
    assert_eq!((sizes[0].clone(), sizes[7].clone()), (vec![0, 1], vec![0]));
    let out = home.fire(&out, Timer::Resubmit);
    let out = home.take_statements(&out);
    assert_eq!(windows(&out), [1]);
}

#[test]
fn what_was_minted_by_a_lost_transaction_is_sold() {
    let mut home = Home::new(Policy::default());
    let opened = home.next_window(1_000);
    let (intent, _) = stated(&opened);
    let looking = home.fire(&opened, Timer::Price);
    home.found(looked_up(&looking).0, Vec::new());
    let out = home.done(intent, Err(TxFailure::Lost));
    let again = home.fire(&out, Timer::Resubmit);
    let out = home.done(stated(&again).0, Ok(vec![refused(0, "WINDOW_STATED")]));
    assert_eq!(
        offers(&out).iter().map(|o| o.wh).collect::<Vec<_>>(),
        [Wh(1_000)]
    );
}

#[test]
fn after_a_halt_everything_is_stated_oldest_first_in_batches() {
    let mut home = Home::new(Policy::default());
    for i in 0..100u64 {
        home.end_window();
        home.flow(10);
        // The meter goes on; no block is seen. Its clock is the only one that does.
        home.give(Event::Block(home.block));
        let out = home.give(Event::Reading(home.reading(W.plus(i))));
        assert_eq!(submits(&out), []);
    }
    let mut out = home.open();
    assert_eq!(
        pruned(&out),
        Some(W),
        "what the chain does not have stays in the journal"
    );
    for batch in [0..40, 40..80, 80..100] {
        assert_eq!(windows(&out), batch.collect::<Vec<u64>>());
        out = home.take_statements(&out);
    }
    assert_eq!(submits(&out), []);
    assert_eq!(pruned(&home.next_window(10)), Some(W.plus(99)));
}

#[test]
fn statements_that_wait_survive_a_crash() {
    let mut home = Home::new(Policy::default());
    home.next_window(10);
    home.next_window(20);
    let (mut home, out) = home.crash(
        Policy::default(),
        MeterPosition {
            stated: Some(W),
            sequence: 1,
            ..MeterPosition::default()
        },
    );
    assert_eq!(windows(&out), [1]);
    home.take_statements(&out);
    let next = home.next_window(30);
    assert_eq!(stated(&next).1[0].statement.sequence, 3);
}

#[test]
fn a_lost_journal_does_not_stall_the_meter() {
    let mut home = Home::new(Policy::default());
    home.next_window(10);
    home.journal.clear();
    let position = MeterPosition {
        stated: Some(W),
        sequence: 41,
        ..MeterPosition::default()
    };
    let (mut home, _) = home.crash(Policy::default(), position);
    let first = home.next_window(10);
    assert_eq!(
        submits(&first),
        [],
        "the first reading is where counting begins"
    );
    let out = home.next_window(10);
    assert_eq!(
        (windows(&out), stated(&out).1[0].statement.sequence),
        (vec![2], 42)
    );
}

#[test]
fn missing_windows_are_read_first() {
    let mut home = Home::new(Policy::default());
    home.end_window();
    home.flow(100);
    home.open();
    let missed = home.reading(W);
    home.end_window();
    home.flow(200);
    let late = home.reading(W.next());
    let out = home.give(Event::Reading(late));
    assert_eq!(read_meter(&out), Some((W, W.next())));
    let out = home.give(Event::Reading(missed));
    assert_eq!(windows(&out), [0]);
    home.take_statements(&out);
    home.give(Event::Reading(late));
    let out = home.open();
    assert_eq!(windows(&out), [1]);
    assert_eq!(stated(&out).1[0].statement.export_wh, Wh(200));
}

#[test]
fn a_meter_without_history_goes_on_after_a_gap() {
    let mut home = Home::new(Policy::default());
    home.end_window();
    home.flow(100);
    home.open();
    home.end_window();
    home.flow(200);
    let late = home.reading(W.next());
    let mut tries = 0;
    while read_meter(&home.give(Event::Reading(late))).is_some() {
        tries += 1;
        assert!(tries < 20, "asks for ever");
    }
    assert!(tries > 0);
    home.open();
    let out = home.next_window(300);
    // What flowed in the gap is joined with the first window behind it.
    let first = |out: &[Command]| (windows(out), stated(out).1[0].statement.export_wh);
    assert_eq!(first(&out), (vec![1], Wh(300)));
    let out = home.take_statements(&out);
    assert_eq!(first(&out), (vec![2], Wh(300)));
}

#[test]
fn a_meter_that_never_answers_about_the_past_is_believed_again_after_some_windows() {
    let mut home = Home::new(Policy::default());
    home.end_window();
    home.open();
    let stated_in: Vec<u64> = (1..10)
        .filter(|_| submits(&home.next_window(100)).len() == 1)
        .map(|i| i + W.0)
        .collect();
    assert_eq!(
        stated_in.first(),
        Some(&(W.0 + 5)),
        "the meter is asked four times"
    );
}

#[test]
fn a_meter_that_does_not_speak_up_is_asked() {
    let mut home = Home::new(Policy::default());
    home.end_window();
    let out = home.open();
    assert_eq!(read_meter(&home.fire(&out, Timer::Meter)), Some((W, W)));
}

#[test]
fn a_reading_that_is_not_believed_is_told_and_read_again() {
    type Change = fn(&mut Reading);
    let cases: [(Change, ReadingProblem); 3] = [
        (|r| r.export_register = Wh(0), ReadingProblem::RolledBack),
        (
            |r| r.export_register = Wh(r.export_register.0 + 11_000),
            ReadingProblem::BeyondPower,
        ),
        (|r| r.taken_at = r.window.start(LEN), ReadingProblem::Stale),
    ];
    for (change, problem) in cases {
        let mut home = Home::new(Policy::default());
        home.end_window();
        home.flow(100);
        home.open();
        let mut bad = home.reading(W);
        change(&mut bad);
        let out = home.give(Event::Reading(bad));
        assert_eq!(notices(&out), [Notice::BadReading { window: W, problem }]);
        assert_eq!((submits(&out), journalled(&out)), (Vec::new(), Vec::new()));
        assert_eq!(read_meter(&home.fire(&out, Timer::Meter)), Some((W, W)));
        let good = home.give(Event::Reading(home.reading(W)));
        assert_eq!(stated(&good).1[0].statement.export_wh, Wh(100));
    }
}

#[test]
fn the_gate_is_open_without_a_forecast_and_never_below_the_expected_need() {
    let mut home = Home::new(Policy::default());
    for _ in 0..95 {
        let out = home.next_window(-400);
        assert_eq!(gates(&out), [Gate::Open]);
    }
    let out = home.next_window(-400);
    let [Gate::Limit(limit)] = gates(&out)[..] else {
        panic!("{:?}", gates(&out))
    };
    assert!(limit >= Wh(400) && limit <= Wh(1_000), "{limit:?}");
}
