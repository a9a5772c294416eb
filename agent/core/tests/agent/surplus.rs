//! A window with surplus: stated, priced, offered; requests and their answers.

use crate::common::*;
use std::sync::Arc;
use wattpool_core::io::{Command, Event, JournalEntry, MarketTx, Notice, Timer};
use wattpool_core::policy::Policy;
use wattpool_rules::loss::gross_for;
use wattpool_rules::price::{corridor, selling_price};
use wattpool_schema::event::{MarketEvent, PauseSet};
use wattpool_schema::peer::{bucket, coarse, shards_for, DenialReason, Location, SignedRequest};
use wattpool_schema::{Ppm, Price, Seconds, Tariff, TradeKind, Wh, Window, Zone};

#[test]
fn what_was_metered_is_journalled_before_it_is_stated() {
    let mut home = Home::new(Policy::default());
    let out = home.next_window(1_000);
    let metered = place(&out, |c| {
        matches!(c, Command::Journal(JournalEntry::Metered { .. }))
    });
    let submitted = place(&out, |c| {
        matches!(
            c,
            Command::Submit {
                tx: MarketTx::State(_),
                ..
            }
        )
    });
    assert!(metered < submitted);
    let (_, statements) = stated(&out);
    assert_eq!(statements.len(), 1);
    let statement = &statements[0].statement;
    assert_eq!(
        (statement.window, statement.export_wh, statement.meter),
        (W, Wh(1_000), ME)
    );
    assert!(notices(&out).contains(&Notice::Metered {
        window: W,
        surplus: Wh(1_000),
        deficit: Wh(0)
    }));
    let journalled = journalled(&out);
    assert!(
        matches!(&journalled[..], [JournalEntry::Metered { statement, .. }] if *statement == statements[0])
    );
}

#[test]
fn nothing_is_stated_before_the_window_has_ended_on_the_chain() {
    let mut home = Home::new(Policy::default());
    home.end_window();
    home.flow(1_000);
    let out = home.give(Event::Reading(home.reading(W)));
    assert_eq!(submits(&out), []);
    assert_eq!(stated(&home.open()).1.len(), 1);
}

#[test]
fn the_status_is_coarse_and_comes_with_the_window() {
    let mut home = Home::new(Policy::default());
    let out = home.next_window(1_050);
    let statuses = statuses(&out);
    assert_eq!(statuses.len(), 1);
    assert_eq!(
        (statuses[0].window, statuses[0].surplus, statuses[0].wh),
        (W, true, coarse(Wh(1_050)))
    );
    assert_eq!(statuses[0].expires_at, W.next().end(LEN));
    let location = Location::of_status(&home.market.network, Zone(0), 0);
    assert!(out
        .iter()
        .any(|c| matches!(c, Command::Announce { location: l, .. } if *l == location)));
}

#[test]
fn below_the_threshold_nothing_is_offered_but_stated_all_the_same() {
    let mut home = Home::new(Policy {
        threshold_wh: Wh(50),
        ..Policy::default()
    });
    let out = home.next_window(49);
    assert_eq!(stated(&out).1[0].statement.export_wh, Wh(49));
    assert_eq!(statuses(&out), []);
    assert_eq!(timer_at(&out, Timer::Price), None);
}

#[test]
fn an_offer_waits_for_both_tokens_and_price() {
    for minted_first in [true, false] {
        let mut home = Home::new(Policy::default());
        let opened = home.next_window(1_000);
        if minted_first {
            assert_eq!(offers(&home.take_statements(&opened)), []);
        }
        let looking = home.fire(&opened, Timer::Price);
        let (lookup, locations) = looked_up(&looking);
        assert_eq!(
            locations,
            [Location::of_status(&home.market.network, Zone(0), 0)]
        );
        let mut out = home.found(lookup, Vec::new());
        if !minted_first {
            assert_eq!(offers(&out), []);
            out = home.take_statements(&opened);
        }
        let offers = offers(&out);
        assert_eq!(offers.len(), 1);
        assert_eq!((offers[0].wh, offers[0].window), (Wh(1_000), W));
        let shard = 0;
        assert_eq!(shards_for(20), 1);
        let location = Location::of_offers(&home.market.network, Zone(0), bucket(Wh(1_000)), shard);
        assert!(out
            .iter()
            .any(|c| matches!(c, Command::Announce { location: l, .. } if *l == location)));
    }
}

#[test]
fn the_price_follows_what_the_neighbours_announced() {
    let mut home = Home::new(Policy::default());
    let opened = home.next_window(1_000);
    home.take_statements(&opened);
    let (lookup, _) = looked_up(&home.fire(&opened, Timer::Price));
    let forged = {
        let mut record = (*home.status(4, false, 4_000_000)).clone();
        record.signature = signed_by(5, &record.sign_bytes());
        Arc::new(record)
    };
    let stranger = home.status(200, false, 4_000_000);
    let elsewhere = home.status(101, false, 4_000_000);
    let records = vec![
        home.status(2, true, 512),
        home.status(3, false, 1_024),
        forged,
        stranger,
        elsewhere,
    ];
    let out = home.found(lookup, records);
    let corridor = corridor(Tariff(300_000), Tariff(100_000), Price(10_000), Ppm(20_000)).unwrap();
    assert_eq!(
        offers(&out)[0].price,
        selling_price(corridor, Wh(512), Wh(1_024))
    );
}

