//! Inputs of a simulation: scenario files, profiles from CSV, and a generated neighbourhood.
//!
//! Everything ends in one [`model::Neighbourhood`]: energy per home and market window in whole Wh,
//! tariffs, carbon intensity, zones and faults. [`generate::neighbourhood`] makes one from a seed.

pub mod errors;
pub mod generate;
pub mod model;
pub mod resample;
mod tariff;
mod zones;

pub use errors::ScenarioError;
pub use generate::{neighbourhood, GenerateOptions};
