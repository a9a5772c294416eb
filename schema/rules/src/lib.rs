//! The market's arithmetic, shared by contracts and agents: integers only, no I/O.
//!
//! Rounding, in one place: what a buyer pays is rounded up, what is credited is rounded down, what a
//! seller must send is the least amount that suffices. Whatever accrues over chunks is computed from
//! the total so far, less what is booked already, so that splitting gains nobody anything.
#![deny(clippy::float_arithmetic)]
// An overflow in a test's own sums fails the test, as it should.
#![cfg_attr(test, allow(clippy::arithmetic_side_effects))]

pub mod chunk;
pub mod feed_in;
pub mod loss;
pub mod order;
pub mod payment;
pub mod price;

/// A result that does not fit its type: inputs far outside anything a market sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{what} exceeds its range")]
pub struct OutOfRange {
    /// Which result.
    pub what: &'static str,
}

impl From<OutOfRange> for wattpool_schema::error::MarketError {
    fn from(e: OutOfRange) -> Self {
        Self::Overflow {
            text: e.to_string(),
        }
    }
}

pub(crate) fn to_u64(value: u128, what: &'static str) -> Result<u64, OutOfRange> {
    u64::try_from(value).map_err(|_| OutOfRange { what })
}
