//! `FundReserve`, `TakeBack` and `ConfirmFeedIn`: the grid operator's side of feed-in credit.

use super::{bad_input, Call};
use crate::{books, state};
use cosmwasm_std::{coins, BankMsg, Response};
use wattpool_contract_common::coins as sent;
use wattpool_schema::error::MarketError;
use wattpool_schema::event::{FeedInConfirmed, ReserveFunded, ReserveTaken};
use wattpool_schema::{Micro, Window};

/// Adds the sent coins to the reserve.
pub fn fund_reserve(call: Call) -> Result<Response, MarketError> {
    let storage = call.deps.storage;
    let denom = state::payments(storage)?.denom;
    let amount = sent::one(&call.info, &denom)?;
    let mut reserve = state::reserve(storage)?;
    reserve.funded = reserve.funded.try_add(amount)?;
    state::save_reserve(storage, &reserve);
    Ok(Response::new().add_event(ReserveFunded {
        from: call.info.sender.into_string(),
        amount,
    }))
}

/// Takes back what the reserve holds beyond all that has accrued, whether it is due, claimed, held or not (all of it by default).
pub fn take_back(call: Call, amount: Option<Micro>) -> Result<Response, MarketError> {
    let Call {
        deps,
        env,
        info,
        settings,
    } = call;
    let storage = deps.storage;
    let mut reserve = state::reserve(storage)?;
    let accrued = books::accrued(storage, &env.block, &settings)?;
    // What was struck out counts as if it had never accrued.
    let struck = state::disputes(storage)?.struck;
    let free = reserve
        .funded
        .saturating_sub(accrued.saturating_sub(struck));
    let amount = amount.unwrap_or(free);
    if amount > free || amount.is_zero() {
        return Err(MarketError::InsufficientMoney {
            wanted: amount.0.max(1),
            there: free.0,
        });
    }
    reserve.funded = reserve.funded.try_sub(amount)?;
    state::save_reserve(storage, &reserve);
    let denom = state::payments(storage)?.denom;
    let to = info.sender.into_string();
    Ok(Response::new()
        .add_event(ReserveTaken {
            to: to.clone(),
            amount,
        })
        .add_message(BankMsg::Send {
            to_address: to,
            amount: coins(u128::from(amount.0), denom),
        }))
}

/// Confirms the feed-in that was stated while windows up to and including one were live, whose trading has ended. What is stated later, of whatever window, is
/// not confirmed.
pub fn confirm_feed_in(call: Call, through: Window) -> Result<Response, MarketError> {
    call.must_be_closed(through)?;
    let mut payments = state::payments(call.deps.storage)?;
    if let Some(confirmed) = payments.confirmed_through {
        if through <= confirmed {
            let expected = format!("a window after {confirmed}, which is confirmed already");
            return Err(bad_input("through", expected));
        }
    }
    payments.confirmed_through = Some(through);
    state::save_payments(call.deps.storage, &payments);
    Ok(Response::new().add_event(FeedInConfirmed { through }))
}
