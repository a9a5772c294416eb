//! Holds of feed-in credit, what they set aside, and what was struck out.

use cosmwasm_std::{Addr, Order, Record, StdError, StdResult, Storage};
use wattpool_contract_common::keys::{key, of_owner, rest, within};
use wattpool_contract_common::records;
use wattpool_rules::feed_in::Struck;
use wattpool_schema::error::MarketError;
use wattpool_schema::packed::packed;
use wattpool_schema::pool::HoldReason;
use wattpool_schema::{Micro, Seconds, Window};

/// Holds by owner and first window.
const HOLDS: u8 = b'k';
/// What was set aside, by owner, the hold's first window, and the window of the credit.
const ASIDE: u8 = b'e';
/// What was struck out, by block of windows.
const STRUCK: u8 = b'x';
const DISPUTES: &[u8] = b"disputes";

/// Whether there is anything about holds to look up at all: one record for every claim to read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Disputes {
    /// Struck out so far.
    pub struck: Micro,
    /// Holds that are stored.
    pub holds: u64,
}

/// A hold of an owner's credit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hold {
    /// Last window.
    pub through: Window,
    /// Why.
    pub reason: HoldReason,
    /// Block time at which it was set.
    pub set_at: Seconds,
    /// Block time from which on it is over; none: confirmed.
    pub until: Option<Seconds>,
    /// Set aside and neither paid nor struck out.
    pub aside: Micro,
}

impl Hold {
    /// When it was over, if it is.
    pub fn over(&self, now: Seconds) -> Option<Seconds> {
        self.until.filter(|until| now >= *until)
    }
}

packed!(Disputes { struck, holds });
packed!(Hold {
    through,
    reason,
    set_at,
    until,
    aside
});

/// Whether anything is held or was struck out.
pub fn disputes(storage: &dyn Storage) -> StdResult<Disputes> {
    Ok(records::load(storage, DISPUTES)?.unwrap_or_default())
}

/// Stores it.
pub fn save_disputes(storage: &mut dyn Storage, disputes: &Disputes) {
    records::save(storage, DISPUTES, disputes);
}

fn hold_key(owner: &Addr, from: Window) -> Vec<u8> {
    let mut key = of_owner(HOLDS, owner);
    key.extend_from_slice(&from.0.to_be_bytes());
    key
}

/// Stores a hold.
pub fn save_hold(storage: &mut dyn Storage, owner: &Addr, from: Window, hold: &Hold) {
    records::save(storage, &hold_key(owner, from), hold);
}

/// Takes a hold away.
pub fn remove_hold(storage: &mut dyn Storage, owner: &Addr, from: Window) {
    storage.remove(&hold_key(owner, from));
}

/// An owner's holds that begin after a window, ascending.
pub fn holds(
    storage: &dyn Storage,
    owner: &Addr,
    after: Option<Window>,
    limit: usize,
) -> StdResult<Vec<(Window, Hold)>> {
    let prefix = of_owner(HOLDS, owner);
    if after == Some(Window::MAX) {
        return Ok(Vec::new());
    }
    let from = after.map_or_else(Vec::new, |w| w.next().0.to_be_bytes().to_vec());
    within(storage, &prefix, &from, &[0xff; 8], Order::Ascending)
        .take(limit)
        .map(|(key, stored)| Ok((window_of(&key, prefix.len())?, records::read(&stored)?)))
        .collect()
}

/// All holds behind one, by owner and first window.
pub fn all_holds(
    storage: &dyn Storage,
    after: Option<(&Addr, Window)>,
    limit: usize,
) -> StdResult<Vec<(Addr, Window, Hold)>> {
    let start = match after {
        Some((owner, from)) => [hold_key(owner, from), vec![0]].concat(),
        None => vec![HOLDS],
    };
    let end = [HOLDS.saturating_add(1)];
    storage
        .range(Some(&start), Some(&end), Order::Ascending)
        .take(limit)
        .map(|(key, stored): Record| {
            let begin = key.len().saturating_sub(8);
            let owner = key.get(3..begin).and_then(|o| std::str::from_utf8(o).ok());
            let owner = owner.ok_or_else(|| StdError::msg("not an owner"))?;
            Ok((
                Addr::unchecked(owner),
                window_of(&key, begin)?,
                records::read(&stored)?,
            ))
        })
        .collect()
}

