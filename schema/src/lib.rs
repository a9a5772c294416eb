//! The single place where a message, record, event, unit or refusal of Wattpool is defined.
//!
//! Contracts, agents and readers of the chain all use these types; the JSON Schemas in `schema/json` are
//! generated from them. Energy and money are integers everywhere.
#![deny(clippy::float_arithmetic)]

pub mod bytes;
pub mod chain;
pub mod cw20;
pub mod error;
pub mod escrow;
pub mod event;
pub mod limits;
pub mod packed;
pub mod peer;
pub mod pool;
mod reading;
pub mod record;
pub mod signing;
pub mod stored;
pub mod token;
pub mod units;

pub use bytes::*;
pub use chain::{
    ADDRESS_PREFIX, DEFAULT_GAS_PRICE, GAS_MARGIN_PERCENT, PAYMENT_DENOM, STAKING_DENOM,
};
pub use signing::{
    Approval, Cover, MeterKeys, SignedApproval, SignedCover, SignedStatement, Statement, TradeKind,
    RECORD_VERSION,
};
pub use units::*;
