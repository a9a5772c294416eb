//! Loss, absence and crashes.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "small numbers of a test"
)]

mod common;
use common::*;
use wattpool_network_memory::{Network, NetworkConfig};

#[test]
fn lost_messages_cost_replicas_and_acknowledgements() {
    let config = NetworkConfig {
        message_loss: 0.3,
        retries: 0,
        ..calm()
    };
    let (mut stored, mut acknowledged) = (0, 0);
    for seed in 0..200 {
        let mut net = Network::new(seed, ids(20), config.clone()).unwrap();
        let outcome = announce(&mut net, 0, listing(0), &offer(0, 1));
        assert!(outcome.acknowledged <= outcome.stored);
        stored += outcome.stored;
        acknowledged += outcome.acknowledged;
    }
    // Of 19 others, 0.7² answer the search; of those 0.7 get the record and 0.7² also say so; and the announcer itself.
    let mean = |n: u32| f64::from(n) / 200.0;
    assert!(
        (mean(stored) - (1.0 + 19.0 * 0.49 * 0.7)).abs() < 0.5,
        "{}",
        mean(stored)
    );
    assert!(
        (mean(acknowledged) - (1.0 + 19.0 * 0.49 * 0.49)).abs() < 0.5,
        "{}",
        mean(acknowledged)
    );
}

#[test]
fn retries_make_up_for_loss() {
    let config = NetworkConfig {
        message_loss: 0.1,
        retries: 4,
        ..calm()
    };
    let mut net = network(500, config);
    let outcome = announce(&mut net, 0, listing(0), &offer(0, 1));
    assert_eq!((outcome.stored, outcome.acknowledged), (20, 20));
    assert!(net.counters().lost > 0);
    for seeker in 1..50 {
        assert_eq!(
            find(&mut net, seeker, listing(0)).len(),
            1,
            "seeker {seeker}"
        );
    }
}

#[test]
fn with_all_messages_lost_nothing_happens_and_everything_ends() {
    let mut net = network(
        50,
        NetworkConfig {
            message_loss: 1.0,
            ..calm()
        },
    );
    let outcome = announce(&mut net, 0, listing(0), &offer(0, 1));
    assert!(outcome.stored <= 1, "at most the announcer itself");
    let found = net.lookup(T0, 1, &[listing(0)], T0 + 10_000);
    assert!(!found.complete && found.records.is_empty());
    assert_eq!(found.completed_at, T0 + 10_000);
    assert_eq!(net.send(T0, 0, 1), None);
    assert_eq!(net.counters().lost, net.counters().messages);
}

#[test]
fn nodes_that_are_down_store_nothing_and_others_take_their_place() {
    let n = 500;
    let at = listing(0);
    let mut net = network(n, calm());
    let near = closest(n, at, 40);
    for node in &near[..5] {
        net.set_online(*node, false);
    }
    let seller = (0..n).find(|i| !near.contains(i)).unwrap();
    let outcome = announce(&mut net, seller, at, &offer(seller, 1));
    assert!(
        outcome.stored >= 15 && outcome.stored == outcome.acknowledged,
        "{outcome:?}"
    );
    // The five come back, empty; all others near crash: nobody holds it any more.
    for node in &near[5..] {
        net.set_online(*node, false);
    }
    for node in &near[..5] {
        net.set_online(*node, true);
    }
    assert!(find(&mut net, seller, at).is_empty());
}

#[test]
fn a_crash_loses_what_was_stored_and_the_rest_goes_on_serving() {
    let n = 500;
    let at = listing(0);
    let mut net = network(n, calm());
    let near = closest(n, at, 20);
    let seeker = (0..n).find(|i| !near.contains(i)).unwrap();
    announce(&mut net, 0, at, &offer(0, 1));
    assert_eq!(find(&mut net, seeker, at).len(), 1);
    for node in &near[..10] {
        net.set_online(*node, false);
        net.set_online(*node, true);
    }
    // The three nearest are back but empty, so that a seeker who asks just them finds nothing ...
    assert!(find(&mut net, seeker, at).is_empty());
    // ... until the seller announces again.
    assert_eq!(announce(&mut net, 0, at, &offer(0, 1)).stored, 20);
    assert_eq!(find(&mut net, seeker, at).len(), 1);
    // The three nearest stay away: others are asked instead.
    for node in &near[..3] {
        net.set_online(*node, false);
    }
    let found = net.lookup(T0, seeker, &[at], T0 + 600_000);
    assert!(found.complete);
    assert_eq!(found.records.len(), 1);
    assert_eq!(
        found.completed_at,
        T0 + 3 * 1_000 + 100,
        "three attempts of 1 s, then an answer"
    );
    // Next time the silent ones are not asked.
    assert_eq!(
        net.lookup(T0, seeker, &[at], T0 + 600_000).completed_at,
        T0 + 100
    );
}

