//! Neighbours that announce what is not so: bait, supply and deficits of fancy, promises let lapse.

use crate::common::*;
use std::sync::Arc;
use wattpool_core::io::Timer;
use wattpool_core::policy::Policy;
use wattpool_schema::peer::{DenialReason, SignedRecord};
use wattpool_schema::{Price, Wh};

#[test]
fn an_announced_price_binds_the_seller_towards_the_buyer() {
    let (mut home, lookup) = Home::buying(Policy::default(), 400);
    let cheap = home.offer(2, 2_000, |o| o.price = Price(110_000));
    let request = asked(&home.found(lookup, vec![cheap]));
    // 110,000 / 0.98.
    assert_eq!(request.request.max_price, Price(112_245));
    let out = home.give(approved(&request, |a| a.price = Price(112_246)));
    assert_eq!(settles(&out), []);
}

/// Sells with the neighbours' statuses; what was announced, and the price in it.
fn priced(minted: Option<u64>, records: impl Fn(&Home) -> Vec<Arc<SignedRecord>>) -> (Home, Price) {
    let mut home = Home::new(Policy::default());
    home.town.minted = minted.map(Wh);
    let opened = home.next_window(1_000);
    home.take_statements(&opened);
    let looking = home.fire(&opened, Timer::Price);
    let (lookup, _) = looked_up(&looking);
    let records = records(&home);
    let out = home.found(lookup, records);
    let price = offers(&out)[0].price;
    (home, price)
}

/// Nine neighbours, three with a surplus.
fn honest(home: &Home) -> Vec<Arc<SignedRecord>> {
    (2..=10)
        .map(|n| home.status(n, n % 3 == 0, 1_024))
        .collect()
}

#[test]
fn a_price_announced_only_falls_and_is_what_is_approved() {
    let (mut home, told) = priced(Some(3_072), honest);
    // Others mint more: it falls.
    home.town.minted = Some(Wh(4_000));
    let cheaper = home.ask(2, 1, 100).unwrap().approval.price;
    assert!(cheaper < told, "{cheaper:?} {told:?}");
    // A supply that went away would raise it, but not beyond what was told, per kWh that arrives.
    home.town.minted = Some(Wh(10));
    let most = (told.0 * 1_000_000).div_ceil(980_000);
    assert_eq!(home.ask(3, 1, 100).unwrap().approval.price, Price(most));
    let low = home.request(4, 1, 100, |r| r.max_price = Price(most - 1));
    assert_eq!(decision(&home.give(low)), Some(Err(DenialReason::Price)));
}

#[test]
fn one_status_of_fancy_moves_the_price_by_little() {
    let corridor = 290_000 - 102_041;
    for minted in [Some(3_072), None] {
        let (_, normal) = priced(minted, honest);
        for surplus in [true, false] {
            let (_, moved) = priced(minted, |home| {
                let mut records = honest(home);
                records.push(home.status(11, surplus, 1 << 50));
                records
            });
            let by = moved.0.abs_diff(normal.0);
            // What is minted nobody can make up; where that is not known a surplus counts up to what is registered.
            let most = if minted.is_none() && surplus {
                corridor
            } else {
                corridor / 5
            };
            assert!(by <= most, "{minted:?} {surplus}: {by} of {corridor}");
            if minted.is_some() && surplus {
                assert_eq!(by, 0);
            }
        }
    }
}

#[test]
fn an_offer_is_worth_no_more_than_its_meter_is_registered_for() {
    let (mut home, lookup) = Home::buying(Policy::default(), 9_000);
    let offer = home.offer(2, 1 << 50, |_| {});
    let request = asked(&home.found(lookup, vec![offer]));
    // 5,000 Wh sent, of which 98 % arrive.
    assert_eq!(request.request.wh, Wh(4_900));
}

#[test]
fn one_buyer_that_pays_nothing_cannot_keep_the_surplus_from_others() {
    let (mut home, _) = Home::selling(Policy::default(), 1_000);
    let (mut honest, mut id) = (0, 0);
    for _ in 0..12 {
        id += 1;
        let _ = home.ask(5, id, 10_000);
        if let Ok(approval) = home.ask(6, id, 200) {
            let approval = approval.approval;
            honest += approval.wh.0;
            home.sold(&approval, approval.wh.0);
        }
        for _ in 0..4 {
            home.block_after(8);
        }
    }
    assert!(honest >= 970, "{honest}");
}