fn window_of(key: &[u8], prefix: usize) -> StdResult<Window> {
    let window = rest(key, prefix).map(u64::from_be_bytes);
    window
        .map(Window)
        .ok_or_else(|| StdError::msg("not a window"))
}

fn aside_prefix(owner: &Addr, from: Window) -> Vec<u8> {
    let mut key = of_owner(ASIDE, owner);
    key.extend_from_slice(&from.0.to_be_bytes());
    key
}

fn aside_key(owner: &Addr, from: Window, window: Window) -> Vec<u8> {
    let mut key = aside_prefix(owner, from);
    key.extend_from_slice(&window.0.to_be_bytes());
    key
}

/// What the hold that begins with window `from` has set aside, the oldest first: window, amount, and what is paid of it.
pub fn aside(
    storage: &dyn Storage,
    owner: &Addr,
    from: Window,
    limit: usize,
) -> StdResult<Vec<(Window, (Micro, Micro))>> {
    let prefix = aside_prefix(owner, from);
    within(storage, &prefix, &[], &[0xff; 8], Order::Ascending)
        .take(limit)
        .map(|(key, stored)| Ok((window_of(&key, prefix.len())?, records::read(&stored)?)))
        .collect()
}

/// Stores what is set aside of a window: amount, and what is paid of it.
pub fn save_aside(
    storage: &mut dyn Storage,
    owner: &Addr,
    (from, window): (Window, Window),
    amounts: (Micro, Micro),
) {
    records::save(storage, &aside_key(owner, from, window), &amounts);
}

/// It is paid, or struck out.
pub fn remove_aside(storage: &mut dyn Storage, owner: &Addr, (from, window): (Window, Window)) {
    storage.remove(&aside_key(owner, from, window));
}

/// The last block at or before one in which something was struck out, and which it is.
fn last_struck(storage: &dyn Storage, block: u64) -> StdResult<Option<(u64, Struck)>> {
    let to = block.to_be_bytes();
    let last = within(storage, &[STRUCK], &[], &to, Order::Descending).next();
    let Some((key, stored)) = last else {
        return Ok(None);
    };
    Ok(Some((window_of(&key, 1)?.0, records::read(&stored)?)))
}

/// A window's credit of all owners as if what was struck out had never accrued: of the windows before it, and of it.
pub fn left_of(
    storage: &dyn Storage,
    window: Window,
    accrued: (Micro, Micro),
) -> StdResult<(Micro, Micro)> {
    let last = last_struck(storage, Struck::block(window))?;
    Ok(last.map_or(accrued, |(_, struck)| struck.without(window, accrued)))
}

/// Strikes amounts out of windows, which ascend.
pub fn strike(storage: &mut dyn Storage, amounts: &[(Window, Micro)]) -> Result<(), MarketError> {
    let Some((first, _)) = amounts.first() else {
        return Ok(());
    };
    let save = |storage: &mut dyn Storage, block: u64, struck: &Struck| {
        records::save(storage, &key(STRUCK, &[&block.to_be_bytes()]), struck);
    };
    let mut amounts = amounts.iter().peekable();
    // Struck by this message in the blocks that are done.
    let mut added = Micro::ZERO;
    let mut block = Struck::block(*first);
    loop {
        let mut struck = match last_struck(storage, block)? {
            Some((at, mut there)) if at == block => {
                there.before = there.before.try_add(added)?;
                there
            }
            // The block before it has been stored by now.
            Some((_, there)) => Struck {
                before: there.through()?,
                windows: Vec::new(),
            },
            None => Struck::default(),
        };
        while let Some((window, amount)) = amounts.next_if(|(w, _)| Struck::block(*w) == block) {
            struck.strike(*window, *amount)?;
            added = added.try_add(*amount)?;
        }
        save(storage, block, &struck);
        let there = block
            .checked_add(1)
            .and_then(|next| next_struck(storage, next));
        let named = amounts.peek().map(|(window, _)| Struck::block(*window));
        match there.into_iter().chain(named).min() {
            Some(next) => block = next,
            None => return Ok(()),
        }
    }
}

