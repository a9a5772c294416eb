//! What an agent needs to live for years: outages, lying nodes, decisions that come late, limits that always bind.

use crate::common::*;
use std::sync::Arc;
use wattpool_core::io::{BlockRef, Command, Event, MarketTx, Notice, Timer, TxFailure};
use wattpool_core::policy::{Hours, Policy};
use wattpool_schema::error::Code;
use wattpool_schema::escrow::OpenOrder;
use wattpool_schema::event::{Delivered, ItemRefused, MarketEvent};
use wattpool_schema::pool::MeterPosition;
use wattpool_schema::{Micro, Price, Seconds, TradeKind, Wh, Window};

fn windows(set: &[Command]) -> Vec<u64> {
    let all = submits(set).into_iter().filter_map(|(_, tx)| match tx {
        MarketTx::State(s) => Some(s),
        _ => None,
    });
    all.flatten().map(|s| s.statement.window.0 - W.0).collect()
}

/// A home that metered this many windows while the chain was away; then the chain is back.
fn after_outage(count: u64) -> (Home, Vec<Command>) {
    let mut home = Home::new(Policy::default());
    for i in 0..count {
        home.end_window();
        home.flow(10);
        home.give(Event::Block(home.block));
        home.give(Event::Reading(home.reading(W.plus(i))));
    }
    let out = home.open();
    (home, out)
}

#[test]
fn every_window_of_an_outage_of_three_days_is_stated() {
    let (mut home, mut out) = after_outage(288);
    let mut all = windows(&out);
    while !windows(&out).is_empty() {
        out = home.take_statements(&out);
        all.extend(windows(&out));
    }
    assert_eq!(all, (0..288).collect::<Vec<_>>());
}

#[test]
fn what_is_older_than_the_market_takes_is_told_and_no_more_than_that_is_lost() {
    let days = 31;
    let (mut home, mut out) = after_outage(days * 96);
    let told = notices(&out);
    let lost: Vec<u64> = told
        .iter()
        .filter_map(|n| match n {
            Notice::Unstated { window, .. } => Some(window.0 - W.0),
            _ => None,
        })
        .collect();
    assert_eq!(lost, (0..96).collect::<Vec<_>>());
    let mut all = windows(&out);
    while !windows(&out).is_empty() {
        out = home.take_statements(&out);
        all.extend(windows(&out));
    }
    assert_eq!(all, (96..days * 96).collect::<Vec<_>>());
}

#[test]
fn a_refusal_that_is_not_about_a_statement_drops_none() {
    for code in [
        Code::UnknownMeter,
        Code::MeterRetired,
        Code::Unauthorized,
        Code::Std,
        Code::Overflow,
        Code::WrongChain,
    ] {
        let (mut home, out) = after_outage(40);
        assert_eq!(windows(&out).len(), 40);
        let (intent, _) = stated(&out);
        let out = home.done(intent, Err(TxFailure::Refused(code)));
        let again = home.fire(&out, Timer::Resubmit);
        assert_eq!(windows(&again), (0..20).collect::<Vec<_>>(), "{code}");
        // The same as an answer to each of them.
        let (intent, _) = stated(&again);
        let refused = (0..20).map(|index| {
            MarketEvent::ItemRefused(ItemRefused {
                index,
                code: code.to_string(),
            })
        });
        let out = home.done(intent, Ok(refused.collect()));
        let again = home.fire(&out, Timer::Resubmit);
        assert_eq!(windows(&again), (0..40).collect::<Vec<_>>(), "{code}");
    }
    // About the one statement: it alone is dropped.
    let (mut home, out) = after_outage(3);
    let (intent, _) = stated(&out);
    let refused = MarketEvent::ItemRefused(ItemRefused {
        index: 1,
        code: "ABOVE_REGISTERED".into(),
    });
    let out = home.done(intent, Ok(vec![refused]));
    assert_eq!(windows(&home.fire(&out, Timer::Resubmit)), [0, 2]);
}

