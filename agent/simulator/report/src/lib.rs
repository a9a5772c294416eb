//! Measures of a run, its tables, and the report page.

pub mod accounts;
pub mod ceiling;
pub mod error;
pub mod fairness;
pub mod measures;
pub mod money;
pub mod outcome;
pub mod summary;
pub mod time;

pub use error::{MeasureError, WriteError};
pub use measures::{measure, Measures};
pub use outcome::Outcome;
pub use summary::Summary;
