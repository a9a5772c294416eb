//! The agent on a meter: what puts the adapters together, and what its owner reaches it by.

pub mod client;
pub mod http;
pub mod keystore;
pub mod logs;
pub mod metrics;
pub mod passphrase;
pub mod run;
pub mod status;