#[test]
fn one_header_of_next_year_ends_nothing() {
    let mut home = Home::new(Policy::default());
    let out = home.next_window(500);
    home.take_statements(&out);
    let far = BlockRef {
        height: home.block.height + 1,
        time: Seconds(home.block.time.0 + 31_536_000),
    };
    let far_window = Window::at(far.time, LEN);
    assert!(home
        .give(Event::WindowOpened(Arc::new(terms(far_window, far))))
        .is_empty());
    home.give(Event::Block(far));
    for _ in 0..8 {
        let out = home.next_window(500);
        assert_eq!(gates(&out).len(), 1, "the true window opens");
        assert_eq!(windows(&out).len(), 1);
        home.take_statements(&out);
    }
}

#[test]
fn tries_that_come_to_nothing_become_rare() {
    let (mut home, mut out) = after_outage(1);
    let mut pauses = Vec::new();
    for _ in 0..12 {
        let (intent, _) = stated(&out);
        let failed = home.done(intent, Err(TxFailure::Unsent("insufficient funds".into())));
        pauses.push(timer_at(&failed, Timer::Resubmit).unwrap().since(home.now));
        out = home.fire(&failed, Timer::Resubmit);
    }
    let t = home.market.timing;
    assert!(pauses[0] < t.block_ms * 2, "{pauses:?}");
    assert!(
        pauses.windows(2).all(|p| p[1] + t.jitter_ms > p[0]),
        "{pauses:?}"
    );
    assert!(*pauses.last().unwrap() >= t.window_ms / 2, "{pauses:?}");
    assert!(pauses.iter().all(|p| *p <= t.window_ms / 2 + t.jitter_ms));
    // Once it goes through, the next failure is a first one.
    home.take_statements(&out);
    let out = home.next_window(100);
    let (intent, _) = stated(&out);
    let failed = home.done(intent, Err(TxFailure::Lost));
    let pause = timer_at(&failed, Timer::Resubmit).unwrap().since(home.now);
    assert!(pause < t.block_ms * 2, "{pause}");
}

fn by_hand() -> Policy {
    Policy {
        manual_approval: true,
        ..Policy::default()
    }
}

fn awaited(out: &[Command]) -> Vec<(u64, Price, bool, Seconds)> {
    let all = notices(out).into_iter().filter_map(|n| match n {
        Notice::AwaitingApproval {
            request,
            price,
            selling,
            until,
            ..
        } => Some((request, price, selling, until)),
        _ => None,
    });
    all.collect()
}

#[test]
fn numbers_of_decisions_are_not_used_again_after_a_restart() {
    let (mut home, _) = Home::selling(by_hand(), 1_000);
    let request = home.request(2, 11, 100, |_| {});
    let first = awaited(&home.give(request))[0].0;
    home.wait(3);
    let position = MeterPosition {
        stated: Some(W),
        sequence: 1,
        minted_window: W,
        minted: Wh(1_000),
        ..MeterPosition::default()
    };
    let (mut home, _) = home.crash(by_hand(), position);
    let request = home.request(3, 12, 100, |_| {});
    let second = awaited(&home.give(request))[0].0;
    assert_ne!(first, second);
    let wrong = home.give(Event::TradeDecided {
        request: first,
        accept: true,
    });
    assert!(wrong.is_empty(), "{wrong:?}");
}

/// A buyer with a day of history that bought all it needed from home 2 in this window.
fn regular() -> (Home, Vec<Command>) {
    let mut home = Home::new(Policy::default());
    let mut out = Vec::new();
    for _ in 0..97 {
        out = home.next_window(-400);
        home.take_statements(&out);
    }
    let looking = home.fire(&out, Timer::Seek);
    let offer = home.offer(2, 5_000, |_| {});
    let request = asked(&home.found(looked_up(&looking).0, vec![offer]));
    let (intent, trade) = settled(&home.give(approved(&request, |_| {})));
    home.done(
        intent,
        Ok(vec![closed(&trade.approval.approval, trade.wh.0)]),
    );
    (home, out)
}

fn opened(out: &[Command]) -> Option<(u64, OpenOrder)> {
    submits(out).into_iter().find_map(|(intent, tx)| match tx {
        MarketTx::OpenOrder(order) => Some((intent, *order)),
        _ => None,
    })
}

fn delivers(out: &[Command]) -> Vec<u64> {
    let all = submits(out).into_iter();
    all.filter(|(_, tx)| matches!(tx, MarketTx::Deliver { .. }))
        .map(|(intent, _)| intent)
        .collect()
}

