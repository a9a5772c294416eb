//! The closest nodes that a node remembers per location, so that only the first look-up has to search.

use crate::routing::{below, mix, Rank};

/// What a node knows about a location: a bit per node near it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Known {
    place: u32,
    /// How many the search found.
    full: u32,
    /// Those that have answered ever since.
    pub(crate) found: u64,
    until: u64,
}

/// A node's remembered locations, the last used first. Bounded.
#[derive(Default)]
pub(crate) struct Contacts {
    known: Vec<Known>,
}

impl Contacts {
    /// The closest nodes of a place, if remembered, not too old, and at least half of them still answered last time.
    pub(crate) fn get(&mut self, place: u32, now: u64) -> Option<u64> {
        let at = self.known.iter().position(|known| known.place == place)?;
        self.known.get_mut(..=at)?.rotate_right(1);
        let known = self.known.first()?;
        let enough = known.found.count_ones().saturating_mul(2) >= known.full.max(1);
        (enough && now < known.until).then_some(known.found)
    }

    /// Remembers what a search found, in place of the longest unused location if there is no room.
    pub(crate) fn learn(&mut self, place: u32, found: u64, until: u64, most: usize) {
        self.known.retain(|known| known.place != place);
        self.known.truncate(most.saturating_sub(1));
        self.known.insert(
            0,
            Known {
                place,
                full: found.count_ones(),
                found,
                until,
            },
        );
    }

    /// Forgets nodes that gave no answer.
    pub(crate) fn forget(&mut self, place: u32, silent: u64) {
        if let Some(known) = self.known.iter_mut().find(|known| known.place == place) {
            known.found &= !silent;
        }
    }

    pub(crate) fn clear(&mut self) {
        self.known = Vec::new();
    }

    pub(crate) fn len(&self) -> usize {
        self.known.len()
    }

    /// Bytes held.
    pub(crate) fn bytes(&self) -> usize {
        self.known.capacity().saturating_mul(size_of::<Known>())
    }
}

/// When what is learned now becomes too old: `remember_ms` ± a quarter, by node and place.
pub(crate) fn until(now: u64, remember_ms: u64, node: Rank, place: u32) -> u64 {
    let offset = below(
        mix((u64::from(node) << 32) | u64::from(place)),
        remember_ms / 2,
    );
    now.saturating_add(remember_ms.saturating_sub(remember_ms / 4))
        .saturating_add(offset)
}
