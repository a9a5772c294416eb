//! `MintSurplus`: own tokens of the live window.

use crate::token::*;
use wattpool_schema::cw20::TokenInfoResponse;
use wattpool_schema::error::{Code, MarketError};
use wattpool_schema::event::{Expired, MarketEvent, Minted};
use wattpool_schema::token::QueryMsg;
use wattpool_schema::{Wh, Window};

#[test]
fn mints_each_item_to_its_owner() {
    let mut token = Token::new();
    let msg = mint(LIVE, &[("ann", 100), ("bob", 7), ("ann", 3)]);
    let response = token.run("pool", &msg).unwrap();
    let minted = |number, owner: &str, wh| {
        MarketEvent::Minted(Minted {
            window: LIVE,
            meter: meter(number),
            owner: addr(owner).into_string(),
            wh: Wh(wh),
        })
    };
    let expected = [
        minted(1, "ann", 100),
        minted(2, "bob", 7),
        minted(3, "ann", 3),
    ];
    assert_eq!(events(&response), expected);
    let (ann, bob) = (addr("ann"), addr("bob"));
    let said = [
        [("action", "mint"), ("to", ann.as_str()), ("amount", "100")],
        [("action", "mint"), ("to", bob.as_str()), ("amount", "7")],
        [("action", "mint"), ("to", ann.as_str()), ("amount", "3")],
    ];
    assert_eq!(attributes(&response), pairs(said.as_flattened()));
    assert_eq!(
        (token.holding("ann"), token.holding("bob")),
        ((103, 0), (7, 0))
    );
    assert_eq!(token.books(LIVE), (110, 0, 0, 0));
    let info: TokenInfoResponse = token.ask(&QueryMsg::TokenInfo {});
    assert_eq!(info.total_supply.u128(), 110);
}

#[test]
fn only_the_live_window() {
    let mut token = Token::new();
    for window in [NOW - 2, NOW, NOW + 1] {
        let window = Window(window);
        let result = token.run("pool", &mint(window, &[("ann", 1)]));
        let closed = MarketError::WindowClosed { window, live: LIVE };
        assert_eq!(result.unwrap_err(), closed);
    }
    token.go_to(NOW + 1);
    let result = token.run("pool", &mint(LIVE, &[("ann", 1)]));
    let live = Window(NOW);
    assert_eq!(
        result.unwrap_err(),
        MarketError::WindowClosed { window: LIVE, live }
    );
}

#[test]
fn finds_what_expired_once() {
    let mut token = Token::new();
    token.mint("ann", 100);
    token.mint("bob", 20);
    token.transfer("bob", "ann", 5).unwrap();
    token.go_to(NOW + 1);
    let msg = mint(Window(NOW), &[("ann", 1), ("bob", 2), ("ann", 3)]);
    let response = token.run("pool", &msg).unwrap();
    let expired = |account: &str, wh| {
        MarketEvent::Expired(Expired {
            account: addr(account).into_string(),
            window: LIVE,
            wh: Wh(wh),
        })
    };
    assert_eq!(
        events(&response)[3..],
        [expired("ann", 105), expired("bob", 15)]
    );
    assert_eq!(token.books(LIVE), (120, 0, 0, 120));
    assert_eq!(token.books(Window(NOW)), (6, 0, 0, 0));
    assert_eq!(token.credits("ann"), [(LIVE.0, 105)]);
    assert_eq!(token.holding("ann"), (4, 0));
}

#[test]
fn sums_do_not_wrap() {
    let mut token = Token::new();
    token.mint("ann", u64::MAX);
    let result = token.run("pool", &mint(LIVE, &[("bob", 1)]));
    assert_eq!(result.unwrap_err().code(), Code::Overflow);
    assert_eq!(token.holding("bob"), (0, 0));
}
