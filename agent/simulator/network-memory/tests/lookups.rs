//! Cost, deadlines, memory and repeatability of look-ups.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "small numbers of a test"
)]

mod common;
use common::*;
use wattpool_network_memory::{Counters, LookupOutcome, Network, NetworkConfig, NetworkError};

#[test]
fn the_first_lookup_searches_and_the_next_asks_alpha() {
    let mut net = network(1_000, calm());
    announce(&mut net, 0, listing(0), &offer(0, 1));
    let before = net.counters().clone();
    let cold = net.lookup(T0, 9, &[listing(0)], T0 + 60_000);
    let between = net.counters().clone();
    let warm = net.lookup(T0, 9, &[listing(0)], T0 + 60_000);
    let after = net.counters().clone();
    assert!(cold.complete && warm.complete);
    assert_eq!(cold.records, warm.records);
    let searched = between.messages - before.messages;
    assert!(
        (40..=56).contains(&searched),
        "{searched} messages to ask 20 to 28 nodes"
    );
    assert_eq!(between.cold_lookups - before.cold_lookups, 1);
    assert_eq!(
        cold.completed_at - T0,
        100 * (between.rounds - before.rounds)
    );
    assert_eq!(after.messages - between.messages, 6);
    assert_eq!(after.cold_lookups, between.cold_lookups);
    assert_eq!(warm.completed_at, T0 + 100);
    assert_eq!((after.lookups, after.rounds - between.rounds), (2, 1));
    assert_eq!(after.messages_per_lookup.percentile(50), Some(6));
    assert_eq!(after.messages_per_lookup.most(), searched);
    // Told to within 1/32.
    assert_eq!(after.lookup_ms.percentile(0), Some(101));
    assert!(after.bytes > between.bytes);
}

#[test]
fn locations_are_asked_in_parallel_and_each_once() {
    let mut net = network(1_000, calm());
    let at: Vec<_> = (0..5).map(listing).collect();
    for (i, at) in (0..5).zip(&at) {
        announce(&mut net, i, *at, &offer(i, 1));
    }
    net.lookup(T0, 9, &at, T0 + 60_000);
    let before = net.counters().messages;
    let twice: Vec<_> = at.iter().chain(&at).copied().collect();
    let found = net.lookup(T0, 9, &twice, T0 + 60_000);
    assert_eq!(found.records.len(), 5);
    assert_eq!(found.completed_at, T0 + 100);
    assert_eq!(net.counters().messages - before, 5 * 6);
    let nothing = net.lookup(T0, 9, &[], T0 + 60_000);
    assert!(nothing.complete && nothing.completed_at == T0);
}

#[test]
fn what_is_not_in_by_the_deadline_is_left_out() {
    let mut net = network(1_000, calm());
    let (known, new) = (listing(0), listing(1));
    announce(&mut net, 0, known, &offer(0, 1));
    announce(&mut net, 1, new, &offer(1, 1));
    assert!(net.lookup(T0, 9, &[known], T0 + 60_000).complete);

    let in_time = net.lookup(T0, 9, &[known], T0 + 100);
    assert!(in_time.complete && in_time.records.len() == 1);
    let late = net.lookup(T0, 9, &[known], T0 + 99);
    assert_eq!(
        late,
        LookupOutcome {
            completed_at: T0 + 99,
            complete: false,
            records: vec![]
        }
    );
    let past = net.lookup(T0, 9, &[known], T0 - 1);
    assert_eq!(
        past,
        LookupOutcome {
            completed_at: T0,
            complete: false,
            records: vec![]
        }
    );

    // The remembered location answers in the one round there is time for, the other does not get to an end.
    let partial = net.lookup(T0, 9, &[known, new], T0 + 100);
    assert!(!partial.complete);
    assert!(partial.records.contains(&offer(0, 1)));
    assert_eq!(partial.completed_at, T0 + 100);
    let full = net.lookup(T0, 9, &[known, new], T0 + 60_000);
    assert!(full.complete);
    assert_eq!(full.records, vec![offer(0, 1), offer(1, 1)]);
}

#[test]
fn a_search_cut_short_still_uses_the_lists_that_came() {
    let mut net = network(1_000, calm());
    announce(&mut net, 0, listing(0), &offer(0, 1));
    // Five rounds: the closest are known by then, but not all have answered.
    let found = net.lookup(T0, 9, &[listing(0)], T0 + 500);
    assert!(!found.complete);
    assert_eq!(found.records, vec![offer(0, 1)]);
    assert_eq!(net.remembered(9), 0, "only a finished search is remembered");
}

#[test]
fn memory_per_node_is_bounded() {
    let config = NetworkConfig {
        remembered_locations: 8,
        ..calm()
    };
    let mut net = network(1_000, config);
    for shard in 0..100 {
        net.lookup(T0, 9, &[listing(shard)], T0 + 60_000);
        assert_eq!(net.remembered(9), usize::from(shard + 1).min(8));
    }
    // The last eight are still known, the others are not; what is used stays.
    let cold = |net: &mut Network, shard| {
        let before = net.counters().cold_lookups;
        net.lookup(T0, 9, &[listing(shard)], T0 + 60_000);
        net.counters().cold_lookups > before
    };
    assert!(!cold(&mut net, 92));
    assert!(cold(&mut net, 0));
    assert!(!cold(&mut net, 92));
    assert!(cold(&mut net, 93));
    assert_eq!(net.remembered(9), 8);

    let mut large = network(10_000, calm());
    for node in 0..10_000u16 {
        let near: Vec<_> = (0..8).map(|i| listing((node + i) % 64)).collect();
        if node % 10 == 0 {
            large.lookup(T0, node.into(), &near, T0 + 60_000);
        }
    }
    let grown = large.memory_bytes();
    assert!(grown < 10_000 * 150, "{grown} bytes");
}

