//! The closest nodes that a node remembers per location, so that only the first look-up has to search.

use crate::routing::{below, Rank};
use wattpool_chance::spread;

/// What a node knows about a location: a bit per node near it.
#[derive(Clone, Copy, Debug)]
struct Known {
    /// How many the search found.
    full: u32,
    /// Those that have answered ever since.
    found: u64,
    until: u64,
    /// When it was used last, by the node's own count.
    used: u64,
}

/// A node's remembered locations, by number. Bounded: the longest unused goes first.
#[derive(Default)]
pub(crate) struct Contacts {
    /// Ascending; apart from what is known of them, so that a search stays within a few cache lines.
    places: Vec<u32>,
    known: Vec<Known>,
    uses: u64,
}

impl Contacts {
    fn at(&self, place: u32) -> Result<usize, usize> {
        self.places.binary_search(&place)
    }

    /// Counts a use.
    fn used(&mut self) -> u64 {
        self.uses = self.uses.saturating_add(1);
        self.uses
    }

    /// The closest nodes of a place, if remembered, not too old, and at least half of them still answered last time.
    pub(crate) fn get(&mut self, place: u32, now: u64) -> Option<u64> {
        let at = self.at(place).ok()?;
        let used = self.used();
        let known = self.known.get_mut(at)?;
        known.used = used;
        let enough = known.found.count_ones().saturating_mul(2) >= known.full.max(1);
        (enough && now < known.until).then_some(known.found)
    }

    /// Remembers what a search found, in place of the longest unused location if there is no room.
    pub(crate) fn learn(&mut self, place: u32, found: u64, until: u64, most: usize) {
        let known = Known {
            full: found.count_ones(),
            found,
            until,
            used: self.used(),
        };
        if let Some(slot) = self.at(place).ok().and_then(|at| self.known.get_mut(at)) {
            *slot = known;
            return;
        }
        if self.known.len() >= most {
            let oldest = self.known.iter().enumerate().min_by_key(|(_, k)| k.used);
            if let Some((at, _)) = oldest {
                self.known.remove(at);
                self.places.remove(at);
            }
        }
        let (Ok(at) | Err(at)) = self.at(place);
        self.known.insert(at, known);
        self.places.insert(at, place);
    }

    /// Forgets nodes that gave no answer.
    pub(crate) fn forget(&mut self, place: u32, silent: u64) {
        if let Some(known) = self.at(place).ok().and_then(|at| self.known.get_mut(at)) {
            known.found &= !silent;
        }
    }

    pub(crate) fn clear(&mut self) {
        self.known = Vec::new();
        self.places = Vec::new();
    }

    pub(crate) fn len(&self) -> usize {
        self.known.len()
    }

    /// Bytes held.
    pub(crate) fn bytes(&self) -> usize {
        let known = self.known.capacity().saturating_mul(size_of::<Known>());
        known.saturating_add(self.places.capacity().saturating_mul(size_of::<u32>()))
    }
}

/// When what is learned now becomes too old: `remember_ms` ± a quarter, by node and place.
pub(crate) fn until(now: u64, remember_ms: u64, node: Rank, place: u32) -> u64 {
    let offset = below(
        spread((u64::from(node) << 32) | u64::from(place)),
        remember_ms / 2,
    );
    now.saturating_add(remember_ms.saturating_sub(remember_ms / 4))
        .saturating_add(offset)
}
