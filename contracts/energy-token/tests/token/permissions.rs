//! Every message by every role, unwired and live. A token has no pause.

use crate::receiver;
use crate::token::*;
use cosmwasm_std::{coins, Binary, Uint128};
use cw_multi_test::Executor;
use wattpool_schema::cw20::Logo;
use wattpool_schema::error::MarketError;
use wattpool_schema::token::ExecuteMsg;

const ROLES: [&str; 6] = ["rich", "pool", "escrow", "marketing", "ann", "mallory"];

/// Who may send a message, by the rules; with this match a new message does not compile without a row.
fn allowed(msg: &ExecuteMsg) -> Allowed {
    use Allowed::{Everybody, Nobody, Only};
    match msg {
        ExecuteMsg::Transfer { .. }
        | ExecuteMsg::Send { .. }
        | ExecuteMsg::IncreaseAllowance { .. }
        | ExecuteMsg::DecreaseAllowance { .. }
        | ExecuteMsg::TransferFrom { .. }
        | ExecuteMsg::SendFrom { .. } => Everybody,
        ExecuteMsg::Burn { .. } | ExecuteMsg::BurnFrom { .. } => Nobody(MarketError::BurnRefused),
        ExecuteMsg::Mint { .. } | ExecuteMsg::UpdateMinter { .. } => {
            Nobody(MarketError::MinterFixed)
        }
        ExecuteMsg::UpdateMarketing { .. } | ExecuteMsg::UploadLogo(_) => {
            Only("marketing", "marketing account", true)
        }
        ExecuteMsg::Wire { .. } => Only("rich", "deployer", true),
        ExecuteMsg::MintSurplus { .. } => Only("pool", "energy pool", false),
        ExecuteMsg::Settle { .. } => Only("escrow", "trade escrow", false),
    }
}

enum Allowed {
    Everybody,
    Nobody(MarketError),
    /// Role, its name in the refusal, whether it exists before the wiring.
    Only(&'static str, &'static str, bool),
}

/// One message of each kind, harmless enough to succeed for whoever may send it.
fn messages(shop: &str) -> Vec<ExecuteMsg> {
    let amount = Uint128::zero();
    let someone = || addr("bob").into_string();
    let msg = Binary::default;
    let expires = None;
    vec![
        ExecuteMsg::Transfer {
            recipient: someone(),
            amount,
        },
        ExecuteMsg::Burn { amount },
        ExecuteMsg::Send {
            contract: shop.into(),
            amount,
            msg: msg(),
        },
        ExecuteMsg::IncreaseAllowance {
            spender: someone(),
            amount,
            expires,
        },
        ExecuteMsg::DecreaseAllowance {
            spender: someone(),
            amount,
            expires,
        },
        ExecuteMsg::TransferFrom {
            owner: someone(),
            recipient: someone(),
            amount,
        },
        ExecuteMsg::SendFrom {
            owner: someone(),
            contract: shop.into(),
            amount,
            msg: msg(),
        },
        ExecuteMsg::BurnFrom {
            owner: someone(),
            amount,
        },
        ExecuteMsg::Mint {
            recipient: someone(),
            amount,
        },
        ExecuteMsg::UpdateMinter { new_minter: None },
        ExecuteMsg::UpdateMarketing {
            project: None,
            description: None,
            marketing: None,
        },
        ExecuteMsg::UploadLogo(Logo::Url("u".into())),
        ExecuteMsg::Wire {
            pool: addr("pool").into_string(),
            escrow: addr("escrow").into_string(),
        },
        mint(LIVE, &[("ann", 1)]),
        settle(LIVE, "ann", "bob", 0, 0),
    ]
}

/// A token in which every role's messages have what they need.
fn prepared(wired: bool) -> (Token, String) {
    let mut token = if wired {
        Token::new()
    } else {
        Token::unwired()
    };
    let shop = receiver::deploy(&mut token.app).into_string();
    for role in ROLES {
        let spender = addr(role).into_string();
        let amount = Uint128::new(5);
        let expires = None;
        let give = ExecuteMsg::IncreaseAllowance {
            spender,
            amount,
            expires,
        };
        token.run("bob", &give).unwrap();
        let spender = addr("bob").into_string();
        let take = ExecuteMsg::IncreaseAllowance {
            spender,
            amount,
            expires,
        };
        token.run(role, &take).unwrap();
    }
    (token, shop)
}

#[test]
fn every_message_by_every_role() {
    let kinds = messages("x").len();
    for wired in [false, true] {
        for role in ROLES {
            for kind in 0..kinds {
                let (mut token, shop) = prepared(wired);
                let msg = &messages(&shop)[kind];
                let expected = match allowed(msg) {
                    Allowed::Everybody => Ok(()),
                    Allowed::Nobody(refusal) => Err(refusal),
                    Allowed::Only(_, _, false) if !wired => Err(MarketError::NotWired),
                    Allowed::Only(only, needs, _) if only != role => {
                        let needs = needs.to_owned();
                        Err(MarketError::Unauthorized { needs })
                    }
                    Allowed::Only("rich", ..) if wired => Err(MarketError::AlreadyWired),
                    Allowed::Only(..) => Ok(()),
                };
                let result = token.run(role, msg).map(|_| ());
                assert_eq!(result, expected, "{role} sends {msg:?}, wired: {wired}");
            }
        }
    }
}

#[test]
fn the_table_has_every_kind_once() {
    let name = |msg: &ExecuteMsg| {
        let text = format!("{msg:?}");
        text.split([' ', '(']).next().unwrap().to_owned()
    };
    let mut names: Vec<_> = messages("x").iter().map(name).collect();
    names.sort();
    names.dedup();
    let schema = schemars::schema_for!(ExecuteMsg);
    let kinds = schema.schema.subschemas.unwrap().one_of.unwrap().len();
    assert_eq!((names.len(), messages("x").len()), (kinds, kinds));
}

#[test]
fn every_message_refuses_coins() {
    for kind in 0..messages("x").len() {
        let (mut token, shop) = prepared(true);
        let msg = &messages(&shop)[kind];
        let (sender, contract) = (addr("rich"), token.address.clone());
        let result = token
            .app
            .execute_contract(sender, contract, msg, &coins(1, "uwatt"));
        let expected = "no coins with this message".to_owned();
        assert_eq!(
            refusal(result.unwrap_err()),
            MarketError::BadFunds { expected },
            "{msg:?}"
        );
    }
}
