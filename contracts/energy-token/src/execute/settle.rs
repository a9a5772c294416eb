//! `Settle`: the energy side of a trade.

use super::Call;
use crate::ledger::Ledger;
use crate::state;
use cosmwasm_std::{Addr, Response};
use wattpool_contract_common::Holder;
use wattpool_schema::error::MarketError;
use wattpool_schema::event::Moved;
use wattpool_schema::token::SettleMsg;

/// Takes `gross` of the seller's own tokens: they go to the buyer, `net` are redeemed there and the rest was
/// lost on the way, so nothing of them remains and the buyer's account need not be touched. Leaves
/// the attributes of a cw20 transfer and of a cw20 burn.
pub fn settle(call: Call, trade: SettleMsg) -> Result<Response, MarketError> {
    call.must_be_live(trade.window)?;
    let lost = trade
        .gross
        .checked_sub(trade.net)
        .ok_or_else(|| MarketError::BadInput {
            field: "net".into(),
            expected: format!("at most {} Wh", trade.gross),
        })?;
    let storage = call.deps.storage;
    // The escrow has its addresses from the pool, which has validated them.
    let from = Addr::unchecked(trade.from);
    let holder = Holder::of(call.deps.api, from.as_str())?;
    let mut ledger = Ledger::new(trade.window);
    let mut seller = ledger.account(storage, &holder, &from)?;
    seller.own = seller
        .own
        .checked_sub(trade.gross)
        .ok_or(MarketError::InsufficientOwn {
            wanted: trade.gross.0,
            there: seller.own.0,
        })?;
    state::save_account(storage, &holder, &seller);
    let mut books = state::books(storage, trade.window)?;
    books.redeemed = books.redeemed.try_add(trade.net)?;
    books.lost = books.lost.try_add(lost)?;
    state::save_books(storage, trade.window, &books);
    let amount = trade.gross.to_string();
    let from = from.into_string();
    Ok(Response::new()
        .add_attribute("action", "transfer")
        .add_attribute("from", from.as_str())
        .add_attribute("to", trade.to.as_str())
        .add_attribute("amount", amount.as_str())
        .add_attribute("action", "burn")
        .add_attribute("from", trade.to.as_str())
        .add_attribute("amount", amount)
        .add_event(Moved {
            window: trade.window,
            trade_id: trade.trade_id,
            seller: trade.seller,
            buyer: trade.buyer,
            from,
            to: trade.to,
            gross: trade.gross,
            net: trade.net,
            lost,
        })
        .add_events(ledger.finish(storage)?))
}