/// The first block from one on in which something was struck out.
fn next_struck(storage: &dyn Storage, from: u64) -> Option<u64> {
    let from = from.to_be_bytes();
    let next = within(storage, &[STRUCK], &from, &[0xff; 8], Order::Ascending).next();
    next.and_then(|(key, _)| rest(&key, 1).map(u64::from_be_bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use cosmwasm_std::testing::MockStorage;

    /// Against plain sums, wherever in the history something is struck out.
    #[test]
    fn what_is_struck_is_found_by_window() {
        let mut storage = MockStorage::new();
        let strikes: [&[(u64, u64)]; 5] = [
            &[(1_000, 7)],
            &[(10, 1), (63, 2), (64, 3), (500, 5)],
            &[(1_000, 1), (1_001, 11), (5_000, 13)],
            &[(65, 17)],
            &[],
        ];
        let mut plain: Vec<(u64, u64)> = Vec::new();
        for amounts in strikes {
            let list: Vec<_> = amounts
                .iter()
                .map(|(w, a)| (Window(*w), Micro(*a)))
                .collect();
            strike(&mut storage, &list).unwrap();
            plain.extend(amounts);
            for window in [
                0, 9, 10, 11, 63, 64, 65, 66, 499, 500, 501, 1_000, 1_001, 1_002, 9_999,
            ] {
                let before: u64 = plain.iter().filter(|(w, _)| *w < window).map(|p| p.1).sum();
                let of: u64 = plain
                    .iter()
                    .filter(|(w, _)| *w == window)
                    .map(|p| p.1)
                    .sum();
                let accrued = (Micro(1_000), Micro(500));
                assert_eq!(
                    left_of(&storage, Window(window), accrued).unwrap(),
                    (Micro(1_000 - before), Micro(500 - of)),
                    "window {window}"
                );
            }
        }
    }

    #[test]
    fn holds_are_listed_by_owner_and_window() {
        let mut storage = MockStorage::new();
        let hold = Hold {
            through: Window(9),
            reason: HoldReason::Tampering,
            set_at: Seconds(3),
            until: None,
            aside: Micro(4),
        };
        let (ann, anna) = (Addr::unchecked("watt1ann"), Addr::unchecked("watt1anna"));
        for (owner, from) in [(&anna, 2), (&ann, 300), (&ann, 5)] {
            save_hold(&mut storage, owner, Window(from), &hold);
        }
        let all = |after, limit| -> Vec<(String, u64)> {
            let list = all_holds(&storage, after, limit).unwrap();
            list.into_iter().map(|(o, w, _)| (o.into(), w.0)).collect()
        };
        let expected = [("watt1ann", 5), ("watt1ann", 300), ("watt1anna", 2)];
        let expected = expected.map(|(owner, from)| (owner.to_owned(), from));
        assert_eq!(all(None, 9), expected);
        assert_eq!(all(None, 1), expected[..1]);
        assert_eq!(all(Some((&ann, Window(5))), 9), expected[1..]);
        let of_ann = holds(&storage, &ann, None, 9).unwrap();
        assert_eq!(of_ann, [(Window(5), hold), (Window(300), hold)]);
        assert_eq!(holds(&storage, &ann, Some(Window(5)), 9).unwrap().len(), 1);
        assert!(holds(&storage, &ann, Some(Window::MAX), 9)
            .unwrap()
            .is_empty());
    }
}
