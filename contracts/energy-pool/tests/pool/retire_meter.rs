//! `RetireMeter`: no statements, covers or trades any more.

use crate::market::*;
use wattpool_schema::error::{Code, MarketError};
use wattpool_schema::event::{MarketEvent, MeterRetired};
use wattpool_schema::pool::{ExecuteMsg, GridState, QueryMsg, RedeemMsg};
use wattpool_schema::Window;

#[test]
fn takes_a_meter_out_of_service() {
    for sender in ["ann", "registrar"] {
        let mut market = Market::new();
        let retire = ExecuteMsg::RetireMeter { meter: id(1) };
        if sender == "registrar" {
            // A notice first.
            market.run(sender, &retire).unwrap();
            assert!(!market.meter(1).retired);
            let runs = market.run(sender, &retire).unwrap_err();
            assert_eq!(runs.code(), Code::NoticeRuns);
            market
                .run("ann", &ExecuteMsg::Object { meter: id(1) })
                .unwrap();
            let stands = MarketError::ObjectionStands { meter: id(1) };
            assert_eq!(market.run(sender, &retire).unwrap_err(), stands);
            let (meter, uphold) = (id(1), false);
            market
                .run("admin", &ExecuteMsg::Decide { meter, uphold })
                .unwrap();
            market.go_to(NOW + NOTICE);
        }
        let live = if sender == "registrar" {
            NOW + NOTICE - 1
        } else {
            LIVE.0
        };
        market.stated(1, live, 1, 100);
        let response = market.run(sender, &retire).unwrap();
        let event = MeterRetired { meter: id(1) };
        assert_eq!(events(&response), [MarketEvent::MeterRetired(event)]);
        assert!(market.meter(1).retired);
        let state: GridState = market.ask(&QueryMsg::GridState {});
        assert_eq!(state.meters, 2);
        let retired = MarketError::MeterRetired { meter: id(1) };
        assert_eq!(market.run(sender, &retire).unwrap_err(), retired);
        let redeem = ExecuteMsg::Redeem {
            redeem: RedeemMsg {
                window: Window(live),
                ..redeem(2, 1, 10, 10, None)
            },
        };
        assert_eq!(market.run("escrow", &redeem).unwrap_err(), retired);
        let covers = vec![market.cover_of(1, Window(live), 10)];
        let response = market.run("relay", &ExecuteMsg::Cover { covers }).unwrap();
        assert_eq!(codes(&response), [Some("METER_RETIRED".into())]);
        market.go_to(live + 2);
        assert_eq!(
            market.state_one(1, live + 1, 2, 10).unwrap(),
            "METER_RETIRED"
        );
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
