//! Units of the market: newtypes over integers. Nothing here is a float, and nothing wraps.

use crate::error::MarketError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Defines an integer newtype that prints, parses and serialises as its plain number.
macro_rules! unit {
    ($(#[$doc:meta])* $name:ident($int:ty)) => {
        $(#[$doc])*
        #[derive(Serialize, Deserialize, Clone, Debug, PartialEq, JsonSchema)]
        #[derive(Copy, Eq, PartialOrd, Ord, Hash, Default)]
        #[serde(transparent)]
        pub struct $name(pub $int);

        impl $name {
            /// Nothing of it.
            pub const ZERO: Self = Self(0);
            /// The largest value the type holds.
            pub const MAX: Self = Self(<$int>::MAX);

            /// The bare number.
            pub const fn get(self) -> $int {
                self.0
            }
            /// True for zero.
            pub const fn is_zero(self) -> bool {
                self.0 == 0
            }
            /// Sum, or `None` past the type's range.
            pub const fn checked_add(self, other: Self) -> Option<Self> {
                match self.0.checked_add(other.0) {
                    Some(v) => Some(Self(v)),
                    None => None,
                }
            }
            /// Difference, or `None` past the type's range.
            pub const fn checked_sub(self, other: Self) -> Option<Self> {
                match self.0.checked_sub(other.0) {
                    Some(v) => Some(Self(v)),
                    None => None,
                }
            }
            /// Sum.
            ///
            /// # Errors
            /// `OVERFLOW` past the type's range.
            pub fn try_add(self, other: Self) -> Result<Self, MarketError> {
                self.checked_add(other).ok_or_else(|| MarketError::Overflow {
                    text: format!("{} {self} + {other} is out of range", stringify!($name)),
                })
            }
            /// Difference.
            ///
            /// # Errors
            /// `OVERFLOW` past the type's range.
            pub fn try_sub(self, other: Self) -> Result<Self, MarketError> {
                self.checked_sub(other).ok_or_else(|| MarketError::Overflow {
                    text: format!("{} {self} - {other} is out of range", stringify!($name)),
                })
            }
            /// Sum, held at the largest value.
            pub const fn saturating_add(self, other: Self) -> Self {
                Self(self.0.saturating_add(other.0))
            }
            /// Difference, held at the smallest value (zero for unsigned units).
            pub const fn saturating_sub(self, other: Self) -> Self {
                Self(self.0.saturating_sub(other.0))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl FromStr for $name {
            type Err = std::num::ParseIntError;
            fn from_str(s: &str) -> Result<Self, Self::Err> {
                s.parse().map(Self)
            }
        }

        impl From<$int> for $name {
            fn from(v: $int) -> Self {
                Self(v)
            }
        }
    };
}

unit! {
    /// Energy in whole watt-hours: the energy token's base unit.
    Wh(u64)
}
unit! {
    /// Money in micro-units of the payment denomination (`uwatt`: 1,000,000 are one coin).
    Micro(u64)
}
unit! {
    /// A trade price or a network charge in micro-units per kWh: never negative.
    Price(u64)
}
unit! {
    /// A grid tariff in micro-units per kWh: may be negative.
    Tariff(i64)
}
unit! {
    /// Index of a market window: `floor(unix seconds / window length)`. Window `w` covers
    /// `[w·len, (w+1)·len)` in UTC. Energy *metered* in `w` is traded while `w+1` runs.
    Window(u64)
}
unit! {
    /// A share in parts per million; a loss of 70,000 ppm is 7 %.
    Ppm(u32)
}
unit! {
    /// A zone of the local grid (a feeder, a street), numbered by the community.
    Zone(u16)
}
unit! {
    /// Unix time in whole seconds, as block time gives it.
    Seconds(u64)
}

impl Wh {
    /// So much for each of `n` windows.
    ///
    /// # Errors
    /// `OVERFLOW` past the type's range.
    pub fn try_times(self, n: u64) -> Result<Self, MarketError> {
        let product = self.0.checked_mul(n).map(Self);
        product.ok_or_else(|| MarketError::Overflow {
            text: format!("{self} Wh times {n} is out of range"),
        })
    }
}

impl Window {
    /// The window that contains a time. `len` is the window length; zero is treated as one second.
    pub const fn at(time: Seconds, len: u32) -> Self {
        match time.0.checked_div(len as u64) {
            Some(index) => Self(index),
            None => Self(time.0),
        }
    }

    /// First second of the window.
    pub const fn start(self, len: u32) -> Seconds {
        Seconds(self.0.saturating_mul(len as u64))
    }

    /// First second after the window.
    pub const fn end(self, len: u32) -> Seconds {
        Seconds(self.0.saturating_add(1).saturating_mul(len as u64))
    }

    /// The window after this one.
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// The window before this one (zero stays zero).
    pub const fn prev(self) -> Self {
        Self(self.0.saturating_sub(1))
    }

    /// `n` windows later.
    pub const fn plus(self, n: u64) -> Self {
        Self(self.0.saturating_add(n))
    }
}

/// One million: the whole of a [`Ppm`] share.
pub const PPM: u32 = 1_000_000;
/// Watt-hours in a kilowatt-hour: what a [`Price`] is divided by.
pub const WH_PER_KWH: u64 = 1_000;
