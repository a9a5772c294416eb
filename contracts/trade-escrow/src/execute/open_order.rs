//! `open_order`: a standing order begins, with the buyer's money locked for all of it.

use cosmwasm_std::{DepsMut, Env, Response};
use wattpool_contract_common::Holder;
use wattpool_rules::loss::gross_for;
use wattpool_schema::error::MarketError;
use wattpool_schema::escrow::{MAX_ORDERS, MAX_ORDER_WINDOWS};
use wattpool_schema::event::OrderOpened;
use wattpool_schema::pool::Tariffs;
use wattpool_schema::{Approval, SignedApproval, TradeKind, Wh, Window};

use crate::execute::settle::{check_gross, check_pair, repeated};
use crate::order::Order;
use crate::state::{self, Named};
use crate::{accounts, approval, limits, market};

/// By the buying meter's agent, under a forward approval.
pub fn execute(
    deps: DepsMut,
    env: &Env,
    sender: &str,
    trade_id: u64,
    wh: Wh,
    signed: &SignedApproval,
) -> Result<Response, MarketError> {
    let approved = &signed.approval;
    let (seller, buyer) = (approved.seller, approved.buyer);
    if is_repeated(&deps, trade_id, wh, approved)? {
        return Ok(repeated());
    }
    let config = state::config(deps.storage)?;
    let running = market::running(env, &config);
    approval::check(approved, TradeKind::Forward, wh, env)?;
    check_windows(approved, running)?;
    if config.first_part_seconds == 0 {
        // The window has no blocks to spare for keeping promises.
        return Err(MarketError::TooManyOrders { max: 0 });
    }
    if state::nonce_used(deps.storage, &seller, approved.nonce) {
        return Err(MarketError::NonceUsed {
            nonce: approved.nonce,
        });
    }

    let terms = market::terms(deps.querier, &config, seller, buyer)?;
    if terms.paused {
        return Err(MarketError::Paused);
    }
    let agent = market::require_trading(seller, &terms.seller)?;
    market::require_trading(buyer, &terms.buyer)?;
    if terms.buyer.agent_address.as_deref() != Some(sender) {
        return Err(MarketError::Unauthorized {
            needs: "buying meter's agent".to_owned(),
        });
    }
    approval::check_signature(deps.api, signed, &agent)?;
    let pair = terms.pair.ok_or(MarketError::NoRoute { seller, buyer })?;
    check_pair(&pair, approved.max_charge)?;
    check_gross(gross_for(wh, pair.loss)?, approved.max_gross)?;

    let seller_book = state::meter(deps.storage, &seller)?;
    let mut buyer_book = state::meter(deps.storage, &buyer)?;
    let mut of_seller = state::promises(deps.storage, &seller)?;
    let mut of_buyer = state::promises(deps.storage, &buyer)?;
    let most = usize::try_from(MAX_ORDERS).unwrap_or(usize::MAX);
    if of_seller.sells.len() >= most || of_buyer.buys.len() >= most {
        return Err(MarketError::TooManyOrders { max: MAX_ORDERS });
    }
    let mut books = state::book(deps.storage)?;
    let mut order = Order::open(approved, wh, &pair, &terms);
    order.locked = order.lock_needed()?;

    // Energy and money count on the day they move; what is locked together is within a day's spending.
    let Tariffs { import, feed_in } = terms.tariffs;
    let sells = limits::of_seller(&seller_book, terms.seller.tenure);
    limits::check_sale(&sells, seller, approved.price, feed_in, pair.loss)?;
    let buys = limits::of_buyer(&buyer_book, buyer, terms.buyer.tenure)?;
    limits::check_price(&buys, approved.price.try_add(pair.charge)?, import)?;
    let most = terms.buyer.max_import;
    let spending = limits::daily_spending(&buys, most, import, config.window_seconds);
    buyer_book.locked = buyer_book.locked.try_add(order.locked)?;
    if buyer_book.locked > spending {
        return Err(MarketError::LimitSpend {
            limit: spending.0,
            found: buyer_book.locked.0,
        });
    }
    let payer = Holder::of(deps.api, &order.buying.owner)?;
    accounts::lock(deps.storage, &mut books, &payer, order.locked)?;
    books.orders = books.orders.saturating_add(1);
    of_seller.sells.push((buyer, trade_id));
    of_buyer.buys.push(trade_id);
    state::take_names(deps.storage, &buyer, trade_id, &seller, approved.nonce);
    state::save_order(deps.storage, &buyer, trade_id, &order);
    state::save_promises(deps.storage, &seller, &of_seller);
    state::save_promises(deps.storage, &buyer, &of_buyer);
    state::save_meter(deps.storage, &buyer, &buyer_book);
    state::save_book(deps.storage, &books);
    Ok(Response::new().add_event(OrderOpened {
        trade_id,
        buyer,
        seller,
        nonce: order.nonce,
        first_window: order.first,
        last_window: order.last,
        wh,
        price: order.price,
        locked: order.locked,
    }))
}

/// True for an order with the same content, open or closed; `TRADE_EXISTS` for anything else under this id.
/// (Seller and nonce name the approval.)
fn is_repeated(
    deps: &DepsMut,
    trade_id: u64,
    wh: Wh,
    approved: &Approval,
) -> Result<bool, MarketError> {
    let same = match state::named(deps.storage, &approved.buyer, trade_id)? {
        Named::Free => return Ok(false),
        Named::Open => {
            let order = state::order(deps.storage, &approved.buyer, trade_id)?;
            order.seller == approved.seller && order.nonce == approved.nonce && order.wh == wh
        }
        Named::Closed(sequence) => state::record(deps.storage, sequence)?.is_some_and(|record| {
            record.kind == TradeKind::Forward
                && record.seller == approved.seller
                && record.nonce == approved.nonce
                && wh
                    .try_times(u64::from(record.count))
                    .is_ok_and(|most| record.asked <= most)
        }),
    };
    if same {
        return Ok(true);
    }
    Err(MarketError::TradeExists { trade_id })
}

/// 1 to 96 windows, beginning with the running one or later, at most 96 ahead.
fn check_windows(approved: &Approval, running: Window) -> Result<(), MarketError> {
    let bad = |field: &str, expected: String| MarketError::BadInput {
        field: field.to_owned(),
        expected,
    };
    if approved.count == 0 || approved.count > MAX_ORDER_WINDOWS {
        return Err(bad("count", format!("1 to {MAX_ORDER_WINDOWS} windows")));
    }
    if approved.first_window < running {
        return Err(MarketError::WindowClosed {
            window: approved.first_window,
            live: running.prev(),
        });
    }
    let latest = running.plus(u64::from(MAX_ORDER_WINDOWS));
    if approved.first_window > latest {
        return Err(bad("first_window", format!("window {latest} or before")));
    }
    Ok(())
}
