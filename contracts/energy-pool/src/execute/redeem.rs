//! `Redeem`: the physical side of a trade, by the escrow.

use super::cover::raise;
use super::{bad_input, Call};
use crate::position::{cover_left, unsold};
use crate::state::{self, History};
use cosmwasm_std::{Response, Storage};
use wattpool_schema::error::MarketError;
use wattpool_schema::event::Redeemed;
use wattpool_schema::pool::RedeemMsg;
use wattpool_schema::{Wh, Window, Zone};

/// Takes `gross` from what the seller's meter has unsold and `net` from the buyer's unused cover. Zero is
/// allowed for both: then only the cover is taken, and a bad one is an error. That the selling meter is in service and who owns it, the escrow
/// knows from this contract's terms; what only positions show is checked here.
pub fn redeem(mut call: Call, r: RedeemMsg) -> Result<Response, MarketError> {
    if call.settings.paused {
        return Err(MarketError::Paused);
    }
    let mut live = call.roll()?;
    let window = live.window;
    if r.window != window {
        return Err(MarketError::WindowClosed {
            window: r.window,
            live: window,
        });
    }
    if r.seller == r.buyer {
        return Err(MarketError::SelfTrade);
    }
    if r.net > r.gross {
        return Err(bad_input("net", format!("at most {} Wh", r.gross)));
    }
    let storage = &mut *call.deps.storage;
    let buyer = state::active_meter(storage, r.buyer)?;
    let to = buyer.terms_of(storage, r.buyer, window)?;
    let mut selling = state::position(storage, r.seller)?;
    let mut buying = state::position(storage, r.buyer)?;
    let mut response = Response::new();
    if let Some(signed) = &r.cover {
        if signed.cover.meter != r.buyer {
            return Err(bad_input("cover", "one of the buyer's meter"));
        }
        let covered = raise(
            call.deps.api,
            &call.env,
            &mut live,
            (&buyer, to.max_import),
            &mut buying,
            signed,
        )?;
        if let Some(covered) = covered {
            response = response.add_event(covered);
        }
    }
    let there = unsold(&selling, window);
    if r.gross > there {
        return Err(MarketError::Unsold {
            wanted: r.gross.0,
            there: there.0,
        });
    }
    let there = cover_left(&buying, window);
    if r.net > there {
        return Err(MarketError::CoverMissing {
            wanted: r.net.0,
            there: there.0,
        });
    }
    if !r.gross.is_zero() {
        if let Some(from) = r.capped_from {
            carry(storage, from, to.zone, window, r.net)?;
        }
        selling.sold = selling.sold.try_add(r.gross)?;
        state::save_position(storage, r.seller, &selling);
    }
    if !r.net.is_zero() {
        buying.redeemed = buying.redeemed.try_add(r.net)?;
    }
    state::save_position(storage, r.buyer, &buying);
    let books = &mut live.books;
    books.sold = books.sold.try_add(r.gross)?;
    books.redeemed = books.redeemed.try_add(r.net)?;
    // A statistic: at its end it stands still, and stops nobody's trade.
    books.paid = books.paid.saturating_add(r.paid);
    state::save_live(storage, &live);
    Ok(response.add_event(Redeemed {
        window,
        trade_id: r.trade_id,
        seller: r.seller,
        buyer: r.buyer,
        gross: r.gross,
        net: r.net,
        sold: selling.sold,
        redeemed: buying.redeemed,
    }))
}

/// Counts energy to the capacity of a zone pair. A pair without terms carries nothing.
fn carry(
    storage: &mut dyn Storage,
    from: Zone,
    to: Zone,
    window: Window,
    net: Wh,
) -> Result<(), MarketError> {
    let exceeded = |there: Wh| MarketError::CapacityExceeded {
        wanted: net.0,
        there: there.0,
    };
    let pair = state::pair(storage, from, to, window)?.ok_or_else(|| exceeded(Wh::ZERO))?;
    if let Some(capacity) = pair.capacity {
        let carried = state::carried(storage, from, to, window)?;
        let left = capacity.saturating_sub(carried);
        if net > left {
            return Err(exceeded(left));
        }
        state::save_carried(storage, from, to, window, carried.try_add(net)?);
    }
    Ok(())
}
