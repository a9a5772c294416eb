//! Merging of lists: one record per meter and kind, the highest sequence.

use crate::place::Listed;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;
use wattpool_chance::spread;
use wattpool_schema::peer::SignedRecord;

/// Hashing without a random key: quick, and nothing depends on the order of such a map.
pub(crate) type SpreadState = BuildHasherDefault<Spread>;

/// The finaliser of SplitMix64 over words of eight bytes.
#[derive(Default)]
pub(crate) struct Spread(u64);

impl Hasher for Spread {
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.write_u64(u64::from_be_bytes(*word));
        }
        if !rest.is_empty() {
            let lead = rest.iter();
            self.write_u64(lead.fold(0, |word, byte| (word << 8) | u64::from(*byte)));
        }
    }

    fn write_u64(&mut self, word: u64) {
        self.0 = spread(self.0 ^ word);
    }

    fn write_u8(&mut self, byte: u8) {
        self.write_u64(u64::from(byte));
    }

    fn write_usize(&mut self, n: usize) {
        self.write_u64(u64::try_from(n).unwrap_or(u64::MAX));
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// Which meters a look-up has seen, with the sequence and the position of the record kept.
#[derive(Default)]
pub(crate) struct Seen {
    kept: HashMap<(u64, u64, u8), (u64, usize), SpreadState>,
}

impl Seen {
    pub(crate) fn clear(&mut self) {
        self.kept.clear();
    }

    /// Keeps a record if it is the first of its meter and kind or newer than the one kept.
    #[allow(clippy::cast_possible_truncation, reason = "the two halves of an id")]
    pub(crate) fn take(&mut self, listed: &Listed<'_>, records: &mut Vec<Arc<SignedRecord>>) {
        let key = (
            (listed.meter >> 64) as u64,
            listed.meter as u64,
            u8::from(listed.status),
        );
        let (sequence, at) = self.kept.entry(key).or_insert_with(|| {
            records.push(Arc::clone(listed.record));
            (listed.sequence, records.len().saturating_sub(1))
        });
        if listed.sequence > *sequence {
            *sequence = listed.sequence;
            if let Some(kept) = records.get_mut(*at) {
                *kept = Arc::clone(listed.record);
            }
        }
    }
}
