//! Checks a market from what its contracts said, by somebody who trusts neither node nor operator.
//!
//! An [`export`] is the market's events with heights and times, in one file whose lines are chained by hashes and that its auditor signed. An
//! [`Auditor`] folds such events, from a file or straight from a chain, into books of its own and names every event that breaks a [`Rule`]: it shares
//! the market's arithmetic (`wattpool_rules`) with the contracts and nothing else. [`bill`] makes a meter's bill out of the same events and of the
//! readings that its owner opens ([`opening`]); [`trades`] lists trades, [`market`] says who sells how much at what prices.
//!
//! ```
//! use wattpool_audit::export::{Header, Writer};
//! use wattpool_audit::read::audit;
//!
//! let header = Header::new("chain-1", ["token", "pool", "escrow"], "uwatt", 900, 1);
//! let mut file = Vec::new();
//! let writer = Writer::new(&mut file, &header)?;
//! writer.finish(|_head| None)?;
//! let report = audit(file.as_slice())?;
//! assert_eq!(report.findings.total(), 0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod bill;
pub mod export;
pub mod finding;
pub mod fold;
pub mod market;
pub mod opening;
pub mod period;
pub mod read;
pub mod record;
pub mod source;
pub mod subjects;
pub mod trades;

pub use finding::{Finding, Findings, Place, Rule};
pub use fold::{Auditor, Report};
