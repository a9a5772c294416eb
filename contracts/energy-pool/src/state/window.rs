//! Books by window: one record for the live window, an archive for those before.

use cosmwasm_std::{Order, StdError, StdResult, Storage};
use cw_storage_plus::{Bound, Map};
use wattpool_schema::packed::{self, packed};
use wattpool_schema::pool::PoolWindow;
use wattpool_schema::{Seconds, Window};

const LIVE: &[u8] = b"live";
const GAPS: Map<u64, (Window, bool, bool)> = Map::new("g");

/// Key of a closed window's books.
fn key(window: Window) -> [u8; 9] {
    let mut key = [b'w'; 9];
    for (slot, byte) in key.iter_mut().skip(1).zip(window.0.to_be_bytes()) {
        *slot = byte;
    }
    key
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

packed!(Live {
    window,
    height,
    time,
    since,
    books
});

/// Loads the live record.
pub fn live(storage: &dyn Storage) -> StdResult<Live> {
    packed::load(storage, LIVE)?.ok_or_else(|| StdError::not_found("live"))
}

/// Stores the live record.
pub fn save_live(storage: &mut dyn Storage, live: &Live) {
    packed::save(storage, LIVE, live);
}

/// Books of a window before the live one. Windows without a message have empty ones; whether a pause or a
/// halt spanned them is known all the same.
pub fn archived(storage: &dyn Storage, window: Window) -> StdResult<PoolWindow> {
    if let Some(books) = packed::load(storage, &key(window))? {
        return Ok(books);
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
pub fn archive(storage: &mut dyn Storage, window: Window, books: &PoolWindow) {
    packed::save(storage, &key(window), books);
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
