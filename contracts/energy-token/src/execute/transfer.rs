//! `Transfer` and `Send`: tokens of the live window change hands, outside the market.

use super::Call;
use crate::ledger::Ledger;
use crate::state;
use cosmwasm_std::{Addr, Binary, Response, Uint128};
use wattpool_contract_common::Holder;
use wattpool_schema::cw20::Cw20ReceiveMsg;
use wattpool_schema::error::MarketError;
use wattpool_schema::Wh;

/// Moves the sender's tokens. Amount 0 is allowed, as in cw20-base, and moves nothing.
pub fn transfer(mut call: Call, recipient: &str, amount: Uint128) -> Result<Response, MarketError> {
    let from = call.sender.clone();
    let to = recipient_of(&call, recipient)?;
    let response = Response::new()
        .add_attribute("action", "transfer")
        .add_attribute("from", &from)
        .add_attribute("to", &to)
        .add_attribute("amount", amount);
    move_tokens(&mut call, &from, &to, amount, response)
}

/// Moves the sender's tokens to a contract and calls it.
pub fn send(
    mut call: Call,
    contract: String,
    amount: Uint128,
    msg: Binary,
) -> Result<Response, MarketError> {
    let from = call.sender.clone();
    let to = recipient_of(&call, &contract)?;
    let hook = Cw20ReceiveMsg {
        sender: from.to_string(),
        amount,
        msg,
    };
    let response = Response::new()
        .add_attribute("action", "send")
        .add_attribute("from", &from)
        .add_attribute("to", &to)
        .add_attribute("amount", amount)
        .add_message(hook.into_cosmos_msg(contract)?);
    move_tokens(&mut call, &from, &to, amount, response)
}

/// Validates a recipient. The market's own contracts take no transfers: tokens there would be stranded.
pub fn recipient_of(call: &Call, recipient: &str) -> Result<Addr, MarketError> {
    let to = call.deps.api.addr_validate(recipient)?;
    let market = [
        call.config.pool.as_ref(),
        call.config.escrow.as_ref(),
        Some(&call.env.contract.address),
    ];
    if market.contains(&Some(&to)) {
        return Err(MarketError::ToMarketRefused);
    }
    Ok(to)
}

/// Takes `amount` from one account, received tokens first, and adds it to the other's received ones.
pub fn move_tokens(
    call: &mut Call,
    from: &Addr,
    to: &Addr,
    amount: Uint128,
    response: Response,
) -> Result<Response, MarketError> {
    if amount.is_zero() {
        return Ok(response);
    }
    let live = call.live();
    let giving = Holder::of(call.deps.api, from.as_str())?;
    let taking = Holder::of(call.deps.api, to.as_str())?;
    let storage = &mut *call.deps.storage;
    let mut ledger = Ledger::new(live);
    let mut giver = ledger.account(storage, &giving, from)?;
    let there = giver.total()?;
    let too_few = |wanted: Wh| MarketError::InsufficientTokens {
        wanted: wanted.0,
        there: there.0,
    };
    let wh = u64::try_from(amount.u128())
        .map(Wh)
        .map_err(|_| too_few(Wh::MAX))?;
    if wh > there {
        return Err(too_few(wh));
    }
    let from_received = wh.min(giver.received);
    giver.received = giver.received.try_sub(from_received)?;
    giver.own = giver.own.try_sub(wh.try_sub(from_received)?)?;
    // Stored before the taker is loaded: both may be the same account.
    state::save_account(storage, &giving, &giver);
    let mut taker = ledger.account(storage, &taking, to)?;
    taker.received = taker.received.try_add(wh)?;
    state::save_account(storage, &taking, &taker);
    Ok(response.add_events(ledger.finish(storage)?))
}
