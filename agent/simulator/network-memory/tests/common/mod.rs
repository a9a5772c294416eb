//! A neighbourhood's nodes and records for the tests.
#![allow(dead_code, reason = "each test file uses its part")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests"
)]

use std::sync::Arc;
use wattpool_network_memory::{AnnounceOutcome, Network, NetworkConfig, NodeIndex};
use wattpool_schema::peer::{Location, Offer, Record, SignedRecord, Status};
use wattpool_schema::{MeterId, Price, Seconds, Signature, Wh, Window, Zone};

pub const NAME: &str = "test-1/escrow";
/// When the tests begin: milliseconds, and the same in seconds of chain time.
pub const T0: u64 = 1_700_000_000_000;
pub const T0_S: u64 = 1_700_000_000;

pub fn meter(i: u32) -> MeterId {
    let mut id = [0; 16];
    id[..4].copy_from_slice(&i.to_be_bytes());
    MeterId(id)
}

pub fn ids(n: u32) -> Vec<[u8; 32]> {
    (0..n)
        .map(|i| Location::of_meter(NAME, &meter(i)).0)
        .collect()
}

/// No loss, 50 ms one way.
pub fn calm() -> NetworkConfig {
    NetworkConfig {
        latency_ms: (50, 50),
        ..NetworkConfig::default()
    }
}

pub fn network(n: u32, config: NetworkConfig) -> Network {
    Network::new(7, ids(n), config).unwrap()
}

pub fn offer_until(i: u32, sequence: u64, wh: u64, expires_at: u64) -> Arc<SignedRecord> {
    Arc::new(SignedRecord {
        record: Record::Offer(Offer {
            version: 1,
            network: NAME.into(),
            meter: meter(i),
            zone: Zone(1),
            window: Window(1),
            wh: Wh(wh),
            price: Price(200_000),
            sequence,
            expires_at: Seconds(expires_at),
            peer: vec![1; 38],
        }),
        signature: Signature([1; 64]),
    })
}

pub fn offer(i: u32, sequence: u64) -> Arc<SignedRecord> {
    offer_until(i, sequence, 100, T0_S + 1_800)
}

pub fn status(i: u32, sequence: u64) -> Arc<SignedRecord> {
    Arc::new(SignedRecord {
        record: Record::Status(Status {
            version: 1,
            network: NAME.into(),
            meter: meter(i),
            zone: Zone(1),
            window: Window(1),
            surplus: true,
            wh: Wh(96),
            sequence,
            expires_at: Seconds(T0_S + 1_800),
        }),
        signature: Signature([1; 64]),
    })
}

pub fn listing(shard: u16) -> Location {
    Location::of_offers(NAME, Zone(1), 1, shard)
}

pub fn announce(
    net: &mut Network,
    node: NodeIndex,
    at: Location,
    record: &Arc<SignedRecord>,
) -> AnnounceOutcome {
    net.announce(T0, node, at, record, |_| true)
}

/// What a look-up without hurry finds.
pub fn find(net: &mut Network, node: NodeIndex, at: Location) -> Vec<Arc<SignedRecord>> {
    net.lookup(T0, node, &[at], T0 + 600_000).records
}

/// The nodes closest to a location, by a full scan.
pub fn closest(n: u32, at: Location, count: usize) -> Vec<NodeIndex> {
    let ids = ids(n);
    let mut nodes: Vec<NodeIndex> = (0..n).collect();
    nodes.sort_by_key(|i| {
        let id = ids[*i as usize];
        std::array::from_fn::<u8, 32, _>(|b| id[b] ^ at.0[b])
    });
    nodes.truncate(count);
    nodes
}
