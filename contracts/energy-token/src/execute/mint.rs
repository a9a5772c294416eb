//! `MintSurplus`: the pool turns stated surplus into tokens.

use super::Call;
use crate::ledger::Ledger;
use crate::state;
use cosmwasm_std::{Addr, Response};
use wattpool_contract_common::Holder;
use wattpool_schema::error::MarketError;
use wattpool_schema::event::Minted;
use wattpool_schema::token::MintItem;
use wattpool_schema::Window;

/// Mints each item to its owner. Besides the typed event, each mint leaves the attributes of a cw20 mint.
pub fn mint_surplus(
    call: Call,
    window: Window,
    items: Vec<MintItem>,
) -> Result<Response, MarketError> {
    call.must_be_live(window)?;
    let (api, storage) = (call.deps.api, call.deps.storage);
    let mut ledger = Ledger::new(window);
    let mut books = state::books(storage, window)?;
    let mut response = Response::new();
    for MintItem { meter, owner, wh } in items {
        // The pool has validated its owners' addresses.
        let address = Addr::unchecked(owner);
        let holder = Holder::of(api, address.as_str())?;
        let mut account = ledger.account(storage, &holder, &address)?;
        account.own = account.own.try_add(wh)?;
        state::save_account(storage, &holder, &account);
        books.minted = books.minted.try_add(wh)?;
        let owner = address.into_string();
        response = response
            .add_attribute("action", "mint")
            .add_attribute("to", owner.as_str())
            .add_attribute("amount", wh.to_string())
            .add_event(Minted {
                window,
                meter,
                owner,
                wh,
            });
    }
    state::save_books(storage, window, &books);
    Ok(response.add_events(ledger.finish(storage)?))
}
