//! A location of the DHT: the nodes near it, and the records they hold.

use crate::routing::{Key, Rank};
use crate::vicinity::Vicinity;
use std::sync::Arc;
use wattpool_schema::peer::{Location, Record, SignedRecord};

/// Most versions listed at one location: what libp2p's memory store accepts per node.
const MAX_LISTED: usize = 1024;

/// One version of a meter's record, with the replicas that hold it. Replicas that missed a newer one keep the older.
struct Entry {
    meter: u128,
    sequence: u64,
    expires_at: u64,
    /// Replicas that hold this version.
    holders: u64,
    /// Those of them that were told to list it no more; they keep it to refuse a replay.
    withdrawn: u64,
    bytes: u32,
    status: bool,
    record: Arc<SignedRecord>,
}

/// The state of a location. Bit `i` of a replica set is the `i`-th closest node.
pub(crate) struct Place {
    pub(crate) key: Key,
    /// The nodes closest to it.
    pub(crate) near: Vicinity,
    /// The number of crashes that its replica sets know of.
    synced: u64,
    entries: Vec<Entry>,
}

/// The parts of a record that replicas look at.
pub(crate) struct Facts {
    pub(crate) meter: u128,
    pub(crate) status: bool,
    pub(crate) sequence: u64,
    pub(crate) expires_at: u64,
    pub(crate) bytes: u32,
}

impl Facts {
    pub(crate) fn of(record: &SignedRecord) -> Self {
        // Fixed fields and signature, and the texts of variable length.
        let (status, variable) = match &record.record {
            Record::Offer(offer) => (false, offer.network.len().saturating_add(offer.peer.len())),
            Record::Status(status) => (true, status.network.len()),
        };
        Self {
            meter: u128::from_be_bytes(record.meter().0),
            status,
            sequence: record.sequence(),
            expires_at: record.expires_at().0,
            bytes: u32::try_from(variable)
                .unwrap_or(u32::MAX)
                .saturating_add(144),
        }
    }
}

impl Place {
    pub(crate) fn new(key: Key, near: Vec<Rank>, crashes: u64) -> Self {
        Self {
            key,
            near: Vicinity::new(near),
            synced: crashes,
            entries: Vec::new(),
        }
    }

    /// Takes from the replica sets whoever crashed since the last time. `last_crash` numbers each node's latest crash.
    pub(crate) fn sync(&mut self, crashes: u64, last_crash: impl Fn(Rank) -> u64) {
        if self.synced == crashes {
            return;
        }
        let mut gone = 0u64;
        for (bit, rank) in (0..u64::BITS).zip(self.near.ranks()) {
            if last_crash(*rank) > self.synced {
                gone |= 1u64 << bit;
            }
        }
        self.synced = crashes;
        if gone != 0 {
            self.entries.retain_mut(|entry| entry.drop_from(gone));
        }
    }

    /// The set of the `k` closest nodes.
    pub(crate) fn closest_set(&self, k: usize) -> u64 {
        let k = u32::try_from(k).unwrap_or(u32::MAX);
        if k >= u64::BITS {
            u64::MAX
        } else {
            (1u64 << k).saturating_sub(1)
        }
    }

    /// True if every replica in `reached` already holds just this record.
    pub(crate) fn holds(&self, record: &SignedRecord, reached: u64) -> bool {
        let meter = u128::from_be_bytes(record.meter().0);
        self.entries
            .iter()
            .any(|e| e.meter == meter && e.holders & reached == reached && *e.record == *record)
    }

