//! `cancel_order`: a standing order ends with the running window.

use cosmwasm_std::{DepsMut, Env, Response};
use wattpool_contract_common::Holder;
use wattpool_schema::error::MarketError;
use wattpool_schema::event::OrderCancelled;
use wattpool_schema::{MeterId, Micro};

use crate::{accounts, market, state};

/// By agent or owner of either side, also while the market is paused. The running window and the one being
/// traded are still delivered; the money for later ones is free at once. An order that has not begun will
/// never begin.
pub fn execute(
    deps: DepsMut,
    env: &Env,
    sender: &str,
    key: (MeterId, u64),
) -> Result<Response, MarketError> {
    let (buyer, trade_id) = key;
    let config = state::config(deps.storage)?;
    let mut order = state::order(deps.storage, &buyer, trade_id)?;
    let seller = order.seller;
    let terms = market::terms(deps.querier, &config, seller, buyer)?;
    // Whose money is locked may end the order even after the meter has changed hands.
    let party = [
        Some(order.selling.owner.as_str()),
        Some(order.buying.owner.as_str()),
        Some(terms.seller.owner.as_str()),
        Some(terms.buyer.owner.as_str()),
        terms.seller.agent_address.as_deref(),
        terms.buyer.agent_address.as_deref(),
    ]
    .contains(&Some(sender));
    if !party {
        return Err(MarketError::Unauthorized {
            needs: "agent or owner of either side".to_owned(),
        });
    }
    if order.cancelled {
        return Err(MarketError::OrderCancelled);
    }
    let running = market::running(env, &config);
    if order.last <= running {
        return Err(MarketError::BadInput {
            field: "trade_id".to_owned(),
            expected: format!("an order with windows after {running}"),
        });
    }
    order.cancelled = true;
    order.last = if running < order.first {
        order.first.prev()
    } else {
        running
    };
    let refunded = order.free_excess()?;
    let mut books = state::book(deps.storage)?;
    accounts::unlock(
        deps.storage,
        &mut books,
        &Holder::of(deps.api, &order.buying.owner)?,
        Micro::ZERO,
        refunded,
    )?;
    let mut buyer_book = state::meter(deps.storage, &buyer)?;
    buyer_book.locked = buyer_book.locked.try_sub(refunded)?;
    state::save_meter(deps.storage, &buyer, &buyer_book);
    state::save_book(deps.storage, &books);
    state::save_order(deps.storage, &buyer, trade_id, &order);
    Ok(Response::new().add_event(OrderCancelled {
        trade_id,
        buyer,
        seller,
        last_window: order.last,
        refunded,
    }))
}
