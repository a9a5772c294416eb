//! `Wire`: once, by the deployer.

use crate::token::*;
use wattpool_schema::cw20::MinterResponse;
use wattpool_schema::error::{Code, MarketError};
use wattpool_schema::event::{MarketEvent, Wired};
use wattpool_schema::token::{ExecuteMsg, QueryMsg, TokenConfig};

fn wire(pool: &str, escrow: &str) -> ExecuteMsg {
    ExecuteMsg::Wire {
        pool: addr(pool).into_string(),
        escrow: addr(escrow).into_string(),
    }
}

#[test]
fn names_pool_and_escrow() {
    let mut token = Token::unwired();
    assert_eq!(
        token.ask::<Option<MinterResponse>>(&QueryMsg::Minter {}),
        None
    );
    let response = token.run("rich", &wire("pool", "escrow")).unwrap();
    let wired = Wired {
        pool: Some(addr("pool").into_string()),
        escrow: addr("escrow").into_string(),
    };
    assert_eq!(events(&response), [MarketEvent::Wired(wired)]);
    let config: TokenConfig = token.ask(&QueryMsg::Config {});
    assert_eq!(config.pool, Some(addr("pool").into_string()));
    assert_eq!(config.escrow, Some(addr("escrow").into_string()));
    let minter = MinterResponse {
        minter: addr("pool").into_string(),
        cap: None,
    };
    assert_eq!(
        token.ask::<Option<MinterResponse>>(&QueryMsg::Minter {}),
        Some(minter)
    );
}

#[test]
fn only_once() {
    let mut token = Token::new();
    let again = token.run("rich", &wire("mallory", "mallory"));
    assert_eq!(again.unwrap_err(), MarketError::AlreadyWired);
    let config: TokenConfig = token.ask(&QueryMsg::Config {});
    assert_eq!(config.pool, Some(addr("pool").into_string()));
}

#[test]
fn addresses_are_validated() {
    let mut token = Token::unwired();
    let msg = ExecuteMsg::Wire {
        pool: "x".into(),
        escrow: addr("escrow").into_string(),
    };
    assert_eq!(token.run("rich", &msg).unwrap_err().code(), Code::Std);
    let msg = ExecuteMsg::Wire {
        pool: addr("pool").into_string(),
        escrow: "X".into(),
    };
    assert_eq!(token.run("rich", &msg).unwrap_err().code(), Code::Std);
}
