//! What those who run a market do on its chain: deploy its contracts, pin their codes.

pub mod deploy;
