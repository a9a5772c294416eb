//! `withdraw`: free money goes back to its holder.

use cosmwasm_std::{coins, BankMsg, DepsMut, MessageInfo, Response};
use wattpool_contract_common::Holder;
use wattpool_schema::error::MarketError;
use wattpool_schema::event::Withdrawn;
use wattpool_schema::Micro;

use crate::{accounts, state};

/// Pays `amount`, or everything that is free, to the sender.
pub fn execute(
    deps: DepsMut,
    info: &MessageInfo,
    amount: Option<Micro>,
) -> Result<Response, MarketError> {
    let config = state::config(deps.storage)?;
    let owner = info.sender.to_string();
    let holder = Holder::of(deps.api, &owner)?;
    let amount = match amount {
        Some(amount) => amount,
        None => state::account(deps.storage, &holder)?.free,
    };
    if amount.is_zero() {
        return Err(MarketError::BadInput {
            field: "amount".to_owned(),
            expected: "at least 1 micro-unit, and that much free in the account".to_owned(),
        });
    }
    let mut book = state::book(deps.storage)?;
    let free = accounts::take(deps.storage, &mut book, &holder, amount)?;
    state::save_book(deps.storage, &book);
    let pay = BankMsg::Send {
        to_address: owner.clone(),
        amount: coins(u128::from(amount.0), config.denom),
    };
    Ok(Response::new().add_message(pay).add_event(Withdrawn {
        owner,
        amount,
        free,
    }))
}
