//! Lists and terms.

use crate::market::*;
use wattpool_schema::error::code_in;
use wattpool_schema::pool::{
    GridState, MetersResponse, OtherMeter, PriceSignal, QueryMsg, TermsResponse, TradingMeter,
};
use wattpool_schema::{MeterId, Wh, Window};

#[test]
fn meters_by_page() {
    let market = Market::new();
    let ids = |start_after: Option<MeterId>, limit| -> Vec<MeterId> {
        let list: MetersResponse = market.ask(&QueryMsg::Meters { start_after, limit });
        list.meters.iter().map(|m| m.meter).collect()
    };
    assert_eq!(ids(None, None), [id(1), id(2), id(3)]);
    assert_eq!(ids(None, Some(2)), [id(1), id(2)]);
    assert_eq!(ids(Some(id(2)), None), [id(3)]);
    let owned = |start_after: Option<MeterId>| -> Vec<MeterId> {
        let list: MetersResponse = market.ask(&QueryMsg::MetersOf {
            owner: addr("bob").into_string(),
            start_after,
            limit: Some(1),
        });
        list.meters.iter().map(|m| m.meter).collect()
    };
    assert_eq!((owned(None), owned(Some(id(2)))), (vec![id(2)], vec![]));
}

#[test]
fn terms_of_a_trade() {
    let mut market = Market::new();
    market.stated(1, LIVE.0, 1, 900);
    market.covered(3, 300);
    let msg = wattpool_schema::pool::ExecuteMsg::Redeem {
        redeem: redeem(1, 3, 108, 100, None),
    };
    market.run("escrow", &msg).unwrap();
    let terms: TermsResponse = market.ask(&QueryMsg::Terms {
        seller: id(1),
        buyer: id(3),
        others: vec![id(2), id(3), id(1)],
    });
    let meter = |number: u8, unsold, left, covered| TradingMeter {
        owner: addr(owner(number)).into_string(),
        agent: Some(agent_key(number)),
        agent_address: market.meter(number).agent_address,
        retired: false,
        unsold: Wh(unsold),
        uncovered_left: Wh(left),
        covered: Wh(covered),
    };
    let other = |unsold, left| OtherMeter {
        unsold: Wh(unsold),
        cover_left: Wh(left),
    };
    let expected = TermsResponse {
        window: LIVE,
        paused: false,
        halted: false,
        seller: meter(1, 792, 0, 0),
        buyer: meter(3, 0, 200, 300),
        pair: Some(zone_pairs()[1]),
        capacity_left: Some(Wh(900)),
        others: vec![other(0, 0), other(0, 200), other(792, 0)],
    };
    assert_eq!(terms, expected);
    // In the next window all of it is gone.
    market.go_to(NOW + 1);
    let terms: TermsResponse = market.ask(&QueryMsg::Terms {
        seller: id(1),
        buyer: id(3),
        others: vec![id(1)],
    });
    assert_eq!(
        (terms.window, terms.seller.unsold, terms.buyer.covered),
        (Window(NOW), Wh(0), Wh(0))
    );
    assert_eq!(terms.others, [other(0, 0)]);
}

#[test]
fn refused_questions() {
    let market = Market::new();
    let code = |question: QueryMsg| {
        let query = market.app.wrap();
        let answer = query.query_wasm_smart::<serde::de::IgnoredAny>(&market.pool, &question);
        code_in(&answer.unwrap_err().to_string())
    };
    assert_eq!(
        code(QueryMsg::Meter { meter: id(9) }),
        Some("UNKNOWN_METER")
    );
    let terms = |seller, buyer, others: usize| QueryMsg::Terms {
        seller: id(seller),
        buyer: id(buyer),
        others: vec![id(1); others],
    };
    assert_eq!(code(terms(9, 1, 0)), Some("UNKNOWN_METER"));
    assert_eq!(code(terms(1, 9, 0)), Some("UNKNOWN_METER"));
    assert_eq!(code(terms(1, 2, 17)), Some("BAD_INPUT"));
    let sixteen: TermsResponse = market.ask(&terms(1, 2, 16));
    assert_eq!(sixteen.others.len(), 16);
}

#[test]
fn the_live_window_and_the_one_before() {
    let mut market = Market::new();
    market.stated(1, LIVE.0, 1, 900);
    let state: GridState = market.ask(&QueryMsg::GridState {});
    assert_eq!(
        (state.window, state.books.minted, state.meters),
        (LIVE, Wh(900), 3)
    );
    market.go_to(NOW + 1);
    let state: GridState = market.ask(&QueryMsg::GridState {});
    assert_eq!((state.window, state.books.minted), (Window(NOW), Wh(0)));
    let signal: PriceSignal = market.ask(&QueryMsg::PriceSignal {});
    let expected = PriceSignal {
        window: LIVE,
        supply: Wh(900),
        demand: Wh(0),
        mean_price: None,
    };
    assert_eq!(signal, expected);
    assert_eq!(market.books(LIVE.0).minted, Wh(900));
}
