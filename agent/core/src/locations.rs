//! Where offers and statuses of a market are listed: hashed once, not for every look-up.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};
use wattpool_schema::peer::Location;
use wattpool_schema::Zone;

/// Most locations remembered: beyond, they begin anew.
const REMEMBERED: usize = 1 << 15;

/// What is listed at a location.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Listed {
    /// Offers of a bucket.
    Offers(u8),
    Statuses,
}

/// A market's locations. They follow from its network's name: the same market has the same ones.
#[derive(Clone, Debug, Default)]
pub(crate) struct Locations(Arc<RwLock<Known>>);

type Known = BTreeMap<(Listed, Zone, u16), Location>;

impl PartialEq for Locations {
    /// What is remembered makes no difference.
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Locations {}

impl Locations {
    /// Where offers of a zone, an energy bucket and a shard are listed.
    pub fn of_offers(&self, network: &str, zone: Zone, bucket: u8, shard: u16) -> Location {
        self.get((Listed::Offers(bucket), zone, shard), || {
            Location::of_offers(network, zone, bucket, shard)
        })
    }

    /// Where surpluses and deficits of a zone and a shard are announced.
    pub fn of_status(&self, network: &str, zone: Zone, shard: u16) -> Location {
        self.get((Listed::Statuses, zone, shard), || {
            Location::of_status(network, zone, shard)
        })
    }

    fn get(&self, key: (Listed, Zone, u16), hash: impl FnOnce() -> Location) -> Location {
        // A map is whole whoever panicked beside it.
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(location) = known.get(&key) {
            return *location;
        }
        drop(known);
        let location = hash();
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= REMEMBERED {
            known.clear();
        }
        known.insert(key, location);
        location
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remembered_locations_are_the_hashed_ones() {
        let locations = Locations::default();
        for _ in 0..2 {
            for (zone, shard) in [(0, 0), (0, 1), (1, 0)] {
                let zone = Zone(zone);
                for bucket in 0..2 {
                    assert_eq!(
                        locations.of_offers("n", zone, bucket, shard),
                        Location::of_offers("n", zone, bucket, shard)
                    );
                }
                assert_eq!(
                    locations.of_status("n", zone, shard),
                    Location::of_status("n", zone, shard)
                );
            }
        }
    }
}
