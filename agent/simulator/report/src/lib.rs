//! Measures of a run, its tables, and the report page.

pub mod accounts;
pub mod ceiling;
pub mod compare;
pub mod dictionary;
pub mod error;
pub mod fairness;
pub mod fees;
pub mod format;
pub mod gains;
pub mod gas;
pub mod human;
mod incidents;
pub mod inputs;
pub mod measures;
pub mod money;
pub mod outcome;
pub mod page;
pub mod record;
pub mod resolved;
pub mod summary;
pub mod tables;
pub mod time;
pub mod write;

pub use error::{MeasureError, WriteError};
pub use human::human;
pub use measures::{measure, Measures};
pub use outcome::Outcome;
pub use summary::Summary;
pub use write::{check_out_dir, write_all};
