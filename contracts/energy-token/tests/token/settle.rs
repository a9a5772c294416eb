//! `Settle`: the seller's own tokens are sent, lost in part, and redeemed.

use crate::token::*;
use wattpool_schema::cw20::TokenInfoResponse;
use wattpool_schema::error::MarketError;
use wattpool_schema::event::{Expired, MarketEvent, Moved};
use wattpool_schema::token::QueryMsg;
use wattpool_schema::{Wh, Window};

#[test]
fn moves_loses_and_redeems() {
    let mut token = Token::new();
    token.mint("ann", 100);
    let msg = settle(LIVE, "ann", "bob", 50, 46);
    let response = token.run("escrow", &msg).unwrap();
    let (ann, bob) = (addr("ann"), addr("bob"));
    let moved = Moved {
        window: LIVE,
        trade_id: 7,
        seller: meter(1),
        buyer: meter(2),
        from: ann.to_string(),
        to: bob.to_string(),
        gross: Wh(50),
        net: Wh(46),
        lost: Wh(4),
    };
    assert_eq!(events(&response), [MarketEvent::Moved(moved)]);
    let said = [
        ("action", "transfer"),
        ("from", ann.as_str()),
        ("to", bob.as_str()),
        ("amount", "50"),
        ("action", "burn"),
        ("from", bob.as_str()),
        ("amount", "50"),
    ];
    assert_eq!(attributes(&response), pairs(&said));
    assert_eq!(
        (token.holding("ann"), token.holding("bob")),
        ((50, 0), (0, 0))
    );
    assert_eq!(token.books(LIVE), (100, 46, 4, 0));
    let info: TokenInfoResponse = token.ask(&QueryMsg::TokenInfo {});
    assert_eq!(info.total_supply.u128(), 50);
}

#[test]
fn within_one_owner() {
    let mut token = Token::new();
    token.mint("ann", 100);
    let msg = settle(LIVE, "ann", "ann", 100, 100);
    token.run("escrow", &msg).unwrap();
    assert_eq!(token.holding("ann"), (0, 0));
    assert_eq!(token.books(LIVE), (100, 100, 0, 0));
}

#[test]
fn received_tokens_do_not_count() {
    let mut token = Token::new();
    token.mint("ann", 100);
    token.mint("bob", 30);
    token.transfer("ann", "bob", 100).unwrap();
    let result = token.run("escrow", &settle(LIVE, "bob", "cid", 31, 31));
    let short = MarketError::InsufficientOwn {
        wanted: 31,
        there: 30,
    };
    assert_eq!(result.unwrap_err(), short);
    token
        .run("escrow", &settle(LIVE, "bob", "cid", 30, 30))
        .unwrap();
    assert_eq!(token.holding("bob"), (0, 100));
}

#[test]
fn refusals() {
    let mut token = Token::new();
    token.mint("ann", 100);
    let result = token.run("escrow", &settle(LIVE, "ann", "bob", 10, 11));
    let bad = MarketError::BadInput {
        field: "net".into(),
        expected: "at most 10 Wh".into(),
    };
    assert_eq!(result.unwrap_err(), bad);
    for window in [NOW - 2, NOW] {
        let window = Window(window);
        let result = token.run("escrow", &settle(window, "ann", "bob", 1, 1));
        assert_eq!(
            result.unwrap_err(),
            MarketError::WindowClosed { window, live: LIVE }
        );
    }
    assert_eq!(token.books(LIVE), (100, 0, 0, 0));
}

#[test]
fn expired_own_tokens_are_credited_not_sold() {
    let mut token = Token::new();
    token.mint("ann", 100);
    token.go_to(NOW + 1);
    let live = Window(NOW);
    let result = token.run("escrow", &settle(live, "ann", "bob", 1, 1));
    let short = MarketError::InsufficientOwn {
        wanted: 1,
        there: 0,
    };
    assert_eq!(result.unwrap_err(), short);
    let response = token
        .run("escrow", &settle(live, "ann", "bob", 0, 0))
        .unwrap();
    let expired = Expired {
        account: addr("ann").into_string(),
        window: LIVE,
        wh: Wh(100),
    };
    assert_eq!(events(&response)[1], MarketEvent::Expired(expired));
    assert_eq!(token.credits("ann"), [(LIVE.0, 100)]);
}
