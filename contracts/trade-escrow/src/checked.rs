//! Sums that refuse instead of overflowing.

use wattpool_schema::error::MarketError;
use wattpool_schema::{Micro, Wh};

/// Checked sums with the market's refusal.
pub trait Checked: Sized {
    /// Sum, or `OVERFLOW`.
    fn plus(self, other: Self) -> Result<Self, MarketError>;
    /// Difference, or `OVERFLOW`.
    fn minus(self, other: Self) -> Result<Self, MarketError>;
}

fn out_of_range(what: &str) -> MarketError {
    MarketError::Overflow {
        text: format!("{what} exceeds its range"),
    }
}

impl Checked for Micro {
    fn plus(self, other: Self) -> Result<Self, MarketError> {
        self.checked_add(other)
            .ok_or_else(|| out_of_range("an amount of money"))
    }
    fn minus(self, other: Self) -> Result<Self, MarketError> {
        self.checked_sub(other)
            .ok_or_else(|| out_of_range("an amount of money"))
    }
}

impl Checked for Wh {
    fn plus(self, other: Self) -> Result<Self, MarketError> {
        self.checked_add(other)
            .ok_or_else(|| out_of_range("an amount of energy"))
    }
    fn minus(self, other: Self) -> Result<Self, MarketError> {
        self.checked_sub(other)
            .ok_or_else(|| out_of_range("an amount of energy"))
    }
}

impl Checked for u64 {
    fn plus(self, other: Self) -> Result<Self, MarketError> {
        self.checked_add(other)
            .ok_or_else(|| out_of_range("a counter"))
    }
    fn minus(self, other: Self) -> Result<Self, MarketError> {
        self.checked_sub(other)
            .ok_or_else(|| out_of_range("a counter"))
    }
}

/// `wh` for each of `windows`.
pub fn times(wh: Wh, windows: u64) -> Result<Wh, MarketError> {
    wh.0.checked_mul(windows)
        .map(Wh)
        .ok_or_else(|| out_of_range("an amount of energy"))
}
