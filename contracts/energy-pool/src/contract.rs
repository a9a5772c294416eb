//! Entry points: dispatch only.

use cosmwasm_std::{Binary, Deps, DepsMut, Env, MessageInfo, Response};
use wattpool_schema::error::MarketError;
use wattpool_schema::pool::{ExecuteMsg, InstantiateMsg, MigrateMsg, QueryMsg};

/// Creates the pool.
pub fn instantiate(
    _: DepsMut,
    _: Env,
    _: MessageInfo,
    _: InstantiateMsg,
) -> Result<Response, MarketError> {
    Ok(Response::new())
}
/// Carries out a message.
pub fn execute(_: DepsMut, _: Env, _: MessageInfo, _: ExecuteMsg) -> Result<Response, MarketError> {
    Err(MarketError::NotWired)
}
/// Answers a question.
pub fn query(_: Deps, _: Env, _: QueryMsg) -> Result<Binary, MarketError> {
    Err(MarketError::NotWired)
}
/// Moves to this code.
pub fn migrate(_: DepsMut, _: Env, _: MigrateMsg) -> Result<Response, MarketError> {
    Ok(Response::new())
}
