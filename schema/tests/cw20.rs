//! The token standard's messages and answers are, byte for byte, those of the crate that publishes it, in both directions.
#![allow(clippy::unwrap_used, clippy::panic)]

// The crate is of the chain library's earlier line.
use cosmwasm_std::to_json_string;
use cosmwasm_std_2::{Addr, Binary, Timestamp, Uint128};
use serde::de::DeserializeOwned;
use serde::Serialize;
use wattpool_schema::cw20 as own;
use wattpool_schema::token::{ExecuteMsg, QueryMsg};

/// What `theirs` writes, ours reads and writes again, and they read back.
fn same<O: Serialize + DeserializeOwned, T: Serialize + DeserializeOwned>(theirs: &[T]) {
    for value in theirs {
        let text = serde_json::to_string(value).unwrap();
        let read: O = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{text}: {e}"));
        assert_eq!(serde_json::to_string(&read).unwrap(), text);
        let back: T = serde_json::from_str(&text).unwrap();
        assert_eq!(serde_json::to_string(&back).unwrap(), text);
    }
}

fn expirations() -> Vec<cw20::Expiration> {
    vec![
        cw20::Expiration::AtHeight(7),
        cw20::Expiration::AtTime(Timestamp::from_nanos(1_772_409_600_123_456_789)),
        cw20::Expiration::Never {},
    ]
}

fn logos() -> Vec<cw20::Logo> {
    let bytes = Binary::from(b"<?xml ".as_slice());
    vec![
        cw20::Logo::Url("https://example.org/logo".into()),
        cw20::Logo::Embedded(cw20::EmbeddedLogo::Svg(bytes.clone())),
        cw20::Logo::Embedded(cw20::EmbeddedLogo::Png(bytes)),
    ]
}

#[test]
fn messages() {
    use cw20::Cw20ExecuteMsg as M;
    let (recipient, owner, spender, contract) = (
        "r".to_owned(),
        "o".to_owned(),
        "s".to_owned(),
        "c".to_owned(),
    );
    let amount = Uint128::new(u128::MAX);
    let msg = Binary::from(b"{}".as_slice());
    let mut all = vec![
        M::Transfer {
            recipient: recipient.clone(),
            amount,
        },
        M::Burn { amount },
        M::Send {
            contract: contract.clone(),
            amount,
            msg: msg.clone(),
        },
        M::TransferFrom {
            owner: owner.clone(),
            recipient: recipient.clone(),
            amount,
        },
        M::SendFrom {
            owner: owner.clone(),
            contract,
            amount,
            msg,
        },
        M::BurnFrom { owner, amount },
        M::Mint { recipient, amount },
        M::UpdateMinter { new_minter: None },
        M::UpdateMinter {
            new_minter: Some("m".into()),
        },
        M::UpdateMarketing {
            project: Some("p".into()),
            description: None,
            marketing: Some(String::new()),
        },
    ];
    for expires in expirations().into_iter().map(Some).chain([None]) {
        all.push(M::IncreaseAllowance {
            spender: spender.clone(),
            amount,
            expires,
        });
        all.push(M::DecreaseAllowance {
            spender: spender.clone(),
            amount,
            expires,
        });
    }
    all.extend(logos().into_iter().map(M::UploadLogo));
    same::<ExecuteMsg, _>(&all);
    let hook = cw20::Cw20ReceiveMsg {
        sender: "s".into(),
        amount,
        msg: Binary::from(b"hook".as_slice()),
    };
    same::<own::Cw20ReceiveMsg, _>(std::slice::from_ref(&hook));
    let ours = own::Cw20ReceiveMsg {
        sender: hook.sender.clone(),
        amount: hook.amount.u128().into(),
        msg: hook.msg.as_slice().into(),
    };
    let ours = to_json_string(&ours.into_cosmos_msg("contract").unwrap()).unwrap();
    let theirs = hook.into_cosmos_msg("contract").unwrap();
    assert_eq!(ours, cosmwasm_std_2::to_json_string(&theirs).unwrap());
}

#[test]
fn questions() {
    use cw20::Cw20QueryMsg as Q;
    let (owner, start_after, limit) = ("o".to_owned(), Some("s".to_owned()), Some(7));
    same::<QueryMsg, _>(&[
        Q::Balance {
            address: "a".into(),
        },
        Q::TokenInfo {},
        Q::Allowance {
            owner: owner.clone(),
            spender: "s".into(),
        },
        Q::Minter {},
        Q::MarketingInfo {},
        Q::DownloadLogo {},
        Q::AllAllowances {
            owner,
            start_after: start_after.clone(),
            limit,
        },
        Q::AllAccounts { start_after, limit },
        Q::AllAccounts {
            start_after: None,
            limit: None,
        },
    ]);
}

#[test]
fn answers() {
    let amount = Uint128::new(5);
    same::<own::BalanceResponse, _>(&[cw20::BalanceResponse { balance: amount }]);
    same::<own::TokenInfoResponse, _>(&[cw20::TokenInfoResponse {
        name: "Wattpool energy".into(),
        symbol: "KWH".into(),
        decimals: 3,
        total_supply: amount,
    }]);
    same::<own::MinterResponse, _>(&[cw20::MinterResponse {
        minter: "m".into(),
        cap: None,
    }]);
    for expires in expirations() {
        let (spender, owner) = ("s".to_owned(), "o".to_owned());
        same::<own::AllowanceResponse, _>(&[cw20::AllowanceResponse {
            allowance: amount,
            expires,
        }]);
        same::<own::AllAllowancesResponse, _>(&[cw20::AllAllowancesResponse {
            allowances: vec![cw20::AllowanceInfo {
                spender,
                allowance: amount,
                expires,
            }],
        }]);
        same::<own::AllSpenderAllowancesResponse, _>(&[cw20::AllSpenderAllowancesResponse {
            allowances: vec![cw20::SpenderAllowanceInfo {
                owner,
                allowance: amount,
                expires,
            }],
        }]);
    }
    for logo in [
        None,
        Some(cw20::LogoInfo::Embedded),
        Some(cw20::LogoInfo::Url("u".into())),
    ] {
        same::<own::MarketingInfoResponse, _>(&[cw20::MarketingInfoResponse {
            project: Some("p".into()),
            description: None,
            logo,
            marketing: Some(Addr::unchecked("m")),
        }]);
    }
    same::<own::DownloadLogoResponse, _>(&[cw20::DownloadLogoResponse {
        mime_type: "image/png".into(),
        data: Binary::from(b"png".as_slice()),
    }]);
    same::<own::AllAccountsResponse, _>(&[cw20::AllAccountsResponse {
        accounts: vec!["a".into()],
    }]);
}
