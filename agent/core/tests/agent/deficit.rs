//! A window with a deficit: where and when to look, which offers count, whom to ask, and who is next.

use crate::common::*;
use std::sync::Arc;
use wattpool_core::io::{Command, Event, JournalEntry, Notice, Timer};
use wattpool_core::policy::Policy;
use wattpool_schema::event::{MarketEvent, PauseSet};
use wattpool_schema::peer::{bucket, DenialReason, Location, Offer, BUCKETS};
use wattpool_schema::{Price, Seconds, TradeKind, Wh, Zone, RECORD_VERSION};

#[test]
fn the_deficit_is_announced_and_looked_for_after_the_delay() {
    let mut home = Home::new(Policy::default());
    let out = home.next_window(-1_050);
    assert_eq!(
        (statuses(&out)[0].surplus, statuses(&out)[0].wh),
        (false, Wh(1_024))
    );
    assert_eq!(lookups(&out), []);
    let timing = home.market.timing;
    let delay = timer_at(&out, Timer::Seek).unwrap().since(home.now);
    assert!(
        (timing.seek_ms..timing.seek_ms + timing.jitter_ms).contains(&delay),
        "{delay}"
    );
    let looking = home.fire(&out, Timer::Seek);
    let (_, locations) = looked_up(&looking);
    // The own zone alone, the fitting bucket first; every bucket in one probe.
    let at = |zone, bucket| Location::of_offers(&home.market.network, Zone(zone), bucket, 0);
    assert_eq!(locations[0], at(0, bucket(Wh(1_050))));
    assert_eq!(locations.len(), usize::from(BUCKETS));
    assert!((0..BUCKETS).all(|b| locations.contains(&at(0, b))));
    assert!(looking.iter().any(|c| matches!(c, Command::Lookup { deadline, .. } if *deadline == home.now.plus(timing.lookup_ms))));
}

#[test]
fn zones_that_lose_more_are_looked_through_when_their_class_opens() {
    let (mut home, lookup) = Home::buying(Policy::default(), 400);
    let timing = home.market.timing;
    let opens = W.next().start(LEN).0 * 1000 + timing.seek_ms + 2 * timing.class_ms;
    let own = Location::of_offers(&home.market.network, Zone(0), bucket(Wh(400)), 0);
    let other = Location::of_offers(&home.market.network, Zone(1), bucket(Wh(400)), 0);
    let mut out = home.found(lookup, Vec::new());
    loop {
        let looking = home.fire(&out, Timer::Seek);
        let (lookup, locations) = looked_up(&looking);
        // 3 % beyond the own zone's loss: the second class.
        if home.now.0 < opens {
            assert!(!locations.contains(&other), "{:?}", home.now);
        } else {
            assert_eq!(locations[0], other);
            assert!(locations.contains(&own));
            break;
        }
        out = home.found(lookup, Vec::new());
    }
    assert!(home.now.0 < opens + 2 * timing.jitter_ms);
}

#[test]
fn a_request_says_what_is_needed_at_what_most() {
    let (mut home, lookup) = Home::buying(Policy::default(), 400);
    let out = home.found(lookup, vec![home.offer(2, 2_000, |_| {})]);
    let request = asked(&out);
    let r = &request.request;
    assert_eq!(
        (r.version, r.buyer, r.seller, r.kind),
        (RECORD_VERSION, ME, meter(2), TradeKind::Spot)
    );
    assert_eq!((r.first_window, r.count, r.wh), (W, 1, Wh(400)));
    // 150,000 as announced, of which 98 % arrive.
    assert_eq!(r.max_price, Price(153_062));
    assert_eq!(
        (r.requested_at, r.expires_at),
        (home.block.time, Seconds(home.block.time.0 + 30))
    );
    assert_eq!(request.signature, signed_by(1, &r.sign_bytes()));
    assert!(timer_at(&out, Timer::Answers).is_some());
}

