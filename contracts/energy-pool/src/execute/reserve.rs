//! `FundReserve` and `ConfirmFeedIn`: the grid operator's side of feed-in credit.

use super::{bad_input, Call};
use crate::state;
use cosmwasm_std::Response;
use wattpool_contract_common::coins;
use wattpool_schema::error::MarketError;
use wattpool_schema::event::{FeedInConfirmed, ReserveFunded};
use wattpool_schema::Window;

/// Adds the sent coins to the reserve.
pub fn fund_reserve(call: Call) -> Result<Response, MarketError> {
    let storage = call.deps.storage;
    let denom = state::payments(storage)?.denom;
    let amount = coins::one(&call.info, &denom)?;
    let mut reserve = state::reserve(storage)?;
    reserve.reserve = reserve.reserve.try_add(amount)?;
    reserve.funded = reserve.funded.try_add(amount)?;
    state::save_reserve(storage, &reserve);
    Ok(Response::new().add_event(ReserveFunded {
        from: call.info.sender.into_string(),
        amount,
    }))
}

/// Confirms the feed-in of all windows up to and including one whose trading has ended.
pub fn confirm_feed_in(call: Call, through: Window) -> Result<Response, MarketError> {
    let now = call.now();
    if through.plus(2) > now {
        return Err(MarketError::TooEarly {
            window: through.next(),
            now,
        });
    }
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
