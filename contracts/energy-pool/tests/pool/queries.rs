//! Lists and terms.

use crate::market::*;
use wattpool_schema::error::Code;
use wattpool_schema::pool::{
    GridState, MetersResponse, PriceSignal, QueryMsg, TermsResponse, TradingMeter,
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
    });
    let meter = |number: u8, minted, unsold, left, covered| TradingMeter {
        owner: addr(owner(number)).into_string(),
        agent: Some(agent_key(number)),
        agent_address: market.meter(number).agent_address,
        retired: false,
        tenure: 1,
        zone: market.meter(number).zone,
        max_import: Wh(MAX),
        household: None,
        minted: Wh(minted),
        unsold: Wh(unsold),
        uncovered_left: Wh(left),
        covered: Wh(covered),
    };
    let expected = TermsResponse {
        window: LIVE,
        paused: false,
        halted: false,
        tariffs: TARIFFS,
        seller: meter(1, 900, 792, 0, 0),
        buyer: meter(3, 0, 0, 200, 300),
        pair: Some(zone_pairs()[1]),
        capacity_left: Some(Wh(900)),
    };
    assert_eq!(terms, expected);
    // In the next window all of it is gone.
    market.go_to(NOW + 1);
    let terms: TermsResponse = market.ask(&QueryMsg::Terms {
        seller: id(1),
        buyer: id(3),
    });
    assert_eq!(
        (terms.window, terms.seller.unsold, terms.buyer.covered),
        (Window(NOW), Wh(0), Wh(0))
    );
}

#[test]
fn refused_questions() {
    let market = Market::new();
    let code = |question: QueryMsg| {
        let query = market.app.wrap();
        let answer = query.query_wasm_smart::<serde::de::IgnoredAny>(&market.pool, &question);
        Code::in_text(&answer.unwrap_err().to_string())
    };
    assert_eq!(
        code(QueryMsg::Meter { meter: id(9) }),
        Some(Code::UnknownMeter)
    );
    let terms = |seller, buyer| QueryMsg::Terms {
        seller: id(seller),
        buyer: id(buyer),
    };
    assert_eq!(code(terms(9, 1)), Some(Code::UnknownMeter));
    assert_eq!(code(terms(1, 9)), Some(Code::UnknownMeter));
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