#[test]
fn a_replica_that_missed_the_newer_record_serves_the_older() {
    let n = 500;
    let at = listing(0);
    let mut net = network(
        n,
        NetworkConfig {
            message_loss: 0.5,
            retries: 0,
            k: 32,
            alpha: 1,
            ..calm()
        },
    );
    for sequence in 1..=6 {
        announce(&mut net, 0, at, &offer(0, sequence));
    }
    // Versions live on at different replicas; whoever asks them all gets the newest.
    assert!(net.stored() > 1, "{} versions", net.stored());
    let mut sequences = std::collections::BTreeSet::new();
    for seeker in 1..n {
        let found = find(&mut net, seeker, at);
        assert!(found.len() <= 1);
        sequences.extend(found.iter().map(|r| r.sequence()));
    }
    assert!(
        sequences.contains(&6) && sequences.len() > 1,
        "{sequences:?}"
    );
}

#[test]
fn who_is_down_can_do_nothing() {
    let mut net = network(50, calm());
    announce(&mut net, 1, listing(0), &offer(1, 1));
    find(&mut net, 2, listing(0));
    assert_eq!(net.remembered(2), 1);
    net.set_online(2, false);
    assert!(!net.is_online(2) && net.is_online(1));
    assert_eq!(net.remembered(2), 0, "a crash forgets");
    let before = net.counters().messages;
    assert_eq!(announce(&mut net, 2, listing(0), &offer(2, 1)).stored, 0);
    assert_eq!(net.withdraw(T0, 2, listing(0), meter(2)).removed, 0);
    let found = net.lookup(T0, 2, &[listing(0)], T0 + 1_000);
    assert!(!found.complete && found.records.is_empty());
    assert_eq!(net.send(T0, 2, 1), None);
    assert_eq!(net.counters().messages, before);
    // A message to it is sent and lost; an unknown node is nobody.
    assert_eq!(net.send(T0, 1, 2), None);
    assert_eq!(net.counters().messages, before + 1);
    assert_eq!(net.send(T0, 1, 50), None);
    assert_eq!(net.send(T0, 50, 1), None);
    net.set_online(50, false);
    net.set_online(2, true);
    assert!(net.send(T0, 1, 2).is_some());
}

#[test]
fn direct_messages_take_the_delay_that_was_set() {
    let config = NetworkConfig {
        latency_ms: (10, 60),
        message_loss: 0.2,
        ..NetworkConfig::default()
    };
    let mut net = network(2, config.clone());
    let delays: Vec<u64> = (0..10_000)
        .filter_map(|_| net.send(T0, 0, 1))
        .map(|at| at - T0)
        .collect();
    let mean = |d: &[u64]| d.iter().sum::<u64>() as f64 / d.len() as f64;
    assert!(
        (delays.len() as f64 - 8_000.0).abs() < 160.0,
        "{}",
        delays.len()
    );
    assert_eq!(
        (delays.iter().min(), delays.iter().max()),
        (Some(&10), Some(&60))
    );
    assert!((mean(&delays) - 35.0).abs() < 1.0, "{}", mean(&delays));
    assert_eq!(net.counters().direct, 10_000);

    let mut slow = network(
        2,
        NetworkConfig {
            extra_delay_mean_ms: 500.0,
            message_loss: 0.0,
            ..config
        },
    );
    let delays: Vec<u64> = (0..10_000)
        .filter_map(|_| slow.send(T0, 0, 1))
        .map(|at| at - T0)
        .collect();
    assert!((mean(&delays) - 535.0).abs() < 20.0, "{}", mean(&delays));
    let above = delays.iter().filter(|d| **d > 535 + 500).count() as f64 / 10_000.0;
    assert!(
        (above - (-2.0f64).exp()).abs() < 0.02,
        "the tail of an exponential: {above}"
    );
}
