//! `deposit`: sent coins become free money of the sender.

use cosmwasm_std::{DepsMut, MessageInfo, Response};
use wattpool_contract_common::{coins, Holder};
use wattpool_schema::error::MarketError;
use wattpool_schema::event::Deposited;

use crate::{accounts, state};

/// Exactly one coin of the market's denomination, else `BAD_FUNDS`.
pub fn execute(deps: DepsMut, info: &MessageInfo) -> Result<Response, MarketError> {
    let config = state::config(deps.storage)?;
    let amount = coins::one(info, &config.denom)?;
    let mut book = state::book(deps.storage)?;
    let owner = info.sender.to_string();
    let holder = Holder::of(deps.api, &owner)?;
    let free = accounts::add(deps.storage, &mut book, &holder, amount)?;
    state::save_book(deps.storage, &book);
    Ok(Response::new().add_event(Deposited {
        owner,
        amount,
        free,
    }))
}
