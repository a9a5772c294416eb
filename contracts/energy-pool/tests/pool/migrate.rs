//! Migration keeps everything, and only this contract's.

use crate::market::*;
use cosmwasm_std::testing::{mock_dependencies, mock_env};
use cw_multi_test::Executor;
use energy_pool::contract::migrate;
use wattpool_schema::error::{Code, MarketError};
use wattpool_schema::pool::MigrateMsg;

#[test]
fn keeps_meters_and_books() {
    let mut market = Market::new();
    market.stated(1, LIVE.0 - 3, 1, 100);
    market.stated(1, LIVE.0, 7, 100);
    let kept = |market: &Market| {
        let late = market.late("ann");
        (
            market.meter(1),
            market.books(LIVE.0),
            market.books(LIVE.0 - 3),
            late,
        )
    };
    let before = kept(&market);
    let next = market.app.store_code(wattpool_fixtures::energy_pool());
    let pool = market.pool.clone();
    let outsider = market
        .app
        .migrate_contract(addr("admin"), pool.clone(), &MigrateMsg {}, next);
    assert!(outsider.is_err());
    market
        .app
        .migrate_contract(addr("governance"), pool, &MigrateMsg {}, next)
        .unwrap();
    assert_eq!(kept(&market), before);
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
    let name = energy_pool::CONTRACT_NAME;
    cw2::set_contract_version(deps.as_mut().storage, name, "9.0.0").unwrap();
    let result = migrate(deps.as_mut(), mock_env(), MigrateMsg {});
    assert_eq!(result.unwrap_err().code(), Code::Downgrade);
}
