//! Records that this node keeps for others: several at a location, one per meter and kind, all of them verified.

use crate::wire::Refusal;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use wattpool_schema::peer::{Location, Record, SignedRecord};
use wattpool_schema::{MeterId, Seconds};

/// What a meter has at most one of at a location.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Kind {
    Offer,
    Status,
}

impl Kind {
    pub const fn of(record: &SignedRecord) -> Self {
        match record.record {
            Record::Offer(_) => Self::Offer,
            Record::Status(_) => Self::Status,
        }
    }
}

struct Entry {
    record: Arc<SignedRecord>,
    /// Listed no more; kept until it expires, to refuse it when it is put again.
    withdrawn: bool,
}

/// How a record compares with what is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It is stored already.
    Same,
    /// It is newer, or the first of its meter and kind here.
    Newer,
    /// A newer one is stored, another one of the same sequence, or it was withdrawn.
    Stale,
}

/// The store. What it holds is bounded in all and per meter: a meter that puts more drops its own oldest, and when all
/// room is taken, those with the most give way to those with fewer.
pub(crate) struct Store {
    most: usize,
    most_per_meter: usize,
    len: usize,
    places: HashMap<Location, BTreeMap<(MeterId, Kind), Entry>>,
    /// Where each meter's records are.
    meters: HashMap<MeterId, Vec<(Location, Kind)>>,
}

impl Store {
    pub fn new(most: usize, most_per_meter: usize) -> Self {
        Self {
            most,
            most_per_meter,
            len: 0,
            places: HashMap::new(),
            meters: HashMap::new(),
        }
    }

    pub const fn len(&self) -> usize {
        self.len
    }

    fn entry(&self, at: &Location, meter: MeterId, kind: Kind) -> Option<&Entry> {
        self.places.get(at)?.get(&(meter, kind))
    }

    /// Compares a record with what is stored, before anything dear is done about it.
    pub fn standing(&self, at: &Location, record: &SignedRecord) -> Standing {
        let Some(held) = self.entry(at, record.meter(), Kind::of(record)) else {
            return Standing::Newer;
        };
        match held.record.sequence().cmp(&record.sequence()) {
            std::cmp::Ordering::Less => Standing::Newer,
            std::cmp::Ordering::Equal if !held.withdrawn && *held.record == *record => {
                Standing::Same
            }
            _ => Standing::Stale,
        }
    }

    /// Stores a record that was verified.
    ///
    /// # Errors
    /// [`Refusal::Stale`], or [`Refusal::Full`] when everybody else has no more than its meter.
    pub fn put(
        &mut self,
        at: Location,
        record: Arc<SignedRecord>,
        now: Seconds,
    ) -> Result<(), Refusal> {
        match self.standing(&at, &record) {
            Standing::Same => return Ok(()),
            Standing::Stale => return Err(Refusal::Stale),
            Standing::Newer => {}
        }
        let (meter, kind) = (record.meter(), Kind::of(&record));
        if self.entry(&at, meter, kind).is_none() {
            self.make_room(meter, now)?;
            self.meters.entry(meter).or_default().push((at, kind));
            self.len = self.len.saturating_add(1);
        }
        let entry = Entry {
            record,
            withdrawn: false,
        };
        let place = self.places.entry(at).or_default();
        place.insert((meter, kind), entry);
        Ok(())
    }

    /// Makes room for one more record of a meter.
    fn make_room(&mut self, meter: MeterId, now: Seconds) -> Result<(), Refusal> {
        let of = |store: &Self, meter| store.meters.get(&meter).map_or(0, Vec::len);
        if of(self, meter) >= self.most_per_meter {
            self.drop_oldest(meter);
        }
        if self.len < self.most {
            return Ok(());
        }
        self.expire(now);
        if self.len < self.most {
            return Ok(());
        }
        let largest = self.meters.iter().max_by_key(|(_, list)| list.len());
        let Some((greedy, list)) = largest else {
            return Err(Refusal::Full);
        };
        if list.len() <= of(self, meter).saturating_add(1) {
            return Err(Refusal::Full);
        }
        self.drop_oldest(*greedy);
        Ok(())
    }

