//! Standing orders: asked for after a day of history, promised at most half, delivered first.

use crate::common::*;
use wattpool_core::io::{Command, Event, JournalEntry, MarketTx, Timer, TxFailure};
use wattpool_core::policy::Policy;
use wattpool_schema::error::Code;
use wattpool_schema::escrow::OpenOrder;
use wattpool_schema::event::{Delivered, MarketEvent, OrderOpened};
use wattpool_schema::peer::{DenialReason, SignedRequest};
use wattpool_schema::pool::MeterPosition;
use wattpool_schema::{Approval, MeterId, Micro, Price, TradeKind, Wh, Window};

/// A home that has seen a day of the same net energy in every window, with the commands of the last.
fn after_a_day(policy: Policy, net: i64) -> (Home, Vec<Command>) {
    let mut home = Home::new(policy);
    let mut out = Vec::new();
    for _ in 0..97 {
        out = home.next_window(net);
        home.take_statements(&out);
    }
    (home, out)
}

/// Buys all of the window's need from home 2.
fn buy(home: &mut Home, opened: &[Command]) {
    let looking = home.fire(opened, Timer::Seek);
    let offer = home.offer(2, 5_000, |_| {});
    let request = asked(&home.found(looked_up(&looking).0, vec![offer]));
    let (intent, trade) = settled(&home.give(approved(&request, |_| {})));
    home.done(
        intent,
        Ok(vec![closed(&trade.approval.approval, trade.wh.0)]),
    );
}

/// A home that has asked home 2 for a standing order.
fn asking() -> (Home, SignedRequest) {
    let (mut home, opened) = after_a_day(Policy::default(), -400);
    buy(&mut home, &opened);
    let request = asked(&home.fire(&opened, Timer::Orders));
    (home, request)
}

fn opened(set: &[Command]) -> (u64, OpenOrder) {
    let found = submits(set).into_iter().find_map(|(intent, tx)| match tx {
        MarketTx::OpenOrder(order) => Some((intent, *order)),
        _ => None,
    });
    found.unwrap_or_else(|| panic!("no order in {set:?}"))
}

fn deliveries(set: &[Command]) -> Vec<(u64, u64, Wh)> {
    let all = submits(set)
        .into_iter()
        .filter_map(|(intent, tx)| match tx {
            MarketTx::Deliver {
                trade_id, cover, ..
            } => Some((intent, trade_id, cover.unwrap().cover.import_wh)),
            _ => None,
        });
    all.collect()
}

fn delivered(seller: MeterId, buyer: MeterId, window: Window, net: u64, gross: u64) -> MarketEvent {
    MarketEvent::Delivered(Delivered {
        kind: TradeKind::Forward,
        window,
        trade_id: 5,
        seller,
        buyer,
        seller_owner: "s".into(),
        buyer_owner: "b".into(),
        net: Wh(net),
        gross: Wh(gross),
        paid: Micro(1),
        charge: Micro(1),
    })
}

#[test]
fn without_a_day_of_history_nothing_is_asked() {
    let mut home = Home::new(Policy::default());
    let out = home.next_window(-400);
    assert_eq!(timer_at(&out, Timer::Orders), None);
    assert!(home.give(Event::Timer(Timer::Orders)).is_empty());
}

#[test]
fn half_of_the_expected_deficit_is_asked_from_the_window_s_best_seller() {
    let (mut home, request) = asking();
    let r = &request.request;
    assert_eq!(
        (r.kind, r.seller, r.first_window, r.count, r.wh),
        (TradeKind::Forward, meter(2), home.window, 4, Wh(200))
    );
    assert_eq!(request.signature, signed_by(1, &r.sign_bytes()));
    assert!(
        asks(&home.give(Event::Timer(Timer::Orders))).is_empty(),
        "once per window"
    );
}

#[test]
fn the_owner_may_want_no_standing_orders() {
    for policy in [
        Policy {
            forward: false,
            ..Policy::default()
        },
        Policy {
            manual_approval: true,
            ..Policy::default()
        },
    ] {
        let (mut home, _) = after_a_day(policy, 1_000);
        let request = home.request(2, 1, 200, |r| {
            (r.kind, r.first_window, r.count) = (TradeKind::Forward, W.plus(98), 4)
        });
        let out = home.give(request);
        assert_ne!(decision(&out).map(|d| d.is_ok()), Some(true));
    }
    let (_, out) = after_a_day(
        Policy {
            forward: false,
            ..Policy::default()
        },
        -400,
    );
    assert_eq!(timer_at(&out, Timer::Orders), None);
}

