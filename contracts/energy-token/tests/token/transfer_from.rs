//! `TransferFrom`: within an allowance that has not expired.

use crate::token::*;
use cosmwasm_std::Uint128;
use wattpool_schema::cw20::{AllowanceResponse, Expiration};
use wattpool_schema::error::MarketError;
use wattpool_schema::token::{ExecuteMsg, QueryMsg};

fn take(owner: &str, recipient: &str, amount: u128) -> ExecuteMsg {
    ExecuteMsg::TransferFrom {
        owner: addr(owner).into_string(),
        recipient: addr(recipient).into_string(),
        amount: Uint128::new(amount),
    }
}

fn allow(token: &mut Token, owner: &str, spender: &str, amount: u128, expires: Option<Expiration>) {
    let msg = ExecuteMsg::IncreaseAllowance {
        spender: addr(spender).into_string(),
        amount: Uint128::new(amount),
        expires,
    };
    token.run(owner, &msg).unwrap();
}

#[test]
fn moves_within_the_allowance() {
    let mut token = Token::new();
    token.mint("ann", 100);
    allow(&mut token, "ann", "bob", 60, None);
    let response = token.run("bob", &take("ann", "cid", 40)).unwrap();
    let said = [
        ("action", "transfer_from"),
        ("from", addr("ann").as_str()),
        ("to", addr("cid").as_str()),
        ("by", addr("bob").as_str()),
        ("amount", "40"),
    ]
    .map(|(k, v)| (k.to_owned(), v.to_owned()));
    assert_eq!(attributes(&response), said);
    assert_eq!(
        (token.holding("ann"), token.holding("cid")),
        ((60, 0), (0, 40))
    );
    let left: AllowanceResponse = token.ask(&QueryMsg::Allowance {
        owner: addr("ann").into_string(),
        spender: addr("bob").into_string(),
    });
    assert_eq!(left.allowance.u128(), 20);
}

#[test]
fn refusals() {
    let mut token = Token::new();
    token.mint("ann", 100);
    let short = |wanted, there| MarketError::InsufficientAllowance { wanted, there };
    assert_eq!(
        token.run("bob", &take("ann", "cid", 1)).unwrap_err(),
        short(1, 0)
    );
    allow(&mut token, "ann", "bob", 60, None);
    assert_eq!(
        token.run("bob", &take("ann", "cid", 61)).unwrap_err(),
        short(61, 60)
    );
    assert_eq!(
        token.run("cid", &take("ann", "cid", 1)).unwrap_err(),
        short(1, 0)
    );
    for market in ["pool", "escrow"] {
        let result = token.run("bob", &take("ann", market, 1));
        assert_eq!(result.unwrap_err(), MarketError::ToMarketRefused);
    }
    allow(&mut token, "ann", "bob", 60, None);
    let few = MarketError::InsufficientTokens {
        wanted: 101,
        there: 100,
    };
    assert_eq!(token.run("bob", &take("ann", "cid", 101)).unwrap_err(), few);
    assert_eq!(token.holding("ann"), (100, 0));
}

#[test]
fn an_allowance_expires() {
    let mut token = Token::new();
    token.mint("ann", 100);
    allow(
        &mut token,
        "ann",
        "bob",
        60,
        Some(Expiration::AtHeight(1001)),
    );
    token.run("bob", &take("ann", "cid", 1)).unwrap();
    token.app.update_block(|b| b.height = 1001);
    let result = token.run("bob", &take("ann", "cid", 1));
    assert_eq!(result.unwrap_err(), MarketError::AllowanceExpired);
}