    fn drop_oldest(&mut self, meter: MeterId) {
        let Some(list) = self.meters.get(&meter) else {
            return;
        };
        let sequence = |(at, kind): &(Location, Kind)| {
            self.entry(at, meter, *kind)
                .map_or(0, |e| e.record.sequence())
        };
        if let Some((at, kind)) = list.iter().copied().min_by_key(sequence) {
            self.remove(at, meter, kind);
        }
    }

    fn remove(&mut self, at: Location, meter: MeterId, kind: Kind) {
        if let Some(place) = self.places.get_mut(&at) {
            if place.remove(&(meter, kind)).is_some() {
                self.len = self.len.saturating_sub(1);
            }
            if place.is_empty() {
                self.places.remove(&at);
            }
        }
        if let Some(list) = self.meters.get_mut(&meter) {
            list.retain(|held| *held != (at, kind));
            if list.is_empty() {
                self.meters.remove(&meter);
            }
        }
    }

    /// Lists a meter's offer no more, if this peer is the one that the offer names and it is not newer.
    ///
    /// # Errors
    /// [`Refusal::NotPublisher`] or [`Refusal::Stale`].
    pub fn withdraw(
        &mut self,
        at: Location,
        meter: MeterId,
        sequence: u64,
        peer: &[u8],
    ) -> Result<(), Refusal> {
        let place = self.places.get_mut(&at);
        let Some(entry) = place.and_then(|p| p.get_mut(&(meter, Kind::Offer))) else {
            return Ok(());
        };
        if publisher(&entry.record) != Some(peer) {
            return Err(Refusal::NotPublisher);
        }
        if entry.record.sequence() > sequence {
            return Err(Refusal::Stale);
        }
        entry.withdrawn = true;
        Ok(())
    }

    /// What is listed at a location.
    pub fn list(&self, at: &Location, now: Seconds) -> impl Iterator<Item = &Arc<SignedRecord>> {
        let place = self.places.get(at).into_iter().flat_map(BTreeMap::values);
        place
            .filter(move |e| !e.withdrawn && e.record.expires_at() >= now)
            .map(|e| &e.record)
    }

    /// Drops what has expired.
    pub fn expire(&mut self, now: Seconds) {
        let gone: Vec<_> = self
            .places
            .iter()
            .flat_map(|(at, place)| place.iter().map(move |(key, entry)| (*at, *key, entry)))
            .filter(|(_, _, entry)| entry.record.expires_at() < now)
            .map(|(at, (meter, kind), _)| (at, meter, kind))
            .collect();
        for (at, meter, kind) in gone {
            self.remove(at, meter, kind);
        }
    }
}

/// The peer that an offer names; a status names none.
pub(crate) fn publisher(record: &SignedRecord) -> Option<&[u8]> {
    match &record.record {
        Record::Offer(offer) => Some(&offer.peer),
        Record::Status(_) => None,
    }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "small numbers of a test")]
mod tests {
    use super::*;
    use wattpool_schema::peer::{Offer, Status};
    use wattpool_schema::{Price, Signature, Wh, Window, Zone};

    fn offer(meter: u8, sequence: u64, expires_at: u64) -> Arc<SignedRecord> {
        Arc::new(SignedRecord {
            record: Record::Offer(Offer {
                version: 1,
                network: "n".into(),
                meter: MeterId([meter; 16]),
                zone: Zone(1),
                window: Window(1),
                wh: Wh(sequence),
                price: Price(1),
                sequence,
                expires_at: Seconds(expires_at),
                peer: vec![meter],
            }),
            signature: Signature::default(),
        })
    }

    fn at(n: u8) -> Location {
        Location([n; 32])
    }

    fn listed(store: &Store, n: u8, now: u64) -> Vec<(u8, u64)> {
        let of = |r: &Arc<SignedRecord>| (r.meter().0[0], r.sequence());
        store.list(&at(n), Seconds(now)).map(of).collect()
    }

    #[test]
    fn one_location_lists_many_meters() {
        let mut store = Store::new(100, 4);
        for meter in 0..60 {
            store.put(at(1), offer(meter, 1, 10), Seconds(0)).unwrap();
        }
        assert_eq!(listed(&store, 1, 10).len(), 60);
        assert_eq!(listed(&store, 2, 10), []);
    }

