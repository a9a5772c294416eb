//! `ProposeAdmin` and `AcceptAdmin`: a hand-over in two steps.

use crate::market::*;
use wattpool_schema::error::{Code, MarketError};
use wattpool_schema::event::{AdminChanged, AdminProposed, MarketEvent};
use wattpool_schema::pool::{ExecuteMsg, PoolConfig, QueryMsg};

fn propose(name: Option<&str>) -> ExecuteMsg {
    ExecuteMsg::ProposeAdmin {
        admin: name.map(|n| addr(n).into_string()),
    }
}

fn admins(market: &Market) -> (String, Option<String>) {
    let config: PoolConfig = market.ask(&QueryMsg::Config {});
    (config.admin, config.proposed_admin)
}

#[test]
fn handed_over_in_two_steps() {
    let mut market = Market::new();
    let response = market.run("admin", &propose(Some("eve"))).unwrap();
    let admin = addr("eve").into_string();
    let proposed = AdminProposed {
        admin: Some(admin.clone()),
    };
    assert_eq!(events(&response), [MarketEvent::AdminProposed(proposed)]);
    assert_eq!(
        admins(&market),
        (addr("admin").into_string(), Some(admin.clone()))
    );
    let accept = ExecuteMsg::AcceptAdmin {};
    let refused = only("proposed administrator");
    assert_eq!(market.run("admin", &accept).unwrap_err(), refused);
    let response = market.run("eve", &accept).unwrap();
    let changed = AdminChanged {
        admin: admin.clone(),
    };
    assert_eq!(events(&response), [MarketEvent::AdminChanged(changed)]);
    assert_eq!(admins(&market), (admin, None));
    assert_eq!(
        market.run("admin", &propose(None)).unwrap_err(),
        only("administrator")
    );
    assert_eq!(
        market.run("eve", &accept).unwrap_err(),
        MarketError::NothingProposed
    );
}

#[test]
fn a_proposal_can_be_withdrawn() {
    let mut market = Market::new();
    market.run("admin", &propose(Some("eve"))).unwrap();
    let response = market.run("admin", &propose(None)).unwrap();
    let withdrawn = AdminProposed { admin: None };
    assert_eq!(events(&response), [MarketEvent::AdminProposed(withdrawn)]);
    let result = market.run("eve", &ExecuteMsg::AcceptAdmin {});
    assert_eq!(result.unwrap_err(), MarketError::NothingProposed);
    let bad = ExecuteMsg::ProposeAdmin {
        admin: Some("eve".into()),
    };
    assert_eq!(market.run("admin", &bad).unwrap_err().code(), Code::Std);
}
