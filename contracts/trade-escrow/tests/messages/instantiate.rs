use crate::common::market;
use cosmwasm_std::coins;
use cw_multi_test::Executor;
use wattpool_fixtures::refusal as refused;
use wattpool_fixtures::setup::{CHAIN, DENOM, FOREIGN_DENOM};
use wattpool_schema::error::{Code, MarketError};
use wattpool_schema::escrow::{EscrowConfig, InstantiateMsg, MigrateMsg, QueryMsg};

#[test]
fn the_wiring_must_be_the_pools() {
    let mut m = market();
    let code = m.app.store_code(wattpool_fixtures::trade_escrow());
    let good = InstantiateMsg {
        token: m.token.to_string(),
        pool: m.pool.to_string(),
        denom: DENOM.into(),
        window_seconds: 900,
    };
    let bad = |field: &str, expected: String| MarketError::BadInput {
        field: field.into(),
        expected,
    };
    let cases = [
        (
            InstantiateMsg {
                token: m.escrow.to_string(),
                ..good.clone()
            },
            bad("token", m.token.to_string()),
        ),
        (
            InstantiateMsg {
                denom: FOREIGN_DENOM.into(),
                ..good.clone()
            },
            bad("denom", DENOM.into()),
        ),
        (
            InstantiateMsg {
                window_seconds: 901,
                ..good.clone()
            },
            bad("window_seconds", "900".into()),
        ),
    ];
    let admin = m.admin.clone();
    for (msg, refusal) in cases {
        let error = m
            .app
            .instantiate_contract(code, admin.clone(), &msg, &[], "x", None);
        assert_eq!(refused(&error.unwrap_err()).unwrap(), refusal);
    }
    let funds = coins(1, DENOM);
    let error = m
        .app
        .instantiate_contract(code, admin.clone(), &good, &funds, "x", None);
    assert_eq!(
        refused(&error.unwrap_err()).unwrap(),
        MarketError::BadFunds {
            expected: "no coins with this message".into()
        }
    );
    m.app
        .instantiate_contract(code, admin, &good, &[], "x", None)
        .unwrap();
}

#[test]
fn a_migration_keeps_everything() {
    let mut m = market();
    let before: EscrowConfig = m.ask_escrow(&QueryMsg::Config {});
    assert_eq!(
        before,
        EscrowConfig {
            token: m.token.to_string(),
            pool: m.pool.to_string(),
            denom: DENOM.into(),
            window_seconds: 900,
            chain: CHAIN.into(),
        }
    );
    let (admin, escrow) = (m.admin.clone(), m.escrow.clone());
    let state = m.app.dump_wasm_raw(&escrow);
    let code = m.app.contract_data(&escrow).unwrap().code_id;
    m.app
        .migrate_contract(admin, escrow.clone(), &MigrateMsg {}, code)
        .unwrap();
    assert_eq!(m.app.dump_wasm_raw(&escrow), state);
    let (stranger, other) = (m.stranger.clone(), m.pool.clone());
    assert!(m
        .app
        .migrate_contract(stranger, escrow, &MigrateMsg {}, code)
        .is_err());
    // Another contract's state is not taken over.
    let admin = m.admin.clone();
    let error = m
        .app
        .migrate_contract(admin, other, &MigrateMsg {}, code)
        .unwrap_err();
    assert_eq!(refused(&error).unwrap().code(), Code::WrongContract);
}