    #[test]
    fn the_newest_sequence_stays() {
        let mut store = Store::new(100, 4);
        let put = |store: &mut Store, record| store.put(at(1), record, Seconds(0));
        assert_eq!(put(&mut store, offer(1, 5, 10)), Ok(()));
        assert_eq!(put(&mut store, offer(1, 5, 10)), Ok(()), "again");
        assert_eq!(put(&mut store, offer(1, 4, 10)), Err(Refusal::Stale));
        assert_eq!(
            put(&mut store, offer(1, 5, 11)),
            Err(Refusal::Stale),
            "other content, same sequence"
        );
        assert_eq!(put(&mut store, offer(1, 6, 10)), Ok(()));
        assert_eq!(listed(&store, 1, 0), [(1, 6)]);
        assert_eq!(store.len(), 1);
        // A status is another kind.
        let status = Arc::new(SignedRecord {
            record: Record::Status(Status {
                version: 1,
                network: "n".into(),
                meter: MeterId([1; 16]),
                zone: Zone(1),
                window: Window(1),
                surplus: true,
                wh: Wh(1),
                sequence: 1,
                expires_at: Seconds(10),
            }),
            signature: Signature::default(),
        });
        assert_eq!(put(&mut store, status), Ok(()));
        assert_eq!(store.len(), 2);
    }

    #[test]
    fn a_withdrawn_record_is_not_listed_and_not_taken_again() {
        let mut store = Store::new(100, 4);
        store.put(at(1), offer(1, 5, 10), Seconds(0)).unwrap();
        let meter = MeterId([1; 16]);
        assert_eq!(
            store.withdraw(at(1), meter, 5, &[2]),
            Err(Refusal::NotPublisher)
        );
        assert_eq!(store.withdraw(at(1), meter, 4, &[1]), Err(Refusal::Stale));
        assert_eq!(listed(&store, 1, 0), [(1, 5)]);
        assert_eq!(store.withdraw(at(1), meter, 5, &[1]), Ok(()));
        assert_eq!(listed(&store, 1, 0), []);
        let again = store.put(at(1), offer(1, 5, 10), Seconds(0));
        assert_eq!(again, Err(Refusal::Stale));
        store.put(at(1), offer(1, 6, 10), Seconds(0)).unwrap();
        assert_eq!(listed(&store, 1, 0), [(1, 6)]);
        assert_eq!(store.withdraw(at(2), meter, 9, &[1]), Ok(()), "none there");
    }

    #[test]
    fn expired_records_leave() {
        let mut store = Store::new(100, 4);
        store.put(at(1), offer(1, 5, 10), Seconds(0)).unwrap();
        store.put(at(1), offer(2, 5, 20), Seconds(0)).unwrap();
        assert_eq!(listed(&store, 1, 10), [(1, 5), (2, 5)]);
        assert_eq!(listed(&store, 1, 11), [(2, 5)]);
        store.expire(Seconds(11));
        assert_eq!((store.len(), store.meters.len()), (1, 1));
        store.expire(Seconds(21));
        assert_eq!((store.places.len(), store.meters.len()), (0, 0));
    }

    #[test]
    fn nobody_takes_the_room_of_others() {
        let mut store = Store::new(10, 4);
        for meter in 1..=6 {
            store
                .put(at(meter), offer(meter, 1, 10), Seconds(0))
                .unwrap();
        }
        // One meter floods: it keeps its newest four.
        for i in 0..100u8 {
            store
                .put(at(100 + i), offer(9, 1 + u64::from(i), 10), Seconds(0))
                .unwrap();
        }
        assert_eq!(store.len(), 10);
        assert_eq!(listed(&store, 199, 0), [(9, 100)]);
        assert!((1..=6).all(|meter| listed(&store, meter, 0) == [(meter, 1)]));
        // All room is taken: newcomers take it from the one with the most, down to one more than they have.
        for meter in 11..=13 {
            store
                .put(at(meter), offer(meter, 1, 10), Seconds(0))
                .unwrap();
        }
        let full = store.put(at(14), offer(14, 1, 10), Seconds(0));
        assert_eq!(full, Err(Refusal::Full));
        assert!((1..=6).all(|meter| listed(&store, meter, 0) == [(meter, 1)]));
        // Until something expires.
        store.put(at(14), offer(14, 1, 20), Seconds(11)).unwrap();
        assert_eq!(store.len(), 1);
    }
}
