//! Messages of cw20 that this token refuses, whoever sends them.

use crate::token::*;
use cosmwasm_std::Uint128;
use wattpool_schema::error::MarketError;
use wattpool_schema::token::ExecuteMsg;

#[test]
fn nobody_burns_or_mints_by_hand() {
    let amount = Uint128::new(1);
    let someone = || addr("ann").into_string();
    let cases = [
        (ExecuteMsg::Burn { amount }, MarketError::BurnRefused),
        (
            ExecuteMsg::BurnFrom {
                owner: someone(),
                amount,
            },
            MarketError::BurnRefused,
        ),
        (
            ExecuteMsg::Mint {
                recipient: someone(),
                amount,
            },
            MarketError::MinterFixed,
        ),
        (
            ExecuteMsg::UpdateMinter {
                new_minter: Some(someone()),
            },
            MarketError::MinterFixed,
        ),
        (
            ExecuteMsg::UpdateMinter { new_minter: None },
            MarketError::MinterFixed,
        ),
    ];
    for (msg, refusal) in cases {
        let mut token = Token::new();
        token.mint("ann", 100);
        for sender in ["ann", "rich", "pool", "escrow", "marketing"] {
            assert_eq!(token.run(sender, &msg).unwrap_err(), refusal);
        }
        assert_eq!(token.holding("ann"), (100, 0));
    }
}