#[test]
fn an_order_is_journalled_opened_and_delivered_before_anything_else_is_bought() {
    let (mut home, request) = asking();
    let out = home.give(approved(&request, |_| {}));
    let written = place(&out, |c| {
        matches!(c, Command::Journal(JournalEntry::Ordering(_)))
    });
    let submitted = place(&out, |c| matches!(c, Command::Submit { .. }));
    assert!(written < submitted);
    let (mut intent, order) = opened(&out);
    assert_eq!((order.trade_id, order.wh), (request.request.id, Wh(200)));
    // Lost on the way: submitted again a block later, the same.
    let out = home.done(intent, Err(TxFailure::Lost));
    assert_eq!(submits(&out), []);
    let again = home.fire(&out, Timer::Resubmit);
    assert_eq!(opened(&again).1, order);
    intent = opened(&again).0;
    home.done(intent, Ok(Vec::new()));
    for _ in 0..4 {
        let out = home.next_window(-400);
        home.take_statements(&out);
        assert!(timer_at(&out, Timer::Deliver).unwrap() < timer_at(&out, Timer::Seek).unwrap());
        let deliver = home.fire(&out, Timer::Deliver);
        let [(intent, trade_id, cover)] = deliveries(&deliver)[..] else {
            panic!("{deliver:?}")
        };
        assert_eq!((trade_id, cover), (order.trade_id, Wh(200)));
        let live = home.window.prev();
        home.done(intent, Ok(vec![delivered(meter(2), ME, live, 150, 154)]));
        // The rest is bought on the spot, with a cumulative cover.
        let looking = home.fire(&out, Timer::Seek);
        let offer = home.offer(3, 5_000, |_| {});
        let rest = asked(&home.found(looked_up(&looking).0, vec![offer]));
        assert_eq!(rest.request.wh, Wh(250));
        let (intent, trade) = settled(&home.give(approved(&rest, |_| {})));
        assert_eq!(trade.cover.clone().unwrap().cover.import_wh, Wh(400));
        home.done(intent, Ok(vec![closed(&trade.approval.approval, 250)]));
    }
    // Its last window has been delivered; one later it is closed.
    let out = home.next_window(-400);
    assert_eq!(timer_at(&out, Timer::Deliver), None);
    let closing = MarketTx::CloseOrder {
        buyer: ME,
        trade_id: order.trade_id,
    };
    assert!(submits(&out).iter().any(|(_, tx)| *tx == closing));
}

#[test]
fn a_delivery_under_way_at_a_restart_is_counted_once() {
    let (mut home, request) = asking();
    let (intent, order) = opened(&home.give(approved(&request, |_| {})));
    home.done(intent, Ok(Vec::new()));
    let out = home.next_window(-400);
    home.take_statements(&out);
    let live = home.window.prev();
    let position = MeterPosition {
        stated: Some(live),
        sequence: 1_000,
        ..MeterPosition::default()
    };
    let (mut home, out) = home.crash(Policy::default(), position);
    let resumed = home.done(opened(&out).0, Ok(Vec::new()));
    // What the killed agent submitted is in the first block after the restart.
    let MarketEvent::Delivered(chunk) = delivered(meter(2), ME, live, 150, 154) else {
        unreachable!()
    };
    let trade_id = order.trade_id;
    let event = MarketEvent::Delivered(Delivered { trade_id, ..chunk });
    home.give(Event::Chain {
        at: home.block,
        event: event.clone(),
    });
    // Of the running agent's own transaction both the chain and its outcome tell.
    let deliver = home.fire(&resumed, Timer::Deliver);
    let [(intent, _, cover)] = deliveries(&deliver)[..] else {
        panic!("{deliver:?}")
    };
    // Of 200 Wh 150 are there already.
    assert_eq!(cover, Wh(200));
    let MarketEvent::Delivered(chunk) = event else {
        unreachable!()
    };
    let event = MarketEvent::Delivered(Delivered {
        net: Wh(50),
        ..chunk
    });
    home.give(Event::Chain {
        at: home.block,
        event: event.clone(),
    });
    home.done(intent, Ok(vec![event]));
    let looking = home.fire(&out, Timer::Seek);
    let offer = home.offer(3, 5_000, |_| {});
    let rest = asked(&home.found(looked_up(&looking).0, vec![offer]));
    assert_eq!(rest.request.wh, Wh(200));
}

