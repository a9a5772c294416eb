//! `AcceptOwner`: the agent is cleared, where the meter stands survives.

use crate::market::*;
use crate::propose_owner::propose;
use wattpool_schema::error::MarketError;
use wattpool_schema::event::{AgentSet, MarketEvent, OwnerChanged};
use wattpool_schema::pool::{ExecuteMsg, MetersResponse, QueryMsg};

fn accept(number: u8) -> ExecuteMsg {
    ExecuteMsg::AcceptOwner { meter: id(number) }
}

fn owned(market: &Market, name: &str) -> usize {
    let list: MetersResponse = market.ask(&QueryMsg::MetersOf {
        owner: addr(name).into_string(),
        start_after: None,
        limit: None,
    });
    list.meters.len()
}

#[test]
fn the_meter_changes_hands() {
    let mut market = Market::new();
    market.stated(1, LIVE.0 - 3, 5, 10);
    market.stated(1, LIVE.0, 9, 100);
    let before = market.position(1);
    market.run("ann", &propose(1, Some("dan"))).unwrap();
    let response = market.run("dan", &accept(1)).unwrap();
    let changed = OwnerChanged {
        meter: id(1),
        from: addr("ann").into_string(),
        to: addr("dan").into_string(),
    };
    let cleared = AgentSet {
        meter: id(1),
        agent: None,
        agent_address: None,
    };
    let expected = [
        MarketEvent::OwnerChanged(changed),
        MarketEvent::AgentSet(cleared),
    ];
    assert_eq!(events(&response), expected);
    let meter = market.meter(1);
    assert_eq!(
        (meter.owner, meter.proposed_owner),
        (addr("dan").into_string(), None)
    );
    assert_eq!((meter.agent, meter.agent_address), (None, None));
    assert_eq!(meter.position, before);
    assert_eq!((owned(&market, "ann"), owned(&market, "dan")), (0, 1));
    // What was minted stays the former owner's; what is stated from now on is the new one's, late or not.
    assert_eq!(market.tokens("ann"), 100);
    market.stated(1, LIVE.0 - 1, 7, 30);
    assert_eq!(market.late("dan"), [(LIVE.0 - 1, 30)]);
    assert_eq!(market.late("ann"), [(LIVE.0 - 3, 10)]);
    market.go_to(NOW + 1);
    market.stated(1, NOW, 10, 40);
    assert_eq!((market.tokens("ann"), market.tokens("dan")), (0, 40));
}

#[test]
fn refusals() {
    let mut market = Market::new();
    let unknown = MarketError::UnknownMeter { meter: id(9) };
    assert_eq!(market.run("dan", &accept(9)).unwrap_err(), unknown);
    assert_eq!(
        market.run("dan", &accept(1)).unwrap_err(),
        MarketError::NothingProposed
    );
    market.run("ann", &propose(1, Some("dan"))).unwrap();
    for other in ["ann", "registrar", "admin", "bob"] {
        assert_eq!(
            market.run(other, &accept(1)).unwrap_err(),
            only("proposed owner")
        );
    }
    market.run("ann", &propose(1, None)).unwrap();
    assert_eq!(
        market.run("dan", &accept(1)).unwrap_err(),
        MarketError::NothingProposed
    );
    // Retiring ends a proposal.
    market.run("ann", &propose(1, Some("dan"))).unwrap();
    market
        .run("ann", &ExecuteMsg::RetireMeter { meter: id(1) })
        .unwrap();
    let retired = MarketError::MeterRetired { meter: id(1) };
    assert_eq!(market.run("dan", &accept(1)).unwrap_err(), retired);
    assert_eq!(market.meter(1).proposed_owner, None);
}