#[test]
fn what_is_remembered_is_renewed_after_a_while() {
    let config = NetworkConfig {
        remember_ms: 1_000_000,
        ..calm()
    };
    let mut net = network(200, config);
    let mut searches = |after: u64| {
        for seeker in 0..100 {
            net.lookup(T0 + after, seeker, &[listing(0)], T0 + after + 60_000);
        }
        net.counters().searches
    };
    assert_eq!(searches(0), 100);
    assert_eq!(searches(749_999), 100);
    let some = searches(1_000_000);
    assert!((130..=170).contains(&some), "about half are due: {some}");
    assert_eq!(searches(1_250_000), 200);
}

/// A day in the life of a faulty network, written down.
#[allow(clippy::unwrap_used, reason = "a helper of tests")]
fn story(seed: u64) -> (Vec<LookupOutcome>, Vec<u32>, Counters) {
    let config = NetworkConfig {
        message_loss: 0.05,
        extra_delay_mean_ms: 30.0,
        ..NetworkConfig::default()
    };
    let mut net = Network::new(seed, ids(400), config).unwrap();
    let (mut found, mut stored) = (Vec::new(), Vec::new());
    for step in 0..600u32 {
        let now = T0 + u64::from(step) * 2_000;
        let node = step * 37 % 400;
        let shard = (step % 7) as u16;
        if step % 3 == 0 {
            stored.push(
                net.announce(
                    now,
                    node,
                    listing(shard),
                    &offer(node, u64::from(step) + 1),
                    |_| true,
                )
                .stored,
            );
        }
        if step % 11 == 0 {
            net.set_online(step * 53 % 400, step % 2 == 0);
        }
        if step % 13 == 0 {
            stored.push(net.withdraw(now, node, listing(shard), meter(node)).removed);
        }
        found.push(net.lookup(
            now,
            step * 91 % 400,
            &[listing(shard), listing(shard + 1)],
            now + 3_000,
        ));
        net.expire(now / 1_000);
    }
    (found, stored, net.counters().clone())
}

#[test]
fn the_same_seed_and_calls_give_the_same_run() {
    let (a, b, other) = (story(1), story(1), story(2));
    assert!(a == b);
    assert!(a.2 != other.2);
    assert!(a.0.iter().any(|f| f.complete && f.records.len() > 3));
    assert!(a.0.iter().any(|f| !f.complete));
}

#[test]
fn settings_out_of_range_are_refused_by_name() {
    let refused = |config: NetworkConfig| match Network::new(1, ids(3), config) {
        Err(NetworkError::Setting { field, .. }) => field,
        Err(other) => panic!("{other}"),
        Ok(_) => "accepted",
    };
    let base = NetworkConfig::default;
    assert_eq!(refused(base()), "accepted");
    assert_eq!(refused(NetworkConfig { k: 0, ..base() }), "k");
    assert_eq!(refused(NetworkConfig { k: 33, ..base() }), "k");
    assert_eq!(
        refused(NetworkConfig {
            alpha: 21,
            ..base()
        }),
        "alpha"
    );
    assert_eq!(
        refused(NetworkConfig {
            latency_ms: (60, 10),
            ..base()
        }),
        "latency_ms"
    );
    assert_eq!(
        refused(NetworkConfig {
            message_loss: 1.01,
            ..base()
        }),
        "message_loss"
    );
    assert_eq!(
        refused(NetworkConfig {
            message_loss: f64::NAN,
            ..base()
        }),
        "message_loss"
    );
    assert_eq!(
        refused(NetworkConfig {
            extra_delay_mean_ms: -1.0,
            ..base()
        }),
        "extra_delay_mean_ms"
    );
    assert_eq!(
        refused(NetworkConfig {
            retries: 17,
            ..base()
        }),
        "retries"
    );
    assert_eq!(
        refused(NetworkConfig {
            timeout_ms: 0,
            ..base()
        }),
        "timeout_ms"
    );
    assert_eq!(
        refused(NetworkConfig {
            remembered_locations: 0,
            ..base()
        }),
        "remembered_locations"
    );
    let text = NetworkConfig { k: 33, ..base() }
        .check()
        .unwrap_err()
        .to_string();
    assert_eq!(text, "network.k: expected 1 to 32, found 33");
    let twins = Network::new(1, vec![[1; 32], [2; 32], [1; 32]], base())
        .err()
        .unwrap();
    assert_eq!(
        twins,
        NetworkError::DuplicateId {
            first: 0,
            second: 2
        }
    );
    assert!(Network::new(1, vec![], base()).unwrap().is_empty());
}
