//! `State`: one statement of the live window; every refusal.

use crate::market::*;
use wattpool_schema::error::Code;
use wattpool_schema::event::{ItemRefused, MarketEvent, Minted, Stated};
use wattpool_schema::pool::{ExecuteMsg, MeterPosition};
use wattpool_schema::{Commitment, Signature, Statement, Wh, Window};

#[test]
fn mints_the_surplus_of_the_live_window() {
    let mut market = Market::new();
    let statement = market.statement(1, LIVE.0, 4, 120);
    let response = market.state(std::slice::from_ref(&statement));
    assert_eq!(codes(&response), [None]);
    let stated = Stated {
        meter: id(1),
        owner: addr("ann").into_string(),
        window: LIVE,
        sequence: 4,
        wh: Wh(120),
        commitment: Commitment([4; 32]),
        minted: true,
    };
    let minted = Minted {
        window: LIVE,
        meter: id(1),
        owner: addr("ann").into_string(),
        wh: Wh(120),
    };
    let expected = [MarketEvent::Stated(stated), MarketEvent::Minted(minted)];
    assert_eq!(events(&response), expected);
    assert_eq!((market.tokens("ann"), market.late("ann")), (120, vec![]));
    let expected = MeterPosition {
        stated: Some(LIVE),
        sequence: 4,
        commitment: Some(Commitment([4; 32])),
        minted_window: LIVE,
        minted: Wh(120),
        ..market.position(1)
    };
    assert_eq!(market.position(1), expected);
    let books = market.books(LIVE.0);
    assert_eq!(
        (books.minted, books.late, books.statements),
        (Wh(120), Wh(0), 1)
    );
}

#[test]
fn without_export_it_counts_but_the_token_is_not_called() {
    let mut market = Market::new();
    let response = market.state(&[market.statement(1, LIVE.0, 1, 0)]);
    let token = market.token.as_str();
    let called = response.events.iter().any(|e| {
        let mut attributes = e.attributes.iter();
        attributes.any(|a| a.key == "_contract_address" && a.value == token)
    });
    assert!(!called);
    assert!(
        matches!(&events(&response)[..], [MarketEvent::Stated(s)] if s.minted && s.wh == Wh(0))
    );
    let position = market.position(1);
    assert_eq!((position.stated, position.sequence), (Some(LIVE), 1));
    assert_eq!(market.state_one(1, LIVE.0, 2, 50).unwrap(), "WINDOW_STATED");
    assert_eq!(market.books(LIVE.0).statements, 1);
}

#[test]
fn a_replay_changes_nothing() {
    let mut market = Market::new();
    let statement = market.statement(1, LIVE.0, 1, 120);
    market.state(std::slice::from_ref(&statement));
    let before = (market.position(1), market.books(LIVE.0));
    for _ in 0..2 {
        let response = market.state(std::slice::from_ref(&statement));
        let refused = ItemRefused {
            index: 0,
            code: "WINDOW_STATED".into(),
        };
        assert_eq!(events(&response), [MarketEvent::ItemRefused(refused)]);
    }
    assert_eq!((market.position(1), market.books(LIVE.0)), before);
    assert_eq!(market.tokens("ann"), 120);
    market.go_to(NOW + 1);
    assert_eq!(
        codes(&market.state(&[statement])),
        [Some("WINDOW_STATED".into())]
    );
}

/// Changes a good statement, signs it again, and gives the refusal's code.
fn refused(market: &mut Market, change: impl Fn(&mut Statement)) -> String {
    let mut statement = market.statement(1, LIVE.0, 1, 120).statement;
    change(&mut statement);
    let signed = sign(statement, 1);
    let before = (market.position(1), market.books(LIVE.0), market.late("ann"));
    let code = codes(&market.state(&[signed])).pop().unwrap().unwrap();
    let after = (market.position(1), market.books(LIVE.0), market.late("ann"));
    assert_eq!(before, after, "{code} changes nothing");
    code
}

