//! What the contracts store and others may prove to themselves: keys and binary values ([`mod@crate::packed`]) of terms, limits, positions, orders and closed
//! trades. With the byte 3 and the bytes of a contract's address before them, the keys are those of storage proofs (ICS 23) of a chain's `wasm` store.
//!
//! This is a public format. What is stored under [`LAYOUT`] tells which one a contract has; `schema/tests/stored.rs` holds its bytes, and no change of
//! those goes without a new [`LAYOUT_VERSION`].

pub mod escrow;
pub mod pool;

/// Key under which a contract stores the version of its layout, a packed number.
pub const LAYOUT: &[u8] = b"layout";
/// Version of the layout of what all three contracts store.
pub const LAYOUT_VERSION: u64 = 1;

/// A key, or the beginning of several: the letter of the record's kind, then what names the record.
pub fn key(kind: u8, parts: &[&[u8]]) -> Vec<u8> {
    let mut key = Vec::with_capacity(96);
    key.push(kind);
    for part in parts {
        key.extend_from_slice(part);
    }
    key
}