#[test]
fn a_request_is_journalled_as_approval_before_the_answer_goes_out() {
    let (mut home, _) = Home::selling(Policy::default(), 1_000);
    let request = home.request(2, 11, 400, |_| {});
    let Event::Request(asked) = request.clone() else {
        unreachable!()
    };
    let out = home.give(request);
    let written = place(&out, |c| {
        matches!(
            c,
            Command::Journal(JournalEntry::Approved { request: 11, .. })
        )
    });
    let replied = place(&out, |c| matches!(c, Command::Reply(_)));
    assert!(written < replied);
    let approval = decision(&out).unwrap().unwrap();
    let a = &approval.approval;
    let r = &asked.request;
    assert_eq!(
        (a.kind, a.seller, a.buyer, a.first_window, a.count),
        (TradeKind::Spot, ME, meter(2), W, 1)
    );
    assert_eq!(
        (a.wh, a.max_gross, a.max_charge),
        (
            Wh(400),
            gross_for(Wh(400), Ppm(20_000)).unwrap(),
            Price(10_000)
        )
    );
    assert!(a.price <= r.max_price);
    assert_eq!(
        (a.requested_at, a.expires_at),
        (r.requested_at, Seconds(home.block.time.0 + 30))
    );
    assert_eq!(approval.signature, signed_by(1, &a.sign_bytes()));
    assert!(out
        .iter()
        .any(|c| matches!(c, Command::WatchBlock { after } if *after == a.expires_at)));
    assert_eq!(
        journalled(&out),
        [JournalEntry::Approved {
            request: 11,
            approval: approval.clone()
        }]
    );
}

#[test]
fn a_repeated_request_gets_the_identical_answer_and_reserves_nothing_more() {
    let (mut home, _) = Home::selling(Policy::default(), 1_000);
    let request = home.request(2, 11, 400, |_| {});
    let first = home.give(request.clone());
    home.wait(3);
    let second = home.give(request);
    assert_eq!(replies(&first), replies(&second));
    assert_eq!(journalled(&second), []);
    // Another buyer's request of the same number is another request.
    let other = home.ask(3, 11, 100).unwrap();
    assert_eq!(other.approval.buyer, meter(3));
    // 1000 − 409 − 103 gross are left.
    assert_eq!(
        home.ask(4, 12, 1_000).unwrap().approval.max_gross,
        Wh(1_000 - 409 - 103)
    );
}

#[test]
fn more_than_there_is_gets_a_counter_quantity() {
    let (mut home, _) = Home::selling(Policy::default(), 1_000);
    let approval = home.ask(2, 11, 5_000).unwrap().approval;
    assert_eq!((approval.wh, approval.max_gross), (Wh(980), Wh(1_000)));
    assert_eq!(home.ask(3, 12, 1), Err(DenialReason::SoldOut));
}

#[test]
fn every_denial_has_its_reason() {
    let (mut home, _) = Home::selling(
        Policy {
            blocked: [meter(5)].into(),
            ..Policy::default()
        },
        1_000,
    );
    type Change = fn(&mut wattpool_schema::peer::TradeRequest);
    let cases: [(u8, Change, DenialReason); 11] = [
        (2, |r| r.version = 2, DenialReason::Invalid),
        (
            2,
            |r| r.network = "chain-2/escrow".into(),
            DenialReason::Invalid,
        ),
        (2, |r| r.wh = Wh(0), DenialReason::Invalid),
        (200, |_| {}, DenialReason::Invalid),
        (5, |_| {}, DenialReason::Policy),
        (2, |r| r.max_price = Price(100_000), DenialReason::Price),
        (2, |r| r.first_window = W.prev(), DenialReason::Window),
        (2, |r| r.first_window = W.next(), DenialReason::Window),
        (2, |r| r.count = 2, DenialReason::Window),
        (
            2,
            |r| r.expires_at = Seconds(W.end(LEN).0 - 1),
            DenialReason::Window,
        ),
        (
            2,
            |r| (r.kind, r.first_window) = (TradeKind::Forward, W.plus(2)),
            DenialReason::Policy,
        ),
    ];
    for (i, (n, change, reason)) in cases.into_iter().enumerate() {
        let request = home.request(n, 100 + i as u64, 100, change);
        let out = home.give(request);
        assert_eq!(decision(&out), Some(Err(reason)), "case {i}");
        assert_eq!(journalled(&out), [], "case {i}");
    }
    // Signed by somebody else.
    let Event::Request(genuine) = home.request(2, 120, 100, |_| {}) else {
        unreachable!()
    };
    let signature = signed_by(3, &genuine.request.sign_bytes());
    let forged = SignedRequest {
        signature,
        ..*genuine
    };
    assert_eq!(
        decision(&home.give(Event::Request(Box::new(forged)))),
        Some(Err(DenialReason::Invalid))
    );
    // Not for this meter, or from itself: no answer at all.
    for change in [(|r| r.seller = meter(3)) as Change, |r| r.buyer = ME] {
        let request = home.request(2, 121, 100, change);
        assert!(home.give(request).is_empty());
    }
}

