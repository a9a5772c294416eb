//! Surplus shut in behind thin lines: the plan over zones, and who follows it how far.

use crate::common::*;
use std::sync::Arc;
use wattpool_core::io::{Command, Event, Timer, WindowTerms};
use wattpool_core::policy::Policy;
use wattpool_schema::peer::{bucket, Location, SignedRecord, BUCKETS};
use wattpool_schema::pool::ZonePairTerms;
use wattpool_schema::{Ppm, Price, Wh, Zone};

/// This home's zone 0 lies between zone 1, from which only a thin line leads to zone 2, and zone 2.
fn three_zones(home: &Home, thin: u64) -> WindowTerms {
    let line = |from: u16, to: u16, percent: u32, capacity: Option<u64>| ZonePairTerms {
        from: Zone(from),
        to: Zone(to),
        loss: Ppm(percent * 10_000),
        charge: Price(0),
        capacity: capacity.map(Wh),
    };
    let mut t = terms(home.window, home.block);
    t.pairs = vec![
        line(0, 0, 0, None),
        line(1, 1, 0, None),
        line(2, 2, 0, None),
        line(1, 0, 5, None),
        line(0, 2, 2, None),
        line(1, 2, 7, Some(thin)),
    ];
    t.meters = vec![(Zone(0), 20), (Zone(1), 10), (Zone(2), 10)];
    t
}

/// A home that needs so much in [`W`], and the commands with which the window opened.
fn in_need(policy: Policy, need: i64, thin: u64) -> (Home, Vec<Command>) {
    let mut home = Home::new(policy);
    home.end_window();
    home.flow(-need);
    let mut out = home.give(Event::Reading(home.reading(home.window.prev())));
    let terms = Arc::new(three_zones(&home, thin));
    out.extend(home.give(Event::WindowOpened(terms)));
    (home, out)
}

/// Zone 1 has much, zone 2 needs much, zone 0 has 1,400 Wh and needs as much as this home.
fn announced(home: &Home) -> Vec<Arc<SignedRecord>> {
    vec![
        home.status(101, true, 3_072),
        home.status(2, true, 1_408),
        home.status(201, false, 2_048),
    ]
}

/// The first look-up for offers after the survey found these statuses.
fn first_look(
    home: &mut Home,
    opened: &[Command],
    statuses: Vec<Arc<SignedRecord>>,
) -> (u32, Vec<Location>) {
    let looking = home.fire(opened, Timer::Price);
    let (survey, locations) = looked_up(&looking);
    let of = |zone| Location::of_status(&home.market.network, Zone(zone), 0);
    assert_eq!(locations, [of(0), of(1), of(2)]);
    home.found(survey, statuses);
    looked_up(&home.fire(opened, Timer::Seek))
}

fn offers_of(home: &Home, zone: u16) -> Vec<Location> {
    let at = |b| Location::of_offers(&home.market.network, Zone(zone), b, 0);
    (0..BUCKETS).map(at).collect()
}

#[test]
fn shut_in_surplus_is_taken_before_the_own_zone_s() {
    let (mut home, opened) = in_need(Policy::default(), 1_700, 140);
    let statuses = announced(&home);
    let (lookup, locations) = first_look(&mut home, &opened, statuses);
    let shut_in = offers_of(&home, 1);
    assert!(
        locations.iter().all(|l| shut_in.contains(l)),
        "{locations:?}"
    );
    assert_eq!(
        locations[0],
        Location::of_offers(&home.market.network, Zone(1), bucket(Wh(1_700)), 0)
    );
    // All of the need is in the plan, and is asked for there.
    let request = asked(&home.found(lookup, vec![home.offer(101, 3_000, |_| {})]));
    assert_eq!(
        (request.request.seller, request.request.wh),
        (meter(101), Wh(1_700))
    );
}

#[test]
fn a_buyer_keeps_to_its_share_of_the_plan_and_looks_for_the_rest_later() {
    // A neighbour needs 1,792 Wh: of the own zone's 1,408 Wh some 700 are theirs, the rest is zone 2's.
    let (mut home, opened) = in_need(Policy::default(), 1_700, 140);
    let mut statuses = announced(&home);
    statuses.push(home.status(3, false, 1_792));
    let (lookup, _) = first_look(&mut home, &opened, statuses);
    let out = home.found(lookup, vec![home.offer(2, 1_400, |_| {})]);
    let wh: u64 = asks(&out).iter().map(|a| a.request.wh.0).sum();
    assert!(wh <= 720, "{wh}");
    // Once the plan has had its time all of the own zone is looked through.
    let own = offers_of(&home, 0);
    let classes = home.market.timing.class_ms.div_ceil(1_000);
    home.wait(classes + 2);
    let (_, locations) = looked_up(&home.give(Event::Timer(Timer::Seek)));
    assert!(own.iter().all(|l| locations.contains(l)), "{locations:?}");
}

#[test]
fn where_lines_are_wide_or_statuses_are_forged_the_own_zone_comes_first() {
    let own_first = |home: &mut Home, opened: &[Command], statuses| {
        let (_, locations) = first_look(home, opened, statuses);
        let own = offers_of(home, 0);
        assert!(locations.iter().all(|l| own.contains(l)), "{locations:?}");
    };
    let (mut home, opened) = in_need(Policy::default(), 1_700, 100_000);
    let statuses = announced(&home);
    own_first(&mut home, &opened, statuses);
    let (mut home, opened) = in_need(Policy::default(), 1_700, 140);
    let forged: Vec<_> = announced(&home)
        .iter()
        .map(|record| {
            let mut record = (**record).clone();
            record.signature.0[0] ^= 1;
            Arc::new(record)
        })
        .collect();
    own_first(&mut home, &opened, forged);
}

#[test]
fn no_survey_where_nothing_can_be_shut_in() {
    // The usual terms have two zones and no thin line.
    let mut home = Home::new(Policy::default());
    let opened = home.next_window(-400);
    assert_eq!(timer_at(&opened, Timer::Price), None);
    let local = Policy {
        local_first: true,
        ..Policy::default()
    };
    let (_, opened) = in_need(local, 400, 140);
    assert_eq!(timer_at(&opened, Timer::Price), None);
}
