//! `ClaimFeedIn`: what nobody bought becomes money, paid as far as the reserve goes.

use super::Call;
use crate::state::{self, FeedIn, Payments, Settings};
use cosmwasm_std::{coins, Addr, BankMsg, BlockInfo, Event, Response};
use wattpool_rules::feed_in::credit;
use wattpool_schema::error::MarketError;
use wattpool_schema::event::{FeedInCredited, FeedInPaid};
use wattpool_schema::token::{CreditsResponse, QueryMsg as TokenQuery, WindowWh};
use wattpool_schema::{Micro, Seconds, Window};

/// Windows turned into money at a time, unless told otherwise, and at most.
const DEFAULT_LIMIT: u32 = 30;
const MAX_LIMIT: u32 = 100;
const DAY: u64 = 86_400;

/// Turns up to `limit` windows of an owner's due credit into money (late credit first) and pays what the
/// reserve holds. What it does not hold stays owed; a claim with nothing new to credit pays of that.
pub fn claim_feed_in(call: Call, owner: &str, limit: Option<u32>) -> Result<Response, MarketError> {
    let owner = call.address(owner)?;
    let limit = limit.unwrap_or(DEFAULT_LIMIT).clamp(1, MAX_LIMIT);
    let payments = state::payments(call.deps.storage)?;
    let mut account = state::feed_in(call.deps.storage, &owner)?;
    let mut claim = Claim {
        owner: &owner,
        earned: Micro::ZERO,
        events: Vec::new(),
    };
    if let Some(due) = due_through(&call.env.block, &call.settings, &payments) {
        claim.late(&call, due, limit)?;
        let late = u32::try_from(claim.events.len()).unwrap_or(limit);
        claim.expired(&call, &mut account, due, limit.saturating_sub(late))?;
    }
    let Claim { earned, events, .. } = claim;
    for event in &events {
        if event.late {
            state::remove_late(call.deps.storage, &owner, event.window);
        }
    }
    let response = Response::new().add_events(events.iter().cloned().map(Event::from));
    pay(
        call,
        &owner,
        account,
        earned,
        payments.denom,
        events.is_empty(),
        response,
    )
}

/// One claim's work.
struct Claim<'a> {
    owner: &'a Addr,
    earned: Micro,
    events: Vec<FeedInCredited>,
}

impl Claim<'_> {
    /// Credit that was stated late.
    fn late(&mut self, call: &Call, due: Window, limit: u32) -> Result<(), MarketError> {
        let limit = usize::try_from(limit).unwrap_or(0);
        for entry in state::late(call.deps.storage, self.owner, due, limit)? {
            self.earn(call, entry, true)?;
        }
        Ok(())
    }

    /// Tokens that expired. The account is marked as claimed through the last window that was really read.
    fn expired(
        &mut self,
        call: &Call,
        account: &mut FeedIn,
        due: Window,
        limit: u32,
    ) -> Result<(), MarketError> {
        let after = account.claimed_through;
        if limit == 0 || after.is_some_and(|after| after >= due) {
            return Ok(());
        }
        let question = TokenQuery::Credits {
            address: self.owner.to_string(),
            after,
            through: due,
            limit: Some(limit),
        };
        let CreditsResponse { credits } = call
            .deps
            .querier
            .query_wasm_smart(&call.settings.token, &question)?;
        let full = u32::try_from(credits.len()).is_ok_and(|read| read >= limit);
        account.claimed_through = match credits.last() {
            Some(last) if full => Some(last.window),
            _ => Some(due),
        };
        for entry in credits {
            self.earn(call, entry, false)?;
        }
        Ok(())
    }

    fn earn(&mut self, call: &Call, entry: WindowWh, late: bool) -> Result<(), MarketError> {
        let WindowWh { window, wh } = entry;
        let tariff = state::tariffs(call.deps.storage, window)?.feed_in;
        let amount = credit(wh, tariff)?;
        self.earned = self.earned.try_add(amount)?;
        self.events.push(FeedInCredited {
            owner: self.owner.to_string(),
            window,
            wh,
            amount,
            late,
        });
        Ok(())
    }
}

/// Books what was earned and pays what is owed as far as the reserve goes.
fn pay(
    call: Call,
    owner: &Addr,
    mut account: FeedIn,
    earned: Micro,
    denom: String,
    nothing_new: bool,
    response: Response,
) -> Result<Response, MarketError> {
    let storage = call.deps.storage;
    let mut reserve = state::reserve(storage)?;
    let owed = account.owed.try_add(earned)?;
    let amount = owed.min(reserve.reserve);
    if nothing_new {
        if owed.is_zero() {
            return Err(MarketError::NothingDue);
        }
        if amount.is_zero() {
            return Err(MarketError::ReserveEmpty);
        }
    }
    account.owed = owed.try_sub(amount)?;
    account.paid = account.paid.try_add(amount)?;
    reserve.owed = reserve.owed.try_add(earned)?.try_sub(amount)?;
    reserve.reserve = reserve.reserve.try_sub(amount)?;
    reserve.paid = reserve.paid.try_add(amount)?;
    state::save_feed_in(storage, owner, &account);
    state::save_reserve(storage, &reserve);
    if amount.is_zero() {
        return Ok(response);
    }
    Ok(response
        .add_event(FeedInPaid {
            owner: owner.to_string(),
            amount,
            owed: account.owed,
        })
        .add_message(BankMsg::Send {
            to_address: owner.to_string(),
            amount: coins(u128::from(amount.0), denom),
        }))
}

/// Credit is due through this window: confirmed by the operator, or its trading ended `credit_delay_days`
/// ago. Never beyond the windows whose trading has ended, which can no longer change.
fn due_through(block: &BlockInfo, settings: &Settings, payments: &Payments) -> Option<Window> {
    let closed = |time: u64| {
        let running = Window::at(Seconds(time), settings.window_seconds);
        running.0.checked_sub(2).map(Window)
    };
    let time = block.time.seconds();
    let delay = u64::from(payments.credit_delay_days).saturating_mul(DAY);
    let by_age = time.checked_sub(delay).and_then(closed);
    let due = payments.confirmed_through.max(by_age)?;
    Some(due.min(closed(time)?))
}
