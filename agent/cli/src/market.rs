//! Messages and questions to a market's contracts.

use crate::chain::{block_on, Session};
use crate::Failure;
use serde::Serialize;
use serde_json::Value;
use wattpool_ledger_wasmd::{Deployed, Market};
use wattpool_schema::Micro;
use wattpool_wallet::message;

/// Which contract of a market.
pub type Which = fn(&Market) -> &Deployed;

/// The pool.
pub fn pool(market: &Market) -> &Deployed {
    &market.pool
}

/// The escrow.
pub fn escrow(market: &Market) -> &Deployed {
    &market.escrow
}

/// A message as the chain takes it.
///
/// # Errors
/// Never for the contracts' own messages.
pub fn call(
    sender: &str,
    contract: &str,
    msg: &impl Serialize,
    funds: &[(u128, String)],
) -> Result<Value, Failure> {
    let msg = serde_json::to_value(msg)?;
    Ok(message::execute(sender, contract, msg, funds))
}

/// Sends a message to one of the market's contracts, with so much money, and prints what came of it. `words`: what it
/// does, to be read after "This will".
///
/// # Errors
/// The input is wrong (exit code 2), or the contract refuses.
pub fn to_contract(
    session: &Session,
    which: Which,
    words: &str,
    msg: &impl Serialize,
    money: Micro,
) -> Result<u8, Failure> {
    let market = session.market()?;
    let funds = match money {
        Micro::ZERO => Vec::new(),
        money => vec![(u128::from(money.get()), market.denom.clone())],
    };
    let contract = &which(&market).address;
    block_on(session.transact(&words.to_owned(), |from| {
        Ok(vec![call(from, contract, msg, &funds)?])
    }))
}

/// Sends a message to the pool.
///
/// # Errors
/// As [`to_contract`].
pub fn to_pool(session: &Session, words: &str, msg: &impl Serialize) -> Result<u8, Failure> {
    to_contract(session, pool, words, msg, Micro::ZERO)
}

/// Sends a message to the escrow.
///
/// # Errors
/// As [`to_contract`].
pub fn to_escrow(session: &Session, words: &str, msg: &impl Serialize) -> Result<u8, Failure> {
    to_contract(session, escrow, words, msg, Micro::ZERO)
}
