//! A shop that notes what is paid to it with the token's `send`: written as others would write it, with the standard's own crate `cw20` 2.0 on line 2
//! of the chain's library.

use cosmwasm_std::{
    to_json_binary, Binary, Deps, DepsMut, Empty, Env, MessageInfo, Response, StdError, StdResult,
};
use cw20::Cw20ReceiveMsg;
use serde::{Deserialize, Serialize};

const LAST: &[u8] = b"last";

/// What the shop is told.
#[derive(Serialize, Deserialize, Clone, Debug)]
#[serde(rename_all = "snake_case")]
pub enum ExecuteMsg {
    /// A payment; the token is the sender.
    Receive(Cw20ReceiveMsg),
}

/// What was paid last.
#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct Paid {
    /// The token's contract.
    pub token: String,
    /// Who paid, how much, and with which words.
    pub payment: Cw20ReceiveMsg,
}

/// Nothing is set up.
///
/// # Errors
/// None.
#[cfg_attr(target_arch = "wasm32", cosmwasm_std::entry_point)]
pub fn instantiate(_: DepsMut, _: Env, _: MessageInfo, _: Empty) -> StdResult<Response> {
    Ok(Response::new())
}

/// Takes a payment.
///
/// # Errors
/// It has no words.
#[cfg_attr(target_arch = "wasm32", cosmwasm_std::entry_point)]
pub fn execute(deps: DepsMut, _: Env, info: MessageInfo, msg: ExecuteMsg) -> StdResult<Response> {
    let ExecuteMsg::Receive(payment) = msg;
    if payment.msg.is_empty() {
        return Err(StdError::generic_err("a payment says what it is for"));
    }
    let token = info.sender.into_string();
    let paid = to_json_binary(&Paid { token, payment })?;
    deps.storage.set(LAST, &paid);
    Ok(Response::new().add_attribute("shop", "paid"))
}

/// What was paid last.
///
/// # Errors
/// Nothing was paid yet.
#[cfg_attr(target_arch = "wasm32", cosmwasm_std::entry_point)]
pub fn query(deps: Deps, _: Env, _: Empty) -> StdResult<Binary> {
    let last = deps.storage.get(LAST);
    last.map(Binary::from)
        .ok_or_else(|| StdError::not_found("a payment"))
}
