//! Prints what look-ups cost: `cargo run -p wattpool-network-memory --example figures [nodes ...]`.
//!
//! Each node first announces an offer at its shard and at its own location and looks up four shards (cold); then
//! windows of the same follow (warm). About 32 offers are listed per shard, as in the market.
#![allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_precision_loss,
    clippy::unwrap_used,
    reason = "an example that prints figures"
)]

use std::sync::Arc;
use std::time::Instant;
use wattpool_network_memory::{Network, NetworkConfig};
use wattpool_schema::peer::{shard, shards_for, Location, Offer, Record, SignedRecord};
use wattpool_schema::{MeterId, Price, Seconds, Signature, Wh, Window, Zone};

const NAME: &str = "figures-1/escrow";
const START_MS: u64 = 1_700_000_000_000;
const WINDOW_MS: u64 = 900_000;
const LOCATIONS: u16 = 4;
const WARM_WINDOWS: u64 = 5;

/// A spread meter id.
fn meter(i: u32) -> MeterId {
    let lead = u64::from(i)
        .wrapping_add(1)
        .wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut id = [0; 16];
    id[..8].copy_from_slice(&lead.to_be_bytes());
    MeterId(id)
}

fn offer(meter: MeterId, sequence: u64, expires_at: u64) -> Arc<SignedRecord> {
    let offer = Offer {
        version: 1,
        network: NAME.into(),
        meter,
        zone: Zone(1),
        window: Window(sequence),
        wh: Wh(500),
        price: Price(200_000),
        sequence,
        expires_at: Seconds(expires_at),
        peer: vec![0; 38],
    };
    Arc::new(SignedRecord {
        record: Record::Offer(offer),
        signature: Signature([0; 64]),
    })
}

fn run(nodes: u32) {
    let ids = (0..nodes)
        .map(|i| Location::of_meter(NAME, &meter(i)).0)
        .collect();
    let began = Instant::now();
    let mut net = Network::new(1, ids, NetworkConfig::default()).unwrap();
    println!(
        "{nodes} nodes, made in {:.1} ms",
        began.elapsed().as_secs_f64() * 1e3
    );
    let shards = shards_for(u64::from(nodes));
    let listing = |s: u16| Location::of_offers(NAME, Zone(1), 1, s % shards);
    println!("  window       announce µs  look-up µs  per location  messages so far: p50    p95  rounds  virtual ms so far p50  records  memory B/node");
    for window in 0..=WARM_WINDOWS {
        let now = START_MS + window * WINDOW_MS;
        net.expire(now / 1_000);
        let before = net.counters().clone();
        let records: Vec<_> = (0..nodes)
            .map(|i| offer(meter(i), window + 1, (now + WINDOW_MS) / 1_000 - 1))
            .collect();
        let began = Instant::now();
        for i in 0..nodes {
            let own = meter(i);
            for at in [listing(shard(&own, shards)), Location::of_meter(NAME, &own)] {
                net.announce(now, i, at, &records[i as usize], |_| true);
            }
        }
        let announce = began.elapsed().as_secs_f64() * 1e6 / (2.0 * f64::from(nodes));
        let asked: Vec<Vec<Location>> = (0..nodes)
            .map(|i| {
                // Not the own shard: its closest nodes are known from announcing.
                let own = shard(&meter(i), shards);
                (1..=LOCATIONS.min(shards))
                    .map(|s| listing(own + s))
                    .collect()
            })
            .collect();
        let began = Instant::now();
        let mut found = 0;
        for (i, at) in (0..nodes).zip(&asked) {
            found += net.lookup(now + 60_000, i, at, now + 120_000).records.len();
        }
        let lookup = began.elapsed().as_secs_f64() * 1e6 / f64::from(nodes);
        let after = net.counters();
        let kind = if after.cold_lookups > before.cold_lookups {
            "cold"
        } else {
            "warm"
        };
        println!(
            "  {window} ({kind})     {announce:10.2}  {lookup:10.2}  {:12.2}  {:20}  {:5}  {:6.2}  {:21}  {:7.1}  {:13}",
            lookup / asked[0].len() as f64,
            after.messages_per_lookup.percentile(50).unwrap_or(0),
            after.messages_per_lookup.percentile(95).unwrap_or(0),
            (after.rounds - before.rounds) as f64 / f64::from(nodes),
            after.lookup_ms.percentile(50).unwrap_or(0),
            f64::from(u32::try_from(found).unwrap()) / f64::from(nodes),
            net.memory_bytes() / nodes as usize,
        );
    }
    let all = net.counters();
    println!(
        "  in all: {} messages, {:.1} MB, {} searches of {:.2} rounds",
        all.messages,
        all.bytes as f64 / 1e6,
        all.searches,
        all.search_rounds as f64 / all.searches as f64
    );
}

fn main() {
    let sizes: Vec<u32> = std::env::args()
        .skip(1)
        .filter_map(|n| n.parse().ok())
        .collect();
    for nodes in if sizes.is_empty() {
        vec![1_000, 10_000]
    } else {
        sizes
    } {
        run(nodes);
    }
}
