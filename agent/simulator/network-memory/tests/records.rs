//! What replicas take, keep, serve and give up.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "small numbers of a test"
)]

mod common;
use common::*;
use wattpool_network_memory::NetworkConfig;

#[test]
fn a_record_is_stored_at_the_twenty_closest_and_found_by_all() {
    let mut net = network(300, calm());
    let at = listing(0);
    let record = offer(5, 1);
    let outcome = announce(&mut net, 5, at, &record);
    assert_eq!(
        (outcome.stored, outcome.acknowledged, outcome.refused),
        (20, 20, 0)
    );
    for seeker in 0..300 {
        assert_eq!(
            find(&mut net, seeker, at),
            vec![record.clone()],
            "seeker {seeker}"
        );
    }
    // Only the 20 closest hold it: without them it is gone.
    for node in closest(300, at, 20) {
        net.set_online(node, false);
        net.set_online(node, true);
    }
    assert!(find(&mut net, 299, at).is_empty());
}

#[test]
fn what_does_not_verify_is_stored_nowhere() {
    let mut net = network(100, calm());
    let mut calls = 0;
    let outcome = net.announce(T0, 1, listing(0), &offer(1, 1), |_| {
        calls += 1;
        false
    });
    assert_eq!((outcome.stored, outcome.refused, calls), (0, 20, 1));
    assert_eq!(net.stored(), 0);
    assert!(find(&mut net, 2, listing(0)).is_empty());
}

#[test]
fn a_forged_newer_record_does_not_displace_the_true_one() {
    let mut net = network(100, calm());
    let record = offer(1, 1);
    announce(&mut net, 1, listing(0), &record);
    net.announce(T0, 2, listing(0), &offer(1, 9), |_| false);
    assert_eq!(find(&mut net, 3, listing(0)), vec![record]);
}

#[test]
fn only_a_higher_sequence_replaces() {
    let mut net = network(100, calm());
    let at = listing(0);
    announce(&mut net, 1, at, &offer(1, 5));
    let older = announce(&mut net, 1, at, &offer(1, 4));
    assert_eq!((older.stored, older.refused), (0, 20));
    let twin = announce(&mut net, 1, at, &offer_until(1, 5, 999, T0_S + 1_800));
    assert_eq!((twin.stored, twin.refused), (0, 20));
    assert_eq!(find(&mut net, 3, at), vec![offer(1, 5)]);
    let again = announce(&mut net, 1, at, &offer(1, 5));
    assert_eq!((again.stored, again.refused), (20, 0));
    assert_eq!(announce(&mut net, 1, at, &offer(1, 6)).stored, 20);
    assert_eq!(find(&mut net, 3, at), vec![offer(1, 6)]);
    assert_eq!(net.stored(), 1);
}

#[test]
fn kinds_of_record_have_sequences_of_their_own() {
    let mut net = network(100, calm());
    announce(&mut net, 1, listing(0), &offer(1, 5));
    assert_eq!(announce(&mut net, 1, listing(0), &status(1, 2)).stored, 20);
    assert_eq!(
        find(&mut net, 3, listing(0)),
        vec![offer(1, 5), status(1, 2)]
    );
}

#[test]
fn the_highest_sequence_wins_over_all_locations() {
    let mut net = network(100, calm());
    announce(&mut net, 1, listing(0), &offer(1, 5));
    announce(&mut net, 1, listing(1), &offer(1, 6));
    announce(&mut net, 2, listing(1), &offer(2, 1));
    for order in [[listing(0), listing(1)], [listing(1), listing(0)]] {
        let found = net.lookup(T0, 9, &order, T0 + 600_000).records;
        assert_eq!(found, vec![offer(1, 6), offer(2, 1)]);
    }
}

#[test]
fn expired_records_are_neither_taken_nor_served_and_are_dropped() {
    let mut net = network(100, calm());
    let at = listing(0);
    let late = announce(&mut net, 1, at, &offer_until(1, 1, 100, T0_S - 1));
    assert_eq!((late.stored, late.refused), (0, 20));
    announce(&mut net, 1, at, &offer_until(1, 1, 100, T0_S + 10));
    announce(&mut net, 2, at, &offer_until(2, 1, 100, T0_S + 20));
    let mut found = |ms| {
        net.lookup(T0 + ms, 3, &[at], T0 + ms + 60_000)
            .records
            .len()
    };
    assert_eq!(found(10_999), 2);
    assert_eq!(found(11_000), 1);
    assert_eq!(found(21_000), 0);
    assert_eq!(net.stored(), 2);
    net.expire(T0_S + 10);
    assert_eq!(net.stored(), 2);
    net.expire(T0_S + 11);
    assert_eq!(net.stored(), 1);
    net.expire(T0_S + 21);
    assert_eq!(net.stored(), 0);
}

#[test]
fn a_meter_withdraws_its_own_records_only_and_for_good() {
    let mut net = network(100, calm());
    let at = listing(0);
    announce(&mut net, 1, at, &offer(1, 5));
    announce(&mut net, 2, at, &offer(2, 5));
    assert_eq!(net.withdraw(T0, 2, at, meter(1)).removed, 0);
    assert_eq!(find(&mut net, 3, at).len(), 2);
    assert_eq!(net.withdraw(T0, 1, at, meter(1)).removed, 20);
    assert_eq!(net.withdraw(T0, 1, at, meter(1)).removed, 0);
    assert_eq!(find(&mut net, 3, at), vec![offer(2, 5)]);
    // Somebody replays what was withdrawn; only a newer record counts.
    assert_eq!(announce(&mut net, 2, at, &offer(1, 5)).stored, 0);
    assert_eq!(announce(&mut net, 2, at, &offer(1, 4)).stored, 0);
    assert_eq!(find(&mut net, 3, at), vec![offer(2, 5)]);
    assert_eq!(announce(&mut net, 1, at, &offer(1, 6)).stored, 20);
    assert_eq!(find(&mut net, 3, at).len(), 2);
}

#[test]
fn a_network_smaller_than_the_replication_stores_at_all_and_at_the_announcer() {
    for n in [1, 2, 5, 20] {
        let mut net = network(n, calm());
        let outcome = announce(&mut net, 0, listing(0), &offer(0, 1));
        assert_eq!((outcome.stored, outcome.acknowledged), (n, n), "{n} nodes");
        for seeker in 0..n {
            let found = net.lookup(T0, seeker, &[listing(0)], T0 + 60_000);
            assert!(found.complete, "{n} nodes, seeker {seeker}");
            assert_eq!(found.records, vec![offer(0, 1)]);
        }
    }
}

#[test]
fn a_location_lists_a_bounded_number_of_records() {
    let mut net = network(30, NetworkConfig { k: 4, ..calm() });
    for i in 0..1_024 {
        assert_eq!(
            announce(&mut net, 0, listing(0), &offer(i, 1)).stored,
            4,
            "{i}"
        );
    }
    let beyond = announce(&mut net, 0, listing(0), &offer(1_024, 1));
    assert_eq!((beyond.stored, beyond.refused), (0, 4));
    assert_eq!(announce(&mut net, 0, listing(0), &offer(3, 2)).stored, 4);
    assert_eq!(net.stored(), 1_024);
}
