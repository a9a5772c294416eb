//! Questions to, and messages for, the energy pool and the energy token.

use cosmwasm_std::{to_json_binary, Addr, Env, QuerierWrapper, StdResult, WasmMsg};
use wattpool_schema::error::MarketError;
use wattpool_schema::pool::{
    self, MeterResponse, MetersResponse, PoolConfig, PoolWindow, RedeemMsg, TermsResponse,
    TradingMeter,
};
use wattpool_schema::token::{self, HoldingResponse, SettleMsg};
use wattpool_schema::{AgentKey, MeterId, Seconds, SignedCover, Wh, Window};

use crate::state::Config;

/// The window that is running.
pub fn running(env: &Env, config: &Config) -> Window {
    Window::at(Seconds(env.block.time.seconds()), config.window_seconds)
}

/// The live metered window: the one before the running one.
pub fn live(env: &Env, config: &Config) -> Window {
    running(env, config).prev()
}

/// The pool's settings.
pub fn pool_config(querier: QuerierWrapper, pool: &Addr) -> StdResult<PoolConfig> {
    querier.query_wasm_smart(pool, &pool::QueryMsg::Config {})
}

/// Everything a trade needs to know. `others` are counterparties of standing orders.
pub fn terms(
    querier: QuerierWrapper,
    config: &Config,
    seller: MeterId,
    buyer: MeterId,
    others: Vec<MeterId>,
) -> Result<TermsResponse, MarketError> {
    let question = pool::QueryMsg::Terms {
        seller,
        buyer,
        others,
    };
    querier
        .query_wasm_smart(&config.pool, &question)
        .or_else(|error| {
            require_known(querier, config, seller)?;
            require_known(querier, config, buyer)?;
            Err(error.into())
        })
}

/// A meter as registered, or `UNKNOWN_METER`.
pub fn meter(
    querier: QuerierWrapper,
    config: &Config,
    meter: MeterId,
) -> Result<MeterResponse, MarketError> {
    querier
        .query_wasm_smart(&config.pool, &pool::QueryMsg::Meter { meter })
        .or_else(|error| {
            require_known(querier, config, meter)?;
            Err(error.into())
        })
}

/// A chain hides error texts of queries between contracts, so that a failed one says nothing. A list that
/// starts right before the meter answers without failing whether it is registered.
fn require_known(
    querier: QuerierWrapper,
    config: &Config,
    meter: MeterId,
) -> Result<(), MarketError> {
    let before = u128::from_be_bytes(meter.0)
        .checked_sub(1)
        .map(|id| MeterId(id.to_be_bytes()));
    let found: MetersResponse = querier.query_wasm_smart(
        &config.pool,
        &pool::QueryMsg::Meters {
            start_after: before,
            limit: Some(1),
        },
    )?;
    if found.meters.iter().any(|m| m.meter == meter) {
        return Ok(());
    }
    Err(MarketError::UnknownMeter { meter })
}

/// A window's books at the pool.
pub fn pool_window(
    querier: QuerierWrapper,
    config: &Config,
    window: Window,
) -> StdResult<PoolWindow> {
    querier.query_wasm_smart(&config.pool, &pool::QueryMsg::Window { window })
}

/// What of a meter's unsold tokens its owner still holds as own: tokens that were passed on cannot be sold.
pub fn sellable(querier: QuerierWrapper, config: &Config, seller: &TradingMeter) -> StdResult<Wh> {
    let holding: HoldingResponse = querier.query_wasm_smart(
        &config.token,
        &token::QueryMsg::Holding {
            address: seller.owner.clone(),
        },
    )?;
    Ok(seller.unsold.min(holding.own))
}

/// A meter that takes part in trading: in service, with an agent.
pub fn require_trading(id: MeterId, meter: &TradingMeter) -> Result<AgentKey, MarketError> {
    if meter.retired {
        return Err(MarketError::MeterRetired { meter: id });
    }
    meter.agent.ok_or(MarketError::AgentUnset { meter: id })
}

/// Unused cover of a buyer when `cover` is added to what the pool knows.
pub fn cover_left(buyer: &TradingMeter, cover: Option<&SignedCover>) -> Wh {
    let raised = cover.map_or(Wh::ZERO, |c| {
        c.cover.import_wh.saturating_sub(buyer.covered)
    });
    buyer.uncovered_left.saturating_add(raised)
}

/// Message to the pool.
pub fn redeem(config: &Config, redeem: RedeemMsg) -> StdResult<WasmMsg> {
    Ok(WasmMsg::Execute {
        contract_addr: config.pool.to_string(),
        msg: to_json_binary(&pool::ExecuteMsg::Redeem { redeem })?,
        funds: vec![],
    })
}

/// Message to the token.
pub fn settle(config: &Config, trade: SettleMsg) -> StdResult<WasmMsg> {
    Ok(WasmMsg::Execute {
        contract_addr: config.token.to_string(),
        msg: to_json_binary(&token::ExecuteMsg::Settle { trade })?,
        funds: vec![],
    })
}
