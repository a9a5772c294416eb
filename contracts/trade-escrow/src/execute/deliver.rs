//! `deliver`: a standing order takes what it can get now for the live window.

use cosmwasm_std::{DepsMut, Env, Response, Storage};
use wattpool_contract_common::Holder;
use wattpool_rules::chunk::{self, Totals};
use wattpool_rules::order::{Evidence, Part, Try};
use wattpool_schema::error::MarketError;
use wattpool_schema::escrow::Limits;
use wattpool_schema::event::Delivered;
use wattpool_schema::pool::{RedeemMsg, TermsResponse};
use wattpool_schema::token::SettleMsg;
use wattpool_schema::{MeterId, Micro, Price, Seconds, SignedCover, TradeKind, Wh, Window, Zone};

use crate::execute::close_order;
use crate::execute::settle::pay;
use crate::limits::{self, lowest_price};
use crate::order::Order;
use crate::state::{self, Book, Config, MeterBook};
use crate::{accounts, approval, log, market};

/// By the agent of either side, as often as it likes. Even when nothing can be taken, what was there in the second half of the first part is noted: a
/// buyer's unused cover and a seller's lack of tokens decide what becomes of the window. An order that has ended is closed.
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
    let terms = market::terms(deps.querier, &config, seller, buyer)?;
    if order.ended(&terms) {
        return close_order::close(deps, env, &config, key, order, true);
    }
    if let Some(cover) = &cover {
        approval::check_cover(cover, env, config.pool.as_str(), buyer, live)?;
    }
    check(&terms, sender)?;
    let mut seller_book = state::meter(deps.storage, &seller)?;
    let mut buyer_book = state::meter(deps.storage, &buyer)?;
    let buys = limits::of_buyer(&buyer_book, buyer, order.buying.tenure)?;
    let sells = limits::of_seller(&seller_book, order.selling.tenure);

    let locked = order.locked;
    let rolled = order.roll(deps.querier, &config, key, live)?;
    let mut books = state::book(deps.storage)?;
    let payer = Holder::of(deps.api, &order.buying.owner)?;
    accounts::unlock(deps.storage, &mut books, &payer, Micro::ZERO, rolled.freed)?;
    let mut response = Response::new();
    if let Some(event) = rolled.event {
        response = response.add_event(event);
    }

    let price = order.price.try_add(order.charge)?;
    let mut chunk = Totals::default();
    if is_skipped(&order, price, &buys, &sells, &terms) {
        order.now.skipped = order.now.net.is_zero();
    } else {
        let day = limits::day(env);
        limits::turn_day(&mut seller_book, day);
        limits::turn_day(&mut buyer_book, day);
        let (import, most) = (terms.tariffs.import, terms.buyer.max_import);
        let spending = limits::daily_spending(&buys, most, import, config.window_seconds);
        let forbidden = terms.seller.agent.is_none()
            || sells.trading_off
            || sells
                .min_sell_price
                .is_some_and(|least| order.price < least);
        let tokens = if forbidden {
            // What the seller's side forbids is a lack of tokens like any other.
            Wh::ZERO
        } else {
            let left = limits::sale_left(&seller_book, &sells);
            market::sellable(deps.querier, &config, &terms.seller)?.min(left)
        };
        let use_left = limits::purchase_left(&buyer_book, &buys, spending, price);
        let found = Found {
            can_send: order.net_of(tokens),
            can_use: market::cover_left(&terms.buyer, cover.as_ref()).min(use_left),
            can_carry: terms.capacity_left.unwrap_or(Wh::MAX),
        };
        let net = found.take(&mut order, &mut buyer_book, market::part(env, &config));
        if !net.is_zero() {
            let now = order.now;
            chunk = chunk::next(order.terms(), order.totals(), now.net, now.gross, net)?;
            limits::count_sale(&mut seller_book, &sells, day, chunk.gross)?;
            let spent = chunk.paid.try_add(chunk.charge)?;
            limits::count_purchase(&mut buyer_book, &buys, spending, day, (net, spent))?;
            if !order.inside {
                let now = Seconds(env.block.time.seconds());
                let minted = terms.seller.minted;
                log::take_part(&mut seller_book, live, chunk.gross, minted, now);
            }
        }
    }
    if !chunk.net.is_zero() || cover.is_some() {
        let capped_from = market::capped_from(&terms);
        response = move_energy(
            response,
            &config,
            key,
            &order,
            live,
            chunk,
            (capped_from, cover),
        )?;
        let payee = Holder::of(deps.api, &order.selling.owner)?;
        let sides = (&payer, &payee);
        book_chunk(deps.storage, env, &mut books, &mut order, sides, chunk)?;
    }
    let change = locked.try_sub(order.locked)?;
    buyer_book.locked = buyer_book.locked.try_sub(change)?;
    state::save_order(deps.storage, &buyer, trade_id, &order);
    state::save_meter(deps.storage, &seller, &seller_book);
    state::save_meter(deps.storage, &buyer, &buyer_book);
    state::save_book(deps.storage, &books);
    Ok(response)
}

