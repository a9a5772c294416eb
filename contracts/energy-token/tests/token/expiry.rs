//! What nobody bought becomes credit: found lazily, counted once, page by page.

use crate::token::*;
use wattpool_schema::event::{Expired, MarketEvent};
use wattpool_schema::token::{CreditsResponse, QueryMsg, WindowWh};
use wattpool_schema::{Wh, Window};

fn credits(token: &Token, after: Option<u64>, through: u64, limit: Option<u32>) -> Vec<(u64, u64)> {
    let response: CreditsResponse = token.ask(&QueryMsg::Credits {
        address: addr("ann").into_string(),
        after: after.map(Window),
        through: Window(through),
        limit,
    });
    let pair = |c: &WindowWh| (c.window.0, c.wh.0);
    response.credits.iter().map(pair).collect()
}

#[test]
fn untouched_balances_are_credit_as_well() {
    let mut token = Token::new();
    token.mint("ann", 100);
    assert_eq!(token.credits("ann"), []);
    token.go_to(NOW + 1);
    assert_eq!(token.credits("ann"), [(LIVE.0, 100)]);
    assert_eq!(token.books(LIVE).3, 0, "nobody has touched the account");
    token.go_to(NOW + 50);
    assert_eq!(token.credits("ann"), [(LIVE.0, 100)]);
    assert_eq!(token.holding("ann"), (0, 0));
}

#[test]
fn touching_books_credit_for_both_sides() {
    let mut token = Token::new();
    token.mint("ann", 100);
    token.mint("bob", 10);
    token.go_to(NOW + 3);
    token.mint("ann", 5);
    let response = token.transfer("ann", "bob", 5).unwrap();
    let expired = Expired {
        account: addr("bob").into_string(),
        window: LIVE,
        wh: Wh(10),
    };
    assert_eq!(events(&response), [MarketEvent::Expired(expired)]);
    assert_eq!(token.books(LIVE), (110, 0, 0, 110));
    assert_eq!(token.credits("bob"), [(LIVE.0, 10)]);
    assert_eq!(token.holding("bob"), (0, 5));
}

#[test]
fn pages_and_bounds() {
    let mut token = Token::new();
    for step in 0..5 {
        token.go_to(NOW + step * 2);
        token.mint("ann", 10 + step);
    }
    token.go_to(NOW + 20);
    let windows = [0, 2, 4, 6, 8].map(|s| (LIVE.0 + s, 10 + s / 2));
    let last = LIVE.0 + 8;
    assert_eq!(credits(&token, None, last, None), windows);
    assert_eq!(credits(&token, None, last - 1, None), windows[..4]);
    assert_eq!(credits(&token, Some(LIVE.0), last, None), windows[1..]);
    assert_eq!(credits(&token, Some(last), last + 5, None), []);
    assert_eq!(credits(&token, Some(last + 5), last, None), []);
    assert_eq!(credits(&token, None, last, Some(0)), []);
    // The last one is still in the account; it comes when the page has room.
    assert_eq!(credits(&token, None, last, Some(4)), windows[..4]);
    assert_eq!(credits(&token, Some(last - 2), last, Some(4)), windows[4..]);
}

#[test]
fn a_page_holds_a_hundred() {
    let mut token = Token::new();
    for step in 0..101 {
        token.go_to(NOW + step);
        token.mint("ann", 1);
    }
    token.go_to(NOW + 200);
    assert_eq!(credits(&token, None, u64::MAX, None).len(), 30);
    let page = credits(&token, None, u64::MAX, Some(1000));
    assert_eq!(page.len(), 100);
    let after = page.last().map(|(w, _)| *w);
    assert_eq!(credits(&token, after, u64::MAX, None), [(LIVE.0 + 100, 1)]);
}
