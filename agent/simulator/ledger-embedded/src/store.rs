//! The chain's state: one ordered map per contract and one for the bank, and how to go back.
//!
//! A message writes into a [`View`] of its contract; what it wrote is taken over when it succeeds. The log of what
//! stood there before takes back a whole transaction, or a message within it.

use cosmwasm_std::{Order, Record, Storage};
use std::collections::BTreeMap;
use std::ops::Bound;

/// Keys and values of one contract, or of the bank.
pub(crate) type Space = BTreeMap<Vec<u8>, Vec<u8>>;
/// What a message wrote; `None` stands for removed.
pub(crate) type Writes = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

struct Undo {
    space: usize,
    key: Vec<u8>,
    before: Option<Vec<u8>>,
}

/// All spaces, and the log of the running transaction.
#[derive(Default)]
pub(crate) struct Store {
    spaces: Vec<Space>,
    log: Vec<Undo>,
    nothing: Space,
}

impl Store {
    pub fn new(spaces: usize) -> Self {
        Self {
            spaces: std::iter::repeat_with(Space::new).take(spaces).collect(),
            ..Self::default()
        }
    }

    /// A space; one that does not exist is empty.
    pub fn space(&self, space: usize) -> &Space {
        self.spaces.get(space).unwrap_or(&self.nothing)
    }

    /// All of them, in order.
    pub fn spaces(&self) -> &[Space] {
        &self.spaces
    }

    /// Takes over what a message wrote.
    pub fn write(&mut self, space: usize, writes: Writes) {
        for (key, value) in writes {
            self.put(space, key, value);
        }
    }

    /// Writes or removes one value.
    pub fn put(&mut self, space: usize, key: Vec<u8>, value: Option<Vec<u8>>) {
        let Some(map) = self.spaces.get_mut(space) else {
            return;
        };
        let logged = key.clone();
        let before = match value {
            Some(value) => map.insert(key, value),
            None => map.remove(&key),
        };
        self.log.push(Undo {
            space,
            key: logged,
            before,
        });
    }

    /// Where the log stands.
    pub fn mark(&self) -> usize {
        self.log.len()
    }

    /// Takes back everything since a mark.
    pub fn roll_back(&mut self, mark: usize) {
        while self.log.len() > mark {
            let Some(undo) = self.log.pop() else { return };
            let Some(map) = self.spaces.get_mut(undo.space) else {
                continue;
            };
            match undo.before {
                Some(value) => map.insert(undo.key, value),
                None => map.remove(&undo.key),
            };
        }
    }

    /// The transaction is over: what was written stays.
    pub fn keep(&mut self) {
        self.log.clear();
    }
}

/// A contract's storage while it runs: its space as it was before, and its writes on top.
pub(crate) struct View<'a> {
    base: &'a Space,
    pub writes: Writes,
}

impl<'a> View<'a> {
    pub const fn new(base: &'a Space) -> Self {
        Self {
            base,
            writes: Writes::new(),
        }
    }
}

impl Storage for View<'_> {
    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        match self.writes.get(key) {
            Some(written) => written.clone(),
            None => self.base.get(key).cloned(),
        }
    }

    fn set(&mut self, key: &[u8], value: &[u8]) {
        match self.writes.get_mut(key) {
            Some(slot) => *slot = Some(value.to_vec()),
            None => {
                self.writes.insert(key.to_vec(), Some(value.to_vec()));
            }
        }
    }

    fn remove(&mut self, key: &[u8]) {
        self.writes.insert(key.to_vec(), None);
    }

    fn range<'b>(
        &'b self,
        start: Option<&[u8]>,
        end: Option<&[u8]>,
        order: Order,
    ) -> Box<dyn Iterator<Item = Record> + 'b> {
        if let (Some(start), Some(end)) = (start, end) {
            if start >= end {
                return Box::new(std::iter::empty());
            }
        }
        let bounds = (
            start.map_or(Bound::Unbounded, Bound::Included),
            end.map_or(Bound::Unbounded, Bound::Excluded),
        );
        let base = self.base.range::<[u8], _>(bounds);
        let mut written = self.writes.range::<[u8], _>(bounds).peekable();
        if written.peek().is_none() {
            let record = |(key, value): (&Vec<u8>, &Vec<u8>)| (key.clone(), value.clone());
            return match order {
                Order::Ascending => Box::new(base.map(record)),
                Order::Descending => Box::new(base.rev().map(record)),
            };
        }
        // A message's own writes are few: the range is put together.
        let mut merged: BTreeMap<&Vec<u8>, &Vec<u8>> = base.collect();
        for (key, value) in written {
            match value {
                Some(value) => merged.insert(key, value),
                None => merged.remove(key),
            };
        }
        let record = |(key, value): (&Vec<u8>, &Vec<u8>)| (key.clone(), value.clone());
        match order {
            Order::Ascending => Box::new(merged.into_iter().map(record)),
            Order::Descending => Box::new(merged.into_iter().rev().map(record)),
        }
    }
}

#[cfg(test)]
#[allow(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]
mod tests {
    use super::*;
    use cosmwasm_std::testing::MockStorage;

    /// Small numbers in a fixed order.
    struct Draw(u64);

    impl Draw {
        fn below(&mut self, n: u64) -> u64 {
            self.0 = self
                .0
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 33) % n
        }
        fn key(&mut self) -> Vec<u8> {
            let length = self.below(3);
            (0..length).map(|_| self.below(4) as u8).collect()
        }
    }

    fn all(storage: &dyn Storage) -> Vec<Record> {
        storage.range(None, None, Order::Ascending).collect()
    }

    #[test]
    fn a_view_behaves_as_a_plain_storage_and_a_store_goes_back() {
        let mut draw = Draw(7);
        let mut plain = MockStorage::new();
        let mut store = Store::new(1);
        for round in 0..300 {
            let before = all(&View::new(store.space(0)));
            let mut trial = MockStorage::new();
            for (key, value) in &before {
                trial.set(key, value);
            }
            let mut view = View::new(store.space(0));
            for _ in 0..draw.below(6) {
                let key = draw.key();
                if draw.below(3) == 0 {
                    view.remove(&key);
                    trial.remove(&key);
                } else {
                    let value = [1 + draw.below(9) as u8];
                    view.set(&key, &value);
                    trial.set(&key, &value);
                }
                assert_eq!(view.get(&key), trial.get(&key));
                let (start, end) = (draw.key(), draw.key());
                let start = (draw.below(3) > 0).then_some(start.as_slice());
                let end = (draw.below(3) > 0).then_some(end.as_slice());
                for order in [Order::Ascending, Order::Descending] {
                    let seen: Vec<_> = view.range(start, end, order).collect();
                    let wanted: Vec<_> = trial.range(start, end, order).collect();
                    assert_eq!(seen, wanted, "round {round}: {start:?} to {end:?}");
                }
            }
            let writes = view.writes;
            let mark = store.mark();
            store.write(0, writes);
            assert_eq!(all(&View::new(store.space(0))), all(&trial));
            if draw.below(2) == 0 {
                store.roll_back(mark);
                assert_eq!(all(&View::new(store.space(0))), before);
            } else {
                plain = trial;
                store.keep();
            }
            assert_eq!(all(&View::new(store.space(0))), all(&plain));
        }
    }
}
