//! What a window was for the home: surplus, deficit or neither.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wattpool_schema::Wh;

/// Surplus, deficit or neither, with hysteresis: what has begun ends only below half the threshold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Balance {
    /// Neither.
    #[default]
    Even,
    /// More generated than needed.
    Surplus,
    /// More needed than generated.
    Deficit,
}

impl Balance {
    /// The balance after a window.
    pub fn after(self, surplus: Wh, deficit: Wh, threshold: Wh) -> Self {
        let half = threshold.0 / 2;
        let enough = |wh: u64, began: bool| wh > 0 && (wh >= threshold.0 || (began && wh >= half));
        if enough(surplus.0, matches!(self, Self::Surplus)) {
            Self::Surplus
        } else if enough(deficit.0, matches!(self, Self::Deficit)) {
            Self::Deficit
        } else {
            Self::Even
        }
    }
}
