//! Storage keys: the letter of the record's kind, then what names the record.

use cosmwasm_std::{Addr, Order, Record, Storage};
pub use wattpool_schema::stored::key;

/// The beginning of the keys of what belongs to an owner: no address is the beginning of another's.
pub fn of_owner(kind: u8, owner: &Addr) -> Vec<u8> {
    let owner = owner.as_bytes();
    let len = u16::try_from(owner.len()).unwrap_or(u16::MAX);
    key(kind, &[&len.to_be_bytes(), owner])
}

/// Records whose keys are `prefix` with something of `from..=to` behind it.
pub fn within<'a>(
    storage: &'a dyn Storage,
    prefix: &[u8],
    from: &[u8],
    to: &[u8],
    order: Order,
) -> Box<dyn Iterator<Item = Record> + 'a> {
    let start = [prefix, from].concat();
    // All keys of a kind have one length, so that nothing else lies between `to` and this.
    let end = [prefix, to, &[0xff]].concat();
    storage.range(Some(&start), Some(&end), order)
}

/// What comes behind `prefix` in a key, if it has the length expected.
pub fn rest<const N: usize>(key: &[u8], prefix: usize) -> Option<[u8; N]> {
    key.get(prefix..)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use cosmwasm_std::testing::MockStorage;

    #[test]
    fn no_owner_is_the_beginning_of_another() {
        let short = of_owner(b'l', &Addr::unchecked("watt1a"));
        let long = of_owner(b'l', &Addr::unchecked("watt1ab"));
        assert!(!long.starts_with(&short));
    }

    #[test]
    fn both_ends_belong_to_what_is_within() {
        let mut storage = MockStorage::new();
        let numbered = |n: u64| key(b't', &[&n.to_be_bytes()]);
        for n in [0, 5, 9, u64::MAX] {
            storage.set(&numbered(n), b"v");
        }
        storage.set(&key(b's', &[&5u64.to_be_bytes()]), b"v");
        storage.set(&key(b'u', &[&5u64.to_be_bytes()]), b"v");
        let found = |from: &[u8], to: u64, order| -> Vec<u64> {
            within(&storage, b"t", from, &to.to_be_bytes(), order)
                .map(|(key, _)| u64::from_be_bytes(rest(&key, 1).unwrap()))
                .collect()
        };
        let up = Order::Ascending;
        assert_eq!(found(&[], u64::MAX, up), [0, 5, 9, u64::MAX]);
        assert_eq!(found(&5u64.to_be_bytes(), 9, up), [5, 9]);
        assert_eq!(found(&[], 8, Order::Descending), [5, 0]);
        assert_eq!(rest::<8>(&numbered(7), 2), None);
    }
}
