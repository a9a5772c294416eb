//! What an owner writes for an agent: its configuration and its policy, read and checked.

#[cfg(feature = "agent")]
pub mod config;
#[cfg(feature = "agent")]
pub mod policy;