/// Who may deliver, and whether anybody may now.
fn check(terms: &TermsResponse, sender: &str) -> Result<(), MarketError> {
    if terms.paused {
        return Err(MarketError::Paused);
    }
    let is = |agent: &Option<String>| agent.as_deref() == Some(sender);
    if !is(&terms.seller.agent_address) && !is(&terms.buyer.agent_address) {
        return Err(MarketError::Unauthorized {
            needs: "agent of either side".to_owned(),
        });
    }
    Ok(())
}

/// Whether the order's price is beyond what binds in the live window: the buyer's highest price, or the feed-in tariff, unless the seller's owner has set
/// a lowest price.
fn is_skipped(
    order: &Order,
    price: Price,
    buys: &Limits,
    sells: &Limits,
    terms: &TermsResponse,
) -> bool {
    let too_high =
        limits::highest_price(buys, terms.tariffs.import).is_none_or(|most| price > most);
    let floor = lowest_price(sells, terms.tariffs.feed_in, order.loss);
    let too_low = sells.min_sell_price.is_none() && floor.is_none_or(|least| order.price < least);
    too_high || too_low
}

/// What a delivery finds, as it would arrive.
struct Found {
    /// The seller can send it.
    can_send: Wh,
    /// The buyer's cover and limits allow it.
    can_use: Wh,
    /// The lines carry it.
    can_carry: Wh,
}

impl Found {
    /// How much is taken: the least of what is there and what is agreed. Notes what the try shows; no import is shown to two orders.
    fn take(self, order: &mut Order, buyer: &mut MeterBook, part: Part) -> Wh {
        let wanted = order.undelivered();
        let net = wanted
            .min(self.can_send)
            .min(self.can_use)
            .min(self.can_carry);
        let before = Evidence {
            shown: order.now.shown,
            short: order.now.short,
        };
        let to_all = match buyer.shown {
            (window, wh) if window == order.now.window => wh,
            _ => Wh::ZERO,
        };
        let to_others = to_all.saturating_sub(before.shown);
        let after = before.after(
            net,
            Try {
                part,
                left: wanted.saturating_sub(net),
                room: self.can_use.saturating_sub(net).saturating_sub(to_others),
                can_send: self.can_send.saturating_sub(net),
                can_carry: self.can_carry.saturating_sub(net),
            },
        );
        order.now.shown = after.shown;
        order.now.short = after.short;
        buyer.shown = (order.now.window, to_others.saturating_add(after.shown));
        net
    }
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
    (capped_from, cover): (Option<Zone>, Option<SignedCover>),
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
            capped_from,
            cover,
        },
    )?);
    if chunk.net.is_zero() {
        return Ok(response);
    }
    let (from, to) = (&order.selling.owner, &order.buying.owner);
    let settle = SettleMsg {
        window,
        trade_id,
        seller,
        buyer,
        from: from.clone(),
        to: to.clone(),
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
            seller_owner: from.clone(),
            buyer_owner: to.clone(),
            net: chunk.net,
            gross: chunk.gross,
            paid: chunk.paid,
            charge: chunk.charge,
        }))
}

/// Pays the chunk out of the order's lock.
fn book_chunk(
    storage: &mut dyn Storage,
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
    let spent = chunk.paid.try_add(chunk.charge)?;
    accounts::unlock(storage, books, payer, spent, Micro::ZERO)?;
    pay(storage, books, payee, chunk)?;
    Ok(())
}
