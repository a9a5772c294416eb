//! Inputs of a simulation: scenario files, profiles from CSV, and a generated neighbourhood.
//!
//! Everything ends in one [`model::Neighbourhood`]: energy per home and market window in whole Wh,
//! tariffs, carbon intensity, zones and faults. [`load`] reads a scenario file; [`neighbourhood`] makes
//! one from a seed without a file. Neither reads a clock or a random device.

pub mod attackers;
mod coverage;
mod csv_profile;
mod decode;
mod dialect;
pub mod errors;
mod events;
pub mod example;
mod feeders;
pub mod file;
mod findings;
pub mod generate;
mod header;
mod hints;
pub mod inspect;
mod load;
pub mod model;
mod paths;
mod placing;
mod policy;
mod profiles;
mod register;
mod resample;
mod roster;
mod sheet;
mod source;
mod stamps;
mod suspicion;
mod table;
mod tariff;
mod timing;
mod zones;

pub use errors::ScenarioError;
pub use generate::{contended, neighbourhood, GenerateOptions};
pub use load::{load, Overrides};
pub use stamps::Clock;
