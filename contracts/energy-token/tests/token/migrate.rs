//! Migration keeps everything, and only this contract's.

use crate::token::*;
use cosmwasm_std::testing::{mock_dependencies, mock_env};
use cw_multi_test::Executor;
use energy_token::contract::migrate;
use wattpool_schema::error::{Code, MarketError};
use wattpool_schema::token::MigrateMsg;

#[test]
fn keeps_balances_credits_and_books() {
    let mut token = Token::new();
    token.mint("ann", 100);
    token.go_to(NOW + 1);
    token.mint("ann", 30);
    let next = token.app.store_code(wattpool_fixtures::energy_token());
    let address = token.address.clone();
    let outsider = token
        .app
        .migrate_contract(addr("rich"), address.clone(), &MigrateMsg {}, next);
    assert!(outsider.is_err());
    token
        .app
        .migrate_contract(addr("governance"), address, &MigrateMsg {}, next)
        .unwrap();
    assert_eq!(token.holding("ann"), (30, 0));
    assert_eq!(token.credits("ann"), [(LIVE.0, 100)]);
    assert_eq!(token.books(LIVE), (100, 0, 0, 100));
    token.mint("ann", 1);
}

#[test]
fn not_from_another_contract() {
    let mut deps = mock_dependencies();
    let found = "crates.io:other".to_owned();
    cw2::set_contract_version(deps.as_mut().storage, &*found, "0.0.1").unwrap();
    let result = migrate(deps.as_mut(), mock_env(), MigrateMsg {});
    assert_eq!(result.unwrap_err(), MarketError::WrongContract { found });
}

#[test]
fn not_from_newer_code() {
    let mut deps = mock_dependencies();
    let name = energy_token::CONTRACT_NAME;
    cw2::set_contract_version(deps.as_mut().storage, name, "9.0.0").unwrap();
    let result = migrate(deps.as_mut(), mock_env(), MigrateMsg {});
    assert_eq!(result.unwrap_err().code(), Code::Downgrade);
}
