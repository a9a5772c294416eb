//! Allowances: `IncreaseAllowance`, `DecreaseAllowance`, `TransferFrom`, `SendFrom`.

use super::transfer::{move_tokens, recipient_of};
use super::Call;
use crate::state;
use cosmwasm_std::{Addr, Binary, Response, Uint128};
use wattpool_schema::cw20::{Cw20ReceiveMsg, Expiration};
use wattpool_schema::error::MarketError;

/// Lets a spender move more. A new expiry replaces the old one, an absent one keeps it.
pub fn increase_allowance(
    call: Call,
    spender: &str,
    amount: Uint128,
    expires: Option<Expiration>,
) -> Result<Response, MarketError> {
    let spender = spender_of(&call, spender)?;
    refuse_past(&call, expires)?;
    let (allowed, until) =
        state::allowance(call.deps.storage, &call.sender, &spender)?.unwrap_or_default();
    let next = (allowed.checked_add(amount)?, expires.unwrap_or(until));
    state::save_allowance(call.deps.storage, &call.sender, &spender, Some(next))?;
    Ok(changed(
        "increase_allowance",
        &call.sender,
        &spender,
        amount,
    ))
}

/// Lets a spender move less; at zero or below the allowance is gone.
pub fn decrease_allowance(
    call: Call,
    spender: &str,
    amount: Uint128,
    expires: Option<Expiration>,
) -> Result<Response, MarketError> {
    let spender = spender_of(&call, spender)?;
    let (allowed, until) = state::allowance(call.deps.storage, &call.sender, &spender)?
        .ok_or_else(|| too_small(amount, Uint128::zero()))?;
    let next = if amount < allowed {
        refuse_past(&call, expires)?;
        Some((allowed.checked_sub(amount)?, expires.unwrap_or(until)))
    } else {
        None
    };
    state::save_allowance(call.deps.storage, &call.sender, &spender, next)?;
    Ok(changed(
        "decrease_allowance",
        &call.sender,
        &spender,
        amount,
    ))
}

/// Moves another's tokens within the allowance.
pub fn transfer_from(
    mut call: Call,
    owner: &str,
    recipient: &str,
    amount: Uint128,
) -> Result<Response, MarketError> {
    let from = call.deps.api.addr_validate(owner)?;
    let to = recipient_of(&call, recipient)?;
    spend(&mut call, &from, amount)?;
    let response = Response::new()
        .add_attribute("action", "transfer_from")
        .add_attribute("from", &from)
        .add_attribute("to", &to)
        .add_attribute("by", &call.sender)
        .add_attribute("amount", amount);
    move_tokens(&mut call, &from, &to, amount, response)
}

/// Moves another's tokens to a contract within the allowance, and calls the contract. As in cw20-base,
/// the spender is named as the sender.
pub fn send_from(
    mut call: Call,
    owner: &str,
    contract: String,
    amount: Uint128,
    msg: Binary,
) -> Result<Response, MarketError> {
    let from = call.deps.api.addr_validate(owner)?;
    let to = recipient_of(&call, &contract)?;
    spend(&mut call, &from, amount)?;
    let hook = Cw20ReceiveMsg {
        sender: call.sender.to_string(),
        amount,
        msg,
    };
    let response = Response::new()
        .add_attribute("action", "send_from")
        .add_attribute("from", &from)
        .add_attribute("to", &to)
        .add_attribute("by", &call.sender)
        .add_attribute("amount", amount)
        .add_message(hook.into_cosmos_msg(contract)?);
    move_tokens(&mut call, &from, &to, amount, response)
}

fn spender_of(call: &Call, spender: &str) -> Result<Addr, MarketError> {
    let spender = call.deps.api.addr_validate(spender)?;
    if spender == call.sender {
        return Err(MarketError::BadInput {
            field: "spender".into(),
            expected: "another account than the sender's".into(),
        });
    }
    Ok(spender)
}

fn refuse_past(call: &Call, expires: Option<Expiration>) -> Result<(), MarketError> {
    match expires {
        Some(expires) if expires.is_expired(&call.env.block) => Err(MarketError::BadInput {
            field: "expires".into(),
            expected: "a time or height to come".into(),
        }),
        _ => Ok(()),
    }
}

fn spend(call: &mut Call, owner: &Addr, amount: Uint128) -> Result<(), MarketError> {
    let storage = &mut *call.deps.storage;
    let (allowed, until) = state::allowance(storage, owner, &call.sender)?
        .ok_or_else(|| too_small(amount, Uint128::zero()))?;
    if until.is_expired(&call.env.block) {
        return Err(MarketError::AllowanceExpired);
    }
    let left = allowed
        .checked_sub(amount)
        .map_err(|_| too_small(amount, allowed))?;
    Ok(state::save_allowance(
        storage,
        owner,
        &call.sender,
        Some((left, until)),
    )?)
}

fn too_small(wanted: Uint128, there: Uint128) -> MarketError {
    let short = |v: Uint128| u64::try_from(v.u128()).unwrap_or(u64::MAX);
    MarketError::InsufficientAllowance {
        wanted: short(wanted),
        there: short(there),
    }
}

fn changed(action: &str, owner: &Addr, spender: &Addr, amount: Uint128) -> Response {
    Response::new()
        .add_attribute("action", action)
        .add_attribute("owner", owner)
        .add_attribute("spender", spender)
        .add_attribute("amount", amount)
}
