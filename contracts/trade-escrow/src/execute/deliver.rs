//! `deliver`: a standing order takes what it can get now for the live window.

use cosmwasm_std::{DepsMut, Env, Response};
use wattpool_rules::chunk::{self, Totals};
use wattpool_schema::error::MarketError;
use wattpool_schema::event::Delivered;
use wattpool_schema::pool::{RedeemMsg, TermsResponse};
use wattpool_schema::token::SettleMsg;
use wattpool_schema::{Holder, MeterId, Micro, Seconds, SignedCover, TradeKind, Wh, Window};

use crate::checked::Checked;
use crate::execute::settle::pay;
use crate::order::Order;
use crate::reservation::{net_of, Rivals, Sides};
use crate::state::{self, Book, Config, MeterBook};
use crate::{accounts, approval, market};

/// By the agent of either side. Even when nothing can be taken, what was there is noted: a buyer's unused
/// cover and a seller's lack of tokens decide what becomes of the window.
pub fn execute(
    deps: DepsMut,
    env: &Env,
    sender: &str,
    key: (MeterId, u64),
    cover: Option<SignedCover>,
) -> Result<Response, MarketError> {
    let (buyer, trade_id) = key;
    let config = state::config(deps.storage)?;
    let mut order = state::order(deps.storage, &buyer, trade_id)?;
    let seller = order.seller;
    let live = market::live(env, &config);
    if live < order.first || live > order.last {
        return Err(MarketError::OrderNotDue { window: live });
    }
    if let Some(cover) = &cover {
        approval::check_cover(cover, env, config.pool.as_str(), buyer, live)?;
    }
    let seller_book = state::meter(deps.storage, &seller)?;
    let buyer_book = state::meter(deps.storage, &buyer)?;
    let rivals = Rivals::load(
        deps.storage,
        &seller_book,
        buyer,
        &buyer_book,
        Some(order.rank),
    )?;
    let terms = market::terms(deps.querier, &config, seller, buyer, rivals.others())?;
    check(&terms, &order, buyer, &buyer_book, sender)?;

    let rolled = order.roll(deps.querier, &config, key, live)?;
    let mut books = state::book(deps.storage)?;
    let payer = Holder::of(deps.api, &order.buyer_owner)?;
    accounts::unlock(deps.storage, &mut books, &payer, Micro::ZERO, rolled.freed)?;
    let mut response = Response::new();
    if let Some(event) = rolled.event {
        response = response.add_event(event);
    }

    let unsold = if seller_book.limits.trading_off {
        // The seller's owner stopped it: that is a lack of tokens like any other.
        Wh::ZERO
    } else {
        market::sellable(deps.querier, &config, &terms.seller)?
    };
    let sides = Sides {
        seller,
        buyer,
        unsold,
        cover_left: market::cover_left(&terms.buyer, cover.as_ref()),
    };
    let net = take(&mut order, live, sides, &rivals, &terms)?;
    if !net.is_zero() || cover.is_some() {
        let chunk = if net.is_zero() {
            Totals::default()
        } else {
            let now = order.now;
            chunk::next(order.terms(), order.totals(), now.net, now.gross, net)?
        };
        response = move_energy(response, &config, key, &order, live, chunk, cover)?;
        let payee = Holder::of(deps.api, &order.seller_owner)?;
        let sides = (&payer, &payee);
        book_chunk(deps.storage, env, &mut books, &mut order, sides, chunk)?;
    }
    state::save_order(deps.storage, &buyer, trade_id, &order);
    state::save_book(deps.storage, &books);
    Ok(response)
}

