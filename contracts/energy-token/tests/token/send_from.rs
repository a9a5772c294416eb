//! `SendFrom`: the spender is named as the sender.

use crate::receiver;
use crate::token::*;
use cosmwasm_std::{Addr, Binary, Uint128};
use wattpool_schema::cw20::Cw20ReceiveMsg;
use wattpool_schema::error::MarketError;
use wattpool_schema::token::ExecuteMsg;

fn send(owner: &str, contract: &Addr, amount: u128) -> ExecuteMsg {
    ExecuteMsg::SendFrom {
        owner: addr(owner).into_string(),
        contract: contract.to_string(),
        amount: Uint128::new(amount),
        msg: Binary::from(b"hello"),
    }
}

#[test]
fn moves_and_calls_within_the_allowance() {
    let mut token = Token::new();
    let shop = receiver::deploy(&mut token.app);
    token.mint("ann", 100);
    let short = |wanted, there| MarketError::InsufficientAllowance { wanted, there };
    let result = token.run("bob", &send("ann", &shop, 10));
    assert_eq!(result.unwrap_err(), short(10, 0));
    let allow = ExecuteMsg::IncreaseAllowance {
        spender: addr("bob").into_string(),
        amount: Uint128::new(30),
        expires: None,
    };
    token.run("ann", &allow).unwrap();
    let response = token.run("bob", &send("ann", &shop, 10)).unwrap();
    let said = [
        ("action", "send_from"),
        ("from", addr("ann").as_str()),
        ("to", shop.as_str()),
        ("by", addr("bob").as_str()),
        ("amount", "10"),
    ]
    .map(|(k, v)| (k.to_owned(), v.to_owned()));
    assert_eq!(attributes(&response)[..5], said);
    let hook = Cw20ReceiveMsg {
        sender: addr("bob").into_string(),
        amount: Uint128::new(10),
        msg: Binary::from(b"hello"),
    };
    assert_eq!(
        receiver::last(&token.app, &shop),
        Some((token.address.clone(), hook))
    );
    assert_eq!(token.holding("ann"), (90, 0));
    let result = token.run("bob", &send("ann", &shop, 21));
    assert_eq!(result.unwrap_err(), short(21, 20));
    let result = token.run("bob", &send("ann", &addr("pool"), 1));
    assert_eq!(result.unwrap_err(), MarketError::ToMarketRefused);
}