#[test]
fn an_order_different_from_what_was_asked_is_not_opened() {
    type Change = fn(&mut Approval);
    let cases: [(&str, Change); 5] = [
        ("more", |a| a.wh = Wh(201)),
        ("longer", |a| a.count = 5),
        ("later", |a| a.first_window = a.first_window.next()),
        ("dearer", |a| a.price = Price(290_001)),
        ("spot", |a| a.kind = TradeKind::Spot),
    ];
    for (what, change) in cases {
        let (mut home, request) = asking();
        let out = home.give(approved(&request, change));
        assert_eq!(
            (submits(&out), journalled(&out)),
            (Vec::new(), Vec::new()),
            "{what}"
        );
    }
}

#[test]
fn a_seller_that_never_answers_does_not_end_standing_orders_for_good() {
    let (mut home, first) = asking();
    let out = home.next_window(-400);
    home.take_statements(&out);
    buy(&mut home, &out);
    let second = asked(&home.fire(&out, Timer::Orders));
    assert_ne!(first.request.id, second.request.id);
    assert_eq!(second.request.first_window, home.window);
    assert!(home.give(approved(&first, |_| {})).is_empty(), "too late");
}

#[test]
fn a_refused_order_is_forgotten_and_a_journalled_one_is_opened_after_a_restart() {
    let (mut home, request) = asking();
    let (intent, order) = opened(&home.give(approved(&request, |_| {})));
    let position = || MeterPosition {
        stated: Some(W.plus(96)),
        sequence: 97,
        ..MeterPosition::default()
    };
    let (mut home, out) = home.crash(Policy::default(), position());
    let (again, same) = opened(&out);
    assert_eq!(same, order);
    assert_ne!(again, intent);
    home.done(again, Err(TxFailure::Refused(Code::ApprovalExpired)));
    let out = home.next_window(-400);
    assert_eq!(timer_at(&out, Timer::Deliver), None);
}

/// A standing order asked of a selling home, from the running window on.
fn order_request(home: &Home, n: u8, first: u64, wh: u64) -> Event {
    let first = home.window.plus(first);
    home.request(n, 70 + u64::from(n), wh, |r| {
        (r.kind, r.first_window, r.count) = (TradeKind::Forward, first, 4)
    })
}

#[test]
fn at_most_half_of_the_expected_surplus_is_promised() {
    let (mut home, _) = after_a_day(Policy::default(), 1_000);
    let request = order_request(&home, 2, 0, 5_000);
    let out = home.give(request.clone());
    let written = place(&out, |c| {
        matches!(c, Command::Journal(JournalEntry::Approved { .. }))
    });
    assert!(written < place(&out, |c| matches!(c, Command::Reply(_))));
    let approval = decision(&out).unwrap().unwrap().approval;
    assert_eq!(
        (
            approval.kind,
            approval.count,
            approval.wh,
            approval.max_gross
        ),
        (TradeKind::Forward, 4, Wh(490), Wh(500))
    );
    assert_eq!(
        decision(&home.give(request)).unwrap().unwrap().approval,
        approval,
        "repeated: the same"
    );
    // Overlapping windows are spoken for, later ones are not.
    let overlapping = order_request(&home, 3, 3, 100);
    assert_eq!(
        decision(&home.give(overlapping.clone())),
        Some(Err(DenialReason::SoldOut))
    );
    let later = order_request(&home, 4, 4, 100);
    assert_eq!(
        decision(&home.give(later)).unwrap().unwrap().approval.wh,
        Wh(100)
    );
    // A promise nobody used lapses with a block after its expiry.
    home.block_after(31);
    let request = order_request(&home, 3, 3, 100);
    assert!(decision(&home.give(request)).unwrap().is_ok());
}

#[test]
fn orders_that_make_no_sense_are_denied() {
    let (mut home, _) = after_a_day(Policy::default(), 1_000);
    let live = home.window.prev();
    for (first, count) in [
        (live, 4),
        (home.window, 0),
        (home.window, 97),
        (home.window.plus(97), 1),
    ] {
        let request = home.request(2, 1, 100, |r| {
            (r.kind, r.first_window, r.count) = (TradeKind::Forward, first, count)
        });
        assert_eq!(
            decision(&home.give(request)),
            Some(Err(DenialReason::Window)),
            "{first} {count}"
        );
    }
    let small = order_request(&home, 3, 0, 49);
    assert_eq!(
        decision(&home.give(small)),
        Some(Err(DenialReason::SoldOut))
    );
}

