//! Books by window: one record for the live window, an archive for those before.

use cosmwasm_std::{Order, StdResult, Storage};
use wattpool_contract_common::keys::{key, within};
use wattpool_contract_common::records;
use wattpool_schema::packed::packed;
use wattpool_schema::pool::PoolWindow;
use wattpool_schema::{Seconds, Window};

const LIVE: &[u8] = b"live";
/// Books by window.
const WINDOWS: u8 = b'w';
/// First window, halted, paused, by the last window.
const GAPS: u8 = b'g';

fn by_window(kind: u8, window: Window) -> Vec<u8> {
    key(kind, &[&window.0.to_be_bytes()])
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
    records::must(storage, LIVE)
}

/// Stores the live record.
pub fn save_live(storage: &mut dyn Storage, live: &Live) {
    records::save(storage, LIVE, live);
}

/// Books of a window before the live one. Windows without a message have empty ones; whether a pause or a
/// halt spanned them is known all the same.
pub fn archived(storage: &dyn Storage, window: Window) -> StdResult<PoolWindow> {
    if let Some(books) = records::load(storage, &by_window(WINDOWS, window))? {
        return Ok(books);
    }
    let from = window.0.to_be_bytes();
    let gap = within(storage, &[GAPS], &from, &[0xff; 8], Order::Ascending).next();
    let (halted, paused) = match gap {
        Some((_, stored)) => match records::read(&stored)? {
            (first, halted, paused) if window >= first => (halted, paused),
            _ => (false, false),
        },
        None => (false, false),
    };
    Ok(PoolWindow {
        halted,
        paused,
        ..Default::default()
    })
}

/// Stores books of a window before the live one.
pub fn archive(storage: &mut dyn Storage, window: Window, books: &PoolWindow) {
    records::save(storage, &by_window(WINDOWS, window), books);
}

/// Notes that a halt or a pause spanned windows `first..=last` in which no message came.
pub fn save_gap(
    storage: &mut dyn Storage,
    first: Window,
    last: Window,
    halted: bool,
    paused: bool,
) {
    records::save(storage, &by_window(GAPS, last), &(first, halted, paused));
}
