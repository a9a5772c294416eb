//! Halts of the chain: seen from block heights and times, remembered by the windows they touch.

use crate::market::*;
use cosmwasm_std::Timestamp;
use wattpool_schema::pool::{GridState, QueryMsg, TermsResponse};

/// The chain stands still until a second, then goes on with one block.
fn stand_still(market: &mut Market, until: u64) {
    market.app.update_block(|block| {
        block.height += 1;
        block.time = Timestamp::from_seconds(until);
    });
}

fn halted(market: &Market, windows: std::ops::Range<u64>) -> Vec<bool> {
    windows.map(|w| market.books(w).halted).collect()
}

fn start(window: u64) -> u64 {
    window * u64::from(LEN)
}

#[test]
fn within_a_window() {
    let mut market = Market::new();
    market.stated(1, LIVE.0, 1, 100);
    // One block of five seconds, and as long as is allowed beyond.
    stand_still(&mut market, start(NOW) + 5 + u64::from(HALT));
    assert_eq!(
        halted(&market, LIVE.0..NOW),
        [false],
        "not longer than allowed"
    );
    market.covered(2, 10);
    stand_still(&mut market, start(NOW) + 2 * (5 + u64::from(HALT)) + 1);
    assert_eq!(
        halted(&market, LIVE.0..NOW),
        [true],
        "seen before any message"
    );
    let terms: TermsResponse = market.ask(&QueryMsg::Terms {
        seller: id(1),
        buyer: id(2),
    });
    assert!(terms.halted);
    market.covered(2, 20);
    market.go_to(NOW + 1);
    market.covered(2, 20);
    assert_eq!(halted(&market, LIVE.0 - 1..NOW + 1), [false, true, false]);
}

#[test]
fn across_windows() {
    let mut market = Market::new();
    market.stated(1, LIVE.0, 1, 100);
    stand_still(&mut market, start(NOW + 4));
    let expected = [false, true, true, true, true, true];
    assert_eq!(halted(&market, LIVE.0 - 1..NOW + 4), expected);
    market.covered(2, 10);
    assert_eq!(halted(&market, LIVE.0 - 1..NOW + 4), expected);
    market.go_to(NOW + 6);
    market.covered(2, 10);
    let later = halted(&market, LIVE.0 - 1..NOW + 6);
    assert_eq!(
        (&later[..6], &later[6..]),
        (&expected[..], &[false, false][..])
    );
}

#[test]
fn silence_is_no_halt() {
    let mut market = Market::new();
    market.stated(1, LIVE.0, 1, 100);
    // Nobody says anything for a week, but blocks come at their pace.
    market.go_to(NOW + 672);
    market.covered(2, 10);
    assert!(halted(&market, LIVE.0..NOW + 672).iter().all(|h| !h));
    let state: GridState = market.ask(&QueryMsg::GridState {});
    assert!(!state.books.halted);
}

#[test]
fn late_statements_do_not_forget_a_halt() {
    let mut market = Market::new();
    market.stated(1, LIVE.0, 1, 100);
    stand_still(&mut market, start(NOW + 4));
    market.stated(1, NOW + 1, 5, 100);
    assert!(market.books(NOW + 1).halted);
    assert_eq!(market.books(NOW + 1).late.0, 100);
}

#[test]
fn quiet_seconds_before_a_halt_do_not_hide_it() {
    let mut market = Market::new();
    market.stated(1, LIVE.0, 1, 100);
    // Half a minute of blocks, two minutes of none, half a minute of blocks: nobody says anything meanwhile.
    let blocks = |market: &mut Market| {
        market.app.update_block(|block| {
            block.height += 6;
            block.time = block.time.plus_seconds(30);
        });
    };
    blocks(&mut market);
    market.app.update_block(|block| {
        block.height += 1;
        block.time = block.time.plus_seconds(120);
    });
    blocks(&mut market);
    market.covered(2, 10);
    assert!(market.books(LIVE.0).halted);
}
