//! `ProposeOwner`: by the owner or the registrar.

use crate::market::*;
use wattpool_schema::error::{Code, MarketError};
use wattpool_schema::event::{MarketEvent, OwnerProposed};
use wattpool_schema::pool::ExecuteMsg;

pub fn propose(number: u8, name: Option<&str>) -> ExecuteMsg {
    ExecuteMsg::ProposeOwner {
        meter: id(number),
        owner: name.map(|n| addr(n).into_string()),
    }
}

#[test]
fn proposes_and_withdraws() {
    let mut market = Market::new();
    for sender in ["ann", "registrar"] {
        let response = market.run(sender, &propose(1, Some("dan"))).unwrap();
        let owner = Some(addr("dan").into_string());
        let event = OwnerProposed {
            meter: id(1),
            owner: owner.clone(),
        };
        assert!(events(&response).contains(&MarketEvent::OwnerProposed(event)));
        let meter = market.meter(1);
        assert_eq!(meter.notice.is_some(), sender == "registrar");
        assert_eq!(
            (meter.owner, meter.proposed_owner),
            (addr("ann").into_string(), owner)
        );
        let response = market.run(sender, &propose(1, None)).unwrap();
        let event = OwnerProposed {
            meter: id(1),
            owner: None,
        };
        assert!(events(&response).contains(&MarketEvent::OwnerProposed(event)));
        assert_eq!(market.meter(1).proposed_owner, None);
        assert_eq!(market.meter(1).notice, None);
    }
}

#[test]
fn refusals() {
    let mut market = Market::new();
    let unknown = MarketError::UnknownMeter { meter: id(9) };
    assert_eq!(market.run("ann", &propose(9, None)).unwrap_err(), unknown);
    let needs = only("meter's owner or the registrar");
    for other in ["bob", "admin", "dan"] {
        assert_eq!(
            market.run(other, &propose(1, Some("dan"))).unwrap_err(),
            needs
        );
    }
    let msg = ExecuteMsg::ProposeOwner {
        meter: id(1),
        owner: Some("dan".into()),
    };
    assert_eq!(market.run("ann", &msg).unwrap_err().code(), Code::Std);
    market
        .run("ann", &ExecuteMsg::RetireMeter { meter: id(1) })
        .unwrap();
    let retired = MarketError::MeterRetired { meter: id(1) };
    assert_eq!(
        market.run("ann", &propose(1, Some("dan"))).unwrap_err(),
        retired
    );
}
