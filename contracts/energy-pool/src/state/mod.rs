//! What the pool stores. Nothing outside this folder knows a storage key. Records are binary
//! ([`wattpool_schema::packed`]): on a chain every byte written costs.

mod config;
mod feed_in;
mod hold;
mod meter;
mod terms;
mod window;

pub use config::*;
pub use feed_in::*;
pub use hold::*;
pub use meter::*;
pub use terms::*;
pub use window::*;
