//! The energy pool: meters, statements, covers, tariffs, feed-in credit.
pub mod contract;
