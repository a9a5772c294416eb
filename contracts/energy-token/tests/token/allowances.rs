//! `IncreaseAllowance` and `DecreaseAllowance`.

use crate::token::*;
use cosmwasm_std::{Timestamp, Uint128};
use wattpool_schema::cw20::{AllowanceResponse, Expiration};
use wattpool_schema::error::{Code, MarketError};
use wattpool_schema::token::{ExecuteMsg, QueryMsg};

fn more(spender: &str, amount: u128, expires: Option<Expiration>) -> ExecuteMsg {
    ExecuteMsg::IncreaseAllowance {
        spender: addr(spender).into_string(),
        amount: Uint128::new(amount),
        expires,
    }
}

fn less(spender: &str, amount: u128, expires: Option<Expiration>) -> ExecuteMsg {
    ExecuteMsg::DecreaseAllowance {
        spender: addr(spender).into_string(),
        amount: Uint128::new(amount),
        expires,
    }
}

fn allowed(token: &Token, owner: &str, spender: &str) -> (u128, Expiration) {
    let answer: AllowanceResponse = token.ask(&QueryMsg::Allowance {
        owner: addr(owner).into_string(),
        spender: addr(spender).into_string(),
    });
    (answer.allowance.u128(), answer.expires)
}

const NEVER: Expiration = Expiration::Never {};
const LATER: Expiration = Expiration::AtHeight(5_000);

#[test]
fn grow_and_shrink() {
    let mut token = Token::new();
    let response = token.run("ann", &more("bob", 50, None)).unwrap();
    let said = [
        ("action", "increase_allowance"),
        ("owner", addr("ann").as_str()),
        ("spender", addr("bob").as_str()),
        ("amount", "50"),
    ]
    .map(|(k, v)| (k.to_owned(), v.to_owned()));
    assert_eq!(attributes(&response), said);
    assert_eq!(allowed(&token, "ann", "bob"), (50, NEVER));
    token.run("ann", &more("bob", 5, Some(LATER))).unwrap();
    assert_eq!(allowed(&token, "ann", "bob"), (55, LATER));
    // Without a new expiry the old one stays.
    token.run("ann", &more("bob", 5, None)).unwrap();
    assert_eq!(allowed(&token, "ann", "bob"), (60, LATER));
    token.run("ann", &less("bob", 20, Some(NEVER))).unwrap();
    assert_eq!(allowed(&token, "ann", "bob"), (40, NEVER));
    let response = token.run("ann", &less("bob", 41, None)).unwrap();
    assert_eq!(attributes(&response)[0].1, "decrease_allowance");
    assert_eq!(allowed(&token, "ann", "bob"), (0, NEVER));
    assert_eq!(allowed(&token, "bob", "ann"), (0, NEVER));
}

#[test]
fn refusals() {
    let mut token = Token::new();
    let bad = |field: &str, expected: &str| MarketError::BadInput {
        field: field.into(),
        expected: expected.into(),
    };
    let other = bad("spender", "another account than the sender's");
    assert_eq!(token.run("ann", &more("ann", 1, None)).unwrap_err(), other);
    assert_eq!(token.run("ann", &less("ann", 1, None)).unwrap_err(), other);
    let past = Some(Expiration::AtTime(Timestamp::from_seconds(1)));
    let to_come = bad("expires", "a time or height to come");
    assert_eq!(
        token.run("ann", &more("bob", 1, past)).unwrap_err(),
        to_come
    );
    let none = MarketError::InsufficientAllowance {
        wanted: 1,
        there: 0,
    };
    assert_eq!(token.run("ann", &less("bob", 1, None)).unwrap_err(), none);
    token.run("ann", &more("bob", 2, None)).unwrap();
    assert_eq!(
        token.run("ann", &less("bob", 1, past)).unwrap_err(),
        to_come
    );
    assert_eq!(allowed(&token, "ann", "bob"), (2, NEVER));
    token.run("ann", &more("bob", u128::MAX - 2, None)).unwrap();
    let result = token.run("ann", &more("bob", 1, None));
    assert_eq!(result.unwrap_err().code(), Code::Overflow);
    assert_eq!(allowed(&token, "ann", "bob"), (u128::MAX, NEVER));
}
