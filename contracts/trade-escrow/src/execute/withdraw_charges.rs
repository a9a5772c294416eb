//! `withdraw_charges`: accrued network charges go to the grid operator.

use cosmwasm_std::{coins, BankMsg, DepsMut, MessageInfo, Response};
use wattpool_schema::error::MarketError;
use wattpool_schema::event::ChargesWithdrawn;
use wattpool_schema::Micro;

use crate::state;

/// Pays all accrued charges to the sender, whom the dispatch has found to be the grid operator.
pub fn execute(deps: DepsMut, info: &MessageInfo) -> Result<Response, MarketError> {
    let config = state::config(deps.storage)?;
    let mut book = state::book(deps.storage)?;
    let amount = book.charges;
    if amount.is_zero() {
        return Err(MarketError::NothingDue);
    }
    book.charges = Micro::ZERO;
    state::save_book(deps.storage, &book);
    let to = info.sender.to_string();
    let pay = BankMsg::Send {
        to_address: to.clone(),
        amount: coins(u128::from(amount.0), config.denom),
    };
    Ok(Response::new()
        .add_message(pay)
        .add_event(ChargesWithdrawn { to, amount }))
}
