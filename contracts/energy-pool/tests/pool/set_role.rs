//! `SetRole`.

use crate::market::*;
use wattpool_schema::error::Code;
use wattpool_schema::event::{MarketEvent, RoleSet};
use wattpool_schema::pool::{ExecuteMsg, PoolConfig, QueryMsg, Role};
use wattpool_schema::Window;

fn give(role: Role, name: &str) -> ExecuteMsg {
    ExecuteMsg::SetRole {
        role,
        address: addr(name).into_string(),
    }
}

#[test]
fn moves_a_role_and_its_power() {
    let mut market = Market::new();
    for role in [Role::Registrar, Role::GridOperator, Role::Regulator] {
        let response = market.run("admin", &give(role, "eve")).unwrap();
        let address = addr("eve").into_string();
        let set = RoleSet { role, address };
        assert_eq!(events(&response), [MarketEvent::RoleSet(set)]);
    }
    let config: PoolConfig = market.ask(&QueryMsg::Config {});
    let eve = addr("eve").into_string();
    assert_eq!(
        (&config.registrar, &config.grid_operator, &config.regulator),
        (&eve, &eve, &eve)
    );
    let tariffs = ExecuteMsg::SetTariffs {
        from_window: Window(NOW + 2),
        tariffs: TARIFFS,
    };
    assert_eq!(
        market.run("operator", &tariffs).unwrap_err(),
        only("grid operator")
    );
    market.run("eve", &tariffs).unwrap();
}

#[test]
fn the_address_is_validated() {
    let mut market = Market::new();
    let role = Role::Registrar;
    let msg = ExecuteMsg::SetRole {
        role,
        address: "eve".into(),
    };
    assert_eq!(market.run("admin", &msg).unwrap_err().code(), Code::Std);
}