#[test]
fn refusals() {
    let mut market = Market::new();
    assert_eq!(refused(&mut market, |s| s.version = 2), "UNKNOWN_VERSION");
    assert_eq!(
        refused(&mut market, |s| s.chain = "other".into()),
        "WRONG_CHAIN"
    );
    assert_eq!(
        refused(&mut market, |s| s.pool = addr("pool").into_string()),
        "WRONG_CONTRACT"
    );
    assert_eq!(
        refused(&mut market, |s| s.pool = s.pool.to_uppercase()),
        "WRONG_CONTRACT"
    );
    assert_eq!(refused(&mut market, |s| s.meter = id(9)), "UNKNOWN_METER");
    assert_eq!(
        refused(&mut market, |s| s.export_wh = Wh(MAX + 1)),
        "ABOVE_REGISTERED"
    );
    assert_eq!(
        refused(&mut market, |s| s.window = Window(NOW)),
        "TOO_EARLY"
    );
    assert_eq!(
        refused(&mut market, |s| s.window = Window::MAX),
        "TOO_EARLY"
    );
    assert_eq!(refused(&mut market, |s| s.sequence = 0), "SEQUENCE_USED");
    // Signed by device 1, said of meter 2.
    assert_eq!(refused(&mut market, |s| s.meter = id(2)), "BAD_SIGNATURE");
}

#[test]
fn every_signed_field_counts() {
    let mut market = Market::new();
    let good = market.statement(1, LIVE.0, 1, 120);
    let forged = |change: &dyn Fn(&mut Statement)| {
        let mut signed = good.clone();
        change(&mut signed.statement);
        signed
    };
    let mut statements = vec![
        forged(&|s| s.export_wh = Wh(121)),
        forged(&|s| s.sequence = 2),
        forged(&|s| s.window = Window(LIVE.0 - 1)),
        forged(&|s| s.commitment = Commitment([9; 32])),
    ];
    let mut signature = good.clone();
    signature.signature.0[0] ^= 1;
    statements.push(signature);
    let mut none = good.clone();
    none.signature = Signature([0; 64]);
    statements.push(none);
    let response = market.state(&statements);
    assert_eq!(codes(&response), vec![Some("BAD_SIGNATURE".to_owned()); 6]);
    assert_eq!(codes(&market.state(&[good])), [None]);
}

#[test]
fn too_early_may_be_sent_again() {
    let mut market = Market::new();
    let statement = market.statement(1, NOW, 1, 120);
    market.go_to_second((NOW + 1) * u64::from(LEN) - 1);
    assert_eq!(
        codes(&market.state(std::slice::from_ref(&statement))),
        [Some("TOO_EARLY".into())]
    );
    market.go_to(NOW + 1);
    assert_eq!(codes(&market.state(&[statement])), [None]);
    assert_eq!(market.tokens("ann"), 120);
}

#[test]
fn the_last_second_of_trading() {
    let mut market = Market::new();
    let last = (NOW + 1) * u64::from(LEN) - 1;
    market.go_to_second(last);
    market.stated(1, LIVE.0, 1, 120);
    assert_eq!(market.tokens("ann"), 120);
    // A second later the window has gone: feed-in credit.
    market.go_to_second(last + 1);
    market.stated(2, LIVE.0, 1, 70);
    assert_eq!(
        (market.tokens("bob"), market.late("bob")),
        (0, vec![(LIVE.0 + 1, 70)])
    );
}

#[test]
fn the_registered_maximum_is_allowed() {
    let mut market = Market::new();
    market.stated(1, LIVE.0, 1, MAX);
    assert_eq!(market.tokens("ann"), MAX);
}

#[test]
fn a_pool_whose_token_is_wired_needs_no_escrow_to_mint() {
    let mut market = Market::unwired();
    market.stated(1, LIVE.0, 1, 120);
    assert_eq!(market.tokens("ann"), 120);
}

#[test]
fn coins_are_refused() {
    let mut market = Market::new();
    let statements = vec![market.statement(1, LIVE.0, 1, 120)];
    let msg = ExecuteMsg::State { statements };
    let result = market.run_with("operator", &msg, &cosmwasm_std::coins(1, "uwatt"));
    assert_eq!(result.unwrap_err().code(), Code::BadFunds);
}
