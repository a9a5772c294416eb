//! What names the chain that Wattpool runs on. `testnet/build` reads the values from this file.

/// Prefix of every address on the chain.
pub const ADDRESS_PREFIX: &str = "watt";
/// Denomination of payments and fees, in micro-units: 1,000,000 are one coin.
pub const PAYMENT_DENOM: &str = "uwatt";
/// Denomination that validators stake, in micro-units.
pub const STAKING_DENOM: &str = "ustake";
/// What a unit of gas costs where nothing else is said: for agents, owners and operators alike.
pub const GAS_PRICE: &str = "0.0025uwatt";
