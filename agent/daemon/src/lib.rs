//! What an owner writes for an agent: its configuration and its policy, read and checked.

pub mod config;
pub mod figures;
pub mod policy;
pub mod template;
