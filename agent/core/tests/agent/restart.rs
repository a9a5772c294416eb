//! Killed after any journal entry of a sale or a purchase: everything ends once, and as if nothing had happened.

use crate::common::*;
use wattpool_core::io::{Command, Event, JournalEntry, Notice, Timer, TxFailure};
use wattpool_core::policy::Policy;
use wattpool_schema::error::Code;
use wattpool_schema::escrow::SettleTrade;
use wattpool_schema::peer::DenialReason;
use wattpool_schema::pool::MeterPosition;
use wattpool_schema::{Approval, Price, Wh, Window};

const X: Window = Window(W.0 + 1);

/// Where the chain says the meter stands.
fn position(stated: bool) -> MeterPosition {
    let (window, sequence) = if stated { (X, 2) } else { (W, 1) };
    let minted = if stated { Wh(1_000) } else { Wh(0) };
    MeterPosition {
        stated: Some(window),
        sequence,
        minted_window: window,
        minted,
        ..MeterPosition::default()
    }
}

/// A sale up to its approval (400 Wh that arrive, 409 sent): metered, metered, approved.
fn sale() -> (Home, Approval) {
    let mut home = Home::new(Policy::default());
    let out = home.next_window(0);
    home.take_statements(&out);
    let opened = home.next_window(1_000);
    home.take_statements(&opened);
    let looking = home.fire(&opened, Timer::Price);
    home.found(looked_up(&looking).0, Vec::new());
    let approval = home.ask(2, 11, 400).unwrap().approval;
    assert_eq!(home.journal.len(), 3);
    (home, approval)
}

fn price(home: &mut Home, set: &[Command]) -> Vec<Command> {
    let looking = home.fire(set, Timer::Price);
    home.found(looked_up(&looking).0, Vec::new())
}

/// The rest is sold, and not a Wh more.
fn sell_out(home: &mut Home, rest: u64) {
    let last = home.ask(3, 90, 5_000).unwrap().approval;
    assert_eq!(last.max_gross, Wh(rest));
    assert_eq!(home.ask(4, 91, 1), Err(DenialReason::SoldOut));
}

#[test]
fn a_sale_goes_on_after_the_window_before_was_metered() {
    let (mut home, _) = sale();
    home.journal.truncate(1);
    let (mut home, out) = home.crash(Policy::default(), position(false));
    assert_eq!(submits(&out), []);
    let asked = home.fire(&out, Timer::Meter);
    assert!(asked
        .iter()
        .any(|c| matches!(c, Command::ReadMeter { from: X, to: X })));
    let out = home.give(Event::Reading(home.reading(X)));
    let statement = &stated(&out).1[0].statement;
    assert_eq!(
        (statement.window, statement.sequence, statement.export_wh),
        (X, 2, Wh(1_000))
    );
    home.take_statements(&out);
    assert_eq!(offers(&price(&mut home, &out))[0].wh, Wh(1_000));
    sell_out(&mut home, 1_000);
}

#[test]
fn a_sale_goes_on_after_its_window_was_metered() {
    for on_chain in [false, true] {
        let (mut home, _) = sale();
        let Some(JournalEntry::Metered { statement, .. }) = home.journal.get(1).cloned() else {
            panic!("metered")
        };
        home.journal.truncate(2);
        let (mut home, out) = home.crash(Policy::default(), position(on_chain));
        if on_chain {
            assert_eq!(submits(&out), []);
        } else {
            assert_eq!(stated(&out).1, [statement], "the very same statement");
            home.take_statements(&out);
        }
        assert_eq!(offers(&price(&mut home, &out))[0].wh, Wh(1_000));
        sell_out(&mut home, 1_000);
    }
}

