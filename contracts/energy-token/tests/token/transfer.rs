//! `Transfer`: received tokens are spent first and arrive as received.

use crate::token::*;
use cosmwasm_std::Uint128;
use wattpool_schema::cw20::BalanceResponse;
use wattpool_schema::error::{Code, MarketError};
use wattpool_schema::token::{ExecuteMsg, QueryMsg};

#[test]
fn moves_tokens_and_says_so() {
    let mut token = Token::new();
    token.mint("ann", 100);
    let response = token.transfer("ann", "bob", 30).unwrap();
    let (ann, bob) = (addr("ann"), addr("bob"));
    let said = [
        ("action", "transfer"),
        ("from", ann.as_str()),
        ("to", bob.as_str()),
        ("amount", "30"),
    ];
    assert_eq!(attributes(&response), pairs(&said));
    assert_eq!(token.holding("ann"), (70, 0));
    assert_eq!(token.holding("bob"), (0, 30));
    let address = bob.into_string();
    let balance: BalanceResponse = token.ask(&QueryMsg::Balance { address });
    assert_eq!(balance.balance, Uint128::new(30));
}

#[test]
fn received_is_spent_first_and_own_does_not_come_back() {
    let mut token = Token::new();
    token.mint("ann", 100);
    token.mint("bob", 10);
    token.transfer("bob", "ann", 10).unwrap();
    assert_eq!(token.holding("ann"), (100, 10));
    token.transfer("ann", "bob", 15).unwrap();
    assert_eq!(token.holding("ann"), (95, 0));
    // On return it is received, not own: it cannot be settled any more.
    token.transfer("bob", "ann", 15).unwrap();
    assert_eq!(token.holding("ann"), (95, 15));
    assert_eq!(token.holding("bob"), (0, 0));
}

#[test]
fn to_itself_turns_own_into_received() {
    let mut token = Token::new();
    token.mint("ann", 100);
    token.transfer("ann", "ann", 40).unwrap();
    assert_eq!(token.holding("ann"), (60, 40));
}

#[test]
fn zero_moves_nothing_and_enters_nobody() {
    let mut token = Token::new();
    token.transfer("ann", "bob", 0).unwrap();
    let all: wattpool_schema::cw20::AllAccountsResponse = token.ask(&QueryMsg::AllAccounts {
        start_after: None,
        limit: None,
    });
    assert!(all.accounts.is_empty());
}

#[test]
fn too_few() {
    let mut token = Token::new();
    token.mint("ann", 100);
    let result = token.transfer("ann", "bob", 101);
    let short = |wanted| MarketError::InsufficientTokens { wanted, there: 100 };
    assert_eq!(result.unwrap_err(), short(101));
    let result = token.transfer("ann", "bob", u128::from(u64::MAX) + 1);
    assert_eq!(result.unwrap_err(), short(u64::MAX));
    let result = token.transfer("cid", "bob", 1);
    let none = MarketError::InsufficientTokens {
        wanted: 1,
        there: 0,
    };
    assert_eq!(result.unwrap_err(), none);
    token.transfer("ann", "bob", 100).unwrap();
    assert_eq!(token.holding("ann"), (0, 0));
}

#[test]
fn expired_tokens_cannot_be_moved() {
    let mut token = Token::new();
    token.mint("ann", 100);
    token.go_to(NOW + 1);
    let result = token.transfer("ann", "bob", 1);
    let none = MarketError::InsufficientTokens {
        wanted: 1,
        there: 0,
    };
    assert_eq!(result.unwrap_err(), none);
}

#[test]
fn the_markets_contracts_take_none() {
    let mut token = Token::new();
    token.mint("ann", 100);
    for market in [addr("pool"), addr("escrow"), token.address.clone()] {
        let msg = ExecuteMsg::Transfer {
            recipient: market.into_string(),
            amount: Uint128::new(1),
        };
        assert_eq!(
            token.run("ann", &msg).unwrap_err(),
            MarketError::ToMarketRefused
        );
    }
}

#[test]
fn bad_addresses_are_refused() {
    let mut token = Token::new();
    token.mint("ann", 100);
    let upper = addr("bob").into_string().to_uppercase();
    for recipient in ["bob", "", &upper[..20]] {
        let msg = ExecuteMsg::Transfer {
            recipient: recipient.into(),
            amount: Uint128::new(1),
        };
        assert_eq!(token.run("ann", &msg).unwrap_err().code(), Code::Std);
    }
}