#[test]
fn standing_orders_keep_every_limit_of_the_owner() {
    let limits: [(&str, Policy); 5] = [
        (
            "money",
            Policy {
                max_spend_per_day: Some(Micro(1)),
                ..Policy::default()
            },
        ),
        (
            "energy",
            Policy {
                max_buy_wh_per_day: Some(Wh(0)),
                ..Policy::default()
            },
        ),
        (
            "price",
            Policy {
                max_buy_price: Some(Price(1)),
                ..Policy::default()
            },
        ),
        (
            "hours",
            Policy {
                hours: Some(Hours { from: 3, to: 4 }),
                ..Policy::default()
            },
        ),
        (
            "buying",
            Policy {
                buy: false,
                ..Policy::default()
            },
        ),
    ];
    for (what, policy) in limits {
        // Not asked for.
        let (mut home, out) = regular();
        home.give(Event::PolicyChanged(Box::new(policy.clone())));
        let asked_for = asks(&home.fire(&out, Timer::Orders));
        // A price limit shows in what is asked for.
        assert!(
            asked_for
                .iter()
                .all(|r| what == "price" && r.request.max_price <= Price(1)),
            "{what}: {asked_for:?}"
        );
        // Not opened, when the limit came after the question; not delivered, when it came after the opening.
        let (mut home, out) = regular();
        let request = asked(&home.fire(&out, Timer::Orders));
        let answer = approved(&request, |_| {});
        let (intent, order) = opened(&home.give(answer)).expect("allowed so far");
        home.done(intent, Ok(Vec::new()));
        home.give(Event::PolicyChanged(Box::new(policy)));
        let next = home.next_window(-400);
        home.take_statements(&next);
        if timer_at(&next, Timer::Deliver).is_some() {
            let delivered = delivers(&home.fire(&next, Timer::Deliver));
            assert!(delivered.is_empty(), "{what}: {order:?}");
        }
    }
}

#[test]
fn what_a_standing_order_spends_is_counted_once() {
    let (mut home, out) = regular();
    let request = asked(&home.fire(&out, Timer::Orders));
    let (intent, order) = opened(&home.give(approved(&request, |_| {}))).expect("opened");
    home.done(intent, Ok(Vec::new()));
    let next = home.next_window(-400);
    home.take_statements(&next);
    let before = home.agent.snapshot();
    let out = home.fire(&next, Timer::Deliver);
    let [intent] = delivers(&out)[..] else {
        panic!("one delivery: {out:?}")
    };
    let delivered = MarketEvent::Delivered(Delivered {
        kind: TradeKind::Forward,
        window: home.window.prev(),
        trade_id: order.trade_id,
        seller: meter(2),
        buyer: ME,
        seller_owner: "s".into(),
        buyer_owner: "b".into(),
        net: Wh(200),
        gross: Wh(205),
        paid: Micro(58_000),
        charge: Micro(2_000),
    });
    let at = home.block;
    home.give(Event::Chain {
        at,
        event: delivered.clone(),
    });
    home.done(intent, Ok(vec![delivered.clone()]));
    home.give(Event::Chain {
        at,
        event: delivered,
    });
    let after = home.agent.snapshot();
    let spent = after.spent_today.0 - before.spent_today.0;
    let bought = after.bought_today.0 - before.bought_today.0;
    assert_eq!((spent, bought, after.bought), (60_000, 200, Wh(200)));
}

#[test]
fn a_meter_that_is_not_believed_is_asked_for_a_few_windows_at_a_time() {
    let mut home = Home::new(Policy::default());
    let mut asked_for = 0;
    for _ in 0..288 {
        home.end_window();
        home.flow(10);
        // The first window after the last one believed is never to be had.
        let reading = home.reading(home.window.prev());
        let mut out = home.give(Event::Reading(wattpool_core::io::Reading {
            taken_at: home.window.prev().start(LEN),
            ..reading
        }));
        out.extend(home.open());
        for _ in 0..8 {
            for command in &out {
                if let Command::ReadMeter { from, to } = command {
                    asked_for += to.0 - from.0 + 1;
                }
            }
            if timer_at(&out, Timer::Meter).is_none() {
                break;
            }
            out = home.fire(&out, Timer::Meter);
        }
    }
    assert!(asked_for < 288 * 33 * 5, "{asked_for} windows asked for");
}