#[test]
fn a_promise_is_kept_once() {
    let (home, approval) = sale();
    let expiry = approval.expires_at;
    // Not used yet: the buyer asks again, gets the same, and uses it.
    let (mut home, out) = home.crash(Policy::default(), position(true));
    assert!(out
        .iter()
        .any(|c| matches!(c, Command::WatchBlock { after } if *after == expiry)));
    assert_eq!(offers(&price(&mut home, &out))[0].wh, Wh(591));
    assert_eq!(home.ask(2, 11, 400).unwrap().approval, approval);
    assert_eq!(home.journal.len(), 3);
    home.sold(&approval, 400);
    sell_out(&mut home, 591);
    assert_ne!(home.journal.len(), 3);
    // New promises have new numbers.
    let nonces: std::collections::BTreeSet<u64> = home
        .journal
        .iter()
        .filter_map(|e| match e {
            JournalEntry::Approved { approval, .. } => Some(approval.approval.nonce),
            _ => None,
        })
        .collect();
    assert_eq!(nonces.len(), 2);
}

#[test]
fn a_promise_used_before_the_restart_is_counted_once_after_its_expiry() {
    let (home, approval) = sale();
    let position = MeterPosition {
        sold: Wh(409),
        ..position(true)
    };
    let (mut home, out) = home.crash(Policy::default(), position);
    // Whether `sold` contains it cannot be known yet: held twice, never sold twice.
    assert_eq!(offers(&price(&mut home, &out))[0].wh, Wh(182));
    let out = home.block_after(approval.expires_at.0 + 1 - home.block.time.0);
    assert_eq!(offers(&out)[0].wh, Wh(591));
    sell_out(&mut home, 591);
}

#[test]
fn a_promise_that_lapsed_while_the_home_was_dead_is_free() {
    let (mut home, approval) = sale();
    home.wait(60);
    assert!(home.block.time > approval.expires_at);
    let (mut home, out) = home.crash(Policy::default(), position(true));
    home.give(Event::Block(home.block));
    assert_eq!(offers(&price(&mut home, &out))[0].wh, Wh(1_000));
    sell_out(&mut home, 1_000);
}

#[test]
fn promises_of_a_window_that_has_passed_bind_nothing() {
    let (mut home, _) = sale();
    home.end_window();
    home.flow(500);
    let (mut home, out) = home.crash(Policy::default(), position(true));
    home.fire(&out, Timer::Meter);
    let out = home.give(Event::Reading(home.reading(X.next())));
    home.take_statements(&out);
    assert_eq!(offers(&price(&mut home, &out))[0].wh, Wh(500));
    sell_out(&mut home, 500);
}

/// A purchase of 250 of 400 Wh up to its submission: metered, metered, settling.
fn purchase() -> (Home, SettleTrade) {
    let mut home = Home::new(Policy::default());
    let out = home.next_window(0);
    home.take_statements(&out);
    let opened = home.next_window(-400);
    home.take_statements(&opened);
    let looking = home.fire(&opened, Timer::Seek);
    let offer = home.offer(2, 1_000, |_| {});
    let request = asked(&home.found(looked_up(&looking).0, vec![offer]));
    let (_, trade) = settled(&home.give(approved(&request, |a| {
        (a.wh, a.price) = (Wh(250), Price(110_000))
    })));
    assert_eq!(home.journal.len(), 3);
    (home, trade)
}

/// Looks for the rest and asks for it, under a number not used before.
fn seek_rest(home: &mut Home, set: &[Command], rest: u64, used: &SettleTrade) {
    let looking = home.fire(set, Timer::Seek);
    let offer = home.offer(3, 5_000, |_| {});
    let request = asked(&home.found(looked_up(&looking).0, vec![offer]));
    assert_eq!(request.request.wh, Wh(rest));
    assert!(request.request.id > used.trade_id);
    let (intent, trade) = settled(&home.give(approved(&request, |_| {})));
    assert_eq!(trade.cover.clone().unwrap().cover.import_wh, Wh(400));
    home.done(intent, Ok(vec![closed(&trade.approval.approval, rest)]));
    let told = notices(&home.next_window(0));
    assert!(
        !told
            .iter()
            .any(|n| matches!(n, Notice::GridSupplied { .. })),
        "{told:?}"
    );
}

