//! XOR distance, bucket tables and closest nodes over the sorted ids.
//!
//! Nodes are kept in the order of their keys, and their position there is their `Rank`. A Kademlia bucket is then
//! a contiguous range, so no table is stored: a node's contacts in a bucket are drawn from the range by a hash of
//! the seed, the node and the bucket, the same ones every time.
//! (Maymounkov and Mazières 2002, "Kademlia: A Peer-to-peer Information System Based on the XOR Metric", §2.2–2.3.)

use crate::config::NetworkError;
use crate::NodeIndex;
use std::ops::Range;
use wattpool_chance::spread;

/// The leading 128 bits of an id: what routing looks at.
pub(crate) type Key = u128;
/// A node's position among the sorted keys.
pub(crate) type Rank = u32;

/// The key of an id or a location.
pub(crate) fn key(id: &[u8; 32]) -> Key {
    let (lead, _) = id.split_at(16);
    lead.iter()
        .fold(0, |key, byte| (key << 8) | Key::from(*byte))
}

/// A number below `n`, from 64 random bits (multiply-shift; the bias is below n/2⁶⁴).
#[allow(
    clippy::cast_possible_truncation,
    reason = "the product's upper half is below n"
)]
pub(crate) fn below(random: u64, n: u64) -> u64 {
    (u128::from(random).wrapping_mul(u128::from(n)) >> 64) as u64
}

/// The nodes that share 0, 1, 2, … leading bits with a target: as long as there are any.
pub(crate) struct Branch {
    target: Key,
    ranges: Vec<Range<Rank>>,
}

impl Branch {
    pub(crate) const fn target(&self) -> Key {
        self.target
    }

    fn at(&self, depth: u32) -> Range<Rank> {
        usize::try_from(depth)
            .ok()
            .and_then(|d| self.ranges.get(d))
            .cloned()
            .unwrap_or(0..0)
    }

    /// The nodes that share exactly `depth` leading bits with the target.
    fn beside(&self, depth: u32) -> Range<Rank> {
        let (outer, inner) = (self.at(depth), self.at(depth.saturating_add(1)));
        if inner.is_empty() {
            // Nobody beyond this depth: all of them, unless they are beyond it themselves.
            outer
        } else if outer.start == inner.start {
            inner.end..outer.end
        } else {
            outer.start..inner.start
        }
    }
}

/// All nodes' keys, and the seed of their tables.
pub(crate) struct Routing {
    keys: Vec<Key>,
    k: usize,
    seed: u64,
}

impl Routing {
    /// Sorts the ids. Also gives the rank of each node.
    pub(crate) fn new(
        ids: &[[u8; 32]],
        k: usize,
        seed: u64,
    ) -> Result<(Self, Vec<Rank>), NetworkError> {
        let mut sorted = Vec::with_capacity(ids.len());
        for (i, id) in ids.iter().enumerate() {
            let node: NodeIndex = u32::try_from(i)
                .ok()
                .filter(|n| n >> 31 == 0)
                .ok_or(NetworkError::TooMany(ids.len()))?;
            sorted.push((key(id), node));
        }
        sorted.sort_unstable();
        for pair in sorted.windows(2) {
            if let [(a, first), (b, second)] = pair {
                if a == b {
                    return Err(NetworkError::DuplicateId {
                        first: *first,
                        second: *second,
                    });
                }
            }
        }
        let mut ranks = vec![0; sorted.len()];
        for (rank, (_, node)) in (0..).zip(&sorted) {
            if let Some(r) = usize::try_from(*node).ok().and_then(|n| ranks.get_mut(n)) {
                *r = rank;
            }
        }
        let keys = sorted.into_iter().map(|(key, _)| key).collect();
        Ok((
            Self {
                keys,
                k,
                seed: spread(seed),
            },
            ranks,
        ))
    }

    pub(crate) fn key_of(&self, rank: Rank) -> Key {
        usize::try_from(rank)
            .ok()
            .and_then(|r| self.keys.get(r))
            .copied()
            .unwrap_or(0)
    }

    fn all(&self) -> Range<Rank> {
        0..u32::try_from(self.keys.len()).unwrap_or(u32::MAX)
    }

    /// Splits nodes that share `depth` leading bits by the bit after them: where the ones begin.
    fn split(&self, range: &Range<Rank>, depth: u32) -> Rank {
        let (mut low, mut high) = (range.start, range.end);
        while low < high {
            let middle = low.midpoint(high);
            if bit(self.key_of(middle), depth) {
                high = middle;
            } else {
                low = middle.saturating_add(1);
            }
        }
        low
    }

