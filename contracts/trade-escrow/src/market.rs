//! Questions to, and messages for, the energy pool and the energy token.

use cosmwasm_std::{to_json_binary, Addr, Env, QuerierWrapper, StdResult, WasmMsg};
use serde::{Deserialize, Serialize};
use wattpool_rules::order::Part;
use wattpool_schema::error::MarketError;
use wattpool_schema::pool::{self, RedeemMsg, TermsResponse, TradingMeter};
use wattpool_schema::token::{self, HoldingResponse, SettleMsg};
use wattpool_schema::{AgentKey, MeterId, Seconds, SignedCover, Wh, Window, Zone};

use crate::state::Config;

/// What the escrow needs of the pool's settings ([`pool::PoolConfig`]).
#[derive(Deserialize)]
pub struct Wiring {
    /// The energy token.
    pub token: String,
    /// Denomination of all payments.
    pub denom: String,
    /// Window length.
    pub window_seconds: u32,
    /// How long tokens and cover are held for standing orders.
    pub first_part_seconds: u32,
    /// Who may have the network charges.
    pub grid_operator: String,
}

/// What the escrow needs of a registered meter ([`pool::MeterResponse`]).
#[derive(Deserialize)]
pub struct Registered {
    /// The meter.
    meter: MeterId,
    /// Its owner.
    pub owner: String,
    /// Which tenure it is.
    pub tenure: u64,
}

#[derive(Deserialize)]
struct Registry {
    meters: Vec<Registered>,
}

/// What the escrow needs of a window's books ([`pool::PoolWindow`]).
#[derive(Deserialize)]
pub struct Disturbed {
    /// Trading was paused in it.
    pub paused: bool,
    /// The chain halted in it.
    pub halted: bool,
}

/// The one message to the pool ([`pool::ExecuteMsg`]).
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum ToPool {
    Redeem { redeem: RedeemMsg },
}

/// The one message to the token ([`token::ExecuteMsg`]).
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum ToToken {
    Settle { trade: SettleMsg },
}

/// The window that is running.
pub fn running(env: &Env, config: &Config) -> Window {
    Window::at(Seconds(env.block.time.seconds()), config.window_seconds)
}

/// The live metered window: the one before the running one.
pub fn live(env: &Env, config: &Config) -> Window {
    running(env, config).prev()
}

/// The pool's settings.
pub fn pool_config(querier: QuerierWrapper, pool: &Addr) -> StdResult<Wiring> {
    querier.query_wasm_smart(pool, &pool::QueryMsg::Config {})
}

/// Everything a trade needs to know.
pub fn terms(
    querier: QuerierWrapper,
    config: &Config,
    seller: MeterId,
    buyer: MeterId,
) -> Result<TermsResponse, MarketError> {
    let question = pool::QueryMsg::Terms { seller, buyer };
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
) -> Result<Registered, MarketError> {
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
    let found: Registry = querier.query_wasm_smart(
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
) -> StdResult<Disturbed> {
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

/// Both meters are one owner's, or of one household as the registrar marks them.
pub fn one_household(terms: &TermsResponse) -> bool {
    let (seller, buyer) = (&terms.seller, &terms.buyer);
    let marked = seller.household.is_some() && seller.household == buyer.household;
    seller.owner == buyer.owner || marked
}

/// The selling meter's zone where the line from there has a capacity.
pub fn capped_from(terms: &TermsResponse) -> Option<Zone> {
    terms.capacity_left.map(|_| terms.seller.zone)
}

/// Where block time stands in the window for standing orders.
pub fn part(env: &Env, config: &Config) -> Part {
    let now = Seconds(env.block.time.seconds());
    let start = Window::at(now, config.window_seconds).start(config.window_seconds);
    let first = Seconds(u64::from(config.first_part_seconds));
    wattpool_rules::order::part(now.saturating_sub(start), first)
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
        msg: to_json_binary(&ToPool::Redeem { redeem })?,
        funds: vec![],
    })
}