#[test]
fn before_tokens_and_near_the_end_nothing_is_promised() {
    let mut home = Home::new(Policy::default());
    let opened = home.next_window(1_000);
    assert_eq!(home.ask(2, 1, 100), Err(DenialReason::SoldOut));
    home.take_statements(&opened);
    assert_eq!(home.ask(2, 2, 100), Err(DenialReason::SoldOut));
    let (mut home, _) = Home::selling(Policy::default(), 1_000);
    home.wait(u64::from(LEN) - 12);
    assert_eq!(home.ask(2, 1, 100), Err(DenialReason::Window));
}

#[test]
fn an_offer_is_withdrawn_when_all_is_promised_and_returns_when_a_promise_lapses() {
    let (mut home, _) = Home::selling(Policy::default(), 1_000);
    let request = home.request(2, 11, 2_000, |_| {});
    let out = home.give(request);
    assert_eq!(withdrawals(&out), 1);
    let expires = decision(&out).unwrap().unwrap().approval.expires_at;
    let at_expiry = home.block_after(expires.0 - home.block.time.0);
    assert_eq!(
        offers(&at_expiry),
        [],
        "a block at the expiry may still carry the trade"
    );
    let after = home.block_after(1);
    assert_eq!(
        offers(&after).iter().map(|o| o.wh).collect::<Vec<_>>(),
        [Wh(1_000)]
    );
    assert_eq!(home.ask(3, 12, 980).unwrap().approval.max_gross, Wh(1_000));
}

#[test]
fn local_time_releases_nothing() {
    let (mut home, _) = Home::selling(Policy::default(), 1_000);
    home.ask(2, 11, 2_000).unwrap();
    home.now = home.now.plus(300_000);
    assert_eq!(home.ask(3, 12, 1), Err(DenialReason::SoldOut));
    home.give(Event::Block(home.block));
    assert_eq!(home.ask(3, 13, 1), Err(DenialReason::SoldOut));
}

#[test]
fn what_a_buyer_does_not_take_is_offered_again() {
    let (mut home, _) = Home::selling(Policy::default(), 1_000);
    let approval = home.ask(2, 11, 2_000).unwrap().approval;
    home.wait(5);
    let out = home.sold(&approval, 490);
    assert_eq!(
        offers(&out).iter().map(|o| o.wh).collect::<Vec<_>>(),
        [Wh(500)]
    );
    assert_eq!(home.ask(3, 12, 1_000).unwrap().approval.max_gross, Wh(500));
}

#[test]
fn a_sale_of_another_window_is_not_counted_in_this_one() {
    let (mut home, _) = Home::selling(Policy::default(), 1_000);
    let mut approval = home.ask(2, 11, 100).unwrap().approval;
    approval.first_window = Window(W.0 - 1);
    home.sold(&approval, 900);
    assert_eq!(
        home.ask(3, 12, 2_000).unwrap().approval.max_gross,
        Wh(1_000 - 103)
    );
}

#[test]
fn a_pause_takes_the_offer_back_and_its_end_brings_it_again() {
    let (mut home, _) = Home::selling(Policy::default(), 1_000);
    let pause = |paused| MarketEvent::PauseSet(PauseSet { paused });
    let out = home.give(Event::Chain {
        at: home.block,
        event: pause(true),
    });
    assert_eq!(withdrawals(&out), 1);
    assert_eq!(home.ask(2, 1, 100), Err(DenialReason::Window));
    assert_eq!(offers(&home.block_after(60)), []);
    let out = home.give(Event::Chain {
        at: home.block,
        event: pause(false),
    });
    assert_eq!(offers(&out).len(), 1);
    assert!(home.ask(2, 2, 100).is_ok());
}

#[test]
fn a_window_that_opens_paused_is_stated_and_not_traded() {
    let mut home = Home::new(Policy::default());
    home.end_window();
    home.flow(1_000);
    home.give(Event::Reading(home.reading(W)));
    let terms = wattpool_core::io::WindowTerms {
        paused: true,
        ..terms(home.window, home.block)
    };
    let out = home.give(Event::WindowOpened(Arc::new(terms)));
    assert_eq!(stated(&out).1.len(), 1);
    assert_eq!(statuses(&out), []);
    assert_eq!(timer_at(&out, Timer::Price), None);
}

#[test]
fn the_offer_ends_with_its_window() {
    let (mut home, _) = Home::selling(Policy::default(), 1_000);
    assert_eq!(withdrawals(&home.next_window(0)), 1);
    assert_eq!(home.ask(2, 1, 100), Err(DenialReason::SoldOut));
}
