//! `close_order`: an ended standing order is settled, refunded and logged.

use cosmwasm_std::{DepsMut, Env, Response};
use wattpool_contract_common::Holder;
use wattpool_schema::error::MarketError;
use wattpool_schema::escrow::TradeRecord;
use wattpool_schema::{MeterId, Micro, Seconds, TradeKind, RECORD_VERSION};

use crate::order::Order;
use crate::state::{self, Config};
use crate::{accounts, log, market};

/// By anyone, as soon as the trading of the order's last window has ended, or the order has; also while the market is paused.
pub fn execute(deps: DepsMut, env: &Env, key: (MeterId, u64)) -> Result<Response, MarketError> {
    let (buyer, trade_id) = key;
    let config = state::config(deps.storage)?;
    let order = state::order(deps.storage, &buyer, trade_id)?;
    let begins = order.last >= order.first;
    let early = begins && market::live(env, &config) <= order.last;
    if early {
        let terms = market::terms(deps.querier, &config, order.seller, buyer)?;
        if !order.ended(&terms) {
            return Err(MarketError::OrderStillOpen { until: order.last });
        }
    }
    close(deps, env, &config, key, order, early)
}

/// Settles, refunds and logs an order. `early`: it has ended before its time.
pub fn close(
    deps: DepsMut,
    env: &Env,
    config: &Config,
    key: (MeterId, u64),
    mut order: Order,
    early: bool,
) -> Result<Response, MarketError> {
    let (buyer, trade_id) = key;
    let seller = order.seller;
    let live = market::live(env, config);
    let locked = order.locked;
    let mut response = Response::new();
    if order.last >= order.first {
        let rolled = order.roll(deps.querier, config, key, live)?;
        response = response.add_events(rolled.event);
    }
    if early {
        let ended = order.end(deps.querier, config, key, live)?;
        response = response.add_events(ended.event);
    }
    order.locked = Micro::ZERO;

    let mut books = state::book(deps.storage)?;
    let payer = Holder::of(deps.api, &order.buying.owner)?;
    accounts::unlock(deps.storage, &mut books, &payer, Micro::ZERO, locked)?;
    let mut seller_book = state::meter(deps.storage, &seller)?;
    let mut buyer_book = state::meter(deps.storage, &buyer)?;
    buyer_book.locked = buyer_book.locked.try_sub(locked)?;
    let mut of_seller = state::promises(deps.storage, &seller)?;
    let mut of_buyer = state::promises(deps.storage, &buyer)?;
    of_seller.sells.retain(|entry| *entry != key);
    of_buyer.buys.retain(|id| *id != trade_id);
    let totals = order.totals();
    let windows = order.windows();
    let closed = log::close(
        deps.storage,
        &mut books,
        &mut seller_book,
        &mut buyer_book,
        TradeRecord {
            version: RECORD_VERSION,
            sequence: 0,
            kind: TradeKind::Forward,
            trade_id,
            buyer,
            seller,
            nonce: order.nonce,
            window: order.first,
            count: u32::try_from(windows).unwrap_or(u32::MAX),
            asked: order.wh.try_times(windows)?.try_sub(order.void)?,
            arrived: totals.net,
            declined: order.declined,
            missed: order.missed,
            lost: totals.gross.try_sub(totals.net)?,
            price: order.price,
            paid: totals.paid,
            charge: totals.charge,
            requested_at: order.requested_at,
            closed_at: order
                .last_chunk
                .unwrap_or(Seconds(env.block.time.seconds())),
        },
        order.inside,
    )?;
    state::remove_order(deps.storage, &buyer, trade_id);
    state::save_promises(deps.storage, &seller, &of_seller);
    state::save_promises(deps.storage, &buyer, &of_buyer);
    state::save_meter(deps.storage, &seller, &seller_book);
    state::save_meter(deps.storage, &buyer, &buyer_book);
    state::save_book(deps.storage, &books);
    Ok(response.add_event(closed))
}