/// Message to the token.
pub fn settle(config: &Config, trade: SettleMsg) -> StdResult<WasmMsg> {
    Ok(WasmMsg::Execute {
        contract_addr: config.token.to_string(),
        msg: to_json_binary(&ToToken::Settle { trade })?,
        funds: vec![],
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use cosmwasm_std::{from_json, to_json_string};
    use wattpool_schema::pool::{MeterResponse, MetersResponse, PoolConfig, PoolWindow};
    use wattpool_schema::{DeviceKey, Micro};

    #[test]
    fn messages_are_those_that_pool_and_token_read() {
        let redeem = RedeemMsg {
            window: Window(1),
            trade_id: 2,
            seller: MeterId([3; 16]),
            buyer: MeterId([4; 16]),
            gross: Wh(5),
            net: Wh(6),
            paid: Micro(7),
            capped_from: Some(Zone(8)),
            cover: None,
        };
        let sent = to_json_string(&ToPool::Redeem {
            redeem: redeem.clone(),
        });
        let read: pool::ExecuteMsg = from_json(sent.unwrap()).unwrap();
        assert_eq!(read, pool::ExecuteMsg::Redeem { redeem });
        let trade = SettleMsg {
            window: Window(1),
            trade_id: 2,
            seller: MeterId([3; 16]),
            buyer: MeterId([4; 16]),
            from: "from".into(),
            to: "to".into(),
            gross: Wh(5),
            net: Wh(6),
        };
        let sent = to_json_string(&ToToken::Settle {
            trade: trade.clone(),
        });
        let read: token::ExecuteMsg = from_json(sent.unwrap()).unwrap();
        assert_eq!(read, token::ExecuteMsg::Settle { trade });
    }

    #[test]
    fn answers_of_the_pool_are_read_in_part() {
        let config = PoolConfig {
            admin: "a".into(),
            proposed_admin: None,
            registrar: "r".into(),
            grid_operator: "g".into(),
            regulator: "e".into(),
            token: "t".into(),
            escrow: Some("s".into()),
            denom: "uwatt".into(),
            window_seconds: 900,
            credit_delay_days: 3,
            halt_seconds: 60,
            block_seconds: 5,
            first_part_seconds: 150,
            notice_days: 14,
            paused: false,
            confirmed_through: Some(Window(3)),
        };
        let read: Wiring = from_json(to_json_string(&config).unwrap()).unwrap();
        let found = (read.token.as_str(), read.denom.as_str());
        assert_eq!(found, ("t", "uwatt"));
        let found = (read.window_seconds, read.grid_operator.as_str());
        assert_eq!(found, (900, "g"));
        assert_eq!(read.first_part_seconds, 150);
        let meter = MeterResponse {
            meter: MeterId([1; 16]),
            owner: "o".into(),
            proposed_owner: None,
            notice: None,
            tenure: 7,
            household: None,
            agent: None,
            agent_address: Some("x\"y".into()),
            device: DeviceKey([2; 32]),
            zone: Zone(0),
            kind: pool::MeterKind::Mixed,
            max_export: Wh(1),
            max_import: Wh(2),
            retired: true,
            position: pool::MeterPosition {
                skipped: vec![pool::SkippedRange {
                    from: Window(1),
                    to: Window(2),
                    above: 3,
                    below: 4,
                }],
                ..Default::default()
            },
        };
        let list = MetersResponse {
            meters: vec![meter.clone(), meter],
        };
        let read: Registry = from_json(to_json_string(&list).unwrap()).unwrap();
        assert_eq!(read.meters.len(), 2);
        for one in read.meters {
            let found = (one.meter, one.owner.as_str(), one.tenure);
            assert_eq!(found, (MeterId([1; 16]), "o", 7));
        }
        for (paused, halted) in [(true, false), (false, true)] {
            let books = PoolWindow {
                paused,
                halted,
                ..Default::default()
            };
            let read: Disturbed = from_json(to_json_string(&books).unwrap()).unwrap();
            assert_eq!((read.paused, read.halted), (paused, halted));
        }
    }
}
