//! `HoldCredit`, `ConfirmHold`, `ReleaseHold`, `StrikeOut`: feed-in credit in dispute.

use super::{bad_input, Call};
use crate::state::{self, Disputes, Hold};
use cosmwasm_std::{Addr, Response, StdResult, Storage};
use wattpool_schema::error::MarketError;
use wattpool_schema::event::{
    CreditHoldConfirmed, CreditHoldReleased, CreditHoldSet, CreditStruck,
};
use wattpool_schema::pool::{HoldReason, HOLD_DAYS, MAX_HOLDS, MAX_STRUCK};
use wattpool_schema::token::{CreditsResponse, QueryMsg as TokenQuery};
use wattpool_schema::{Micro, Seconds, Window};

const DAY: u64 = 86_400;

/// An owner's holds at block time.
pub struct Holds {
    now: Seconds,
    disputes: Disputes,
    /// As they were read: whoever reads them for nothing writes nothing.
    before: Disputes,
    list: Vec<(Window, Hold)>,
}

impl Holds {
    /// Reads them. Where nobody's credit is held one record is read.
    pub fn read(storage: &dyn Storage, now: Seconds, owner: &Addr) -> StdResult<Self> {
        let disputes = state::disputes(storage)?;
        let list = if disputes.holds == 0 {
            Vec::new()
        } else {
            let most = usize::try_from(MAX_HOLDS).unwrap_or(0);
            state::holds(storage, owner, None, most)?
        };
        Ok(Self {
            now,
            disputes,
            before: disputes,
            list,
        })
    }

    /// Of a message.
    pub fn of(call: &Call, owner: &Addr) -> StdResult<Self> {
        Self::read(call.deps.storage, time(call), owner)
    }

    /// Whether anything of anybody was struck out.
    pub const fn any_struck(&self) -> bool {
        !self.disputes.struck.is_zero()
    }

    /// Those that are over, ascending. As nothing is held twice, nor what is claimed, what they have set aside ascends from one to the next.
    pub fn over(&self) -> impl Iterator<Item = (Window, Hold)> + '_ {
        let now = self.now;
        let over = move |(_, hold): &&(Window, Hold)| hold.over(now).is_some();
        self.list.iter().filter(over).copied()
    }

    /// Those that are not.
    pub fn running(&self) -> impl Iterator<Item = (Window, Hold)> + '_ {
        let now = self.now;
        let running = move |(_, hold): &&(Window, Hold)| hold.over(now).is_none();
        self.list.iter().filter(running).copied()
    }

    /// Set aside by those that are not over.
    pub fn held(&self) -> Result<Micro, MarketError> {
        let mut amounts = self.running().map(|(_, hold)| hold.aside);
        amounts.try_fold(Micro::ZERO, Micro::try_add)
    }

    /// Set aside by those that are over, and not paid yet.
    pub fn released(&self) -> Result<Micro, MarketError> {
        let mut amounts = self.over().map(|(_, hold)| hold.aside);
        amounts.try_fold(Micro::ZERO, Micro::try_add)
    }

    /// Sets credit of a window aside, if a hold that is not over is of it.
    pub fn set_aside(
        &mut self,
        call: &mut Call,
        owner: &Addr,
        window: Window,
        amount: Micro,
    ) -> Result<bool, MarketError> {
        let covers = |(from, hold): &(Window, Hold)| *from <= window && window <= hold.through;
        let Some((from, mut hold)) = self.running().find(covers) else {
            return Ok(false);
        };
        if !amount.is_zero() {
            let storage = &mut *call.deps.storage;
            state::save_aside(storage, owner, (from, window), (amount, Micro::ZERO));
            hold.aside = hold.aside.try_add(amount)?;
            self.put(call, owner, from, hold);
        }
        Ok(true)
    }

    /// Stores a hold that has changed, or takes it away: when it is over and has nothing set aside.
    pub fn put(&mut self, call: &mut Call, owner: &Addr, from: Window, hold: Hold) {
        let storage = &mut *call.deps.storage;
        let at = self.list.partition_point(|(other, _)| *other < from);
        let known = self.list.get(at).is_some_and(|(other, _)| *other == from);
        if hold.over(self.now).is_some() && hold.aside.is_zero() {
            state::remove_hold(storage, owner, from);
            if known {
                self.list.remove(at);
                self.disputes.holds = self.disputes.holds.saturating_sub(1);
            }
            return;
        }
        state::save_hold(storage, owner, from, &hold);
        match self.list.get_mut(at).filter(|_| known) {
            Some(entry) => entry.1 = hold,
            None => {
                self.list.insert(at, (from, hold));
                self.disputes.holds = self.disputes.holds.saturating_add(1);
            }
        }
    }

    /// Books how many there are.
    pub fn save(self, storage: &mut dyn Storage) {
        if self.disputes != self.before {
            state::save_disputes(storage, &self.disputes);
        }
    }

    /// The hold that begins with a window, which must not be over.
    fn running_from(&self, from: Window) -> Result<Hold, MarketError> {
        let found = self.list.iter().find(|(other, _)| *other == from);
        let (_, hold) = found.ok_or(MarketError::UnknownHold { from })?;
        match hold.over(self.now) {
            Some(until) => Err(MarketError::HoldOver { until: until.0 }),
            None => Ok(*hold),
        }
    }
}

/// Block time.
fn time(call: &Call) -> Seconds {
    Seconds(call.env.block.time.seconds())
}

