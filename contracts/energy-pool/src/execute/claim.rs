//! `ClaimFeedIn`: what nobody bought becomes money, paid as far as the reserve goes.

use super::hold::Holds;
use super::Call;
use crate::state::{self, FeedIn, OpenCredit, Payments, Reserve, Settings};
use cosmwasm_std::{coins, Addr, BankMsg, BlockInfo, Event, Response, StdResult, Storage};
use wattpool_rules::feed_in::{covered, credit, share};
use wattpool_schema::error::MarketError;
use wattpool_schema::event::{CreditHeld, FeedInCredited, FeedInPaid};
use wattpool_schema::token::{CreditsResponse, QueryMsg as TokenQuery};
use wattpool_schema::{Micro, Seconds, Wh, Window};

/// Windows turned into money at a time, unless told otherwise, and at most.
const DEFAULT_LIMIT: u32 = 30;
const MAX_LIMIT: u32 = 100;
const DAY: u64 = 86_400;

/// Turns up to `limit` windows of an owner's due credit into money, the oldest first, and pays what the reserve covers of them. It covers the oldest window of
/// all owners first, and of a window a share that is the same for all: who claims first gets no more. A window that it does not cover whole stays open; a claim
/// goes on from there. Credit under a hold is set aside; what a hold that is over had set aside is paid first.
pub fn claim_feed_in(
    mut call: Call,
    owner: &str,
    limit: Option<u32>,
) -> Result<Response, MarketError> {
    let owner = call.address(owner)?;
    let limit = limit.unwrap_or(DEFAULT_LIMIT).clamp(1, MAX_LIMIT);
    // The books of the windows that ended are closed with this.
    let live = call.roll()?;
    state::save_live(call.deps.storage, &live);
    let payments = state::payments(call.deps.storage)?;
    let account = state::feed_in(call.deps.storage, &owner)?;
    let reserve = state::reserve(call.deps.storage)?;
    let holds = Holds::of(&call, &owner)?;
    let mut claim = Claim {
        owner: &owner,
        account,
        reserve,
        holds,
        pay: Micro::ZERO,
        events: Vec::new(),
    };
    claim.settle(&call)?;
    let left = claim.pay_released(&mut call, limit)?;
    let due = due_through(&call.env.block, &call.settings, &payments);
    if let Some(due) = due.filter(|_| left > 0) {
        claim.turn(&mut call, due, left)?;
    }
    claim.pay(call, payments.denom)
}

/// What is due of a window: tokens that expired, and what was stated late while it was live.
struct Due {
    expired: Option<(Wh, Micro)>,
    late: Option<(Wh, Micro)>,
}

/// One claim's work.
struct Claim<'a> {
    owner: &'a Addr,
    account: FeedIn,
    reserve: Reserve,
    holds: Holds,
    /// Paid by this claim.
    pay: Micro,
    events: Vec<Event>,
}