/// Who may deliver, and whether anybody may now.
fn check(
    terms: &TermsResponse,
    order: &Order,
    buyer: MeterId,
    buyer_book: &MeterBook,
    sender: &str,
) -> Result<(), MarketError> {
    if terms.paused {
        return Err(MarketError::Paused);
    }
    let seller = order.seller;
    for (id, meter, owner) in [
        (seller, &terms.seller, &order.seller_owner),
        (buyer, &terms.buyer, &order.buyer_owner),
    ] {
        if meter.retired {
            return Err(MarketError::MeterRetired { meter: id });
        }
        if meter.owner != *owner {
            return Err(MarketError::OwnerChanged { meter: id });
        }
    }
    let is = |agent: &Option<String>| agent.as_deref() == Some(sender);
    if !is(&terms.seller.agent_address) && !is(&terms.buyer.agent_address) {
        return Err(MarketError::Unauthorized {
            needs: "agent of either side".to_owned(),
        });
    }
    if buyer_book.limits.trading_off {
        return Err(MarketError::TradingOff { meter: buyer });
    }
    Ok(())
}

/// How much can be taken: the least of what is wanted, what the seller can send, what the buyer's cover
/// allows and what the lines carry; the first three less what earlier-ranked orders can still use. Notes
/// the evidence.
///
/// The seller counts as short once its tokens do not reach for what is covered, and no longer once they do:
/// neither side can wipe that out by calling again when cover or tokens are gone.
fn take(
    order: &mut Order,
    live: Window,
    sides: Sides,
    rivals: &Rivals,
    terms: &TermsResponse,
) -> Result<Wh, MarketError> {
    let claims = rivals.claims(live, sides, &terms.others)?;
    let can_send = net_of(order, live, sides.unsold.saturating_sub(claims.gross));
    let can_use = sides.cover_left.saturating_sub(claims.cover);
    let can_carry = terms.capacity_left.unwrap_or(Wh::MAX);
    let wanted = order.undelivered(live);

    order.now.cover = order.now.cover.max(order.now.net.saturating_add(can_use));
    let covered = wanted.min(order.now.cover.saturating_sub(order.now.net));
    if can_send >= covered {
        order.now.short = false;
    } else if can_send < can_carry && can_send < can_use {
        order.now.short = true;
    }
    Ok(wanted.min(can_send).min(can_use).min(can_carry))
}

/// The messages that move the chunk's energy. With a cover and nothing to take, the pool still learns the
/// cover, and everything fails if it is forged.
fn move_energy(
    mut response: Response,
    config: &Config,
    (buyer, trade_id): (MeterId, u64),
    order: &Order,
    window: Window,
    chunk: Totals,
    cover: Option<SignedCover>,
) -> Result<Response, MarketError> {
    let seller = order.seller;
    response = response.add_message(market::redeem(
        config,
        RedeemMsg {
            window,
            trade_id,
            seller,
            buyer,
            gross: chunk.gross,
            net: chunk.net,
            paid: chunk.paid,
            cover,
        },
    )?);
    if chunk.net.is_zero() {
        return Ok(response);
    }
    let settle = SettleMsg {
        window,
        trade_id,
        seller,
        buyer,
        from: order.seller_owner.clone(),
        to: order.buyer_owner.clone(),
        gross: chunk.gross,
        net: chunk.net,
    };
    Ok(response
        .add_message(market::settle(config, settle)?)
        .add_event(Delivered {
            kind: TradeKind::Forward,
            window,
            trade_id,
            seller,
            buyer,
            seller_owner: order.seller_owner.clone(),
            buyer_owner: order.buyer_owner.clone(),
            net: chunk.net,
            gross: chunk.gross,
            paid: chunk.paid,
            charge: chunk.charge,
        }))
}

/// Pays the chunk out of the order's lock.
fn book_chunk(
    storage: &mut dyn cosmwasm_std::Storage,
    env: &Env,
    books: &mut Book,
    order: &mut Order,
    (payer, payee): (&Holder, &Holder),
    chunk: Totals,
) -> Result<(), MarketError> {
    if chunk.net.is_zero() {
        return Ok(());
    }
    order.add(chunk, Seconds(env.block.time.seconds()))?;
    let spent = chunk.paid.plus(chunk.charge)?;
    accounts::unlock(storage, books, payer, spent, Micro::ZERO)?;
    pay(storage, books, payee, chunk)?;
    Ok(())
}
