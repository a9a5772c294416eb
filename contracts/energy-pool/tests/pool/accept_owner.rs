//! `AcceptOwner`: the agent is cleared, where the meter stands survives.

use crate::market::*;
use crate::propose_owner::propose;
use wattpool_schema::error::MarketError;
use wattpool_schema::event::{AgentSet, MarketEvent, OwnerChanged};
use wattpool_schema::pool::{ExecuteMsg, MetersResponse, QueryMsg, TermsResponse};
use wattpool_schema::Window;

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
    let meter = market.meter(1);
    let changed = OwnerChanged {
        meter: id(1),
        from: addr("ann").into_string(),
        to: addr("dan").into_string(),
        from_window: Window(NOW + 1),
        tenure: 2,
    };
    let cleared = AgentSet {
        meter: id(1),
        agent: None,
        agent_address: None,
        zone: meter.zone,
        kind: meter.kind,
        max_export: meter.max_export,
        max_import: meter.max_import,
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
    // The energy of the running window and of those before stays the former owner's, whenever it is stated.
    assert_eq!(market.tokens("ann"), 100);
    market.stated(1, LIVE.0 - 1, 7, 30);
    assert_eq!(market.late("ann"), [(LIVE.0, 40)]);
    market.go_to(NOW + 1);
    market.stated(1, NOW, 10, 40);
    assert_eq!((market.tokens("ann"), market.tokens("dan")), (40, 0));
    // The new owner's agent does not trade for the former one.
    let agent = Some(agent_key(8));
    let set = ExecuteMsg::SetAgent {
        meter: id(1),
        agent,
    };
    market.run("dan", &set).unwrap();
    let terms = |market: &Market| -> TermsResponse {
        let (seller, buyer) = (id(1), id(2));
        market.ask(&QueryMsg::Terms { seller, buyer })
    };
    let seller = terms(&market).seller;
    assert_eq!((seller.agent, seller.tenure), (None, 1));
    market.go_to(NOW + 2);
    market.stated(1, NOW + 1, 11, 50);
    assert_eq!((market.tokens("ann"), market.tokens("dan")), (0, 50));
    let seller = terms(&market).seller;
    assert_eq!((seller.agent, seller.tenure), (agent, 2));
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

#[test]
fn the_registrar_needs_the_owner_or_the_notice() {
    let mut market = Market::new();
    let propose = propose(1, Some("dan"));
    market.run("registrar", &propose).unwrap();
    let until = (NOW + NOTICE) * u64::from(LEN);
    let runs = MarketError::NoticeRuns { until };
    assert_eq!(market.run("dan", &accept(1)).unwrap_err(), runs);
    // The owner agrees: at once.
    market.run("ann", &propose).unwrap();
    market.run("dan", &accept(1)).unwrap();

    let mut market = Market::new();
    market.run("registrar", &propose).unwrap();
    market.go_to(NOW + NOTICE);
    market.run("dan", &accept(1)).unwrap();
    assert_eq!(market.meter(1).owner, addr("dan").into_string());
}

#[test]
fn an_objection_stops_the_registrar_until_the_administrator_decides() {
    let stands = MarketError::ObjectionStands { meter: id(1) };
    let object = ExecuteMsg::Object { meter: id(1) };
    let decide = |uphold| ExecuteMsg::Decide {
        meter: id(1),
        uphold,
    };
    let propose = propose(1, Some("dan"));
    let mut market = Market::new();
    assert_eq!(
        market.run("ann", &object).unwrap_err(),
        MarketError::NothingProposed
    );
    assert_eq!(
        market.run("admin", &decide(true)).unwrap_err(),
        MarketError::NothingProposed
    );
    market.run("registrar", &propose).unwrap();
    market.run("ann", &object).unwrap();
    market.go_to(NOW + NOTICE);
    assert_eq!(market.run("dan", &accept(1)).unwrap_err(), stands);
    // Proposing again does not get around it.
    market.run("registrar", &propose).unwrap();
    market.go_to(NOW + 2 * NOTICE);
    assert_eq!(market.run("dan", &accept(1)).unwrap_err(), stands);
    market.run("admin", &decide(true)).unwrap();
    assert_eq!(
        market.run("dan", &accept(1)).unwrap_err(),
        MarketError::NothingProposed
    );
    // Not upheld, the notice runs anew.
    market.run("registrar", &propose).unwrap();
    market.run("ann", &object).unwrap();
    market.go_to(NOW + 3 * NOTICE);
    market.run("admin", &decide(false)).unwrap();
    let until = (NOW + 4 * NOTICE) * u64::from(LEN);
    let runs = MarketError::NoticeRuns { until };
    assert_eq!(market.run("dan", &accept(1)).unwrap_err(), runs);
    market.go_to(NOW + 4 * NOTICE);
    market.run("dan", &accept(1)).unwrap();
}