impl Claim<'_> {
    /// Turns the windows after those that are claimed into money, until one is not covered.
    fn turn(&mut self, call: &mut Call, due: Window, limit: u32) -> Result<(), MarketError> {
        let after = self.account.claimed_through;
        if self.account.open.is_some() || after.is_some_and(|after| after >= due) {
            return Ok(());
        }
        let entries = usize::try_from(limit).unwrap_or(0);
        let late = state::late(call.deps.storage, self.owner, after, due, entries)?;
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
        // Beyond the end of a list that is full there may be more: no window after it is known whole.
        let mut whole = due;
        for last in [
            late.last()
                .filter(|_| late.len() >= entries)
                .map(|l| l.window),
            credits
                .last()
                .filter(|_| credits.len() >= entries)
                .map(|c| c.window),
        ] {
            whole = last.map_or(whole, |last| whole.min(last));
        }
        let mut windows: Vec<(Window, Due)> = Vec::new();
        for entry in credits {
            let tariff = state::tariffs(call.deps.storage, entry.window)?.feed_in;
            let amount = credit(entry.wh, tariff)?;
            windows.push((
                entry.window,
                Due {
                    expired: Some((entry.wh, amount)),
                    late: None,
                },
            ));
        }
        for entry in late {
            let late = Some((entry.wh, entry.amount));
            let at = windows.partition_point(|(of, _)| *of < entry.window);
            match windows.get_mut(at).filter(|(of, _)| *of == entry.window) {
                Some((_, due)) => due.late = late,
                None => windows.insert(
                    at,
                    (
                        entry.window,
                        Due {
                            expired: None,
                            late,
                        },
                    ),
                ),
            }
        }
        windows.retain(|(window, _)| *window <= whole);
        let mut turned: usize = 0;
        for (window, due) in &windows {
            if turned >= entries {
                // Before this window everything is done.
                return Ok(());
            }
            turned = turned.saturating_add(1);
            self.open(call, *window, due)?;
            if self.account.open.is_some() {
                return Ok(());
            }
        }
        self.account.claimed_through = Some(whole);
        Ok(())
    }

    /// Turns a window into money.
    fn open(&mut self, call: &mut Call, window: Window, due: &Due) -> Result<(), MarketError> {
        let mut amount = Micro::ZERO;
        for (part, late) in [(due.expired, false), (due.late, true)] {
            let Some((wh, money)) = part else { continue };
            amount = amount.try_add(money)?;
            self.events.push(
                FeedInCredited {
                    owner: self.owner.to_string(),
                    window,
                    wh,
                    amount: money,
                    late,
                }
                .into(),
            );
        }
        if due.late.is_some() {
            state::remove_late(call.deps.storage, self.owner, window);
        }
        if self.holds.set_aside(call, self.owner, window, amount)? {
            self.account.claimed_through = Some(window);
            if !amount.is_zero() {
                let owner = self.owner.to_string();
                let held = CreditHeld {
                    owner,
                    window,
                    amount,
                };
                self.events.push(held.into());
            }
            return Ok(());
        }
        self.account.open = Some(OpenCredit {
            window,
            amount,
            paid: Micro::ZERO,
        });
        self.settle(call)
    }

    /// What is covered of an owner's part of a window's credit.
    fn covered_of(&self, storage: &dyn Storage, window: Window, amount: Micro) -> StdResult<Micro> {
        let mut accrued = state::accrued(storage, window)?;
        if self.holds.any_struck() {
            accrued = state::left_of(storage, window, accrued)?;
        }
        let (before, all) = accrued;
        let there = covered(self.reserve.funded, before, all);
        Ok(share(amount, there, all))
    }

    /// Pays what is covered of what holds that are over had set aside, at most `limit` windows of it, the oldest first; how many are left of the limit.
    fn pay_released(&mut self, call: &mut Call, limit: u32) -> Result<u32, MarketError> {
        let mut left = limit;
        let over: Vec<_> = self.holds.over().collect();
        for (from, mut hold) in over {
            if left == 0 {
                break;
            }
            let entries = usize::try_from(left).unwrap_or(0);
            let list = state::aside(call.deps.storage, self.owner, from, entries)?;
            for (window, (amount, paid)) in list {
                left = left.saturating_sub(1);
                let part = self.covered_of(call.deps.storage, window, amount)?;
                let more = part.saturating_sub(paid);
                self.pay = self.pay.try_add(more)?;
                hold.aside = hold.aside.try_sub(more)?;
                let storage = &mut *call.deps.storage;
                if part >= amount {
                    state::remove_aside(storage, self.owner, (from, window));
                    continue;
                }
                // Of the windows after it nothing is covered.
                if !more.is_zero() {
                    state::save_aside(storage, self.owner, (from, window), (amount, part));
                }
                self.holds.put(call, self.owner, from, hold);
                return Ok(left);
            }
            self.holds.put(call, self.owner, from, hold);
        }
        Ok(left)
    }

    /// Pays what is covered of the open window; done when it is covered whole.
    fn settle(&mut self, call: &Call) -> Result<(), MarketError> {
        let Some(mut open) = self.account.open else {
            return Ok(());
        };
        let part = self.covered_of(call.deps.storage, open.window, open.amount)?;
        self.pay = self.pay.try_add(part.saturating_sub(open.paid))?;
        open.paid = open.paid.max(part);
        if open.paid == open.amount {
            self.account.open = None;
            self.account.claimed_through = Some(open.window);
        } else {
            self.account.open = Some(open);
        }
        Ok(())
    }

    /// Books the claim and sends the money.
    fn pay(self, call: Call, denom: String) -> Result<Response, MarketError> {
        let Self {
            owner,
            mut account,
            mut reserve,
            holds,
            pay,
            events,
        } = self;
        let owed = owed(&account, &holds)?;
        if events.is_empty() && pay.is_zero() {
            return Err(if owed.is_zero() {
                MarketError::NothingDue
            } else {
                MarketError::ReserveEmpty
            });
        }
        account.paid = account.paid.try_add(pay)?;
        reserve.paid = reserve.paid.try_add(pay)?;
        state::save_feed_in(call.deps.storage, owner, &account);
        state::save_reserve(call.deps.storage, &reserve);
        holds.save(call.deps.storage);
        let response = Response::new().add_events(events);
        if pay.is_zero() {
            return Ok(response);
        }
        Ok(response
            .add_event(FeedInPaid {
                owner: owner.to_string(),
                amount: pay,
                owed,
            })
            .add_message(BankMsg::Send {
                to_address: owner.to_string(),
                amount: coins(u128::from(pay.0), denom),
            }))
    }
}

/// Turned into money and neither paid nor held.
pub fn owed(account: &FeedIn, holds: &Holds) -> Result<Micro, MarketError> {
    let open = account
        .open
        .map_or(Micro::ZERO, |open| open.amount.saturating_sub(open.paid));
    open.try_add(holds.released()?)
}

/// Credit that was stated while windows through this one were live is due: confirmed by the operator, or their trading ended `credit_delay_days` ago. Never
/// beyond the windows whose trading has ended, which can no longer change.
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
