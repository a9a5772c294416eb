//! `State` with several statements: each is answered by itself, all mints go in one call.

use crate::market::*;
use wattpool_schema::event::{ItemRefused, MarketEvent};
use wattpool_schema::pool::ExecuteMsg;

#[test]
fn good_and_bad_mixed() {
    let mut market = Market::new();
    let mut forged = market.statement(2, LIVE.0, 1, 50);
    forged.signature.0[5] ^= 1;
    let statements = [
        market.statement(1, LIVE.0, 1, 100),
        forged,
        market.statement(9, LIVE.0, 1, 10),
        market.statement(2, LIVE.0, 1, 60),
        // Again, within the same batch: the first one counts.
        market.statement(1, LIVE.0, 1, 100),
        market.statement(1, LIVE.0, 2, 100),
        market.statement(3, LIVE.0 - 1, 1, 7),
        market.statement(3, LIVE.0, 2, 70),
        market.statement(3, NOW, 3, 70),
    ];
    let response = market.state(&statements);
    let code = |text: &str| Some(text.to_owned());
    let expected = [
        None,
        code("BAD_SIGNATURE"),
        code("UNKNOWN_METER"),
        None,
        code("WINDOW_STATED"),
        code("WINDOW_STATED"),
        None,
        None,
        code("TOO_EARLY"),
    ];
    assert_eq!(codes(&response), expected);
    let events = events(&response);
    let refused: Vec<_> = events
        .iter()
        .filter_map(|e| match e {
            MarketEvent::ItemRefused(ItemRefused { index, code }) => Some((*index, code.as_str())),
            _ => None,
        })
        .collect();
    let expected = [
        (1, "BAD_SIGNATURE"),
        (2, "UNKNOWN_METER"),
        (4, "WINDOW_STATED"),
        (5, "WINDOW_STATED"),
        (8, "TOO_EARLY"),
    ];
    assert_eq!(refused, expected);
    let count = |kind: fn(&MarketEvent) -> bool| events.iter().filter(|e| kind(e)).count();
    assert_eq!(count(|e| matches!(e, MarketEvent::Stated(_))), 4);
    assert_eq!(count(|e| matches!(e, MarketEvent::Minted(_))), 3);
    let executed = response.events.iter().filter(|e| e.ty == "execute").count();
    assert_eq!(executed, 2, "the pool, and the token once");
    let tokens = ["ann", "bob", "cid"].map(|o| market.tokens(o));
    assert_eq!(
        (tokens, market.late("cid")),
        ([100, 60, 70], vec![(LIVE.0, 7)])
    );
    assert_eq!(market.books(LIVE.0).statements, 3);
    assert_eq!(market.books(LIVE.0 - 1).statements, 1);
}

#[test]
fn all_bad_calls_nobody() {
    let mut market = Market::new();
    let statements = [
        market.statement(9, LIVE.0, 1, 10),
        market.statement(1, NOW, 1, 10),
    ];
    let response = market.state(&statements);
    assert_eq!(
        codes(&response),
        [Some("UNKNOWN_METER".into()), Some("TOO_EARLY".into())]
    );
    assert_eq!(
        response.events.iter().filter(|e| e.ty == "execute").count(),
        1
    );
}

#[test]
fn one_to_fifty() {
    let mut market = Market::new();
    let refused = bad("statements", "1 to 50 items");
    let statement = market.statement(1, LIVE.0, 1, 10);
    for len in [0, 51] {
        let statements = vec![statement.clone(); len];
        let result = market.run("relay", &ExecuteMsg::State { statements });
        assert_eq!(result.unwrap_err(), refused);
    }
    let response = market.state(&vec![statement; 50]);
    let answers = codes(&response);
    assert_eq!((answers.len(), &answers[0]), (50, &None));
    assert!(answers[1..]
        .iter()
        .all(|c| c.as_deref() == Some("WINDOW_STATED")));
    assert_eq!(market.tokens("ann"), 10);
}
