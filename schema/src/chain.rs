//! What names the chain that Wattpool runs on. `testnet/build` reads the values from this file.

/// Prefix of every address on the chain.
pub const ADDRESS_PREFIX: &str = "watt";
/// Denomination of payments and fees, in micro-units: 1,000,000 are one coin.
pub const PAYMENT_DENOM: &str = "uwatt";
/// Denomination that validators stake, in micro-units.
pub const STAKING_DENOM: &str = "ustake";
/// Price of gas where nothing else is said: what shipped nodes accept, programs pay and simulations reckon with.
pub const DEFAULT_GAS_PRICE: &str = "0.0025uwatt";
/// Gas that a transaction may use, in per cent of what its simulation used. The chain takes the fee for all of it.
pub const GAS_MARGIN_PERCENT: u32 = 140;
