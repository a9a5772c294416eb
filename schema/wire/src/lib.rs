//! The single place where a message, record, event or unit of Wattpool is defined.
#![deny(clippy::float_arithmetic)]

pub mod units;
pub use units::*;
