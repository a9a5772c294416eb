//! `settle_batch`: several spot trades, each answered by itself.
//!
//! Every item is a message of the escrow to itself, so that a failing one undoes nothing but itself. What
//! the checks refuse is answered by its code; a chain hides error texts in replies, so that a failure
//! beyond them is `EXECUTION_FAILED`.

use cosmwasm_std::{to_json_binary, Binary, DepsMut, Env, Reply, Response, SubMsg, WasmMsg};
use wattpool_schema::error::MarketError;
use wattpool_schema::escrow::{ExecuteMsg, SettleTrade, MAX_BATCH};
use wattpool_schema::event::ItemRefused;
use wattpool_schema::pool::ItemAnswer;

use crate::execute::settle::{self, Found};
use crate::state;

/// Reply of the last item: the batch is complete.
const LAST: u64 = 1;
/// Reply of an item before: only its failure is reported.
const EARLIER: u64 = 0;

/// Sends every trade to the escrow itself, in order.
pub fn execute(
    deps: DepsMut,
    env: &Env,
    sender: &str,
    trades: Vec<SettleTrade>,
) -> Result<Response, MarketError> {
    let count = trades.len();
    let most = usize::try_from(MAX_BATCH).unwrap_or(usize::MAX);
    if count == 0 || count > most {
        return Err(MarketError::BadInput {
            field: "trades".to_owned(),
            expected: format!("1 to {MAX_BATCH} trades"),
        });
    }
    state::save_batch(deps.storage, &Vec::new());
    let mut response = Response::new();
    for (i, trade) in trades.into_iter().enumerate() {
        let message = WasmMsg::Execute {
            contract_addr: env.contract.address.to_string(),
            msg: to_json_binary(&ExecuteMsg::SettleItem {
                sender: sender.to_owned(),
                trade,
            })?,
            funds: vec![],
        };
        response = response.add_submessage(if i.saturating_add(1) == count {
            SubMsg::reply_always(message, LAST)
        } else {
            SubMsg::reply_on_error(message, EARLIER)
        });
    }
    Ok(response)
}

/// One item: a refusal is an answer, not an error.
pub fn execute_item(
    mut deps: DepsMut,
    env: &Env,
    sender: &str,
    trade: SettleTrade,
) -> Result<Response, MarketError> {
    let (response, refused) = match settle::check(deps.as_ref(), env, sender, &trade, true) {
        Ok(Found::Repeated) => (settle::repeated(), None),
        Ok(Found::Ready(ready)) => (settle::book(deps.branch(), env, trade, *ready)?, None),
        Err(refusal) => (Response::new(), Some(refusal.code().to_string())),
    };
    answer(deps, refused.clone())?;
    Ok(response.set_data(to_json_binary(&ItemAnswer { refused })?))
}

fn answer(deps: DepsMut, refused: Option<String>) -> Result<(), MarketError> {
    let mut answers = state::batch(deps.storage)?;
    answers.push(refused);
    state::save_batch(deps.storage, &answers);
    Ok(())
}

/// Notes a failure that no check foresaw; after the last item, answers the whole batch.
pub fn reply(mut deps: DepsMut, reply: Reply) -> Result<Response, MarketError> {
    if reply.result.is_err() {
        let code = MarketError::ExecutionFailed.code().to_string();
        answer(deps.branch(), Some(code))?;
    }
    if reply.id != LAST {
        return Ok(Response::new());
    }
    let answers = state::batch(deps.storage)?;
    state::end_batch(deps.storage);
    let mut response = Response::new();
    for (index, code) in (0u32..).zip(&answers) {
        if let Some(code) = code {
            response = response.add_event(ItemRefused {
                index,
                code: code.clone(),
            });
        }
    }
    Ok(response.set_data(data(answers)?))
}

fn data(answers: Vec<Option<String>>) -> Result<Binary, MarketError> {
    let answers: Vec<ItemAnswer> = answers
        .into_iter()
        .map(|refused| ItemAnswer { refused })
        .collect();
    Ok(to_json_binary(&answers)?)
}
