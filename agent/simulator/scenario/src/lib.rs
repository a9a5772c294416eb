//! Inputs of a simulation: scenario files, profiles from CSV, and a generated neighbourhood.

pub mod model;