#[test]
fn offers_that_do_not_count_are_not_asked() {
    type Change = fn(&mut Offer);
    let cases: [(&str, u8, Change); 9] = [
        ("not registered", 200, |_| {}),
        ("another network", 2, |o| {
            o.network = "chain-2/escrow".into()
        }),
        ("another version", 2, |o| o.version = 2),
        ("expired", 2, |o| o.expires_at = Seconds(W.end(LEN).0 - 1)),
        ("the window before", 2, |o| o.window = W.prev()),
        ("the window after", 2, |o| o.window = W.next()),
        ("another zone than registered", 2, |o| o.zone = Zone(1)),
        ("blocked", 5, |_| {}),
        ("too dear", 2, |o| o.price = Price(290_001)),
    ];
    for (why, n, change) in cases {
        let policy = Policy {
            blocked: [meter(5)].into(),
            ..Policy::default()
        };
        let (mut home, lookup) = Home::buying(policy, 400);
        let bad = home.offer(n, 2_000, change);
        let out = home.found(lookup, vec![bad]);
        assert_eq!(asks(&out), [], "{why}");
        // The search goes on, and a good offer is taken.
        let looking = home.fire(&out, Timer::Seek);
        let good = home.offer(3, 2_000, |_| {});
        assert_eq!(
            asked(&home.found(looked_up(&looking).0, vec![good]))
                .request
                .seller,
            meter(3),
            "{why}"
        );
    }
}

#[test]
fn a_forged_offer_and_a_status_do_not_count() {
    let (mut home, lookup) = Home::buying(Policy::default(), 400);
    let mut forged = (*home.offer(2, 2_000, |_| {})).clone();
    forged.signature = signed_by(3, &forged.sign_bytes());
    let status = home.status(4, true, 2_000);
    assert_eq!(
        asks(&home.found(lookup, vec![Arc::new(forged), status])),
        []
    );
}

#[test]
fn green_only_leaves_batteries_out() {
    for (green_only, want) in [(false, 1), (true, 0)] {
        let (mut home, lookup) = Home::buying(
            Policy {
                green_only,
                ..Policy::default()
            },
            400,
        );
        let battery = home.offer(9, 2_000, |_| {});
        assert_eq!(asks(&home.found(lookup, vec![battery])).len(), want);
    }
}

#[test]
fn another_look_up_s_result_or_a_late_one_changes_nothing() {
    let (mut home, lookup) = Home::buying(Policy::default(), 400);
    let offer = home.offer(2, 2_000, |_| {});
    assert!(home.found(lookup + 1, vec![offer.clone()]).is_empty());
    assert_eq!(asks(&home.found(lookup, vec![offer.clone()])).len(), 1);
    assert!(home.found(lookup, vec![offer.clone()]).is_empty());
    home.next_window(0);
    assert!(home.found(lookup, vec![offer]).is_empty());
}

#[test]
fn the_fewest_sellers_are_asked() {
    let (mut home, lookup) = Home::buying(Policy::default(), 900);
    let sizes = [(2, 300), (3, 300), (4, 300), (5, 300), (6, 500), (7, 450)];
    let records = sizes
        .iter()
        .map(|(n, wh)| home.offer(*n, *wh, |_| {}))
        .collect();
    let asks = asks(&home.found(lookup, records));
    let mut sellers: Vec<u8> = asks.iter().map(|a| a.request.seller.0[0]).collect();
    sellers.sort_unstable();
    // 500 and 450 sent are 490 and 441 that arrive: the only two that cover 900.
    assert_eq!(sellers, [6, 7]);
    assert_eq!(asks.iter().map(|a| a.request.wh.0).sum::<u64>(), 900);
    let (mut home, lookup) = Home::buying(Policy::default(), 900);
    let records = sizes
        .iter()
        .chain(&[(8, 1_000)])
        .map(|(n, wh)| home.offer(*n, *wh, |_| {}))
        .collect();
    assert_eq!(asked(&home.found(lookup, records)).request.seller, meter(8));
}

#[test]
fn a_preferred_seller_comes_first() {
    for n in 2..8 {
        let policy = Policy {
            preferred: [meter(n)].into(),
            ..Policy::default()
        };
        let (mut home, lookup) = Home::buying(policy, 400);
        let records = (2..8).map(|n| home.offer(n, 1_000, |_| {})).collect();
        assert_eq!(asked(&home.found(lookup, records)).request.seller, meter(n));
    }
}

