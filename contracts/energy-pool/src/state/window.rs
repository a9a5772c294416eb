//! Books by window: one record for the live window, an archive for those before.

use cosmwasm_std::{Order, StdResult, Storage};
use cw_storage_plus::{Bound, Item, Map};
use wattpool_schema::pool::PoolWindow;
use wattpool_schema::{Micro, Seconds, Wh, Window};

const LIVE: Item<((Window, u64, Seconds, Seconds), Stored)> = Item::new("live");
const WINDOWS: Map<u64, Stored> = Map::new("w");
const GAPS: Map<u64, (Window, bool, bool)> = Map::new("g");

/// minted, late, covered, sold, redeemed, paid, statements, halted, paused
type Stored = (Wh, Wh, Wh, Wh, Wh, Micro, u64, bool, bool);

fn pack(b: &PoolWindow) -> Stored {
    (
        b.minted,
        b.late,
        b.covered,
        b.sold,
        b.redeemed,
        b.paid,
        b.statements,
        b.halted,
        b.paused,
    )
}

fn unpack(stored: Stored) -> PoolWindow {
    let (minted, late, covered, sold, redeemed, paid, statements, halted, paused) = stored;
    PoolWindow {
        minted,
        late,
        covered,
        sold,
        redeemed,
        paid,
        statements,
        halted,
        paused,
    }
}

/// The window that was live at the last message, its books, and when that was.
#[derive(Clone, Debug, PartialEq)]
pub struct Live {
    /// The metered window.
    pub window: Window,
    /// Block height of the last message.
    pub height: u64,
    /// Block time of the last message.
    pub time: Seconds,
    /// Block time of the window's first message.
    pub since: Seconds,
    /// Books of the window.
    pub books: PoolWindow,
}

/// Loads the live record.
pub fn live(storage: &dyn Storage) -> StdResult<Live> {
    let ((window, height, time, since), books) = LIVE.load(storage)?;
    Ok(Live {
        window,
        height,
        time,
        since,
        books: unpack(books),
    })
}

/// Stores the live record.
pub fn save_live(storage: &mut dyn Storage, live: &Live) -> StdResult<()> {
    let seen = (live.window, live.height, live.time, live.since);
    LIVE.save(storage, &(seen, pack(&live.books)))
}

/// Books of a window before the live one. Windows without a message have empty ones; whether a pause or a
/// halt spanned them is known all the same.
pub fn archived(storage: &dyn Storage, window: Window) -> StdResult<PoolWindow> {
    if let Some(stored) = WINDOWS.may_load(storage, window.0)? {
        return Ok(unpack(stored));
    }
    let from = Some(Bound::inclusive(window.0));
    let gap = GAPS.range(storage, from, None, Order::Ascending).next();
    let (halted, paused) = match gap.transpose()? {
        Some((_, (first, halted, paused))) if first <= window => (halted, paused),
        _ => (false, false),
    };
    Ok(PoolWindow {
        halted,
        paused,
        ..Default::default()
    })
}

/// Stores books of a window before the live one.
pub fn archive(storage: &mut dyn Storage, window: Window, books: &PoolWindow) -> StdResult<()> {
    WINDOWS.save(storage, window.0, &pack(books))
}

/// Notes that a halt or a pause spanned windows `first..=last` in which no message came.
pub fn save_gap(
    storage: &mut dyn Storage,
    first: Window,
    last: Window,
    halted: bool,
    paused: bool,
) -> StdResult<()> {
    GAPS.save(storage, last.0, &(first, halted, paused))
}
