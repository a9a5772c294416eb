//! `SetDevice`: another device signs; where the meter stands survives.

use crate::market::*;
use wattpool_schema::error::MarketError;
use wattpool_schema::event::{DeviceSet, MarketEvent};
use wattpool_schema::pool::ExecuteMsg;

fn set(number: u8, key: u8) -> ExecuteMsg {
    ExecuteMsg::SetDevice {
        meter: id(number),
        device: device_key(key),
    }
}

#[test]
fn the_new_device_goes_on_where_the_old_one_stopped() {
    let mut market = Market::new();
    market.stated(1, LIVE.0, 3, 10);
    let before = market.position(1);
    let response = market.run("registrar", &set(1, 8)).unwrap();
    let event = DeviceSet {
        meter: id(1),
        device: device_key(8),
    };
    assert_eq!(events(&response), [MarketEvent::DeviceSet(event)]);
    assert_eq!(
        (market.meter(1).device, market.position(1)),
        (device_key(8), before)
    );
    market.go_to(NOW + 1);
    assert_eq!(market.state_one(1, NOW, 4, 10).unwrap(), "BAD_SIGNATURE");
    let statement = market.statement(1, NOW, 3, 10).statement;
    let signed = sign(statement, 8);
    assert_eq!(
        codes(&market.state(&[signed])),
        [Some("SEQUENCE_USED".into())]
    );
    let statement = market.statement(1, NOW, 4, 10).statement;
    let signed = sign(statement, 8);
    assert_eq!(codes(&market.state(&[signed])), [None]);
}

#[test]
fn refusals() {
    let mut market = Market::new();
    let unknown = MarketError::UnknownMeter { meter: id(9) };
    assert_eq!(market.run("registrar", &set(9, 9)).unwrap_err(), unknown);
    let retire = ExecuteMsg::RetireMeter { meter: id(1) };
    market.run("ann", &retire).unwrap();
    let retired = MarketError::MeterRetired { meter: id(1) };
    assert_eq!(market.run("registrar", &set(1, 8)).unwrap_err(), retired);
}
