//! `Wire`: once, with a token that has the same windows.

use crate::market::*;
use wattpool_schema::error::{Code, MarketError};
use wattpool_schema::event::{MarketEvent, Wired};
use wattpool_schema::pool::{ExecuteMsg, PoolConfig, QueryMsg};

#[test]
fn names_the_escrow_once() {
    let mut market = Market::unwired();
    let response = market.run("admin", &wire()).unwrap();
    let escrow = addr("escrow").into_string();
    let wired = Wired { pool: None, escrow };
    assert_eq!(events(&response), [MarketEvent::Wired(wired)]);
    let config: PoolConfig = market.ask(&QueryMsg::Config {});
    assert_eq!(config.escrow, Some(addr("escrow").into_string()));
    let again = ExecuteMsg::Wire {
        escrow: addr("mallory").into_string(),
    };
    assert_eq!(
        market.run("admin", &again).unwrap_err(),
        MarketError::AlreadyWired
    );
}

#[test]
fn a_token_with_other_windows_is_refused() {
    let (mut app, token) = chain(600);
    let pool = instantiate(&mut app, &setup(&token), &[]).unwrap();
    let mut market = Market { app, token, pool };
    let refused = bad("window_seconds", "600, as at the token");
    assert_eq!(market.run("admin", &wire()).unwrap_err(), refused);
}

#[test]
fn the_address_is_validated() {
    let mut market = Market::unwired();
    let msg = ExecuteMsg::Wire { escrow: "x".into() };
    assert_eq!(market.run("admin", &msg).unwrap_err().code(), Code::Std);
}
