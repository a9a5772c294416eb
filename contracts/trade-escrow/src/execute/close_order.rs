//! `close_order`: an ended standing order is settled, refunded and logged.

use cosmwasm_std::{DepsMut, Env, Response};
use wattpool_schema::error::MarketError;
use wattpool_schema::escrow::TradeRecord;
use wattpool_schema::{Holder, MeterId, Micro, Seconds, TradeKind, RECORD_VERSION};

use crate::checked::{times, Checked};
use crate::{accounts, log, market, state};

/// By anyone, as soon as the trading of the order's last window has ended, also while the market is paused.
pub fn execute(deps: DepsMut, env: &Env, key: (MeterId, u64)) -> Result<Response, MarketError> {
    let (buyer, trade_id) = key;
    let config = state::config(deps.storage)?;
    let mut order = state::order(deps.storage, &buyer, trade_id)?;
    let seller = order.seller;
    let live = market::live(env, &config);
    let begins = order.last >= order.first;
    if begins && live <= order.last {
        return Err(MarketError::OrderStillOpen { until: order.last });
    }
    let mut response = Response::new();
    let mut freed = order.locked;
    if begins {
        let rolled = order.roll(deps.querier, &config, key, live)?;
        if let Some(event) = rolled.event {
            response = response.add_event(event);
        }
        freed = rolled.freed.plus(order.locked)?;
    }
    order.locked = Micro::ZERO;

    let mut books = state::book(deps.storage)?;
    accounts::unlock(
        deps.storage,
        &mut books,
        &Holder::of(deps.api, &order.buyer_owner)?,
        Micro::ZERO,
        freed,
    )?;
    let mut seller_book = state::meter(deps.storage, &seller)?;
    let mut buyer_book = state::meter(deps.storage, &buyer)?;
    seller_book.sells.retain(|entry| *entry != key);
    buyer_book.buys.retain(|id| *id != trade_id);
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
            asked: times(order.wh, windows)?,
            arrived: totals.net,
            declined: order.declined,
            missed: order.missed,
            lost: totals.gross.minus(totals.net)?,
            price: order.price,
            paid: totals.paid,
            charge: totals.charge,
            requested_at: order.requested_at,
            closed_at: order
                .last_chunk
                .unwrap_or(Seconds(env.block.time.seconds())),
        },
        order.seller_owner == order.buyer_owner,
    )?;
    state::remove_order(deps.storage, &buyer, trade_id);
    state::save_meter(deps.storage, &seller, &seller_book);
    state::save_meter(deps.storage, &buyer, &buyer_book);
    state::save_book(deps.storage, &books);
    Ok(response.add_event(closed))
}