/// Holds credit of closed windows of which nothing is claimed.
pub fn hold_credit(
    mut call: Call,
    owner: &str,
    (from, through): (Window, Window),
    reason: HoldReason,
) -> Result<Response, MarketError> {
    let owner = call.address(owner)?;
    if through < from {
        return Err(bad_input(
            "through",
            format!("window {from} or a later one"),
        ));
    }
    call.must_be_closed(through)?;
    let account = state::feed_in(call.deps.storage, &owner)?;
    let open = account.open.map(|open| open.window);
    if let Some(claimed) = open.max(account.claimed_through) {
        if from <= claimed {
            return Err(MarketError::CreditClaimed {
                window: from,
                through: claimed,
            });
        }
    }
    let mut holds = Holds::of(&call, &owner)?;
    let over: Vec<_> = holds.over().filter(|(_, h)| h.aside.is_zero()).collect();
    for (from, hold) in over {
        holds.put(&mut call, &owner, from, hold);
    }
    for (first, hold) in holds.running() {
        if first <= through && from <= hold.through {
            return Err(MarketError::HoldOverlaps {
                from: first,
                through: hold.through,
            });
        }
    }
    if holds.list.len() >= usize::try_from(MAX_HOLDS).unwrap_or(0) {
        return Err(MarketError::TooManyHolds { max: MAX_HOLDS });
    }
    let set_at = time(&call);
    let days = u64::from(HOLD_DAYS).saturating_mul(DAY);
    let until = Seconds(set_at.0.saturating_add(days));
    let hold = Hold {
        through,
        reason,
        set_at,
        until: Some(until),
        aside: Micro::ZERO,
    };
    holds.put(&mut call, &owner, from, hold);
    holds.save(call.deps.storage);
    Ok(Response::new().add_event(CreditHoldSet {
        owner: owner.into_string(),
        from,
        through,
        reason,
        until,
        by: call.info.sender.into_string(),
    }))
}

/// A hold no longer ends by itself.
pub fn confirm_hold(mut call: Call, owner: &str, from: Window) -> Result<Response, MarketError> {
    let owner = call.address(owner)?;
    let mut holds = Holds::of(&call, &owner)?;
    let mut hold = holds.running_from(from)?;
    if hold.until.take().is_none() {
        return Err(MarketError::HoldConfirmed { from });
    }
    holds.put(&mut call, &owner, from, hold);
    holds.save(call.deps.storage);
    Ok(Response::new().add_event(CreditHoldConfirmed {
        owner: owner.into_string(),
        from,
        by: call.info.sender.into_string(),
    }))
}

/// A hold is over now, confirmed or not.
pub fn release_hold(mut call: Call, owner: &str, from: Window) -> Result<Response, MarketError> {
    let owner = call.address(owner)?;
    let mut holds = Holds::of(&call, &owner)?;
    let mut hold = holds.running_from(from)?;
    hold.until = Some(time(&call));
    holds.put(&mut call, &owner, from, hold);
    holds.save(call.deps.storage);
    Ok(Response::new().add_event(CreditHoldReleased {
        owner: owner.into_string(),
        from,
        by: call.info.sender.into_string(),
    }))
}

/// Strikes out what a hold set aside, the oldest windows first. The reserve keeps what it was funded with: what is owed becomes less.
pub fn strike_out(
    mut call: Call,
    owner: &str,
    from: Window,
    limit: Option<u32>,
) -> Result<Response, MarketError> {
    let owner = call.address(owner)?;
    let mut holds = Holds::of(&call, &owner)?;
    let mut hold = holds.running_from(from)?;
    refuse_unclaimed(&call, &owner, (from, hold.through))?;
    let limit = limit.unwrap_or(MAX_STRUCK).clamp(1, MAX_STRUCK);
    let entries = usize::try_from(limit).unwrap_or(0);
    let storage = &mut *call.deps.storage;
    let list = state::aside(storage, &owner, from, entries)?;
    let mut amount = Micro::ZERO;
    let mut struck = Vec::with_capacity(list.len());
    for (window, (whole, _)) in list {
        // Nothing is paid of what a running hold has set aside.
        amount = amount.try_add(whole)?;
        struck.push((window, whole));
        state::remove_aside(storage, &owner, (from, window));
    }
    state::strike(storage, &struck)?;
    hold.aside = hold.aside.try_sub(amount)?;
    holds.disputes.struck = holds.disputes.struck.try_add(amount)?;
    let left = hold.aside;
    let mut through = hold.through;
    if left.is_zero() {
        hold.until = Some(time(&call));
    } else if let Some((last, _)) = struck.last() {
        through = *last;
    }
    holds.put(&mut call, &owner, from, hold);
    holds.save(call.deps.storage);
    Ok(Response::new().add_event(CreditStruck {
        owner: owner.into_string(),
        from,
        through,
        amount,
        left,
        by: call.info.sender.into_string(),
    }))
}

/// Refuses while credit of the hold's windows is not claimed, and so not set aside yet.
fn refuse_unclaimed(
    call: &Call,
    owner: &Addr,
    (from, through): (Window, Window),
) -> Result<(), MarketError> {
    let before = from.0.checked_sub(1).map(Window);
    let account = state::feed_in(call.deps.storage, owner)?;
    let after = account.claimed_through.max(before);
    if after.is_some_and(|after| after >= through) {
        return Ok(());
    }
    let late = state::late(call.deps.storage, owner, after, through, 1)?;
    let question = TokenQuery::Credits {
        address: owner.to_string(),
        after,
        through,
        limit: Some(1),
    };
    let CreditsResponse { credits } = call
        .deps
        .querier
        .query_wasm_smart(&call.settings.token, &question)?;
    let late = late.first().map(|credit| credit.window);
    let expired = credits.first().map(|credit| credit.window);
    match late.into_iter().chain(expired).min() {
        Some(window) => Err(MarketError::HoldUnclaimed { window }),
        None => Ok(()),
    }
}
