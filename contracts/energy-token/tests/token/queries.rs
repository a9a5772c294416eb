//! Lists: all accounts, allowances by owner and by spender.

use crate::token::*;
use cosmwasm_std::{Api, Uint128};
use wattpool_schema::cw20::{
    AllAccountsResponse, AllAllowancesResponse, AllSpenderAllowancesResponse,
};
use wattpool_schema::token::{ExecuteMsg, QueryMsg};

fn sorted(names: &[&str]) -> Vec<String> {
    let mut list: Vec<String> = names.iter().map(|n| addr(n).into_string()).collect();
    list.sort();
    list
}

#[test]
fn all_who_ever_held() {
    let mut token = Token::new();
    token.mint("ann", 10);
    token.transfer("ann", "bob", 10).unwrap();
    token.mint("cid", 10);
    token.go_to(NOW + 5);
    // By the bytes behind the addresses, which is not the order of the texts.
    let mut list = sorted(&["ann", "bob", "cid"]);
    list.sort_by_key(|address| {
        let bytes = token.app.api().addr_canonicalize(address);
        bytes.unwrap().to_vec()
    });
    let ask = |start_after: Option<String>, limit| -> Vec<String> {
        let all: AllAccountsResponse = token.ask(&QueryMsg::AllAccounts { start_after, limit });
        all.accounts
    };
    assert_eq!(ask(None, None), list);
    assert_eq!(ask(None, Some(2)), list[..2]);
    assert_eq!(ask(Some(list[1].clone()), None), list[2..]);
}

#[test]
fn allowances_by_owner_and_spender() {
    let mut token = Token::new();
    for (i, (owner, spender)) in [("ann", "bob"), ("ann", "cid"), ("dan", "bob")]
        .iter()
        .enumerate()
    {
        let msg = ExecuteMsg::IncreaseAllowance {
            spender: addr(spender).into_string(),
            amount: Uint128::new(i as u128 + 1),
            expires: None,
        };
        token.run(owner, &msg).unwrap();
    }
    let by_owner = |start_after, limit| -> Vec<(String, u128)> {
        let all: AllAllowancesResponse = token.ask(&QueryMsg::AllAllowances {
            owner: addr("ann").into_string(),
            start_after,
            limit,
        });
        all.allowances
            .into_iter()
            .map(|a| (a.spender, a.allowance.u128()))
            .collect()
    };
    let mut expected = vec![
        (addr("bob").into_string(), 1),
        (addr("cid").into_string(), 2),
    ];
    expected.sort();
    assert_eq!(by_owner(None, None), expected);
    assert_eq!(by_owner(None, Some(1)), expected[..1]);
    assert_eq!(by_owner(Some(expected[0].0.clone()), None), expected[1..]);
    let by_spender = |start_after, limit| -> Vec<(String, u128)> {
        let all: AllSpenderAllowancesResponse = token.ask(&QueryMsg::AllSpenderAllowances {
            spender: addr("bob").into_string(),
            start_after,
            limit,
        });
        all.allowances
            .into_iter()
            .map(|a| (a.owner, a.allowance.u128()))
            .collect()
    };
    let mut expected = vec![
        (addr("ann").into_string(), 1),
        (addr("dan").into_string(), 3),
    ];
    expected.sort();
    assert_eq!(by_spender(None, None), expected);
    assert_eq!(
        by_spender(Some(expected[0].0.clone()), Some(5)),
        expected[1..]
    );
}
