//! `RetireMeter`: no statements, covers or trades any more.

use crate::market::*;
use wattpool_schema::error::MarketError;
use wattpool_schema::event::{MarketEvent, MeterRetired};
use wattpool_schema::pool::{ExecuteMsg, GridState, QueryMsg};

#[test]
fn takes_a_meter_out_of_service() {
    for sender in ["ann", "registrar"] {
        let mut market = Market::new();
        market.stated(1, LIVE.0, 1, 100);
        market.covered(2, 100);
        let retire = ExecuteMsg::RetireMeter { meter: id(1) };
        let response = market.run(sender, &retire).unwrap();
        let event = MeterRetired { meter: id(1) };
        assert_eq!(events(&response), [MarketEvent::MeterRetired(event)]);
        assert!(market.meter(1).retired);
        let state: GridState = market.ask(&QueryMsg::GridState {});
        assert_eq!(state.meters, 2);
        let retired = MarketError::MeterRetired { meter: id(1) };
        assert_eq!(market.run(sender, &retire).unwrap_err(), retired);
        let redeem = ExecuteMsg::Redeem {
            redeem: redeem(1, 2, 10, 10, None),
        };
        assert_eq!(market.run("escrow", &redeem).unwrap_err(), retired);
        let covers = vec![market.cover_of(1, LIVE, 10)];
        let response = market.run("relay", &ExecuteMsg::Cover { covers }).unwrap();
        assert_eq!(codes(&response), [Some("METER_RETIRED".into())]);
        market.go_to(NOW + 1);
        assert_eq!(market.state_one(1, NOW, 2, 10).unwrap(), "METER_RETIRED");
    }
}

#[test]
fn refusals() {
    let mut market = Market::new();
    let unknown = MarketError::UnknownMeter { meter: id(9) };
    let retire = |number| ExecuteMsg::RetireMeter { meter: id(number) };
    assert_eq!(market.run("ann", &retire(9)).unwrap_err(), unknown);
    let needs = only("meter's owner or the registrar");
    for other in ["bob", "admin", "operator"] {
        assert_eq!(market.run(other, &retire(1)).unwrap_err(), needs);
    }
    assert!(!market.meter(1).retired);
}
