//! A contract that takes cw20 hooks and remembers the last one.

use crate::token::{addr, Chain};
use cosmwasm_std::{
    to_json_binary, Addr, Binary, Deps, DepsMut, Empty, Env, MessageInfo, Response, StdResult,
};
use cw_multi_test::{ContractWrapper, Executor};
use cw_storage_plus::Item;
use serde::{Deserialize, Serialize};
use wattpool_schema::cw20::Cw20ReceiveMsg;

const LAST: Item<(Addr, Cw20ReceiveMsg)> = Item::new("last");

#[derive(Serialize, Deserialize, Debug)]
#[serde(rename_all = "snake_case")]
enum Msg {
    Receive(Cw20ReceiveMsg),
}

fn execute(
    deps: DepsMut,
    _: Env,
    info: MessageInfo,
    Msg::Receive(hook): Msg,
) -> StdResult<Response> {
    LAST.save(deps.storage, &(info.sender, hook))?;
    Ok(Response::new())
}

fn instantiate(_: DepsMut, _: Env, _: MessageInfo, _: Empty) -> StdResult<Response> {
    Ok(Response::new())
}

fn query(deps: Deps, _: Env, _: Empty) -> StdResult<Binary> {
    to_json_binary(&LAST.may_load(deps.storage)?)
}

/// Puts one on the chain.
pub fn deploy(app: &mut Chain) -> Addr {
    let code = app.store_code(Box::new(ContractWrapper::new(execute, instantiate, query)));
    app.instantiate_contract(code, addr("rich"), &Empty {}, &[], "receiver", None)
        .unwrap()
}

/// The last hook: who called, and what was said.
pub fn last(app: &Chain, receiver: &Addr) -> Option<(Addr, Cw20ReceiveMsg)> {
    app.wrap().query_wasm_smart(receiver, &Empty {}).unwrap()
}