    /// Of nodes that share `depth` leading bits: those that agree with `key` in the next bit, and the others.
    fn sides(&self, range: &Range<Rank>, depth: u32, key: Key) -> (Range<Rank>, Range<Rank>) {
        let middle = self.split(range, depth);
        let (zeros, ones) = (range.start..middle, middle..range.end);
        if bit(key, depth) {
            (ones, zeros)
        } else {
            (zeros, ones)
        }
    }

    /// The way down to a target.
    pub(crate) fn branch(&self, target: Key) -> Branch {
        let mut ranges = vec![self.all()];
        for depth in 0..Key::BITS {
            let Some(range) = ranges.last().filter(|r| !r.is_empty()) else {
                break;
            };
            let (same, _) = self.sides(range, depth, target);
            ranges.push(same);
        }
        Branch { target, ranges }
    }

    /// The `n` nodes closest to a target, nearest first: the truth that routing has to find.
    pub(crate) fn closest(&self, target: Key, n: usize) -> Vec<Rank> {
        let mut found = Vec::with_capacity(n);
        self.collect(self.all(), 0, target, n, &mut found);
        found
    }

    fn collect(
        &self,
        range: Range<Rank>,
        depth: u32,
        target: Key,
        n: usize,
        found: &mut Vec<Rank>,
    ) {
        let room = n.saturating_sub(found.len());
        if room == 0 || range.is_empty() {
            return;
        }
        if range.len() <= 32 {
            let mut nodes: Vec<Rank> = range.collect();
            self.sort(&mut nodes, target);
            found.extend(nodes.into_iter().take(room));
            return;
        }
        let (near, far) = self.sides(&range, depth, target);
        let deeper = depth.saturating_add(1);
        self.collect(near, deeper, target, n, found);
        self.collect(far, deeper, target, n, found);
    }

    fn sort(&self, nodes: &mut [Rank], target: Key) {
        nodes.sort_unstable_by_key(|rank| self.key_of(*rank) ^ target);
    }

    /// What a node answers when asked for the target: the `k` closest contacts of its table, nearest first.
    pub(crate) fn contacts(&self, node: Rank, branch: &Branch, out: &mut Vec<Rank>) {
        out.clear();
        let own = self.key_of(node);
        let shared = (own ^ branch.target).leading_zeros();
        // The bucket on the target's side of where the two part, then everything on the node's own side of it,
        // then the buckets further up: each wholly farther from the target than the one before.
        if shared < Key::BITS {
            let deeper = shared.saturating_add(1);
            self.bucket(node, shared, branch.at(deeper), branch.target, out);
            self.own_side(node, deeper, branch.beside(shared), branch.target, out);
        }
        for depth in (0..shared).rev() {
            if out.len() >= self.k {
                break;
            }
            self.bucket(node, depth, branch.beside(depth), branch.target, out);
        }
        out.truncate(self.k);
    }

    /// The node's contacts among `range`, the nodes that share `depth` leading bits with it, nearest to the target first.
    fn own_side(
        &self,
        node: Rank,
        depth: u32,
        range: Range<Rank>,
        target: Key,
        out: &mut Vec<Rank>,
    ) {
        if out.len() >= self.k || range.len() <= 1 {
            return;
        }
        if range.len() <= self.k {
            // No bucket in here can overflow: the node knows them all.
            let from = out.len();
            out.extend(range.filter(|other| *other != node));
            if let Some(added) = out.get_mut(from..) {
                self.sort(added, target);
            }
            return;
        }
        let own = self.key_of(node);
        let (same, other) = self.sides(&range, depth, own);
        let deeper = depth.saturating_add(1);
        if bit(own, depth) == bit(target, depth) {
            self.own_side(node, deeper, same, target, out);
            self.bucket(node, depth, other, target, out);
        } else {
            self.bucket(node, depth, other, target, out);
            self.own_side(node, deeper, same, target, out);
        }
    }

    /// Adds the node's contacts in the bucket that covers `range`: all of it, or `k` chosen (Floyd's sampling), sorted.
    fn bucket(&self, node: Rank, depth: u32, range: Range<Rank>, target: Key, out: &mut Vec<Rank>) {
        if out.len() >= self.k {
            return;
        }
        let from = out.len();
        let size = u32::try_from(range.len()).unwrap_or(u32::MAX);
        let k = u32::try_from(self.k).unwrap_or(u32::MAX);
        if size <= k {
            out.extend(range);
        } else {
            let mut state = spread(self.seed ^ spread((u64::from(node) << 8) | u64::from(depth)));
            for last in size.saturating_sub(k)..size {
                state = spread(state);
                let drawn =
                    u32::try_from(below(state, u64::from(last).saturating_add(1))).unwrap_or(last);
                let pick = range.start.saturating_add(drawn);
                let taken = out.get(from..).is_some_and(|added| added.contains(&pick));
                out.push(if taken {
                    range.start.saturating_add(last)
                } else {
                    pick
                });
            }
        }
        if let Some(added) = out.get_mut(from..) {
            self.sort(added, target);
        }
    }
}