    /// Offers a verified record to the replicas in `reached`; those that hold it afterwards.
    pub(crate) fn put(&mut self, record: &Arc<SignedRecord>, facts: &Facts, reached: u64) -> u64 {
        let mut accept = reached;
        let mut same = None;
        for (at, entry) in self
            .entries
            .iter()
            .enumerate()
            .filter(|(_, e)| e.is_of(facts))
        {
            if entry.sequence > facts.sequence {
                accept &= !entry.holders;
            } else if entry.sequence == facts.sequence {
                if *entry.record == **record {
                    same = Some(at);
                    accept &= !entry.withdrawn;
                } else {
                    accept &= !entry.holders;
                }
            }
        }
        if accept == 0 {
            return 0;
        }
        if let Some(entry) = same.and_then(|at| self.entries.get_mut(at)) {
            entry.holders |= accept;
        } else if self.entries.len() < MAX_LISTED || self.entries.iter().any(|e| e.is_of(facts)) {
            if self.entries.is_empty() {
                // Most places are one meter's own: no room for more than its record.
                self.entries.reserve_exact(1);
            }
            self.entries.push(Entry {
                meter: facts.meter,
                sequence: facts.sequence,
                expires_at: facts.expires_at,
                holders: accept,
                withdrawn: 0,
                bytes: facts.bytes,
                status: facts.status,
                record: Arc::clone(record),
            });
        } else {
            return 0;
        }
        self.entries
            .retain_mut(|e| !e.is_of(facts) || e.sequence >= facts.sequence || e.drop_from(accept));
        accept
    }

    /// The replicas in `reached` list the meter no more; those that had listed it.
    pub(crate) fn withdraw(&mut self, meter: u128, reached: u64) -> u64 {
        let mut removed = 0;
        for entry in self.entries.iter_mut().filter(|e| e.meter == meter) {
            removed |= entry.holders & !entry.withdrawn & reached;
            entry.withdrawn |= entry.holders & reached;
        }
        removed
    }

    /// Where the meter's own record lives, by the network that a record listed here names.
    pub(crate) fn home_of(&self, meter: u128) -> Option<Location> {
        let entry = self.entries.iter().find(|e| e.meter == meter)?;
        let network = match &entry.record.record {
            Record::Offer(offer) => &offer.network,
            Record::Status(status) => &status.network,
        };
        Some(Location::of_meter(network, &entry.record.meter()))
    }

    /// Gives every unexpired record that one of `answered` lists to `take`, and the bytes that they sent in all.
    pub(crate) fn list(
        &self,
        answered: u64,
        chain_s: u64,
        mut take: impl FnMut(Listed<'_>),
    ) -> u64 {
        let mut bytes = 0u64;
        for entry in &self.entries {
            let by = entry.holders & !entry.withdrawn & answered;
            if by == 0 || entry.expires_at < chain_s {
                continue;
            }
            bytes = bytes
                .saturating_add(u64::from(by.count_ones()).saturating_mul(u64::from(entry.bytes)));
            take(Listed {
                meter: entry.meter,
                status: entry.status,
                sequence: entry.sequence,
                record: &entry.record,
            });
        }
        bytes
    }

    /// Drops what has expired.
    pub(crate) fn expire(&mut self, chain_s: u64) {
        self.entries.retain(|entry| entry.expires_at >= chain_s);
    }

    /// Versions held by at least one replica.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Bytes held, apart from the records themselves.
    pub(crate) fn bytes(&self) -> usize {
        size_of::<Self>()
            .saturating_add(self.near.bytes())
            .saturating_add(self.entries.capacity().saturating_mul(size_of::<Entry>()))
    }
}

/// A listed record.
pub(crate) struct Listed<'a> {
    pub(crate) meter: u128,
    pub(crate) status: bool,
    pub(crate) sequence: u64,
    pub(crate) record: &'a Arc<SignedRecord>,
}

impl Entry {
    fn is_of(&self, facts: &Facts) -> bool {
        self.meter == facts.meter && self.status == facts.status
    }

    /// Takes replicas off; false if none is left.
    fn drop_from(&mut self, gone: u64) -> bool {
        self.holders &= !gone;
        self.withdrawn &= !gone;
        self.holders != 0
    }
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
    use crate::routing::below;
    use std::collections::BTreeMap;
    use wattpool_chance::spread;
    use wattpool_schema::peer::{Offer, Status};
    use wattpool_schema::{MeterId, Price, Seconds, Signature, Wh, Window, Zone};