#[test]
fn a_purchase_begins_anew_before_anything_was_settled() {
    for entries in [1, 2] {
        let (mut home, trade) = purchase();
        home.journal.truncate(entries);
        let (mut home, mut out) = home.crash(Policy::default(), position(false));
        assert_eq!(settles(&out), []);
        if entries == 1 {
            home.fire(&out, Timer::Meter);
            out = home.give(Event::Reading(home.reading(X)));
        }
        seek_rest(&mut home, &out, 400, &trade);
    }
}

#[test]
fn a_trade_that_had_not_reached_the_chain_is_settled_after_the_restart() {
    let (home, trade) = purchase();
    let (mut home, out) = home.crash(Policy::default(), position(true));
    let (intent, same) = settled(&out);
    assert_eq!(same, trade);
    let done = home.done(intent, Ok(vec![closed(&trade.approval.approval, 250)]));
    assert_eq!(
        notices(&done),
        [Notice::Bought {
            window: X,
            seller: meter(2),
            wh: Wh(250)
        }]
    );
    seek_rest(&mut home, &out, 150, &trade);
}

#[test]
fn a_trade_that_had_reached_the_chain_is_not_counted_twice() {
    let (home, trade) = purchase();
    let position = MeterPosition {
        cover_window: X,
        covered: Wh(250),
        redeemed: Wh(250),
        ..position(true)
    };
    let (mut home, out) = home.crash(Policy::default(), position);
    let (intent, same) = settled(&out);
    assert_eq!(same, trade);
    home.done(intent, Ok(Vec::new()));
    seek_rest(&mut home, &out, 150, &trade);
}

#[test]
fn a_trade_that_reaches_the_chain_after_the_restart_is_counted_once() {
    let (home, trade) = purchase();
    let (mut home, out) = home.crash(Policy::default(), position(true));
    let (intent, _) = settled(&out);
    // The killed agent's transaction is in the first block; the same trade submitted again then has no events.
    let at = home.block;
    let event = closed(&trade.approval.approval, 250);
    let told = notices(&home.give(Event::Chain { at, event }));
    assert_eq!(
        told,
        [Notice::Bought {
            window: X,
            seller: meter(2),
            wh: Wh(250)
        }]
    );
    assert_eq!(notices(&home.done(intent, Ok(Vec::new()))), []);
    seek_rest(&mut home, &out, 150, &trade);
}

#[test]
fn a_trade_whose_approval_lapsed_is_bought_elsewhere() {
    let (mut home, trade) = purchase();
    home.wait(60);
    let (mut home, out) = home.crash(Policy::default(), position(true));
    let (intent, _) = settled(&out);
    home.done(intent, Err(TxFailure::Refused(Code::ApprovalExpired)));
    seek_rest(&mut home, &out, 400, &trade);
}

#[test]
fn a_trade_of_a_window_that_has_passed_is_left_alone() {
    let (mut home, _) = purchase();
    home.end_window();
    let (mut home, out) = home.crash(Policy::default(), position(true));
    assert_eq!(settles(&out), []);
    home.fire(&out, Timer::Meter);
    assert_eq!(
        settles(&home.give(Event::Reading(home.reading(X.next())))),
        []
    );
}

#[test]
fn killed_again_and_again_it_ends_the_same() {
    let (home, trade) = purchase();
    let (mut home, mut out) = home.crash(Policy::default(), position(true));
    for _ in 0..3 {
        (home, out) = home.crash(Policy::default(), position(true));
        assert_eq!(settled(&out).1, trade);
    }
    assert_eq!(home.journal.len(), 3);
    home.done(
        settled(&out).0,
        Ok(vec![closed(&trade.approval.approval, 250)]),
    );
    seek_rest(&mut home, &out, 150, &trade);
}
