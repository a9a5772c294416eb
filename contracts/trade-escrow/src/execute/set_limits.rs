//! `set_limits`: the owner bounds what the meter's agent may trade.

use cosmwasm_std::{DepsMut, MessageInfo, Response};
use wattpool_schema::error::MarketError;
use wattpool_schema::escrow::Limits;
use wattpool_schema::event::LimitsSet;
use wattpool_schema::MeterId;

use crate::{market, state};

/// By the meter's owner at the pool. Takes effect at once; standing orders go on within the limits of
/// their opening, except that nothing is delivered while trading is off.
pub fn execute(
    deps: DepsMut,
    info: &MessageInfo,
    meter: MeterId,
    limits: Limits,
) -> Result<Response, MarketError> {
    let config = state::config(deps.storage)?;
    let registered = market::meter(deps.querier, &config, meter)?;
    if registered.owner != info.sender.as_str() {
        return Err(MarketError::Unauthorized {
            needs: "meter's owner".to_owned(),
        });
    }
    let mut book = state::meter(deps.storage, &meter)?;
    book.limits = limits.clone();
    state::save_meter(deps.storage, &meter, &book);
    Ok(Response::new().add_event(LimitsSet {
        meter,
        trading_off: limits.trading_off,
        min_sell_price: limits.min_sell_price,
        max_buy_price: limits.max_buy_price,
        max_spend_per_day: limits.max_spend_per_day,
        max_buy_per_day: limits.max_buy_per_day,
        max_sell_per_day: limits.max_sell_per_day,
    }))
}
