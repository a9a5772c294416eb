//! Money between accounts. Every function keeps the books' totals in step with the accounts.

use cosmwasm_std::Storage;
use wattpool_contract_common::Holder;
use wattpool_schema::error::MarketError;
use wattpool_schema::Micro;

use crate::state::{self, Account, Book};

/// Adds to an account's free money.
pub fn add(
    storage: &mut dyn Storage,
    book: &mut Book,
    owner: &Holder,
    amount: Micro,
) -> Result<Micro, MarketError> {
    let mut account = state::account(storage, owner)?;
    account.free = account.free.try_add(amount)?;
    book.accounts = book.accounts.try_add(amount)?;
    state::save_account(storage, owner, &account);
    Ok(account.free)
}

/// Takes from an account's free money: `INSUFFICIENT_MONEY` when there is less.
pub fn take(
    storage: &mut dyn Storage,
    book: &mut Book,
    owner: &Holder,
    amount: Micro,
) -> Result<Micro, MarketError> {
    let account = state::account(storage, owner)?;
    take_from(storage, book, owner, account, amount)
}

/// Like [`take`], from an account that was read already: each read costs.
pub fn take_from(
    storage: &mut dyn Storage,
    book: &mut Book,
    owner: &Holder,
    mut account: Account,
    amount: Micro,
) -> Result<Micro, MarketError> {
    account.free = account
        .free
        .checked_sub(amount)
        .ok_or(MarketError::InsufficientMoney {
            wanted: amount.0,
            there: account.free.0,
        })?;
    book.accounts = book.accounts.try_sub(amount)?;
    state::save_account(storage, owner, &account);
    Ok(account.free)
}

/// Moves free money of an account under lock.
pub fn lock(
    storage: &mut dyn Storage,
    book: &mut Book,
    owner: &Holder,
    amount: Micro,
) -> Result<(), MarketError> {
    let mut account = state::account(storage, owner)?;
    account.free = account
        .free
        .checked_sub(amount)
        .ok_or(MarketError::InsufficientMoney {
            wanted: amount.0,
            there: account.free.0,
        })?;
    account.locked = account.locked.try_add(amount)?;
    book.accounts = book.accounts.try_sub(amount)?;
    book.locked = book.locked.try_add(amount)?;
    state::save_account(storage, owner, &account);
    Ok(())
}

/// Takes `spent` out of an account's locked money for good and sets `freed` of it free.
pub fn unlock(
    storage: &mut dyn Storage,
    book: &mut Book,
    owner: &Holder,
    spent: Micro,
    freed: Micro,
) -> Result<(), MarketError> {
    if spent.is_zero() && freed.is_zero() {
        return Ok(());
    }
    let leaving = spent.try_add(freed)?;
    let mut account = state::account(storage, owner)?;
    account.locked = account.locked.try_sub(leaving)?;
    account.free = account.free.try_add(freed)?;
    book.locked = book.locked.try_sub(leaving)?;
    book.accounts = book.accounts.try_add(freed)?;
    state::save_account(storage, owner, &account);
    Ok(())
}