#[test]
fn offers_short_of_the_need_are_taken_and_the_search_goes_on() {
    let (mut home, lookup) = Home::buying(Policy::default(), 900);
    let out = home.found(lookup, vec![home.offer(2, 100, |_| {})]);
    assert_eq!(asked(&out).request.wh, Wh(98));
    let looking = home.fire(&out, Timer::Seek);
    let more = home.offer(3, 2_000, |_| {});
    assert_eq!(
        asked(&home.found(looked_up(&looking).0, vec![more]))
            .request
            .wh,
        Wh(802)
    );
}

#[test]
fn denial_brings_the_next_best() {
    let (mut home, lookup) = Home::buying(Policy::default(), 400);
    let records = (2..5).map(|n| home.offer(n, 1_000, |_| {})).collect();
    let mut request = asked(&home.found(lookup, records));
    let mut seen = vec![request.request.seller];
    for reason in [DenialReason::SoldOut, DenialReason::Policy] {
        let out = home.give(denied(&request, reason, 0));
        request = asked(&out);
        assert!(!seen.contains(&request.request.seller));
        seen.push(request.request.seller);
    }
    // Nobody is left: look again later.
    let out = home.give(denied(&request, DenialReason::Price, 0));
    assert_eq!(asks(&out), []);
    assert!(timer_at(&out, Timer::Seek).is_some());
}

#[test]
fn what_a_busy_seller_still_has_may_be_asked_for_but_not_for_ever() {
    let (mut home, lookup) = Home::buying(Policy::default(), 400);
    let mut out = home.found(lookup, vec![home.offer(2, 1_000, |_| {})]);
    let mut rounds = 0;
    while let Some(request) = asks(&out).pop() {
        rounds += 1;
        assert!(rounds < 20, "the seller keeps the buyer busy");
        out = home.give(denied(&request, DenialReason::Busy, u64::MAX));
    }
    assert!(rounds > 1);
}

#[test]
fn silence_is_asked_once_more_with_the_same_words_and_then_the_next() {
    let (mut home, lookup) = Home::buying(Policy::default(), 400);
    let records = vec![home.offer(2, 1_000, |_| {}), home.offer(3, 1_000, |_| {})];
    let out = home.found(lookup, records);
    let first = asked(&out);
    let again = home.fire(&out, Timer::Answers);
    assert_eq!(asked(&again), first);
    let next = home.fire(&again, Timer::Answers);
    let second = asked(&next);
    assert_ne!(second.request.seller, first.request.seller);
    assert_ne!(second.request.id, first.request.id);
    // The late answer of the first comes to nothing: what is asked of the second is not bought twice.
    assert!(home.give(approved(&first, |_| {})).is_empty());
    assert_eq!(settles(&home.give(approved(&second, |_| {}))).len(), 1);
}

#[test]
fn only_the_first_of_contradictory_answers_counts() {
    let (mut home, lookup) = Home::buying(Policy::default(), 400);
    let request = asked(&home.found(lookup, vec![home.offer(2, 1_000, |_| {})]));
    let (_, trade) = settled(&home.give(approved(&request, |_| {})));
    assert_eq!(trade.wh, Wh(400));
    assert!(home
        .give(approved(&request, |a| (a.wh, a.nonce) = (Wh(300), 99)))
        .is_empty());
    assert!(home
        .give(denied(&request, DenialReason::SoldOut, 0))
        .is_empty());
    // And the other way round.
    let (mut home, lookup) = Home::buying(Policy::default(), 400);
    let request = asked(&home.found(lookup, vec![home.offer(2, 1_000, |_| {})]));
    home.give(denied(&request, DenialReason::SoldOut, 0));
    assert!(home.give(approved(&request, |_| {})).is_empty());
}

#[test]
fn a_seller_that_denied_is_asked_again_only_with_a_newer_offer() {
    let (mut home, lookup) = Home::buying(Policy::default(), 400);
    let offer = home.offer(2, 1_000, |_| {});
    let request = asked(&home.found(lookup, vec![offer.clone()]));
    let out = home.give(denied(&request, DenialReason::SoldOut, 0));
    let looking = home.fire(&out, Timer::Seek);
    let out = home.found(looked_up(&looking).0, vec![offer]);
    assert_eq!(asks(&out), []);
    let looking = home.fire(&out, Timer::Seek);
    let newer = home.offer(2, 1_000, |_| {});
    assert_eq!(
        asks(&home.found(looked_up(&looking).0, vec![newer])).len(),
        1
    );
}

