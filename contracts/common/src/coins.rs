//! Coins that come with a message.

use cosmwasm_std::{MessageInfo, Uint128};
use wattpool_schema::error::MarketError;
use wattpool_schema::Micro;

/// Refuses coins: the message has no use for them and could not give them back.
///
/// # Errors
/// `BAD_FUNDS`
pub fn none(info: &MessageInfo) -> Result<(), MarketError> {
    if info.funds.is_empty() {
        return Ok(());
    }
    Err(MarketError::BadFunds {
        expected: "no coins with this message".to_owned(),
    })
}

/// The amount of the one coin that must come with a message.
///
/// # Errors
/// `BAD_FUNDS` for none, for several, for another denomination, for zero and for more than 2^64 - 1.
pub fn one(info: &MessageInfo, denom: &str) -> Result<Micro, MarketError> {
    let amount = match info.funds.as_slice() {
        [coin] if coin.denom == denom => Uint128::try_from(coin.amount)
            .ok()
            .and_then(|amount| u64::try_from(amount.u128()).ok()),
        _ => None,
    };
    amount
        .filter(|amount| *amount > 0)
        .map(Micro)
        .ok_or_else(|| MarketError::BadFunds {
            expected: format!("exactly one coin of {denom}, from 1 to {}", u64::MAX),
        })
}
