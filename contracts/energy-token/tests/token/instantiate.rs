//! Instantiation: bounds of names and window length, no coins.

use crate::token::*;
use cosmwasm_std::coins;
use wattpool_schema::cw20::TokenInfoResponse;
use wattpool_schema::error::{Code, MarketError};
use wattpool_schema::token::{InstantiateMsg, QueryMsg, TokenConfig};
use wattpool_schema::Seconds;

#[test]
fn knows_itself() {
    let token = Token::unwired();
    let config: TokenConfig = token.ask(&QueryMsg::Config {});
    let expected = TokenConfig {
        deployer: addr("rich").into_string(),
        pool: None,
        escrow: None,
        window_seconds: LEN,
        since: Seconds(NOW * u64::from(LEN)),
    };
    assert_eq!(config, expected);
    let info: TokenInfoResponse = token.ask(&QueryMsg::TokenInfo {});
    assert_eq!(
        (info.name.as_str(), info.symbol.as_str()),
        ("Wattpool energy", "KWH")
    );
    assert_eq!((info.decimals, info.total_supply.u128()), (3, 0));
}

#[test]
fn bounds() {
    let bad = |field: &str, expected: &str| MarketError::BadInput {
        field: field.into(),
        expected: expected.into(),
    };
    let name = |name: &str| InstantiateMsg {
        name: name.into(),
        ..setup()
    };
    let symbol = |symbol: &str| InstantiateMsg {
        symbol: symbol.into(),
        ..setup()
    };
    let window = |window_seconds| InstantiateMsg {
        window_seconds,
        ..setup()
    };
    let cases = [
        (name("ab"), bad("name", "3 to 50 bytes")),
        (name(&"a".repeat(51)), bad("name", "3 to 50 bytes")),
        (symbol("K"), bad("symbol", "2 to 12 bytes")),
        (symbol("KKKKKKKKKKKKK"), bad("symbol", "2 to 12 bytes")),
        (window(0), bad("window_seconds", "1 to 86400")),
        (window(86_401), bad("window_seconds", "1 to 86400")),
    ];
    for (msg, refusal) in cases {
        assert_eq!(instantiate(&mut chain(), &msg, &[]), Err(refusal));
    }
    for msg in [name("abc"), symbol("KW"), window(1), window(86_400)] {
        assert!(instantiate(&mut chain(), &msg, &[]).is_ok());
    }
}

#[test]
fn refuses_coins_and_bad_addresses() {
    let result = instantiate(&mut chain(), &setup(), &coins(1, "uwatt"));
    let expected = "no coins with this message".to_owned();
    assert_eq!(result, Err(MarketError::BadFunds { expected }));
    let msg = InstantiateMsg {
        marketing: Some("nobody".into()),
        ..setup()
    };
    let result = instantiate(&mut chain(), &msg, &[]);
    assert_eq!(result.unwrap_err().code(), Code::Std);
}