/// The bit after `depth` leading ones.
const fn bit(key: Key, depth: u32) -> bool {
    key.wrapping_shl(depth) >> 127 == 1
}

#[cfg(test)]
#[allow(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "small numbers of a test"
)]
mod tests {
    use super::*;

    /// Ids spread by a hash; with `clustered`, half of them share 24 leading bits.
    fn ids(n: u32, clustered: bool) -> Vec<[u8; 32]> {
        let id = |i: u32| {
            let mut id = [0; 32];
            for (at, part) in id.chunks_mut(8).enumerate() {
                part.copy_from_slice(&spread(u64::from(i) * 4 + at as u64).to_be_bytes());
            }
            if clustered && i.is_multiple_of(2) {
                id[..3].fill(0x5a);
            }
            id
        };
        (0..n).map(id).collect()
    }

    fn targets(routing: &Routing) -> Vec<Key> {
        let free = (0..6u64).map(|i| (u128::from(spread(900 + i)) << 64) | u128::from(spread(i)));
        free.chain([
            0,
            Key::MAX,
            0x5a5a5a << 104,
            routing.key_of(0),
            routing.key_of(3),
        ])
        .collect()
    }

    #[test]
    fn closest_are_those_of_a_full_scan() {
        for (n, clustered) in [
            (1, false),
            (7, false),
            (100, true),
            (3_000, false),
            (3_000, true),
        ] {
            let (routing, _) = Routing::new(&ids(n, clustered), 20, 1).unwrap();
            for target in targets(&routing) {
                let mut all: Vec<Rank> = (0..n).collect();
                all.sort_by_key(|rank| routing.key_of(*rank) ^ target);
                all.truncate(64);
                assert_eq!(
                    routing.closest(target, 64),
                    all,
                    "{n} nodes, target {target:x}"
                );
            }
        }
    }

    #[test]
    fn contacts_are_the_closest_of_the_whole_table() {
        let k = 5;
        for (n, clustered) in [
            (1, false),
            (2, false),
            (30, true),
            (400, false),
            (400, true),
        ] {
            let (routing, _) = Routing::new(&ids(n, clustered), k, 7).unwrap();
            for node in (0..n).step_by(7) {
                // The table by its definition: nodes grouped by the leading bits they share with the node.
                let own = routing.key_of(node);
                let mut table = Vec::new();
                for depth in 0..Key::BITS {
                    let members: Vec<Rank> = (0..n)
                        .filter(|other| {
                            (routing.key_of(*other) ^ own).leading_zeros() == depth
                                && *other != node
                        })
                        .collect();
                    let Some((first, last)) = members.first().zip(members.last()) else {
                        continue;
                    };
                    let mut chosen = Vec::new();
                    routing.bucket(node, depth, *first..last + 1, own, &mut chosen);
                    assert_eq!(chosen.len(), members.len().min(k));
                    assert!(chosen.iter().all(|c| members.contains(c)));
                    table.extend(chosen);
                }
                let mut distinct = table.clone();
                distinct.sort_unstable();
                distinct.dedup();
                assert_eq!(distinct.len(), table.len());
                for target in targets(&routing) {
                    let mut want = table.clone();
                    want.sort_by_key(|rank| routing.key_of(*rank) ^ target);
                    want.truncate(k);
                    let mut got = Vec::new();
                    routing.contacts(node, &routing.branch(target), &mut got);
                    assert_eq!(got, want, "{n} nodes, node {node}, target {target:x}");
                }
            }
        }
    }

    #[test]
    fn bucket_choice_depends_on_seed_and_node() {
        let ids = ids(1_000, false);
        let pick = |seed, node| {
            let (routing, _) = Routing::new(&ids, 20, seed).unwrap();
            let mut out = Vec::new();
            routing.bucket(node, 0, 500..1_000, 0, &mut out);
            out
        };
        assert_eq!(pick(1, 3), pick(1, 3));
        assert_ne!(pick(1, 3), pick(2, 3));
        assert_ne!(pick(1, 3), pick(1, 4));
    }

    #[test]
    fn ids_alike_in_their_routed_bits_are_refused() {
        let mut ids = ids(3, false);
        ids[2] = ids[0];
        ids[2][31] ^= 1;
        let refused = Routing::new(&ids, 20, 1).err();
        assert_eq!(
            refused,
            Some(NetworkError::DuplicateId {
                first: 0,
                second: 2
            })
        );
    }
}
