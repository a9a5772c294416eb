//! How much each meter may ask, and each host for its peers without one; and who is banned.

use crate::members::{Host, Source};
use libp2p::PeerId;
use std::collections::HashMap;
use std::hash::Hash;
use std::time::{Duration, Instant};
use wattpool_schema::MeterId;

/// Peers remembered at once; whoever was quiet for longest is forgotten first.
const REMEMBERED: usize = 1_024;
/// A strike is forgiven after this.
const FORGIVEN: Duration = Duration::from_secs(10);
/// One in so many requests turned away is a strike: whoever goes on and on is banned.
const INSISTS: u32 = 16;
/// Units of an allowance: one request.
const REQUEST: u64 = 1_000;

/// An allowance that fills with time (a token bucket), in thousandths of a request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Allowance {
    left: u64,
    at: Instant,
}

impl Allowance {
    pub fn full(burst: u32, now: Instant) -> Self {
        Self {
            left: u64::from(burst).saturating_mul(REQUEST),
            at: now,
        }
    }

    /// Takes one request from it; false if it is empty.
    pub fn take(&mut self, burst: u32, per_second: u32, now: Instant) -> bool {
        let passed = now.saturating_duration_since(self.at).as_millis();
        let passed = u64::try_from(passed).unwrap_or(u64::MAX);
        // Per millisecond so many thousandths as requests per second.
        let filled = passed.saturating_mul(u64::from(per_second));
        if filled > 0 {
            self.at = now;
            self.left = self
                .left
                .saturating_add(filled)
                .min(u64::from(burst).saturating_mul(REQUEST));
        }
        let enough = self.left >= REQUEST;
        if enough {
            self.left = self.left.saturating_sub(REQUEST);
        }
        enough
    }
}

struct Rate {
    allowance: Allowance,
    turned_away: u32,
    seen: Instant,
}

struct Strikes {
    strikes: u32,
    forgiven: Instant,
    seen: Instant,
}

/// Allowances of meters, and of hosts for all peers without a meter there; strikes of peers.
pub(crate) struct Guard {
    burst: u32,
    rate: u32,
    most: u32,
    meters: HashMap<MeterId, Rate>,
    hosts: HashMap<Host, Rate>,
    peers: HashMap<PeerId, Strikes>,
}

/// The entry of a key in a map that remembers so many.
fn remembered<K: Clone + Eq + Hash>(
    map: &mut HashMap<K, Rate>,
    key: K,
    burst: u32,
    now: Instant,
) -> &mut Rate {
    if !map.contains_key(&key) {
        make_room(map, REMEMBERED, |r| r.seen);
    }
    let rate = map.entry(key).or_insert_with(|| Rate {
        allowance: Allowance::full(burst, now),
        turned_away: 0,
        seen: now,
    });
    rate.seen = now;
    rate
}

impl Guard {
    pub fn new(burst: u32, rate: u32, strikes: u32) -> Self {
        Self {
            burst,
            rate,
            most: strikes,
            meters: HashMap::new(),
            hosts: HashMap::new(),
            peers: HashMap::new(),
        }
    }

    /// Whether one thing more may be asked.
    ///
    /// # Errors
    /// It may not; the number says how many strikes that earns.
    pub fn allows(&mut self, source: Source, now: Instant) -> Result<(), u32> {
        let (burst, per_second) = (self.burst, self.rate);
        let rate = match source {
            Source::Meter(meter) => remembered(&mut self.meters, meter, burst, now),
            Source::Host(host) => remembered(&mut self.hosts, host, burst, now),
        };
        if rate.allowance.take(burst, per_second, now) {
            return Ok(());
        }
        rate.turned_away = rate.turned_away.saturating_add(1);
        let insists = rate.turned_away >= INSISTS;
        if insists {
            rate.turned_away = 0;
        }
        Err(u32::from(insists))
    }

    /// Counts strikes against a peer; true if it is to be banned for them.
    pub fn strike(&mut self, peer: PeerId, strikes: u32, now: Instant) -> bool {
        let most = self.most;
        if !self.peers.contains_key(&peer) {
            make_room(&mut self.peers, REMEMBERED, |p| p.seen);
        }
        let peer = self.peers.entry(peer).or_insert(Strikes {
            strikes: 0,
            forgiven: now,
            seen: now,
        });
        peer.seen = now;
        while now.saturating_duration_since(peer.forgiven) >= FORGIVEN && peer.strikes > 0 {
            peer.strikes = peer.strikes.saturating_sub(1);
            peer.forgiven = peer.forgiven.checked_add(FORGIVEN).unwrap_or(now);
        }
        if peer.strikes == 0 {
            peer.forgiven = now;
        }
        peer.strikes = peer.strikes.saturating_add(strikes);
        let banned = peer.strikes >= most;
        if banned {
            peer.strikes = 0;
        }
        banned
    }
}

/// Takes the entry with the least stamp out of a full map.
pub(crate) fn make_room<K: Clone + Eq + Hash, V, T: Ord>(
    map: &mut HashMap<K, V>,
    most: usize,
    stamp: impl Fn(&V) -> T,
) -> Option<(K, V)> {
    if map.len() < most {
        return None;
    }
    let least = map
        .iter()
        .min_by_key(|(_, v)| stamp(v))
        .map(|(k, _)| k.clone())?;
    map.remove_entry(&least)
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "small numbers of a test")]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    fn host(n: u32) -> Source {
        Source::Host(Host::V4(Ipv4Addr::from(n)))
    }

    fn after(start: Instant, ms: u64) -> Instant {
        start.checked_add(Duration::from_millis(ms)).unwrap()
    }

    #[test]
    fn a_burst_passes_and_then_the_rate() {
        let (start, peer) = (Instant::now(), host(1));
        let mut guard = Guard::new(5, 2, 3);
        let passed = (0..20)
            .filter(|_| guard.allows(peer, start).is_ok())
            .count();
        assert_eq!(passed, 5);
        // Two a second for ten seconds, asked for every 100 ms.
        let passed = (1..=100).filter(|i| guard.allows(peer, after(start, i * 100)).is_ok());
        assert_eq!(passed.count(), 20);
        let other = guard.allows(Source::Meter(MeterId([1; 16])), start);
        assert_eq!(other, Ok(()), "others are not concerned");
        // 15 and 80 were turned away.
        let strikes: u32 = (0..17)
            .filter_map(|_| guard.allows(peer, after(start, 10_000)).err())
            .sum();
        assert_eq!(
            strikes, 2,
            "of 112 in all, those since the last strike count"
        );
    }

    #[test]
    fn strikes_ban_and_are_forgiven() {
        let (start, peer) = (Instant::now(), PeerId::random());
        let mut guard = Guard::new(5, 2, 3);
        assert!(!guard.strike(peer, 2, start));
        assert!(
            !guard.strike(peer, 1, after(start, 20_000)),
            "two are forgiven"
        );
        assert!(!guard.strike(peer, 1, after(start, 20_001)));
        assert!(guard.strike(peer, 1, after(start, 20_002)));
        assert!(
            !guard.strike(peer, 2, after(start, 20_003)),
            "it begins anew"
        );
    }

    #[test]
    fn no_more_peers_are_remembered_than_bounded() {
        let start = Instant::now();
        let mut guard = Guard::new(5, 2, 3);
        for i in 0..3_000 {
            let number = u32::try_from(i).unwrap();
            let _ = guard.allows(host(number), after(start, i));
            guard.strike(PeerId::random(), 1, after(start, i));
        }
        assert!(guard.hosts.len() <= REMEMBERED && guard.peers.len() <= REMEMBERED);
    }
}
