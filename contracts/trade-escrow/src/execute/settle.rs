//! `settle`: a spot trade, whole or not at all.

use cosmwasm_std::{Deps, DepsMut, Env, Response};
use wattpool_contract_common::Holder;
use wattpool_rules::chunk::{self, Terms, Totals};
use wattpool_schema::error::MarketError;
use wattpool_schema::escrow::{SettleTrade, TradeRecord};
use wattpool_schema::event::Delivered;
use wattpool_schema::pool::{RedeemMsg, Tariffs, TermsResponse, ZonePairTerms};
use wattpool_schema::token::SettleMsg;
use wattpool_schema::{Micro, Price, Seconds, TradeKind, Wh, RECORD_VERSION};

use crate::state::{self, Account, Config, MeterBook, Named};
use crate::{accounts, approval, limits, log, market};

/// A trade that passed every check, with what is needed to book it.
pub struct Ready {
    config: Config,
    terms: TermsResponse,
    seller_book: MeterBook,
    buyer_book: MeterBook,
    /// The buyer's owner,
    payer: Holder,
    /// and its account.
    purse: Account,
    totals: Totals,
}

/// What checking a trade found.
pub enum Found {
    /// It is closed already, with the same content.
    Repeated,
    /// It can be booked.
    Ready(Box<Ready>),
}

/// The message by itself.
pub fn execute(
    deps: DepsMut,
    env: &Env,
    sender: &str,
    trade: SettleTrade,
) -> Result<Response, MarketError> {
    match check(deps.as_ref(), env, sender, &trade, false)? {
        Found::Repeated => Ok(repeated()),
        Found::Ready(ready) => book(deps, env, trade, *ready),
    }
}

/// The answer to a trade that is closed already.
pub fn repeated() -> Response {
    Response::new().add_attribute("repeated", "true")
}

/// Everything that can be refused, without a change of state. `ask_token`: refuse as the token would, too
/// (it would anyway, but a batch answers by code). The cover's signature is left to the pool.
pub fn check(
    deps: Deps,
    env: &Env,
    sender: &str,
    trade: &SettleTrade,
    ask_token: bool,
) -> Result<Found, MarketError> {
    let signed = &trade.approval;
    let approved = &signed.approval;
    let (seller, buyer) = (approved.seller, approved.buyer);
    if is_repeated(deps, trade)? {
        return Ok(Found::Repeated);
    }
    let config = state::config(deps.storage)?;
    let live = market::live(env, &config);
    approval::check(approved, TradeKind::Spot, trade.wh, env)?;
    if approved.first_window > live {
        return Err(MarketError::TooEarly {
            window: approved.first_window,
            now: live.next(),
        });
    }
    if approved.first_window < live {
        return Err(MarketError::WindowClosed {
            window: approved.first_window,
            live,
        });
    }
    if approved.count != 1 {
        return Err(MarketError::ApprovalMismatch {
            field: "count".to_owned(),
        });
    }
    if let Some(cover) = &trade.cover {
        approval::check_cover(cover, env, config.pool.as_str(), buyer, live)?;
    }
    if state::nonce_used(deps.storage, &seller, approved.nonce) {
        return Err(MarketError::NonceUsed {
            nonce: approved.nonce,
        });
    }

    let mut seller_book = state::meter(deps.storage, &seller)?;
    let mut buyer_book = state::meter(deps.storage, &buyer)?;
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
    let totals = chunk::next(
        Terms {
            loss: pair.loss,
            price: approved.price,
            charge: pair.charge,
        },
        Totals::default(),
        Wh::ZERO,
        Wh::ZERO,
        trade.wh,
    )?;
    check_gross(totals.gross, approved.max_gross)?;

    let due = totals.paid.try_add(totals.charge)?;
    let day = limits::day(env);
    let sells = limits::of_seller(&seller_book, terms.seller.tenure);
    let Tariffs { import, feed_in } = terms.tariffs;
    limits::check_sale(&sells, seller, approved.price, feed_in, pair.loss)?;
    limits::count_sale(&mut seller_book, &sells, day, totals.gross)?;
    let buys = limits::of_buyer(&buyer_book, buyer, terms.buyer.tenure)?;
    limits::check_price(&buys, approved.price.try_add(pair.charge)?, import)?;
    let most = terms.buyer.max_import;
    let spending = limits::daily_spending(&buys, most, import, config.window_seconds);
    limits::count_purchase(&mut buyer_book, &buys, spending, day, (trade.wh, due))?;
    check_energy(deps, &config, trade, &terms, totals, ask_token)?;
    let payer = Holder::of(deps.api, &terms.buyer.owner)?;
    let purse = state::account(deps.storage, &payer)?;
    if purse.free < due {
        return Err(MarketError::InsufficientMoney {
            wanted: due.0,
            there: purse.free.0,
        });
    }
    Ok(Found::Ready(Box::new(Ready {
        config,
        terms,
        seller_book,
        buyer_book,
        payer,
        purse,
        totals,
    })))
}

/// True for a closed trade with the same content; `TRADE_EXISTS` for another one under this id.
fn is_repeated(deps: Deps, trade: &SettleTrade) -> Result<bool, MarketError> {
    let approved = &trade.approval.approval;
    let trade_id = trade.trade_id;
    let sequence = match state::named(deps.storage, &approved.buyer, trade_id)? {
        Named::Free => return Ok(false),
        Named::Open => return Err(MarketError::TradeExists { trade_id }),
        Named::Closed(sequence) => sequence,
    };
    let same = state::record(deps.storage, sequence)?.is_some_and(|record| {
        record.kind == TradeKind::Spot
            && record.seller == approved.seller
            && record.nonce == approved.nonce
            && record.arrived == trade.wh
            && record.window == approved.first_window
            && record.price == approved.price
    });
    if same {
        return Ok(true);
    }
    Err(MarketError::TradeExists { trade_id })
}

