//! `SetAgent`: by the owner; the address is derived from the key.

use crate::market::*;
use wattpool_schema::error::MarketError;
use wattpool_schema::event::{AgentSet, MarketEvent};
use wattpool_schema::pool::{ExecuteMsg, MeterKind};
use wattpool_schema::{AgentKey, Zone};

fn set(number: u8, agent: Option<AgentKey>) -> ExecuteMsg {
    let meter = id(number);
    ExecuteMsg::SetAgent { meter, agent }
}

/// A key and its address as published: BIP-173's example key (its hash160 is 751e76e8…), in this chain's prefix.
fn published() -> (AgentKey, String) {
    let key = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";
    let byte = |i: usize| u8::from_str_radix(&key[2 * i..2 * i + 2], 16).unwrap();
    let key = AgentKey(std::array::from_fn(byte));
    let hash = "751e76e8199196d454941c45d1b3a323f1433bd6";
    let byte = |i: usize| u8::from_str_radix(&hash[2 * i..2 * i + 2], 16).unwrap();
    let hash: [u8; 20] = std::array::from_fn(byte);
    let api = cw_multi_test::MockApiBech32::new("watt");
    let address = cosmwasm_std::Api::addr_humanize(&api, &hash.into()).unwrap();
    (key, address.into_string())
}

#[test]
fn names_and_clears_the_agent() {
    let mut market = Market::new();
    let (key, address) = published();
    let response = market.run("ann", &set(1, Some(key))).unwrap();
    let event = AgentSet {
        meter: id(1),
        agent: Some(key),
        agent_address: Some(address.clone()),
        zone: Zone(0),
        kind: MeterKind::Pv,
        max_export: market.meter(1).max_export,
        max_import: market.meter(1).max_import,
    };
    assert_eq!(events(&response), [MarketEvent::AgentSet(event)]);
    let meter = market.meter(1);
    assert_eq!(
        (meter.agent, meter.agent_address),
        (Some(key), Some(address))
    );
    let response = market.run("ann", &set(1, None)).unwrap();
    let event = AgentSet {
        meter: id(1),
        agent: None,
        agent_address: None,
        zone: Zone(0),
        kind: MeterKind::Pv,
        max_export: market.meter(1).max_export,
        max_import: market.meter(1).max_import,
    };
    assert_eq!(events(&response), [MarketEvent::AgentSet(event)]);
    let meter = market.meter(1);
    assert_eq!((meter.agent, meter.agent_address), (None, None));
}

#[test]
fn refusals() {
    let mut market = Market::new();
    let key = Some(agent_key(8));
    let unknown = MarketError::UnknownMeter { meter: id(9) };
    assert_eq!(market.run("ann", &set(9, key)).unwrap_err(), unknown);
    for other in ["bob", "registrar", "admin"] {
        assert_eq!(
            market.run(other, &set(1, key)).unwrap_err(),
            only("meter's owner")
        );
    }
    let expected = "a compressed secp256k1 public key (first byte 2 or 3)";
    let uncompressed = Some(AgentKey([4; 33]));
    assert_eq!(
        market.run("ann", &set(1, uncompressed)).unwrap_err(),
        bad("agent", expected)
    );
    assert_eq!(market.meter(1).agent, Some(agent_key(1)));
    market
        .run("ann", &ExecuteMsg::RetireMeter { meter: id(1) })
        .unwrap();
    let retired = MarketError::MeterRetired { meter: id(1) };
    assert_eq!(market.run("ann", &set(1, key)).unwrap_err(), retired);
}
