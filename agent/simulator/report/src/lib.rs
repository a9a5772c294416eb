//! Measures of a run, its tables, and the report page.

pub mod outcome;
