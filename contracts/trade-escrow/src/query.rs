//! Questions to the escrow.

use cosmwasm_std::{to_json_binary, Binary, Deps, Env, StdResult};
use wattpool_contract_common::page::entries as page;
use wattpool_contract_common::Holder;
use wattpool_schema::error::MarketError;
use wattpool_schema::escrow::{
    AccountResponse, BookResponse, EscrowConfig, MeterBookResponse, OrderRef, QueryMsg,
    TradeRecord, TradeStatus, TradesResponse,
};
use wattpool_schema::{MeterId, Micro, Wh};

use crate::limits;
use crate::state::{self, Named};

/// Answers a question.
pub fn answer(deps: Deps, env: &Env, msg: QueryMsg) -> Result<Binary, MarketError> {
    let storage = deps.storage;
    let binary = match msg {
        QueryMsg::Config {} => to_json_binary(&config(deps)?),
        QueryMsg::Account { owner } => {
            // What is no address owns nothing.
            let account = match Holder::of(deps.api, &owner) {
                Ok(holder) => state::account(storage, &holder)?,
                Err(_) => state::Account::default(),
            };
            to_json_binary(&AccountResponse {
                free: account.free,
                locked: account.locked,
            })
        }
        QueryMsg::Meter { meter } => to_json_binary(&meter_book(deps, env, meter)?),
        QueryMsg::Trade { sequence } => to_json_binary(&record(deps, sequence)?),
        QueryMsg::TradeOf { buyer, trade_id } => to_json_binary(&trade_of(deps, buyer, trade_id)?),
        QueryMsg::Trades { start_after, limit } => {
            let first = start_after.map_or(Some(0), |s| s.checked_add(1));
            let sequences = first.into_iter().flat_map(|first| first..=u64::MAX);
            to_json_binary(&trades(deps, sequences.map(Ok), limit)?)
        }
        QueryMsg::Purchases {
            meter,
            start_after,
            limit,
        } => to_json_binary(&trades(
            deps,
            state::purchases(storage, &meter, start_after),
            limit,
        )?),
        QueryMsg::Sales {
            meter,
            start_after,
            limit,
        } => to_json_binary(&trades(
            deps,
            state::sales(storage, &meter, start_after),
            limit,
        )?),
        QueryMsg::NonceUsed { seller, nonce } => {
            to_json_binary(&state::nonce_used(storage, &seller, nonce))
        }
        QueryMsg::Order { buyer, trade_id } => {
            to_json_binary(&state::order(storage, &buyer, trade_id)?.response(buyer, trade_id))
        }
        QueryMsg::Book {} => {
            let book = state::book(storage)?;
            to_json_binary(&BookResponse {
                accounts: book.accounts,
                locked: book.locked,
                charges: book.charges,
                trades: book.trades,
                head: book.head,
                orders: book.orders,
            })
        }
    };
    Ok(binary?)
}

fn config(deps: Deps) -> StdResult<EscrowConfig> {
    let config = state::config(deps.storage)?;
    Ok(EscrowConfig {
        token: config.token.into_string(),
        pool: config.pool.into_string(),
        denom: config.denom,
        window_seconds: config.window_seconds,
        chain: config.chain,
    })
}

fn meter_book(deps: Deps, env: &Env, meter: MeterId) -> StdResult<MeterBookResponse> {
    let book = state::meter(deps.storage, &meter)?;
    let promises = state::promises(deps.storage, &meter)?;
    let today = book.day == limits::day(env);
    Ok(MeterBookResponse {
        limits: book.limits,
        tenure: book.tenure,
        locked: book.locked,
        spent_today: if today { book.spent } else { Micro::ZERO },
        bought_today: if today { book.bought } else { Wh::ZERO },
        sold_today: if today { book.sold } else { Wh::ZERO },
        statistics: book.statistics,
        sells: promises
            .sells
            .iter()
            .map(|(buyer, trade_id)| OrderRef {
                buyer: *buyer,
                trade_id: *trade_id,
            })
            .collect(),
        buys: promises
            .buys
            .iter()
            .map(|trade_id| OrderRef {
                buyer: meter,
                trade_id: *trade_id,
            })
            .collect(),
    })
}

/// A record that is in the log. The log has no gaps, so an absent one is past its end.
fn record(deps: Deps, sequence: u64) -> Result<TradeRecord, MarketError> {
    state::record(deps.storage, sequence)?.ok_or(MarketError::UnknownTrade { trade_id: sequence })
}

fn trade_of(deps: Deps, buyer: MeterId, trade_id: u64) -> Result<TradeStatus, MarketError> {
    Ok(match state::named(deps.storage, &buyer, trade_id)? {
        Named::Free => TradeStatus::Unknown {},
        Named::Open => TradeStatus::Open {
            order: Box::new(
                state::order(deps.storage, &buyer, trade_id)?.response(buyer, trade_id),
            ),
        },
        Named::Closed(sequence) => TradeStatus::Closed {
            record: Box::new(record(deps, sequence)?),
        },
    })
}

/// Records at these places of the log, up to its end.
fn trades(
    deps: Deps,
    sequences: impl Iterator<Item = StdResult<u64>>,
    limit: Option<u32>,
) -> StdResult<TradesResponse> {
    let mut trades = Vec::new();
    for sequence in sequences.take(page(limit)) {
        match state::record(deps.storage, sequence?)? {
            Some(record) => trades.push(record),
            None => break,
        }
    }
    Ok(TradesResponse { trades })
}
