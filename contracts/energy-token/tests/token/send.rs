//! `Send`: moves tokens to a contract and calls it, or does nothing.

use crate::receiver;
use crate::token::*;
use cosmwasm_std::{Addr, Binary, Uint128};
use wattpool_schema::cw20::Cw20ReceiveMsg;
use wattpool_schema::error::MarketError;
use wattpool_schema::token::ExecuteMsg;

fn send(contract: &Addr, amount: u128) -> ExecuteMsg {
    ExecuteMsg::Send {
        contract: contract.to_string(),
        amount: Uint128::new(amount),
        msg: Binary::from(b"hello"),
    }
}

#[test]
fn moves_and_calls() {
    let mut token = Token::new();
    let shop = receiver::deploy(&mut token.app);
    token.mint("ann", 100);
    let response = token.run("ann", &send(&shop, 40)).unwrap();
    let said = [
        ("action", "send"),
        ("from", addr("ann").as_str()),
        ("to", shop.as_str()),
        ("amount", "40"),
    ]
    .map(|(k, v)| (k.to_owned(), v.to_owned()));
    assert_eq!(attributes(&response)[..4], said);
    assert_eq!(token.holding("ann"), (60, 0));
    let hook = Cw20ReceiveMsg {
        sender: addr("ann").into_string(),
        amount: Uint128::new(40),
        msg: Binary::from(b"hello"),
    };
    assert_eq!(
        receiver::last(&token.app, &shop),
        Some((token.address.clone(), hook))
    );
}

#[test]
fn a_receiver_that_refuses_undoes_the_move() {
    let mut token = Token::new();
    token.mint("ann", 100);
    let nobody = addr("bob");
    let (from, contract) = (addr("ann"), token.address.clone());
    let result = cw_multi_test::Executor::execute_contract(
        &mut token.app,
        from,
        contract,
        &send(&nobody, 40),
        &[],
    );
    assert!(result.is_err());
    assert_eq!(token.holding("ann"), (100, 0));
    assert_eq!(token.holding("bob"), (0, 0));
}

#[test]
fn refusals() {
    let mut token = Token::new();
    token.mint("ann", 100);
    for market in [addr("pool"), addr("escrow"), token.address.clone()] {
        let result = token.run("ann", &send(&market, 1));
        assert_eq!(result.unwrap_err(), MarketError::ToMarketRefused);
    }
    let shop = receiver::deploy(&mut token.app);
    let result = token.run("ann", &send(&shop, 101));
    let short = MarketError::InsufficientTokens {
        wanted: 101,
        there: 100,
    };
    assert_eq!(result.unwrap_err(), short);
    assert_eq!(receiver::last(&token.app, &shop), None);
}
