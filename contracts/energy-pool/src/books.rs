//! The live window's books, rolled forward to block time.

use crate::state::{self, Accruing, Live, Settings};
use cosmwasm_std::{Addr, BlockInfo, StdResult, Storage};
use wattpool_rules::feed_in::credit;
use wattpool_schema::error::MarketError;
use wattpool_schema::pool::PoolWindow;
use wattpool_schema::{Micro, Seconds, Wh, Window};

/// What rolling forward found out.
struct Roll {
    /// The record now.
    live: Live,
    /// The record that has to be archived, if the window has changed.
    closed: Option<Live>,
    /// The chain stood still in between.
    halted: bool,
}

/// The chain counts as halted between two messages if more than `halt_seconds` passed beyond what its blocks take at most, usually: a standstill of that
/// length is seen whatever quick blocks there were around it, unless they made up for it.
fn halted_between(last: &Live, block: &BlockInfo, settings: &Settings) -> bool {
    let seconds = block.time.seconds().saturating_sub(last.time.0);
    let blocks = block.height.saturating_sub(last.height);
    let usual = blocks.saturating_mul(u64::from(settings.block_seconds));
    seconds.saturating_sub(usual) > u64::from(settings.halt_seconds)
}

fn roll_from(mut last: Live, block: &BlockInfo, settings: &Settings) -> Roll {
    let halted = halted_between(&last, block, settings);
    last.books.halted |= halted;
    let time = Seconds(block.time.seconds());
    let window = settings.live(block);
    if window == last.window {
        let live = Live {
            height: block.height,
            time,
            ..last
        };
        return Roll {
            live,
            closed: None,
            halted,
        };
    }
    let live = Live {
        window,
        height: block.height,
        time,
        since: time,
        books: PoolWindow {
            halted,
            paused: settings.paused,
            ..Default::default()
        },
    };
    Roll {
        live,
        closed: Some(last),
        halted,
    }
}

/// Rolls the books forward to block time, archives a closed window, and returns the live record, which the
/// caller stores.
pub fn roll(
    storage: &mut dyn Storage,
    block: &BlockInfo,
    settings: &Settings,
) -> Result<Live, MarketError> {
    let Roll {
        live,
        closed,
        halted,
    } = roll_from(state::live(storage)?, block, settings);
    if let Some(closed) = closed {
        state::archive(storage, closed.window, &closed.books);
        accrue(storage, &closed)?;
        let (first, last) = (closed.window.next(), live.window.prev());
        if first <= last && (halted || settings.paused) {
            state::save_gap(storage, first, last, halted, settings.paused);
        }
    }
    Ok(live)
}

/// Credit of a window that is closed: what nobody bought, at the window's tariff, and what was stated late while it was live. What accrued in it cannot
/// change any more.
fn accrue(storage: &mut dyn Storage, closed: &Live) -> Result<(), MarketError> {
    let unsold = closed.books.minted.saturating_sub(closed.books.sold);
    let accruing = state::accruing(storage)?;
    if unsold.is_zero() && accruing.late.is_zero() {
        return Ok(());
    }
    let tariff = state::tariffs(storage, closed.window)?.feed_in;
    let of_window = credit(unsold, tariff)?.try_add(accruing.late)?;
    state::save_accrued(storage, closed.window, accruing.closed, of_window);
    let next = Accruing {
        closed: accruing.closed.try_add(of_window)?,
        late: Micro::ZERO,
    };
    state::save_accruing(storage, &next);
    Ok(())
}

/// All that has accrued as of block time, the live window's tokens as if nobody bought them.
pub fn accrued(
    storage: &dyn Storage,
    block: &BlockInfo,
    settings: &Settings,
) -> Result<Micro, MarketError> {
    let last = state::live(storage)?;
    let accruing = state::accruing(storage)?;
    // Whatever the live record is of, its window's credit is in `accruing` or still to come.
    let Roll { live, closed, .. } = roll_from(last, block, settings);
    let open = closed.unwrap_or(live);
    let tariff = state::tariffs(storage, open.window)?.feed_in;
    let unsold = open.books.minted.saturating_sub(open.books.sold);
    let sum = accruing.closed.try_add(accruing.late)?;
    sum.try_add(credit(unsold, tariff)?)
}

/// The live record at block time, without storing anything.
pub fn view(storage: &dyn Storage, block: &BlockInfo, settings: &Settings) -> StdResult<Live> {
    Ok(roll_from(state::live(storage)?, block, settings).live)
}

/// Books of any window as of block time.
pub fn of_window(
    storage: &dyn Storage,
    block: &BlockInfo,
    settings: &Settings,
    window: Window,
) -> StdResult<PoolWindow> {
    let last = state::live(storage)?;
    let stored = last.window;
    let Roll {
        live,
        closed,
        halted,
    } = roll_from(last, block, settings);
    if window == live.window {
        return Ok(live.books);
    }
    match closed {
        Some(closed) if window == stored => Ok(closed.books),
        // No message has come since: the windows between are not archived yet.
        Some(_) if stored < window && window < live.window => Ok(PoolWindow {
            halted,
            paused: settings.paused,
            ..Default::default()
        }),
        _ => state::archived(storage, window),
    }
}

/// Counts a statement that earns feed-in credit without a token in the books of its own window. What it earns is counted by [`earn_late`].
pub fn count_late(
    storage: &mut dyn Storage,
    live: &mut Live,
    window: Window,
    wh: Wh,
) -> Result<(), MarketError> {
    if window == live.window {
        return add_late(&mut live.books, wh);
    }
    let mut books = state::archived(storage, window)?;
    add_late(&mut books, wh)?;
    state::archive(storage, window, &books);
    Ok(())
}

fn add_late(books: &mut PoolWindow, wh: Wh) -> Result<(), MarketError> {
    books.late = books.late.try_add(wh)?;
    books.statements = books.statements.saturating_add(1);
    Ok(())
}

/// Feed-in credit without a token, at the tariff of its own window: an owner's, and one more part of what accrues while the live window is live, so that
/// neither a confirmation nor days that passed before it was stated make it due.
pub fn earn_late(
    storage: &mut dyn Storage,
    live: Window,
    owner: &Addr,
    (window, wh): (Window, Wh),
) -> Result<(), MarketError> {
    let amount = credit(wh, state::tariffs(storage, window)?.feed_in)?;
    state::add_late(storage, owner, live, wh, amount)?;
    let mut accruing = state::accruing(storage)?;
    accruing.late = accruing.late.try_add(amount)?;
    state::save_accruing(storage, &accruing);
    Ok(())
}