/// The network charge must be within what the seller approved.
pub fn check_pair(pair: &ZonePairTerms, max_charge: Price) -> Result<(), MarketError> {
    if pair.charge > max_charge {
        return Err(MarketError::ChargeAboveApproved {
            charge: pair.charge.0,
            max: max_charge.0,
        });
    }
    Ok(())
}

/// What has to be sent must be within what the seller approved.
pub fn check_gross(gross: Wh, max: Wh) -> Result<(), MarketError> {
    if gross > max {
        return Err(MarketError::GrossAboveApproved {
            gross: gross.0,
            max: max.0,
        });
    }
    Ok(())
}

/// Tokens, cover and capacity.
fn check_energy(
    deps: Deps,
    config: &Config,
    trade: &SettleTrade,
    terms: &TermsResponse,
    totals: Totals,
    ask_token: bool,
) -> Result<(), MarketError> {
    let (gross, net) = (totals.gross, totals.net);
    if terms.seller.unsold < gross {
        return Err(MarketError::Unsold {
            wanted: gross.0,
            there: terms.seller.unsold.0,
        });
    }
    let sellable = if ask_token {
        market::sellable(deps.querier, config, &terms.seller)?
    } else {
        terms.seller.unsold
    };
    if sellable < gross {
        return Err(MarketError::InsufficientOwn {
            wanted: gross.0,
            there: sellable.0,
        });
    }
    let cover_left = market::cover_left(&terms.buyer, trade.cover.as_ref());
    if cover_left < net {
        return Err(MarketError::CoverMissing {
            wanted: net.0,
            there: cover_left.0,
        });
    }
    if let Some(there) = terms.capacity_left.filter(|left| *left < net) {
        return Err(MarketError::CapacityExceeded {
            wanted: net.0,
            there: there.0,
        });
    }
    Ok(())
}

/// Books a checked trade: money, record, statistics, and the messages that move the energy.
pub fn book(
    deps: DepsMut,
    env: &Env,
    trade: SettleTrade,
    ready: Ready,
) -> Result<Response, MarketError> {
    let Ready {
        config,
        terms,
        mut seller_book,
        mut buyer_book,
        payer,
        purse,
        totals,
    } = ready;
    let inside = market::one_household(&terms);
    let capped_from = market::capped_from(&terms);
    let minted = terms.seller.minted;
    let approved = trade.approval.approval;
    let (seller, buyer, trade_id) = (approved.seller, approved.buyer, trade.trade_id);
    let (seller_owner, buyer_owner) = (terms.seller.owner, terms.buyer.owner);
    let window = approved.first_window;
    let mut books = state::book(deps.storage)?;

    let due = totals.paid.try_add(totals.charge)?;
    accounts::take_from(deps.storage, &mut books, &payer, purse, due)?;
    let payee = Holder::of(deps.api, &seller_owner)?;
    pay(deps.storage, &mut books, &payee, totals)?;
    if !inside {
        let now = Seconds(env.block.time.seconds());
        log::take_part(&mut seller_book, window, totals.gross, minted, now);
    }
    let closed = log::close(
        deps.storage,
        &mut books,
        &mut seller_book,
        &mut buyer_book,
        TradeRecord {
            version: RECORD_VERSION,
            sequence: 0,
            kind: TradeKind::Spot,
            trade_id,
            buyer,
            seller,
            nonce: approved.nonce,
            window,
            count: 1,
            asked: totals.net,
            arrived: totals.net,
            declined: Wh::ZERO,
            missed: Wh::ZERO,
            lost: totals.gross.try_sub(totals.net)?,
            price: approved.price,
            paid: totals.paid,
            charge: totals.charge,
            requested_at: approved.requested_at,
            closed_at: Seconds(env.block.time.seconds()),
        },
        inside,
    )?;
    state::save_book(deps.storage, &books);
    state::save_meter(deps.storage, &seller, &seller_book);
    state::save_meter(deps.storage, &buyer, &buyer_book);

    let redeem = RedeemMsg {
        window,
        trade_id,
        seller,
        buyer,
        gross: totals.gross,
        net: totals.net,
        paid: totals.paid,
        capped_from,
        cover: trade.cover,
    };
    let settle = SettleMsg {
        window,
        trade_id,
        seller,
        buyer,
        from: seller_owner.clone(),
        to: buyer_owner.clone(),
        gross: totals.gross,
        net: totals.net,
    };
    Ok(Response::new()
        .add_message(market::redeem(&config, redeem)?)
        .add_message(market::settle(&config, settle)?)
        .add_event(Delivered {
            kind: TradeKind::Spot,
            window,
            trade_id,
            seller,
            buyer,
            seller_owner,
            buyer_owner,
            net: totals.net,
            gross: totals.gross,
            paid: totals.paid,
            charge: totals.charge,
        })
        .add_event(closed))
}

/// Pays the seller's owner and sets the network charge aside.
pub fn pay(
    storage: &mut dyn cosmwasm_std::Storage,
    books: &mut state::Book,
    payee: &Holder,
    chunk: Totals,
) -> Result<Micro, MarketError> {
    books.charges = books.charges.try_add(chunk.charge)?;
    accounts::add(storage, books, payee, chunk.paid)
}
