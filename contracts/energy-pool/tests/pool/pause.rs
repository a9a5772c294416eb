//! `Pause` and `Unpause`: what stops, what goes on, and which windows remember it.

use crate::market::*;
use wattpool_schema::error::MarketError;
use wattpool_schema::event::{MarketEvent, PauseSet};
use wattpool_schema::pool::{ExecuteMsg, GridState, QueryMsg};
use wattpool_schema::Wh;

#[test]
fn stops_tokenising_and_trading_only() {
    let mut market = Market::new();
    market.stated(1, LIVE.0, 1, 100);
    let response = market.run("admin", &ExecuteMsg::Pause {}).unwrap();
    assert_eq!(
        events(&response),
        [MarketEvent::PauseSet(PauseSet { paused: true })]
    );
    // Statements count as feed-in.
    market.stated(2, LIVE.0, 1, 50);
    assert_eq!(
        (market.tokens("bob"), market.late("bob")),
        (0, vec![(LIVE.0, 50)])
    );
    assert_eq!(market.position(2).minted, Wh(0));
    market.covered(3, 100);
    let redeem = ExecuteMsg::Redeem {
        redeem: redeem(1, 3, 10, 9, None),
    };
    assert_eq!(
        market.run("escrow", &redeem).unwrap_err(),
        MarketError::Paused
    );
    let books = market.books(LIVE.0);
    assert_eq!(
        (books.minted, books.late, books.statements),
        (Wh(100), Wh(50), 2)
    );
    let response = market.run("admin", &ExecuteMsg::Unpause {}).unwrap();
    assert_eq!(
        events(&response),
        [MarketEvent::PauseSet(PauseSet { paused: false })]
    );
    market.run("escrow", &redeem).unwrap();
    market.stated(3, LIVE.0, 1, 10);
    assert_eq!(market.tokens("cid"), 10);
}

#[test]
fn a_moment_is_remembered_by_its_window_alone() {
    let mut market = Market::new();
    market.run("admin", &ExecuteMsg::Pause {}).unwrap();
    market.run("admin", &ExecuteMsg::Unpause {}).unwrap();
    assert!(market.books(LIVE.0).paused);
    market.go_to(NOW + 1);
    market.stated(1, NOW, 1, 10);
    assert!(!market.books(NOW).paused);
    assert!(market.books(LIVE.0).paused);
}

#[test]
fn windows_without_a_message_remember_a_pause_that_spanned_them() {
    let mut market = Market::new();
    market.run("admin", &ExecuteMsg::Pause {}).unwrap();
    market.go_to(NOW + 5);
    let paused = |market: &Market| -> Vec<bool> {
        (LIVE.0 - 1..NOW + 5)
            .map(|w| market.books(w).paused)
            .collect()
    };
    // Before anybody has sent a message, and after.
    let expected = [false, true, true, true, true, true, true];
    assert_eq!(paused(&market), expected);
    market.run("admin", &ExecuteMsg::Unpause {}).unwrap();
    assert_eq!(paused(&market), expected);
    market.go_to(NOW + 9);
    market.stated(1, NOW + 8, 1, 10);
    assert_eq!(paused(&market), expected);
    let later: Vec<bool> = (NOW + 5..NOW + 9).map(|w| market.books(w).paused).collect();
    assert_eq!(later, [false; 4]);
    let state: GridState = market.ask(&QueryMsg::GridState {});
    assert!(!state.paused && !state.books.paused);
}
