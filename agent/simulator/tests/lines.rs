//! Nobody asks for more than a line still carries.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test fails by panicking"
)]

mod common;

use common::day_part;
use std::collections::BTreeMap;
use wattpool_host::Effect;
use wattpool_schema::event::MarketEvent;
use wattpool_schema::{TradeKind, Wh, Zone};
use wattpool_simulator::{run_tapped, RunOptions, Signatures};

const CAPACITY: u64 = 1_500;

#[test]
fn nobody_asks_for_more_than_a_line_still_carries() {
    let mut n = day_part(24, 3, 3, 44, 12);
    for pair in &mut n.zone_pairs {
        if pair.from != pair.to {
            pair.capacity = Some(Wh(CAPACITY));
        }
    }
    let options = RunOptions {
        seed: 3,
        threads: 1,
        signatures: Signatures::Trusted,
        record: false,
    };
    let (mut over, mut where_some_is_gone, mut most) = (0, 0, 0);
    for home in (0..24).step_by(3) {
        let (outcome, tap) = run_tapped(&n, &options, home).unwrap();
        assert_eq!(outcome.invariant_violations, Vec::<String>::new());
        let zones: BTreeMap<_, Zone> = tap.meters.iter().map(|(id, m)| (*id, m.zone)).collect();
        for (at, effect) in &tap.effects {
            let Effect::Ask { request, .. } = effect else {
                continue;
            };
            let r = &request.request;
            let line = (zones[&r.seller], zones[&r.buyer]);
            if r.kind != TradeKind::Spot || line.0 == line.1 {
                continue;
            }
            // What this home has heard of by then.
            let heard = tap.blocks.iter().take_while(|(told, _)| told <= at);
            let events = heard.flat_map(|(_, news)| &news.events);
            let carried: u64 = events
                .filter_map(|event| match event {
                    MarketEvent::Delivered(d) if d.window == r.first_window => {
                        ((zones[&d.seller], zones[&d.buyer]) == line).then_some(d.net.0)
                    }
                    _ => None,
                })
                .sum();
            assert!(
                r.wh.0 + carried <= CAPACITY,
                "home {home} at {at}: {} Wh of {CAPACITY}, {carried} are gone",
                r.wh
            );
            over += 1;
            where_some_is_gone += u32::from(carried > 0);
            most = most.max(carried);
        }
    }
    println!("{over} requests over the lines, {where_some_is_gone} where some was gone, {most} Wh at most");
    assert!(
        over > 20 && where_some_is_gone > 0,
        "{over}, {where_some_is_gone}"
    );
}
