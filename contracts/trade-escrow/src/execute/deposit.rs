//! `deposit`: sent coins become free money of the sender.

use cosmwasm_std::{DepsMut, MessageInfo, Response};
use wattpool_schema::error::MarketError;
use wattpool_schema::event::Deposited;
use wattpool_schema::{Holder, Micro};

use crate::{accounts, state};

/// Exactly one coin of the market's denomination, else `BAD_FUNDS`.
pub fn execute(deps: DepsMut, info: &MessageInfo) -> Result<Response, MarketError> {
    let config = state::config(deps.storage)?;
    let amount = sent(info, &config.denom)?;
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

fn sent(info: &MessageInfo, denom: &str) -> Result<Micro, MarketError> {
    let bad = || MarketError::BadFunds {
        expected: format!("exactly one coin of {denom}, from 1 to {}", u64::MAX),
    };
    let [coin] = info.funds.as_slice() else {
        return Err(bad());
    };
    let amount = u64::try_from(coin.amount.u128()).map_err(|_| bad())?;
    if coin.denom != denom || amount == 0 {
        return Err(bad());
    }
    Ok(Micro(amount))
}
