//! Books find what must not be.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test fails by panicking"
)]

use wattpool_core::io::BlockRef;
use wattpool_neighbourhood::books::Books;
use wattpool_neighbourhood::household::Household;
use wattpool_neighbourhood::street::{net, street};
use wattpool_scenario::model::Neighbourhood;
use wattpool_schema::event::{MarketEvent, Stated, TradeClosed};
use wattpool_schema::{
    Commitment, Digest32, MeterId, Micro, Price, Seconds, TradeKind, Wh, Window, Zone,
};

fn stated(meter: MeterId, window: Window, wh: u64, minted: bool) -> MarketEvent {
    MarketEvent::Stated(Stated {
        meter,
        owner: "owner".into(),
        window,
        sequence: window.0,
        wh: Wh(wh),
        commitment: Commitment([0; 32]),
        minted,
    })
}

fn all_stated(n: &Neighbourhood, households: &[Household]) -> Vec<(BlockRef, MarketEvent)> {
    let mut events = Vec::new();
    for household in households {
        for window in 0..n.windows {
            let (_, export) = net(&n.homes[household.number], window);
            let at = n.first_window.plus(window as u64);
            let event = stated(household.meter, at, export, true);
            events.push((BlockRef::default(), event));
        }
    }
    events
}

#[test]
fn statements_are_of_what_was_exported_each_once() {
    let n = street(4, &[Zone(0)], 3).unwrap();
    let households = Household::all(&n).unwrap();
    let events = all_stated(&n, &households);
    let of = |events: &[(BlockRef, MarketEvent)]| Books::of(&n, &households, events);
    let books = of(&events);
    assert_eq!(books.violations, Vec::<String>::new());
    let export: u64 = (0..n.windows)
        .flat_map(|w| n.homes.iter().map(move |home| net(home, w).1))
        .sum();
    assert!(export > 0);
    assert_eq!(books.sums.values().map(|s| s.minted).sum::<u64>(), export);

    let first = n.first_window;
    let meter = households[0].meter;
    let (_, there) = net(&n.homes[0], 0);
    let cases = [
        (stated(meter, first, there, true), "before: true"),
        (stated(meter, first, there + 1, true), "stated"),
        (stated(meter, first.prev(), 1, true), "outside of the run"),
        (
            stated(MeterId([7; 16]), first, 1, true),
            "nobody registered",
        ),
    ];
    for (event, expected) in cases {
        let more = [events.clone(), vec![(BlockRef::default(), event)]].concat();
        let found = of(&more).violations;
        assert!(
            found.len() == 1 && found[0].contains(expected),
            "{found:?} should say {expected}"
        );
    }
    // Before and after the run nothing flows, which may be stated.
    let zero = (BlockRef::default(), stated(meter, first.prev(), 0, true));
    assert!(of(&[events.clone(), vec![zero]].concat())
        .violations
        .is_empty());
    let found = of(&events[1..]).violations;
    assert_eq!(found, ["home 0, window 0: never stated"]);

    // What is stated late is no token.
    let mut late = events;
    late[0].1 = stated(meter, first, there, false);
    let books = of(&late);
    assert!(books.violations.is_empty());
    assert_eq!((books.minted[0], books.sums[&first].late), (0, there));
}

#[test]
fn the_log_is_a_hash_chain() {
    let n = street(4, &[Zone(0)], 3).unwrap();
    let households = Household::all(&n).unwrap();
    let mut events = all_stated(&n, &households);
    let trade = TradeClosed {
        sequence: 0,
        kind: TradeKind::Spot,
        trade_id: 1,
        buyer: households[0].meter,
        seller: households[1].meter,
        nonce: 1,
        window: n.first_window,
        count: 1,
        asked: Wh(5),
        arrived: Wh(5),
        declined: Wh(0),
        missed: Wh(0),
        lost: Wh(1),
        price: Price(100_000),
        paid: Micro(500),
        charge: Micro(75),
        requested_at: Seconds(1),
        closed_at: Seconds(2),
        head: Digest32::default(),
    };
    events.push((BlockRef::default(), MarketEvent::TradeClosed(trade.clone())));
    let books = Books::of(&n, &households, &events);
    assert_eq!(books.violations, ["trade 0: the log is broken"]);
    let right = TradeClosed {
        head: books.head,
        ..trade
    };
    events.pop();
    events.push((BlockRef::default(), MarketEvent::TradeClosed(right)));
    let books = Books::of(&n, &households, &events);
    assert!(books.violations.is_empty());
    assert_eq!((books.trades(), books.outcome().trades.len()), (1, 1));
}
