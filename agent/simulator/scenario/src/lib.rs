//! Inputs of a simulation: scenario files, profiles from CSV, and a generated neighbourhood.
//!
//! Everything ends in one [`model::Neighbourhood`]: energy per home and market window in whole Wh,
//! tariffs, carbon intensity, zones and faults. [`load`] reads a scenario file; [`neighbourhood`] makes
//! one from a seed without a file. Neither reads a clock or a random device.

mod coverage;
mod csv_profile;
pub mod errors;
mod feeders;
pub mod file;
pub mod generate;
mod load;
pub mod model;
mod paths;
mod policy;
mod profiles;
mod resample;
mod roster;
mod source;
mod stamps;
mod tariff;
mod timing;
mod zones;

pub use errors::ScenarioError;
pub use generate::{contended, neighbourhood, GenerateOptions};
pub use load::{load, Overrides};
pub use stamps::Clock;