#[test]
fn fruitless_looking_ends_and_the_grid_supplies() {
    let (mut home, lookup) = Home::buying(Policy::default(), 400);
    let mut out = home.found(lookup, Vec::new());
    let mut rounds = 1;
    while timer_at(&out, Timer::Seek).is_some() {
        let looking = home.fire(&out, Timer::Seek);
        let Some((lookup, _)) = lookups(&looking).pop() else {
            break;
        };
        out = home.found(lookup, Vec::new());
        rounds += 1;
    }
    assert!((2..=10).contains(&rounds), "{rounds}");
    let told = notices(&home.next_window(0));
    assert!(
        told.contains(&Notice::GridSupplied {
            window: W,
            wh: Wh(400)
        }),
        "{told:?}"
    );
}

#[test]
fn near_the_end_and_in_a_pause_nothing_is_asked() {
    let (mut home, lookup) = Home::buying(Policy::default(), 400);
    let offer = home.offer(2, 1_000, |_| {});
    home.wait(u64::from(LEN) - 65);
    assert_eq!(asks(&home.found(lookup, vec![offer])), []);
    let (mut home, lookup) = Home::buying(Policy::default(), 400);
    let offer = home.offer(2, 1_000, |_| {});
    home.give(Event::Chain {
        at: home.block,
        event: MarketEvent::PauseSet(PauseSet { paused: true }),
    });
    assert_eq!(asks(&home.found(lookup, vec![offer])), []);
}

#[test]
fn local_first_looks_elsewhere_only_for_what_the_own_zone_cannot_supply() {
    let (mut home, lookup) = Home::buying(
        Policy {
            local_first: true,
            ..Policy::default()
        },
        900,
    );
    let own: Vec<_> = (0..BUCKETS)
        .map(|b| Location::of_offers(&home.market.network, Zone(0), b, 0))
        .collect();
    let far = Location::of_offers(&home.market.network, Zone(1), bucket(Wh(900)), 0);
    let mut seeking = Home::new(Policy {
        local_first: true,
        ..Policy::default()
    });
    let opened = seeking.next_window(-900);
    let (_, locations) = looked_up(&seeking.fire(&opened, Timer::Seek));
    assert!(
        locations.iter().all(|l| own.contains(l)),
        "the first look-up stays in the own zone"
    );
    // 490 Wh of 900 are to be had nearby; the rest is looked for everywhere.
    let out = home.found(lookup, vec![home.offer(2, 500, |_| {})]);
    let near = asked(&out);
    assert_eq!(near.request.wh, Wh(490));
    home.give(approved(&near, |_| {}));
    let (mut lookup, mut locations) = looked_up(&home.fire(&out, Timer::Seek));
    while locations.iter().all(|l| own.contains(l)) {
        let out = home.found(lookup, Vec::new());
        (lookup, locations) = looked_up(&home.fire(&out, Timer::Seek));
    }
    assert!(
        locations.contains(&Location::of_offers(
            &home.market.network,
            Zone(1),
            bucket(Wh(410)),
            0
        )) || locations.contains(&far)
    );
    let remote = home.offer(101, 2_000, |o| o.price = Price(280_000));
    let request = asked(&home.found(lookup, vec![remote]));
    assert_eq!(
        (request.request.seller, request.request.wh),
        (meter(101), Wh(410))
    );
    // Behind the zone pair the charge is higher, so the price may only be lower.
    assert_eq!(request.request.max_price, Price(260_000));
}

#[test]
fn nothing_is_journalled_by_asking() {
    let (mut home, lookup) = Home::buying(Policy::default(), 400);
    let before = home.journal.len();
    home.found(lookup, vec![home.offer(2, 1_000, |_| {})]);
    assert_eq!(home.journal.len(), before);
    assert!(home
        .journal
        .iter()
        .all(|e| matches!(e, JournalEntry::Metered { .. })));
}
