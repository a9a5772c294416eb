//! `FundReserve`: exactly one coin of the denomination, from anybody.

use crate::market::*;
use cosmwasm_std::{coin, coins};
use cw_multi_test::Executor;
use wattpool_schema::error::{Code, MarketError};
use wattpool_schema::event::{MarketEvent, ReserveFunded};
use wattpool_schema::pool::{ExecuteMsg, QueryMsg, ReserveResponse};
use wattpool_schema::{Micro, Seconds};

fn reserve(market: &Market) -> ReserveResponse {
    market.ask(&QueryMsg::Reserve {})
}

#[test]
fn adds_up() {
    let mut market = Market::new();
    let fund = ExecuteMsg::FundReserve {};
    let response = market
        .run_with("operator", &fund, &coins(70, "uwatt"))
        .unwrap();
    let event = ReserveFunded {
        from: addr("operator").into_string(),
        amount: Micro(70),
    };
    assert_eq!(events(&response), [MarketEvent::ReserveFunded(event)]);
    market
        .app
        .send_tokens(addr("operator"), addr("eve"), &coins(5, "uwatt"))
        .unwrap();
    market.run_with("eve", &fund, &coins(5, "uwatt")).unwrap();
    // The live window was first seen when the market was wired, or now.
    let expected = ReserveResponse {
        reserve: Micro(75),
        owed: Micro(0),
        paid: Micro(0),
        funded: Micro(75),
        as_of: Seconds(NOW * u64::from(LEN)),
    };
    assert_eq!(reserve(&market), expected);
    assert_eq!(market.coins(&market.pool), 75);
    // Coins that strangers send to the contract by themselves are not the reserve's.
    let pool = market.pool.clone();
    market
        .app
        .send_tokens(addr("operator"), pool, &coins(9, "uwatt"))
        .unwrap();
    assert_eq!(reserve(&market).reserve, Micro(75));
}

#[test]
fn refusals() {
    let mut market = Market::new();
    let fund = ExecuteMsg::FundReserve {};
    let expected = format!("exactly one coin of uwatt, from 1 to {}", u64::MAX);
    let refused = MarketError::BadFunds { expected };
    for funds in [
        vec![],
        coins(1, "other"),
        vec![coin(1, "other"), coin(1, "uwatt")],
        coins(u128::from(u64::MAX) + 1, "uwatt"),
    ] {
        assert_eq!(
            market.run_with("operator", &fund, &funds).unwrap_err(),
            refused
        );
    }
    market
        .run_with("operator", &fund, &coins(u128::from(u64::MAX), "uwatt"))
        .unwrap();
    let result = market.run_with("operator", &fund, &coins(1, "uwatt"));
    assert_eq!(result.unwrap_err().code(), Code::Overflow);
}
