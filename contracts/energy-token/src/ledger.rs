//! Accounts as of the live window: whatever expired is turned into credit on the way.

use crate::state::{self, Account};
use cosmwasm_std::{Addr, Event, Storage};
use wattpool_contract_common::Holder;
use wattpool_schema::error::MarketError;
use wattpool_schema::event::Expired;
use wattpool_schema::{Wh, Window};

/// One message's work on accounts. What expired is summed up per window and booked once, in [`Ledger::finish`].
pub struct Ledger {
    live: Window,
    expired: Vec<(Window, Wh)>,
    events: Vec<Event>,
}

impl Ledger {
    /// Starts work in a live window.
    pub const fn new(live: Window) -> Self {
        Self {
            live,
            expired: Vec::new(),
            events: Vec::new(),
        }
    }

    /// An account with its tokens of the live window. What it held of an earlier one becomes credit; the
    /// caller stores the account.
    pub fn account(
        &mut self,
        storage: &mut dyn Storage,
        holder: &Holder,
        address: &Addr,
    ) -> Result<Account, MarketError> {
        let account = match state::account(storage, holder)? {
            None => return Ok(Account::empty(self.live)),
            Some(account) if account.window == self.live => return Ok(account),
            Some(account) => account,
        };
        let wh = account.total()?;
        if !wh.is_zero() {
            state::save_credit(storage, holder, account.window, wh);
            match self.expired.iter_mut().find(|(w, _)| *w == account.window) {
                Some((_, sum)) => *sum = sum.try_add(wh)?,
                None => self.expired.push((account.window, wh)),
            }
            let event = Expired {
                account: address.to_string(),
                window: account.window,
                wh,
            };
            self.events.push(event.into());
        }
        Ok(Account::empty(self.live))
    }

    /// Books what expired and returns the events.
    pub fn finish(self, storage: &mut dyn Storage) -> Result<Vec<Event>, MarketError> {
        for (window, wh) in self.expired {
            let mut books = state::books(storage, window)?;
            books.credited = books.credited.try_add(wh)?;
            state::save_books(storage, window, &books);
        }
        Ok(self.events)
    }
}
