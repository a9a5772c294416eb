//! Whole watt-hours from fractions, without losing any.

/// Rounds a running total instead of each value: what one value gains or loses by rounding, the next
/// gives back, so that the sum of what is booked is the rounded sum of what was measured.
#[derive(Clone, Copy, Debug, Default)]
pub struct WhCarry {
    total: f64,
    booked: u64,
}

impl WhCarry {
    /// Adds an amount in Wh (not negative, finite) and returns the whole Wh to book now; held at
    /// `u32::MAX`.
    pub fn take(&mut self, wh: f64) -> u32 {
        self.total += wh;
        let due = whole(self.total.round()).saturating_sub(self.booked);
        let now = u32::try_from(due).unwrap_or(u32::MAX);
        self.booked = self.booked.saturating_add(u64::from(now));
        now
    }
}

/// A float's whole part, zero when negative.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cast saturates"
)]
fn whole(value: f64) -> u64 {
    value as u64
}