    fn record(
        meter: u8,
        status: bool,
        sequence: u64,
        wh: u64,
        expires_at: u64,
    ) -> Arc<SignedRecord> {
        let (version, network, meter, zone) = (1, "n".to_string(), MeterId([meter; 16]), Zone(1));
        let (window, wh, expires_at) = (Window(1), Wh(wh), Seconds(expires_at));
        let record = if status {
            let surplus = true;
            Record::Status(Status {
                version,
                network,
                meter,
                zone,
                window,
                surplus,
                wh,
                sequence,
                expires_at,
            })
        } else {
            let (price, peer) = (Price(1), vec![]);
            Record::Offer(Offer {
                version,
                network,
                meter,
                zone,
                window,
                wh,
                price,
                sequence,
                expires_at,
                peer,
            })
        };
        Arc::new(SignedRecord {
            record,
            signature: Signature([0; 64]),
        })
    }

    /// One replica as the rules describe it: per meter and kind, the record and whether it is withdrawn.
    type Replica = BTreeMap<(u128, bool), (Arc<SignedRecord>, bool)>;

    fn offer_to(replica: &mut Replica, record: &Arc<SignedRecord>, facts: &Facts) -> bool {
        let slot = (facts.meter, facts.status);
        match replica.get(&slot) {
            Some((held, _)) if held.sequence() > facts.sequence => false,
            Some((held, withdrawn)) if held.sequence() == facts.sequence => {
                held == record && !withdrawn
            }
            _ => {
                replica.insert(slot, (Arc::clone(record), false));
                true
            }
        }
    }

    #[test]
    fn replica_sets_behave_as_six_single_replicas_do() {
        let mut place = Place::new(0, (0..6).collect(), 0);
        let mut replicas: Vec<Replica> = vec![Replica::new(); 6];
        let mut last_crash = [0u64; 6];
        let (mut crashes, mut now, mut state) = (0, 0, 42);
        let mut draw = |n: u64| {
            state = spread(state);
            below(state, n)
        };
        let (mut stored, mut refused, mut served) = (0, 0, 0);
        for _ in 0..20_000 {
            let reached = draw(64);
            let members = |set: u64| (0..6usize).filter(move |i| set >> i & 1 == 1);
            match draw(12) {
                0..=4 => {
                    let (meter, status) = (draw(3) as u8, draw(4) == 0);
                    let sequence = (now + draw(8)).saturating_sub(3);
                    let record = record(meter, status, sequence, draw(2), now + draw(6));
                    let facts = Facts::of(&record);
                    let want: u64 = members(reached)
                        .filter(|i| offer_to(&mut replicas[*i], &record, &facts))
                        .map(|i| 1 << i)
                        .sum();
                    assert_eq!(place.put(&record, &facts, reached), want);
                    stored += want.count_ones();
                    refused += (reached & !want).count_ones();
                }
                5 => {
                    let meter = u128::from_be_bytes([draw(3) as u8; 16]);
                    let mut want = 0;
                    for i in members(reached) {
                        for (_, held) in replicas[i].iter_mut().filter(|(slot, _)| slot.0 == meter)
                        {
                            want |= u64::from(!held.1) << i;
                            held.1 = true;
                        }
                    }
                    assert_eq!(place.withdraw(meter, reached), want);
                }
                6 => {
                    let node = draw(6) as usize;
                    crashes += 1;
                    last_crash[node] = crashes;
                    replicas[node].clear();
                    // Several crashes may be taken in at once.
                    if draw(2) == 0 {
                        now += 1;
                        place.expire(now);
                        for replica in &mut replicas {
                            replica.retain(|_, (held, _)| held.expires_at().0 >= now);
                        }
                    }
                }
                _ => {
                    place.sync(crashes, |rank| last_crash[rank as usize]);
                    let mut want = BTreeMap::new();
                    for i in members(reached) {
                        for (slot, (held, _)) in replicas[i].iter().filter(|(_, held)| !held.1) {
                            let best = want.entry(*slot).or_insert(0);
                            *best = held.sequence().max(*best);
                        }
                    }
                    let mut got = BTreeMap::new();
                    place.list(reached, now, |listed| {
                        let best = got.entry((listed.meter, listed.status)).or_insert(0);
                        *best = listed.sequence.max(*best);
                    });
                    assert_eq!(got, want);
                    served += got.len();
                }
            }
            place.sync(crashes, |rank| last_crash[rank as usize]);
        }
        assert!(
            stored > 5_000 && refused > 5_000 && served > 5_000,
            "{stored} {refused} {served}"
        );
    }
}