/// A selling home with a standing order of 500 Wh gross a window, in the first window it runs in.
fn delivering() -> (Home, Vec<Command>) {
    let (mut home, _) = after_a_day(Policy::default(), 1_000);
    let request = order_request(&home, 2, 0, 5_000);
    let approval = decision(&home.give(request)).unwrap().unwrap().approval;
    let event = MarketEvent::OrderOpened(OrderOpened {
        trade_id: 5,
        buyer: meter(2),
        seller: ME,
        nonce: approval.nonce,
        first_window: approval.first_window,
        last_window: approval.first_window.plus(3),
        wh: approval.wh,
        price: approval.price,
        locked: Micro(1),
    });
    home.give(Event::Chain {
        at: home.block,
        event,
    });
    let opened = home.next_window(1_000);
    let minted = home.take_statements(&opened);
    let looking = home.fire(&opened, Timer::Price);
    let out = home.found(looked_up(&looking).0, Vec::new());
    assert_eq!(offers(&out)[0].wh, Wh(500), "half is held for the order");
    assert_eq!(home.ask(3, 1, 5_000).unwrap().approval.max_gross, Wh(500));
    (home, minted)
}

#[test]
fn what_an_order_may_take_is_held_until_it_had_its_time() {
    let (mut home, minted) = delivering();
    assert_eq!(home.ask(4, 2, 1), Err(DenialReason::SoldOut));
    let out = home.fire(&minted, Timer::Release);
    assert_eq!(offers(&out)[0].wh, Wh(500));
    assert!(home.ask(4, 3, 5_000).is_ok());
}

#[test]
fn what_was_delivered_is_sold() {
    let (mut home, minted) = delivering();
    let live = home.window.prev();
    home.give(Event::Chain {
        at: home.block,
        event: delivered(ME, meter(2), live, 294, 300),
    });
    let out = home.fire(&minted, Timer::Release);
    assert_eq!(offers(&out)[0].wh, Wh(200));
    assert_eq!(home.ask(4, 2, 5_000).unwrap().approval.max_gross, Wh(200));
}

#[test]
fn an_order_from_before_a_restart_is_still_held_for() {
    let (mut home, _) = after_a_day(Policy::default(), 1_000);
    let request = order_request(&home, 2, 0, 5_000);
    assert!(decision(&home.give(request)).unwrap().is_ok());
    home.end_window();
    home.flow(1_000);
    let reading = Event::Reading(home.reading(home.window.prev()));
    home.give(reading);
    let live = home.window.prev();
    let position = MeterPosition {
        stated: Some(live),
        sequence: 98,
        minted_window: live,
        minted: Wh(1_000),
        ..MeterPosition::default()
    };
    let (mut home, out) = home.crash(Policy::default(), position);
    let looking = home.fire(&out, Timer::Price);
    assert_eq!(
        offers(&home.found(looked_up(&looking).0, Vec::new()))[0].wh,
        Wh(500)
    );
}

fn cancelled(out: &[Command]) -> Vec<(wattpool_schema::MeterId, u64)> {
    let all = submits(out).into_iter().filter_map(|(_, tx)| match tx {
        MarketTx::CancelOrder { buyer, trade_id } => Some((buyer, trade_id)),
        _ => None,
    });
    all.collect()
}

#[test]
fn what_a_buyer_does_not_want_twice_is_cancelled_and_it_gets_no_other() {
    for wanted in [false, true] {
        let (mut home, mut minted) = delivering();
        for window in 0..3 {
            // A need that is shown and not covered yet is no refusal of the buyer's.
            home.town.purchases.covered = Wh(if wanted { 100 } else { 0 });
            let out = home.fire(&minted, Timer::Release);
            let expected = if window == 1 && !wanted {
                vec![(meter(2), 5)]
            } else {
                Vec::new()
            };
            assert_eq!(cancelled(&out), expected, "window {window}");
            let opened = home.next_window(1_000);
            minted = home.take_statements(&opened);
        }
        home.town.purchases.covered = Wh::ZERO;
        let another = order_request(&home, 2, 9, 100);
        let answer = decision(&home.give(another)).unwrap();
        assert_eq!(answer == Err(DenialReason::Policy), !wanted, "{answer:?}");
    }
}

#[test]
fn a_seller_delivers_where_it_sees_a_need_that_is_shown_and_not_covered() {
    for (covered, expected) in [(0, 0), (100, 1)] {
        let (mut home, minted) = delivering();
        home.town.purchases.covered = Wh(covered);
        let out = home.fire(&minted, Timer::Deliver);
        let delivered = submits(&out)
            .into_iter()
            .filter(|(_, tx)| matches!(tx, MarketTx::Deliver { buyer, trade_id: 5, cover: None } if *buyer == meter(2)));
        assert_eq!(delivered.count(), expected);
        // In the second half of the first part, which ends after 150 seconds.
        let elapsed = home.block.time.0 - home.window.start(LEN).0;
        assert!((75..150).contains(&elapsed), "{elapsed}");
    }
}
