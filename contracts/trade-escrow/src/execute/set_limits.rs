//! `set_limits`: the owner bounds what the meter's agent may trade.

use cosmwasm_std::{DepsMut, MessageInfo, Response};
use wattpool_contract_common::permission::allow;
use wattpool_schema::error::MarketError;
use wattpool_schema::escrow::{LimitName, Limits, LimitsChange};
use wattpool_schema::event::LimitsSet;
use wattpool_schema::MeterId;

use crate::{market, state};

/// By the meter's owner at the pool, for this tenure of the meter: what was set in another one is gone. Takes effect at once, for standing orders too.
pub fn execute(
    deps: DepsMut,
    info: &MessageInfo,
    meter: MeterId,
    set: LimitsChange,
    remove: &[LimitName],
) -> Result<Response, MarketError> {
    let config = state::config(deps.storage)?;
    let registered = market::meter(deps.querier, &config, meter)?;
    allow(registered.owner == info.sender.as_str(), "meter's owner")?;
    let tenure = registered.tenure;
    let mut book = state::meter(deps.storage, &meter)?;
    if book.tenure != Some(tenure) {
        book.limits = Limits::default();
        book.tenure = Some(tenure);
    }
    book.limits.change(set, remove);
    let limits = book.limits.clone();
    state::save_meter(deps.storage, &meter, &book);
    Ok(Response::new().add_event(LimitsSet {
        meter,
        tenure,
        trading_off: limits.trading_off,
        min_sell_price: limits.min_sell_price,
        max_buy_price: limits.max_buy_price,
        max_spend_per_day: limits.max_spend_per_day,
        max_buy_per_day: limits.max_buy_per_day,
        max_sell_per_day: limits.max_sell_per_day,
    }))
}
